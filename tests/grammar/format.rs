//! The text and the directive of a log_format, what is refused and how that is said, and the cutting rules.

use spikeline::grammar::{
    DetectionOutcome, Escape, Format, FormatError, RejectReason, VariableKind, detect, directives,
};
use spikeline::record::{Needs, Record, RecordParser};

fn format(text: &str) -> Format {
    Format::compile("t", text, Escape::Default).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn refused(text: &str) -> FormatError {
    Format::compile("t", text, Escape::Default).unwrap_err()
}

/// The values of the line's variables, as text; `~` is absent.
fn values(format: &Format, line: &[u8]) -> Result<Vec<String>, RejectReason> {
    let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
    parser.parse(line).map_err(|reject| reject.reason)?;
    let value = |index| parser.value(line, index).map_or("~".to_owned(), |v| String::from_utf8_lossy(v).into_owned());
    Ok((0..format.variables().len()).map(value).collect())
}

fn record<'l>(format: &Format, line: &'l str) -> Record<'l> {
    RecordParser::new(format, &Needs::all()).unwrap().parse(line.as_bytes()).unwrap()
}

#[test]
fn accessors() {
    let combined = Format::combined();
    assert_eq!((combined.name(), combined.escape()), ("combined", Escape::Default));
    assert_eq!(combined.index_of("TIME_local"), Some(2));
    assert_eq!(combined.variables()[2].kind, VariableKind::TimeLocal);
    assert_eq!(combined.index_of("request_time"), None);
    let twice = format("$msec $Status $status");
    assert_eq!(twice.variables().iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["msec", "status"]);
    assert_eq!(values(&twice, b"1.000 200 200").unwrap(), ["1.000", "200"]);
}

#[test]
fn directives_as_nginx_reads_them() {
    let source = "# source: x\n# sample: early\nhttp { log_format a escape=json '{\"x\":\"$status\"}';  # sample: no\n\
                  log_format  b  \"a \\\"q\\\" \\\\ \\t \\' \\x\" 'it\\'s $status' $msec${pid}x ; # a comment; with 'marks'\n\
                  # sample: two\tlines \n} log_format c '$status' 'es' $msec;";
    let found = directives(source).unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].name.as_str(), found[0].escape), ("a", Escape::Json));
    assert_eq!(found[0].text, "{\"x\":\"$status\"}");
    assert_eq!(found[0].samples, ["early", "no"]);
    assert_eq!(found[1].text, "a \"q\" \\ \t ' \\xit's $status$msec${pid}x");
    assert_eq!(found[1].samples, ["two\tlines "]);
    // nginx compiles each piece by itself: the second cannot lengthen the name in the first.
    assert_eq!(found[2].text, "${status}es$msec");
    assert!(
        source[found[2].span.clone()].starts_with("log_format c") && source.ends_with(&source[found[2].span.clone()])
    );
}

#[test]
fn bad_directives_say_where() {
    for (source, at, reason) in [
        ("log_format a 'x", "'x", "not closed"),
        ("log_format a 'x'y;", "'y", "glued"),
        ("log_format a;", "log_format a;", "needs a name"),
        ("log_format a escape=xml '$status';", "escape=xml", "unknown escaping"),
        ("log_format a '$status'", "log_format", "does not end"),
    ] {
        let error = directives(source).unwrap_err();
        assert!(error.reason.contains(reason), "{source}: {}", error.reason);
        assert_eq!(error.span.start, source.find(at).unwrap(), "{source}: {}", error.render());
    }
    let error = directives("log_format a '$x';\nlog_format b escape=xml '$status';").unwrap_err();
    assert_eq!(error.line_column(), (2, 14));
    assert!(error.to_string().starts_with("log_format, line 2, column 14: "), "{error}");
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let error = refused("$msec $uri$args");
    assert_eq!(error.span, 6..15);
    let expected = "nothing tells where $uri ends and $args begins\n  $msec $uri$args\n        ^^^^^^^^^\n  help: put a \
                    literal between them, such as a space or a quote";
    assert_eq!(error.render(), expected);
    for text in ["$bytes_sent$http_referer", "$request_method$status", "$msec\n$status", "just text", "", "$", "${x"] {
        refused(text);
    }
    assert!(RecordParser::new(&format("$status"), &Needs::all()).unwrap_err().remedy.contains("$msec"));
}

