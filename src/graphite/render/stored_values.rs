//! Values out of the store, for all series of an answer together.
//!
//! Whichever route is asked for, the store goes through the cells of all routes of that time: one series after the other, an answer of a
//! hundred of them would go through it a hundred times. So targets are evaluated twice: at first without values, to hear which are needed
//! ([`ValueReads::hear`]). Those are read in one go for each span and step, one stretch of time after the other, so that only so many cells
//! are in memory. What was not foreseen is read when it is asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::series::SeriesOrigin;
use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::store::View;
use crate::time::{Timestamp, Window};

/// So many cells are in memory at once, of some 0.5 to 10 KiB each: more than a block of them, so that few are read twice.
const CELLS_AT_ONCE: usize = 4_000;

/// The values of a series.
pub(super) type StepValues = Vec<Option<f64>>;

/// Of which time values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ReadSpan {
    /// The beginning of the first value, in seconds since the epoch.
    pub(super) start: i64,
    /// Behind the last.
    pub(super) end: i64,
    /// Seconds from one to the next, whole ones since the epoch; none is one value of all the time.
    pub(super) step: Option<i64>,
}

/// Values that are needed: of the requests of some routes together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NeededValues {
    pub(super) origin: SeriesOrigin,
    pub(super) span: ReadSpan,
}

impl ReadSpan {
    /// How many values there are.
    pub(super) fn points(self) -> usize {
        let length = (self.end - self.start).max(0);
        let step = self.step.unwrap_or(length).max(1);
        usize::try_from(length / step + i64::from(length % step > 0)).unwrap_or(0)
    }

    /// Which value that of a time is.
    fn place(self, time: i64) -> Option<usize> {
        let Some(step) = self.step.map(|step| step.max(1)) else { return Some(0) };
        let since = time - self.start;
        if since % step == 0 { usize::try_from(since / step).ok() } else { None }
    }
}

/// What an answer reads of the store.
#[derive(Debug, Default)]
pub(super) struct ValueReads {
    state: Mutex<ReadingState>,
}

#[derive(Debug, Default)]
struct ReadingState {
    /// Whether it is only heard what is needed.
    hears: bool,
    /// How often it is.
    needed: HashMap<NeededValues, usize>,
    read: HashMap<NeededValues, ReadAhead>,
}

/// Values that were read before they are asked for, so many times.
#[derive(Debug)]
struct ReadAhead {
    values: StepValues,
    uses: usize,
}

impl ValueReads {
    /// Hear what work needs of the store, which is given no values meanwhile, and read it in one go. Work that fails is left to fail again.
    ///
    /// # Errors
    /// If the store cannot be read, or the time is up.
    pub(super) fn hear<T>(
        &self,
        view: &View,
        work: impl FnOnce() -> Result<T>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<()> {
        self.state().hears = true;
        let worked = work();
        let needed = {
            let mut state = self.state();
            state.hears = false;
            std::mem::take(&mut state.needed)
        };
        if worked.is_err() {
            return Ok(());
        }
        let (needed, uses): (Vec<NeededValues>, Vec<usize>) = needed.into_iter().unzip();
        let values = read_values(view, &needed, is_late)?;
        let ahead = values.into_iter().zip(uses).map(|(values, uses)| ReadAhead { values, uses });
        self.state().read.extend(needed.into_iter().zip(ahead));
        Ok(())
    }

    /// The values that are needed, in this order.
    ///
    /// # Errors
    /// If the store cannot be read, or the time is up.
    pub(super) fn values(
        &self,
        view: &View,
        needed: &[NeededValues],
        is_late: &dyn Fn() -> bool,
    ) -> Result<Vec<StepValues>> {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for it in needed {
            let values = self.state().ahead_of(it);
            if values.is_none() {
                unknown.push(it.clone());
            }
            known.push(values);
        }
        let mut read = read_values(view, &unknown, is_late)?.into_iter();
        Ok(known.into_iter().map(|values| values.or_else(|| read.next()).unwrap_or_default()).collect())
    }

    fn state(&self) -> MutexGuard<'_, ReadingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadingState {
    /// What was read of this already; nothing but holes while it is heard what is needed.
    fn ahead_of(&mut self, needed: &NeededValues) -> Option<StepValues> {
        if self.hears {
            *self.needed.entry(needed.clone()).or_default() += 1;
            return Some(vec![None; needed.span.points()]);
        }
        let ahead = self.read.get_mut(needed)?;
        if ahead.uses > 1 {
            ahead.uses -= 1;
            return Some(ahead.values.clone());
        }
        self.read.remove(needed).map(|ahead| ahead.values)
    }
}

/// The values that are needed, in this order: one pass for each span.
fn read_values(view: &View, needed: &[NeededValues], is_late: &dyn Fn() -> bool) -> Result<Vec<StepValues>> {
    let mut values: Vec<StepValues> = needed.iter().map(|it| vec![None; it.span.points()]).collect();
    let mut spans: BTreeMap<ReadSpan, Vec<usize>> = BTreeMap::new();
    for (at, it) in needed.iter().enumerate() {
        spans.entry(it.span).or_default().push(at);
    }
    for (span, members) in spans {
        SpanPass { view, span, needed, members }.read(&mut values, is_late)?;
    }
    Ok(values)
}

/// Goes through the store once.
struct SpanPass<'n> {
    view: &'n View,
    span: ReadSpan,
    needed: &'n [NeededValues],
    /// Which of these are of this span.
    members: Vec<usize>,
}

