//! A follower that starts again, among copies and logs that begin alike: which file is which log.

use std::ops::ControlFlow;
use std::time::Duration;

use spikeline::source::{FinishReason, FollowSettings, GenerationId, LogEvent};
use spikeline::time::{Clock, SystemClock};

use crate::rig::{Rig, expect, numbered, set_modified, sorted};

#[test]
fn a_copy_in_the_making_is_not_taken_for_a_log_of_its_own() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    let all = std::fs::read(rig.path("access.log")).unwrap();
    // logrotate has copied a part so far.
    rig.append("access.log.1", &all[..6000]);
    rig.restart();
    rig.pass(10);
    assert_eq!(rig.lines(), expect(0, 300));
    rig.append("access.log.1", &all[6000..]);
    rig.truncate("access.log");
    rig.pass(61);
    rig.append("access.log", numbered(300, 1));
    rig.pass(61);
    assert_eq!(rig.lines(), expect(300, 1));
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
}

#[test]
fn what_was_undecided_at_a_restart_is_decided_after_it() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 300));
    rig.last_commit = rig.last_commit.map(|at| at.plus_millis(-20_000));
    // Rotated twice. The second log is so short that it may be a copy of the first in the making.
    rig.rename("access.log", "access.log.2");
    rig.append("access.log.1", numbered(300, 2));
    set_modified(&rig.path("access.log.1"), Duration::from_secs(10));
    rig.append("access.log", numbered(302, 1));
    for _ in 0..2 {
        rig.restart();
        rig.poll();
    }
    rig.pass(61);
    rig.pass(61);
    let lines = sorted(rig.lines());
    assert_eq!(lines, expect(300, 3));
}

#[test]
fn what_was_undecided_is_not_said_to_be_read_before_a_look_around_has_decided_it() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    // So short that it may be a copy in the making.
    rig.append("access.log.1", numbered(300, 2));
    rig.restart();
    let began = rig.now;
    for (millis, undecided) in [(0, true), (59_900, true), (60_100, true), (60_950, false)] {
        rig.now = began.plus_millis(millis);
        assert_eq!(rig.poll_once().undecided, undecided, "after {millis} ms");
    }
    assert_eq!(rig.lines(), expect(0, 302));
}

#[test]
fn what_was_written_and_read_after_the_copy_is_not_read_twice() {
    for lines in [3, 300] {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, lines));
        rig.poll();
        std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
        rig.append("access.log", numbered(lines, 2));
        rig.poll();
        rig.truncate("access.log");
        rig.append("access.log", numbered(lines + 2, 1));
        rig.pass(61);
        rig.pass(61);
        assert_eq!(rig.lines(), expect(0, lines + 3));
        assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
    }
}

#[test]
fn a_copy_that_was_made_while_no_one_looked_may_lack_lines() {
    for compressed in [false, true] {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 3));
        rig.poll();
        rig.append("access.log", numbered(3, 2));
        std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
        rig.append("access.log", numbered(5, 1));
        rig.truncate("access.log");
        rig.append("access.log", numbered(6, 1));
        if compressed {
            rig.gzip("access.log.1");
        }
        rig.restart();
        rig.pass(61);
        let lines = sorted(rig.lines());
        assert_eq!(lines, [expect(0, 5), expect(6, 1)].concat());
        assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
    }
}

#[test]
fn a_log_and_its_copy_that_are_found_together_are_one() {
    for lines in [3, 300] {
        let mut rig = Rig::new();
        rig.append("access.log", "");
        rig.poll();
        rig.append("access.log", numbered(0, lines));
        std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
        rig.pass(1);
        rig.truncate("access.log");
        rig.append("access.log", numbered(lines, 1));
        rig.pass(61);
        rig.pass(61);
        assert_eq!(rig.lines(), expect(0, lines + 1));
    }
}

