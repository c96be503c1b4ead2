//! Counts and histograms: cells by slot, and sums over long windows from the coarsest cells that the window is made of.
//!
//! A sum over months is cut into tiles (see `resolution::tiles`), hours in the midst and finer ones at both ends.
//! Each segment answers a tile from what it has: one that is not yet rolled up from its fine cells, which come to the
//! same.

use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::encoding::cell_sums::CellSums;
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

/// Which numbers are asked for: of each a bit, since it is asked of every cell.
enum WantedNumbers {
    These(Vec<bool>),
    AllBut(Vec<bool>),
}

impl WantedNumbers {
    fn holds(&self, route: RouteId) -> bool {
        let at = usize::try_from(route.0).unwrap_or(usize::MAX);
        match self {
            WantedNumbers::These(bits) => bits.get(at).copied().unwrap_or(false),
            WantedNumbers::AllBut(bits) => !bits.get(at).copied().unwrap_or(false),
        }
    }
}

/// A bit for each number up to the largest of these.
fn bits_of<'r>(numbers: impl Iterator<Item = &'r RouteId> + Clone) -> Vec<bool> {
    let place = |number: &RouteId| usize::try_from(number.0).unwrap_or(usize::MAX);
    let mut bits = vec![false; numbers.clone().map(place).max().map_or(0, |most| most.saturating_add(1))];
    for number in numbers {
        if let Some(bit) = bits.get_mut(place(number)) {
            *bit = true;
        }
    }
    bits
}

/// Sums of the wanted cells, by what `key` makes of slot and route.
struct SumsBy<K, F> {
    wanted: WantedNumbers,
    key: F,
    sums: BTreeMap<K, Cell>,
}

impl<K: Ord, F: Fn(Timestamp, RouteId) -> K> CellSums for SumsBy<K, F> {
    fn sum_of(&mut self, slot: Timestamp, route: RouteId) -> Option<&mut Cell> {
        self.wanted.holds(route).then(|| self.sums.entry((self.key)(slot, route)).or_default())
    }
}

impl StoredCells<'_> {
    /// Those of the slots that start in `window`, merged, by slot and route.
    pub(crate) fn by_slot(
        &self,
        window: Window,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let merged = self.sums_by(&[(Resolution::Fine, window)], window, routes, |slot, route| (slot, route))?;
        Ok(flatten(merged))
    }

    /// The same of members of series as well.
    pub(crate) fn by_slot_with_members(&self, window: Window) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        StoredCells { members: &BTreeMap::new(), ..*self }.by_slot(window, None)
    }

    /// Sums by route, see `View::totals`.
    pub(crate) fn by_route(&self, window: Window, routes: Option<&[RouteId]>) -> Result<Vec<(RouteId, Cell)>> {
        let merged = self.sums_by(&tiles(window, None, self.interval), window, routes, |_, route| route)?;
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
        let tiles = tiles(window, Some(step), self.interval);
        Ok(flatten(self.sums_by(&tiles, window, routes, |slot, route| (floor_to(slot, millis), route))?))
    }

    /// Sums by step of all wanted routes together, see `View::step_sums`.
    pub(crate) fn by_step_alone(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, Cell)>> {
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let tiles = tiles(window, Some(step), self.interval);
        Ok(self.sums_by(&tiles, window, routes, |slot, _| floor_to(slot, millis))?.into_iter().collect())
    }

    /// Sums of the cells of the wanted routes: sealed ones by `tiles`, which cover `window`, and those of the memtable, which has slots
    /// of the store's interval only.
    fn sums_by<K: Ord>(
        &self,
        tiles: &[(Resolution, Window)],
        window: Window,
        routes: Option<&[RouteId]>,
        key: impl Fn(Timestamp, RouteId) -> K,
    ) -> Result<BTreeMap<K, Cell>> {
        let wanted = match routes {
            Some(routes) => WantedNumbers::These(bits_of(routes.iter())),
            None => WantedNumbers::AllBut(bits_of(self.members.keys())),
        };
        let mut sums = SumsBy { wanted, key, sums: BTreeMap::new() };
        self.sealed.add_cells(tiles, &mut sums)?;
        let added = self.memtable.cells.add_to(window, &mut sums);
        added.map_err(|_| Error::failed("a malformed cell in memory").at(self.sealed.medium().root()))?;
        Ok(sums.sums)
    }
}

/// Cells in the order of their keys.
fn flatten(merged: BTreeMap<(Timestamp, RouteId), Cell>) -> Vec<(Timestamp, RouteId, Cell)> {
    merged.into_iter().map(|((slot, route), cell)| (slot, route, cell)).collect()
}
