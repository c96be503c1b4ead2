//! `why`: what is planted into a log is named first, and where nothing is planted nothing is named.

use std::fmt::Write;

use serde_json::Value;
use support::program::Folder;

use crate::index::{ask, index};

const FORMAT: &str = "$remote_addr [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" \
                      $host $request_time \"$upstream_addr\" \"$upstream_status\" \"$upstream_connect_time\" \"$upstream_header_time\" \
                      \"$upstream_response_time\" $msec";

/// 2011-11-30 14:00:00 UTC, in milliseconds.
const BEGIN: u64 = 1_322_661_600_000;

/// The window: the thirteenth and fourteenth minute.
const WINDOW: std::ops::Range<u64> = 12 * 60_000..14 * 60_000;

/// A request as it is planted; times in milliseconds.
struct Planted {
    end: u64,
    client: String,
    target: String,
    upstream: String,
    /// What the attempts before the last took.
    failed: u64,
    connect: u64,
    header: u64,
    body: u64,
    sending: u64,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Fourteen minutes of traffic at 10 requests a second: three routes, three upstreams, eighty clients.
fn traffic(seed: u64) -> Vec<Planted> {
    let mut dice = Dice(seed);
    let mut requests = Vec::new();
    for tick in 0..14 * 600 {
        let (target, usual) = match dice.below(10) {
            0..=5 => (format!("/api/users/{}", dice.below(500)), 20),
            6..=8 => (format!("/p/git/tree/{}?page={}", dice.below(500), dice.below(9)), 90),
            _ => ("/export/report.pdf".to_owned(), 900),
        };
        let header = usual / 2 + dice.below(usual);
        requests.push(Planted {
            end: tick * 100 + dice.below(100),
            client: format!("198.51.{}.{}", dice.below(8), dice.below(10)),
            target,
            upstream: format!("10.0.2.{}:80", 11 + dice.below(3)),
            failed: 0,
            connect: dice.below(2),
            header,
            body: header / 8,
            sending: dice.below(4),
        });
    }
    requests
}

fn line(request: &Planted) -> String {
    let Planted { end, client, target, upstream, failed, connect, header, body, sending } = request;
    let seconds = |time: u64| format!("{}.{:03}", time / 1000, time % 1000);
    let (answered, done) = (connect + header, connect + header + body);
    let before = |value: String| if *failed > 0 { format!("{value}, ") } else { String::new() };
    let (addresses, statuses) = (before("10.0.2.99:80".to_owned()), before("504".to_owned()));
    let (connects, headers, responses) = (before("-".to_owned()), before("-".to_owned()), before(seconds(*failed)));
    let took = failed + done + sending;
    format!(
        "{client} [30/Nov/2011:14:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 900 \"-\" \"curl/8.4.0\" www.example.com {} \
         \"{addresses}{upstream}\" \"{statuses}200\" \"{connects}{}\" \"{headers}{}\" \"{responses}{}\" {}",
        end / 60_000,
        end / 1000 % 60,
        seconds(took),
        seconds(*connect),
        seconds(answered),
        seconds(done),
        seconds(BEGIN + end)
    )
}

fn text(mut requests: Vec<Planted>) -> String {
    requests.sort_by_key(|request| request.end);
    let mut text = String::new();
    for request in &requests {
        writeln!(text, "{}", line(request)).unwrap();
    }
    text
}

fn is_in_window(request: &Planted) -> bool {
    WINDOW.contains(&request.end)
}

/// The command over the one log of the folder.
fn asked<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["why", "a.log", "--log-format", FORMAT, "--from=14:12_20111130", "--until=14:14_20111130"], more].concat()
}

