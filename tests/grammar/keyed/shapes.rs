//! One shape of line after the other.

use super::{Said, format, read, value};
use spikeline::grammar::RejectReason;

fn json(line: &str) -> Said {
    read(&format("json"), line).unwrap_or_else(|reject| panic!("{reject}: {line}"))
}

fn rejected(text: &str, line: &str) -> (u32, RejectReason) {
    let reject = read(&format(text), line).expect_err(line);
    (reject.column, reject.reason)
}

#[test]
fn keys_in_any_order_and_values_of_any_type() {
    let wanted = Said {
        end: 1_612_322_553_000,
        request_time: Some(544),
        upstream: [Some(543), None, None],
        status: Some(200),
        bytes: Some(518),
        method: "GET".into(),
        target: "/order/2145".into(),
        host: None,
    };
    for line in [
        r#"{"time_local":"2021-02-03T11:22:33+08:00","request":"GET /order/2145 HTTP/1.1","body_bytes_sent":518,"status": 200,"request_time":0.544,"upstream_response_time":"0.543"}"#,
        r#" { "upstream_response_time" : 0.543 , "rt":"0.544","status":"200", "size":"518","request":"GET \/order\/2145 HTTP\/1.1","time":1612322553 } "#,
        r#"{"urt":[0.543],"request_time":5.44e-1,"status":200.0,"bytes":518,"method":"GET","uri":"\u002forder\u002F2145","ts":1.612322553e9}"#,
        r#"{"URT":[["0.500",null],["0.043"]],"request_time_ms":544,"code":200,"bytes":518,"method":"GET","path":"/order/2145","timestamp":1612322553000}"#,
        r#"{"nginx":{"access":{"time":"03/Feb/2021:03:22:33 +0000","method":"GET","url":"/order/2145","response_code":"200","body_sent":{"bytes":518},"request_time":"0.544"}},"urt":".","urt":"0.543"}"#,
    ] {
        assert_eq!(json(line), wanted, "{line}");
    }
}

