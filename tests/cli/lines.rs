//! `lines FILE`: the raw lines, byte for byte.

use serde_json::Value;

use support::log::{EXACT, NOON, Request, requests, text};
use support::program::Folder;

const OF_EXACT: [&str; 4] = ["lines", "a.log", "--log-format", EXACT];
const WINDOW: [&str; 2] = ["--from=2011-11-30T14:05:20Z", "--until=2011-11-30T14:05:40.500Z"];

fn folder() -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    let mut requests = requests(1500);
    // In flight through the whole window, before it and after it, and touching its edges.
    for (end, time) in [(60_000, 59_000), (20_000, 100), (20_001, 100), (20_000, 20_000), (40_500, 0), (40_600, 100)] {
        requests.push(Request::new(NOON + end, time, "/slow"));
    }
    folder.write("a.log", text(&requests, Request::exact));
    (folder, requests)
}

/// Lines in the order of their ends; among equals in that of the log.
fn by_end(mut requests: Vec<&Request>) -> String {
    requests.sort_by_key(|request| request.end);
    requests.into_iter().map(|request| request.exact() + "\n").collect()
}

#[test]
fn without_a_window_every_line_comes_back() {
    let (folder, requests) = folder();
    assert_eq!(folder.run(&OF_EXACT).fine(), by_end(requests.iter().collect()));
}

#[test]
fn a_window_gives_what_was_in_flight_or_what_ended_in_it() {
    let (folder, requests) = folder();
    let (from, until) = (NOON + 20_000, NOON + 40_500);
    let overlap = requests.iter().filter(|request| request.end >= from && request.start() < until);
    let end = requests.iter().filter(|request| (from..until).contains(&request.end));
    let (overlap, end): (Vec<_>, Vec<_>) = (overlap.collect(), end.collect());
    assert!(overlap.len() > end.len() && end.len() > 200);
    assert_eq!(folder.run(&[&OF_EXACT[..], &WINDOW].concat()).ended(0), by_end(overlap.clone()));
    assert_eq!(folder.run(&[&OF_EXACT[..], &WINDOW, &["--by=overlap"]].concat()).ended(0), by_end(overlap));
    assert_eq!(folder.run(&[&OF_EXACT[..], &WINDOW, &["--by=end"]].concat()).ended(0), by_end(end));
}

#[test]
fn only_some_lines() {
    let (folder, requests) = folder();
    let check = |arguments: &[&str], keep: &dyn Fn(&&Request) -> bool| {
        let out = folder.run(&[&OF_EXACT[..], arguments].concat()).ended(0);
        assert_eq!(out, by_end(requests.iter().filter(keep).collect()), "{arguments:?}");
    };
    check(&["--route=users.*"], &|request| request.route() == "users.__id");
    check(&["--status=5xx", "--route=slow"], &|request| request.status >= 500 && request.route() == "slow");
    check(&["--min-time=1500ms"], &|request| request.time >= 1500);
    check(&["--max-time=1500ms"], &|request| request.time < 1500);
    check(&["--min-time=100ms", "--max-time=1500ms"], &|request| (100..1500).contains(&request.time));
    let none = folder.run(&[&OF_EXACT[..], &["--min-time=1s", "--max-time=1s"]].concat());
    none.said(2, &["no request takes less than --max-time and at least --min-time"]);
    folder.run(&[&OF_EXACT[..], &["--route=none"]].concat()).said(1, &[]);
}

#[test]
fn longest_first_and_no_more_than_asked_for() {
    let (folder, requests) = folder();
    let mut expected: Vec<&Request> = requests.iter().collect();
    expected.sort_by_key(|request| (std::cmp::Reverse(request.time), request.end));
    let expected: String = expected.into_iter().take(25).map(|request| request.exact() + "\n").collect();
    let run = folder.run(&[&OF_EXACT[..], &["--sort=duration", "--limit=25"]].concat());
    run.said(0, &["the longest 25 of 1,506 lines (--limit)\n"]);
    assert_eq!(run.out, expected);
    let run = folder.run(&[&OF_EXACT[..], &["--limit=3"]].concat());
    run.said(0, &["the first 3 of 1,506 lines (--limit); --sort duration: the longest\n"]);
    assert_eq!(run.lines().len(), 3);
    let all = folder.run(&[&OF_EXACT[..], &["--limit=1506"]].concat()).fine();
    assert_eq!(all.lines().count(), 1506);
}

#[test]
fn bytes_that_are_no_text_come_back_as_they_are() {
    let folder = support::folder!();
    let mut line = Request::new(NOON, 10, "/slow").exact().into_bytes();
    let at = line.windows(5).position(|bytes| bytes == b"/slow").unwrap() + 1;
    line.splice(at..at, [0xff, 0xfe, b'\t', 0xc3]);
    line.push(b'\n');
    folder.write("a.log", &line);
    let output = folder.command(&OF_EXACT).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, line);
}

