//! Where a field that `--where` names stands in the lines of a format, and what its values look like there.

use super::facets::{FacetReading, reading_of};
use super::where_condition::field_bytes;
use super::where_value::ValueSort;
use crate::grammar::{DurationUnit, Format, VariableKind};

/// Addresses that nginx knows of its own, where a client may say anything in others.
const OF_CONNECTION: &[&str] = &["remote_addr", "realip_remote_addr", "proxy_protocol_addr"];

/// Where the value stands.
#[derive(Debug, Clone)]
pub(super) enum LooksAt {
    Route,
    Path,
    Target,
    Method,
    Protocol,
    Host,
    Status,
    StatusClass,
    /// The time of a request, and the variable that says it; without one that of its upstreams stands in.
    Duration(Option<usize>),
    Query(Vec<u8>),
    Family(usize),
    Variable(usize, FacetReading),
    /// The format has none.
    Nothing,
}

impl LooksAt {
    /// Where a format has the field; nowhere if none of its lines can have it.
    pub(super) fn of_field(field: &str, format: &Format) -> LooksAt {
        let roles = format.roles();
        let is_keyed = format.is_keyed();
        let says_request = roles.request.is_some() || is_keyed;
        let if_there = |is_there: bool, known: LooksAt| if is_there { known } else { LooksAt::Nothing };
        match field {
            "route" => LooksAt::Route,
            "path" => if_there(format.tells_request(), LooksAt::Path),
            "target" => if_there(format.tells_request(), LooksAt::Target),
            "request_method" | "server_protocol" if !says_request => LooksAt::of_variable(field, format),
            "method" | "request_method" => if_there(says_request || roles.method.is_some(), LooksAt::Method),
            "protocol" | "server_protocol" => if_there(says_request || roles.protocol.is_some(), LooksAt::Protocol),
            "status" => if_there(is_keyed || roles.status.is_some(), LooksAt::Status),
            "status_class" => if_there(is_keyed || roles.status.is_some(), LooksAt::StatusClass),
            "request_time" => {
                let [upstream, ..] = roles.upstream;
                let is_there = is_keyed || roles.request_time.or(upstream).is_some();
                let is_told = format.keys().is_none_or(|keyed| keyed.tells_request_time());
                if_there(is_there, LooksAt::Duration(roles.request_time.filter(|_| is_told)))
            }
            "agent_family" => match format.index_of("http_user_agent") {
                Some(agent) => LooksAt::Family(agent),
                None => LooksAt::Nothing,
            },
            "net" | "net:24" | "net:64" | "net:16" | "net:48" => LooksAt::of_variable("remote_addr", format),
            _ => match field.strip_prefix("query:") {
                Some(key) => if_there(format.tells_request(), LooksAt::Query(field_bytes(key))),
                None => match LooksAt::of_variable(field, format) {
                    LooksAt::Nothing if field == "host" => if_there(is_keyed || roles.host.is_some(), LooksAt::Host),
                    known => known,
                },
            },
        }
    }

    fn of_variable(name: &str, format: &Format) -> LooksAt {
        let Some(variable) = format.index_of(name) else { return LooksAt::Nothing };
        let kind = format.variables().get(variable).map(|known| known.kind);
        LooksAt::Variable(variable, kind.map_or(FacetReading::Text, |kind| reading_of(name, kind)))
    }

    /// What the values look like that stand there.
    pub(super) fn sort(&self, field: &str, format: &Format) -> ValueSort {
        let [of_request, ..] = format.roles().units;
        match self {
            LooksAt::Route => ValueSort::Route,
            LooksAt::Path => ValueSort::Path,
            // Keys may hold anything, whatever they are called.
            LooksAt::Method if !format.is_keyed() => ValueSort::Method,
            LooksAt::Protocol if !format.is_keyed() => ValueSort::Protocol,
            LooksAt::Status => ValueSort::Status,
            LooksAt::StatusClass => ValueSort::StatusClass,
            LooksAt::Duration(_) => ValueSort::Time(of_request),
            LooksAt::Variable(_, FacetReading::Address) if field == "net" || field.starts_with("net:") => {
                ValueSort::Net
            }
            LooksAt::Variable(_, FacetReading::Address) if !format.is_keyed() && OF_CONNECTION.contains(&field) => {
                ValueSort::Address
            }
            LooksAt::Variable(_, FacetReading::Address) => ValueSort::ClientSays,
            LooksAt::Variable(variable, _) => sort_of_variable(*variable, format),
            _ => ValueSort::Text,
        }
    }
}

fn sort_of_variable(variable: usize, format: &Format) -> ValueSort {
    let roles = format.roles();
    let [of_request, of_upstream @ ..] = roles.units;
    if roles.request_time == Some(variable) {
        return ValueSort::Time(of_request);
    }
    for (role, unit) in roles.upstream.into_iter().zip(of_upstream) {
        if role == Some(variable) {
            return ValueSort::Times(unit);
        }
    }
    if roles.status == Some(variable) {
        return ValueSort::Status;
    }
    let Some(known) = format.variables().get(variable) else { return ValueSort::Text };
    match known.kind {
        VariableKind::Status => ValueSort::Status,
        VariableKind::UpstreamInts if known.name.ends_with("status") => ValueSort::Statuses,
        VariableKind::UpstreamInts => ValueSort::Numbers,
        VariableKind::Integer | VariableKind::Port | VariableKind::Decimal | VariableKind::Msec => ValueSort::Number,
        VariableKind::Seconds => ValueSort::Time(DurationUnit::Seconds),
        VariableKind::UpstreamSeconds => ValueSort::Times(DurationUnit::Seconds),
        VariableKind::TimeLocal | VariableKind::TimeIso8601 if format.is_keyed() => ValueSort::Text,
        VariableKind::TimeLocal => ValueSort::Clock,
        VariableKind::TimeIso8601 => ValueSort::IsoClock,
        VariableKind::UpstreamAddrs => ValueSort::Upstreams,
        VariableKind::Pipe => ValueSort::Pipe,
        VariableKind::Request | VariableKind::Token | VariableKind::Text if format.is_keyed() => ValueSort::Text,
        VariableKind::Request | VariableKind::Token | VariableKind::Text => match known.name.as_str() {
            "request_method" => ValueSort::Method,
            "server_protocol" => ValueSort::Protocol,
            "upstream_cache_status" => ValueSort::CacheStatus,
            _ => ValueSort::Text,
        },
    }
}
