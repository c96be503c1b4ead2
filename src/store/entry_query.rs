//! What is asked of the store.

use crate::route::RouteId;
use crate::store::commit::entry::Entry;
use crate::time::{Timestamp, Window};
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
///
/// All conditions hold at once. Statuses and durations choose among what is kept, and never change which entries rank
/// as the slowest: those are so among all requests of their route and slot.
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

    /// Whether a request of this route, in flight from `start` to `end`, fits window and routes.
    pub(crate) fn holds(&self, route: RouteId, start: Timestamp, end: Timestamp) -> bool {
        let inside = match self.by {
            WindowMatch::End => self.window.contains(end),
            WindowMatch::Overlap => self.window.overlaps(start, end),
        };
        inside && self.asks_for(route)
    }

    /// Whether requests of this route are wanted.
    pub(crate) fn asks_for(&self, route: RouteId) -> bool {
        self.routes.as_ref().is_none_or(|routes| routes.contains(&route))
    }

    /// Whether window and route fit.
    pub(crate) fn reaches(&self, entry: &Entry) -> bool {
        self.holds(entry.route, entry.start(), entry.end)
    }

    /// Whether duration and status fit.
    pub(crate) fn accepts(&self, entry: &Entry) -> bool {
        entry.duration_ms >= self.min_duration_ms
            && self.status.as_ref().is_none_or(|ranges| ranges.iter().any(|range| range.contains(&entry.status)))
    }
}
