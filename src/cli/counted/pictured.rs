//! What the pictures of an answer are drawn from, counted beside the answer: of files from the same blocks, of the store from its cells.

use std::collections::BTreeMap;

use crate::cli::answer::window::span_of_slots;
use crate::cli::config::Config;
use crate::cli::input::files::{Files, Workers};
use crate::error::Result;
use crate::histogram::{Cell, Latency};
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, Interpreting, RouteFilter, RoutedRecord, SeenLine, common_threshold};
use crate::report::picture::{PicturedRequests, TimeCourse, step_for, timed};
use crate::route::{RouteId, Routes};
use crate::store::View;
use crate::time::{Timestamp, Window};

/// A heatmap has so many columns at most.
const COLUMNS: usize = 300;

/// A window beside its baseline.
#[derive(Debug, Clone)]
pub(in crate::cli) struct ComparedSpans {
    pub(in crate::cli) window: Window,
    pub(in crate::cli) baseline: Vec<Window>,
}

/// What is counted for pictures.
pub(in crate::cli) struct PictureCounts {
    course: TimeCourse,
    by_route: Vec<Cell>,
    /// Only what ends in its window is counted by route; what ends in its baseline is counted by itself.
    compared: Option<ComparedSpans>,
    baseline: Cell,
}

impl PictureCounts {
    /// Nothing yet.
    pub(in crate::cli) fn new(compared: Option<ComparedSpans>) -> PictureCounts {
        PictureCounts { course: TimeCourse::default(), by_route: Vec::new(), compared, baseline: Cell::default() }
    }

    /// Count a request.
    pub(in crate::cli) fn count(&mut self, seen: &RoutedRecord<'_>) {
        let end = seen.record.end;
        let is_inside = self.compared.as_ref().is_none_or(|compared| compared.window.contains(end));
        if !is_inside && !self.is_of_baseline(end) {
            return;
        }
        seen.count_into(self.course.cell_mut(end));
        if !is_inside {
            return seen.count_into(&mut self.baseline);
        }
        let at = seen.matched.id.0 as usize;
        if self.by_route.len() <= at {
            self.by_route.resize_with(at + 1, Cell::default);
        }
        if let Some(cell) = self.by_route.get_mut(at) {
            seen.count_into(cell);
        }
    }

    fn is_of_baseline(&self, end: Timestamp) -> bool {
        self.compared.as_ref().is_some_and(|compared| compared.baseline.iter().any(|span| span.contains(end)))
    }

    pub(in crate::cli) fn merge(&mut self, other: PictureCounts) {
        self.course.merge(other.course);
        self.baseline.merge(&other.baseline);
        if self.by_route.len() < other.by_route.len() {
            self.by_route.resize_with(other.by_route.len(), Cell::default);
        }
        for (own, other) in self.by_route.iter_mut().zip(&other.by_route) {
            own.merge(other);
        }
    }

    /// As pictures need it. Without a window that is of all that was seen.
    pub(in crate::cli) fn finish(self, window: Window, routes: &Routes, threshold_ms: Option<u64>) -> CountedPictures {
        let window = (window != Window::ALL && self.compared.is_none()).then_some(window);
        let mut pictured = PicturedRequests { threshold_ms, ..PicturedRequests::of_course(window, &self.course) };
        for (id, cell) in (0..).zip(self.by_route) {
            if cell.requests > 0
                && let Some(name) = routes.name(RouteId(id))
            {
                pictured.routes.push((name.to_string(), cell));
            }
        }
        CountedPictures { pictured, baseline: timed(&self.baseline).clone() }
    }
}

/// What pictures are drawn from.
#[derive(Debug, Default)]
pub(in crate::cli) struct CountedPictures {
    pub(in crate::cli) pictured: PicturedRequests,
    /// How long the requests of the baseline took, where there is one.
    pub(in crate::cli) baseline: Latency,
}

impl CountedPictures {
    /// How long those took that are counted by route.
    pub(in crate::cli) fn inside(&self) -> Latency {
        let mut inside = Latency::default();
        for (_, cell) in &self.pictured.routes {
            inside.merge(timed(cell));
        }
        inside
    }
}

/// What is to be drawn of files.
#[derive(Clone)]
pub(in crate::cli) struct PictureQuestion {
    pub(in crate::cli) filter: Filter,
    pub(in crate::cli) compared: Option<ComparedSpans>,
}

/// A tally that counts for pictures too, if any are wanted: of the same blocks, so that what is piped in is read once.
pub(in crate::cli) struct WithPictures<T> {
    pub(in crate::cli) inner: T,
    picture: Option<PictureTally>,
}

