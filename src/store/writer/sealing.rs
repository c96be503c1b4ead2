//! Sealing: what the journal holds becomes a segment, and another journal goes on from what is known by then.
//!
//! The order on disk: new journal, ranges and segment, each synced with its folder, then the manifest that names
//! them. A crash before that leaves the old journal in force, with everything still in it.

use crate::error::{Error, Result};
use crate::store::commit::archived_lines;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::disk::damage::operation_failed;
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, WritableFile, write_file};
use crate::store::encoding::bytes::Encoder;
use crate::store::journal::appender::JournalAppender;
use crate::store::journal::record;
use crate::store::journal::state::StoreState;
use crate::store::query::rank;
use crate::store::query::view::View;
use crate::store::resolution::Resolution;
use crate::store::segment::builder::SegmentBuilder;
use crate::store::segment::info::{SegmentInfo, SegmentKind, TimeBounds};
use crate::store::segment::log_ranges;
use std::collections::HashSet;

/// What is sealed: the store as it is in memory. Nothing of it changes by this.
pub(super) struct Sealing<'w> {
    medium: &'w dyn Medium,
    view: &'w View,
    journal: &'w JournalAppender,
    /// The blocks that may still grow. They go into the new journal, so that none is split between segments.
    open_blocks: Vec<BlockSummary>,
}

/// The files that were written: durable, and named by no manifest yet.
pub(super) struct SealedFiles {
    /// The new journal, and the bytes of its checkpoint.
    pub(super) journal: Box<dyn WritableFile>,
    pub(super) head: u64,
    /// The new segment; none if there was nothing to go into it.
    pub(super) info: Option<SegmentInfo>,
    /// What the new journal holds.
    pub(super) open_blocks: Vec<BlockSummary>,
}

impl<'w> Sealing<'w> {
    /// Of what `view` holds and `journal` has.
    pub(super) fn new(medium: &'w dyn Medium, view: &'w View, journal: &'w JournalAppender) -> Sealing<'w> {
        Sealing { medium, view, journal, open_blocks: view.memtable.open_blocks(&view.state) }
    }

    /// Write and sync the new segment (unless it would be empty) and the new journal.
    ///
    /// # Errors
    /// If a file could not be written, or what is in memory is malformed.
    pub(super) fn write(self, segment: u64, journal: u64) -> Result<SealedFiles> {
        let head = journal_head(self.medium, journal, self.journal.sequence(), &self.view.state, &self.open_blocks)?;
        let name = layout::journal_file(journal);
        let file = write_file(self.medium, &name, &head)
            .and_then(|file| self.medium.sync_folder("").map(|()| file))
            .map_err(|error| operation_failed(self.medium, "start a journal", &name, &error))?;
        let info = self.write_segment(segment)?;
        let head = u64::try_from(head.len()).unwrap_or(0);
        Ok(SealedFiles { journal: file, head, info, open_blocks: self.open_blocks })
    }

    /// Write and sync the segment and the ranges of lines beside it; `None` if there is nothing to write.
    fn write_segment(&self, number: u64) -> Result<Option<SegmentInfo>> {
        let (medium, memtable) = (self.medium, &self.view.memtable);
        let malformed = |_| Error::failed("malformed cells or lines in memory").at(medium.root());
        let mut merged = Encoder::default();
        let cells = memtable.cells.merge_all(&mut merged).map_err(malformed)?;
        let entries = rank::prune_entries(&memtable.entries, &self.view.settings);
        let blocks = self.closed_blocks();
        if cells.is_empty() && entries.is_empty() && blocks.is_empty() {
            return Ok(None);
        }
        log_ranges::write_ranges(medium, number, &self.view.state.read_since(self.journal.began()))?;
        let name = layout::segment_file(number);
        let failing = |error: std::io::Error| operation_failed(medium, "write the segment", &name, &error);
        let sealed = self.view.state.last_commit.unwrap_or_default();
        let mut builder = SegmentBuilder::create(medium, number, SegmentKind::Sealed, sealed).map_err(failing)?;
        for (slot, route, cell) in cells {
            builder.cover_slots(&TimeBounds::of_slot(slot));
            builder.add_cell(Resolution::Fine, slot, route, cell).map_err(failing)?;
        }
        builder.add_entries(&entries).and_then(|()| builder.add_summaries(&blocks)).map_err(failing)?;
        let kept = if memtable.lines.is_empty() { HashSet::new() } else { archived_lines::line_keys(&entries) };
        archived_lines::each_sorted(&memtable.lines, &kept, |key, line| builder.add_line(key, line).map_err(failing))
            .map_err(malformed)??;
        builder.finish(medium).map(Some).map_err(failing)
    }

    /// The blocks that will not grow any more.
    fn closed_blocks(&self) -> Vec<BlockSummary> {
        let open: HashSet<_> = self.open_blocks.iter().map(BlockSummary::key).collect();
        let mut closed = Vec::new();
        for block in self.view.memtable.blocks.values() {
            if !open.contains(&block.key()) {
                closed.push(block.clone());
            }
        }
        closed
    }
}

/// The head of a journal that goes on from `state` and the blocks that may still grow.
///
/// # Errors
/// If it would be longer than a record may be.
pub(super) fn journal_head(
    medium: &dyn Medium,
    number: u64,
    sequence: u64,
    state: &StoreState,
    open_blocks: &[BlockSummary],
) -> Result<Vec<u8>> {
    record::encode_head(number, sequence, state, open_blocks)
        .ok_or_else(|| Error::failed("a checkpoint of more than 1 GiB").at(medium.root()))
}
