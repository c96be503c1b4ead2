//! nginx's variables: which grammar the value of each follows.

/// A variable of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name without `$`, in lower case (nginx does not tell the cases apart).
    pub name: String,
    /// The grammar of its values.
    pub kind: VariableKind,
}

/// What the values of a variable look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// `10/Oct/2000:13:55:36 -0700`: always 26 bytes.
    TimeLocal,
    /// `2000-10-10T13:55:36-07:00`.
    TimeIso8601,
    /// Seconds since the epoch with milliseconds, `1795381084.311`.
    Msec,
    /// A duration in seconds with milliseconds, `0.123`.
    Seconds,
    /// A list of durations by attempt (`, `) and redirect (` : `).
    UpstreamSeconds,
    /// A list of whole numbers, in the same shape.
    UpstreamInts,
    /// A list of addresses, in the same shape.
    UpstreamAddrs,
    /// The response's status, three digits.
    Status,
    /// A whole number.
    Integer,
    /// A TCP port; nothing where the peer is a unix socket.
    Port,
    /// A number with decimals, such as `$gzip_ratio`.
    Decimal,
    /// The request line: method, target, protocol.
    Request,
    /// One byte, `.` or `p`.
    Pipe,
    /// Text that nginx writes itself and that holds no space.
    Token,
    /// Anything, such as what a client sent.
    Text,
}

impl VariableKind {
    /// The kind of the variable of that name (in lower case). Unknown names are text: nginx's `map` and `set`, and
    /// its modules, make new ones.
    ///
    /// Source: `ngx_http_log_vars`, `ngx_http_core_variables`, `ngx_http_upstream_vars`, and the stream module's.
    pub fn of_name(name: &str) -> VariableKind {
        match name {
            "time_local" => VariableKind::TimeLocal,
            "time_iso8601" => VariableKind::TimeIso8601,
            "msec" => VariableKind::Msec,
            "request_time" | "session_time" | "connection_time" => VariableKind::Seconds,
            "upstream_response_time"
            | "upstream_connect_time"
            | "upstream_header_time"
            | "upstream_first_byte_time"
            | "upstream_queue_time"
            | "upstream_session_time" => VariableKind::UpstreamSeconds,
            "upstream_status" | "upstream_response_length" | "upstream_bytes_received" | "upstream_bytes_sent" => {
                VariableKind::UpstreamInts
            }
            "upstream_addr" => VariableKind::UpstreamAddrs,
            "status" => VariableKind::Status,
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
            | "tcpinfo_snd_cwnd" => VariableKind::Integer,
            "proxy_port"
            | "proxy_protocol_port"
            | "proxy_protocol_server_port"
            | "realip_remote_port"
            | "remote_port"
            | "request_port"
            | "server_port" => VariableKind::Port,
            "gzip_ratio" => VariableKind::Decimal,
            // Of Tengine: whole numbers in the unit that the name says.
            "request_time_msec" | "request_time_usec" | "unix_time" => VariableKind::Decimal,
            // `$request_line` is the name that nginx's descendants (APISIX) give the same thing.
            "request" | "request_line" => VariableKind::Request,
            "pipe" => VariableKind::Pipe,
            "https"
            | "is_args"
            | "limit_conn_status"
            | "limit_req_status"
            | "nginx_version"
            | "request_completion"
            | "request_id"
            | "request_method"
            | "scheme"
            | "server_protocol"
            | "ssl_cipher"
            | "ssl_early_data"
            | "ssl_protocol"
            | "ssl_session_id"
            | "ssl_session_reused"
            | "upstream_cache_status" => VariableKind::Token,
            _ => VariableKind::Text,
        }
    }

    /// Whether the value is a list by attempt and redirect.
    pub fn is_list(self) -> bool {
        matches!(self, VariableKind::UpstreamSeconds | VariableKind::UpstreamInts | VariableKind::UpstreamAddrs)
    }
}

/// Whether `byte` may be part of a variable's name.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
