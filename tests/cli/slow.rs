//! `slow`: classes ranked by the time that their slow requests cost, with real lines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use support::log::{EXACT, NOON, Request, requests, text};
use support::program::Folder;

/// The requests of one route and class of status: time, offset, line.
type Groups<'r> = BTreeMap<(&'r str, u16), Vec<(u64, usize, String)>>;

/// The rows, counted with the plainest code: by route and class of status, the costliest first.
fn classes(requests: &[Request], threshold: u64, samples: usize) -> Vec<Value> {
    let mut offset = 0;
    let mut groups = Groups::new();
    for request in requests {
        let line = request.exact();
        let length = line.len();
        groups.entry((request.route(), request.status / 100)).or_default().push((request.time, offset, line));
        offset += length + 1;
    }
    let mut rows = Vec::new();
    for ((route, class), group) in groups {
        let mut slow: Vec<_> = group.iter().filter(|(time, ..)| *time >= threshold).collect();
        if slow.is_empty() {
            continue;
        }
        slow.sort_by_key(|(time, offset, _)| (std::cmp::Reverse(*time), *offset));
        let total: u64 = slow.iter().map(|(time, ..)| time).sum();
        let p95 = slow[slow.len() - (slow.len() * 95).div_ceil(100)].0;
        let shown = slow.iter().take(samples);
        let (locators, lines): (Vec<_>, Vec<_>) =
            shown.map(|(_, offset, line)| (format!("a.log@{offset}"), line.clone())).unzip();
        rows.push(json!({
            "route": route, "status_class": format!("{class}xx"), "count": group.len(), "total_ms": total,
            "slow": slow.len(), "p95_ms": p95, "max_ms": slow[0].0, "sample_locators": locators, "sample_lines": lines,
        }));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row["total_ms"].as_u64()));
    let all: u64 = rows.iter().map(|row| row["total_ms"].as_u64().unwrap()).sum();
    for (row, rank) in rows.iter_mut().zip(1..) {
        row["rank"] = json!(rank);
        row["share"] = json!((row["total_ms"].as_u64().unwrap() as f64 / all as f64 * 10_000.0).round() / 10_000.0);
    }
    rows
}

fn folder() -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    let requests = requests(2000);
    folder.write("a.log", text(&requests, Request::exact));
    (folder, requests)
}

fn rows(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let out = folder.run(&[&["slow", "a.log", "--log-format", EXACT, "--format=jsonl"], more].concat()).ended(0);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
    assert_eq!(rows(&folder, &["--threshold=250ms", "--samples=3", "--limit=4"]), expected[..4]);
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
    assert_eq!(kept(&["--until=14:06_20111130"]), only(&|request| request.end < NOON + 60_000));
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
fn a_profile_with_samples_for_people() {
    let folder = support::folder!();
    let few = [
        Request::new(NOON, 1500, "/slow"),
        Request::new(NOON + 5, 2500, "/slow"),
        Request::new(NOON + 9, 1000, "/").status(502),
        Request::new(NOON + 9, 10, "/"),
    ];
    folder.write("a.log", text(&few, Request::exact).replace("a.test", "a\u{1b}[31m.test"));
    let out = folder.run(&["slow", "a.log", "--log-format", EXACT]).fine();
    let lines: Vec<String> = few.iter().map(|request| request.exact().replace("a.test", "a\\x1B[31m.test")).collect();
    let second = few[0].exact().replace("a.test", "a\u{1b}[31m.test").len() + 1;
    let third = second * 2;
    let expected = format!(
        "\
#  route   status  count     total   share  slow       p95       max
─────────────────────────────────────────────────────────────────────
1  slow    2xx         2  4,000 ms  80.0 %     2  2,500 ms  2,500 ms
2  [root]  5xx         1  1,000 ms  20.0 %     1  1,000 ms  1,000 ms

#1 slow 2xx: 2 slow of 2
  a.log@{second}
    {}

#2 [root] 5xx: 1 slow of 1
  a.log@{third}
    {}
",
        lines[1], lines[2]
    );
    assert_eq!(out, expected);
}
