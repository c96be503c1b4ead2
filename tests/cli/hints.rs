//! What is said to those who asked for something else than they meant, and to whom an empty answer would be a riddle.

use crate::index::{ask, folder, index};
use support::log::{Request, text};

const PASTED: &str = "log_format mine '$remote_addr [$time_local] \"$request\" '\n    '$status $request_time';\n";
const LINE: &str = "127.0.0.1 [22/Nov/2026:20:58:04 +0000] \"GET /a HTTP/1.1\" 200 0.016\n";

#[test]
fn a_log_format_may_be_pasted_as_it_stands_in_nginx_conf() {
    let folder = support::folder!();
    folder.write("a.log", LINE);
    for pasted in [PASTED, PASTED.trim_end().trim_end_matches(';')] {
        let out = folder.run(&["report", "a.log", "--format=csv", "--log-format", pasted]).fine();
        assert!(out.lines().nth(1).unwrap().starts_with("a,1,16,16,"), "{out}");
    }
    let two = format!("{PASTED}{}", PASTED.replace("mine", "other").replace("$status ", ""));
    folder.run(&["report", "a.log", "--log-format", &two]).said(2, &["one log_format"]);
    folder.run(&["report", "a.log", "--log-format", "log_format x '$status"]).said(2, &["log_format: "]);
    folder.write("c.toml", format!("store = \"s\"\n[[log]]\npath = \"a.log\"\nformat = '''{PASTED}'''\n"));
    let checked = folder.run(&["check", "--config=c.toml"]);
    assert!(checked.out.contains("100.00 % of 1 lines"), "{}{}", checked.out, checked.err);
}

#[test]
fn nothing_is_slow_where_no_time_is_logged() {
    let folder = support::folder!();
    folder.write("a.log", "127.0.0.1 - - [22/Nov/2026:20:58:04 +0000] \"GET /a HTTP/1.1\" 200 12 \"-\" \"-\"\n");
    let note = "note: a.log: its format has no $request_time";
    folder.run(&["slow", "a.log"]).said(1, &[note]);
    folder.run(&["lines", "a.log", "--min-time=1s"]).said(1, &[note]);
    assert_eq!(folder.run(&["lines", "a.log"]).err, "");
}

#[test]
fn a_mistyped_route_and_a_window_to_come() {
    let (folder, requests) = folder(60, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).said(0, &["1 taken in"]);
    let route = requests[0].route();
    let mistyped = format!("{route}x");
    for command in ["lines", "slow", "report"] {
        let asked = ask(&folder, &[command, "--route", &mistyped]);
        asked.said(1, &[&format!("no route `{mistyped}`; did you mean `{route}`?")]);
        assert!(!ask(&folder, &[command, "--route", "no*such"]).err.contains("no route"));
        ask(&folder, &[command, "--from=+1h", "--until=+2h"]).said(3, &["yet to come", "yesterday"]);
    }
}

#[test]
fn slow_counts_the_same_from_the_store_as_from_its_log() {
    let (folder, requests) = folder(400, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).said(0, &["1 taken in"]);
    let classes = |arguments: &[&str]| -> Vec<String> {
        let run = ask(&folder, &[&["slow", "--threshold=1s", "--format=jsonl"], arguments].concat());
        let row = |line: &str| line.split(",\"sample_locators\"").next().unwrap().to_owned();
        run.out.lines().map(row).collect()
    };
    let of_file = classes(&["a.log.1"]);
    assert!(of_file.len() > 1, "{of_file:?}");
    assert_eq!(classes(&[]), of_file);
}

#[test]
fn the_log_format_of_the_readme_is_found() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let directive = &readme[readme.find("log_format timed ").unwrap()..];
    let directive = &directive[..=directive.find(';').unwrap()];
    let folder = support::folder!();
    let line = "192.0.2.7 - - [22/Nov/2026:20:58:04 +0000] \"GET /a HTTP/1.1\" 200 12 \"-\" \"-\" rt=1.500 ut=\"1.499\" \
        uct=\"0.000\" uht=\"1.499\" msec=1795381084.123\n";
    folder.write("a.log", line);
    let given = folder.run(&["report", "a.log", "--format=csv", "--log-format", directive]).fine();
    assert_eq!(folder.run(&["report", "a.log", "--format=csv"]).fine(), given);
    assert_eq!(folder.run(&["report", "a.log", "--format=csv", "--log-format=timed"]).fine(), given);
}

#[test]
fn keys_that_hold_no_time_or_no_request_are_told() {
    let folder = support::folder!();
    folder.write("a.log", "{\"time\":\"2021-02-03T11:22:33Z\",\"status\":200,\"took\":5}\n");
    let notes = [
        "a.log: no key of its lines holds $request_time: no latencies",
        "a.log: no key of its lines holds $request: all",
    ];
    folder.run(&["report", "a.log"]).said(0, &notes);
    folder.run(&["report", "a.log", "--log-format=json request_time=tok:ms"]).said(0, &notes);
    let named = folder.run(&["report", "a.log", "--log-format=json request_time=took:ms"]);
    assert!(!named.err.contains("$request_time: no latencies"), "{}", named.err);
}

#[test]
fn a_file_that_another_program_packed_is_called_so() {
    let folder = support::folder!();
    folder.write("a.log.7z", b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0");
    folder.write("a.log.lz4", b"\x04\x22\x4d\x18\x64\x40\xa7\0\0");
    for (name, packer) in [("a.log.7z", "7z"), ("a.log.lz4", "lz4")] {
        folder
            .run(&["report", name])
            .said(2, &[&format!("packed by {packer}, which is not read"), "gzip, zstd, xz or bzip2"]);
    }
}
