//! What may go: by age and by size, oldest first, whole segments at a time.
//!
//! A segment goes whole, by the newest thing in it, so nothing goes early and some of it stays longer than asked for:
//! at most a segment's span. The manifest remembers until when things were thrown away, so that an answer can say
//! what it lacks.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::segment::info::TimeBounds;
    use proptest::prelude::*;

    const HOUR: u64 = 3600;

    /// A segment of 100 bytes whose newest cell is of the end of this hour.
    fn segment(number: u64, kind: SegmentKind, hour: u64) -> SegmentInfo {
        let newest = Timestamp::from_secs(i64::try_from(hour * HOUR).unwrap());
        let cells = TimeBounds { min_start: newest, min_end: newest, max_end: newest };
        SegmentInfo { cells, length: 100, ..SegmentInfo::empty(number, kind, newest) }
    }

    fn gone(retention: &Retention, journal: u64) -> Vec<u64> {
        let segments = [
            segment(1, SegmentKind::Detail, 1),
            segment(2, SegmentKind::Rolled, 1),
            segment(3, SegmentKind::Sealed, 2),
            segment(4, SegmentKind::Detail, 9),
        ];
        choose_expired(&segments, journal, retention, Timestamp::from_secs(10 * 3600))
    }

    fn hours(hours: u64) -> Option<Duration> {
        Some(Duration::from_secs(hours * HOUR))
    }

    #[test]
    fn what_is_old_goes_but_roll_ups_and_the_only_histograms_stay_for_longer() {
        assert_eq!(gone(&Retention::default(), 0), [0u64; 0]);
        assert_eq!(gone(&Retention { keep: hours(5), ..Retention::default() }, 0), [1]);
        let both = |longer| Retention { keep: hours(5), keep_histograms: hours(longer), ..Retention::default() };
        assert_eq!(gone(&both(20), 0), [1]);
        assert_eq!(gone(&both(8), 0), [1, 2]);
        assert_eq!(gone(&both(6), 0), [1, 3, 2]);
        // Never less than the details.
        assert_eq!(gone(&both(1), 0), [1, 3, 2]);
    }

    /// The journal cannot go, so the segments make room for it; roll-ups are the last to go.
    #[test]
    fn what_is_too_much_goes_oldest_first() {
        let most = |bytes| Retention { keep_bytes: Some(bytes), ..Retention::default() };
        assert_eq!(gone(&most(400), 0), [0u64; 0]);
        assert_eq!(gone(&most(400), 1), [1]);
        assert_eq!(gone(&most(150), 0), [1, 3, 4]);
        assert_eq!(gone(&most(0), 0), [1, 3, 4, 2]);
    }

    fn any_segments() -> impl Strategy<Value = Vec<SegmentInfo>> {
        let kind = prop_oneof![Just(SegmentKind::Sealed), Just(SegmentKind::Detail), Just(SegmentKind::Rolled)];
        let one = (kind, 0u64..200, 0u64..1000);
        proptest::collection::vec(one, 0..20).prop_map(|all| {
            let mut segments = Vec::new();
            for (number, (kind, hour, length)) in (1..).zip(all) {
                segments.push(SegmentInfo { length, ..segment(number, kind, hour) });
            }
            segments
        })
    }

    fn any_retention() -> impl Strategy<Value = Retention> {
        let days = || proptest::option::of((1u64..200).prop_map(|hours| Duration::from_secs(hours * HOUR)));
        (days(), days(), proptest::option::of(0u64..9000)).prop_map(|(keep, keep_histograms, keep_bytes)| Retention {
            keep,
            keep_histograms,
            keep_bytes,
        })
    }

    proptest! {
        /// What stays fits, unless nothing is left that could go; and no more went for the bytes than had to.
        #[test]
        fn bytes_are_kept_within_their_bound(segments in any_segments(), most in 0u64..9000, journal in 0u64..900) {
            let retention = Retention { keep_bytes: Some(most), ..Retention::default() };
            let gone = choose_expired(&segments, journal, &retention, Timestamp(0));
            let length = |number: &u64| segments.iter().find(|info| info.number == *number).unwrap().length;
            let whole: u64 = journal + segments.iter().map(|info| info.length).sum::<u64>();
            let left = whole - gone.iter().map(length).sum::<u64>();
            prop_assert!(left <= most || gone.len() == segments.len());
            if let Some(last) = gone.last() {
                prop_assert!(left + length(last) > most);
            }
        }

        /// Time only takes away, and details never outlive their roll-ups by age.
        #[test]
        fn what_is_gone_stays_gone(segments in any_segments(), retention in any_retention(), hour in 0u64..400, later in 0u64..99) {
            let at = |hour: u64| Timestamp::from_secs(i64::try_from(hour * HOUR).unwrap());
            let by_age = Retention { keep_bytes: None, ..retention };
            let gone = choose_expired(&segments, 0, &by_age, at(hour));
            let gone_later = choose_expired(&segments, 0, &by_age, at(hour + later));
            prop_assert!(gone.iter().all(|number| gone_later.contains(number)));
            let is_gone = |info: &SegmentInfo| gone.contains(&info.number);
            for rolled in segments.iter().filter(|info| info.kind == SegmentKind::Rolled && is_gone(info)) {
                for detail in segments.iter().filter(|info| info.kind == SegmentKind::Detail) {
                    prop_assert!(detail.newest() > rolled.newest() || is_gone(detail) || retention.keep.is_none());
                }
            }
        }

        #[test]
        fn nothing_goes_where_nothing_was_asked_for(segments in any_segments(), hour in 0i64..9999) {
            let now = Timestamp::from_secs(hour * 3600);
            prop_assert_eq!(choose_expired(&segments, u64::MAX, &Retention::default(), now), [0u64; 0]);
        }
    }
}
