//! Metric queries: how many lines, over time.
//!
//! Where only route and class of status are asked for, and points and ranges are whole slots, the answer comes from the store's
//! cells, which count every request. Else the lines are read and counted. A point at `t` counts what ended from `t - range` on until
//! before `t`, as the graph's slots do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{EmptyObject, OnePoint, PointSeries, QueryResult, seconds_json, success};
use super::labels::{LabelSet, label_set};
use super::logql::{Aggregation, MetricFunction, MetricQuery, Reduction};
use super::selection::Selected;
use super::times::{NANOS, NanoWindow, step, time};
use crate::error::{Error, Result};
use crate::http::asked::Asked;
use crate::http::reader::{LineFound, Reader};
use crate::http::reply::Reply;
use crate::pipeline::WindowLacks;
use crate::route::RouteId;
use crate::time::{Timestamp, Window};

/// As in Loki.
const MOST_POINTS: u64 = 11_000;

/// More series are no answer.
const MOST_SERIES: usize = 5000;

/// So many values of all series are counted at once: 2,000 routes of six classes with 11,000 points each would be gigabytes.
const MOST_VALUES: usize = 2_000_000;

/// So many cells are held at a time.
const CELLS_AT_ONCE: u64 = 20_000;

/// When there are points, in milliseconds: from the first, a step apart, until the last.
#[derive(Debug, Clone, Copy)]
struct PointTimes {
    first: i64,
    step: i64,
    count: i64,
}

impl PointTimes {
    fn at(self, number: i64) -> i64 {
        self.first + number * self.step
    }

    fn last(self) -> i64 {
        self.at(self.count - 1)
    }
}

/// Values by labels, one a point; nothing where nothing was counted.
type CountedSeries = BTreeMap<LabelSet, Vec<u64>>;

/// The answer to `query_range` of a metric query.
pub(super) fn matrix(asked: &Asked, reader: &Reader<'_>, query: &MetricQuery) -> Result<Reply> {
    let window = NanoWindow::of(asked)?;
    let step = i64::try_from(step(asked, window)?.as_millis()).unwrap_or(i64::MAX).max(1);
    let (first, last) = (window.start.div_euclid(NANOS), window.end.div_euclid(NANOS));
    let count = (last - first) / step + 1;
    if count.unsigned_abs() > MOST_POINTS {
        return Err(Error::usage("exceeded maximum resolution of 11,000 points per time series")
            .remedy("ask for a shorter window or a longer step"));
    }
    let times = PointTimes { first, step, count };
    let (series, missing) = counted(reader, query, times)?;
    let mut result = Vec::new();
    for (metric, values) in series {
        let mut points = Vec::new();
        for (number, value) in (0..).zip(values) {
            if let Some(value) = value {
                points.push((seconds_json(times.at(number))?, value));
            }
        }
        if !points.is_empty() {
            result.push(PointSeries { metric, values: points });
        }
    }
    success(QueryResult { result_type: "matrix", result, stats: EmptyObject {} }, missing)
}

/// The answer to `query` of a metric query.
pub(super) fn vector(asked: &Asked, reader: &Reader<'_>, query: &MetricQuery) -> Result<Reply> {
    let at = time(asked, "time", asked.now.0.saturating_mul(NANOS))?.div_euclid(NANOS);
    vector_at(reader, query, at)
}

/// The same at a time, in milliseconds.
pub(super) fn vector_at(reader: &Reader<'_>, query: &MetricQuery, at: i64) -> Result<Reply> {
    let (series, missing) = counted(reader, query, PointTimes { first: at, step: 1, count: 1 })?;
    let mut result = Vec::new();
    for (metric, values) in series {
        if let Some(value) = values.into_iter().flatten().next() {
            result.push(OnePoint { metric, value: (seconds_json(at)?, value) });
        }
    }
    success(QueryResult { result_type: "vector", result, stats: EmptyObject {} }, missing)
}

/// Written values by labels.
type WrittenSeries = BTreeMap<LabelSet, Vec<Option<String>>>;

