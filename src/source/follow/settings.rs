//! What a follower is told before it begins, and what it says of each poll.

use std::collections::HashMap;
use std::time::Duration;

use crate::grammar::Wrapper;
use crate::source::{BLOCK_LIMIT, MAX_LINE};

/// A log to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLog {
    /// The stable key of its `[[log]]` section; becomes [`Generation::log`](crate::source::Generation::log).
    pub key: String,
    /// A path, or a glob. A glob passes over compressed files and over a rotated name (`access.log.1`) whose
    /// unrotated name (`access.log`) it matches too.
    pub pattern: String,
}

/// How to follow.
#[derive(Debug, Clone)]
pub struct FollowSettings {
    /// The longest line that is read, in bytes without its newline; longer ones are counted and passed over.
    pub max_line: usize,
    /// How long a file that was rotated away must have been quiet before it is finished.
    pub rotate_grace: Duration,
    /// How many bytes a block holds, about.
    pub block_limit: usize,
    /// Whether a log that was never seen before is read from its beginning, not from its present end. Only
    /// concerns the first poll of a follower that knows no generation.
    pub from_start: bool,
    /// What is around the lines of each log that is wrapped, by its [`WatchedLog::key`].
    pub wrappers: HashMap<String, Wrapper>,
    /// So many logs may be open at a time; the others are opened when there is something to read in them.
    pub open_files: usize,
    /// Globs of what rotation moves to other directories, of each log by its [`WatchedLog::key`].
    pub elsewhere: HashMap<String, Vec<String>>,
}

impl FollowSettings {
    /// The globs of what a log's rotation moves to other directories.
    pub(crate) fn elsewhere_of(&self, key: &str) -> &[String] {
        self.elsewhere.get(key).map_or(&[], Vec::as_slice)
    }
}

impl Default for FollowSettings {
    fn default() -> FollowSettings {
        FollowSettings {
            max_line: MAX_LINE,
            rotate_grace: Duration::from_secs(60),
            block_limit: BLOCK_LIMIT,
            from_start: true,
            wrappers: HashMap::new(),
            open_files: usize::MAX,
            elsewhere: HashMap::new(),
        }
    }
}

/// What a poll did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollProgress {
    /// How many bytes were given out.
    pub read_bytes: u64,
    /// Whether everything that was there has been read. If not, poll again at once.
    pub caught_up: bool,
    /// Whether there is a rotated file of which only time will tell if it was read: it may be a copy in the making.
    pub undecided: bool,
    /// How many directories were listed for rotated files.
    pub listed: u64,
}
