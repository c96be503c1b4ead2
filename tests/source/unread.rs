//! What cannot be read is missing, from when to when, until it was read after all; and no more than that.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spikeline::source::{
    BackfillFile, BackfillReader, BackfillStep, DeviceInode, FinishReason, FollowSettings, UnreadCause, UnreadSpan,
};
use spikeline::time::{Timestamp, Window};
use support::nobody::as_nobody;

use crate::rig::{Rig, expect, numbered, sorted};

impl Rig {
    /// Lets the path be read, or not.
    pub(crate) fn allow(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// What is missing now, by file name.
    pub(crate) fn missing(&self) -> Vec<(String, UnreadSpan)> {
        let held = self.store.spans.values().filter(|span| !span.is_withdrawn);
        held.map(|span| (span.path.file_name().unwrap().to_string_lossy().into_owned(), span.clone())).collect()
    }

    /// The one thing that is missing now.
    pub(crate) fn only_missing(&self) -> UnreadSpan {
        let missing = self.missing();
        assert_eq!(missing.len(), 1, "{missing:?}");
        missing.into_iter().next().unwrap().1
    }

    /// One look, and when it was.
    pub(crate) fn look(&mut self) -> Timestamp {
        self.poll();
        self.now
    }
}

#[test]
fn a_log_that_is_denied_after_its_rotation_is_missing_from_the_last_look_until_it_is_allowed() {
    as_nobody(|| {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 300));
        let last = rig.look();
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(300, 100));
        rig.allow("access.log", 0);
        rig.append("access.log.1", numbered(400, 1));
        rig.pass(2);
        assert_eq!(sorted(rig.lines()), sorted([expect(0, 300), expect(400, 1)].concat()));
        let span = rig.only_missing();
        assert_eq!((span.from, span.until, span.cause), (last, None, UnreadCause::Denied), "{span:?}");
        assert_eq!(rig.problems().len(), 1, "said once: {:?}", rig.problems());
        // A restart knows it still, and does not begin it anew.
        rig.restart();
        rig.pass(2);
        assert_eq!(rig.only_missing().from, last);
        rig.allow("access.log", 0o644);
        rig.pass(2);
        assert_eq!(rig.lines(), expect(300, 100));
        assert_eq!(rig.missing(), []);
    });
}

#[test]
fn a_log_that_was_rotated_away_unread_stays_missing_for_its_time_unless_it_is_found() {
    for found in [false, true] {
        as_nobody(|| {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 300));
            let first = rig.look();
            rig.rename("access.log", "access.log.2");
            rig.append("access.log", numbered(300, 200));
            rig.allow("access.log", 0);
            rig.poll();
            rig.rename("access.log", "access.log.1");
            rig.append("access.log", numbered(500, 200));
            let over = rig.look();
            rig.pass(2);
            assert_eq!(sorted(rig.lines()), sorted([expect(0, 300), expect(500, 200)].concat()));
            let span = rig.only_missing();
            assert_eq!(span.from, first);
            assert!(span.until.is_some_and(|until| until <= over), "{span:?}");
            rig.restart();
            if found {
                // Packed by one who may read it: it has another inode then.
                rig.allow("access.log.1", 0o644);
                rig.gzip("access.log.1");
                rig.pass(2);
                assert_eq!((rig.lines(), rig.missing()), (expect(300, 200), vec![]));
            } else {
                rig.remove("access.log.1");
                let start = rig.now;
                rig.pass(70);
                // It may have been written after its rotation, until it was removed while nothing ran.
                let left = rig.only_missing();
                assert_eq!((left.from, left.number), (span.from, span.number));
                assert!(left.end() >= start && left.end() <= start.plus_millis(71_000), "{left:?}");
            }
        });
    }
}

