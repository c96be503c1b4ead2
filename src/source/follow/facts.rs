//! What is known of logs: the parts of a follower that all the others ask.

use std::collections::HashMap;
use std::path::PathBuf;

use super::closed::ClosedGenerations;
use super::horizon::Horizon;
use super::open_log::OpenLog;
use super::open_logs::OpenLogs;
use super::patterns::Patterns;
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::homes::home_of;

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
}
