//! The point that was clicked, and the slots around it that stand out.
//!
//! The rule, of a row of slots with one value each (30 before the clicked one and 30 after it):
//!
//! 1. usual is the median of the row;
//! 2. a slot stands out if its value is more than twice that (of a count of requests also if it is less than half of it);
//! 3. the run of slots that stand out is taken which has the clicked one, or begins or ends at most two slots from it, the nearest first; one
//!    slot that does not stand out is no end of a run if the next one stands out again;
//! 4. if there is none, the clicked slot with one before and one after it.

use std::time::Duration;

use crate::carbon::{CellMetric, TimeStatistic, TimeUnit};
use crate::error::Result;
use crate::histogram::{Cell, Time};
use crate::route::RouteId;
use crate::store::View;
use crate::time::{Timestamp, Window};

/// So many slots are looked at before the clicked one, and as many after it.
pub const AROUND_SLOTS: u32 = 30;

/// So far from the clicked slot a run may begin or end.
const NEAR: usize = 2;

/// The window around a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AroundWindow {
    /// The slots that stand out, or the clicked one with its neighbours.
    pub window: Window,
    /// Whether any stands out.
    pub stands_out: bool,
}

/// The row of slots that is looked at for a clicked one.
pub fn row_around(clicked: Window) -> Window {
    let step = length_of(clicked);
    let reach = step.saturating_mul(AROUND_SLOTS);
    Window { from: clicked.from.minus(reach), until: clicked.until.plus(reach) }
}

/// How long a window is.
pub fn length_of(window: Window) -> Duration {
    Duration::from_millis(u64::try_from(window.until.millis().saturating_sub(window.from.millis())).unwrap_or(0).max(1))
}

/// The window around `clicked`, by the values of [`row_around`] in its order; what has none is not judged. `falls` says that also a
/// low value stands out.
pub fn around(clicked: Window, values: &[Option<f64>], falls: bool) -> AroundWindow {
    let step = length_of(clicked);
    let row = row_around(clicked);
    let slot = |at: usize| row.from.plus(step.saturating_mul(u32::try_from(at).unwrap_or(u32::MAX)));
    let neighbours = AroundWindow {
        window: Window { from: clicked.from.minus(step), until: clicked.until.plus(step) },
        stands_out: false,
    };
    let middle = usize::try_from(AROUND_SLOTS).unwrap_or(0);
    let Some(usual) = median(values) else { return neighbours };
    let out: Vec<bool> = values
        .iter()
        .map(|value| value.is_some_and(|value| value > 2.0 * usual || (falls && 2.0 * value < usual)))
        .collect();
    let is_out = |at: usize| out.get(at).copied().unwrap_or(false);
    let nearest =
        (0..=NEAR).flat_map(|away| [middle.checked_sub(away), Some(middle + away)]).flatten().find(|at| is_out(*at));
    let Some(found) = nearest else { return neighbours };
    let (mut first, mut last) = (found, found);
    while let Some(before) = [1, 2].iter().filter_map(|back| first.checked_sub(*back)).find(|at| is_out(*at)) {
        first = before;
    }
    while let Some(next) = [1, 2].iter().map(|ahead| last + ahead).find(|at| is_out(*at)) {
        last = next;
    }
    AroundWindow { window: Window { from: slot(first), until: slot(last + 1) }, stands_out: true }
}

fn median(values: &[Option<f64>]) -> Option<f64> {
    let mut known: Vec<f64> = values.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    known.get(known.len() / 2).copied()
}

/// [`around`] by what the store counted of these routes together; p99 of request_time where no metric is asked for. A slot in which nothing was
/// counted has the count 0, and no time.
///
/// # Errors
/// If the store cannot be read.
pub fn around_in_store(
    view: &View,
    clicked: Window,
    routes: Option<&[RouteId]>,
    metric: Option<CellMetric>,
) -> Result<AroundWindow> {
    let metric = metric.unwrap_or(CellMetric::OfTime(Time::Request, TimeStatistic::Percentile(990)));
    let mut cells: Vec<Cell> = Vec::new();
    cells.resize_with(usize::try_from(2 * AROUND_SLOTS + 1).unwrap_or(0), Cell::default);
    for (slot, _, cell) in view.steps(row_around(clicked), length_of(clicked), routes)? {
        if let Some(held) = place_in_row(clicked, slot).and_then(|place| cells.get_mut(place)) {
            held.merge(&cell);
        }
    }
    let values: Vec<Option<f64>> = cells.iter().map(|cell| metric.value(cell, TimeUnit::Milliseconds)).collect();
    Ok(around(clicked, &values, metric == CellMetric::Requests))
}

/// The place of a time in the row.
fn place_in_row(clicked: Window, slot: Timestamp) -> Option<usize> {
    let row = row_around(clicked);
    let step = i64::try_from(length_of(clicked).as_millis()).ok()?;
    usize::try_from(slot.millis().checked_sub(row.from.millis())?.checked_div(step)?)
        .ok()
        .filter(|_| row.contains(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLICKED: Window = Window { from: Timestamp(600_000), until: Timestamp(610_000) };

    /// A row of ones with other values at places counted from the clicked slot.
    fn window(other: &[(i64, f64)], falls: bool) -> Option<(i64, i64)> {
        let mut values = vec![Some(1.0); 61];
        for (at, value) in other {
            values[usize::try_from(30 + at).unwrap()] = Some(*value);
        }
        let found = around(CLICKED, &values, falls);
        let slots = |time: Timestamp| (time.0 - 600_000) / 10_000;
        found.stands_out.then_some((slots(found.window.from), slots(found.window.until)))
    }

    #[test]
    fn the_run_that_stands_out_is_taken() {
        assert_eq!(window(&[(0, 3.0)], false), Some((0, 1)));
        assert_eq!(window(&[(-2, 5.0), (-1, 5.0), (0, 9.0), (1, 2.1)], false), Some((-2, 2)));
        assert_eq!(window(&[(-2, 5.0), (0, 9.0)], false), Some((-2, 1)), "one usual slot is no end");
        assert_eq!(window(&[(-3, 5.0), (0, 9.0)], false), Some((0, 1)), "two are");
        assert_eq!(window(&[(2, 5.0), (3, 5.0)], false), Some((2, 4)), "beside the click");
        assert_eq!(window(&[(3, 5.0)], false), None);
        assert_eq!(window(&[(0, 2.0)], false), None, "twice is not more than twice");
        assert_eq!(window(&[(0, 0.4)], false), None);
        assert_eq!(window(&[(0, 0.4)], true), Some((0, 1)));
    }

    #[test]
    fn without_a_run_the_neighbours_are_taken() {
        let found = around(CLICKED, &[Some(1.0); 61], false);
        assert_eq!(found.window, Window { from: Timestamp(590_000), until: Timestamp(620_000) });
        assert!(!around(CLICKED, &[None; 61], false).stands_out);
        assert_eq!(place_in_row(CLICKED, Timestamp(600_000)), Some(30));
        assert_eq!(place_in_row(CLICKED, Timestamp(0)), None);
    }
}
