//! The raw lines that a commit may have to archive, while it is not yet known which are kept: all that are kept for
//! themselves, and of each cell those that were among its slowest when they came. These are few of the lines, and in any
//! order of durations about K * ln(lines / K) of a cell, so that only they are copied.

use super::row::Row;
use crate::store::{ARCHIVED_MAX, ArchivedLine, Locator};
use std::collections::HashMap;
use std::ops::Range;

/// Candidates of a stretch of lines.
#[derive(Debug, Default)]
pub(super) struct RawCandidates {
    bytes: Vec<u8>,
    /// Numbers of rows, ascending, and where their lines are.
    lines: Vec<(usize, Range<usize>)>,
    /// The slowest of each cell so far, shortest first.
    slowest: HashMap<u32, Vec<u64>>,
    /// The line that was copied last, if it is the one that is offered now.
    copied: Option<Locator>,
}

impl RawCandidates {
    /// Keep the line of row `number` if it may be kept.
    pub(super) fn offer(&mut self, number: usize, row: &Row, slowest: usize, line: &[u8]) {
        let among = match row.request_time_ms() {
            Some(duration) => self.is_among(row.cell, duration, slowest),
            None => false,
        };
        if (among || row.is_kept()) && line.len() <= ARCHIVED_MAX {
            // A line is offered once for its route and once for each series, and copied once.
            let range = match self.lines.last() {
                Some((_, range)) if self.copied == Some(row.locator) => range.clone(),
                _ => {
                    let start = self.bytes.len();
                    self.bytes.extend_from_slice(line);
                    start..self.bytes.len()
                }
            };
            self.copied = Some(row.locator);
            self.lines.push((number, range));
        }
    }

    /// Of equals the earlier may outrank the later, or the later the earlier by its end: so equals are among them.
    fn is_among(&mut self, cell: u32, duration: u64, slowest: usize) -> bool {
        let best = self.slowest.entry(cell).or_default();
        if best.len() >= slowest && best.first().is_none_or(|least| duration < *least) {
            return false;
        }
        best.insert(best.partition_point(|held| *held < duration), duration);
        if best.len() > slowest {
            best.remove(0);
        }
        true
    }

    /// The lines of rows that are kept in the end.
    pub(super) fn kept_lines(&self, rows: &[Row]) -> Vec<ArchivedLine> {
        let mut kept: Vec<ArchivedLine> = Vec::new();
        for (number, range) in &self.lines {
            if let (Some(row), Some(line)) = (rows.get(*number), self.bytes.get(range.clone()))
                && row.is_kept()
                && kept.last().is_none_or(|last| last.locator != row.locator)
            {
                kept.push(ArchivedLine { locator: row.locator, line: line.to_vec() });
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_slowest_are_always_among_the_candidates(durations in proptest::collection::vec(0u64..40, 0..200), slowest in 0usize..6) {
            let mut raw = RawCandidates::default();
            let offered: Vec<u64> = durations.iter().copied().filter(|&duration| raw.is_among(1, duration, slowest)).collect();
            let mut sorted = durations.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            // Every line as slow as the K-th slowest may rank among the K, by its end.
            if let Some(least) = slowest.checked_sub(1).and_then(|last| sorted.get(last)) {
                let all = durations.iter().filter(|duration| *duration >= least).count();
                prop_assert_eq!(offered.iter().filter(|duration| *duration >= least).count(), all);
            }
        }
    }
}
