//! What happens to the files between two steps of one and the same look, and between two looks.

use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use spikeline::source::{FinishReason, FollowSettings, LogEvent};

use crate::rig::{Rig, expect, gzip, numbered, set_modified, sorted};

/// One poll, in the midst of which `act` is called with every event.
fn poll_acting(rig: &mut Rig, mut act: impl FnMut(&LogEvent, &Path)) {
    let (mut events, folder) = (Vec::new(), rig.directory.path().to_owned());
    rig.now = rig.now.plus_millis(250);
    rig.follower
        .poll(rig.now, &mut |event| {
            act(&event, &folder);
            events.push(event);
            ControlFlow::Continue(())
        })
        .unwrap();
    events.iter().for_each(|event| rig.store.apply(event));
    rig.events.extend(events);
}

fn rewrite(path: &Path, text: &str) {
    // `write` truncates first: the inode stays.
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_log_truncated_between_its_discovery_and_its_first_read_is_told_and_never_counted_twice() {
    for copied in [false, true] {
        for (lines, lines_after) in [(200, 300), (200, 100), (5, 9), (9, 5)] {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, lines));
            poll_acting(&mut rig, |event, folder| {
                if matches!(event, LogEvent::Discovered(_)) {
                    let log = folder.join("access.log");
                    if copied {
                        std::fs::copy(&log, folder.join("access.log.1")).unwrap();
                    }
                    rewrite(&log, &numbered(lines, lines_after));
                }
            });
            rig.pass(1);
            rig.restart();
            rig.pass(61);
            let read = sorted(rig.lines());
            let lost = if copied { 0 } else { numbered(0, lines).len() as u64 };
            let first = if copied { 0 } else { lines };
            assert_eq!(read, expect(first, lines + lines_after - first), "{lines} {lines_after} {copied}");
            assert_eq!(rig.reasons(), [FinishReason::Truncated { lost }], "{lines} {lines_after} {copied}");
            assert_eq!(rig.unfinished(), 1);
        }
    }
}

#[test]
fn what_was_seen_and_truncated_before_its_read_counts_as_lost() {
    let mut rig = Rig::with(&["access.log"], FollowSettings { block_limit: 1000, ..FollowSettings::default() });
    let text = numbered(0, 300);
    rig.append("access.log", &text);
    let mut read = 0;
    poll_acting(&mut rig, |event, folder| {
        if let LogEvent::Block(block) = event
            && read == 0
        {
            read = block.end();
            std::fs::File::options().write(true).open(folder.join("access.log")).unwrap().set_len(0).unwrap();
        }
    });
    rig.pass(1);
    assert!(read > 0);
    assert_eq!(rig.reasons(), [FinishReason::Truncated { lost: text.len() as u64 - read }]);
}

#[test]
fn a_link_turned_in_mid_look_gives_no_generation_the_name_of_another_file() {
    let mut rig = Rig::watching(&["a.log", "b.log", "x.log", "y.log"]);
    let link = |rig: &Rig, to: &str, name: &str| symlink(to, rig.path(name)).unwrap();
    rig.append("one.log", numbered(0, 10));
    rig.append("two.log", numbered(10, 10));
    link(&rig, "one.log", "a.log");
    link(&rig, "two.log", "b.log");
    rig.poll();
    // The first is found by a name of its own, which is said; the second by another link, turned just then.
    rig.remove("a.log");
    rig.remove("b.log");
    std::fs::hard_link(rig.path("one.log"), rig.path("x.log")).unwrap();
    link(&rig, "two.log", "y.log");
    rig.append("three.log", numbered(20, 10));
    let mut turned = 0;
    poll_acting(&mut rig, |event, folder| {
        if matches!(event, LogEvent::Moved { .. }) && turned == 0 {
            turned += 1;
            symlink("three.log", folder.join("new")).unwrap();
            std::fs::rename(folder.join("new"), folder.join("y.log")).unwrap();
        }
    });
    assert_eq!(turned, 1);
    rig.poll();
    rig.append("two.log", numbered(30, 10));
    // Where it was last seen is where the next run finds the rest of it.
    rig.restart();
    rig.pass(1);
    let read = sorted(rig.lines());
    assert_eq!(read, expect(0, 40));
}

#[test]
fn a_log_that_came_and_was_rotated_while_no_one_looked_is_read_although_there_was_none_at_the_last_look() {
    for seen_before in [false, true] {
        let mut rig = Rig::new();
        if seen_before {
            rig.append("access.log", numbered(0, 300));
            rig.poll();
            rig.rename("access.log", "access.log.1");
        }
        rig.poll();
        // A stretch without a look: `nocreate`, a new log, two rotations.
        if seen_before {
            rig.rename("access.log.1", "access.log.2");
        } else {
            rig.append("access.log.2", "");
        }
        let first = if seen_before { 300 } else { 0 };
        rig.append("access.log", numbered(first, 200));
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(first + 200, 200));
        rig.poll();
        rig.pass(61);
        let read = sorted(rig.lines());
        assert_eq!(read, expect(0, first + 400), "{seen_before}");
    }
}