#[test]
fn a_denied_log_that_is_rotated_between_two_runs_is_read_and_not_missing_any_more() {
    // Allowed and rotated, or packed as well, before the next run looks for the first time; or while it runs. The inode of a log that was
    // packed goes to the next one.
    for (is_packed, is_seen) in [(false, false), (true, false), (false, true), (true, true)] {
        as_nobody(|| {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 300));
            rig.poll();
            rig.rename("access.log", "access.log.2");
            rig.append("access.log", numbered(300, 200));
            rig.allow("access.log", 0);
            rig.pass(100);
            assert_eq!(rig.only_missing().until, None);
            // It was written long before all other logs were read last.
            let long_ago = SystemTime::now() - Duration::from_secs(30);
            fs::set_permissions(rig.path("access.log"), PermissionsExt::from_mode(0o644)).unwrap();
            fs::File::options().write(true).open(rig.path("access.log")).unwrap().set_modified(long_ago).unwrap();
            for span in rig.store.spans.values_mut() {
                span.from = span.from.minus(Duration::from_secs(60));
            }
            rig.allow("access.log", 0);
            rig.restart();
            if is_seen {
                rig.pass(2);
            }
            rig.rename("access.log", "access.log.1");
            rig.allow("access.log.1", 0o644);
            if is_packed {
                rig.gzip("access.log.1");
            }
            rig.append("access.log", numbered(500, 200));
            if is_packed && !is_seen {
                let inode = inode_of(&rig.path("access.log"));
                rig.store.spans.values_mut().for_each(|span| span.device_inode = Some(inode));
                // The rig's clock runs ahead of the file system's.
                rig.last_commit = rig.last_commit.map(|at| at.minus(Duration::from_secs(300)));
                rig.restart();
            }
            rig.pass(2);
            rig.pass(100);
            assert_eq!(sorted(rig.lines()), expect(0, 700), "packed {is_packed}, seen {is_seen}");
            assert_eq!(rig.missing(), [], "packed {is_packed}, seen {is_seen}");
        });
    }
}

#[test]
fn a_log_that_was_packed_unread_is_read_however_short_and_a_copy_that_ends_too_early_is_not() {
    for is_copy in [false, true] {
        as_nobody(|| {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 100));
            rig.poll();
            fs::copy(rig.path("access.log"), rig.path("access.log.3")).unwrap();
            rig.append("access.log", numbered(100, 200));
            rig.poll();
            rig.truncate("access.log");
            rig.pass(100);
            assert_eq!(rig.lines(), expect(0, 300));
            rig.append("access.log", numbered(300, 20));
            rig.allow("access.log", 0);
            rig.pass(2);
            rig.rename("access.log", "access.log.1");
            rig.append("access.log", numbered(500, 200));
            rig.pass(2);
            assert_eq!(rig.lines(), expect(500, 200));
            let span = rig.only_missing();
            // As if it was written long before all the others were read last.
            let ended = SystemTime::now() - Duration::from_secs(30);
            let until = Timestamp(i64::try_from(ended.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap());
            let held = rig.store.spans.get_mut(&span.number).unwrap();
            (held.from, held.until) = (until.plus_millis(-60_000), Some(until));
            // The first log was truncated about then, or long before.
            let cut = until.plus_millis(if is_copy { -5000 } else { -500_000 });
            let truncated = rig.store.finished.first().unwrap().0;
            rig.store.cut.insert(truncated, Window { from: cut, until: cut.plus_millis(1) });
            let name = if is_copy { "access.log.3" } else { "access.log.1" };
            rig.allow(name, 0o644);
            fs::File::options().write(true).open(rig.path(name)).unwrap().set_modified(ended).unwrap();
            rig.gzip(name);
            rig.remove(if is_copy { "access.log.1" } else { "access.log.3" });
            rig.restart();
            rig.pass(2);
            rig.pass(100);
            assert_eq!(rig.lines(), if is_copy { vec![] } else { expect(300, 20) });
            assert_eq!(rig.missing().len(), usize::from(is_copy), "{:?}", rig.missing());
        });
    }
}

