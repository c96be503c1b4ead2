//! The same question to the store and to its files: the same answer, row by row.

use serde_json::Value;

use support::log::Row;
use support::log::{Request, csv, rows};

use super::world::{Dice, World};
use super::{Wanted, answered};
use crate::index::ask;

/// What a row may be of, with how a plain count finds it; nothing where it only has to be the same of both.
const FIELDS: [&str; 11] = [
    "route",
    "status",
    "status_class",
    "method",
    "host",
    "path",
    "target",
    "query:v",
    "upstream_addr",
    "upstream_status",
    "net",
];

/// Fields that every log of the world has, one or several.
fn random_fields(dice: &mut Dice) -> Vec<&'static str> {
    let mut fields = vec![dice.pick(&FIELDS[..9])];
    while dice.one_in(2) && fields.len() < 3 {
        let more = dice.pick(&FIELDS[..9]);
        if !fields.contains(&more) {
            fields.push(more);
        }
    }
    fields
}

/// Asks both, and holds their answers against each other; what is complete of both must be equal.
pub(super) fn ask_both(world: &World, dice: &mut Dice) {
    let command = dice.pick(&["report", "report", "slow", "lines", "records", "why", "diff"]);
    match command {
        "why" => return ask_why(world, dice),
        "diff" => return ask_diff(world, dice),
        _ => {}
    }
    let (wanted, mut asked) = Wanted::random(world, dice);
    asked.extend(random_conditions(dice));
    let fields = random_fields(dice);
    let mut arguments = vec![command.to_owned(), "--format=jsonl".to_owned()];
    arguments.extend(asked);
    if dice.one_in(4) && wanted.min_ms < 1000 {
        arguments.push("--max-time=1s".to_owned());
    }
    match command {
        "report" => {
            arguments.push(format!("--by={}", fields.join(",")));
            arguments.push(format!("--sort={}", dice.pick(&["sum", "count", "p99", "max", "name"])));
            if dice.one_in(3) {
                arguments.push("--limit=5".to_owned());
            }
            if dice.one_in(3) {
                arguments.push(format!("--times={}", dice.pick(&["upstream_response_time", "all", "request_time"])));
            }
            if dice.one_in(3) {
                arguments.push(format!("--threads={}", dice.pick(&[1, 3])));
            }
        }
        "slow" => {
            arguments.push(format!("--by={}", fields.join(",")));
            arguments.push(format!("--sort={}", dice.pick(&["total", "slow", "count", "p99", "max", "spread"])));
            arguments.push(format!("--samples={}", dice.below(4)));
            arguments.push(format!("--threads={}", dice.pick(&[1, 2, 5])));
            if dice.one_in(2) {
                arguments.push(format!("--threshold={}ms", dice.pick(&[20, 300, 1000])));
            }
        }
        "lines" => {
            arguments.push("--all".to_owned());
            arguments.push(format!("--by={}", dice.pick(&["end", "overlap"])));
            arguments.push(format!("--sort={}", dice.pick(&["time", "duration", "upstream"])));
        }
        _ => {}
    }
    let Some(of_store) = answered(world, &arguments) else { return };
    if command == "report"
        && fields == ["status"]
        && !arguments.iter().any(|given| {
            ["--max-time=1s", "--limit", "--where", "--times"].iter().any(|option| given.starts_with(option))
        })
    {
        hold_against_lines(world, &wanted, &of_store.out, &arguments);
    }
    if !world.by_one_format || world.has_gone {
        return;
    }
    let pattern = world.folder.path("a.log*").display().to_string();
    let with_files = [&arguments.iter().map(String::as_str).collect::<Vec<_>>()[..], &[pattern.as_str()]].concat();
    let of_files = ask(&world.folder, &with_files);
    // A line that is no request may make a part of a short file.
    if of_files.code == 3 {
        return;
    }
    let what = format!("{}: {arguments:?}: {}{}", world.story, of_store.err, of_files.err);
    assert_eq!(of_store.code, of_files.code, "{what}");
    let (stored, read) = (told(&of_store.out, command), told(&of_files.out, command));
    assert!(stored.len() == read.len(), "{} rows of the store, {} of the files; {what}", stored.len(), read.len());
    for (stored, read) in stored.iter().zip(&read) {
        assert_eq!(stored, read, "{what}");
    }
}

/// Conditions on fields that every log of the world has.
fn random_conditions(dice: &mut Dice) -> Vec<String> {
    let mut conditions = Vec::new();
    while dice.one_in(3) && conditions.len() < 2 {
        let condition = dice.pick(&[
            "status=5xx",
            "status!=200",
            "path^=/s/",
            "path=/quick",
            "query:v=*",
            "method=GET",
            "host^=www",
            "route=sec.*",
            "route!=__root",
            "body_bytes_sent=>=1024",
            "upstream_addr=*",
            "request_time=>=300",
            "target^=/users/1",
        ]);
        conditions.push(format!("--where={condition}"));
    }
    conditions
}

