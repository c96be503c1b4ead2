//! Which variables of a format say what about a request: its end, its times, its target.

use crate::grammar::variables::Variable;

/// The grammar of the time a request ended at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeNotation {
    /// `$msec`: to the millisecond.
    Msec,
    /// `$time_iso8601`: to the second.
    Iso8601,
    /// `$time_local`: to the second.
    Local,
    /// Any of these, told by its shape: the time of a keyed format.
    Any,
}

/// The variables (as indexes into [`Format::variables`](crate::grammar::Format::variables)) that play a part in a
/// record. Where several could, the better one is named: `$msec` before `$time_iso8601` before `$time_local`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// The time the request ended at.
    pub end: Option<(usize, TimeNotation)>,
    /// `$request_time`.
    pub request_time: Option<usize>,
    /// `$upstream_response_time`, `$upstream_connect_time`, `$upstream_header_time`.
    pub upstream: [Option<usize>; 3],
    /// `$request`, the whole request line.
    pub request: Option<usize>,
    /// `$request_method`.
    pub method: Option<usize>,
    /// `$request_uri`, else `$uri` or `$document_uri`.
    pub target: Option<usize>,
    /// `$server_protocol`.
    pub protocol: Option<usize>,
    /// `$status`.
    pub status: Option<usize>,
    /// `$bytes_sent`, else `$body_bytes_sent`.
    pub bytes: Option<usize>,
    /// `$host`, else `$http_host`, else `$server_name`.
    pub host: Option<usize>,
}

impl Roles {
    pub(crate) fn of_variables(variables: &[Variable]) -> Roles {
        let first = |names: &[&str]| names.iter().find_map(|name| variables.iter().position(|v| v.name == *name));
        let end = [
            ("msec", TimeNotation::Msec),
            ("time_iso8601", TimeNotation::Iso8601),
            ("time_local", TimeNotation::Local),
        ];
        Roles {
            end: end.into_iter().find_map(|(name, clock)| Some((first(&[name])?, clock))),
            request_time: first(&["request_time"]),
            upstream: ["upstream_response_time", "upstream_connect_time", "upstream_header_time"]
                .map(|name| first(&[name])),
            request: first(&["request", "request_line"]),
            method: first(&["request_method"]),
            target: first(&["request_uri", "uri", "document_uri"]),
            protocol: first(&["server_protocol"]),
            status: first(&["status"]),
            bytes: first(&["bytes_sent", "body_bytes_sent"]),
            host: first(&["host", "http_host", "server_name"]),
        }
    }

    /// All of them, in a fixed order.
    pub(crate) fn in_order(&self) -> [Option<usize>; 12] {
        let [response, connect, header] = self.upstream;
        [
            self.end.map(|(variable, _)| variable),
            self.request_time,
            response,
            connect,
            header,
            self.request,
            self.method,
            self.target,
            self.protocol,
            self.status,
            self.bytes,
            self.host,
        ]
    }
}
