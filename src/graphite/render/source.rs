//! Series out of the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::series::{GraphSeries, SeriesOrigin};
use super::stored_values::{NeededValues, ReadSpan, StepValues, ValueReads};
use crate::carbon::{CellMetric, Naming, TimeStatistic};
use crate::error::{Error, Result};
use crate::graphite::catalog::{KnownSeries, SeriesCatalog};
use crate::histogram::{TIMES, Time};
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
    reads: ValueReads,
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
        Ok(StoredSeries { view, catalog, ids, read_until, spent: AtomicI64::new(0), reads: ValueReads::default() })
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

    /// Read in one go what work needs of the store: it is done without values at first, and then again by the caller.
    ///
    /// # Errors
    /// If the store cannot be read, or the time is up.
    pub fn read_ahead<T>(&self, work: impl FnOnce() -> Result<T>, is_late: &dyn Fn() -> bool) -> Result<()> {
        let spent = self.spent.load(Ordering::Relaxed);
        let heard = self.reads.hear(self.view, work, is_late);
        self.spent.store(spent, Ordering::Relaxed);
        heard
    }

    /// These series, by name, with a value for each step of the span, as Graphite cuts it: points later than its beginning, up to its
    /// end.
    ///
    /// # Errors
    /// If that is too much, the time is up, or the store cannot be read.
    pub fn fetch(
        &self,
        found: &[KnownSeries<'a>],
        span: FetchSpan,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Vec<GraphSeries>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let step = self.step(span);
        let start = span.from - span.from.rem_euclid(step) + step;
        let end = (span.until - span.until.rem_euclid(step) + step).max(start + step);
        self.spend(found.len(), (end - start) / step)?;
        let span = ReadSpan { start, end, step: Some(step) };
        let (mut made, mut needed) = (Vec::new(), Vec::new());
        for series in found {
            let Some(id) = self.ids.get(series.route) else { continue };
            let origin = SeriesOrigin { routes: vec![*id], metric: series.metric, unit: series.naming.choice.unit };
            made.push(self.empty(series, &origin, start, end, step));
            needed.push(NeededValues { origin, span });
        }
        for (series, values) in made.iter_mut().zip(self.values(&needed, is_late)?) {
            for (place, value) in series.values.iter_mut().zip(values) {
                *place = value.or(*place);
            }
        }
        made.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(made)
    }

    /// Values of the store, in the order in which they are needed.
    ///
    /// # Errors
    /// If the time is up, or the store cannot be read.
    pub(super) fn values(&self, needed: &[NeededValues], is_late: &dyn Fn() -> bool) -> Result<Vec<StepValues>> {
        self.reads.values(self.view, needed, is_late)
    }

    /// The values of some routes together, at the places of a series.
    ///
    /// # Errors
    /// If the time is up, or the store cannot be read.
    pub fn merged(
        &self,
        origin: &SeriesOrigin,
        like: &GraphSeries,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Vec<Option<f64>>> {
        let span = ReadSpan { start: like.start, end: like.end, step: Some(like.step.max(1)) };
        let needed = NeededValues { origin: origin.clone(), span };
        Ok(self.values(&[needed], is_late)?.pop().unwrap_or_default())
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

    /// A series without values, but for the zeros of a route that is quiet.
    fn empty(&self, series: &KnownSeries<'a>, origin: &SeriesOrigin, start: i64, end: i64, step: i64) -> GraphSeries {
        let path = series.path();
        let mut values = vec![None; usize::try_from((end - start) / step).unwrap_or(0)];
        if series.metric == CellMetric::Requests
            && let Some((first, last)) = origin.routes.first().and_then(|id| self.view.route_span(*id))
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
        let gathering = "average".to_owned();
        GraphSeries {
            name: path.clone(),
            path,
            start,
            end,
            step,
            values,
            gathering,
            tags,
            origin: Some(origin.clone()),
        }
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
