//! The lengths of slots that cells are kept in: the store's own interval, and roll-ups made of the same counts.

use crate::time::{Timestamp, Window};
use std::time::Duration;

/// How long the slots of a cell are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The store's interval.
    Fine,
    Minute,
    TenMinutes,
    Hour,
}

/// All levels, finest first, in the order of their index.
pub(crate) const LEVELS: [Level; 4] = [Level::Fine, Level::Minute, Level::TenMinutes, Level::Hour];

impl Level {
    /// Milliseconds of a slot.
    pub(crate) fn millis(self, interval: Duration) -> i64 {
        match self {
            Level::Fine => i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1),
            Level::Minute => 60_000,
            Level::TenMinutes => 600_000,
            Level::Hour => 3_600_000,
        }
    }

    /// Whether a store of this interval has cells of this level: they are made of whole, shorter slots.
    pub(crate) fn is_kept(self, interval: Duration) -> bool {
        let (own, fine) = (self.millis(interval), Level::Fine.millis(interval));
        self == Level::Fine || (own > fine && own.checked_rem(fine) == Some(0))
    }
}

/// The start of the slot of `millis` that `time` lies in.
pub(crate) fn floor(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp(time.0.saturating_sub(time.0.rem_euclid(millis.max(1))))
}

fn ceil(time: Timestamp, millis: i64) -> Timestamp {
    match time.0.rem_euclid(millis.max(1)) {
        0 => time,
        over => Timestamp(time.0.saturating_add(millis - over)),
    }
}

/// Cut `window` into stretches, each to be answered from the coarsest level that it is made of whole slots of; with a
/// `step`, no slot is in two steps (counted from the epoch). Ascending; together they hold every slot that starts in the window.
pub(crate) fn tiles(window: Window, step: Option<Duration>, interval: Duration) -> Vec<(Level, Window)> {
    let step = step.map(|step| i64::try_from(step.as_millis()).unwrap_or(i64::MAX));
    let fits = |level: Level| {
        let whole = step.is_none_or(|step| step.checked_rem(level.millis(interval)) == Some(0));
        level.is_kept(interval) && (whole || level == Level::Fine)
    };
    let mut levels: Vec<(Level, i64)> =
        LEVELS.into_iter().filter(|level| fits(*level)).map(|level| (level, level.millis(interval))).collect();
    levels.reverse();
    let mut runs = Vec::new();
    cut(window, &levels, &mut runs);
    runs
}

fn cut(window: Window, levels: &[(Level, i64)], runs: &mut Vec<(Level, Window)>) {
    let Some(((level, millis), finer)) = levels.split_first() else { return };
    if window.from >= window.until {
        return;
    }
    if finer.is_empty() {
        return runs.push((*level, window));
    }
    let inner = Window { from: ceil(window.from, *millis), until: floor(window.until, *millis) };
    if inner.from >= inner.until {
        return cut(window, finer, runs);
    }
    cut(Window { until: inner.from, ..window }, finer, runs);
    runs.push((*level, inner));
    cut(Window { from: inner.until, ..window }, finer, runs);
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
            for (level, run) in &runs {
                prop_assert_eq!(run.from, at);
                prop_assert!(run.from < run.until && level.is_kept(interval));
                if *level != Level::Fine {
                    prop_assert_eq!((run.from.0.rem_euclid(level.millis(interval)), run.until.0.rem_euclid(level.millis(interval))), (0, 0));
                    prop_assert!(step.is_none_or(|step| (step * 1000).is_multiple_of(level.millis(interval).unsigned_abs())));
                }
                at = run.until;
            }
            prop_assert_eq!(at, if length == 0 { window.from } else { window.until });
        }
    }

    #[test]
    fn all_of_time_is_mostly_hours() {
        let runs = tiles(Window::ALL, None, Duration::from_secs(10));
        assert!(runs.iter().any(|(level, run)| *level == Level::Hour && run.contains(Timestamp(0))));
    }
}
