//! What differs, and from what.

use std::sync::Arc;

use crate::report::{Against, DifferenceRow};
use crate::route::{RouteId, Routes};
use crate::time::Timestamp;

/// All differences counted, the first of them kept.
pub(super) struct Differences<'r> {
    limit: usize,
    routes: &'r Arc<Routes>,
    kept: Vec<DifferenceRow>,
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
            self.kept.push(DifferenceRow { slot: slot.to_string(), route, what: what(), stored, against, found });
        }
    }

    /// A route's name.
    pub(super) fn route(&self, route: RouteId) -> String {
        self.routes.name(route).map_or_else(|| route.0.to_string(), |name| name.to_string())
    }

    pub(super) fn kept(&self) -> &[DifferenceRow] {
        &self.kept
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}
