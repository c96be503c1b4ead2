//! What a log query selects: which routes, which requests of them, which lines.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::labels::{KNOWN_FIELDS, LABELS, is_of_class, known_value, node_number, value_of};
use super::logql::{
    ComparedValue, FieldComparison, FieldFilter, LabelMatcher, LogSelection, LogqlQuery, MatchOperator, MetricQuery,
    QueryStage, parse,
};
use crate::carbon::CellMetric;
use crate::error::{Error, Result};
use crate::grammar::read_format;
use crate::http::reader::{LineFound, LineOrdering, LinesWanted, Reader};
use crate::pipeline::Filter;
use crate::route::RouteId;
use crate::source::GenerationId;
use crate::store::{Entry, KeepReasons, Locator, WindowMatch};
use crate::time::{Timestamp, Window};
use regex::bytes::Regex;

/// Parse a query.
pub(super) fn parse_query(text: &str) -> Result<LogqlQuery> {
    let mut query =
        parse(text).map_err(|error| Error::usage(error.message).remedy("docs/loki.md lists what is supported"))?;
    if let LogqlQuery::Lines(LogSelection { matchers, .. })
    | LogqlQuery::Counts(MetricQuery { selection: LogSelection { matchers, .. }, .. }) = &mut query
    {
        from_graphite(matchers);
    }
    Ok(query)
}

/// What Grafana makes of a Graphite query stays what that meant: of a node the glob, of the tag `name` the statuses that it counts.
fn from_graphite(matchers: &mut Vec<LabelMatcher>) {
    for matcher in &mut *matchers {
        if matcher.operator != MatchOperator::Equal {
            continue;
        }
        if node_number(&matcher.label).is_some() && matcher.value.contains('*') {
            let pattern = regex::escape(&matcher.value).replace(r"\*", ".*");
            matcher.regex = Regex::new(&format!("^(?:{pattern})$")).ok();
            matcher.operator = MatchOperator::Matches;
        }
        if let ("name", Some(CellMetric::StatusClass(class))) = (matcher.label.as_str(), metric_of(&matcher.value)) {
            "status_class".clone_into(&mut matcher.label);
            matcher.value = format!("{class}xx");
        }
    }
    let is_metric = |matcher: &LabelMatcher| matcher.label == "name" && metric_of(&matcher.value).is_some();
    matchers.retain(|matcher| matcher.operator != MatchOperator::Equal || !is_metric(matcher));
}

/// The metric of a series' name: `nginx.status.5xx`.
fn metric_of(name: &str) -> Option<CellMetric> {
    let mut nodes = name.rsplitn(3, '.');
    let (what, group) = (nodes.next()?, nodes.next()?);
    nodes.next().and_then(|_| CellMetric::parse(group, what))
}

/// A selection, held against one store.
pub(super) struct Selected<'q> {
    selection: &'q LogSelection,
    host: String,
    /// The same as metrics have it.
    host_in_metrics: Vec<String>,
    /// The routes that it can be of, and the members of series that it names.
    pub(super) routes: Vec<(RouteId, String)>,
    /// Whether these are all.
    every_route: bool,
    /// Whether fields of lines are compared that the index does not know.
    needs_fields: bool,
}

