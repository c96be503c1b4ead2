//! Real lines from public repositories (`tests/data/grammar`, see SOURCES.md), read by their keys alone.

use std::path::Path;

use serde_json::Value;

use super::{format, read, value};
use spikeline::grammar::{Escape, Format, library};
use spikeline::record::{Needs, RecordParser, unescape};

fn check(folder: &str, text: &str, host: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grammar").join(folder);
    let log = std::fs::read_to_string(root.join("access.log")).unwrap();
    let expected = std::fs::read_to_string(root.join("expected.jsonl")).unwrap();
    let lines: Vec<&[u8]> = log.lines().map(str::as_bytes).collect();
    let format = format(text).learnt_from(&lines);
    let mut checked = 0;
    for (line, expected) in log.lines().zip(expected.lines()) {
        let expected: Value = serde_json::from_str(expected).unwrap();
        // What does not fit the log_format may well have the keys.
        if expected["match"] == false {
            continue;
        }
        let place = format!("{folder}:{}\n{line}", expected["line"]);
        let said = read(&format, line).unwrap_or_else(|reject| panic!("{reject}: {place}"));
        let millis = |value: &Value| value.as_f64().map(|seconds| (seconds * 1000.0).round() as u64);
        assert_eq!(said.end as f64 / 1000.0, expected["ts"].as_f64().unwrap(), "{place}");
        assert_eq!(said.request_time, millis(&expected["request_time"]), "{place}");
        let upstream = expected["upstream_response_time"].as_array();
        let upstream: Option<u64> = upstream.and_then(|lists| {
            lists.iter().flat_map(|list| list.as_array().unwrap()).filter_map(millis).reduce(|a, b| a + b)
        });
        assert_eq!(said.upstream[0], upstream, "{place}");
        assert_eq!(said.status, expected["status"].as_str().unwrap().parse().ok(), "{place}");
        for (key, found) in [("method", &said.method), ("target", &said.target)] {
            if let Some(text) = expected[key].as_str() {
                assert_eq!(found, text, "{key} {place}");
            }
        }
        for name in ["request_method", "request_uri"] {
            if let Some(text) = expected[name].as_str() {
                let found = if name == "request_method" { &said.method } else { &said.target };
                assert_eq!(found, text, "{name} {place}");
            }
        }
        assert_eq!(value(&format, line, "status").as_deref(), expected["status"].as_str(), "{place}");
        assert_eq!(said.host.as_deref().unwrap_or_default(), host, "{place}");
        checked += 1;
    }
    checked
}

#[test]
fn logs_in_json_and_ltsv() {
    assert_eq!(check("pnx-json", "json", ""), 1);
    assert_eq!(check("json-kazeburo", "json", "10.20.30.40"), 1);
    assert_eq!(check("ltsv-kazeburo", "ltsv", ""), 1);
    assert_eq!(check("ltsv-upstream", "ltsv", ""), 1);
    assert_eq!(check("alp-ltsv", "ltsv", ""), 13);
}

/// The line with a label more and its `reqtime` that the log_format cannot take.
#[test]
fn a_label_more_is_no_hindrance() {
    let line =
        "time:2015-09-06T06:00:43+09:00\tmethod:GET\turi:/req\tstatus:200\tsize:15\tapptime:-\treqtime:0.321\tua:UA2";
    let said = read(&format("ltsv"), line).unwrap();
    assert_eq!((said.request_time, said.upstream[0], said.bytes), (Some(321), None, Some(15)));
}

/// Loki's own example of nested JSON from nginx (its escapes are what nginx wrote).
#[test]
fn nested_keys() {
    let line = r#"{"proxy_protocol_addr": "","remote_addr": "3.112.221.14","remote_user": "","upstream_addr": "10.12.15.234:5000","the_real_ip": "3.112.221.14","timestamp": "2020-12-11T16:20:07+00:00","protocol": "HTTP/1.1","upstream_name": "hg-hg-svc-5000","request": {"id": "c8eacb6053552c0cd1ae443bc660e140","time": "0.001","method" : "GET","host": "hg-api-qa-us.example.com","uri": "/","size" : "128","user_agent": "kube-probe","referer": ""},"response": {"status": 200,"upstream_status": "200","size": "1155","size_sent": "1265","latency_seconds": "0.000"}}"#;
    let said = read(&format("json"), line).unwrap();
    assert_eq!(
        (said.request_time, said.upstream[0], said.status, said.bytes),
        (Some(1), Some(0), Some(200), Some(1265))
    );
    assert_eq!((said.method.as_str(), said.target.as_str(), said.end), ("GET", "/", 1_607_703_607_000));
    assert_eq!(value(&format("json"), line, "request_id").as_deref(), Some("c8eacb6053552c0cd1ae443bc660e140"));
}

/// What a laboratory nginx wrote with `escape=json`, hostile requests among it: by its keys it reads as by its positions.
#[test]
fn by_keys_as_by_position() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grammar/lab/json.log");
    let log = std::fs::read(root).unwrap();
    let library = library().unwrap();
    let positional = &library.iter().find(|grammar| grammar.format.name() == "lab_json").unwrap().format;
    let keyed =
        format("json upstream_response_time=ut status=st request=rq request_method=m request_uri=u upstream_addr=ua");
    let mut by_position = RecordParser::new(positional, &Needs::all()).unwrap();
    let mut by_keys = RecordParser::new(&keyed, &Needs::all()).unwrap();
    let (mut room, mut checked) = (Vec::new(), 0);
    for line in log.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let place = String::from_utf8_lossy(line).into_owned();
        let wanted = by_position.parse(line).unwrap_or_else(|reject| panic!("{reject}: {place}"));
        let (found, text) = by_keys.parse_in(line, &mut room).unwrap_or_else(|reject| panic!("{reject}: {place}"));
        let plain = |raw: &[u8]| unescape(raw, Escape::Json).into_owned();
        assert_eq!(
            (found.end, found.request_time_ms, found.upstream_ms),
            (wanted.end, wanted.request_time_ms, wanted.upstream_ms)
        );
        assert_eq!((found.status, found.protocol.to_vec()), (wanted.status, plain(wanted.protocol)), "{place}");
        assert_eq!(found.malformed_request, wanted.malformed_request, "{place}");
        assert_eq!(
            (found.method.to_vec(), found.target.to_vec()),
            (plain(wanted.method), plain(wanted.target)),
            "{place}"
        );
        for name in ["upstream_addr", "request", "request_uri"] {
            let value = |parser: &RecordParser, format: &Format, text: &[u8]| {
                parser.value(text, format.index_of(name).unwrap()).map(<[u8]>::to_vec)
            };
            let wanted = value(&by_position, positional, line).map(|raw| plain(&raw));
            let found = value(&by_keys, &keyed, text);
            assert_eq!(found, wanted, "{name} {place}");
        }
        checked += 1;
    }
    assert_eq!(checked, 92);
}
