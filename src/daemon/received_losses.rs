//! What was lost of logs that are received, on its way from those who receive to those who follow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::source::LostStretch;
use crate::time::Timestamp;

/// What receivers lost, until whoever follows their logs takes it.
#[derive(Debug, Default)]
pub struct ReceivedLosses {
    lost: Mutex<Vec<LostStretch>>,
    /// Since when each log is received.
    since: Mutex<HashMap<String, Timestamp>>,
}

impl ReceivedLosses {
    /// What was lost since this was asked last.
    pub(super) fn take(&self) -> Vec<LostStretch> {
        std::mem::take(&mut self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Since when a log is received.
    pub(super) fn since(&self, log: &str) -> Option<Timestamp> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get(log).copied()
    }

    /// A log is received from now on.
    pub(super) fn begin(&self, log: &str, now: Timestamp) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).insert(log.to_owned(), now);
    }

    /// Something was lost.
    pub(super) fn add(&self, lost: LostStretch) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push(lost);
    }
}
