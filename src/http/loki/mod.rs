//! Loki's read API over the store, so that Grafana's Explore shows the lines beside the graph.
//!
//! `logql` parses, `selection` holds a query against the store, `streams` and `counts` answer it, `catalog` says what there is.
//! What is missing of an answer stands in its `warnings`. docs/loki.md lists what is supported; the rest is refused by its name.

mod answer;
mod catalog;
mod counts;
mod labels;
mod logql;
mod selection;
mod streams;
mod times;

use serde_json::json;

use self::answer::{EmptyObject, OnePoint, PointSeries, QueryResult, seconds_json, success};
use self::labels::LabelSet;
use self::logql::LogqlQuery;
use self::times::{NANOS, NanoWindow, time};
use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::{Error, Result};

/// What Loki answers to.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::form("/loki/api/v1/query_range", query_range),
    Endpoint::form("/loki/api/v1/query", query),
    Endpoint::form("/loki/api/v1/labels", catalog::labels),
    Endpoint::form("/loki/api/v1/label", catalog::labels),
    Endpoint::form("/loki/api/v1/label/{name}/values", catalog::label_values),
    Endpoint::form("/loki/api/v1/series", catalog::series),
    Endpoint::form("/loki/api/v1/index/stats", catalog::stats),
    Endpoint::form("/loki/api/v1/index/volume", catalog::volume),
    Endpoint::form("/loki/api/v1/status/buildinfo", build_info),
    Endpoint::get("/loki/api/v1/{call}", unsupported),
    Endpoint::get("/loki/api/v1/index/{call}", unsupported),
    Endpoint::get("/loki/ready", ready),
];

/// `query_range`: lines or counts of a window.
fn query_range(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    match selection::parse_query(query_text(asked)?)? {
        LogqlQuery::Lines(selection) => streams::streams(asked, reader, &selection),
        LogqlQuery::Counts(query) => counts::matrix(asked, reader, &query),
        LogqlQuery::Constant(number) => {
            let window = NanoWindow::of(asked)?;
            let step = i64::try_from(times::step(asked, window)?.as_nanos()).unwrap_or(i64::MAX).max(1);
            if (window.end - window.start) / step > 11_000 {
                return Err(Error::usage("exceeded maximum resolution of 11,000 points per time series"));
            }
            let mut values = Vec::new();
            let mut at = window.start;
            while at <= window.end {
                values.push((seconds_json(at.div_euclid(NANOS))?, number.to_string()));
                at = at.saturating_add(step);
            }
            let result = vec![PointSeries { metric: LabelSet::new(), values }];
            success(QueryResult { result_type: "matrix", result, stats: EmptyObject {} }, Vec::new())
        }
    }
}

/// `query`: counts at one time, or the number by which Grafana asks whether anyone is there.
fn query(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    match selection::parse_query(query_text(asked)?)? {
        LogqlQuery::Lines(_) => Err(Error::usage(
            "log queries are not supported as an instant query type, please change your query to a range query type",
        )),
        LogqlQuery::Counts(query) => counts::vector(asked, reader, &query),
        LogqlQuery::Constant(number) => {
            let at = time(asked, "time", asked.now.0.saturating_mul(NANOS))?.div_euclid(NANOS);
            let result = vec![OnePoint { metric: LabelSet::new(), value: (seconds_json(at)?, number.to_string()) }];
            success(QueryResult { result_type: "vector", result, stats: EmptyObject {} }, Vec::new())
        }
    }
}

fn query_text(asked: &Asked) -> Result<&str> {
    asked.value("query").ok_or_else(|| {
        Error::usage("`query` is missing").remedy("for example ?query={route=~\".+\"}&start=..&end=.., percent-encoded")
    })
}

/// The version of Loki whose API this is, as Grafana asks for it.
fn build_info(_asked: &Asked, _reader: &Reader<'_>) -> Result<Reply> {
    Reply::json(&json!({
        "version": "3.0.0", "revision": "", "branch": "", "buildUser": "spikeline", "buildDate": "", "goVersion": ""
    }))
}

/// What Loki has and this has not.
fn unsupported(asked: &Asked, _reader: &Reader<'_>) -> Result<Reply> {
    Ok(Reply::text(404, format!("`{}` of Loki is not supported here\n", asked.path_value.escape_debug())))
}

fn ready(_asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    reader.view()?;
    Ok(Reply::text(200, "ready\n"))
}