/// What `why` says of these requests.
#[track_caller]
fn why(requests: Vec<Planted>) -> Value {
    let folder = support::folder!();
    folder.write("a.log", text(requests));
    let said = folder.run(&asked(&["--format=json"])).ended(0);
    let said: Value = serde_json::from_str(&said).unwrap();
    let change = &said["change_ms"];
    let part = |name: &str| change[name].as_i64().unwrap();
    assert_eq!(part("volume") + part("mix") + part("slower"), part("total"), "{change}");
    let sum =
        |rows: &Value, name: &str| rows.as_array().unwrap().iter().map(|row| row[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!(sum(&said["routes"], "change_ms"), part("total"));
    assert_eq!(
        said["phases_ms"].as_object().unwrap().values().map(|part| part.as_i64().unwrap()).sum::<i64>(),
        part("slower")
    );
    said
}

#[test]
fn a_slow_upstream_is_named_and_what_lives_behind_it_is_not() {
    let mut requests = traffic(1);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        if request.upstream == "10.0.2.12:80" {
            request.header *= 9;
        }
    }
    let said = why(requests);
    assert_eq!((said["verdict"].as_str(), said["phase"].as_str()), (Some("slower"), Some("header")));
    assert_eq!(said["causes"][0]["where"], serde_json::json!({"upstream_addr": "10.0.2.12:80"}), "{}", said["causes"]);
    assert_eq!(said["causes"].as_array().unwrap().len(), 1, "{}", said["causes"]);
    let cause = &said["causes"][0];
    let excess = cause["excess_ms"].as_i64().unwrap();
    assert!(cause["low_ms"].as_i64().unwrap() < excess && excess < cause["high_ms"].as_i64().unwrap());
    assert!(cause["share"].as_f64().unwrap() > 0.9 && cause["p"].as_f64().unwrap() < 1e-6, "{cause}");
    assert_eq!(said["samples"].as_array().unwrap().len(), 3);
}

#[test]
fn failed_attempts_are_the_retries_of_the_upstream_that_failed() {
    let mut requests = traffic(2);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        request.failed = if request.end % 3 == 0 { 1000 } else { 0 };
    }
    let said = why(requests);
    assert_eq!((said["verdict"].as_str(), said["phase"].as_str()), (Some("slower"), Some("retries")));
    assert_eq!(said["causes"][0]["where"], serde_json::json!({"upstream_addr": "10.0.2.99:80"}), "{}", said["causes"]);
}

#[test]
fn a_lock_is_told_by_who_held_it() {
    let mut requests = traffic(3);
    let (begin, end) = (WINDOW.start + 2000, WINDOW.start + 42_000);
    for request in requests.iter_mut().filter(|request| request.target.starts_with("/p/git")) {
        let start = request.end - (request.connect + request.header + request.body + request.sending);
        if (begin..end).contains(&start) {
            request.header += end - start;
            request.end += end - start;
        }
    }
    requests.push(Planted {
        end,
        client: "203.0.113.9".to_owned(),
        target: "/admin/rebuild?all=1".to_owned(),
        upstream: "10.0.2.11:80".to_owned(),
        failed: 0,
        connect: 0,
        header: end - begin,
        body: 0,
        sending: 0,
    });
    let said = why(requests);
    let first = &said["first"][0];
    assert_eq!(first["target"], "/admin/rebuild?all=1", "{}", said["first"]);
    assert_eq!((first["held"].as_bool(), first["remote_addr"].as_str()), (Some(true), Some("203.0.113.9")));
    assert!(said["causes"][0]["where"]["route"].as_str().unwrap().starts_with("p."), "{}", said["causes"]);
}

#[test]
fn more_of_a_heavy_route_is_another_mix_and_more_of_all_is_more() {
    let again = |requests: &mut Vec<Planted>, which: &dyn Fn(&Planted) -> bool| {
        let mut dice = Dice(9);
        for _ in 0..3 {
            for more in traffic(dice.below(99)).into_iter().filter(|more| is_in_window(more) && which(more)) {
                requests.push(more);
            }
        }
    };
    let mut requests = traffic(4);
    again(&mut requests, &|request| request.target.starts_with("/export"));
    let said = why(requests);
    assert_eq!((said["verdict"].as_str(), &said["causes"]), (Some("mix"), &serde_json::json!([])));
    assert_eq!(said["routes"][0]["route"], "export.report_2Epdf");
    let mut requests = traffic(5);
    again(&mut requests, &|_| true);
    let said = why(requests);
    assert_eq!((said["verdict"].as_str(), &said["causes"]), (Some("more"), &serde_json::json!([])));
}

#[test]
fn of_a_window_like_the_others_nothing_is_said() {
    for seed in 6..10 {
        let said = why(traffic(seed));
        assert_eq!((said["verdict"].as_str(), &said["causes"]), (Some("nothing"), &serde_json::json!([])), "{seed}");
    }
}

