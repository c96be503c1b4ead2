//! A log is renamed, compressed, deleted: its lines are found as long as there are any.

use crate::rig::Rig;
use support::log::{NOON, Request, requests, text};

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

fn exact(requests: &[Request]) -> Vec<String> {
    sorted(requests.iter().map(Request::exact).collect())
}

fn all_lines(rig: &Rig) -> Vec<String> {
    sorted(rig.ask(&["lines", "--all"]).ended(0).lines().map(str::to_owned).collect())
}

/// As logrotate with `create` and `delaycompress`: nginx writes to the renamed file until it is told to reopen.
fn rotate(rig: &Rig, last_words: &[Request]) {
    let path = |name: &str| rig.folder.path(name);
    std::fs::rename(path("a.log"), path("a.log.1")).unwrap();
    rig.append("a.log.1", &text(last_words, Request::exact));
    rig.append("a.log", "");
}

fn compress(rig: &Rig, name: &str) {
    let content = std::fs::read(rig.folder.path(name)).unwrap();
    rig.folder.gz(&format!("{name}.gz"), content);
    std::fs::remove_file(rig.folder.path(name)).unwrap();
}

#[test]
fn lines_are_found_under_the_name_that_the_log_has_by_now() {
    let rig = Rig::new("", "");
    let requests = requests(1500);
    rig.log(&requests[..600]);
    let daemon = rig.start();
    rig.until_counted(600);
    rotate(&rig, &requests[600..700]);
    rig.log(&requests[700..1000]);
    rig.until_counted(1000);
    assert_eq!(all_lines(&rig), exact(&requests[..1000]), "renamed");
    let kept = rig.ask(&["lines"]).ended(0);

    compress(&rig, "a.log.1");
    assert_eq!(all_lines(&rig), exact(&requests[..1000]), "compressed");
    assert_eq!(rig.ask(&["lines"]).ended(0), kept);

    // Once more, so that the first is a.log.2.gz.
    std::fs::rename(rig.folder.path("a.log.1.gz"), rig.folder.path("a.log.2.gz")).unwrap();
    rotate(&rig, &[]);
    rig.log(&requests[1000..]);
    rig.until_counted(1500);
    assert_eq!(all_lines(&rig), exact(&requests), "twice rotated");
    assert!(daemon.stop().success());
    assert_eq!(all_lines(&rig), exact(&requests));
}

#[test]
fn compressed_with_zstd_and_moved_under_a_date() {
    let rig = Rig::new("", "");
    let requests = requests(300);
    rig.log(&requests);
    let daemon = rig.start();
    rig.until_counted(300);
    rotate(&rig, &[]);
    rig.log(&[Request::new(NOON, 1, "/slow")]);
    rig.until_counted(301);
    let content = std::fs::read(rig.folder.path("a.log.1")).unwrap();
    rig.folder.zst("a.log-20111130.zst", content);
    std::fs::remove_file(rig.folder.path("a.log.1")).unwrap();
    drop(daemon);
    assert_eq!(all_lines(&rig).len(), 301);
}

#[test]
fn fault_35_of_a_log_that_is_gone_the_entries_stay_and_say_so() {
    let rig = Rig::new("", "");
    let old = [Request::new(NOON, 1500, "/slow").status(502), Request::new(NOON + 1, 2500, "/slow")];
    let new = [Request::new(NOON + 60_000, 3500, "/slow")];
    rig.log(&old);
    let _daemon = rig.start();
    rig.until_counted(2);
    rotate(&rig, &[]);
    rig.log(&new);
    rig.until_counted(3);
    std::fs::remove_file(rig.folder.path("a.log.1")).unwrap();

    let run = rig.ask(&["lines"]);
    run.said(3, &["2 of 3 raw lines are gone", "gone: the log last seen as ", "a.log.1"]);
    let lines = run.lines();
    assert_eq!(lines.len(), 3);
    for (line, fields) in lines.iter().zip(["1500 ms, status 502, route slow", "2500 ms, status 200, route slow"]) {
        assert!(line.starts_with("# raw line gone: 2011-11-30T14:05:00.") && line.contains(fields), "{line}");
    }
    assert_eq!(lines[2], new[0].exact());

    let json: serde_json::Value = serde_json::from_str(&rig.ask(&["lines", "--format=json"]).ended(3)).unwrap();
    assert_eq!((&json["complete"], &json["missing"][0]), (&false.into(), &"2 raw lines are gone".into()));

    let run = rig.ask(&["lines", "--format=jsonl"]);
    assert_eq!(run.code, 3);
    let first: serde_json::Value = serde_json::from_str(run.lines()[0]).unwrap();
    assert_eq!(
        (&first["line"], &first["request_time_ms"], &first["status"]),
        (&serde_json::Value::Null, &1500.into(), &502.into())
    );

    let run = rig.ask(&["lines", "--all"]);
    run.said(3, &["gone: the log last seen as ", "what the index holds is printed: 2 requests"]);
    assert_eq!(run.out, lines.join("\n") + "\n");
    // A window in which nothing is missing is a whole answer.
    let run = rig.ask(&["lines", "--from=2011-11-30T14:05:30Z", "--until=2011-11-30T14:07:00Z"]);
    assert_eq!(run.ended(0), new[0].exact() + "\n");
    let run = rig.ask(&["slow", "--samples=2"]);
    run.said(3, &["gone: the log last seen as "]);
    assert!(run.out.contains("(raw line gone)") && run.out.contains(&new[0].exact()), "{}", run.out);
    // The histograms need no lines.
    assert!(rig.ask(&["report", "--format=csv"]).ended(0).contains("\nslow,3,7500,"));
}