#[test]
fn as_json_a_line_says_how_it_lies_to_the_window() {
    let (folder, _) = folder();
    let out = folder.run(&[&OF_EXACT[..], &WINDOW, &["--format=jsonl"]].concat()).ended(0);
    let log = std::fs::read_to_string(folder.path("a.log")).unwrap();
    let (from, until) = (1_322_661_920.0, 1_322_661_940.5);
    let mut seen = std::collections::BTreeSet::new();
    for line in out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (start, end) = (line["start"].as_f64().unwrap(), line["end"].as_f64().unwrap());
        let expected = match (start >= from && start < until, end >= from && end < until) {
            (true, true) => "inside",
            (true, false) => "started",
            (false, true) => "ended",
            (false, false) => "spanning",
        };
        assert_eq!(line["in_window"], expected, "{line}");
        seen.insert(expected);
        let offset = usize::try_from(line["offset"].as_u64().unwrap()).unwrap();
        let length = usize::try_from(line["length"].as_u64().unwrap()).unwrap();
        assert_eq!(line["line"], log[offset..offset + length], "the locator leads to the line");
        assert_eq!(line["file"], "a.log");
    }
    assert_eq!(seen.len(), 4);
    let csv = folder.run(&[&OF_EXACT[..], &["--limit=1", "--format=csv"]].concat()).ended(0);
    assert_eq!(
        csv.lines().next().unwrap(),
        "start,end,request_time_ms,in_window,route,status,upstream_response_time_ms,kept,file,offset,length,line"
    );
}

#[test]
fn without_files_or_store_it_says_what_to_do() {
    let folder = support::folder!();
    for command in ["lines", "report", "slow"] {
        folder.run(&[command, "--store", "nowhere"]).said(2, &["nowhere: there is no store", "help: ", "FILEs"]);
    }
}

#[test]
fn a_window_holds_its_first_millisecond_and_not_its_end() {
    let folder = support::folder!();
    let (from, until) = (20_000, 40_500);
    // (end, time, how it lies to the window by overlap, whether it ended in it)
    let edges: [(i64, u64, Option<&str>, bool); 12] = [
        (from - 1, 0, None, false),
        (from - 1, 5000, None, false),
        (from, 0, Some("inside"), true),
        (from, 1, Some("ended"), true),
        (from + 1, 1, Some("inside"), true),
        (until - 1, 0, Some("inside"), true),
        (until - 1, 20_499, Some("inside"), true),
        (until - 1, 20_500, Some("ended"), true),
        (until, 0, None, false),
        (until, 1, Some("started"), false),
        (until, 20_500, Some("started"), false),
        (until, 20_501, Some("spanning"), false),
    ];
    let requests: Vec<Request> = edges.iter().map(|(end, time, ..)| Request::new(NOON + end, *time, "/slow")).collect();
    folder.write("a.log", text(&requests, Request::exact));
    let found = |by: &str| -> Vec<(u64, String)> {
        let out = folder.run(&[&OF_EXACT[..], &WINDOW, &["--format=jsonl", by]].concat()).ended(0);
        let rows = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| (row["offset"].as_u64().unwrap(), row["in_window"].as_str().unwrap().to_owned())).collect()
    };
    let mut offset = 0;
    let (mut overlap, mut end) = (Vec::new(), Vec::new());
    for (request, (_, _, lies, ended)) in requests.iter().zip(edges) {
        if let Some(lies) = lies {
            overlap.push((offset, lies.to_owned()));
            end.extend(ended.then(|| (offset, lies.to_owned())));
        }
        offset += request.exact().len() as u64 + 1;
    }
    let sorted = |mut found: Vec<(u64, String)>| {
        found.sort();
        found
    };
    assert_eq!(sorted(found("--by=overlap")), overlap);
    assert_eq!(sorted(found("--by=end")), end);
}

/// A hole keeps a log's length and its first bytes, so that it is found as the log that it was.
#[test]
fn a_hole_that_was_made_in_a_log_after_it_was_read_is_no_line() {
    let (folder, _) = crate::index::folder(0, "");
    let requests = support::log::requests(400);
    let text = support::log::text(&requests, support::log::Request::exact);
    folder.write("a.log", &text);
    crate::index::index(&folder, &["a.log"]);
    let window = ["lines", "--from=2011-11-30T14:00Z", "--until=2011-11-30T16:00Z"];
    let before = crate::index::ask(&folder, &window).ended(0);
    let mut bytes = text.into_bytes();
    bytes[16_000..18_000].fill(0);
    folder.write("a.log", &bytes);
    let after = crate::index::ask(&folder, &window);
    assert!(after.err.contains("what the index holds of them is printed"), "{}", after.err);
    let out = after.ended(3);
    assert!(!out.contains('\0') && before.lines().count() > 20, "{out}");
}
