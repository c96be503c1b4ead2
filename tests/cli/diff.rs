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
