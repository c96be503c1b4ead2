//! The names of all routes and members of series and their numbers, shared by the workers.
//!
//! Members are kept with a mark before their names (`series_name`), in the same run of numbers. They have as many places as the
//! routes have, and take none of theirs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::RouteId;
use super::cap::{OTHER, RouteCap};
use super::merit::RouteMerit;
use super::series_name::{marked_name, series_of};
use crate::time::Timestamp;

/// Numbers names in order of first sight, at most `cap` of them, `other` included. The last place is kept for
/// `other`, which takes every name that comes when the rest are given away.
#[derive(Debug)]
pub struct Routes {
    cap: RouteCap,
    table: RwLock<RouteTable>,
    overflow: AtomicU64,
    /// The same of members of series.
    members_overflow: AtomicU64,
    /// How often places became free: who was refused before may ask again.
    freed: AtomicU64,
}

/// The names by number and the numbers by name. Nothing is ever taken out; who rests takes no place.
#[derive(Debug, Default)]
struct RouteTable {
    ids: HashMap<Arc<str>, RouteId>,
    names: BTreeMap<u32, Arc<str>>,
    resting: HashSet<u32>,
    /// Of the routes that were noted as seen, the slot of the last request.
    last_seen: HashMap<u32, Timestamp>,
    /// Those that are members of series: they have a cap of their own.
    members: HashSet<u32>,
    /// So many of them rest.
    members_resting: usize,
}

impl Routes {
    /// No routes yet. A `cap` below 2 is taken as 2: one route, and `other`.
    pub fn new(cap: usize) -> Routes {
        let none = || AtomicU64::new(0);
        let (overflow, members_overflow, freed) = (none(), none(), none());
        Routes { cap: RouteCap::new(cap), table: RwLock::default(), overflow, members_overflow, freed }
    }

    /// The routes of a store, under the numbers they have there. All are kept, even if the cap is now smaller; of a
    /// number or a name that comes twice the first counts.
    pub fn restore(cap: usize, names: impl IntoIterator<Item = (RouteId, String)>) -> Routes {
        let routes = Routes::new(cap);
        let mut table = routes.write();
        for (id, name) in names {
            if !table.names.contains_key(&id.0) && !table.ids.contains_key(name.as_str()) {
                table.insert(id, &name);
            }
        }
        drop(table);
        routes
    }

    /// The number of `name`, a new one if it is new. Over the cap: the number of `other`.
    pub fn intern(&self, name: &str) -> RouteId {
        self.number_or_other(name, RouteMerit::Costly).0
    }

    /// Like [`Routes::intern`], for a request of this merit, and whether the name fell to `other`.
    pub(super) fn number_or_other(&self, name: &str, merit: RouteMerit) -> (RouteId, bool) {
        let table = self.read();
        let apart = table.apart_from_members(name);
        let name = apart.as_deref().unwrap_or(name);
        if let Some(id) = table.active(name) {
            return (id, false);
        }
        // The common case of an overflow needs no writer's lock.
        if name != OTHER
            && table.is_full(self.cap, merit)
            && let Some(&other) = table.ids.get(OTHER)
        {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            return (other, true);
        }
        drop(table);
        let mut table = self.write();
        if let Some(id) = table.active(name) {
            return (id, false);
        }
        if name == OTHER || !table.is_full(self.cap, merit) {
            return (table.wake_or_add(name), false);
        }
        self.overflow.fetch_add(1, Ordering::Relaxed);
        let other = table.ids.get(OTHER).copied();
        (other.unwrap_or_else(|| table.add_name(OTHER)), true)
    }

    /// The number of the member of a series that is called so. Over the cap of members: that of `overflow`, the same series' own, which
    /// always has a place; and whether it is.
    pub(super) fn number_in_series(&self, name: &str, overflow: &str, merit: RouteMerit) -> (RouteId, bool) {
        let known = {
            let table = self.read();
            table.active(&table.apart_from_routes(name))
        };
        if let Some(id) = known {
            return (id, false);
        }
        let mut table = self.write();
        let (kept, over) = (table.apart_from_routes(name), table.apart_from_routes(overflow));
        if let Some(id) = table.active(&kept) {
            return (id, false);
        }
        if kept == over || !self.cap.is_reached(table.members_taken(), true, merit) {
            return (table.wake_or_add(&kept), false);
        }
        self.members_overflow.fetch_add(1, Ordering::Relaxed);
        (table.wake_or_add(&over), true)
    }

    /// The number of a member of a series that is already known.
    pub fn find_in_series(&self, name: &str) -> Option<RouteId> {
        let table = self.read();
        let kept = table.apart_from_routes(name);
        table.ids.get(kept.as_str()).copied()
    }

    /// Notes until when these routes had requests; one that rested does so no more.
    pub fn note_seen(&self, seen: impl IntoIterator<Item = (Timestamp, RouteId)>) {
        let mut table = self.write();
        for (slot, id) in seen {
            table.wake(id.0);
            let last = table.last_seen.entry(id.0).or_insert(slot);
            *last = slot.max(*last);
        }
    }