#[test]
fn absent_is_null_empty_dash_or_missing() {
    for absent in [r#""rt":null,"#, r#""rt":"","#, r#""rt":"-","#, r#""rt":-,"#, r#""rt":,"#, ""] {
        let line = format!(r#"{{{absent}"time":"2021-02-03T11:22:33Z","status":200}}"#);
        assert_eq!(json(&line).request_time, None, "{line}");
    }
    let line = "time:2021-02-03T11:22:33Z\tstatus:200\treqtime:-\tua:\tvhost:-";
    assert_eq!(read(&format("ltsv"), line).unwrap().request_time, None);
    assert_eq!(value(&format("ltsv"), line, "http_user_agent"), None);
    assert_eq!(value(&format("ltsv"), line, "host"), None);
}

#[test]
fn the_last_of_the_same_key_wins_and_the_better_of_different_keys() {
    let rt = |fields: &str| json(&format!(r#"{{{fields},"time":"2021-02-03T11:22:33Z","status":200}}"#)).request_time;
    assert_eq!(rt(r#""rt":1,"rt":2"#), Some(2000));
    assert_eq!(rt(r#""rt":1,"RT":2"#), Some(2000));
    assert_eq!(rt(r#""rt":1,"rt":null"#), None);
    assert_eq!(rt(r#""request_time":1,"rt":2"#), Some(1000));
    assert_eq!(rt(r#""rt":2,"request_time":1"#), Some(1000));
    assert_eq!(rt(r#""rt":2,"request_time":null"#), Some(2000));
    // A person's own key is better than any usual one.
    let own = format("json request_time=took");
    let line = r#"{"request_time":9,"took":0.25,"time":"2021-02-03T11:22:33Z","status":200}"#;
    assert_eq!(read(&own, line).unwrap().request_time, Some(250));
}

#[test]
fn units_are_named_and_never_guessed() {
    let rt = |text: &str, fields: &str| {
        let line = format!(r#"{{{fields},"time":"2021-02-03T11:22:33Z","status":200}}"#);
        read(&format(text), &line).map(|said| said.request_time)
    };
    assert_eq!(rt("json", r#""duration_ms":1500"#), Ok(Some(1500)));
    assert_eq!(rt("json", r#""request_time_us":"1500.4""#), Ok(Some(2)));
    assert_eq!(rt("json", r#""event":{"duration":2500000}"#), Ok(Some(3)));
    assert_eq!(rt("json request_time=took:ms", r#""took":12"#), Ok(Some(12)));
    assert_eq!(rt("json request_time=a.took:us", r#""a":{"took":12000}"#), Ok(Some(12)));
    for anything in ["duration", "latency", "response_time", "elapsed", "took"] {
        assert_eq!(rt("json", &format!(r#""{anything}":12"#)), Ok(None), "{anything}");
    }
    // No number in another unit: rejected where it stands, not taken for seconds.
    let reject = rt("json request_time=took:ms", r#""took":"12mb""#).unwrap_err();
    assert_eq!((reject.column, reject.reason), (10, RejectReason::BadNumber));
    let lists = format("ltsv upstream_response_time=ut:ms");
    let line = "time:2021-02-03T11:22:33Z\tstatus:200\tut:12, - : 0.5";
    assert_eq!(read(&lists, line).unwrap().upstream[0], Some(13));
    assert_eq!(value(&lists, line, "upstream_response_time").as_deref(), Some("0.012, - : 0.0005"));
}

#[test]
fn times_of_every_shape() {
    let end = |time: &str| read(&format("json"), &format!(r#"{{"time":{time},"status":200}}"#)).map(|said| said.end);
    for time in [
        r#""03/Feb/2021:11:22:33 +0800""#,
        r#""[03/Feb/2021:11:22:33 +0800]""#,
        r#""2021-02-03T11:22:33+08:00""#,
        r#""2021-02-03T03:22:33Z""#,
        r#""2021-02-03T03:22:33.000000000Z""#,
        r#""2021-02-03 03:22:33.000Z""#,
        r#""2021-02-03t03:22:33,000z""#,
        r#""2021-02-03T11:22:33.000+0800""#,
        "1612322553",
        r#""1612322553.000""#,
        "1612322553000",
        "1612322553000.0",
        "1612322553000000",
        "1612322553000000000",
        "1.612322553e9",
    ] {
        assert_eq!(end(time), Ok(1_612_322_553_000), "{time}");
    }
    assert_eq!(end(r#""2021-02-03T03:22:33.123456Z""#), Ok(1_612_322_553_123));
    assert_eq!(end("1612322553.1236"), Ok(1_612_322_553_124));
    for bad in ["0.5", "12", r#""yesterday""#, r#""2021-13-03T03:22:33Z""#, "true"] {
        let reject = end(bad).expect_err(bad);
        assert!([RejectReason::BadTime, RejectReason::BadNumber].contains(&reject.reason), "{bad}: {reject}");
    }
}

/// `$msec` before a whole second, and a shipper's `@timestamp` last: it may be when the line was collected.
#[test]
fn the_best_time_is_the_end() {
    let end = |fields: &str| json(&format!(r#"{{{fields},"status":200}}"#)).end;
    let (msec, iso, at) = (
        r#""msec":"1612322553.250""#,
        r#""time_iso8601":"2021-02-03T03:22:33Z""#,
        r#""@timestamp":"2021-02-03T03:22:40Z""#,
    );
    assert_eq!(end(&format!("{at},{iso},{msec}")), 1_612_322_553_250);
    assert_eq!(end(&format!("{at},{iso}")), 1_612_322_553_000);
    assert_eq!(end(at), 1_612_322_560_000);
    // Someone logs `$request_time` as `time`.
    assert_eq!(end(&format!(r#""time":"0.5",{at}"#)), 1_612_322_560_000);
}

/// What nginx writes of its lists needs quotes to be JSON, but not to be read.
#[test]
fn lists_of_upstreams_need_no_quotes() {
    let format = format("json");
    let line = |member: &str| format!(r#"{{"time":1612322553,{member},"status":200}}"#);
    for (key, list) in [
        ("upstream_addr", "10.0.0.1:80"),
        ("upstream_addr", "10.0.0.1:80, [::1]:8080 : unix:/run/a.sock"),
        ("upstream_addr", "[2001:db8::1]:80, backend"),
        ("upstream_addr", "backend"),
        ("upstream_status", "502, 200"),
        ("upstream_status", "-, 200 : 304"),
        ("upstream_response_time", "60.000, 0.900 : -"),
        ("upstream_cache_status", "MISS"),
    ] {
        assert_eq!(value(&format, &line(&format!("\"{key}\":{list}")), key).as_deref(), Some(list));
        // The members behind it are there.
        assert!(read(&format, &line(&format!("\"{key}\":{list}"))).is_ok(), "{list}");
    }
    // Arrays stay arrays, and what is neither is refused.
    assert_eq!(value(&format, &line(r#""upstream_status":[502,200]"#), "upstream_status").as_deref(), Some("502, 200"));
    for bad in ["10.0.0.1:80,10.0.0.2:80", "[::1]", "[::1]x", "502, \"200\"", "*", "1.2.3 4"] {
        let read = read(&format, &line(&format!("\"upstream_addr\":{bad}")));
        assert!(read.is_err() || bad == "[::1]", "{bad}");
    }
}

#[test]
fn broken_lines_are_rejected_where_they_break() {
    let whole = r#"{"time":"2021-02-03T11:22:33Z","status":200,"a":{"b":[1,"x\"]",{"c":2}]}}"#;
    assert!(read(&format("json"), whole).is_ok());
    for cut in 1..whole.len() {
        assert!(read(&format("json"), &whole[..cut]).is_err(), "{}", &whole[..cut]);
    }
    for (line, reject) in [
        ("", (1, RejectReason::EmptyLine)),
        ("hello", (1, RejectReason::BadSyntax)),
        ("[1]", (1, RejectReason::BadSyntax)),
        (r#"{"a":1}x"#, (8, RejectReason::TrailingText)),
        (r#"{"a":1}{"a":2}"#, (8, RejectReason::TrailingText)),
        (r#"{"a" 1}"#, (6, RejectReason::BadSyntax)),
        (r#"{"a":1 "b":2}"#, (8, RejectReason::BadSyntax)),
        (r#"{"a":*}"#, (6, RejectReason::BadSyntax)),
        (r#"{"a":[1}}"#, (8, RejectReason::BadSyntax)),
        (r#"{"status":200}"#, (1, RejectReason::KeyMissing)),
        (r#"{"time":"2021-02-03T11:22:33Z","level":"info","msg":"started"}"#, (1, RejectReason::KeyMissing)),
        (r#"{"time":"2021-02-03T11:22:33Z","status":"up"}"#, (42, RejectReason::BadNumber)),
        (r#"{"time":"2021-02-03T11:22:33Z","status":200,"rt":-1}"#, (50, RejectReason::BadNumber)),
        ("{\"a\":\0}", (6, RejectReason::Torn)),
    ] {
        assert_eq!(rejected("json", line), reject, "{line}");
    }
    for (line, reject) in [
        ("time:2021-02-03T11:22:33Z\tstatus", (27, RejectReason::BadSyntax)),
        (":x\ttime:2021-02-03T11:22:33Z\tstatus:200", (1, RejectReason::BadSyntax)),
        ("time:2021-02-03T11:22:33Z\tstatus:2x0", (34, RejectReason::BadNumber)),
        ("status:200", (1, RejectReason::KeyMissing)),
    ] {
        assert_eq!(rejected("ltsv", line), reject, "{line}");
    }
    // The trailing tab of a log_format is none.
    assert!(read(&format("ltsv"), "time:2021-02-03T11:22:33Z\t\tstatus:200\t").is_ok());
}

#[test]
fn hostile_lines_are_bounded() {
    let deep = format!("{{\"a\":{}", "[".repeat(500_000));
    assert_eq!(rejected("json", &deep).1, RejectReason::BadSyntax);
    let deep = "{\"a\":".repeat(100_000);
    assert_eq!(rejected("json", &deep).1, RejectReason::BadSyntax);
    let long = format!(r#"{{"{}":1,"status":200,"time":1612322553}}"#, "k".repeat(500_000));
    assert!(read(&format("json"), &long).is_ok());
    let many: String = (0..50_000).map(|at| format!("\"k{at}\":{at},")).collect();
    assert!(read(&format("json"), &format!("{{{many}\"status\":200,\"time\":1612322553}}")).is_ok());
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(rejected("json", &long).1, RejectReason::LineTooLong);
}

#[test]
fn escapes_are_undone() {
    let line = r#"{"time":1612322553,"status":200,"ua":"a \"q\" \u00e9\ud83d\ude00\\n \x22","request":"GET \/a\u0026b HTTP\/1.1"}"#;
    assert_eq!(value(&format("json"), line, "http_user_agent").unwrap(), "a \"q\" \u{e9}\u{1f600}\\n \\x22");
    assert_eq!(json(line).target, "/a&b");
}

#[test]
fn what_is_lacking_is_said() {
    let explain = |text: &str, line: &str| format(text).explain(line.as_bytes()).unwrap_or_default();
    let said = explain("json", r#"{"status":200}"#);
    assert!(said.contains("no key says when the request ended") && said.contains("time_iso8601"), "{said}");
    let said = explain("json", r#"{"time":"2021-02-03T11:22:33Z"}"#);
    assert!(said.contains("no key tells of a request"), "{said}");
    assert_eq!(explain("json", r#"{"a":"#), "json that is cut off");
    assert_eq!(explain("json", r#"{"a":*x}"#), "not json: unexpected `*x}`");
}

#[test]
fn the_request_of_logstash_is_a_target() {
    let line = r#"{"timestamp":"03/Feb/2021:11:22:33 +0800","verb":"GET","request":"/a?b","httpversion":"1.1","response":"404","bytes":"7"}"#;
    let said = json(line);
    assert_eq!((said.method.as_str(), said.target.as_str(), said.status), ("GET", "/a?b", Some(404)));
    // Without a method it is a malformed request line.
    let said = json(r#"{"timestamp":"03/Feb/2021:11:22:33 +0800","request":"/a?b","status":"400"}"#);
    assert_eq!((said.method.as_str(), said.target.as_str()), ("", ""));
}
