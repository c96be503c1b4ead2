//! Which entries are among the K slowest of their route and slot: a total order, so that batches do not matter.

use super::entry::{Entry, Kept, Locator};
use super::settings::Settings;
use crate::route::RouteId;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// A route in a slot.
pub(crate) type Group = (RouteId, Timestamp);

/// The slot that counts an entry: that of its end.
pub(crate) fn group(entry: &Entry, settings: &Settings) -> Group {
    (entry.route, entry.end.slot(settings.interval))
}

/// Which entries rank among the first K of their group: slowest first, then by end, generation, offset.
pub(crate) fn slowest(entries: impl Iterator<Item = Entry>, settings: &Settings) -> HashSet<Locator> {
    let mut groups: HashMap<Group, Vec<Entry>> = HashMap::new();
    for entry in entries {
        groups.entry(group(&entry, settings)).or_default().push(entry);
    }
    let places = usize::try_from(settings.slowest).unwrap_or(usize::MAX);
    let mut first = HashSet::new();
    for mut members in groups.into_values() {
        members.sort_unstable_by_key(|entry| (Reverse(entry.duration_ms), entry.end, entry.locator));
        first.extend(members.iter().take(places).map(|entry| entry.locator));
    }
    first
}

/// The entry with [`Kept::SLOWEST`] taken off if it is not among the K; `None` if nothing else keeps it.
pub(crate) fn judged(mut entry: Entry, among: bool) -> Option<Entry> {
    if !among {
        entry.kept = entry.kept.without(Kept::SLOWEST);
    }
    (!entry.kept.is_empty()).then_some(entry)
}

/// Drop what cannot be among the K slowest whatever else may come: an entry outranked by K others stays outranked.
pub(crate) fn prune(entries: &[Entry], settings: &Settings) -> Vec<Entry> {
    let first = slowest(entries.iter().copied(), settings);
    entries.iter().filter_map(|&entry| judged(entry, first.contains(&entry.locator))).collect()
}
