//! Cells that stay as they were written: what the journal holds is kept encoded, and decoded when it is asked for. That is
//! a tenth of the memory, and sealing a cell that came in one piece is copying it.
//!
//! Shapes: a [`CellBatch`] is one commit's bytes with a range for each cell; [`EncodedCells`] holds many of them and
//! one ordered map from (slot, route, running number) to the range. A cell that several commits touched has a piece
//! in each, and is merged when it is read: commits are many and queries few, so the work waits for who asks.

use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder};
use crate::store::encoding::cell_codec::{decode_cell, encode_cell, encode_cells, skip_cell};
use crate::store::encoding::cell_sums::{CellRoom, CellSums, add_cell};
use crate::time::{Timestamp, Window};
use std::collections::BTreeMap;
use std::ops::Range;

/// The cells of one commit.
#[derive(Debug, Clone, Default)]
pub(crate) struct CellBatch {
    bytes: Vec<u8>,
    pub(crate) cells: Vec<(Timestamp, RouteId, Range<u32>)>,
}

impl CellBatch {
    /// Append cells to a record's body, and keep a copy.
    pub(crate) fn encode(cells: &[(Timestamp, RouteId, Cell)], out: &mut Encoder) -> CellBatch {
        let start = out.bytes.len();
        let mut batch = CellBatch { bytes: Vec::new(), cells: Vec::with_capacity(cells.len()) };
        encode_cells(cells, out, |slot, route, range| batch.cells.push((slot, route, range_within(&range, start))));
        batch.bytes = out.bytes.get(start..).unwrap_or_default().to_vec();
        batch
    }

    /// Take cells from a record's body; all of them are gone through, so that each can be found.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Decoded<CellBatch> {
        let whole = from.rest();
        let count = from.count()?;
        let mut cells = Vec::new();
        let (mut slot, mut route) = (0i64, 0i64);
        for _ in 0..count {
            slot = slot.wrapping_add(from.signed()?);
            route = route.wrapping_add(from.signed()?);
            let id = RouteId(u32::try_from(route)?);
            let start = whole.len() - from.rest().len();
            skip_cell(from)?;
            cells.push((Timestamp(slot), id, range_within(&(start..whole.len() - from.rest().len()), 0)));
        }
        let bytes = whole.get(..whole.len() - from.rest().len()).unwrap_or_default().to_vec();
        Ok(CellBatch { bytes, cells })
    }
}

impl CellBatch {
    /// A cell by its position.
    pub(crate) fn cell_at(&self, at: usize) -> Option<(Timestamp, RouteId, &[u8])> {
        let (slot, route, range) = self.cells.get(at)?;
        Some((*slot, *route, self.bytes.get(range.start as usize..range.end as usize)?))
    }
}

/// No record is longer than 1 GiB, so positions in it fit.
fn range_within(range: &Range<usize>, start: usize) -> Range<u32> {
    let position = |at: usize| u32::try_from(at - start).unwrap_or(u32::MAX);
    position(range.start)..position(range.end)
}

/// One part of a cell: bytes of a batch.
#[derive(Debug, Clone)]
struct CellPiece {
    batch: u32,
    range: Range<u32>,
}

/// Where a cell's bytes are.
enum CellPlace<'p> {
    /// In the only piece it has.
    Whole(&'p CellPiece),
    /// In what was merged.
    Merged(Range<usize>),
}

/// The cells of many commits, by slot and route; each of as many pieces as there are commits that have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncodedCells {
    batches: Vec<Vec<u8>>,
    /// The last part of the key tells pieces of one cell from each other.
    pieces: BTreeMap<(Timestamp, RouteId, u32), CellPiece>,
    next: u32,
}

impl EncodedCells {
    /// Take in the cells of one commit; they stay encoded.
    pub(crate) fn add_batch(&mut self, batch: CellBatch) {
        let number = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        self.batches.push(batch.bytes);
        for (slot, route, range) in batch.cells {
            self.pieces.insert((slot, route, self.next), CellPiece { batch: number, range });
            self.next = self.next.wrapping_add(1);
        }
    }

    /// The first slot that has a cell.
    pub(crate) fn first_slot(&self) -> Option<Timestamp> {
        self.pieces.keys().next().map(|(slot, ..)| *slot)
    }

    /// Add the cells of slots that start in the window, piece by piece.
    ///
    /// # Errors
    /// A cell is malformed, although its record's checksum was right.
    pub(crate) fn add_to(&self, window: Window, sums: &mut impl CellSums) -> Decoded<()> {
        if window.from >= window.until {
            return Ok(());
        }
        let mut room = CellRoom::default();
        let range = (window.from, RouteId(0), 0)..(window.until, RouteId(0), 0);
        for ((slot, route, _), piece) in self.pieces.range(range) {
            if let Some(sum) = sums.sum_of(*slot, *route) {
                add_cell(&mut Decoder::new(self.piece_bytes(piece)), &mut room, sum)?;
            }
        }
        Ok(())
    }

