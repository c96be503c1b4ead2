//! What was counted and is not in the store yet. The committing thread of the daemon and that of a backfill both have one: how counted
//! lines become a commit is the same for both, and only what follows a commit that failed differs.

use crossbeam_channel::Sender;

use super::line_counter::CountedLines;
use crate::error::Result;
use crate::pipeline::{CommitBuilder, Row, SlotSettings};
use crate::store::{Commit, DestinationProgress, Writer};
use crate::time::Timestamp;

/// The next commit.
pub(super) struct PendingCommit {
    builder: CommitBuilder,
    /// The way back for the rows' memory.
    spare_rows: Sender<Vec<Row>>,
    /// What is in it; after commits that failed, of all of them.
    commit: Commit,
    bytes: u64,
}

impl PendingCommit {
    /// `spare_rows` leads back to the counting thread.
    pub(super) fn new(slots: SlotSettings, spare_rows: Sender<Vec<Row>>) -> PendingCommit {
        PendingCommit { builder: CommitBuilder::new(slots), spare_rows, commit: Commit::default(), bytes: 0 }
    }

    /// Bring what was counted together by cell, and add it.
    pub(super) fn add(&mut self, counted: CountedLines) {
        let (lines, rows) = self.builder.build(counted.rows);
        // The counting thread may be gone or have enough: then they are simply freed.
        drop(self.spare_rows.try_send(rows));
        let Commit { at, read_until, routes, generations, readings, spans, .. } = counted.commit;
        self.commit.absorb(Commit { at, read_until, routes, generations, readings, spans, ..lines });
        self.bytes += counted.bytes;
    }

    /// Write everything as one record. On failure it stays here, for the next attempt.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn write(
        &mut self,
        writer: &mut Writer,
        at: Timestamp,
        destinations: Vec<DestinationProgress>,
    ) -> Result<()> {
        self.commit.at = at;
        self.commit.destinations = destinations;
        writer.commit(&mut self.commit)?;
        self.bytes = 0;
        Ok(())
    }

    /// What the store does not have.
    pub(super) fn commit(&self) -> &Commit {
        &self.commit
    }

    /// How many bytes of log are in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
