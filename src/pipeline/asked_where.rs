//! Which lines meet the conditions of `--where`, for the interpreter of one format.

use std::sync::Arc;

use crate::explain::{PlacedWhere, WhereCondition};
use crate::grammar::Format;
use crate::record::{Needs, Record, RecordValues};
use crate::route::{RouteId, Routes};

/// The conditions, and which routes meet those that are about the route.
pub(super) struct AskedWhere {
    placed: Vec<PlacedWhere>,
    routes: Arc<Routes>,
    of_routes: Vec<Option<bool>>,
}

impl AskedWhere {
    /// Of lines of a format; none without conditions.
    pub(super) fn new(conditions: &[WhereCondition], format: &Format, routes: &Arc<Routes>) -> Option<AskedWhere> {
        if conditions.is_empty() {
            return None;
        }
        let placed = conditions.iter().map(|condition| PlacedWhere::of_format(condition, format)).collect();
        Some(AskedWhere { placed, routes: Arc::clone(routes), of_routes: Vec::new() })
    }

    /// Add what has to be read of a line.
    pub(super) fn add_needs(&self, needs: &mut Needs) {
        for placed in &self.placed {
            placed.add_needs(needs);
        }
    }

    /// Whether a request of this route meets them all.
    pub(super) fn are_met(&mut self, record: &Record<'_>, values: &RecordValues<'_>, route: RouteId) -> bool {
        self.placed.iter().all(|placed| placed.is_of_route() || placed.meets(record, values)) && self.meets_route(route)
    }

    fn meets_route(&mut self, route: RouteId) -> bool {
        let at = route.0 as usize;
        if self.of_routes.len() <= at {
            self.of_routes.resize(at + 1, None);
        }
        let AskedWhere { placed, routes, of_routes } = self;
        let Some(verdict) = of_routes.get_mut(at) else { return false };
        *verdict.get_or_insert_with(|| {
            let name = routes.name(route).unwrap_or_default();
            placed.iter().all(|placed| !placed.is_of_route() || placed.meets_route(&name))
        })
    }
}