#[test]
fn neighbours_that_delimit_themselves() {
    let times = format("$time_local$request_time$status$pipe$remote_user|$time_iso8601$msec");
    assert_eq!(
        values(&times, b"10/Oct/2000:13:55:36 -07001.234200.al|2000-10-10T20:55:36Z1271211336.500").unwrap(),
        ["10/Oct/2000:13:55:36 -0700", "1.234", "200", ".", "al", "2000-10-10T20:55:36Z", "1271211336.500"]
    );
    let url = format("\"$request_method $scheme://$host$request_uri $server_protocol\" $msec");
    let line = "\"GET https://a.b:80/x?y=1 HTTP/1.1\" 1427761920.500";
    let got = record(&url, line);
    assert_eq!((got.method, got.target, got.protocol), (&b"GET"[..], &b"/x?y=1"[..], &b"HTTP/1.1"[..]));
    assert_eq!((got.host, got.end.millis()), (Some(&b"a.b:80"[..]), 1_427_761_920_500));
    let args = format("$msec \"$request_method $uri$is_args$args\" $status");
    for (line, target) in
        [("1.0 \"GET /a?b=c\" 200", "/a?b=c"), ("1.0 \"GET /a-\" 200", "/a"), ("1.0 \"GET /a?-\" 200", "/a?-")]
    {
        assert_eq!(record(&args, line).target, target.as_bytes(), "{line}");
    }
}

#[test]
fn the_typed_neighbour_decides() {
    let combined = Format::combined();
    let line = b"::1 - a [b] - c [10/x [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"";
    assert_eq!(values(&combined, line).unwrap()[..2], ["::1", "a [b] - c [10/x"]);
    // nginx would have written the quote as \x22: this user swallowed the rest of another line.
    let torn = b"::1 - a \"GET / HTTP/1.1\" [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"";
    assert_eq!(combined.check(torn).unwrap_err().reason, RejectReason::Torn);
    // Unquoted text between brackets: a request ends in its protocol, and nothing else could be the status.
    let brackets = format("[$request] [$status] [$http_user_agent] [$msec]");
    let line = b"[GET /a] [b HTTP/1.1] [200] [x] [y] [1427761920.000]";
    assert_eq!(values(&brackets, line).unwrap(), ["GET /a] [b HTTP/1.1", "200", "x] [y", "1427761920.000"]);
}

#[test]
fn escapes_end_quoted_values() {
    let quoted = "$msec \"$http_user_agent\" $status";
    let by = |escape| Format::compile("t", quoted, escape).unwrap();
    assert_eq!(
        values(&by(Escape::Default), b"1.0 \"a\\x22\" 200 b\" 200"),
        Err(RejectReason::BadNumber).or(Err(RejectReason::TrailingText))
    );
    assert_eq!(values(&by(Escape::Json), b"1.0 \"a\\\" 200 \\\\\" 200").unwrap()[1], "a\\\" 200 \\\\");
    assert_eq!(values(&by(Escape::None), b"1427761920.000 \"a\" 200 b\" 200").unwrap()[1], "a\" 200 b");
    assert_eq!(values(&by(Escape::None), b"1427761920.000 \"\" "), Err(RejectReason::BadValue));
}

#[test]
fn upstream_lists_end_by_their_own_grammar() {
    let list = format("$msec $upstream_addr $upstream_response_time $upstream_status $host");
    let line = b"1.0 10.0.0.1:80, unix:/a.sock : [::1]:80 -, 0.1 : 0.2 502,200 : 404 h";
    assert_eq!(
        values(&list, line).unwrap()[1..],
        ["10.0.0.1:80, unix:/a.sock : [::1]:80", "-, 0.1 : 0.2", "502,200 : 404", "h"]
    );
    let glued = format("$msec to: $upstream_addr: $request $status");
    assert_eq!(
        values(&glued, b"1427761920.000 to: 10.0.0.1:80, 10.0.0.2:80: GET / HTTP/1.1 200").unwrap()[1],
        "10.0.0.1:80, 10.0.0.2:80"
    );
    let trailing = format("$msec $upstream_response_time $status");
    assert_eq!(values(&trailing, b"1.0 0.010 :  200").unwrap()[1], "0.010 : ");
    let json =
        Format::compile("t", "{\"t\":$msec,\"ut\":$upstream_response_time, \"s\":$status}", Escape::Json).unwrap();
    assert_eq!(values(&json, b"{\"t\":1.0,\"ut\":, \"s\":200}").unwrap()[1], "~");
    assert_eq!(values(&json, b"{\"t\":1.0,\"ut\":0.1, 0.2, \"s\":200}").unwrap()[1], "0.1, 0.2");
}

