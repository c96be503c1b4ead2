//! Steps of time, few enough for a line of a terminal.

use crate::time::{Timestamp, Window};

/// So many steps at most.
pub const MOST_STEPS: i64 = 60;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Lengths of a step in milliseconds. Each divides the next, so that finer steps add up to coarser ones.
const LENGTHS: [i64; 19] = [
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    10 * DAY,
    100 * DAY,
    1_000 * DAY,
    10_000 * DAY,
    100_000 * DAY,
    1_000_000 * DAY,
];

/// How long a step is; the default is the shortest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StepLength(usize);

impl StepLength {
    /// In milliseconds.
    pub fn millis(self) -> i64 {
        LENGTHS.get(self.0).or(LENGTHS.last()).copied().unwrap_or(DAY)
    }

    /// The number of the step that `time` is in, from 1970.
    pub fn step_of(self, time: Timestamp) -> i64 {
        time.millis().div_euclid(self.millis())
    }

    /// The next longer one; nothing if this is the longest.
    pub fn longer(self) -> Option<StepLength> {
        (self.0 + 1 < LENGTHS.len()).then_some(StepLength(self.0 + 1))
    }

    /// The shortest of which [`MOST_STEPS`] cover the window.
    pub fn covering(window: Window) -> StepLength {
        let mut length = StepLength::default();
        while TimeSteps::with(window, length).count > MOST_STEPS {
            let Some(longer) = length.longer() else { break };
            length = longer;
        }
        length
    }
}

/// Steps that cover a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeSteps {
    /// The number of the first.
    pub first: i64,
    /// How many.
    pub count: i64,
    /// How long each is.
    pub length: StepLength,
}

impl TimeSteps {
    /// Those that cover the window, as short as they can be.
    pub fn covering(window: Window) -> TimeSteps {
        TimeSteps::with(window, StepLength::covering(window))
    }

    fn with(window: Window, length: StepLength) -> TimeSteps {
        if window.until <= window.from {
            return TimeSteps { length, ..TimeSteps::default() };
        }
        let first = length.step_of(window.from);
        let last = length.step_of(Timestamp(window.until.millis().saturating_sub(1)));
        TimeSteps { first, count: last.saturating_sub(first).saturating_add(1), length }
    }

    /// When the first begins.
    pub fn from(&self) -> Timestamp {
        Timestamp(self.first.saturating_mul(self.length.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_divides_the_next() {
        for pair in LENGTHS.windows(2) {
            assert_eq!(pair[1] % pair[0], 0, "{pair:?}");
        }
    }

    #[test]
    fn a_window_has_at_most_sixty_steps_that_cover_it() {
        for (from, until, count, millis) in [
            (0, 1, 1, SECOND),
            (0, 60_000, 60, SECOND),
            (500, 60_500, 13, 5 * SECOND),
            (-1, 1, 2, SECOND),
            (0, DAY, 48, 30 * MINUTE),
            (5, 5, 0, SECOND),
        ] {
            let steps = TimeSteps::covering(Window { from: Timestamp(from), until: Timestamp(until) });
            assert_eq!((steps.count, steps.length.millis()), (count, millis), "{from}..{until}");
        }
        assert!(TimeSteps::covering(Window::ALL).count > 0);
    }
}