/// A job that comes every fourth minute.
#[test]
fn what_the_baseline_had_as_much_is_no_news() {
    let mut requests = traffic(11);
    for request in &mut requests {
        if request.end / 60_000 % 4 == 0 && request.target.starts_with("/p/git") {
            request.header *= 12;
        }
    }
    let folder = support::folder!();
    folder.write("a.log", text(requests));
    let said =
        folder.run(&["why", "a.log", "--log-format", FORMAT, "--at=14:12_20111130", "--window=1min", "--format=json"]);
    let said: Value = serde_json::from_str(&said.ended(0)).unwrap();
    assert_eq!(
        (said["verdict"].as_str(), &said["causes"]),
        (Some("nothing"), &serde_json::json!([])),
        "{}",
        said["no_news"]
    );
}

fn store_of(requests: Vec<Planted>) -> Folder {
    let folder = support::folder!();
    folder.write("c.toml", format!("store = \"store\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n"));
    folder.write("a.log", text(requests));
    index(&folder, &["a.log"]).said(0, &["8,400 lines"]);
    folder
}

#[test]
fn the_store_says_what_the_files_say() {
    let mut requests = traffic(12);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        request.sending += if request.client.starts_with("198.51.3.") { 4000 } else { 0 };
    }
    let folder = store_of(requests);
    let window = ["why", "--from=14:12_20111130", "--until=14:14_20111130", "--format=json"];
    let stored: Value = serde_json::from_str(&ask(&folder, &window).ended(0)).unwrap();
    let read = folder.run(&[&window[..], &["a.log", "--log-format", FORMAT]].concat());
    let read: Value = serde_json::from_str(&read.ended(0)).unwrap();
    for field in ["verdict", "phase", "change_ms", "routes", "phases_ms", "requests"] {
        assert_eq!(stored[field], read[field], "{field}");
    }
    // A file is called otherwise there.
    for row in ["samples", "first"] {
        for field in ["offset", "line", "target", "start"] {
            assert_eq!(stored[row][0][field], read[row][0][field], "{row} {field}");
        }
    }
    assert_eq!(stored["causes"][0]["where"], serde_json::json!({"remote_addr": "198.51.3.0/24"}));
    // The command names what was asked.
    let causes = |said: &Value| {
        let mut causes = said["causes"].clone();
        causes.as_array_mut().unwrap().iter_mut().for_each(|cause| cause["command"] = Value::Null);
        causes
    };
    assert_eq!((stored["phase"].as_str(), causes(&stored)), (Some("client"), causes(&read)));
}

#[test]
fn people_read_it_in_the_order_in_which_they_ask() {
    let mut requests = traffic(13);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        request.header *= if request.upstream == "10.0.2.11:80" { 9 } else { 1 };
    }
    let folder = support::folder!();
    folder.write("a.log", text(requests));
    let said = folder.run(&asked(&[])).ended(0);
    let mut rest = said.as_str();
    let order = [
        "Slower",
        "What changed",
        "Where the time went",
        "1. upstream_addr 10.0.2.11:80",
        "Who came first",
        "Lines",
        "All of them",
    ];
    for piece in order {
        let at = rest.find(piece).unwrap_or_else(|| panic!("no {piece:?} in its place: {said}"));
        rest = &rest[at..];
    }
    let named = ["why", "a.log", "--log-format", FORMAT, "--from=15:12_20111130", "--until=15:14_20111130"];
    let in_berlin = folder.run(&[&named[..], &["--tz=Europe/Berlin"]].concat()).ended(0);
    assert!(in_berlin.contains("2011-11-30 15:12:00 .. 15:14:00 Europe/Berlin ("), "{in_berlin}");
    // The command that lists them lists them.
    let command = rest.lines().nth(1).unwrap().trim();
    assert!(
        command.starts_with("spikeline lines a.log --log-format '")
            && command.ends_with(" --by end --where upstream_addr=10.0.2.11:80 --all --sort duration"),
        "{command}"
    );
}

#[test]
fn a_question_without_an_answer_is_said_to_be_one() {
    let folder = support::folder!();
    folder.write("a.log", text(traffic(14)));
    folder.run(&["why", "a.log", "--log-format", FORMAT]).said(2, &["why explains a window of time", "--from"]);
    let early = ["why", "a.log", "--log-format", FORMAT, "--from=14:00_20111130", "--until=14:01_20111130"];
    folder.run(&early).said(3, &["nothing to compare the window with", "--baseline FROM..UNTIL"]);
    folder.run(&[&early[..], &["--baseline=14:05_20111130..14:10_20111130"]].concat()).said(0, &[]);
    folder.run(&asked(&["--baseline=befor"])).said(2, &["--baseline `befor`", "yesterday"]);
    let empty = ["why", "a.log", "--log-format", FORMAT, "--from=15:00_20111130", "--until=15:01_20111130"];
    folder.run(&empty).said(1, &[]);
}