#[test]
fn fault_07_copytruncate_while_running_counts_all_once_and_reports_a_possible_loss() {
    let rig = Rig::new("", "");
    let requests = requests(500);
    rig.log(&requests[..400]);
    let _daemon = rig.start();
    rig.until_counted(400);
    std::fs::copy(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    std::fs::File::options().write(true).open(rig.folder.path("a.log")).unwrap().set_len(0).unwrap();
    rig.log(&requests[400..]);
    rig.has_each_once(&requests);
    rig.ask(&["lines", "--all"])
        .said(0, &["note: ", "a.log.1 was truncated: what was written just before, ", "may have been lost"]);
    let ledger = rig.ledger();
    assert_eq!((ledger.lost_to_truncation, ledger.losses.len()), (0, 1), "{ledger:?}");
}

#[test]
fn a_log_whose_name_is_no_utf8_is_followed_by_a_glob_and_found_again_when_it_was_rotated() {
    use std::os::unix::ffi::OsStrExt;
    let rig = Rig::new("", &format!("[[log]]\npath = 'FOLDERodd*.log'\nformat = '{}'\n", support::log::EXACT));
    let requests = support::log::requests(200);
    let path = |name: &[u8]| rig.folder.path("").join(std::ffi::OsStr::from_bytes(name));
    rig.append("a.log", "");
    let log = path(b"odd\xff.log");
    std::fs::write(&log, support::log::text(&requests[..100], support::log::Request::exact)).unwrap();
    let daemon = rig.start();
    rig.until_counted(100);
    std::fs::rename(&log, path(b"odd\xff.log.1")).unwrap();
    std::fs::write(&log, support::log::text(&requests[100..], support::log::Request::exact)).unwrap();
    rig.until_counted(200);
    daemon.stop();
    rig.has_each_once(&requests);
    let given = rig.folder.run(&["report", "odd*.log*", "--format=csv", "--config=c.toml"]).ended(0);
    assert_eq!(
        given.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<u32>().unwrap()).sum::<u32>(),
        200
    );
}

/// cronolog and rotatelogs never rename: the next day's log has another name, in another folder even, and the last words of the one
/// before come after it was begun.
#[test]
fn a_log_with_the_date_in_its_name_is_followed_into_the_next_day_and_over_a_restart() {
    let rig = Rig::new("", &format!("[[log]]\npath = 'FOLDER*/access-*.log'\nformat = '{}'\n", support::log::EXACT));
    let requests = requests(900);
    rig.log(&[]);
    std::fs::create_dir(rig.folder.path("2011-11")).unwrap();
    rig.append("2011-11/access-30.log", &text(&requests[..200], Request::exact));
    let daemon = rig.start();
    rig.until_counted(200);
    std::fs::create_dir(rig.folder.path("2011-12")).unwrap();
    rig.append("2011-12/access-01.log", &text(&requests[200..300], Request::exact));
    rig.append("2011-11/access-30.log", &text(&requests[300..400], Request::exact));
    rig.until_counted(400);
    daemon.kill();
    rig.append("2011-12/access-01.log", &text(&requests[400..500], Request::exact));
    rig.append("2011-12/access-02.log", &text(&requests[500..900], Request::exact));
    let daemon = rig.start();
    rig.until_counted(900);
    assert!(daemon.stop().success());
    assert_eq!(all_lines(&rig), exact(&requests));
}
