//! Lines that are no requests: how many, and where the first is; and when they are so many that the answer is only a part.

use std::collections::BTreeMap;

use super::output::say;
use crate::grammar::{Reject, RejectReason};

/// Of a file of which more than one line in so many is rejected, only a part was read. Fewer are torn writes and the like: they
/// are said, and the answer is whole.
const FEW: u64 = 20;

/// Lines that did not parse: how many, and the first.
#[derive(Debug, Default, Clone)]
pub(in crate::cli) struct RejectedLines {
    pub(in crate::cli) lines: u64,
    pub(in crate::cli) rejected: u64,
    /// By file.
    files: BTreeMap<usize, FileLines>,
}

/// What became of the lines of one file.
#[derive(Debug, Default, Clone)]
struct FileLines {
    lines: u64,
    /// Those that are no requests, whatever they are.
    unread: u64,
    /// Those that may have been requests.
    rejected: u64,
    /// Those that have keys, but none of a request: an application's messages mostly.
    keyless: u64,
    /// The first that was rejected.
    first: Option<(u64, Reject)>,
    /// Requests without a time.
    untimed: u64,
}

impl FileLines {
    /// Whether so much of it was not read that the answer lacks something.
    fn is_part(&self) -> bool {
        self.rejected.saturating_mul(FEW) > self.lines || (self.rejected + self.keyless).saturating_mul(2) >= self.lines
    }
}

impl RejectedLines {
    /// Counts one; the first that comes is the one that is shown.
    pub(in crate::cli) fn reject(&mut self, file: usize, offset: u64, reject: Reject) {
        self.rejected += 1;
        let own = self.files.entry(file).or_default();
        own.unread += 1;
        match reject.reason {
            RejectReason::KeyMissing => own.keyless += 1,
            reason => own.rejected += u64::from(reason.may_be_request()),
        }
        own.first.get_or_insert((offset, reject));
    }

    /// A block of a file was read: so many lines, of which so many are requests without a time.
    pub(in crate::cli) fn count_block(&mut self, file: usize, lines: u64, untimed: u64) {
        self.lines += lines;
        let own = self.files.entry(file).or_default();
        own.lines += lines;
        own.untimed += untimed;
    }

    /// Adds what another thread met. Of the two first ones the earlier is kept, so that the message is the same with
    /// any number of threads.
    pub(in crate::cli) fn merge(&mut self, other: &RejectedLines) {
        self.lines += other.lines;
        self.rejected += other.rejected;
        for (file, theirs) in &other.files {
            let own = self.files.entry(*file).or_default();
            own.lines += theirs.lines;
            own.unread += theirs.unread;
            own.rejected += theirs.rejected;
            own.keyless += theirs.keyless;
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
                    own.rejected + own.keyless,
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
            if !*timed || own.untimed == 0 || own.untimed + own.unread >= own.lines {
                continue;
            }
            let words = format!(
                "{name}: {} of {} lines have no $request_time: they are counted, and in no latency",
                own.untimed, own.lines
            );
            if own.untimed.saturating_mul(FEW) > own.lines {
                say(&format!("partial: {words}"));
                missing.push(words);
            } else {
                say(&format!("note: {words}"));
            }
        }
        missing
    }
}
