//! One poll, as its steps see it: when it is, how thoroughly they look, and whom they tell what.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::FollowSettings;
use crate::error::Error;
use crate::source::blocks::event::LogEvent;
use crate::time::Timestamp;

/// Takes an event; `Break` has the poll return early.
pub(crate) type Emit<'p> = dyn FnMut(LogEvent) -> ControlFlow<()> + 'p;

/// Something is wrong with a file.
#[derive(Debug)]
pub(crate) struct FileProblem {
    pub(crate) path: PathBuf,
    pub(crate) error: Error,
}

/// What every step of a poll is given.
pub(crate) struct Poll<'p> {
    pub(crate) now: Timestamp,
    /// Whether this poll also expands globs and lists directories, which would be too much for each.
    pub(crate) around: bool,
    pub(crate) settings: Arc<FollowSettings>,
    pub(crate) problems: Problems,
    pub(crate) emit: &'p mut Emit<'p>,
}

impl Poll<'_> {
    /// Gives out an event.
    pub(crate) fn tell(&mut self, event: LogEvent) -> ControlFlow<()> {
        (self.emit)(event)
    }

    /// Says what is wrong with `path`, unless that was said already.
    pub(crate) fn tell_problem(&mut self, path: &Path, error: Error) -> ControlFlow<()> {
        if self.problems.told.get(path).is_some_and(|told| told == error.what()) {
            return ControlFlow::Continue(());
        }
        self.problems.told.insert(path.to_owned(), error.what().to_owned());
        self.tell(LogEvent::Problem { path: path.to_owned(), error })
    }

    /// Nothing is wrong with `path` now, so that what comes next is said again.
    pub(crate) fn no_problem(&mut self, path: &Path) {
        if !self.problems.told.is_empty() {
            self.problems.told.remove(path);
        }
    }

    /// A watched path leads nowhere: worth saying when that lasts longer than a rotation takes.
    pub(crate) fn missing(&mut self, path: &Path) -> ControlFlow<()> {
        let since = *self.problems.missing_since.entry(path.to_owned()).or_insert(self.now);
        if self.now < since.plus(self.settings.rotate_grace) {
            return ControlFlow::Continue(());
        }
        let error = Error::failed("there is no such file")
            .at(path)
            .remedy("correct the path in spikeline's configuration, or wait for nginx to create it");
        self.tell_problem(path, error)
    }

    /// A watched path leads somewhere.
    pub(crate) fn not_missing(&mut self, path: &Path) {
        if !self.problems.missing_since.is_empty() {
            self.problems.missing_since.remove(path);
        }
    }
}

/// What is wrong with files, kept from poll to poll so that it is said once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// What was said of each path last.
    told: HashMap<PathBuf, String>,
    /// Watched paths that lead nowhere, and since when.
    missing_since: HashMap<PathBuf, Timestamp>,
}