#[test]
fn line_ends_and_trailing_spaces() {
    let spaced = format("$msec \"$host\" ");
    for line in ["1.0 \"h\" ", "1.0 \"h\"", "1.0 \"h\" \r\n", "1.0 \"h\"\n"] {
        assert_eq!(values(&spaced, line.as_bytes()).unwrap()[1], "h", "{line:?}");
    }
    assert_eq!(values(&spaced, b"1.0 \"h\"  "), Err(RejectReason::TrailingText));
    assert_eq!(values(&format("$msec \"$host\""), b"1.0 \"h\" "), Err(RejectReason::TrailingText));
    assert_eq!(values(&format("$msec $server_protocol "), b"1.0 HTTP/1.1 ").unwrap()[1], "HTTP/1.1");
}

#[test]
fn rejects_say_why_and_where() {
    let timed = format("$remote_addr [$time_local] \"$request\" $status $request_time");
    let mut parser = RecordParser::new(&timed, &Needs::all()).unwrap();
    let good = "::1 [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 0.5";
    let long = format!("{}{good}", "a".repeat(spikeline::grammar::MAX_LINE));
    let glued = format!("{}{good}", &good[..50]);
    for (line, column, reason) in [
        ("", 1, RejectReason::EmptyLine),
        ("\r\n", 1, RejectReason::EmptyLine),
        (long.as_str(), (1 << 20) + 1, RejectReason::LineTooLong),
        (&glued, 0, RejectReason::Torn),
        (&format!("\0\0{good}"), 1, RejectReason::Torn),
        (&good.replace(":36 ", ":3x "), 6, RejectReason::BadTime),
        (&good.replace("Oct", "Foo"), 6, RejectReason::BadTime),
        (&good.replace("[10/", "[1/"), 6, RejectReason::BadTime),
        (&good.replace("] ", ">"), 32, RejectReason::LiteralMissing),
        (&good.replace(" 200 ", " abc "), 51, RejectReason::BadNumber),
        (&good.replace(" 200 ", " 20x "), 53, RejectReason::BadNumber),
        (&good.replace(" 200 ", " 2000 "), 51, RejectReason::AbsurdNumber),
        (&good.replace("0.5", "18446744073709551615"), 55, RejectReason::AbsurdNumber),
        (&good.replace("0.5", "0.5 \"x\""), 58, RejectReason::TrailingText),
        (&good.replace("0.5", "0..5"), 55, RejectReason::BadNumber),
    ] {
        let reject = parser.parse(line.as_bytes()).unwrap_err();
        let shown = &line[..line.len().min(80)];
        assert_eq!(reject.reason, reason, "{reject} {shown:?}");
        assert!(column == 0 || reject.column == column, "{reject} {shown:?}");
    }
    assert_eq!(parser.parse(good.replace("0.5", "66124.476").as_bytes()).unwrap().request_time_ms, Some(66_124_476));
    assert_eq!(
        timed.explain(good.replace("] ", ">").as_bytes()).unwrap(),
        "expected `] \"` after $time_local, found `>\"GET / HTTP/1.1\" 20`"
    );
    assert_eq!(timed.explain(good.as_bytes()), None);
}

#[test]
fn every_reader_rejects_the_same_lines() {
    let text = format("$msec $request_time \"$upstream_response_time\" $status");
    let line = b"1.0 0.5 \"1.2.3\" 200";
    for needs in [Needs::latency(), Needs::all()] {
        let reject = RecordParser::new(&text, &needs).unwrap().parse(line).unwrap_err();
        assert_eq!((reject.column, reject.reason), (10, RejectReason::BadNumber), "{needs:?}");
    }
}

