//! Cells that stay as they were written: what the journal holds is kept encoded, and decoded when it is asked for. That is
//! a tenth of the memory, and sealing a cell that came in one piece is copying it.

use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed};
use crate::store::encoding::cell_codec::{decode_cell, encode_cell, encode_cells, skip_cell};
use crate::time::Timestamp;
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
            let id = RouteId(u32::try_from(route).map_err(|_| Malformed)?);
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

    /// The cells of slots that start in `from..until`; merging is the caller's.
    ///
    /// # Errors
    /// A cell is malformed, although its record's checksum was right.
    pub(crate) fn each_cell(
        &self,
        from: Timestamp,
        until: Timestamp,
        wanted: impl Fn(RouteId) -> bool,
        mut each: impl FnMut(Timestamp, RouteId, &Cell),
    ) -> Decoded<()> {
        let range = (from, RouteId(0), 0)..(until, RouteId(0), 0);
        for ((slot, route, _), piece) in self.pieces.range(range).filter(|((_, route, _), _)| wanted(*route)) {
            each(*slot, *route, &decode_cell(&mut Decoder::new(self.piece_bytes(piece)))?);
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
        let bytes = |place| match place {
            CellPlace::Whole(piece) => self.piece_bytes(piece),
            CellPlace::Merged(range) => merged.get::<Range<usize>>(range).unwrap_or_default(),
        };
        Ok(cells.into_iter().map(|(slot, route, place)| (slot, route, bytes(place))).collect())
    }

    fn piece_bytes(&self, piece: &CellPiece) -> &[u8] {
        let range = piece.range.start as usize..piece.range.end as usize;
        self.batches.get(piece.batch as usize).and_then(|batch| batch.get(range)).unwrap_or_default()
    }
}