#[test]
fn a_new_log_that_got_the_inode_of_one_that_nobody_read_does_not_make_up_for_it() {
    as_nobody(|| {
        for is_seen in [true, false] {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 300));
            rig.poll();
            rig.rename("access.log", "access.log.2");
            rig.append("access.log", numbered(300, 200));
            rig.allow("access.log", 0);
            rig.pass(2);
            let span = rig.only_missing();
            if is_seen {
                rig.rename("access.log", "access.log.1");
                rig.pass(2);
                rig.remove("access.log.1");
            } else {
                rig.remove("access.log");
            }
            rig.append("access.log", numbered(500, 200));
            // As if the file system had given the inode to the new log.
            let inode = inode_of(&rig.path("access.log"));
            let held = rig.store.spans.get_mut(&span.number).unwrap();
            held.device_inode = Some(inode);
            // The rig's clock runs ahead of the file system's.
            let minute = Duration::from_secs(60);
            (held.from, held.until) = (held.from.minus(minute), held.until.map(|until| until.minus(minute)));
            rig.last_commit = rig.last_commit.map(|at| at.minus(minute));
            rig.restart();
            rig.pass(2);
            rig.pass(100);
            let left = rig.only_missing();
            assert!(left.until.is_some() && left.number == span.number, "seen {is_seen}: {left:?}");
            assert_eq!(sorted(rig.lines()), sorted([expect(0, 300), expect(500, 200)].concat()));
        }
    });
}

#[test]
fn a_log_that_got_the_inode_of_one_that_is_looked_for_is_read_while_another_hinders_the_search() {
    as_nobody(|| {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 100));
        rig.poll();
        rig.rename("access.log", "gone");
        rig.append("access.log.1", numbered(100, 10));
        rig.allow("access.log.1", 0);
        rig.append("access.log", numbered(200, 10));
        let inode = inode_of(&rig.path("access.log"));
        rig.store.generations.values_mut().for_each(|generation| generation.device_inode = inode);
        rig.restart();
        rig.pass(2);
        assert_eq!(rig.lines(), [expect(0, 100), expect(200, 10)].concat());
        assert_eq!(rig.unfinished(), 2, "the first may be in the file that nobody can read");
    });
}

#[test]
fn a_log_that_got_the_inode_of_a_rotated_one_from_before_the_first_start_is_read() {
    let mut rig = Rig::new();
    rig.append("access.log.1", numbered(1000, 10));
    rig.append("access.log", numbered(0, 10));
    // All that is made from now on is younger than the first start.
    let begins = rig.now;
    rig.now = rig.now.plus_millis(-60_000);
    rig.poll();
    rig.remove("access.log.1");
    rig.rename("access.log", "access.log.2");
    // Made and rotated between two looks; most file systems give it the inode that has become free.
    rig.append("access.log", numbered(10, 10));
    rig.rename("access.log", "access.log.1");
    rig.append("access.log", numbered(20, 10));
    rig.now = begins;
    rig.pass(2);
    assert_eq!(sorted(rig.lines()), expect(0, 30));
}

fn inode_of(path: &std::path::Path) -> DeviceInode {
    let status = fs::metadata(path).unwrap();
    DeviceInode { device: status.dev(), inode: status.ino() }
}

#[test]
fn a_log_that_was_never_readable_is_missing_since_the_start() {
    as_nobody(|| {
        let mut rig = Rig::watching(&["*.log"]);
        rig.append("access.log", numbered(0, 5));
        rig.append("other.log", numbered(5, 5));
        rig.allow("other.log", 0);
        let start = rig.look();
        assert_eq!(rig.lines(), expect(0, 5));
        let span = rig.only_missing();
        assert!(span.from <= start && span.until.is_none() && span.path == rig.path("other.log"), "{span:?}");
        rig.allow("other.log", 0o600);
        rig.poll();
        assert_eq!((rig.lines(), rig.missing()), (expect(5, 5), vec![]));
    });
}

