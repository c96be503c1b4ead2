//! The messages of OTLP that are written and read, by the numbers of their fields in opentelemetry-proto 1 (`metrics.proto`,
//! `metrics_service.proto`, `common.proto`, `resource.proto`) and of `google.rpc.Status`.
//!
//! Of a `oneof` at most one field is set; on the wire that is the same.

use prost::Message;

/// `AGGREGATION_TEMPORALITY_DELTA`.
pub(super) const DELTA: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportRequestProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_metrics: Vec<ResourceMetricsProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceMetricsProto {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<ResourceProto>,
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_metrics: Vec<ScopeMetricsProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<KeyValueProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValueProto {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValueProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValueProto {
    #[prost(string, optional, tag = "1")]
    pub(super) text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeMetricsProto {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<ScopeProto>,
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<MetricProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) description: String,
    #[prost(string, tag = "3")]
    pub(super) unit: String,
    #[prost(message, optional, tag = "5")]
    pub(super) gauge: Option<GaugeProto>,
    #[prost(message, optional, tag = "7")]
    pub(super) sum: Option<SumProto>,
    #[prost(message, optional, tag = "9")]
    pub(super) histogram: Option<HistogramProto>,
    #[prost(message, optional, tag = "10")]
    pub(super) exponential: Option<ExponentialProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GaugeProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) points: Vec<NumberPointProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SumProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) points: Vec<NumberPointProto>,
    #[prost(int32, tag = "2")]
    pub(super) temporality: i32,
    #[prost(bool, tag = "3")]
    pub(super) is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) points: Vec<HistogramPointProto>,
    #[prost(int32, tag = "2")]
    pub(super) temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExponentialProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) points: Vec<ExponentialPointProto>,
    #[prost(int32, tag = "2")]
    pub(super) temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NumberPointProto {
    #[prost(fixed64, tag = "2")]
    pub(super) start_nanos: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) nanos: u64,
    #[prost(double, optional, tag = "4")]
    pub(super) as_double: Option<f64>,
    #[prost(sfixed64, optional, tag = "6")]
    pub(super) as_int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<KeyValueProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramPointProto {
    #[prost(fixed64, tag = "2")]
    pub(super) start_nanos: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) nanos: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(super) sum: Option<f64>,
    #[prost(fixed64, repeated, tag = "6")]
    pub(super) bucket_counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) bounds: Vec<f64>,
    #[prost(message, repeated, tag = "9")]
    pub(super) attributes: Vec<KeyValueProto>,
    #[prost(double, optional, tag = "11")]
    pub(super) min: Option<f64>,
    #[prost(double, optional, tag = "12")]
    pub(super) max: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExponentialPointProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<KeyValueProto>,
    #[prost(fixed64, tag = "2")]
    pub(super) start_nanos: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) nanos: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(super) sum: Option<f64>,
    #[prost(sint32, tag = "6")]
    pub(super) scale: i32,
    #[prost(fixed64, tag = "7")]
    pub(super) zero_count: u64,
    #[prost(message, optional, tag = "8")]
    pub(super) positive: Option<BucketsProto>,
    #[prost(double, optional, tag = "12")]
    pub(super) min: Option<f64>,
    #[prost(double, optional, tag = "13")]
    pub(super) max: Option<f64>,
    #[prost(double, tag = "14")]
    pub(super) zero_threshold: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BucketsProto {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint64, repeated, tag = "2")]
    pub(super) counts: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportResponseProto {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccessProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccessProto {
    #[prost(int64, tag = "1")]
    pub(super) rejected_points: i64,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// `google.rpc.Status`, the body of an answer that is no success.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusProto {
    #[prost(string, tag = "2")]
    pub(super) message: String,
}
