//! What takes minutes, and clocks that step: a line belongs to the time that it says itself.

use std::io::Write;
use std::sync::Arc;

use serde_json::Value;
use spikeline::time::Clock;

use crate::rig::{Rig, until};
use crate::sink::Sink;
use crate::stepped::{Stepped, Steps};
use support::log::{Request, csv, requests, rows};

const HOUR: i64 = 3_600_000;

#[test]
fn fault_02_a_writer_that_goes_on_in_the_renamed_file_is_read_for_the_grace_period() {
    let rig = Rig::new("", "");
    let requests = requests(500);
    rig.log(&requests[..100]);
    let daemon = Stepped::start(&rig, &Arc::default(), None);
    rig.until_counted(100);
    let mut old = std::fs::File::options().append(true).open(rig.folder.path("a.log")).unwrap();
    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    rig.append("a.log", "");
    // Nobody has told nginx to reopen its logs yet: a minute without a line is no end.
    for round in 1..4 {
        daemon.clock.step(59_000);
        for request in &requests[round * 100..round * 100 + 100] {
            writeln!(old, "{}", request.exact()).unwrap();
        }
        rig.until_counted(round * 100 + 100);
    }
    rig.log(&requests[400..]);
    rig.has_each_once(&requests);
    // Then it is over, and nothing of it comes twice.
    let finished = || {
        daemon.clock.step(20_000);
        let view = spikeline::store::View::open(&rig.folder.path("store")).unwrap();
        view.generations().iter().filter(|held| held.finished).count()
    };
    until("the end of the grace", finished, |finished| *finished == 1);
    rig.has_each_once(&requests);
    assert_eq!(rig.ledger().unread, 0);
    daemon.stop();
    rig.has_each_once(&requests);
}

#[test]
fn fault_17_rotated_away_without_a_final_newline_is_counted_once_after_the_grace_period() {
    let rig = Rig::new("", "");
    let requests = requests(3);
    rig.append("a.log", &format!("{}\n{}", requests[0].exact(), requests[1].exact()));
    let clock = Arc::new(Steps::default());
    let daemon = Stepped::start(&rig, &clock, None);
    rig.until_counted(1);
    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    rig.log(&requests[2..]);
    rig.until_counted(2);
    let counted = || {
        clock.step(20_000);
        rig.counted()
    };
    until("the last line", counted, |counted| *counted == 3);
    rig.has_each_once(&requests);
    daemon.stop();
    clock.step(HOUR);
    let daemon = Stepped::start(&rig, &clock, None);
    rig.log(&requests[..1]);
    rig.until_counted(4);
    assert!(!daemon.said().contains("a.log.1"), "{}", daemon.said());
}

/// Workers that write their buffers in turn, each with half a minute of lines.
#[test]
fn fault_23_buffered_lines_out_of_order_are_each_in_their_own_slot() {
    let rig = Rig::new("", "");
    let requests = requests(3000);
    let (buffers, workers): (Vec<&[Request]>, _) = (requests.chunks(500).collect(), [1, 0, 4, 2, 5, 3]);
    let daemon = rig.start();
    for worker in workers {
        rig.log(buffers[worker]);
        daemon.until_said("following");
    }
    rig.has_each_once(&requests);
    for slot in requests[0].end / 10_000..=requests[2999].end / 10_000 {
        let own: Vec<&Request> = requests.iter().filter(|request| request.end / 10_000 == slot).collect();
        let window = [format!("--from={}", slot * 10), format!("--until={}", slot * 10 + 10)];
        let out = rig.ask(&["report", "--format=csv", &window[0], &window[1]]).ended(0);
        assert_eq!(out, csv("route", &rows(own, |request| request.route().to_owned())));
    }
}

