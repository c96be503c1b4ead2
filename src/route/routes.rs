//! The names of all routes and their numbers, shared by the workers.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::RouteId;
use super::cap::{OTHER, RouteCap};

/// Numbers names in order of first sight, at most `cap` of them, `other` included. The last place is kept for
/// `other`, which takes every name that comes when the rest are given away.
#[derive(Debug)]
pub struct Routes {
    cap: RouteCap,
    table: RwLock<RouteTable>,
    overflow: AtomicU64,
}

/// The names by number and the numbers by name. Nothing is ever taken out.
#[derive(Debug, Default)]
struct RouteTable {
    ids: HashMap<Arc<str>, RouteId>,
    names: BTreeMap<u32, Arc<str>>,
}

impl Routes {
    /// No routes yet. A `cap` below 2 is taken as 2: one route, and `other`.
    pub fn new(cap: usize) -> Routes {
        Routes { cap: RouteCap::new(cap), table: RwLock::default(), overflow: AtomicU64::new(0) }
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
        self.number_or_other(name).0
    }

    /// Like [`Routes::intern`], and whether the name fell to `other`.
    pub(super) fn number_or_other(&self, name: &str) -> (RouteId, bool) {
        let table = self.read();
        if let Some(&id) = table.ids.get(name) {
            return (id, false);
        }
        // Being full is for ever, so the common case of an overflow needs no writer's lock.
        if table.is_full(self.cap)
            && let Some(&other) = table.ids.get(OTHER)
        {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            return (other, true);
        }
        drop(table);
        let mut table = self.write();
        if let Some(&id) = table.ids.get(name) {
            return (id, false);
        }
        if name == OTHER || !table.is_full(self.cap) {
            return (table.add_name(name), false);
        }
        self.overflow.fetch_add(1, Ordering::Relaxed);
        let other = table.ids.get(OTHER).copied();
        (other.unwrap_or_else(|| table.add_name(OTHER)), true)
    }

    /// The name of a route.
    pub fn name(&self, id: RouteId) -> Option<Arc<str>> {
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

    /// The routes numbered `first` and above, in order: what a commit has to add to what it wrote before.
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
    /// Whether a new name has to fall to `other`.
    fn is_full(&self, cap: RouteCap) -> bool {
        cap.is_reached(self.names.len(), self.ids.contains_key(OTHER))
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
        self.ids.insert(Arc::clone(&name), id);
        self.names.insert(id.0, name);
    }
}
