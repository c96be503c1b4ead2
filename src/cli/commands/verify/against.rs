//! What differs, and from what.

use std::sync::Arc;

use crate::route::{RouteId, Routes};
use crate::time::Timestamp;

/// What the store is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// The raw lines.
    Logs,
    /// What Graphite renders.
    Graphite,
}

/// One number that is not the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    pub(super) slot: Timestamp,
    pub(super) route: String,
    pub(super) what: String,
    pub(super) stored: Option<f64>,
    pub(super) against: Against,
    pub(super) found: Option<f64>,
}

/// All differences counted, the first of them kept.
pub(super) struct Differences<'r> {
    limit: usize,
    routes: &'r Arc<Routes>,
    kept: Vec<Difference>,
    count: u64,
}

impl<'r> Differences<'r> {
    pub(super) fn new(limit: usize, routes: &'r Arc<Routes>) -> Differences<'r> {
        Differences { limit, routes, kept: Vec::new(), count: 0 }
    }

    pub(super) fn add(
        &mut self,
        (slot, route): (Timestamp, RouteId),
        what: impl FnOnce() -> String,
        against: Against,
        (stored, found): (Option<f64>, Option<f64>),
    ) {
        self.count += 1;
        if self.kept.len() < self.limit {
            let route = self.route(route);
            self.kept.push(Difference { slot, route, what: what(), stored, against, found });
        }
    }

    /// A route's name.
    pub(super) fn route(&self, route: RouteId) -> String {
        self.routes.name(route).map_or_else(|| route.0.to_string(), |name| name.to_string())
    }

    pub(super) fn kept(&self) -> &[Difference] {
        &self.kept
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}
