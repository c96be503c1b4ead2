//! Restoring a damaged segment: the lines it was made of are counted again.

use super::recount::{Recount, Unread};
use crate::error::Result;
use crate::source::generation::GenerationId;
use crate::store::{BLOCK_BYTES, By, Commit, Damaged, LogRange, View};
use crate::time::Window;

/// What the lines of a damaged segment come to.
pub struct Recounted {
    /// Cells, entries and summaries; nothing else.
    pub commit: Commit,
    /// Ranges that could not be read again, or not whole.
    pub unread: Vec<Unread>,
}

/// Count the lines of a damaged segment again.
///
/// # Errors
/// The rest of the store cannot be read.
pub fn recount_damaged(view: &View, recount: &mut Recount<'_>, damaged: &Damaged) -> Result<Recounted> {
    let mut commit = Commit::default();
    let ranges = damaged.ranges.as_deref().unwrap_or_default();
    let unread = recount.count(ranges, |part| {
        commit.cells.extend(part.cells);
        commit.entries.extend(part.entries);
        commit.blocks.extend(part.blocks);
    });
    // The block that a range begins in was summarised whole with it, though its first lines were counted before.
    let mut heads = Vec::new();
    for range in ranges {
        heads.extend(head_of_block(view, range)?);
    }
    let _partial = recount.count(&heads, |part| {
        let wanted = part.blocks.into_iter().filter(|block| {
            ranges.iter().any(|range| {
                (range.generation, range.from / BLOCK_BYTES) == (block.generation, u64::from(block.number))
            })
        });
        commit.blocks.extend(wanted);
    });
    Ok(Recounted { commit, unread })
}

/// The lines of a range's first block that stand before the range, if where they start can be told.
fn head_of_block(view: &View, range: &LogRange) -> Result<Option<LogRange>> {
    let start = range.from / BLOCK_BYTES * BLOCK_BYTES;
    if start == range.from {
        return Ok(None);
    }
    let from = if start == 0 { Some(0) } else { end_of_block(view, range.generation, start / BLOCK_BYTES - 1)? };
    Ok(from.map(|from| LogRange { from, until: range.from, ..*range }).filter(|head| head.from < head.until))
}

fn end_of_block(view: &View, generation: GenerationId, number: u64) -> Result<Option<u64>> {
    let blocks = view.blocks(Window::ALL, By::End, None)?;
    let found = blocks.iter().find(|block| (block.generation, u64::from(block.number)) == (generation, number));
    Ok(found.map(|block| block.until))
}
