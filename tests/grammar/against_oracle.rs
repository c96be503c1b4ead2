//! The fast parser against the slow one of `oracle.rs`. Both must agree on rendered lines, and on the same lines
//! damaged; only lines that hold two whole times are the fast one's to refuse as torn.

use chrono::DateTime;
use proptest::prelude::*;
use spikeline::grammar::{Escape, Format};

use crate::oracle::{Both, Oracle};

const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \
                        \"$http_user_agent\"";
const FORMATS: &[(&str, Escape)] = &[
    (
        "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \
      \"$http_user_agent\" $request_time $upstream_response_time $pipe \"$upstream_addr\"",
        Escape::Default,
    ),
    ("$time_iso8601\t$remote_addr\t$request\t$status\t$request_time\t$upstream_response_time\t$host", Escape::Default),
    ("$msec|$request_time|$upstream_response_time|$upstream_addr|$status|$request_method|$uri", Escape::Default),
    (
        "$remote_user [$time_local] [$request] $status [$upstream_addr] $upstream_response_time $bytes_sent",
        Escape::Default,
    ),
    (
        "rt=$request_time ut=$upstream_response_time uht=$upstream_header_time $status \"$request\" $msec",
        Escape::Default,
    ),
    (
        "{\"t\":\"$time_iso8601\",\"rt\":$request_time,\"ut\":$upstream_response_time,\"rq\":\"$request\",\"ua\":\
      \"$http_user_agent\",\"st\":$status}",
        Escape::Json,
    ),
    (
        "{ \"m\": \"$msec\", \"ut\": \"$upstream_response_time\", \"a\": \"$upstream_addr\", \"h\": \"$host\", \"u\": \
      \"$request_uri\" }",
        Escape::Json,
    ),
    (
        "$msec $status $request_time $upstream_response_time \"$request\" \"$http_referer\" \"$http_user_agent\" u=$uri",
        Escape::None,
    ),
];

/// A value of the variable as nginx would write it, or nearly.
fn value(name: &str, escape: Escape) -> BoxedStrategy<String> {
    let absent = if escape == Escape::Default { "-" } else { "" };
    let seconds = prop_oneof![
        6 => (0_u32..100_000).prop_map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000)),
        1 => (0_u32..999).prop_map(|seconds| seconds.to_string()),
        1 => "[0-9]{1,3}\\.[0-9]{1,6}",
    ];
    let member = prop_oneof![4 => seconds.clone(), 1 => Just("-".to_owned())];
    let addr =
        prop_oneof!["[0-9]{1,3}\\.0\\.0\\.1:80", Just("[::1]:8080".to_owned()), Just("unix:/run/a.sock".to_owned())];
    let list = |member: BoxedStrategy<String>| {
        (
            proptest::collection::vec((member, prop_oneof![3 => Just(", "), 1 => Just(" : "), 1 => Just(",")]), 0..4),
            any::<bool>(),
        )
            .prop_map(move |(members, trailing)| {
                let mut out = String::new();
                for (index, (member, separator)) in members.iter().enumerate() {
                    if index > 0 {
                        out += separator;
                    }
                    out += member;
                }
                if out.is_empty() {
                    absent.to_owned()
                } else if trailing {
                    out + " : "
                } else {
                    out
                }
            })
            .boxed()
    };
    match name {
        "time_local" => time("%d/%b/%Y:%H:%M:%S %z"),
        "time_iso8601" => time("%Y-%m-%dT%H:%M:%S%:z"),
        "msec" => "1[0-9]{9}\\.[0-9]{3}".boxed(),
        "request_time" => seconds.boxed(),
        "status" => prop_oneof![3 => "[1-5][0-9]{2}", 1 => Just(absent.to_owned())].boxed(),
        "body_bytes_sent" | "bytes_sent" => "[0-9]{1,12}".boxed(),
        "upstream_response_time" | "upstream_header_time" => list(member.boxed()),
        "upstream_addr" => list(addr.boxed()),
        "pipe" => "[.p]".boxed(),
        _ => text(escape),
    }
}

fn time(format: &'static str) -> BoxedStrategy<String> {
    (0_i64..4_000_000_000, -47_i32..57)
        .prop_map(move |(seconds, quarter)| {
            let offset = chrono::FixedOffset::east_opt(quarter * 900).unwrap();
            DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&offset).format(format).to_string()
        })
        .boxed()
}

/// Hostile text, escaped as nginx does.
fn text(escape: Escape) -> BoxedStrategy<String> {
    let words = prop_oneof![
        Just("GET /a/b?c=d HTTP/1.1"),
        Just("-"),
        Just(" ["),
        Just("] "),
        Just(" - "),
        Just("\""),
        Just("\\"),
        Just("\t"),
        Just(" "),
        Just("/"),
        Just("10/Oct/2000:13:55:36 -0700"),
        Just("0.123 "),
        Just("é"),
        Just("\" \""),
        Just("|"),
        Just("x"),
    ];
    proptest::collection::vec(words, 0..5)
        .prop_map(move |words| {
            let mut out = String::new();
            for character in words.concat().chars() {
                match (escape, character) {
                    (Escape::Default, '"' | '\\' | '\t') => out += &format!("\\x{:02X}", character as u32),
                    (Escape::Default, 'é') => out += "\\xC3\\xA9",
                    (Escape::Json, '"' | '\\') => out.extend(['\\', character]),
                    (Escape::Json, '\t') => out += "\\t",
                    (_, plain) => out.push(plain),
                }
            }
            out
        })
        .boxed()
}

fn rendered() -> impl Strategy<Value = (usize, String)> {
    (0..FORMATS.len()).prop_flat_map(|index| {
        let (text, escape) = FORMATS[index];
        let variable = regex::Regex::new(r"\$(\w+)").unwrap();
        let mut line: BoxedStrategy<String> = Just(String::new()).boxed();
        let mut at = 0;
        for name in variable.find_iter(text) {
            let literal = text[at..name.start()].to_owned();
            line = (line, value(&name.as_str()[1..], escape))
                .prop_map(move |(line, value)| line + &literal + &value)
                .boxed();
            at = name.end();
        }
        let tail = text[at..].to_owned();
        line.prop_map(move |line| (index, line + &tail))
    })
}

fn agree(index: usize, line: &[u8]) -> Result<(), TestCaseError> {
    let (text, escape) = FORMATS[index];
    Both::new(&Format::compile("t", text, escape).unwrap()).unwrap().agree(line).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn both_parsers_agree_on_rendered_lines((index, line) in rendered()) {
        agree(index, line.as_bytes())?;
    }

    #[test]
    fn both_parsers_agree_on_damaged_lines((index, line) in rendered(), at in any::<prop::sample::Index>(), byte in prop_oneof![any::<u8>(), Just(b'"'), Just(b' '), Just(b'-'), Just(b'9')], how in 0..3) {
        let mut line = line.into_bytes();
        let at = at.index(line.len());
        match how {
            0 => line[at] = byte,
            1 => line.truncate(at),
            _ => line.insert(at, byte),
        }
        prop_assume!(!line.ends_with(b"\r") && !line.ends_with(b"\n") && !line.is_empty());
        agree(index, &line)?;
    }
}

#[test]
fn the_oracle_reads_what_nginx_writes() {
    let line = b"127.0.0.1 - al [x [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"";
    let slow = Oracle::new(COMBINED, Escape::Default).unwrap().read(line).unwrap();
    assert_eq!((slow.end_ms, slow.status), (971_211_336_000, Some(200)));
    assert_eq!(slow.values[1], b"al [x");
}
