//! From a target to the series that it is made of, and from these to routes.

use super::super::bounded_regex::bounded_regex;
use super::super::catalog::{KnownSeries, SeriesCatalog};
use super::super::tag_query::TagExpression;
use super::super::target::{ByteSpan, Target, TargetCall, TargetMistake};
use super::{AskContext, AskMistake};
use crate::carbon::{CellMetric, ForeignName, Naming};
use crate::route::{GLOB_MARK, NodeGlob};
use regex::Regex;

/// Where a target gets series from.
#[derive(Debug, Clone)]
pub(super) struct SeriesSource {
    kind: SourceKind,
    span: ByteSpan,
    /// What `grep` and `exclude` around it leave.
    filters: Vec<NameFilter>,
}

#[derive(Debug, Clone)]
enum SourceKind {
    Path(String),
    Tags(Vec<String>),
}

/// `grep(.., "re")`, or `exclude(.., "re")`.
#[derive(Debug, Clone)]
struct NameFilter {
    regex: Regex,
    keeps: bool,
}

/// A series that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundSeries {
    /// Its route, or a pattern of routes.
    pub(super) route: String,
    /// What of it; none where a whole branch is asked for.
    pub(super) metric: Option<CellMetric>,
    /// Whose it is.
    pub(super) destination: usize,
    /// Its name.
    pub(super) path: String,
}

/// The sources of a target, each once.
pub(super) fn of_target(target: &Target) -> Result<Vec<SeriesSource>, TargetMistake> {
    let mut sources = Vec::new();
    collect(target, &[], &mut sources)?;
    Ok(sources)
}

fn collect(target: &Target, filters: &[NameFilter], sources: &mut Vec<SeriesSource>) -> Result<(), TargetMistake> {
    match target {
        Target::Path(path) => {
            let kind = SourceKind::Path(path.text.clone());
            sources.push(SeriesSource { kind, span: path.span, filters: filters.to_vec() });
        }
        Target::Call(call) if call.function == "seriesByTag" => {
            let texts = call.arguments.iter().filter_map(text_of).map(str::to_owned).collect();
            sources.push(SeriesSource { kind: SourceKind::Tags(texts), span: call.span, filters: filters.to_vec() });
        }
        Target::Call(call) => {
            let mut inner = filters.to_vec();
            inner.extend(filter_of(call, filters.len() + sources.len() + 1)?);
            for argument in &call.arguments {
                collect(argument, &inner, sources)?;
            }
            for argument in &call.named {
                collect(&argument.value, &inner, sources)?;
            }
        }
        Target::Template(template) => collect(&template.target, filters, sources)?,
        Target::Number(_) | Target::Text(_) | Target::Boolean(_) | Target::Nothing | Target::Infinity => {}
    }
    Ok(())
}

/// What a call keeps or leaves out, one of so many.
fn filter_of(call: &TargetCall, of_many: usize) -> Result<Option<NameFilter>, TargetMistake> {
    let keeps = match call.function.as_str() {
        "grep" => true,
        "exclude" => false,
        _ => return Ok(None),
    };
    let Some(pattern) = call.arguments.get(1).and_then(text_of) else { return Ok(None) };
    match bounded_regex(pattern, of_many) {
        Ok(regex) => Ok(Some(NameFilter { regex, keeps })),
        Err(what) => Err(TargetMistake { span: call.span, what }),
    }
}

fn text_of(target: &Target) -> Option<&str> {
    match target {
        Target::Text(text) => Some(text),
        _ => None,
    }
}

