//! A line's fields as features: which variables of a format say what sets requests apart, and how each is read.

use std::borrow::Cow;

use super::address::nets_of;
use super::feature::{FeatureId, Features, FieldId, FieldSide, ValueForm};
use super::field_place::{is_time, place_of};
use super::phases::{AttemptTime, AttemptTimes, PhaseTimes, phase_times, phases_of_one};
use super::route_patterns::patterns_of;
use super::where_condition::field_text;
use crate::grammar::{Escape, Format, VariableKind};
use crate::record::{Record, RecordValues, agent_family, attempt_ms, attempts, unescape};

/// How a variable's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FacetReading {
    /// As it is.
    Text,
    /// A client's address, the first of a list; in its nets.
    Address,
    /// An agent, of a family.
    Agent { family: FieldId },
    /// A host.
    Host,
    /// The host of a URL.
    UrlHost,
    /// A list by attempt, each member once.
    Attempts,
    /// A number, in classes.
    Size,
    /// Whether it is the first request of a connection.
    Reuse,
}

impl FacetReading {
    /// What its values are.
    fn form_of(self, kind: VariableKind) -> ValueForm {
        match self {
            FacetReading::Address => ValueForm::Address,
            FacetReading::Size | FacetReading::Reuse => ValueForm::Class,
            FacetReading::Attempts if kind == VariableKind::UpstreamInts => ValueForm::Number,
            _ if matches!(kind, VariableKind::Status | VariableKind::Integer) => ValueForm::Number,
            _ => ValueForm::Text,
        }
    }
}

/// A variable that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facet {
    variable: usize,
    field: FieldId,
    reading: FacetReading,
}

/// The fields that a record itself has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct RecordFields {
    route: Option<FieldId>,
    path: Option<FieldId>,
    method: Option<FieldId>,
    protocol: Option<FieldId>,
}

/// Reads the features of the lines of one format.
#[derive(Debug, Clone)]
pub struct FacetReader {
    facets: Vec<Facet>,
    own: RecordFields,
    escape: Escape,
    times: [Option<usize>; 3],
    units: [crate::grammar::DurationUnit; 3],
}

/// Variables that say when, or number requests, or say again what others say.
const LEFT_OUT: &[&str] = &[
    "args",
    "binary_remote_addr",
    "connection",
    "document_uri",
    "gzip_ratio",
    "http_cookie",
    "is_args",
    "pid",
    "query_string",
    "realip_remote_port",
    "remote_port",
    "request",
    "request_body",
    "request_body_file",
    "request_filename",
    "request_id",
    "request_line",
    "request_uri",
    "uri",
];

/// Variables that hold a client's address, or begin with it.
const ADDRESSES: &[&str] = &[
    "remote_addr",
    "realip_remote_addr",
    "http_x_forwarded_for",
    "http_x_real_ip",
    "proxy_protocol_addr",
    "http_cf_connecting_ip",
];

impl FacetReader {
    /// What reads the lines of `format`; None of its fields if there are too many of them already.
    pub fn new(format: &Format, features: &mut Features) -> FacetReader {
        let roles = format.roles();
        let mut own = RecordFields {
            route: features.field("route", FieldSide::Answered, 30, "route"),
            path: features.field("path", FieldSide::Asked, 40, "route"),
            ..RecordFields::default()
        };
        let mut facets = Vec::new();
        for (variable, named) in format.variables().iter().enumerate() {
            let name = named.name.as_str();
            if is_time(named.kind) || LEFT_OUT.contains(&name) || says_otherwise(format, variable) {
                continue;
            }
            if let Some(facet) = facet_of(variable, name, named.kind, features) {
                features.set_form(facet.field, facet.reading.form_of(named.kind));
                facets.push(facet);
            }
        }
        if roles.request.is_some() || format.is_keyed() {
            own.method = features.field("request_method", FieldSide::Asked, 35, "method");
            own.protocol = features.field("server_protocol", FieldSide::Asked, 60, "protocol");
            facets.retain(|facet| Some(facet.field) != own.method && Some(facet.field) != own.protocol);
        }
        let [_, units @ ..] = roles.units;
        FacetReader { facets, own, escape: format.escape(), times: roles.upstream, units }
    }

    /// The phases of a request that took `took_ms`.
    #[inline]
    pub fn phases(&self, took_ms: u32, record: &Record<'_>, values: RecordValues<'_>) -> PhaseTimes {
        let raw = self.times.map(|variable| values.value(variable?));
        if raw.iter().flatten().any(|raw| raw.iter().any(|byte| matches!(byte, b',' | b':' | b'[' | b' '))) {
            return self.phases_of_lists(took_ms, record, values);
        }
        let [has_response, has_connect, has_header] = self.times.map(|variable| variable.is_some());
        let [response, connect, header] = record.upstream_ms;
        match response.filter(|_| has_response) {
            Some(response) => phases_of_one(
                took_ms,
                &AttemptTime {
                    response: Some(response),
                    connect: has_connect.then_some(connect),
                    header: header.filter(|_| has_header),
                },
            ),
            None => phase_times(took_ms, &AttemptTimes::default()),
        }
    }

