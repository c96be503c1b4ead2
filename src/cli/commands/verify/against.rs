//! What differs, and from what.

use std::fmt;
use std::sync::Arc;

use crate::report::{Against, DifferenceRow};
use crate::route::{RouteId, Routes};
use crate::time::Timestamp;

/// A cell of the store: its slot and its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellKey {
    pub(super) slot: Timestamp,
    pub(super) route: RouteId,
}

/// All differences counted, the first of them kept.
pub(super) struct Differences<'r> {
    limit: usize,
    routes: &'r Arc<Routes>,
    kept: Vec<DifferenceRow>,
    count: u64,
}

impl<'r> Differences<'r> {
    /// None so far; `limit` of them are kept to be printed.
    pub(super) fn new(limit: usize, routes: &'r Arc<Routes>) -> Differences<'r> {
        Differences { limit, routes, kept: Vec::new(), count: 0 }
    }

    /// None so far, and none to be kept.
    pub(super) fn none_kept(&self) -> Differences<'r> {
        Differences::new(0, self.routes)
    }

    /// None so far, with the same limit.
    pub(super) fn none_yet(&self) -> Differences<'r> {
        Differences::new(self.limit, self.routes)
    }

    /// Those of another comparison as well.
    pub(super) fn absorb(&mut self, other: Differences<'_>) {
        self.count += other.count;
        self.kept.extend(other.kept);
        self.kept.truncate(self.limit);
    }

    /// Counts a number of a cell that is `stored` but was `found` to be another; `None` is no number at all. Over the
    /// limit it is only counted, so that `what` is never spelled out.
    pub(super) fn add(
        &mut self,
        cell: CellKey,
        what: fmt::Arguments<'_>,
        against: Against,
        stored: Option<f64>,
        found: Option<f64>,
    ) {
        self.count += 1;
        if self.kept.len() < self.limit {
            let (slot, route, what) = (cell.slot.to_string(), self.route(cell.route), what.to_string());
            self.kept.push(DifferenceRow { slot, route, what, stored, against, found });
        }
    }

    /// A route's name; its number if the store lost that.
    pub(super) fn route(&self, route: RouteId) -> String {
        match self.routes.name(route) {
            Some(name) => name.to_string(),
            None => route.0.to_string(),
        }
    }

    /// The first of them, as many as `--limit` lets.
    pub(super) fn kept(&self) -> &[DifferenceRow] {
        &self.kept
    }

    /// How many there are, kept or not.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}
