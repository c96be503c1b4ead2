//! Slots that a destination will not get, since they are beyond its spool: said at once, and then from time to time.

use std::time::{Duration, Instant};

use super::notice::Notice;
use crate::time::Timestamp;

/// What is said of them is said no more often.
const SAID_EVERY: Duration = Duration::from_secs(3600);

/// Those of one destination that were not said yet.
#[derive(Debug, Default)]
pub(super) struct SpoolOverflow {
    /// Where the first of them begins, and where the last ends.
    slots: Option<(Timestamp, Timestamp)>,
    said_at: Option<Instant>,
}

impl SpoolOverflow {
    /// What is from here to there is not sent.
    pub(super) fn add(&mut self, from: Timestamp, until: Timestamp) {
        let (first, last) = self.slots.unwrap_or((from, until));
        self.slots = Some((first.min(from), last.max(until)));
    }

    /// What is to be said of them, if there are any and it is time or `is_last`.
    pub(super) fn take_notice(&mut self, address: &str, now: Instant, is_last: bool) -> Option<Notice> {
        let is_due = self.said_at.is_none_or(|at| now.saturating_duration_since(at) >= SAID_EVERY);
        let (from, until) = self.slots.filter(|_| is_due || is_last)?;
        self.said_at = Some(now);
        self.slots = None;
        Some(Notice::SpoolOverflowed { address: address.to_owned(), from, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_is_said_at_once_and_then_once_an_hour_and_at_the_end() {
        let (start, mut overflow) = (Instant::now(), SpoolOverflow::default());
        let take = |overflow: &mut SpoolOverflow, seconds, is_last| match overflow.take_notice(
            "c:2003",
            start + Duration::from_secs(seconds),
            is_last,
        ) {
            Some(Notice::SpoolOverflowed { from, until, .. }) => Some((from.secs(), until.secs())),
            _ => None,
        };
        let at = Timestamp::from_secs;
        assert_eq!(take(&mut overflow, 0, true), None);
        overflow.add(at(100), at(110));
        overflow.add(at(80), at(90));
        assert_eq!(take(&mut overflow, 0, false), Some((80, 110)));
        overflow.add(at(120), at(130));
        assert_eq!((take(&mut overflow, 3599, false), take(&mut overflow, 3600, false)), (None, Some((120, 130))));
        overflow.add(at(140), at(150));
        assert_eq!((take(&mut overflow, 3601, false), take(&mut overflow, 3601, true)), (None, Some((140, 150))));
    }
}
