//! The sparse index over *all* lines: what a stretch of log holds, so that others need not be read.

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};
use crate::time::{Timestamp, Window};

/// How many bytes of log one block covers. Boundaries are fixed by offset, so that summaries do not depend on how
/// the log was read: a line belongs to the block that its first byte lies in.
pub const BLOCK_BYTES: u64 = 256 * 1024;

/// The starts of a block's routes are kept to 2^this ms: for a byte or so each, well below the time that a block covers.
const COARSE_BITS: u32 = 8;

/// A time as it is kept of each route of a block: up to 255 ms earlier.
pub fn floor_route_start(start: Timestamp) -> Timestamp {
    Timestamp(start.0 >> COARSE_BITS << COARSE_BITS)
}

/// What orders and identifies summaries: the log, and the block's number in it.
pub(crate) type BlockKey = (GenerationId, u32);

/// What is known of the lines that start in one block of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSummary {
    /// The physical log.
    pub generation: GenerationId,
    /// Offset of its line starts / [`BLOCK_BYTES`].
    pub number: u32,
    /// Offset of the first line that starts in it.
    pub first: u64,
    /// Offset just past the last line that starts in it.
    pub until: u64,
    /// Lines that start in it.
    pub lines: u32,
    /// Earliest start of a request.
    pub min_start: Timestamp,
    /// Earliest end.
    pub min_end: Timestamp,
    /// Latest end.
    pub max_end: Timestamp,
    /// Routes present, ascending, and the earliest start of each as [`floor_route_start`] gives it: a request that timed out began long
    /// before the others of its block, but only a window and its route lead there.
    pub routes: Vec<(RouteId, Timestamp)>,
    /// Its lines that are no requests, if there are any.
    pub rejects: Option<BlockRejects>,
}

/// What is known of the lines of a block that could not be read, and of when they were written.
///
/// `after` and `before` are bounds from within the block only; where a side has no request they stay at their empty
/// values, and `Completeness` asks the blocks beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRejects {
    /// Lines that do not fit their format.
    pub rejected: u32,
    /// Lines over the length bound.
    pub too_long: u32,
    /// Offset of the first of them.
    pub first: u64,
    /// Offset of the last of them.
    pub last: u64,
    /// The earliest of: for each of them, the latest end before it in the block. `i64::MAX` if there are none before.
    pub after: Timestamp,
    /// The latest of: for each of them, the next end after it in the block. `i64::MIN` if there are none after.
    pub before: Timestamp,
}

impl BlockRejects {
    /// None yet.
    pub const NONE: BlockRejects = BlockRejects {
        rejected: 0,
        too_long: 0,
        first: u64::MAX,
        last: 0,
        after: Timestamp(i64::MAX),
        before: Timestamp(i64::MIN),
    };

    fn merge(&mut self, other: &BlockRejects) {
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.too_long = self.too_long.saturating_add(other.too_long);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.after = self.after.min(other.after);
        self.before = self.before.max(other.before);
    }
}

impl BlockSummary {
    /// Of a block of which nothing was seen yet: what [`BlockSummary::merge`] leaves as it is.
    pub fn empty(generation: GenerationId, number: u32) -> BlockSummary {
        BlockSummary {
            generation,
            number,
            first: u64::MAX,
            until: 0,
            lines: 0,
            min_start: Timestamp(i64::MAX),
            min_end: Timestamp(i64::MAX),
            max_end: Timestamp(i64::MIN),
            routes: Vec::new(),
            rejects: None,
        }
    }

    /// What orders and identifies summaries.
    pub fn key(&self) -> (GenerationId, u32) {
        (self.generation, self.number)
    }

