//! What public configurations and nginx itself offer: every log_format of `tests/data/grammar/formats.tsv` compiles or is
//! refused with a reason, and every variable of `variables.txt` (nginx 1.29's) has its kind.

use std::collections::BTreeMap;

use spikeline::grammar::{Escape, Format, VariableKind};
use spikeline::record::{Needs, RecordParser};

const FORMATS: &str = include_str!("../data/grammar/formats.tsv");
const VARIABLES: &str = include_str!("../data/grammar/variables.txt");

/// The rows that are refused, and what is said: nothing tells two neighbours apart, or the format has no time.
const REFUSED: &[(&str, &str)] = &[
    ("response_time", "this format does not say when a request ended"),
    ("request", "this format does not say when a request ended"),
    ("time", "this format does not say when a request ended"),
    ("test", "nothing tells where $arg_a ends and $arg_xal begins"),
    ("ai_monitor", "this format does not say when a request ended"),
    ("mylog_format", "nothing tells where $bytes_sent ends and $http_referer begins"),
    ("cfm", "this format does not say when a request ended"),
    ("json-spaced", "this format does not say when a request ended"),
];

fn unescaped(field: &str) -> String {
    field.replace("\\\\", "\0").replace("\\t", "\t").replace("\\n", "\n").replace('\0', "\\")
}

#[test]
fn public_formats_compile_or_are_refused_with_a_reason() {
    let mut refused = Vec::new();
    let mut rows = 0;
    for row in FORMATS.lines().skip(1) {
        let [name, escape, text, source] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        assert!(!source.is_empty(), "{name}");
        let escape = if escape.is_empty() { Escape::Default } else { escape.parse().unwrap() };
        let text = unescaped(text);
        let read = Format::compile(name, &text, escape).and_then(|format| RecordParser::new(&format, &Needs::all()));
        if let Err(error) = read {
            assert!(error.text == text && text.get(error.span.clone()).is_some(), "{name}: {:?}", error.span);
            assert!(!error.remedy.is_empty());
            refused.push((name, error.reason));
        }
        rows += 1;
    }
    let expected: Vec<(&str, String)> = REFUSED.iter().map(|(name, reason)| (*name, (*reason).to_owned())).collect();
    assert_eq!(refused, expected);
    assert_eq!(rows, 100);
}

/// A variable that is not named here is free text, as are those that a map, a module or a client's header makes.
#[test]
fn every_variable_of_nginx_has_its_kind() {
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in VARIABLES.lines() {
        kinds.entry(format!("{:?}", VariableKind::of_name(name))).or_default().push(name);
    }
    let expected = [
        ("Decimal", ""),
        (
            "Integer",
            "body_bytes_sent bytes_sent connection connection_requests connections_active connections_reading \
             connections_waiting connections_writing limit_rate pid request_length ssl_client_v_remain \
             tcpinfo_rcv_space tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd",
        ),
        ("Msec", "msec"),
        ("Pipe", "pipe"),
        (
            "Port",
            "proxy_port proxy_protocol_port proxy_protocol_server_port realip_remote_port remote_port request_port \
             server_port",
        ),
        ("Request", "request"),
        ("Seconds", "connection_time request_time"),
        ("Status", "status"),
        ("TimeIso8601", "time_iso8601"),
        ("TimeLocal", "time_local"),
        (
            "Token",
            "hostname https is_args limit_conn_status limit_req_status nginx_version request_completion request_id \
             request_method scheme server_protocol ssl_cipher ssl_early_data ssl_protocol ssl_session_id \
             ssl_session_reused upstream_cache_status",
        ),
        ("UpstreamAddrs", "upstream_addr"),
        ("UpstreamInts", "upstream_bytes_received upstream_bytes_sent upstream_response_length upstream_status"),
        ("UpstreamSeconds", "upstream_connect_time upstream_header_time upstream_response_time"),
    ];
    for (kind, names) in expected {
        let names: Vec<&str> = names.split_whitespace().collect();
        assert_eq!(kinds.remove(kind).unwrap_or_default(), names, "{kind}");
    }
    let text = kinds.remove("Text").unwrap();
    assert!(kinds.is_empty(), "{kinds:?}");
    assert!(text.len() > 90 && text.contains(&"http_user_agent") && text.contains(&"upstream_http_"));
    // Known to nginx, but not to that list.
    assert_eq!(VariableKind::of_name("gzip_ratio"), VariableKind::Decimal);
    assert_eq!(VariableKind::of_name("upstream_queue_time"), VariableKind::UpstreamSeconds);
    for free in ["mapped_by_a_map", "http_x_request_start", "arg_q", "cookie_session", "upstream_http_x_runtime"] {
        assert_eq!(VariableKind::of_name(free), VariableKind::Text, "{free}");
    }
}
