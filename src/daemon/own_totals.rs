//! The daemon's own metrics for whoever asks while it runs, beside those that are sent to carbon by slot.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Those of its metrics that are what happened in one slot: here they add up since the start.
const BY_SLOT: [&str; 8] = [
    "lines.read",
    "lines.parsed",
    "lines.rejected",
    "lines.late",
    "lines.unsent",
    "bytes.read",
    "bytes.dropped",
    "commits.failed",
];

/// Whether one of its metrics is what happened in one slot.
#[cfg(feature = "otlp")]
pub(super) fn is_counted_by_slot(name: &str) -> bool {
    BY_SLOT.contains(&name)
}

/// Written by the committing thread when a slot is over, read by any other.
#[derive(Debug, Default)]
pub struct OwnTotals {
    held: Mutex<BTreeMap<&'static str, f64>>,
}

impl OwnTotals {
    /// A slot is over.
    pub(super) fn add_slot(&self, values: &[(&'static str, f64)]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for &(name, value) in values {
            let total = held.entry(name).or_default();
            *total = if BY_SLOT.contains(&name) { *total + value } else { value };
        }
    }

    /// Names and values, in the order of the names; none before the first slot is over.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(&name, &value)| (name, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_gauges_are_the_last() {
        let totals = OwnTotals::default();
        totals.add_slot(&[("lines.read", 5.0), ("lag_seconds", 3.0)]);
        totals.add_slot(&[("lines.read", 2.0), ("lag_seconds", 1.0)]);
        assert_eq!(totals.values(), [("lag_seconds", 1.0), ("lines.read", 7.0)]);
    }
}
