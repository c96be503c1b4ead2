//! The slow-request index: entries of a window, and which of them are among the slowest of all that is stored.
//!
//! Two passes: what the query asks for, then the rivals of those that are kept for being slow alone, in all of their
//! route and slot. A rival may lie outside of the window or the filters of the query, so the second pass asks for
//! routes and slots only. It is left out where one segment holds a slot alone: that was judged when it was sealed.

use crate::error::Result;
use crate::route::RouteId;
use crate::store::commit::entry::{Entry, KeepReasons};
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::journal::memtable::Memtable;
use crate::store::query::rank;
use crate::store::query::rank::RouteSlot;
use crate::store::query::sealed::SealedSegments;
use crate::store::settings::StoreSettings;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Slots at most this many slots apart are searched for rivals together.
const NEAR: u32 = 30;

/// All slow entries of a store.
pub(crate) struct SlowEntries<'v> {
    pub(crate) sealed: &'v SealedSegments,
    pub(crate) memtable: &'v Memtable,
    pub(crate) settings: &'v StoreSettings,
    /// The members of series, whose entries are meant only where they are named: else a request would be there twice.
    pub(crate) members: &'v BTreeMap<RouteId, String>,
}

impl SlowEntries<'_> {
    /// Those that `query` asks for, by end and locator, see `View::entries`.
    pub(crate) fn find_entries(&self, query: &EntryQuery) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        let mut add = |entry: Entry| {
            let is_meant = query.routes.is_some() || !self.members.contains_key(&entry.route);
            if is_meant && query.reaches(&entry) && query.accepts(&entry) {
                found.push(entry);
            }
        };
        self.sealed.each_entry(query, &mut add)?;
        self.memtable.entries.iter().copied().for_each(add);
        let mut found = self.judge_slowest(found)?;
        found.sort_unstable_by_key(|entry| (entry.end, entry.locator));
        Ok(found)
    }

    /// Take [`KeepReasons::SLOWEST`] off the entries that are not among the K slowest of all that is stored of their route
    /// and slot, and drop those that nothing else keeps.
    fn judge_slowest(&self, found: Vec<Entry>) -> Result<Vec<Entry>> {
        let mut doubtful: HashSet<RouteSlot> = HashSet::new();
        for entry in &found {
            if entry.kept.contains(KeepReasons::SLOWEST) {
                doubtful.insert(self.slot_of(entry));
            }
        }
        doubtful.retain(|&(_, slot)| self.is_doubtful(slot));
        if doubtful.is_empty() {
            return Ok(found);
        }
        let slowest = rank::find_slowest(&self.find_rivals(&doubtful)?, self.settings);
        let mut judged = Vec::with_capacity(found.len());
        for entry in found {
            let settled = !doubtful.contains(&self.slot_of(&entry));
            judged.extend(rank::judge_entry(entry, settled || slowest.contains(&(entry.route, entry.locator))));
        }
        Ok(judged)
    }

    /// All entries that are stored of these routes and slots.
    fn find_rivals(&self, doubtful: &HashSet<RouteSlot>) -> Result<Vec<Entry>> {
        let routes: BTreeSet<RouteId> = doubtful.iter().map(|(route, _)| *route).collect();
        let mut query = EntryQuery::new(Window::ALL, WindowMatch::End);
        query.routes = Some(routes.into_iter().collect());
        let mut rivals = Vec::new();
        for window in self.find_stretches(doubtful) {
            query.window = window;
            self.sealed.each_entry(&query, |entry| {
                // A block gives others too, which another window gives again: one that came twice would outrank for two.
                if window.contains(entry.end) && doubtful.contains(&self.slot_of(&entry)) {
                    rivals.push(entry);
                }
            })?;
        }
        rivals.extend(self.memtable.entries.iter().filter(|entry| doubtful.contains(&self.slot_of(entry))));
        Ok(rivals)
    }

    /// The route and slot among whose entries it is ranked.
    fn slot_of(&self, entry: &Entry) -> RouteSlot {
        rank::slot_of_entry(entry, self.settings)
    }

    /// Whether entries of a slot may be in several places. A slot in one segment alone was judged when it was sealed
    /// (with the K of then, so one that shrank since leaves the old choice).
    fn is_doubtful(&self, slot: Timestamp) -> bool {
        let window = Window { from: slot, until: slot.plus(self.settings.interval) };
        self.sealed.count_with_entries(window) != 1 || self.memtable.may_end_in(window)
    }

    /// The windows that cover the slots of `groups`. A long request may have ended hours after the others, so they are
    /// not one window; but slots near each other are likely in the same blocks.
    fn find_stretches(&self, groups: &HashSet<RouteSlot>) -> Vec<Window> {
        let interval = self.settings.interval;
        let mut runs: Vec<Window> = Vec::new();
        for from in groups.iter().map(|(_, slot)| *slot).collect::<BTreeSet<_>>() {
            let until = from.plus(interval);
            match runs.last_mut() {
                Some(run) if from <= run.until.plus(interval.saturating_mul(NEAR)) => run.until = until,
                _ => runs.push(Window { from, until }),
            }
        }
        runs
    }
}
