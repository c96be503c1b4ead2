//! A segment as the manifest lists it: what it was made from, its size, and the bounds of what it holds.

use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::store::entry_query::WindowMatch;
use crate::store::resolution::Resolution;
use crate::time::{Timestamp, Window};

/// The version of a segment's format.
pub(crate) const SEGMENT_VERSION: u32 = 3;

/// The oldest version of segments that is still read: its block summaries do not know when their routes began.
pub(crate) const OLDEST_SEGMENT: u32 = 2;

/// Bounds of times; of nothing, `max_end` is before `min_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    /// The earliest start.
    pub(crate) min_start: Timestamp,
    /// The earliest end.
    pub(crate) min_end: Timestamp,
    /// The latest end.
    pub(crate) max_end: Timestamp,
}

impl TimeBounds {
    pub(crate) const EMPTY: TimeBounds =
        TimeBounds { min_start: Timestamp(i64::MAX), min_end: Timestamp(i64::MAX), max_end: Timestamp(i64::MIN) };

    /// Those of one slot.
    pub(crate) fn of_slot(slot: Timestamp) -> TimeBounds {
        TimeBounds { min_start: slot, min_end: slot, max_end: slot }
    }

    /// Widen them by others.
    pub(crate) fn add(&mut self, other: &TimeBounds) {
        self.min_start = self.min_start.min(other.min_start);
        self.min_end = self.min_end.min(other.min_end);
        self.max_end = self.max_end.max(other.max_end);
    }

    /// Whether something within them may lie in `window`.
    pub(crate) fn may_reach(&self, window: Window, by: WindowMatch) -> bool {
        match by {
            WindowMatch::End => self.min_end < window.until && self.max_end >= window.from,
            WindowMatch::Overlap => window.overlaps(self.min_start, self.max_end),
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
///
/// It stands in the manifest, so that a query passes over a segment, and maintenance chooses one, without opening its
/// file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    /// Its file's.
    pub(crate) number: u64,
    /// What it was made from.
    pub(crate) kind: SegmentKind,
    /// Wall clock of the last commit that went into it.
    pub(crate) sealed: Timestamp,
    /// The file's bytes.
    pub(crate) length: u64,
    /// Starts of slots of its cells, as `min_end` and `max_end`.
    pub(crate) cells: TimeBounds,
    /// Of its slow entries.
    pub(crate) entries: TimeBounds,
    /// Of the lines that its block summaries are about.
    pub(crate) blocks: TimeBounds,
    /// How many cells, entries and block summaries it holds.
    pub(crate) counts: [u64; 3],
    /// How many archived lines.
    pub(crate) lines: u64,
    /// The version of its file, which the manifest knows.
    pub(crate) version: u32,
}

impl SegmentInfo {
    /// A segment that holds nothing.
    pub(crate) fn empty(number: u64, kind: SegmentKind, sealed: Timestamp) -> SegmentInfo {
        let [cells, entries, blocks] = [TimeBounds::EMPTY; 3];
        let (counts, version) = ([0; 3], SEGMENT_VERSION);
        SegmentInfo { number, kind, sealed, length: 0, cells, entries, blocks, counts, lines: 0, version }
    }

    /// The time of the newest thing in it. A line may claim to be from the future: no later than when it was sealed.
    pub(crate) fn newest(&self) -> Timestamp {
        self.cells.max_end.max(self.entries.max_end).max(self.blocks.max_end).min(self.sealed)
    }

    /// Which of its cells answer for a stretch that is to be answered from `resolution`.
    pub(crate) fn resolution_for(&self, resolution: Resolution) -> Option<Resolution> {
        match self.kind {
            SegmentKind::Sealed => Some(Resolution::Fine),
            SegmentKind::Detail => Some(resolution).filter(|_| !resolution.is_coarse()),
            SegmentKind::Rolled => Some(resolution).filter(|_| resolution.is_coarse()),
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

impl Encode for TimeBounds {
    fn encode(&self, out: &mut Encoder) {
        self.min_end.encode(out);
        out.signed(self.max_end.0.wrapping_sub(self.min_end.0));
        out.signed(self.min_end.0.wrapping_sub(self.min_start.0));
    }
}

impl Decode for TimeBounds {
    fn decode(from: &mut Decoder<'_>) -> Decoded<TimeBounds> {
        let min_end = from.signed()?;
        let max_end = min_end.wrapping_add(from.signed()?);
        let min_start = min_end.wrapping_sub(from.signed()?);
        Ok(TimeBounds { min_start: Timestamp(min_start), min_end: Timestamp(min_end), max_end: Timestamp(max_end) })
    }
}

impl Encode for SegmentInfo {
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

impl Decode for SegmentInfo {
    fn decode(from: &mut Decoder<'_>) -> Decoded<SegmentInfo> {
        Ok(SegmentInfo {
            number: from.varint()?,
            kind: SegmentKind::decode(from)?,
            sealed: Timestamp::decode(from)?,
            length: from.varint()?,
            cells: TimeBounds::decode(from)?,
            entries: TimeBounds::decode(from)?,
            blocks: TimeBounds::decode(from)?,
            counts: [from.varint()?, from.varint()?, from.varint()?],
            lines: from.varint()?,
            version: SEGMENT_VERSION,
        })
    }
}
