//! The dotted path of a key while an object is scanned, in a buffer of fixed size.

use super::json_string;

/// Paths longer than this are not looked at.
const LENGTH: usize = 128;

/// The path, in lower case.
#[derive(Debug)]
pub(super) struct KeyPath {
    bytes: [u8; LENGTH],
    length: usize,
    /// How many keys did not find room, the innermost of them included.
    lost: usize,
}

impl Default for KeyPath {
    fn default() -> KeyPath {
        KeyPath { bytes: [0; LENGTH], length: 0, lost: 0 }
    }
}

/// Where a path goes back to when a key's value is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct OuterKeys {
    length: usize,
    lost: usize,
}

impl KeyPath {
    /// Adds a key.
    #[inline]
    pub(super) fn push(&mut self, key: &[u8], escaped: bool) -> OuterKeys {
        let outer = OuterKeys { length: self.length, lost: self.lost };
        if escaped {
            let mut plain = Vec::with_capacity(key.len());
            json_string::decode(key, &mut plain);
            self.append(&plain);
        } else {
            self.append(key);
        }
        outer
    }

    fn append(&mut self, key: &[u8]) {
        let from = if self.length == 0 { 0 } else { self.length + 1 };
        let Some(room) = self.bytes.get_mut(from..from + key.len()).filter(|_| self.lost == 0) else {
            self.lost += 1;
            return;
        };
        for (to, byte) in room.iter_mut().zip(key) {
            *to = byte.to_ascii_lowercase();
        }
        if let Some(dot) = self.bytes.get_mut(self.length).filter(|_| from > 0) {
            *dot = b'.';
        }
        self.length = from + key.len();
    }

    /// Takes the last key away.
    pub(super) fn back_to(&mut self, outer: OuterKeys) {
        (self.length, self.lost) = (outer.length, outer.lost);
    }

    /// The path; None if it is too long.
    #[inline]
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        if self.lost > 0 { None } else { self.bytes.get(..self.length) }
    }
}
