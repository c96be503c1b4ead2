//! How a daemon's clean stop ended.

/// How much of what was read is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All that was read is committed.
    Committed,
    /// All that was committed is; the rest is read again at the next start.
    Early,
}
