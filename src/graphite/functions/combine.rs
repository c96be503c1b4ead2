//! Functions that make one series of several.

use super::arguments::{CallArguments, NodeOrTag, short_number};
use super::names::key_of;
use super::row_statistics::{RowStatistic, percentile};
use super::rows::{aggregated, aligned, paths_of};
use crate::error::{Error, Result};
use crate::graphite::render::{Evaluation, GraphSeries, is_exact_when_merged};

/// A statistic by its name.
pub(super) fn statistic(word: &str) -> Result<RowStatistic> {
    RowStatistic::named(word).ok_or_else(|| {
        Error::usage(format!("`{word}` is no aggregation"))
            .remedy(format!("one of {}", RowStatistic::names().join(", ")))
    })
}

/// `sumSeries(a, b)` and its like, by the word for them.
pub(super) fn of_all(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
    word: &str,
) -> Result<Vec<GraphSeries>> {
    let series = arguments.all_series(evaluation)?;
    if word == "multiply" && series.len() == 1 {
        return Ok(series);
    }
    if word == "count" {
        return Ok(counted(&series).into_iter().collect());
    }
    Ok(aggregated(&series, statistic(word)?, word).into_iter().collect())
}

/// `countSeries(a, b)`: how many series there are, with a value or without.
fn counted(series: &[GraphSeries]) -> Option<GraphSeries> {
    let rows = aligned(series)?;
    let values = rows.rows().map(|row| Some(row.len() as f64)).collect();
    Some(rows.series(format!("countSeries({})", paths_of(series)), values))
}

/// `aggregate(a, "sum")`
pub(super) fn aggregate(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    let word = arguments.text(1, "func")?;
    Ok(aggregated(&series, statistic(word)?, word).into_iter().collect())
}

/// Our own `mergeSeries`: the histograms of all of them together, so that a percentile is that of all their requests.
pub(super) fn merge(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let series = arguments.all_series(evaluation)?;
    let Some(first) = series.first() else { return Ok(Vec::new()) };
    let refused = || {
        Error::usage(
            "mergeSeries takes series of one metric as the store has them, without other functions around them",
        )
    };
    let mut origin = first.origin.clone().ok_or_else(refused)?;
    for it in series.iter().skip(1) {
        let other = it.origin.as_ref().filter(|other| other.metric == origin.metric && other.unit == origin.unit);
        for route in &other.ok_or_else(refused)?.routes {
            if !origin.routes.contains(route) {
                origin.routes.push(*route);
            }
        }
    }
    let mut merged = first.clone();
    merged.name = format!("mergeSeries({})", paths_of(&series));
    merged.path.clone_from(&merged.name);
    if !is_exact_when_merged(origin.metric) {
        return Ok(aggregated(&series, RowStatistic::Sum, "merge").into_iter().collect());
    }
    merged.values = evaluation.store.merged(&origin, first, evaluation.is_late)?;
    merged.origin = Some(origin);
    Ok(vec![merged])
}

/// `percentileOfSeries(a, 95)`
pub(super) fn percentile_of(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    let (n, interpolate) = (arguments.number(1, "n")?, arguments.is_true(2, "interpolate")?);
    if n <= 0.0 {
        return Err(Error::usage("percentileOfSeries: the percentile must be greater than 0"));
    }
    let (Some(rows), Some(first)) = (aligned(&series), series.first()) else { return Ok(Vec::new()) };
    let name = format!("percentileOfSeries({},{})", first.path, short_number(n));
    let values = rows.rows().map(|row| percentile(&row, n, interpolate)).collect();
    Ok(vec![rows.series(name, values)])
}

/// `divideSeries(a, b)`
pub(super) fn divide(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let dividends = arguments.series(evaluation, 0)?;
    let divisors = arguments.series(evaluation, 1)?;
    let divisor = match divisors.as_slice() {
        [divisor] => divisor,
        [] => {
            let missing =
                |it: &GraphSeries| it.remade(format!("divideSeries({},MISSING)", it.name), vec![None; it.values.len()]);
            return Ok(dividends.iter().map(missing).collect());
        }
        more => {
            return Err(Error::usage(format!(
                "divideSeries: its second argument must be one series, and is {}",
                more.len()
            )));
        }
    };
    let mut made = Vec::new();
    for dividend in &dividends {
        let name = format!("divideSeries({},{})", dividend.name, divisor.name);
        made.extend(pairwise(name, &[dividend.clone(), divisor.clone()], quotient));
    }
    Ok(made)
}

fn pairwise(
    name: String,
    pair: &[GraphSeries],
    value: fn(Option<f64>, Option<f64>) -> Option<f64>,
) -> Option<GraphSeries> {
    let rows = aligned(pair)?;
    let values = rows.rows().map(|row| value(row.first().copied().flatten(), row.get(1).copied().flatten())).collect();
    Some(rows.series(name, values))
}

fn quotient(dividend: Option<f64>, divisor: Option<f64>) -> Option<f64> {
    match (dividend, divisor) {
        (Some(dividend), Some(divisor)) if divisor != 0.0 => Some(dividend / divisor),
        _ => None,
    }
}

fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    quotient(part, whole).map(|quotient| quotient * 100.0)
}

