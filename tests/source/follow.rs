//! A running follower: what happens to the files while it looks.

use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::time::Duration;

use spikeline::source::{FinishReason, FollowSettings, Follower, LogEvent, WatchedLog};

use crate::rig::{Rig, expect, gzip, numbered, set_modified};

#[test]
fn reads_what_is_there_and_what_comes() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 3));
    rig.append("access.log", numbered(3, 2));
    rig.poll();
    assert_eq!(rig.lines(), expect(3, 2));
    rig.poll();
    assert!(rig.lines().is_empty());
}

#[test]
fn a_large_log_comes_in_several_polls_and_blocks() {
    let mut rig = Rig::with(&["access.log"], FollowSettings { block_limit: 4096, ..FollowSettings::default() });
    rig.append("access.log", numbered(0, 10_000));
    let first = rig.poll_once();
    assert!(!first.caught_up && first.read_bytes > 0 && first.read_bytes < 100_000, "{first:?}");
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 10_000));
}

#[test]
fn two_large_logs_take_turns() {
    let mut rig = Rig::with(&["a.log", "b.log"], FollowSettings { block_limit: 4096, ..FollowSettings::default() });
    rig.append("a.log", numbered(0, 5000));
    rig.append("b.log", numbered(5000, 5000));
    rig.poll_once();
    let ids: std::collections::BTreeSet<_> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            LogEvent::Block(block) => Some(block.generation),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 2, "both in one poll");
}

#[test]
fn the_owner_may_break_after_any_event() {
    let mut rig = Rig::with(&["*.log"], FollowSettings { block_limit: 100, ..FollowSettings::default() });
    rig.append("a.log", numbered(0, 20));
    rig.append("b.log", numbered(20, 20));
    for _ in 0..200 {
        rig.now = rig.now.plus_millis(250);
        let mut events = Vec::new();
        rig.follower
            .poll(rig.now, &mut |event| {
                events.push(event);
                ControlFlow::Break(())
            })
            .unwrap();
        assert!(events.len() <= 1);
        events.iter().for_each(|event| rig.store.apply(event));
    }
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 40));
}

#[test]
fn from_start_false_begins_at_the_last_line_start() {
    let mut rig = Rig::with(&["access.log"], FollowSettings { from_start: false, ..FollowSettings::default() });
    rig.append("access.log", numbered(0, 3) + "torn");
    rig.poll();
    assert!(rig.lines().is_empty());
    rig.append("access.log", " whole\n");
    rig.append("later.log", "");
    rig.poll();
    assert_eq!(rig.lines(), ["torn whole"]);
}

#[test]
fn first_start_leaves_rotated_siblings_alone() {
    let mut rig = Rig::watching(&["*.log*"]);
    rig.append("access.log.1", numbered(0, 3));
    std::fs::write(rig.path("access.log.2.gz"), gzip(numbered(10, 3).as_bytes())).unwrap();
    rig.append("access.log", numbered(20, 3));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(20, 3));
    rig.rename("access.log.1", "access.log.3");
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(23, 1));
    rig.poll();
    rig.pass(60);
    assert_eq!(rig.lines(), expect(23, 1));
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn new_logs_of_a_glob_are_found_in_order_of_time_and_path() {
    let mut rig = Rig::watching(&["*.log"]);
    for (name, ago) in [("c.log", 10), ("a.log", 5), ("b.log", 5)] {
        rig.append(name, name);
        set_modified(&rig.path(name), Duration::from_secs(ago));
    }
    let time = std::fs::metadata(rig.path("a.log")).unwrap().modified().unwrap();
    std::fs::OpenOptions::new().write(true).open(rig.path("b.log")).unwrap().set_modified(time).unwrap();
    rig.poll();
    let names: Vec<_> = rig
        .store
        .generations
        .values()
        .map(|generation| generation.path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["c.log", "a.log", "b.log"]);
    rig.append("d.log", "d\n");
    rig.pass(1);
    assert_eq!(rig.lines(), ["d"]);
}

#[test]
fn fault_01_rename_create_usr1() {
    let mut rig = Rig::new();
    let mut old = rig.append("access.log", numbered(0, 3));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", "");
    std::io::Write::write_all(&mut old, numbered(3, 2).as_bytes()).unwrap();
    rig.append("access.log", numbered(5, 2));
    rig.poll();
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 7));
    assert!(rig.reasons().is_empty());
    rig.pass(61);
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
    let moved = rig.store.generations.values().next().unwrap();
    assert!(moved.path.ends_with("access.log.1"), "{moved:?}");
    rig.rename("access.log.1", "access.log.2");
    rig.gzip("access.log.2");
    rig.pass(61);
    assert!(rig.lines().is_empty());
    assert_eq!(rig.unfinished(), 1);
}

