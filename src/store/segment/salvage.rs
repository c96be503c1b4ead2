//! What can still be read of a damaged segment, and the bounds of what cannot.

use crate::error::Error;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::disk::medium::Medium;
use crate::store::encoding::cell_codec::decode_cells;
use crate::store::resolution::{RESOLUTIONS, Resolution};
use crate::store::segment::reader::Segment;
use crate::time::Timestamp;

/// Everything readable, and what is lost. Damage is bounded block by block: one unreadable block of entries loses no cell.
#[derive(Debug, Default)]
pub(crate) struct Salvage {
    /// Of all resolutions that it has.
    pub(crate) cells: Vec<(Resolution, Timestamp, RouteId, Cell)>,
    /// By block, as they stand in the file.
    pub(crate) entries: Vec<Entry>,
    pub(crate) blocks: Vec<BlockSummary>,
    pub(crate) lines: Vec<(LineKey, Vec<u8>)>,
    /// Resolution, first and last slot of each block of cells that is lost. Some cells of these slots may be in others.
    pub(crate) lost_cells: Vec<(Resolution, Timestamp, Timestamp)>,
    /// Whether some are lost.
    pub(crate) lost_entries: bool,
    /// Whether some summaries are.
    pub(crate) lost_blocks: bool,
    /// Whether some archived lines are.
    pub(crate) lost_lines: bool,
    /// Each damaged place.
    pub(crate) errors: Vec<Error>,
}

impl Segment {
    /// Read all that can be read.
    pub(crate) fn salvage(&self, medium: &dyn Medium) -> Salvage {
        let mut salvage = Salvage::default();
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return self.all_lost(error),
        };
        for resolution in RESOLUTIONS {
            for block in directory.cells(resolution) {
                match self.unpack_block(medium, block.place, block.unpacked, decode_cells) {
                    Ok(cells) => {
                        for (slot, route, cell) in cells {
                            salvage.cells.push((resolution, slot, route, cell));
                        }
                    }
                    Err(error) => {
                        salvage.lost_cells.push((resolution, block.first, block.last));
                        salvage.errors.push(error);
                    }
                }
            }
        }
        for block in &directory.entries {
            match self.read_entries(medium, block, None) {
                Ok(entries) => salvage.entries.extend(entries),
                Err(error) => {
                    salvage.lost_entries = true;
                    salvage.errors.push(error);
                }
            }
        }
        for block in &directory.summaries {
            match self.read_summaries(medium, block) {
                Ok(blocks) => salvage.blocks.extend(blocks),
                Err(error) => {
                    salvage.lost_blocks = true;
                    salvage.errors.push(error);
                }
            }
        }
        for block in &directory.lines {
            match self.read_lines(medium, block) {
                Ok(lines) => salvage.lines.extend(lines),
                Err(error) => {
                    salvage.lost_lines = true;
                    salvage.errors.push(error);
                }
            }
        }
        salvage
    }

    /// Nothing says where anything is; what there was, the manifest still counts.
    fn all_lost(&self, error: Error) -> Salvage {
        let [cells, entries, blocks] = self.info.counts;
        let mut lost_cells = Vec::new();
        if cells > 0 {
            for resolution in RESOLUTIONS {
                lost_cells.push((resolution, Timestamp(i64::MIN), Timestamp(i64::MAX)));
            }
        }
        Salvage {
            lost_cells,
            lost_entries: entries > 0,
            lost_blocks: blocks > 0,
            lost_lines: self.info.lines > 0,
            errors: vec![error],
            ..Salvage::default()
        }
    }
}
