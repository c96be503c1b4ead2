//! The routes' histograms, with a request of each bucket by which to find it again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::exposition::{Exemplar, Exposition, HistogramValue, MetricBucket, MetricKind, in_floating};
use crate::error::Result;
use crate::histogram::{Cell, Latency, Time};
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::route::RouteId;
use crate::store::{EntryQuery, KeepReasons, WindowMatch};
use crate::time::Window;

/// Bounds of the buckets in milliseconds: those that Prometheus' clients have by default.
const BOUNDS: [u64; 14] = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

/// Exemplars are of requests that ended so lately.
const EXEMPLARS_OF: Duration = Duration::from_secs(300);

/// Names of the classes of status, in the order of [`Cell::status`].
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The longest request of each bucket, by route and number of the bucket.
type RouteExemplars = HashMap<(RouteId, usize), Exemplar>;

/// Histograms and counts of the routes whose names fit, and of the members of series that are named.
pub(super) fn write(asked: &Asked, reader: &Reader<'_>, patterns: &[String], out: &mut Exposition) -> Result<()> {
    let view = reader.view()?;
    let totals = reader.route_counts().totals(view, asked.now)?;
    let wanted: HashSet<RouteId> = reader.routes_named(patterns)?.into_iter().collect();
    let exemplars = if out.takes_exemplars() { exemplars(asked, reader)? } else { RouteExemplars::new() };
    let mut cells: Vec<(RouteId, &str, &Cell)> = Vec::new();
    for (route, name) in view.routes().into_iter().chain(view.members()) {
        if let (true, Some(cell)) = (wanted.contains(&route), totals.get(&route)) {
            cells.push((route, name, cell));
        }
    }
    let host = reader.site().host.as_str();
    let times = [
        (Time::Request, "spikeline_request_duration_seconds", "How long requests took ($request_time)."),
        (Time::UpstreamResponse, "spikeline_upstream_response_seconds", "How long upstreams took to respond."),
    ];
    for (time, name, help) in times {
        if cells.iter().all(|(_, _, cell)| cell.time(time).is_empty()) {
            continue;
        }
        out.family(name, MetricKind::Histogram, help);
        for (route, route_name, cell) in cells.iter().filter(|(_, _, cell)| !cell.time(time).is_empty()) {
            let exemplar = |bucket: usize| exemplars.get(&(*route, bucket)).filter(|_| time == Time::Request);
            out.histogram(&[("host", host), ("route", route_name)], histogram_of(cell.time(time), exemplar));
        }
    }
    out.family("spikeline_requests", MetricKind::Counter, "Requests by class of status.");
    for (_, route, cell) in &cells {
        for (class, count) in CLASSES.into_iter().zip(cell.status) {
            let labels = [("host", host), ("route", route), ("status_class", class)];
            out.value(&labels, in_floating(count));
        }
    }
    out.family("spikeline_slow_requests", MetricKind::Counter, "Requests over the route's threshold.");
    for (_, route, cell) in &cells {
        out.value(&[("host", host), ("route", route)], in_floating(cell.slow));
    }
    out.family("spikeline_sent_bytes", MetricKind::Counter, "Bytes sent to clients.");
    for (_, route, cell) in &cells {
        out.value(&[("host", host), ("route", route)], in_floating(cell.bytes_sent));
    }
    Ok(())
}

/// The number of the bucket that a duration falls in; behind the last bound, that of infinity.
fn bucket_of(millis: u64) -> usize {
    BOUNDS.iter().position(|bound| millis <= *bound).unwrap_or(BOUNDS.len())
}

/// One histogram: buckets hold what the ones below them do as well.
fn histogram_of<'e>(latency: &Latency, exemplar: impl Fn(usize) -> Option<&'e Exemplar>) -> HistogramValue {
    let durations = latency.buckets();
    let mut counts = [0u64; BOUNDS.len() + 1];
    for (value, count) in &durations {
        if let Some(held) = counts.get_mut(bucket_of(*value)) {
            *held += count;
        }
    }
    let mut below = 0;
    let mut buckets = Vec::with_capacity(counts.len());
    for (number, count) in counts.into_iter().enumerate() {
        below += count;
        let bound_ms = BOUNDS.get(number).copied();
        buckets.push(MetricBucket { bound_ms, count: below, exemplar: exemplar(number).cloned() });
    }
    HistogramValue { buckets, sum_ms: latency.sum_ms(), count: below, durations }
}

/// Of the last minutes the longest request that the index keeps of each bucket.
fn exemplars(asked: &Asked, reader: &Reader<'_>) -> Result<RouteExemplars> {
    let view = reader.view()?;
    let mut exemplars = RouteExemplars::new();
    let names: HashMap<RouteId, &str> = view.routes().into_iter().chain(view.members()).collect();
    let until = view.read_until().unwrap_or(asked.now).min(asked.now).plus(Duration::from_millis(1));
    let window = Window { from: until.minus(EXEMPLARS_OF), until };
    for entry in view.entries(&EntryQuery::new(window, WindowMatch::End))? {
        let Some(name) = names.get(&entry.route).filter(|_| !entry.kept.contains(KeepReasons::UNTIMED)) else {
            continue;
        };
        let held = exemplars.get(&(entry.route, bucket_of(entry.duration_ms)));
        if held.is_none_or(|held| held.millis < entry.duration_ms) {
            let link = format!("m={name}&t={}", entry.end.0);
            let exemplar = Exemplar { link, millis: entry.duration_ms, ended: entry.end.0 };
            exemplars.insert((entry.route, bucket_of(entry.duration_ms)), exemplar);
        }
    }
    Ok(exemplars)
}

#[cfg(test)]
mod tests {
    use super::super::accepted_form::AcceptedForm;
    use super::*;

    #[test]
    fn buckets_hold_what_those_below_hold() {
        let mut latency = Latency::default();
        latency.record_all(&[1, 5, 6, 100, 101, 20_000]);
        let mut out = Exposition::new(AcceptedForm::Text);
        out.family("h", MetricKind::Histogram, "Times.");
        out.histogram(&[("route", "a")], histogram_of(&latency, |_| None));
        let text = super::super::text::written(&out.into_families(), false);
        for line in [
            "h_bucket{route=\"a\",le=\"0.005\"} 2",
            "le=\"0.01\"} 3",
            "le=\"0.1\"} 4",
            "le=\"0.25\"} 5",
            "le=\"10\"} 5",
            "le=\"+Inf\"} 6",
            "h_sum{route=\"a\"} 20.213",
            "h_count{route=\"a\"} 6",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
