//! Cells by route that only ever grow, as Prometheus' counters must.
//!
//! They begin when routes are asked for first; of a store that nobody writes, with all it holds. Slots that no late line can change
//! any more are added up once; what is newer is read anew each time, so that a late line counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::View;
use crate::time::{Timestamp, Window};

/// A slot that is older than this is as it will be: lateness, and what may be on its way.
const SETTLED: Duration = Duration::from_secs(180);

/// What is held from question to question.
#[derive(Debug, Default)]
pub(in crate::http) struct RouteCounts {
    settled: Mutex<Option<SettledCells>>,
}

/// What was added up.
#[derive(Debug)]
struct SettledCells {
    until: Timestamp,
    cells: BTreeMap<RouteId, Cell>,
}

impl RouteCounts {
    /// All that was counted since the beginning, by route and by member of a series.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::http) fn totals(&self, view: &View, now: Timestamp) -> Result<BTreeMap<RouteId, Cell>> {
        let interval = view.settings().interval;
        let mut held = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = match view.has_writer() {
            Some(false) => Window::ALL.from,
            _ => now.slot(interval),
        };
        let held = held.get_or_insert_with(|| SettledCells { until: begins, cells: BTreeMap::new() });
        let known: Vec<RouteId> = view.kept_names().into_iter().map(|(id, _)| id).collect();
        let newest = view.read_until().unwrap_or(now).min(now);
        let settled = newest.minus(SETTLED).slot(interval);
        if settled > held.until {
            for (route, cell) in view.totals(Window { from: held.until, until: settled }, Some(&known))? {
                held.cells.entry(route).or_default().merge(&cell);
            }
            held.until = settled;
        }
        let mut all = held.cells.clone();
        for (route, cell) in view.totals(Window { from: held.until, until: Window::ALL.until }, Some(&known))? {
            all.entry(route).or_default().merge(&cell);
        }
        Ok(all)
    }
}
