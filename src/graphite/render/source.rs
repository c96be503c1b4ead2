//! Series out of the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::series::{GraphSeries, SeriesOrigin};
use crate::carbon::{CellMetric, Naming, TimeStatistic};
use crate::error::{Error, Result};
use crate::graphite::catalog::{KnownSeries, SeriesCatalog};
use crate::histogram::{Cell, TIMES, Time};
use crate::route::RouteId;
use crate::store::View;
use crate::time::{Timestamp, Window};

/// A series has so many points at most; of a longer window they are longer.
const POINTS_MAX: i64 = 20_000;

/// All that is fetched for one answer has so many values.
const VALUES_MAX: i64 = 3_000_000;

/// What outlives the details of a store.
const COARSE_SECS: i64 = 600;

/// A route without requests counts as 0 for this long after its last one, as the daemon sends it.
const QUIET_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The store, as series.
pub struct StoredSeries<'a> {
    view: &'a View,
    /// The series that there are.
    pub catalog: SeriesCatalog<'a>,
    ids: HashMap<&'a str, RouteId>,
    /// Until when the logs were read, as far as zeros are sent: of logs of the past that is to the last of all requests.
    read_until: Timestamp,
    /// How many values were fetched: a target may name a series again and again.
    spent: AtomicI64,
}

/// What of the store is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchSpan {
    /// Points later than this ..
    pub from: i64,
    /// .. up to this one, in seconds since the epoch.
    pub until: i64,
}

impl<'a> StoredSeries<'a> {
    /// Of a view, where series are called so. Times that no log of the store has give no series.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(view: &'a View, namings: &'a [Naming]) -> Result<StoredSeries<'a>> {
        let mut routes = view.routes();
        routes.extend(view.members());
        let catalog =
            SeriesCatalog::new(namings, routes.iter().map(|(_, name)| *name)).without_times(&absent_times(view)?);
        let spans = routes.iter().filter_map(|(id, _)| view.route_span(*id));
        let last = spans.map(|(_, last)| last.plus(view.settings().interval)).max();
        let read_until = view.read_until().or(last).unwrap_or(Timestamp(0));
        let ids = routes.into_iter().map(|(id, name)| (name, id)).collect();
        Ok(StoredSeries { view, catalog, ids, read_until, spent: AtomicI64::new(0) })
    }

    /// The view.
    pub fn view(&self) -> &'a View {
        self.view
    }

    /// The length of points in a span: the store's interval, longer where the details are gone or there would be too many.
    pub fn step(&self, span: FetchSpan) -> i64 {
        let interval = seconds(self.view.settings().interval);
        let window = Window { from: Timestamp::from_secs(span.from), until: Timestamp::from_secs(span.until) };
        let mut step = interval;
        if self.view.expired_before(window).is_some() {
            step = coarser(step, COARSE_SECS);
        }
        for longer in [60, COARSE_SECS, 3600, 6 * 3600, 86_400] {
            if (span.until - span.from) / step > POINTS_MAX {
                step = coarser(step, longer);
            }
        }
        step
    }

    /// These series, by name, with a value for each step of the span, as Graphite cuts it: points later than its beginning, up to its
    /// end.
    ///
    /// # Errors
    /// If that is too much, or the store cannot be read.
    pub fn fetch(&self, found: &[KnownSeries<'a>], span: FetchSpan) -> Result<Vec<GraphSeries>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let step = self.step(span);
        let start = span.from - span.from.rem_euclid(step) + step;
        let end = (span.until - span.until.rem_euclid(step) + step).max(start + step);
        let points = (end - start) / step;
        self.spend(found.len(), points)?;
        let mut made = Vec::new();
        let mut places: HashMap<RouteId, Vec<usize>> = HashMap::new();
        for series in found {
            let Some(id) = self.ids.get(series.route) else { continue };
            places.entry(*id).or_default().push(made.len());
            made.push(self.empty(series, *id, start, end, step));
        }
        let ids: Vec<RouteId> = places.keys().copied().collect();
        let window = Window { from: Timestamp::from_secs(start), until: Timestamp::from_secs(end) };
        let steps = Duration::from_secs(u64::try_from(step).unwrap_or(1));
        for (slot, route, cell) in self.view.steps(window, steps, Some(&ids))? {
            let at = usize::try_from((slot.secs() - start) / step).unwrap_or(usize::MAX);
            for place in places.get(&route).into_iter().flatten() {
                if let Some(series) = made.get_mut(*place) {
                    put_value(series, at, &cell);
                }
            }
        }
        made.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(made)
    }

    /// So many series of so many points are made for this answer, beside those before.
    ///
    /// # Errors
    /// All together are too many.
    pub fn spend(&self, series: usize, points: i64) -> Result<()> {
        let values = points.saturating_mul(i64::try_from(series).unwrap_or(i64::MAX));
        if self.spent.fetch_add(values.clamp(0, VALUES_MAX), Ordering::Relaxed).saturating_add(values) > VALUES_MAX {
            return Err(Error::usage(format!("{series} series of {points} points each are too many for one answer"))
                .remedy("ask for fewer series or a shorter time"));
        }
        Ok(())
    }

    /// The cells of these routes together, by step.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn merged(&self, routes: &[RouteId], start: i64, end: i64, step: i64) -> Result<BTreeMap<i64, Cell>> {
        let mut merged: BTreeMap<i64, Cell> = BTreeMap::new();
        let window = Window { from: Timestamp::from_secs(start), until: Timestamp::from_secs(end) };
        let steps = Duration::from_secs(u64::try_from(step).unwrap_or(1).max(1));
        for (slot, _, cell) in self.view.steps(window, steps, Some(routes))? {
            merged.entry(slot.secs()).or_default().merge(&cell);
        }
        Ok(merged)
    }

    /// The cells of these routes and of all this time together.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn total(&self, routes: &[RouteId], start: i64, end: i64) -> Result<Cell> {
        let window = Window { from: Timestamp::from_secs(start), until: Timestamp::from_secs(end) };
        let mut total = Cell::default();
        for (_, cell) in self.view.totals(window, Some(routes))? {
            total.merge(&cell);
        }
        Ok(total)
    }

    /// A series without values, but for the zeros of a route that is quiet.
    fn empty(&self, series: &KnownSeries<'a>, id: RouteId, start: i64, end: i64, step: i64) -> GraphSeries {
        let path = series.path();
        let mut values = vec![None; usize::try_from((end - start) / step).unwrap_or(0)];
        if series.metric == CellMetric::Requests
            && let Some((first, last)) = self.view.route_span(id)
        {
            let read = last.plus(QUIET_FOR).min(self.read_until);
            for (slot, value) in (start..).step_by(usize::try_from(step).unwrap_or(1).max(1)).zip(&mut values) {
                let slot_end = Timestamp::from_secs(slot + step);
                if first < slot_end && slot_end <= read.max(last) {
                    *value = Some(0.0);
                }
            }
        }
        let mut tags = BTreeMap::new();
        tags.insert("name".to_owned(), path.split(';').next().unwrap_or_default().to_owned());
        if series.naming.tagged {
            tags.insert("host".to_owned(), series.naming.host.clone());
            tags.insert("route".to_owned(), series.route.to_owned());
        }
        let origin = SeriesOrigin { routes: vec![id], metric: series.metric, unit: series.naming.choice.unit };
        let gathering = "average".to_owned();
        GraphSeries { name: path.clone(), path, start, end, step, values, gathering, tags, origin: Some(origin) }
    }
}

