//! One slot as one request of metrics: `ExportMetricsServiceRequest`.
//!
//! Names are those of the semantic conventions where they have one (`http.server.request.duration`, `http.route`), else begin with
//! `spikeline.`, as on the page's `/metrics`. Everything counted is delta, over the slot. What is zero is not sent: of a delta that is the same.

use prost::Message;

use super::buckets::{ExponentialBuckets, SCALE, ZERO_THRESHOLD, exact_least, in_explicit_buckets, in_seconds};
use super::messages::{
    AnyValueProto, BucketsProto, DELTA, ExponentialPointProto, ExponentialProto, ExportRequestProto, GaugeProto,
    HistogramPointProto, HistogramProto, KeyValueProto, MetricProto, NumberPointProto, ResourceMetricsProto,
    ResourceProto, ScopeMetricsProto, ScopeProto, SumProto,
};
use crate::histogram::{Cell, Latency, TIMES, Time};
use crate::route::{keeps_name, readable_name};
use crate::time::{Timestamp, Window};

/// The values of `status_class`, in the order of [`Cell::status`].
const STATUS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What histograms look like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HistogramForm {
    /// Base-2 exponential.
    #[default]
    Exponential,
    /// With these bounds in milliseconds, ascending.
    Explicit(Vec<u64>),
}

/// How one destination's exports are made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportForm {
    /// The attributes of the resource: `service.name`, `host.name`, and what is configured.
    pub resource: Vec<(String, String)>,
    /// How histograms are written.
    pub histogram: HistogramForm,
    /// Patterns of routes (`webapp.*`, `!webapp.static`); all without one.
    pub routes: Vec<String>,
}

/// Whose points these are.
#[derive(Debug, Clone, Copy)]
pub struct ExportedSeries<'a> {
    /// The route's name, or that of a member of `[[series]]` or a `[[probe]]`.
    pub name: &'a str,
    /// Whether it is such a member: its requests are in routes as well, or in none.
    pub is_member: bool,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedExport {
    /// How many data points there are in it.
    pub points: usize,
    /// The message, not compressed.
    pub body: Vec<u8>,
}

/// A slot while it is put together.
#[derive(Debug)]
pub struct SlotExport<'f> {
    form: &'f ExportForm,
    start_nanos: u64,
    nanos: u64,
    /// In the order of [`TIMES`].
    durations: [MetricProto; 4],
    requests: MetricProto,
    slow: MetricProto,
    aborted: MetricProto,
    sent_bytes: MetricProto,
    own: Vec<MetricProto>,
}

