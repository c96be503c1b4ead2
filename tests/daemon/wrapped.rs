//! A container's log: records whose parts come one poll after the other.

use serde_json::Value;

use crate::rig::{Rig, until};
use support::log::{EXACT, NOON, Request};

fn part(stream: &str, tag: &str, text: &str) -> String {
    format!("2011-11-30T14:05:00.000000001Z {stream} {tag} {text}\n")
}

fn rig() -> Rig {
    let section = format!("[[log]]\npath = 'FOLDERc.log'\nwrapper = \"cri\"\nformat = '{EXACT}'\n");
    Rig::new("", &section)
}

/// All lines that the logs give back.
fn all(rig: &Rig) -> String {
    rig.ask(&["lines", "--all", "--format=jsonl"]).ended(0)
}

#[test]
fn fault_21_cri_parts_across_polls_make_one_request_that_is_never_lost_nor_doubled() {
    let rig = rig();
    let request = |at: i64| Request::new(NOON + at, 1500, "/slow").exact();
    rig.append("c.log", &part("stdout", "F", &request(0)));
    let daemon = rig.start();
    rig.until_counted(1);
    let (head, tail) = (request(1)[..30].to_owned(), request(1)[30..].to_owned());
    let parts = part("stdout", "P", &head) + &part("stderr", "F", "an error") + &part("stdout", "F", &tail);
    let cut = parts.find('\n').unwrap() + 1;
    rig.append("c.log", &parts[..cut]);
    // Another log is counted meanwhile, so several polls have seen the part alone.
    rig.log(&[Request::new(NOON, 5, "/")]);
    rig.until_counted(2);
    // Killed between the parts: it begins again before the first one.
    daemon.kill();
    let daemon = rig.start();
    rig.log(&[Request::new(NOON + 1, 5, "/")]);
    rig.until_counted(3);
    rig.append("c.log", &parts[cut..]);
    rig.until_counted(4);
    rig.append("c.log", &part("stdout", "F", &request(2)));
    rig.until_counted(5);
    assert!(daemon.stop().success());
    // The index leads to the raw parts, from the first one's start to the last one's end.
    let out = rig.ask(&["lines", "--route=slow"]).ended(0);
    assert_eq!(out, part("stdout", "F", &request(0)) + &parts + &part("stdout", "F", &request(2)));
    let all = rig.ask(&["lines", "--all", "--route=slow"]).ended(0);
    assert_eq!(all, out);
}

#[test]
fn a_log_that_ends_in_a_part_is_finished_with_it() {
    let rig = rig();
    rig.append("a.log", "");
    let whole = Request::new(NOON, 1500, "/slow").exact();
    rig.append("c.log", &part("stdout", "P", &whole));
    rig.append("c.log", &part("stderr", "P", "never finished"));
    let _daemon = rig.start();
    // As many lines as are waited for, and one more.
    for at in 0..18 {
        rig.append("c.log", &part("stdout", "F", &Request::new(NOON + at, 5, "/").exact()));
    }
    // The first part is joined with the next line of its stream, which makes no request.
    rig.until_counted(17);
    let answer = until("the lines", || all(&rig), |answer| answer.lines().count() == 17);
    assert!(answer.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["route"] == "__root"));
}
