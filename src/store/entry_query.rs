//! What is asked of the store.

use crate::route::RouteId;
use crate::store::commit::entry::Entry;
use crate::time::Window;
use std::ops::RangeInclusive;

/// What it means for a request to lie in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowMatch {
    /// It was in flight at some time in the window.
    Overlap,
    /// It ended in the window: exactly the requests that the graph's slots count.
    End,
}

/// Which slow entries are wanted.
#[derive(Debug, Clone)]
pub struct EntryQuery {
    /// The window.
    pub window: Window,
    /// How it is meant.
    pub by: WindowMatch,
    /// Only these routes; `None` is all.
    pub routes: Option<Vec<RouteId>>,
    /// Only requests at least this long.
    pub min_duration_ms: u64,
    /// Only these statuses (a class is `500..=599`); `None` is all.
    pub status: Option<Vec<RangeInclusive<u16>>>,
}

impl EntryQuery {
    /// All entries of a window.
    pub fn new(window: Window, by: WindowMatch) -> EntryQuery {
        EntryQuery { window, by, routes: None, min_duration_ms: 0, status: None }
    }

    /// Whether window and route fit.
    pub(crate) fn reaches(&self, entry: &Entry) -> bool {
        let inside = match self.by {
            WindowMatch::End => self.window.contains(entry.end),
            WindowMatch::Overlap => self.window.overlaps(entry.start(), entry.end),
        };
        inside && self.routes.as_ref().is_none_or(|routes| routes.contains(&entry.route))
    }

    /// Whether duration and status fit.
    pub(crate) fn accepts(&self, entry: &Entry) -> bool {
        entry.duration_ms >= self.min_duration_ms
            && self.status.as_ref().is_none_or(|ranges| ranges.iter().any(|range| range.contains(&entry.status)))
    }
}