#[test]
fn a_log_of_which_nothing_was_read_is_not_taken_for_another_that_begins_alike() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 200) + "a\n");
    rig.discover(1);
    rig.last_commit = Some(SystemClock.now());
    rig.rename("access.log", "access.log.1");
    rig.gzip("access.log.1");
    rig.append("access.log", numbered(0, 200) + "b\n");
    rig.restart();
    rig.pass(61);
    rig.pass(61);
    let lines = rig.lines();
    assert_eq!(lines.len(), 402);
    assert!(lines.contains(&"a".to_owned()) && lines.contains(&"b".to_owned()));
}

#[test]
fn an_empty_log_that_was_rotated_while_no_one_looked_may_still_be_written_to() {
    let mut rig = Rig::new();
    rig.append("access.log", "");
    set_modified(&rig.path("access.log"), Duration::from_secs(60));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.restart();
    rig.pass(1);
    rig.append("access.log.1", numbered(0, 2));
    rig.append("access.log", numbered(2, 1));
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), expect(0, 3));
}

#[test]
fn a_copy_is_known_for_one_after_a_restart_before_its_end() {
    for (compressed, rotated) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 3));
        rig.poll();
        rig.append("access.log", numbered(3, 2));
        rig.copytruncate("access.log", "access.log.1");
        rig.append("access.log", numbered(5, 1));
        let mut events = Vec::new();
        let now = rig.now.plus_millis(250);
        let looked = rig.follower.poll(now, &mut |event| {
            let moved = matches!(event, LogEvent::Moved { .. });
            events.push(event);
            if moved { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        looked.unwrap();
        // That it goes on in the copy was committed, and nothing else.
        events.iter().for_each(|event| rig.store.apply(event));
        assert!(matches!(events.last(), Some(LogEvent::Moved { .. })));
        if compressed {
            rig.gzip("access.log.1");
        }
        if rotated {
            rig.rename("access.log", "access.log.0");
            rig.append("access.log", numbered(6, 1));
        }
        rig.restart();
        rig.poll();
        rig.pass(61);
        assert_eq!(sorted(rig.lines()), expect(0, 6 + usize::from(rotated)));
        assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }], "compressed {compressed}, rotated {rotated}");
    }
}

#[test]
fn what_was_written_and_read_after_the_copy_is_not_read_twice_if_the_daemon_restarted_meanwhile() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
    rig.append("access.log", numbered(3, 300));
    rig.poll();
    rig.restart();
    rig.poll();
    rig.truncate("access.log");
    rig.append("access.log", numbered(303, 1));
    rig.pass(61);
    rig.pass(61);
    assert_eq!(rig.lines(), expect(0, 304));
}

#[test]
fn a_short_copy_that_an_earlier_run_knew_is_not_read_again_when_the_log_is_written_to() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
    rig.append("access.log", numbered(3, 2));
    rig.poll();
    rig.truncate("access.log");
    rig.pass(61);
    // Nothing was written since then.
    set_modified(&rig.path("access.log.1"), Duration::from_secs(120));
    set_modified(&rig.path("access.log"), Duration::from_secs(120));
    rig.restart();
    rig.pass(61);
    rig.append("access.log", numbered(5, 1));
    rig.pass(61);
    rig.pass(61);
    assert_eq!(rig.lines(), expect(0, 6));
}

#[test]
fn a_log_of_which_nothing_was_read_is_not_looked_for_in_one_that_was_read() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 200) + "a\n");
    rig.poll();
    rig.rename("access.log", "access.log.2");
    rig.append("access.log", numbered(0, 200) + "b\n");
    rig.discover(1);
    rig.rename("access.log", "access.log.1");
    rig.gzip("access.log.1");
    rig.restart();
    rig.pass(61);
    rig.pass(61);
    let lines = rig.lines();
    assert_eq!(lines.len(), 402);
    assert!(lines.contains(&"a".to_owned()) && lines.contains(&"b".to_owned()));
}

