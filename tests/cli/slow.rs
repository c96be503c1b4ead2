//! `slow`: a profile of classes, each number that of a plain count, with real lines.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use support::log::{EXACT, NOON, Request, requests, text};
use support::program::Folder;

/// The requests of one class: time, end, offset, line.
type Groups = BTreeMap<(String, String), Vec<(u64, i64, usize, Request)>>;

/// Classes as the program shows them, counted with the plainest code: by route and status, the costliest first.
fn classes(requests: &[Request], threshold: u64, samples: usize) -> Vec<Value> {
    let mut offset = 0;
    let mut groups = Groups::new();
    for request in requests {
        let length = request.exact().len();
        let key = (request.route().to_owned(), request.status.to_string());
        groups.entry(key).or_default().push((request.time, request.end, offset, request.clone()));
        offset += length + 1;
    }
    let all: u64 = requests.iter().map(|request| request.time).sum();
    let mut rows = Vec::new();
    for ((route, status), mut group) in groups {
        group.sort_by_key(|(time, end, offset, _)| (Reverse(*time), *end, *offset));
        let times: Vec<u64> = group.iter().map(|(time, ..)| *time).collect();
        let slow: Vec<u64> = times.iter().copied().filter(|time| *time >= threshold).collect();
        if slow.is_empty() {
            continue;
        }
        let quantile = |per_cent: usize| times[times.len() - (times.len() * per_cent).div_ceil(100)];
        let (count, total) = (times.len() as f64, times.iter().sum::<u64>());
        let squares: u64 = times.iter().map(|time| time * time).sum();
        let mean = total as f64 / count;
        let spread = (squares as f64 / count - mean * mean) / mean;
        let shown: Vec<_> = group.iter().take(slow.len().min(samples)).collect();
        rows.push(json!({
            "route": route, "status": status, "count": times.len(), "total_ms": total,
            "share": (total as f64 / all as f64 * 10_000.0).round() / 10_000.0,
            "p50_ms": quantile(50), "p95_ms": quantile(95), "p99_ms": quantile(99), "max_ms": times[0],
            "variance_to_mean_ms": (spread * 1000.0).round() / 1000.0,
            "slow": slow.len(), "slow_ms": slow.iter().sum::<u64>(), "unwaited": false,
            "sample_ms": shown.iter().map(|(time, ..)| *time).collect::<Vec<_>>(),
            "sample_locators": shown.iter().map(|(_, _, offset, _)| format!("a.log@{offset}")).collect::<Vec<_>>(),
            "sample_lines": shown.iter().map(|(.., request)| request.exact()).collect::<Vec<_>>(),
        }));
    }
    rows.sort_by_key(|row| Reverse(row["total_ms"].as_u64()));
    for (row, rank) in rows.iter_mut().zip(1..) {
        row["rank"] = json!(rank);
    }
    rows
}

fn folder() -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    let requests = requests(2000);
    folder.write("a.log", text(&requests, Request::exact));
    (folder, requests)
}

fn whole_rows(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let out = folder
        .run(&[&["slow", "a.log", "--log-format", EXACT, "--format=jsonl", "--limit=99"], more].concat())
        .ended(0);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows without what [`classes`] does not count.
fn rows(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let mut rows = whole_rows(folder, more);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.retain(|name, _| !["over_", "top_", "typical_"].iter().any(|front| name.starts_with(front)));
    }
    rows
}

#[test]
fn every_number_is_that_of_a_plain_count() {
    let (folder, requests) = folder();
    assert!(classes(&requests, 1000, 1).len() > 2);
    assert_eq!(rows(&folder, &[]), classes(&requests, 1000, 1));
    let expected = classes(&requests, 250, 3);
    assert!(expected.len() > 10);
    assert_eq!(rows(&folder, &["--threshold=250ms", "--samples=3"]), expected);
    let all = expected.len();
    let cut = folder.run(&["slow", "a.log", "--log-format", EXACT, "--threshold=250ms", "--limit=4"]);
    cut.said(0, &[&format!("the costliest 4 of {all} classes (--limit)\n")]);
    // The shares are still those of the whole.
    let cut = folder.run(&["slow", "a.log", "--log-format", EXACT, "--threshold=250ms", "--limit=4", "--format=jsonl"]);
    let cut = cut.ended(0);
    let shares = cut.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["share"].clone());
    assert_eq!(shares.collect::<Vec<_>>(), expected[..4].iter().map(|row| row["share"].clone()).collect::<Vec<_>>());
    // However many threads count.
    for threads in ["--threads=1", "--threads=7"] {
        assert_eq!(whole_rows(&folder, &[threads]), whole_rows(&folder, &[]));
    }
}