#[test]
fn fault_02_writer_goes_on_in_the_renamed_file() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", "");
    let mut next = 3;
    // No USR1: the successor stays empty, so even a pause longer than the grace does not finish it.
    for pause in [10, 50, 59, 300, 1] {
        rig.append("access.log.1", numbered(next, 1));
        next += 1;
        rig.poll();
        rig.pass(pause);
    }
    assert_eq!(rig.lines(), expect(0, next));
    assert!(rig.reasons().is_empty());
    rig.append("access.log", numbered(next, 1));
    rig.pass(61);
    assert_eq!(rig.lines(), expect(next, 1));
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn several_rotations_between_two_polls() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    rig.append("access.log", numbered(3, 1));
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(4, 3));
    rig.rename("access.log.1", "access.log.2");
    rig.gzip("access.log.2");
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(7, 3));
    rig.pass(61);
    rig.pass(61);
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 10));
}

#[test]
fn fault_06_a_log_that_nginx_compresses_itself_is_refused_by_name() {
    let mut rig = Rig::new();
    std::fs::write(rig.path("access.log"), gzip(b"one\n")).unwrap();
    rig.pass(1);
    assert!(rig.lines().is_empty());
    assert_eq!(rig.problems().len(), 1, "{:?}", rig.problems());
    assert!(rig.problems()[0].contains("gzip="), "{:?}", rig.problems());
}

#[test]
fn fault_07_copytruncate_loses_nothing_that_the_copy_holds() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3) + "0000");
    rig.poll();
    rig.append("access.log", &numbered(3, 2)[4..]);
    rig.copytruncate("access.log", "access.log.1");
    rig.append("access.log", numbered(5, 2));
    rig.poll();
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 7), "the unread window comes from the copy, and the copy is not read twice");
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
    rig.pass(100);
    assert!(rig.lines().is_empty());
}

#[test]
fn fault_07_what_no_copy_holds_is_reported_as_lost() {
    let mut rig = Rig::with(&["access.log"], FollowSettings { block_limit: 30, ..FollowSettings::default() });
    rig.append("access.log", numbered(0, 30));
    rig.poll_once();
    let read = rig.lines().len() as u64;
    let length = numbered(0, 1).len() as u64;
    rig.truncate("access.log");
    rig.poll();
    let lost = (30 - read) * length;
    assert!(lost > 0);
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost }]);
    assert_eq!(rig.store.finished[0].1, lost);
    rig.append("access.log", numbered(30, 2));
    rig.poll();
    assert_eq!(rig.lines(), expect(30, 2));
}

#[test]
fn copytruncate_and_compress_at_once() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    rig.append("access.log", numbered(300, 100));
    rig.copytruncate("access.log", "access.log.1");
    rig.gzip("access.log.1");
    rig.append("access.log", numbered(400, 10));
    rig.pass(61);
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 410));
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
}

#[test]
fn fault_08_truncated_and_grown_past_the_position() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    rig.truncate("access.log");
    rig.append("access.log", numbered(3, 20));
    rig.poll();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 23));
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: 0 }]);
    // With the same first 4 KiB, so that only the bytes before the position tell.
    rig.append("access.log", numbered(23, 300));
    rig.poll();
    let head = std::fs::read(rig.path("access.log")).unwrap();
    rig.truncate("access.log");
    rig.append("access.log", &head[..5040]);
    rig.append("access.log", numbered(323, 300));
    rig.lines();
    rig.poll();
    rig.poll();
    assert_eq!(rig.lines().len(), 5040 / numbered(0, 1).len() + 300);
    assert_eq!(rig.reasons().len(), 2);
}

#[test]
fn fault_08_truncated_and_grown_to_the_same_size() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    set_modified(&rig.path("access.log"), Duration::from_secs(5));
    rig.poll();
    rig.truncate("access.log");
    rig.append("access.log", numbered(300, 300));
    rig.poll();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 600));
}

#[test]
fn fault_10_two_files_with_an_identical_first_4_kib() {
    let mut rig = Rig::watching(&["a.log", "b.log"]);
    let head = numbered(0, 200);
    assert!(head.len() > 4096);
    rig.append("a.log", head.clone() + "a\n");
    rig.append("b.log", head.clone() + "b\n");
    rig.poll();
    assert_eq!(rig.lines().len(), 402);
    assert_eq!(rig.store.generations.len(), 2);
    // The same as a successor of the first.
    rig.rename("a.log", "a.log.1");
    rig.append("a.log", head + "c\n");
    rig.pass(61);
    assert_eq!(rig.lines().len(), 201);
    assert_eq!(rig.store.generations.len(), 3);
}

