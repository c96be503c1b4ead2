//! Where each block of a segment is and what it holds: the directory at the segment's end.

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};
use crate::store::resolution::Resolution;
use crate::store::segment::info::TimeBounds;
use crate::time::Timestamp;

/// The first bytes of a segment.
pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"SPKLSEGM";

/// The last bytes of a segment.
pub(crate) const FOOTER_MAGIC: &[u8; 8] = b"SPKLDIRE";

/// Where a block is in the segment's file, and the checksum by which damage of it is noticed before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BlockPlace {
    /// Of its first byte.
    pub(crate) offset: u64,
    /// Its bytes as they are stored.
    pub(crate) length: u64,
    /// Of these bytes.
    pub(crate) checksum: u64,
}

/// A block of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellBlock {
    pub(crate) place: BlockPlace,
    /// Its bytes once decompressed.
    pub(crate) unpacked: u64,
    /// The first and the last slot.
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// A block of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryBlock {
    pub(crate) place: BlockPlace,
    pub(crate) count: u64,
    pub(crate) min_start: Timestamp,
    pub(crate) min_end: Timestamp,
    pub(crate) max_end: Timestamp,
    /// A query for longer requests need not read it.
    pub(crate) max_duration_ms: u64,
    /// Its routes lie between these, in the order of their numbers.
    pub(crate) min_route: RouteId,
    pub(crate) max_route: RouteId,
}

impl EntryBlock {
    /// A block of no entries, whose bounds any entry widens.
    pub(crate) fn empty() -> EntryBlock {
        EntryBlock {
            place: BlockPlace::default(),
            count: 0,
            min_start: Timestamp(i64::MAX),
            min_end: Timestamp(i64::MAX),
            max_end: Timestamp(i64::MIN),
            max_duration_ms: 0,
            min_route: RouteId(u32::MAX),
            max_route: RouteId(0),
        }
    }

    /// When its entries were in flight.
    pub(crate) fn bounds(&self) -> TimeBounds {
        TimeBounds { min_start: self.min_start, min_end: self.min_end, max_end: self.max_end }
    }

    /// Whether an entry of one of `routes` may be in it.
    pub(crate) fn may_hold(&self, routes: Option<&[RouteId]>) -> bool {
        routes.is_none_or(|routes| routes.iter().any(|&route| self.min_route <= route && route <= self.max_route))
    }
}

/// A block of block summaries.
///
/// A summary without lines has no times of its own, so the bounds also cover the time between its neighbours: a
/// window that its rejected lines may concern finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryBlock {
    pub(crate) place: BlockPlace,
    /// Its bytes once decompressed.
    pub(crate) unpacked: u64,
    /// Of the lines that its summaries are about.
    pub(crate) bounds: TimeBounds,
    /// The first and the last block.
    pub(crate) first: (GenerationId, u32),
    pub(crate) last: (GenerationId, u32),
}

/// A block of archived lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineBlock {
    pub(crate) place: BlockPlace,
    /// Its bytes once decompressed.
    pub(crate) unpacked: u64,
    /// Where the first and the last line start.
    pub(crate) first: (GenerationId, u64),
    pub(crate) last: (GenerationId, u64),
}

/// All blocks of a segment.
///
/// Decoded whole when a segment is first asked for something; after that, each query reads only the blocks whose
/// bounds reach into its window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Directory {
    /// By resolution.
    pub(crate) cells: [Vec<CellBlock>; 4],
    pub(crate) entries: Vec<EntryBlock>,
    pub(crate) summaries: Vec<SummaryBlock>,
    pub(crate) lines: Vec<LineBlock>,
}

impl Directory {
    /// The blocks of cells of one resolution, by slot.
    pub(crate) fn cells(&self, resolution: Resolution) -> &[CellBlock] {
        let [fine, minute, ten_minutes, hour] = &self.cells;
        match resolution {
            Resolution::Fine => fine,
            Resolution::Minute => minute,
            Resolution::TenMinutes => ten_minutes,
            Resolution::Hour => hour,
        }
    }

    /// The same, to add to.
    pub(crate) fn cells_mut(&mut self, resolution: Resolution) -> &mut Vec<CellBlock> {
        let [fine, minute, ten_minutes, hour] = &mut self.cells;
        match resolution {
            Resolution::Fine => fine,
            Resolution::Minute => minute,
            Resolution::TenMinutes => ten_minutes,
            Resolution::Hour => hour,
        }
    }
}

impl Directory {
    /// Where every block stands, kind by kind: what a check of all checksums goes through.
    pub(crate) fn places(&self) -> Vec<BlockPlace> {
        let mut places = Vec::new();
        for block in self.cells.iter().flatten() {
            places.push(block.place);
        }
        for block in &self.entries {
            places.push(block.place);
        }
        for block in &self.summaries {
            places.push(block.place);
        }
        for block in &self.lines {
            places.push(block.place);
        }
        places
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
            place: BlockPlace::decode(from)?,
            unpacked: from.varint()?,
            first: (GenerationId(from.varint_as()?), from.varint()?),
            last: (GenerationId(from.varint_as()?), from.varint()?),
        })
    }
}

impl Encode for BlockPlace {
    fn encode(&self, out: &mut Encoder) {
        out.varint(self.offset);
        out.varint(self.length);
        out.u64(self.checksum);
    }
}

impl Decode for BlockPlace {
    fn decode(from: &mut Decoder<'_>) -> Decoded<BlockPlace> {
        Ok(BlockPlace { offset: from.varint()?, length: from.varint()?, checksum: from.u64()? })
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
            place: BlockPlace::decode(from)?,
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
        let place = BlockPlace::decode(from)?;
        let count = from.varint()?;
        let TimeBounds { min_start, min_end, max_end } = TimeBounds::decode(from)?;
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
            place: BlockPlace::decode(from)?,
            unpacked: from.varint()?,
            bounds: TimeBounds::decode(from)?,
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