#[test]
fn only_some_requests() {
    let (folder, requests) = folder();
    let only = |keep: &dyn Fn(&Request) -> bool| {
        let rows =
            rows_without_places(classes(&requests.iter().filter(|r| keep(r)).cloned().collect::<Vec<_>>(), 1000, 1));
        assert!(!rows.is_empty());
        rows
    };
    let kept = |arguments: &[&str]| rows_without_places(rows(&folder, arguments));
    assert_eq!(kept(&["--status=5xx"]), only(&|request| request.status >= 500));
    assert_eq!(kept(&["--route=sl*"]), only(&|request| request.route() == "slow"));
    assert_eq!(kept(&["--route=!users.*"]), only(&|request| request.route() != "users.__id"));
    assert_eq!(kept(&["--until=14:06_20111130"]), only(&|request| request.end < NOON + 60_000));
    assert_eq!(kept(&["--min-time=900ms"]), only(&|request| request.time >= 900));
    folder.run(&["slow", "a.log", "--log-format", EXACT, "--threshold=1h"]).said(1, &[]);
}

/// The places of lines differ when the log is a part of itself.
fn rows_without_places(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("sample_locators");
    }
    rows
}

#[test]
fn the_configured_threshold_holds_unless_another_is_asked_for() {
    let (folder, requests) = folder();
    folder.write("c.toml", "[slow]\nthreshold = \"250ms\"\n");
    assert_eq!(rows(&folder, &["--config=c.toml"]), classes(&requests, 250, 1));
    assert_eq!(rows(&folder, &["--config=c.toml", "--threshold=1s"]), classes(&requests, 1000, 1));
}

#[test]
fn a_class_has_its_course_clients_and_targets() {
    let (folder, requests) = folder();
    let window = ["--from=14:05_20111130", "--until=14:06_20111130", "--tz=UTC"];
    let inside: Vec<&Request> =
        requests.iter().filter(|request| (NOON..NOON + 60_000).contains(&request.end)).collect();
    for row in whole_rows(&folder, &window) {
        let own = || {
            inside
                .iter()
                .filter(|request| row["route"] == request.route() && row["status"] == *request.status.to_string())
        };
        assert_eq!((&row["over_time_step_ms"], row["over_time_from"].as_f64()), (&json!(1000), Some(1_322_661_900.0)));
        let mut course = vec![0; 60];
        let mut targets: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for request in own() {
            course[usize::try_from((request.end - NOON) / 1000).unwrap()] += request.time;
            let target = targets.entry(&request.target).or_default();
            *target = (target.0 + 1, target.1 + request.time);
        }
        assert_eq!(row["over_time_ms"], json!(course), "{row}");
        let mut ranked: Vec<_> = targets.into_iter().collect();
        ranked.sort_by_key(|(target, (count, time))| (Reverse(*time), Reverse(*count), *target));
        ranked.truncate(3);
        assert_eq!(row["top_targets"], json!(ranked.iter().map(|(target, _)| target).collect::<Vec<_>>()));
        assert_eq!(row["top_targets_count"], json!(ranked.iter().map(|(_, (count, _))| count).collect::<Vec<_>>()));
        assert_eq!(row["top_targets_ms"], json!(ranked.iter().map(|(_, (_, time))| time).collect::<Vec<_>>()));
        // The format has no $remote_addr.
        assert_eq!((&row["top_clients"], &row["top_partial"]), (&json!([]), &json!(false)));
        // A real line of the class, near its p95.
        let (typical, p95) = (row["typical_ms"].as_u64().unwrap(), row["p95_ms"].as_u64().unwrap());
        assert!(typical.abs_diff(p95) <= p95 / 8, "{typical} {p95}");
        assert!(own().any(|request| request.time == typical && row["typical_line"] == request.exact()));
        assert_eq!(row["typical_near"], "p95");
    }
}

