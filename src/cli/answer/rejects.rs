//! Lines that are no requests: how many, and where the first is.

use super::output::say;
use crate::grammar::Reject;

/// Lines that did not parse: how many, and the first.
#[derive(Debug, Default, Clone)]
pub(in crate::cli) struct RejectedLines {
    pub(in crate::cli) lines: u64,
    pub(in crate::cli) rejected: u64,
    first: Option<(usize, u64, Reject)>,
}

impl RejectedLines {
    /// Counts one; the first that comes is the one that is shown.
    pub(in crate::cli) fn reject(&mut self, file: usize, offset: u64, reject: Reject) {
        self.rejected += 1;
        self.first.get_or_insert((file, offset, reject));
    }

    /// Adds what another thread met. Of the two first ones the earlier is kept, so that the message is the same with
    /// any number of threads.
    pub(in crate::cli) fn merge(&mut self, other: &RejectedLines) {
        self.lines += other.lines;
        self.rejected += other.rejected;
        self.first = match (self.first, other.first) {
            (Some(own), Some(theirs)) => Some(if (theirs.0, theirs.1) < (own.0, own.1) { theirs } else { own }),
            (own, theirs) => own.or(theirs),
        };
    }

    /// Say what was rejected, if anything.
    pub(in crate::cli) fn say(&self, names: &[String]) {
        let Some((file, offset, reject)) = self.first else { return };
        let name = names.get(file).map_or("?", String::as_str);
        say(&format!(
            "{} of {} lines rejected; the first in {name} at byte {offset}, column {}: {}",
            self.rejected, self.lines, reject.column, reject.reason
        ));
    }
}
