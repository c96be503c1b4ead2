//! The sparse index over *all* lines: what a stretch of log holds, so that others need not be read.

use super::encode::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::time::{Timestamp, Window};

/// How many bytes of log one block covers. Boundaries are fixed by offset, so that summaries do not depend on how
/// the log was read: a line belongs to the block that its first byte lies in.
pub const BLOCK_BYTES: u64 = 256 * 1024;

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
    /// Routes present, ascending.
    pub routes: Vec<RouteId>,
}

impl BlockSummary {
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
        self.routes.dedup();
    }

    /// Whether a line of it may have ended in `window`.
    pub fn may_end_in(&self, window: Window) -> bool {
        self.min_end < window.until && self.max_end >= window.from
    }

    /// Whether a request of it may have been in flight in `window`.
    pub fn may_overlap(&self, window: Window) -> bool {
        window.overlaps(self.min_start, self.max_end)
    }

    /// Whether one of `routes` (ascending) is present; `None` asks for any.
    pub fn may_hold(&self, routes: Option<&[RouteId]>) -> bool {
        routes.is_none_or(|routes| routes.iter().any(|route| self.routes.binary_search(route).is_ok()))
    }
}

impl Encode for BlockSummary {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::from(self.generation.0));
        out.varint(u64::from(self.number));
        out.varint(self.first);
        out.varint(self.until.wrapping_sub(self.first));
        out.varint(u64::from(self.lines));
        out.signed(self.min_end.0);
        out.signed(self.min_end.0.wrapping_sub(self.min_start.0));
        out.signed(self.max_end.0.wrapping_sub(self.min_end.0));
        out.count(self.routes.len());
        let mut last = 0;
        for route in &self.routes {
            out.varint(u64::from(route.0.wrapping_sub(last)));
            last = route.0;
        }
    }
}

impl Decode for BlockSummary {
    fn decode(from: &mut Decoder<'_>) -> Decoded<BlockSummary> {
        let generation = GenerationId(from.varint_as()?);
        let number = from.varint_as()?;
        let first = from.varint()?;
        let until = first.wrapping_add(from.varint()?);
        let lines = from.varint_as()?;
        let min_end = from.signed()?;
        let min_start = Timestamp(min_end.wrapping_sub(from.signed()?));
        let max_end = Timestamp(min_end.wrapping_add(from.signed()?));
        let count = from.count()?;
        let mut routes = Vec::with_capacity(count);
        let mut last = 0u32;
        for _ in 0..count {
            let delta: u32 = from.varint_as().map_err(|_| Malformed)?;
            last = last.wrapping_add(delta);
            routes.push(RouteId(last));
        }
        let min_end = Timestamp(min_end);
        Ok(BlockSummary { generation, number, first, until, lines, min_start, min_end, max_end, routes })
    }
}