    /// All cells, each once, by slot and route: encoded, `merged` holding those that were in several pieces.
    pub(crate) fn merge_all<'m>(&'m self, merged: &'m mut Encoder) -> Decoded<Vec<(Timestamp, RouteId, &'m [u8])>> {
        let mut cells = Vec::with_capacity(self.pieces.len());
        let mut room = Buckets::default();
        let mut pieces = self.pieces.iter().peekable();
        while let Some((&(slot, route, _), piece)) = pieces.next() {
            let same = |(next, _): &(&(Timestamp, RouteId, u32), &CellPiece)| (next.0, next.1) == (slot, route);
            if pieces.peek().is_none_or(|next| !same(next)) {
                cells.push((slot, route, CellPlace::Whole(piece)));
                continue;
            }
            let mut cell = decode_cell(&mut Decoder::new(self.piece_bytes(piece)))?;
            while let Some((_, piece)) = pieces.next_if(same) {
                cell.merge(&decode_cell(&mut Decoder::new(self.piece_bytes(piece)))?);
            }
            let start = merged.bytes.len();
            encode_cell(&cell, &mut room, merged);
            cells.push((slot, route, CellPlace::Merged(start..merged.bytes.len())));
        }
        let merged = &merged.bytes;
        let mut encoded = Vec::with_capacity(cells.len());
        for (slot, route, place) in cells {
            let bytes = match place {
                CellPlace::Whole(piece) => self.piece_bytes(piece),
                CellPlace::Merged(range) => merged.get::<Range<usize>>(range).unwrap_or_default(),
            };
            encoded.push((slot, route, bytes));
        }
        Ok(encoded)
    }

    fn piece_bytes(&self, piece: &CellPiece) -> &[u8] {
        let range = piece.range.start as usize..piece.range.end as usize;
        self.batches.get(piece.batch as usize).and_then(|batch| batch.get(range)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Time;
    use proptest::prelude::*;

    type Model = BTreeMap<(Timestamp, RouteId), Cell>;

    struct OfOneRoute {
        route: RouteId,
        cells: Model,
    }

    impl CellSums for OfOneRoute {
        fn sum_of(&mut self, slot: Timestamp, route: RouteId) -> Option<&mut Cell> {
            (route == self.route).then(|| self.cells.entry((slot, route)).or_default())
        }
    }

    fn cell(requests: u64, millis: u64) -> Cell {
        let mut cell = Cell::default();
        cell.requests = requests;
        cell.time_mut(Time::Request).record(millis);
        cell
    }

    fn encoded(cell: &Cell) -> Vec<u8> {
        let mut out = Encoder::default();
        encode_cell(cell, &mut Buckets::default(), &mut out);
        out.bytes
    }

    /// The cells of some commits, each by slot and route, and what they come to.
    fn commits() -> impl Strategy<Value = (EncodedCells, Model)> {
        let cells = proptest::collection::btree_map((-3i64..6, 0u32..3), (1u64..9, 0u64..99_999), 0..8);
        proptest::collection::vec(cells, 0..6).prop_map(|commits| {
            let (mut held, mut model) = (EncodedCells::default(), Model::new());
            for commit in commits {
                let mut cells = Vec::new();
                for ((slot, route), (requests, millis)) in commit {
                    let (slot, route, own) = (Timestamp(slot * 10_000), RouteId(route), cell(requests, millis));
                    model.entry((slot, route)).or_default().merge(&own);
                    cells.push((slot, route, own));
                }
                let mut out = Encoder::default();
                let batch = CellBatch::encode(&cells, &mut out);
                let read = CellBatch::decode(&mut Decoder::new(&out.bytes)).unwrap();
                assert_eq!((&batch.bytes, &batch.cells), (&read.bytes, &read.cells));
                held.add_batch(read);
            }
            (held, model)
        })
    }

    proptest! {
        #[test]
        fn pieces_of_a_cell_come_to_their_sum((held, model) in commits()) {
            let mut merged = Encoder::default();
            let all = held.merge_all(&mut merged).unwrap();
            let expected: Vec<_> = model.iter().map(|((slot, route), cell)| (*slot, *route, encoded(cell))).collect();
            let all: Vec<_> = all.into_iter().map(|(slot, route, cell)| (slot, route, cell.to_vec())).collect();
            prop_assert_eq!(all, expected);
            prop_assert_eq!(held.first_slot(), model.keys().next().map(|(slot, _)| *slot));
        }

        #[test]
        fn a_window_has_the_cells_of_its_slots((held, model) in commits(), from in -4i64..7, length in 0i64..5, route in 0u32..3) {
            let (from, until) = (Timestamp(from * 10_000), Timestamp((from + length) * 10_000));
            let mut found = OfOneRoute { route: RouteId(route), cells: Model::new() };
            held.add_to(Window { from, until }, &mut found).unwrap();
            let found: Vec<_> = found.cells.iter().map(|(key, cell)| (*key, encoded(cell))).collect();
            let mut expected = Vec::new();
            for ((slot, own), cell) in &model {
                if from <= *slot && *slot < until && *own == RouteId(route) {
                    expected.push(((*slot, *own), encoded(cell)));
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
