//! The daemon's own metrics: what happened in each slot of its own life.

use std::collections::VecDeque;

use crate::time::Timestamp;

/// So many slots of own metrics are kept to be sent (again) with the slot they belong to.
const SLOTS_KEPT: usize = 360;

/// What is counted since the last slot.
#[derive(Debug, Default, Clone)]
pub(super) struct SlotCounters {
    /// Lines read.
    pub(super) read: u64,
    /// Lines parsed.
    pub(super) parsed: u64,
    /// Lines rejected, over-long ones included.
    pub(super) rejected: u64,
    /// Lines whose slot had been sent before they came.
    pub(super) late: u64,
    /// Bytes of log that were never read: lost to truncation or gone before they could be.
    pub(super) dropped_bytes: u64,
    /// Bytes read.
    pub(super) bytes: u64,
    /// Commits that failed.
    pub(super) commits_failed: u64,
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
    pub(super) counters: SlotCounters,
    slots: VecDeque<(Timestamp, Vec<(&'static str, f64)>)>,
}

impl SelfMetrics {
    /// A slot is over: keep what was counted under it, and begin anew.
    pub(super) fn close(&mut self, slot: Timestamp, gauges: &Gauges) {
        let counters = std::mem::take(&mut self.counters);
        #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
        let values = vec![
            ("lines.read", counters.read as f64),
            ("lines.parsed", counters.parsed as f64),
            ("lines.rejected", counters.rejected as f64),
            ("lines.late", counters.late as f64),
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

    /// What belongs to `slot`.
    pub(super) fn of(&self, slot: Timestamp) -> &[(&'static str, f64)] {
        self.slots
            .binary_search_by_key(&slot, |(slot, _)| *slot)
            .ok()
            .and_then(|at| self.slots.get(at))
            .map_or(&[], |(_, values)| values.as_slice())
    }
}