/// Count, and bring series together.
fn counted(reader: &Reader<'_>, query: &MetricQuery, times: PointTimes) -> Result<(WrittenSeries, Vec<String>)> {
    let selected = Selected::new(&query.selection, reader)?;
    let mut missing = Vec::new();
    if selected.routes.is_empty() {
        return Ok((WrittenSeries::new(), missing));
    }
    let by_cells = matches!(query.function, MetricFunction::CountOverTime | MetricFunction::Rate);
    let from_cells = if by_cells { of_cells(reader, &selected, query.range, times, &mut missing)? } else { None };
    let raw = match from_cells {
        Some(series) => series,
        None => of_lines(reader, &selected, query, times, &mut missing)?,
    };
    let mut series: BTreeMap<LabelSet, Vec<f64>> = BTreeMap::new();
    for (mut labels, counts) in raw {
        selected.leave(&mut labels);
        let values = series.entry(labels).or_insert_with(|| vec![0.0; counts.len()]);
        for (value, count) in values.iter_mut().zip(counts) {
            *value += in_floating(count);
        }
    }
    let per_second = match query.function {
        MetricFunction::CountOverTime | MetricFunction::BytesOverTime => 1.0,
        MetricFunction::Rate | MetricFunction::BytesRate => query.range.as_secs_f64(),
    };
    let series = match &query.aggregation {
        Some(aggregation) => aggregated(series, aggregation),
        None => series.into_iter().map(|(labels, values)| (labels, present(&values))).collect(),
    };
    if series.len() > MOST_SERIES {
        return Err(Error::usage(format!("maximum of series ({MOST_SERIES}) reached for a single query"))
            .remedy("bring them together, for example sum by (level) (..)"));
    }
    let is_count = query.aggregation.as_ref().is_some_and(|aggregation| aggregation.reduction == Reduction::Count);
    let per_second = if is_count { 1.0 } else { per_second };
    let mut out = WrittenSeries::new();
    for (labels, values) in series {
        out.insert(labels, values.into_iter().map(|value| Some((value? / per_second).to_string())).collect());
    }
    Ok((out, missing))
}

fn in_floating(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let value = count as f64;
    value
}

/// Where nothing was counted there is no point.
fn present(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| (*value > 0.0).then_some(*value)).collect()
}

/// Series whose labels are the same once others are left out become one.
fn aggregated(series: BTreeMap<LabelSet, Vec<f64>>, by: &Aggregation) -> BTreeMap<LabelSet, Vec<Option<f64>>> {
    let mut groups: BTreeMap<LabelSet, Vec<Vec<f64>>> = BTreeMap::new();
    for (mut labels, values) in series {
        labels.retain(|label, _| by.labels.contains(label) != by.without);
        let points = groups.entry(labels).or_insert_with(|| vec![Vec::new(); values.len()]);
        for (point, value) in points.iter_mut().zip(values) {
            if value > 0.0 {
                point.push(value);
            }
        }
    }
    let reduce = |values: Vec<f64>| {
        if values.is_empty() {
            return None;
        }
        let (sum, count) = (values.iter().sum::<f64>(), in_floating(values.len() as u64));
        Some(match by.reduction {
            Reduction::Sum => sum,
            Reduction::Min => values.into_iter().fold(f64::INFINITY, f64::min),
            Reduction::Max => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
            Reduction::Average => sum / count,
            Reduction::Count => count,
        })
    };
    groups.into_iter().map(|(labels, points)| (labels, points.into_iter().map(reduce).collect())).collect()
}

/// Counts from the store's cells; nothing if they cannot say it.
fn of_cells(
    reader: &Reader<'_>,
    selected: &Selected<'_>,
    range: Duration,
    times: PointTimes,
    missing: &mut Vec<String>,
) -> Result<Option<CountedSeries>> {
    let view = reader.view()?;
    let interval = i64::try_from(view.settings().interval.as_millis()).unwrap_or(i64::MAX);
    let range = i64::try_from(range.as_millis()).unwrap_or(i64::MAX);
    let step = if times.count == 1 { range } else { times.step };
    let unit = common_divisor(common_divisor(range, step), times.first);
    if unit % interval != 0 || unit == 0 {
        return Ok(None);
    }
    let mut classes: BTreeMap<RouteId, (&str, [bool; 6])> = BTreeMap::new();
    for (route, name) in &selected.routes {
        let mut fits = [false; 6];
        for (class, fits) in (0..).zip(&mut fits) {
            let Some(fit) = selected.fits_class(name, class) else { return Ok(None) };
            *fits = fit;
        }
        classes.insert(*route, (name, fits));
    }
    let whole = Window { from: Timestamp(times.first - range), until: Timestamp(times.last()) };
    let WindowLacks { missing: lacking, .. } = reader.lacks_of_counts(&selected.filter_of(whole))?;
    missing.extend(lacking);
    let routes: Vec<RouteId> = classes.keys().copied().collect();
    let mut series = CountedSeries::new();
    let host = &reader.site().host;
    // Cells hold histograms: they are read a few units at a time.
    let at_once = unit.saturating_mul(i64::try_from(CELLS_AT_ONCE / (routes.len() as u64).max(1)).unwrap_or(1).max(1));
    let mut from = whole.from;
    while from < whole.until {
        if reader.is_late() {
            missing.push("there was no time to count all of it: ask for a shorter window".to_owned());
            break;
        }
        let until = Timestamp(from.0.saturating_add(at_once)).min(whole.until);
        let unit_long = Duration::from_millis(unit.unsigned_abs());
        for (start, route, cell) in view.steps(Window { from, until }, unit_long, Some(&routes))? {
            let Some((name, fits)) = classes.get(&route) else { continue };
            let [first, second, third, fourth, fifth] = cell.status;
            let none = cell.requests.saturating_sub(cell.status.iter().sum());
            let counts = [none, first, second, third, fourth, fifth];
            for ((class, count), fits) in (0u16..).zip(counts).zip(fits) {
                if count > 0 && *fits {
                    let labels = label_set(host, name, class * 100);
                    if !has_room(&series, &labels, times) {
                        return Err(too_many_values());
                    }
                    add_at(&mut series, labels, start.0, count, range, times);
                }
            }
        }
        from = until;
    }
    Ok(Some(series))
}