impl<'q> Selected<'q> {
    /// Held against the store of `reader`.
    ///
    /// # Errors
    /// A field is compared that no log has.
    pub(super) fn new(selection: &'q LogSelection, reader: &Reader<'_>) -> Result<Selected<'q>> {
        let host = reader.site().host.clone();
        let host_in_metrics = reader.site().namings.iter().map(|naming| naming.host.clone()).collect();
        let mut names = BTreeSet::new();
        for matcher in &selection.matchers {
            names.insert(matcher.label.as_str());
        }
        for stage in &selection.stages {
            if let QueryStage::Fields(filter) = stage {
                add_names(filter, &mut names);
            }
        }
        names.retain(|name| !LABELS.contains(name) && !KNOWN_FIELDS.contains(name) && node_number(name).is_none());
        check_fields(&names, reader)?;
        let (view, mut routes) = (reader.view()?, Vec::new());
        let known = view.routes();
        for (id, name) in &known {
            if fits_name(selection, name) {
                routes.push((*id, (*name).to_owned()));
            }
        }
        let mut every_route = routes.len() == known.len();
        for (id, name) in view.members() {
            if fits_name(selection, name) && names_series_of(selection, name) {
                routes.push((id, name.to_owned()));
                every_route = false;
            }
        }
        Ok(Selected { selection, host, host_in_metrics, routes, every_route, needs_fields: !names.is_empty() })
    }

    /// Whether a line is selected.
    pub(super) fn fits(&self, line: &LineFound) -> bool {
        let value = |name: &str| value_of(name, &self.host, line);
        self.selection.matchers.iter().all(|matcher| self.label_fits(matcher, &value(&matcher.label)))
            && self.selection.stages.iter().all(|stage| match stage {
                QueryStage::Line(filter) => filter.fits(line.line.as_deref().unwrap_or_default()),
                QueryStage::Fields(filter) => fits_fields(filter, &value),
                QueryStage::Drop(_) | QueryStage::Keep(_) => true,
            })
    }

    /// Whether a label's value is wanted; a host's in either of its spellings.
    fn label_fits(&self, matcher: &LabelMatcher, value: &[u8]) -> bool {
        let is_negative = matches!(matcher.operator, MatchOperator::NotEqual | MatchOperator::NotMatches);
        let others = self.host_in_metrics.iter().filter(|_| matcher.label == "host");
        match is_negative {
            true => matcher.fits(value) && others.into_iter().all(|host| matcher.fits(host.as_bytes())),
            false => matcher.fits(value) || others.into_iter().any(|host| matcher.fits(host.as_bytes())),
        }
    }

    /// The lines that are selected of a window, by their ends.
    pub(super) fn wanted<'w>(&self, window: Window, accepts: &'w dyn Fn(&LineFound) -> bool) -> LinesWanted<'w> {
        let statuses = self.statuses();
        let min_ms = self.least_ms();
        let filter = Filter {
            window,
            by: WindowMatch::End,
            min_ms,
            statuses,
            routes: match self.every_route {
                true => Vec::new(),
                false => self.routes.iter().map(|(_, name)| name.clone()).collect(),
            },
            ..Filter::all()
        };
        LinesWanted {
            all: !filter.asks_for_requests(),
            filter,
            order: LineOrdering::Newest,
            skip: 0,
            limit: usize::MAX,
            fields: self.needs_fields,
            accepts,
        }
    }

    /// Whether a request of this route and status is selected, where that depends on nothing else; nothing if it does.
    pub(super) fn fits_class(&self, route: &str, class: u16) -> Option<bool> {
        let mut fits = None;
        for status in class * 100..(class + 1) * 100 {
            let entry = entry_of_status(status);
            let known = |name: &str| is_of_class(name).then(|| known_value(name, &self.host, route, &entry)).flatten();
            let mut all = true;
            for matcher in &self.selection.matchers {
                all &= self.label_fits(matcher, known(&matcher.label)?.as_bytes());
            }
            for stage in &self.selection.stages {
                match stage {
                    QueryStage::Line(_) => return None,
                    QueryStage::Fields(filter) => all &= decide_fields(filter, &known)?,
                    QueryStage::Drop(_) | QueryStage::Keep(_) => {}
                }
            }
            if *fits.get_or_insert(all) != all {
                return None;
            }
        }
        fits
    }

    /// The labels that the stages leave of a stream's.
    pub(super) fn leave(&self, labels: &mut super::labels::LabelSet) {
        for stage in &self.selection.stages {
            match stage {
                QueryStage::Drop(names) => labels.retain(|label, _| !names.contains(label)),
                QueryStage::Keep(names) => labels.retain(|label, _| names.contains(label)),
                QueryStage::Line(_) | QueryStage::Fields(_) => {}
            }
        }
    }

    /// Ranges of the statuses that can be selected; none where all can.
    fn statuses(&self) -> Vec<RangeInclusive<u16>> {
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
        let mut all = true;
        for status in 0..=999 {
            if !self.may_have(status) {
                all = false;
                continue;
            }
            match ranges.last_mut() {
                Some(range) if *range.end() + 1 == status => *range = *range.start()..=status,
                _ => ranges.push(status..=status),
            }
        }
        if all { Vec::new() } else { ranges }
    }

    /// Whether a request of this status can be selected.
    fn may_have(&self, status: u16) -> bool {
        let entry = entry_of_status(status);
        let of_status = ["status", "status_class", "level", "detected_level"];
        let known = |name: &str| of_status.contains(&name).then(|| known_value(name, "", "", &entry)).flatten();
        let matchers = self.selection.matchers.iter().all(|matcher| match known(&matcher.label) {
            Some(value) => matcher.fits(value.as_bytes()),
            None => true,
        });
        matchers
            && self.selection.stages.iter().all(|stage| match stage {
                QueryStage::Fields(filter) => decide_fields(filter, &known) != Some(false),
                _ => true,
            })
    }

    /// The shortest duration that can be selected.
    fn least_ms(&self) -> u64 {
        let mut least = 0;
        for stage in &self.selection.stages {
            if let QueryStage::Fields(filter) = stage {
                least = least.max(least_of(filter));
            }
        }
        least
    }
}

impl Selected<'_> {
    /// Its routes and members in a window, as far as matchers of names tell.
    pub(super) fn filter_of(&self, window: Window) -> Filter {
        let routes = self.routes.iter().map(|(_, name)| name.clone()).collect();
        Filter { window, routes, ..Filter::all() }
    }
}

/// Whether the matchers let a route of this name through.
fn fits_name(selection: &LogSelection, name: &str) -> bool {
    selection.matchers.iter().filter(|matcher| is_of_route(&matcher.label)).all(|matcher| fits_route(matcher, name))
}

