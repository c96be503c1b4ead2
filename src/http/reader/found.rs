//! What is asked of the raw lines, and what is found.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::pipeline::{Filter, WindowLacks};
use crate::store::{Entry, Locator};
use crate::time::Timestamp;

/// In which order lines come, and so which of them, if there are more than wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineOrdering {
    /// Those that ended first.
    Oldest,
    /// Those that ended last.
    Newest,
    /// Those that took longest.
    Longest,
}

/// Which lines are wanted.
pub struct LinesWanted<'w> {
    /// Window, routes, duration, statuses.
    pub filter: Filter,
    /// All of them, not only those that the index keeps.
    pub all: bool,
    /// Which first.
    pub order: LineOrdering,
    /// After how many of them, in this order.
    pub skip: usize,
    /// At most so many.
    pub limit: usize,
    /// What else they must be. It sees the raw line as whoever asks may see it, so that nobody learns by asking what is redacted;
    /// nothing where that is gone.
    pub accepts: &'w dyn Fn(&LineFound) -> bool,
}

impl LinesWanted<'_> {
    /// The lines of the index that `filter` lets through, in the order of time.
    pub fn of(filter: Filter) -> LinesWanted<'static> {
        LinesWanted { filter, all: false, order: LineOrdering::Oldest, skip: 0, limit: 100, accepts: &|_| true }
    }

    /// How many lines have to be found to know the answer.
    pub(super) fn most(&self) -> usize {
        self.skip.saturating_add(self.limit)
    }
}

/// One line.
#[derive(Debug, Clone)]
pub struct LineFound {
    /// What the index knows of it, or would.
    pub entry: Entry,
    /// Its route, as in Graphite.
    pub route: Arc<str>,
    /// The file it was last seen in.
    pub file: Arc<str>,
    /// The raw line as whoever asks may see it; nothing if it is gone.
    pub line: Option<Vec<u8>>,
    /// The log that it is in is there, and cannot be read: it is not gone.
    pub is_there: bool,
}

/// The lines of an answer.
#[derive(Debug, Default)]
pub struct LinesFound {
    /// In the order asked for.
    pub lines: Vec<LineFound>,
    /// How many there are, as far as they were counted.
    pub count: u64,
    /// Whether they were counted to the end: else there are at least `count`.
    pub is_counted: bool,
    /// What is missing.
    pub lacks: WindowLacks,
}

/// By what lines are sorted: whole numbers, the place last, so that no two are alike.
pub(super) type LineRank = (Reverse<u64>, i64, Locator);

impl LineOrdering {
    /// Where a line stands.
    pub(super) fn rank(self, entry: &Entry) -> LineRank {
        let Timestamp(end) = entry.end;
        match self {
            LineOrdering::Oldest => (Reverse(0), end, entry.locator),
            LineOrdering::Newest => (Reverse(0), end.saturating_neg(), entry.locator),
            LineOrdering::Longest => (Reverse(entry.duration_ms), end, entry.locator),
        }
    }
}
