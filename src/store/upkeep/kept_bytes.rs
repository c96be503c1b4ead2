//! What a store takes beside its segments and its journal, for the bound on its size: the ranges beside segments, restart points, and
//! damaged files that were set aside.

use crate::store::disk::layout::{self, DAMAGED, POINTS, SEGMENTS};
use crate::store::disk::medium::Medium;
use crate::store::segment::info::SegmentInfo;

/// The segments, each as long as all of its files together.
pub(crate) fn with_ranges(medium: &dyn Medium, segments: &[SegmentInfo]) -> Vec<SegmentInfo> {
    let mut whole = Vec::with_capacity(segments.len());
    for info in segments {
        let ranges = medium.length(&layout::ranges_file(info.number)).unwrap_or(0);
        whole.push(SegmentInfo { length: info.length.saturating_add(ranges), ..info.clone() });
    }
    whole
}

/// What of damaged files counts, of a bound of `most` bytes: no more than a half, since otherwise they would drive out all that is whole.
pub(crate) fn damaged_bytes(medium: &dyn Medium, most: u64) -> u64 {
    let mut damaged = 0u64;
    for folder in ["", SEGMENTS] {
        for name in medium.list(folder).unwrap_or_default().into_iter().filter(|name| name.ends_with(DAMAGED)) {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            damaged = damaged.saturating_add(medium.length(&path).unwrap_or(0));
        }
    }
    damaged.min(most / 2)
}

/// Removes restart points, a cache, that are too much for `room` bytes: the largest first, so that the fewest logs have to be decoded anew.
pub(crate) fn trim_points(medium: &dyn Medium, room: u64) {
    let (mut points, mut total) = (Vec::new(), 0u64);
    for name in medium.list(POINTS).unwrap_or_default() {
        let path = format!("{POINTS}/{name}");
        let length = medium.length(&path).unwrap_or(0);
        total = total.saturating_add(length);
        points.push((length, path));
    }
    points.sort_unstable();
    while total > room {
        let Some((length, path)) = points.pop() else { break };
        if medium.remove(&path).is_ok() {
            total = total.saturating_sub(length);
        }
    }
}
