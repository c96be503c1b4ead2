//! The daemon's own metrics: what happened in each slot of its own life, and the alarm that some of it is worth.

use std::collections::VecDeque;

use super::notice::Notice;
use crate::grammar::RejectedStretch;
use crate::source::generation::GenerationId;
use crate::store::Ledger;
use crate::time::Timestamp;

/// So many slots of own metrics are kept to be sent (again) with the slot they belong to.
const SLOTS_KEPT: usize = 360;

/// What is counted since the last slot.
#[derive(Debug, Default, Clone)]
struct SlotCounters {
    /// Lines read.
    read: u64,
    /// Lines parsed.
    parsed: u64,
    /// Lines rejected, over-long ones included.
    rejected: u64,
    /// Those that may have been requests.
    lacking: u64,
    /// Lines whose slot had been sent before they came.
    late: u64,
    /// Lines that came after their slot went to a carbon that gets each once.
    unsent: u64,
    /// Bytes of log that were never read: lost to truncation or gone before they could be.
    dropped_bytes: u64,
    /// Bytes read.
    bytes: u64,
    /// Commits that failed.
    commits_failed: u64,
}

/// What stands at the moment a slot is over.
#[derive(Debug, Default, Clone)]
pub(super) struct Gauges {
    /// Seconds by which counting is behind; 0 when all logs are read to their ends.
    pub(super) lag_seconds: f64,
    /// Commits waiting to be kept.
    pub(super) queue: f64,
    /// Routes known.
    pub(super) routes: f64,
    /// Slots owed over all destinations.
    pub(super) slots_owed: f64,
    /// Slots dropped from the spools so far.
    pub(super) slots_dropped: f64,
    /// Points delivered so far.
    pub(super) points_sent: f64,
    /// Batches that failed so far.
    pub(super) send_failures: f64,
}

/// Own metrics by slot.
#[derive(Debug, Default)]
pub(super) struct SelfMetrics {
    /// Counting now.
    counters: SlotCounters,
    /// Many lines were rejected in the last slot that had any.
    are_many_rejected: bool,
    slots: VecDeque<(Timestamp, Vec<(&'static str, f64)>)>,
}

impl SelfMetrics {
    /// What became of some lines of the logs.
    pub(super) fn add_ledgers(&mut self, ledgers: &[(GenerationId, Ledger)]) {
        let counters = &mut self.counters;
        for (_, ledger) in ledgers {
            counters.read += ledger.lines;
            counters.parsed += ledger.parsed;
            counters.rejected += ledger.rejected.values().sum::<u64>() + ledger.too_long;
            counters.lacking += ledger.rejected_kinds().lacking(ledger.lines);
            counters.late += ledger.late;
            counters.bytes += ledger.bytes;
            counters.dropped_bytes += ledger.unread + ledger.lost_to_truncation;
        }
    }

    pub(super) fn add_unsent(&mut self, lines: u64) {
        self.counters.unsent += lines;
    }

    pub(super) fn add_failed_commit(&mut self) {
        self.counters.commits_failed += 1;
    }

    /// What is to be said when, of the lines of the slot that ends, many did not fit their format; said once until it is better.
    pub(super) fn check_rejects(&mut self) -> Option<Notice> {
        let SlotCounters { read, parsed: requests, lacking: rejected, .. } = self.counters;
        if read == 0 {
            return None;
        }
        let are_many = RejectedStretch { requests, rejected, ..RejectedStretch::default() }.is_many();
        let is_new = are_many && !self.are_many_rejected;
        self.are_many_rejected = are_many;
        is_new.then_some(Notice::MostRejected { rejected, read })
    }

    /// A slot is over: keep what was counted under it, and begin anew.
    pub(super) fn close_slot(&mut self, slot: Timestamp, gauges: &Gauges) {
        let counters = std::mem::take(&mut self.counters);
        #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
        let values = vec![
            ("lines.read", counters.read as f64),
            ("lines.parsed", counters.parsed as f64),
            ("lines.rejected", counters.rejected as f64),
            ("lines.late", counters.late as f64),
            ("lines.unsent", counters.unsent as f64),
            ("bytes.read", counters.bytes as f64),
            ("bytes.dropped", counters.dropped_bytes as f64),
            ("commits.failed", counters.commits_failed as f64),
            ("lag_seconds", gauges.lag_seconds),
            ("queue.commits", gauges.queue),
            ("routes.known", gauges.routes),
            ("slots.owed", gauges.slots_owed),
            ("slots.dropped", gauges.slots_dropped),
            ("points.sent", gauges.points_sent),
            ("points.failures", gauges.send_failures),
        ];
        self.slots.push_back((slot, values));
        while self.slots.len() > SLOTS_KEPT {
            self.slots.pop_front();
        }
    }

    /// The names and values that belong to `slot`.
    pub(super) fn at_slot(&self, slot: Timestamp) -> &[(&'static str, f64)] {
        let Ok(at) = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) else { return &[] };
        self.slots.get(at).map_or(&[], |(_, values)| values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(lines: u64, too_long: u64) -> (GenerationId, Ledger) {
        (GenerationId(0), Ledger { lines, too_long, parsed: lines - too_long, ..Ledger::default() })
    }

    #[test]
    fn the_alarm_of_rejects_is_raised_once_and_again_after_it_was_better() {
        let mut metrics = SelfMetrics::default();
        // Lines, those of them that are rejected, and whether the slot's end raises the alarm.
        let slots = [(100, 5, false), (100, 6, true), (0, 0, false), (10, 9, false), (10, 2, false), (3, 3, true)];
        for (number, (lines, rejected, raised)) in (0i64..).zip(slots) {
            metrics.add_ledgers(&[ledger(lines, rejected)]);
            let notice = metrics.check_rejects();
            assert_eq!(notice.is_some(), raised, "slot {number}: {notice:?}");
            metrics.close_slot(Timestamp(number), &Gauges::default());
        }
    }

    #[test]
    fn each_slot_has_its_own_counts_and_the_oldest_are_forgotten() {
        let mut metrics = SelfMetrics::default();
        for slot in 0..400i64 {
            metrics.add_ledgers(&[ledger(slot.cast_unsigned(), 0)]);
            metrics.close_slot(Timestamp(slot), &Gauges { queue: 2.0, ..Gauges::default() });
        }
        let value =
            |slot, name| metrics.at_slot(Timestamp(slot)).iter().find(|(held, _)| *held == name).map(|held| held.1);
        assert_eq!((value(399, "lines.read"), value(40, "lines.parsed")), (Some(399.0), Some(40.0)));
        assert_eq!(
            (value(40, "queue.commits"), value(39, "lines.read"), value(400, "lines.read")),
            (Some(2.0), None, None)
        );
    }
}
