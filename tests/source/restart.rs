//! A follower that starts again, after the files went on without it.

use std::io::Write;
use std::time::Duration;

use spikeline::source::{DeviceInode, FinishReason, FollowSettings};

use crate::rig::{Rig, expect, gzip, numbered, set_modified, sorted};

#[test]
fn goes_on_where_it_was() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 3) + "0000");
    rig.poll();
    rig.append("access.log", &numbered(3, 3)[4..]);
    rig.restart();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 6));
    assert_eq!(rig.store.generations.len(), 1);
}

#[test]
fn fault_03_rotations_while_down() {
    for rotations in 2..=5 {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 5));
        rig.poll();
        rig.append("access.log", numbered(5, 5));
        let mut next = 10;
        for _ in 0..rotations {
            for number in (1..9).rev() {
                for end in ["", ".gz"] {
                    let (from, to) = (format!("access.log.{number}{end}"), format!("access.log.{}{end}", number + 1));
                    if rig.path(&from).exists() {
                        rig.rename(&from, &to);
                    }
                }
            }
            if rig.path("access.log.2").exists() {
                rig.gzip("access.log.2");
            }
            rig.rename("access.log", "access.log.1");
            rig.append("access.log", numbered(next, 5));
            next += 5;
        }
        rig.restart();
        rig.poll();
        // What is shorter than the first might be a copy in the making, so it takes a grace.
        rig.pass(61);
        rig.pass(61);
        assert_eq!(sorted(rig.lines()), expect(0, next), "{rotations} rotations");
        assert_eq!(rig.unfinished(), 1, "{rotations} rotations");
        rig.restart();
        rig.pass(61);
        assert!(rig.lines().is_empty(), "{rotations} rotations, once more");
    }
}

#[test]
fn fault_04_compressed_while_down() {
    for (end, pack) in [("gz", gzip as fn(&[u8]) -> Vec<u8>), ("zst", |bytes| zstd::encode_all(bytes, 1).unwrap())] {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 1000));
        rig.poll();
        rig.append("access.log", numbered(1000, 1000));
        let packed = pack(&std::fs::read(rig.path("access.log")).unwrap());
        std::fs::write(rig.path(&format!("access.log-20261122.{end}")), packed).unwrap();
        rig.remove("access.log");
        rig.append("access.log", numbered(2000, 10));
        rig.restart();
        rig.poll();
        rig.poll();
        assert_eq!(sorted(rig.lines()), expect(0, 2010), "{end}");
        assert_eq!(rig.reasons(), [FinishReason::Rotated]);
        let path = &rig.store.generations.values().next().unwrap().path;
        assert!(path.ends_with(format!("access.log-20261122.{end}")));
    }
}

#[test]
fn fault_05_gz_still_being_written() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 1000));
    rig.poll();
    rig.append("access.log", numbered(1000, 20_000));
    let packed = gzip(&std::fs::read(rig.path("access.log")).unwrap());
    rig.remove("access.log");
    rig.append("access.log", numbered(21_000, 1));
    // First too little to reach the position, then too little to reach the end, then all.
    std::fs::write(rig.path("access.log.1.gz"), &packed[..20]).unwrap();
    rig.restart();
    rig.poll();
    rig.pass(61);
    assert!(rig.reasons().is_empty(), "it waits");
    assert!(rig.problems()[0].contains("gzip -t"), "{:?}", rig.problems());
    std::fs::write(rig.path("access.log.1.gz"), &packed[..packed.len() / 2]).unwrap();
    rig.pass(2);
    let some = rig.store.lines.len();
    assert!(some > 1001 && some < 21_001, "what can be decoded is read: {some}");
    rig.restart();
    rig.pass(2);
    std::fs::write(rig.path("access.log.1.gz"), &packed).unwrap();
    rig.pass(2);
    assert_eq!(sorted(rig.lines()), expect(0, 21_001));
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn the_uncompressed_twin_is_preferred() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 100));
    rig.poll();
    rig.append("access.log", numbered(100, 10));
    rig.rename("access.log", "access.log.1");
    std::fs::write(rig.path("access.log.1.gz"), gzip(numbered(0, 50).as_bytes())).unwrap();
    rig.append("access.log", numbered(110, 1));
    rig.restart();
    rig.poll();
    assert_eq!(sorted(rig.lines()), expect(0, 111));
    assert_eq!(rig.store.generations.len(), 2);
    rig.gzip("access.log.1");
    rig.pass(61);
    rig.restart();
    rig.pass(61);
    assert!(rig.lines().is_empty());
}

