//! The usual names: under which keys people log nginx's variables.
//!
//! Collected from published `log_format`s and the tools that read them: alp and kazeburo's LTSV and JSON, ltsv.org's
//! labels, filebeat's nginx module, the Elastic Common Schema, logstash's `COMBINEDAPACHELOG`, Loki's examples.
//!
//! Keys are compared without regard to case, nested ones as dotted paths; each name is also known without its `_`, as camelCase writes
//! it (`requestTime`). `httpRequest.*` are those of Google Cloud's log entries. A name is here only if it says one thing
//! wherever it is used: a duration's unit is seconds where nginx's own name is meant, and otherwise stands in the name.
//! `duration`, `latency`, `response_time` and the like may be anything in any unit, so they are not here: see
//! [`MAYBE_SECONDS`].

use crate::grammar::variables::DurationUnit;

/// A variable and the keys that hold it, the better key first.
pub(super) type VariableKeys = (&'static str, &'static [&'static str]);

/// Keys by variable, whatever the syntax.
pub(super) const NAMES: &[VariableKeys] = &[
    ("msec", &["msec"]),
    ("time_iso8601", &["time_iso8601"]),
    ("time_local", &["time_local", "local_time", "time_ngx"]),
    ("time", &["time", "timestamp", "ts", "datetime", "event_datetime", "date", "nginx.access.time", "_time"]),
    ("@timestamp", &["@timestamp"]),
    (
        "request_time",
        &[
            "request_time",
            "reqtime",
            "req_time",
            "rt",
            "request_time_sec",
            "request_time_s",
            "request_time_seconds",
            "request_duration_seconds",
            "duration_seconds",
            "latency_seconds",
            "time_in_sec",
            "taken_sec",
            "time_taken_sec",
            "nginx.access.request_time",
            "request.time",
        ],
    ),
    (
        "upstream_response_time",
        &[
            "upstream_response_time",
            "urt",
            "apptime",
            "app_time",
            "upstream_time",
            "upstream_response_time_sec",
            "upstream_response_time_seconds",
            "response.latency_seconds",
        ],
    ),
    ("upstream_connect_time", &["upstream_connect_time", "uct"]),
    ("upstream_header_time", &["upstream_header_time", "uht"]),
    ("request", &["request", "req", "request_line", "request_raw", "request_full", "nginx.access.request_line"]),
    (
        "request_method",
        &[
            "request_method",
            "method",
            "verb",
            "http_method",
            "nginx.access.method",
            "http.request.method",
            "request.method",
            "httprequest.requestmethod",
        ],
    ),
    (
        "request_uri",
        &[
            "request_uri",
            "url",
            "request_url",
            "nginx.access.url",
            "url.original",
            "request.uri",
            "request.url",
            "httprequest.requesturl",
        ],
    ),
    ("uri", &["uri", "path", "request_path", "document_uri", "url.path", "request.path"]),
    (
        "server_protocol",
        &[
            "server_protocol",
            "protocol",
            "proto",
            "httpversion",
            "nginx.access.http_version",
            "request.protocol",
            "request.proto",
            "httprequest.protocol",
        ],
    ),
    (
        "status",
        &[
            "status",
            "status_code",
            "http_status",
            "http_status_code",
            "request_status",
            "response_code",
            "response_status",
            "code",
            "nginx.access.response_code",
            "http.response.status_code",
            "response.status",
            "httprequest.status",
            "response",
        ],
    ),
    ("bytes_sent", &["bytes_sent", "bytes", "response.size_sent", "httprequest.responsesize"]),
    (
        "body_bytes_sent",
        &[
            "body_bytes_sent",
            "size",
            "body_bytes",
            "body_size",
            "bytes_sent_body",
            "nginx.access.body_sent.bytes",
            "http.response.body.bytes",
        ],
    ),
    ("request_length", &["request_length", "request_bytes", "reqsize", "request.size", "httprequest.requestsize"]),
    ("http_host", &["http_host", "site", "url.domain"]),
    ("server_name", &["server_name"]),
    (
        "remote_addr",
        &[
            "remote_addr",
            "remote_ip",
            "client_ip",
            "clientip",
            "ip",
            "nginx.access.remote_ip",
            "source.ip",
            "client",
            "httprequest.remoteip",
        ],
    ),
    ("remote_user", &["remote_user", "user", "nginx.access.user_name"]),
    (
        "http_referer",
        &["http_referer", "referer", "referrer", "nginx.access.referrer", "request.referer", "httprequest.referer"],
    ),
    (
        "http_user_agent",
        &[
            "http_user_agent",
            "user_agent",
            "ua",
            "agent",
            "user_agent.original",
            "nginx.access.agent",
            "request.user_agent",
            "httprequest.useragent",
        ],
    ),
    ("http_x_forwarded_for", &["http_x_forwarded_for", "x_forwarded_for", "forwardedfor", "xff"]),
    ("upstream_addr", &["upstream_addr", "upstream"]),
    ("upstream_status", &["upstream_status", "response.upstream_status"]),
    ("upstream_cache_status", &["upstream_cache_status", "cache"]),
    ("request_id", &["request_id", "req_id", "request.id"]),
];

/// Of JSON alone: `host` is mostly `$host`, unless there is a `vhost`.
pub(super) const JSON_NAMES: &[VariableKeys] = &[("host", &["vhost", "host", "request.host"])];

/// Of LTSV alone: ltsv.org's `host` is the client, `vhost` the server.
pub(super) const LTSV_NAMES: &[VariableKeys] = &[("host", &["vhost"]), ("remote_addr", &["remote_addr", "host"])];

/// Keys of durations whose unit stands in their name.
pub(super) const WITH_UNIT: &[(&str, &[&str], DurationUnit)] = &[
    (
        "request_time",
        &[
            "request_time_ms",
            "request_time_msec",
            "request_time_milliseconds",
            "reqtime_ms",
            "req_time_ms",
            "rt_ms",
            "request_duration_ms",
            "duration_ms",
            "latency_ms",
            "elapsed_ms",
            "took_ms",
        ],
        DurationUnit::Millis,
    ),
    (
        "request_time",
        &["request_time_us", "request_duration_us", "duration_us", "latency_us", "elapsed_us", "reqtime_microsec"],
        DurationUnit::Micros,
    ),
    // The Elastic Common Schema gives `event.duration` in nanoseconds.
    ("request_time", &["request_time_ns", "duration_ns", "latency_ns", "event.duration"], DurationUnit::Nanos),
    (
        "upstream_response_time",
        &["upstream_response_time_ms", "upstream_time_ms", "urt_ms", "apptime_ms"],
        DurationUnit::Millis,
    ),
    ("upstream_connect_time", &["upstream_connect_time_ms", "uct_ms"], DurationUnit::Millis),
    ("upstream_header_time", &["upstream_header_time_ms", "uht_ms"], DurationUnit::Millis),
];

/// Keys that mean such a duration if all their values in a log look as nginx writes them, and nothing otherwise.
pub(super) const MAYBE_SECONDS: &[VariableKeys] = &[
    (
        "request_time",
        &[
            "duration",
            "latency",
            "elapsed",
            "time_taken",
            "request_duration",
            "processing_time",
            "resp_time",
            "responsetime",
            "httprequest.latency",
        ],
    ),
    ("upstream_response_time", &["response_time", "ut", "backend_time", "upstream_duration"]),
];

/// `requesttime` of `request_time`, which is `requestTime` in small letters.
pub(super) fn squeezed(key: &str) -> String {
    key.replace('_', "")
}

/// The variable that a key means in any log, and the unit of its durations; camelCase is understood. Nothing for those that only mean it
/// beside other keys: a `time`, `bytes` or `code` alone may be anything.
pub(in crate::grammar) fn usual_variable(key: &str) -> Option<(&'static str, DurationUnit)> {
    const ALONE: [&str; 14] = [
        "request_time",
        "upstream_response_time",
        "upstream_connect_time",
        "upstream_header_time",
        "upstream_addr",
        "upstream_status",
        "upstream_cache_status",
        "msec",
        "host",
        "http_host",
        "request_id",
        "request_length",
        "http_x_forwarded_for",
        "server_name",
    ];
    let key = key.to_ascii_lowercase();
    let names = |known: &&str| *known == key || known.contains('_') && squeezed(known) == key;
    let in_seconds = NAMES.iter().chain(JSON_NAMES).map(|(variable, keys)| (*variable, *keys, DurationUnit::Seconds));
    let mut all = in_seconds.chain(WITH_UNIT.iter().copied());
    let (variable, _, unit) = all.find(|(_, keys, _)| keys.iter().any(names))?;
    ALONE.contains(&variable).then_some((variable, unit))
}

/// For each part of a record, in the order of [`Role`], the variables that can play it, the better one first.
pub(super) const ROLES: [&[&str]; 12] = [
    &["msec", "time_iso8601", "time_local", "time", "@timestamp"],
    &["request_time"],
    &["upstream_response_time"],
    &["upstream_connect_time"],
    &["upstream_header_time"],
    &["request"],
    &["request_method"],
    &["request_uri", "uri"],
    &["server_protocol"],
    &["status"],
    &["bytes_sent", "body_bytes_sent"],
    &["host", "http_host", "server_name"],
];

/// The parts of a record; their values stand behind those of the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// When the request ended.
    End,
    /// Its `$request_time`.
    RequestTime,
    /// `$upstream_response_time`.
    UpstreamResponse,
    /// `$upstream_connect_time`.
    UpstreamConnect,
    /// `$upstream_header_time`.
    UpstreamHeader,
    /// The request line.
    Request,
    /// The method.
    Method,
    /// The target.
    Target,
    /// The protocol.
    Protocol,
    /// The status.
    Status,
    /// The bytes sent.
    Bytes,
    /// The host.
    Host,
}

impl Role {
    /// All of them, in their order.
    pub(crate) const ALL: [Role; 12] = [
        Role::End,
        Role::RequestTime,
        Role::UpstreamResponse,
        Role::UpstreamConnect,
        Role::UpstreamHeader,
        Role::Request,
        Role::Method,
        Role::Target,
        Role::Protocol,
        Role::Status,
        Role::Bytes,
        Role::Host,
    ];
}
