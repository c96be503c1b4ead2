//! Every answer of the store says that it is complete for its window, or what is missing.

use serde_json::Value;
use spikeline::store::{Commit, NEVER_READ_WHOLE, StoreSettings, Writer};
use spikeline::time::{Clock, SystemClock};

use crate::rig::{Rig, until};
use support::log::{NOON, Request, text};

const ASKING: [&[&str]; 4] = [&["lines"], &["lines", "--all"], &["slow"], &["report"]];

/// A request each ten seconds from [`NOON`] on.
fn tens(from: i64, count: i64) -> Vec<Request> {
    (from..from + count).map(|n| Request::new(NOON + n * 10_000, 1500, "/slow")).collect()
}

fn window(from: &str, until: &str) -> [String; 2] {
    [format!("--from=2011-11-30T{from}Z"), format!("--until=2011-11-30T{until}Z")]
}

/// That every command says this of the window and ends with this code.
fn says(rig: &Rig, from: &str, until: &str, code: i32, pieces: &[&str]) {
    let window = window(from, until);
    for asking in ASKING {
        let run = rig.ask(&[asking, &[window[0].as_str(), window[1].as_str()]].concat());
        run.said(code, pieces);
        let last = run.err.lines().last().unwrap();
        let word = if code == 3 { "partial: " } else { "complete" };
        assert!(last.starts_with(word), "{asking:?}: {last}");
        assert!(last.contains("; the logs were read until 20"), "{last}");
    }
}

#[test]
fn complete_says_so() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 12));
    let _daemon = rig.start();
    rig.until_counted(12);
    says(&rig, "14:05:00", "14:06:00", 0, &["complete; the logs were read until"]);
    let json: Value = serde_json::from_str(&rig.ask(&["report", "--format=json"]).ended(0)).unwrap();
    assert_eq!((&json["complete"], &json["missing"]), (&true.into(), &Value::Array(Vec::new())));
}

#[test]
fn a_rejected_line_is_said_in_the_windows_that_it_may_belong_to() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 3));
    rig.append("a.log", "kernel: out of memory\n");
    // The daemon goes between the line and the next that has a time.
    let daemon = rig.start();
    rig.until_counted(3);
    assert!(daemon.stop().success());
    rig.log(&tens(6, 6));
    rig.append("a.log", "\n");
    let _daemon = rig.start();
    rig.until_counted(9);
    let offset = text(&tens(0, 3), Request::exact).len();
    let said = format!(
        "one line of {} written between 2011-11-30T14:05:20.000Z and 2011-11-30T14:06:00.000Z, byte {offset}: not in the log's format",
        rig.folder.path("a.log").canonicalize().unwrap().display()
    );
    // Where nothing else is, nothing was found.
    for (from, until, code) in [("14:05:00", "14:05:21", 0), ("14:05:30", "14:05:40", 1), ("14:06:00", "14:07:00", 0)] {
        says(&rig, from, until, code, &[&format!("note: {said}"), "complete"]);
    }
    for (from, until) in [("14:05:00", "14:05:20"), ("14:06:01", "14:07:00")] {
        says(&rig, from, until, 0, &["complete"]);
    }
    // As over files, what cannot be understood does not make the answer partial.
    let json: Value = serde_json::from_str(&rig.ask(&["slow", "--format=json"]).ended(0)).unwrap();
    assert_eq!(json["complete"], true);
}

#[test]
fn fault_07_what_a_truncation_took_unread_is_missing_to_the_byte() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 6));
    rig.append("a.log", "1322661980.000 0.0");
    let _daemon = rig.start();
    rig.until_counted(6);
    std::fs::File::options().write(true).open(rig.folder.path("a.log")).unwrap().set_len(0).unwrap();
    rig.log(&tens(20, 1));
    rig.until_counted(7);
    let offset = text(&tens(0, 6), Request::exact).len();
    let said = format!(
        "18 bytes of {} from byte {offset}, written between 2011-11-30T14:05:50.000Z and ",
        rig.folder.path("a.log").canonicalize().unwrap().display()
    );
    says(&rig, "14:05:50", "14:06:00", 3, &[&said, "were truncated unread"]);
    // The raw lines are gone; what was counted of them is whole.
    let run = rig.ask(&["report", "--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:05:50Z"]);
    run.said(0, &["complete"]);
}

