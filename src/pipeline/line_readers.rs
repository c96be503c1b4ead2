//! What reads the lines of the logs of a store again: each stretch by the format that it was read in when it was counted.
//!
//! The store knows that format. Of logs that an older version took in it does not: those are read by the format that whoever asks
//! has for them, by the configuration or from their lines.

use std::collections::HashMap;

use super::interpreter::{Interpreter, Interpreting};
use crate::grammar::read_format;
use crate::record::Needs;
use crate::source::generation::{Generation, GenerationId};
use crate::store::View;

/// The interpreters of one command, made as they are needed.
pub struct LineReaders {
    with: Interpreting,
    /// By the key of each log, for the stretches of which the store holds no format.
    by_log: HashMap<String, Interpreter>,
    /// By the number of the reading and the log's key; nothing where its format is not known to this version.
    by_reading: HashMap<(u32, String), Option<Interpreter>>,
    /// By the key of each log whose lines are archived: how many of the slowest.
    archived: HashMap<String, usize>,
}

/// What reads a stretch of a log.
pub struct StretchReader<'r> {
    /// Nothing if its format is not known.
    pub interpreter: Option<&'r mut Interpreter>,
    /// Where the stretch ends.
    pub until: u64,
    /// Whether its lines were counted by the same rules and thresholds, as far as the store knows.
    pub same_rules: bool,
}

impl LineReaders {
    /// `by_log` is for what the store holds no format of.
    pub fn new(with: Interpreting, by_log: HashMap<String, Interpreter>) -> LineReaders {
        LineReaders { with, by_log, by_reading: HashMap::new(), archived: HashMap::new() }
    }

    /// From now on the raw lines of this log are kept that may be archived: the slow ones and the `slowest` of each slot.
    pub fn archive_lines(&mut self, log: &str, slowest: usize) {
        if let Some(interpreter) = self.by_log.get_mut(log) {
            interpreter.archive_lines(slowest);
        }
        self.archived.insert(log.to_owned(), slowest);
    }

    /// What reads the line at `offset` of a log.
    pub fn reader_at(&mut self, view: &View, generation: &Generation, offset: u64) -> StretchReader<'_> {
        let stretch = view.reading_at(generation.id, offset);
        let Some((number, reading)) = stretch.reading else {
            let interpreter = self.by_log.get_mut(&generation.log);
            return StretchReader { interpreter, until: stretch.until, same_rules: true };
        };
        let log = &generation.log;
        let (with, archived) = (&self.with, &self.archived);
        let made = self.by_reading.entry((number, log.clone())).or_insert_with(|| {
            let format = read_format(&reading.format)?;
            let mut interpreter = Interpreter::new(&format, Needs::latency(), &with.for_log(log)).ok()?;
            if let Some(&slowest) = archived.get(log) {
                interpreter.archive_lines(slowest);
            }
            Some(interpreter)
        });
        let interpreter = match made {
            Some(interpreter) => Some(interpreter),
            // A later version wrote what is not known here.
            None => self.by_log.get_mut(log),
        };
        StretchReader { interpreter, until: stretch.until, same_rules: reading.rules == with.rules() }
    }
}

/// Whether the store holds the format of a log from the first byte that was read of it.
pub fn holds_format(view: &View, id: GenerationId, position: u64) -> bool {
    let first = position.saturating_sub(view.ledger(id).map_or(0, |ledger| ledger.bytes));
    matches!(view.reading_at(id, first).reading, Some((_, reading)) if read_format(&reading.format).is_some())
}
