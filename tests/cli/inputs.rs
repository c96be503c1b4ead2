//! Where lines come from: compression, stdin, several formats at once, threads, lines that are none, readers that leave.

use std::io::Read;

use support::log::{EXACT, NOON, Request, csv, requests, rows, text};

fn by_route(request: &Request) -> String {
    request.route().to_owned()
}

#[test]
fn compressed_logs_and_stdin_are_read_as_they_are() {
    let folder = support::folder!();
    let requests = requests(2500);
    let log = text(&requests, Request::combined_plus);
    let expected = csv("route", &rows(&requests, by_route));
    folder.write("plain.log", &log);
    folder.gz("old.log.1.gz", &log);
    folder.zst("old.log.2.zst", &log);
    // Told by the content, whatever the name says.
    folder.gz("no-suffix", &log);
    for file in ["plain.log", "old.log.1.gz", "old.log.2.zst", "no-suffix"] {
        assert_eq!(folder.run(&["report", file, "--format=csv"]).fine(), expected, "{file}");
        let bytes = std::fs::read(folder.path(file)).unwrap();
        assert_eq!(folder.run_with(&bytes, &["report", "-", "--format=csv"]).fine(), expected, "{file} on stdin");
    }
}

#[test]
fn several_gzip_members_are_one_log() {
    let folder = support::folder!();
    let requests = requests(100);
    let mut bytes = Vec::new();
    for (name, part) in [("1", &requests[..40]), ("2", &requests[40..])] {
        folder.gz(name, text(part, Request::combined_plus));
        bytes.extend(std::fs::read(folder.path(name)).unwrap());
    }
    folder.write("both.gz", bytes);
    let expected = csv("route", &rows(&requests, by_route));
    assert_eq!(folder.run(&["report", "both.gz", "--format=csv"]).fine(), expected);
}

#[test]
fn files_of_different_formats_make_one_report() {
    let folder = support::folder!();
    let mut all = requests(900);
    let (plus, rest) = all.split_at_mut(300);
    let (json, extra) = rest.split_at_mut(300);
    for request in json.iter_mut() {
        // The format has no bytes.
        request.bytes = 0;
    }
    folder.write("plus.log", text(plus, Request::combined_plus));
    folder.gz("json.log.gz", text(json, Request::json));
    let stdin = text(extra, Request::combined_plus);
    let expected = csv("route", &rows(plus.iter().chain(json.iter()).chain(extra.iter()), by_route));
    let run = folder.run_with(stdin.as_bytes(), &["report", "plus.log", "json.log.gz", "-", "--format=csv"]);
    assert_eq!(run.fine(), expected);
}

#[test]
fn threads_change_nothing() {
    let folder = support::folder!();
    // Over two blocks of 512 KiB in each file, so that threads do share the work.
    let requests = requests(12_000);
    let mut log = text(&requests, Request::combined_plus);
    log.insert_str(log.len() / 2 - log[..log.len() / 2].rfind('\n').map_or(0, |at| log.len() / 2 - at - 1), "torn\n");
    assert!(log.len() > 1_100_000);
    folder.write("a.log", &log);
    folder.gz("b.log.gz", text(&requests, Request::combined_plus));
    for command in [
        &["report", "--by=target", "--format=csv"][..],
        &["report", "--format=table"],
        &["slow", "--samples=3", "--format=json"],
        &["slow", "--threshold=100ms"],
    ] {
        let run = |threads: &str| {
            let run = folder.run(&[command, &["a.log", "b.log.gz", "--threads", threads]].concat());
            assert_eq!(run.code, 0);
            (run.out, run.err)
        };
        let one = run("1");
        assert!(one.1.contains("1 of 24001 lines rejected"), "{}", one.1);
        assert_eq!(run("4"), one, "{command:?}");
    }
}

