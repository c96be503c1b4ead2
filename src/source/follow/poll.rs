//! One poll, as its steps see it: when it is, how thoroughly they look, and whom they tell what.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::settings::FollowSettings;
use crate::error::Error;
use crate::source::blocks::event::LogEvent;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::listing::FolderListings;
use crate::source::unread_span::{UnreadCause, UnreadSpan};
use crate::time::Timestamp;

/// Between a log's being renamed and its being made anew lies less than this, mostly.
const ROTATION_TAKES: Duration = Duration::from_secs(2);

/// Takes an event; `Break` has the poll return early.
pub(crate) type Emit<'p> = dyn FnMut(LogEvent) -> ControlFlow<()> + 'p;

/// Something is wrong with a file.
#[derive(Debug, Clone)]
pub(crate) struct FileProblem {
    pub(crate) path: PathBuf,
    pub(crate) error: Error,
    /// What is missing because of it, if anything is.
    pub(crate) unread: Option<Unreadable>,
}

impl FileProblem {
    /// Notes it, and says it, unless that was done already.
    pub(crate) fn tell(self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let FileProblem { path, error, unread } = self;
        poll.unread.extend(unread);
        poll.tell_problem(&path, error)
    }
}

/// What could not be read in a poll.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    /// The key of its log's section.
    pub(crate) key: String,
    /// The file, if its status is known.
    pub(crate) device_inode: Option<DeviceInode>,
    /// The generation in it, if one is known to be.
    pub(crate) generation: Option<GenerationId>,
    pub(crate) cause: UnreadCause,
    pub(crate) why: String,
    /// Since when, if that is not since the last look.
    pub(crate) from: Option<Timestamp>,
    /// Until when, of a file that was rotated away.
    pub(crate) until: Option<Timestamp>,
}

impl Unreadable {
    /// A path that cannot be read now.
    pub(crate) fn at_path(path: &Path, key: &str, cause: UnreadCause, error: &Error) -> Unreadable {
        Unreadable {
            path: path.to_owned(),
            key: key.to_owned(),
            device_inode: None,
            generation: None,
            cause,
            why: error.what().to_owned(),
            from: None,
            until: None,
        }
    }

    /// A generation that cannot be read on.
    pub(crate) fn of_generation(generation: &Generation, cause: UnreadCause, error: &Error) -> Unreadable {
        Unreadable {
            device_inode: Some(generation.device_inode),
            generation: Some(generation.id),
            ..Unreadable::at_path(&generation.path, &generation.log, cause, error)
        }
    }
}

/// What every step of a poll is given.
pub(crate) struct Poll<'p> {
    pub(crate) now: Timestamp,
    /// Whether this poll also expands globs and lists directories, which would be too much for each.
    pub(crate) around: bool,
    pub(crate) settings: Arc<FollowSettings>,
    pub(crate) problems: Problems,
    /// The directories of logs, as this poll saw them first.
    pub(crate) listings: FolderListings,
    /// When the poll before was, if one was.
    pub(crate) before: Option<Timestamp>,
    /// What could not be read so far.
    pub(crate) unread: Vec<Unreadable>,
    /// Something may be there that was neither read nor is said to be missing: a watched path leads nowhere, and its log is not read by another
    /// name (a rotation may be under way), or leads to a file that is not known yet to be another log.
    pub(crate) is_in_doubt: bool,
    pub(crate) emit: &'p mut Emit<'p>,
}

impl Poll<'_> {
    /// Gives out an event.
    pub(crate) fn tell(&mut self, event: LogEvent) -> ControlFlow<()> {
        (self.emit)(event)
    }

    /// Says what is missing, or is not any more.
    pub(crate) fn tell_unread(&mut self, span: UnreadSpan) -> ControlFlow<()> {
        self.tell(LogEvent::Unread(span))
    }

    /// Notes what could not be read, and says why, unless that was said already.
    pub(crate) fn cannot_read(&mut self, report: Unreadable, error: Error) -> ControlFlow<()> {
        let path = report.path.clone();
        self.unread.push(report);
        self.tell_problem(&path, error)
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

    /// A watched path leads nowhere: it is missing if it never led anywhere, or when that lasts longer than a rotation takes.
    /// `is_read` says that its file is still read by another name: then a rotation has more time.
    pub(crate) fn missing(&mut self, path: &Path, key: &str, is_read: bool) -> ControlFlow<()> {
        let patience = if is_read { self.settings.rotate_grace } else { ROTATION_TAKES };
        // At a start nothing says that a rotation is under way.
        let noticed = if self.before.is_some() { self.now } else { self.now.minus(ROTATION_TAKES) };
        let seen = self.before;
        let absence = *self.problems.missing_since.entry(path.to_owned()).or_insert(Absence { noticed, seen });
        if self.now < absence.noticed.plus(patience) {
            self.is_in_doubt |= !is_read;
            return ControlFlow::Continue(());
        }
        let error = Error::failed("there is no such file")
            .at(path)
            .remedy("correct the path in spikeline's configuration, or wait for nginx to create it");
        let mut report = Unreadable::at_path(path, key, UnreadCause::Absent, &error);
        // There it was at the look before, unless it never was.
        report.from = absence.seen;
        self.cannot_read(report, error)
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
    missing_since: HashMap<PathBuf, Absence>,
}

/// A watched path that leads nowhere.
#[derive(Debug, Clone, Copy)]
struct Absence {
    /// When that was noticed.
    noticed: Timestamp,
    /// The look before, if there was one.
    seen: Option<Timestamp>,
}
