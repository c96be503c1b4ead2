//! What is known of logs: the parts of a follower that all the others ask.

use super::closed::ClosedGenerations;
use super::horizon::Horizon;
use super::open_logs::OpenLogs;
use super::patterns::Patterns;

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
