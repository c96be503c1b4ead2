//! The buckets of OTLP's histograms, made of those of HdrHistogram.
//!
//! Exponential: bucket `i` holds what is over 2^(i/32) s, up to 2^((i+1)/32) s (scale 5), so a bucket is 2.19 % wide and its middle at most
//! 1.09 % from any value in it, whatever the range. The scale is always this one: series of a route merge bucket by bucket. From 1 ms to 1 h
//! these are 700 buckets at most, of which those between the least and the greatest value are sent.
//!
//! The samples' own buckets are exact to the millisecond below 2048 ms. Above they are 0.1 % wide, and one that a bound of OTLP's goes
//! through counts whole where its highest value is (or the exact maximum, if that is less): the value that every quantile of ours gives.
//! So there a sample may be counted one bucket too high, if it is less than 0.1 % below the bound.

use crate::histogram::{Latency, highest_equivalent};

/// 2^5 buckets each doubling.
pub(super) const SCALE: i32 = 5;

/// What is at most so long, in seconds, is in the bucket of zero: nginx logs whole milliseconds. Below the bound of the least bucket.
pub(super) const ZERO_THRESHOLD: f64 = 0.000_5;

/// Below this, in milliseconds, a bucket of ours is one value.
const EXACT_BELOW: u64 = 2048;

/// The bounds that the semantic conventions advise for `http.server.request.duration`, in milliseconds.
pub const SECONDS_BOUNDS: [u64; 14] = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

/// The buckets of one exponential histogram, from its first that is not empty to its last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ExponentialBuckets {
    pub(super) zeros: u64,
    /// The number of the first of `counts`.
    pub(super) offset: i32,
    pub(super) counts: Vec<u64>,
}

impl ExponentialBuckets {
    pub(super) fn of(latency: &Latency) -> ExponentialBuckets {
        let mut made = ExponentialBuckets::default();
        for (millis, count) in represented(latency) {
            if millis == 0 {
                made.zeros += count;
                continue;
            }
            let number = exponential_number(millis);
            if made.counts.is_empty() {
                made.offset = number;
            }
            // Ours come in ascending order.
            let place = usize::try_from(number.saturating_sub(made.offset)).unwrap_or_default();
            if made.counts.len() <= place {
                made.counts.resize(place + 1, 0);
            }
            if let Some(held) = made.counts.get_mut(place) {
                *held += count;
            }
        }
        made
    }
}

/// How many samples there are up to each of these bounds and over the one before, and behind the last. In milliseconds, ascending.
pub fn in_explicit_buckets(latency: &Latency, bounds: &[u64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len() + 1];
    for (millis, count) in represented(latency) {
        if let Some(held) = counts.get_mut(bounds.partition_point(|bound| *bound < millis)) {
            *held += count;
        }
    }
    counts
}

/// The least sample in milliseconds, where it is known exactly.
pub(super) fn exact_least(latency: &Latency) -> Option<u64> {
    let (least, _) = *latency.buckets().first()?;
    (least < EXACT_BELOW).then_some(least)
}

/// Each bucket of ours as the value that stands for it, and its count; ascending.
fn represented(latency: &Latency) -> impl Iterator<Item = (u64, u64)> {
    let max = latency.max_ms();
    latency.buckets().into_iter().map(move |(lowest, count)| (highest_equivalent(lowest).min(max), count))
}

/// The number of the bucket that a duration of at least 1 ms is in. Bounds are irrational but for those at powers of two of a second, of
/// which the logarithm is exact.
fn exponential_number(millis: u64) -> i32 {
    let per_doubling = f64::from(1 << SCALE);
    let above = (in_seconds(millis).log2() * per_doubling).ceil();
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a 64 bit number, times 32")]
    let above = above as i32;
    above - 1
}