#[test]
fn fault_11_an_empty_file_has_no_identity() {
    let mut rig = Rig::new();
    rig.append("access.log", "");
    rig.pass(1);
    assert!(rig.events.is_empty(), "{:?}", rig.events);
    rig.append("access.log", "one\n");
    rig.poll();
    assert_eq!(rig.lines(), ["one"]);
}

#[test]
fn fault_12_aliases_are_read_once() {
    let mut rig = Rig::watching(&["access.log", "*.log", "hard", "soft", "access.log"]);
    rig.append("access.log", numbered(0, 3));
    std::fs::hard_link(rig.path("access.log"), rig.path("hard")).unwrap();
    std::fs::hard_link(rig.path("access.log"), rig.path("other.log")).unwrap();
    symlink(rig.path("access.log"), rig.path("soft")).unwrap();
    rig.pass(2);
    rig.append("access.log", numbered(3, 1));
    rig.pass(2);
    assert_eq!(rig.lines(), expect(0, 4));
    assert_eq!(rig.store.generations.len(), 1);
}

#[test]
fn fault_13_a_symlink_is_turned_to_another_file() {
    let mut rig = Rig::watching(&["current"]);
    rig.append("app-a.log", numbered(0, 2));
    symlink(rig.path("app-a.log"), rig.path("current")).unwrap();
    rig.poll();
    rig.append("app-a.log", numbered(2, 1));
    rig.append("app-b.log", numbered(3, 1));
    rig.remove("current");
    symlink(rig.path("app-b.log"), rig.path("current")).unwrap();
    rig.poll();
    rig.append("app-a.log", numbered(4, 1));
    rig.poll();
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, 5));
    rig.pass(61);
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn fault_14_the_path_is_missing_between_rename_and_create() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 2));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.pass(10);
    assert!(rig.reasons().is_empty());
    assert!(rig.problems().is_empty());
    rig.append("access.log", numbered(2, 2));
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 4));
    // Gone for longer than the grace: finished, and said.
    rig.remove("access.log");
    rig.poll();
    rig.pass(60);
    assert_eq!(rig.reasons().len(), 2);
    assert!(rig.problems()[0].contains("no such file"), "{:?}", rig.problems());
}

#[test]
fn fault_14_a_log_is_made_written_and_rotated_while_the_path_was_missing() {
    let cases = [(true, true), (false, true), (true, false), (false, false)];
    let cases = ["access.log", "*.log"].into_iter().flat_map(|pattern| cases.map(|case| (pattern, case)));
    for (pattern, (created, seen_before)) in cases {
        // What a glob never named, nobody knows of.
        if pattern == "*.log" && !created && !seen_before {
            continue;
        }
        let mut rig = Rig::watching(&[pattern]);
        if seen_before {
            rig.append("access.log", numbered(0, 3));
            rig.poll();
            rig.rename("access.log", "access.log.2");
        }
        rig.poll();
        rig.append("access.log", numbered(3, 2));
        rig.rename("access.log", "access.log.1");
        if created {
            rig.append("access.log", "");
        }
        rig.pass(1);
        rig.pass(61);
        rig.pass(61);
        let from = if seen_before { 0 } else { 3 };
        assert_eq!(rig.lines(), expect(from, 5 - from), "{pattern}, created {created}, seen before {seen_before}");
    }
}

#[test]
fn a_log_with_two_names_is_rotated_twice_between_two_looks() {
    for alias in ["aaa.log", "zzz.log"] {
        let mut rig = Rig::watching(&["*.log"]);
        rig.append("access.log", numbered(0, 3));
        std::fs::hard_link(rig.path("access.log"), rig.path(alias)).unwrap();
        rig.pass(1);
        rig.rename("access.log", "access.log.2");
        rig.append("access.log", numbered(3, 2));
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(5, 1));
        rig.pass(61);
        rig.pass(61);
        let mut lines = rig.lines();
        lines.sort();
        assert_eq!(lines, expect(0, 6), "{alias}");
    }
}

#[test]
fn a_log_that_is_found_under_a_rotated_name_too_is_read() {
    let mut rig = Rig::watching(&["*.log"]);
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    rig.restart();
    // Both are found by the same look.
    rig.append("zzz.log", numbered(3, 200));
    std::fs::hard_link(rig.path("zzz.log"), rig.path("access.log.1")).unwrap();
    rig.pass(61);
    rig.pass(61);
    assert_eq!(rig.lines(), expect(0, 203));
}