#[test]
fn reasons_keep_their_codes() {
    for reason in RejectReason::ALL {
        assert_eq!(RejectReason::from_code(reason.code()), Some(reason));
        assert!(reason.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    }
    assert_eq!(RejectReason::ALL.map(RejectReason::code), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    assert_eq!((RejectReason::from_code(0), RejectReason::from_code(15)), (None, None));
}

#[test]
fn records() {
    let all = format(
        "$host $time_local $msec \"$request\" $status $body_bytes_sent $bytes_sent $request_time \
         \"$upstream_response_time\" \"$upstream_connect_time\"",
    );
    let line = "h 10/Oct/2000:13:55:36 -0700 971211337.250 \"GET /a HTTP/2.0\" 200 5 120 1.5 \"0.1, 0.2 : 0.3\" \"-\"";
    let got = record(&all, line);
    assert_eq!((got.end.millis(), got.start().millis()), (971_211_337_250, 971_211_335_750));
    assert_eq!((got.request_time_ms, got.upstream_ms), (Some(1500), [Some(600), None, None]));
    assert_eq!((got.status, got.bytes_sent, got.host), (Some(200), Some(120), Some(&b"h"[..])));
    let parser = RecordParser::new(&all, &Needs::latency()).unwrap();
    assert_eq!(parser.end_precision_ms(), 1);
    assert_eq!(RecordParser::new(&Format::combined(), &Needs::all()).unwrap().end_precision_ms(), 1000);
    for (request, malformed) in
        [("GET /ret", false), ("", true), ("-", true), ("\\x16\\x03\\x01", true), ("GET /a b c", true)]
    {
        let line = line.replace("GET /a HTTP/2.0", request);
        let got = record(&all, &line);
        assert_eq!(got.malformed_request, malformed, "{request}");
        assert_eq!(got.target.is_empty(), malformed, "{request}");
    }
    // What is not needed is not read, nor is its range a reason to reject.
    let mut few = RecordParser::new(&all, &Needs::default()).unwrap();
    let absurd = line.replace(" 1.5 ", " 99999999999 ");
    let got = few.parse(absurd.as_bytes()).unwrap();
    assert_eq!((got.request_time_ms, got.target, got.status), (None, &b""[..], Some(200)));
}

/// What stands after a number or a list may look like more of it: read by a stated rule, or refused.
#[test]
fn neighbours_that_look_alike() {
    for (text, line, expected) in [
        ("$msec took $request_time.", "1.000 took 0.123.", ["1.000", "0.123"].as_slice()),
        ("$request_time.$msec", "0.123.1.500", &["0.123", "1.500"]),
        ("$msec ${status}0$pid", "1.000 200077", &["1.000", "200", "77"]),
        ("$remote_addr:$remote_port $msec", "::1:5000 1427761920.000", &["::1", "5000", "1427761920.000"]),
        ("$remote_addr:$remote_port $msec", "unix:: 1427761920.000", &["unix:", "", "1427761920.000"]),
        (
            "$msec,$upstream_response_time,$upstream_status,$host",
            "1.0,0.1, 0.2,502, 200,h",
            &["1.0", "0.1, 0.2", "502, 200", "h"],
        ),
        ("$msec $upstream_addr, to=$host", "1427761920.000 a:80, b:80, to=h", &["1427761920.000", "a:80, b:80", "h"]),
        ("$msec $upstream_addr:$status", "1427761920.000 a:80, b:80:200", &["1427761920.000", "a:80, b:80", "200"]),
        ("$msec $upstream_addr.5 $args: $uri", "1427761920.000 a:80.5 : /x", &["1427761920.000", "a:80", "", "/x"]),
        ("$msec $upstream_addr $host", "1.0 a:80 : x y", &["1.0", "a:80 : x", "y"]),
        ("$msec $upstream_status $args", "1427761920.000 200 : x y", &["1427761920.000", "200", ": x y"]),
        ("$msec \"$scheme://$host$request_uri\"", "1.0 \"http://h-\"", &["1.0", "http", "h", "~"]),
        ("$msec \"$host$request_uri\"", "1.0 \"h*\"", &["1.0", "h", "*"]),
        ("$msec\r", "1.0\r", &["1.0"]),
    ] {
        assert_eq!(
            values(&format(text), line.as_bytes()).as_deref(),
            Ok(expected.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>().as_slice()),
            "{text} {line}"
        );
    }
    for (text, place) in [
        ("$msec ${bytes_sent}0", "${bytes_sent}0"),
        ("$msec $gzip_ratio.", "$gzip_ratio."),
        ("$msec ${remote_port}8 x", "${remote_port}8 x"),
        ("$msec $upstream_addr, $host", "$upstream_addr, "),
        ("$msec $upstream_status : $host", "$upstream_status : "),
        ("$msec $upstream_addr/$host", "$upstream_addr/"),
        ("$msec $upstream_addr:$pid:$pid", "$upstream_addr:"),
        ("$msec $upstream_addr:$pid, to=$host", "$upstream_addr:"),
        ("$msec $upstream_response_time-$upstream_status", "$upstream_response_time-"),
    ] {
        let error = refused(text);
        assert_eq!(&text[error.span.clone()], place, "{}", error.render());
        assert!(error.reason.contains("may stand in its own value"), "{}", error.render());
    }
    assert!(refused("$msec \0").reason.contains("NUL"));
}

/// The time of the line before is only taken for the same bytes.
#[test]
fn the_last_time_is_not_taken_for_another() {
    for (text, times) in [
        ("$time_local", ["10/Oct/2000:13:55:36 -0700", "10/Oct/2000:13:55:37 -0700", "10/Oct/2000:13:55:36 +0545"]),
        ("$time_iso8601", ["2000-10-10T13:55:36-07:00", "2000-10-10T13:55:37-07:00", "2000-10-10T13:55:36Z"]),
    ] {
        let format = format(text);
        let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
        for round in 0..3 {
            for time in times {
                let fresh = record(&format, time).end;
                assert_eq!(parser.parse(time.as_bytes()).unwrap().end, fresh, "{round} {time}");
            }
        }
    }
}

#[test]
fn ties_are_not_guessed() {
    let named = |name: &str, tail: &str| {
        Format::compile(name, &format!("[$time_local] \"$request\" $status {tail}"), Escape::Default).unwrap()
    };
    let line: &[u8] = b"[10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 0.001 0.002";
    let found = |tails: &[&str]| {
        let formats: Vec<Format> = tails.iter().map(|tail| named("t", tail)).collect();
        detect(&[line, b"", line], &formats).outcome
    };
    let times = "$request_time $upstream_response_time";
    assert_eq!(found(&[times, "$upstream_response_time $request_time"]), DetectionOutcome::Tie { formats: vec![0, 1] });
    // The mirror of a format that stands alone is as likely, where no line refutes it.
    assert!(matches!(found(&[times]), DetectionOutcome::Doubt(doubt) if doubt.readings.len() == 2));
    assert_eq!(
        found(&["$request_time $session", "$request_time $request_id_of_ours"]),
        DetectionOutcome::Found { format: 0, margin: 1.0 }
    );
    assert_eq!(found(&["\"$host\"", "$request_time 0.002"]), DetectionOutcome::Found { format: 1, margin: 1.0 });
    assert_eq!(found(&["\"$host\""]), DetectionOutcome::None);
    assert_eq!(found(&[]), DetectionOutcome::None);
    assert_eq!(detect(&[], &[Format::combined()]).outcome, DetectionOutcome::None);
    // A foreign first field is not taken into the address.
    let vhost = Format::compile("vhost", &format!("$host {}", Format::combined().text()), Escape::Default).unwrap();
    let line: &[u8] = b"a.b ::1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"";
    assert_eq!(
        detect(&[line], &[Format::combined(), vhost]).outcome,
        DetectionOutcome::Found { format: 1, margin: 1.0 }
    );
}

/// Texts from public configurations that are easy to get wrong.
#[test]
fn formats_seen_in_the_wild_compile() {
    for text in [
        "$remote_addr $remote_user [$time_local] “$request” $http_host $status “$http_referer” ”$http_user_agent” $request_time",
        "$remote_addr - $upstream_http_x_django_user - [$time_local]\"$request\" $status $body_bytes_sent\"$http_referer\" \"$http_user_agent\"$request_time $upstream_response_time \"$http_x_forwarded_for\" ",
        "$msec|$time_local|$host|$request|$status|$bytes_sent|$request_time|$remote_addr|$http_referer|$http_user_agent|||",
        "[$time_local] $http_x_forwarded_for $request_id $remote_addr - $remote_user - $server_name $host to: $upstream_addr: $request $status   upstream_response_time $upstream_response_time msec $msec request_time $request_time",
        "[$time_local] $remote_addr: \"$request\" $upstream_response_time s",
        "$remote_addr||$remote_user||$time_local||$upstream_addr||$upstream_response_time||$request||$http_AppKey",
        "HTTPREQUEST [$host] [$remote_addr $time_iso8601] [$request] [$status $body_bytes_sent] [$request_time] [$http_cookie] ",
        "$upstream_response_time\t$remote_addr\t$time_iso8601\t$request\t$status\t$msec\t$request_time\t$https\t",
        "$msec!$time_local!$time_iso8601",
        "$time_local nginx_version=\"$nginx_version\" $ssl_protocol/$ssl_cipher ${request_id}x$host:$server_port",
    ] {
        let format = format(text);
        assert!(format.variables().len() >= 3);
        assert!(RecordParser::new(&format, &Needs::all()).is_ok(), "{text}");
    }
}

#[test]
fn typographic_quotes_and_missing_spaces_are_literals_too() {
    let curly = format("[$time_local] “$request” $status ”$http_user_agent” $request_time");
    let line = "[10/Oct/2000:13:55:36 -0700] “GET / HTTP/1.1” 200 ”a \\xE2 b” 0.5";
    assert_eq!(values(&curly, line.as_bytes()).unwrap()[1..], ["GET / HTTP/1.1", "200", "a \\xE2 b", "0.5"]);
    let close =
        format("[$time_local]\"$request\" $status $body_bytes_sent\"$http_referer\" \"$http_user_agent\"$request_time");
    let line = b"[10/Oct/2000:13:55:36 -0700]\"GET / HTTP/1.1\" 200 5\"-\" \"x\"0.5";
    assert_eq!(values(&close, line).unwrap()[1..], ["GET / HTTP/1.1", "200", "5", "~", "x", "0.5"]);
}

#[test]
fn two_lines_glued_together_are_torn_wherever_the_first_broke_off() {
    for (text, line) in [
        ("[$time_local] $status $http_user_agent", "[10/Oct/2000:13:55:36 -0700] 200 Mozilla"),
        ("$time_iso8601|$status|$http_user_agent", "2000-10-10T13:55:36Z|200|Mozilla"),
        (
            "$remote_addr - $remote_user [$time_local] \"$request\" $status",
            "::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /\" 200",
        ),
    ] {
        let format = format(text);
        assert_eq!(format.check(line.as_bytes()), Ok(()));
        // From where the first line's time is whole.
        for end in line.find("13:55:36").unwrap() + 20..line.len() {
            let glued = format!("{}{line}", &line[..end]);
            let reject = format.check(glued.as_bytes()).expect_err(&glued);
            assert_eq!(reject.reason, RejectReason::Torn, "{glued}");
        }
    }
    // A time in a client's text is no other line.
    let line = b"2000-10-10T13:55:36Z|200|at 2000-10-10T13:55:36Z";
    assert_eq!(format("$time_iso8601|$status|$http_user_agent").check(line), Ok(()));
    let raw = Format::compile("t", "$msec \"$request\"", Escape::None).unwrap();
    assert_eq!(values(&raw, b"1427761920.000 \"GET /a\0b HTTP/1.1\"").unwrap()[1], "GET /a\0b HTTP/1.1");
    assert_eq!(values(&raw, b"\0\x001.0 \"GET /a\""), Err(RejectReason::Torn));
}