#[test]
fn lines_that_do_not_fit_are_counted_and_harmless() {
    let folder = support::folder!();
    let requests = requests(200);
    let good = text(&requests, Request::combined_plus);
    let expected = csv("route", &rows(&requests, by_route));
    let at = good.match_indices('\n').nth(99).unwrap().0 + 1;
    let mut bytes = good.as_bytes()[..at].to_vec();
    bytes.extend(b"not a line\n\n\x00\x00\x00\x00\n\xff\xfe\x1b[31m\n");
    bytes.extend(good.as_bytes()[at..].iter());
    bytes.extend(good.lines().next().unwrap().as_bytes()[..40].iter());
    folder.write("a.log", &bytes);
    let run = folder.run(&["report", "a.log", "--format=csv"]);
    run.said(0, &["5 of 205 lines rejected; the first in a.log at byte ", &at.to_string(), "column 1"]);
    assert_eq!(run.out, expected);
    assert!(!run.err.contains('\x1b'));
}

#[test]
fn over_long_lines_are_counted_and_harmless_wherever_they_stand() {
    let folder = support::folder!();
    let requests = requests(50);
    let good = text(&requests, Request::combined_plus);
    let long = "x".repeat((1 << 20) + 1) + "\n";
    let expected = csv("route", &rows(&requests, by_route));
    for (place, log) in [
        ("first", format!("{long}{long}{good}")),
        ("last", format!("{good}{long}{long}")),
        ("both", format!("{long}{good}{long}")),
    ] {
        folder.write("a.log", &log);
        let run = folder.run(&["report", "a.log", "--format=csv"]);
        run.said(0, &["2 of 52 lines rejected", "line too long"]);
        assert_eq!(run.out, expected, "{place}");
        let run = folder.run_with(log.as_bytes(), &["report", "-", "--format=csv"]);
        run.said(0, &["2 of 52 lines rejected", "line too long"]);
        assert_eq!(run.out, expected, "{place}, stdin");
    }
    folder.write("a.log", &long);
    folder.run(&["report", "a.log"]).said(1, &["a.log: 1 lines, all rejected: line too long"]);
}

#[test]
fn a_last_line_without_newline_counts() {
    let folder = support::folder!();
    let requests = requests(3);
    folder.write("a.log", text(&requests, Request::combined_plus).trim_end());
    let expected = csv("route", &rows(&requests, by_route));
    assert_eq!(folder.run(&["report", "a.log", "--format=csv"]).fine(), expected);
}

#[test]
fn a_missing_file_leaves_a_partial_answer() {
    let folder = support::folder!();
    let requests = requests(100);
    folder.write("a.log", text(&requests, Request::combined_plus));
    let expected = csv("route", &rows(&requests, by_route));
    for command in ["report", "lines", "records", "slow"] {
        let run = folder.run(&[command, "gone.log", "a.log", "--format=csv"]);
        run.said(3, &["gone.log: cannot open it: No such file", "help: check the path"]);
        let alone = folder.run(&[command, "a.log", "--format=csv"]).fine();
        assert_eq!(run.out, alone, "{command}: the others are answered");
        if command == "report" {
            assert_eq!(alone, expected);
        }
    }
    // JSON says it in the answer itself.
    for command in ["report", "lines", "slow"] {
        let json = folder.run(&[command, "gone.log", "a.log", "--format=json"]).ended(3);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["complete"], false, "{command}");
        assert!(json["missing"][0].as_str().unwrap().starts_with("gone.log: cannot open it"), "{json}");
    }
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.run(&["report", "folder", "a.log"]).said(3, &["folder: is a directory", "help: "]);
}

#[test]
fn damaged_compression_leaves_a_partial_answer() {
    let folder = support::folder!();
    let requests = requests(5000);
    folder.gz("a.log.gz", text(&requests, Request::combined_plus));
    let mut bytes = std::fs::read(folder.path("a.log.gz")).unwrap();
    bytes.truncate(bytes.len() / 2);
    folder.write("a.log.gz", bytes);
    let run = folder.run(&["report", "a.log.gz", "--format=csv"]);
    run.said(3, &["a.log.gz"]);
    assert!(run.out.lines().count() > 1, "what could be read is counted: {}", run.out);
}

