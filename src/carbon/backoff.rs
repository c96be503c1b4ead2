//! When to try again: exponential, with full jitter, so that many hosts do not return to a carbon in step
//! (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).

use std::time::{Duration, Instant};

/// The bound after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// The bound after many.
const LAST: Duration = Duration::from_secs(30);

/// The state of one link's retries.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    failures: u32,
    next: Option<Instant>,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Backoff {
        Backoff { failures: 0, next: None, random: seed }
    }

    /// Whether a try is due.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// When the next try is due, if there is something to wait for.
    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        self.next
    }

    /// A try failed, or a connection broke, at `now`: the wait is uniform between 0 and a bound that doubles.
    pub(crate) fn note_failure(&mut self, now: Instant) -> Instant {
        let bound = FIRST.saturating_mul(1 << self.failures.min(16)).min(LAST);
        self.failures = self.failures.saturating_add(1);
        let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        let next = now + Duration::from_millis(self.next_random() % (bound + 1));
        self.next = Some(next);
        next
    }

    /// A batch went through.
    pub(crate) fn note_success(&mut self) {
        self.failures = 0;
        self.next = None;
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): enough for jitter.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded_doubling_and_spread() {
        let now = Instant::now();
        let mut sums = [0u128; 10];
        for seed in 0..400 {
            let mut backoff = Backoff::new(seed);
            assert!(backoff.is_ready(now));
            for (n, sum) in sums.iter_mut().enumerate() {
                let wait = backoff.note_failure(now) - now;
                assert!(wait <= (FIRST * (1 << n)).min(LAST));
                assert!(backoff.is_ready(now + wait));
                assert!(wait.is_zero() || !backoff.is_ready(now + wait - Duration::from_millis(1)));
                *sum += wait.as_millis();
            }
        }
        // Full jitter: the mean is half the bound. 400 draws lie within 15 % of it with a wide margin.
        for (n, sum) in sums.into_iter().enumerate() {
            let half = (FIRST * (1 << n)).min(LAST).as_millis() / 2;
            assert!(sum / 400 > half * 85 / 100 && sum / 400 < half * 115 / 100, "{n}: {} of {half}", sum / 400);
        }
    }

    #[test]
    fn a_success_starts_over_and_failures_never_overflow() {
        let now = Instant::now();
        let mut backoff = Backoff::new(7);
        for _ in 0..100_000 {
            assert!(backoff.note_failure(now) - now <= LAST);
        }
        backoff.note_success();
        assert!(backoff.is_ready(now) && backoff.next_attempt().is_none());
        for _ in 0..50 {
            assert!(backoff.note_failure(now) - now <= FIRST);
            backoff.note_success();
        }
    }
}