    /// Add what another commit saw of the same block. Commutative and associative.
    pub fn merge(&mut self, other: &BlockSummary) {
        self.first = self.first.min(other.first);
        self.until = self.until.max(other.until);
        self.lines = self.lines.saturating_add(other.lines);
        self.min_start = self.min_start.min(other.min_start);
        self.min_end = self.min_end.min(other.min_end);
        self.max_end = self.max_end.max(other.max_end);
        self.routes.extend_from_slice(&other.routes);
        self.routes.sort_unstable();
        // Of a route's starts the earliest is the first.
        self.routes.dedup_by_key(|(route, _)| *route);
        if let Some(theirs) = &other.rejects {
            self.rejects.get_or_insert(BlockRejects::NONE).merge(theirs);
        }
    }

    /// Whether a line of it may have ended in `window`.
    pub fn may_end_in(&self, window: Window) -> bool {
        self.min_end < window.until && self.max_end >= window.from
    }

    /// Whether a request of it, of one of `routes` (`None` asks for any), may have been in flight in `window`.
    pub fn may_overlap(&self, window: Window, routes: Option<&[RouteId]>) -> bool {
        if !window.overlaps(self.min_start, self.max_end) {
            return false;
        }
        let Some(routes) = routes else { return true };
        for route in routes {
            if matches!(self.start_of(*route), Some(start) if window.overlaps(start, self.max_end)) {
                return true;
            }
        }
        false
    }

    /// Whether one of `routes` is present; `None` asks for any.
    pub fn may_hold(&self, routes: Option<&[RouteId]>) -> bool {
        routes.is_none_or(|routes| routes.iter().any(|route| self.start_of(*route).is_some()))
    }

    /// A route's earliest start, at most 255 ms too early; nothing if it is not present.
    fn start_of(&self, route: RouteId) -> Option<Timestamp> {
        let at = self.routes.binary_search_by_key(&route, |(present, _)| *present).ok()?;
        let (_, start) = self.routes.get(at)?;
        Some(*start)
    }
}

impl Encode for BlockSummary {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::from(self.generation.0));
        out.varint(u64::from(self.number));
        out.varint(self.first);
        out.varint(self.until.wrapping_sub(self.first));
        out.varint((u64::from(self.lines) << 1) | u64::from(self.rejects.is_some()));
        out.signed(self.min_end.0);
        out.signed(self.min_end.0.wrapping_sub(self.min_start.0));
        out.signed(self.max_end.0.wrapping_sub(self.min_end.0));
        out.count(self.routes.len());
        let mut last = 0;
        for (route, start) in &self.routes {
            out.varint(u64::from(route.0.wrapping_sub(last)));
            out.signed((self.min_end.0 >> COARSE_BITS).wrapping_sub(start.0 >> COARSE_BITS));
            last = route.0;
        }
        if let Some(rejects) = &self.rejects {
            out.varint(u64::from(rejects.rejected));
            out.varint(u64::from(rejects.too_long));
            out.varint(rejects.first);
            out.varint(rejects.last.wrapping_sub(rejects.first));
            rejects.after.encode(out);
            rejects.before.encode(out);
        }
    }
}

/// Whether a summary has, of each of its routes, the earliest start; before version 3 of the store it had none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteStarts {
    Written,
    /// Then each route's is that of the block: none began before it, so that nothing is passed over.
    OfBlock,
}

impl BlockSummary {
    /// Summaries as they stand in a list.
    pub(crate) fn decode_list(from: &mut Decoder<'_>, starts: RouteStarts) -> Decoded<Vec<BlockSummary>> {
        let mut summaries = Vec::new();
        for _ in 0..from.count()? {
            summaries.push(BlockSummary::decode_one(from, starts)?);
        }
        Ok(summaries)
    }