#[test]
fn fault_16_a_partial_line_is_held() {
    let mut rig = Rig::new();
    let text = format!("{}\n", "x".repeat(5000));
    let mut at = 0;
    for end in [1, 4095, 4096, 4097, 5000] {
        rig.append("access.log", &text[at..end]);
        at = end;
        rig.pass(100);
        assert!(rig.lines().is_empty(), "at {end}");
    }
    rig.append("access.log", "\n");
    rig.poll();
    assert_eq!(rig.lines(), ["x".repeat(5000)]);
}

#[test]
fn fault_17_rotated_away_without_a_final_newline() {
    let mut rig = Rig::new();
    rig.append("access.log", "one\ntwo");
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", "three\n");
    rig.pass(30);
    assert_eq!(rig.lines(), ["one", "three"]);
    rig.pass(61);
    assert_eq!(rig.lines(), ["two"]);
    rig.pass(61);
    assert!(rig.lines().is_empty());
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn fault_18_a_torn_line_glued_to_the_next_is_one_line() {
    let mut rig = Rig::new();
    rig.append("access.log", "torn");
    rig.poll();
    rig.append("access.log", "next\nfine\n");
    rig.poll();
    assert_eq!(rig.lines(), ["tornnext", "fine"]);
}

#[test]
fn fault_19_a_64_mib_line() {
    let mut rig = Rig::new();
    rig.append("access.log", "one\n");
    let long = vec![b'x'; 64 << 20];
    rig.append("access.log", &long);
    rig.poll();
    assert_eq!(rig.lines(), ["one"]);
    assert!(rig.store.too_long.is_empty(), "not over yet");
    rig.append("access.log", "y\ntwo\n");
    rig.poll();
    assert_eq!(rig.lines(), ["two"]);
    assert_eq!(rig.store.too_long, [(64 << 20) + 2]);
    rig.restart();
    rig.append("access.log", "three\n");
    rig.poll();
    assert_eq!(rig.lines(), ["three"], "the position advanced");
    assert_eq!(rig.store.too_long.len(), 1);
}

#[test]
fn fault_20_bytes_are_safe() {
    let mut rig = Rig::new();
    let text: &[u8] = b"\xef\xbb\xbfbom\r\n\0\0\0\0nul\n\xff\xfe\n\n";
    rig.append("access.log", text);
    rig.poll();
    let bytes: Vec<u8> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            LogEvent::Block(block) => Some(block.bytes.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(bytes, text);
}

#[test]
fn a_nul_hole_left_by_truncating_under_a_writer_without_append() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3));
    rig.poll();
    let size = std::fs::metadata(rig.path("access.log")).unwrap().len();
    rig.truncate("access.log");
    let file = std::fs::OpenOptions::new().write(true).open(rig.path("access.log")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, numbered(3, 1).as_bytes(), size).unwrap();
    rig.poll();
    rig.poll();
    let lines = rig.lines();
    assert_eq!(lines.len(), 4);
    assert!(lines[3].ends_with(&expect(3, 1)[0]), "the hole comes as it is, in front of the line");
    assert!(matches!(rig.reasons()[..], [FinishReason::Truncated { .. }]));
}

#[test]
fn fault_31_what_cannot_be_read_is_said_once_and_tried_again() {
    let mut rig = Rig::watching(&["access.log", "folder"]);
    std::fs::create_dir(rig.path("folder")).unwrap();
    symlink(rig.path("access.log"), rig.path("access.log")).unwrap();
    rig.pass(1);
    rig.pass(1);
    let problems = rig.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().any(|said| said.contains("is a directory, not a file")), "{problems:?}");
    rig.remove("access.log");
    rig.append("access.log", "one\n");
    rig.poll();
    assert_eq!(rig.lines(), ["one"]);
}

#[test]
fn buffers_are_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    std::fs::write(&path, numbered(0, 100)).unwrap();
    let watched = vec![WatchedLog { key: "a".to_owned(), pattern: path.to_str().unwrap().to_owned() }];
    let settings = FollowSettings { block_limit: 100, ..FollowSettings::default() };
    let mut follower = Follower::new(watched, Vec::new(), None, settings);
    let mut blocks = Vec::new();
    let mut poll = |follower: &mut Follower| {
        follower
            .poll(spikeline::time::Timestamp(0), &mut |event| {
                if let LogEvent::Block(block) = event {
                    blocks.push(block);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        std::mem::take(&mut blocks)
    };
    let first = poll(&mut follower).pop().unwrap();
    let address = first.bytes.as_ptr();
    follower.recycle(first.bytes);
    assert!(poll(&mut follower).iter().any(|block| block.bytes.as_ptr() == address));
}
