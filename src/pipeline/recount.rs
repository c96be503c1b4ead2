//! Counting again: ranges of logs that were read before become the same cells, entries and summaries.
//!
//! `verify` compares them with the store, `index --rebuild` puts them in the place of a damaged segment. Both rest on the
//! rule that what a line adds depends on the line alone. Nothing is late here: lateness is a matter of when a line was
//! first read, and the ledgers that were kept then know it.

use std::collections::HashMap;

use super::commit_builder::CommitBuilder;
use super::line_readers::LineReaders;
use super::retrieve::find_known;
use super::row_collector::RowCollector;
use super::slot_settings::SlotSettings;
use crate::source::generation::{Generation, GenerationId};
use crate::source::{LineRangeReader, LineReader, LogPiece, find_generation_with};
use crate::store::{Commit, LogRange, View};

/// What was counted is handed out when this many bytes of log are in it.
const HAND_OUT_BYTES: u64 = 16 << 20;

/// So many logs are held open at a time.
const OPEN: usize = 64;

/// A range that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRange {
    /// Which.
    pub range: LogRange,
    /// Where its log was last.
    pub path: std::path::PathBuf,
    /// Why, in words.
    pub why: String,
}

/// Counts ranges of the logs of one store.
pub struct Recount<'v> {
    view: &'v View,
    readers: LineReaders,
    /// What was counted by other rules cannot be compared, and is not counted.
    same_rules_only: bool,
    settings: SlotSettings,
    max_line: usize,
    open: HashMap<GenerationId, LineReader>,
    gone: HashMap<GenerationId, String>,
    buffer: Vec<u8>,
}

impl<'v> Recount<'v> {
    /// With what reads the lines of each log.
    pub fn new(view: &'v View, readers: LineReaders, settings: SlotSettings, max_line: usize) -> Recount<'v> {
        let (open, gone) = (HashMap::new(), HashMap::new());
        let same_rules_only = false;
        Recount { view, readers, same_rules_only, settings, max_line, open, gone, buffer: Vec::new() }
    }

    /// From now on, what was counted by other rules or thresholds than those of now is not counted again: it would differ.
    pub fn same_rules_only(&mut self) {
        self.same_rules_only = true;
    }

    /// Count these ranges; `each` gets what they come to, in parts. Gives the ranges that could not be read whole: what was
    /// read of them is counted.
    pub fn count(&mut self, ranges: &[LogRange], mut each: impl FnMut(Commit)) -> Vec<UnreadRange> {
        let (mut slots, mut slowest) = (RowCollector::new(self.settings), CommitBuilder::new(self.settings));
        let mut unread = Vec::new();
        for range in &self.cut_by_rules(ranges) {
            let counted = self.count_range(*range, &mut slots, |slots| {
                if slots.bytes() >= HAND_OUT_BYTES {
                    each(slowest.build(slots.hand_over()).0);
                }
            });
            if let Err(why) = counted {
                let path = match find_known(self.view, range.generation) {
                    Some(generation) => generation.path.clone(),
                    None => Default::default(),
                };
                unread.push(UnreadRange { range: *range, path, why });
            }
        }
        each(slowest.build(slots.hand_over()).0);
        unread
    }

    /// The ranges, cut where the way of reading changes if not all of them may be counted.
    fn cut_by_rules(&self, ranges: &[LogRange]) -> Vec<LogRange> {
        if !self.same_rules_only {
            return ranges.to_vec();
        }
        let mut cut = Vec::new();
        for range in ranges {
            let mut from = range.from;
            while from < range.until {
                let until = self.view.reading_at(range.generation, from).until.min(range.until);
                cut.push(LogRange { from, until, ..*range });
                from = until;
            }
        }
        cut
    }

    /// Count one range; `counted` is asked after each piece whether it is time to hand out. An error says in words why the
    /// range could not be read, or not to its end.
    fn count_range(
        &mut self,
        range: LogRange,
        slots: &mut RowCollector,
        mut counted: impl FnMut(&mut RowCollector),
    ) -> Result<(), String> {
        let generation = find_known(self.view, range.generation).ok_or("the store does not know this log")?;
        self.make_open(generation)?;
        // The last line of a log may lack the newline that a block's summary reckons with.
        let until = range.until.min(generation.position);
        let mut from = range.from;
        while from < until {
            let mut read_with = self.readers.reader_at(self.view, generation, from);
            let stretch = LogRange { from, until: until.min(read_with.until), ..range };
            from = stretch.until;
            if self.same_rules_only && !read_with.same_rules {
                return Err("it was counted by other [[route]] rules or thresholds than those of now".to_owned());
            }
            let Some(wrapper) = read_with.interpreter.as_ref().map(|reads| reads.wrapper()) else {
                return Err(format!("the format of log {} is not known", generation.log));
            };
            let reader = self.open.get_mut(&range.generation).ok_or("it is not open")?;
            let mut lines = LineRangeReader::new(reader, stretch.from, stretch.until);
            lines = lines.max_line(self.max_line).wrapped(wrapper);
            while let Some(piece) = lines.next_block(&mut self.buffer).map_err(|error| error.what().to_owned())? {
                match piece {
                    LogPiece::Lines { offset } => {
                        slots.collect_runs(&mut read_with, range.generation, offset, &self.buffer);
                    }
                    LogPiece::TooLong { .. } if read_with.is_again() => {}
                    LogPiece::TooLong { offset, length } => slots.skip_long_line(range.generation, offset, length),
                }
                counted(slots);
            }
        }
        Ok(())
    }

    /// Have the log of a generation open, wherever it is by now. One that was not found is not looked for again.
    fn make_open(&mut self, generation: &Generation) -> Result<(), String> {
        if self.open.contains_key(&generation.id) {
            return Ok(());
        }
        let id = generation.id;
        // What was read again is in the file of the log that it was rejected of.
        let holder = self.view.again_of(id).and_then(|of| find_known(self.view, of));
        let generation = holder.unwrap_or(generation);
        if let Some(why) = self.gone.get(&generation.id) {
            return Err(why.clone());
        }
        if self.open.len() >= OPEN {
            self.open.clear();
        }
        let (elsewhere, points) = (self.view.rotated_of(&generation.log), self.view.restart_points(generation.id));
        let opened = match find_generation_with(generation, elsewhere, points) {
            Ok(Some(located)) => {
                if let Some(points) = &located.points
                    && located.decoded > 0
                {
                    // Whoever may not write there gathers them again the next time.
                    drop(self.view.keep_restart_points(generation.id, points));
                }
                LineReader::open(&located).map_err(|error| error.what().to_owned())
            }
            Ok(None) => Err("the log is gone".to_owned()),
            Err(error) => Err(error.what().to_owned()),
        };
        match opened {
            Ok(reader) => drop(self.open.insert(id, reader)),
            Err(why) => {
                self.gone.insert(id, why.clone());
                return Err(why);
            }
        }
        Ok(())
    }
}