/// Who gets the answer as a message has a link to click.
#[test]
fn a_link_leads_to_the_page_where_there_is_one() {
    let mut requests = traffic(1);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        if request.upstream == "10.0.2.12:80" {
            request.header *= 9;
        }
    }
    let folder = store_of(requests);
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    folder.write("with.toml", format!("{config}[events]\npage = \"http://web1.example.org:8417/\"\n"));
    let asked = |config| {
        folder.run(&["why", "--from=2011-11-30T14:12:00Z", "--until=2011-11-30T14:14:00Z", "--format=json", config]).out
    };
    let link = |out: String| serde_json::from_str::<Value>(&out).unwrap()["link"].clone();
    assert_eq!(link(asked("--config=c.toml")), Value::Null);
    let found = link(asked("--config=with.toml"));
    assert_eq!(
        found.as_str().unwrap(),
        "http://web1.example.org:8417/?from=2011-11-30T14%3A06%3A00Z&until=2011-11-30T14%3A14%3A00Z\
         &only=upstream_addr%3A10.0.2.12%3A80&box=1322662320000%2C1322662440000%2C0%2C"
    );
    // Pasted it gives the lines of the box that are its cause's.
    let lines = ["lines", "--config=c.toml", "--format=csv"];
    let pasted = folder.run(&[&lines[..], &[found.as_str().unwrap()]].concat());
    pasted.said(0, &["where upstream_addr=10.0.2.12:80"]);
    let from = ["--from=2011-11-30T14:12:00Z", "--until=2011-11-30T14:14:00Z"];
    let typed = ["--all", "--by=end", "--sort=duration", "--where=upstream_addr=10.0.2.12:80"];
    assert_eq!(pasted.out, folder.run(&[&lines[..], &from, &typed].concat()).ended(0));
}

/// Two of three upstreams, so that most requests are slow: each is named, not what they have in common.
#[test]
fn two_slow_upstreams_of_three_are_both_named() {
    let mut requests = traffic(14);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        if request.upstream != "10.0.2.12:80" {
            request.header *= 8;
        }
    }
    let said = why(requests);
    let mut named: Vec<&str> = Vec::new();
    for cause in said["causes"].as_array().unwrap() {
        named.extend(cause["where"]["upstream_addr"].as_str());
    }
    named.sort_unstable();
    assert_eq!(named, ["10.0.2.11:80", "10.0.2.13:80"], "{}", said["causes"]);
}

/// The log is some blocks long, and each thread reads those that it gets.
#[test]
fn however_many_threads_read_they_say_the_same() {
    let mut requests = traffic(15);
    for request in requests.iter_mut().filter(|request| is_in_window(request)) {
        request.header *= if request.target.starts_with("/p/git") { 7 } else { 1 };
    }
    let folder = store_of(requests);
    let window = ["why", "--from=14:12_20111130", "--until=14:14_20111130", "--format=json"];
    let one = ask(&folder, &[&window[..], &["--threads=1"]].concat()).ended(0);
    assert!(one.contains("\"verdict\":\"slower\""), "{one}");
    let file = |threads| folder.run(&asked(&["--format=json", threads])).ended(0);
    let read = file("--threads=1");
    for threads in ["--threads=2", "--threads=3", "--threads=7"] {
        assert_eq!(ask(&folder, &[&window[..], &[threads]].concat()).ended(0), one);
        assert_eq!(file(threads), read);
    }
}

/// Times of the baseline are read as those of the window are.
#[test]
fn a_baseline_is_read_in_the_zone_of_the_window() {
    let folder = support::folder!();
    folder.write("a.log", text(traffic(15)));
    let asked = |baseline: &str| {
        let words = ["why", "a.log", "--log-format", FORMAT, "--format=json", "--tz=America/New_York"];
        let window = ["--from=09:12_20111130", "--until=09:14_20111130", baseline];
        serde_json::from_str::<Value>(&folder.run(&[&words[..], &window].concat()).ended(0)).unwrap()
    };
    let said = asked("--baseline=09:05_20111130..09:10_20111130");
    assert_eq!(said["baseline"], asked("--baseline=1322661900..1322662200")["baseline"], "{said}");
}
