//! That the daemon lives, and how it goes: told every few seconds by the thread that commits, which all others work for.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;

/// How often.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(10);

/// Who hears it.
pub type Beat = Arc<dyn Fn(&DaemonPulse) + Send + Sync>;

/// How it goes, as of the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaemonPulse {
    /// Everything written to the logs before this was read; nothing before that was so for the first time.
    pub read_until: Option<Timestamp>,
    /// The logs that are not finished.
    pub logs: usize,
    /// Logs that cannot be read at present.
    pub unread_logs: usize,
    /// Routes known.
    pub routes: usize,
    /// Slots owed over all destinations.
    pub slots_owed: usize,
    /// The last commit failed.
    pub is_unsaved: bool,
}
