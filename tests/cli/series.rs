//! `[[series]]`: the same requests by other fields, beside their routes, each attempt at an upstream by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use support::program::{Folder, Run};

const FORMAT: &str = "$msec $host $status $request_time \"$request\" \"$upstream_addr\" \"$upstream_status\" \"$upstream_response_time\" $body_bytes_sent";

const SERIES: &str =
    "[[series]]\nname = \"upstream.{upstream_addr}.{route}\"\n[[series]]\nname = \"vhost.{host}.{status_class}\"\n";

/// Milliseconds of an attempt, if the log says them; its status, and its bytes.
type Attempt = (Option<u64>, u16, u64);

/// A log of three upstreams and forty routes, and what an own count makes of it.
struct Upstreams {
    log: String,
    /// By member.
    attempts: BTreeMap<String, Vec<Attempt>>,
    /// By member and line, how long the longest of its attempts took.
    lines: BTreeMap<String, BTreeMap<String, u64>>,
    vhosts: BTreeMap<String, u64>,
}

fn upstreams(count: u64) -> Upstreams {
    let mut made =
        Upstreams { log: String::new(), attempts: BTreeMap::new(), lines: BTreeMap::new(), vhosts: BTreeMap::new() };
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for number in 0..count {
        let route = format!("r{}", random(40));
        let host = ["a.example.org", "B.example.org"][usize::try_from(random(2)).unwrap()];
        let tried = [0, 1, 1, 1, 2, 3][usize::try_from(random(6)).unwrap()];
        let mut texts = [String::new(), String::new(), String::new()];
        let (mut outcomes, mut status, mut together) = (Vec::new(), 200, 0);
        for attempt in 0..tried {
            let server = random(3) + 1;
            status = if attempt + 1 == tried { [200, 200, 404, 500][usize::try_from(random(4)).unwrap()] } else { 502 };
            let took = (random(12) > 0).then(|| random(1800));
            together += took.unwrap_or(0);
            let separator = if attempt == 0 { "" } else { [", ", " : "][usize::try_from(random(2)).unwrap()] };
            let time = took.map_or("-".to_owned(), |took| format!("{}.{:03}", took / 1000, took % 1000));
            for (text, value) in texts.iter_mut().zip([format!("10.0.0.{server}:80"), status.to_string(), time]) {
                let other = if separator == " : " { " : " } else { ", " };
                write!(text, "{}{value}", if attempt == 0 { "" } else { other }).unwrap();
            }
            outcomes.push((format!("upstream.10_2E0_2E0_2E{server}_3A80.{route}"), took, status));
        }
        let bytes = random(9999);
        let end = 1_322_661_900_000 + number * 47;
        let [addresses, statuses, times] = texts.map(|text| if text.is_empty() { "-".to_owned() } else { text });
        let line = format!(
            "{}.{:03} {host} {status} {}.{:03} \"GET /{route}/x HTTP/1.1\" \"{addresses}\" \"{statuses}\" \"{times}\" {bytes}",
            end / 1000,
            end % 1000,
            together / 1000,
            together % 1000
        );
        let last = outcomes.len();
        for (at, (member, took, status)) in outcomes.into_iter().enumerate() {
            let bytes = if at + 1 == last { bytes } else { 0 };
            let longest = made.lines.entry(member.clone()).or_default().entry(line.clone()).or_default();
            *longest = took.unwrap_or(0).max(*longest);
            made.attempts.entry(member).or_default().push((took, status, bytes));
        }
        *made
            .vhosts
            .entry(format!("vhost.{}.{}xx", host.to_lowercase().replace('.', "_2E"), status / 100))
            .or_default() += 1;
        made.log.push_str(&line);
        made.log.push('\n');
    }
    made
}

