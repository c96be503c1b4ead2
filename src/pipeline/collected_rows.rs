//! What the counting thread hands to the committing thread: rows, not yet brought together by cell.

use std::collections::BTreeMap;

use super::raw_candidates::RawCandidates;
use super::row::Row;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BlockSummary, Ledger};
use crate::time::Timestamp;

/// What a stretch of lines comes to, from one [`hand over`](super::RowCollector::hand_over) to the next.
#[derive(Debug, Default)]
pub struct CollectedRows {
    /// Slot and route of each cell; rows name them by index.
    pub(super) cells: Vec<(Timestamp, RouteId)>,
    /// In the order of the lines.
    pub(super) rows: Vec<Row>,
    /// What became of the lines of each log.
    pub ledgers: Vec<(GenerationId, Ledger)>,
    /// What the index knows of the blocks of log that the lines stand in.
    pub(super) blocks: Vec<BlockSummary>,
    /// The lines themselves, where they may be archived.
    pub(super) raw: RawCandidates,
}

impl CollectedRows {
    /// Slot and route of each cell that got lines.
    pub fn cells(&self) -> impl Iterator<Item = (Timestamp, RouteId)> + '_ {
        self.cells.iter().copied()
    }

    /// How many lines fell into each slot.
    pub fn lines_by_slot(&self) -> BTreeMap<Timestamp, u64> {
        let mut lines = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.of_series) {
            if let Some((slot, _)) = self.cells.get(row.cell as usize) {
                *lines.entry(*slot).or_insert(0) += 1;
            }
        }
        lines
    }
}
