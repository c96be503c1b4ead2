//! Logs of which no line fits any more: their routes are not quiet, nobody knows what they do. A 0 would look like an outage, so
//! nothing is sent of them; a gap is the truth.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::grammar::FEW_REJECTS;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::source::home_of;
use crate::store::{Ledger, View, WindowMatch};
use crate::time::{Timestamp, Window};

/// So many slots are remembered, to be sent again as they were: a day of 10 s.
const SLOTS_KEPT: usize = 8640;

/// A log's routes are those that it had in this time.
const OF_LATE: Duration = Duration::from_secs(24 * 60 * 60);

/// Which logs are such, and the routes that were unknown in each slot.
#[derive(Debug, Default)]
pub(super) struct RejectingLogs {
    /// By log: how many lines were rejected since its last request.
    in_a_row: BTreeMap<GenerationId, u64>,
    /// The routes of those with enough of them; nothing if that changed.
    routes: Option<Arc<HashSet<RouteId>>>,
    by_slot: BTreeMap<Timestamp, Arc<HashSet<RouteId>>>,
}

impl RejectingLogs {
    /// What became of some lines of the logs, in their order.
    pub(super) fn add_ledgers(&mut self, ledgers: &[(GenerationId, Ledger)]) {
        for (generation, ledger) in ledgers {
            let rejected = ledger.rejected_kinds().lacking(ledger.lines);
            if ledger.parsed > 0 {
                if self.in_a_row.remove(generation).is_some_and(|lines| lines >= FEW_REJECTS) {
                    self.routes = None;
                }
            } else if rejected > 0 {
                let lines = self.in_a_row.entry(*generation).or_default();
                if *lines < FEW_REJECTS && *lines + rejected >= FEW_REJECTS {
                    self.routes = None;
                }
                *lines += rejected;
            }
        }
    }

    /// The slots of `over` are over.
    ///
    /// # Errors
    /// The store cannot be read; then what was known before counts.
    pub(super) fn close_slots(&mut self, over: Window, interval: Duration, view: &View) -> Result<()> {
        self.in_a_row.retain(|id, _| !view.generations().iter().any(|known| known.id == *id && known.finished));
        if self.in_a_row.values().all(|lines| *lines < FEW_REJECTS) {
            return Ok(());
        }
        let routes = match &self.routes {
            Some(routes) => Arc::clone(routes),
            None => Arc::clone(self.routes.insert(Arc::new(self.routes_of_rejecting(over.until, view)?))),
        };
        // A clock that is set may leave years behind.
        let reach = interval.saturating_mul(u32::try_from(SLOTS_KEPT).unwrap_or(u32::MAX));
        let mut slot = over.from.max(over.until.minus(reach));
        while slot < over.until {
            self.by_slot.insert(slot, Arc::clone(&routes));
            slot = slot.plus(interval);
        }
        while self.by_slot.len() > SLOTS_KEPT {
            self.by_slot.pop_first();
        }
        Ok(())
    }

    /// Whether nobody knows what a route without requests did in that slot.
    pub(super) fn hide(&self, route: RouteId, slot: Timestamp) -> bool {
        self.by_slot.get(&slot).is_some_and(|routes| routes.contains(&route))
    }

    /// The routes that the logs had of late, whatever their files were called.
    fn routes_of_rejecting(&self, now: Timestamp, view: &View) -> Result<HashSet<RouteId>> {
        let mut logs = HashSet::new();
        for known in view.generations() {
            if self.in_a_row.get(&known.id).is_some_and(|lines| *lines >= FEW_REJECTS) {
                logs.insert((&known.log, home_of(&known.path, &known.log)));
            }
        }
        let mut same = HashSet::new();
        for known in view.generations() {
            if logs.contains(&(&known.log, home_of(&known.path, &known.log))) {
                same.insert(known.id);
            }
        }
        let late = Window { from: now.minus(OF_LATE), ..Window::ALL };
        let mut routes = HashSet::new();
        for block in view.blocks(late, WindowMatch::End, None)? {
            if same.contains(&block.generation) {
                routes.extend(block.routes.iter().map(|(route, _)| *route));
            }
        }
        Ok(routes)
    }
}
