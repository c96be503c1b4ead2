//! What a segment holds and where: its bounds (in the manifest) and the bounds of its blocks (in its own directory).

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encode::{Decode, Decoded, Decoder, Encode, Encoder};
use crate::store::query::By;
use crate::time::{Timestamp, Window};

/// Bounds of times; of nothing, `max_end` is before `min_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min_start: Timestamp,
    pub(crate) min_end: Timestamp,
    pub(crate) max_end: Timestamp,
}

impl Bounds {
    pub(crate) const EMPTY: Bounds =
        Bounds { min_start: Timestamp(i64::MAX), min_end: Timestamp(i64::MAX), max_end: Timestamp(i64::MIN) };

    pub(crate) fn add(&mut self, other: &Bounds) {
        self.min_start = self.min_start.min(other.min_start);
        self.min_end = self.min_end.min(other.min_end);
        self.max_end = self.max_end.max(other.max_end);
    }

    /// Whether something within them may lie in `window`.
    pub(crate) fn may_reach(&self, window: Window, by: By) -> bool {
        match by {
            By::End => self.min_end < window.until && self.max_end >= window.from,
            By::Overlap => window.overlaps(self.min_start, self.max_end),
        }
    }
}

/// A segment, as the manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) number: u64,
    /// The file's bytes.
    pub(crate) length: u64,
    /// Starts of slots of its cells, as `min_end` and `max_end`.
    pub(crate) cells: Bounds,
    pub(crate) entries: Bounds,
    pub(crate) blocks: Bounds,
    /// How many cells, entries and block summaries it holds.
    pub(crate) counts: [u64; 3],
}

/// Where a block is in the segment's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) checksum: u64,
}

/// A block of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellBlock {
    pub(crate) place: Place,
    pub(crate) unpacked: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// A block of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryBlock {
    pub(crate) place: Place,
    pub(crate) count: u64,
    pub(crate) min_start: Timestamp,
    pub(crate) min_end: Timestamp,
    pub(crate) max_end: Timestamp,
    pub(crate) max_duration_ms: u64,
    pub(crate) min_route: RouteId,
    pub(crate) max_route: RouteId,
}

impl EntryBlock {
    pub(crate) fn empty() -> EntryBlock {
        EntryBlock {
            place: Place::default(),
            count: 0,
            min_start: Timestamp(i64::MAX),
            min_end: Timestamp(i64::MAX),
            max_end: Timestamp(i64::MIN),
            max_duration_ms: 0,
            min_route: RouteId(u32::MAX),
            max_route: RouteId(0),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { min_start: self.min_start, min_end: self.min_end, max_end: self.max_end }
    }

    /// Whether an entry of one of `routes` may be in it.
    pub(crate) fn may_hold(&self, routes: Option<&[RouteId]>) -> bool {
        routes.is_none_or(|routes| routes.iter().any(|&route| self.min_route <= route && route <= self.max_route))
    }
}

/// A block of block summaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryBlock {
    pub(crate) place: Place,
    pub(crate) unpacked: u64,
    pub(crate) bounds: Bounds,
    pub(crate) first: (GenerationId, u32),
    pub(crate) last: (GenerationId, u32),
}

/// All blocks of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Directory {
    pub(crate) cells: Vec<CellBlock>,
    pub(crate) entries: Vec<EntryBlock>,
    pub(crate) summaries: Vec<SummaryBlock>,
}

impl Encode for Bounds {
    fn encode(&self, out: &mut Encoder) {
        self.min_end.encode(out);
        out.signed(self.max_end.0.wrapping_sub(self.min_end.0));
        out.signed(self.min_end.0.wrapping_sub(self.min_start.0));
    }
}

impl Decode for Bounds {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Bounds> {
        let min_end = from.signed()?;
        let max_end = min_end.wrapping_add(from.signed()?);
        let min_start = min_end.wrapping_sub(from.signed()?);
        Ok(Bounds { min_start: Timestamp(min_start), min_end: Timestamp(min_end), max_end: Timestamp(max_end) })
    }
}

impl Encode for Info {
    fn encode(&self, out: &mut Encoder) {
        out.varint(self.number);
        out.varint(self.length);
        for bounds in [&self.cells, &self.entries, &self.blocks] {
            bounds.encode(out);
        }
        for count in self.counts {
            out.varint(count);
        }
    }
}

impl Decode for Info {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Info> {
        Ok(Info {
            number: from.varint()?,
            length: from.varint()?,
            cells: Bounds::decode(from)?,
            entries: Bounds::decode(from)?,
            blocks: Bounds::decode(from)?,
            counts: [from.varint()?, from.varint()?, from.varint()?],
        })
    }
}

impl Encode for Place {
    fn encode(&self, out: &mut Encoder) {
        out.varint(self.offset);
        out.varint(self.length);
        out.u64(self.checksum);
    }
}

impl Decode for Place {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Place> {
        Ok(Place { offset: from.varint()?, length: from.varint()?, checksum: from.u64()? })
    }
}

impl Encode for CellBlock {
    fn encode(&self, out: &mut Encoder) {
        self.place.encode(out);
        out.varint(self.unpacked);
        self.first.encode(out);
        self.last.encode(out);
    }
}

impl Decode for CellBlock {
    fn decode(from: &mut Decoder<'_>) -> Decoded<CellBlock> {
        Ok(CellBlock {
            place: Place::decode(from)?,
            unpacked: from.varint()?,
            first: Timestamp::decode(from)?,
            last: Timestamp::decode(from)?,
        })
    }
}

impl Encode for EntryBlock {
    fn encode(&self, out: &mut Encoder) {
        self.place.encode(out);
        out.varint(self.count);
        self.bounds().encode(out);
        out.varint(self.max_duration_ms);
        out.varint(u64::from(self.min_route.0));
        out.varint(u64::from(self.max_route.0));
    }
}

impl Decode for EntryBlock {
    fn decode(from: &mut Decoder<'_>) -> Decoded<EntryBlock> {
        let place = Place::decode(from)?;
        let count = from.varint()?;
        let Bounds { min_start, min_end, max_end } = Bounds::decode(from)?;
        Ok(EntryBlock {
            place,
            count,
            min_start,
            min_end,
            max_end,
            max_duration_ms: from.varint()?,
            min_route: RouteId(from.varint_as()?),
            max_route: RouteId(from.varint_as()?),
        })
    }
}

impl Encode for SummaryBlock {
    fn encode(&self, out: &mut Encoder) {
        self.place.encode(out);
        out.varint(self.unpacked);
        self.bounds.encode(out);
        for (generation, number) in [self.first, self.last] {
            out.varint(u64::from(generation.0));
            out.varint(u64::from(number));
        }
    }
}

impl Decode for SummaryBlock {
    fn decode(from: &mut Decoder<'_>) -> Decoded<SummaryBlock> {
        Ok(SummaryBlock {
            place: Place::decode(from)?,
            unpacked: from.varint()?,
            bounds: Bounds::decode(from)?,
            first: (GenerationId(from.varint_as()?), from.varint_as()?),
            last: (GenerationId(from.varint_as()?), from.varint_as()?),
        })
    }
}

impl Encode for Directory {
    fn encode(&self, out: &mut Encoder) {
        out.list(&self.cells);
        out.list(&self.entries);
        out.list(&self.summaries);
    }
}

impl Decode for Directory {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Directory> {
        Ok(Directory { cells: from.list()?, entries: from.list()?, summaries: from.list()? })
    }
}
