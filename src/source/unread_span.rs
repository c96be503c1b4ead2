//! A stretch of time of which a log was not read: what could not be read is missing, until it was read after all.

use std::path::PathBuf;

use crate::source::generation::{DeviceInode, GenerationId};
use crate::time::Timestamp;

/// Why a log was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum UnreadCause {
    /// The system did not let it be opened or read, or it is no file.
    Denied = 1,
    /// There is no such file.
    Absent = 2,
    /// It was not read to its end: the reader was stopped, or the file is compressed and torn.
    Unfinished = 3,
    /// It was read, but the store's record of it was damaged. The path is that of what is left of the record.
    Damaged = 4,
}

impl UnreadCause {
    /// All of them, in the order of their codes.
    pub const ALL: [UnreadCause; 4] =
        [UnreadCause::Denied, UnreadCause::Absent, UnreadCause::Unfinished, UnreadCause::Damaged];

    /// The number it is stored as.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// What was lost of a log before it could be written: nothing of it will be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostStretch {
    /// The key of the log's section.
    pub key: String,
    /// Where it comes from.
    pub path: PathBuf,
    /// It was lost between then ..
    pub from: Timestamp,
    /// .. and then.
    pub until: Timestamp,
    /// Why, in words.
    pub why: String,
}

/// What was written to a log in this stretch of time is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadSpan {
    /// Its number in one store; the last value of a number is the one that holds.
    pub number: u32,
    /// The key of the log's section, see [`Generation::log`](crate::source::Generation::log).
    pub log: String,
    /// Where the log was to be read.
    pub path: PathBuf,
    /// The file that was not read, if it is known.
    pub device_inode: Option<DeviceInode>,
    /// The generation that the file holds, if something of it was read.
    pub generation: Option<GenerationId>,
    /// What is missing was written after this; `i64::MIN` if nobody knows.
    pub from: Timestamp,
    /// And before this; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// Why.
    pub cause: UnreadCause,
    /// The same in words, for people.
    pub why: String,
    /// It was read after all, so nothing is missing any more.
    pub is_withdrawn: bool,
}

impl UnreadSpan {
    /// The end of it, as far as it is known.
    pub fn end(&self) -> Timestamp {
        self.until.unwrap_or(Timestamp(i64::MAX))
    }

    /// Whether it goes on.
    pub fn is_lasting(&self) -> bool {
        self.until.is_none()
    }
}
