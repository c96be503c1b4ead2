//! `diff`: two sides compared, and the conditions of a gate.

use serde_json::Value;

use support::log::{EXACT, NOON, Request, text};
use support::program::Folder;

use crate::index::{ask, configure, index};

/// `before.log`: 100 requests of /a at 50 ms, 40 of /b at 200 ms, 30 of /gone, over 100 s. `after.log`: /a is at 90 ms, /b is as it was and twice
/// as many, /new came, and /b has 4 errors.
fn folder() -> Folder {
    let folder = support::folder!();
    configure(&folder, "c.toml", "store", "");
    let of = |from: i64, path: &str, count: i64, time: u64| -> Vec<Request> {
        (0..count).map(|n| Request::new(from + n * 100_000 / count, time, path)).collect()
    };
    let before = [of(NOON, "/a", 100, 50), of(NOON, "/b", 40, 200), of(NOON, "/gone", 30, 10)].concat();
    let later = NOON + 200_000;
    let mut after = [of(later, "/a", 100, 90), of(later, "/b", 80, 200), of(later, "/new", 30, 1000)].concat();
    for request in &mut after[100..104] {
        request.status = 502;
    }
    folder.write("before.log", text(&before, Request::exact));
    folder.write("after.log", text(&after, Request::exact));
    folder.write("a.log", text(&[before, after].concat(), Request::exact));
    folder
}

fn files(folder: &Folder, more: &[&str]) -> support::program::Run {
    folder.run(&[&["diff", "before.log", "after.log", "--log-format", EXACT][..], more].concat())
}

#[test]
fn rows_stand_beside_each_other_and_the_change_sums() {
    let folder = folder();
    let json: Value = serde_json::from_str(&files(&folder, &["--format=json"]).ended(0)).unwrap();
    let rows: Vec<String> = json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {} {} {}",
                row["route"].as_str().unwrap(),
                row["presence"].as_str().unwrap(),
                row["count_before"],
                row["count_after"],
                row["p99_ms_before"],
                row["p99_ms_after"]
            )
        })
        .collect();
    let expected = ["a both 100 100 50 90", "b both 40 80 200 200", "gone gone 30 0 10 null", "new new 0 30 null 1000"];
    assert_eq!(rows, expected);
    let change = |part: &str| json["change_ms"][part].as_i64().unwrap();
    assert_eq!(change("volume") + change("mix") + change("slower"), change("total"));
    assert!((3_900..=4_100).contains(&change("slower")), "{}", json["change_ms"]);
    let sum: i64 = json["rows"].as_array().unwrap().iter().map(|row| row["change_ms"].as_i64().unwrap()).sum();
    assert_eq!(sum, change("total"));
    assert_eq!(json["complete"], true);
    // 30 requests say of p99 no more than that it is not below some.
    assert_eq!(
        (&json["rows"][3]["p99_high_ms_after"], &json["rows"][3]["p50_low_ms_after"]),
        (&Value::Null, &Value::from(1000))
    );
}

#[test]
fn a_condition_that_is_broken_ends_with_1_and_names_the_row() {
    let folder = folder();
    files(&folder, &["--fail-if", "p99>+20%"]).said(1, &["failed: p99>+20%: a", "failed: p99>+20%: all"]);
    files(&folder, &["--fail-if", "p99>+2000%"]).said(0, &[]);
    files(&folder, &["--fail-if", "b:p99>+20%", "--fail-if", "b:count<+0%"]).said(0, &[]);
    files(&folder, &["--fail-if", "b:5xx>4%"]).said(1, &["failed: b:5xx>4%: b"]);
    files(&folder, &["--fail-if", "b:5xx>5%"]).said(0, &[]);
    files(&folder, &["--fail-if", "count<-50%"]).said(1, &["failed: count<-50%: gone"]);
    files(&folder, &["--fail-if", "new:p99>500ms"]).said(1, &["failed: new:p99>500ms: new"]);
    files(&folder, &["--fail-if", "new:p99>500ms", "--min-count=31"]).said(0, &["1 would have failed"]);
    files(&folder, &["--fail-if", "p98>+1%"]).said(2, &["`p98` is none of"]);
    let back = folder.run(&["diff", "after.log", "before.log", "--log-format", EXACT, "--fail-if", "a:p99>+20%"]);
    back.said(0, &[]);
}

#[test]
fn windows_of_the_store_say_what_their_files_say() {
    let folder = folder();
    index(&folder, &["a.log"]).said(0, &["lines, 0 rejected"]);
    let windows =
        ["diff", "14:05_20111130..14:06:40_20111130", "14:08:20_20111130..14:10:00_20111130", "--format=jsonl"];
    let rows = |out: &str| -> Vec<String> {
        let row = |line: &str| -> String {
            let row: Value = serde_json::from_str(line).unwrap();
            format!(
                "{} {} {} {} {}",
                row["route"], row["count_before"], row["count_after"], row["p95_ms_before"], row["p95_ms_after"]
            )
        };
        out.lines().map(row).collect()
    };
    let stored = ask(&folder, &windows).ended(0);
    assert_eq!(rows(&stored), rows(&files(&folder, &["--format=jsonl"]).ended(0)));
    let mixed = ask(&folder, &["diff", "before.log", windows[2], "--format=jsonl"]).ended(0);
    assert_eq!(rows(&mixed), rows(&stored));
    // A window that no log was read for is no proof.
    ask(&folder, &["diff", windows[1], "2031-01-01..2031-01-02"]).said(3, &[]);
}

