//! What is known of logs: the parts of a follower that all the others ask.

use super::closed::ClosedGenerations;
use super::horizon::Horizon;
use super::open_log::OpenLog;
use super::open_logs::OpenLogs;
use super::patterns::Patterns;
use crate::source::identity::siblings::base_of;

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
}

impl LogFacts {
    /// Whether another log was begun later at the path that this one was at.
    pub(crate) fn has_later(&self, log: &OpenLog) -> bool {
        let base = base_of(&log.generation.path);
        let mut others = self.closed.iter().chain(self.open.generations());
        others.any(|other| other.id > log.generation.id && base_of(&other.path) == base)
    }
}
