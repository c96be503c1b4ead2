//! What reads the lines of the logs of a store again: each stretch by the format that it was read in when it was counted.
//!
//! The store knows that format. Of logs that an older version took in it does not: those are read by the format that whoever asks
//! has for them, by the configuration or from their lines.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::interpreter::Interpreter;
use super::interpreting::Interpreting;
use crate::grammar::{Format, read_format};
use crate::record::Needs;
use crate::source::generation::{Generation, GenerationId};
use crate::store::{LogReading, View};

/// Which fields are read of the lines of a format.
pub type NeedsOfFormat = Arc<dyn Fn(&Format) -> Needs + Send + Sync>;

/// The interpreters of one command, made as they are needed.
pub struct LineReaders {
    with: Interpreting,
    needs: NeedsOfFormat,
    /// By the key of each log, for the stretches of which the store holds no format.
    by_log: HashMap<String, Interpreter>,
    /// By the number of the reading and the log's key; nothing where its format is not known to this version.
    by_reading: HashMap<(u32, String), Option<ReadingInterpreters>>,
    /// By the key of each log whose lines are archived: how many of the slowest.
    archived: HashMap<String, usize>,
    /// Whether whoever scans lines gets the members of series that they are in as well.
    members: bool,
}

/// What reads the lines of one reading.
pub(super) struct ReadingInterpreters {
    interpreter: Interpreter,
    /// Only lines that all of these reject are its lines.
    rejected_by: Vec<Interpreter>,
}

/// What reads a stretch of a log.
pub struct StretchReader<'r> {
    /// Nothing if its format is not known.
    pub interpreter: Option<&'r mut Interpreter>,
    /// Only lines that all of these reject are read.
    rejected_by: &'r mut [Interpreter],
    /// Where the stretch ends.
    pub until: u64,
    /// Whether its lines were counted by the same rules and thresholds, as far as the store knows.
    pub same_rules: bool,
}

impl LineReaders {
    /// Of each line what `needs` names is read. `by_log` is for what the store holds no format of.
    pub fn new(with: Interpreting, needs: NeedsOfFormat, by_log: HashMap<String, Interpreter>) -> LineReaders {
        LineReaders { with, needs, by_log, by_reading: HashMap::new(), archived: HashMap::new(), members: false }
    }

    /// Whether [`scan`](super::retrieve::scan) hands on each line also as each member of a series that it is in.
    pub fn scan_members(&mut self, members: bool) {
        self.members = members;
    }

    /// Whether it does.
    pub(super) fn scans_members(&self) -> bool {
        self.members
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
            return StretchReader { interpreter, rejected_by: &mut [], until: stretch.until, same_rules: true };
        };
        let log = &generation.log;
        let (with, needs, archived) = (&self.with, &self.needs, &self.archived);
        let made = self.by_reading.entry((number, log.clone())).or_insert_with(|| {
            let mut made = ReadingInterpreters::new(reading, &**needs, &with.for_log(log))?;
            if let Some(&slowest) = archived.get(log) {
                made.interpreter.archive_lines(slowest);
            }
            Some(made)
        });
        let (interpreter, rejected_by) = match made {
            Some(made) => (Some(&mut made.interpreter), made.rejected_by.as_mut_slice()),
            // A later version wrote what is not known here.
            None => (self.by_log.get_mut(log), <&mut [Interpreter]>::default()),
        };
        let same_rules = reading.rules == with.rules() && reading.series == with.series();
        StretchReader { interpreter, rejected_by, until: stretch.until, same_rules }
    }
}

impl ReadingInterpreters {
    /// Nothing if a format of it is not known to this version.
    pub(super) fn new(
        reading: &LogReading,
        needs: &dyn Fn(&Format) -> Needs,
        with: &Interpreting,
    ) -> Option<ReadingInterpreters> {
        let compile = |format: &str| {
            let format = read_format(format)?;
            Interpreter::new(&format, needs(&format), with).ok()
        };
        let mut rejected_by = Vec::new();
        for format in reading.again.iter().flat_map(|again| &again.rejected_by) {
            rejected_by.push(compile(format)?);
        }
        Some(ReadingInterpreters { interpreter: compile(&reading.format)?, rejected_by })
    }

    /// What reads with it.
    pub(super) fn reader(&mut self) -> StretchReader<'_> {
        let (interpreter, rejected_by) = (Some(&mut self.interpreter), self.rejected_by.as_mut_slice());
        StretchReader { interpreter, rejected_by, until: u64::MAX, same_rules: true }
    }

    /// The raw lines of what may be archived are kept.
    pub(super) fn archive_lines(&mut self, slowest: usize) {
        self.interpreter.archive_lines(slowest);
    }
}

impl StretchReader<'_> {
    /// Whether only lines are read that were rejected before.
    pub fn is_again(&self) -> bool {
        !self.rejected_by.is_empty()
    }

    /// Where the lines are, in a block of whole lines, that this reads: all of it, but for lines that were read before.
    pub fn runs(&mut self, block: &[u8]) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::from([Range { start: 0, end: block.len() }]);
        for before in &mut *self.rejected_by {
            let mut rejected: Vec<Range<usize>> = Vec::new();
            for run in runs {
                before.read_block(block.get(run.clone()).unwrap_or_default(), |at, line, seen, _| {
                    if seen.is_ok() {
                        return;
                    }
                    let from = run.start + at;
                    let until = (from + line.len() + 1).min(run.end);
                    match rejected.last_mut() {
                        Some(last) if last.end == from => last.end = until,
                        _ => rejected.push(from..until),
                    }
                });
            }
            runs = rejected;
        }
        runs
    }
}

/// Whether the store holds the format of a log from the first byte that was read of it.
pub fn holds_format(view: &View, id: GenerationId, position: u64) -> bool {
    let first = position.saturating_sub(view.ledger(id).map_or(0, |ledger| ledger.bytes));
    matches!(view.reading_at(id, first).reading, Some((_, reading)) if read_format(&reading.format).is_some())
}
