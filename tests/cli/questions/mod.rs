//! Random questions to stores of random configuration. What an answer says to be complete is what the requests come to that were
//! written, by code that shares nothing with the program; one that is not may only come where a log is gone, or many of its lines are no requests.
//!
//! `SPIKELINE_QUESTIONS=10000 cargo test --test cli questions` asks more of them, `SPIKELINE_QUESTION_SEED=7` those of one store.

mod both;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use support::log::{Request, csv, rows, seconds};
use support::program::Run;

use crate::index::ask;
use world::{Dice, World};

/// So many are asked of each store.
const EACH: u64 = 14;

/// Which requests a question is about.
struct Wanted {
    from: i64,
    until: i64,
    overlap: bool,
    min_ms: u64,
    statuses: Vec<(u16, u16)>,
    /// By name, `*` at the end, `!` before one that is left out.
    route: Option<String>,
}

impl Wanted {
    fn random(world: &World, dice: &mut Dice) -> (Wanted, Vec<String>) {
        let (mut wanted, mut arguments) = (Wanted::all(), Vec::new());
        let ends = world.requests.iter().map(|(request, _)| request.end);
        let (first, last) = (ends.clone().min().unwrap(), ends.max().unwrap());
        if !dice.one_in(4) {
            let span = u64::try_from(last - first + 4000).unwrap();
            let mut time = || {
                let at = first - 2000 + i64::try_from(dice.below(span)).unwrap();
                if dice.one_in(3) { at - at.rem_euclid(world.interval_ms) } else { at }
            };
            let (one, other) = (time(), time());
            (wanted.from, wanted.until) = (one.min(other), one.max(other) + i64::from(one == other));
            arguments.push(format!("--from={}", seconds(wanted.from)));
            arguments.push(format!("--until={}", seconds(wanted.until)));
        }
        if dice.one_in(3) {
            wanted.min_ms = dice.pick(&[1, 50, 100, 250, 1000, 1500, 2000]);
            arguments.push(format!("--min-time={}ms", wanted.min_ms));
        }
        if dice.one_in(3) {
            let (text, from, until) = dice.pick(&[
                ("404", 404, 404),
                ("5xx", 500, 599),
                ("4xx", 400, 499),
                ("500-501", 500, 501),
                ("101", 101, 101),
            ]);
            wanted.statuses.push((from, until));
            arguments.push(format!("--status={text}"));
        }
        if dice.one_in(3) {
            let route =
                dice.pick(&["ws", "quick", "sec.*", "!ws", "!sec.*", "search.all", "users.__id", "__root", "probe.*"]);
            wanted.route = Some(route.to_owned());
            arguments.push(format!("--route={route}"));
        }
        (wanted, arguments)
    }

    fn all() -> Wanted {
        Wanted { from: i64::MIN, until: i64::MAX, overlap: false, min_ms: 0, statuses: Vec::new(), route: None }
    }

    fn has(&self, request: &Request, route: &str, min_ms: u64) -> bool {
        let inside = match self.overlap {
            true => request.start() < self.until && request.end >= self.from,
            false => (self.from..self.until).contains(&request.end),
        };
        let status = |&(from, until): &(u16, u16)| (from..=until).contains(&request.status);
        let pattern = self.route.as_deref().unwrap_or("*");
        // Monitoring is meant only where it is named.
        if route.starts_with("probe.") && !pattern.starts_with("probe.") {
            return false;
        }
        let (leaves_out, pattern) = (pattern.starts_with('!'), pattern.trim_start_matches('!'));
        let named = match pattern.strip_suffix('*') {
            Some(front) => route.starts_with(front),
            None => route == pattern,
        };
        inside
            && request.time >= min_ms
            && (self.statuses.is_empty() || self.statuses.iter().any(status))
            && named != leaves_out
    }
}

#[test]
fn every_complete_answer_is_what_the_lines_say() {
    let asked = std::env::var("SPIKELINE_QUESTIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(280);
    if let Some(seed) = std::env::var("SPIKELINE_QUESTION_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return ask_all(seed);
    }
    for seed in 0..u64::div_ceil(asked, EACH) {
        ask_all(seed);
    }
}

fn ask_all(seed: u64) {
    let world = World::new(seed);
    let mut dice = Dice::new(seed + 1_000_003);
    for _ in 0..EACH {
        match dice.below(6) {
            0 => ask_report(&world, &mut dice),
            1 => ask_slow(&world, &mut dice),
            2 | 3 => both::ask_both(&world, &mut dice),
            _ => ask_lines(&world, &mut dice),
        }
    }
}

/// The answer, or nothing if it says to be partial where it may.
fn answered(world: &World, arguments: &[String]) -> Option<Run> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = ask(&world.folder, &arguments);
    if run.code == 3 && (world.has_gone || world.has_many_foreign) {
        return None;
    }
    assert!(run.code < 2, "{}: {arguments:?} ended with {}: {}", world.story, run.code, run.err);
    Some(run)
}

