//! What `why` cannot know is said, and not guessed: without times, with a handful of requests before, in an hour that comes twice.

use std::fmt::Write;

use serde_json::Value;
use support::program::{Folder, Run};

const FORMAT: &str = "$msec $remote_addr $status $request_time \"$request\"";

/// 2011-11-30 14:00:00 UTC, in seconds.
const BEGIN: u64 = 1_322_661_600;

/// So many requests before the window, then 600 in it, of which every third is slow.
fn log_of(before: u64, window: u64) -> String {
    let mut log = String::new();
    for at in 0..before {
        let end = BEGIN * 1000 + 299_000 * at / before.max(1);
        writeln!(log, "{}.{:03} 192.0.2.{} 200 0.040 \"GET /a HTTP/1.1\"", end / 1000, end % 1000, at % 9).unwrap();
    }
    for at in 0..window {
        let end = (BEGIN + 300) * 1000 + at * 200;
        let took = if at % 3 == 0 { 1200 + at } else { 30 + at % 20 };
        let (seconds, millis) = (took / 1000, took % 1000);
        writeln!(
            log,
            "{}.{:03} 192.0.2.{} 200 {seconds}.{millis:03} \"GET /a HTTP/1.1\"",
            end / 1000,
            end % 1000,
            at % 9
        )
        .unwrap();
    }
    log
}

/// The same question of the files and of the store.
fn why(folder: &Folder, format: &str, more: &[&str]) -> [Run; 2] {
    folder.write(
        "c.toml",
        format!("store = 'store'\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{format}'\n"),
    );
    folder.run(&["index", "a.log", "--config=c.toml"]).ended(0);
    let asked = ["why", "--from=2011-11-30T14:05Z", "--until=2011-11-30T14:07Z", "--config=c.toml"];
    [&["a.log"][..], &[]].map(|source| folder.run(&[&asked[..], more, source].concat()))
}

#[test]
fn a_handful_of_requests_does_not_say_what_is_usual() {
    for (before, said) in [
        (0, "no request ended in the baseline"),
        (1, "one request in the baseline does not say what is usual"),
        (19, "19 requests in the baseline are too few to say what is usual"),
    ] {
        let folder = support::folder!();
        folder.write("a.log", log_of(before, 600));
        for form in ["--format=table", "--format=json", "--format=html"] {
            for run in why(&folder, FORMAT, &[form]) {
                run.said(3, &[said, "--baseline FROM..UNTIL"]);
                assert_eq!(run.out, "", "{before}");
            }
        }
    }
    let folder = support::folder!();
    folder.write("a.log", log_of(20, 600));
    for run in why(&folder, FORMAT, &["--format=json"]) {
        let told: Value = serde_json::from_str(&run.ended(0)).unwrap();
        assert_eq!(told["verdict"], "slower");
    }
}

#[test]
fn where_no_request_has_a_time_there_is_no_verdict() {
    let folder = support::folder!();
    let untimed = "$msec $remote_addr $status \"$request\"";
    let cut = |line: &str| {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        format!("{} {} {} {}\n", words[0], words[1], words[2], words[4])
    };
    folder.write("a.log", log_of(300, 600).lines().map(cut).collect::<String>());
    for run in why(&folder, untimed, &["--format=json"]) {
        run.said(
            3,
            &["none of the 600 requests of the window says how long it took", "$request_time", "spikeline diff"],
        );
        assert_eq!(run.out, "");
    }
    // Only those before do not say it.
    let folder = support::folder!();
    let log = log_of(300, 600).replace(" 200 0.040 ", " 200 - ");
    folder.write("a.log", log);
    for run in why(&folder, FORMAT, &[]) {
        run.said(3, &["no request of the baseline says how long it took"]);
    }
}

#[test]
fn of_a_window_without_a_request_nothing_is_said_to_be_more() {
    let folder = support::folder!();
    folder.write("a.log", log_of(300, 0));
    for run in why(&folder, FORMAT, &["--format=json"]) {
        let told: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(told["verdict"], "nothing");
    }
}

/// Clocks that are put back show an hour twice: each time says which of the two it is in.
#[test]
fn in_an_hour_that_comes_twice_times_have_their_offset() {
    let folder = support::folder!();
    // 2011-10-30 01:00 UTC, when it is 02:00 in Berlin for the second time.
    let second = 1_319_936_400_u64;
    let mut log = String::new();
    for at in 0..3000 {
        let end = second - 3600 + at * 2;
        let took = if end >= second + 600 && end < second + 1200 && at % 3 == 0 { "1.500" } else { "0.030" };
        writeln!(log, "{end}.000 192.0.2.{} 200 {took} \"GET /a HTTP/1.1\"", at % 9).unwrap();
    }
    folder.write("a.log", log);
    let asked = ["why", "a.log", "--log-format", FORMAT, "--from=2011-10-30T01:10Z", "--until=2011-10-30T01:20Z"];
    let run = folder.run(&[&asked[..], &["--tz=Europe/Berlin"]].concat());
    run.said(0, &["window 2011-10-30 02:10:00 +01:00 .. 2011-10-30 02:20:00 +01:00 (Europe/Berlin)"]);
    let out = run.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(out.contains("2011-10-30 02:10:00 +01:00 .. 02:20:00 +01:00 Europe/Berlin (10.0 min)"), "{out}");
    assert!(out.contains("(as 2011-10-30 02:00:00 +02:00 .. 02:10:00 +01:00)"), "{out}");
    // Elsewhere they have none.
    let run = folder.run(&[&asked[..], &["--tz=Asia/Tokyo"]].concat());
    assert!(run.out.contains("2011-10-30 10:10:00 .. 10:20:00 Asia/Tokyo (10.0 min)"), "{}", run.out);
}
