//! A file of a log, held against what is missing of that log: it may be what nobody could read before it was packed, or copied.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::source::file::FileStatus;
use crate::source::generation::DeviceInode;
use crate::source::identity::siblings::base_of;
use crate::source::unread_span::UnreadSpan;
use crate::time::Timestamp;

/// The times of a file and of a span's end may be this much apart, in milliseconds.
const NEAR: i64 = 2_000;

/// What of a file tells which spans it may make up for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileOfLog {
    /// The key of its log's section.
    log: String,
    /// What the log is called, wherever it was moved to.
    name: Option<OsString>,
    path: PathBuf,
    written: Timestamp,
    pub(crate) device_inode: DeviceInode,
}

impl FileOfLog {
    /// The file at `path`, of the log with this key.
    pub(crate) fn new(path: &Path, log: &str, status: FileStatus) -> FileOfLog {
        let (name, written) = (name_of_log(path), status.modified());
        FileOfLog { log: log.to_owned(), name, path: path.to_owned(), written, device_inode: status.device_inode }
    }

    /// Whether it may hold what a span lacks: that is one file of the same log, and this one was written last within the span.
    pub(crate) fn may_hold(&self, span: &UnreadSpan) -> bool {
        let is_within = self.written.plus_millis(NEAR) >= span.from && self.written <= span.end().plus_millis(NEAR);
        let is_of_one_file = span.generation.is_none() && span.device_inode.is_some();
        is_within && is_of_one_file && span.log == self.log && name_of_log(&span.path) == self.name
    }

    /// Whether it may hold what a span lacks, and surely not what was read before that.
    pub(crate) fn is_surely_of(&self, span: &UnreadSpan) -> bool {
        self.may_hold(span) && self.written > span.from.plus_millis(NEAR)
    }

    /// Whether it was written last while nobody could look at its log's path, or into its folder: it may have been rotated unseen.
    pub(crate) fn was_missed_in(&self, span: &UnreadSpan) -> bool {
        let is_of_path = span.generation.is_none() && span.device_inode.is_none() && span.is_lasting();
        let is_there = name_of_log(&span.path) == self.name || self.path.starts_with(&span.path);
        is_of_path && self.written >= span.from && span.log == self.log && is_there
    }

    /// The number of the span that it makes up for if it was read: the one that ends when it was written last. The files of these spans are
    /// not where they were; one of which that is not said yet comes last.
    pub(crate) fn makes_up_for<'s>(&self, spans: impl Iterator<Item = &'s UnreadSpan>) -> Option<u32> {
        let apart = |span: &UnreadSpan| span.end().millis().saturating_sub(self.written.millis()).abs();
        let fitting = spans.filter(|span| self.may_hold(span));
        fitting.map(|span| (apart(span), span.number)).min().map(|(_, number)| number)
    }
}

fn name_of_log(path: &Path) -> Option<OsString> {
    base_of(path).file_name().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::unread_span::UnreadCause;

    fn span(number: u32, from: i64, until: Option<i64>) -> UnreadSpan {
        UnreadSpan {
            number,
            log: "web".to_owned(),
            path: "/logs/access.log".into(),
            device_inode: Some(DeviceInode { device: 1, inode: u64::from(number) }),
            generation: None,
            from: Timestamp::from_secs(from),
            until: until.map(Timestamp::from_secs),
            cause: UnreadCause::Denied,
            why: String::new(),
            is_withdrawn: false,
        }
    }

    fn file(path: &str, written: i64) -> FileOfLog {
        let device_inode = DeviceInode { device: 1, inode: 77 };
        let status = FileStatus { device_inode, size: 1, modified: (written, 0), regular: true, deleted: false };
        FileOfLog::new(Path::new(path), "web", status)
    }

    #[test]
    fn a_file_makes_up_for_the_span_that_ends_when_it_was_written_last() {
        let spans = [span(1, 100, Some(200)), span(2, 200, Some(300)), span(3, 300, None)];
        let makes_up_for = |path, written| file(path, written).makes_up_for(spans.iter());
        assert_eq!(makes_up_for("/logs/access.log.2.gz", 199), Some(1));
        assert_eq!(makes_up_for("/old/access.log-20261122.xz", 290), Some(2));
        assert_eq!(makes_up_for("/logs/access.log.1", 400), Some(3));
        assert_eq!(makes_up_for("/logs/error.log.2.gz", 199), None);
        assert_eq!(makes_up_for("/logs/access.log.2.gz", 90), None);
    }

    #[test]
    fn what_was_written_while_its_path_could_not_be_looked_at_was_missed_there() {
        let path = UnreadSpan { device_inode: None, ..span(1, 100, None) };
        assert!(file("/logs/access.log.1", 100).was_missed_in(&path));
        assert!(file("/old/access.log.2.gz", 500).was_missed_in(&path));
        assert!(!file("/logs/access.log.1", 99).was_missed_in(&path));
        assert!(!file("/logs/error.log.1", 200).was_missed_in(&path));
        assert!(!file("/logs/access.log.1", 200).was_missed_in(&span(1, 100, None)));
        let folder = UnreadSpan { path: "/logs".into(), ..path.clone() };
        assert!(file("/logs/error.log.1", 200).was_missed_in(&folder));
        assert!(!file("/old/error.log.1", 200).was_missed_in(&folder));
        let over = UnreadSpan { until: Some(Timestamp::from_secs(300)), ..path };
        assert!(!file("/logs/access.log.1", 200).was_missed_in(&over));
    }

    #[test]
    fn one_file_does_not_make_up_for_a_span_of_several_nor_for_the_rest_of_one_that_is_known() {
        let several = UnreadSpan { device_inode: None, ..span(1, 100, Some(200)) };
        let known = UnreadSpan { generation: Some(crate::source::GenerationId(4)), ..span(2, 100, Some(200)) };
        let other = UnreadSpan { log: "other".to_owned(), ..span(3, 100, Some(200)) };
        assert_eq!(file("/logs/access.log.1", 150).makes_up_for([several, known, other].iter()), None);
    }
}