#[test]
fn what_was_gone_before_it_was_read_lacks() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 6));
    let daemon = rig.start();
    rig.until_counted(6);
    assert!(daemon.stop().success());
    std::fs::remove_file(rig.folder.path("a.log")).unwrap();
    let _daemon = rig.start();
    let asked = ["report", "--from=2011-11-30T14:06:00Z", "--until=2011-11-30T14:07:00Z"];
    let run = until("the word", || rig.ask(&asked), |run| run.err.contains("there is no such file"));
    assert_eq!(run.code, 3, "{run:?}");
    rig.log(&tens(7, 1));
    let run = until("the other word", || rig.ask(&asked), |run| run.err.contains("was gone unread"));
    assert_eq!(run.code, 3, "{run:?}");
    let run = rig.ask(&["report", "--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:05:50Z"]);
    run.said(0, &["complete"]);
}

#[test]
fn a_copied_and_truncated_log_may_have_lost_lines_and_that_is_noted() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 6));
    let _daemon = rig.start();
    rig.until_counted(6);
    std::fs::copy(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    std::fs::File::options().write(true).open(rig.folder.path("a.log")).unwrap().set_len(0).unwrap();
    rig.log(&tens(6, 6));
    rig.until_counted(12);
    let asked = ["report", "--from=2011-11-30T14:05:55Z", "--until=2011-11-30T14:07:00Z"];
    let run = until("the note", || rig.ask(&asked), |run| run.err.contains("note: "));
    run.said(0, &["was truncated: what was written just before", "may have been lost", "complete"]);
}

#[test]
fn times_to_the_second_are_noted() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDER/b.log'\nformat = 'combined_plus'\n");
    rig.append("b.log", &text(&tens(0, 3), Request::combined_plus));
    rig.log(&tens(60, 3));
    let _daemon = rig.start();
    rig.until_counted(6);
    says(&rig, "14:05:00", "14:05:30", 0, &["note: times are known to the second only in ", "b.log"]);
    let run = rig.ask(&["report", "--from=2011-11-30T14:15:00Z", "--until=2011-11-30T14:16:00Z"]);
    assert!(!run.err.contains("second only"), "{}", run.err);
}

#[test]
fn a_line_over_the_bound_is_said() {
    let rig = Rig::new("max_line = \"2KiB\"", "");
    rig.log(&tens(0, 3));
    rig.append("a.log", &("x".repeat(5000) + "\n"));
    rig.log(&tens(3, 3));
    let _daemon = rig.start();
    rig.until_counted(6);
    says(&rig, "14:05:21", "14:05:22", 1, &["one line of ", "over the length bound", "line_too_long 1"]);
    says(&rig, "14:05:00", "14:05:20", 0, &[]);
}

/// What a daemon that was killed had not read of logs that none had read before is not known to the store by a time.
#[test]
fn a_first_reading_that_was_cut_short_is_not_complete() {
    let rig = Rig::new("", "");
    rig.log(&tens(0, 6));
    let mut writer = Writer::open(&rig.folder.path("store"), StoreSettings::default()).unwrap();
    let mut begun = Commit { at: SystemClock.now(), read_until: Some(NEVER_READ_WHOLE), ..Commit::default() };
    writer.commit(&mut begun).unwrap();
    drop(writer);
    let asked = ["report", "--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:06:00Z"];
    rig.ask(&asked).said(3, &["not read to their ends yet"]);
    let _daemon = rig.start();
    rig.until_counted(6);
    until("the end", || rig.ask(&asked), |run| run.err.contains("complete")).said(0, &[]);
}
