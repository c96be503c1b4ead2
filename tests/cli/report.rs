//! `report`: the numbers, and what they are over.

use serde_json::Value;

use support::log::{EXACT, NOON, Request, Row, csv, requests, rows, text};
use support::program::{Folder, run};

const OF_EXACT: [&str; 5] = ["report", "a.log", "--log-format", EXACT, "--format=csv"];

fn folder() -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    let requests = requests(3000);
    folder.write("a.log", text(&requests, Request::exact));
    (folder, requests)
}

fn by_route(request: &Request) -> String {
    request.route().to_owned()
}

/// The CSV of `report` with more arguments.
fn report(folder: &Folder, more: &[&str]) -> String {
    folder.run(&[&OF_EXACT[..], more].concat()).ended(0)
}

#[test]
fn every_number_is_that_of_a_plain_count() {
    let (folder, requests) = folder();
    let expected = rows(&requests, by_route);
    assert!(expected.len() == 4 && expected.iter().all(|row| row.numbers[0] > 500), "{expected:?}");
    assert_eq!(folder.run(&OF_EXACT).fine(), csv("route", &expected));
}

#[test]
fn json_holds_the_same_rows_in_an_envelope() {
    let (folder, requests) = folder();
    let expected = rows(&requests, by_route);
    let out = folder.run(&["report", "a.log", "--log-format", EXACT, "--format", "json"]).fine();
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["complete"], true);
    assert_eq!(json["from"], Value::Null);
    assert_eq!(objects(json["rows"].as_array().unwrap()), expected);

    let out = folder.run(&["report", "a.log", "--log-format", EXACT, "--format", "jsonl"]).fine();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects(&lines), expected);
}

fn objects(rows: &[Value]) -> Vec<Row> {
    let row = |row: &Value| {
        let object = row.as_object().unwrap();
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        assert_eq!(keys.join(","), format!("route,{}", support::log::COLUMNS));
        let numbers = object.values().skip(1).map(|value| value.as_u64().unwrap()).collect();
        Row { name: row["route"].as_str().unwrap().to_owned(), numbers }
    };
    rows.iter().map(row).collect()
}

#[test]
fn a_table_is_for_people() {
    let folder = support::folder!();
    let few = [Request::new(NOON, 1500, "/slow"), Request::new(NOON, 12, "/").status(404)];
    folder.write("a.log", text(&few, Request::exact));
    let out = folder.run(&["report", "a.log", "--log-format", EXACT]).fine();
    let expected = "\
route   count       sum       p50       p95       p99  p99.9       max  slow  4xx  5xx  bytes
──────────────────────────────────────────────────────────────────────────────────────────────
slow        1  1,500 ms  1,500 ms  1,500 ms  1,500 ms      -  1,500 ms     1    0    0   10 B
[root]      1     12 ms     12 ms     12 ms     12 ms      -     12 ms     0    1    0   10 B
all         2  1,512 ms     12 ms  1,500 ms  1,500 ms      -  1,500 ms     1    1    0   20 B
";
    assert_eq!(out, expected);
    for colour in ["", "1"] {
        let mut command = folder.command(&["report", "a.log", "--log-format", EXACT]);
        assert_eq!(run(command.env("NO_COLOR", colour)).fine(), expected, "NO_COLOR={colour}");
    }
}

#[test]
fn the_last_thousandth_is_shown_to_people_from_a_thousand_requests_on() {
    let folder = support::folder!();
    let p999 = |count: i64| {
        let many: Vec<Request> =
            (0..count).map(|n| Request::new(NOON + n, u64::try_from(n).unwrap(), "/slow")).collect();
        folder.write("a.log", text(&many, Request::exact));
        let table = folder.run(&["report", "a.log", "--log-format", EXACT]).fine();
        let row = table.lines().find(|line| line.starts_with("slow")).unwrap().to_owned();
        let json = folder.run(&["report", "a.log", "--log-format", EXACT, "--format=jsonl"]).fine();
        let json: Value = serde_json::from_str(&json).unwrap();
        (row.contains(" - "), json["p999_ms"].as_u64().unwrap())
    };
    assert_eq!(p999(999), (true, 998));
    assert_eq!(p999(1000), (false, 998));
    assert_eq!(p999(1001), (false, 999));
}

#[test]
fn groups_by_any_field() {
    let (folder, requests) = folder();
    let by = |field: &str, key: &dyn Fn(&Request) -> String| {
        let out = report(&folder, &["--by", field]);
        let expected = csv(field, &rows(&requests, key));
        assert_eq!(out, expected, "by {field}");
    };
    by("method", &|request| request.method.to_owned());
    by("status", &|request| request.status.to_string());
    by("host", &|request| request.host.to_owned());
    by("path", &|request| request.target.split('?').next().unwrap().to_owned());
    by("query:v", &|request| if request.target.contains("?v=3") { "3".to_owned() } else { "'-".to_owned() });
    by("status,host", &|request| format!("{},{}", request.status, request.host));
    by("host,route,method", &|request| format!("{},{},{}", request.host, request.route(), request.method));
    by("target", &|request| request.target.clone());
    // Unquoted by the csv writer only if there is no comma in it.
    by("upstream_response_time", &|request| match request.upstream {
        with_comma if with_comma.contains(',') => format!("\"{with_comma}\""),
        "-" => "'-".to_owned(),
        other => other.to_owned(),
    });
}