#[test]
fn an_unknown_format_is_a_usage_error_with_a_remedy() {
    let folder = support::folder!();
    folder.write("odd.log", "alpha beta\n".repeat(50));
    let run = folder.run(&["report", "odd.log"]);
    run.said(2, &["odd.log: its lines fit none of the", "help:", "--log-format"]);
    assert_eq!(run.out, "");
    folder.run(&["report", "odd.log", "--log-format", "combinned"]).said(2, &["combinned", "did you mean `combined`?"]);
    folder.run(&["report", "odd.log", "--log-format", "$remote_addr$status $msec"]).said(2, &["log_format"]);
    folder
        .run(&["report", "odd.log", "--log-format", "$remote_addr $status"])
        .said(2, &["odd.log: format `given`", "time_local"]);
}

#[test]
fn an_empty_log_holds_nothing() {
    let folder = support::folder!();
    folder.write("empty.log", "");
    for command in ["report", "lines", "records", "slow"] {
        folder.run(&[command, "empty.log"]).said(1, &[]);
    }
}

#[test]
fn a_format_given_as_text_may_escape_as_json_does() {
    let folder = support::folder!();
    let format = r#"{"t":$msec,"d":$request_time,"s":$status,"q":"$request","a":"$http_user_agent"}"#;
    folder.write(
        "a.log",
        "{\"t\":1322661900.000,\"d\":0.250,\"s\":200,\"q\":\"GET /a\\u0022b HTTP/1.1\",\"a\":\"say \\\"hi\\\" \\\\o/\"}\n\
         {\"t\":1322661901.000,\"d\":0.750,\"s\":200,\"q\":\"GET /slow HTTP/1.1\",\"a\":\"\"}\n",
    );
    let out = folder.run(&["records", "a.log", "--log-format", format, "--escape", "json", "--format", "jsonl"]).fine();
    let records: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records[0]["http_user_agent"], "say \"hi\" \\o/");
    assert_eq!(records[0]["target"], "/a\"b");
    assert_eq!(records[1]["http_user_agent"], serde_json::Value::Null);
    let out = folder.run(&["report", "a.log", "--log-format", format, "--escape", "json", "--format", "csv"]).fine();
    assert!(out.contains("slow,1,750,"), "{out}");
    let run = folder.run(&["report", "a.log", "--log-format", format, "--escape", "xml"]);
    run.said(2, &["xml", "json"]);
    folder.run(&["report", "a.log", "--escape", "json"]).said(2, &["--log-format"]);
    folder.run(&["report", "a.log", "--log-format=combined", "--escape=json"]).said(2, &["own escape", "leave out"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = support::folder!();
    // More output than a pipe holds.
    let requests = requests(20_000);
    folder.write("a.log", text(&requests, Request::exact));
    for arguments in [&["lines"][..], &["records"], &["records", "--format=csv"], &["report", "--by=target"]] {
        let mut child = folder.command(&[arguments, &["a.log", "--log-format", EXACT]].concat()).spawn().unwrap();
        let mut some = [0; 20];
        child.stdout.take().unwrap().read_exact(&mut some).unwrap();
        // The pipe is closed here.
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn names_that_a_stranger_chose_do_not_leave_their_place() {
    let folder = support::folder!();
    let evil = ["/=cmd()", "/a;b=c", "/..", "/\\x1B[31m", "/a%0Ab", "/<script>"];
    let requests: Vec<Request> = evil.iter().map(|target| Request::new(NOON, 5, target)).collect();
    folder.write("a.log", text(&requests, Request::combined_plus));
    let out = folder.run(&["report", "a.log", "--format=csv"]).fine();
    for row in out.lines().skip(1) {
        let name = row.split(',').next().unwrap();
        assert!(
            name.split('.').all(|node| !node.is_empty()
                && node.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))),
            "{name}"
        );
    }
    assert_eq!(out.lines().count(), 1 + evil.len());
    let out = folder.run(&["report", "a.log", "--by=target", "--format=csv"]).fine();
    assert!(out.lines().all(|row| !row.starts_with(['=', '+', '-', '@'])), "{out}");
}

/// What was rejected was not read: of a few lines that is said, of many the answer is a part.
#[test]
fn a_file_of_which_many_lines_do_not_fit_is_read_in_part() {
    let folder = support::folder!();
    let good = Request::new(NOON, 1500, "/slow").exact() + "\n";
    let bad = "192.0.2.1 another format\n";
    let arguments = [&["report"][..], &["slow"], &["lines"], &["records"]];
    for (whole, others, code) in [(99, 1, 0), (95, 6, 3), (500, 500, 3)] {
        folder.write("a.log", good.repeat(whole) + &bad.repeat(others));
        for arguments in arguments {
            let run = folder.run(&[arguments, &["a.log", "--log-format", EXACT]].concat());
            assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
            let says = format!("the first at byte {}", good.len() * whole);
            assert!(code == 0 || run.err.contains("partial: a.log: ") && run.err.contains(&says), "{}", run.err);
        }
        let json = folder.run(&["report", "a.log", "--format=json", "--log-format", EXACT]).out;
        assert_eq!(json.contains("\"complete\":true"), code == 0, "{json}");
    }
}

#[test]
fn json_of_which_only_some_lines_have_the_latency() {
    let folder = support::folder!();
    let line = |more: &str| {
        format!("{{\"time\":\"2021-01-26T10:00:01Z\",\"request\":\"GET /a HTTP/1.1\",\"status\":200{more}}}\n")
    };
    folder.write("a.json", line(",\"request_time\":0.310") + &line("") + &line(""));
    folder.run(&["report", "a.json"]).said(3, &["partial: a.json: 2 of 3 lines have no $request_time"]);
    folder.write("b.json", line(",\"request_time\":0.310"));
    assert!(!folder.run(&["report", "b.json"]).err.contains("note"));
    // Messages of an application are few, or the answer is a part.
    let message = "{\"level\":\"info\",\"msg\":\"started\"}\n";
    folder.write("c.json", line("").repeat(3) + message);
    assert_eq!(folder.run(&["report", "c.json"]).code, 0);
    folder.write("c.json", line("") + message);
    folder.run(&["report", "c.json", "--log-format=json"]).said(3, &["partial: c.json: 1 of its 2 lines"]);
}

#[test]
fn check_takes_a_format_of_the_configuration_that_a_files_lines_fit() {
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    folder.write(
        "c.toml",
        format!(
            "nginx = \"off\"\n[[log]]\npath = \"{here}x.log\"\nformat = '$msec;$status;$request_time;\"$request\"'\n"
        ),
    );
    folder.write("a.log", "1611655201.123;200;0.310;\"GET /a HTTP/1.1\"\n".repeat(5));
    let check = folder.run(&["check", "--config=c.toml", "a.log"]).ended(0);
    assert!(check.contains("a.log: written in the format of ") && check.contains("x.log, as configured"), "{check}");
    assert!(check.contains("100.00 % of 5 lines fit"), "{check}");
    folder.write("b.log", "something else\n".repeat(5));
    assert!(folder.run(&["check", "--config=c.toml", "b.log"]).out.contains("fit none of the"));
}

/// A combined line with this behind it, eight times.
fn with_tail(tail: &str) -> String {
    let line = |n: usize| {
        format!("192.0.2.{n} - - [04/Mar/2026:05:06:0{n} +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"{tail}\n")
    };
    (1..9).map(line).collect()
}

#[test]
fn values_that_a_line_names_itself_are_what_they_are_called() {
    let folder = support::folder!();
    for (tail, time) in [
        (" rt=0.250 uct=\"0.001\"", "250"),
        (" rt=0.250 uct=\"-\" host=a.example", "250"),
        (" request_time=0.250 upstream_response_time=0.100, 0.149", "250"),
        (" rt:0.250 urt:0.100", "250"),
        (" requestTime=0.250", "250"),
        (" request_time_ms=250", "250"),
        (" us=\"502, 200\" pod=web-1 rt=0.250", "250"),
        (" \"-\" rt=0.250", "250"),
    ] {
        folder.write("a.log", with_tail(tail));
        let run = folder.run(&["report", "a.log", "--format=csv"]);
        run.said(0, &["and what its lines name behind it: "]);
        let row = run.out.lines().nth(1).unwrap();
        assert!(row.starts_with("a,8,2000,") && row.contains(&format!(",{time},")), "{tail}: {row}");
    }
    // A name that says no unit, or whose values are not of it, has no meaning; nor has a number beside it.
    for tail in [
        " rt=0.250 rt=0.310",
        " took=0.250",
        " rt=250",
        " rt=250ms",
        " rt=",
        " 0.251 rt=0.250",
        " duration=0.250 x=1",
        " bytes=7",
    ] {
        folder.write("a.log", with_tail(tail));
        let run = folder.run(&["report", "a.log", "--format=csv"]);
        assert!(run.code == 2 || run.code == 0 && run.out.contains("\na,8,,,"), "{tail}: {run:?}");
    }
}

/// A quoted address behind a combined line may be of any header: it has a name only where a value tells which, or none has one.
#[test]
fn an_address_that_nothing_names_has_no_name() {
    let folder = support::folder!();
    let said = "the address behind it, which nothing names";
    let list = with_tail(" \"198.51.100.4, 10.1.0.2\"");
    for (front, behind, named) in [
        (" \"198.51.100.4\"", "", false),
        (" \"198.51.100.4\"", " rt=0.250", false),
        (" \"198.51.100.4\"", " upstream_header_time=0.001", false),
        (" \"198.51.100.4\"", " 0.250 0.100", false),
        (" \"-\"", "", true),
        (" \"-\"", " rt=0.250", true),
        (" \"198.51.100.4, 10.1.0.2\"", " rt=0.250", true),
        (" \"198.51.100.4, 10.1.0.2\"", "", true),
    ] {
        folder.write("a.log", with_tail(&format!("{front}{behind}")).repeat(4));
        let run = folder.run(&["records", "a.log", "--format=jsonl"]);
        let tail = format!("{front}{behind}");
        if run.code == 2 {
            continue;
        }
        assert_eq!((run.code, run.err.contains(said)), (0, !named), "{tail}: {}", run.err);
        assert_eq!(run.out.contains("http_x_forwarded_for"), named, "{tail}: {}", run.out);
        assert_eq!(run.out.contains("\"bare_address\":\"198.51.100.4\""), !named, "{tail}: {}", run.out);
    }
    // One list among them is enough, unless each ends with the client, as $proxy_add_x_forwarded_for does.
    folder.write("a.log", with_tail(" \"198.51.100.4\"") + &list);
    assert!(folder.run(&["records", "a.log"]).fine().contains("http_x_forwarded_for"));
    let own = (1..9)
        .map(|n| with_tail(&format!(" \"198.51.100.4, 192.0.2.{n}\"")).lines().nth(n - 1).unwrap().to_owned() + "\n");
    folder.write("a.log", own.collect::<String>());
    folder.run(&["records", "a.log"]).said(0, &[said]);
    // By name it is what its name says.
    let run = folder.run(&["records", "a.log", "--log-format=main", "--format=jsonl"]);
    assert!(run.code == 0 && run.out.contains("\"http_x_forwarded_for\":\"198.51.100.4, 192.0.2.1\""), "{run:?}");
}

/// The format was found because the lines' times look as nginx writes them: behind the lines that it was found by they do too, or
/// are none. A format that is given reads what it says.
#[test]
fn what_a_found_format_takes_for_a_time_looks_so_to_the_logs_end() {
    let folder = support::folder!();
    let times = |tail: &str, lines: usize| with_tail(tail).repeat(lines / 8);
    for (head, late) in [(" 0.250", " 482"), (" 0.250", " 310.5"), (" rt=0.250", " rt=250")] {
        folder.write("a.log", times(head, 800) + &times(late, 800));
        let run = folder.run(&["report", "a.log", "--format=csv"]);
        run.said(3, &["800 of 1600 lines rejected", "not a number", "partial: a.log: 800 of its 1600 lines"]);
        assert!(run.out.lines().nth(1).unwrap().starts_with("a,800,200000,"), "{head}, {late}: {}", run.out);
    }
    folder.write("a.log", times(" 0.250", 8) + &times(" 2", 8));
    let out = folder.run(&["report", "a.log", "--log-format=with_time", "--format=csv"]).fine();
    assert!(out.lines().nth(1).unwrap().starts_with("a,16,18000,"), "{out}");
}

/// Both are named, whatever tells the format of the most.
#[test]
fn a_log_of_two_formats_is_told_with_both() {
    let folder = support::folder!();
    let combined = with_tail("");
    let json = "{\"ts\":\"2026-03-04T05:06:07Z\",\"rt\":0.1,\"path\":\"/a\",\"status\":200}\n".repeat(8);
    let ltsv = "time:2026-03-04T05:06:07Z\turi:/a\tstatus:200\treqtime:0.1\n".repeat(8);
    let timed = with_tail(" rt=0.048 uct=\"0.001\" uht=\"0.046\" urt=\"0.046\"");
    let named = |folder: &support::program::Folder, arguments: &[&str], text: String, says: &str| {
        folder.write("a.log", text);
        folder.run(&[&["report", "a.log"], arguments].concat()).said(3, &[says, "such lines are left out"]);
    };
    let at_home = ["--config=off.toml"];
    folder.write("off.toml", "nginx = \"off\"\n");
    named(&folder, &at_home, combined.clone() + &json, "8 in `json`, not in `combined`");
    named(&folder, &at_home, json + &ltsv, "8 in `ltsv`, not in `json`");
    let one = timed.lines().next().unwrap().to_owned() + "\n";
    let most = combined.repeat(6) + &one;
    named(&folder, &at_home, most.clone(), "1 in `upstream_times`, not in `combined`");
    // A configured log has the format of the most; the others are in another all the same.
    folder.write("c.toml", "nginx = \"off\"\n[[log]]\npath = \"/nowhere/x.log\"\nformat = \"combined\"\n");
    named(&folder, &["--config=c.toml"], most, "1 in `upstream_times`, not in `combined`");
}

/// Whether a lone time is `$request_time` or the upstream's is asked, also where two lines are of yet another format.
#[test]
fn a_few_lines_of_another_format_do_not_choose_the_format_of_the_others() {
    let folder = support::folder!();
    let most = with_tail(" \"198.51.100.4\" 1.503").repeat(5);
    folder.write("a.log", &most);
    folder
        .run(&["report", "a.log"])
        .said(2, &["its lines fit several formats alike", "main_time: $request_time 1.503"]);
    let other = with_tail(" \"-\" - -").lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    folder.write("a.log", most + &other);
    folder.run(&["report", "a.log"]).said(2, &["combined_upstream", "main_time", "combined_upstream_connect"]);
}

/// Named twice, by a pattern too, or linked.
#[test]
fn one_file_is_read_once_however_often_it_is_named() {
    let (folder, requests) = crate::index::folder(60, "");
    folder.write("a.log", text(&requests, Request::exact));
    std::fs::hard_link(folder.path("a.log"), folder.path("b.log")).unwrap();
    std::os::unix::fs::symlink("a.log", folder.path("c.log")).unwrap();
    let expected = csv("route", &rows(&requests, |request| request.route().to_owned()));
    for files in [&["a.log", "a.log"][..], &["a.log", "*.log"], &["./a.log", "b.log", "c.log"]] {
        let run = folder.run(&[&["report", "--format=csv", "--config=c.toml"], files].concat());
        run.said(0, &["are one file, which is read once"]);
        assert_eq!(run.out, expected, "{files:?}");
    }
}
