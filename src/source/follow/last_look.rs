//! What the watched paths led to at the last look: by it is noticed what came and went between two looks.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use super::Follower;
use super::discovery::{MissedRotation, TIME_LAG};
use super::patterns::SeenPath;
use super::resume::real_path;
use crate::source::file::FileStatus;
use crate::source::identity::siblings::base_of;
use crate::time::Timestamp;

/// For how long the files beside a watched path that leads nowhere are looked at.
const WATCHED_WHILE_GONE: Duration = Duration::from_secs(3600);

/// A watched path as of the last look.
#[derive(Debug, Clone)]
pub(crate) struct LastLook {
    key: String,
    /// Of the file that it led to last, if it ever did.
    status: Option<FileStatus>,
    /// Since when it leads nowhere.
    gone: Option<Timestamp>,
}

impl Follower {
    /// Compares every watched path with what it was at the last look; a glob does not name what is gone.
    pub(crate) fn compare_with_last_look(&mut self, seen: &[SeenPath], now: Timestamp, around: bool) {
        for SeenPath { path, key, status } in seen {
            self.compare_path(path, key, status.as_ref().ok().copied(), now, around);
        }
        let named: HashSet<&Path> = seen.iter().map(|seen| seen.path.as_path()).collect();
        let gone = self.last_look.iter().filter(|(_, last)| around || last.gone.is_none());
        let gone = gone.filter(|(path, _)| !named.contains(path.as_path()));
        let gone: Vec<_> = gone.map(|(path, last)| (path.clone(), last.key.clone())).collect();
        gone.iter().for_each(|(path, key)| self.compare_path(path, key, None, now, around));
        if around {
            self.expanded = Some(now);
        }
    }

    /// A glob does not name a log of which only rotated files are left; it may come and be rotated before the next look.
    pub(crate) fn watch_while_gone(&mut self, path: &Path, key: &str, now: Timestamp) {
        let gone = LastLook { key: key.to_owned(), status: None, gone: Some(now) };
        self.last_look.entry(path.to_owned()).or_insert(gone);
    }

    /// A file that was empty at the last look has no generation, and may have been written and rotated since. Where there was
    /// none, one may have been made, written and rotated since, whether there is one now or not.
    fn compare_path(&mut self, path: &Path, key: &str, status: Option<FileStatus>, now: Timestamp, around: bool) {
        let may_have_missed = match (self.last_look.get(path), status) {
            // A new name for a glob.
            (None, _) => self.expanded.is_some(),
            (Some(LastLook { gone: Some(gone), .. }), None) => around && now < gone.plus(WATCHED_WHILE_GONE),
            (Some(LastLook { gone: Some(_), .. }), Some(_)) => true,
            (Some(LastLook { status: Some(before), .. }), None) => !self.is_followed_at(path, before.device_inode),
            (Some(LastLook { status: Some(before), .. }), Some(status)) => {
                let turned = status.device_inode != before.device_inode;
                let written = status.modified != before.modified && !self.is_open(before.device_inode);
                (turned && !self.is_followed_at(path, before.device_inode)) || written
            }
            (Some(LastLook { status: None, gone: None, .. }), _) => false,
        };
        let last = match self.last_look.get_mut(path) {
            Some(last) => last,
            None => {
                let new = LastLook { key: key.to_owned(), status: None, gone: None };
                self.last_look.entry(path.to_owned()).or_insert(new)
            }
        };
        // Not `decided`: there was no line in it when all was known.
        let since = match (last.status, last.gone.or(self.expanded)) {
            (Some(before), _) => before.modified(),
            (None, gone) => gone.unwrap_or(now).minus(TIME_LAG),
        };
        last.gone = status.is_none().then(|| last.gone.unwrap_or(now));
        last.status = status.or(last.status);
        if !may_have_missed {
            return;
        }
        let (base, since) = (base_of(&real_path(path)), self.after_earlier_runs(since));
        self.may_have_missed(MissedRotation { base, key: key.to_owned(), since, noticed: now });
    }

    /// Whether a generation is open by this very name of its file, so that [`Follower::attach`] notices when it is lost.
    fn is_followed_at(&self, path: &Path, device_inode: (u64, u64)) -> bool {
        let mut open = self.streams.iter().filter(|stream| stream.status.device_inode == device_inode);
        open.any(|stream| stream.live.as_deref() == Some(path))
    }
}