/// Milliseconds as seconds.
pub(super) fn in_seconds(millis: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "OTLP's durations are floating point numbers")]
    let millis = millis as f64;
    millis / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bounds of a bucket in milliseconds: over the first, up to the second.
    fn bounds_of(number: i32) -> (f64, f64) {
        let bound = |number: i32| 1000.0 * 2f64.powf(f64::from(number) / f64::from(1 << SCALE));
        (bound(number), bound(number + 1))
    }

    fn latency(samples: &[u64]) -> Latency {
        let mut latency = Latency::default();
        latency.record_all(samples);
        latency
    }

    #[test]
    fn every_millisecond_is_within_the_bounds_of_its_bucket() {
        for millis in (1..100_000u64).chain((17..32).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]))
        {
            let (over, up_to) = bounds_of(exponential_number(millis));
            let value = in_seconds(millis) * 1000.0;
            assert!(over < value && value <= up_to, "{millis} ms: {over} .. {up_to}");
        }
    }

    #[test]
    fn powers_of_two_of_a_second_are_upper_bounds() {
        for (millis, number) in
            [(125, -97), (250, -65), (500, -33), (1000, -1), (1001, 0), (2000, 31), (2001, 32), (64_000, 191)]
        {
            assert_eq!(exponential_number(millis), number, "{millis} ms");
        }
        assert!(bounds_of(exponential_number(1)).0 / 1000.0 > ZERO_THRESHOLD, "zero's bucket meets no other");
    }

    #[test]
    fn zeros_have_a_bucket_of_their_own_and_gaps_are_counted_through() {
        let made = ExponentialBuckets::of(&latency(&[0, 0, 0, 1000, 1000, 1001, 2000]));
        let mut counts = vec![0; 33];
        (counts[0], counts[1], counts[32]) = (2, 1, 1);
        assert_eq!(made, ExponentialBuckets { zeros: 3, offset: -1, counts });
        assert_eq!(ExponentialBuckets::of(&latency(&[0])), ExponentialBuckets { zeros: 1, offset: 0, counts: vec![] });
        assert_eq!(ExponentialBuckets::of(&Latency::default()), ExponentialBuckets::default());
    }

    #[test]
    fn explicit_bounds_are_inclusive() {
        let counts = in_explicit_buckets(&latency(&[0, 5, 6, 10, 10_000, 10_001, 90_000]), &SECONDS_BOUNDS);
        // 10,000 ms shares a bucket of ours with what is up to 10,007 ms.
        assert_eq!((counts[0], counts[1], counts[13], counts[14]), (2, 2, 0, 3));
        assert_eq!(in_explicit_buckets(&latency(&[10_000]), &SECONDS_BOUNDS)[13], 1, "the exact maximum bounds it");
        assert_eq!(in_explicit_buckets(&latency(&[7]), &[]), [1]);
    }

    #[test]
    fn the_least_is_told_where_it_is_exact() {
        assert_eq!(exact_least(&latency(&[2047, 90_000])), Some(2047));
        assert_eq!((exact_least(&latency(&[2048])), exact_least(&Latency::default())), (None, None));
    }

    proptest! {
        #[test]
        fn every_sample_lies_in_its_bucket_and_none_is_lost(
            samples in prop::collection::vec(prop_oneof![0u64..3, 0u64..2048, 0u64..100_000, 0u64..5_000_000_000], 1..600)
        ) {
            let latency = latency(&samples);
            let made = ExponentialBuckets::of(&latency);
            prop_assert_eq!(made.zeros + made.counts.iter().sum::<u64>(), samples.len() as u64);
            prop_assert_eq!(made.zeros, samples.iter().filter(|millis| **millis == 0).count() as u64);
            prop_assert!(made.counts.first() != Some(&0) && made.counts.last() != Some(&0));
            // Sorted samples are handed to the buckets in order: each must be where its bucket is, but for the width of one of HdrHistogram's.
            let mut sorted = samples.clone();
            sorted.sort_unstable();
            let mut rest = sorted.iter().copied().skip_while(|millis| *millis == 0);
            for (number, count) in (made.offset..).zip(&made.counts) {
                let (over, up_to) = bounds_of(number);
                for millis in rest.by_ref().take(usize::try_from(*count).unwrap()) {
                    let value = in_seconds(millis.min(u64::from(u32::MAX))) * 1000.0;
                    let width = if value < 2048.0 { 0.0 } else { value / 1024.0 };
                    prop_assert!(over < value + width && value <= up_to, "{} ms in {} .. {}", millis, over, up_to);
                }
            }
            let explicit = in_explicit_buckets(&latency, &SECONDS_BOUNDS);
            prop_assert_eq!(explicit.iter().sum::<u64>(), samples.len() as u64);
            for (at, bound) in SECONDS_BOUNDS.iter().enumerate().filter(|(_, bound)| **bound < 2048) {
                let counted = explicit.iter().take(at + 1).sum::<u64>();
                prop_assert_eq!(counted, samples.iter().filter(|millis| *millis <= bound).count() as u64);
            }
        }
    }
}
