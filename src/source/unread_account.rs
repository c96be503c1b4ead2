//! What a backfill has to say of logs that were not read: a file that is being taken in is missing until it was read to its end, and
//! what it holds was perhaps not read before.

use std::path::{Path, PathBuf};

use crate::source::blocks::event::LogEvent;
use crate::source::file::FileStatus;
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::siblings::base_of;
use crate::source::unread_span::{UnreadCause, UnreadSpan, times_apart};
use crate::time::Timestamp;

/// A file's own time may be this much behind the clock of who wrote it, in milliseconds.
const TIME_LAG: i64 = 5_000;

/// What is said of a log while it is taken in, until it was read to its end.
const STOPPED: &str = "`spikeline index` ended before it had read it all; the same command goes on from there";

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

    /// A file is going to be read: what it holds behind what was read is missing until its end was reached.
    pub(crate) fn begin(&mut self, generation: &Generation, status: FileStatus) -> LogEvent {
        let at = self.spans.iter().position(|span| span.generation == Some(generation.id));
        let number = at.and_then(|at| self.spans.get(at)).map_or(self.next_number, |span| span.number);
        let span = UnreadSpan {
            number,
            log: generation.log.clone(),
            path: generation.path.clone(),
            device_inode: None,
            generation: Some(generation.id),
            from: Timestamp(i64::MIN),
            until: Some(status.modified().plus_millis(TIME_LAG)),
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
            let is_it = span.generation == Some(generation.id)
                || span.generation.is_none() && span.device_inode == Some(status.device_inode);
            if is_it {
                found.push(span.clone());
            }
            !is_it
        });
        let is_unread_one = found.iter().any(|span| span.cause != UnreadCause::Unfinished);
        let others = if is_unread_one { None } else { self.packed_since(&generation.log, path, status) };
        found.extend(others);
        found.into_iter().map(|span| LogEvent::Unread(UnreadSpan { is_withdrawn: true, ..span })).collect()
    }

    /// The span of a file that could not be read, and was packed or copied since.
    fn packed_since(&mut self, log: &str, path: &Path, status: FileStatus) -> Option<UnreadSpan> {
        let mut best: Option<(i64, usize)> = None;
        for (at, span) in self.spans.iter().enumerate() {
            let Some(until) = span.until.filter(|_| span.generation.is_none() && span.log == log) else { continue };
            if name_of_log(&span.path) != name_of_log(path) {
                continue;
            }
            if let Some(apart) = times_apart(span.from, until, status.modified())
                && best.is_none_or(|(least, _)| apart < least)
            {
                best = Some((apart, at));
            }
        }
        best.map(|(_, at)| self.spans.remove(at))
    }
}

/// What a log is called, wherever it was moved to.
fn name_of_log(path: &Path) -> Option<PathBuf> {
    base_of(path).file_name().map(PathBuf::from)
}