fn ask_report(world: &World, dice: &mut Dice) {
    let (wanted, asked) = Wanted::random(world, dice);
    let arguments = [vec!["report".to_owned(), "--format=csv".to_owned()], asked].concat();
    let Some(run) = answered(world, &arguments) else { return };
    let of = |request: &Request| world.rules.route(request);
    let inside: Vec<&Request> =
        world.requests.iter().map(|(request, _)| request).filter(|r| wanted.has(r, &of(r).0, wanted.min_ms)).collect();
    let mut expected = rows(inside.iter().copied(), |request| of(request).0);
    for row in &mut expected {
        let slow = inside.iter().filter(|request| of(request).0 == row.name && request.time >= of(request).1);
        row.numbers[9] = slow.count() as u64;
    }
    assert_eq!(run.out, csv("route", &expected), "{}: {arguments:?}: {}", world.story, run.err);
}

fn ask_slow(world: &World, dice: &mut Dice) {
    let (wanted, asked) = Wanted::random(world, dice);
    let mut arguments =
        [vec!["slow".to_owned(), "--format=jsonl".to_owned(), "--limit=999".to_owned()], asked].concat();
    let threshold = dice.one_in(2).then(|| dice.pick(&[20, 100, 300, 1000, 1900]));
    if let Some(threshold) = threshold {
        arguments.push(format!("--threshold={threshold}ms"));
    }
    let Some(run) = answered(world, &arguments) else { return };
    let mut expected: BTreeMap<(String, String), [u64; 5]> = BTreeMap::new();
    for (request, _) in &world.requests {
        let (route, of_route) = world.rules.route(request);
        if !wanted.has(request, &route, wanted.min_ms) {
            continue;
        }
        let class = expected.entry((route, request.status.to_string())).or_default();
        class[0] += 1;
        class[1] += request.time;
        class[2] = class[2].max(request.time);
        if request.time >= threshold.unwrap_or(of_route) {
            class[3] += 1;
            class[4] += request.time;
        }
    }
    expected.retain(|_, class| class[3] > 0);
    let mut found = BTreeMap::new();
    for row in run.out.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let number = |name: &str| row[name].as_u64().unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let numbers = ["count", "total_ms", "max_ms", "slow", "slow_ms"].map(number);
        found.insert((text("route"), text("status")), numbers);
    }
    assert_eq!(found, expected, "{}: {arguments:?}: {}", world.story, run.err);
}

fn ask_lines(world: &World, dice: &mut Dice) {
    let (mut wanted, asked) = Wanted::random(world, dice);
    let mut arguments = [vec!["lines".to_owned()], asked].concat();
    wanted.overlap = dice.one_in(2);
    arguments.push(format!("--by={}", if wanted.overlap { "overlap" } else { "end" }));
    let all = dice.one_in(3);
    if all {
        arguments.push("--all".to_owned());
    }
    let Some(run) = answered(world, &arguments) else { return };
    let by_request = all || wanted.min_ms > 0 || !wanted.statuses.is_empty();
    let slowest = if by_request { BTreeSet::new() } else { slowest_of(world) };
    let (mut expected, mut may_come) = (Vec::new(), BTreeSet::new());
    for (at, (request, line)) in world.requests.iter().enumerate() {
        let (route, threshold) = world.rules.route(request);
        if !wanted.has(request, &route, wanted.min_ms) {
            continue;
        }
        let kept = request.time >= threshold || (world.server_errors && request.status >= 500);
        if by_request || kept || (world.by_one_rule && slowest.contains(&at)) {
            expected.push(line.as_str());
        } else if !world.by_one_rule {
            // The slowest are those of the routes of then.
            may_come.insert(line.as_str());
        }
    }
    let mut found: Vec<&str> = run.lines();
    found.retain(|line| !may_come.contains(line));
    found.sort_unstable();
    expected.sort_unstable();
    let what = format!("{}: {arguments:?}: {}", world.story, run.err);
    assert!(found == expected, "{} lines for {}; {what}", found.len(), expected.len());
}

/// Which requests are among the slowest of their route and slot.
fn slowest_of(world: &World) -> BTreeSet<usize> {
    /// What ranks first is the longest, then the one that ended first.
    type Ranked = Vec<(u64, i64, usize)>;
    let mut groups: BTreeMap<(String, i64), Ranked> = BTreeMap::new();
    for (at, (request, _)) in world.requests.iter().enumerate() {
        let slot = request.end.div_euclid(world.interval_ms);
        let group = groups.entry((world.rules.route(request).0, slot)).or_default();
        group.push((u64::MAX - request.time, request.end, at));
    }
    let mut slowest = BTreeSet::new();
    for mut group in groups.into_values() {
        group.sort_unstable();
        slowest.extend(group.iter().take(world.slowest).map(|(.., at)| *at));
    }
    slowest
}
