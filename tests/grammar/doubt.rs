//! Text beside text: of several ways to cut a line only one that all shapes allow counts; none or several, and the line is
//! rejected with its place.

use spikeline::grammar::{Escape, Format, RejectReason};
use spikeline::record::{Needs, RecordParser};

const HEAD: &str = "$remote_addr [$time_local] \"$request\" $status";
const LINE: &str = "192.0.2.1 [26/Jan/2021:10:00:01 +0000] \"GET / HTTP/1.1\" 200";

fn parser(text: &str, escape: Escape) -> RecordParser {
    RecordParser::new(&Format::compile_unnamed(text, escape).unwrap(), &Needs::all()).unwrap()
}

/// The values of these variables in the line, or why it is rejected.
fn values(text: &str, line: &str, names: &[&str]) -> Result<Vec<String>, RejectReason> {
    let mut parser = parser(text, Escape::Default);
    parser.parse(line.as_bytes()).map_err(|reject| reject.reason)?;
    let value = |name: &&str| {
        let variable = parser.format().index_of(name).unwrap();
        String::from_utf8(parser.value(line.as_bytes(), variable).unwrap_or(b"-").to_vec()).unwrap()
    };
    Ok(names.iter().map(value).collect())
}

#[test]
fn a_bare_request_ends_at_its_protocol() {
    let format = "$remote_addr $request $http_referer $status $request_time $msec";
    let line = "192.0.2.1 GET /a/b?x=1 HTTP/1.1 - 200 1.500 1427761920.280";
    let got = values(format, line, &["request", "http_referer", "request_time"]);
    assert_eq!(got.unwrap(), ["GET /a/b?x=1 HTTP/1.1", "-", "1.500"]);
}

#[test]
fn a_target_cannot_forge_the_columns_behind_it() {
    let format = "$msec|$time_local|$host|$request|$status|$bytes_sent|$request_time|$remote_addr|$http_referer|\
                  $http_user_agent|||";
    let line = "1611655201.123|26/Jan/2021:10:00:01 +0000|a|GET /slow?|200|5|0.001|1.1.1.1|-|x HTTP/1.1|504|160|60.001|\
                192.0.2.1|-|curl/8|||";
    assert_eq!(values(format, line, &["status", "request_time"]).unwrap(), ["504", "60.001"]);
    // What nginx could not read as a request may be anything, so that this could be one, of status 400. It has no headers.
    let format = "$msec|$request|$status|$request_time|$http_user_agent|||";
    let line = "1611655201.123|GET /slow HTTP/1.1|200|0.001|x|400|60.001|-|||";
    assert_eq!(values(format, line, &["status"]), Err(RejectReason::Ambiguous));
    let line = line.replace("|-|||", "|curl/8|||");
    assert_eq!(values(format, &line, &["status", "request_time"]).unwrap(), ["200", "0.001"]);
}

/// nginx serves such without headers; there is no protocol behind the target.
#[test]
fn a_request_of_http_0_9_has_no_headers() {
    let format = "$msec $request $status $request_time $http_user_agent";
    let line = "1611655201.123 GET /a 200 0.001 -";
    assert_eq!(values(format, line, &["request", "status"]).unwrap(), ["GET /a", "200"]);
    let line = "1611655201.123 GET /a 200 0.001 x HTTP/1.1 504 60.001 curl/8";
    assert_eq!(values(format, line, &["status", "request_time"]).unwrap(), ["504", "60.001"]);
    for line in ["1611655201.123 GET /a 200 0.001 curl/8", "1611655201.123 POST /a 200 0.001 -"] {
        assert!(values(format, line, &["request"]).is_err(), "{line}");
    }
}

#[test]
fn an_agent_cannot_forge_the_time_behind_it() {
    let format = format!("{HEAD} $http_user_agent $request_time $host");
    let line = format!("{LINE} evil 0.001 x 1.500 www.example.com");
    let got = values(&format, &line, &["http_user_agent", "request_time", "host"]);
    assert_eq!(got.unwrap(), ["evil 0.001 x", "1.500", "www.example.com"]);
    let line = format!("{LINE} evil 0.001 x 1.500 y");
    let twice = format!("{HEAD} $http_user_agent $request_time $http_referer");
    assert_eq!(values(&twice, &line, &["request_time"]), Err(RejectReason::Ambiguous));
    let none = format!("{LINE} evil 0.01 x 1.5 y");
    assert!(values(&twice, &none, &["request_time"]).is_err());
}

