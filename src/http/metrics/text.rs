//! Prometheus' text format, and OpenMetrics, which adds exemplars.

use std::fmt::Write;

use super::exposition::{HistogramValue, MetricFamily, MetricKind, MetricLabel, MetricValue, in_seconds};

/// The families, in one of the two.
pub(super) fn written(families: &[MetricFamily], open_metrics: bool) -> String {
    let mut out = MetricText { text: String::new(), open_metrics };
    for family in families {
        out.family(family);
    }
    if open_metrics {
        out.text.push_str("# EOF\n");
    }
    out.text
}

struct MetricText {
    text: String,
    open_metrics: bool,
}

impl MetricText {
    fn family(&mut self, family: &MetricFamily) {
        let MetricFamily { name, kind, help, samples } = family;
        let word = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let total = if *kind == MetricKind::Counter { "_total" } else { "" };
        let suffix = if self.open_metrics { "" } else { total };
        self.put(format_args!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {word}\n"));
        for sample in samples {
            match &sample.value {
                MetricValue::Number(value) => {
                    self.series(&format!("{name}{total}"), &sample.labels, None);
                    self.put(format_args!(" {value}\n"));
                }
                MetricValue::Histogram(histogram) => self.histogram(name, &sample.labels, histogram),
            }
        }
    }

    fn histogram(&mut self, name: &str, labels: &[MetricLabel], histogram: &HistogramValue) {
        let bucket_name = format!("{name}_bucket");
        for bucket in &histogram.buckets {
            let bound = bucket.bound_ms.map_or_else(|| "+Inf".to_owned(), |bound| self.bound(bound));
            self.series(&bucket_name, labels, Some(&bound));
            self.put(format_args!(" {}", bucket.count));
            if let Some(exemplar) = bucket.exemplar.as_ref().filter(|held| self.open_metrics && held.is_short_enough())
            {
                let (link, seconds) = (escaped(&exemplar.link), in_seconds(exemplar.millis));
                let ended = in_seconds(exemplar.ended.unsigned_abs());
                self.put(format_args!(" # {{at=\"{link}\"}} {seconds} {ended}"));
            }
            self.text.push('\n');
        }
        self.series(&format!("{name}_sum"), labels, None);
        self.put(format_args!(" {}\n", in_seconds(histogram.sum_ms)));
        self.series(&format!("{name}_count"), labels, None);
        self.put(format_args!(" {}\n", histogram.count));
    }

    /// A bound: in OpenMetrics a number with a point in it, so that it is the same text in all forms.
    fn bound(&self, bound_ms: u64) -> String {
        let seconds = in_seconds(bound_ms);
        if self.open_metrics && bound_ms.is_multiple_of(1000) { format!("{seconds}.0") } else { seconds.to_string() }
    }

    fn series(&mut self, name: &str, labels: &[MetricLabel], bound: Option<&str>) {
        self.text.push_str(name);
        let mut before = '{';
        for label in labels {
            let value = escaped(&label.value);
            self.put(format_args!("{before}{}=\"{value}\"", label.name));
            before = ',';
        }
        if let Some(bound) = bound {
            self.put(format_args!("{before}le=\"{bound}\""));
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _written = self.text.write_fmt(what);
    }
}

/// A label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::accepted_form::AcceptedForm;
    use super::super::exposition::{Exemplar, Exposition, MetricBucket};
    use super::*;

    fn text_of(form: AcceptedForm) -> String {
        let mut out = Exposition::new(form);
        out.family("a_lines", MetricKind::Counter, "Lines.");
        out.value(&[("log", "/a\"b\\c\n")], 3.0);
        out.family("b", MetricKind::Histogram, "Times.");
        let exemplar = Exemplar { link: "m=x&t=1".to_owned(), millis: 2500, ended: 1_322_661_900_400 };
        let bucket = |bound_ms, exemplar| MetricBucket { bound_ms, count: 7, exemplar };
        let buckets = vec![bucket(Some(1000), None), bucket(None, Some(exemplar))];
        out.histogram(&[], HistogramValue { buckets, sum_ms: 2500, count: 7, durations: Vec::new() });
        out.family("c", MetricKind::Gauge, "Nothing.");
        written(&out.into_families(), form == AcceptedForm::OpenMetrics)
    }

    #[test]
    fn both_forms_are_as_prometheus_reads_them() {
        let plain = "# HELP a_lines_total Lines.\n# TYPE a_lines_total counter\na_lines_total{log=\"/a\\\"b\\\\c\\n\"} 3\n\
                     # HELP b Times.\n# TYPE b histogram\nb_bucket{le=\"1\"} 7\nb_bucket{le=\"+Inf\"} 7\nb_sum 2.5\nb_count 7\n";
        assert_eq!(text_of(AcceptedForm::Text), plain);
        let open = "# HELP a_lines Lines.\n# TYPE a_lines counter\na_lines_total{log=\"/a\\\"b\\\\c\\n\"} 3\n\
                    # HELP b Times.\n# TYPE b histogram\nb_bucket{le=\"1.0\"} 7\n\
                    b_bucket{le=\"+Inf\"} 7 # {at=\"m=x&t=1\"} 2.5 1322661900.4\nb_sum 2.5\nb_count 7\n# EOF\n";
        assert_eq!(text_of(AcceptedForm::OpenMetrics), open);
    }
}