/// Whether a matcher asks for what this member's name begins with, so that the series is meant: a request of it is in its route besides, or
/// is one of monitoring. What would let the member through whatever the series is called means routes.
fn names_series_of(selection: &LogSelection, name: &str) -> bool {
    let (_, rest) = name.split_once('.').unwrap_or_default();
    // No name has this.
    let otherwise = format!("\u{1}.{rest}");
    let mut matchers = selection.matchers.iter().filter(|matcher| {
        is_of_route(&matcher.label) && matches!(matcher.operator, MatchOperator::Equal | MatchOperator::Matches)
    });
    matchers.any(|matcher| !fits_route(matcher, &otherwise))
}

fn is_of_route(label: &str) -> bool {
    label == "route" || node_number(label).is_some()
}

fn fits_route(matcher: &LabelMatcher, name: &str) -> bool {
    let value = known_value(&matcher.label, "", name, &entry_of_status(0)).unwrap_or_default();
    matcher.fits(value.as_bytes())
}

/// A request of this status, of which nothing else is known.
fn entry_of_status(status: u16) -> Entry {
    Entry {
        end: Timestamp(0),
        duration_ms: 0,
        route: RouteId(0),
        status,
        upstream_ms: None,
        kept: KeepReasons::UNTIMED,
        locator: Locator { generation: GenerationId(0), offset: 0, length: 0 },
    }
}

/// The shortest duration that a filter lets through, in milliseconds.
fn least_of(filter: &FieldFilter) -> u64 {
    match filter {
        FieldFilter::And(one, other) => least_of(one).max(least_of(other)),
        FieldFilter::Or(one, other) => least_of(one).min(least_of(other)),
        FieldFilter::Quantity {
            field,
            comparison: FieldComparison::Greater | FieldComparison::GreaterOrEqual,
            value,
        } if ["rt", "request_time", "duration"].contains(&field.as_str()) => {
            let (ComparedValue::Duration(seconds) | ComparedValue::Number(seconds)) = value else { return 0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut off at no time at all")]
            let millis = (seconds * 1000.0 + 1e-6).floor().max(0.0) as u64;
            millis
        }
        _ => 0,
    }
}

/// The names that a filter compares.
fn add_names<'q>(filter: &'q FieldFilter, names: &mut BTreeSet<&'q str>) {
    match filter {
        FieldFilter::And(one, other) | FieldFilter::Or(one, other) => {
            add_names(one, names);
            add_names(other, names);
        }
        FieldFilter::Text(matcher) => drop(names.insert(&matcher.label)),
        FieldFilter::Quantity { field, .. } => drop(names.insert(field)),
    }
}

/// That the logs have the fields that are compared.
fn check_fields(names: &BTreeSet<&str>, reader: &Reader<'_>) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut is_open = false;
    for reading in reader.view()?.readings() {
        let Some(format) = read_format(&reading.format) else { continue };
        // A keyed format has whatever keys its lines have.
        is_open |= format.is_keyed();
        for format in format.chain() {
            known.extend(format.variables().iter().map(|variable| variable.name.clone()));
        }
    }
    for log in &reader.site().logs {
        is_open |= log.format.is_keyed();
        known.extend(log.format.variables().iter().map(|variable| variable.name.clone()));
    }
    for name in names {
        if !known.contains(*name) && !is_open {
            let known: Vec<&str> = LABELS.into_iter().chain(known.iter().map(String::as_str)).collect();
            return Err(Error::usage(format!("no log has a label or field `{name}`"))
                .remedy(format!("there are {}", known.join(", "))));
        }
    }
    Ok(())
}

/// Whether fields are as a filter wants them.
fn fits_fields(filter: &FieldFilter, value: &dyn Fn(&str) -> Vec<u8>) -> bool {
    match filter {
        FieldFilter::And(one, other) => fits_fields(one, value) && fits_fields(other, value),
        FieldFilter::Or(one, other) => fits_fields(one, value) || fits_fields(other, value),
        FieldFilter::Text(matcher) => matcher.fits(&value(&matcher.label)),
        FieldFilter::Quantity { field, comparison, value: with } => compares(&value(field), *comparison, *with),
    }
}

/// The same where not all fields are known; nothing if it depends on others.
fn decide_fields(filter: &FieldFilter, known: &dyn Fn(&str) -> Option<String>) -> Option<bool> {
    match filter {
        FieldFilter::And(one, other) => match (decide_fields(one, known), decide_fields(other, known)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        FieldFilter::Or(one, other) => match (decide_fields(one, known), decide_fields(other, known)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        FieldFilter::Text(matcher) => Some(matcher.fits(known(&matcher.label)?.as_bytes())),
        FieldFilter::Quantity { field, comparison, value } => {
            Some(compares(known(field)?.as_bytes(), *comparison, *value))
        }
    }
}

/// Whether a field's text, as a number, compares so. One that is no number does not; times are logged in seconds.
fn compares(text: &[u8], comparison: FieldComparison, with: ComparedValue) -> bool {
    let Some(number) = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<f64>().ok()) else {
        return false;
    };
    let (ComparedValue::Number(with) | ComparedValue::Duration(with) | ComparedValue::Bytes(with)) = with;
    comparison.holds(number, with)
}
