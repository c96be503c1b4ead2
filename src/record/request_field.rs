//! The fields of a request by which people group: what the record has, parts of its target, its client's net, any variable.
//!
//! `path` is the target without its query, `query:KEY` the value of a key of the query, `net` and `net:16` the client's net,
//! `agent_family` what the client is: a browser, a robot, a library.
//! `upstream_addr` and `upstream_status` are lists, one member an attempt: grouped by one of them, each attempt counts by itself, with its
//! own status and time, so that the server which failed carries what it cost.

use std::io::Write;
use std::net::IpAddr;

use super::agent::with_agent_family;
use super::number;
use super::upstream::attempts;
use super::{Needs, Record, RecordValues};
use crate::grammar::{DurationUnit, Escape, Format};

/// What stands for a value that a request has not, as in nginx's own logs.
const ABSENT: &[u8] = b"-";

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestField {
    /// Its route.
    Route,
    /// Its method.
    Method,
    /// Its protocol.
    Protocol,
    /// Its status.
    Status,
    /// The class of its status: `2xx`.
    StatusClass,
    /// The host that was asked.
    Host,
    /// Its target: path and query.
    Target,
    /// Its path.
    Path,
    /// The value of the first of this key in the query, as it was sent (percent signs and all).
    QueryKey(String),
    /// The net of `$remote_addr`.
    Net(NetSize),
    /// The family of `$http_user_agent`: `Chrome`, `Googlebot`, `curl`.
    AgentFamily,
    /// A list by attempt: `upstream_addr` or `upstream_status`.
    Attempts(String),
    /// Any other variable of the format, raw.
    Variable(String),
}

/// How much of an address its net is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetSize {
    /// 24 bits of an IPv4 address, 64 of an IPv6 one: mostly one customer.
    Site,
    /// 16 and 48 bits: mostly one provider or company.
    Provider,
}

/// One attempt at an upstream, as the line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptOutcome {
    /// `$upstream_status` of the attempt.
    pub status: Option<u16>,
    /// `$upstream_response_time` of the attempt, in milliseconds.
    pub response_ms: Option<u64>,
    /// `$upstream_connect_time` of the attempt, likewise.
    pub connect_ms: Option<u64>,
    /// `$upstream_header_time` of the attempt, likewise.
    pub header_ms: Option<u64>,
}

impl RequestField {
    /// The field of that name, with or without `$`. A name that is none of ours is a variable.
    pub fn of_name(name: &str) -> RequestField {
        let name = name.trim_start_matches('$');
        match name {
            "route" => RequestField::Route,
            "method" => RequestField::Method,
            "protocol" => RequestField::Protocol,
            "status" => RequestField::Status,
            "status_class" => RequestField::StatusClass,
            "host" => RequestField::Host,
            "target" => RequestField::Target,
            "path" => RequestField::Path,
            "agent_family" => RequestField::AgentFamily,
            "net" | "net:24" | "net:64" => RequestField::Net(NetSize::Site),
            "net:16" | "net:48" => RequestField::Net(NetSize::Provider),
            "upstream_addr" | "upstream_status" => RequestField::Attempts(name.to_owned()),
            _ => match name.strip_prefix("query:") {
                Some(key) => RequestField::QueryKey(key.to_owned()),
                None => RequestField::Variable(name.to_owned()),
            },
        }
    }

    /// The variable of the format that it is read from, where it is one.
    fn variable(&self) -> Option<&str> {
        match self {
            RequestField::Net(_) => Some("remote_addr"),
            RequestField::AgentFamily => Some("http_user_agent"),
            RequestField::Attempts(name) | RequestField::Variable(name) => Some(name),
            _ => None,
        }
    }
}

/// Fields by which requests are grouped, as the lines of one format have them.
#[derive(Debug, Clone)]
pub struct GroupingFields {
    fields: Vec<PlacedField>,
    /// Whether each attempt counts by itself.
    by_attempt: bool,
    /// The variable of an attempt's status; those of its response, connect and header time, and their units.
    statuses: Option<usize>,
    times: [Option<usize>; 3],
    units: [DurationUnit; 3],
}

/// A field and the number of its variable.
#[derive(Debug, Clone)]
struct PlacedField {
    field: RequestField,
    variable: Option<usize>,
    /// How the lines are escaped.
    escape: Escape,
}

impl GroupingFields {
    /// Those of a format.
    pub fn of_format(fields: &[RequestField], format: &Format) -> GroupingFields {
        let placed = |field: &RequestField| PlacedField {
            field: field.clone(),
            variable: field.variable().and_then(|name| format.index_of(name)),
            escape: format.escape(),
        };
        let [_, units @ ..] = format.roles().units;
        GroupingFields {
            fields: fields.iter().map(placed).collect(),
            by_attempt: fields.iter().any(|field| matches!(field, RequestField::Attempts(_))),
            statuses: format.index_of("upstream_status"),
            times: format.roles().upstream,
            units,
        }
    }

