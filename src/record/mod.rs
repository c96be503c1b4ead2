//! The fields of one request, borrowed from its log line. Pure: no I/O, no allocation per line.
//!
//! ```text
//! line -- RecordParser::cut --> spans, one a variable -- RecordParser::read --> Record
//!   needs          which fields are wanted; what is not wanted is neither cut nor read
//!   field_spans    which span is which field
//!   end_reader     when the request ended, line by line; end_time: $msec, $time_iso8601, $time_local
//!   number         whole numbers, and seconds with three decimals
//!   address_range  an address or a net
//!   upstream       the lists of $upstream_*: attempts and redirects
//!   request        $request into method, target and protocol
//!   agent          the family of an agent: a browser, a robot, a library
//!   request_field  the fields that requests are grouped by
//!   unescape       a value as it was before nginx escaped it: for what is shown or compared, not for every line
//!   status_range   statuses as people ask for them
//! ```
//!
//! Two rules hold for every field. A value that is absent (`-`, or empty) is None and never 0: a request that no upstream
//! answered did not take 0 ms there. A value that its variable cannot have rejects the whole line, with the place and the
//! reason ([`Reject`](crate::grammar::Reject)): half a record would be counted, and nobody would see what it lacks.
//!
//! `parser` calls all the others; they do not know each other, but that `end_time`, `upstream` and `request_field` read by `number`,
//! `request_field` also by `upstream` and `agent`, and `end_reader` by `end_time`.

mod address_range;
mod agent;
mod end_reader;
mod end_time;
mod field_spans;
mod needs;
mod number;
mod parser;
mod record_values;
mod request;
mod request_field;
mod status_range;
mod unescape;
mod upstream;

pub use address_range::AddressRange;
pub use agent::{agent_family, with_agent_family};
pub use needs::Needs;
pub use number::MAX_DURATION_MS;
pub use parser::RecordParser;
pub use record_values::RecordValues;
pub use request_field::{
    AttemptOutcome, GroupingFields, NetSize, RequestField, net_of, path_of, query_value, values_of_key,
};
pub use status_range::parse_status_range;
pub use unescape::unescape;
pub use upstream::{Attempt, Attempts, attempt_ms, attempts, upstream_list, upstream_ms, upstream_values};

use crate::time::Timestamp;

/// One request. Fields that the format lacks, or that were not needed, are None or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'l> {
    /// When the request ended: `$msec`, else `$time_iso8601`, else `$time_local`.
    pub end: Timestamp,
    /// `$request_time` in milliseconds; of a log that has none, if that was asked for, `$upstream_response_time`.
    pub request_time_ms: Option<u64>,
    /// Whether it is the latter.
    pub by_upstream: bool,
    /// `$upstream_response_time`, `$upstream_connect_time`, `$upstream_header_time` in milliseconds, each the sum over
    /// all attempts that have it; None if none has.
    pub upstream_ms: [Option<u64>; 3],
    /// From `$request`, else `$request_method`. Raw (still escaped), as the two below.
    pub method: &'l [u8],
    /// From `$request`, else `$request_uri`, else `$uri` (with `$is_args$args` where they follow it directly).
    pub target: &'l [u8],
    /// From `$request`, else `$server_protocol`; empty for HTTP/0.9.
    pub protocol: &'l [u8],
    /// `$request` is not `METHOD SP target [SP HTTP/x.y]`; then the three fields above are empty.
    pub malformed_request: bool,
    /// `$status`.
    pub status: Option<u16>,
    /// `$bytes_sent`, else `$body_bytes_sent`.
    pub bytes_sent: Option<u64>,
    /// `$host`, else `$http_host`, else `$server_name`.
    pub host: Option<&'l [u8]>,
}

impl Record<'_> {
    /// When the request started: its end less `$request_time`, or its end if that is unknown.
    pub fn start(&self) -> Timestamp {
        let millis = i64::try_from(self.request_time_ms.unwrap_or(0)).unwrap_or(i64::MAX);
        self.end.plus_millis(-millis)
    }
}
