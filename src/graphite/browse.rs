//! What there is: names by their nodes, as `/metrics/find` and its like give them, and tags.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::catalog::{KnownSeries, SeriesCatalog};
use super::tag_query::TagExpression;
use crate::error::{Error, Result};
use crate::route::NodeGlob;

/// So many names of tags, or of their values, are suggested.
const SUGGESTED: usize = 100;

/// So many names there are in an index at most.
const INDEX_MAX: usize = 500_000;

/// A name that a pattern means: of a series, or of a node above some.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FoundNode {
    path: String,
    is_leaf: bool,
}

/// The nodes that a pattern means, branches before series of the same name.
fn nodes(catalog: &SeriesCatalog<'_>, pattern: &str) -> Result<Vec<FoundNode>> {
    let glob = NodeGlob::parse(pattern)
        .ok_or_else(|| Error::usage(format!("{pattern}: its braces come to too many names")))?;
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    for path in catalog.plain_paths(&glob) {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        for (_, end) in ends.enumerate().filter(|(at, _)| glob.means_depth(at + 1)) {
            let Some(node) = path.get(..end) else { continue };
            let is_leaf = node.len() == path.len();
            if glob.matches(node) {
                *found.entry(node.to_owned()).or_insert(is_leaf) &= is_leaf;
            }
        }
    }
    Ok(found.into_iter().map(|(path, is_leaf)| FoundNode { path, is_leaf }).collect())
}

/// `/metrics/find`: what Grafana's query editor shows of the next node.
///
/// # Errors
/// A pattern that comes to too many names.
pub fn find(catalog: &SeriesCatalog<'_>, query: &str, is_completer: bool, leaves_only: bool) -> Result<Value> {
    let query = query.trim();
    if is_completer {
        return completed(catalog, query);
    }
    let base = query.rsplit_once('.').map_or(String::new(), |(base, _)| format!("{base}."));
    let (mut branches, mut leaves): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut seen: HashSet<String> = HashSet::new();
    for FoundNode { path, is_leaf } in nodes(catalog, query)? {
        let text = path.rsplit('.').next().unwrap_or_default();
        if (leaves_only && !is_leaf) || !seen.insert(text.to_owned()) {
            continue;
        }
        let flag = u8::from(!is_leaf);
        let node = json!({
            "text": text,
            "id": format!("{base}{text}"),
            "allowChildren": flag,
            "expandable": flag,
            "leaf": u8::from(is_leaf),
            "context": {},
        });
        if is_leaf { &mut leaves } else { &mut branches }.push(node);
    }
    branches.append(&mut leaves);
    Ok(Value::Array(branches))
}

/// `format=completer`
fn completed(catalog: &SeriesCatalog<'_>, query: &str) -> Result<Value> {
    let pattern = if query.ends_with('*') { query.to_owned() } else { format!("{query}*") };
    let mut metrics = Vec::new();
    for FoundNode { path, is_leaf } in nodes(catalog, &pattern)? {
        let name = path.rsplit('.').next().unwrap_or_default().to_owned();
        let shown = if is_leaf { path } else { format!("{path}.") };
        metrics.push(json!({ "path": shown, "name": name, "is_leaf": if is_leaf { "1" } else { "0" } }));
    }
    Ok(json!({ "metrics": metrics }))
}

/// `/metrics/expand`: the names that patterns mean.
///
/// # Errors
/// As [`find`]; or there are so many patterns that the time is up before all are looked for.
pub fn expand(
    catalog: &SeriesCatalog<'_>,
    queries: &[&str],
    by_query: bool,
    leaves_only: bool,
    is_late: &dyn Fn() -> bool,
) -> Result<Value> {
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for query in queries {
        if is_late() {
            return Err(Error::failed(format!("{} patterns take too long: ask for fewer at a time", queries.len())));
        }
        let found = nodes(catalog, query)?.into_iter().filter(|node| node.is_leaf || !leaves_only);
        grouped.insert((*query).to_owned(), found.map(|node| node.path).collect());
    }
    if by_query {
        return Ok(json!({ "results": grouped }));
    }
    let mut all: Vec<String> = grouped.into_values().flatten().collect();
    all.sort();
    all.dedup();
    Ok(json!({ "results": all }))
}

/// `/metrics/index.json`: all names.
///
/// # Errors
/// If there are too many for one answer.
pub fn index(catalog: &SeriesCatalog<'_>) -> Result<Value> {
    let mut paths: Vec<String> = catalog.all().iter().map(KnownSeries::path).collect();
    if paths.len() > INDEX_MAX {
        return Err(
            Error::usage(format!("{} names are too many for one answer", paths.len())).remedy("ask /metrics/find")
        );
    }
    paths.sort();
    Ok(json!(paths))
}

/// The tags of a series.
fn tags_of(series: &KnownSeries<'_>) -> [(&'static str, String); 3] {
    let name = series.path().split(';').next().unwrap_or_default().to_owned();
    [("host", series.naming.host.clone()), ("name", name), ("route", series.route.to_owned())]
}