#[test]
fn columns_behind_the_last_text_are_the_lines_going_on() {
    for (last, value) in [
        ("host", "a.example"),
        ("scheme", "https"),
        ("pipe", "."),
        ("server_protocol", "HTTP/1.1"),
        ("request_method", "GET"),
        ("remote_addr", "192.0.2.1"),
        ("request", "GET / HTTP/1.1"),
        ("http_user_agent", "curl/8"),
    ] {
        let format = format!("[$time_local] $request_time {last}=${last}");
        let line = format!("[26/Jan/2021:10:00:01 +0000] 0.100 {last}={value}");
        assert_eq!(values(&format, &line, &[last]).unwrap(), [value]);
        for more in [" 0.500 \"x\"", "\tuidset:uid=1", "\"", "|\"-\""] {
            let reason = values(&format, &format!("{line}{more}"), &[last]).unwrap_err();
            assert!(matches!(reason, RejectReason::TrailingText), "${last}: {line}{more}: {reason}");
        }
    }
}

#[test]
fn a_target_of_its_own_may_hold_spaces() {
    let format = "$remote_addr [$time_local] \"$request_method $scheme://$host$request_uri $server_protocol\" $status";
    let line = "192.0.2.1 [26/Jan/2021:10:00:01 +0000] \"GET https://a.example/i.php?x=a b HTTP/1.1\" 200";
    let got = values(format, line, &["request_method", "host", "request_uri", "server_protocol"]);
    assert_eq!(got.unwrap(), ["GET", "a.example", "/i.php?x=a b", "HTTP/1.1"]);
    let line = "192.0.2.1 [26/Jan/2021:10:00:01 +0000] \"GET https://a.example/ HTTP/2 b HTTP/1.1\" 200";
    assert_eq!(values(format, line, &["request_uri"]).unwrap(), ["/ HTTP/2 b"]);
}

#[test]
fn no_value_holds_a_raw_quote() {
    let format = "$time_iso8601\t$request_time\t$http_user_agent\t$status";
    let line = "2021-01-26T10:00:01+00:00\t0.100\ta\"b\t200";
    assert_eq!(values(format, line, &["status"]), Err(RejectReason::Torn));
}

#[test]
fn usual_formats_are_in_no_doubt() {
    let in_doubt = |text: &str, escape| Format::compile_unnamed(text, escape).unwrap().is_in_doubt();
    for text in [
        Format::combined().text(),
        "$remote_addr - $remote_user [$time_local] \"$request\" $status rt=$request_time ut=\"$upstream_response_time\"",
        "time:$time_local\treq:$request\tua:$http_user_agent\treqtime:$request_time\tvhost:$host",
        "$msec $upstream_response_time $upstream_status $status $request_time $remote_addr $request_method $host",
        "$host $remote_addr - $remote_user [$time_local] \"$request\" $status",
    ] {
        assert!(!in_doubt(text, Escape::Default), "{text}");
    }
    assert!(!in_doubt("{\"t\":\"$time_iso8601\",\"r\":\"$request\",\"u\":\"$http_user_agent\"}", Escape::Json));
    assert!(in_doubt("$msec \"$request\" \"$http_user_agent\" $status", Escape::None));
    assert!(in_doubt("$msec $request $status", Escape::Default));
}

/// However long, a line is looked at for a time that grows with its length: no more than so many bytes are.
#[test]
fn a_line_of_nothing_but_ends_is_rejected() {
    let mut parser = parser("$msec $request $http_referer $http_user_agent $args $status", Escape::Default);
    for filling in [" ", "GET / HTTP/1.1 ", " 200 0.001", "/ 200"] {
        let mut line = b"1611655201.123 ".to_vec();
        while line.len() < (1 << 20) - 20 {
            line.extend_from_slice(filling.as_bytes());
        }
        line.extend_from_slice(b" 200");
        parser.parse(&line).unwrap_err();
    }
}

/// What stands where in a rejected line can be said.
#[test]
fn a_second_way_is_explained() {
    let format = format!("{HEAD} $http_user_agent $request_time $http_referer");
    let format = Format::compile_unnamed(&format, Escape::Default).unwrap();
    let line = format!("{LINE} evil 0.001 x 1.500 y");
    let reject = format.check(line.as_bytes()).unwrap_err();
    assert_eq!((reject.reason, reject.column as usize), (RejectReason::Ambiguous, LINE.len() + 2));
    let told = format.explain(line.as_bytes()).unwrap();
    assert!(told.starts_with("two ways to read it: $http_user_agent"), "{told}");
}
