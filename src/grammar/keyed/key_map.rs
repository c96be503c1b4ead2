//! From a key to the variable whose value it holds: a hash table made once per format.

use xxhash_rust::xxh3::xxh3_64;

use crate::grammar::variables::DurationUnit;

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyTarget {
    /// The variable, by index.
    pub(super) variable: u16,
    /// Where several keys of a line hold the variable, the lowest rank is taken.
    pub(super) rank: u8,
    /// The unit of a duration.
    pub(super) unit: DurationUnit,
}

/// Keys and their targets. Looking one up compares its bytes with those of the few keys of the same place at most, all of
/// them the format's own, so a stranger's keys cannot make it slow.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyMap {
    entries: Vec<(Box<[u8]>, KeyTarget)>,
    /// Open addressing: entry number plus one, 0 for none. A power of two, at most a quarter full.
    places: Vec<u16>,
}

impl KeyMap {
    /// Adds a key (in lower case); the first target given to one stays.
    pub(super) fn insert(&mut self, key: &str, target: KeyTarget) {
        if self.get(key.as_bytes()).is_some() || self.entries.len() >= usize::from(u16::MAX) - 1 {
            return;
        }
        self.entries.push((key.as_bytes().into(), target));
        if self.entries.len() * 4 > self.places.len() {
            self.places = vec![0; (self.entries.len() * 8).next_power_of_two()];
            for number in 0..self.entries.len() {
                self.place_entry(number);
            }
        } else {
            self.place_entry(self.entries.len() - 1);
        }
    }

    fn place_entry(&mut self, number: usize) {
        let Some((key, _)) = self.entries.get(number) else { return };
        let mask = self.places.len() - 1;
        let mut at = xxh3_64(key) as usize & mask;
        while self.places.get(at).is_some_and(|&taken| taken != 0) {
            at = (at + 1) & mask;
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = u16::try_from(number + 1).unwrap_or(0);
        }
    }

    /// The target of a key in lower case.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<KeyTarget> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = xxh3_64(key) as usize & mask;
        loop {
            let number = usize::from(*self.places.get(at)?).checked_sub(1)?;
            let (known, target) = self.entries.get(number)?;
            if **known == *key {
                return Some(*target);
            }
            at = (at + 1) & mask;
        }
    }

    /// The keys and their targets, in the order in which they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, KeyTarget)> {
        self.entries.iter().map(|(key, target)| (std::str::from_utf8(key).unwrap_or_default(), *target))
    }
}