fn folder_of(series: &str, more: &str) -> Folder {
    let folder = support::folder!();
    let path = |name: &str| folder.path(name).display().to_string();
    let (store, log) = (path("store"), path("a.log"));
    let config = format!(
        "store = '{store}'\nhost = \"web1\"\n{more}\n[[log]]\npath = '{log}'\nformat = '{FORMAT}'\n\
         [[route]]\nname = \"{{r}}\"\npath = \"/{{r}}/*\"\n{series}"
    );
    folder.write("c.toml", config);
    folder
}

fn ask(folder: &Folder, arguments: &[&str]) -> Run {
    folder.run(&[arguments, &["--config=c.toml"]].concat())
}

/// The rows of a report as csv, by route: each column by its name.
fn rows(out: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = out.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut rows = BTreeMap::new();
    for line in lines {
        let row: BTreeMap<String, String> =
            names.iter().zip(line.split(',')).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
        rows.insert(row["route"].clone(), row);
    }
    rows
}

#[test]
fn upstreams_by_route_are_those_of_an_own_count() {
    let folder = folder_of(SERIES, "");
    let made = upstreams(6000);
    folder.write("a.log", &made.log);
    ask(&folder, &["index", "a.log"]).said(0, &["6,000 lines"]);
    let told = rows(&ask(&folder, &["report", "--format=csv", "--route=upstream.*"]).ended(0));
    assert_eq!(told.keys().collect::<Vec<_>>(), made.attempts.keys().collect::<Vec<_>>());
    assert_eq!(told.len(), 120);
    for (member, attempts) in &made.attempts {
        let row = &told[member];
        let times: Vec<u64> = attempts.iter().filter_map(|(took, ..)| *took).collect();
        let class = |class: u16| attempts.iter().filter(|(_, status, _)| status / 100 == class).count().to_string();
        let expected = [
            ("count", attempts.len().to_string()),
            ("sum_ms", times.iter().sum::<u64>().to_string()),
            ("max_ms", times.iter().max().unwrap().to_string()),
            ("slow", times.iter().filter(|took| **took >= 1000).count().to_string()),
            ("status_2xx", class(2)),
            ("status_4xx", class(4)),
            ("status_5xx", class(5)),
            ("bytes", attempts.iter().map(|(.., bytes)| *bytes).sum::<u64>().to_string()),
        ];
        for (column, value) in expected {
            assert_eq!(row[column], value, "{member} {column}");
        }
    }
    let vhosts = rows(&ask(&folder, &["report", "--format=csv", "--route=vhost.*"]).ended(0));
    let counts: BTreeMap<String, u64> =
        vhosts.iter().map(|(name, row)| (name.clone(), row["count"].parse().unwrap())).collect();
    assert_eq!(counts, made.vhosts);
    ask(&folder, &["verify"]).said(0, &["compared with 6,000 lines"]);
}