/// What a row has of a metric on one side, as the document says it.
fn value_of(row: &Value, metric: &str, side: &str) -> Option<f64> {
    let field = |name: &str| row[format!("{name}_{side}")].as_f64();
    let count = field("count").unwrap();
    match metric {
        "count" => Some(count),
        "rate" => field("per_second"),
        "sum" if count == 0.0 => Some(0.0),
        "sum" => field("sum_ms"),
        "mean" => Some(field("sum_ms")? / count),
        "4xx" | "5xx" => field(&format!("status_{metric}")),
        time => field(&format!("{time}_ms")),
    }
}

/// Whether a condition of these parts is broken, by a plain reading of the documentation; the number is in tenths.
fn is_beyond(row: &Value, metric: &str, sign: char, number: &str) -> bool {
    let (change, rest) = match number.strip_prefix('+') {
        Some(rest) => (1.0, rest),
        None => number.strip_prefix('-').map_or((0.0, number), |rest| (-1.0, rest)),
    };
    let Some(now) = value_of(row, metric, "after") else { return false };
    let of = |side: &str| row[format!("count_{side}")].as_f64().unwrap();
    let then = value_of(row, metric, "before").filter(|_| of("before") > 0.0);
    let digits: f64 = rest.trim_end_matches(['%', 'm', 's']).parse().unwrap();
    let limit = match (rest.ends_with('%'), change == 0.0, then) {
        (true, true, _) => of("after") * digits / 100.0,
        (false, true, _) => digits,
        (_, false, None) => return false,
        (false, false, Some(then)) => then + change * digits,
        (true, false, Some(then)) => {
            let as_many = if metric.ends_with("xx") { of("after") / of("before") } else { 1.0 };
            then * as_many * (1.0 + change * digits / 100.0)
        }
    };
    if sign == '>' { now > limit + 1e-6 } else { now < limit - 1e-6 }
}