#[test]
fn a_variable_may_be_written_with_its_dollar() {
    let (folder, requests) = folder();
    let out = report(&folder, &["--by", "$host"]);
    assert_eq!(out, csv("host", &rows(&requests, |request| request.host.to_owned())));
    folder.run(&[&OF_EXACT[..], &["--by", "$nope"]].concat()).said(2, &["nope", "upstream_response_time"]);
}

#[test]
fn a_window_is_half_open_to_the_millisecond() {
    let folder = support::folder!();
    let around: Vec<Request> =
        [-1, 0, 1, 9_999, 10_000, 10_001].map(|at| Request::new(NOON + at, 50, "/slow")).to_vec();
    folder.write("a.log", text(&around, Request::exact));
    let count = |window: &[&str]| -> u64 {
        let run = folder.run(&[&OF_EXACT[..], window].concat());
        assert!(run.err.contains("window "), "the window is said aloud: {}", run.err);
        run.ended(0).lines().nth(1).unwrap().split(',').nth(1).unwrap().parse().unwrap()
    };
    let (from, until) = ("2011-11-30T14:05:00Z", "2011-11-30T14:05:10Z");
    assert_eq!(count(&["--from", from, "--until", until]), 3);
    assert_eq!(count(&["--from", "2011-11-30T14:05:00.001Z", "--until", "2011-11-30T14:05:10.001Z"]), 3);
    assert_eq!(count(&["--from", "14:05_20111130", "--until", "1322661910"]), 3);
    assert_eq!(count(&["--at", "14:05_20111130", "--window", "10s"]), 3);
    assert_eq!(count(&["--until", from]), 1);
    assert_eq!(count(&["--from", until]), 2);
    assert_eq!(count(&["--since", from]), 5);
    let nothing = folder.run(&[&OF_EXACT[..], &["--from=2012-01-01", "--until=2012-01-02"]].concat());
    nothing.said(1, &["window 2012-01-01T00:00:00"]);
    assert_eq!(nothing.out, csv("route", &[]));
}

#[test]
fn json_names_the_window() {
    let (folder, _) = folder();
    let run = folder.run(&[
        "report",
        "a.log",
        "--log-format",
        EXACT,
        "--format=json",
        "--from=14:05_20111130",
        "--until=14:06_20111130",
    ]);
    let json: Value = serde_json::from_str(&run.ended(0)).unwrap();
    assert_eq!(json["from"], "2011-11-30T14:05:00.000Z");
    assert_eq!(json["until"], "2011-11-30T14:06:00.000Z");
}

#[test]
fn only_some_requests() {
    let (folder, requests) = folder();
    let check = |arguments: &[&str], keep: &dyn Fn(&&Request) -> bool| {
        let expected = rows(requests.iter().filter(keep), by_route);
        assert!(!expected.is_empty(), "{arguments:?}");
        assert_eq!(report(&folder, arguments), csv("route", &expected), "{arguments:?}");
    };
    check(&["--route", "slow"], &|request| request.route() == "slow");
    check(&["--route", "users.*"], &|request| request.route() == "users.__id");
    check(&["--route", "*s*", "--route", "__root"], &|_| true);
    check(&["--route", "s*w", "--route", "static.*"], &|request| {
        ["slow", "static.app_2Ejs"].contains(&request.route())
    });
    check(&["--status", "404"], &|request| request.status == 404);
    check(&["--status", "5xx"], &|request| request.status >= 500);
    check(&["--status", "200-304,499"], &|request| request.status <= 304 || request.status == 499);
    check(&["--min-time", "1s"], &|request| request.time >= 1000);
    check(&["--max-time", "1s"], &|request| request.time < 1000);
    check(&["--min-time", "250ms", "--status", "2xx", "--route", "users.*"], &|request| {
        request.time >= 250 && request.status < 300 && request.route() == "users.__id"
    });
    folder.run(&[&OF_EXACT[..], &["--route", "nowhere"]].concat()).said(1, &[]);
    folder.run(&[&OF_EXACT[..], &["--status", "9xx"]].concat()).said(2, &["9xx", "5xx"]);
    folder.run(&[&OF_EXACT[..], &["--min-time", "soon"]].concat()).said(2, &["soon"]);
}

#[test]
fn sorts_and_limits() {
    let (folder, requests) = folder();
    let sorted = |key: &str, rank: &dyn Fn(&Row) -> u64| {
        let mut expected = rows(&requests, |request| request.target.clone());
        expected.sort_by_key(|row| (std::cmp::Reverse(rank(row)), row.name.clone()));
        expected.truncate(7);
        let out = report(&folder, &["--by=target", "--limit=7", "--sort", key]);
        assert_eq!(out, csv("target", &expected), "{key}");
    };
    sorted("sum", &|row| row.numbers[1]);
    sorted("count", &|row| row.numbers[0]);
    sorted("p99", &|row| row.numbers[6]);
    sorted("max", &|row| row.numbers[8]);
    sorted("name", &|_| 0);
    folder.run(&[&OF_EXACT[..], &["--sort", "luck"]].concat()).said(2, &["luck", "p99"]);
}
