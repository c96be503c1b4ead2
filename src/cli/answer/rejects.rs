//! Lines that are no requests: how many, and where the first is; and when they are so many that the answer is only a part.

use std::collections::BTreeMap;

use super::output::say;
use crate::grammar::{Reject, RejectReason, RejectedKinds, RejectedStretch};
use crate::store::BLOCK_BYTES;

/// Of a file of which more than one request in so many has no time, the latencies are those of a part.
const UNTIMED_ONE_IN: u64 = 20;

/// Lines that did not parse: how many, and the first.
#[derive(Debug, Default, Clone)]
pub(in crate::cli) struct RejectedLines {
    pub(in crate::cli) lines: u64,
    pub(in crate::cli) rejected: u64,
    /// By file.
    files: BTreeMap<usize, FileLines>,
}

/// A block of a file that was read.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct ReadBlock {
    /// Where it ends.
    pub(in crate::cli) end: u64,
    /// Its length in bytes.
    pub(in crate::cli) length: u64,
    pub(in crate::cli) lines: u64,
    /// Requests without a time.
    pub(in crate::cli) untimed: u64,
}

/// Blocks that are looked at together.
#[derive(Debug, Default, Clone)]
struct OpenStretch {
    /// Where it ends.
    end: u64,
    length: u64,
    lines: u64,
    rejected: RejectedKinds,
    /// Where the first and the last rejected line stand.
    between: Option<(u64, u64)>,
}

impl OpenStretch {
    /// Whether the rejected lines are many. Those without a request's keys are looked at in the whole file alone.
    fn is_many(&self) -> bool {
        let Some((first, last)) = self.between else { return false };
        let rejected = self.rejected.requests;
        let length = self.length.checked_div(self.lines).unwrap_or(1).max(1);
        RejectedStretch {
            requests: self.lines.saturating_sub(self.rejected.all()),
            rejected,
            between: last.saturating_sub(first) / length + 1,
            are_last: self.end.saturating_sub(first) / length <= rejected,
        }
        .is_many()
    }
}

/// What became of the lines of one file.
#[derive(Debug, Default, Clone)]
struct FileLines {
    lines: u64,
    /// Those that were rejected.
    rejected: RejectedKinds,
    /// Those of the stretch that is being read.
    stretch: OpenStretch,
    /// In some stretch they were many.
    are_many: bool,
    /// The first that was rejected.
    first: Option<(u64, Reject)>,
    /// Requests without a time.
    untimed: u64,
}

impl FileLines {
    /// Whether so much of it was not read that the answer lacks something.
    fn is_part(&self) -> bool {
        let (all, rejected) = (self.rejected, self.rejected.lacking(self.lines));
        let requests = self.lines.saturating_sub(all.all());
        self.are_many
            || self.stretch.is_many()
            || RejectedStretch { requests, rejected, ..RejectedStretch::default() }.is_many_of_log()
    }

    /// The end of a block.
    fn close_block(&mut self, block: ReadBlock) {
        self.lines += block.lines;
        self.untimed += block.untimed;
        let stretch = &mut self.stretch;
        stretch.end = block.end;
        stretch.lines += block.lines;
        stretch.length += block.length;
        // A pipe may give a line at a time.
        if stretch.length >= BLOCK_BYTES {
            self.are_many |= stretch.is_many();
            self.stretch = OpenStretch::default();
        }
    }
}

impl RejectedLines {
    /// Counts one; the first that comes is the one that is shown.
    pub(in crate::cli) fn reject(&mut self, file: usize, offset: u64, reject: Reject) {
        self.rejected += 1;
        let own = self.files.entry(file).or_default();
        own.rejected.add(Some(reject.reason), 1);
        own.stretch.rejected.add(Some(reject.reason), 1);
        own.stretch.between = Some(own.stretch.between.map_or((offset, offset), |(first, _)| (first, offset)));
        own.first.get_or_insert((offset, reject));
    }

    /// A block of a file was read; those of its lines that were rejected came before.
    pub(in crate::cli) fn count_block(&mut self, file: usize, block: ReadBlock) {
        self.lines += block.lines;
        self.files.entry(file).or_default().close_block(block);
    }

    /// A line of `length` bytes at `offset` was passed over, since it is too long.
    pub(in crate::cli) fn count_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.reject(file, offset, Reject { column: 1, reason: RejectReason::LineTooLong });
        self.count_block(file, ReadBlock { end: offset + length, length, lines: 1, untimed: 0 });
    }

    /// Adds what another thread met. Of the two first ones the earlier is kept, so that the message is the same with
    /// any number of threads.
    pub(in crate::cli) fn merge(&mut self, other: &RejectedLines) {
        self.lines += other.lines;
        self.rejected += other.rejected;
        for (file, theirs) in &other.files {
            let own = self.files.entry(*file).or_default();
            own.lines += theirs.lines;
            own.rejected.merge(theirs.rejected);
            own.are_many |= theirs.are_many || theirs.stretch.is_many();
            own.untimed += theirs.untimed;
            own.first = match (own.first, theirs.first) {
                (Some(own), Some(theirs)) => Some(if theirs.0 < own.0 { theirs } else { own }),
                (own, theirs) => own.or(theirs),
            };
        }
    }

    /// Say what was rejected, if anything.
    pub(in crate::cli) fn say(&self, names: &[String]) {
        let first = self.files.iter().find_map(|(file, own)| Some((*file, own.first?)));
        let Some((file, (offset, reject))) = first else { return };
        let name = names.get(file).map_or("?", String::as_str);
        say(&format!(
            "{} of {} lines rejected; the first in {name} at byte {offset}, column {}: {}",
            self.rejected, self.lines, reject.column, reject.reason
        ));
    }

    /// The files of which only a part was read, in words, which are said as well.
    pub(in crate::cli) fn missing(&self, names: &[String]) -> Vec<String> {
        let mut missing = Vec::new();
        for (file, own) in &self.files {
            if let Some((offset, _)) = own.first
                && own.is_part()
            {
                let part = format!(
                    "{}: {} of its {} lines are not in its format, the first at byte {offset}",
                    names.get(*file).map_or("?", String::as_str),
                    own.rejected.requests + own.rejected.keyless,
                    own.lines
                );
                say(&format!("partial: {part}; `spikeline check` shows why"));
                missing.push(part);
            }
        }
        missing
    }

    /// Say of which files only some requests have a time; `timed` are those whose lines should have one. Those of which many have
    /// none are handed back, in words: nginx never leaves a time out, so that such lines are of another program or format.
    pub(in crate::cli) fn missing_times(&self, names: &[String], timed: &[bool]) -> Vec<String> {
        let mut missing = Vec::new();
        for ((file, name), timed) in names.iter().enumerate().zip(timed) {
            let Some(own) = self.files.get(&file) else { continue };
            if !*timed || own.untimed == 0 || own.untimed + own.rejected.all() >= own.lines {
                continue;
            }
            let words = format!(
                "{name}: {} of {} lines have no $request_time: they are counted, and in no latency",
                own.untimed, own.lines
            );
            if own.untimed.saturating_mul(UNTIMED_ONE_IN) > own.lines {
                say(&format!("partial: {words}"));
                missing.push(words);
            } else {
                say(&format!("note: {words}"));
            }
        }
        missing
    }
}