#[test]
fn fault_06_members_appended_while_down_are_all_read() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 100));
    rig.poll();
    let mut file = std::fs::File::create(rig.path("access.log.1.gz")).unwrap();
    for from in (0..300).step_by(50) {
        file.write_all(&gzip(numbered(from, 50).as_bytes())).unwrap();
    }
    rig.remove("access.log");
    rig.restart();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 300));
}

#[test]
fn fault_07_copytruncate_while_down() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 100));
    rig.poll();
    rig.append("access.log", numbered(100, 10));
    rig.copytruncate("access.log", "access.log.1");
    rig.append("access.log", numbered(110, 200));
    rig.restart();
    rig.poll();
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), expect(0, 310));
    assert_eq!(rig.store.generations.len(), 2);
    assert_eq!(rig.unfinished(), 1);
}

#[test]
fn fault_08_truncated_and_regrown_while_down() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 10));
    rig.poll();
    rig.truncate("access.log");
    rig.append("access.log", numbered(10, 100));
    rig.restart();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 110));
    assert_eq!(rig.reasons(), [FinishReason::Vanished]);
}

#[test]
fn fault_09_reused_inode() {
    // The file system may or may not give the inode again; with a committed one that it never had, it has.
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    let stale = rig.store.generations.values().next().unwrap().clone();
    rig.remove("access.log");
    rig.append("access.log", numbered(300, 400));
    let status = std::fs::metadata(rig.path("access.log")).unwrap();
    let inode = DeviceInode {
        device: std::os::unix::fs::MetadataExt::dev(&status),
        inode: std::os::unix::fs::MetadataExt::ino(&status),
    };
    rig.store.generations.get_mut(&stale.id).unwrap().device_inode = inode;
    rig.last_commit = rig.last_commit.map(|time| time.plus_millis(-2000));
    rig.restart();
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 700));
    assert_eq!(rig.reasons(), [FinishReason::Vanished]);
    let ids: Vec<_> = rig.store.generations.values().map(|generation| generation.device_inode).collect();
    assert_eq!(ids, [inode, inode]);
}

#[test]
fn fault_09_reused_inode_of_a_finished_generation() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(300, 1));
    rig.pass(61);
    rig.remove("access.log.1");
    let first = rig.store.generations.values().next().unwrap().id;
    let second = rig.store.generations.values().nth(1).unwrap().device_inode;
    rig.store.generations.get_mut(&first).unwrap().device_inode = second;
    rig.restart();
    rig.append("access.log", numbered(301, 1));
    rig.poll();
    assert_eq!(rig.lines(), expect(0, 302));
}

#[test]
fn fault_09_an_inode_that_packing_freed_and_the_new_log_got_is_no_truncation() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    let stale = rig.store.generations.values().next().unwrap().clone();
    rig.last_commit = rig.last_commit.map(|time| time.plus_millis(-2000));
    rig.append("access.log", numbered(300, 10));
    rig.rename("access.log", "access.log.1");
    rig.gzip("access.log.1");
    rig.append("access.log", numbered(310, 400));
    let status = std::fs::metadata(rig.path("access.log")).unwrap();
    let inode = DeviceInode {
        device: std::os::unix::fs::MetadataExt::dev(&status),
        inode: std::os::unix::fs::MetadataExt::ino(&status),
    };
    rig.store.generations.get_mut(&stale.id).unwrap().device_inode = inode;
    rig.restart();
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), expect(0, 710));
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn fault_10_identical_heads_are_told_apart_by_what_stands_before_the_position() {
    let mut rig = Rig::new();
    let head = numbered(0, 200);
    rig.append("access.log", head.clone() + "first\n");
    rig.poll();
    rig.append("access.log", "end of the first\n");
    rig.rename("access.log", "access.log.2");
    rig.append("access.log.1", head.clone() + "a second one, longer\n");
    rig.append("access.log", head + "a third one, longer too\n");
    rig.gzip("access.log.1");
    rig.gzip("access.log.2");
    rig.lines();
    rig.restart();
    rig.poll();
    rig.pass(61);
    let lines = rig.lines();
    assert_eq!(lines.len(), 1 + 201 + 201, "{:?}", rig.store.generations);
    for line in ["end of the first", "a second one, longer", "a third one, longer too"] {
        assert!(lines.iter().any(|found| found == line), "{line}");
    }
}

