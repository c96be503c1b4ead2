//! The lengths of slots that cells are kept in: the store's own interval, and roll-ups made of the same counts.

use crate::time::{Timestamp, Window};
use std::time::Duration;

/// How long the slots of a cell are.
///
/// The order is from fine to coarse; comparing two of them compares the lengths of their slots, but for
/// [`Resolution::Fine`], whose slots may be longer than others of a store with a long interval (such resolutions are
/// then not kept).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resolution {
    /// The store's interval.
    Fine,
    Minute,
    TenMinutes,
    Hour,
}

/// All resolutions, finest first, in the order of their index.
pub(crate) const RESOLUTIONS: [Resolution; 4] =
    [Resolution::Fine, Resolution::Minute, Resolution::TenMinutes, Resolution::Hour];

impl Resolution {
    /// Milliseconds of a slot.
    pub(crate) fn slot_millis(self, interval: Duration) -> i64 {
        match self {
            Resolution::Fine => i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1),
            Resolution::Minute => 60_000,
            Resolution::TenMinutes => 600_000,
            Resolution::Hour => 3_600_000,
        }
    }

    /// Whether it is one of those that outlive the details: ten minutes and hours.
    pub(crate) fn is_coarse(self) -> bool {
        self >= Resolution::TenMinutes
    }

    /// Whether a store of this interval has cells of this resolution: they are made of whole, shorter slots.
    pub(crate) fn is_kept(self, interval: Duration) -> bool {
        let (own, fine) = (self.slot_millis(interval), Resolution::Fine.slot_millis(interval));
        self == Resolution::Fine || (own > fine && own.checked_rem(fine) == Some(0))
    }
}

/// The start of the slot of `millis` that `time` lies in.
pub(crate) fn floor_to(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp(time.0.saturating_sub(time.0.rem_euclid(millis.max(1))))
}

/// The first start of a slot of `millis` at or after `time`.
fn ceil_to(time: Timestamp, millis: i64) -> Timestamp {
    match time.0.rem_euclid(millis.max(1)) {
        0 => time,
        over => Timestamp(time.0.saturating_add(millis - over)),
    }
}

/// Cut `window` into stretches, each to be answered from the coarsest resolution that it is made of whole slots of; with a
/// `step`, no slot is in two steps (counted from the epoch). Ascending; together they hold every slot that starts in the window.
pub(crate) fn tiles(window: Window, step: Option<Duration>, interval: Duration) -> Vec<(Resolution, Window)> {
    let step = step.map(|step| i64::try_from(step.as_millis()).unwrap_or(i64::MAX));
    let fits = |resolution: Resolution| {
        let whole = step.is_none_or(|step| step.checked_rem(resolution.slot_millis(interval)) == Some(0));
        resolution.is_kept(interval) && (whole || resolution == Resolution::Fine)
    };
    let mut resolutions: Vec<(Resolution, i64)> = RESOLUTIONS
        .into_iter()
        .filter(|resolution| fits(*resolution))
        .map(|resolution| (resolution, resolution.slot_millis(interval)))
        .collect();
    resolutions.reverse();
    let mut runs = Vec::new();
    cut_tiles(window, &resolutions, &mut runs);
    runs
}

/// As much of `window` as is whole slots of the first of `resolutions` (coarsest first); what is left at both ends, of
/// the finer ones.
fn cut_tiles(window: Window, resolutions: &[(Resolution, i64)], runs: &mut Vec<(Resolution, Window)>) {
    let Some(((resolution, millis), finer)) = resolutions.split_first() else { return };
    if window.from >= window.until {
        return;
    }
    if finer.is_empty() {
        return runs.push((*resolution, window));
    }
    let inner = Window { from: ceil_to(window.from, *millis), until: floor_to(window.until, *millis) };
    if inner.from >= inner.until {
        return cut_tiles(window, finer, runs);
    }
    cut_tiles(Window { until: inner.from, ..window }, finer, runs);
    runs.push((*resolution, inner));
    cut_tiles(Window { from: inner.until, ..window }, finer, runs);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_a_window_once(from in -9_000i64..9_000, length in 0i64..9_000, seconds in prop_oneof![Just(10u64), Just(7), Just(60), Just(900), Just(7200)], step in prop_oneof![Just(None), Just(Some(60u64)), Just(Some(3600)), Just(Some(30))]) {
            let window = Window { from: Timestamp(from * 1000), until: Timestamp((from + length) * 1000) };
            let interval = Duration::from_secs(seconds);
            let runs = tiles(window, step.map(Duration::from_secs), interval);
            let mut at = window.from;
            for (resolution, run) in &runs {
                prop_assert_eq!(run.from, at);
                prop_assert!(run.from < run.until && resolution.is_kept(interval));
                if *resolution != Resolution::Fine {
                    prop_assert_eq!((run.from.0.rem_euclid(resolution.slot_millis(interval)), run.until.0.rem_euclid(resolution.slot_millis(interval))), (0, 0));
                    prop_assert!(step.is_none_or(|step| (step * 1000).is_multiple_of(resolution.slot_millis(interval).unsigned_abs())));
                }
                at = run.until;
            }
            prop_assert_eq!(at, if length == 0 { window.from } else { window.until });
        }
    }

    #[test]
    fn all_of_time_is_mostly_hours() {
        let runs = tiles(Window::ALL, None, Duration::from_secs(10));
        assert!(runs.iter().any(|(resolution, run)| *resolution == Resolution::Hour && run.contains(Timestamp(0))));
    }
}