impl SpanPass<'_> {
    fn read(&self, values: &mut [StepValues], is_late: &dyn Fn() -> bool) -> Result<()> {
        let mut routes: BTreeSet<RouteId> = BTreeSet::new();
        for member in &self.members {
            routes.extend(self.needed.get(*member).into_iter().flat_map(|it| it.origin.routes.iter().copied()));
        }
        let routes: Vec<RouteId> = routes.into_iter().collect();
        let ReadSpan { start, end, step } = self.span;
        let steps = i64::try_from(CELLS_AT_ONCE / routes.len().max(1)).unwrap_or(1).max(1);
        let stretch = step.map_or(end - start, |step| step.saturating_mul(steps)).max(1);
        let mut from = start;
        while from < end {
            if is_late() {
                return Err(too_late());
            }
            let until = from.saturating_add(stretch).min(end);
            self.put_values(self.cells(from, until, &routes)?, values);
            from = until;
        }
        Ok(())
    }

    /// The cells of a stretch, by step and route.
    fn cells(&self, from: i64, until: i64, routes: &[RouteId]) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let window = Window { from: Timestamp::from_secs(from), until: Timestamp::from_secs(until) };
        match self.span.step {
            Some(step) => {
                let step = Duration::from_secs(u64::try_from(step).unwrap_or(1).max(1));
                self.view.steps(window, step, Some(routes))
            }
            None => {
                let totals = self.view.totals(window, Some(routes))?;
                Ok(totals.into_iter().map(|(route, cell)| (window.from, route, cell)).collect())
            }
        }
    }

    fn put_values(&self, cells: Vec<(Timestamp, RouteId, Cell)>, values: &mut [StepValues]) {
        let mut by_route: HashMap<RouteId, Vec<usize>> = HashMap::new();
        for member in &self.members {
            for route in self.needed.get(*member).into_iter().flat_map(|it| &it.origin.routes) {
                by_route.entry(*route).or_default().push(*member);
            }
        }
        // Of several routes their requests together, whose cells come at any place of a stretch.
        let mut together: BTreeMap<(usize, usize), Cell> = BTreeMap::new();
        for (time, route, cell) in cells {
            let Some(place) = self.span.place(time.secs()) else { continue };
            for member in by_route.get(&route).into_iter().flatten() {
                match self.needed.get(*member) {
                    Some(it) if it.origin.routes.len() > 1 => {
                        together.entry((*member, place)).or_default().merge(&cell);
                    }
                    _ => self.put(*member, place, &cell, values),
                }
            }
        }
        for ((member, place), cell) in together {
            self.put(member, place, &cell, values);
        }
    }

    fn put(&self, member: usize, place: usize, cell: &Cell, values: &mut [StepValues]) {
        let (Some(it), Some(own)) = (self.needed.get(member), values.get_mut(member)) else { return };
        if let Some(value) = own.get_mut(place) {
            *value = it.origin.metric.value(cell, it.origin.unit);
        }
    }
}

