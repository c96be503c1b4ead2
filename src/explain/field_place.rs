//! Where a variable's field stands among the others: which side of a request it is of, and whether it is looked at at all.

use super::feature::FieldSide;
use crate::grammar::VariableKind;

/// Ends of the names of what came of a request.
const OUTCOMES: &[&str] = &["status", "bytes_sent", "request_completion", "response_length", "connection_time"];

/// The side and the rank of a variable's field.
pub(super) fn place_of(name: &str, kind: VariableKind) -> (FieldSide, u8, &'static str) {
    match name {
        "upstream_cache_status" => (FieldSide::Answered, 20, "cache"),
        "host" | "http_host" | "server_name" => (FieldSide::Answered, 25, "host"),
        "request_length" | "content_length" | "bytes_received" => (FieldSide::Asked, 45, "request size"),
        "request_method" => (FieldSide::Asked, 35, "method"),
        "server_protocol" => (FieldSide::Asked, 60, "protocol"),
        "connection_requests" => (FieldSide::Asked, 70, "connection"),
        _ if OUTCOMES.iter().any(|end| name.ends_with(end)) || kind == VariableKind::Status => {
            (FieldSide::Outcome, 90, "outcome")
        }
        _ if kind == VariableKind::UpstreamAddrs => (FieldSide::Answered, 10, "upstream"),
        _ if name.starts_with("upstream") || name.starts_with("server") => (FieldSide::Answered, 15, "upstream name"),
        _ if name.starts_with("ssl_") => (FieldSide::Asked, 65, "tls"),
        _ => (FieldSide::Asked, 50, ""),
    }
}

/// Whether it says a time, or has its own fields: nothing that sets requests apart.
pub(super) fn is_time(kind: VariableKind) -> bool {
    matches!(
        kind,
        VariableKind::TimeLocal
            | VariableKind::TimeIso8601
            | VariableKind::Msec
            | VariableKind::Seconds
            | VariableKind::UpstreamSeconds
            | VariableKind::Request
            | VariableKind::Port
    )
}