    /// The same of a request of which there may have been several attempts.
    #[cold]
    fn phases_of_lists(&self, took_ms: u32, record: &Record<'_>, values: RecordValues<'_>) -> PhaseTimes {
        let [response, connect, header] = self.times;
        let [of_response, of_connect, of_header] = self.units;
        let [known_response, known_connect, known_header] = record.upstream_ms;
        let list = |variable: Option<usize>, unit, sum: Option<u64>| {
            let raw = values.value(variable?);
            match raw.and_then(|raw| attempt_ms(raw, unit).ok()) {
                Some(list) => Some(list),
                // Absent of this request; or the line says it under another key.
                None => Some(vec![sum]),
            }
        };
        let response = list(response, of_response, known_response).filter(|list| list.iter().any(Option::is_some));
        let attempts = AttemptTimes {
            response,
            connect: list(connect, of_connect, known_connect),
            header: list(header, of_header, known_header),
        };
        phase_times(took_ms, &attempts)
    }

    /// Adds the features of a request to `into`, each once.
    pub fn read(
        &self,
        record: &Record<'_>,
        values: RecordValues<'_>,
        route: &str,
        features: &mut Features,
        into: &mut Vec<FeatureId>,
    ) {
        into.clear();
        self.read_route(route, features, into);
        self.read_target(record, features, into);
        for (field, raw) in [(self.own.method, record.method), (self.own.protocol, record.protocol)] {
            if let Some(field) = field
                && !raw.is_empty()
            {
                add(features, field, &unescape(raw, self.escape), into);
            }
        }
        for facet in &self.facets {
            let Some(raw) = values.value(facet.variable) else { continue };
            self.read_facet(facet, raw, features, into);
        }
    }

    fn read_facet(&self, facet: &Facet, raw: &[u8], features: &mut Features, into: &mut Vec<FeatureId>) {
        let text = unescape(raw, self.escape);
        match facet.reading {
            FacetReading::Text => drop(add(features, facet.field, &text, into)),
            FacetReading::Address => read_address(facet.field, &text, features, into),
            FacetReading::Agent { family } => {
                if let Some((id, true)) = add(features, facet.field, &text, into)
                    && let Some((implied, _)) =
                        features.feature(family, agent_family(&String::from_utf8_lossy(&text)).as_bytes())
                {
                    features.imply(id, implied);
                }
            }
            FacetReading::Host => drop(add(features, facet.field, &in_lower_case(&text), into)),
            FacetReading::UrlHost => {
                if let Some(host) = host_of(&text) {
                    add(features, facet.field, &in_lower_case(host), into);
                }
            }
            FacetReading::Attempts => {
                for attempt in attempts(&text) {
                    if let Some(value) = attempt.value {
                        add(features, facet.field, value, into);
                    }
                }
            }
            FacetReading::Size => read_size(facet.field, &text, features, into),
            FacetReading::Reuse => {
                let class: &[u8] = if &*text == b"1" { b"1" } else { b">1" };
                add(features, facet.field, class, into);
            }
        }
    }

    fn read_route(&self, route: &str, features: &mut Features, into: &mut Vec<FeatureId>) {
        let Some(field) = self.own.route else { return };
        if let Some((id, true)) = add(features, field, route.as_bytes(), into) {
            for pattern in patterns_of(route) {
                if let Some((implied, _)) = features.feature(field, pattern.as_bytes()) {
                    features.imply(id, implied);
                }
            }
        }
    }

    fn read_target(&self, record: &Record<'_>, features: &mut Features, into: &mut Vec<FeatureId>) {
        let target = unescape(record.target, self.escape);
        let (path, query) = match memchr::memchr(b'?', &target) {
            Some(at) => (target.get(..at).unwrap_or_default(), target.get(at + 1..).unwrap_or_default()),
            None => (&*target, &b""[..]),
        };
        if let Some(field) = self.own.path
            && !path.is_empty()
        {
            add(features, field, path, into);
        }
        for pair in query.split(|byte| *byte == b'&').take(16) {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let key = parts.next().unwrap_or_default();
            let value = parts.next().unwrap_or_default();
            if key.is_empty() || key.len() > 64 {
                continue;
            }
            let name = format!("query:{}", field_text(key));
            let Some(field) = features.field(&name, FieldSide::Asked, 38, "") else { continue };
            // Of a key that comes again the first counts, so that it is counted once.
            if into.iter().any(|id| features.get(*id).is_some_and(|held| held.field == field)) {
                continue;
            }
            if let Some((id, true)) = add(features, field, value, into)
                && let Some((any, _)) = features.feature(field, b"*")
                && any != id
            {
                features.imply(id, any);
            }
        }
    }
}

