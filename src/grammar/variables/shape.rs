//! What a value of each of nginx's variables may look like in a log: where a cut or a format is in doubt, a value that its
//! variable never has decides.
//!
//! Sources: `ngx_http_log_module.c` (`%T.%03M` of `$request_time` and `$msec`, `%03ui` of `$status`),
//! `ngx_http_upstream.c` (lists by attempt and redirect, `-` for one that has none), `ngx_http_variables.c`,
//! `ngx_http_gzip_filter_module.c` (`$gzip_ratio`), `ngx_http_parse.c` (methods, versions). The shapes are what nginx writes
//! and no looser; what a value of *text* may be is only bound by the escape.

/// The shape of a variable's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueShape {
    /// `10/Oct/2000:13:55:36 -0700`.
    TimeLocal,
    /// `2000-10-10T13:55:36-07:00`.
    TimeIso8601,
    /// Ten digits, `.`, three: seconds since the epoch.
    Msec,
    /// Up to seven digits, `.`, three digits. Never `-`: it is measured by nginx itself.
    Seconds,
    /// A list of [`ValueShape::Seconds`] or `-`.
    SecondsList,
    /// Three digits; what nginx has no status for, it writes as `000` or `009`.
    Status,
    /// A list of [`ValueShape::Status`] or `-`.
    StatusList,
    /// Digits. Never `-`.
    Count,
    /// A list of [`ValueShape::Count`] or `-`.
    CountList,
    /// 1 to 65535, nothing where the peer is a unix socket.
    Port,
    /// Digits, `.`, two digits, or `-`: `$gzip_ratio`.
    Ratio,
    /// A number, perhaps with decimals: Tengine's times in the unit that their names say.
    Decimal,
    /// An IPv4 or IPv6 address, or `unix:`.
    Address,
    /// A list of peers: `address:port`, `unix:/path`, an upstream's name, or `-`.
    PeerList,
    /// A request line: `METHOD target HTTP/x.y`, or `GET target` of HTTP/0.9; or what was no request: nothing, or a byte
    /// that is no text.
    Request,
    /// Capital letters, `_` and `-`; `-` if there was no request.
    Method,
    /// `HTTP/1.1`, `HTTP/2.0`, or nothing.
    Protocol,
    /// Begins with `/`, or nothing.
    Target,
    /// A name or an address, perhaps with a port: no space and no `/` in it.
    Host,
    /// `http` or `https`.
    Scheme,
    /// `.` or `p`.
    Pipe,
    /// `OK` or nothing.
    Completion,
    /// `on` or nothing.
    Switch,
    /// `?` or nothing.
    IsArgs,
    /// `MISS`, `HIT` and the others, or nothing.
    CacheStatus,
    /// 32 hexadecimal digits.
    RequestId,
    /// Text without a space, which nginx writes itself.
    Word,
    /// Anything that the escape lets stand.
    Text,
    /// What stands behind the columns that a format knows, of whatever it is made ([`UNREAD`]).
    Unread,
}

/// The variable that takes the rest of a line behind the last column whose meaning is known. nginx has none of that name.
pub(crate) const UNREAD: &str = "unread_columns";

impl ValueShape {
    /// The shape of the variable of that name (in lower case, without `$`). Names that are not nginx's are text: its `map`
    /// and `set`, and its modules, make new ones. `$request_line` is the name that nginx's descendants (APISIX) give
    /// `$request`.
    ///
    /// Source: `ngx_http_log_vars`, `ngx_http_core_variables`, `ngx_http_upstream_vars`, and the stream module's.
    pub fn of_name(name: &str) -> ValueShape {
        match name {
            "time_local" => ValueShape::TimeLocal,
            "time_iso8601" => ValueShape::TimeIso8601,
            "msec" => ValueShape::Msec,
            "request_time" | "session_time" | "connection_time" => ValueShape::Seconds,
            "upstream_response_time"
            | "upstream_connect_time"
            | "upstream_header_time"
            | "upstream_first_byte_time"
            | "upstream_queue_time"
            | "upstream_session_time" => ValueShape::SecondsList,
            "status" => ValueShape::Status,
            "upstream_status" => ValueShape::StatusList,
            "upstream_response_length" | "upstream_bytes_received" | "upstream_bytes_sent" => ValueShape::CountList,
            "upstream_addr" => ValueShape::PeerList,
            "gzip_ratio" => ValueShape::Ratio,
            "request_time_msec" | "request_time_usec" | "unix_time" => ValueShape::Decimal,
            "remote_addr" | "realip_remote_addr" | "server_addr" => ValueShape::Address,
            "request" | "request_line" => ValueShape::Request,
            "request_method" => ValueShape::Method,
            "server_protocol" => ValueShape::Protocol,
            "request_uri" | "uri" | "document_uri" => ValueShape::Target,
            "host" | "http_host" | "server_name" => ValueShape::Host,
            "scheme" => ValueShape::Scheme,
            "pipe" => ValueShape::Pipe,
            "request_completion" => ValueShape::Completion,
            "https" => ValueShape::Switch,
            "is_args" => ValueShape::IsArgs,
            "upstream_cache_status" => ValueShape::CacheStatus,
            "request_id" => ValueShape::RequestId,
            "remote_port"
            | "server_port"
            | "proxy_port"
            | "request_port"
            | "realip_remote_port"
            | "proxy_protocol_port"
            | "proxy_protocol_server_port" => ValueShape::Port,
            "bytes_sent"
            | "body_bytes_sent"
            | "bytes_received"
            | "request_length"
            | "connection"
            | "connection_requests"
            | "connections_active"
            | "connections_reading"
            | "connections_waiting"
            | "connections_writing"
            | "limit_rate"
            | "pid"
            | "ssl_client_v_remain"
            | "tcpinfo_rcv_space"
            | "tcpinfo_rtt"
            | "tcpinfo_rttvar"
            | "tcpinfo_snd_cwnd" => ValueShape::Count,
            "hostname" | "nginx_version" | "ssl_cipher" | "ssl_early_data" | "ssl_protocol" | "ssl_session_id"
            | "ssl_session_reused" | "limit_conn_status" | "limit_req_status" => ValueShape::Word,
            UNREAD => ValueShape::Unread,
            _ => ValueShape::Text,
        }
    }

    /// Whether nginx always has a value for such a variable: it is never `-`, and never empty.
    pub fn is_always_there(self) -> bool {
        matches!(
            self,
            ValueShape::TimeLocal
                | ValueShape::TimeIso8601
                | ValueShape::Msec
                | ValueShape::Seconds
                | ValueShape::Status
                | ValueShape::Count
                | ValueShape::Address
                | ValueShape::Request
                | ValueShape::Scheme
                | ValueShape::Pipe
                | ValueShape::RequestId
        )
    }

    /// Whether a value of this shape may be a list by attempt and redirect.
    pub fn is_list(self) -> bool {
        matches!(self, ValueShape::SecondsList | ValueShape::StatusList | ValueShape::CountList | ValueShape::PeerList)
    }
}
