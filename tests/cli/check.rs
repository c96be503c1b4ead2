//! `check`: every finding names its place and what mends it.

use std::net::TcpListener;

use support::log::{EXACT, Request, requests, text};

#[test]
fn a_log_that_fits_is_fine() {
    let folder = support::folder!();
    folder.write("lab.log", text(&requests(100), Request::json));
    let out = folder.run(&["check", "lab.log"]).fine();
    let found = "ok    lab.log: found format `lab_json`: 100.00 % of the 100 lines tried; no other reads any of them\n";
    let fits = "ok    lab.log: 100.00 % of 100 lines fit format `lab_json`\n";
    assert!(out.starts_with(&format!("{found}{fits}")), "{out}");
    let out = folder.run(&["check", "lab.log", "--log-format", "lab_json"]).fine();
    assert!(out.starts_with(fits), "{out}");
}

#[test]
fn what_a_format_lacks_is_said_with_its_consequence() {
    let folder = support::folder!();
    folder
        .write("a.log", "192.0.2.1 - - [22/Nov/2026:20:58:04 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"-\"\n".repeat(5));
    let out = folder.run(&["check", "a.log"]).fine();
    for expected in [
        "fit format `combined`",
        "no latency and no slow requests: add $request_time to the log_format",
        "add $upstream_response_time",
        "whole second only: add $msec",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
}

#[test]
fn lines_that_do_not_fit_are_shown_with_the_byte() {
    let folder = support::folder!();
    let mut log = text(&requests(3), Request::exact);
    log += "1322661900.000 0.5 2x0 1 a \"GET / HTTP/1.1\" \"-\" \"-\"\n";
    let at = text(&requests(3), Request::exact).len();
    folder.write("a.log", &log);
    let run = folder.run(&["check", "a.log", "--log-format", EXACT]);
    let out = run.fine();
    assert!(out.contains("75.00 % of 4 lines fit"), "{out}");
    let place = format!("e.g. byte {at}, column ");
    let note = out.lines().position(|line| line.contains(&place)).unwrap_or_else(|| panic!("{place} is not in {out}"));
    let (shown, caret) = (out.lines().nth(note + 1).unwrap(), out.lines().nth(note + 2).unwrap());
    let number = shown.find("2x0").unwrap();
    let caret = caret.find('^').unwrap();
    assert!((number..number + 3).contains(&caret), "{out}");

    // Mostly wrong is not fine.
    folder.write("b.log", "nothing of the kind\n".repeat(20) + &log);
    let out = folder.run(&["check", "b.log", "--log-format", EXACT]).ended(1);
    assert!(out.starts_with("WRONG b.log: 12.50 % of 24 lines fit format `given`"), "{out}");
}

#[test]
fn an_escape_in_a_line_does_not_reach_the_terminal() {
    let folder = support::folder!();
    folder.write("a.log", text(&requests(3), Request::exact) + "\u{1b}]0;title\u{7}\n");
    let out = folder.run(&["check", "a.log", "--log-format", EXACT]).fine();
    assert!(out.contains("\\x1B]0;title\\x07") && !out.contains('\u{1b}'), "{out}");
}

#[test]
fn files_that_cannot_be_checked() {
    let folder = support::folder!();
    // With nginx here, `check` looks at its logs, as `run` does.
    let run = folder.run(&["check"]);
    if std::path::Path::new("/etc/nginx/nginx.conf").exists() {
        assert!(run.out.contains(" /etc/nginx/nginx.conf"), "{run:?}");
    } else {
        run.said(2, &["nothing to check", "help: name a configuration"]);
    }
    let out = folder.run(&["check", "gone.log"]).ended(3);
    assert!(out.contains("WRONG gone.log: cannot open it") && out.contains("help: check the path"), "{out}");
    folder.write("odd.log", "alpha beta\n".repeat(10));
    let out = folder.run(&["check", "odd.log"]).ended(1);
    assert!(out.contains("WRONG odd.log: its lines fit none") && out.contains("--log-format"), "{out}");
}

#[test]
fn a_good_configuration_is_fine() {
    let folder = support::folder!();
    let carbon = TcpListener::bind("127.0.0.1:0").unwrap();
    folder.write("a.log", text(&requests(50), Request::exact));
    let log = folder.path("a.log").display().to_string();
    let store = folder.path("store").display().to_string();
    let address = carbon.local_addr().unwrap();
    folder.write(
        "c.toml",
        format!(
            "store = '{store}'\n[[log]]\npath = '{log}'\nformat = '{EXACT}'\n[[route]]\nname = \"u.{{n}}\"\n\
             path = \"/users/{{n}}\"\n[[carbon]]\naddress = \"{address}\"\n"
        ),
    );
    let out = folder.run(&["check", "--config=c.toml"]).fine();
    for expected in [
        "ok    configuration: 1 log, 1 route rule\n".to_owned(),
        format!("ok    {log}: 100.00 % of 50 lines fit format `given`\n"),
        format!("ok    store {store}: writable, "),
        format!("ok    carbon {address}: accepts connections\n"),
    ] {
        assert!(out.contains(&expected), "{expected:?} is not in {out}");
    }
    assert!(!folder.path("store").exists(), "looking changes nothing");
}

#[test]
fn what_is_missing_around_a_good_configuration() {
    let folder = support::folder!();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    folder.write("a.log", "nothing of the kind\n".repeat(10));
    let path = |name: &str| folder.path(name).display().to_string();
    folder.write(
        "c.toml",
        format!(
            "store = '{}'\n[[log]]\npath = '{}'\nformat = \"combined\"\n[[log]]\npath = '{}'\nformat = \"combined\"\n\
             [[carbon]]\naddress = \"{address}\"\n",
            path("store"),
            path("a.log"),
            path("later.log")
        ),
    );
    let out = folder.run(&["check", "--config=c.toml"]).ended(1);
    for expected in [
        format!("WRONG {}: 0.00 % of 10 lines fit format `combined`", path("a.log")),
        format!("WRONG log {}: no such file (yet)", path("later.log")),
        format!("WRONG carbon {address}: "),
        "help: is carbon-cache running".to_owned(),
    ] {
        assert!(out.contains(&expected), "{expected:?} is not in {out}");
    }
}
