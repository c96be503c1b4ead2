//! Which number a cell (a route's slot) has in a stretch of lines, found for every line.
//!
//! A row names its cell by a number, which takes four bytes where slot and route take twelve, and by which rows are brought
//! together without hashing. Numbers begin anew with every commit, so that there are as many as cells were touched.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::route::RouteId;
use crate::time::Timestamp;

/// Numbers the cells, by slot and route, in the order they are first seen.
#[derive(Default)]
pub(super) struct CellNumbers {
    cells: Vec<(Timestamp, RouteId)>,
    by_key: HashMap<(i64, u32), u32, BuildHasherDefault<CellHasher>>,
    /// The slot that `by_route` is about, and its distinction from those before.
    slot: Timestamp,
    turn: u32,
    /// By route: in which turn it got its cell's number, and the number.
    by_route: Vec<(u32, u32)>,
}

impl CellNumbers {
    /// The number of the cell of this slot and route. Most lines are in the slot of the line before: then it is one look into a list.
    #[inline]
    pub(super) fn number_of(&mut self, slot: Timestamp, route: RouteId) -> u32 {
        if slot == self.slot
            && let Some(&(turn, number)) = self.by_route.get(route.0 as usize)
            && turn == self.turn
        {
            return number;
        }
        self.look_up(slot, route)
    }

    /// The slow way: the first line of a slot, or of a route in it.
    #[inline(never)]
    fn look_up(&mut self, slot: Timestamp, route: RouteId) -> u32 {
        if slot != self.slot || self.turn == 0 {
            self.slot = slot;
            self.next_turn();
        }
        let next = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let number = *self.by_key.entry((slot.0, route.0)).or_insert(next);
        if number == next {
            self.cells.push((slot, route));
        }
        let at = route.0 as usize;
        if self.by_route.len() <= at {
            self.by_route.resize(at + 1, (0, 0));
        }
        if let Some(place) = self.by_route.get_mut(at) {
            *place = (self.turn, number);
        }
        number
    }

    /// Forget `by_route` without writing to it: its entries are of earlier turns now. Only when the count wraps are they wiped.
    fn next_turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        if self.turn <= 1 {
            self.turn = 1;
            self.by_route.fill((0, 0));
        }
    }

    /// The slots of the cells, ascending, each once.
    pub(super) fn slots(&self) -> Vec<Timestamp> {
        let mut slots: Vec<Timestamp> = self.cells.iter().map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// The cells in the order of their numbers; numbers begin anew.
    pub(super) fn take_cells(&mut self) -> Vec<(Timestamp, RouteId)> {
        self.by_key.clear();
        self.next_turn();
        std::mem::take(&mut self.cells)
    }
}

/// A multiplicative hash for small whole numbers. Both halves of the key are ours (a slot and a route's number), so
/// nobody can aim at collisions except by log times, whose slots are spread by the multiplication.
#[derive(Default)]
struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(26) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_one_number_however_slots_alternate() {
        let mut cells = CellNumbers::default();
        for turn in 1..4 {
            let mut numbers = HashMap::new();
            for i in 0..500u32 {
                let key = (Timestamp(i64::from(i * i % 7) * 10_000), RouteId(i * turn % 11));
                let next = u32::try_from(numbers.len()).unwrap();
                assert_eq!(cells.number_of(key.0, key.1), *numbers.entry(key).or_insert(next), "{key:?}");
            }
            let keys = cells.take_cells();
            assert_eq!(keys.len(), numbers.len());
            assert!(keys.iter().zip(0..).all(|(key, number)| numbers.get(key) == Some(&number)));
        }
    }
}
