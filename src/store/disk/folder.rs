//! An open folder: what is in it is reached through its handle and a name, never by a path, and never through a link.
//!
//! Whoever may write beside a store, or could for a moment, may put a link where a file of it was. A writer that runs as root
//! would then overwrite what the link leads to. So no link is followed below the store's own folder, and only what is a file, with
//! no other name, is opened: a FIFO of that name would be waited for.

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fmt;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

/// A folder that is open. The names that its functions take have no slash.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: File,
}

/// Who has a file, and who may read and write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// The user's number.
    pub(crate) user: u32,
    /// The group's number.
    pub(crate) group: u32,
    /// The nine bits of a mode.
    pub(crate) mode: u32,
}

impl From<&Metadata> for Ownership {
    fn from(of: &Metadata) -> Ownership {
        Ownership { user: of.uid(), group: of.gid(), mode: of.mode() & 0o777 }
    }
}

/// What is there under a name of the store is not its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NoFile;

impl fmt::Display for NoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a link, or something else that is no file of its own, is in its place; it was not opened")
    }
}

impl std::error::Error for NoFile {}

/// Whether something was not opened because it is a link or the like.
pub(crate) fn is_no_file(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoFile>())
}

impl Folder {
    /// The folder at `path`, which may itself be a link: that is its owner's choice.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder { handle: File::from(rustix::fs::open(path, flags, Mode::empty())?) })
    }

    /// A folder in this one.
    pub(crate) fn subfolder(&self, name: &str) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        Ok(Folder { handle: File::from(self.open_at(name, flags, 0)?) })
    }

    /// A file of this folder.
    pub(crate) fn file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let file = File::from(self.open_at(name, flags | OFlags::NONBLOCK, 0)?);
        let found = file.metadata()?;
        if !found.is_file() || found.nlink() > 1 {
            return Err(io::Error::other(NoFile));
        }
        Ok(file)
    }

    /// A new file, readable by its user alone until [`give`] says more.
    ///
    /// # Errors
    /// Also if there is anything of that name.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        Ok(File::from(self.open_at(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, 0o600)?))
    }

    /// A new folder in this one, or the one that is there.
    pub(crate) fn make_subfolder(&self, name: &str, own: Option<Ownership>) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) => own.map_or(Ok(()), |own| give(&self.subfolder(name)?.handle, own)),
            Err(Errno::EXIST) => self.subfolder(name).map(drop),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in it that are UTF-8, as all names of a store are, in their order.
    pub(crate) fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in rustix::fs::Dir::read_from(&self.handle)? {
            if let Ok(name) = item?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Give what has the name `from` the name `to`.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Remove what has this name, and no more than the name if it is a link.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Make its names durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    /// The folder itself.
    pub(crate) fn handle(&self) -> &File {
        &self.handle
    }

    fn open_at(&self, name: &str, flags: OFlags, mode: u32) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(mode)).map_err(|error| match error {
            // Linux says of a link that it is no folder, where a folder is asked for.
            Errno::LOOP | Errno::NOTDIR => io::Error::other(NoFile),
            error => error.into(),
        })
    }
}

/// Give an open file or folder to whom `own` says. What this process may not change stays as it is.
///
/// # Errors
/// If its mode cannot be set.
pub(crate) fn give(file: &File, own: Ownership) -> io::Result<()> {
    let held = Ownership::from(&file.metadata()?);
    if (held.user, held.group) != (own.user, own.group) {
        let _not_allowed = fchown(file, (held.user != own.user).then_some(own.user), Some(own.group));
    }
    if held.mode == own.mode {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(own.mode))
}

/// Whether two descriptions are of one file.
pub(crate) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Nothing that another put in a file's place is opened: links, hard links, FIFOs, folders.
    #[test]
    fn only_a_file_of_its_own_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        std::fs::write(at("victim"), "precious").unwrap();
        std::fs::hard_link(at("victim"), at("hard")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        symlink(at("folder"), at("linked-folder")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(folder.file("file", OFlags::RDONLY).is_ok());
        assert!(folder.subfolder("folder").is_ok());
        for name in ["link", "hard", "fifo", "folder"] {
            assert!(folder.file(name, OFlags::RDONLY).is_err(), "{name}");
        }
        for name in ["linked-folder", "file"] {
            assert!(folder.subfolder(name).is_err() && folder.make_subfolder(name, None).is_err(), "{name}");
        }
        assert!(folder.create_file("link").is_err());
        folder.remove("link").unwrap();
        assert_eq!(std::fs::read(at("file")).unwrap(), b"x");
    }
}
