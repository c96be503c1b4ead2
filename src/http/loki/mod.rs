//! Loki's read API over the store, so that Grafana's Explore shows the lines beside the graph.

use serde_json::json;

use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::Result;

/// What Loki answers to.
pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint::form("/loki/api/v1/status/buildinfo", build_info)];

/// The version of Loki whose API this is, as Grafana asks for it.
fn build_info(_asked: &Asked, _reader: &Reader<'_>) -> Result<Reply> {
    Reply::json(&json!({
        "version": "3.0.0", "revision": "", "branch": "", "buildUser": "spikeline", "buildDate": "", "goVersion": ""
    }))
}