/// Counts from the lines themselves.
fn of_lines(
    reader: &Reader<'_>,
    selected: &Selected<'_>,
    query: &MetricQuery,
    times: PointTimes,
    missing: &mut Vec<String>,
) -> Result<CountedSeries> {
    let range = i64::try_from(query.range.as_millis()).unwrap_or(i64::MAX);
    let window = Window { from: Timestamp(times.first.saturating_sub(range)), until: Timestamp(times.last()) };
    let of_bytes = matches!(query.function, MetricFunction::BytesOverTime | MetricFunction::BytesRate);
    let series = RefCell::new(CountedSeries::new());
    let is_full = Cell::new(false);
    let host = &reader.site().host;
    // Counted as they are seen; none is kept.
    let count = |line: &LineFound| {
        if selected.fits(line) {
            let worth = if of_bytes { line.line.as_ref().map_or(0, Vec::len) as u64 } else { 1 };
            let labels = label_set(host, &line.route, line.entry.status);
            if is_full.get() || !has_room(&series.borrow(), &labels, times) {
                is_full.set(true);
                return false;
            }
            add_at(&mut series.borrow_mut(), labels, line.entry.end.0, worth, range, times);
        }
        false
    };
    let found = reader.lines(&selected.wanted(window, &count))?;
    if is_full.get() {
        return Err(too_many_values());
    }
    missing.extend(found.lacks.missing);
    Ok(series.into_inner())
}

/// Whether a series of these labels is there, or there is room for one more.
fn has_room(series: &CountedSeries, labels: &LabelSet, times: PointTimes) -> bool {
    let points = usize::try_from(times.count).unwrap_or(usize::MAX);
    series.contains_key(labels) || (series.len() + 1).saturating_mul(points) <= MOST_VALUES
}

fn too_many_values() -> Error {
    Error::usage("that many series of that many points are too much for a single query")
        .remedy("ask for fewer routes, a shorter time or a longer step")
}

/// Add what lies at `at` to every point whose range holds it.
fn add_at(series: &mut CountedSeries, labels: LabelSet, at: i64, count: u64, range: i64, times: PointTimes) {
    // Point n counts from first + n * step - range on until before first + n * step.
    let first = (at - times.first).div_euclid(times.step) + 1;
    let last = (at - times.first + range).div_euclid(times.step);
    let values = series.entry(labels).or_insert_with(|| vec![0; usize::try_from(times.count).unwrap_or_default()]);
    for number in first.max(0)..=last.min(times.count - 1) {
        if let Some(value) = usize::try_from(number).ok().and_then(|number| values.get_mut(number)) {
            *value += count;
        }
    }
}

fn common_divisor(one: i64, other: i64) -> i64 {
    let (mut one, mut other) = (one.abs(), other.abs());
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_at_a_point_is_counted_in_the_next() {
        let times = PointTimes { first: 1000, step: 500, count: 3 };
        let counts = |at: i64, range: i64| {
            let mut series = CountedSeries::new();
            add_at(&mut series, LabelSet::new(), at, 1, range, times);
            series.into_values().next().unwrap()
        };
        assert_eq!(counts(999, 500), [1, 0, 0]);
        assert_eq!(counts(500, 500), [1, 0, 0]);
        assert_eq!(counts(499, 500), [0, 0, 0]);
        assert_eq!(counts(1000, 500), [0, 1, 0]);
        assert_eq!(counts(1000, 1000), [0, 1, 1]);
        assert_eq!(counts(2000, 1000), [0, 0, 0]);
    }

    #[test]
    fn series_times_points_are_bounded() {
        let times = PointTimes { first: 0, step: 1000, count: 11_000 };
        let mut series = CountedSeries::new();
        let mut routes = 0;
        loop {
            let labels = label_set("web1", &format!("r{routes}"), 200);
            if !has_room(&series, &labels, times) {
                break;
            }
            add_at(&mut series, labels, 500, 1, 1000, times);
            routes += 1;
        }
        assert_eq!(routes, MOST_VALUES / 11_000);
        assert!(has_room(&series, &label_set("web1", "r0", 200), times), "what is there has its room");
    }

    #[test]
    fn divisors_are_common() {
        assert_eq!((common_divisor(60_000, 15_000), common_divisor(10, 4), common_divisor(7, 0)), (15_000, 2, 7));
    }
}