/// `asPercent(a)`, `asPercent(a, b)`, `asPercent(a, 100)`
pub(super) fn as_percent(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    if arguments.call.arguments.len() > 2 {
        return Err(Error::usage("asPercent with nodes is not supported: group the series first"));
    }
    let series = arguments.series(evaluation, 0)?;
    let totals = arguments.series_if_given(evaluation, 1, "total")?;
    let mut made = Vec::new();
    match totals {
        Some(totals) if totals.len() == series.len() && totals.len() != 1 => {
            let (mut parts, mut wholes) = (series, totals);
            parts.sort_by(|one, other| one.name.cmp(&other.name));
            wholes.sort_by(|one, other| one.name.cmp(&other.name));
            for (part, whole) in parts.iter().zip(&wholes) {
                let name = format!("asPercent({},{})", part.name, whole.name);
                made.extend(pairwise(name, &[part.clone(), whole.clone()], share));
            }
        }
        Some(totals) => {
            let [whole] = totals.as_slice() else {
                return Err(Error::usage("asPercent: its second argument must be one series, or as many as the first"));
            };
            for part in &series {
                let name = format!("asPercent({},{})", part.name, whole.name);
                made.extend(pairwise(name, &[part.clone(), whole.clone()], share));
            }
        }
        None => {
            let number = arguments.number_if_given(1, "total")?;
            let Some(sum) = aggregated(&series, RowStatistic::Sum, "sum") else { return Ok(made) };
            for part in &series {
                let (whole, text) = match number {
                    Some(number) => (vec![Some(number); sum.values.len()], short_number(number)),
                    None => (sum.values.clone(), format!("sumSeries({})", paths_of(&series))),
                };
                let whole = GraphSeries { values: whole, ..sum.clone() };
                made.extend(pairwise(format!("asPercent({},{text})", part.name), &[part.clone(), whole], share));
            }
        }
    }
    Ok(made)
}

/// Series that have a key alike, in the order in which keys come.
struct SeriesGroup {
    key: String,
    series: Vec<GraphSeries>,
}

fn grouped(series: Vec<GraphSeries>, key: impl Fn(&GraphSeries) -> String) -> Vec<SeriesGroup> {
    let mut groups: Vec<SeriesGroup> = Vec::new();
    for it in series {
        let key = key(&it);
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => group.series.push(it),
            None => groups.push(SeriesGroup { key, series: vec![it] }),
        }
    }
    groups
}

fn combined(groups: Vec<SeriesGroup>, word: &str) -> Result<Vec<GraphSeries>> {
    let statistic = statistic(word)?;
    let mut made = Vec::new();
    for SeriesGroup { key, series } in groups {
        made.extend(aggregated(&series, statistic, word).map(|it| GraphSeries { name: key, ..it }));
    }
    Ok(made)
}

/// `groupByNode(a, 2, "sum")`, `groupByNodes(a, "sum", 2, 3)`
pub(super) fn group_by_nodes(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    let (word, nodes) = if arguments.call.function == "groupByNode" {
        let node = NodeOrTag::Node(arguments.number(1, "nodeNum")? as i64);
        (arguments.text_if_given(2, "callback")?.unwrap_or("average"), vec![node])
    } else {
        (arguments.text(1, "callback")?, arguments.nodes(2)?)
    };
    combined(grouped(series, |it| key_of(it, &nodes)), word)
}

/// `groupByTags(a, "sum", "route")`
pub(super) fn group_by_tags(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    let word = arguments.text(1, "callback")?;
    let mut tags = Vec::new();
    for tag in arguments.nodes(2)? {
        match tag {
            NodeOrTag::Tag(tag) => tags.push(tag),
            NodeOrTag::Node(_) => return Err(Error::usage("groupByTags takes names of tags")),
        }
    }
    if tags.is_empty() {
        return Err(Error::usage("groupByTags: no tags are named"));
    }
    tags.sort();
    let first = series.first().and_then(|it| it.tags.get("name")).cloned();
    let is_alike = series.iter().all(|it| it.tags.get("name") == first.as_ref());
    let by_name = tags.iter().any(|tag| tag == "name");
    let name = if is_alike { first.unwrap_or_default() } else { word.to_owned() };
    let key = |it: &GraphSeries| {
        let mut key = if by_name { it.tags.get("name").cloned().unwrap_or_default() } else { name.clone() };
        for tag in tags.iter().filter(|tag| *tag != "name") {
            key.push_str(&format!(";{tag}={}", it.tags.get(tag).map_or("", String::as_str)));
        }
        key
    };
    let mut made = combined(grouped(series, key), word)?;
    for it in &mut made {
        it.path.clone_from(&it.name);
        let mut parts = it.name.split(';');
        it.tags.clear();
        it.tags.insert("name".to_owned(), parts.next().unwrap_or_default().to_owned());
        for (tag, value) in parts.filter_map(|part| part.split_once('=')) {
            it.tags.insert(tag.to_owned(), value.to_owned());
        }
    }
    Ok(made)
}

/// `sumSeriesWithWildcards(a, 1)` and its like.
pub(super) fn with_wildcards(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let series = arguments.series(evaluation, 0)?;
    let (word, from) = match arguments.call.function.as_str() {
        "sumSeriesWithWildcards" => ("sum", 1),
        "averageSeriesWithWildcards" => ("average", 1),
        "multiplySeriesWithWildcards" => ("multiply", 1),
        _ => (arguments.text(1, "func")?, 2),
    };
    let left_out = arguments.nodes(from)?;
    let key = |it: &GraphSeries| {
        let nodes = (0..).zip(it.name.split('.')).filter(|(at, _)| !left_out.contains(&NodeOrTag::Node(*at)));
        nodes.map(|(_, node)| node).collect::<Vec<_>>().join(".")
    };
    combined(grouped(series, key), word)
}