#[test]
fn a_globs_log_of_which_a_restart_finds_only_rotated_files_is_read_from_them() {
    for (pattern, empty) in ["*.log", "acc*", "access.log"].into_iter().flat_map(|it| [(it, true), (it, false)]) {
        let mut rig = Rig::watching(&[pattern]);
        rig.append("access.log.5", numbered(1000, 9));
        rig.append("other.log.1", numbered(2000, 9));
        // What stood there before the first start is not read; an empty log has no generation.
        if empty {
            rig.append("access.log", "");
        }
        rig.poll();
        rig.poll();
        set_modified(&rig.path("access.log.5"), Duration::from_secs(60));
        set_modified(&rig.path("other.log.1"), Duration::from_secs(60));
        // Down: written, and rotated twice without a new log.
        rig.append("access.log", numbered(0, 200));
        rig.rename("access.log", "access.log.2");
        rig.gzip("access.log.2");
        rig.append("access.log", numbered(200, 200));
        rig.rename("access.log", "access.log.1");
        rig.restart();
        rig.pass(61);
        let read = sorted(rig.lines());
        assert_eq!(read, expect(0, 400), "{pattern} {empty}");
    }
}

#[test]
fn an_empty_log_that_is_rotated_long_after_another_one_was_is_watched_anew() {
    let mut rig = Rig::new();
    rig.append("access.log", "");
    rig.poll();
    for number in [2, 1] {
        rig.now = rig.now.plus_millis(86_400_000);
        rig.rename("access.log", &format!("access.log.{number}"));
        rig.append("access.log", "");
        rig.poll();
    }
    // nginx goes on in the rotated one for a while.
    rig.append("access.log.1", numbered(0, 50));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 50));
}

#[test]
fn a_truncated_log_that_its_link_left_is_read_and_not_its_copy_in_the_making() {
    let mut rig = Rig::new();
    rig.append("one.log", numbered(0, 10));
    symlink("one.log", rig.path("access.log")).unwrap();
    rig.poll();
    // Truncated, written again, and the link turned, all between two looks; and somebody has begun to pack it.
    rig.truncate("one.log");
    let text = numbered(10, 500);
    rig.append("one.log", &text);
    rig.append("two.log", numbered(510, 10));
    rig.remove("access.log");
    symlink("two.log", rig.path("access.log")).unwrap();
    let packed = gzip(text.as_bytes());
    rig.append("one.log.gz", &packed[..packed.len() / 2]);
    rig.pass(1);
    let read = sorted(rig.lines());
    assert_eq!(read, expect(0, 520));
    // And not again, when it is packed.
    rig.append("one.log.gz", &packed[packed.len() / 2..]);
    rig.remove("one.log");
    rig.pass(61);
    rig.restart();
    rig.pass(61);
    assert_eq!(rig.lines(), expect(0, 0));
}

#[test]
fn rotated_files_of_a_glob_that_names_nothing_are_not_read_at_the_first_start() {
    let mut rig = Rig::watching(&["*.log"]);
    rig.append("access.log.1", numbered(1000, 9));
    rig.poll();
    // A new log, written and rotated between two looks.
    rig.append("access.log", numbered(0, 9));
    rig.rename("access.log", "access.log.2");
    rig.append("access.log", numbered(9, 9));
    rig.pass(1);
    rig.pass(61);
    let read = sorted(rig.lines());
    assert_eq!(read, expect(0, 18));
}

#[test]
fn a_globs_log_that_comes_and_is_rotated_after_a_restart_that_found_only_rotated_files_is_read() {
    for first_start in [false, true] {
        let mut rig = Rig::watching(&["*.log"]);
        rig.append("access.log", numbered(0, 10));
        if !first_start {
            rig.poll();
        }
        rig.rename("access.log", "access.log.1");
        rig.restart();
        rig.poll();
        // A stretch without a look.
        rig.rename("access.log.1", "access.log.3");
        rig.append("access.log", numbered(10, 200));
        rig.rename("access.log", "access.log.2");
        rig.append("access.log", numbered(210, 200));
        rig.rename("access.log", "access.log.1");
        rig.pass(1);
        let read = sorted(rig.lines());
        let first = if first_start { 10 } else { 0 };
        assert_eq!(read, expect(first, 410 - first), "{first_start}");
    }
}

#[test]
fn a_log_that_was_truncated_and_grew_on_while_a_long_line_was_read_is_known_by_its_beginning() {
    let settings = FollowSettings { max_line: 1000, block_limit: 4096, ..FollowSettings::default() };
    let mut rig = Rig::with(&["access.log"], settings);
    let monster = "x".repeat(100_000);
    rig.append("access.log", numbered(0, 3) + &monster);
    rig.poll();
    // What stands before where reading was is the same in the new log.
    rig.truncate("access.log");
    rig.append("access.log", numbered(3, 3) + &monster + "\n" + &numbered(6, 3));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 9));
}