#[test]
fn of_two_logs_that_begin_alike_and_were_only_discovered_the_one_that_is_left_is_known_by_its_inode() {
    let mut rig = Rig::new();
    rig.append("access.log", "");
    set_modified(&rig.path("access.log"), Duration::from_secs(60));
    rig.poll();
    rig.append("access.log", numbered(0, 200) + "a\n");
    rig.rename("access.log", "access.log.1");
    set_modified(&rig.path("access.log.1"), Duration::from_secs(1));
    rig.append("access.log", numbered(0, 200) + "b\n");
    rig.discover(2);
    let log = rig.path("access.log");
    let known: Vec<_> = rig.store.generations.values().map(|generation| generation.path == log).collect();
    assert_eq!(known, [false, true]);
    rig.remove("access.log.1");
    rig.restart();
    rig.pass(61);
    assert_eq!(rig.lines().pop().as_deref(), Some("b"));
    let ended: Vec<_> = rig.store.finished.iter().map(|(id, _, reason)| (*id, *reason)).collect();
    assert_eq!(
        ended,
        [(GenerationId(0), FinishReason::Vanished)],
        "the log's own generation goes on, the other is gone"
    );
}

#[test]
fn a_log_of_which_nothing_was_read_is_looked_for_in_its_copy_and_not_in_a_new_log_that_begins_alike() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 200) + "a\n");
    rig.discover(1);
    // Truncated after a copy, then rotated; the new log begins alike.
    rig.copytruncate("access.log", "access.log.2");
    rig.gzip("access.log.2");
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(0, 200) + "b\n");
    rig.restart();
    rig.poll();
    // nginx goes on in it for a while after it is rotated.
    rig.rename("access.log.1", "access.log.3");
    rig.rename("access.log", "access.log.1");
    rig.poll();
    rig.append("access.log.1", numbered(300, 5));
    rig.pass(61);
    rig.pass(61);
    let lines = sorted(rig.lines());
    let mut expected = [expect(0, 200), expect(0, 200), expect(300, 5), vec!["a".to_owned(), "b".to_owned()]].concat();
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_copy_that_ends_beside_a_line_that_is_too_long_is_known() {
    for before in [true, false] {
        let settings = FollowSettings { max_line: 1000, ..FollowSettings::default() };
        let mut rig = Rig::with(&["access.log"], settings);
        let too_long = "x".repeat(3000) + "\n";
        rig.append("access.log", numbered(0, 3) + if before { &too_long } else { "" });
        rig.poll();
        std::fs::copy(rig.path("access.log"), rig.path("access.log.1")).unwrap();
        rig.append("access.log", if before { String::new() } else { too_long } + &numbered(3, 2));
        rig.poll();
        rig.truncate("access.log");
        rig.append("access.log", numbered(5, 1));
        rig.pass(61);
        rig.pass(61);
        assert_eq!(rig.lines(), expect(0, 6), "before the end {before}");
    }
}

#[test]
fn a_copy_of_a_log_that_was_truncated_and_is_away_is_read_to_its_end_when_it_is_back() {
    // What was read before the log went away is in its copy, or not all of it.
    for is_short in [false, true] {
        let mut rig = Rig::watching(&["logs/access.log"]);
        let (logs, away) = (rig.path("logs"), rig.path("away"));
        std::fs::create_dir(&logs).unwrap();
        rig.append("logs/access.log", numbered(0, 300));
        rig.poll();
        rig.append("logs/access.log", numbered(300, 100));
        std::fs::copy(rig.path("logs/access.log"), rig.path("logs/access.log.1")).unwrap();
        if is_short {
            rig.append("logs/access.log", numbered(400, 50));
            rig.poll();
        }
        rig.truncate("logs/access.log");
        std::fs::rename(&logs, &away).unwrap();
        rig.pass(2);
        assert_eq!(rig.reasons(), [], "nobody can tell what was copied there");
        std::fs::rename(&away, &logs).unwrap();
        rig.append("logs/access.log", numbered(500, 10));
        rig.pass(2);
        rig.pass(100);
        let read = if is_short { 450 } else { 400 };
        assert_eq!(sorted(rig.lines()), [expect(0, read), expect(500, 10)].concat());
        let reason = if is_short { FinishReason::Vanished } else { FinishReason::Truncated { lost: 0 } };
        assert_eq!(rig.reasons(), [reason]);
    }
}
