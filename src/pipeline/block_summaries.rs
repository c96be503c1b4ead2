//! What the index knows of each block of a log: which routes it has, from when to when, and what in it is no request.
//!
//! A block is [`BLOCK_BYTES`] of a log at fixed offsets, so its summary depends on its lines alone. Commits cut it anywhere: what the
//! lines before the cut say to those behind it is carried on, also from one run to the next.

use std::collections::HashMap;

use super::routed_record::RoutedRecord;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BLOCK_BYTES, BlockRejects, BlockSummary, Locator, floor_route_start};
use crate::time::Timestamp;

/// The summaries of a stretch of lines. One block is open at a time: that of the last line.
#[derive(Default)]
pub(super) struct BlockSummaries {
    closed: Vec<BlockSummary>,
    open: Option<OpenBlock>,
    /// By route: the number of the block in which it was last seen, so that a block lists it once, and its earliest start there.
    stamps: Vec<(u64, Timestamp)>,
    stamp: u64,
    /// By log: what is carried on from the block that was open in it last.
    carried: HashMap<GenerationId, Carried>,
}

/// The block that the last line began in.
struct OpenBlock {
    summary: BlockSummary,
    begins_at: u64,
    next_number_at: u64,
    carried: Carried,
}

/// What the lines of a block so far say to those that follow in it, so that it does not matter where it is cut.
#[derive(Debug, Clone, Copy)]
struct Carried {
    number: u32,
    /// The latest end so far; `i64::MIN` before the first.
    latest: Timestamp,
    /// The last line was rejected.
    rejected: bool,
}

impl OpenBlock {
    /// Whether a line at `offset` begins in this block; asked for every line.
    #[inline]
    fn covers(&self, generation: GenerationId, offset: u64) -> bool {
        self.summary.generation == generation && offset >= self.begins_at && offset < self.next_number_at
    }
}

impl BlockSummaries {
    /// Go on from a store: `open` are the blocks that more lines may come to.
    pub(super) fn resume_open(&mut self, open: &[BlockSummary]) {
        for block in open {
            let rejected = matches!(block.rejects, Some(rejects) if rejects.last >= block.until);
            let carried = Carried { number: block.number, latest: block.max_end, rejected };
            self.carried.insert(block.generation, carried);
        }
    }

    /// The latest end of a request seen in the last block of a log; `i64::MIN` if none was.
    pub(super) fn latest_end_of(&self, generation: GenerationId) -> Timestamp {
        match (&self.open, self.carried.get(&generation)) {
            (Some(open), _) if open.summary.generation == generation => open.carried.latest,
            (_, Some(carried)) => carried.latest,
            (_, None) => Timestamp(i64::MIN),
        }
    }

    /// Note in the summary of its block that a line is no request.
    pub(super) fn note_reject(&mut self, generation: GenerationId, offset: u64) -> &mut BlockRejects {
        let OpenBlock { summary, carried, .. } = self.block_at(generation, offset);
        let rejects = summary.rejects.get_or_insert(BlockRejects::NONE);
        rejects.first = rejects.first.min(offset);
        rejects.last = rejects.last.max(offset);
        if carried.latest != Timestamp(i64::MIN) {
            rejects.after = rejects.after.min(carried.latest);
        }
        carried.rejected = true;
        rejects
    }

    /// Note the record in the summary of the block of log that its line begins in.
    #[inline]
    pub(super) fn note_record(&mut self, seen: &RoutedRecord<'_>, locator: Locator) {
        let Locator { generation, offset, length } = locator;
        let (start, end) = (seen.record.start(), seen.record.end);
        if !self.open.as_ref().is_some_and(|open| open.covers(generation, offset)) {
            self.block_at(generation, offset);
        }
        let Some(OpenBlock { summary, carried, .. }) = &mut self.open else { return };
        summary.first = summary.first.min(offset);
        summary.until = offset + u64::from(length) + 1;
        summary.lines += 1;
        summary.min_start = summary.min_start.min(start);
        summary.min_end = summary.min_end.min(end);
        summary.max_end = summary.max_end.max(end);
        carried.latest = carried.latest.max(end);
        if carried.rejected {
            carried.rejected = false;
            let rejects = summary.rejects.get_or_insert(BlockRejects::NONE);
            rejects.before = rejects.before.max(end);
        }
        self.note_route(seen.matched.id, start);
    }

    /// Note that the block that is open has a request of a route, or of a member of a series, which began then.
    #[inline]
    pub(super) fn note_route(&mut self, route: RouteId, start: Timestamp) {
        let Some(OpenBlock { summary, .. }) = &mut self.open else { return };
        let at = route.0 as usize;
        if self.stamps.len() <= at {
            self.stamps.resize(at + 1, (0, start));
        }
        if let Some((stamp, earliest)) = self.stamps.get_mut(at) {
            if *stamp == self.stamp {
                *earliest = start.min(*earliest);
            } else {
                (*stamp, *earliest) = (self.stamp, start);
                summary.routes.push((route, start));
            }
        }
    }

    /// The block that `offset` lies in, opened if it is another than the last.
    fn block_at(&mut self, generation: GenerationId, offset: u64) -> &mut OpenBlock {
        let open = match self.open.take_if(|open| open.covers(generation, offset)) {
            Some(open) => open,
            None => {
                self.close_block();
                self.begin_block(generation, offset)
            }
        };
        self.open.insert(open)
    }

    /// A block with nothing in it yet but what the lines before `offset` said, if they are in the same.
    fn begin_block(&mut self, generation: GenerationId, offset: u64) -> OpenBlock {
        self.stamp += 1;
        let number = offset / BLOCK_BYTES;
        let (begins_at, next_number_at) = (number * BLOCK_BYTES, (number + 1) * BLOCK_BYTES);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let carried = match self.carried.get(&generation) {
            Some(carried) if carried.number == number => *carried,
            _ => Carried { number, latest: Timestamp(i64::MIN), rejected: false },
        };
        OpenBlock { summary: BlockSummary::empty(generation, number), begins_at, next_number_at, carried }
    }

    /// Put the open block's summary to the closed ones. Its routes get their earliest starts only now, and in their order, so
    /// that the bytes on disk do not depend on the order of the lines.
    fn close_block(&mut self) {
        if let Some(mut open) = self.open.take() {
            self.carried.insert(open.summary.generation, open.carried);
            for (route, start) in &mut open.summary.routes {
                if let Some((_, earliest)) = self.stamps.get(route.0 as usize) {
                    *start = floor_route_start(*earliest);
                }
            }
            open.summary.routes.sort_unstable();
            self.closed.push(open.summary);
        }
    }

    /// The summaries of the lines since the last time; the block that is open is cut here.
    pub(super) fn take_closed(&mut self) -> Vec<BlockSummary> {
        self.close_block();
        std::mem::take(&mut self.closed)
    }
}
