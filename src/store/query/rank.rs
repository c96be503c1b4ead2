//! Which entries are among the K slowest of their route and slot: a total order, so that batches do not matter.
//!
//! Keeping K candidates of each commit is enough: an entry that K others of its own commit outrank is outranked
//! whatever else comes. So pruning any part, in any order and any number of times, leaves what pruning the whole
//! would leave.

use crate::route::RouteId;
use crate::store::commit::entry::{Entry, KeepReasons, Locator};
use crate::store::settings::StoreSettings;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// A route in a slot.
pub(crate) type RouteSlot = (RouteId, Timestamp);

/// The slot that counts an entry: that of its end.
pub(crate) fn slot_of_entry(entry: &Entry, settings: &StoreSettings) -> RouteSlot {
    (entry.route, entry.end.slot(settings.interval))
}

/// For each entry whether it ranks among the first K of its group: slowest first, then by end, generation, offset.
fn among_slowest(entries: &[Entry], settings: &StoreSettings) -> Vec<bool> {
    let mut ranked: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| (slot_of_entry(entry, settings), Reverse(entry.duration_ms), entry.end, entry.locator, at))
        .collect();
    ranked.sort_unstable();
    let mut among = vec![false; entries.len()];
    for group in ranked.chunk_by(|one, next| one.0 == next.0) {
        for (.., at) in group.iter().take(usize::try_from(settings.slowest).unwrap_or(usize::MAX)) {
            if let Some(among) = among.get_mut(*at) {
                *among = true;
            }
        }
    }
    among
}

/// Which entries rank among the first K of their group: a line may be among the slowest of its route and not of a series.
pub(crate) fn find_slowest(entries: &[Entry], settings: &StoreSettings) -> HashSet<(RouteId, Locator)> {
    let among = among_slowest(entries, settings);
    let mut slowest = HashSet::new();
    for (entry, among) in entries.iter().zip(among) {
        if among {
            slowest.insert((entry.route, entry.locator));
        }
    }
    slowest
}

/// The entry with [`KeepReasons::SLOWEST`] taken off if it is not among the K; `None` if nothing else keeps it.
pub(crate) fn judge_entry(mut entry: Entry, among: bool) -> Option<Entry> {
    if !among {
        entry.kept = entry.kept.without(KeepReasons::SLOWEST);
    }
    (!entry.kept.is_empty()).then_some(entry)
}

/// Drop what cannot be among the K slowest whatever else may come: an entry outranked by K others stays outranked.
pub(crate) fn prune_entries(entries: &[Entry], settings: &StoreSettings) -> Vec<Entry> {
    // A group of no more than K needs no ranking, and while a backlog is read most groups came in one commit, as K.
    let mut groups: HashMap<RouteSlot, u32> = HashMap::new();
    let mut sizes: Vec<u32> = Vec::new();
    let mut group_of: Vec<u32> = Vec::with_capacity(entries.len());
    for entry in entries {
        let next = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        let number = *groups.entry(slot_of_entry(entry, settings)).or_insert(next);
        match sizes.get_mut(number as usize) {
            Some(size) => *size += 1,
            None => sizes.push(1),
        }
        group_of.push(number);
    }
    let crowded = |number: u32| sizes.get(number as usize).is_some_and(|&size| size > settings.slowest);
    let mut rivals: Vec<Entry> = Vec::new();
    for (entry, number) in entries.iter().zip(&group_of) {
        if crowded(*number) {
            rivals.push(*entry);
        }
    }
    let mut among = among_slowest(&rivals, settings).into_iter();
    // In one allocation: this is the largest list there is.
    let mut pruned = Vec::with_capacity(entries.len());
    for (entry, number) in entries.iter().zip(group_of) {
        pruned.extend(judge_entry(*entry, !crowded(number) || among.next().unwrap_or(true)));
    }
    pruned
}