#[test]
fn fault_24_the_clock_steps_an_hour_forward_and_back_and_every_line_is_in_its_own_slot() {
    let (rig, sink) = (Rig::new("", ""), Sink::new());
    let clock = Arc::new(Steps::default());
    let mut all: Vec<Request> = Vec::new();
    let mut daemon = Stepped::start(&rig, &clock, Some(&sink));
    // nginx and the daemon have one clock. After the third step the daemon begins anew.
    for (round, step) in [0, HOUR, -HOUR, 0, -HOUR, HOUR].into_iter().enumerate() {
        clock.step(step);
        if round == 3 {
            daemon.stop();
            daemon = Stepped::start(&rig, &clock, Some(&sink));
        }
        let now = clock.now().millis();
        let written = [Request::new(now, 40 + round as u64, "/slow"), Request::new(now - 1, 1200, "/slow")];
        rig.log(&written);
        all.extend(written);
        rig.until_counted(all.len());
    }
    // What was written an hour ahead is sent when its slot is over.
    daemon.clock.step(HOUR + 30_000);
    let mut slots: Vec<i64> = all.iter().map(|request| request.end.div_euclid(10_000) * 10).collect();
    slots.sort_unstable();
    slots.dedup();
    for slot in slots {
        let own: Vec<&Request> = all.iter().filter(|request| request.end.div_euclid(10_000) * 10 == slot).collect();
        let last = |what: &str| sink.last(&format!("nginx.web1.slow.{what}"), slot);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (count, sum) = (own.len() as f64, own.iter().map(|request| request.time).sum::<u64>() as f64);
        until("the count", || last("requests.count"), |value| *value == Some(count));
        until("the sum", || last("request_time.sum"), |value| *value == Some(sum));
        let window = [format!("--from={slot}"), format!("--until={}", slot + 10)];
        let out = rig.ask(&["lines", "--all", "--by=end", &window[0], &window[1]]).out;
        assert_eq!(out.lines().count(), own.len(), "{out}");
    }
    let points = sink.points();
    let counts = points.iter().filter(|((path, _), _)| path == "nginx.web1.slow.requests.count");
    let sum: f64 = counts.map(|(_, values)| values.last().unwrap()).sum();
    assert_eq!(sum, 12.0, "no slot has more than its own");
    assert_eq!(rig.ledger().parsed, 12);
    daemon.stop();
}

/// The local times of a night in which the clocks go back, of Kathmandu, and of a leap second: each is one moment in UTC.
#[test]
fn fault_24_daylight_saving_odd_offsets_and_second_60_are_exact_in_utc() {
    let times = [
        ("25/Oct/2026:02:59:59 +0200", 1_792_889_999),
        ("25/Oct/2026:02:00:00 +0100", 1_792_890_000),
        ("25/Oct/2026:02:59:59 +0100", 1_792_893_599),
        ("29/Mar/2026:01:59:59 +0100", 1_774_745_999),
        ("29/Mar/2026:03:00:00 +0200", 1_774_746_000),
        ("01/Jan/2026:00:30:00 +0545", 1_767_206_700),
        ("31/Dec/2025:18:45:00 +0000", 1_767_206_700),
        ("31/Dec/2016:23:59:60 +0000", 1_483_228_800),
        ("01/Jan/2017:05:44:60 +0545", 1_483_228_800),
    ];
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = 'combined_plus'\n");
    for (local, _) in times {
        rig.append(
            "b.log",
            &format!("192.0.2.7 - - [{local}] \"GET /slow HTTP/1.1\" 200 1 \"-\" \"curl/8\" 1.500 1.500\n"),
        );
    }
    rig.append(
        "b.log",
        "192.0.2.7 - - [25/Oct/2026:02:59:61 +0100] \"GET /slow HTTP/1.1\" 200 1 \"-\" \"curl/8\" 1.500 1.500\n",
    );
    rig.append("a.log", "");
    let _daemon = rig.start();
    rig.until_counted(times.len());
    let out = rig.ask(&["lines", "--format=jsonl"]).ended(0);
    let mut found: Vec<(String, f64)> = Vec::new();
    for line in out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["start"].as_f64().unwrap() + 1.5, line["end"].as_f64().unwrap());
        let local = line["line"].as_str().unwrap().split(['[', ']']).nth(1).unwrap().to_owned();
        found.push((local, line["end"].as_f64().unwrap()));
    }
    let mut expected: Vec<(String, f64)> = times.map(|(local, secs)| (local.to_owned(), f64::from(secs))).to_vec();
    found.sort_by(|one, other| one.partial_cmp(other).unwrap());
    expected.sort_by(|one, other| one.partial_cmp(other).unwrap());
    assert_eq!(found, expected);
    // Each is in the slot of its moment in UTC, and what is no time is rejected.
    for (_, secs) in times {
        let slot = secs / 10 * 10;
        let own = times.iter().filter(|(_, other)| other / 10 * 10 == slot).count();
        let run = rig.ask(&["report", "--format=csv", &format!("--from={slot}"), &format!("--until={}", slot + 10)]);
        assert!(run.out.lines().nth(1).unwrap().starts_with(&format!("slow,{own},")), "{}", run.out);
    }
    let rejected: Vec<u64> = rig.ledger().rejected.into_values().collect();
    assert_eq!(rejected, [1]);
}