    /// Names of variables that the format has not.
    pub fn lacking(&self) -> Vec<&str> {
        let mut lacking = Vec::new();
        for PlacedField { field, variable, .. } in &self.fields {
            lacking.extend(field.variable().filter(|_| variable.is_none()));
        }
        lacking
    }

    /// Whether each attempt at an upstream counts by itself.
    pub fn by_attempt(&self) -> bool {
        self.by_attempt
    }

    /// Whether the lines say how long an attempt took.
    pub fn times_attempts(&self) -> bool {
        let [response, ..] = self.times;
        response.is_some()
    }

    /// What has to be read of a line for these fields.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::latency();
        for PlacedField { field, variable, .. } in &self.fields {
            needs.host |= *field == RequestField::Host;
            needs.variables.extend(variable);
        }
        if self.by_attempt {
            needs.variables.extend(self.statuses);
            needs.variables.extend(self.times.iter().flatten());
        }
        needs
    }

    /// How many attempts a request has that count by themselves, 1 where it has none.
    pub fn count_attempts(&self, values: &RecordValues<'_>) -> usize {
        let mut most = 1;
        for PlacedField { field, variable, .. } in &self.fields {
            if let (RequestField::Attempts(_), Some(variable)) = (field, variable) {
                most = most.max(values.value(*variable).map_or(0, |list| attempts(list).count()));
            }
        }
        most
    }

    /// What came of an attempt, by its number from 0.
    pub fn outcome(&self, values: &RecordValues<'_>, attempt: usize) -> AttemptOutcome {
        let member = |variable: Option<usize>| attempts(values.value(variable?)?).nth(attempt)?.value;
        let ([response, connect, header], [of_response, of_connect, of_header]) = (self.times, self.units);
        let millis = |variable, unit| number::duration_in(member(variable)?, unit).ok();
        AttemptOutcome {
            status: member(self.statuses).and_then(|text| number::status(text).ok()),
            response_ms: millis(response, of_response),
            connect_ms: millis(connect, of_connect),
            header_ms: millis(header, of_header),
        }
    }

    /// Write the values of a request, or of one attempt of it, into `key`, which is cleared; [`values_of_key`] takes them out again.
    /// `route` stands for its route. Gives whether the request has them all: what it lacks stands as `-`.
    ///
    /// Nothing is allocated once `key` has grown: this is asked for every line.
    pub fn write_key(
        &self,
        record: &Record<'_>,
        values: &RecordValues<'_>,
        route: &[u8],
        attempt: usize,
        key: &mut Vec<u8>,
    ) -> bool {
        key.clear();
        let mut has_all = true;
        for placed in &self.fields {
            let begin = key.len();
            key.extend_from_slice(&[0; 4]);
            has_all &= push_value(placed, record, values, route, attempt, key);
            let length = u32::try_from(key.len() - begin - 4).unwrap_or(u32::MAX);
            if let Some(place) = key.get_mut(begin..begin + 4) {
                place.copy_from_slice(&length.to_le_bytes());
            }
        }
        has_all
    }
}

/// Append the value of one field; `-`, and false, if the request has none.
fn push_value(
    placed: &PlacedField,
    record: &Record<'_>,
    values: &RecordValues<'_>,
    route: &[u8],
    attempt: usize,
    key: &mut Vec<u8>,
) -> bool {
    let raw = || placed.variable.and_then(|variable| values.value(variable));
    let value = match &placed.field {
        RequestField::Route => Some(route),
        RequestField::Method => Some(record.method),
        RequestField::Protocol => Some(record.protocol),
        // Writing to memory does not fail.
        RequestField::Status => {
            return record.status.is_some_and(|status| write!(key, "{status}").is_ok()) || lacks(key);
        }
        RequestField::StatusClass => {
            let class = record.status.map(|status| status / 100);
            return class.is_some_and(|class| write!(key, "{class}xx").is_ok()) || lacks(key);
        }
        RequestField::Host => record.host,
        RequestField::Target => Some(record.target),
        RequestField::Path => Some(path_of(record.target)),
        RequestField::QueryKey(name) => query_value(record.target, name.as_bytes()),
        RequestField::Net(size) => return raw().is_some_and(|address| push_net(address, *size, key)) || lacks(key),
        RequestField::AgentFamily => {
            let agent = raw().filter(|agent| !matches!(*agent, b"" | b"-"));
            return agent.is_some_and(|agent| push_family(agent, placed.escape, key)) || lacks(key);
        }
        RequestField::Attempts(_) => raw().and_then(|list| attempts(list).nth(attempt)?.value),
        RequestField::Variable(_) => raw(),
    };
    match value {
        Some(value) => {
            key.extend_from_slice(value);
            true
        }
        None => lacks(key),
    }
}

