use std::sync::Arc;

use super::*;
use crate::grammar::Escape;
use crate::route::{Router, Routes};

const OLD: &str = "$msec $request_time \"$request\" $status \"$http_a\" \"$http_b\"";
const MORE: &str = "$msec $request_time \"$request\" $status \"$http_a\" \"$http_b\" $upstream_response_time";
const SWAPPED: &str = "$msec $upstream_response_time $request_time \"$request\" $status";
const UNSWAPPED: &str = "$msec $request_time $upstream_response_time \"$request\" $status";
const TEXTS: &str = "$msec $request_time \"$request\" $status \"$http_b\" \"$http_a\"";

fn format(text: &str) -> Format {
    Format::compile("x", text, Escape::Default).unwrap()
}

fn interpreter(format: &Format, needs: Needs) -> Interpreter {
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).unwrap()),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    Interpreter::new(format, needs, &with).unwrap()
}

/// What becomes of each line: how long its request took and the value of a variable, or why it was rejected.
fn read(interpreter: &mut Interpreter, lines: &[&str], variable: &str) -> Vec<String> {
    let block: String = lines.iter().map(|line| (*line).to_owned() + "\n").collect();
    let mut seen = Vec::new();
    interpreter.read_block(block.as_bytes(), |at, line, record, values| {
        assert_eq!(&block.as_bytes()[at..at + line.len()], line);
        seen.push(match record {
            Ok(record) => {
                let value = values.format().index_of(variable).and_then(|at| values.value(at));
                let value = value.map_or("absent".to_owned(), |value| String::from_utf8_lossy(value).into_owned());
                format!("{:?} {value}", record.record.request_time_ms.unwrap_or(u64::MAX))
            }
            Err(reject) => reject.reason.name().to_owned(),
        });
    });
    seen
}

#[test]
fn a_line_that_one_format_fits_is_in_that_one_however_they_are_mixed() {
    let changed = format(MORE).following(&format(OLD), None);
    let mut reader = interpreter(&changed, Needs::all());
    let lines = [
        "1322661900.000 0.010 \"GET /a HTTP/1.1\" 200 \"x\" \"y\"",
        "1322661901.000 0.020 \"GET /a HTTP/1.1\" 200 \"x\" \"z\" 0.015",
        "1322661902.000 2.500 \"GET /a HTTP/1.1\" 200 \"-\" \"w\"",
        "nonsense",
        "1322661903.000 0.040 \"GET /a HTTP/1.1\" 200 \"x\" \"v\" -",
    ];
    let mut read = read(&mut reader, &lines, "http_b");
    assert!(RejectReason::ALL.into_iter().any(|reason| reason.name() == read[3]), "{read:?}");
    read.remove(3);
    assert_eq!(read, ["10 y", "20 z", "2500 w", "40 v"]);
    let told = reader.take_evidence();
    let at = |millis: i64| Some(Timestamp(1_322_661_900_000 + millis));
    assert_eq!(told, ChangeEvidence { first_after: at(980), last_before: at(-10), undecided: 0 });
    assert_eq!(reader.take_evidence(), ChangeEvidence::default());
}

#[test]
fn a_line_that_reads_otherwise_in_each_is_rejected_until_it_is_known_when_the_change_was() {
    let lines = [
        "1322661900.000 0.010 0.030 \"GET /a HTTP/1.1\" 200",
        "1322661900.000 0.010 0.010 \"GET /a HTTP/1.1\" 200",
        // nginx always knows $request_time: the old one.
        "1322661900.000 0.020 - \"GET /a HTTP/1.1\" 200",
        "1322661901.000 - 0.040 \"GET /a HTTP/1.1\" 200",
        "1322661901.000 0.001, 0.002 0.050 \"GET /a HTTP/1.1\" 200",
        "1322661909.000 9.500 0.060 \"GET /a HTTP/1.1\" 200",
        "1322661909.000 0.007 0.060 \"GET /a HTTP/1.1\" 200",
    ];
    let mut reader = interpreter(&format(SWAPPED).following(&format(UNSWAPPED), None), Needs::latency());
    let undecided = "ambiguous".to_owned();
    let mut expected = ["ambiguous", "10", "20", "40", "50", "ambiguous", "ambiguous"].map(str::to_owned);
    let times = |reader: &mut Interpreter| {
        let read = read(reader, &lines, "status");
        read.into_iter().map(|line| line.replace(" absent", "").replace(" 200", "")).collect::<Vec<_>>()
    };
    assert_eq!(times(&mut reader), expected);
    assert_eq!(reader.take_evidence().undecided, 3);
    // What began after the change is in the new format; a request of the old one that took long, is not known to be.
    let until = Some(Timestamp(1_322_661_905_000));
    let changed = format(SWAPPED).following(&format(UNSWAPPED), until);
    expected[6] = "60".to_owned();
    for needs in [Needs::latency(), Needs::all(), Needs::default()] {
        let mut reader = interpreter(&changed, needs);
        assert_eq!(times(&mut reader), expected, "whatever is needed of a line");
    }
    assert_eq!(expected[5], undecided);
    // Read again by what the store holds of it, the same.
    let held = crate::grammar::read_format(&reader.of_format(&changed).unwrap().reading(true).format).unwrap();
    assert_eq!(times(&mut interpreter(&held, Needs::latency())), expected);
}

#[test]
fn what_counts_alike_is_counted_and_a_value_that_may_be_anothers_is_absent() {
    let changed = format(TEXTS).following(&format(OLD), None);
    let mut reader = interpreter(&changed, Needs::all());
    let lines = [
        "1322661900.000 0.010 \"GET /a HTTP/1.1\" 200 \"x\" \"y\"",
        "1322661900.000 0.020 \"GET /a HTTP/1.1\" 200 \"x\" \"x\"",
    ];
    assert_eq!(read(&mut reader, &lines, "http_a"), ["10 absent", "20 x"]);
    assert_eq!(read(&mut reader, &lines, "request"), ["10 GET /a HTTP/1.1", "20 GET /a HTTP/1.1"]);
    let later = format(TEXTS).following(&format(OLD), Some(Timestamp(1_322_661_800_000)));
    assert_eq!(read(&mut interpreter(&later, Needs::all()), &lines, "http_a"), ["10 y", "20 x"]);
}

#[test]
fn text_becomes_json_and_a_second_change_comes_before_the_first_is_over() {
    let json = "{\"at\":$msec,\"took\":$request_time,\"request\":\"$request\",\"http_b\":\"$http_b\"}";
    let json = Format::compile("json", json, Escape::Json).unwrap();
    let changed = json.following(&format(MORE).following(&format(OLD), None), None);
    let mut reader = interpreter(&changed, Needs::all());
    let lines = [
        "1322661900.000 0.010 \"GET /a HTTP/1.1\" 200 \"x\" \"y\"",
        "{\"at\":1322661901.000,\"took\":0.020,\"request\":\"GET /a HTTP/1.1\",\"http_b\":\"q\\\"uote\"}",
        "1322661901.000 0.030 \"GET /a HTTP/1.1\" 200 \"x\" \"z\" 0.015",
    ];
    assert_eq!(read(&mut reader, &lines, "http_b"), ["10 y", "20 q\\\"uote", "30 z"]);
}