#[test]
fn every_metric_in_both_directions_breaks_where_the_numbers_say_so() {
    let folder = folder();
    for (sides, back) in [(["before.log", "after.log"], false), (["after.log", "before.log"], true)] {
        let run = |more: &[&str]| {
            folder.run(&[&["diff"][..], &sides, &["--log-format", EXACT, "--format=json"], more].concat())
        };
        let told: Value = serde_json::from_str(&run(&[]).ended(0)).unwrap();
        let mut rows: Vec<&Value> = told["rows"].as_array().unwrap().iter().collect();
        rows.push(&told["all"]);
        let (mut conditions, mut expected) = (Vec::new(), Vec::new());
        for metric in ["count", "rate", "sum", "mean", "p50", "p95", "p99", "max", "4xx", "5xx"] {
            let is_time = !matches!(metric, "count" | "rate" | "4xx" | "5xx");
            let numbers =
                [0, 1, 4, 40, 50, 90, 100, 200, 1000].map(|n| format!("{n}{}", if is_time { "ms" } else { "" }));
            let changes = [0, 5, 20, 50, 80, 100].map(|n| format!("{n}%"));
            for sign in ['>', '<'] {
                for number in numbers.iter().chain(&changes) {
                    for change in ["", "+", "-"] {
                        let text = format!("{change}{number}");
                        if change.is_empty() && number.ends_with('%') && !metric.ends_with("xx") {
                            continue;
                        }
                        for (at, row) in rows.iter().enumerate() {
                            let name = row["route"].as_str().unwrap();
                            let condition = format!("{name}:{metric}{sign}{text}");
                            if is_beyond(row, metric, sign, &text) {
                                expected.push(format!("{condition}: {name}"));
                            }
                            conditions.push((at, condition));
                        }
                    }
                }
            }
        }
        conditions.sort();
        let asked: Vec<String> = conditions.iter().map(|(_, condition)| format!("--fail-if={condition}")).collect();
        let run = run(&asked.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(run.code, 1, "{back}: {}", run.err);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        let mut failed: Vec<&str> =
            told["failed"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        failed.sort_unstable();
        expected.sort();
        assert_eq!(failed, expected, "{back}");
        assert!(
            failed.len() > 500 && conditions.len() - failed.len() > 500,
            "{} of {}",
            failed.len(),
            conditions.len()
        );
    }
}

#[test]
fn a_gate_that_can_be_held_against_nothing_says_so() {
    let folder = folder();
    files(&folder, &["--fail-if", "nope.*:p99>+20%"]).said(0, &["there is no such row on either side"]);
    for (wrong, said) in [
        ("p99>>20ms", "is none of"),
        ("p99>=+20%", "write > or <"),
        ("5xx>+-1%", "no number"),
        ("count>", "no number"),
        (":count>1", "no row is named"),
        ("count>inf", "no number"),
        ("p99>1e3", "expected a unit"),
    ] {
        files(&folder, &["--fail-if", wrong]).said(2, &[said]);
    }
    // A log without times, and a window without an end, leave the gate shut for what they do not say.
    let untimed = |name: &str, from: u64| {
        let lines =
            (0..30).map(|n| format!("1.2.3.4 [30/Nov/2011:14:{from:02}:{n:02} +0000] \"GET /a HTTP/1.1\" 200\n"));
        folder.write(name, lines.collect::<String>());
    };
    untimed("one.log", 1);
    untimed("two.log", 2);
    let format = "--log-format=$remote_addr [$time_local] \"$request\" $status";
    let gate = |condition: &str| folder.run(&["diff", "one.log", "two.log", format, "--fail-if", condition]);
    gate("p99>+20%").said(3, &["--fail-if p99>+20%: what it is about is not known"]);
    gate("count>+20%").said(0, &[]);
    index(&folder, &["a.log"]).said(0, &["380 lines"]);
    let empty = ["2011-11-29T14:00..2011-11-29T14:10", "2011-11-30T14:00..2011-11-30T14:20"];
    ask(&folder, &[&["diff"][..], &empty, &["--fail-if", "p99>+20%"]].concat())
        .said(3, &["there is no request before to compare with"]);
    ask(&folder, &[&["diff"][..], &empty, &["--fail-if", "p99>9s"]].concat()).said(0, &[]);
}

/// A row whose log says no times is not passed because others say them.
#[test]
fn a_row_whose_number_is_not_known_leaves_no_gate_open() {
    let folder = support::folder!();
    let lines = |path: &str, count: usize, time: &str| -> String {
        (0..count).map(|n| format!("1322661600.{n:03} \"GET /{path} HTTP/1.1\" 200 {time}\n")).collect()
    };
    folder.write("both.log", lines("timed", 30, "0.050") + &lines("untold", 30, "-"));
    folder.write("few.log", lines("timed", 30, "0.050") + &lines("untold", 5, "-"));
    let gate = |log: &str, conditions: &[&str]| {
        let asked: Vec<String> = conditions.iter().map(|condition| format!("--fail-if={condition}")).collect();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let format = "--log-format=$msec \"$request\" $status $request_time";
        folder.run(&[&["diff", log, log, format, "--format=json"], &asked[..]].concat())
    };
    for condition in ["p99>1h", "p99>+20%", "mean>1s", "*:p99>1h"] {
        let run = gate("both.log", &[condition]);
        run.said(3, &[&format!("--fail-if {condition}: what it is about is not known of untold:")]);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(told["complete"], false);
        assert_eq!(told["missing"].as_array().unwrap().len(), 1, "{}", told["missing"]);
    }
    gate("both.log", &["untold:p99>1h"]).said(3, &["what it is about is not known: "]);
    gate("both.log", &["timed:p99>1h", "all:p99>1h", "count>100", "5xx>1%"]).said(0, &[]);
    gate("both.log", &["p99>1ms"]).said(1, &["failed: p99>1ms: timed", "not known of untold"]);
    // Few requests break nothing, whatever they took.
    gate("few.log", &["p99>1h"]).said(0, &[]);
    gate("few.log", &["untold:p99>1h"]).said(3, &["what it is about is not known"]);
}

#[test]
fn where_no_side_has_a_request_nothing_is_new() {
    let folder = folder();
    let run = |form: &str| files(&folder, &["--where=status=418", form]);
    let told: Value = serde_json::from_str(&run("--format=json").ended(1)).unwrap();
    assert_eq!(told["all"]["presence"], "neither");
    let table = run("--format=table").ended(1);
    assert!(!table.contains("new") && !table.contains("gone"), "{table}");
}

/// What filters, windows or names leave out on both sides passes no gate.
#[test]
fn a_gate_that_nothing_came_to_is_not_passed() {
    let folder = folder();
    for (filter, condition) in [
        ("--where=status=418", "p99>+20%"),
        ("--route=nowhere", "count>5"),
        ("--status=418", "5xx>1%"),
        ("--min-time=9h", "all:p99>1s"),
        ("--where=status=418", "nowhere:p99>1s"),
    ] {
        let run = files(&folder, &[filter, "--fail-if", condition, "--format=json"]);
        run.said(3, &["no request on either side"]);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(told["complete"], false);
        files(&folder, &[filter]).ended(1);
    }
    // That there is too little is what this one asks.
    files(&folder, &["--where=status=418", "--fail-if", "all:count<5"]).said(1, &["failed: all:count<5"]);
}
