//! How the counting thread reads each log, and what of that the store does not know yet.
//!
//! There is something to note of each from the first block that is read of it here, unless the last process read it in the same way; and
//! then from the first block behind each change of its format.

use std::collections::{BTreeMap, HashMap};

use super::log_formats::FormatOfLog;
use crate::source::generation::GenerationId;
use crate::store::{LogReading, ReadingChange, View};

/// The ways in which logs are read.
pub(super) struct ReadingBook {
    /// How the store has those that were read before.
    known: BTreeMap<GenerationId, LogReading>,
    /// Those of which a block was read here, by how many changes of their format.
    noted: HashMap<GenerationId, u32>,
    changes: Vec<ReadingChange>,
    /// Every 5xx is kept.
    server_errors: bool,
}

impl ReadingBook {
    /// Goes on with what a store knows.
    pub(super) fn new(view: &View, server_errors: bool) -> ReadingBook {
        let mut known = BTreeMap::new();
        for generation in view.generations() {
            if let Some(reading) = view.last_reading(generation.id)
                && !generation.finished
            {
                known.insert(generation.id, reading.clone());
            }
        }
        ReadingBook { known, noted: HashMap::new(), changes: Vec::new(), server_errors }
    }

    /// A block of a log that begins at `offset` is read so.
    pub(super) fn note_block(&mut self, generation: GenerationId, offset: u64, by: &FormatOfLog) {
        if self.noted.insert(generation, by.changes) == Some(by.changes) {
            return;
        }
        let reading = by.interpreter.reading(self.server_errors);
        if self.known.remove(&generation).as_ref() != Some(&reading) {
            self.changes.push(ReadingChange { generation, from: offset, reading });
        }
    }

    /// What changed since the last time.
    pub(super) fn take_changes(&mut self) -> Vec<ReadingChange> {
        std::mem::take(&mut self.changes)
    }
}
