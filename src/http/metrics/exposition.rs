//! Families of metrics as they are gathered, before they are written in the form that was asked for.

use super::accepted_form::AcceptedForm;

/// What kind of metric a family is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Families of metrics while they are gathered.
pub(super) struct Exposition {
    form: AcceptedForm,
    families: Vec<MetricFamily>,
}

/// Metrics of one name.
#[derive(Debug)]
pub(super) struct MetricFamily {
    /// Of a counter without `_total`.
    pub(super) name: String,
    pub(super) kind: MetricKind,
    pub(super) help: &'static str,
    pub(super) samples: Vec<MetricSample>,
}

/// One metric of a family.
#[derive(Debug)]
pub(super) struct MetricSample {
    pub(super) labels: Vec<MetricLabel>,
    pub(super) value: MetricValue,
}

#[derive(Debug)]
pub(super) struct MetricLabel {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Debug)]
pub(super) enum MetricValue {
    Number(f64),
    Histogram(HistogramValue),
}

/// A histogram, in seconds.
#[derive(Debug, Default)]
pub(super) struct HistogramValue {
    /// By their bounds; a bucket holds what those below hold as well. The last one has no bound.
    pub(super) buckets: Vec<MetricBucket>,
    pub(super) sum_ms: u64,
    pub(super) count: u64,
    /// How often each duration came, in milliseconds, the least first: for a native histogram.
    pub(super) durations: Vec<(u64, u64)>,
}

/// One bucket of a histogram.
#[derive(Debug)]
pub(super) struct MetricBucket {
    /// Its bound in milliseconds; none is infinity.
    pub(super) bound_ms: Option<u64>,
    pub(super) count: u64,
    pub(super) exemplar: Option<Exemplar>,
}

/// One request of a bucket, by which to find it again.
#[derive(Debug, Clone)]
pub(super) struct Exemplar {
    /// What stands behind `/at?`.
    pub(super) link: String,
    /// How long it took, in milliseconds.
    pub(super) millis: u64,
    /// When it ended, in milliseconds since the epoch.
    pub(super) ended: i64,
}

/// OpenMetrics lets the labels of an exemplar be so many characters long.
const LONGEST_EXEMPLAR: usize = 128;

impl Exemplar {
    /// Whether it may be sent.
    pub(super) fn is_short_enough(&self) -> bool {
        "at".len() + self.link.chars().count() <= LONGEST_EXEMPLAR
    }
}

impl Exposition {
    pub(super) fn new(form: AcceptedForm) -> Exposition {
        Exposition { form, families: Vec::new() }
    }

    /// Begin a family; the name of a counter without `_total`.
    pub(super) fn family(&mut self, name: &str, kind: MetricKind, help: &'static str) {
        self.families.push(MetricFamily { name: name.to_owned(), kind, help, samples: Vec::new() });
    }

    /// A value of the family begun last.
    pub(super) fn value(&mut self, labels: &[(&'static str, &str)], value: f64) {
        self.add(labels, MetricValue::Number(value));
    }

    /// A histogram of the family begun last.
    pub(super) fn histogram(&mut self, labels: &[(&'static str, &str)], histogram: HistogramValue) {
        self.add(labels, MetricValue::Histogram(histogram));
    }

    fn add(&mut self, labels: &[(&'static str, &str)], value: MetricValue) {
        let labels = labels.iter().map(|(name, value)| MetricLabel { name, value: (*value).to_owned() }).collect();
        if let Some(family) = self.families.last_mut() {
            family.samples.push(MetricSample { labels, value });
        }
    }

    /// Whether exemplars can be sent.
    pub(super) fn takes_exemplars(&self) -> bool {
        self.form != AcceptedForm::Text
    }

    /// What was gathered. A family without a metric is left out.
    pub(super) fn into_families(mut self) -> Vec<MetricFamily> {
        self.families.retain(|family| !family.samples.is_empty());
        self.families
    }
}

/// Milliseconds as seconds.
pub(super) fn in_seconds(millis: u64) -> f64 {
    in_floating(millis) / 1000.0
}

/// Metrics are floating point numbers.
pub(super) fn in_floating(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
    let value = count as f64;
    value
}
