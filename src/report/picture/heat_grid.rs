//! Requests by column of time and row of latency.

use std::collections::BTreeMap;
use std::time::Duration;

use super::latency_scale::LatencyScale;
use crate::histogram::{Cell, Latency, Quantile, Time};
use crate::time::{Timestamp, Window};

/// Requests that ended in one step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatColumn {
    /// When the step begins, not before the window does.
    pub from: Timestamp,
    /// When it ends, not after the window does.
    pub until: Timestamp,
    /// All requests.
    pub requests: u64,
    /// Those that were slow by the threshold of their route.
    pub slow: u64,
    /// Those whose time is not known: they are in no row.
    pub untimed: u64,
    /// How many there are in each row of the scale.
    pub counts: Vec<u64>,
    /// The median in milliseconds, and so on; nothing without a time.
    pub p50_ms: Option<u64>,
    /// The 95th percentile.
    pub p95_ms: Option<u64>,
    /// The 99th percentile.
    pub p99_ms: Option<u64>,
    /// The longest.
    pub max_ms: Option<u64>,
}

/// What a heatmap shows. The counts of all rows of all columns and the requests without a time are all requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatGrid {
    /// The window.
    pub window: Window,
    /// The rows.
    pub scale: LatencyScale,
    /// The columns that have requests, in order.
    pub columns: Vec<HeatColumn>,
    /// Some times are those of `$upstream_response_time`, where the log has no other.
    pub by_upstream: bool,
}

/// The requests of a step, before the scale is known.
#[derive(Default)]
struct StepSum {
    requests: u64,
    slow: u64,
    latency: Latency,
}

impl HeatGrid {
    /// Cells by the start of their step, any number for each (of several routes); a step is `step` long.
    pub fn new(window: Window, step: Duration, cells: impl IntoIterator<Item = (Timestamp, Cell)>) -> HeatGrid {
        let mut sums: BTreeMap<Timestamp, StepSum> = BTreeMap::new();
        let mut by_upstream = false;
        for (start, cell) in cells {
            let sum = sums.entry(start).or_default();
            sum.requests += cell.requests;
            sum.slow += cell.slow;
            let stands_in = cell.time(Time::Request).is_empty() && !cell.time(Time::UpstreamResponse).is_empty();
            by_upstream |= stands_in;
            sum.latency.merge(cell.time(if stands_in { Time::UpstreamResponse } else { Time::Request }));
        }
        let scale = scale_of(&sums);
        let mut columns = Vec::with_capacity(sums.len());
        for (start, sum) in sums {
            columns.push(HeatColumn::new(window, start, start.plus(step), &sum, &scale));
        }
        HeatGrid { window, scale, columns, by_upstream }
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.columns.iter().map(|column| column.requests).sum()
    }

    /// Requests of which it is not known how long they took.
    pub fn untimed(&self) -> u64 {
        self.columns.iter().map(|column| column.untimed).sum()
    }

    /// The most requests in one column and row.
    pub fn most(&self) -> u64 {
        self.columns.iter().flat_map(|column| &column.counts).max().copied().unwrap_or(0)
    }

    /// The longest time.
    pub fn max_ms(&self) -> Option<u64> {
        self.columns.iter().filter_map(|column| column.max_ms).max()
    }

    /// Requests of one row.
    pub(super) fn in_row(&self, row: usize) -> u64 {
        self.columns.iter().filter_map(|column| column.counts.get(row)).sum()
    }
}

impl HeatColumn {
    fn new(window: Window, start: Timestamp, end: Timestamp, sum: &StepSum, scale: &LatencyScale) -> HeatColumn {
        let mut counts = vec![0; scale.rows()];
        for (millis, count) in sum.latency.buckets() {
            if let Some(held) = counts.get_mut(scale.row_of(millis)) {
                *held += count;
            }
        }
        let wanted = [Quantile::per_mille(500), Quantile::per_mille(950), Quantile::per_mille(990)];
        let [p50_ms, p95_ms, p99_ms] = sum.latency.quantiles(wanted).map_or([None; 3], |found| found.map(Some));
        HeatColumn {
            from: start.max(window.from),
            until: end.min(window.until),
            requests: sum.requests,
            slow: sum.slow,
            untimed: sum.requests.saturating_sub(sum.latency.count()),
            counts,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms: (!sum.latency.is_empty()).then(|| sum.latency.max_ms()),
        }
    }
}

/// Rows for all times that there are; requests of no time at all need no row of the scale.
fn scale_of(sums: &BTreeMap<Timestamp, StepSum>) -> LatencyScale {
    let (mut least, mut most) = (u64::MAX, 0);
    for sum in sums.values().filter(|sum| !sum.latency.is_empty()) {
        let shortest = sum.latency.buckets().iter().map(|(millis, _)| *millis).find(|millis| *millis > 0);
        least = least.min(shortest.unwrap_or(u64::MAX));
        most = most.max(sum.latency.max_ms());
    }
    LatencyScale::covering(if least == u64::MAX { 1 } else { least }, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(millis: Option<u64>) -> Cell {
        let mut cell = Cell::default();
        cell.requests = 1;
        if let Some(millis) = millis {
            cell.time_mut(Time::Request).record(millis);
        }
        cell
    }

    proptest! {
        /// Nothing is left out of a picture, and nothing is in it twice.
        #[test]
        fn cells_add_up_to_the_requests(
            requests in proptest::collection::vec((0i64..60, proptest::option::of(prop_oneof![0u64..3_000, 0u64..4_000_000_000])), 0..400),
        ) {
            let window = Window { from: Timestamp(0), until: Timestamp(600_000) };
            let step = Duration::from_secs(10);
            let cells = requests.iter().map(|(slot, millis)| (Timestamp(slot * 10_000), request(*millis)));
            let grid = HeatGrid::new(window, step, cells);
            let counted: u64 = grid.columns.iter().flat_map(|column| &column.counts).sum();
            prop_assert_eq!(counted + grid.untimed(), requests.len() as u64);
            prop_assert_eq!(grid.requests(), requests.len() as u64);
            for row in 0..grid.scale.rows() {
                let (from, until) = grid.scale.range_of(row);
                let inside = |millis: &u64| *millis >= from && until.is_none_or(|until| *millis < until);
                let expected = requests.iter().filter(|(_, millis)| millis.as_ref().is_some_and(inside)).count() as u64;
                prop_assert_eq!(grid.in_row(row), expected, "row {} of {:?}", row, (from, until));
            }
        }
    }

    #[test]
    fn a_time_stands_for_another_where_there_is_no_other() {
        let mut cell = Cell::default();
        cell.requests = 2;
        cell.time_mut(Time::UpstreamResponse).record(70);
        let window = Window { from: Timestamp(3_000), until: Timestamp(8_000) };
        let grid =
            HeatGrid::new(window, Duration::from_secs(10), [(Timestamp(0), cell), (Timestamp(0), request(Some(5)))]);
        let [column] = grid.columns.as_slice() else { panic!() };
        assert_eq!((grid.by_upstream, column.requests, column.untimed, column.max_ms), (true, 3, 1, Some(70)));
        assert_eq!((column.from, column.until), (window.from, window.until));
    }
}