    fn decode_one(from: &mut Decoder<'_>, starts: RouteStarts) -> Decoded<BlockSummary> {
        let generation = GenerationId(from.varint_as()?);
        let number = from.varint_as()?;
        let first = from.varint()?;
        let until = first.wrapping_add(from.varint()?);
        let counted = from.varint()?;
        let lines = u32::try_from(counted >> 1)?;
        let min_end = from.signed()?;
        let min_start = Timestamp(min_end.wrapping_sub(from.signed()?));
        let max_end = Timestamp(min_end.wrapping_add(from.signed()?));
        let count = from.count()?;
        let mut routes = Vec::with_capacity(count);
        let mut last = 0u32;
        for _ in 0..count {
            let delta: u32 = from.varint_as()?;
            last = last.wrapping_add(delta);
            let start = match starts {
                RouteStarts::Written => Timestamp((min_end >> COARSE_BITS).wrapping_sub(from.signed()?) << COARSE_BITS),
                RouteStarts::OfBlock => floor_route_start(min_start),
            };
            routes.push((RouteId(last), start));
        }
        let min_end = Timestamp(min_end);
        let mut rejects = None;
        if counted & 1 != 0 {
            let (rejected, too_long, first) = (from.varint_as()?, from.varint_as()?, from.varint()?);
            let last = first.wrapping_add(from.varint()?);
            let (after, before) = (Timestamp::decode(from)?, Timestamp::decode(from)?);
            rejects = Some(BlockRejects { rejected, too_long, first, last, after, before });
        }
        Ok(BlockSummary { generation, number, first, until, lines, min_start, min_end, max_end, routes, rejects })
    }
}

impl Decode for BlockSummary {
    fn decode(from: &mut Decoder<'_>) -> Decoded<BlockSummary> {
        BlockSummary::decode_one(from, RouteStarts::Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a commit may say of block 3 of log 1.
    fn summary() -> impl Strategy<Value = BlockSummary> {
        let route =
            (0u32..6, -5_000i64..5_000).prop_map(|(id, start)| (RouteId(id), floor_route_start(Timestamp(start))));
        let rejects = (0u32..5, 0u32..5, 0u64..50, 50u64..90, -900i64..900, -900i64..900).prop_map(
            |(rejected, too_long, first, last, after, before)| BlockRejects {
                rejected,
                too_long,
                first,
                last,
                after: Timestamp(after),
                before: Timestamp(before),
            },
        );
        let times = (-9_000i64..9_000, 0i64..900, 0i64..9_000);
        (0u64..1_000, 0u64..1_000, 0u32..99, times, prop::collection::vec(route, 0..6), prop::option::of(rejects))
            .prop_map(|(first, length, lines, (min_end, duration, span), routes, rejects)| {
                let mut summary = BlockSummary {
                    first,
                    until: first + length,
                    lines,
                    min_start: Timestamp(min_end - duration),
                    min_end: Timestamp(min_end),
                    max_end: Timestamp(min_end + span),
                    rejects,
                    ..BlockSummary::empty(GenerationId(1), 3)
                };
                // Merging orders the routes, as a commit has them.
                summary.merge(&BlockSummary { routes, ..BlockSummary::empty(GenerationId(1), 3) });
                summary
            })
    }

    fn merged(one: &BlockSummary, other: &BlockSummary) -> BlockSummary {
        let mut both = one.clone();
        both.merge(other);
        both
    }

    proptest! {
        /// Commits may cut a block anywhere and come in any order.
        #[test]
        fn merging_is_commutative_and_associative(a in summary(), b in summary(), c in summary()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &BlockSummary::empty(GenerationId(1), 3)), a);
        }

        #[test]
        fn a_summary_comes_back_as_it_was_written(held in summary()) {
            let mut out = Encoder::default();
            held.encode(&mut out);
            let mut from = Decoder::new(&out.bytes);
            prop_assert_eq!(BlockSummary::decode(&mut from), Ok(held));
            prop_assert!(from.is_empty());
        }

        /// A start that is kept is never later than the true one, or a request that was in flight would not be found.
        #[test]
        fn a_start_is_kept_at_most_255_ms_early(start: i64) {
            let kept = floor_route_start(Timestamp(start)).0;
            prop_assert!(kept <= start && i128::from(start) - i128::from(kept) < 256);
        }
    }
}