#[test]
fn while_a_folder_is_closed_its_logs_are_missing_and_what_was_rotated_meanwhile_is_found() {
    for (pattern, starts) in [("logs/access.log", 0), ("logs/*.log", 0), ("logs/access.log", 2), ("logs/*.log", 2)] {
        as_nobody(|| {
            let mut rig = Rig::watching(&[pattern]);
            fs::create_dir(rig.path("logs")).unwrap();
            rig.append("logs/access.log", numbered(0, 300));
            let last = rig.look();
            rig.append("logs/access.log", numbered(300, 10));
            rig.rename("logs/access.log", "logs/access.log.2");
            rig.append("logs/access.log.1", numbered(310, 300));
            rig.append("logs/access.log", numbered(610, 300));
            rig.allow("logs", 0);
            rig.pass(2);
            let missing = rig.missing();
            assert!(missing.iter().any(|(name, span)| name == "access.log" && span.from == last), "{missing:?}");
            rig.pass(100);
            for _ in 0..starts {
                // All else was read long after these rotations; and what is missing begins a little before the last look.
                rig.last_commit = rig.last_commit.map(|at| at.plus_millis(60_000));
                rig.store.spans.values_mut().for_each(|span| span.from = span.from.plus_millis(-1000));
                rig.restart();
                rig.pass(2);
            }
            rig.allow("logs", 0o755);
            rig.pass(2);
            rig.pass(100);
            assert_eq!(sorted(rig.lines()), expect(0, 910), "{pattern}, {starts} starts");
            assert_eq!(rig.missing(), [], "{pattern}, {starts} starts");
        });
    }
}

#[test]
fn a_path_that_leads_nowhere_is_missing_from_the_start_and_not_once_it_is_there() {
    let mut rig = Rig::watching(&["access.log", "mistyped.log", "no/such/*.log", "*.none"]);
    rig.append("access.log", numbered(0, 3));
    let start = rig.look();
    let missing = rig.missing();
    let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sorted(names.iter().map(ToString::to_string).collect()), ["mistyped.log", "such"]);
    assert!(missing.iter().all(|(_, span)| span.from == start && span.cause == UnreadCause::Absent), "{missing:?}");
    assert_eq!(rig.problems().len(), 2, "{:?}", rig.problems());
    rig.append("mistyped.log", numbered(3, 2));
    fs::create_dir_all(rig.path("no/such")).unwrap();
    rig.pass(2);
    assert_eq!((rig.lines(), rig.missing()), (expect(0, 5), vec![]));
}

#[test]
fn a_log_that_went_away_before_it_was_read_is_in_doubt_until_it_is_missing() {
    let mut rig = Rig::new();
    rig.append("access.log", "");
    let last = rig.look();
    rig.append("access.log", numbered(0, 10));
    let (log, away) = (rig.path("access.log"), rig.directory.path().join("away"));
    fs::create_dir(&away).unwrap();
    fs::rename(&log, away.join("access.log")).unwrap();
    rig.now = rig.now.plus_millis(250);
    let progress = rig.poll_once();
    assert!(progress.undecided && rig.missing().is_empty(), "a rotation takes a moment: {progress:?}");
    rig.now = rig.now.plus_millis(2000);
    assert!(!rig.poll_once().undecided);
    assert_eq!(rig.only_missing().from, last);
    fs::rename(away.join("access.log"), &log).unwrap();
    rig.pass(2);
    assert_eq!((rig.lines(), rig.missing()), (expect(0, 10), vec![]));
}

#[test]
fn what_was_rotated_before_its_folder_went_away_is_read_when_it_is_back_however_often_the_daemon_started() {
    let mut rig = Rig::watching(&["logs/access.log"]);
    let (logs, away) = (rig.path("logs"), rig.path("away"));
    fs::create_dir(&logs).unwrap();
    rig.append("logs/access.log", "");
    rig.poll();
    rig.append("logs/access.log", numbered(0, 10));
    rig.copytruncate("logs/access.log", "logs/access.log.1");
    rig.append("logs/access.log", numbered(10, 10));
    fs::rename(&logs, &away).unwrap();
    rig.restart();
    rig.pass(2);
    assert_eq!(rig.only_missing().cause, UnreadCause::Absent);
    // All that could be read was, long after the rotation.
    rig.last_commit = rig.last_commit.map(|at| at.plus_millis(60_000));
    rig.restart();
    rig.pass(2);
    fs::rename(&away, &logs).unwrap();
    rig.restart();
    rig.pass(2);
    rig.pass(100);
    assert_eq!((sorted(rig.lines()), rig.missing()), (expect(0, 20), vec![]));
}

