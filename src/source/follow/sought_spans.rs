//! What is missing of files that could not be read, as the search for rotated files asks for it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::horizon::is_created_after;
use super::missed_rotation::MissedRotation;
use crate::source::file::leads_to;
use crate::source::file_of_log::FileOfLog;
use crate::source::generation::DeviceInode;
use crate::source::identity::homes::home_of;
use crate::source::identity::siblings::Sibling;
use crate::source::unread_span::UnreadSpan;
use crate::time::Timestamp;

/// The spans of single files.
#[derive(Debug)]
pub(crate) struct SoughtSpans {
    spans: Vec<UnreadSpan>,
    inodes: HashSet<DeviceInode>,
    /// Where in `spans` those are that are over, by where their logs are written.
    over: HashMap<PathBuf, Vec<usize>>,
    /// When the first of them begins.
    earliest: Option<Timestamp>,
    /// When all was looked at last, and when they are looked for.
    seen: Timestamp,
    now: Timestamp,
}

impl Default for SoughtSpans {
    fn default() -> SoughtSpans {
        SoughtSpans::new(Vec::new(), Timestamp(i64::MIN), Timestamp(i64::MIN))
    }
}

impl SoughtSpans {
    /// What these lack is looked for at `now`; all was looked at last when it was `seen`.
    pub(crate) fn new(spans: Vec<UnreadSpan>, seen: Timestamp, now: Timestamp) -> SoughtSpans {
        let mut over: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (at, span) in spans.iter().enumerate().filter(|(_, span)| !span.is_lasting()) {
            over.entry(home_of(&span.path, &span.log)).or_default().push(at);
        }
        let inodes = spans.iter().filter_map(|span| span.device_inode).collect();
        let earliest = spans.iter().map(|span| span.from).min();
        SoughtSpans { spans, inodes, over, earliest, seen, now }
    }

    /// Whether a file may hold what could not be read: it is the one that could not be, or was packed or copied since.
    pub(crate) fn may_be_in(&self, file: &Sibling, key: &str) -> bool {
        // What was written before all of them holds none.
        if self.earliest.is_none_or(|earliest| file.status.modified() < earliest) {
            return self.has_own(file);
        }
        let of_log = FileOfLog::new(&file.path, key, file.status);
        self.has_own(file) || self.spans.iter().any(|span| of_log.is_surely_of(span) || of_log.was_missed_in(span))
    }

    /// Whether a file is the one of a span: it has the inode, and did not get it from one that was deleted.
    pub(crate) fn has_own(&self, file: &Sibling) -> bool {
        let inode = file.status.device_inode;
        if !self.inodes.contains(&inode) {
            return false;
        }
        let mut of_inode = self.spans.iter().filter(|span| span.device_inode == Some(inode));
        of_inode.any(|span| !is_created_after(&file.path, span.until.unwrap_or(self.seen), self.now))
    }

    /// Whether a file of this log that could not be read is where it was.
    pub(crate) fn is_any_there(&self, missed: &MissedRotation) -> bool {
        let places = self.over.get(&home_of(&missed.base, &missed.key)).into_iter().flatten();
        let mut of_log = places.filter_map(|at| self.spans.get(*at)).filter(|span| span.log == missed.key);
        of_log.any(|span| span.device_inode.is_some_and(|inode| leads_to(&span.path, inode)))
    }
}