/// A value is not there.
fn lacks(key: &mut Vec<u8>) -> bool {
    key.extend_from_slice(ABSENT);
    false
}

/// Append the net of an address, `192.0.2.0/24`; what is no address (a unix socket's `unix:`) as it is.
fn push_net(address: &[u8], size: NetSize, key: &mut Vec<u8>) -> bool {
    match std::str::from_utf8(address).ok().and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(read) => write_net(read, size, key),
        None => key.extend_from_slice(address),
    }
    true
}

/// Append the family of an agent as it is logged.
fn push_family(agent: &[u8], escape: Escape, key: &mut Vec<u8>) -> bool {
    with_agent_family(agent, escape, |family| key.extend_from_slice(family.as_bytes()));
    true
}

/// The values of a key of [`GroupingFields::write_key`], in the order of the fields.
pub fn values_of_key(mut key: &[u8]) -> Vec<&[u8]> {
    let mut values = Vec::new();
    while let Some((length, rest)) = key.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        values.push(value);
        key = rest;
    }
    values
}

/// The target without its query.
pub fn path_of(target: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    target.get(..end).unwrap_or(target)
}

/// The value of the first parameter of that name in the target's query, as it was sent; empty where it has no `=`.
pub fn query_value<'t>(target: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let query = target.get(memchr::memchr(b'?', target)? + 1..)?;
    for parameter in query.split(|&byte| byte == b'&') {
        let Some(rest) = parameter.strip_prefix(name) else { continue };
        match rest.split_first() {
            None => return Some(rest),
            Some((b'=', value)) => return Some(value),
            Some(_) => {}
        }
    }
    None
}

/// Append the net of an address with its prefix; an IPv4 address within IPv6 (`::ffff:192.0.2.7`) is one of IPv4.
fn write_net(address: IpAddr, size: NetSize, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    drop(match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            match size {
                NetSize::Site => write!(out, "{a}.{b}.{c}.0/24"),
                NetSize::Provider => write!(out, "{a}.{b}.0.0/16"),
            }
        }
        IpAddr::V6(address) => {
            let bits = if size == NetSize::Site { 64 } else { 48 };
            let net = std::net::Ipv6Addr::from_bits(address.to_bits() >> (128 - bits) << (128 - bits));
            write!(out, "{net}/{bits}")
        }
    });
}

/// The net of an address with its prefix, `192.0.2.0/24`.
pub fn net_of(address: IpAddr, size: NetSize) -> String {
    let mut net = Vec::new();
    write_net(address, size, &mut net);
    String::from_utf8(net).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fields_with_or_without_a_dollar() {
        assert_eq!(RequestField::of_name("$route"), RequestField::Route);
        assert_eq!(RequestField::of_name("net:48"), RequestField::Net(NetSize::Provider));
        assert_eq!(RequestField::of_name("query:depth"), RequestField::QueryKey("depth".to_owned()));
        assert_eq!(RequestField::of_name("$upstream_addr"), RequestField::Attempts("upstream_addr".to_owned()));
        assert_eq!(RequestField::of_name("http_referer"), RequestField::Variable("http_referer".to_owned()));
    }

    #[test]
    fn a_query_is_cut_at_its_parameters() {
        let target = b"/a?depth=all&x&depth=2&y=1=2&ab=3";
        assert_eq!(path_of(target), b"/a");
        for (name, expected) in
            [("depth", Some("all")), ("x", Some("")), ("y", Some("1=2")), ("b", None), ("dep", None), ("ab", Some("3"))]
        {
            assert_eq!(query_value(target, name.as_bytes()), expected.map(str::as_bytes), "{name}");
        }
        assert_eq!(query_value(b"/a", b"x"), None);
    }

    #[test]
    fn nets_of_both_families() {
        for (address, size, net) in [
            ("192.0.2.77", NetSize::Site, "192.0.2.0/24"),
            ("192.0.2.77", NetSize::Provider, "192.0.0.0/16"),
            ("::ffff:192.0.2.77", NetSize::Site, "192.0.2.0/24"),
            ("2001:db8:1:2:3::9", NetSize::Site, "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::9", NetSize::Provider, "2001:db8:1::/48"),
        ] {
            assert_eq!(net_of(address.parse().unwrap(), size), net);
        }
        let mut key = Vec::new();
        assert!(push_net(b"unix:", NetSize::Site, &mut key) && key == b"unix:");
    }

    #[test]
    fn a_key_gives_its_values_back() {
        let mut key = Vec::new();
        for value in [&b"a\x00b"[..], b"", b"-"] {
            key.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
            key.extend_from_slice(value);
        }
        assert_eq!(values_of_key(&key), [&b"a\x00b"[..], b"", b"-"]);
    }
}
