//! Lines that came after their slot was sent for good: counted, and said from time to time.

use std::time::{Duration, Instant};

use super::notice::Notice;
use crate::time::Timestamp;

/// What is said of them is said no more often.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Those of one destination that were not said yet.
#[derive(Debug, Default)]
pub(super) struct LateLines {
    lines: u64,
    /// The first and the last slot that they belong to.
    slots: Option<(Timestamp, Timestamp)>,
    said_at: Option<Instant>,
}

impl LateLines {
    pub(super) fn add(&mut self, slot: Timestamp, lines: u64) {
        let (first, last) = self.slots.unwrap_or((slot, slot));
        self.slots = Some((first.min(slot), last.max(slot)));
        self.lines += lines;
    }

    /// What is to be said of them, if there are any and it is time or `is_last`.
    pub(super) fn take_notice(
        &mut self,
        address: &str,
        interval: Duration,
        now: Instant,
        is_last: bool,
    ) -> Option<Notice> {
        let is_due = self.said_at.is_none_or(|at| now.saturating_duration_since(at) >= SAID_EVERY);
        let (from, last) = self.slots.filter(|_| is_due || is_last)?;
        self.said_at = Some(now);
        self.slots = None;
        let lines = std::mem::take(&mut self.lines);
        Some(Notice::LateUnsent { address: address.to_owned(), lines, from, until: last.plus(interval) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_said_at_once_and_then_once_a_minute_and_at_the_end() {
        let (start, mut late, interval) = (Instant::now(), LateLines::default(), Duration::from_secs(10));
        let take = |late: &mut LateLines, seconds, is_last| {
            let now = start + Duration::from_secs(seconds);
            match late.take_notice("c:2003", interval, now, is_last) {
                Some(Notice::LateUnsent { lines, from, until, .. }) => Some((lines, from.secs(), until.secs())),
                _ => None,
            }
        };
        assert_eq!(take(&mut late, 0, true), None);
        late.add(Timestamp::from_secs(100), 2);
        late.add(Timestamp::from_secs(80), 1);
        assert_eq!(take(&mut late, 0, false), Some((3, 80, 110)));
        late.add(Timestamp::from_secs(90), 5);
        assert_eq!((take(&mut late, 59, false), take(&mut late, 60, false)), (None, Some((5, 90, 100))));
        late.add(Timestamp::from_secs(90), 1);
        assert_eq!((take(&mut late, 61, false), take(&mut late, 61, true)), (None, Some((1, 90, 100))));
    }
}