/// What both say of a window is the same, but for names of files and the dice of the intervals.
fn ask_why(world: &World, dice: &mut Dice) {
    if !world.by_one_format || world.has_gone {
        return;
    }
    let ends = world.requests.iter().map(|(request, _)| request.end);
    let (first, last) = (ends.clone().min().unwrap(), ends.max().unwrap());
    let from = first + i64::try_from(dice.below(u64::try_from(last - first).unwrap().max(1))).unwrap();
    let until = from + 1000 + i64::try_from(dice.below(60_000)).unwrap();
    let mut arguments = vec!["why".to_owned(), "--format=json".to_owned()];
    arguments.push(format!("--from={}", super::seconds(from)));
    arguments.push(format!("--until={}", super::seconds(until)));
    arguments.push(format!("--baseline={}", dice.pick(&["before", "rest"])));
    if dice.one_in(3) {
        arguments.push(format!("--route={}", dice.pick(&["!ws", "sec.*", "search.all", "!__root"])));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let of_store = ask(&world.folder, &arguments);
    let pattern = world.folder.path("a.log*").display().to_string();
    let of_files = ask(&world.folder, &[&arguments[..], &[pattern.as_str()]].concat());
    let what = format!("{}: {arguments:?}: {}{}", world.story, of_store.err, of_files.err);
    if of_store.code == 3 || of_files.code == 3 {
        // A line that is no request may make a part of a short file; without a baseline neither has an answer.
        return;
    }
    assert_eq!(of_store.code, of_files.code, "{what}");
    let read = |out: &str| serde_json::from_str::<Value>(out).unwrap();
    let (stored, read) = (read(&of_store.out), read(&of_files.out));
    for field in ["window", "verdict", "phase", "change_ms", "requests", "routes", "phases_ms", "tried"] {
        assert_eq!(stored[field], read[field], "{field}: {what}");
    }
    let causes = |said: &Value| {
        let mut causes = Vec::new();
        for cause in said["causes"].as_array().unwrap() {
            causes.push(["where", "excess_ms", "window", "baseline", "phase"].map(|field| cause[field].clone()));
        }
        causes
    };
    assert_eq!(causes(&stored), causes(&read), "{what}");
}

/// The store beside its files: every row is on both sides what it is on the other.
fn ask_diff(world: &World, dice: &mut Dice) {
    if !world.by_one_format || world.has_gone {
        return;
    }
    let ends = world.requests.iter().map(|(request, _)| request.end);
    let window =
        format!("{}..{}", super::seconds(ends.clone().min().unwrap()), super::seconds(ends.max().unwrap() + 1));
    let pattern = world.folder.path("a.log*").display().to_string();
    let (_, asked) = Wanted::random(world, dice);
    let mut arguments = vec!["diff".to_owned(), window, pattern, "--format=jsonl".to_owned()];
    arguments.extend(asked.into_iter().filter(|given| !given.starts_with("--from") && !given.starts_with("--until")));
    arguments.extend(random_conditions(dice));
    arguments.push(format!("--by={}", random_fields(dice).join(",")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = ask(&world.folder, &arguments);
    let what = format!("{}: {arguments:?}: {}", world.story, run.err);
    if run.code == 3 {
        return;
    }
    assert!(run.code < 2, "{what}");
    for line in run.out.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["presence"], "both", "{line}: {what}");
        for field in [
            "count",
            "sum_ms",
            "p50_ms",
            "p50_low_ms",
            "p95_ms",
            "p99_ms",
            "p99_high_ms",
            "max_ms",
            "status_4xx",
            "status_5xx",
        ] {
            assert_eq!(row[format!("{field}_before")], row[format!("{field}_after")], "{field}: {line}: {what}");
        }
    }
}

/// The rows, but for what the two name differently: where lines stand, and why the index keeps them.
fn told(out: &str, command: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for line in out.lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let fields = row.as_object_mut().unwrap();
        for name in ["file", "offset", "kept", "line_number", "sample_locators", "typical_locator"] {
            fields.remove(name);
        }
        if command == "records" {
            fields.remove("line");
        }
        rows.push(row);
    }
    if command == "records" || command == "lines" {
        // Of the same millisecond either may come first; files come one after the other.
        rows.sort_by_key(Value::to_string);
    }
    rows
}

/// The rows by status are those of a count of the requests that were written.
fn hold_against_lines(world: &World, wanted: &Wanted, out: &str, arguments: &[String]) {
    let inside: Vec<&Request> = world
        .requests
        .iter()
        .map(|(request, _)| request)
        .filter(|request| wanted.has(request, &world.rules.route(request).0, wanted.min_ms))
        .collect();
    let mut expected = rows(inside.iter().copied(), |request| request.status.to_string());
    for row in &mut expected {
        let is_slow = |request: &&&Request| {
            request.status.to_string() == row.name && request.time >= world.rules.route(request).1
        };
        row.numbers[9] = inside.iter().filter(is_slow).count() as u64;
    }
    let mut found = Vec::new();
    for line in out.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let names = [
            "count",
            "sum_ms",
            "p50_ms",
            "p75_ms",
            "p90_ms",
            "p95_ms",
            "p99_ms",
            "p999_ms",
            "max_ms",
            "slow",
            "status_1xx",
            "status_2xx",
            "status_3xx",
            "status_4xx",
            "status_5xx",
            "bytes",
        ];
        let numbers = names.iter().map(|name| row[name].as_u64().unwrap()).collect();
        found.push(Row { name: row["status"].as_str().unwrap().to_owned(), numbers });
    }
    found.sort_by_key(|row| row.name.clone());
    expected.sort_by_key(|row| row.name.clone());
    assert_eq!(csv("status", &found), csv("status", &expected), "{}: {arguments:?}", world.story);
}
