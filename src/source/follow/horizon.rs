//! Up to when all was read. By it a rotated file that no run has seen is told from one that was read or left on purpose.

use std::path::Path;
use std::time::Duration;

use crate::source::file::{FileStatus, TIME_LAG, created};
use crate::source::identity::siblings::Sibling;
use crate::time::{Timestamp, Window};

/// gzip and zstd give the copy the time of the source, perhaps in whole seconds.
pub(crate) const COPIED_TIME_LAG: Duration = Duration::from_millis(999);

/// A copy is made this much before the last line that was read of its log ended, at most; and nginx may have kept lines back for as long.
const COPIED_BEFORE: Duration = Duration::from_secs(60);

/// When all there was had been read, by the earlier runs and by this one.
#[derive(Debug)]
pub(crate) struct Horizon {
    /// When an earlier run had read all there was, last; by this machine's clock.
    read_until: Option<Timestamp>,
    /// When one of the open files was written last, as of the last poll that had read all and was in no doubt about any file; by
    /// the clock of the files.
    decided: Option<Timestamp>,
}

impl Horizon {
    pub(crate) fn new(read_until: Option<Timestamp>) -> Horizon {
        Horizon { read_until, decided: None }
    }

    /// When an earlier run had read all there was, last.
    pub(crate) fn read_until(&self) -> Option<Timestamp> {
        self.read_until
    }

    /// Whether no run has read anything before this one.
    pub(crate) fn is_first_run(&self) -> bool {
        self.read_until.is_none()
    }

    /// Files that were written after this may have been missed while nothing ran; `None` in the first run.
    pub(crate) fn missed_since_last_run(&self) -> Option<Timestamp> {
        self.read_until.map(|read_until| read_until.minus(TIME_LAG))
    }

    /// A poll has read all there was and was in no doubt about any file. `last_written` is when one of the open files was.
    pub(crate) fn all_was_read(&mut self, last_written: Option<Timestamp>) {
        self.decided = last_written;
    }

    /// Where a file of this status has turned into another, a third may have come and gone unseen. Files that were written
    /// before the time returned are none of these: they were there before the first one was written last, or before all was known.
    /// By the files' own times, since their clock may not be this machine's.
    pub(crate) fn missed_since(&self, status: FileStatus) -> Timestamp {
        let modified = status.modified();
        self.no_earlier_than_last_run(self.decided.map_or(modified, |at| at.max(modified)))
    }

    /// `since`, or when the earlier runs had read all, whichever is later: what was written before that is read or was left on
    /// purpose, and only those runs could tell every copy from a log of its own.
    pub(crate) fn no_earlier_than_last_run(&self, since: Timestamp) -> Timestamp {
        self.missed_since_last_run().map_or(since, |earliest| since.max(earliest))
    }

    /// Whether a file was surely written last before an earlier run had read all.
    pub(crate) fn was_there_when_all_was_read(&self, file: &Sibling) -> bool {
        let written = file.status.modified().plus(TIME_LAG + COPIED_TIME_LAG);
        self.read_until.is_some_and(|read_until| written < read_until)
    }

    /// Whether the file at `path` was created after an earlier run had read all.
    pub(crate) fn is_younger(&self, path: &Path, now: Timestamp) -> bool {
        self.read_until.is_some_and(|read_until| is_created_after(path, read_until, now))
    }
}

/// Whether the file at `path` was created after `then`, and so is not one that was there by then, though it may have got its inode. Not
/// every file system says when that was, and its clock may be another: what was created in the future was not.
pub(crate) fn is_created_after(path: &Path, then: Timestamp, now: Timestamp) -> bool {
    created(path).is_some_and(|created| created > then && created <= now.plus(TIME_LAG))
}

/// Whether a copy that was written last at `written` may have been made when its log was cut, which happened within `cut`.
pub(crate) fn is_made_about(written: Timestamp, cut: Window) -> bool {
    written >= cut.from.minus(COPIED_BEFORE) && written <= cut.until.plus(TIME_LAG + COPIED_TIME_LAG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::generation::DeviceInode;
    use std::time::UNIX_EPOCH;

    fn written_at(secs: i64) -> FileStatus {
        let device_inode = DeviceInode { device: 1, inode: 1 };
        FileStatus { device_inode, size: 1, modified: (secs, 0), regular: true, deleted: false }
    }

    #[test]
    fn what_was_missed_is_younger_than_the_last_run_and_than_the_last_poll_that_knew_all() {
        let mut horizon = Horizon::new(None);
        assert!(horizon.is_first_run() && horizon.missed_since_last_run().is_none());
        assert_eq!(horizon.missed_since(written_at(100)), Timestamp::from_secs(100));
        horizon.all_was_read(Some(Timestamp::from_secs(150)));
        assert_eq!(horizon.missed_since(written_at(100)), Timestamp::from_secs(150));
        assert_eq!(horizon.missed_since(written_at(200)), Timestamp::from_secs(200));
        let horizon = Horizon::new(Some(Timestamp::from_secs(1000)));
        assert_eq!(horizon.missed_since(written_at(100)), Timestamp::from_secs(995));
        assert_eq!(horizon.no_earlier_than_last_run(Timestamp::from_secs(2000)), Timestamp::from_secs(2000));
    }

    #[test]
    fn a_file_was_there_only_if_no_lag_of_its_clock_can_hide_that_it_was_not() {
        let horizon = Horizon::new(Some(Timestamp::from_secs(1000)));
        let file = |secs| Sibling { path: "a.log.1".into(), status: written_at(secs), compressed: true };
        assert!(horizon.was_there_when_all_was_read(&file(994)));
        assert!(!horizon.was_there_when_all_was_read(&file(995)));
        assert!(!Horizon::new(None).was_there_when_all_was_read(&file(0)));
    }

    #[test]
    fn a_copy_is_made_shortly_before_its_log_is_seen_to_be_cut() {
        let cut = Window { from: Timestamp::from_secs(1000), until: Timestamp::from_secs(1010) };
        for (written, is_about) in [(939, false), (940, true), (1005, true), (1015, true), (1016, false)] {
            assert_eq!(is_made_about(Timestamp::from_secs(written), cut), is_about, "{written}");
        }
        let ever = Window { from: Timestamp(i64::MIN), until: Timestamp::from_secs(1010) };
        assert!(is_made_about(Timestamp::from_secs(-5), ever));
    }

    #[test]
    fn a_file_of_the_future_is_not_younger() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let created = file.as_file().metadata().unwrap().created().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let created = Timestamp(0).plus(created);
        let before = Horizon::new(Some(created.minus(Duration::from_secs(1))));
        assert!(before.is_younger(file.path(), created));
        assert!(!before.is_younger(file.path(), created.minus(Duration::from_secs(6))));
        assert!(!Horizon::new(Some(created)).is_younger(file.path(), created));
        assert!(!Horizon::new(None).is_younger(file.path(), created));
    }
}