#[test]
fn what_nobody_waited_for_is_a_class_of_its_own() {
    let folder = support::folder!();
    let format = "$msec $request_time $status $remote_addr \"$request\" \"$upstream_addr\" \"$http_user_agent\"";
    let line = |time: u64, status: u16, path: &str, upstream: &str, agent: &str| {
        format!("1322661901.000 {time}.000 {status} 192.0.2.7 \"GET {path} HTTP/1.1\" \"{upstream}\" \"{agent}\"\n")
    };
    let lines = [
        line(60, 408, "/a", "-", "curl/8.0"),
        line(50, 499, "/b", "-", "curl/8.0"),
        // An upstream sent it, or was asked.
        line(2, 408, "/a", "10.0.0.1:80", "Wget/1.0"),
        line(3, 499, "/b", "10.0.0.1:80", "curl/8.0"),
        line(0, 200, "/b", "10.0.0.1:80", "curl/8.0"),
    ];
    folder.write("a.log", lines.concat());
    let ask = |more: &[&str]| {
        let out = folder.run(&[&["slow", "a.log", "--log-format", format, "--format=jsonl"], more].concat()).ended(0);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let rows = ask(&["--limit=2"]);
    let told = |row: &Value| {
        format!("{} {} {} {} {}", row["route"], row["status"], row["total_ms"], row["share"], row["unwaited"])
    };
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        ["\"b\" \"499\" 3000 0.6 false", "\"a\" \"408\" 2000 0.4 false", "\"unwaited\" \"unwaited\" 110000 null true",]
    );
    assert_eq!((&rows[2]["top_clients"], &rows[2]["top_clients_count"]), (&json!(["192.0.2.7"]), &json!([2])));
    // By another field: the families of the agents that waited.
    let rows = ask(&["--by=agent_family,status_class", "--sort=max"]);
    let told = |row: &Value| format!("{} {} {}", row["agent_family"], row["status_class"], row["count"]);
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        ["\"curl\" \"4xx\" 1", "\"Wget\" \"4xx\" 1", "\"unwaited\" \"unwaited\" 2",]
    );
    let text = folder.run(&["slow", "a.log", "--log-format", format]).fine();
    assert!(text.contains("(nobody waited)  408 499      2"), "{text}");
    folder
        .run(&["slow", "a.log", "--log-format", format, "--by=http_x"])
        .said(2, &["--by http_x: the log has no $http_x"]);
}

#[test]
fn a_profile_with_samples_for_people() {
    let folder = support::folder!();
    let few = [
        Request::new(NOON, 1500, "/slow"),
        Request::new(NOON + 5000, 2500, "/slow"),
        Request::new(NOON + 9000, 1000, "/").status(502),
        Request::new(NOON + 9000, 10, "/"),
    ];
    folder.write("a.log", text(&few, Request::exact).replace("a.test", "a\u{1b}[31m.test"));
    let out = folder.run(&["slow", "a.log", "--log-format", EXACT]).fine();
    let lines: Vec<String> = few.iter().map(|request| request.exact().replace("a.test", "a\\x1B[31m.test")).collect();
    let second = few[0].exact().replace("a.test", "a\u{1b}[31m.test").len() + 1;
    let third = second * 2;
    let expected = format!(
        "\
#  route   status  count     total   share       p50       p95       p99       max     V/M  slow
─────────────────────────────────────────────────────────────────────────────────────────────────
1  slow    200         2  4,000 ms  79.8 %  1,500 ms  2,500 ms  2,500 ms  2,500 ms  125 ms     2
2  [root]  502         1  1,000 ms  20.0 %  1,000 ms  1,000 ms  1,000 ms  1,000 ms    0 ms     1
1 more class without a slow request: 10 ms, 0.2 % of all time

#1 slow 200: 2 slow of 2, which took 4,000 ms
  time     ▅····█····
           from 2011-11-30T14:05:00.000Z, 1,000 ms a column, 2,500 ms at most
  targets   100.0 %        2  /slow
  worst    2,500 ms  a.log@{second}
    {}

#2 [root] 502: 1 slow of 1, which took 1,000 ms
  time     ·········█
           from 2011-11-30T14:05:00.000Z, 1,000 ms a column, 1,000 ms at most
  targets   100.0 %        1  /
  worst    1,000 ms  a.log@{third}
    {}
",
        lines[1], lines[2]
    );
    assert_eq!(out, expected);
}

#[test]
fn the_profile_is_the_same_with_any_number_of_threads_over_files_and_over_the_store() {
    // Several blocks, in two logs, one of them packed.
    let (folder, requests) = crate::index::folder(16_000, "");
    folder.gz("a.log.1.gz", text(&requests[..9_000], Request::exact));
    folder.write("a.log", text(&requests[9_000..], Request::exact));
    crate::index::index(&folder, &["a.log*"]).said(0, &["16,000 lines"]);
    let mut answers: Vec<Value> = Vec::new();
    for source in [&[][..], &["a.log.1.gz", "a.log"]] {
        for threads in ["--threads=1", "--threads=2", "--threads=7"] {
            let asked = ["slow", "--format=json", "--samples=3", "--limit=999", "--by=path,status", threads];
            let out = crate::index::ask(&folder, &[&asked[..], source].concat()).ended(0);
            let mut answer: Value = serde_json::from_str(&out).unwrap();
            for row in answer["rows"].as_array_mut().unwrap() {
                // A log is called otherwise there.
                let row = row.as_object_mut().unwrap();
                row.remove("sample_locators");
                row.remove("typical_locator");
            }
            answers.push(answer);
        }
    }
    assert!(answers[0]["rows"].as_array().unwrap().len() > 5, "{}", answers[0]);
    for answer in &answers[1..] {
        assert_eq!(answer, &answers[0]);
    }
}
