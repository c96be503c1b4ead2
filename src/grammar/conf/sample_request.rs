//! Requests as nginx could have served them, with what its variables say: what a `map` makes of these tells what it makes of all.

/// One of them: the values of nginx's own variables, by name.
pub(super) struct SampleRequest {
    values: Vec<(&'static str, String)>,
}

/// What differs from one to the other.
struct Differing {
    method: &'static str,
    request_uri: &'static str,
    /// After a rewrite.
    uri: &'static str,
    protocol: &'static str,
    host: &'static str,
    status: &'static str,
    bytes: u32,
    request_time: &'static str,
    /// Response, connect and header time; empty where no upstream was asked.
    upstream: [&'static str; 3],
    /// The second in which it ended, of 26 January 2021, 10:00.
    second: u32,
    millis: u32,
}

/// Times with and without zeros, of one and of several attempts, and of none; targets with and without arguments.
const REQUESTS: [Differing; 6] = [
    Differing {
        method: "GET",
        request_uri: "/a/b",
        uri: "/a/b",
        protocol: "HTTP/1.1",
        host: "www.example.org",
        status: "200",
        bytes: 4711,
        request_time: "0.310",
        upstream: ["0.304", "0.002", "0.301"],
        second: 1,
        millis: 123,
    },
    Differing {
        method: "POST",
        request_uri: "/api/v1/users/7?token=s3cret&x=1",
        uri: "/api/v1/users/7",
        protocol: "HTTP/2.0",
        host: "api.example.org",
        status: "502",
        bytes: 812,
        request_time: "61.207",
        upstream: ["60.003, 1.204", "-, 0.001", "-, 1.203"],
        second: 12,
        millis: 70,
    },
    Differing {
        method: "HEAD",
        request_uri: "/",
        uri: "/index.html",
        protocol: "HTTP/1.0",
        host: "example.org",
        status: "304",
        bytes: 0,
        request_time: "0.000",
        upstream: ["", "", ""],
        second: 23,
        millis: 5,
    },
    Differing {
        method: "DELETE",
        request_uri: "/shop/cart?id=3&password=x",
        uri: "/cart.php",
        protocol: "HTTP/1.1",
        host: "shop.example.org",
        status: "404",
        bytes: 99,
        request_time: "1.009",
        upstream: ["0.257 : 0.751", "0.003 : 0.004", "0.255 : 0.750"],
        second: 34,
        millis: 999,
    },
    Differing {
        method: "PUT",
        request_uri: "/files/report%202021.pdf",
        uri: "/files/report 2021.pdf",
        protocol: "HTTP/1.1",
        host: "files.example.org",
        status: "499",
        bytes: 0,
        request_time: "12.345",
        upstream: ["12.340", "0.020", "-"],
        second: 45,
        millis: 0,
    },
    Differing {
        method: "GET",
        request_uri: "/static/app.js?v=12",
        uri: "/static/app.js",
        protocol: "HTTP/2.0",
        host: "www.example.org",
        status: "206",
        bytes: 1_048_577,
        request_time: "0.007",
        upstream: ["0.006", "0.000", "0.005"],
        second: 56,
        millis: 890,
    },
];

/// `$time_local` with milliseconds, as some make it; a variable's name it is not.
const FINE_LOCAL: &str = ".local";

/// Spellings of a time with milliseconds: ISO 8601 with what stands between date and time, and behind it.
pub(super) const FINE_TIMES: [&str; 6] = [FINE_LOCAL, "T+00:00", "TZ", "T+0000", " +00:00", " +0000"];

impl SampleRequest {
    /// All of them.
    pub(super) fn all() -> Vec<SampleRequest> {
        REQUESTS.iter().map(SampleRequest::of_differing).collect()
    }

    fn of_differing(of: &Differing) -> SampleRequest {
        let Differing { method, request_uri, uri, protocol, host, second, millis, .. } = of;
        let [response, connect, header] = of.upstream;
        let args = request_uri.split_once('?').map_or("", |(_, args)| args);
        let texts = [
            ("request_method", *method),
            ("request_uri", request_uri),
            ("uri", uri),
            ("document_uri", uri),
            ("args", args),
            ("query_string", args),
            ("is_args", if args.is_empty() { "" } else { "?" }),
            ("server_protocol", protocol),
            ("host", host),
            ("http_host", host),
            ("server_name", host),
            ("status", of.status),
            ("request_time", of.request_time),
            ("upstream_response_time", response),
            ("upstream_connect_time", connect),
            ("upstream_header_time", header),
            ("scheme", "https"),
            ("server_port", "443"),
            ("remote_addr", "192.0.2.7"),
            ("remote_user", ""),
        ];
        let mut values: Vec<(&'static str, String)> =
            texts.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        values.push(("request", format!("{method} {request_uri} {protocol}")));
        values.push(("bytes_sent", (of.bytes + 213).to_string()));
        values.push(("body_bytes_sent", of.bytes.to_string()));
        values.push(("msec", format!("{}.{millis:03}", 1_611_655_200 + second)));
        values.push(("time_local", format!("26/Jan/2021:10:00:{second:02} +0000")));
        values.push(("time_iso8601", format!("2021-01-26T10:00:{second:02}+00:00")));
        for spelling in FINE_TIMES {
            let time = match spelling {
                FINE_LOCAL => format!("26/Jan/2021:10:00:{second:02}.{millis:03} +0000"),
                other => {
                    let (between, zone) = other.split_at_checked(1).unwrap_or((other, ""));
                    format!("2021-01-26{between}10:00:{second:02}.{millis:03}{zone}")
                }
            };
            values.push((spelling, time));
        }
        SampleRequest { values }
    }

    /// What a variable of nginx's own says; None if these requests know nothing of it.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let own = self.values.iter().find(|(known, _)| *known == name);
        // What a client need not send.
        let sent = ["http_", "arg_", "cookie_"].iter().any(|lead| name.starts_with(lead));
        own.map(|(_, value)| value.as_str()).or(sent.then_some(""))
    }
}