#[test]
fn fault_13_a_symlink_was_turned_while_down() {
    let mut rig = Rig::watching(&["current"]);
    rig.append("app-a.log", numbered(0, 2));
    std::os::unix::fs::symlink(rig.path("app-a.log"), rig.path("current")).unwrap();
    rig.poll();
    rig.append("app-a.log", numbered(2, 1));
    rig.append("app-b.log", numbered(3, 1));
    rig.remove("current");
    std::os::unix::fs::symlink(rig.path("app-b.log"), rig.path("current")).unwrap();
    rig.restart();
    rig.pass(61);
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), expect(0, 4));
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
}

#[test]
fn fault_17_without_a_final_newline_and_finished_by_a_later_run() {
    let mut rig = Rig::new();
    rig.append("access.log", "one\ntwo");
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", "three\n");
    rig.poll();
    rig.restart();
    rig.pass(61);
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), ["one", "three", "two"]);
    rig.restart();
    rig.pass(61);
    assert!(rig.lines().is_empty());
}

#[test]
fn vanished_while_down() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 2));
    rig.poll();
    rig.remove("access.log");
    rig.restart();
    rig.pass(1);
    // It may be on a disk that is not there yet.
    assert!(rig.reasons().is_empty() && rig.store.spans.values().any(|span| span.is_lasting()));
    rig.append("access.log", numbered(9, 2));
    rig.pass(1);
    assert_eq!(rig.reasons(), [FinishReason::Vanished]);
    assert_eq!(rig.lines(), [expect(0, 2), expect(9, 2)].concat());
}

#[test]
fn rotated_files_older_than_the_last_commit_are_not_read() {
    let mut rig = Rig::new();
    rig.append("access.log.1", numbered(0, 300));
    set_modified(&rig.path("access.log.1"), Duration::from_secs(3600));
    rig.append("access.log", numbered(300, 2));
    rig.poll();
    rig.restart();
    rig.pass(61);
    rig.rename("access.log.1", "access.log.2");
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(302, 2));
    rig.restart();
    rig.pass(61);
    assert_eq!(sorted(rig.lines()), expect(300, 4));
}

#[test]
fn a_finished_generation_that_grew_again_at_its_path_goes_on_as_a_new_one() {
    let mut rig = Rig::watching(&["*.log"]);
    rig.append("access.log", numbered(0, 2));
    rig.poll();
    rig.rename("access.log", "elsewhere");
    rig.pass(61);
    rig.pass(61);
    assert_eq!(rig.reasons(), [FinishReason::Rotated]);
    rig.rename("elsewhere", "access.log");
    rig.pass(1);
    rig.append("access.log", numbered(2, 2));
    rig.pass(1);
    rig.restart();
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 4));
}

#[test]
fn a_log_that_is_no_longer_watched_is_left_as_it_is() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 2));
    rig.poll();
    rig.watched[0].key = "other".to_owned();
    rig.watched[0].pattern = rig.path("other.log").to_str().unwrap().to_owned();
    rig.restart();
    rig.pass(61);
    assert!(rig.reasons().is_empty());
    assert_eq!(rig.unfinished(), 1);
}

#[test]
fn a_long_line_in_small_blocks_survives_a_restart_in_its_middle() {
    let settings = FollowSettings { block_limit: 64, max_line: 100, ..FollowSettings::default() };
    let mut rig = Rig::with(&["access.log"], settings);
    rig.append("access.log", format!("one\n{}", "x".repeat(500)));
    rig.poll();
    rig.restart();
    rig.append("access.log", "x\ntwo\n");
    rig.poll();
    assert_eq!(rig.lines(), ["one", "two"]);
    assert_eq!(rig.store.too_long, [502]);
}

#[test]
fn fault_31_out_of_reach_at_the_start_is_waited_for() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 2));
    rig.poll();
    rig.rename("access.log", "elsewhere");
    std::os::unix::fs::symlink(rig.path("access.log"), rig.path("access.log")).unwrap();
    rig.restart();
    rig.pass(61);
    assert!(rig.reasons().is_empty());
    assert_eq!(rig.problems().len(), 1, "{:?}", rig.problems());
    rig.remove("access.log");
    rig.rename("elsewhere", "access.log");
    rig.append("access.log", numbered(2, 2));
    rig.poll();
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 4));
    assert_eq!(rig.store.generations.len(), 1);
}

