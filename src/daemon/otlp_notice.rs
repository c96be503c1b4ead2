//! What is said of a collector of OTLP, where it is not what is said of a carbon.

use std::fmt;
use std::time::Duration;

use crate::time::{SpelledDuration, Timestamp};

/// One thing that happened to what goes to a collector.
#[derive(Debug, Clone)]
pub enum OtlpNotice {
    /// How long after its end a slot is sent.
    SlotDelay {
        /// Where to.
        endpoint: String,
        /// So long.
        delay: Duration,
    },
    /// The first slot, or the first after [`OtlpNotice::Failed`], was taken.
    Connected {
        /// Where to.
        endpoint: String,
        /// How many slots it is still owed.
        owed: usize,
    },
    /// A slot was not taken. Said once until one is.
    Failed {
        /// Where to.
        endpoint: String,
        /// Why.
        words: String,
    },
    /// Slots that it refuses for good.
    Refused {
        /// Where to.
        endpoint: String,
        /// Where the first of them begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
        /// Why.
        words: String,
    },
    /// It took requests but for some of their points.
    PartlyTaken {
        /// Where to.
        endpoint: String,
        /// How many points it did not take; none where it only says something.
        points: u64,
        /// Why.
        words: String,
    },
    /// Lines came after their slots were sent.
    LateUnsent {
        /// Where to.
        endpoint: String,
        /// How many lines.
        lines: u64,
        /// Where the first of their slots begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
    },
    /// It will not get what is beyond its spool.
    SpoolOverflowed {
        /// Where to.
        endpoint: String,
        /// Where the first of these slots begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
    },
    /// It is owed slots and is not configured any more.
    LeftBehind {
        /// What the store knows it by.
        endpoint: String,
        /// How many slots it is owed.
        slots: usize,
    },
}

impl OtlpNotice {
    /// The name of its kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            OtlpNotice::SlotDelay { .. } => "otlp-slot-delay",
            OtlpNotice::Connected { .. } => "otlp-connected",
            OtlpNotice::Failed { .. } => "otlp-failed",
            OtlpNotice::Refused { .. } => "otlp-refused",
            OtlpNotice::PartlyTaken { .. } => "otlp-partly-taken",
            OtlpNotice::LateUnsent { .. } => "otlp-late-unsent",
            OtlpNotice::SpoolOverflowed { .. } => "otlp-spool-overflowed",
            OtlpNotice::LeftBehind { .. } => "otlp-left-behind",
        }
    }
}

impl fmt::Display for OtlpNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OtlpNotice::SlotDelay { endpoint, delay } => {
                write!(f, "otlp {endpoint}: a slot is sent once, {} after its end", SpelledDuration(*delay))
            }
            OtlpNotice::Connected { endpoint, owed: 0 } => write!(f, "otlp {endpoint}: takes what it is sent"),
            OtlpNotice::Connected { endpoint, owed } => {
                write!(f, "otlp {endpoint}: takes what it is sent; {owed} slots owed")
            }
            OtlpNotice::Failed { endpoint, words } => {
                write!(f, "otlp {endpoint}: {words}; slots are kept and sent when it takes them")
            }
            OtlpNotice::Refused { endpoint, from, until, words } => write!(
                f,
                "otlp {endpoint}: slots of {from} to {until} are refused and not sent again: it answered {words}; they are in the store"
            ),
            OtlpNotice::PartlyTaken { endpoint, points: 0, words } => {
                write!(f, "otlp {endpoint}: it takes what it is sent, and says: {words}")
            }
            OtlpNotice::PartlyTaken { endpoint, points, words } => write!(
                f,
                "otlp {endpoint}: it did not take {points} of the points that it was sent, which are not sent again{}{words}",
                if words.is_empty() { "" } else { ": " }
            ),
            OtlpNotice::LateUnsent { endpoint, lines, from, until } => write!(
                f,
                "otlp {endpoint}: {lines} lines of {from} to {until} came after their slots were sent, which a delta cannot mend; they are in the \
                 store, but not in what this collector has; a longer `lateness` waits for such lines"
            ),
            OtlpNotice::SpoolOverflowed { endpoint, from, until } => write!(
                f,
                "otlp {endpoint}: slots of {from} to {until} are beyond its `spool` and are not sent; they are in the store"
            ),
            OtlpNotice::LeftBehind { endpoint, slots } => write!(
                f,
                "otlp {endpoint} is owed {slots} slots and is not in the configuration any more; they are in the store, and sent when it is there again"
            ),
        }
    }
}