#[test]
fn a_denied_log_is_missing_though_it_is_as_long_as_the_one_that_was_truncated_in_its_file() {
    as_nobody(|| {
        for is_restarted in [false, true] {
            let mut rig = Rig::new();
            rig.append("access.log", numbered(0, 20));
            rig.poll();
            rig.copytruncate("access.log", "access.log.1");
            rig.pass(2);
            rig.append("access.log", numbered(20, 20));
            rig.allow("access.log", 0);
            rig.rename("access.log", "access.log.2");
            if is_restarted {
                let cut = Window { from: rig.now.plus_millis(-5000), until: rig.now };
                rig.store.cut = rig.store.finished.iter().map(|(id, ..)| (*id, cut)).collect();
                rig.restart();
            }
            rig.append("access.log", numbered(40, 20));
            rig.pass(2);
            assert_eq!(sorted(rig.lines()), [expect(0, 20), expect(40, 20)].concat());
            assert_eq!(rig.missing().len(), 1, "{:?}", rig.missing());
        }
    });
}

#[test]
fn a_log_that_was_denied_and_then_replaced_by_a_copy_is_not_read_twice() {
    as_nobody(|| {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 20));
        rig.poll();
        rig.append("access.log", numbered(20, 5));
        rig.allow("access.log", 0);
        rig.restart();
        rig.pass(2);
        rig.append("copy", numbered(0, 30));
        rig.rename("copy", "access.log");
        // Before the log that was denied is looked for again.
        rig.now = rig.now.plus_millis(100);
        assert!(rig.poll_once().undecided);
        rig.pass(2);
        assert_eq!((rig.lines(), rig.missing()), (expect(0, 30), vec![]));
    });
}

#[test]
fn a_log_that_is_away_is_not_over_while_what_took_its_place_may_be_with_it() {
    let mut rig = Rig::watching(&["logs/access.log"]);
    let (logs, away) = (rig.path("logs"), rig.path("away"));
    fs::create_dir(&logs).unwrap();
    rig.append("logs/access.log", numbered(0, 20));
    rig.poll();
    // As rsync does.
    rig.append("logs/copy", numbered(0, 30));
    rig.rename("logs/copy", "logs/access.log");
    fs::rename(&logs, &away).unwrap();
    rig.pass(100);
    rig.pass(100);
    assert_eq!((rig.unfinished(), rig.missing().len()), (1, 1));
    fs::rename(&away, &logs).unwrap();
    rig.pass(2);
    assert_eq!((rig.lines(), rig.missing(), rig.unfinished()), (expect(0, 30), vec![], 1));
}

#[test]
fn a_renamed_log_without_a_successor_is_not_over_because_an_older_one_is_found() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 20));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.append("access.log.2", numbered(100, 300));
    rig.pass(2);
    rig.pass(100);
    rig.append("access.log.1", numbered(20, 5));
    rig.pass(2);
    assert_eq!(sorted(rig.lines()), [expect(0, 25), expect(100, 300)].concat());
}

#[test]
fn the_rest_of_a_denied_log_is_missing_though_a_rotated_one_is_denied_as_well() {
    as_nobody(|| {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 20));
        rig.poll();
        rig.append("access.log.1", numbered(100, 20));
        rig.allow("access.log.1", 0);
        rig.append("access.log", numbered(20, 20));
        rig.allow("access.log", 0);
        rig.restart();
        rig.pass(2);
        let missing = rig.missing();
        let of_known = missing.iter().filter(|(_, span)| span.generation.is_some());
        let ends: Vec<_> = of_known.map(|(_, span)| span.until).collect();
        assert_eq!(ends, [None], "{missing:?}");
    });
}

