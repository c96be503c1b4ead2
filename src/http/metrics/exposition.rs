//! Prometheus' text format, and OpenMetrics, which adds exemplars.

use std::fmt::Write;

use crate::http::reply::Reply;

/// What kind of metric a family is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Families of metrics while they are written.
pub(super) struct Exposition {
    text: String,
    open_metrics: bool,
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

/// OpenMetrics lets the labels of an exemplar be so long.
const LONGEST_EXEMPLAR: usize = 128;

impl Exposition {
    pub(super) fn new(open_metrics: bool) -> Exposition {
        Exposition { text: String::new(), open_metrics }
    }

    /// Begin a family; the name of a counter without `_total`.
    pub(super) fn family(&mut self, name: &str, kind: MetricKind, help: &str) {
        let word = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let suffix = if kind == MetricKind::Counter && !self.open_metrics { "_total" } else { "" };
        self.put(format_args!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {word}\n"));
    }

    /// A value of the family begun last; the name with its suffix.
    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.series(name, labels);
        self.put(format_args!(" {value}\n"));
    }

    /// A bucket, with one of its requests.
    pub(super) fn bucket(&mut self, name: &str, labels: &[(&str, &str)], count: u64, exemplar: Option<&Exemplar>) {
        self.series(name, labels);
        self.put(format_args!(" {count}"));
        if let Some(Exemplar { link, millis, ended }) = exemplar.filter(|_| self.open_metrics)
            && "at".len() + link.len() <= LONGEST_EXEMPLAR
        {
            let link = escaped(link);
            self.put(format_args!(" # {{at=\"{link}\"}} {} {}", in_seconds(*millis), in_seconds(ended.unsigned_abs())));
        }
        self.text.push('\n');
    }

    /// The answer.
    pub(super) fn reply(mut self) -> Reply {
        if self.open_metrics {
            self.text.push_str("# EOF\n");
            return Reply::of("application/openmetrics-text; version=1.0.0; charset=utf-8", self.text);
        }
        Reply::of("text/plain; version=0.0.4; charset=utf-8", self.text)
    }

    fn series(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.text.push_str(name);
        for (number, (label, value)) in labels.iter().enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let value = escaped(value);
            self.put(format_args!("{before}{label}=\"{value}\""));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _written = self.text.write_fmt(what);
    }
}

/// Milliseconds as seconds.
pub(super) fn in_seconds(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(open_metrics: bool) -> String {
        let mut out = Exposition::new(open_metrics);
        out.family("a_lines", MetricKind::Counter, "Lines.");
        out.value("a_lines_total", &[("log", "/a\"b\\c\n")], 3.0);
        let exemplar = Exemplar { link: "m=x&t=1".to_owned(), millis: 2500, ended: 1_322_661_900_400 };
        out.bucket("b_bucket", &[("le", "+Inf")], 7, Some(&exemplar));
        String::from_utf8(out.reply().body).unwrap()
    }

    #[test]
    fn both_forms_are_as_prometheus_reads_them() {
        let plain = "# HELP a_lines_total Lines.\n# TYPE a_lines_total counter\na_lines_total{log=\"/a\\\"b\\\\c\\n\"} 3\n\
                     b_bucket{le=\"+Inf\"} 7\n";
        assert_eq!(written(false), plain);
        let open = "# HELP a_lines Lines.\n# TYPE a_lines counter\na_lines_total{log=\"/a\\\"b\\\\c\\n\"} 3\n\
                    b_bucket{le=\"+Inf\"} 7 # {at=\"m=x&t=1\"} 2.5 1322661900.4\n# EOF\n";
        assert_eq!(written(true), open);
    }

    #[test]
    fn seconds_have_no_zeros_behind() {
        assert_eq!((in_seconds(0), in_seconds(2500), in_seconds(10_000)), ("0".into(), "2.5".into(), "10".into()));
    }
}
