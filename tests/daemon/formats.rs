//! nginx.conf's log_format changes while the daemon runs, before, without or after a reload: each line is read in the format that it is
//! in, none is lost, and all that is asked of the store later reads each by its own.

use std::time::{SystemTime, UNIX_EPOCH};

use support::log::{EXACT, Request, csv, requests, rows};

use crate::rig::{Rig, until};

fn more(request: &Request) -> String {
    request.exact() + " more=\"-\""
}

fn as_json(request: &Request) -> String {
    let Request { end, time, method, target, host, status, bytes, upstream } = request;
    let at = |millis: i64| format!("{}.{:03}", millis / 1000, millis % 1000);
    format!(
        "{{\"end\":{},\"took\":{},\"status\":{status},\"sent\":{bytes},\"host\":\"{host}\",\"line\":\"{method} {target} HTTP/1.1\",\"up\":\"{upstream}\"}}",
        at(*end),
        at(i64::try_from(*time).unwrap())
    )
}

const JSON: &str = "escape=json '{\"end\":$msec,\"took\":$request_time,\"status\":$status,\"sent\":$body_bytes_sent,\"host\":\"$host\",\"line\":\"$request\",\"up\":\"$upstream_response_time\"}'";

/// A rig whose log is nginx's, in a format that is in a file of its own.
fn rig() -> Rig {
    let rig = Rig::new("", "");
    let path = |name: &str| rig.folder.path(name).display().to_string();
    std::fs::create_dir(rig.folder.path("conf.d")).unwrap();
    let log = path("a.log");
    rig.folder.write(
        "nginx.conf",
        format!(
            "events {{}}\nhttp {{\ninclude {}/*.conf;\nserver {{ listen 80; access_log {log} timed; }}\n}}\n",
            path("conf.d")
        ),
    );
    write_format(&rig, &format!("'{EXACT}'"));
    let (store, conf) = (path("store"), path("nginx.conf"));
    rig.folder
        .write("c.toml", format!("store = '{store}'\npoll = \"50ms\"\nnginx = '{conf}'\nroutes = \"template\"\n"));
    rig
}

fn write_format(rig: &Rig, format: &str) {
    rig.folder.write("conf.d/format.conf", format!("log_format timed {format};\n"));
}

/// Appends these, each in the format that `line` says.
fn append(rig: &Rig, requests: &[Request], line: impl Fn(usize, &Request) -> String) -> Vec<String> {
    let lines: Vec<String> = requests.iter().enumerate().map(|(at, request)| line(at, request)).collect();
    rig.append("a.log", &(lines.join("\n") + "\n"));
    lines
}

/// All that is asked of the store is what was written.
#[track_caller]
fn answers(rig: &Rig, requests: &[Request], lines: &[String]) {
    rig.until_counted(requests.len());
    let report = rig.ask(&["report", "--format=csv", "--from=2011-11-30T14:00Z", "--until=2011-11-30T16:00Z"]);
    assert_eq!(report.out, csv("route", &rows(requests, |request| request.route().to_owned())));
    let ledger = rig.ledger();
    assert_eq!((ledger.parsed, ledger.lines), (requests.len() as u64, requests.len() as u64), "{ledger:?}");
    let all = rig.ask(&["lines", "--all"]);
    all.said(0, &["complete"]);
    let (mut shown, mut written) = (all.out.lines().collect::<Vec<_>>(), lines.to_vec());
    shown.sort_unstable();
    written.sort_unstable();
    assert_eq!(shown, written);
    let records = rig.ask(&["records", "--format=csv"]);
    assert_eq!(records.ended(0).lines().count(), 1 + requests.len());
    rig.ask(&["verify"]).said(0, &[]);
}

/// Old workers go on for a while beside the new ones.
fn mixed(at: usize, request: &Request) -> String {
    if at < 100 && !at.is_multiple_of(3) { request.exact() } else { more(request) }
}

