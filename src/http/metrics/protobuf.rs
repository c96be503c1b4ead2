//! `io.prometheus.client.MetricFamily`, delimited: the form in which Prometheus takes native histograms.
//!
//! Numbers of fields are those of `metrics.proto` of prometheus/client_model. A native histogram has its buckets by powers of
//! 2^(1/16): the one of number `i` holds what is over 2^((i-1)/16) s, up to 2^(i/16) s.

use prost::Message;

use super::exposition::{HistogramValue, MetricFamily, MetricKind, MetricValue, in_floating, in_seconds};

/// A bucket is 2^(1/16) as wide as the one below: 4.4 %.
const SCHEMA: i32 = 4;

/// What is at most so long, in seconds, is in the bucket of zero: nginx logs whole milliseconds.
const ZERO_THRESHOLD: f64 = 0.000_5;

/// The families, each behind its length.
pub(super) fn written(families: &[MetricFamily]) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families {
        out.extend(family_message(family).encode_length_delimited_to_vec());
    }
    out
}

#[derive(Clone, PartialEq, Message)]
struct FamilyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    /// 0 counter, 1 gauge, 4 histogram.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<MetricMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelMessage>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<NumberMessage>,
    #[prost(message, optional, tag = "3")]
    counter: Option<NumberMessage>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct NumberMessage {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramMessage {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<BucketMessage>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    spans: Vec<SpanMessage>,
    /// Each count less the one before.
    #[prost(sint64, repeated, tag = "13")]
    deltas: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketMessage {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<ExemplarMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelMessage>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    time: Option<TimeMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeMessage {
    #[prost(int64, optional, tag = "1")]
    seconds: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    nanos: Option<i32>,
}

/// So many buckets behind each other, after so many empty ones.
#[derive(Clone, PartialEq, Message)]
struct SpanMessage {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

fn family_message(family: &MetricFamily) -> FamilyMessage {
    let (kind, total) = match family.kind {
        MetricKind::Counter => (0, "_total"),
        MetricKind::Gauge => (1, ""),
        MetricKind::Histogram => (4, ""),
    };
    let mut metrics = Vec::new();
    for sample in &family.samples {
        let label = |name: &str, value: &str| LabelMessage { name: name.to_owned(), value: value.to_owned() };
        let labels = sample.labels.iter().map(|held| label(held.name, &held.value)).collect();
        let mut metric = MetricMessage { labels, ..MetricMessage::default() };
        match (&sample.value, family.kind) {
            (MetricValue::Number(value), MetricKind::Counter) => {
                metric.counter = Some(NumberMessage { value: Some(*value) });
            }
            (MetricValue::Number(value), _) => metric.gauge = Some(NumberMessage { value: Some(*value) }),
            (MetricValue::Histogram(histogram), _) => metric.histogram = Some(histogram_message(histogram)),
        }
        metrics.push(metric);
    }
    FamilyMessage { name: format!("{}{total}", family.name), help: family.help.to_owned(), kind: Some(kind), metrics }
}

fn histogram_message(histogram: &HistogramValue) -> HistogramMessage {
    let mut buckets = Vec::new();
    for bucket in &histogram.buckets {
        let exemplar = bucket.exemplar.as_ref().filter(|held| held.is_short_enough()).map(|held| ExemplarMessage {
            labels: vec![LabelMessage { name: "at".to_owned(), value: held.link.clone() }],
            value: Some(in_seconds(held.millis)),
            time: Some(TimeMessage {
                seconds: Some(held.ended.div_euclid(1000)),
                nanos: i32::try_from(held.ended.rem_euclid(1000) * 1_000_000).ok(),
            }),
        });
        let bound = bucket.bound_ms.map_or(f64::INFINITY, in_seconds);
        buckets.push(BucketMessage { count: Some(bucket.count), bound: Some(bound), exemplar });
    }
    let (spans, deltas) = native_buckets(&histogram.durations);
    let zeros = histogram.durations.iter().filter(|(millis, _)| *millis == 0).map(|(_, count)| count).sum();
    HistogramMessage {
        count: Some(histogram.count),
        sum: Some(in_seconds(histogram.sum_ms)),
        buckets,
        schema: Some(SCHEMA),
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(zeros),
        spans,
        deltas,
    }
}

/// The buckets of durations that are not zero, the least first.
fn native_buckets(durations: &[(u64, u64)]) -> (Vec<SpanMessage>, Vec<i64>) {
    let mut counts: Vec<(i32, i64)> = Vec::new();
    for (millis, count) in durations.iter().filter(|(millis, count)| *millis > 0 && *count > 0) {
        let (number, count) = (native_number(*millis), i64::try_from(*count).unwrap_or(i64::MAX));
        match counts.last_mut() {
            Some((last, held)) if *last == number => *held = held.saturating_add(count),
            _ => counts.push((number, count)),
        }
    }
    let (mut spans, mut deltas): (Vec<SpanMessage>, Vec<i64>) = (Vec::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for (number, count) in counts {
        match spans.last_mut() {
            Some(SpanMessage { length: Some(length), .. }) if number == next => *length += 1,
            _ => spans.push(SpanMessage { offset: Some(number - next), length: Some(1) }),
        }
        deltas.push(count - before);
        (next, before) = (number + 1, count);
    }
    (spans, deltas)
}

/// The number of the bucket that a duration is in.
fn native_number(millis: u64) -> i32 {
    let per_octave = in_floating(1 << SCHEMA);
    let number = (in_seconds(millis).log2() * per_octave).ceil();
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a 64 bit number, times 16")]
    let number = number as i32;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_buckets_hold_what_lies_between_their_bounds() {
        for millis in [1u64, 2, 7, 99, 100, 125, 250, 500, 501, 999, 1000, 1001, 2000, 4000, 60_000, 3_600_000] {
            let number = f64::from(native_number(millis));
            let (below, up_to) = (2f64.powf((number - 1.0) / 16.0), 2f64.powf(number / 16.0));
            let seconds = in_seconds(millis);
            assert!(below < seconds && seconds <= up_to, "{millis} ms: {below} .. {up_to}");
        }
        assert_eq!((native_number(1000), native_number(500), native_number(2000)), (0, -16, 16));
    }

    #[test]
    fn spans_and_differences_say_where_the_counts_are() {
        // 1000 ms is in bucket 0, 1001 and 1040 ms in 1, 2000 ms in 16.
        let (spans, deltas) = native_buckets(&[(0, 9), (1000, 5), (1001, 1), (1040, 2), (2000, 4)]);
        let spans: Vec<(i32, u32)> = spans.iter().map(|span| (span.offset.unwrap(), span.length.unwrap())).collect();
        assert_eq!((spans, deltas), (vec![(0, 2), (14, 1)], vec![5, -2, 1]));
    }

    #[test]
    fn a_family_reads_back() {
        let histogram =
            HistogramValue { durations: vec![(0, 1), (1500, 2)], sum_ms: 3000, count: 3, ..HistogramValue::default() };
        let sample =
            super::super::exposition::MetricSample { labels: Vec::new(), value: MetricValue::Histogram(histogram) };
        let family =
            MetricFamily { name: "h".to_owned(), kind: MetricKind::Histogram, help: "Times.", samples: vec![sample] };
        let bytes = written(&[family]);
        let read = FamilyMessage::decode_length_delimited(bytes.as_slice()).unwrap();
        let histogram = read.metrics[0].histogram.as_ref().unwrap();
        assert_eq!(
            (read.name.as_str(), read.kind, histogram.zero_count, histogram.count),
            ("h", Some(4), Some(1), Some(3))
        );
        assert_eq!(histogram.deltas, [2]);
    }
}
