//! What the journal holds and no segment does yet, in memory.
//!
//! It is an LSM-tree's memtable: what it answers is merged with what the segments answer, and sealing turns it into a
//! segment. It can always be made anew from the journal, so nothing of it is written on its own.

use crate::source::generation::GenerationId;
use crate::store::commit::archived_lines::CompressedLines;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::commit::{Commit, CommitPayload};
use crate::store::encoding::encoded_cells::EncodedCells;
use crate::store::journal::state::StoreState;
use crate::time::{Timestamp, Window};
use std::collections::BTreeMap;

/// Cells and archived lines as they were written, merged summaries, and entries in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memtable {
    /// Encoded as the records have them, each of as many pieces as there are commits with it.
    pub(crate) cells: EncodedCells,
    /// Candidates of the slowest among them; pruned when they are sealed.
    pub(crate) entries: Vec<Entry>,
    /// First and last end of the entries.
    ends: Option<(Timestamp, Timestamp)>,
    /// One pack a commit that has lines.
    pub(crate) lines: Vec<CompressedLines>,
    /// Merged as commits come, since the same block grows over several.
    pub(crate) blocks: BTreeMap<(GenerationId, u32), BlockSummary>,
}

impl Memtable {
    /// With blocks that may still grow, and nothing else: what a new journal begins with.
    pub(crate) fn with_blocks(blocks: Vec<BlockSummary>) -> Memtable {
        let mut memtable = Memtable::default();
        for block in blocks {
            memtable.add_block(block);
        }
        memtable
    }

    /// Take in a commit; `packed` are its cells and lines as its record has them.
    pub(crate) fn apply_commit(&mut self, commit: Commit, packed: CommitPayload) {
        self.cells.add_batch(packed.cells);
        if !packed.lines.keys.is_empty() {
            self.lines.push(packed.lines);
        }
        for entry in &commit.entries {
            let (first, last) = self.ends.get_or_insert((entry.end, entry.end));
            *first = (*first).min(entry.end);
            *last = (*last).max(entry.end);
        }
        self.entries.extend(commit.entries);
        for block in commit.blocks {
            self.add_block(block);
        }
    }

    /// Merge a summary with what is known of its block.
    pub(crate) fn add_block(&mut self, block: BlockSummary) {
        match self.blocks.entry(block.key()) {
            std::collections::btree_map::Entry::Occupied(mut own) => own.get_mut().merge(&block),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(block);
            }
        }
    }

    /// Whether an entry may have ended in `window`.
    pub(crate) fn may_end_in(&self, window: Window) -> bool {
        self.ends.is_some_and(|(first, last)| first < window.until && last >= window.from)
    }

    /// The blocks that may still grow: the last of each generation that is not finished. They stay in the journal
    /// when it is sealed, so that no block is split between segments.
    pub(crate) fn open_blocks(&self, state: &StoreState) -> Vec<BlockSummary> {
        let mut last: BTreeMap<GenerationId, &BlockSummary> = BTreeMap::new();
        for block in self.blocks.values() {
            last.insert(block.generation, block);
        }
        last.into_values().filter(|block| !state.is_finished(block.generation)).cloned().collect()
    }
}
