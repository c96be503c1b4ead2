//! Real lines from public repositories (`tests/data/grammar`, see SOURCES.md) against what a separate, lax reading of
//! them expects.

use std::path::{Path, PathBuf};

use serde_json::Value;
use spikeline::grammar::{DetectionOutcome, Format, detect, directives, library};
use spikeline::record::{Needs, RecordParser, unescape, upstream_ms};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grammar");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.jsonl").exists())
        .collect();
    folders.sort();
    folders
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read(path).unwrap_or_default();
    let mut lines: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn format(folder: &Path) -> Format {
    let source = std::fs::read_to_string(folder.join("format.conf")).unwrap();
    let found = directives(&source).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(found.len(), 1, "{}", folder.display());
    found[0].compile().unwrap_or_else(|error| panic!("{}", error.render()))
}

#[test]
fn real_lines_read_as_expected() {
    let mut checked = 0;
    for folder in folders() {
        let format = format(&folder);
        let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
        let log = lines(&folder.join("access.log"));
        let expected = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
        assert_eq!(log.len(), expected.lines().count(), "{}", folder.display());
        for (line, expected) in log.iter().zip(expected.lines()) {
            let expected: Value = serde_json::from_str(expected).unwrap();
            let place = format!("{}:{}\n{}", folder.display(), expected["line"], String::from_utf8_lossy(line));
            check(&mut parser, line, &expected, &place);
            checked += 1;
        }
    }
    assert!(checked > 1000, "{checked}");
}

fn check(parser: &mut RecordParser, line: &[u8], expected: &Value, place: &str) {
    let record = match parser.parse(line) {
        Ok(record) => record,
        Err(reject) => {
            assert_eq!(expected["match"], false, "{reject}: {:?} {place}", parser.format().explain(line));
            return;
        }
    };
    assert_eq!(expected["match"], true, "{place}");
    assert_eq!(record.end.millis() as f64 / 1000.0, expected["ts"].as_f64().unwrap(), "{place}");
    let millis = |value: &Value| value.as_f64().map(|seconds| (seconds * 1000.0).round() as u64);
    if !expected["request_time"].is_null() {
        assert_eq!(record.request_time_ms, millis(&expected["request_time"]), "{place}");
    }
    let status = expected["status"].as_str().unwrap();
    assert_eq!(record.status, status.parse().ok(), "{place}");
    for (key, value) in [("method", record.method), ("target", record.target)] {
        if let Some(text) = expected[key].as_str() {
            assert_eq!(String::from_utf8_lossy(value), text, "{key} {place}");
            assert!(!record.malformed_request, "{place}");
        }
    }
    for (index, name) in ["upstream_response_time", "upstream_connect_time"].into_iter().enumerate() {
        let Some(groups) = expected[name].as_array() else { continue };
        let groups: Vec<Vec<Option<u64>>> =
            groups.iter().map(|group| group.as_array().unwrap().iter().map(millis).collect()).collect();
        let raw = parser.value(line, parser.format().index_of(name).unwrap());
        assert_eq!(upstream_ms(raw.unwrap_or(b"-")).unwrap(), groups, "{place}");
        let present: Vec<u64> = groups.iter().flatten().flatten().copied().collect();
        let sum = (!present.is_empty()).then(|| present.iter().sum());
        assert_eq!(record.upstream_ms[index], sum, "{place}");
    }
    for name in ["request_method", "request_uri", "request_raw"] {
        if let Some(text) = expected[name].as_str() {
            let variable = if name == "request_raw" { "request" } else { name };
            let raw = parser.value(line, parser.format().index_of(variable).unwrap());
            assert_eq!(raw.map(String::from_utf8_lossy), Some(text.into()), "{place}");
            assert!(name != "request_raw" || record.malformed_request || text.starts_with("GET"), "{place}");
        }
    }
}

#[test]
fn lines_that_must_be_rejected_are() {
    let mut rejected = 0;
    for folder in folders() {
        let format = format(&folder);
        let mut parser = RecordParser::new(&format, &Needs::latency()).unwrap();
        for line in lines(&folder.join("nonmatching.txt")) {
            let result = parser.parse(&line);
            assert!(result.is_err(), "{}: {result:?}\n{}", folder.display(), String::from_utf8_lossy(&line));
            rejected += 1;
        }
    }
    assert!(rejected > 10, "{rejected}");
}

/// The whole library at once never names a format that reads a real log other than its own format does.
#[test]
fn detection_of_real_logs_is_right_or_a_tie() {
    let formats: Vec<Format> = library().unwrap().into_iter().map(|grammar| grammar.format).collect();
    for folder in folders() {
        let own = format(&folder);
        let log = lines(&folder.join("access.log"));
        let log: Vec<&[u8]> = log.iter().map(Vec::as_slice).take(200).collect();
        if let DetectionOutcome::Found { format, .. } = detect(&log, &formats).outcome {
            let mut own = RecordParser::new(&own, &Needs::all()).unwrap();
            let mut found = RecordParser::new(&formats[format], &Needs::all()).unwrap();
            for line in log {
                if let (Ok(own), Ok(found)) = (own.parse(line), found.parse(line)) {
                    assert_eq!(
                        (own.end, own.status, own.request_time_ms),
                        (found.end, found.status, found.request_time_ms)
                    );
                    assert_eq!(
                        (own.target, own.upstream_ms),
                        (found.target, found.upstream_ms),
                        "{}",
                        folder.display()
                    );
                }
            }
        }
    }
}

/// nginx wrote the same requests in four formats and three escapings: they must read the same from each.
#[test]
fn the_same_requests_in_four_formats() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grammar/lab");
    let library = library().unwrap();
    let parsed = |log: &str, name: &str| {
        let format = &library.iter().find(|grammar| grammar.format.name() == name).unwrap().format;
        let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
        let mut records = Vec::new();
        let mut rejected = 0;
        for line in lines(&root.join(log)) {
            match parser.parse(&line) {
                Ok(record) => records.push((
                    (record.end, record.request_time_ms, record.upstream_ms[0], record.status),
                    unescape(record.target, format.escape()).into_owned(),
                    record.malformed_request,
                )),
                Err(_) => rejected += 1,
            }
        }
        (records, rejected)
    };
    let (lab, rejected) = parsed("lab.log", "lab");
    assert_eq!((lab.len(), rejected), (92, 0));
    assert!(lab.iter().filter(|(_, _, malformed)| *malformed).count() > 3);
    assert_eq!(parsed("json.log", "lab_json"), (lab.clone(), 0));
    // A request's own newline breaks its line in two with escape=none; the halves are rejected, the others agree.
    let (raw, rejected) = parsed("none.log", "lab_none");
    assert!(rejected < 5, "{rejected}");
    let agreeing = raw.iter().filter(|record| lab.contains(record)).count();
    assert!(agreeing + 3 >= raw.len() && raw.len() > 85, "{agreeing} of {}", raw.len());
    let (tabs, rejected) = parsed("tsv.log", "lab_tsv");
    let times: Vec<_> = tabs.iter().map(|(times, _, _)| *times).collect();
    assert_eq!((times, rejected), (lab.iter().map(|(times, _, _)| *times).collect(), 0));
}
