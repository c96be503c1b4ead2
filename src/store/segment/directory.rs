//! What a segment holds and where: its bounds (in the manifest) and the bounds of its blocks (in its own directory).

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encode::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::store::level::Level;
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

    /// Those of one slot.
    pub(crate) fn of(slot: Timestamp) -> Bounds {
        Bounds { min_start: slot, min_end: slot, max_end: slot }
    }

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

/// What a segment was made from, and so what it answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SegmentKind {
    /// A journal: all that it held, without roll-ups.
    Sealed,
    /// Sealed segments merged: all but the cells of ten minutes and hours.
    Detail,
    /// These cells, of the segments merged.
    Rolled,
}

/// A segment, as the manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) number: u64,
    pub(crate) kind: SegmentKind,
    /// Wall clock of the last commit that went into it.
    pub(crate) sealed: Timestamp,
    /// The file's bytes.
    pub(crate) length: u64,
    /// Starts of slots of its cells, as `min_end` and `max_end`.
    pub(crate) cells: Bounds,
    pub(crate) entries: Bounds,
    pub(crate) blocks: Bounds,
    /// How many cells, entries and block summaries it holds.
    pub(crate) counts: [u64; 3],
    /// How many archived lines.
    pub(crate) lines: u64,
}

impl Info {
    /// A segment that holds nothing.
    pub(crate) fn empty(number: u64, kind: SegmentKind, sealed: Timestamp) -> Info {
        let [cells, entries, blocks] = [Bounds::EMPTY; 3];
        Info { number, kind, sealed, length: 0, cells, entries, blocks, counts: [0; 3], lines: 0 }
    }

    /// The time of the newest thing in it. A line may claim to be from the future: no later than when it was sealed.
    pub(crate) fn newest(&self) -> Timestamp {
        self.cells.max_end.max(self.entries.max_end).max(self.blocks.max_end).min(self.sealed)
    }

    /// Which of its cells answer for a stretch that is to be answered from `level`.
    pub(crate) fn level_for(&self, level: Level) -> Option<Level> {
        let coarse = level >= Level::TenMinutes;
        match self.kind {
            SegmentKind::Sealed => Some(Level::Fine),
            SegmentKind::Detail => Some(level).filter(|_| !coarse),
            SegmentKind::Rolled => Some(level).filter(|_| coarse),
        }
    }
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

/// A block of archived lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineBlock {
    pub(crate) place: Place,
    pub(crate) unpacked: u64,
    pub(crate) first: (GenerationId, u64),
    pub(crate) last: (GenerationId, u64),
}

/// All blocks of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Directory {
    /// By level.
    pub(crate) cells: [Vec<CellBlock>; 4],
    pub(crate) entries: Vec<EntryBlock>,
    pub(crate) summaries: Vec<SummaryBlock>,
    pub(crate) lines: Vec<LineBlock>,
}

impl Directory {
    pub(crate) fn cells(&self, level: Level) -> &[CellBlock] {
        let [fine, minute, ten_minutes, hour] = &self.cells;
        match level {
            Level::Fine => fine,
            Level::Minute => minute,
            Level::TenMinutes => ten_minutes,
            Level::Hour => hour,
        }
    }

    pub(crate) fn cells_mut(&mut self, level: Level) -> &mut Vec<CellBlock> {
        let [fine, minute, ten_minutes, hour] = &mut self.cells;
        match level {
            Level::Fine => fine,
            Level::Minute => minute,
            Level::TenMinutes => ten_minutes,
            Level::Hour => hour,
        }
    }
}

impl Encode for SegmentKind {
    fn encode(&self, out: &mut Encoder) {
        out.u8(match self {
            SegmentKind::Sealed => 0,
            SegmentKind::Detail => 1,
            SegmentKind::Rolled => 2,
        });
    }
}

impl Decode for SegmentKind {
    fn decode(from: &mut Decoder<'_>) -> Decoded<SegmentKind> {
        match from.u8()? {
            0 => Ok(SegmentKind::Sealed),
            1 => Ok(SegmentKind::Detail),
            2 => Ok(SegmentKind::Rolled),
            _ => Err(Malformed),
        }
    }
}

impl Encode for LineBlock {
    fn encode(&self, out: &mut Encoder) {
        self.place.encode(out);
        out.varint(self.unpacked);
        for (generation, offset) in [self.first, self.last] {
            out.varint(u64::from(generation.0));
            out.varint(offset);
        }
    }
}

impl Decode for LineBlock {
    fn decode(from: &mut Decoder<'_>) -> Decoded<LineBlock> {
        Ok(LineBlock {
            place: Place::decode(from)?,
            unpacked: from.varint()?,
            first: (GenerationId(from.varint_as()?), from.varint()?),
            last: (GenerationId(from.varint_as()?), from.varint()?),
        })
    }
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
        self.kind.encode(out);
        self.sealed.encode(out);
        out.varint(self.length);
        for bounds in [&self.cells, &self.entries, &self.blocks] {
            bounds.encode(out);
        }
        for count in self.counts {
            out.varint(count);
        }
        out.varint(self.lines);
    }
}

impl Decode for Info {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Info> {
        Ok(Info {
            number: from.varint()?,
            kind: SegmentKind::decode(from)?,
            sealed: Timestamp::decode(from)?,
            length: from.varint()?,
            cells: Bounds::decode(from)?,
            entries: Bounds::decode(from)?,
            blocks: Bounds::decode(from)?,
            counts: [from.varint()?, from.varint()?, from.varint()?],
            lines: from.varint()?,
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
        for cells in &self.cells {
            out.list(cells);
        }
        out.list(&self.entries);
        out.list(&self.summaries);
        out.list(&self.lines);
    }
}

impl Decode for Directory {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Directory> {
        let mut directory = Directory::default();
        for cells in &mut directory.cells {
            *cells = from.list()?;
        }
        directory.entries = from.list()?;
        directory.summaries = from.list()?;
        directory.lines = from.list()?;
        Ok(directory)
    }
}
