//! What can still be read of a damaged segment, and the bounds of what cannot.

use super::{Segment, entries};
use crate::error::Error;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::block::BlockSummary;
use crate::store::cell::decode_cells;
use crate::store::encode::Malformed;
use crate::store::entry::Entry;
use crate::store::medium::Medium;
use crate::time::Timestamp;

/// Everything readable, and what is lost.
#[derive(Debug, Default)]
pub(crate) struct Salvage {
    pub(crate) cells: Vec<(Timestamp, RouteId, Cell)>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) blocks: Vec<BlockSummary>,
    /// First and last slot of each block of cells that is lost. Some cells of these slots may be in others.
    pub(crate) lost_cells: Vec<(Timestamp, Timestamp)>,
    pub(crate) lost_entries: bool,
    pub(crate) lost_blocks: bool,
    /// Each damaged place.
    pub(crate) errors: Vec<Error>,
}

impl Segment {
    /// Read all that can be read.
    pub(crate) fn salvage(&self, medium: &dyn Medium) -> Salvage {
        let mut salvage = Salvage::default();
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => {
                let all = (Timestamp(i64::MIN), Timestamp(i64::MAX));
                return Salvage {
                    lost_cells: vec![all],
                    lost_entries: true,
                    lost_blocks: true,
                    errors: vec![error],
                    ..salvage
                };
            }
        };
        for block in &directory.cells {
            match self.unpack(medium, block.place, block.unpacked, decode_cells) {
                Ok(cells) => salvage.cells.extend(cells),
                Err(error) => {
                    salvage.lost_cells.push((block.first, block.last));
                    salvage.errors.push(error);
                }
            }
        }
        for block in &directory.entries {
            let read = self.block(medium, block.place).and_then(|bytes| {
                usize::try_from(block.count)
                    .map_err(|_| Malformed)
                    .and_then(|count| if count > entries::BLOCK { Err(Malformed) } else { Ok(count) })
                    .and_then(|count| entries::decode_block(&bytes, count, |_, _, _| true))
                    .map_err(|Malformed| self.malformed(medium, block.place))
            });
            match read {
                Ok(entries) => salvage.entries.extend(entries),
                Err(error) => {
                    salvage.lost_entries = true;
                    salvage.errors.push(error);
                }
            }
        }
        for block in &directory.summaries {
            match self.unpack(medium, block.place, block.unpacked, |from| from.list()) {
                Ok(blocks) => salvage.blocks.extend(blocks),
                Err(error) => {
                    salvage.lost_blocks = true;
                    salvage.errors.push(error);
                }
            }
        }
        salvage
    }
}