/// The series that a source means.
pub(super) fn find(
    source: &SeriesSource,
    text: &str,
    catalog: &SeriesCatalog<'_>,
    context: &AskContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<FoundSeries>, AskMistake> {
    let mistake =
        |what: String, help: Option<String>| AskMistake { text: text.to_owned(), span: Some(source.span), what, help };
    let found = match &source.kind {
        SourceKind::Tags(texts) => {
            let tags =
                TagExpression::parse_all(texts.iter().map(String::as_str)).map_err(|what| mistake(what, None))?;
            if context.routes.is_none() {
                return routes_of_tags(texts)
                    .map_err(|what| mistake(what, Some("name the route: 'route=NAME'".to_owned())));
            }
            let found = catalog.tagged_with(&tags);
            if found.is_empty() {
                return Err(mistake("no series has such tags".to_owned(), Some(tags_help(catalog))));
            }
            found
        }
        SourceKind::Path(path) if context.routes.is_none() => {
            return of_unknown_routes(path, context, notes).map_err(|(what, help)| mistake(what, help));
        }
        SourceKind::Path(path) => {
            let glob =
                NodeGlob::parse(path).ok_or_else(|| mistake("these braces come to too many names".to_owned(), None))?;
            let found = match NodeGlob::is_glob(path) {
                true => catalog.matching(&glob),
                false => catalog.named(path).into_iter().collect(),
            };
            if found.is_empty() {
                return branch(path, &glob, catalog).or_else(|| foreign(path, catalog, context, notes)).ok_or_else(
                    || {
                        let (what, help) = unknown_words(path, catalog);
                        mistake(what, Some(help))
                    },
                );
            }
            found
        }
    };
    let kept = filtered(source, found);
    if kept.is_empty() {
        return Err(mistake("`grep` and `exclude` leave none of these series".to_owned(), None));
    }
    Ok(kept)
}

fn filtered(source: &SeriesSource, found: Vec<KnownSeries<'_>>) -> Vec<FoundSeries> {
    let mut kept = Vec::new();
    for series in found {
        let path = series.path();
        if source.filters.iter().all(|filter| filter.regex.is_match(&path) == filter.keeps) {
            let KnownSeries { destination, route, metric, .. } = series;
            kept.push(FoundSeries { route: route.to_owned(), metric: Some(metric), destination, path });
        }
    }
    kept
}

/// A name that ends before its metric: all below it.
fn branch(path: &str, glob: &NodeGlob, catalog: &SeriesCatalog<'_>) -> Option<Vec<FoundSeries>> {
    let mut found: Vec<FoundSeries> = Vec::new();
    for (destination, naming) in catalog.namings().iter().enumerate().filter(|(_, naming)| !naming.tagged) {
        // All of a prefix or a host is no question.
        let shortest = naming.prefix.split('.').count() + naming.host.split('.').count();
        if glob.depths().first().is_none_or(|least| *least <= shortest) {
            continue;
        }
        for route in catalog.routes() {
            let own = naming.branch_of(route);
            if glob.matches(&own) || glob.matches_branch_of(&own) {
                found.push(FoundSeries {
                    route: (*route).to_owned(),
                    metric: None,
                    destination,
                    path: path.to_owned(),
                });
                continue;
            }
            for metric in groups() {
                if glob.matches(&format!("{own}.{}", metric.group())) {
                    found.push(FoundSeries {
                        route: (*route).to_owned(),
                        metric: Some(metric),
                        destination,
                        path: path.to_owned(),
                    });
                }
            }
        }
    }
    (!found.is_empty()).then_some(found)
}

/// What a whole group is looked at for.
fn groups() -> Vec<CellMetric> {
    let names = ["request_time", "upstream_response_time", "upstream_connect_time", "upstream_header_time"];
    let mut metrics: Vec<CellMetric> = names.iter().filter_map(|name| CellMetric::parse(name, "max")).collect();
    metrics.extend([CellMetric::Requests, CellMetric::BytesSent]);
    metrics
}

/// The metric of another host, where it is not known whose logs these are.
fn foreign(
    path: &str,
    catalog: &SeriesCatalog<'_>,
    context: &AskContext<'_>,
    notes: &mut Vec<String>,
) -> Option<Vec<FoundSeries>> {
    if context.is_host_known {
        return None;
    }
    for (destination, naming) in catalog.namings().iter().enumerate() {
        let Ok(read) = naming.read_series(path) else { continue };
        if !catalog.routes().contains(&read.route.as_str()) {
            continue;
        }
        notes.push(format!("the metric is one of host `{}`: these are the lines of the store that is here", read.host));
        return Some(vec![FoundSeries {
            route: read.route,
            metric: Some(read.metric),
            destination,
            path: path.to_owned(),
        }]);
    }
    None
}

/// Why there is no such series, and what is near.
fn unknown_words(path: &str, catalog: &SeriesCatalog<'_>) -> (String, String) {
    let nearest = catalog.nearest(path, 3);
    let help = match nearest.as_slice() {
        [] => "the store has no routes yet".to_owned(),
        names => format!("the nearest that there are: {}", names.join(", ")),
    };
    for naming in catalog.namings() {
        match naming.read_series(path) {
            Ok(read) if read.host != naming.host => {
                let what =
                    format!("this is a metric of host `{}`, and the store is that of `{}`", read.host, naming.host);
                return (what, format!("ask on that host, or for the same route of this one: --route {}", read.route));
            }
            Ok(read) => return (format!("the store knows no route `{}`", read.route), help),
            Err(ForeignName::Own) => {
                return ("this is one of spikeline's own metrics, which count no requests".to_owned(), help);
            }
            Err(_) => {}
        }
    }
    let what = if NodeGlob::is_glob(path) { "no series has such a name" } else { "there is no such series" };
    (what.to_owned(), help)
}

fn tags_help(catalog: &SeriesCatalog<'_>) -> String {
    match catalog.namings().iter().find(|naming| naming.tagged) {
        Some(naming) => format!(
            "series here have the tags name ({}.request_time.p99 ..), host={} and route=..",
            naming.prefix, naming.host
        ),
        None => "no [[carbon]] of the configuration has `tagged = true`".to_owned(),
    }
}

/// `route=a`: of files no other expression of tags can be followed.
fn routes_of_tags(texts: &[String]) -> Result<Vec<FoundSeries>, String> {
    let value = |tag: &str| texts.iter().find_map(|text| text.strip_prefix(tag)?.strip_prefix('='));
    let Some(route) = value("route").filter(|route| !route.starts_with('~')) else {
        return Err("the routes of files are not known before they are read".to_owned());
    };
    let name = value("name").unwrap_or_default();
    let mut nodes = name.rsplitn(3, '.');
    let (what, group) = (nodes.next().unwrap_or_default(), nodes.next().unwrap_or_default());
    let metric = CellMetric::parse(group, what);
    Ok(vec![FoundSeries { route: route.to_owned(), metric, destination: 0, path: name.to_owned() }])
}

/// What a name means where no route is known: its nodes are those of a naming.
fn of_unknown_routes(
    path: &str,
    context: &AskContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<FoundSeries>, (String, Option<String>)> {
    for (destination, naming) in context.namings.iter().enumerate() {
        if let Ok(read) = naming.read_series(path) {
            if read.host != naming.host {
                notes.push(format!("the metric is one of host `{}`: the files are taken for its logs", read.host));
            }
            return Ok(vec![FoundSeries {
                route: read.route,
                metric: Some(read.metric),
                destination,
                path: path.to_owned(),
            }]);
        }
        if let Some(found) = glob_of_naming(path, naming, destination) {
            return Ok(found);
        }
    }
    let example = context.namings.first().map(|naming| naming.series_path("ROUTE", CellMetric::Requests));
    let help =
        example.map(|example| format!("names of series are as {example}; a route alone is said with --route NAME"));
    Err(("this is no name of a series".to_owned(), help))
}

/// A glob cut at the dots outside of its braces: prefix, host, route, group, what.
fn glob_of_naming(path: &str, naming: &Naming, destination: usize) -> Option<Vec<FoundSeries>> {
    if naming.tagged || !NodeGlob::is_glob(path) {
        return None;
    }
    let nodes = glob_nodes(path);
    let prefix_length = naming.prefix.split('.').count();
    let before_route = prefix_length + naming.host.split('.').count();
    // A run of any nodes that begins before the route may reach into it.
    let run = nodes.iter().take(before_route).position(|node| *node == "**");
    let prefix = NodeGlob::parse(&nodes.get(..run.map_or(prefix_length, |at| at + 1))?.join("."))?;
    let route = nodes.get(run.unwrap_or(before_route)..nodes.len().checked_sub(2)?)?;
    let ending = NodeGlob::parse(&nodes.get(nodes.len().checked_sub(2)?..)?.join("."))?;
    if !prefix.matches_beginning(&naming.prefix) || route.is_empty() {
        return None;
    }
    let route = route.join(".");
    let mark = if NodeGlob::is_glob(&route) { GLOB_MARK } else { "" };
    let catalog = SeriesCatalog::new(std::slice::from_ref(naming), ["a"]);
    let mut found = Vec::new();
    for series in catalog.all() {
        if ending.matches(&series.metric.name()) {
            let route = format!("{mark}{route}");
            found.push(FoundSeries { route, metric: Some(series.metric), destination, path: path.to_owned() });
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The nodes of a glob.
fn glob_nodes(path: &str) -> Vec<&str> {
    let (mut nodes, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                nodes.push(path.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    nodes.push(path.get(from..).unwrap_or_default());
    nodes
}
