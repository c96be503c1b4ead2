//! Which of many spans a report may be about.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::poll::Unreadable;
use crate::source::generation::{DeviceInode, GenerationId};
use crate::source::unread_span::UnreadSpan;
use crate::time::Timestamp;

/// A span as it is held.
#[derive(Debug)]
pub(crate) struct HeldSpan {
    pub(crate) span: UnreadSpan,
    /// It was reported in this poll.
    pub(crate) is_reported: bool,
    /// That its generation holds what is missing is known by its file alone, which may have been cut before: it is sure when no file is in doubt.
    pub(crate) is_by_file: bool,
    /// How large its file was at most while it could not be read, as far as this run has seen; else 0.
    pub(crate) size: u64,
    /// Its file was rotated so shortly before the last run ended that it may have been written since: until it is found, nobody knows when what
    /// is missing of it ends.
    pub(crate) is_open_ended: bool,
}

impl HeldSpan {
    pub(crate) fn new(span: UnreadSpan) -> HeldSpan {
        HeldSpan { span, is_reported: false, is_by_file: false, size: 0, is_open_ended: false }
    }

    /// As far as it may reach.
    pub(crate) fn at_most(&self, now: Timestamp) -> UnreadSpan {
        let until = if self.is_open_ended { Some(now) } else { self.span.until };
        UnreadSpan { until, ..self.span.clone() }
    }
}

/// The places of spans in their list, by all that they may be known by.
#[derive(Debug, Default)]
pub(crate) struct SpanIndex {
    by_generation: HashMap<GenerationId, Vec<usize>>,
    by_inode: HashMap<DeviceInode, Vec<usize>>,
    by_path: HashMap<PathBuf, Vec<usize>>,
}

impl SpanIndex {
    pub(crate) fn of(spans: &[HeldSpan]) -> SpanIndex {
        let mut index = SpanIndex::default();
        for (at, held) in spans.iter().enumerate() {
            index.note(at, &held.span);
        }
        index
    }

    /// The span at this place is, or has become, this one.
    pub(crate) fn note(&mut self, at: usize, span: &UnreadSpan) {
        if let Some(id) = span.generation {
            self.by_generation.entry(id).or_default().push(at);
        }
        if let Some(inode) = span.device_inode {
            self.by_inode.entry(inode).or_default().push(at);
        }
        self.by_path.entry(span.path.clone()).or_default().push(at);
    }

    /// The places of all spans that a report may be about, in their order; [`is_about`] has the last word.
    pub(crate) fn candidates(&self, report: &Unreadable) -> Vec<usize> {
        let of_generation = report.generation.and_then(|id| self.by_generation.get(&id));
        let in_file = report.device_inode.and_then(|inode| self.by_inode.get(&inode));
        let at_path = self.by_path.get::<Path>(&report.path);
        let mut places: Vec<usize> =
            [of_generation, in_file, at_path].into_iter().flatten().flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// Whether a report is about what a span is about.
pub(crate) fn is_about(span: &UnreadSpan, report: &Unreadable) -> bool {
    if span.is_withdrawn {
        return false;
    }
    let same_generation = span.generation.is_some() && span.generation == report.generation;
    let same_file = span.device_inode.is_some() && span.device_inode == report.device_inode;
    let is_unnamed = span.device_inode.is_none() || report.device_inode.is_none();
    let same_path = span.is_lasting() && report.until.is_none() && is_unnamed && span.path == report.path;
    same_generation || same_file || same_path
}
