//! What is known of logs: the parts of a follower that all the others ask.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::closed::ClosedGenerations;
use super::horizon::Horizon;
use super::open_log::OpenLog;
use super::open_logs::OpenLogs;
use super::patterns::Patterns;
use super::poll::Poll;
use crate::source::blocks::event::{FinishReason, LogEvent};
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::find::FoundFile;
use crate::source::identity::homes::home_of;
use crate::time::{Timestamp, Window};

/// What the steps of a poll decide by.
#[derive(Debug)]
pub(crate) struct LogFacts {
    /// Which paths are to be followed.
    pub(crate) patterns: Patterns,
    /// What is being read.
    pub(crate) open: OpenLogs,
    /// What was read, or is not to be.
    pub(crate) closed: ClosedGenerations,
    /// Up to when all was read.
    pub(crate) horizon: Horizon,
    /// The last log that this run has begun at a watched path, by where it is written.
    begun: HashMap<PathBuf, GenerationId>,
}

impl LogFacts {
    /// Of logs of which nothing is known but what the store says.
    pub(crate) fn new(patterns: Patterns, open: OpenLogs, closed: ClosedGenerations, horizon: Horizon) -> LogFacts {
        LogFacts { patterns, open, closed, horizon, begun: HashMap::new() }
    }

    /// A log was begun at a watched path.
    pub(crate) fn note_begun(&mut self, generation: &Generation) {
        self.begun.insert(home_of(&generation.path, &generation.log), generation.id);
    }

    /// Whether another log was begun later at the path that this one was at. One that was found rotated is later by its number alone.
    pub(crate) fn has_later(&self, log: &OpenLog) -> bool {
        let Generation { id, path, log: key, .. } = &log.generation;
        self.begun.get(&home_of(path, key)).is_some_and(|begun| begun > id)
    }

    /// Goes on with a generation in the file that was found to hold it.
    pub(crate) fn go_on(
        &mut self,
        before: Generation,
        file: FoundFile,
        is_copy: bool,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        let log = OpenLog::resume_in(before.clone(), file, is_copy, poll.now, &poll.settings);
        let Generation { id, path, device_inode, fingerprint, position, .. } = log.generation.clone();
        self.open.push(log);
        poll.tell(LogEvent::GoesOn { generation: id, path: path.clone(), position })?;
        if path != before.path || device_inode != before.device_inode {
            poll.tell(LogEvent::Moved { generation: id, path, device_inode })?;
        }
        if fingerprint != before.fingerprint {
            poll.tell(LogEvent::Fingerprint { generation: id, fingerprint })?;
        }
        ControlFlow::Continue(())
    }

    /// Nothing more will be read from an open log.
    pub(crate) fn finish(
        &mut self,
        id: GenerationId,
        unread: u64,
        reason: FinishReason,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        let Some(log) = self.open.remove(id) else { return ControlFlow::Continue(()) };
        self.note_cut(id, reason, poll);
        self.closed.finish_log(log, reason);
        poll.tell(LogEvent::Finished { generation: id, unread, reason })
    }

    /// Notes when a log was truncated or deleted, if it was: after the last look at it.
    pub(crate) fn note_cut(&mut self, id: GenerationId, reason: FinishReason, poll: &Poll<'_>) {
        let from = poll.before.or(self.horizon.read_until()).unwrap_or(Timestamp(i64::MIN));
        let cut = Window { from, until: poll.now };
        self.closed.note_cut((reason != FinishReason::Rotated).then_some((id, cut)));
    }
}