fn put_value(series: &mut GraphSeries, at: usize, cell: &Cell) {
    let Some(origin) = &series.origin else { return };
    let value = origin.metric.value(cell, origin.unit);
    if let (Some(place), Some(_)) = (series.values.get_mut(at), value) {
        *place = value;
    }
}

/// Whether merging histograms says more than an average of its values.
pub fn is_exact_when_merged(metric: CellMetric) -> bool {
    matches!(metric, CellMetric::OfTime(_, TimeStatistic::Percentile(_) | TimeStatistic::Mean | TimeStatistic::Max))
}

fn seconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(1)
}

/// The first multiple of a step that is as long at least.
fn coarser(step: i64, least: i64) -> i64 {
    if step >= least { step } else { step * (least + step - 1).div_euclid(step) }
}

/// The times that no request of the last day had, and so no log has.
fn absent_times(view: &View) -> Result<Vec<Time>> {
    let last = view.routes().into_iter().filter_map(|(id, _)| view.route_span(id)).map(|(_, last)| last).max();
    let Some(last) = last else { return Ok(Vec::new()) };
    let window = Window { from: last.minus(QUIET_FOR), until: last.plus(view.settings().interval) };
    let mut there = HashSet::new();
    for (_, cell) in view.totals(window, None)? {
        there.extend(TIMES.into_iter().filter(|time| !cell.time(*time).is_empty()));
    }
    Ok(TIMES.into_iter().filter(|time| !there.contains(time)).collect())
}