#[test]
fn lines_and_slow_find_the_attempts_of_a_member_and_print_a_line_once() {
    let folder = folder_of(SERIES, "archive = true");
    let made = upstreams(2500);
    folder.write("a.log", &made.log);
    ask(&folder, &["index", "a.log"]).said(0, &["2,500 lines"]);
    for (member, lines) in made.lines.iter().step_by(11) {
        let expected: BTreeSet<&str> =
            lines.iter().filter(|(_, took)| **took >= 1000).map(|(line, _)| line.as_str()).collect();
        for more in [&[][..], &["--all"]] {
            let asked = [&["lines", "--route", member, "--min-time=1s"][..], more].concat();
            let out = ask(&folder, &asked).out;
            let found: Vec<&str> = out.lines().collect();
            assert_eq!(
                (found.len(), found.into_iter().collect::<BTreeSet<_>>()),
                (expected.len(), expected.clone()),
                "{asked:?}"
            );
        }
        let below = lines.iter().filter(|(_, took)| **took >= 300).count();
        let out = ask(&folder, &["lines", "--route", member, "--min-time=300ms"]).ended(0);
        assert!(out.lines().count() >= below.min(1), "{member}");
    }
    // Of several members, and by any of them, a line is printed once.
    let all: BTreeSet<&str> =
        made.lines.values().flatten().filter(|(_, took)| **took >= 1000).map(|(line, _)| line.as_str()).collect();
    let out = ask(&folder, &["lines", "--route=upstream.*", "--min-time=1s"]).ended(0);
    assert_eq!(out.lines().collect::<Vec<_>>().len(), all.len());
    assert_eq!(out.lines().collect::<BTreeSet<_>>(), all);
    // The metric that carbon has of it, pasted.
    let (member, lines) = made.lines.iter().next().unwrap();
    let metric = format!("nginx.web1.{member}.upstream_response_time.p99");
    let out = ask(&folder, &["lines", &metric, "--min-time=1s"]).ended(0);
    let slow: BTreeSet<&str> = lines.iter().filter(|(_, took)| **took >= 1000).map(|(line, _)| line.as_str()).collect();
    assert_eq!(out.lines().collect::<BTreeSet<_>>(), slow);
    let slow = ask(&folder, &["slow", "--route", member, "--format=jsonl"]).ended(0);
    assert!(slow.lines().all(|row| row.contains(member.as_str())) && slow.lines().count() > 1, "{slow}");
    // The log gone, what is archived of a member is still there.
    std::fs::remove_file(folder.path("a.log")).unwrap();
    let run = ask(&folder, &["lines", "--route", member, "--min-time=1s"]);
    assert_eq!(
        run.out.lines().collect::<BTreeSet<_>>().len(),
        lines.values().filter(|took| **took >= 1000).count(),
        "{}",
        run.err
    );
}

#[test]
fn all_counts_requests_once_and_a_star_means_routes() {
    let (with, without) = (folder_of(SERIES, ""), folder_of("", ""));
    let made = upstreams(1500);
    for folder in [&with, &without] {
        folder.write("a.log", &made.log);
        ask(folder, &["index", "a.log"]).said(0, &["1,500 lines"]);
    }
    for asked in [
        &["report"][..],
        &["report", "--route=*"],
        &["report", "--by=status"],
        &["report", "--format=json"],
        &["lines", "--min-time=1s"],
        &["lines", "--all", "--limit=40"],
        &["slow"],
        &["why", "--from=14:05:30_20111130", "--until=14:05:40_20111130"],
        &["status", "--format=json"],
    ] {
        let (one, other) = (ask(&with, asked), ask(&without, asked));
        let (one, other) = (
            one.out.replace(&with.path("").display().to_string(), ""),
            other.out.replace(&without.path("").display().to_string(), ""),
        );
        if asked[0] == "status" {
            let routes = |out: &str| serde_json::from_str::<serde_json::Value>(out).unwrap()["routes"].clone();
            assert_eq!(routes(&one), routes(&other));
        } else {
            assert_eq!(one, other, "{asked:?}");
        }
    }
    let series = ask(&with, &["report", "--route=upstream.*"]).ended(0);
    assert!(!series.lines().any(|line| line.starts_with("all ")), "{series}");
    let listed = ask(&with, &["routes", "--format=jsonl"]).ended(0);
    let kinds = |kind: &str| listed.lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count();
    assert_eq!((kinds("route"), kinds("series")), (40, 120 + made.vhosts.len()));
    ask(&with, &["report", "--route=upstream.*", "--by=upstream_addr"]).said(2, &["counts each attempt by itself"]);
    ask(&with, &["slow", "--route=upstream.*", "--by=upstream_addr"]).said(2, &["counts each attempt by itself"]);
    for command in [&["top", "--once"][..], &["why", "--from=-1h"], &["diff", "-1h..now", "-2h..-1h"]] {
        ask(&with, &[command, &["--route=upstream.*"]].concat()).said(2, &["members of a [[series]]"]);
    }
}

