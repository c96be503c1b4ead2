//! `--format html`: one file that loads nothing and runs nothing, whatever strangers wrote into the log.

use std::fmt::Write;

use support::folder;
use support::program::{Folder, Run};

const FORMAT: &str =
    "$remote_addr [$time_local] \"$request\" $status $body_bytes_sent \"$http_user_agent\" $request_time $msec";

/// 2011-11-30 14:00:00 UTC.
const BEGIN: u64 = 1_322_661_600;

/// What tries to get out of where it stands.
const HOSTILE: &str = "</pre></td><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>";

/// Ten minutes of two routes; the one is slow in the sixth and seventh minute. Every agent is hostile.
fn log() -> String {
    let mut log = String::new();
    for second in 0..600u64 {
        let slow = (300..420).contains(&second);
        let took = if slow { 2_000 + second % 7 * 300 } else { 40 + second % 30 };
        let agent = format!("{HOSTILE} \u{202e}evil\u{2066} \\x1B[2J {second}");
        let (minute, of_minute) = (second / 60, second % 60);
        for (target, took) in [("/p/git/tree/1", took), ("/api/<svg>/\u{202e}x", 7 + second % 5)] {
            writeln!(
                log,
                "192.0.2.7 [30/Nov/2011:14:{minute:02}:{of_minute:02} +0000] \"GET {target} HTTP/1.1\" 200 900 \"{agent}\" {}.{:03} {}.500",
                took / 1000,
                took % 1000,
                BEGIN + second
            )
            .unwrap();
        }
    }
    log
}

fn folder() -> Folder {
    let folder = folder!();
    folder.write("access.log", log().as_bytes());
    folder
}

/// The document that a command gives; with the exit code that it must have.
#[track_caller]
fn document(ran: &Run, code: i32) -> String {
    assert_eq!(ran.code, code, "{}", ran.err);
    let html = ran.out.clone();
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    // Nothing is loaded, nothing runs, nothing turns the text around.
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        assert!(!["script", "img", "link", "iframe", "object", "a", "base", "form"].contains(&name), "<{tag}>");
        assert!([" src=", " href=", " on", " style="].iter().all(|attribute| !tag.contains(attribute)), "<{tag}>");
    }
    for forbidden in ["url(", "@import", "\u{202e}", "\u{2066}", "\u{1b}"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("default-src 'none'"));
    // Namespaces and lines of the log name addresses, attributes never do.
    let without_names = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!without_names.contains("=\"http"), "an attribute leads elsewhere");
    html
}

const WINDOW: [&str; 4] = ["--from", "2011-11-30T14:05:00Z", "--until", "2011-11-30T14:07:00Z"];

