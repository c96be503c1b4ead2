//! Counts and histograms: cells by slot, and sums over long windows from the coarsest cells that the window is made of.
//!
//! A sum over months is cut into tiles (see `resolution::tiles`), hours in the midst and finer ones at both ends.
//! Each segment answers a tile from what it has: one that is not yet rolled up from its fine cells, which come to the
//! same.

use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::journal::memtable::Memtable;
use crate::store::query::sealed::SealedSegments;
use crate::store::resolution::{Resolution, floor_to, tiles};
use crate::time::{Timestamp, Window};
use std::collections::BTreeMap;
use std::time::Duration;

/// All cells of a store.
pub(crate) struct StoredCells<'v> {
    pub(crate) sealed: &'v SealedSegments,
    pub(crate) memtable: &'v Memtable,
    /// The length of the store's slots.
    pub(crate) interval: Duration,
    /// The members of series, whose cells are meant only where they are named: routes alone add up to all requests.
    pub(crate) members: &'v BTreeMap<RouteId, String>,
}

impl StoredCells<'_> {
    /// Those of the slots that start in `window`, merged, by slot and route.
    pub(crate) fn by_slot(
        &self,
        window: Window,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let mut merged: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
        self.each_cell(&[(Resolution::Fine, window)], window, routes, |slot, route, cell| {
            merged.entry((slot, route)).or_default().merge(cell);
        })?;
        Ok(flatten(merged))
    }

    /// The same of members of series as well.
    pub(crate) fn by_slot_with_members(&self, window: Window) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        StoredCells { members: &BTreeMap::new(), ..*self }.by_slot(window, None)
    }

    /// Sums by route, see `View::totals`.
    pub(crate) fn by_route(&self, window: Window, routes: Option<&[RouteId]>) -> Result<Vec<(RouteId, Cell)>> {
        let mut merged: BTreeMap<RouteId, Cell> = BTreeMap::new();
        let tiles = tiles(window, None, self.interval);
        self.each_cell(&tiles, window, routes, |_, route, cell| merged.entry(route).or_default().merge(cell))?;
        Ok(merged.into_iter().collect())
    }

    /// Sums by step and route, see `View::steps`.
    pub(crate) fn by_step(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut merged: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
        self.each_cell(&tiles(window, Some(step), self.interval), window, routes, |slot, route, cell| {
            merged.entry((floor_to(slot, millis), route)).or_default().merge(cell);
        })?;
        Ok(flatten(merged))
    }

    /// Sums by step of all wanted routes together, see `View::step_sums`.
    pub(crate) fn by_step_alone(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, Cell)>> {
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut merged: BTreeMap<Timestamp, Cell> = BTreeMap::new();
        self.each_cell(&tiles(window, Some(step), self.interval), window, routes, |slot, _, cell| {
            merged.entry(floor_to(slot, millis)).or_default().merge(cell);
        })?;
        Ok(merged.into_iter().collect())
    }

    /// The cells of the wanted routes: sealed ones by `tiles`, which cover `window`, and those of the memtable, which has slots
    /// of the store's interval only.
    fn each_cell(
        &self,
        tiles: &[(Resolution, Window)],
        window: Window,
        routes: Option<&[RouteId]>,
        mut each: impl FnMut(Timestamp, RouteId, &Cell),
    ) -> Result<()> {
        let wanted = |route: RouteId| match routes {
            Some(routes) => routes.contains(&route),
            None => self.members.is_empty() || !self.members.contains_key(&route),
        };
        self.sealed.each_cell(tiles, |slot, route, cell| {
            if wanted(route) {
                each(slot, route, &cell);
            }
        })?;
        if window.from < window.until {
            let looked_through = self.memtable.cells.each_cell(window.from, window.until, wanted, each);
            looked_through.map_err(|_| Error::failed("a malformed cell in memory").at(self.sealed.medium().root()))?;
        }
        Ok(())
    }
}

/// Cells in the order of their keys.
fn flatten(merged: BTreeMap<(Timestamp, RouteId), Cell>) -> Vec<(Timestamp, RouteId, Cell)> {
    merged.into_iter().map(|((slot, route), cell)| (slot, route, cell)).collect()
}