fn tagged<'a>(catalog: &SeriesCatalog<'a>, expressions: &[&str]) -> Result<Vec<KnownSeries<'a>>> {
    if expressions.is_empty() {
        return Ok(catalog.tagged_with(&[]));
    }
    let parsed = TagExpression::parse_all(expressions.iter().copied()).map_err(Error::usage)?;
    Ok(catalog.tagged_with(&parsed))
}

/// `/tags/autoComplete/tags`: the tags that series have which meet the expressions, and that these do not ask for.
///
/// # Errors
/// An expression that is not understood.
pub fn complete_tags(
    catalog: &SeriesCatalog<'_>,
    expressions: &[&str],
    prefix: &str,
    limit: Option<usize>,
) -> Result<Value> {
    let asked = |tag: &str| {
        expressions.iter().any(|expression| TagExpression::parse(expression).is_ok_and(|parsed| parsed.tag == tag))
    };
    let has_any = !tagged(catalog, expressions)?.is_empty();
    let known = ["host", "name", "route"].into_iter().filter(|tag| has_any && tag.starts_with(prefix) && !asked(tag));
    Ok(json!(known.take(limit.unwrap_or(SUGGESTED)).collect::<Vec<_>>()))
}

/// `/tags/autoComplete/values`: the values of a tag.
///
/// # Errors
/// As [`complete_tags`].
pub fn complete_values(
    catalog: &SeriesCatalog<'_>,
    expressions: &[&str],
    tag: &str,
    prefix: &str,
    limit: Option<usize>,
) -> Result<Value> {
    let mut values: Vec<String> = Vec::new();
    for series in tagged(catalog, expressions)? {
        values.extend(tags_of(&series).into_iter().filter(|(name, _)| *name == tag).map(|(_, value)| value));
    }
    values.retain(|value| value.starts_with(prefix));
    values.sort();
    values.dedup();
    values.truncate(limit.unwrap_or(SUGGESTED));
    Ok(json!(values))
}

/// `/tags/findSeries`: the names of series with tags.
///
/// # Errors
/// As [`complete_tags`].
pub fn find_series(catalog: &SeriesCatalog<'_>, expressions: &[&str]) -> Result<Value> {
    if expressions.is_empty() {
        return Err(Error::usage("give at least one expression: expr=route=~.+"));
    }
    let mut paths: Vec<String> = tagged(catalog, expressions)?.iter().map(KnownSeries::path).collect();
    paths.sort();
    Ok(json!(paths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::Naming;

    #[test]
    fn names_are_found_node_by_node() {
        let namings = [Naming::new("nginx", "web1", false).unwrap(), Naming::new("nginx", "web1", true).unwrap()];
        let catalog = SeriesCatalog::new(&namings, ["webapp.git", "webapp.wiki", "webapp"]);
        let texts = |query: &str| -> Vec<String> {
            let found = find(&catalog, query, false, false).unwrap();
            found
                .as_array()
                .unwrap()
                .iter()
                .map(|node| {
                    format!("{} {} {}", node["text"].as_str().unwrap(), node["id"].as_str().unwrap(), node["leaf"])
                })
                .collect()
        };
        assert_eq!(texts("*"), ["nginx nginx 0"]);
        assert_eq!(texts("nginx.*"), ["web1 nginx.web1 0"]);
        assert_eq!(texts("nginx.web1.webapp.g*"), ["git nginx.web1.webapp.git 0"]);
        assert_eq!(
            texts("nginx.*.webapp.git.requests.*"),
            ["count nginx.*.webapp.git.requests.count 1", "slow nginx.*.webapp.git.requests.slow 1"]
        );
        assert_eq!(texts("nothing.*").len(), 0);
        let expanded = expand(&catalog, &["nginx.web1.webapp.*.requests.count"], false, true, &|| false).unwrap();
        assert_eq!(expanded["results"].as_array().unwrap().len(), 2);
        assert_eq!(index(&catalog).unwrap().as_array().unwrap().len(), 2 * 3 * 49);
        let completer = find(&catalog, "nginx.web1.webapp.gi", true, false).unwrap();
        assert_eq!(completer["metrics"][0]["path"], "nginx.web1.webapp.git.");
    }

    #[test]
    fn tags_are_suggested() {
        let namings = [Naming::new("nginx", "web1", true).unwrap()];
        let catalog = SeriesCatalog::new(&namings, ["webapp.git", "static"]);
        assert_eq!(complete_tags(&catalog, &[], "", None).unwrap(), json!(["host", "name", "route"]));
        assert_eq!(complete_tags(&catalog, &["route=static"], "h", None).unwrap(), json!(["host"]));
        assert_eq!(
            complete_values(&catalog, &["name=nginx.requests.count"], "route", "", None).unwrap(),
            json!(["static", "webapp.git"])
        );
        assert_eq!(
            find_series(&catalog, &["route=static", "name=nginx.status.5xx"]).unwrap(),
            json!(["nginx.status.5xx;host=web1;route=static"])
        );
        assert!(find_series(&catalog, &[]).is_err() && find_series(&catalog, &["x"]).is_err());
    }
}
