//! Files that are not open and may be new logs: which of them are, and where reading begins.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::facts::LogFacts;
use super::horizon::Horizon;
use super::open_log::OpenLog;
use super::open_logs::OpenLogs;
use super::patterns::SeenPath;
use super::poll::{Poll, Unreadable};
use super::resume::AwaitedGenerations;
use crate::error::Error;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{FileStatus, is_own_output, open_regular, other_than_file, real_path};
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::compare::{Comparison, compare_open};
use crate::source::identity::tail_search::{TailPlace, find_tail};
use crate::source::unread_span::UnreadCause;
use crate::time::Timestamp;

/// How many files are remembered as read to their end. Forgetting one costs another look into it.
const SETTLED_LIMIT: usize = 1 << 18;

/// A file that is not open, and not settled.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) status: FileStatus,
    /// The key of its log's section.
    pub(crate) key: String,
    /// Whether a watched path leads to it; else it is one that was rotated away.
    pub(crate) is_live: bool,
    /// Since when it may have been missed, if it was rotated away.
    pub(crate) since: Option<Timestamp>,
    /// The open generation that goes on in it: it is a longer copy of its file, which was deleted.
    pub(crate) continues: Option<GenerationId>,
}

impl NewFile {
    /// What is said of it while it cannot be read. One that was rotated away was written after its log was looked at last, and before it was
    /// written last itself.
    pub(crate) fn unreadable(&self, error: &Error, horizon: &Horizon) -> Unreadable {
        let report = Unreadable::at_path(&self.path, &self.key, UnreadCause::Denied, error);
        let report = Unreadable { device_inode: Some(self.status.device_inode), ..report };
        if self.is_live {
            return report;
        }
        Unreadable { from: horizon.read_until().max(self.since), until: Some(self.status.written_until()), ..report }
    }
}

/// Files that are known in the state in which they are: they were read, or hold what was read, or hold nothing.
#[derive(Debug, Default)]
pub(crate) struct SettledFiles {
    by_inode: HashMap<DeviceInode, FileStatus>,
}

impl SettledFiles {
    /// Whether a file is known in this state.
    pub(crate) fn is_settled(&self, status: FileStatus) -> bool {
        self.by_inode.get(&status.device_inode) == Some(&status)
    }

    /// A file is known in this state.
    pub(crate) fn settle(&mut self, status: FileStatus) {
        if self.by_inode.len() >= SETTLED_LIMIT {
            self.by_inode.clear();
        }
        self.by_inode.insert(status.device_inode, status);
    }

    /// Whatever state a file is in from now on, it is not known.
    pub(crate) fn unsettle(&mut self, device_inode: DeviceInode) {
        self.by_inode.remove(&device_inode);
    }
}

/// The files at watched paths that are not open and not empty.
pub(crate) fn new_at_paths(seen: Vec<SeenPath>, open: &OpenLogs, poll: &mut Poll<'_>) -> ControlFlow<(), Vec<NewFile>> {
    let mut new = Vec::new();
    for SeenPath { path, key, status, is_plain } in seen {
        if status.is_ok() {
            poll.not_missing(&path);
        }
        match status {
            Ok(status) if !status.regular || is_own_output(status.device_inode) => {
                let error = not_to_be_followed(&path);
                // What a glob names besides files is no log.
                let report = Unreadable::at_path(&path, &key, UnreadCause::Denied, &error);
                poll.unread.extend(is_plain.then_some(report));
                poll.tell_problem(&path, error)?;
            }
            Ok(status) if status.size == 0 || open.is_open(status.device_inode) => poll.no_problem(&path),
            Ok(status) => new.push(NewFile { path, status, key, is_live: true, since: None, continues: None }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                poll.missing(&path, &key, open.is_read_elsewhere(&path))?;
            }
            Err(error) => {
                let error = Error::io("look at it", &path, &error);
                poll.cannot_read(Unreadable::at_path(&path, &key, UnreadCause::Denied, &error), error)?;
            }
        }
    }
    ControlFlow::Continue(new)
}

/// What to say of a path that leads to no file, or to what this program writes itself.
fn not_to_be_followed(path: &Path) -> Error {
    let kind = std::fs::metadata(path).ok().and_then(|status| other_than_file(&status));
    let what = match kind {
        Some(kind) => format!("is {kind}, not a file, so it is not followed"),
        None => "is what this program itself writes to, so it is not followed".to_owned(),
    };
    // nginx's container image links its logs to /dev/stdout.
    Error::failed(what).at(path).remedy("have nginx write to a file as well (access_log in nginx.conf), and name that")
}

