//! What a store takes beside its segments and its journal, for the bound on its size: the ranges beside segments, restart points, and
//! damaged files that were set aside.

use crate::store::disk::layout::{self, POINTS, SEGMENTS};
use crate::store::disk::medium::Medium;
use crate::store::segment::info::SegmentInfo;

/// How the names of damaged files end that were set aside.
const DAMAGED: &str = ".damaged";

/// The segments, each as long as all of its files together.
pub(crate) fn with_ranges(medium: &dyn Medium, segments: &[SegmentInfo]) -> Vec<SegmentInfo> {
    let mut whole = Vec::with_capacity(segments.len());
    for info in segments {
        let ranges = medium.length(&layout::ranges_file(info.number)).unwrap_or(0);
        whole.push(SegmentInfo { length: info.length.saturating_add(ranges), ..info.clone() });
    }
    whole
}

/// What lies beside them so that `most` bytes are not all for segments: of the damaged files no more than a half counts, since otherwise they
/// would drive out all that is whole. Restart points are a cache, and go first: as many as are too much beside the `held` bytes.
pub(crate) fn make_room(medium: &dyn Medium, held: u64, most: u64) -> u64 {
    let mut damaged = 0u64;
    for folder in ["", SEGMENTS] {
        for name in medium.list(folder).unwrap_or_default().into_iter().filter(|name| name.ends_with(DAMAGED)) {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            damaged = damaged.saturating_add(medium.length(&path).unwrap_or(0));
        }
    }
    let damaged = damaged.min(most / 2);
    let (mut points, mut total) = (Vec::new(), 0u64);
    for name in medium.list(POINTS).unwrap_or_default() {
        let path = format!("{POINTS}/{name}");
        let length = medium.length(&path).unwrap_or(0);
        total = total.saturating_add(length);
        points.push((length, path));
    }
    // The largest first: fewest logs have to be decoded anew.
    points.sort_unstable();
    while held.saturating_add(damaged).saturating_add(total) > most {
        let Some((length, path)) = points.pop() else { break };
        if medium.remove(&path).is_ok() {
            total = total.saturating_sub(length);
        }
    }
    damaged.saturating_add(total)
}
