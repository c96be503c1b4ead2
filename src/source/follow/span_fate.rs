//! What becomes of a span at the end of a poll: whether what it lacks was read by now, is being read, or is gone.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use super::facts::LogFacts;
use super::horizon::is_created_after;
use super::new_files::SettledFiles;
use super::open_log::OpenLog;
use super::span_index::HeldSpan;
use crate::source::file::{FileStatus, created};
use crate::source::generation::GenerationId;
use crate::source::identity::siblings::directory_of;
use crate::source::unread_span::{UnreadCause, UnreadSpan};
use crate::time::Timestamp;

/// What became of a span at the end of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanFate {
    Stays,
    /// It was read, or the ledger of its generation says what is lost.
    Withdrawn,
    /// Its file is being read, as this generation: whatever becomes of that file, it is missing until that was read.
    Begun(GenerationId),
    /// The file is not at its path any more, since then at the latest.
    Over(Timestamp),
    /// Its file became smaller before it could be read: what it held is in no file that is known.
    Cut,
}

/// What a poll knows that decides about spans.
pub(crate) struct SpanFates<'p> {
    pub(crate) facts: &'p LogFacts,
    /// The generations that wait to be found.
    pub(crate) waiting: &'p HashSet<GenerationId>,
    pub(crate) settled: &'p SettledFiles,
    /// All there was to read was read, and no file is in doubt.
    pub(crate) all_is_read: bool,
    /// When all was looked at last.
    pub(crate) seen: Timestamp,
    pub(crate) now: Timestamp,
}

impl SpanFates<'_> {
    /// What becomes of a span that was reported in this poll or not.
    pub(crate) fn of(&self, held: &HeldSpan) -> SpanFate {
        let HeldSpan { span, is_reported, is_by_file, size, .. } = held;
        let SpanFates { facts, now, .. } = *self;
        if *is_reported || span.is_withdrawn {
            return SpanFate::Stays;
        }
        let read_now = if self.all_is_read { SpanFate::Withdrawn } else { SpanFate::Stays };
        if let Some(id) = span.generation {
            if self.waiting.contains(&id) || !facts.patterns.has_key(&span.log) {
                return SpanFate::Stays;
            }
            // Or it was read to its end, or given up, and its ledger says so.
            let is_read = facts.open.get(id).is_none_or(OpenLog::is_read);
            let is_sure = !is_by_file || self.all_is_read;
            return if is_read && is_sure { SpanFate::Withdrawn } else { SpanFate::Stays };
        }
        // What was made since the last look is another one.
        if let Some(log) = self.open_log_of(span) {
            return match log.generation.id {
                _ if log.is_plain() && log.status.size < *size => SpanFate::Cut,
                _ if self.all_is_read => SpanFate::Withdrawn,
                id => SpanFate::Begun(id),
            };
        }
        let status = FileStatus::of_path(&span.path);
        if !span.is_lasting() {
            // It holds what was read, as is known now that it can be looked into.
            let is_settled =
                |status: FileStatus| self.settled.is_settled(status) && is_same(span, &span.path, status, now);
            return if status.is_ok_and(is_settled) { read_now } else { SpanFate::Stays };
        }
        match (status, span.device_inode) {
            (Ok(status), Some(inode)) if status.device_inode != inode => SpanFate::Over(now),
            (Ok(_), Some(_)) if is_created_after(&span.path, self.seen, now) => {
                let began = created(&span.path).map_or(now, |created| created.plus_millis(-1));
                SpanFate::Over(began.min(now))
            }
            (Ok(_), _) => read_now,
            // What is away with its folder may come back with it.
            (Err(error), _) if error.kind() == ErrorKind::NotFound && span.cause != UnreadCause::Absent => {
                let is_folder_there = directory_of(&span.path).is_some_and(Path::exists);
                if is_folder_there { SpanFate::Over(now) } else { SpanFate::Stays }
            }
            (Err(_), _) => SpanFate::Stays,
        }
    }

    /// The log that is read from the file of a span; one that was made since has but its inode.
    fn open_log_of(&self, span: &UnreadSpan) -> Option<&OpenLog> {
        let log = self.facts.open.by_inode(span.device_inode?)?;
        let seen = span.until.unwrap_or(self.seen);
        (!is_created_after(&log.generation.path, seen, self.now)).then_some(log)
    }
}

/// Whether the file at a path, which has this status, is that of a span that is over.
pub(crate) fn is_same(span: &UnreadSpan, path: &Path, status: FileStatus, now: Timestamp) -> bool {
    Some(status.device_inode) == span.device_inode && !is_created_after(path, span.end(), now)
}
