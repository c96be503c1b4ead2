//! A bounded map from bytes to a small answer: what keeps routing off the rules and the shared table.
//!
//! Open addressing over one arena of keys. A hit compares the key's bytes, not only its hash. When either bound is
//! reached everything is forgotten: the busy keys are back at once, and a flood of distinct URIs cannot grow it.

use std::hash::{BuildHasher, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Entries kept at most.
pub(super) const ENTRIES_MAX: usize = 64 * 1024;
/// Bytes of keys kept at most.
pub(super) const BYTES_MAX: usize = 16 * 1024 * 1024;
/// A longer key is not worth its place.
const KEY_MAX: usize = 4096;
/// Slots of a fresh cache; a power of two, doubled when half of them are taken.
const SLOTS_MIN: usize = 1024;

/// From keys to answers.
#[derive(Debug)]
pub(super) struct AnswerCache<T> {
    slots: Vec<Option<CacheEntry<T>>>,
    keys: Vec<u8>,
    len: usize,
    seed: u64,
}

/// A key (where it stands in the arena, with its hash) and its answer.
#[derive(Debug, Clone, Copy)]
struct CacheEntry<T> {
    hash: u64,
    start: u32,
    length: u32,
    answer: T,
}

/// A key's hash, so that a miss need not compute it again.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHash(u64);

impl<T: Copy> AnswerCache<T> {
    /// An empty cache, with a seed of its own.
    pub(super) fn new() -> AnswerCache<T> {
        // Strangers choose the keys: a seed of our own keeps them from choosing collisions.
        let seed = RandomState::new().build_hasher().finish();
        AnswerCache { slots: vec![None; SLOTS_MIN], keys: Vec::new(), len: 0, seed }
    }

    /// The hash of a key in this cache. Hashes of another cache mean nothing here: their seeds differ.
    #[inline(always)]
    pub(super) fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(xxh3_64_with_seed(key, self.seed))
    }

    /// The answer for a key whose hash is at hand; a miss costs one comparison of hashes for each slot that is taken.
    #[inline(always)]
    pub(super) fn get(&self, key: &[u8], hash: KeyHash) -> Option<T> {
        let mut at = self.home_slot(hash.0);
        while let Some(Some(entry)) = self.slots.get(at) {
            if entry.hash == hash.0 && same_bytes(self.key_of(entry), key) {
                return Some(entry.answer);
            }
            at = self.next_slot(at);
        }
        None
    }

    /// Remembers the answer for a key, instead of another that it had.
    pub(super) fn put(&mut self, key: &[u8], hash: KeyHash, answer: T) {
        if key.len() > KEY_MAX || self.replace(key, hash, answer) {
            return;
        }
        if self.len >= ENTRIES_MAX || self.keys.len() + key.len() > BYTES_MAX {
            self.clear();
        } else if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        // Both fit: the arena is bounded well below 4 GiB.
        let (Ok(start), Ok(length)) = (u32::try_from(self.keys.len()), u32::try_from(key.len())) else {
            return;
        };
        self.keys.extend_from_slice(key);
        self.place_entry(CacheEntry { hash: hash.0, start, length, answer });
        self.len += 1;
    }

    /// Gives a key that is in it another answer; whether it is in it.
    fn replace(&mut self, key: &[u8], hash: KeyHash, answer: T) -> bool {
        let mut at = self.home_slot(hash.0);
        while let Some(Some(entry)) = self.slots.get(at) {
            if entry.hash == hash.0 && same_bytes(self.key_of(entry), key) {
                if let Some(Some(entry)) = self.slots.get_mut(at) {
                    entry.answer = answer;
                }
                return true;
            }
            at = self.next_slot(at);
        }
        false
    }

    /// How many keys it holds and how many bytes they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.len, self.keys.len())
    }

    fn key_of(&self, entry: &CacheEntry<T>) -> &[u8] {
        let start = entry.start as usize;
        self.keys.get(start..start + entry.length as usize).unwrap_or_default()
    }

    /// Where a key with this hash stands if no other has taken the place.
    fn home_slot(&self, hash: u64) -> usize {
        // The mask keeps the low bits only, so truncation is what is meant.
        hash as usize & (self.slots.len() - 1)
    }

    /// The slot to look at after one that another key has taken; the first after the last.
    fn next_slot(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// Puts an entry into the first free slot from its home on. There always is one: at most half of them are taken.
    fn place_entry(&mut self, entry: CacheEntry<T>) {
        let mut at = self.home_slot(entry.hash);
        while let Some(Some(_)) = self.slots.get(at) {
            at = self.next_slot(at);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Some(entry);
        }
    }

    /// Doubles the slots. Hashes are kept, so no key is hashed again.
    fn grow(&mut self) {
        let slots = vec![None; self.slots.len() * 2];
        for entry in std::mem::replace(&mut self.slots, slots).into_iter().flatten() {
            self.place_entry(entry);
        }
    }

    /// Forgets all answers and keeps the memory: a cache that was full once will be again.
    fn clear(&mut self) {
        self.slots.fill(None);
        self.keys.clear();
        self.len = 0;
    }
}

/// Whether two keys are the same, sixteen bytes at a time: they are short, and mostly alike by now.
#[inline]
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    match (one.last_chunk::<16>(), other.last_chunk::<16>()) {
        (Some(last), Some(other_last)) => {
            let fronts = one.as_chunks::<16>().0.iter().zip(other.as_chunks::<16>().0);
            let differ = |one: &[u8; 16], other: &[u8; 16]| u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other);
            let difference = fronts.fold(differ(last, other_last), |all, (one, other)| all | differ(one, other));
            one.len() == other.len() && difference == 0
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::same_bytes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn same_bytes_is_equality(one in proptest::collection::vec(0_u8..3, 0..40), at in 0_usize..40, length in 0_usize..40) {
            let mut other = one.clone();
            other.truncate(length);
            prop_assert_eq!(same_bytes(&one, &other), one == other);
            let mut other = one.clone();
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 4;
            }
            prop_assert_eq!(same_bytes(&one, &other), one == other);
            prop_assert!(same_bytes(&one, &one.clone()));
        }
    }
}
