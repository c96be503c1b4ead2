//! A log of which rotated files may have been missed: whose, and since when.

use std::path::PathBuf;
use std::time::Duration;

use super::facts::LogFacts;
use super::horizon::{COPIED_TIME_LAG, Horizon};
use super::open_log::OpenLog;
use super::poll::{FileProblem, Unreadable};
use crate::error::Error;
use crate::source::generation::Generation;
use crate::source::identity::siblings::{Sibling, base_of};
use crate::source::unread_span::UnreadCause;
use crate::time::Timestamp;

/// A log of which rotated files may have been missed.
#[derive(Debug)]
pub(crate) struct MissedRotation {
    /// The log's path before rotation.
    pub(crate) base: PathBuf,
    /// The key of its section.
    pub(crate) key: String,
    /// A file that was not written since then is older than what was missed.
    pub(crate) since: Timestamp,
    /// When this was noticed.
    pub(crate) noticed: Timestamp,
}

impl MissedRotation {
    /// The file of an open log turned into another.
    pub(crate) fn of_log(log: &OpenLog, horizon: &Horizon, now: Timestamp) -> MissedRotation {
        let Generation { path, log: key, .. } = &log.generation;
        let since = horizon.missed_since(log.status);
        MissedRotation { base: base_of(path), key: key.clone(), since, noticed: now }
    }

    /// Whether a file was surely written before what was missed.
    pub(crate) fn is_older(&self, file: &Sibling) -> bool {
        let lag = if file.compressed { COPIED_TIME_LAG } else { Duration::ZERO };
        file.status.modified().plus(lag) < self.since
    }

    /// A file that may hold what was missed cannot be looked into, or not to its end.
    pub(crate) fn problem_of(&self, file: &Sibling, cause: UnreadCause, error: Error, facts: &LogFacts) -> FileProblem {
        let mut unread = Unreadable::at_path(&file.path, &self.key, cause, &error);
        unread.device_inode = Some(file.status.device_inode);
        unread.from = Some(facts.horizon.read_until().map_or(self.since, |read_until| read_until.max(self.since)));
        unread.until = Some(file.status.written_until());
        FileProblem { path: file.path.clone(), error, unread: Some(unread) }
    }
}