/// Adds a value, if it is not there already; its number, and whether no request held it before.
fn add(features: &mut Features, field: FieldId, text: &[u8], into: &mut Vec<FeatureId>) -> Option<(FeatureId, bool)> {
    let found = features.held_feature(field, text)?;
    if !into.contains(&found.0) {
        into.push(found.0);
    }
    Some(found)
}

fn read_address(field: FieldId, text: &[u8], features: &mut Features, into: &mut Vec<FeatureId>) {
    let first = text.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    if let Some((id, true)) = add(features, field, first, into) {
        for net in nets_of(&String::from_utf8_lossy(first)) {
            if let Some((implied, _)) = features.feature(field, net.as_bytes()) {
                features.imply(id, implied);
            }
        }
    }
}

/// Sizes are told apart by their power of four; a class implies all smaller ones.
fn read_size(field: FieldId, text: &[u8], features: &mut Features, into: &mut Vec<FeatureId>) {
    let Some(size) = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok()) else { return };
    let class = size.checked_ilog2().map_or(0, |log| log / 2);
    // Below 256 bytes all are alike.
    if class < 4 {
        return;
    }
    if let Some((id, true)) = add(features, field, size_words(class).as_bytes(), into) {
        for smaller in 4..class {
            if let Some((implied, _)) = features.feature(field, size_words(smaller).as_bytes()) {
                features.imply(id, implied);
            }
        }
    }
}

fn size_words(class: u32) -> String {
    format!(">={}", 1u64 << (2 * class).min(63))
}

/// A host's name is the same in any case.
fn in_lower_case(host: &[u8]) -> Cow<'_, [u8]> {
    match host.iter().any(u8::is_ascii_uppercase) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

/// `example.org` of `https://user@example.org:8443/a`.
pub(super) fn host_of(url: &[u8]) -> Option<&[u8]> {
    let after = memchr::memmem::find(url, b"://").and_then(|at| url.get(at + 3..))?;
    let place = after.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let host = place.rsplit(|byte| *byte == b'@').next()?;
    let port = host
        .iter()
        .rposition(|byte| *byte == b':')
        .filter(|colon| host.get(colon + 1..).is_some_and(|port| port.iter().all(u8::is_ascii_digit)));
    host.get(..port.unwrap_or(host.len())).filter(|host| !host.is_empty())
}

/// Whether a variable is read as a time or as the target, whatever it is called.
fn says_otherwise(format: &Format, variable: usize) -> bool {
    let roles = format.roles();
    let end = roles.end.map(|(end, _)| end);
    let [response, connect, header] = roles.upstream;
    [end, roles.request_time, response, connect, header, roles.request, roles.target].contains(&Some(variable))
}

/// How a variable's value is read; as it is where nothing is said of it.
pub(super) fn reading_of(name: &str, kind: VariableKind) -> FacetReading {
    facet_of(0, name, kind, &mut Features::default()).map_or(FacetReading::Text, |facet| facet.reading)
}

/// How a variable is looked at; nothing of one that sets nothing apart.
fn facet_of(variable: usize, name: &str, kind: VariableKind, features: &mut Features) -> Option<Facet> {
    let facet = |field, reading| Some(Facet { variable, field, reading });
    if ADDRESSES.contains(&name) {
        return facet(features.field(name, FieldSide::Asked, 32, "client")?, FacetReading::Address);
    }
    let (side, rank, family) = place_of(name, kind);
    match (name, kind) {
        ("http_user_agent", _) => {
            let family = features.field("agent_family", FieldSide::Asked, 48, "agent")?;
            facet(features.field(name, FieldSide::Asked, 49, "agent")?, FacetReading::Agent { family })
        }
        ("http_referer", _) => facet(features.field(name, FieldSide::Asked, 55, "referer")?, FacetReading::UrlHost),
        ("host" | "http_host" | "server_name" | "ssl_server_name", _) => {
            facet(features.field(name, side, rank, family)?, FacetReading::Host)
        }
        ("connection_requests", _) => facet(features.field(name, side, rank, family)?, FacetReading::Reuse),
        (_, VariableKind::UpstreamAddrs | VariableKind::UpstreamInts) => {
            facet(features.field(name, side, rank, family)?, FacetReading::Attempts)
        }
        (_, VariableKind::Integer) => facet(features.field(name, side, rank, family)?, FacetReading::Size),
        (_, VariableKind::Decimal | VariableKind::Pipe) => None,
        _ => facet(features.field(name, side, rank, family)?, FacetReading::Text),
    }
}
