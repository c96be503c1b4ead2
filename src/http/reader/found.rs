//! What is asked of the raw lines, and what is found.

use std::sync::Arc;

use crate::pipeline::{Filter, WindowLacks};
use crate::store::Entry;
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
    /// With their fields.
    pub fields: bool,
    /// What else they must be. It sees the raw line as whoever asks may see it, so that nobody learns by asking what is redacted;
    /// nothing where that is gone.
    pub accepts: &'w dyn Fn(&LineFound) -> bool,
}

impl LinesWanted<'_> {
    /// The lines of the index that `filter` lets through, in the order of time.
    pub fn of(filter: Filter) -> LinesWanted<'static> {
        LinesWanted {
            filter,
            all: false,
            order: LineOrdering::Oldest,
            skip: 0,
            limit: 100,
            fields: false,
            accepts: &|_| true,
        }
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
    /// The values of its format's variables that it has, as far as whoever asks may see them; nothing where they were not wanted.
    pub fields: Vec<LineField>,
    /// The log that it is in is there, and cannot be read: it is not gone.
    pub is_there: bool,
}

/// A value of a line, as it was before nginx escaped it: bytes, hostile and not always UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineField {
    /// The name of nginx's variable, without `$`.
    pub name: String,
    /// Its value.
    pub value: Vec<u8>,
}

impl LineFound {
    /// The value of a variable, where the line has it and it was wanted.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_slice())
    }
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

/// By what lines are sorted: duration, end, log, offset, the first first, so that no two are alike.
pub(super) type LineRank = (i64, i64, i64, i64);

impl LineOrdering {
    /// Where a line stands.
    pub(super) fn rank(self, entry: &Entry) -> LineRank {
        let (Timestamp(end), generation) = (entry.end, i64::from(entry.locator.generation.0));
        let offset = i64::try_from(entry.locator.offset).unwrap_or(i64::MAX);
        match self {
            LineOrdering::Oldest => (0, end, generation, offset),
            LineOrdering::Newest => (0, end.saturating_neg(), -generation, -offset),
            LineOrdering::Longest => {
                let duration = i64::try_from(entry.duration_ms).unwrap_or(i64::MAX);
                (-duration, end, generation, offset)
            }
        }
    }
}
