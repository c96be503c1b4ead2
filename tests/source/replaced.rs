//! A followed log that is replaced by a copy of itself, edited in place, or cut off at its beginning: every line is read once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;

use spikeline::source::FinishReason;

use crate::rig::{Rig, expect, numbered};

/// Writes a file beside the log and puts it in its place, as rsync and `sed -i` do.
fn replace(rig: &Rig, content: impl AsRef<[u8]>) {
    fs::write(rig.path(".temporary"), content).unwrap();
    rig.rename(".temporary", "access.log");
}

#[test]
fn a_log_that_is_replaced_by_a_longer_copy_of_itself_is_read_on() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    for turn in 1..10 {
        replace(&rig, numbered(0, 300 + turn * 10));
        rig.pass(1);
    }
    rig.pass(120);
    assert_eq!(rig.lines(), expect(0, 390));
    assert_eq!((rig.store.generations.len(), rig.unfinished()), (1, 1), "it is one log");
    assert_eq!(rig.reasons(), []);
    rig.restart();
    replace(&rig, numbered(0, 400));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(390, 10));
}

#[test]
fn a_copy_that_ends_within_a_line_is_read_on() {
    let mut rig = Rig::new();
    let all = numbered(0, 400);
    for length in [9000, 9017, 9018, 10_000, all.len()] {
        replace(&rig, &all.as_bytes()[..length]);
        rig.pass(1);
    }
    assert_eq!(rig.lines(), expect(0, 400));
}

#[test]
fn what_stays_of_a_log_that_was_edited_in_place_is_not_read_again() {
    // `sed -i 1,100d` writes a new file; `tail -n 200 log >t; cat t >log` the same one.
    for in_place in [false, true] {
        for restart in [false, true] {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 300));
            rig.poll();
            if in_place {
                fs::write(rig.path("access.log"), numbered(100, 200)).unwrap();
            } else {
                replace(&rig, numbered(100, 200));
            }
            if restart {
                rig.restart();
            }
            rig.pass(1);
            rig.append("access.log", numbered(300, 20));
            rig.pass(1);
            rig.pass(120);
            assert_eq!(rig.lines(), expect(0, 320), "in place {in_place}, restart {restart}");
            assert_eq!(rig.reasons(), [FinishReason::Rotated], "nothing is lost");
        }
    }
}

#[test]
fn lines_written_while_the_beginning_was_cut_off_are_read() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    replace(&rig, numbered(200, 150));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 350));
}

#[test]
fn a_hole_made_in_what_was_read_makes_nothing_new() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3000));
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 3000));
    let hole = Command::new("fallocate").args(["-p", "-o", "0", "-l", "65536"]).arg(rig.path("access.log")).status();
    if !hole.is_ok_and(|status| status.success()) {
        // As it looks like where a file system cannot do it.
        let mut file = OpenOptions::new().write(true).open(rig.path("access.log")).unwrap();
        file.write_all(&[0; 65_536]).unwrap();
    }
    rig.pass(1);
    rig.append("access.log", numbered(3000, 5));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(3000, 5));
}

#[test]
fn a_link_that_is_turned_to_a_longer_copy_is_read_on() {
    for restart in [false, true] {
        let mut rig = Rig::new();
        rig.append("one.txt", numbered(0, 300));
        symlink(rig.path("one.txt"), rig.path("access.log")).unwrap();
        rig.poll();
        rig.append("two.txt", numbered(0, 500));
        rig.remove("access.log");
        symlink(rig.path("two.txt"), rig.path("access.log")).unwrap();
        if restart {
            rig.restart();
        }
        rig.pass(1);
        assert_eq!(rig.lines(), expect(0, 500), "restart {restart}");
    }
}

#[test]
fn a_link_that_is_turned_to_another_log_leads_to_another_log() {
    let mut rig = Rig::new();
    rig.append("one.txt", numbered(0, 300));
    symlink(rig.path("one.txt"), rig.path("access.log")).unwrap();
    rig.poll();
    // It begins alike, and goes on in another way.
    rig.append("one.txt", numbered(300, 10));
    rig.append("two.txt", numbered(0, 300) + &numbered(1000, 10));
    rig.remove("access.log");
    symlink(rig.path("two.txt"), rig.path("access.log")).unwrap();
    rig.pass(1);
    let lines = rig.lines();
    assert_eq!(lines.len(), 300 + 10 + 310, "{} lines", lines.len());
}

#[test]
fn what_was_truncated_while_nothing_ran_is_missing_from_then_on() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    rig.append("access.log", numbered(300, 200));
    rig.truncate("access.log");
    rig.append("access.log", numbered(500, 50));
    rig.restart();
    rig.pass(1);
    let lines = rig.lines();
    assert_eq!(lines, [expect(0, 300), expect(500, 50)].concat());
    assert_eq!(rig.reasons(), [FinishReason::Vanished]);
}

#[test]
fn a_longer_copy_that_is_rotated_before_the_next_look_is_read_on() {
    for (copies, packed, restart) in
        [(1, false, false), (1, true, false), (3, false, false), (1, true, true), (1, false, true)]
    {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 300));
        rig.poll();
        for copy in (1..=copies).rev() {
            replace(&rig, numbered(0, 300 + (copies - copy + 1) * 10));
            rig.rename("access.log", &format!("access.log.{copy}"));
            if packed {
                rig.gzip(&format!("access.log.{copy}"));
            }
        }
        rig.append("access.log", numbered(1000, 300));
        if restart {
            rig.restart();
        }
        rig.pass(1);
        rig.pass(120);
        let expected = [expect(0, 300 + copies * 10), expect(1000, 300)].concat();
        let lines = crate::rig::sorted(rig.lines());
        assert_eq!((lines.len(), &lines[..]), (expected.len(), &expected[..]), "{copies} {packed} {restart}");
    }
}
