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

    /// No reason, but kept with them: its duration is `$upstream_response_time`, since its log has no `$request_time`.
    pub const BY_UPSTREAM: KeepReasons = KeepReasons(8);

    /// No reason either: how long it took is not known, and its duration stands as 0.
    pub const UNTIMED: KeepReasons = KeepReasons(16);

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
        self.without(KeepReasons::BY_UPSTREAM).without(KeepReasons::UNTIMED).0 == 0
    }
}

/// One request of the slow-request index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it was logged.
    pub end: Timestamp,
    /// `$request_time`; `$upstream_response_time` if [`KeepReasons::BY_UPSTREAM`] says so.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any entry at all: nothing of it is trusted to be near the one before.
    fn any_entry() -> impl Strategy<Value = Entry> {
        (any::<(i64, u64, u32, u16)>(), any::<(Option<u64>, u8)>(), any::<(u32, u64, u32)>()).prop_map(
            |((end, duration_ms, route, status), (upstream_ms, kept), (generation, offset, length))| Entry {
                end: Timestamp(end),
                duration_ms,
                route: RouteId(route),
                status,
                upstream_ms,
                kept: KeepReasons(kept),
                locator: Locator { generation: GenerationId(generation), offset, length },
            },
        )
    }

    proptest! {
        #[test]
        fn entries_come_back_as_they_were_written(entries in proptest::collection::vec(any_entry(), 0..40)) {
            let mut out = Encoder::default();
            encode_entries(&entries, &mut out);
            let mut from = Decoder::new(&out.bytes);
            prop_assert_eq!(decode_entries(&mut from), Ok(entries));
            prop_assert!(from.is_empty());
        }

        #[test]
        fn what_is_cut_off_is_malformed(entries in proptest::collection::vec(any_entry(), 1..9), cut in 1usize..99) {
            let mut out = Encoder::default();
            encode_entries(&entries, &mut out);
            let kept = out.bytes.len().saturating_sub(cut);
            prop_assert!(decode_entries(&mut Decoder::new(&out.bytes[..kept])).is_err());
        }
    }

    /// A duration of centuries must not make a request begin in the future.
    #[test]
    fn a_start_saturates() {
        let locator = Locator { generation: GenerationId(1), offset: 0, length: 9 };
        let kept = KeepReasons::SLOWEST.with(KeepReasons::ERROR);
        let (end, route) = (Timestamp(-5), RouteId(0));
        let entry = Entry { end, duration_ms: u64::MAX, route, status: 200, upstream_ms: None, kept, locator };
        assert_eq!(entry.start(), Timestamp((-5i64).saturating_sub(i64::MAX)));
        assert!(kept.without(KeepReasons::SLOWEST).contains(KeepReasons::ERROR));
        assert!(kept.without(kept).is_empty() && !kept.contains(KeepReasons::THRESHOLD));
    }
}