    /// If places are short, the routes (or the members of series) without requests since `before` rest.
    pub fn rest_idle(&self, before: Timestamp) {
        let table = self.read();
        let routes_short = table.is_full(self.cap, RouteMerit::Refused);
        let members_short = self.cap.is_reached(table.members_taken(), true, RouteMerit::Refused);
        if !routes_short && !members_short {
            return;
        }
        drop(table);
        let mut table = self.write();
        let other = table.ids.get(OTHER).map(|id| id.0);
        let is_short = |id: &u32| if table.members.contains(id) { members_short } else { routes_short };
        let is_idle = |id: &u32| Some(*id) != other && table.last_seen.get(id).is_none_or(|seen| *seen < before);
        let idle: Vec<u32> = table.names.keys().copied().filter(|id| is_short(id) && is_idle(id)).collect();
        let rested = table.resting.len();
        for id in idle {
            table.rest(id);
        }
        if table.resting.len() > rested {
            self.freed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Changes when places became free.
    pub(super) fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// The name of a route, or of a member of a series.
    pub fn name(&self, id: RouteId) -> Option<Arc<str>> {
        let kept = self.kept_name(id)?;
        Some(series_of(&kept).map(Arc::from).unwrap_or(kept))
    }

    /// The name as it is kept: a member's with its mark.
    pub fn kept_name(&self, id: RouteId) -> Option<Arc<str>> {
        self.read().names.get(&id.0).cloned()
    }

    /// The number of a name that is already known.
    pub fn find(&self, name: &str) -> Option<RouteId> {
        self.read().ids.get(name).copied()
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.read().names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often a name was asked for that fell to `other`. Matchers remember answers, so this is no count of
    /// requests; [`super::Matcher::overflow`] is.
    pub fn overflow(&self) -> u64 {
        self.overflow.load(Ordering::Relaxed)
    }

    /// How often a member of a series was asked for that fell to the series' `other`.
    pub fn members_overflow(&self) -> u64 {
        self.members_overflow.load(Ordering::Relaxed)
    }

    /// The names numbered `first` and above as they are kept, in order: what a commit has to add to what it wrote before.
    pub fn since(&self, first: u32) -> Vec<(RouteId, Arc<str>)> {
        self.read().names.range(first..).map(|(&id, name)| (RouteId(id), Arc::clone(name))).collect()
    }

    // A worker that panicked while it held the lock left a whole table: every change is one insertion in each map.
    fn read(&self) -> RwLockReadGuard<'_, RouteTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, RouteTable> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteTable {
    /// Whether a name that has no place has to fall to `other`, by a request of this merit.
    fn is_full(&self, cap: RouteCap, merit: RouteMerit) -> bool {
        let routes = self.names.len() - self.resting.len() - self.members_taken();
        cap.is_reached(routes, self.ids.contains_key(OTHER), merit)
    }

    /// How many members of series have a place.
    fn members_taken(&self) -> usize {
        self.members.len() - self.members_resting
    }

    /// The name of a route that must not be shown as a member is, which has its name already; nothing where none has.
    fn apart_from_members(&self, name: &str) -> Option<String> {
        if self.members.is_empty() || !self.ids.contains_key(marked_name(name).as_str()) {
            return None;
        }
        let mut apart = format!("{name}_");
        while self.ids.contains_key(marked_name(&apart).as_str()) {
            apart.push('_');
        }
        Some(apart)
    }

    /// The name of a member as it is kept, apart from a route that has its name already.
    fn apart_from_routes(&self, name: &str) -> String {
        let mut apart = name.to_owned();
        // A route that came after the member gave way to it.
        while self.ids.contains_key(apart.as_str()) && !self.ids.contains_key(marked_name(&apart).as_str()) {
            apart.push('_');
        }
        marked_name(&apart)
    }

    /// Takes a name its place.
    fn rest(&mut self, id: u32) {
        let is_new = self.resting.insert(id);
        self.members_resting += usize::from(is_new && self.members.contains(&id));
    }

    /// Gives a name that rests its place back.
    fn wake(&mut self, id: u32) {
        let did_rest = self.resting.remove(&id);
        self.members_resting -= usize::from(did_rest && self.members.contains(&id));
    }

    /// The number of a name that has a place.
    fn active(&self, name: &str) -> Option<RouteId> {
        self.ids.get(name).copied().filter(|id| self.resting.is_empty() || !self.resting.contains(&id.0))
    }

    /// Gives a name a place: one that rested has its number still.
    fn wake_or_add(&mut self, name: &str) -> RouteId {
        match self.ids.get(name) {
            Some(&id) => {
                self.wake(id.0);
                id
            }
            None => self.add_name(name),
        }
    }

    /// Gives a new name the number after the highest.
    fn add_name(&mut self, name: &str) -> RouteId {
        let next = self.names.last_key_value().map_or(0, |(&last, _)| last.saturating_add(1));
        let id = RouteId(next);
        self.insert(id, name);
        id
    }

    /// Puts in a name with its number; neither is there yet.
    fn insert(&mut self, id: RouteId, name: &str) {
        let name: Arc<str> = Arc::from(name);
        if series_of(&name).is_some() {
            self.members.insert(id.0);
        }
        self.ids.insert(Arc::clone(&name), id);
        self.names.insert(id.0, name);
    }
}
