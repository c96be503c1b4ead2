//! Many logs: what is done grows with their number, not with its square. What was done is counted, not timed.

use std::time::Duration;

use spikeline::source::{FinishReason, FollowSettings};

use crate::rig::{Rig, gzip, numbered, set_modified, sorted};

const LOGS: usize = 300;

fn name(log: usize) -> String {
    format!("site-{log:03}x.log")
}

fn lines_of(log: usize) -> String {
    numbered(log * 10, 2)
}

/// A rig over many logs, each with rotated ones beside it that were there before.
fn many() -> Rig {
    let rig = Rig::watching(&["*.log"]);
    for log in 0..LOGS {
        rig.append(&name(log), lines_of(log));
        for rotated in 1..4 {
            let old = format!("{}.{rotated}", name(log));
            rig.append(&old, format!("old {log} {rotated}\n"));
            set_modified(&rig.path(&old), Duration::from_secs(3600));
        }
    }
    rig
}

fn expected(logs: impl Iterator<Item = usize>) -> Vec<String> {
    sorted(logs.flat_map(|log| lines_of(log).lines().map(str::to_owned).collect::<Vec<_>>()).collect())
}

/// Polls until all is read; how often, and how many directories were listed for it.
fn work(rig: &mut Rig) -> (usize, u64) {
    rig.now = rig.now.plus_millis(1000);
    let (mut polls, mut listed) = (0, 0);
    loop {
        let progress = rig.poll_once();
        polls += 1;
        listed += progress.listed;
        assert!(polls < 1000, "never caught up");
        if progress.caught_up {
            return (polls, listed);
        }
    }
}

#[test]
fn many_small_logs_are_found_and_read_in_one_look() {
    let mut rig = many();
    let (polls, listed) = work(&mut rig);
    assert_eq!(sorted(rig.lines()), expected(0..LOGS));
    assert!(polls <= 2, "{polls} polls: each looks at every log");
    assert!(listed <= 2, "the directory was listed {listed} times");
    let (polls, listed) = work(&mut rig);
    assert!((polls, listed) == (1, 0), "{polls} polls, {listed} listings, though nothing happened");
}

#[test]
fn a_restart_lists_a_directory_once_for_all_its_logs() {
    let mut rig = many();
    work(&mut rig);
    rig.lines();
    rig.restart();
    for log in 0..LOGS {
        rig.append(&name(log), format!("more {log}\n"));
    }
    let (polls, listed) = work(&mut rig);
    assert_eq!(rig.lines().len(), LOGS);
    assert!(polls <= 2, "{polls} polls");
    assert!(listed <= 4, "the directory was listed {listed} times");
}

#[test]
fn rotated_logs_that_no_run_has_seen_are_found_by_few_listings() {
    let mut rig = many();
    work(&mut rig);
    rig.lines();
    rig.restart();
    for log in 0..LOGS {
        for rotated in 4..7 {
            let text = format!("fresh {log} {rotated}\n");
            std::fs::write(rig.path(&format!("{}.{rotated}.gz", name(log))), gzip(text.as_bytes())).unwrap();
        }
    }
    let (_, mut listed) = work(&mut rig);
    // What is shorter than a log's beginning might be a copy in the making, so it takes a grace.
    for _ in 0..2 {
        rig.now = rig.now.plus_millis(61_000);
        listed += work(&mut rig).1;
    }
    assert_eq!(rig.lines().len(), 3 * LOGS);
    assert!(listed <= 10, "the directory was listed {listed} times");
}

#[test]
fn all_logs_rotated_at_once_are_found_under_their_new_names_by_few_listings() {
    let mut rig = many();
    work(&mut rig);
    rig.lines();
    for log in 0..LOGS {
        rig.rename(&name(log), &format!("{}.0", name(log)));
        rig.append(&name(log), format!("next {log}\n"));
    }
    let (polls, listed) = work(&mut rig);
    assert_eq!(rig.lines().len(), LOGS);
    assert!(polls <= 2 && listed <= 4, "{polls} polls, {listed} listings");
    rig.now = rig.now.plus_millis(61_000);
    work(&mut rig);
    assert_eq!(rig.unfinished(), LOGS, "those that were rotated are over");
}

/// How many files of a rig this process has open.
fn open_files(rig: &Rig) -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let files = descriptors.filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok());
    files.filter(|file| file.starts_with(rig.directory.path())).count()
}

fn rig_with_few_descriptors() -> Rig {
    let rig = Rig::with(&["*.log"], FollowSettings { open_files: 8, ..FollowSettings::default() });
    for log in 0..LOGS {
        rig.append(&name(log), lines_of(log));
    }
    rig
}

#[test]
fn more_logs_than_may_be_open_are_read_in_turn() {
    let mut rig = rig_with_few_descriptors();
    work(&mut rig);
    assert_eq!(sorted(rig.lines()), expected(0..LOGS));
    assert!(open_files(&rig) <= 8, "{} are open", open_files(&rig));
    for log in 0..LOGS {
        rig.append(&name(log), format!("more {log}\n"));
    }
    work(&mut rig);
    assert_eq!(rig.lines().len(), LOGS);
    rig.restart();
    for log in 0..LOGS {
        rig.append(&name(log), format!("after the restart {log}\n"));
    }
    work(&mut rig);
    assert_eq!(rig.lines().len(), LOGS);
    assert!(open_files(&rig) <= 8, "{} are open", open_files(&rig));
    assert!(rig.store.spans.is_empty(), "nothing is missing");
}

#[test]
fn logs_that_are_not_held_open_are_found_when_they_were_rotated() {
    let mut rig = rig_with_few_descriptors();
    work(&mut rig);
    rig.lines();
    for log in 0..LOGS {
        let rotated = format!("{}.1", name(log));
        rig.append(&name(log), format!("late {log}\n"));
        rig.rename(&name(log), &rotated);
        if log % 3 == 0 {
            rig.gzip(&rotated);
        }
        rig.append(&name(log), format!("next {log}\n"));
    }
    for _ in 0..2 {
        work(&mut rig);
        rig.now = rig.now.plus_millis(61_000);
    }
    assert_eq!(rig.lines().len(), 2 * LOGS, "each once");
    work(&mut rig);
    assert_eq!((rig.unfinished(), rig.lines().len()), (LOGS, 0));
}

#[test]
fn a_log_that_is_not_held_open_and_is_deleted_is_said_to_be_gone() {
    let mut rig = rig_with_few_descriptors();
    work(&mut rig);
    rig.lines();
    for log in 0..LOGS {
        rig.remove(&name(log));
    }
    work(&mut rig);
    rig.now = rig.now.plus_millis(61_000);
    work(&mut rig);
    let gone = rig.store.finished.iter().filter(|(_, _, reason)| *reason == FinishReason::Vanished).count();
    assert_eq!(gone, LOGS - 8, "of those that were open it is known that nothing was unread");
    assert_eq!(rig.unfinished(), 0);
}