struct PictureTally {
    workers: Workers,
    with: Interpreting,
    filter: Filter,
    routes: RouteFilter,
    counts: PictureCounts,
}

impl<T: BlockTally> WithPictures<T> {
    /// `question` is none where no picture is wanted.
    pub(in crate::cli) fn new(
        inner: T,
        files: &Files,
        with: &Interpreting,
        question: Option<&PictureQuestion>,
    ) -> Result<WithPictures<T>> {
        let Some(PictureQuestion { filter, compared }) = question.cloned() else {
            return Ok(WithPictures { inner, picture: None });
        };
        let workers = Workers::for_latency(files, with)?;
        let counts = PictureCounts::new(compared);
        let picture = PictureTally { workers, with: with.clone(), filter, routes: RouteFilter::default(), counts };
        Ok(WithPictures { inner, picture: Some(picture) })
    }

    /// The tallies, and what all of them counted for pictures.
    pub(in crate::cli) fn part(tallies: Vec<WithPictures<T>>) -> (Vec<T>, Option<PictureCounts>) {
        let (mut parted, mut whole) = (Vec::new(), None::<PictureCounts>);
        for WithPictures { inner, picture } in tallies {
            parted.push(inner);
            match (&mut whole, picture) {
                (Some(whole), Some(picture)) => whole.merge(picture.counts),
                (None, Some(picture)) => whole = Some(picture.counts),
                (_, None) => {}
            }
        }
        (parted, whole)
    }
}

impl<T: BlockTally> BlockTally for WithPictures<T> {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        self.inner.count_block(file, offset, bytes);
        let Some(PictureTally { workers, with, filter, routes, counts }) = &mut self.picture else { return };
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        interpreter.read_block_as(bytes, with.names_series(filter), |SeenLine { seen, .. }| {
            if let Ok(seen) = seen
                && filter.keeps(seen)
                && routes.keeps(filter, &seen.matched, &with.routes)
            {
                counts.count(seen);
            }
        });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.inner.skip_long_line(file, offset, length);
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}

/// From when on a request of files is slow, if that is the same for all routes.
pub(in crate::cli) fn threshold_of_all(config: &Config) -> Option<u64> {
    let has_own = config.routes.iter().any(|route| route.threshold.is_some());
    (!has_own).then(|| config.slow.threshold_ms())
}

/// What the store's cells tell of a window, in whole slots; with a baseline of both.
pub(in crate::cli) fn pictures_of_slots(
    view: &View,
    window: Window,
    baseline: &[Window],
    routes: Option<&[RouteId]>,
    config: &Config,
) -> Result<CountedPictures> {
    let Some(known) = known_slots(view) else { return Ok(CountedPictures::default()) };
    let interval = view.settings().interval;
    let whole = |span: Window| {
        let span = Window { from: span.from.max(known.from), until: span.until.min(known.until) };
        let until = span.until.slot(interval);
        Window { from: span.from.slot(interval), until: if until < span.until { until.plus(interval) } else { until } }
    };
    let mut shown = whole(window);
    for span in baseline {
        shown.from = shown.from.min(whole(*span).from);
        shown.until = shown.until.max(whole(*span).until);
    }
    if shown.from >= shown.until {
        return Ok(CountedPictures::default());
    }
    let step = step_for(shown, interval, COLUMNS);
    let threshold_ms = common_threshold(view, routes, config.slow.threshold_ms());
    let cells = view.step_sums(shown, step, routes)?.into_iter().collect();
    let names: BTreeMap<RouteId, &str> = view.routes().into_iter().chain(view.members()).collect();
    let mut pictured =
        PicturedRequests { window: Some(shown), step, cells, threshold_ms, ..PicturedRequests::default() };
    for (route, cell) in view.totals(whole(window), routes)? {
        pictured.routes.push((names.get(&route).copied().unwrap_or_default().to_owned(), cell));
    }
    let mut of_baseline = Cell::default();
    for span in baseline {
        for (_, cell) in view.totals(whole(*span), routes)? {
            of_baseline.merge(&cell);
        }
    }
    Ok(CountedPictures { pictured, baseline: timed(&of_baseline).clone() })
}

/// From the first slot that the store holds to the end of the last.
fn known_slots(view: &View) -> Option<Window> {
    let (first, last) = span_of_slots(view)?;
    Some(Window { from: first, until: last.plus(view.settings().interval) })
}
