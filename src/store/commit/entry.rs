//! One slow request: when, how long, which route, why it is kept, and where its line is.

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder};
use crate::time::Timestamp;

/// Where a raw line is: in which log, at which uncompressed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    /// The physical log.
    pub generation: GenerationId,
    /// Uncompressed offset of the line's first byte.
    pub offset: u64,
    /// The line's bytes, without its newline.
    pub length: u32,
}

/// Why an entry is kept: a set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeepReasons(pub u8);

impl KeepReasons {
    /// Slower than its route's threshold.
    pub const THRESHOLD: KeepReasons = KeepReasons(1);
    /// A 5xx.
    pub const ERROR: KeepReasons = KeepReasons(2);
    /// Among the K slowest of its route and slot (a candidate, until all of the slot was seen).
    pub const SLOWEST: KeepReasons = KeepReasons(4);

    /// Whether all reasons of `other` are among these.
    pub fn contains(self, other: KeepReasons) -> bool {
        self.0 & other.0 == other.0
    }

    /// These reasons and `other`'s.
    #[must_use]
    pub fn with(self, other: KeepReasons) -> KeepReasons {
        KeepReasons(self.0 | other.0)
    }

    /// These reasons without `other`'s.
    #[must_use]
    pub fn without(self, other: KeepReasons) -> KeepReasons {
        KeepReasons(self.0 & !other.0)
    }

    /// Whether there is no reason at all.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One request of the slow-request index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it was logged.
    pub end: Timestamp,
    /// `$request_time`.
    pub duration_ms: u64,
    /// Its route.
    pub route: RouteId,
    /// `$status`; 0 where the line has none.
    pub status: u16,
    /// Sum of `$upstream_response_time` over attempts and redirects; `None` without an upstream.
    pub upstream_ms: Option<u64>,
    /// Why it is kept.
    pub kept: KeepReasons,
    /// Where its line is.
    pub locator: Locator,
}

impl Entry {
    /// Its route: what a block of entries is ordered by.
    pub(crate) fn route(&self) -> RouteId {
        self.route
    }

    /// When the request began: `end` - `duration_ms`, saturating.
    pub fn start(&self) -> Timestamp {
        Timestamp(self.end.0.saturating_sub(i64::try_from(self.duration_ms).unwrap_or(i64::MAX)))
    }
}

/// Entries of a journal record: each field as the difference from the entry before.
pub(crate) fn encode_entries(entries: &[Entry], out: &mut Encoder) {
    out.count(entries.len());
    let mut end = 0i64;
    let mut offset = 0i64;
    for entry in entries {
        out.signed(entry.end.0.wrapping_sub(end));
        end = entry.end.0;
        out.varint(entry.duration_ms);
        out.varint(u64::from(entry.route.0));
        out.varint(u64::from(entry.status));
        match entry.upstream_ms {
            None => out.u8(0),
            Some(upstream) => {
                out.u8(1);
                out.signed(entry.duration_ms.wrapping_sub(upstream).cast_signed());
            }
        }
        out.u8(entry.kept.0);
        out.varint(u64::from(entry.locator.generation.0));
        out.signed(entry.locator.offset.cast_signed().wrapping_sub(offset));
        offset = entry.locator.offset.cast_signed();
        out.varint(u64::from(entry.locator.length));
    }
}

/// The inverse of [`encode_entries`].
pub(crate) fn decode_entries(from: &mut Decoder<'_>) -> Decoded<Vec<Entry>> {
    let count = from.count()?;
    let mut entries = Vec::with_capacity(count);
    let mut end = 0i64;
    let mut offset = 0i64;
    for _ in 0..count {
        end = end.wrapping_add(from.signed()?);
        let duration_ms = from.varint()?;
        let route = RouteId(from.varint_as()?);
        let status = from.varint_as()?;
        let upstream_ms = match from.u8()? {
            0 => None,
            _ => Some(duration_ms.wrapping_sub(from.signed()?.cast_unsigned())),
        };
        let kept = KeepReasons(from.u8()?);
        let generation = GenerationId(from.varint_as()?);
        offset = offset.wrapping_add(from.signed()?);
        let locator = Locator { generation, offset: offset.cast_unsigned(), length: from.varint_as()? };
        entries.push(Entry { end: Timestamp(end), duration_ms, route, status, upstream_ms, kept, locator });
    }
    Ok(entries)
}
