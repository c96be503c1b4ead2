//! Restoring a damaged segment: the lines it was made of are counted again.

use std::collections::BTreeMap;

use super::recount::{Recount, UnreadRange};
use super::retrieve::find_known;
use crate::error::Result;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BLOCK_BYTES, BlockSummary, Commit, DamagedSegment, LogRange, View, WindowMatch};
use crate::time::{Timestamp, Window};

/// At most so much is read again for the block before a range. It is more if other segments are lost too, or if what was
/// before has expired; then the block has the lines of the range alone.
const HEAD_BYTES: u64 = 16 * BLOCK_BYTES;

/// What the lines of a damaged segment come to.
pub struct Recounted {
    /// Cells, of the length of the segment's finest, entries, archived lines and summaries; nothing else.
    pub commit: Commit,
    /// Ranges that could not be read again, or not whole.
    pub unread: Vec<UnreadRange>,
}

/// Count the lines of a damaged segment again.
///
/// # Errors
/// The rest of the store cannot be read.
pub fn recount_damaged(view: &View, recount: &mut Recount<'_>, damaged: &DamagedSegment) -> Result<Recounted> {
    let mut commit = Commit::default();
    let ranges = damaged.ranges.as_deref().unwrap_or_default();
    let mut cells: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
    let unread = recount.count(ranges, |part| {
        for (slot, route, cell) in part.cells {
            cells.entry((damaged.slot_of(slot), route)).or_default().merge(&cell);
        }
        if !damaged.is_rolled_up() {
            commit.entries.extend(part.entries);
            commit.lines.extend(part.lines);
            commit.blocks.extend(part.blocks);
        }
    });
    for ((slot, route), cell) in cells {
        commit.cells.push((slot, route, cell));
    }
    if damaged.is_rolled_up() {
        return Ok(Recounted { commit, unread });
    }
    // The last block before a range was summarised whole with it, though its first lines, or all, were counted before.
    let known = view.blocks(Window::ALL, WindowMatch::End, None)?;
    let mut heads = Vec::new();
    for range in ranges {
        heads.extend(head_of(view, &known, range));
    }
    let mut before: BTreeMap<(GenerationId, u32), BlockSummary> = BTreeMap::new();
    let _partial = recount.count(&heads, |part| {
        for block in part.blocks {
            match before.get_mut(&block.key()) {
                Some(held) => held.merge(&block),
                None => drop(before.insert(block.key(), block)),
            }
        }
    });
    for head in &heads {
        let mut last = None;
        for block in before.range((head.generation, 0)..=(head.generation, u32::MAX)).map(|(_, block)| block) {
            if head.from <= block.first && block.until <= head.until {
                last = Some(block);
            }
        }
        commit.blocks.extend(last.cloned());
    }
    Ok(Recounted { commit, unread })
}

/// The lines before a range that belong to no block which is summarised elsewhere: the last block among them is the one
/// that was still open when the range began.
fn head_of(view: &View, known: &[BlockSummary], range: &LogRange) -> Option<LogRange> {
    let generation = find_known(view, range.generation)?;
    let mut last = None;
    for block in known {
        if block.generation == range.generation && block.until <= range.from {
            last = last.max(Some(block.until));
        }
    }
    let from = match (last, view.ledger(range.generation)) {
        (Some(until), _) => until,
        (None, Some(ledger)) => generation.position.saturating_sub(ledger.bytes),
        (None, None) => generation.position,
    };
    if from >= range.from || range.from - from > HEAD_BYTES {
        return None;
    }
    Some(LogRange { from, until: range.from, ..*range })
}
