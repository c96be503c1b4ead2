//! What all threads that count share, so that memory is bounded and the answer the same with any number of them: which classes, clients
//! and targets have a count of their own is decided by the first that any thread meets, and lines are held from one room.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_64;

use crate::cli::counted::KeptGroups;
use crate::report::slow::{TopValue, TopValues};

/// So many different clients and targets are counted, of all classes together.
const TOP_VALUES: usize = 1 << 18;

/// So many of the costliest are shown.
const TOPS_SHOWN: usize = 3;

/// Of a client or target that is longer all that begin so count together.
const LONGEST_VALUE: usize = 256;

/// Lines from which typical ones are chosen take so much memory ..
const TYPICAL_BYTES: usize = 96 << 20;

/// .. and the slowest ones of all classes so much.
const SLOWEST_BYTES: usize = 64 << 20;

/// The bounds of one answer.
#[derive(Debug, Clone)]
pub(super) struct SharedBounds {
    /// Which classes are kept apart.
    pub(super) groups: KeptGroups,
    values: KeptValues,
    pub(super) typical: ByteRoom,
    pub(super) slowest: ByteRoom,
}

impl Default for SharedBounds {
    fn default() -> SharedBounds {
        SharedBounds {
            groups: KeptGroups::default(),
            values: KeptValues { kept: Arc::default(), most: TOP_VALUES },
            typical: ByteRoom::new(TYPICAL_BYTES),
            slowest: ByteRoom::new(SLOWEST_BYTES),
        }
    }
}

/// Bytes that may still be held, by whichever thread.
#[derive(Debug, Clone)]
pub(super) struct ByteRoom(Arc<AtomicUsize>);

impl ByteRoom {
    pub(super) fn new(bytes: usize) -> ByteRoom {
        ByteRoom(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Takes so many; whether they were there.
    pub(super) fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    /// Gives so many back.
    pub(super) fn give(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Which clients and targets of which classes have a count of their own: the first that any thread meets.
#[derive(Debug, Clone)]
struct KeptValues {
    kept: Arc<RwLock<HashSet<Arc<[u8]>>>>,
    most: usize,
}

impl KeptValues {
    /// The key, if it is one; what was said once stays.
    fn keep(&self, key: &[u8]) -> Option<Arc<[u8]>> {
        // A thread that panicked while it held the lock left the set whole.
        let known = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(key) {
            return Some(Arc::clone(known));
        }
        let is_full = known.len() >= self.most;
        drop(known);
        if is_full {
            return None;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(key) {
            return Some(Arc::clone(known));
        }
        if kept.len() >= self.most {
            return None;
        }
        let key: Arc<[u8]> = key.into();
        kept.insert(Arc::clone(&key));
        Some(key)
    }
}

/// Which field of a class's requests is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopField {
    Client,
    Target,
}

/// Begins the keys of a class's values of a field.
pub(super) fn key_of_class(class: &[u8], field: TopField) -> [u8; 9] {
    let mut begin = [u8::from(field == TopField::Target); 9];
    if let Some(place) = begin.first_chunk_mut::<8>() {
        *place = xxh3_64(class).to_le_bytes();
    }
    begin
}

/// How many requests have each value of a field, and how long they took.
#[derive(Debug, Default)]
pub(super) struct CountedValues {
    /// The shared key of a value: what begins it, then the value.
    by_key: HashMap<Arc<[u8]>, (u64, u64)>,
    /// Some value was not counted: there were too many.
    partial: bool,
}

impl CountedValues {
    /// Counts a value; `begin` is of its class and field, and `key` is written anew.
    pub(super) fn add(&mut self, bounds: &SharedBounds, begin: [u8; 9], value: &[u8], took_ms: u64, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&begin);
        key.extend_from_slice(value.get(..LONGEST_VALUE).unwrap_or(value));
        if let Some((count, total_ms)) = self.by_key.get_mut(key.as_slice()) {
            *count += 1;
            *total_ms = total_ms.saturating_add(took_ms);
        } else if let Some(shared) = bounds.values.keep(key) {
            self.by_key.insert(shared, (1, took_ms));
        } else {
            self.partial = true;
        }
    }

    pub(super) fn merge(&mut self, other: CountedValues) {
        self.partial |= other.partial;
        for (key, (count, total_ms)) in other.by_key {
            let own = self.by_key.entry(key).or_default();
            own.0 += count;
            own.1 = own.1.saturating_add(total_ms);
        }
    }

    /// The costliest.
    pub(super) fn tops(&self) -> TopValues {
        let mut all = Vec::new();
        for (key, &(count, total_ms)) in &self.by_key {
            let mut value = key.get(9..).unwrap_or_default().to_vec();
            if value.len() == LONGEST_VALUE {
                value.extend_from_slice("…".as_bytes());
            }
            all.push(TopValue { value, count, total_ms });
        }
        TopValues::of(all, TOPS_SHOWN, self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_values_are_counted_is_decided_for_all_threads() {
        let values = KeptValues { kept: Arc::default(), most: 3 };
        let bounds = SharedBounds { values, ..SharedBounds::default() };
        let (mut one, mut other, mut key) = (CountedValues::default(), CountedValues::default(), Vec::new());
        let begin = key_of_class(b"class", TopField::Client);
        for value in [b"a", b"b"] {
            one.add(&bounds, begin, value, 10, &mut key);
        }
        for value in [b"c", b"d", b"a", b"a"] {
            other.add(&bounds, begin, value, 1, &mut key);
        }
        one.add(&bounds, begin, b"d", 1000, &mut key);
        one.merge(other);
        let counts: HashMap<Vec<u8>, (u64, u64)> =
            one.by_key.iter().map(|(key, told)| (key[9..].to_vec(), *told)).collect();
        assert_eq!(
            counts,
            HashMap::from([(b"a".to_vec(), (3, 12)), (b"b".to_vec(), (1, 10)), (b"c".to_vec(), (1, 1))])
        );
        assert!(one.partial);
        assert_ne!(key_of_class(b"class", TopField::Client), key_of_class(b"class", TopField::Target));
    }

    #[test]
    fn room_is_taken_and_given_back() {
        let room = ByteRoom::new(10);
        assert!(room.clone().take(7) && !room.take(4));
        room.give(7);
        assert!(room.take(10));
    }
}