#[test]
fn a_log_format_that_changes_is_taken_up_without_a_reload_and_the_store_reads_each_line_by_its_own() {
    let rig = rig();
    let all = requests(600);
    let mut lines = append(&rig, &all[..200], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(200);
    write_format(&rig, &format!("'{EXACT} more=\"$http_x\"'"));
    lines.extend(append(&rig, &all[200..400], mixed));
    daemon.until_said("nginx.conf says another log_format by now");
    answers(&rig, &all[..400], &lines);
    // The reload changes nothing, nor does a restart in the midst.
    daemon.hang_up();
    daemon.until_said("the new configuration is in force");
    lines.extend(append(&rig, &all[400..500], mixed));
    rig.until_counted(500);
    daemon.kill();
    let daemon = rig.start();
    lines.extend(append(&rig, &all[500..], mixed));
    answers(&rig, &all, &lines);
    assert!(daemon.stop().success());
    answers(&rig, &all, &lines);
}

#[test]
fn a_change_while_nobody_reads_is_taken_up_at_the_line_where_the_log_changes() {
    let rig = rig();
    let all = requests(500);
    let mut lines = append(&rig, &all[..200], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(200);
    assert!(daemon.stop().success());
    write_format(&rig, JSON);
    // Of these the daemon has not read any yet.
    lines.extend(append(&rig, &all[200..260], |_, request| request.exact()));
    lines.extend(append(
        &rig,
        &all[260..400],
        |at, request| if at % 4 == 1 { request.exact() } else { as_json(request) },
    ));
    let daemon = rig.start();
    answers(&rig, &all[..400], &lines);
    // Back again, and rotated in the midst.
    write_format(&rig, &format!("'{EXACT}'"));
    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    lines.extend(append(&rig, &all[400..], |at, request| if at % 4 == 1 { as_json(request) } else { request.exact() }));
    answers(&rig, &all, &lines);
    assert!(daemon.stop().success());
    answers(&rig, &all, &lines);
}

#[test]
fn a_bad_format_leaves_the_old_in_place_with_the_error() {
    let rig = rig();
    let all = requests(400);
    let mut lines = append(&rig, &all[..100], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(100);
    write_format(&rig, "'$msec unclosed");
    lines.extend(append(&rig, &all[100..200], |_, request| request.exact()));
    daemon.until_said("nginx.conf was changed and cannot be read, so that all formats stay as they are: ");
    daemon.hang_up();
    daemon.until_said("the configuration before stays in force");
    // It says no time: nobody could count by it.
    write_format(&rig, "'$remote_addr $status'");
    lines.extend(append(&rig, &all[200..300], |_, request| request.exact()));
    daemon.until_said("names it no more, or in a format that cannot be counted by; it is read as before");
    daemon.hang_up();
    daemon.until_said("is not followed: ");
    rig.until_counted(300);
    write_format(&rig, &format!("'{EXACT} more=\"$http_x\"'"));
    lines.extend(append(&rig, &all[300..], mixed));
    daemon.until_said("nginx.conf says another log_format by now");
    answers(&rig, &all, &lines);
    assert!(daemon.stop().success());
}

/// Both formats fit every line that has an upstream, with other values: no line is counted by a guess.
#[test]
fn a_line_that_fits_both_with_other_values_is_never_guessed() {
    let rig = rig();
    let all = requests(300);
    append(&rig, &all[..100], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(100);
    // Status and bytes change places.
    let swapped = EXACT.replace("$status $body_bytes_sent", "$body_bytes_sent $status");
    write_format(&rig, &format!("'{swapped}'"));
    let in_both = |request: &&Request| (10..1000).contains(&request.bytes);
    append(&rig, &all[100..200], |_, request| request.exact());
    let undecided = all[100..200].iter().filter(in_both).count();
    until("the ledger", || rig.ledger().lines, |lines| *lines == 200);
    let ledger = rig.ledger();
    let rejected: u64 = ledger.rejected.values().sum();
    assert!(
        ledger.parsed + rejected == 200 && rejected <= undecided as u64,
        "{undecided} {ledger:?} {}",
        std::fs::read_to_string(rig.folder.path("a.log")).unwrap()
    );
    if rejected > 0 {
        daemon.until_said("fit its log_format before and after the change");
    }
    assert!(daemon.stop().success());
}

/// Nothing but lines tells when nginx took a format up: not a start of the daemon, however long ago.
#[test]
fn a_start_of_the_daemon_says_nothing_of_nginx() {
    let rig = rig();
    let mut all = requests(200);
    append(&rig, &all[..100], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(100);
    assert!(daemon.stop().success());
    write_format(&rig, &format!("'{}'", EXACT.replace("$status $body_bytes_sent", "$body_bytes_sent $status")));
    let daemon = rig.start();
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 + 300_000;
    for (request, at) in all[100..].iter_mut().zip(0..) {
        (request.end, request.time) = (later + at, 10);
    }
    append(&rig, &all[100..], |_, request| request.exact());
    until("the ledger", || rig.ledger().lines, |lines| *lines == 200);
    let undecided = all[100..].iter().filter(|request| (10..1000).contains(&request.bytes)).count();
    assert_eq!(rig.ledger().rejected.values().sum::<u64>(), undecided as u64);
    daemon.until_said("fit its log_format before and after the change");
    assert!(daemon.stop().success());
}

/// A log that was ended has the format for the one that follows it at its path.
#[test]
fn a_change_behind_a_truncated_log_is_taken_up() {
    let rig = rig();
    let all = requests(300);
    append(&rig, &all[..100], |_, request| request.exact());
    let daemon = rig.start();
    rig.until_counted(100);
    std::fs::copy(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    std::fs::File::options().write(true).open(rig.folder.path("a.log")).unwrap().set_len(0).unwrap();
    until("the end of the first", || rig.ask(&["status", "--format=json"]).out, |said| !said.contains("\"a.log\""));
    assert!(daemon.stop().success());
    append(&rig, &all[100..200], |_, request| request.exact());
    write_format(&rig, JSON);
    append(&rig, &all[200..], |_, request| as_json(request));
    let daemon = rig.start();
    rig.until_counted(300);
    assert!(daemon.stop().success());
}
