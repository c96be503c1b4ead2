//! A folder of logs, and beside it what is known of every file in it: which document it holds, and how much of it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};

use crate::document::Document;

/// A file that is not compressed; it may have several names, or none.
#[derive(Debug)]
pub(crate) struct Inode {
    pub(crate) document: usize,
    pub(crate) length: usize,
    pub(crate) modified: i64,
    /// Nobody may open it for reading. Who has it open goes on.
    pub(crate) denied: bool,
    /// It had a name when a daemon looked.
    pub(crate) was_there: bool,
}

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Index of an inode.
    Plain(usize),
    /// A compressed file: its document, and how much of it; `whole` if it is not still being written.
    Packed { document: usize, length: usize, whole: bool },
    /// A symbolic link to a name.
    Link(String),
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gz,
    /// In several members.
    GzMembers,
    Zst,
    Xz,
    Bz2,
}

impl Packing {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Packing::Gz | Packing::GzMembers => "gz",
            Packing::Zst => "zst",
            Packing::Xz => "xz",
            Packing::Bz2 => "bz2",
        }
    }

    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        let gzip = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        match self {
            Packing::Gz => gzip(bytes),
            Packing::GzMembers => {
                let (one, other) = bytes.split_at(bytes.len() / 3);
                [gzip(one), gzip(other)].concat()
            }
            Packing::Zst => zstd::encode_all(bytes, 1).unwrap(),
            Packing::Xz => liblzma::encode_all(bytes, 0).unwrap(),
            Packing::Bz2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }
}

/// The folder.
pub(crate) struct Disk {
    folder: PathBuf,
    /// The whole folder is away, as is a disk that is not mounted. Who has a file open goes on.
    is_away: bool,
    pub(crate) names: BTreeMap<String, Node>,
    pub(crate) inodes: Vec<Inode>,
    pub(crate) documents: Vec<Document>,
    /// The files that have no name any more: while they are open, no other gets their inodes.
    nameless: Vec<OwnedFd>,
}

