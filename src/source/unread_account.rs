//! What a backfill has to say of logs that were not read: a file that is being taken in is missing until it was read to its end, and
//! what it holds was perhaps not read before.

use std::path::{Path, PathBuf};

use crate::source::blocks::event::LogEvent;
use crate::source::file::{FileStatus, created, leads_to};
use crate::source::file_of_log::FileOfLog;
use crate::source::generation::{Generation, GenerationId};
use crate::source::unread_span::{UnreadCause, UnreadSpan};
use crate::time::Timestamp;

/// What is said of a log while it is taken in, until it was read to its end.
pub(crate) const STOPPED: &str =
    "`spikeline index` ended before it had read it all; the same command goes on from there";

/// The spans that the store knows, and those of the files that are being taken in.
#[derive(Debug, Default)]
pub(crate) struct UnreadAccount {
    spans: Vec<UnreadSpan>,
    next_number: u32,
}

impl UnreadAccount {
    /// Goes on with what the store knows.
    pub(crate) fn new(known: Vec<UnreadSpan>) -> UnreadAccount {
        let next_number = known.iter().map(|span| span.number.saturating_add(1)).max().unwrap_or(0);
        UnreadAccount { spans: known, next_number }
    }

    /// A file will be read, after others, or could not be begun: what it holds is missing until then.
    pub(crate) fn announce(&mut self, path: PathBuf, key: &str, status: FileStatus, why: &str) -> UnreadSpan {
        if let Some(known) = self.spans.iter_mut().find(|span| is_announced(span, status)) {
            why.clone_into(&mut known.why);
            return known.clone();
        }
        let span = UnreadSpan {
            number: self.next_number,
            log: key.to_owned(),
            path,
            device_inode: Some(status.device_inode),
            generation: None,
            from: Timestamp(i64::MIN),
            until: Some(status.written_until()),
            cause: UnreadCause::Unfinished,
            why: why.to_owned(),
            is_withdrawn: false,
        };
        self.next_number = self.next_number.saturating_add(1);
        self.spans.push(span.clone());
        span
    }

    /// A file is not read; that was announced of it is void.
    pub(crate) fn pass(&mut self, status: FileStatus) -> Option<LogEvent> {
        let at = self.spans.iter().position(|span| is_announced(span, status))?;
        Some(LogEvent::Unread(UnreadSpan { is_withdrawn: true, ..self.spans.remove(at) }))
    }

    /// A file is going to be read: what it holds behind what was read is missing until its end was reached.
    pub(crate) fn begin(&mut self, generation: &Generation, status: FileStatus) -> LogEvent {
        let is_of = |span: &UnreadSpan| span.generation == Some(generation.id) || is_announced(span, status);
        let at = self.spans.iter().position(is_of);
        let number = at.and_then(|at| self.spans.get(at)).map_or(self.next_number, |span| span.number);
        let span = UnreadSpan {
            number,
            log: generation.log.clone(),
            path: generation.path.clone(),
            device_inode: None,
            generation: Some(generation.id),
            from: Timestamp(i64::MIN),
            until: Some(status.written_until()),
            cause: UnreadCause::Unfinished,
            why: STOPPED.to_owned(),
            is_withdrawn: false,
        };
        match at.and_then(|at| self.spans.get_mut(at)) {
            Some(known) => known.clone_from(&span),
            None => {
                self.next_number = self.next_number.saturating_add(1);
                self.spans.push(span.clone());
            }
        }
        LogEvent::Unread(span)
    }

    /// A file cannot be read to its end, and this is why.
    pub(crate) fn cannot_end(&mut self, id: GenerationId, why: &str) -> Option<LogEvent> {
        let span = self.spans.iter_mut().find(|span| span.generation == Some(id))?;
        why.clone_into(&mut span.why);
        Some(LogEvent::Unread(span.clone()))
    }

    /// A generation is read anew as another.
    pub(crate) fn leave(&mut self, id: GenerationId) -> Option<LogEvent> {
        let at = self.spans.iter().position(|span| span.generation == Some(id))?;
        Some(LogEvent::Unread(UnreadSpan { is_withdrawn: true, ..self.spans.remove(at) }))
    }

    /// A file was read to its end: what of that was missing is not any more.
    pub(crate) fn end(&mut self, generation: &Generation, path: &Path, status: FileStatus) -> Vec<LogEvent> {
        let mut found = Vec::new();
        self.spans.retain(|span| {
            // One that was made later has but the inode.
            let is_file = span.generation.is_none()
                && span.device_inode == Some(status.device_inode)
                && created(path).is_none_or(|created| created <= span.end());
            let is_it = span.generation == Some(generation.id) || is_file;
            if is_it {
                found.push(span.clone());
            }
            !is_it
        });
        if found.iter().all(|span| span.cause == UnreadCause::Unfinished) {
            // It could not be read, and was packed or copied since.
            let is_there = |span: &UnreadSpan| span.device_inode.is_some_and(|inode| leads_to(&span.path, inode));
            let left = self.spans.iter().filter(|span| !span.is_lasting() || !is_there(span));
            let number = FileOfLog::new(path, &generation.log, status).makes_up_for(left);
            found.extend(self.spans.extract_if(.., |span| Some(span.number) == number));
        }
        found.into_iter().map(|span| LogEvent::Unread(UnreadSpan { is_withdrawn: true, ..span })).collect()
    }
}

/// Whether a span is of this file, which was to be read and was not begun.
fn is_announced(span: &UnreadSpan, status: FileStatus) -> bool {
    span.cause == UnreadCause::Unfinished && span.generation.is_none() && span.device_inode == Some(status.device_inode)
}
