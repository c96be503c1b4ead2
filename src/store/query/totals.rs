//! Histograms over long windows, from the coarsest cells that the window is made of.

use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::commit::archived_lines;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::entry::Locator;
use crate::store::entry_query::WindowMatch;
use crate::store::manifest::Expired;
use crate::store::query::view::View;
use crate::store::resolution::{Resolution, floor, tiles};
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

impl View {
    /// All cells of the slots that start in `window`, merged by route: what [`View::cells`] adds up to, read from roll-ups where
    /// there are some, so that months cost little.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn totals(&self, window: Window, routes: Option<&[RouteId]>) -> Result<Vec<(RouteId, Cell)>> {
        let mut merged: BTreeMap<RouteId, Cell> = BTreeMap::new();
        self.each_tile(window, None, routes, |_, route, cell| merged.entry(route).or_default().merge(cell))?;
        Ok(merged.into_iter().collect())
    }

    /// The same by step: cells of slots of `step`, counted from the epoch, by start of the step (of which the window may hold only
    /// a part) and route. A step that is not a multiple of the store's interval puts each of the store's slots where it starts.
    ///
    /// # Errors
    /// As [`View::totals`].
    pub fn steps(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut merged: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
        self.each_tile(window, Some(step), routes, |slot, route, cell| {
            merged.entry((floor(slot, millis), route)).or_default().merge(cell);
        })?;
        Ok(merged.into_iter().map(|((step, route), cell)| (step, route, cell)).collect())
    }

    fn each_tile(
        &self,
        window: Window,
        step: Option<Duration>,
        routes: Option<&[RouteId]>,
        mut each: impl FnMut(Timestamp, RouteId, &Cell),
    ) -> Result<()> {
        let wanted = |route: RouteId| routes.is_none_or(|routes| routes.contains(&route));
        let tiles = tiles(window, step, self.settings.interval);
        for segment in self.segments.iter().filter(|segment| segment.info.cells.may_reach(window, WindowMatch::End)) {
            for (resolution, run) in &tiles {
                let Some(resolution) = segment.info.resolution_for(*resolution) else { continue };
                if !segment.info.cells.may_reach(*run, WindowMatch::End) {
                    continue;
                }
                let add = |slot, route, cell: Cell| {
                    if wanted(route) {
                        each(slot, route, &cell);
                    }
                };
                segment.cells(self.medium.as_ref(), resolution, *run, add, |error| self.tolerate(error))?;
            }
        }
        if window.from < window.until {
            let looked_through = self.memtable.cells.each(window.from, window.until, wanted, each);
            looked_through.map_err(|_| Error::failed("a malformed cell in memory").at(self.medium.root()))?;
        }
        Ok(())
    }

    /// What was thrown away by now for being old, or for the size of the store.
    pub fn expired(&self) -> Expired {
        self.expired
    }

    /// If slow entries, block summaries or cells of the store's interval that lay in `window` may have been thrown away: the time
    /// before which they were.
    pub fn expired_before(&self, window: Window) -> Option<Timestamp> {
        self.expired.detail.filter(|before| window.from < *before)
    }

    /// The same for [`View::totals`] of `window`: from roll-ups it is whole for longer, if it begins and ends with a slot of them.
    pub fn totals_expired_before(&self, window: Window) -> Option<Timestamp> {
        let (detail, histograms) = (self.expired.detail, self.expired.histograms);
        let needs_detail = tiles(window, None, self.settings.interval)
            .iter()
            .filter(|(resolution, _)| *resolution < Resolution::TenMinutes)
            .any(|(_, run)| detail.is_some_and(|before| run.from < before));
        // All of time begins nowhere, and has no edge to lack.
        let edges = detail.filter(|_| needs_detail && window != Window::ALL);
        edges.max(histograms.filter(|before| window.from < *before))
    }

    /// The raw lines of entries, as far as they were archived, in the order of `locators`.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn archived_lines(&self, locators: &[Locator]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = vec![None; locators.len()];
        let wanted: HashMap<LineKey, usize> =
            locators.iter().zip(0..).map(|(locator, at)| (archived_lines::key(locator), at)).collect();
        let mut keys: Vec<LineKey> = wanted.keys().copied().collect();
        keys.sort_unstable();
        for segment in self.segments.iter().filter(|segment| segment.info.lines > 0) {
            if let Err(error) = segment.lines(self.medium.as_ref(), &keys, &wanted, &mut found) {
                self.tolerate(error)?;
            }
        }
        for lines in &self.memtable.lines {
            let looked_through = lines.find(&wanted, &mut found);
            looked_through.map_err(|_| Error::failed("malformed lines in memory").at(self.medium.root()))?;
        }
        // A line that is not as long as the entry says is another's.
        for (line, locator) in found.iter_mut().zip(locators) {
            if line.as_ref().is_some_and(|line| u32::try_from(line.len()) != Ok(locator.length)) {
                *line = None;
            }
        }
        Ok(found)
    }
}