#[test]
fn every_answer_over_files_is_one_document_that_loads_nothing() {
    let folder = folder();
    let common = ["access.log", "--log-format", FORMAT, "--format", "html", "--tz", "UTC"];
    for command in ["report", "slow", "why"] {
        let mut words = vec![command];
        words.extend(common);
        words.extend(WINDOW);
        let html = document(&folder.run(&words), 0);
        assert!(html.contains("<dd>2011-11-30 14:05:00 to 14:07:00</dd><dt>zone</dt><dd>UTC</dd>"), "{command}");
        assert!(html.contains(&format!("spikeline {command} access.log <span>--log-format</span>")), "{command}");
        assert!(html.contains("class=\"complete\""), "{command}");
        for picture in ["heatmap", "icicle", "percentiles"] {
            assert!(html.contains(&format!("class=\"pic {picture}\"")), "{command}: {picture}");
        }
        // As the text: whose the slow ones are, and how long each line took.
        let has_clients = html.contains("192.0.2.7</th><td>") && html.contains("<figcaption><b>");
        assert_eq!(has_clients, command == "slow", "{command}");
    }
    let words =
        ["report", "access.log", "--log-format", FORMAT, "--format", "html", "--by", "http_user_agent", "--limit", "5"];
    let html = document(&folder.run(&words), 0);
    assert!(html.contains("&lt;/pre&gt;&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(html.contains("\\xE2\\x80\\xAEevil"), "what turns text around is shown");
}

#[test]
fn two_sides_are_one_document_with_what_broke_a_condition() {
    let folder = folder();
    let half = log();
    let (before, after) = half.split_at(half.len() / 2);
    folder.write("before.log", before.as_bytes());
    folder.write("after.log", after.as_bytes());
    let words =
        ["diff", "before.log", "after.log", "--log-format", FORMAT, "--format", "html", "--fail-if", "p99>+20%"];
    let html = document(&folder.run(&words), 1);
    assert!(html.contains("Conditions that were broken") && html.contains("<tr class=\"wrong\">"));
    assert_eq!(html.matches("class=\"pic heatmap\"").count(), 4, "two sides, each for a screen and a phone");
    assert!(html.contains("<h1>Before and after</h1>"));
    let window = "<dt>window</dt><dd>before.log, 2011-11-30 14:00:00";
    assert!(html.contains(window) && html.contains(", and then after.log, 2011-11-30 14:05:"), "{}", &html[..8_000]);
}

#[test]
fn the_numbers_are_those_of_the_table() {
    let folder = folder();
    let common = ["report", "access.log", "--log-format", FORMAT];
    let table = folder.run(&common).out;
    let mut words = common.to_vec();
    words.extend(["--format", "html"]);
    let html = document(&folder.run(&words), 0);
    for line in table.lines().filter(|line| line.contains("ms")) {
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect();
        for cell in cells {
            assert!(html.contains(&format!(">{cell}<")), "{cell} of {line}");
        }
    }
    // All requests are in the picture's numbers too.
    assert!(!html.contains("The pictures are of"));
}

#[test]
fn the_store_answers_with_documents_and_says_what_is_missing() {
    let folder = folder();
    let config = format!("store = \"store\"\n[[log]]\npath = \"access.log\"\nformat = '{FORMAT}'\n");
    folder.write("s.toml", config.as_bytes());
    assert_eq!(folder.run(&["index", "access.log", "--config", "s.toml"]).code, 0);
    for command in ["report", "slow", "why"] {
        let mut words = vec![command, "--config", "s.toml", "--format", "html", "--tz", "UTC"];
        words.extend(WINDOW);
        let ran = folder.run(&words);
        let html = document(&ran, 0);
        assert!(html.contains("class=\"pic heatmap\""), "{command}");
        // As the last word on stderr.
        let last_word = ran.err.trim_end().lines().next_back().unwrap();
        assert!(html.contains(&format!("<p class=\"complete\">{last_word}</p>")), "{command}: {last_word}");
        assert!(last_word.starts_with("complete"), "{command}: {last_word}");
        // From when on a request is slow, whether the pictures are of slots or of lines.
        assert!(html.contains("class=\"threshold\""), "{command}");
    }
    let mut words = vec!["report", "--by", "status", "--config", "s.toml", "--format", "html"];
    words.extend(WINDOW);
    assert!(document(&folder.run(&words), 0).contains("class=\"threshold\""), "from the lines");
    std::fs::remove_file(folder.path("access.log")).unwrap();
    let mut words = vec!["why", "--config", "s.toml", "--format", "html"];
    words.extend(WINDOW);
    let ran = folder.run(&words);
    assert_eq!(ran.code, 3, "{}", ran.err);
}

#[test]
fn a_line_of_a_mebibyte_is_shown_in_part_and_that_is_said() {
    let folder = folder!();
    let agent = "<b>".repeat(1 << 18);
    let line =
        format!("192.0.2.7 [30/Nov/2011:14:00:00 +0000] \"GET /a HTTP/1.1\" 200 900 \"{agent}\" 3.000 {BEGIN}.500\n");
    folder.write("access.log", line.as_bytes());
    let html = document(&folder.run(&["slow", "access.log", "--log-format", FORMAT, "--format", "html"]), 0);
    assert!(html.len() < 200_000, "{} bytes", html.len());
    assert!(html.contains("in all)"));
}