/// What there is in a file that was not open.
#[derive(Debug, Default)]
pub(crate) struct OpenedFile {
    /// The log, if there is something in it to be read now.
    pub(crate) log: Option<OpenLog>,
    /// The closed generation that was read in this very file; what is behind it is not lost.
    pub(crate) held: Option<GenerationId>,
    /// It may hold a generation that was away or out of reach: the next look around tells.
    pub(crate) is_awaited: bool,
}

/// Opens a file as a new generation, its number still to be given; `None` if there is nothing in it to be read now. A live file
/// that holds a finished generation and more is read from there on, or from `behind` what was read of an open one; with `at_end`,
/// from its end.
///
/// # Errors
/// When the file cannot be opened or read.
pub(crate) fn open_new_file(
    new: &NewFile,
    behind: Option<TailPlace>,
    at_end: bool,
    settled: &mut SettledFiles,
    facts: &LogFacts,
    awaited: &AwaitedGenerations,
    poll: &Poll<'_>,
) -> io::Result<OpenedFile> {
    // One look at the links, so that the file and its name belong together; and one file from here on.
    let path = real_path(&new.path);
    let mut file = open_regular(&path)?;
    let status = FileStatus::of_file(&file)?;
    let inode = status.device_inode;
    // A rotated file was compared with what is awaited.
    let is_unreadable = new.is_live && awaited.may_be_in(inode);
    if status.size == 0 || facts.open.is_open(inode) || is_unreadable || settled.is_settled(status) {
        return Ok(OpenedFile::default());
    }
    if new.is_live && (awaited.is_any_away(&new.key) || awaited.is_any_in(&mut file, &path, &new.key)?) {
        return Ok(OpenedFile { is_awaited: true, ..OpenedFile::default() });
    }
    let (mut position, mut held) = (0, None);
    if new.is_live {
        if let Some(before) = read_before(&mut file, &path, inode, facts)? {
            position = before.position;
            held = Some(before).filter(|before| before.device_inode.inode == inode.inode).map(|before| before.id);
        }
        let place = if position > 0 {
            None
        } else {
            behind.map_or_else(|| behind_closed(&path, &file, facts), |at| Ok(Some(at)))?
        };
        position = place.map_or(position, |place| place.end);
        if position > 0 && position == status.size {
            settled.settle(status);
            return Ok(OpenedFile { held, ..OpenedFile::default() });
        }
        if at_end {
            position = status.size;
        }
    }
    let log = OpenLog::begin(file, &path, &new.key, position, poll.now, &poll.settings)?;
    if log.generation.fingerprint.length == 0 {
        // Compressed, and empty inside.
        settled.settle(status);
        return Ok(OpenedFile::default());
    }
    Ok(OpenedFile { log: Some(log), held, is_awaited: false })
}

/// The closed generation that has read most of this very file, or of one that was at its path and that it is a copy of. Leaves it at
/// its beginning.
fn read_before<'a>(
    file: &mut File,
    path: &Path,
    device_inode: DeviceInode,
    facts: &'a LogFacts,
) -> io::Result<Option<&'a Generation>> {
    let mut before: Option<&Generation> = None;
    for generation in facts.closed.in_or_at(device_inode, path) {
        if generation.position <= before.map_or(0, |before| before.position) {
            continue;
        }
        if matches!(compare_open(generation, file, UncompressedReader::of_file)?, Comparison::Same(_)) {
            before = Some(generation);
        }
        file.rewind()?;
    }
    Ok(before)
}

/// Where in the file at `path` what was read last of a closed generation ends that was there; `file` is open at its beginning.
///
/// # Errors
/// When it cannot be read.
fn behind_closed(path: &Path, file: &File, facts: &LogFacts) -> io::Result<Option<TailPlace>> {
    match facts.closed.last_at(path) {
        Some(before) => find_tail(file, before),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_settled_in_the_very_state_in_which_it_was_and_only_so_many_are_remembered() {
        let status = |inode: u64, size: u64| FileStatus {
            device_inode: DeviceInode { device: 1, inode },
            size,
            modified: (1, 0),
            regular: true,
            deleted: false,
        };
        let mut settled = SettledFiles::default();
        settled.settle(status(1, 10));
        assert!(settled.is_settled(status(1, 10)));
        assert!(!settled.is_settled(status(1, 11)) && !settled.is_settled(status(2, 10)));
        settled.unsettle(status(1, 10).device_inode);
        assert!(!settled.is_settled(status(1, 10)));
        for inode in 0..10_000 {
            settled.settle(status(inode, 1));
            assert!(settled.is_settled(status(inode, 1)) && settled.by_inode.len() <= SETTLED_LIMIT);
        }
    }
}