/// Windows that were counted before a series was configured are answered from the lines; edges of slots too.
#[test]
fn a_series_that_came_later_and_edges_of_slots_are_counted_from_the_lines() {
    let (late, soon) = (folder_of("", ""), folder_of(SERIES, ""));
    let made = upstreams(1500);
    for folder in [&late, &soon] {
        folder.write("a.log", &made.log);
        ask(folder, &["index", "a.log"]).said(0, &["1,500 lines"]);
    }
    let config = std::fs::read_to_string(late.path("c.toml")).unwrap();
    late.write("c.toml", config + SERIES);
    let edges = ["--from=14:05:03_20111130", "--until=14:05:27_20111130"];
    let mut answers = Vec::new();
    for more in [&[][..], &edges] {
        let asked = [&["report", "--format=csv", "--route=upstream.*"][..], more].concat();
        let (one, other) = (ask(&late, &asked), ask(&soon, &asked));
        assert_eq!(one.code, 0, "{}", one.err);
        assert_eq!(rows(&one.out), rows(&other.out), "{asked:?}");
        answers.push(one.out);
    }
    assert_ne!(answers[0], answers[1]);
    ask(&late, &["verify"]).said(3, &["counted by other"]);
    // Without the series in the configuration what was counted is still there, and slots are not cut.
    let config = std::fs::read_to_string(soon.path("c.toml")).unwrap();
    soon.write("c.toml", config.replace(SERIES, ""));
    let whole = rows(&ask(&soon, &["report", "--format=csv", "--route=upstream.*"]).ended(0));
    assert_eq!(whole.len(), made.attempts.len());
    ask(&soon, &[&["report", "--route=upstream.*"][..], &edges].concat())
        .said(3, &["what the window cuts off its slots cannot be counted"]);
}

#[test]
fn members_have_a_cap_of_their_own_and_routes_give_way_to_them() {
    let folder = folder_of("[[series]]\nname = \"client.{remote}\"\n", "routes_max = 20");
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    let format = "$msec $remote $status $request_time \"$request\"";
    folder.write("c.toml", config.replace(FORMAT, format).replace("name = \"{r}\"", "name = \"{r}.x\""));
    let mut log = String::new();
    for number in 0..300 {
        let second = 1_322_661_900 + number / 10;
        writeln!(log, "{second}.000 c{number} 200 0.010 \"GET /client/c1 HTTP/1.1\"").unwrap();
    }
    folder.write("a.log", log);
    ask(&folder, &["index", "a.log"]).said(0, &["300 lines"]);
    let members = rows(&ask(&folder, &["report", "--format=csv", "--route=client.*"]).ended(0));
    let counts: u64 = members.values().map(|row| row["count"].parse::<u64>().unwrap()).sum();
    assert_eq!(counts, 300, "{members:#?}");
    assert!(members["client.other"]["count"].parse::<u64>().unwrap() > 200 && members.len() <= 21, "{members:#?}");
    // The route of /client/c1 is not one of them.
    let routes = rows(&ask(&folder, &["report", "--format=csv"]).ended(0));
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["client_.x"]);
    ask(&folder, &["verify"]).said(0, &["300 lines"]);
}

#[test]
fn what_is_wrong_with_a_series_is_said_at_its_place() {
    for (name, what) in
        [("{host}", "does not begin with a node of its own"), ("a.{", "is not closed"), ("a/b", "no name of a metric")]
    {
        let folder = folder_of(&format!("[[series]]\nname = \"{name}\"\n"), "");
        folder.write("a.log", "");
        ask(&folder, &["check"]).said(2, &[what, "c.toml:"]);
    }
    let folder = folder_of("[[series]]\nname = \"a.{host}\"\n[[series]]\nname = \"a.{status}\"\n", "");
    ask(&folder, &["check"]).said(2, &["may give members the same name"]);
    let folder = folder_of("[[series]]\nname = \"cache.{upstream_cache_status}\"\n", "");
    folder.write("a.log", upstreams(50).log);
    let run = ask(&folder, &["check"]);
    assert!(
        run.out.contains("$upstream_cache_status") || run.err.contains("$upstream_cache_status"),
        "{} {}",
        run.out,
        run.err
    );
}
