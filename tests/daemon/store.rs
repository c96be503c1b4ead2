//! What the store answers about a window is what the lines themselves say.

use serde_json::Value;

use crate::rig::Rig;
use support::log::{EXACT, NOON, Request, csv, requests, rows, text};

/// Windows as arguments, and their edges after [`NOON`] in milliseconds.
const WINDOWS: [([&str; 2], i64, i64); 3] = [
    (["--from=2011-11-30T14:05:20Z", "--until=2011-11-30T14:05:40Z"], 20_000, 40_000),
    (["--from=2011-11-30T14:05:20.123Z", "--until=2011-11-30T14:05:20.456Z"], 20_123, 20_456),
    (["--from=2011-11-30T14:00:00Z", "--until=2011-11-30T15:00:00Z"], -300_000, 3_300_000),
];

/// Requests over four minutes, some in flight for longer than a slot, one for longer than a window. The last lines, in
/// the log's second block of 256 KiB, started long before the first of that block.
fn traffic() -> Vec<Request> {
    let mut requests = requests(4000);
    for (end, time) in [(60_000, 59_000), (20_000, 100), (20_001, 100), (40_000, 30_000), (20_455, 0), (40_600, 1100)] {
        requests.push(Request::new(NOON + end, time, "/slow"));
    }
    requests
}

/// The lines that the index keeps: slow ones, 5xx, and the five slowest of each route and slot.
fn kept(requests: &[Request]) -> Vec<(usize, &Request)> {
    let all: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    let among_slowest = |at: usize, request: &Request| {
        let before = all.iter().filter(|(other_at, other)| {
            other.route() == request.route()
                && other.end.div_euclid(10_000) == request.end.div_euclid(10_000)
                && (std::cmp::Reverse(other.time), other.end, *other_at)
                    < (std::cmp::Reverse(request.time), request.end, at)
        });
        before.count() < 5
    };
    let kept = |(at, request): &(usize, &Request)| {
        request.time >= 1000 || request.status >= 500 || among_slowest(*at, request)
    };
    all.iter().copied().filter(kept).collect()
}

fn in_order(mut lines: Vec<(usize, &Request)>) -> String {
    lines.sort_by_key(|(at, request)| (request.end, *at));
    lines.into_iter().map(|(_, request)| request.exact() + "\n").collect()
}

