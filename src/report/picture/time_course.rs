//! Requests by the time they ended, in steps that widen as more time is seen: what a heatmap of files is made of, whose window is known
//! only when they are read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::histogram::Cell;
use crate::time::Timestamp;

/// The steps, in seconds; each is a multiple of the one before, so that what was counted by one adds up to the next.
const STEPS: [u64; 14] =
    [1, 10, 60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800, 6_048_000, 60_480_000];

/// So many steps are held before they widen: what is shown has a quarter of it at most.
const MOST: usize = 1_200;

/// Cells by the start of their step.
#[derive(Debug, Clone, Default)]
pub struct TimeCourse {
    /// Which of [`STEPS`].
    step: usize,
    cells: BTreeMap<Timestamp, Cell>,
}

impl TimeCourse {
    /// How long a step is.
    pub fn step(&self) -> Duration {
        Duration::from_secs(STEPS.get(self.step).copied().unwrap_or(1))
    }

    /// The cell of a time, to count into.
    pub fn cell_mut(&mut self, time: Timestamp) -> &mut Cell {
        let mut start = time.slot(self.step());
        while self.cells.len() >= MOST && !self.cells.contains_key(&start) && self.widen() {
            start = time.slot(self.step());
        }
        self.cells.entry(start).or_default()
    }

    /// Add what another one counted.
    pub fn merge(&mut self, mut other: TimeCourse) {
        while self.step < other.step && self.widen() {}
        while other.step < self.step && other.widen() {}
        for (start, cell) in other.cells {
            self.cell_mut(start).merge(&cell);
        }
    }

    /// The cells in the order of time.
    pub fn cells(&self) -> impl Iterator<Item = (Timestamp, &Cell)> {
        self.cells.iter().map(|(start, cell)| (*start, cell))
    }

    /// Takes the next longer step; false if there is none.
    fn widen(&mut self) -> bool {
        if self.step + 1 >= STEPS.len() {
            return false;
        }
        self.step += 1;
        let step = self.step();
        for (start, cell) in std::mem::take(&mut self.cells) {
            self.cells.entry(start.slot(step)).or_default().merge(&cell);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(times: &[i64]) -> TimeCourse {
        let mut course = TimeCourse::default();
        for time in times {
            course.cell_mut(Timestamp(*time)).requests += 1;
        }
        course
    }

    fn shown(course: &TimeCourse) -> Vec<(i64, u64)> {
        course.cells().map(|(start, cell)| (start.0, cell.requests)).collect()
    }

    #[test]
    fn steps_divide_each_other() {
        assert!(STEPS.windows(2).all(|pair| pair[1].is_multiple_of(pair[0])));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// In whichever order and by however many threads lines are read, the picture is the same.
        #[test]
        fn order_and_threads_change_nothing(times in proptest::collection::vec(0i64..9_000_000, 0..3_000), cut in 0usize..3_000) {
            let whole = counted(&times);
            let (one, other) = times.split_at(cut.min(times.len()));
            let mut merged = counted(other);
            merged.merge(counted(one));
            // A part may have had to widen only with the other.
            prop_assert_eq!(shown(&merged), shown(&whole));
            prop_assert_eq!(shown(&whole).iter().map(|(_, requests)| requests).sum::<u64>(), times.len() as u64);
            prop_assert!(whole.cells().count() <= MOST);
        }
    }
}
