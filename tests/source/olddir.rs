//! Rotated files that have a folder of their own, as by logrotate's `olddir`: they belong to the log that is written elsewhere.

use std::collections::HashMap;
use std::ops::ControlFlow;

use spikeline::source::{FinishReason, FollowSettings, LogEvent};

use crate::rig::{Rig, expect, numbered, sorted};

impl Rig {
    /// Watches `pattern`, whose logs are rotated to the folder `logs/old`.
    fn with_olddir(pattern: &str) -> Rig {
        let mut rig = Rig::watching(&[pattern]);
        std::fs::create_dir_all(rig.path("logs/old")).unwrap();
        // The key of a section is its path.
        let key = rig.watched[0].pattern.clone();
        rig.watched[0].key.clone_from(&key);
        let elsewhere = HashMap::from([(key, vec![rig.path("logs/old/*").display().to_string()])]);
        rig.settings = FollowSettings { elsewhere, ..FollowSettings::default() };
        rig.restart_anew();
        rig
    }
}

#[test]
fn a_log_that_a_glob_named_is_missed_in_a_folder_below_that_of_the_glob() {
    let mut rig = Rig::with_olddir("logs/*.log");
    rig.poll();
    // All of it while nothing runs, and no log is left that the glob would name.
    rig.append("logs/access.log", numbered(0, 5));
    rig.rename("logs/access.log", "logs/old/access.log.1");
    rig.restart();
    rig.pass(61);
    assert_eq!(rig.lines(), expect(0, 5));
}

#[test]
fn a_copy_in_a_folder_below_that_of_the_glob_is_known_for_one_after_a_stop() {
    let mut rig = Rig::with_olddir("logs/*.log");
    rig.append("logs/access.log", numbered(0, 5));
    rig.poll();
    // The last line is not in the copy.
    std::fs::copy(rig.path("logs/access.log"), rig.path("logs/old/access.log.1")).unwrap();
    rig.append("logs/access.log", numbered(5, 1));
    rig.truncate("logs/access.log");
    // It stops when it has found the copy, and before it says what was lost.
    let mut moved = Vec::new();
    let poll = rig.follower.poll(rig.now.plus_millis(250), &mut |event| {
        moved.push(event);
        ControlFlow::Break(())
    });
    poll.unwrap();
    assert!(matches!(moved.as_slice(), [LogEvent::Moved { .. }]), "{moved:?}");
    rig.store.apply(&moved[0]);
    rig.restart();
    rig.pass(61);
    assert!(matches!(rig.reasons().as_slice(), [FinishReason::Truncated { .. }]), "{:?}", rig.reasons());
}

#[test]
fn a_log_that_was_found_in_its_old_folder_goes_on_when_both_folders_are_back() {
    for is_known in [false, true] {
        let mut rig = Rig::with_olddir("logs/access.log");
        rig.poll();
        let mut writer = rig.append("logs/access.log", numbered(0, 5));
        if is_known {
            rig.poll();
        }
        // Found there by a run that has not seen it at its own path; nginx did not get its USR1 yet.
        rig.rename("logs/access.log", "logs/old/access.log.1");
        rig.append("logs/access.log", "");
        if is_known {
            rig.restart();
        }
        rig.pass(2);
        rig.rename("logs", "away");
        rig.pass(61);
        rig.pass(61);
        assert_eq!(rig.reasons(), [], "what took its place may come back with the folder");
        std::io::Write::write_all(&mut writer, numbered(5, 5).as_bytes()).unwrap();
        rig.rename("away", "logs");
        rig.pass(2);
        assert_eq!(sorted(rig.lines()), expect(0, 10), "known {is_known}");
        // The successor is written, so the grace is all there is to wait for.
        rig.append("logs/access.log", numbered(10, 1));
        rig.pass(2);
        rig.pass(61);
        assert_eq!((rig.lines(), rig.reasons()), (expect(10, 1), vec![FinishReason::Rotated]), "known {is_known}");
    }
}
