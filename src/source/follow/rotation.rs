//! What becomes of an open log whose file is renamed, copied and truncated, or written no more.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::facts::LogFacts;
use super::horizon::Horizon;
use super::missed_rotation::MissedRotation;
use super::open_log::OpenLog;
use super::open_logs::OpenLogs;
use super::poll::Poll;
use super::settings::FollowSettings;
use crate::source::blocks::event::LogEvent;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{FileStatus, leads_to};
use crate::source::generation::Generation;
use crate::source::identity::find::{FoundFile, SearchScope, list_candidates, new_name, search};
use crate::source::identity::listing::FolderListings;
use crate::source::identity::siblings::{Sibling, directory_of};

/// The copy that `copytruncate` made: a file that holds what was read, and is not the one that was truncated. `as_read` is the
/// generation as of the last byte that was read.
pub(crate) fn find_copy(
    as_read: &Generation,
    open: &OpenLogs,
    settings: &FollowSettings,
    listings: &mut FolderListings,
) -> Option<FoundFile> {
    let candidates = list_candidates(as_read, SearchScope::Rotation, settings.elsewhere_of(&as_read.log), listings);
    let is_beside = |file: &&Sibling| {
        let inode = file.status.device_inode;
        file.path != as_read.path && inode != as_read.device_inode && !open.is_open(inode)
    };
    search(as_read, candidates.files.iter().filter(is_beside), UncompressedReader::of_file, |_| true).found
}

/// Whether the folder of a log, which is named by its path, cannot be looked into: nobody can tell what was copied there.
pub(crate) fn is_out_of_sight(generation: &Generation, facts: &LogFacts, poll: &mut Poll<'_>) -> bool {
    match poll.listings.siblings(&generation.path) {
        Ok(_) => false,
        Err(error) => error.kind() != ErrorKind::NotFound || facts.patterns.is_away(&generation.log),
    }
}

/// What came of the names that lead to an open file now.
#[derive(Debug, Default)]
pub(crate) struct NameChange {
    /// It is called something else.
    pub(crate) moved: Option<LogEvent>,
    /// It was rotated away, and others may have been since that were never seen.
    pub(crate) missed: Option<MissedRotation>,
}

/// Notes which of `names`, the watched paths that lead to the file now, it is followed by: the one it was followed by before, if
/// that is still among them. If there is none, it was rotated away, and what it is called since then is looked for.
pub(crate) fn update_name(log: &mut OpenLog, names: &[&Path], horizon: &Horizon, poll: &mut Poll<'_>) -> NameChange {
    let inode = log.status.device_inode;
    let before = log.live.take();
    let kept = before.as_deref().filter(|path| names.contains(path));
    log.live = kept.or(names.first().copied()).map(Path::to_owned);
    if log.live.is_some() && log.live == before {
        return NameChange::default();
    }
    // Also if another name leads to it still.
    let missed = before.is_some().then(|| MissedRotation::of_log(log, horizon, poll.now));
    let mut name = None;
    if let Some(live) = &log.live {
        log.origin.clone_from(live);
        name = std::fs::canonicalize(live).ok();
        // The link may have been turned since it was looked at.
        name = name.filter(|path| leads_to(path, inode));
    } else {
        if before.is_some() {
            log.detached = poll.now;
        }
        if before.is_some() || poll.around {
            let elsewhere = poll.settings.elsewhere_of(&log.generation.log);
            name = new_name(&log.generation.path, inode, elsewhere, &mut poll.listings);
        }
    }
    let moved = name.filter(|path| *path != log.generation.path).map(|path| move_to(log, path));
    NameChange { moved, missed }
}

fn move_to(log: &mut OpenLog, path: PathBuf) -> LogEvent {
    log.generation.path.clone_from(&path);
    let Generation { id, device_inode, .. } = log.generation;
    LogEvent::Moved { generation: id, path, device_inode }
}

/// Whether a file that no watched path leads to, and that is read to its end, will grow no more. A compressed file and a copy do
/// not grow. Another file must have been quiet for `rotate_grace`, and its writer must be seen to have gone on elsewhere: while
/// the successor is empty, nginx may not have got its USR1 yet.
pub(crate) fn is_over(log: &OpenLog, facts: &LogFacts, poll: &Poll<'_>) -> bool {
    if !log.is_plain() || log.truncated_at.is_some() {
        return true;
    }
    let quiet_since = log.changed.max(log.detached);
    if poll.now < quiet_since.plus(poll.settings.rotate_grace) {
        return false;
    }
    match FileStatus::of_path(&log.origin) {
        Ok(successor) => log.status.deleted || successor.device_inode == log.status.device_inode || successor.size > 0,
        // There has been none since the file was rotated away, at least at every look. One that is configured by its path will be made;
        // until then its writer has no other file.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Where its folder is not there either, what took its place may come back with that.
            let is_folder_there = directory_of(&log.origin).is_some_and(Path::exists);
            if facts.patterns.names_plainly(&log.origin) && !is_folder_there {
                return false;
            }
            log.status.deleted || !facts.patterns.names_plainly(&log.origin) || facts.has_later(log)
        }
        // Nobody can tell.
        Err(_) => false,
    }
}
