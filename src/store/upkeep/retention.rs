//! What may go: by age and by size, oldest first, whole segments at a time.

use crate::store::segment::info::{SegmentInfo, SegmentKind};
use crate::store::settings::Retention;
use crate::time::Timestamp;
use std::time::Duration;

/// The numbers of the segments that go, in the order in which they do. `journal` is the bytes that cannot go.
pub(crate) fn choose_expired(
    segments: &[SegmentInfo],
    journal: u64,
    retention: &Retention,
    now: Timestamp,
) -> Vec<u64> {
    let before = |keep: Option<Duration>| keep.map(|keep| now.minus(keep));
    let detail = before(retention.keep);
    let histograms = match (retention.keep, retention.keep_histograms) {
        (Some(keep), Some(longer)) => before(Some(longer.max(keep))),
        (_, longer) => before(longer).filter(|_| retention.keep.is_some()),
    };
    let is_over = |info: &SegmentInfo| {
        // What was sealed holds the only histograms there are, until they are rolled up.
        let limit = if info.kind == SegmentKind::Detail { detail } else { histograms };
        limit.is_some_and(|limit| info.newest() < limit)
    };
    let mut order: Vec<&SegmentInfo> = segments.iter().collect();
    // Roll-ups are small and last, so that they outlive the details they were made with.
    order.sort_by_key(|info| (info.kind == SegmentKind::Rolled, info.newest(), info.number));
    let mut bytes = segments.iter().map(|info| info.length).fold(journal, u64::saturating_add);
    let mut gone = Vec::new();
    for info in order {
        if is_over(info) || retention.keep_bytes.is_some_and(|most| bytes > most) {
            bytes = bytes.saturating_sub(info.length);
            gone.push(info.number);
        }
    }
    gone
}