#[test]
fn rotations_into_another_directory_are_read_while_down_and_while_up() {
    for packed in [false, true] {
        let mut rig = Rig::new();
        std::fs::create_dir(rig.path("old")).unwrap();
        rig.settings.elsewhere.insert("web".to_owned(), vec![rig.path("old/*").display().to_string()]);
        rig.append("old/access.log.9", numbered(90_000, 300));
        set_modified(&rig.path("old/access.log.9"), Duration::from_secs(60));
        rig.append("access.log", numbered(0, 300));
        rig.restart_anew();
        rig.poll();
        // While nothing runs: the log that was read and grew, and one that no run has seen.
        rig.append("access.log", numbered(300, 20));
        rig.rename("access.log", "old/access.log.2");
        rig.append("old/access.log.1", numbered(320, 300));
        rig.append("access.log", numbered(620, 300));
        if packed {
            rig.gzip("old/access.log.2");
            rig.gzip("old/access.log.1");
        }
        rig.restart();
        rig.pass(1);
        assert_eq!(sorted(rig.lines()), expect(0, 920), "{packed}: and not what was there before the first start");
        // While it runs: written on after its rotation, and packed.
        rig.rename("access.log", "old/access.log.0");
        rig.append("old/access.log.0", numbered(920, 10));
        rig.append("access.log", numbered(930, 300));
        rig.pass(1);
        if packed {
            rig.gzip("old/access.log.0");
        }
        rig.pass(61);
        rig.pass(61);
        assert_eq!((sorted(rig.lines()), rig.unfinished()), (expect(920, 310), 1));
        let here: Vec<_> = rig.store.generations.values().map(|generation| generation.path.clone()).collect();
        assert!(here.iter().filter(|path| path.starts_with(rig.path("old"))).count() >= 3, "{here:?}");
    }
}

/// A log whose folder was not there when the daemon started, since its disk was not, is read on where it was.
#[test]
fn a_log_on_a_disk_that_comes_later_is_read_on() {
    for rotated in [false, true] {
        let mut rig = Rig::watching(&["logs/access.log"]);
        std::fs::create_dir(rig.path("logs")).unwrap();
        rig.append("logs/access.log", numbered(0, 5));
        rig.poll();
        rig.append("logs/access.log", numbered(5, 5));
        rig.rename("logs", "away");
        rig.restart();
        rig.pass(61);
        assert!(rig.store.finished.is_empty() && rig.store.spans.values().any(|span| span.is_lasting()));
        rig.restart();
        rig.pass(61);
        if rotated {
            rig.rename("away/access.log", "away/access.log.1");
            rig.append("away/access.log", numbered(10, 5));
        } else {
            rig.append("away/access.log", numbered(10, 5));
        }
        rig.rename("away", "logs");
        rig.pass(61);
        assert_eq!(sorted(rig.lines()), expect(0, 15), "rotated: {rotated}");
        assert!(rig.store.spans.values().all(|span| span.is_withdrawn), "rotated: {rotated}");
        assert!(rig.store.given_up.is_empty(), "rotated: {rotated}");
    }
}

/// What was given up, since no file held it, is not when its file is there again; a file that was copied there may be older.
#[test]
fn a_log_that_a_glob_names_and_that_was_away_is_found_again() {
    for (is_copy, grew) in [(false, false), (false, true), (true, true)] {
        let mut rig = Rig::watching(&["*/access.log"]);
        std::fs::create_dir(rig.path("logs")).unwrap();
        rig.append("logs/access.log", numbered(0, 5));
        rig.poll();
        let outside = tempfile::tempdir_in(rig.directory.path().parent().unwrap()).unwrap();
        let away = outside.path().join("logs");
        std::fs::rename(rig.path("logs"), &away).unwrap();
        rig.restart();
        rig.pass(61);
        assert_eq!(rig.store.finished.len(), 1);
        assert_eq!(rig.store.given_up.len(), 1);
        rig.restart();
        if is_copy {
            std::fs::create_dir(rig.path("logs")).unwrap();
            std::fs::copy(away.join("access.log"), rig.path("logs/access.log")).unwrap();
        } else {
            std::fs::rename(&away, rig.path("logs")).unwrap();
        }
        if grew {
            rig.append("logs/access.log", numbered(5, 5));
        }
        rig.pass(61);
        assert_eq!(sorted(rig.lines()), expect(0, if grew { 10 } else { 5 }));
        assert_eq!(rig.store.given_up.len(), usize::from(is_copy), "copy: {is_copy}, grew: {grew}");
    }
}
