//! How many messages of one kind are printed: a log that fails in turns must not fill the disk that it is written to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So many of a kind in a [`PERIOD`].
const BURST: u32 = 30;

/// Of logs that are found there may be as many as there are logs.
const BURST_OF_LOGS: u32 = 5000;

const PERIOD: Duration = Duration::from_secs(60);

/// What was printed of one kind.
struct KindCount {
    since: Instant,
    printed: u32,
    held_back: u64,
}

/// What was held back of a kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeldBackKind {
    pub(super) kind: &'static str,
    pub(super) count: u64,
}

/// All kinds.
#[derive(Default)]
pub(super) struct RateLimit {
    kinds: BTreeMap<&'static str, KindCount>,
}

impl RateLimit {
    /// Whether one more of this kind is printed.
    pub(super) fn admit(&mut self, kind: &'static str, now: Instant) -> bool {
        let most = if kind == "following" { BURST_OF_LOGS } else { BURST };
        let held = self.kinds.entry(kind).or_insert(KindCount { since: now, printed: 0, held_back: 0 });
        if now.saturating_duration_since(held.since) >= PERIOD && held.held_back == 0 {
            (held.since, held.printed) = (now, 0);
        }
        if held.printed < most {
            held.printed += 1;
            return true;
        }
        held.held_back += 1;
        false
    }

    /// What was held back in periods that are over, or in all if `is_last`; told once.
    pub(super) fn take_held_back(&mut self, now: Instant, is_last: bool) -> Vec<HeldBackKind> {
        let mut taken = Vec::new();
        for (&kind, held) in &mut self.kinds {
            let is_over = is_last || now.saturating_duration_since(held.since) >= PERIOD;
            if is_over && held.held_back > 0 {
                taken.push(HeldBackKind { kind, count: std::mem::take(&mut held.held_back) });
                (held.since, held.printed) = (now, 0);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted_and_told_when_its_minute_is_over() {
        let (start, mut limit) = (Instant::now(), RateLimit::default());
        let admitted = (0..100).filter(|_| limit.admit("log-failed", start)).count();
        assert_eq!(admitted, 30);
        assert!(limit.admit("commit-failed", start), "another kind");
        assert_eq!(limit.take_held_back(start + Duration::from_secs(59), false), vec![]);
        let minute = start + PERIOD;
        assert!(!limit.admit("log-failed", minute), "before it was told");
        let told = vec![HeldBackKind { kind: "log-failed", count: 71 }];
        assert_eq!(limit.take_held_back(minute, false), told);
        assert!(limit.admit("log-failed", minute));
        assert_eq!(limit.take_held_back(minute + PERIOD, true), vec![]);
    }

    #[test]
    fn every_log_that_is_followed_is_named() {
        let (now, mut limit) = (Instant::now(), RateLimit::default());
        assert!((0..5000).all(|_| limit.admit("following", now)));
        assert!(!limit.admit("following", now));
        assert_eq!(limit.take_held_back(now, true), vec![HeldBackKind { kind: "following", count: 1 }]);
    }
}
