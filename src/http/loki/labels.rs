//! Labels and fields of a line, as LogQL compares them.
//!
//! `route_1`, `route_2`, .. are the nodes of a route's name: a mapping of Grafana from Graphite to Loki has a label for each node.
//!
//! A stream's labels are `route`, `host`, `status_class` and `level`. Everything else a line says is a field by nginx's name; with
//! a few short names beside. A label or field that a line has not is empty, as in Loki.

use std::collections::BTreeMap;

use crate::http::reader::LineFound;
use crate::store::{Entry, KeepReasons};

/// The labels of streams.
pub(super) const LABELS: [&str; 4] = ["host", "level", "route", "status_class"];

/// Names that mean what the index knows of every request.
pub(super) const KNOWN_FIELDS: [&str; 12] = [
    "status",
    "request_time",
    "rt",
    "duration",
    "upstream_response_time",
    "urt",
    "filename",
    "detected_level",
    "service_name",
    "__error__",
    "__error_details__",
    "job",
];

/// The labels of a stream.
pub(super) type LabelSet = BTreeMap<String, String>;

/// The class of a status: `5xx`; nothing where there is none.
pub(super) fn class_of(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "",
    }
}

/// What Explore colours by.
pub(super) fn level_of(status: u16) -> &'static str {
    match status / 100 {
        5 => "error",
        4 => "warn",
        _ => "info",
    }
}

/// The labels of a route's requests of one class.
pub(super) fn label_set(host: &str, route: &str, status: u16) -> LabelSet {
    let mut labels = LabelSet::new();
    for (name, value) in
        [("host", host), ("level", level_of(status)), ("route", route), ("status_class", class_of(status))]
    {
        if !value.is_empty() {
            labels.insert(name.to_owned(), value.to_owned());
        }
    }
    labels
}

/// A value that is known of any request without its line: of labels, and of what the index holds.
pub(super) fn known_value(name: &str, host: &str, route: &str, entry: &Entry) -> Option<String> {
    let is_timed = !entry.kept.contains(KeepReasons::UNTIMED);
    Some(match name {
        "host" => host.to_owned(),
        "route" => route.to_owned(),
        "service_name" | "job" => "nginx".to_owned(),
        "status_class" => class_of(entry.status).to_owned(),
        "level" | "detected_level" => level_of(entry.status).to_owned(),
        "status" if entry.status == 0 => String::new(),
        "status" => entry.status.to_string(),
        "request_time" | "rt" | "duration" if is_timed => in_seconds(entry.duration_ms),
        "upstream_response_time" | "urt" => entry.upstream_ms.map(in_seconds).unwrap_or_default(),
        "request_time" | "rt" | "duration" | "__error__" | "__error_details__" => String::new(),
        name => return node_number(name).map(|number| node_of(route, number)),
    })
}

/// Which node of a route's name a label is, from 1: `route_2`.
pub(super) fn node_number(label: &str) -> Option<usize> {
    label.strip_prefix("route_")?.parse().ok().filter(|number| *number > 0)
}

/// A node of a route's name; nothing where it has fewer.
fn node_of(route: &str, number: usize) -> String {
    route.split('.').nth(number - 1).unwrap_or_default().to_owned()
}

/// Whether a name's value is made of route, host and class of status alone.
pub(super) fn is_of_class(name: &str) -> bool {
    LABELS.contains(&name)
        || node_number(name).is_some()
        || ["detected_level", "service_name", "job", "__error__", "__error_details__", "status"].contains(&name)
}

fn in_seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// The value of any label or field of a line; empty if it has none.
pub(super) fn value_of(name: &str, host: &str, line: &LineFound) -> Vec<u8> {
    if let Some(known) = known_value(name, host, &line.route, &line.entry) {
        return known.into_bytes();
    }
    if name == "filename" {
        return line.file.as_bytes().to_vec();
    }
    line.field(name).map(<[u8]>::to_vec).unwrap_or_default()
}
