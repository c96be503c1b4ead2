//! Loki's JSON, in the order of keys that Grafana reads it in.

use serde::Serialize;
use serde_json::value::RawValue;

use super::labels::LabelSet;
use crate::error::{Error, Result};
use crate::http::reply::Reply;

/// An answer.
#[derive(Serialize)]
struct Answered<T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What a query gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryResult<T> {
    /// `streams`, `matrix` or `vector`.
    pub(super) result_type: &'static str,
    pub(super) result: Vec<T>,
    pub(super) stats: EmptyObject,
}

/// `{}`.
#[derive(Serialize, Default)]
pub(super) struct EmptyObject {}

/// Lines of the same labels.
#[derive(Serialize)]
pub(super) struct LokiStream {
    pub(super) stream: LabelSet,
    /// Nanoseconds and line.
    pub(super) values: Vec<[String; 2]>,
}

/// Points of the same labels.
#[derive(Serialize)]
pub(super) struct PointSeries {
    pub(super) metric: LabelSet,
    /// Seconds and value.
    pub(super) values: Vec<(Box<RawValue>, String)>,
}

/// The same at one time.
#[derive(Serialize)]
pub(super) struct OnePoint {
    pub(super) metric: LabelSet,
    pub(super) value: (Box<RawValue>, String),
}

/// A time in seconds, as JSON.
pub(super) fn seconds_json(millis: i64) -> Result<Box<RawValue>> {
    let (whole, rest) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let text = if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}") };
    RawValue::from_string(text).map_err(|error| Error::failed(error.to_string()))
}

/// 200 with `data`; what is missing stands in `warnings`, and its number in a header.
pub(super) fn success(data: impl Serialize, missing: Vec<String>) -> Result<Reply> {
    let count = missing.len();
    let reply = Reply::json(&Answered { status: "success", data, warnings: missing })?;
    Ok(if count > 0 { reply.with("X-Spikeline-Missing", count.to_string()) } else { reply })
}
