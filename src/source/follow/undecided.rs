//! Rotated files of which only time will tell whether they were read: each may be a copy in the making.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::poll::Poll;
use crate::source::file::FileStatus;
use crate::source::identity::siblings::Sibling;
use crate::time::Timestamp;

/// How long a file has been waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It is new, or has changed.
    NotYet,
    /// It has not changed, but not for long enough.
    Waiting,
    /// It has not changed for `rotate_grace`: nothing more will come.
    Over,
}

/// A file that is waited for.
#[derive(Debug)]
struct UndecidedFile {
    status: FileStatus,
    /// Since when it has this status.
    since: Timestamp,
}

/// The files that are waited for.
#[derive(Debug, Default)]
pub(crate) struct UndecidedFiles {
    files: HashMap<PathBuf, UndecidedFile>,
}

impl UndecidedFiles {
    /// How long `file` has been waited for.
    pub(crate) fn patience(&self, file: &Sibling, poll: &Poll<'_>) -> Patience {
        match self.files.get(&file.path) {
            Some(known) if known.status == file.status => {
                let is_over = poll.now >= known.since.plus(poll.settings.rotate_grace);
                if is_over { Patience::Over } else { Patience::Waiting }
            }
            _ => Patience::NotYet,
        }
    }

    /// Waits for `file` from now on.
    pub(crate) fn wait_for(&mut self, file: &Sibling, now: Timestamp) {
        self.files.insert(file.path.clone(), UndecidedFile { status: file.status, since: now });
    }

    /// Whether one is waited for that the last look at directories, at `looked`, could not decide.
    pub(crate) fn is_any_undecided(&self, looked: Option<Timestamp>, grace: Duration) -> bool {
        self.files.values().any(|file| looked.is_none_or(|at| at < file.since.plus(grace)))
    }

    /// No rotated files are looked for any more.
    pub(crate) fn clear(&mut self) {
        self.files.clear();
    }
}
