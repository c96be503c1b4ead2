//! What there is: labels, their values, streams, and how much.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::answer::success;
use super::counts::vector_at;
use super::labels::{LABELS, LabelSet, label_set};
use super::logql::{Aggregation, LogqlQuery, MetricFunction, MetricQuery, Reduction};
use super::selection::{Selected, parse_query};
use super::times::{NANOS, NanoWindow};
use crate::error::{Error, Result};
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::http::reply::Reply;
use crate::pipeline::WindowLacks;
use crate::route::RouteId;
use crate::store::WindowMatch;

/// `/loki/api/v1/labels`.
pub(super) fn labels(_asked: &Asked, _reader: &Reader<'_>) -> Result<Reply> {
    success(LABELS, Vec::new())
}

/// `/loki/api/v1/label/NAME/values`.
pub(super) fn label_values(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let mut values = BTreeSet::new();
    let (sets, missing) = label_sets(asked, reader, "query")?;
    for mut labels in sets {
        values.extend(labels.remove(&asked.path_value));
    }
    success(values, missing)
}

/// `/loki/api/v1/series`.
pub(super) fn series(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let name = if asked.value("match[]").is_some() { "match[]" } else { "match" };
    let (sets, missing) = label_sets(asked, reader, name)?;
    success(sets, missing)
}

/// The label sets of the window's requests, of those that the parameter's queries select.
fn label_sets(asked: &Asked, reader: &Reader<'_>, parameter: &str) -> Result<(BTreeSet<LabelSet>, Vec<String>)> {
    let (window, view) = (NanoWindow::of(asked)?.window(), reader.view()?);
    let mut queries = Vec::new();
    for text in asked.values(parameter).filter(|text| !text.trim().is_empty() && text.trim() != "{}") {
        match parse_query(text)? {
            LogqlQuery::Lines(selection) => queries.push(selection),
            _ => return Err(Error::usage(format!("{parameter}: `{text}` selects no streams"))),
        }
    }
    let mut selected = Vec::new();
    for selection in &queries {
        selected.push(Selected::new(selection, reader)?);
    }
    let mut sets = BTreeSet::new();
    let mut totals = view.totals(window, None)?;
    let mut names: BTreeMap<RouteId, &str> = view.routes().into_iter().collect();
    // Of series those that a query names.
    let members: BTreeMap<RouteId, &str> = view.members().into_iter().collect();
    let is_named = |id: &RouteId| selected.iter().any(|selected| selected.routes.iter().any(|(of, _)| of == id));
    let named: Vec<RouteId> = members.keys().copied().filter(is_named).collect();
    if !named.is_empty() {
        totals.extend(view.totals(window, Some(&named))?);
        names.extend(members);
    }
    for (route, cell) in totals {
        let Some(name) = names.get(&route) else { continue };
        let classified: u64 = cell.status.iter().sum();
        let [first, second, third, fourth, fifth] = cell.status;
        let counts = [cell.requests.saturating_sub(classified), first, second, third, fourth, fifth];
        for (class, count) in (0u16..).zip(counts) {
            // What depends on more than that may be selected.
            let may_fit = |selected: &Selected<'_>| {
                selected.routes.iter().any(|(id, _)| *id == route) && selected.fits_class(name, class) != Some(false)
            };
            if count > 0 && (selected.is_empty() || selected.iter().any(may_fit)) {
                sets.insert(label_set(&reader.site().host, name, class * 100));
            }
        }
    }
    let WindowLacks { missing, .. } = reader.lacks(window)?;
    Ok((sets, missing))
}

/// `/loki/api/v1/index/stats`: what a query would have to read.
pub(super) fn stats(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let window = NanoWindow::of(asked)?.window();
    let selection = selection_of(asked)?;
    let selected = Selected::new(&selection, reader)?;
    let routes: Vec<RouteId> = selected.routes.iter().map(|(id, _)| *id).collect();
    let view = reader.view()?;
    let (mut entries, mut streams, mut bytes, mut chunks) = (0, 0, 0, 0);
    if !routes.is_empty() {
        for (_, cell) in view.totals(window, Some(&routes))? {
            entries += cell.requests;
            streams += cell.status.iter().filter(|count| **count > 0).count();
        }
        for block in view.blocks(window, WindowMatch::End, Some(&routes))? {
            chunks += 1;
            bytes += block.until.saturating_sub(block.first);
        }
    }
    Reply::json(&json!({ "streams": streams, "chunks": chunks, "entries": entries, "bytes": bytes }))
}

/// `/loki/api/v1/index/volume`: the bytes of the lines themselves, which are read for it.
pub(super) fn volume(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let window = NanoWindow::of(asked)?;
    let selection = selection_of(asked)?;
    let mut labels: Vec<String> = Vec::new();
    for name in asked.value("targetLabels").unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        labels.push(name.to_owned());
    }
    if labels.is_empty() {
        labels = selection.matchers.iter().map(|matcher| matcher.label.clone()).collect();
    }
    let range = Duration::from_nanos(window.end.abs_diff(window.start)).max(Duration::from_millis(1));
    let aggregation = Some(Aggregation { reduction: Reduction::Sum, labels, without: false });
    let query = MetricQuery { aggregation, function: MetricFunction::BytesOverTime, selection, range };
    vector_at(reader, &query, window.end.div_euclid(NANOS))
}

/// The selector of `query`.
fn selection_of(asked: &Asked) -> Result<super::logql::LogSelection> {
    let text = asked.value("query").ok_or_else(|| Error::usage("`query` is missing"))?;
    match parse_query(text)? {
        LogqlQuery::Lines(selection) => Ok(selection),
        LogqlQuery::Counts(query) => Ok(query.selection),
        LogqlQuery::Constant(_) => Err(Error::usage(format!("query: `{text}` selects no streams"))),
    }
}