impl<'f> SlotExport<'f> {
    /// Of this slot, and nothing yet.
    pub fn new(form: &'f ExportForm, slot: Window) -> SlotExport<'f> {
        SlotExport {
            form,
            start_nanos: nanos_of(slot.from),
            nanos: nanos_of(slot.until),
            durations: TIMES.map(|time| duration_metric(time, &form.histogram)),
            requests: sum_metric("spikeline.requests", "{request}", "Requests by class of status."),
            slow: sum_metric("spikeline.slow_requests", "{request}", "Requests over the route's threshold."),
            aborted: sum_metric("spikeline.aborted_requests", "{request}", "Requests that the client gave up (499)."),
            sent_bytes: sum_metric("spikeline.sent_bytes", "By", "Bytes sent to clients."),
            own: Vec::new(),
        }
    }

    /// What was counted of one route.
    pub fn add_cell(&mut self, series: ExportedSeries<'_>, cell: &Cell) {
        if !keeps_name(&self.form.routes, &[series.name, &*readable_name(series.name)]) {
            return;
        }
        let attributes = attributes_of(series);
        let (start_nanos, nanos) = (self.start_nanos, self.nanos);
        for (time, metric) in TIMES.into_iter().zip(&mut self.durations) {
            let latency = cell.time(time);
            if latency.is_empty() {
                continue;
            }
            if let Some(histogram) = &mut metric.exponential {
                let point = ExponentialPointProto { start_nanos, nanos, ..exponential_point(latency) };
                histogram.points.push(ExponentialPointProto { attributes: attributes.clone(), ..point });
            } else if let (Some(histogram), HistogramForm::Explicit(bounds)) =
                (&mut metric.histogram, &self.form.histogram)
            {
                let point = HistogramPointProto { start_nanos, nanos, ..explicit_point(latency, bounds) };
                histogram.points.push(HistogramPointProto { attributes: attributes.clone(), ..point });
            }
        }
        let point = |count: u64| NumberPointProto {
            start_nanos,
            nanos,
            as_int: Some(i64::try_from(count).unwrap_or(i64::MAX)),
            as_double: None,
            attributes: attributes.clone(),
        };
        for (class, count) in STATUS.into_iter().zip(cell.status) {
            let mut point = point(count);
            point.attributes.push(attribute("http.response.status_class", class));
            add_count(&mut self.requests, point);
        }
        // Those whose status the log does not say, or that is none.
        add_count(&mut self.requests, point(cell.requests.saturating_sub(cell.status.iter().sum())));
        add_count(&mut self.slow, point(cell.slow));
        add_count(&mut self.aborted, point(cell.status_499));
        add_count(&mut self.sent_bytes, point(cell.bytes_sent));
    }

    /// One of the daemon's own metrics, sent as `spikeline.` and its name. `is_of_slot`: what happened in the slot, else what stood at its end.
    pub fn add_own(&mut self, name: &str, value: f64, is_of_slot: bool) {
        let point = NumberPointProto {
            start_nanos: if is_of_slot { self.start_nanos } else { 0 },
            nanos: self.nanos,
            as_double: Some(value),
            ..NumberPointProto::default()
        };
        let unit = match name.split_once(['.', '_']) {
            Some(("bytes", _)) => "By",
            Some((_, "seconds")) => "s",
            _ => "1",
        };
        let mut metric = sum_metric(&format!("spikeline.{name}"), unit, "Of spikeline itself.");
        match &mut metric.sum {
            Some(sum) if is_of_slot => sum.points.push(point),
            _ => {
                metric.sum = None;
                metric.gauge = Some(GaugeProto { points: vec![point] });
            }
        }
        self.own.push(metric);
    }

    /// The request; of a slot without a point one without a body.
    pub fn encode(self) -> EncodedExport {
        let SlotExport { form, durations, requests, slow, aborted, sent_bytes, own, .. } = self;
        let mut metrics = Vec::new();
        let mut points = 0;
        for metric in durations.into_iter().chain([requests, slow, aborted, sent_bytes]).chain(own) {
            let held = point_count(&metric);
            points += held;
            if held > 0 {
                metrics.push(metric);
            }
        }
        if points == 0 {
            return EncodedExport::default();
        }
        let scope = ScopeProto { name: "spikeline".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let attributes = form.resource.iter().map(|(key, value)| attribute(key, value)).collect();
        let request = ExportRequestProto {
            resource_metrics: vec![ResourceMetricsProto {
                resource: Some(ResourceProto { attributes }),
                scope_metrics: vec![ScopeMetricsProto { scope: Some(scope), metrics }],
            }],
        };
        EncodedExport { points, body: request.encode_to_vec() }
    }
}

/// A metric of durations, without a point.
fn duration_metric(time: Time, form: &HistogramForm) -> MetricProto {
    let (name, description) = match time {
        Time::Request => ("http.server.request.duration", "Duration of HTTP server requests ($request_time)."),
        Time::UpstreamResponse => {
            ("spikeline.upstream_response.duration", "How long upstreams took to respond ($upstream_response_time).")
        }
        Time::UpstreamConnect => {
            ("spikeline.upstream_connect.duration", "How long connecting to upstreams took ($upstream_connect_time).")
        }
        Time::UpstreamHeader => {
            ("spikeline.upstream_header.duration", "How long upstreams took to begin ($upstream_header_time).")
        }
    };
    let mut metric = named_metric(name, "s", description);
    match form {
        HistogramForm::Exponential => {
            metric.exponential = Some(ExponentialProto { points: Vec::new(), temporality: DELTA });
        }
        HistogramForm::Explicit(_) => {
            metric.histogram = Some(HistogramProto { points: Vec::new(), temporality: DELTA });
        }
    }
    metric
}

/// A metric of what happened in a slot, without a point.
fn sum_metric(name: &str, unit: &str, description: &str) -> MetricProto {
    let sum = SumProto { points: Vec::new(), temporality: DELTA, is_monotonic: true };
    MetricProto { sum: Some(sum), ..named_metric(name, unit, description) }
}

fn named_metric(name: &str, unit: &str, description: &str) -> MetricProto {
    MetricProto {
        name: name.to_owned(),
        description: description.to_owned(),
        unit: unit.to_owned(),
        ..MetricProto::default()
    }
}

fn exponential_point(latency: &Latency) -> ExponentialPointProto {
    let ExponentialBuckets { zeros, offset, counts } = ExponentialBuckets::of(latency);
    ExponentialPointProto {
        count: latency.count(),
        sum: Some(in_seconds(latency.sum_ms())),
        scale: SCALE,
        zero_count: zeros,
        zero_threshold: ZERO_THRESHOLD,
        positive: Some(BucketsProto { offset, counts }),
        min: exact_least(latency).map(in_seconds),
        max: Some(in_seconds(latency.max_ms())),
        ..ExponentialPointProto::default()
    }
}

fn explicit_point(latency: &Latency, bounds: &[u64]) -> HistogramPointProto {
    HistogramPointProto {
        count: latency.count(),
        sum: Some(in_seconds(latency.sum_ms())),
        bucket_counts: in_explicit_buckets(latency, bounds),
        bounds: bounds.iter().map(|bound| in_seconds(*bound)).collect(),
        min: exact_least(latency).map(in_seconds),
        max: Some(in_seconds(latency.max_ms())),
        ..HistogramPointProto::default()
    }
}

fn add_count(metric: &mut MetricProto, point: NumberPointProto) {
    if let Some(sum) = metric.sum.as_mut().filter(|_| point.as_int != Some(0)) {
        sum.points.push(point);
    }
}

fn point_count(metric: &MetricProto) -> usize {
    metric.sum.as_ref().map_or(0, |sum| sum.points.len())
        + metric.gauge.as_ref().map_or(0, |gauge| gauge.points.len())
        + metric.histogram.as_ref().map_or(0, |histogram| histogram.points.len())
        + metric.exponential.as_ref().map_or(0, |histogram| histogram.points.len())
}

/// The first node of a member's name tells its series, so that sums over routes can leave it out.
fn attributes_of(series: ExportedSeries<'_>) -> Vec<KeyValueProto> {
    let mut attributes = vec![attribute("http.route", series.name)];
    if series.is_member {
        attributes.push(attribute("spikeline.series", series.name.split('.').next().unwrap_or_default()));
    }
    attributes
}

fn attribute(key: &str, value: &str) -> KeyValueProto {
    KeyValueProto { key: key.to_owned(), value: Some(AnyValueProto { text: Some(value.to_owned()) }) }
}

fn nanos_of(time: Timestamp) -> u64 {
    u64::try_from(time.millis()).unwrap_or_default().saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: Window =
        Window { from: Timestamp::from_secs(1_322_661_900), until: Timestamp::from_secs(1_322_661_910) };

    fn form(histogram: HistogramForm, routes: &[&str]) -> ExportForm {
        let resource = vec![("service.name".to_owned(), "nginx".to_owned())];
        ExportForm { resource, histogram, routes: routes.iter().map(|&route| route.to_owned()).collect() }
    }

    fn cell(times: &[u64]) -> Cell {
        let mut cell = Cell::default();
        (cell.requests, cell.slow, cell.bytes_sent) = (times.len() as u64 + 1, 1, 700);
        for (number, time) in times.iter().enumerate() {
            cell.time_mut(Time::Request).record(*time);
            cell.count_status(if number == 0 { 499 } else { 200 });
        }
        cell
    }

    fn metrics(export: EncodedExport) -> Vec<MetricProto> {
        let mut request = ExportRequestProto::decode(export.body.as_slice()).unwrap();
        let mut resource = request.resource_metrics.remove(0);
        assert_eq!(resource.resource.unwrap().attributes, [attribute("service.name", "nginx")]);
        resource.scope_metrics.remove(0).metrics
    }

    fn route(name: &str) -> ExportedSeries<'_> {
        ExportedSeries { name, is_member: false }
    }

    #[test]
    fn a_slot_is_one_request_of_deltas() {
        let form = form(HistogramForm::Exponential, &[]);
        let mut export = SlotExport::new(&form, SLOT);
        export.add_cell(route("app.git"), &cell(&[0, 1000, 3000]));
        export.add_cell(ExportedSeries { name: "upstream.a", is_member: true }, &cell(&[5]));
        export.add_own("lines.read", 7.0, true);
        export.add_own("lag_seconds", 0.5, false);
        let export = export.encode();
        assert_eq!(export.points, 2 + 2 * 6 - 1 + 2);
        let metrics = metrics(export);
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        let counted = ["requests", "slow_requests", "aborted_requests", "sent_bytes", "lines.read", "lag_seconds"];
        let counted: Vec<String> = counted.iter().map(|name| format!("spikeline.{name}")).collect();
        assert_eq!(names[0], "http.server.request.duration");
        assert_eq!(names[1..], counted);
        let duration = metrics[0].exponential.as_ref().unwrap();
        assert_eq!((metrics[0].unit.as_str(), duration.temporality), ("s", DELTA));
        let point = &duration.points[0];
        assert_eq!((point.start_nanos, point.nanos), (1_322_661_900_000_000_000, 1_322_661_910_000_000_000));
        assert_eq!((point.count, point.sum, point.zero_count, point.scale), (3, Some(4.0), 1, 5));
        assert_eq!((point.min, point.max), (Some(0.0), Some(3.0)));
        assert_eq!(point.attributes, [attribute("http.route", "app.git")]);
        let of_series = [attribute("http.route", "upstream.a"), attribute("spikeline.series", "upstream")];
        assert_eq!(duration.points[1].attributes, of_series);
        let requests = metrics[1].sum.as_ref().unwrap();
        assert!(requests.is_monotonic && requests.temporality == DELTA);
        let counts: Vec<Option<i64>> = requests.points.iter().map(|point| point.as_int).collect();
        // 2xx, 4xx, and one without a status; of the member 4xx and one without.
        assert_eq!(counts, [Some(2), Some(1), Some(1), Some(1), Some(1)]);
        assert_eq!(requests.points[0].attributes[1], attribute("http.response.status_class", "2xx"));
        assert_eq!(requests.points[2].attributes.len(), 1);
        assert_eq!(metrics[5].sum.as_ref().unwrap().points[0].as_double, Some(7.0));
        let lag = (metrics[6].unit.as_str(), metrics[6].gauge.as_ref().unwrap().points[0].as_double);
        assert_eq!((lag, metrics[6].sum.is_none()), (("s", Some(0.5)), true));
    }

    #[test]
    fn explicit_buckets_have_the_bounds_that_are_asked_for() {
        let form = form(HistogramForm::Explicit(vec![100, 1000]), &[]);
        let mut export = SlotExport::new(&form, SLOT);
        export.add_cell(route("app.git"), &cell(&[100, 101, 5000]));
        let metrics = metrics(export.encode());
        let point = &metrics[0].histogram.as_ref().unwrap().points[0];
        assert_eq!((point.bucket_counts.as_slice(), point.bounds.as_slice()), (&[1, 1, 1][..], &[0.1, 1.0][..]));
        assert_eq!((point.count, point.sum, point.min, point.max), (3, Some(5.201), Some(0.1), Some(5.0)));
        assert!(metrics[0].exponential.is_none());
    }

    #[test]
    fn a_choice_of_routes_leaves_out_the_others_and_nothing_is_no_request() {
        let form = form(HistogramForm::Exponential, &["app.*"]);
        let mut export = SlotExport::new(&form, SLOT);
        export.add_cell(route("static"), &cell(&[1]));
        assert_eq!(export.encode(), EncodedExport::default());
    }
}