#[test]
fn what_was_rotated_to_another_folder_is_found_though_its_log_is_not_there_at_a_start() {
    let rotated_to = tempfile::tempdir().unwrap();
    let elsewhere = rotated_to.path().join("*").display().to_string();
    let mut settings = FollowSettings::default();
    settings.elsewhere.insert("web".to_owned(), vec![elsewhere]);
    let mut rig = Rig::with(&["*.log"], settings);
    let key = rig.path("*.log").display().to_string();
    for watched in &mut rig.watched {
        watched.key.clone_from(&key);
    }
    let globs = rig.settings.elsewhere.remove("web").unwrap();
    rig.settings.elsewhere.insert(key, globs);
    rig.restart_anew();
    rig.append("access.log", "");
    rig.poll();
    rig.append("access.log", numbered(0, 10));
    fs::rename(rig.path("access.log"), rotated_to.path().join("access.log.1")).unwrap();
    rig.restart();
    rig.pass(2);
    rig.append("access.log", numbered(10, 10));
    rig.pass(100);
    assert_eq!(sorted(rig.lines()), expect(0, 20));
}

#[test]
fn a_log_that_a_link_led_to_and_that_was_truncated_while_the_link_was_gone_does_not_hold_up_the_next() {
    let mut rig = Rig::new();
    rig.append("one", numbered(0, 10));
    symlink(rig.path("one"), rig.path("access.log")).unwrap();
    rig.poll();
    rig.remove("access.log");
    rig.truncate("one");
    rig.restart();
    rig.pass(2);
    assert_eq!(rig.missing().len(), 2, "the path, and what was behind the last line: {:?}", rig.missing());
    rig.append("two", numbered(20, 10));
    symlink(rig.path("two"), rig.path("access.log")).unwrap();
    rig.pass(2);
    assert_eq!(rig.lines(), [expect(0, 10), expect(20, 10)].concat());
    assert_eq!((rig.missing(), rig.reasons()), (vec![], vec![FinishReason::Vanished]));
}

#[test]
fn a_mistyped_path_that_the_configuration_names_no_more_is_not_missing() {
    let mut rig = Rig::watching(&["mistyped.log"]);
    rig.poll();
    assert_eq!(rig.missing().len(), 1);
    let path = rig.path("access.log").display().to_string();
    rig.watched = vec![spikeline::source::WatchedLog { key: "other".to_owned(), pattern: path }];
    rig.append("access.log", numbered(0, 3));
    rig.restart();
    rig.pass(1);
    assert_eq!((rig.lines(), rig.missing()), (expect(0, 3), vec![]));
}

#[test]
fn a_rotation_is_no_gap_while_the_renamed_log_is_read_and_a_deleted_log_is_one() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.pass(20);
    assert_eq!(rig.missing(), [], "nginx writes to the renamed log still, and that is read");
    rig.append("access.log", numbered(300, 300));
    rig.pass(2);
    rig.remove("access.log");
    // There it was at the look before.
    let seen = rig.now;
    rig.look();
    rig.pass(2);
    let span = rig.only_missing();
    assert_eq!((span.from, span.cause), (seen, UnreadCause::Absent));
    rig.append("access.log", numbered(600, 300));
    rig.pass(2);
    assert_eq!((rig.lines(), rig.missing()), (expect(0, 900), vec![]));
}

#[test]
fn what_was_renamed_without_a_successor_is_read_for_as_long_as_there_is_none() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    rig.rename("access.log", "access.log.1");
    rig.pass(3600);
    rig.append("access.log.1", numbered(300, 10));
    rig.pass(3600);
    rig.append("access.log", numbered(310, 10));
    rig.pass(100);
    assert_eq!((rig.lines(), rig.missing(), rig.unfinished()), (expect(0, 320), vec![], 1));
}

#[test]
fn a_link_that_leads_in_a_circle_is_missing() {
    let mut rig = Rig::new();
    symlink("access.log", rig.path("access.log")).unwrap();
    let start = rig.look();
    let span = rig.only_missing();
    assert!(span.from <= start && span.cause == UnreadCause::Denied, "{span:?}");
    rig.remove("access.log");
    rig.append("access.log", numbered(0, 3));
    rig.pass(1);
    assert_eq!((rig.lines(), rig.missing()), (expect(0, 3), vec![]));
}

