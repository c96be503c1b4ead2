//! A slot, whole, as points.

use std::time::Duration;

use super::rejecting_logs::RejectingLogs;
use super::self_metrics::SelfMetrics;
use crate::carbon::{Naming, Points};
use crate::error::Result;
use crate::histogram::TIMES;
use crate::route::{RouteId, series_of};
use crate::source::UnreadSpan;
use crate::store::{Commit, View};
use crate::time::{Timestamp, Window};

/// A known route without requests is reported as 0 for this long after its last one, so that quiet and dead look
/// different; then it may rest.
const QUIET_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What a slot is rendered from: what is committed, and what is counted but could not be committed yet.
pub(super) struct SlotRenderer<'s> {
    pub(super) view: &'s View,
    pub(super) uncommitted: &'s Commit,
    pub(super) own_metrics: &'s SelfMetrics,
    /// Logs whose routes cannot be said to be quiet.
    pub(super) rejecting: &'s RejectingLogs,
    /// How long what is rendered is: a slot, or several of which one point is made.
    pub(super) interval: Duration,
}

impl SlotRenderer<'_> {
    /// All points of `slot`: every route with requests, every quiet known route, the daemon's own.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn render(&self, naming: &Naming, slot: Timestamp, out: &mut Points) -> Result<()> {
        let window = Window { from: slot, until: slot.plus(self.interval) };
        let mut cells = self.view.cells_with_members(window)?;
        let uncommitted = self.uncommitted.cells.iter().filter(|(at, ..)| window.from <= *at && *at < window.until);
        cells.extend(uncommitted.cloned());
        let is_whole = !self.is_missing_in(window);
        cells.sort_unstable_by_key(|(_, route, _)| *route);
        // A window of several slots, or one of which a part is not committed.
        cells.dedup_by(|later, held| {
            let is_same = later.1 == held.1;
            if is_same {
                held.2.merge(&later.2);
            }
            is_same
        });
        let new = self.uncommitted.routes.iter().map(|(id, name)| (*id, series_of(name).unwrap_or(name)));
        for (id, name) in self.view.routes().into_iter().chain(self.view.members()).chain(new) {
            match cells.binary_search_by_key(&id, |(_, route, _)| *route) {
                Ok(at) => {
                    if let Some((_, _, cell)) = cells.get(at) {
                        naming.append_cell(name, slot, cell, &TIMES, out);
                    }
                }
                // Of a log that is not read nobody knows whether it is quiet.
                Err(_) if is_whole && self.is_quiet(id, slot) => naming.append_quiet(name, slot, out),
                Err(_) => {}
            }
        }
        for (name, value) in self.own_metrics.at_slot(slot) {
            naming.append_own(name, *value, slot, out);
        }
        Ok(())
    }

    /// Whether some log was not read in this window.
    fn is_missing_in(&self, window: Window) -> bool {
        let withdrawn = |span: &&UnreadSpan| !self.uncommitted.spans.iter().any(|later| later.number == span.number);
        let committed = self.view.unread_spans().filter(withdrawn);
        let uncommitted = self.uncommitted.spans.iter().filter(|span| !span.is_withdrawn);
        committed.chain(uncommitted).any(|span| window.overlaps(span.from, span.end()))
    }

    /// Whether a route without requests in `slot` had some before, not too long ago.
    fn is_quiet(&self, route: RouteId, slot: Timestamp) -> bool {
        let Some((first, last)) = self.view.route_span(route) else { return false };
        first <= slot && slot <= last.plus(QUIET_FOR) && !self.rejecting.hide(route, slot)
    }
}
