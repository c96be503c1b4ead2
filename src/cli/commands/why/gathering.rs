//! Lines to the requests of both sides.

use std::sync::Arc;

use crate::explain::{ExplainedSpans, FacetReader, FeatureId, KeptAtMost, LineOrigin, NewRequest, Requests, Side};
use crate::grammar::Format;
use crate::pipeline::{Filter, RouteFilter, RoutedRecord};
use crate::record::RecordValues;
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

/// Takes requests in as their lines are read.
pub(super) struct Gatherer {
    pub(super) requests: Requests,
    pub(super) spans: ExplainedSpans,
    pub(super) routes: Arc<Routes>,
    pub(super) filter: Filter,
    kept_routes: RouteFilter,
    readers: Vec<FormatReader>,
    names: Vec<Option<Arc<str>>>,
    features: Vec<FeatureId>,
    /// Requests without a time, which count on no side.
    pub(super) untimed: u64,
    /// Whether a log told upstream times.
    pub(super) tells_phases: bool,
}

/// What reads the lines of one format.
struct FormatReader {
    text: String,
    facets: FacetReader,
}

impl Gatherer {
    pub(super) fn new(spans: ExplainedSpans, routes: Arc<Routes>, filter: Filter) -> Gatherer {
        Gatherer {
            requests: Requests::new(KeptAtMost::default()),
            spans,
            routes,
            filter,
            kept_routes: RouteFilter::default(),
            readers: Vec::new(),
            names: Vec::new(),
            features: Vec::new(),
            untimed: 0,
            tells_phases: false,
        }
    }

    /// Takes in a line.
    pub(super) fn take(&mut self, seen: &RoutedRecord<'_>, values: RecordValues<'_>, origin: LineOrigin, line: &[u8]) {
        let record = &seen.record;
        self.requests.note_end(record.end);
        let Some(side) = side_of(&self.spans, record.start(), record.end) else { return };
        if !self.filter.keeps(seen) || !self.kept_routes.keeps(&self.filter, seen.matched.id, &self.routes) {
            return;
        }
        let Some(took) = record.request_time_ms else {
            self.untimed += 1;
            return;
        };
        let Some(at) = self.reader_of(values.format()) else { return };
        let Some(reader) = self.readers.get(at) else { return };
        let took_ms = u32::try_from(took).unwrap_or(u32::MAX);
        self.tells_phases |= record.upstream_ms.iter().any(Option::is_some);
        let request = NewRequest {
            side,
            end: record.end,
            took_ms,
            phases: reader.facets.phases(took_ms, record, values),
            route: seen.matched.id,
            slow: seen.slow,
            origin,
            line,
            target: record.target,
        };
        if !self.requests.count(&request) {
            return;
        }
        let Some(name) = route_name(&mut self.names, &self.routes, seen.matched.id) else { return };
        reader.facets.read(record, values, &name, &mut self.requests.features, &mut self.features);
        self.requests.keep(&request, &self.features);
    }

    fn reader_of(&mut self, format: &Format) -> Option<usize> {
        let known = self.readers.iter().position(|reader| reader.text == format.text());
        if known.is_some() {
            return known;
        }
        let facets = FacetReader::new(format, &mut self.requests.features);
        self.readers.push(FormatReader { text: format.text().to_owned(), facets });
        self.readers.len().checked_sub(1)
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