#[test]
fn lines_are_the_window_s_own_byte_for_byte() {
    let rig = Rig::new("", "");
    let requests = traffic();
    rig.log(&requests[..1000]);
    let daemon = rig.start();
    rig.log(&requests[1000..]);
    rig.until_counted(requests.len());
    assert!(std::fs::metadata(rig.folder.path("a.log")).unwrap().len() > 300_000);

    let all: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    let kept = kept(&requests);
    assert!(kept.len() < all.len() / 2);
    for (window, from, until) in WINDOWS {
        let (from, until) = (NOON + from, NOON + until);
        let overlap = |(_, request): &(usize, &Request)| request.end >= from && request.start() < until;
        let end = |(_, request): &(usize, &Request)| (from..until).contains(&request.end);
        let slow = |(_, request): &(usize, &Request)| request.route() == "slow";
        let check = |arguments: &[&str], expected: Vec<(usize, &Request)>| {
            let out = rig.ask(&[&["lines"], &window[..], arguments].concat());
            assert!(!expected.is_empty());
            assert_eq!(out.out, in_order(expected), "{window:?} {arguments:?}: {}", out.err);
            assert_eq!(out.code, 0, "{}", out.err);
        };
        let of = |lines: &[(usize, &'_ Request)], keep: &dyn Fn(&(usize, &Request)) -> bool| -> Vec<usize> {
            lines.iter().filter(|line| keep(line)).map(|(at, _)| *at).collect()
        };
        let requests_of = |at: Vec<usize>| at.into_iter().map(|at| (at, &requests[at])).collect();
        check(&[], requests_of(of(&kept, &overlap)));
        check(&["--by=end"], requests_of(of(&kept, &end)));
        check(&["--route=slow"], requests_of(of(&kept, &|line| overlap(line) && slow(line))));
        check(&["--all"], requests_of(of(&all, &overlap)));
        check(&["--all", "--by=end"], requests_of(of(&all, &end)));
        check(&["--all", "--route=slow"], requests_of(of(&all, &|line| overlap(line) && slow(line))));
    }
    // The same from the file itself.
    let of_store = rig.ask(&[&["lines", "--all"], &WINDOWS[0].0[..]].concat()).out;
    let of_file = rig.folder.run(&[&["lines", "a.log", "--log-format", EXACT], &WINDOWS[0].0[..]].concat()).out;
    assert_eq!(of_store, of_file);
    assert!(daemon.stop().success());
    assert_eq!(rig.ask(&[&["lines", "--all"], &WINDOWS[0].0[..]].concat()).out, of_store, "no daemon is needed");
}

#[test]
fn a_report_of_whole_slots_is_that_of_the_lines() {
    let rig = Rig::new("", "");
    let requests = requests(3000);
    rig.log(&requests);
    let _daemon = rig.start();
    rig.until_counted(requests.len());
    let by_route = |request: &Request| request.route().to_owned();
    assert_eq!(rig.ask(&["report", "--format=csv"]).ended(0), csv("route", &rows(&requests, by_route)));
    let (from, until) = (NOON + 20_000, NOON + 40_000);
    let inside = requests.iter().filter(|request| (from..until).contains(&request.end));
    let run = rig.ask(&["report", "--format=csv", WINDOWS[0].0[0], WINDOWS[0].0[1]]);
    run.said(0, &["window 2011-11-30T14:05:20.000Z .. 2011-11-30T14:05:40.000Z", "whole slots of 10 s"]);
    assert_eq!(run.out, csv("route", &rows(inside, by_route)));

    let run = rig.ask(&["report", "--format=csv", "--route=sl*", "--sort=max"]);
    let slow = requests.iter().filter(|request| request.route() == "slow");
    assert_eq!(run.ended(0), csv("route", &rows(slow, by_route)));
    rig.ask(&["report", "--from=2012-01-01", "--until=2012-01-02"]).said(1, &[]);
    // What no histogram says is read from the lines.
    let by_status = |request: &Request| request.status.to_string();
    let run = rig.ask(&["report", "--by=status", "--format=csv"]);
    assert_eq!(run.ended(0), csv("status", &rows(&requests, by_status)));
    let errors = requests.iter().filter(|request| request.status >= 500);
    assert_eq!(rig.ask(&["report", "--status=5xx", "--format=csv"]).ended(0), csv("route", &rows(errors, by_route)));
}

#[test]
fn the_slow_ones_of_the_store_have_their_lines() {
    let rig = Rig::new("", "");
    let requests = requests(1000);
    rig.log(&requests);
    let _daemon = rig.start();
    rig.until_counted(requests.len());
    let out = rig.ask(&["slow", "--format=jsonl", "--samples=2"]).ended(0);
    let classes: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for class in &classes {
        let of_class =
            |request: &&Request| class["status"] == *request.status.to_string() && class["route"] == request.route();
        let all: Vec<&Request> = requests.iter().filter(of_class).collect();
        assert_eq!(class["count"], all.len());
        assert_eq!(class["total_ms"], all.iter().map(|request| request.time).sum::<u64>());
        let mut own: Vec<&Request> = all.into_iter().filter(|request| request.time >= 1000).collect();
        own.sort_by_key(|request| std::cmp::Reverse(request.time));
        assert_eq!(class["slow"], own.len());
        assert_eq!(class["slow_ms"], own.iter().map(|request| request.time).sum::<u64>());
        assert_eq!(class["max_ms"], own[0].time);
        assert_eq!(class["sample_lines"][0], own[0].exact());
    }
    let slow = requests.iter().filter(|request| request.time >= 1000).count() as u64;
    assert_eq!(classes.iter().map(|class| class["slow"].as_u64().unwrap()).sum::<u64>(), slow);
}

#[test]
fn fault_33_a_second_daemon_is_refused_and_the_first_goes_on() {
    let rig = Rig::new("", "");
    let mut daemon = rig.start();
    daemon.until_said("spikeline");
    rig.log(&requests(10));
    rig.until_counted(10);
    let second = rig.folder.run(&["run", "--config=c.toml"]);
    second.said(2, &["another spikeline (pid ", "help: stop it first"]);
    assert!(daemon.runs());
    rig.log(&requests(10));
    rig.until_counted(20);
}

#[test]
fn two_logs_in_two_formats() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = \"lab_json\"\n");
    let all = requests(400);
    let (plain, json) = all.split_at(200);
    rig.log(plain);
    rig.append("b.log", &text(json, Request::json));
    let _daemon = rig.start();
    rig.until_counted(400);
    let mut counted = json.to_vec();
    counted.iter_mut().for_each(|request| request.bytes = 0);
    counted.extend_from_slice(plain);
    let out = rig.ask(&["report", "--format=csv"]).ended(0);
    assert_eq!(out, csv("route", &rows(&counted, |request| request.route().to_owned())));
    // Each line comes back as its own log has it.
    let mut expected: Vec<String> = plain.iter().map(Request::exact).chain(json.iter().map(Request::json)).collect();
    let out = rig.ask(&["lines", "--all"]).ended(0);
    let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
    expected.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn a_log_that_comes_later_and_one_that_a_pattern_finds() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERvirtual-*.log'\nformat = \"lab_json\"\n");
    let daemon = rig.start();
    rig.append("virtual-1.log", &text(&requests(7), Request::json));
    rig.until_counted(7);
    rig.log(&requests(5));
    rig.until_counted(12);
    rig.append("virtual-2.log", &text(&requests(3), Request::json));
    rig.until_counted(15);
    for name in ["a.log", "virtual-1.log", "virtual-2.log"] {
        daemon.until_said(&format!("following {}", rig.folder.path(name).display()));
    }
}

