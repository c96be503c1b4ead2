//! A log that could not be read and may be by now: what it held is missing until that was read, wherever it is by then.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use support::nobody::as_nobody;

use crate::rig::{Rig, expect, numbered, sorted};

/// A log of 300 lines that was read and rotated; its successor of 20 is denied, and said to be missing. Beside it is a file that holds this.
fn denied_successor(in_doubt: &str) -> Rig {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 300));
    rig.look();
    rig.rename("access.log", "access.log.2");
    rig.append("access.log", numbered(300, 20));
    rig.allow("access.log", 0o200);
    rig.append("access.log.5", in_doubt);
    rig.look();
    assert_eq!(rig.only_missing().until, None);
    assert_eq!(rig.lines(), expect(0, 300));
    rig
}

#[test]
fn a_log_that_was_allowed_and_is_over_before_all_is_read_is_not_missing_for_good() {
    as_nobody(|| {
        // Another file may be a copy in the making, for as long as it grows: so nothing is sure.
        let mut rig = denied_successor(&numbered(0, 100));
        rig.allow("access.log", 0o644);
        rig.pass(2);
        assert_eq!(rig.lines(), expect(300, 20));
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(320, 1));
        rig.pass(2);
        rig.append("access.log.5", numbered(100, 1));
        rig.pass(61);
        assert_eq!(rig.unfinished(), 1, "the log is over");
        assert!(rig.only_missing().generation.is_some(), "it is known where what is missing was read");
        rig.remove("access.log.5");
        rig.pass(2);
        assert_eq!((rig.lines(), rig.missing()), (expect(320, 1), vec![]));
    });
}

#[test]
fn what_a_denied_log_held_before_it_became_smaller_stays_missing_unless_it_was_copied() {
    // Of a short copy it is not sure at once that it is not one of the log before.
    for (is_copied, length) in [(false, 20), (true, 20), (true, 200)] {
        as_nobody(|| {
            let mut rig = denied_successor("");
            rig.append("access.log", numbered(320, length - 20));
            rig.look();
            if is_copied {
                rig.append("access.log.1", numbered(300, length));
            }
            rig.truncate("access.log");
            rig.append("access.log", numbered(600, 3));
            rig.allow("access.log", 0o644);
            rig.pass(2);
            let is_read_at_once = length > 100;
            assert_eq!(rig.missing().len(), usize::from(!is_read_at_once), "copied {is_copied}, {length} lines");
            assert!(rig.missing().iter().all(|(_, span)| span.until.is_some()), "what was in it is gone");
            rig.restart();
            rig.pass(61);
            rig.pass(61);
            let copied = if is_copied { expect(300, length) } else { vec![] };
            let missing = usize::from(!is_copied);
            assert_eq!((sorted(rig.lines()), rig.missing().len()), ([copied, expect(600, 3)].concat(), missing));
        });
    }
}

#[test]
fn what_is_written_to_a_denied_log_after_its_rotation_ends_what_is_missing_of_it() {
    as_nobody(|| {
        let mut rig = denied_successor("");
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(400, 1));
        rig.allow("access.log.1", 0o644);
        rig.pass(2);
        assert!(rig.only_missing().until.is_some());
        // nginx goes on in it for half a minute; then it is packed, before it is sure that it is no copy.
        rig.append("access.log.1", numbered(320, 5));
        let later = UNIX_EPOCH + Duration::from_millis(rig.now.millis().unsigned_abs()) + Duration::from_secs(30);
        File::options().write(true).open(rig.path("access.log.1")).unwrap().set_modified(later).unwrap();
        rig.pass(40);
        rig.gzip("access.log.1");
        File::create(rig.path("keeps the inode from being given again")).unwrap().write_all(b"-").unwrap();
        rig.pass(61);
        rig.pass(61);
        assert_eq!((sorted(rig.lines()), rig.missing()), (sorted([expect(300, 25), expect(400, 1)].concat()), vec![]));
    });
}

#[test]
fn what_was_written_to_a_denied_log_after_its_rotation_while_nothing_ran_is_missing_until_it_is_found() {
    for (is_found, is_late) in [(true, false), (false, false), (false, true)] {
        as_nobody(|| {
            let mut rig = denied_successor("");
            rig.rename("access.log", "access.log.1");
            rig.append("access.log", numbered(400, 1));
            rig.pass(2);
            let until = rig.only_missing().until.unwrap();
            if is_late {
                // Rotated long before the end of the run, so that nothing was written to it after that.
                rig.last_commit = Some(until.plus(Duration::from_secs(600)));
            }
            let later = UNIX_EPOCH + Duration::from_millis(until.millis().unsigned_abs()) + Duration::from_secs(30);
            rig.append("access.log.1", numbered(320, 5));
            File::options().write(true).open(rig.path("access.log.1")).unwrap().set_modified(later).unwrap();
            rig.allow("access.log.1", 0o644);
            if is_found {
                rig.gzip("access.log.1");
            } else {
                rig.remove("access.log.1");
            }
            File::create(rig.path("keeps the inode from being given again")).unwrap().write_all(b"-").unwrap();
            rig.now = rig.now.plus(Duration::from_secs(700));
            rig.restart();
            let start = rig.now;
            rig.pass(61);
            rig.pass(61);
            let missing: Vec<bool> = rig.missing().iter().map(|(_, span)| span.end() >= start).collect();
            assert_eq!(missing, if is_found { vec![] } else { vec![!is_late] }, "found {is_found}, late {is_late}");
            let found = if is_found { expect(300, 25) } else { vec![] };
            assert_eq!(sorted(rig.lines()), [found, expect(400, 1)].concat());
        });
    }
}

#[test]
fn a_longer_copy_that_took_a_log_s_place_and_was_denied_is_read_on_when_it_is_allowed() {
    as_nobody(|| {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 300));
        rig.look();
        // As rsync does, which keeps the mode.
        rig.append("copy", numbered(0, 305));
        rig.allow("copy", 0o200);
        rig.rename("copy", "access.log");
        rig.look();
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(400, 1));
        rig.pass(61);
        rig.pass(61);
        assert_eq!((rig.reasons().len(), rig.missing().len()), (0, 1), "its copy may hold more");
        rig.allow("access.log.1", 0o644);
        rig.pass(2);
        assert_eq!(sorted(rig.lines()), [expect(0, 305), expect(400, 1)].concat());
        rig.pass(61);
        assert_eq!((rig.reasons().len(), rig.missing()), (1, vec![]));
    });
}

#[test]
fn a_denied_log_that_is_away_with_its_folder_is_missing_as_long_as_that_lasts() {
    as_nobody(|| {
        let mut rig = Rig::watching(&["logs/access.log"]);
        std::fs::create_dir(rig.path("logs")).unwrap();
        rig.append("logs/access.log", numbered(0, 300));
        rig.look();
        rig.rename("logs/access.log", "logs/access.log.1");
        rig.append("logs/access.log", numbered(300, 20));
        rig.allow("logs/access.log", 0o200);
        rig.look();
        rig.rename("logs", "away");
        rig.pass(61);
        assert!(rig.missing().iter().any(|(_, span)| span.device_inode.is_some() && span.until.is_none()));
        rig.rename("away", "logs");
        rig.allow("logs/access.log", 0o644);
        rig.pass(61);
        assert_eq!((rig.lines(), rig.missing()), (expect(0, 320), vec![]));
    });
}
