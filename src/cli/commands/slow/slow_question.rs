//! What `slow` is asked.

use crate::pipeline::{Filter, RoutedRecord};
use crate::record::RequestField;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct SlowQuestion {
    /// Slow means at least this; nothing if each route has its own threshold.
    pub(super) threshold_ms: Option<u64>,
    /// Which requests.
    pub(super) filter: Filter,
    /// What makes a class.
    pub(super) by: Vec<RequestField>,
}

impl SlowQuestion {
    /// Whether the request was slow.
    pub(super) fn is_slow(&self, seen: &RoutedRecord<'_>) -> bool {
        match self.threshold_ms {
            Some(threshold) => seen.record.request_time_ms.is_some_and(|took| took >= threshold),
            None => seen.slow,
        }
    }
}