impl Disk {
    pub(crate) fn new(folder: PathBuf) -> Disk {
        let (inodes, documents, nameless) = (Vec::new(), Vec::new(), Vec::new());
        Disk { folder, is_away: false, names: BTreeMap::new(), inodes, documents, nameless }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder goes, or comes back.
    pub(crate) fn set_away(&mut self, is_away: bool) {
        let elsewhere = self.folder.with_extension("away");
        let (from, to) = if is_away { (&self.folder, &elsewhere) } else { (&elsewhere, &self.folder) };
        std::fs::rename(from, to).unwrap();
        self.is_away = is_away;
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    fn document(&mut self, inode: usize) -> usize {
        self.documents.push(Document { inode, ..Document::default() });
        self.documents.len() - 1
    }

    /// Whether the file that a document was written to is still there, whatever it holds now.
    pub(crate) fn is_there(&self, document: usize) -> bool {
        let inode = self.documents[document].inode;
        self.names.values().any(|node| *node == Node::Plain(inode))
    }

    /// The inode that a name leads to.
    pub(crate) fn inode(&self, name: &str) -> Option<usize> {
        match self.names.get(name)? {
            Node::Plain(inode) => Some(*inode),
            Node::Link(target) => self.inode(target),
            Node::Packed { .. } => None,
        }
    }

    /// The document that a path leads to, and how much of it is there.
    pub(crate) fn held_at(&self, path: &Path) -> Option<(usize, usize)> {
        let name = path.strip_prefix(&self.folder).ok()?.to_str()?;
        match self.names.get(name)? {
            Node::Packed { document, length, .. } => Some((*document, *length)),
            _ => self.inode(name).map(|inode| (self.inodes[inode].document, self.inodes[inode].length)),
        }
    }

    /// How much of a document can be found in the folder.
    pub(crate) fn available(&self, document: usize) -> usize {
        let held = self.names.values().filter(|_| !self.is_away).map(|node| match node {
            Node::Plain(inode) if self.inodes[*inode].document == document => self.inodes[*inode].length,
            Node::Packed { document: held, length, whole: true } if *held == document => *length,
            _ => 0,
        });
        held.max().unwrap_or(0)
    }

    /// A daemon looks at all that is there.
    pub(crate) fn note_look(&mut self) {
        for node in self.names.values().filter(|_| !self.is_away) {
            if let Node::Plain(inode) = node {
                self.inodes[*inode].was_there = true;
            }
        }
    }

    /// How much of a document there is in files that are there, or that a daemon may have open.
    pub(crate) fn known_length(&self, document: usize) -> u64 {
        let seen = self.inodes.iter().filter(|inode| inode.was_there && inode.document == document);
        let open = seen.map(|inode| inode.length).max().unwrap_or(0);
        open.max(self.available(document)) as u64
    }

    fn stamp(&mut self, inode: usize, file: &File, now: i64) {
        self.inodes[inode].modified = now;
        set_modified(file, now);
    }

    /// Opens a log as nginx does: it is made if it is not there.
    pub(crate) fn open(&mut self, name: &str, now: i64) -> Writer {
        let file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        let inode = self.inode(name).unwrap_or_else(|| {
            let document = self.document(self.inodes.len());
            self.inodes.push(Inode { document, length: 0, modified: now, denied: false, was_there: false });
            let inode = self.inodes.len() - 1;
            self.names.insert(name.to_owned(), Node::Plain(inode));
            self.stamp(inode, &file, now);
            inode
        });
        Writer { inode, file }
    }

    pub(crate) fn write(&mut self, writer: &mut Writer, text: &[u8], now: i64) {
        writer.file.write_all(text).unwrap();
        let inode = &mut self.inodes[writer.inode];
        inode.length += text.len();
        self.documents[inode.document].append(text, now);
        assert_eq!(inode.length, self.documents[inode.document].bytes.len(), "a document has one writer");
        self.stamp(writer.inode, &writer.file, now);
    }

    /// Lets a file be read, or not.
    pub(crate) fn allow(&mut self, name: &str, allowed: bool) {
        let Some(inode) = self.inode(name) else { return };
        let mode = PermissionsExt::from_mode(if allowed { 0o644 } else { 0o200 });
        std::fs::set_permissions(self.path(name), mode).unwrap();
        self.inodes[inode].denied = !allowed;
        self.documents[self.inodes[inode].document].was_denied |= !allowed;
    }

    /// Lets all files be read.
    pub(crate) fn allow_all(&mut self) {
        let names: Vec<String> = self.names.keys().cloned().collect();
        for name in names {
            if self.inode(&name).is_some_and(|inode| self.inodes[inode].denied) {
                self.allow(&name, true);
            }
        }
    }

    /// Whether there is a file that nobody may read.
    pub(crate) fn any_denied(&self) -> bool {
        self.names.values().any(|node| matches!(node, Node::Plain(inode) if self.inodes[*inode].denied))
    }

    /// Whether a document stands in a file that nobody may read.
    pub(crate) fn is_denied(&self, document: usize) -> bool {
        let mut there = self.names.values();
        there.any(|node| matches!(node, Node::Plain(inode) if self.inodes[*inode].denied && self.inodes[*inode].document == document))
    }

    /// Whether a document stands in a file that nobody may read, or at this name, and is away.
    pub(crate) fn is_out_of_reach(&self, document: usize, log: &str) -> bool {
        let is_in_log = |inode: usize| self.inodes[inode].document == document;
        self.is_denied(document) || self.is_away && self.inode(log).is_some_and(is_in_log)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
        let node = self.names.remove(from).unwrap();
        self.names.insert(to.to_owned(), node);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.keep_inode(name);
        std::fs::remove_file(self.path(name)).unwrap();
        self.names.remove(name);
    }

    /// The file at this name will have none. That its inode goes to a file which is made later, is told by when that was made; here files are
    /// not made by the clock that is moved by hand.
    fn keep_inode(&mut self, name: &str) {
        let file = rustix::fs::open(self.path(name), OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        self.nameless.push(file.unwrap());
    }

    pub(crate) fn truncate(&mut self, name: &str, now: i64) {
        let file = OpenOptions::new().write(true).open(self.path(name)).unwrap();
        file.set_len(0).unwrap();
        let inode = self.inode(name).unwrap();
        let document = self.document(inode);
        self.inodes[inode].document = document;
        self.inodes[inode].length = 0;
        self.stamp(inode, &file, now);
    }

    /// What rsync does: a copy of the log, with more in it, takes its place.
    pub(crate) fn replace(&mut self, name: &str, more: &[u8], now: i64) -> Writer {
        let document = self.inodes[self.inode(name).unwrap()].document;
        self.documents[document].append(more, now);
        let length = self.documents[document].bytes.len();
        self.inodes.push(Inode { document, length, modified: now, denied: false, was_there: false });
        let inode = self.inodes.len() - 1;
        let temporary = self.path(".temporary");
        std::fs::write(&temporary, &self.documents[document].bytes).unwrap();
        let file = OpenOptions::new().append(true).open(&temporary).unwrap();
        self.stamp(inode, &file, now);
        self.keep_inode(name);
        std::fs::rename(&temporary, self.path(name)).unwrap();
        self.documents[document].inode = inode;
        self.documents[document].is_copied = true;
        self.documents[document].is_copied_unread |= self.documents[document].was_denied;
        self.names.insert(name.to_owned(), Node::Plain(inode));
        Writer { inode, file }
    }

    /// What `copytruncate` does first.
    pub(crate) fn copy(&mut self, name: &str, copy: &str, now: i64) {
        std::fs::copy(self.path(name), self.path(copy)).unwrap();
        let file = File::options().write(true).open(self.path(copy)).unwrap();
        let of = &self.inodes[self.inode(name).unwrap()];
        let (document, length) = (of.document, of.length);
        self.documents[document].is_copied_unread |= self.documents[document].was_denied;
        self.inodes.push(Inode { document, length, modified: now, denied: false, was_there: false });
        let inode = self.inodes.len() - 1;
        self.names.insert(copy.to_owned(), Node::Plain(inode));
        self.stamp(inode, &file, now);
    }

    /// Compresses a file beside itself; all of it, or as far as gzip has got.
    pub(crate) fn pack(&mut self, name: &str, packing: Packing, whole: bool) -> String {
        let inode = &self.inodes[self.inode(name).unwrap()];
        let (document, length, modified) = (inode.document, inode.length, inode.modified);
        let mut packed = packing.pack(&self.documents[document].bytes[..length]);
        if !whole {
            packed.truncate(packed.len() / 2);
        }
        let packed_name = format!("{name}.{}", packing.extension());
        let mut file = File::create(self.path(&packed_name)).unwrap();
        file.write_all(&packed).unwrap();
        set_modified(&file, modified);
        self.names.insert(packed_name.clone(), Node::Packed { document, length, whole });
        packed_name
    }

    pub(crate) fn link(&mut self, name: &str, alias: &str, symbolic: bool) {
        if symbolic {
            symlink(name, self.path(alias)).unwrap();
            self.names.insert(alias.to_owned(), Node::Link(name.to_owned()));
        } else {
            std::fs::hard_link(self.path(name), self.path(alias)).unwrap();
            self.names.insert(alias.to_owned(), self.names[name].clone());
        }
    }
}

/// What nginx holds open.
pub(crate) struct Writer {
    pub(crate) inode: usize,
    file: File,
}

fn set_modified(file: &File, now: i64) {
    file.set_modified(UNIX_EPOCH + Duration::from_millis(now.unsigned_abs())).unwrap();
}
