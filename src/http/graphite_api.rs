//! Graphite's read API over the store: what `graphite` makes of the parameters, as replies.

use serde_json::{Map, Value};

use super::asked::Asked;
use super::endpoint::Endpoint;
use super::kept_events::list_events;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::Result;
use crate::graphite::browse;
use crate::graphite::functions::table::FUNCTIONS;
use crate::graphite::render::{RenderRequest, StoredSeries};
use crate::graphite::rendered::rendered;
use crate::time::NamedZone;

/// What Graphite answers to.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::fixed("/version", version),
    Endpoint::fixed("/functions", functions),
    Endpoint::fixed("/functions/", functions),
    Endpoint::form("/render", render_series),
    Endpoint::form("/render/", render_series),
    Endpoint::form("/metrics/find", find),
    Endpoint::form("/metrics/find/", find),
    Endpoint::form("/metrics/expand", expand),
    Endpoint::form("/metrics/expand/", expand),
    Endpoint::get("/metrics/index.json", index),
    Endpoint::form("/tags/autoComplete/tags", complete_tags),
    Endpoint::form("/tags/autoComplete/values", complete_values),
    Endpoint::form("/tags/findSeries", find_series),
    Endpoint::get("/events/get_data", list_events),
];

/// The version of Graphite whose API this is, as Grafana asks for it.
fn version(_asked: &Asked) -> Reply {
    Reply::text(200, "1.1.10")
}

/// The functions of targets, by name.
fn functions(_asked: &Asked) -> Reply {
    let mut described = Map::new();
    for function in FUNCTIONS {
        described.insert(function.name.to_owned(), function.described());
    }
    Reply::of("application/json", Value::Object(described).to_string())
}

fn stored<'r>(reader: &'r Reader<'_>) -> Result<StoredSeries<'r>> {
    StoredSeries::new(reader.view()?, &reader.site().namings)
}

fn render_series(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let request = RenderRequest::read(&asked.parameters, asked.now, NamedZone::Local)?;
    let text = rendered(&request, &stored(reader)?, &|| asked.is_late())?;
    Ok(Reply::of(text.content_type, text.text))
}

fn find(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let store = stored(reader)?;
    let is_true = |name| asked.value(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
    let is_completer = asked.value("format") == Some("completer");
    Reply::json(&browse::find(
        &store.catalog,
        asked.value("query").unwrap_or("*"),
        is_completer,
        is_true("leavesOnly"),
    )?)
}

fn expand(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let queries: Vec<&str> = asked.values("query").collect();
    let is_true = |name| asked.value(name) == Some("1");
    let store = stored(reader)?;
    Reply::json(&browse::expand(&store.catalog, &queries, is_true("groupByExpr"), is_true("leavesOnly"), &|| {
        asked.is_late()
    })?)
}

fn index(_asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    Reply::json(&browse::index(&stored(reader)?.catalog)?)
}

/// The expressions of tags, also as Rails and jQuery name them.
fn expressions(asked: &Asked) -> Vec<&str> {
    asked.values("expr").chain(asked.values("expr[]")).filter(|text| !text.is_empty()).collect()
}

fn limit(asked: &Asked) -> Option<usize> {
    asked.value("limit").and_then(|text| text.parse().ok())
}

fn complete_tags(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let prefix = asked.value("tagPrefix").unwrap_or_default();
    let store = stored(reader)?;
    Reply::json(&browse::complete_tags(&store.catalog, &expressions(asked), prefix, limit(asked))?)
}

fn complete_values(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let (tag, prefix) = (asked.value("tag").unwrap_or_default(), asked.value("valuePrefix").unwrap_or_default());
    let store = stored(reader)?;
    Reply::json(&browse::complete_values(&store.catalog, &expressions(asked), tag, prefix, limit(asked))?)
}

fn find_series(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    Reply::json(&browse::find_series(&stored(reader)?.catalog, &expressions(asked))?)
}
