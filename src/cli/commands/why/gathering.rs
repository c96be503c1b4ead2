//! Lines to the requests of both sides. Of each line only is read what is counted; of those that are kept, which are few, the other
//! fields as well.

use std::sync::Arc;

use crate::explain::{ExplainedSpans, FacetReader, FeatureId, KeptAtMost, LineOrigin, NewRequest, Requests, Side};
use crate::grammar::Format;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{Filter, Interpreter, Interpreting, LineTally, RouteFilter, RoutedRecord};
use crate::record::{Needs, RecordValues};
use crate::route::{RouteId, Routes};
use crate::time::Timestamp;

/// On which side a request is; nothing if on none.
fn side_of(spans: &ExplainedSpans, start: Timestamp, end: Timestamp) -> Option<Side> {
    if spans.window.contains(end) {
        return Some(Side::Window);
    }
    if spans.baseline.iter().any(|span| span.contains(end)) {
        return Some(Side::Baseline);
    }
    (end >= spans.window.until && start < spans.window.until).then_some(Side::Later)
}

/// Whether lines of a format are read a second time if they are kept. Those that do not stand in the log as they are cost more to cut than
/// to read whole.
fn is_read_twice(format: &Format) -> bool {
    !format.is_keyed() && format.wrapper().is_none()
}

/// What is read of each line: what is counted. A log that only has the upstream's time is compared by it.
pub(super) fn needs_of_why(format: &Format) -> Needs {
    if !is_read_twice(format) {
        return all_needs();
    }
    let variables = format.roles().upstream.into_iter().flatten().collect();
    Needs { times: true, target: true, by_upstream: true, variables, ..Needs::default() }
}

fn all_needs() -> Needs {
    Needs { by_upstream: true, ..Needs::all() }
}

/// Takes requests in as their lines are read; one a thread.
pub(super) struct Gatherer {
    requests: Requests,
    spans: Arc<ExplainedSpans>,
    with: Interpreting,
    filter: Filter,
    kept_routes: RouteFilter,
    readers: Vec<FormatReader>,
    names: Vec<Option<Arc<str>>>,
    features: Vec<FeatureId>,
    /// Requests without a time, which count on no side.
    untimed: UntimedRequests,
    /// Whether a log told upstream times.
    tells_phases: bool,
}

/// Requests of which the log does not say how long they took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UntimedRequests {
    /// Of the window.
    pub(super) window: u64,
    /// Of the baseline, and after the window.
    pub(super) others: u64,
}

impl UntimedRequests {
    fn add(&mut self, side: Side) {
        match side {
            Side::Window => self.window += 1,
            Side::Baseline | Side::Later => self.others += 1,
        }
    }

    pub(super) fn all(self) -> u64 {
        self.window + self.others
    }
}

/// What all threads gathered.
pub(super) struct GatheredLines {
    pub(super) requests: Requests,
    pub(super) untimed: UntimedRequests,
    pub(super) tells_phases: bool,
}

/// What reads the lines of one format.
struct FormatReader {
    text: String,
    facets: FacetReader,
    /// What reads those again that are kept, all of their fields.
    again: Option<Interpreter>,
}

impl Gatherer {
    /// One for each of so many threads.
    pub(super) fn several(
        threads: usize,
        spans: &Arc<ExplainedSpans>,
        with: &Interpreting,
        filter: &Filter,
    ) -> Vec<Gatherer> {
        let mut gatherers = Vec::new();
        for _ in 0..threads {
            gatherers.push(Gatherer {
                requests: Requests::new(KeptAtMost::default()),
                spans: Arc::clone(spans),
                with: with.clone(),
                filter: filter.clone(),
                kept_routes: RouteFilter::default(),
                readers: Vec::new(),
                names: Vec::new(),
                features: Vec::new(),
                untimed: UntimedRequests::default(),
                tells_phases: false,
            });
        }
        gatherers
    }

    /// What they gathered, in the order of the lines.
    pub(super) fn merged(gatherers: Vec<Gatherer>) -> GatheredLines {
        let mut untimed = UntimedRequests::default();
        for gatherer in &gatherers {
            untimed.window += gatherer.untimed.window;
            untimed.others += gatherer.untimed.others;
        }
        let tells_phases = gatherers.iter().any(|gatherer| gatherer.tells_phases);
        let parts = gatherers.into_iter().map(|gatherer| gatherer.requests).collect();
        GatheredLines { requests: Requests::merged(parts), untimed, tells_phases }
    }

    /// Takes in a line.
    pub(super) fn take(&mut self, seen: &RoutedRecord<'_>, values: RecordValues<'_>, origin: LineOrigin, line: &[u8]) {
        let record = &seen.record;
        self.requests.note_end(record.end);
        let Some(side) = side_of(&self.spans, record.start(), record.end) else { return };
        if !self.filter.keeps(seen) || !self.kept_routes.keeps(&self.filter, &seen.matched, &self.with.routes) {
            return;
        }
        let Some(took) = record.request_time_ms else {
            self.untimed.add(side);
            return;
        };
        let Some(at) = self.reader_of(values.format()) else { return };
        let Some(FormatReader { facets, again, .. }) = self.readers.get_mut(at) else { return };
        let took_ms = u32::try_from(took).unwrap_or(u32::MAX);
        self.tells_phases |= record.upstream_ms.iter().any(Option::is_some);
        let request = NewRequest {
            side,
            end: record.end,
            took_ms,
            phases: facets.phases(took_ms, record, values),
            route: seen.matched.id,
            slow: seen.slow,
            origin,
            line,
            target: record.target,
        };
        if !self.requests.count(&request) {
            return;
        }
        let name = route_name(&mut self.names, &self.with.routes, seen.matched.id);
        let name = name.as_deref().unwrap_or_default();
        let (known, held) = (&mut self.requests.features, &mut self.features);
        held.clear();
        match again {
            None => facets.read(record, values, name, known, held),
            Some(again) => again.read_block(line, |_, _, seen, values| {
                if let Ok(seen) = seen {
                    facets.read(&seen.record, values, name, known, held);
                }
            }),
        }
        self.requests.keep(&request, &self.features);
    }

    fn reader_of(&mut self, format: &Format) -> Option<usize> {
        // Nearly always the log that was read last.
        let known = self.readers.iter().position(|reader| reader.text == format.text());
        if known.is_some() {
            return known;
        }
        let facets = FacetReader::new(format, &mut self.requests.features);
        let again = if is_read_twice(format) { Interpreter::new(format, all_needs(), &self.with).ok() } else { None };
        self.readers.push(FormatReader { text: format.text().to_owned(), facets, again });
        self.readers.len().checked_sub(1)
    }
}

impl LineTally for Gatherer {
    fn take_line(&mut self, line: &ScannedLine<'_>) {
        let (log, offset, length) = (line.locator.generation.0, line.locator.offset, line.locator.length);
        self.take(line.seen, line.values, LineOrigin { log, offset, length }, line.line);
    }
}

/// The name of a route, looked up once.
fn route_name(names: &mut Vec<Option<Arc<str>>>, routes: &Routes, id: RouteId) -> Option<Arc<str>> {
    let at = id.0 as usize;
    if names.len() <= at {
        names.resize(at + 1, None);
    }
    let name = names.get_mut(at)?;
    if name.is_none() {
        *name = routes.name(id);
    }
    name.clone()
}