/// The time for an answer is up.
pub(super) fn too_late() -> Error {
    Error::failed("this takes too long: ask for fewer series or a shorter time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::{CellMetric, TimeStatistic, TimeUnit};
    use crate::histogram::Time;
    use crate::store::{Commit, StoreSettings, Writer};
    use std::cell::Cell as Counter;

    /// 2011-11-30 14:00:00 UTC.
    const BEGIN: i64 = 1_322_661_600;

    /// Of each of 40 routes three requests in each of 60 slots.
    fn writer(folder: &std::path::Path) -> Writer {
        let mut writer = Writer::open(folder, StoreSettings::default()).unwrap();
        let mut commit = Commit { at: Timestamp::from_secs(BEGIN + 600), ..Commit::default() };
        commit.routes.extend((0..40).map(|route| (RouteId(route), format!("r{route}"))));
        for slot in 0..60 {
            for route in 0..40 {
                let mut cell = Cell::default();
                cell.requests = 3;
                for millis in [1, 10, 100] {
                    cell.time_mut(Time::Request).record(millis * u64::from(route + 1) + slot);
                }
                let start = Timestamp::from_secs(BEGIN + 10 * i64::try_from(slot).unwrap());
                commit.cells.push((start, RouteId(route), cell));
            }
        }
        writer.commit(&mut commit).unwrap();
        writer
    }

    fn needed(routes: &[u32], span: ReadSpan) -> NeededValues {
        let metric = CellMetric::OfTime(Time::Request, TimeStatistic::Max);
        let routes = routes.iter().copied().map(RouteId).collect();
        NeededValues { origin: SeriesOrigin { routes, metric, unit: TimeUnit::Milliseconds }, span }
    }

    #[test]
    fn what_was_heard_is_read_once_and_then_known() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(folder.path());
        let view = writer.view();
        let span = ReadSpan { start: BEGIN, end: BEGIN + 600, step: Some(60) };
        let whole = ReadSpan { step: None, ..span };
        let mut all: Vec<NeededValues> = (0..40).map(|route| needed(&[route], span)).collect();
        all.extend([needed(&[3, 5, 39], span), needed(&[3], whole), needed(&[0, 39], whole), needed(&[3], span)]);
        let (reads, passes) = (ValueReads::default(), Counter::new(0));
        let count = || {
            passes.set(passes.get() + 1);
            false
        };
        let work = || {
            for it in &all {
                let empty = reads.values(view, std::slice::from_ref(it), &|| unreachable!())?;
                assert_eq!(empty, [vec![None; it.span.points()]]);
            }
            Ok(())
        };
        reads.hear(view, work, &count).unwrap();
        assert_eq!(passes.get(), 2, "one for each span");
        for it in &all {
            let known = reads.values(view, std::slice::from_ref(it), &|| true).unwrap();
            assert_eq!(known, read_values(view, std::slice::from_ref(it), &|| false).unwrap(), "{it:?}");
        }
        let last = reads.values(view, &all[..1], &|| true).unwrap_err();
        assert!(last.to_string().contains("takes too long"), "it was asked for once: {last}");
        let of = |it: NeededValues| read_values(view, &[it], &|| false).unwrap().remove(0);
        assert_eq!(of(needed(&[3, 5, 39], span))[..2], [Some(4005.0), Some(4011.0)]);
        assert_eq!((of(needed(&[3], whole)), of(needed(&[0, 39], whole))), (vec![Some(459.0)], vec![Some(4059.0)]));
    }

    #[test]
    fn work_that_fails_reads_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(folder.path());
        let span = ReadSpan { start: BEGIN, end: BEGIN + 600, step: Some(10) };
        let reads = ValueReads::default();
        let work = || {
            reads.values(writer.view(), &[needed(&[1], span)], &|| false)?;
            Err::<(), _>(Error::usage("no"))
        };
        reads.hear(writer.view(), work, &|| unreachable!()).unwrap();
        let read = reads.values(writer.view(), &[needed(&[1], span)], &|| false).unwrap();
        assert_eq!(read[0][59], Some(259.0));
    }

    #[test]
    fn a_long_time_is_read_in_stretches() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(folder.path());
        let routes: Vec<u32> = (0..40).collect();
        // 100 steps of 40 routes are in memory at once.
        let span = ReadSpan { start: BEGIN - 20_000, end: BEGIN + 20_005, step: Some(10) };
        let each: Vec<NeededValues> = routes.iter().map(|route| needed(&[*route], span)).collect();
        let passes = Counter::new(0);
        let count = || {
            passes.set(passes.get() + 1);
            false
        };
        let values = read_values(writer.view(), &each, &count).unwrap();
        assert_eq!((passes.get(), span.points()), (41, 4001));
        for (route, own) in routes.into_iter().zip(&values) {
            let expected: Vec<Option<f64>> = (0..60).map(|slot| Some(f64::from(100 * (route + 1) + slot))).collect();
            assert_eq!((own.len(), own.iter().flatten().count()), (4001, 60));
            assert_eq!(own[2000..2060], expected);
        }
    }
}
