//! What the watched paths led to at the last look. By it is noticed what may have come and gone between two looks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::LogFacts;
use super::patterns::SeenPath;
use super::poll::Poll;
use crate::source::file::{FileStatus, TIME_LAG};
use crate::time::Timestamp;

/// For how long the files beside a watched path that leads nowhere are looked at.
const WATCHED_WHILE_GONE: Duration = Duration::from_secs(3600);

/// A watched path as of the last look.
#[derive(Debug, Clone)]
struct LastLook {
    key: String,
    /// Of the file that it led to last, if it ever did.
    status: Option<FileStatus>,
    /// Since when it leads nowhere.
    gone: Option<Timestamp>,
}

/// A watched path at which a log may have come and gone.
#[derive(Debug)]
pub(crate) struct SuspectPath {
    pub(crate) path: PathBuf,
    pub(crate) key: String,
    /// What was not written to since then is older.
    pub(crate) since: Timestamp,
}

/// All watched paths as of the last look.
#[derive(Debug, Default)]
pub(crate) struct LastLooks {
    paths: HashMap<PathBuf, LastLook>,
    /// When the globs were expanded last.
    expanded: Option<Timestamp>,
}

impl LastLooks {
    /// Watches a path that leads nowhere and that no glob names, since only rotated files are left of its log: it may come back
    /// and be rotated before the next look.
    pub(crate) fn watch_while_gone(&mut self, path: &Path, key: &str, now: Timestamp) {
        let gone = LastLook { key: key.to_owned(), status: None, gone: Some(now) };
        self.paths.entry(path.to_owned()).or_insert(gone);
    }

    /// Compares every watched path with what it was at the last look. `seen` are the paths that are named now; a glob does not
    /// name what is gone, so these are compared as well.
    pub(crate) fn compare(&mut self, seen: &[SeenPath], facts: &LogFacts, poll: &Poll<'_>) -> Vec<SuspectPath> {
        let mut suspects = Vec::new();
        for SeenPath { path, key, status, .. } in seen {
            suspects.extend(self.compare_path(path, key, status.as_ref().ok().copied(), facts, poll));
        }
        for (path, key) in self.unnamed(seen, poll.around) {
            suspects.extend(self.compare_path(&path, &key, None, facts, poll));
        }
        if poll.around {
            self.expanded = Some(poll.now);
        }
        suspects
    }

    /// The paths that are named no more, with their keys; without `around` only those that were there at the last look.
    fn unnamed(&self, seen: &[SeenPath], around: bool) -> Vec<(PathBuf, String)> {
        let named: HashSet<&Path> = seen.iter().map(|seen| seen.path.as_path()).collect();
        let mut unnamed = Vec::new();
        for (path, last) in &self.paths {
            if (around || last.gone.is_none()) && !named.contains(path.as_path()) {
                unnamed.push((path.clone(), last.key.clone()));
            }
        }
        unnamed
    }

    /// Compares one path, and remembers it as it is now.
    fn compare_path(
        &mut self,
        path: &Path,
        key: &str,
        status: Option<FileStatus>,
        facts: &LogFacts,
        poll: &Poll<'_>,
    ) -> Option<SuspectPath> {
        let is_suspect = self.is_suspect(path, status, facts, poll);
        let new = || LastLook { key: key.to_owned(), status: None, gone: None };
        let last = self.paths.entry(path.to_owned()).or_insert_with(new);
        // By the file itself, not by when all was read: there was no line in it then.
        let since = match (last.status, last.gone.or(self.expanded)) {
            (Some(before), _) => before.modified(),
            (None, gone) => gone.unwrap_or(poll.now).minus(TIME_LAG),
        };
        last.gone = if status.is_some() { None } else { last.gone.or(Some(poll.now)) };
        last.status = status.or(last.status);
        let since = facts.horizon.no_earlier_than_last_run(since);
        is_suspect.then(|| SuspectPath { path: path.to_owned(), key: key.to_owned(), since })
    }

    /// Whether a log may have come and gone at `path`, which leads to a file of this status now, or nowhere:
    ///
    /// - Where there was none at the last look, one may have been made, written and rotated since, whether there is one now or not.
    /// - One that was empty has no generation; it may have been written and rotated since.
    /// - One that is being read by this name is looked after by [`update_name`](super::rotation::update_name).
    fn is_suspect(&self, path: &Path, status: Option<FileStatus>, facts: &LogFacts, poll: &Poll<'_>) -> bool {
        // A new name for a glob; at the first look all are new.
        let Some(last) = self.paths.get(path) else { return self.expanded.is_some() };
        if let Some(gone) = last.gone {
            return status.is_some() || (poll.around && poll.now < gone.plus(WATCHED_WHILE_GONE));
        }
        let Some(before) = last.status else { return false };
        let is_followed = facts.open.is_followed_at(path, before.device_inode);
        let Some(status) = status else { return !is_followed };
        let is_another = status.device_inode != before.device_inode;
        let was_written = status.modified != before.modified;
        (is_another && !is_followed) || (was_written && !facts.open.is_open(before.device_inode))
    }
}