#[test]
fn the_rest_of_a_rotated_log_whose_packed_form_is_torn_is_missing_until_it_is_whole() {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.poll();
    let last = rig.last_commit.unwrap();
    rig.append("access.log", numbered(300, 3000));
    rig.rename("access.log", "access.log.1");
    rig.gzip("access.log.1");
    let whole = fs::read(rig.path("access.log.1.gz")).unwrap();
    fs::write(rig.path("access.log.1.gz"), &whole[..whole.len() / 2]).unwrap();
    rig.append("access.log", numbered(3300, 300));
    rig.restart();
    rig.pass(2);
    let span = rig.only_missing();
    assert_eq!(span.cause, UnreadCause::Unfinished);
    assert!(span.from >= last || span.from == Timestamp(i64::MIN), "{span:?}");
    assert!(span.until.is_some(), "a rotated log grows no more: {span:?}");
    fs::write(rig.path("access.log.1.gz"), &whole).unwrap();
    rig.pass(2);
    rig.pass(70);
    assert_eq!((sorted(rig.lines()), rig.missing()), (expect(0, 3600), vec![]));
}

#[test]
fn a_backfill_that_ends_in_the_midst_leaves_its_log_missing_until_it_was_read_to_its_end() {
    let rig = Rig::new();
    for (number, name) in ["access.log", "access.log.1"].into_iter().enumerate() {
        rig.append(name, numbered(number * 100_000, 40_000));
    }
    let mut store = crate::rig::Store::default();
    let readable = std::collections::HashMap::from([("web".to_owned(), None)]);
    let files = |name: &str| vec![BackfillFile { path: rig.path(name), key: "web".to_owned() }];
    let take = |store: &mut crate::rig::Store, name: &str, blocks: usize| {
        let known = store.generations.values().cloned().collect();
        let spans = store.spans.values().filter(|span| !span.is_withdrawn).cloned().collect();
        let reader = BackfillReader::new(files(name), known, readable.clone(), 10_000);
        let (mut reader, mut given) = (reader.missing(spans, std::collections::HashSet::new()), 0);
        while let Some(step) = reader.next(&mut Vec::new()) {
            if let BackfillStep::Event(event) = step {
                store.apply(&event);
                given += usize::from(matches!(event, spikeline::source::LogEvent::Block(_)));
            }
            if given == blocks {
                return;
            }
        }
    };
    let missing = |store: &crate::rig::Store| store.spans.values().filter(|span| !span.is_withdrawn).count();
    for name in ["access.log", "access.log.1"] {
        take(&mut store, name, 1);
        assert_eq!(missing(&store), 1, "{name}");
        take(&mut store, name, 1);
        assert_eq!(missing(&store), 1, "{name}");
        take(&mut store, name, usize::MAX);
        assert_eq!(missing(&store), 0, "{name}");
    }
    // Killed after its last lines and before its end was known.
    rig.append("access.log.2", numbered(300_000, 100));
    take(&mut store, "access.log.2", 1);
    assert_eq!(missing(&store), 1);
    take(&mut store, "access.log.2", usize::MAX);
    assert_eq!(missing(&store), 0);
}

/// An inode is given again, and a file may be written anew: neither says that it was read.
#[test]
fn what_is_to_be_taken_in_is_announced_though_its_inode_is_that_of_a_log_that_was_read() {
    let rig = Rig::new();
    rig.append("access.log.1", numbered(0, 100));
    let readable = std::collections::HashMap::from([("web".to_owned(), None)]);
    let files = vec![BackfillFile { path: rig.path("access.log.1"), key: "web".to_owned() }];
    let mut store = crate::rig::Store::default();
    let reader = |store: &crate::rig::Store| {
        let known = store.generations.values().cloned().collect();
        BackfillReader::new(files.clone(), known, readable.clone(), 10_000)
    };
    assert_eq!(reader(&store).announce().len(), 1);
    let mut first = reader(&store);
    while let Some(step) = first.next(&mut Vec::new()) {
        if let BackfillStep::Event(event) = step {
            store.apply(&event);
        }
    }
    assert_eq!(reader(&store).announce(), []);
    // In place, so with its inode.
    fs::write(rig.path("access.log.1"), numbered(5000, 200)).unwrap();
    assert_eq!(reader(&store).announce().len(), 1);
}