#[test]
fn fault_16_a_partial_line_at_the_end_is_held_and_never_counted() {
    let rig = Rig::new("", "");
    let line = Request::new(NOON, 1500, "/slow").exact();
    let _daemon = rig.start();
    rig.append("a.log", &(line.clone() + "\n"));
    rig.append("a.log", &line[..20]);
    rig.until_counted(1);
    // It was read, and is not in the store in any form.
    let ledger = rig.ledger();
    assert_eq!((ledger.bytes, ledger.lines), (line.len() as u64 + 1, 1));
    rig.append("a.log", &line[20..]);
    rig.append("a.log", "\n");
    rig.until_counted(2);
    assert_eq!(rig.ask(&["lines"]).ended(0), format!("{line}\n{line}\n"));
}

#[test]
fn fault_22_a_format_that_fits_nothing_is_said_aloud() {
    let rig = Rig::new("interval = \"1s\"", "");
    let daemon = rig.start();
    rig.append("a.log", &"nothing of the kind\n".repeat(30));
    daemon.until_said("30 of the last 30 lines do not fit their log's format; `spikeline check` shows where and why");
    assert!(daemon.stop().success());
}

#[test]
fn the_store_alone_is_enough() {
    let rig = Rig::new("", "");
    rig.log(&[Request::new(NOON, 1500, "/slow")]);
    let daemon = rig.start();
    rig.until_counted(1);
    drop(daemon);
    let line = Request::new(NOON, 1500, "/slow").exact() + "\n";
    assert_eq!(rig.folder.run(&["lines", "--store=store"]).ended(0), line);
    assert!(rig.folder.run(&["report", "--store=store"]).ended(0).contains("slow"));
    assert_eq!(rig.folder.run(&["lines", "--store=store", "--all"]).ended(0), line);
    let mut command = rig.folder.command(&["lines"]);
    assert_eq!(support::program::run(command.env("SPIKELINE_STORE", "store")).ended(0), line);
}
