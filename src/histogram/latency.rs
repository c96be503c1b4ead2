//! A latency histogram in whole milliseconds with three significant digits.
//!
//! Its buckets are HdrHistogram's (unit 1 ms, 3 digits): exact below 2048 ms, within 0.1 % above. Most cells of a
//! route and interval hold few samples, so these are kept as they are, and an [`hdrhistogram::Histogram`] is made
//! only once there are more than [`FEW`]; later ones join it in as large groups. All forms answer alike.

use hdrhistogram::Histogram;

/// Up to this many samples are kept one by one (1 KiB) before a dense histogram (8 KiB and more) takes them.
const FEW: usize = 256;

/// Below this value every millisecond has a bucket of its own.
const EXACT: u64 = 2048;

/// A quantile as a fraction of whole numbers, so that ranks are exact: p99.9 is 999/1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile {
    /// Numerator.
    pub numerator: u64,
    /// Denominator.
    pub denominator: u64,
}

impl Quantile {
    /// `per_mille`/1000.
    pub const fn per_mille(per_mille: u64) -> Quantile {
        Quantile { numerator: per_mille, denominator: 1000 }
    }

    /// The nearest rank among `count` samples, from 1: the smallest rank with at least this fraction at or below.
    pub fn rank(self, count: u64) -> u64 {
        let rank = (u128::from(count) * u128::from(self.numerator)).div_ceil(u128::from(self.denominator.max(1)));
        u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, count.max(1))
    }
}

/// The lowest value that shares `value`'s bucket.
pub(crate) fn lowest_equivalent(value: u64) -> u64 {
    let shift = bucket_shift(value);
    (value >> shift) << shift
}

/// The highest value that shares `value`'s bucket.
pub(crate) fn highest_equivalent(value: u64) -> u64 {
    let shift = bucket_shift(value);
    lowest_equivalent(value) | ((1u64 << shift) - 1)
}

fn bucket_shift(value: u64) -> u32 {
    if value < EXACT { 0 } else { 63 - value.leading_zeros() - 10 }
}

/// Count `value` `count` times in a histogram that grows as needed. Its `record` fails only where growing is impossible,
/// which cannot be for values of 32 bits; should it be, the value is counted as the largest that fits.
#[inline]
fn record(histogram: &mut Histogram<u32>, value: u32, count: u32) {
    if histogram.record_n(u64::from(value), count).is_err() {
        histogram.saturating_record_n(u64::from(value), count);
    }
}

fn empty_dense() -> Option<Box<Histogram<u32>>> {
    let mut dense = Histogram::<u32>::new(3).ok()?;
    dense.auto(true);
    Some(Box::new(dense))
}

fn buckets_of(dense: &Histogram<u32>) -> Vec<(u64, u64)> {
    dense
        .iter_recorded()
        .map(|step| (lowest_equivalent(step.value_iterated_to()), u64::from(step.count_at_value())))
        .collect()
}

/// Room for a histogram's buckets.
#[derive(Debug, Default)]
pub struct Buckets {
    sorted: Vec<u32>,
    buckets: Vec<(u64, u64)>,
}

/// Samples of one kind of time, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    count: u64,
    sum: u64,
    max: u64,
    /// Samples not yet in `dense`, at most [`FEW`]: put there together they cost a fraction.
    recent: Vec<u32>,
    dense: Option<Box<Histogram<u32>>>,
}

impl Latency {
    /// Count one sample. Values above `u32::MAX` ms (49 days) are counted as that.
    #[inline]
    pub fn record(&mut self, millis: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(millis);
        self.max = self.max.max(millis);
        self.push(u32::try_from(millis).unwrap_or(u32::MAX));
    }

    /// Count all of `samples`, in no more memory than they need.
    pub fn record_all(&mut self, samples: &[u64]) {
        if self.count == 0 && samples.len() <= FEW {
            self.recent.reserve_exact(samples.len());
        }
        samples.iter().for_each(|&millis| self.record(millis));
    }

    #[inline]
    fn push(&mut self, value: u32) {
        if self.recent.len() >= FEW {
            self.condense();
        } else if self.recent.capacity() == 0 {
            // What most cells come to, in one allocation instead of three.
            self.recent.reserve_exact(16);
        }
        self.recent.push(value);
    }

    /// Puts the recent samples into the dense histogram, which is made if there is none.
    #[cold]
    fn condense(&mut self) {
        if self.dense.is_none() {
            self.dense = empty_dense();
        }
        // Without a dense histogram, which cannot be, the samples stay as they are.
        if let Some(dense) = &mut self.dense {
            self.recent.drain(..).for_each(|value| record(dense, value, 1));
        }
    }

    /// How many samples.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their exact sum in milliseconds.
    pub fn sum_ms(&self) -> u64 {
        self.sum
    }

    /// The exact largest sample; 0 without samples.
    pub fn max_ms(&self) -> u64 {
        self.max
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Add another histogram's samples, without error.
    pub fn merge(&mut self, other: &Latency) {
        if let Some(dense) = &other.dense {
            for (value, count) in buckets_of(dense) {
                self.add(value, count);
            }
        }
        for &value in &other.recent {
            self.push(value);
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    fn add(&mut self, value: u64, count: u64) {
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        for done in 0..count {
            if self.recent.len() >= FEW {
                self.condense();
            }
            match &mut self.dense {
                Some(dense) => {
                    record(dense, value, u32::try_from(count - done).unwrap_or(u32::MAX));
                    return;
                }
                None => self.recent.push(value),
            }
        }
    }

    /// The buckets that hold samples, as (lowest value of the bucket in ms, count), in ascending order.
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        if let Some(dense) = &self.dense {
            if self.recent.is_empty() {
                return buckets_of(dense);
            }
            let mut whole = dense.clone();
            self.recent.iter().for_each(|&value| record(&mut whole, value, 1));
            return buckets_of(&whole);
        }
        let mut room = Buckets::default();
        self.buckets_in(&mut room);
        room.buckets
    }

    /// [`Latency::buckets`] in memory that is used again: this is done for every cell of every commit.
    pub fn buckets_in<'r>(&self, room: &'r mut Buckets) -> &'r [(u64, u64)] {
        let Buckets { sorted, buckets } = room;
        if self.dense.is_some() {
            *buckets = self.buckets();
            return buckets;
        }
        sorted.clear();
        sorted.extend_from_slice(&self.recent);
        sorted.sort_unstable();
        buckets.clear();
        for value in sorted.iter().map(|&value| lowest_equivalent(u64::from(value))) {
            match buckets.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => buckets.push((value, 1)),
            }
        }
        buckets
    }

    /// Rebuild from what [`Latency::buckets`], [`Latency::sum_ms`] and [`Latency::max_ms`] gave.
    pub fn from_buckets(buckets: &[(u64, u64)], sum_ms: u64, max_ms: u64) -> Latency {
        let mut latency = Latency::default();
        latency.add_buckets(buckets, sum_ms, max_ms);
        latency
    }

    /// Add what [`Latency::buckets`], [`Latency::sum_ms`] and [`Latency::max_ms`] gave of other samples: merging them without making
    /// a histogram of them first.
    pub fn add_buckets(&mut self, buckets: &[(u64, u64)], sum_ms: u64, max_ms: u64) {
        for &(value, count) in buckets {
            self.add(value, count);
            self.count = self.count.saturating_add(count);
        }
        self.sum = self.sum.saturating_add(sum_ms);
        self.max = self.max.max(max_ms);
    }

    /// The quantiles asked for, by nearest rank, in the order given: the highest value of the bucket that holds
    /// the rank, and never more than the exact largest sample. Exact below 2048 ms, within 0.1 % above.
    /// `None` without samples.
    pub fn quantiles<const N: usize>(&self, wanted: [Quantile; N]) -> Option<[u64; N]> {
        if self.is_empty() {
            return None;
        }
        let buckets = self.buckets();
        Some(wanted.map(|quantile| self.value_in(&buckets, quantile)))
    }

    /// The same for a list; empty without samples.
    pub fn quantile_list(&self, wanted: impl Iterator<Item = Quantile>) -> Vec<u64> {
        if self.is_empty() {
            return Vec::new();
        }
        let buckets = self.buckets();
        wanted.map(|quantile| self.value_in(&buckets, quantile)).collect()
    }

    /// The quantile among these buckets, which are all that there are.
    fn value_in(&self, buckets: &[(u64, u64)], quantile: Quantile) -> u64 {
        let rank = quantile.rank(self.count);
        let mut seen = 0;
        for &(value, count) in buckets {
            seen += count;
            if seen >= rank {
                return highest_equivalent(value).min(self.max);
            }
        }
        self.max
    }

    /// One quantile; see [`Latency::quantiles`].
    pub fn quantile(&self, quantile: Quantile) -> Option<u64> {
        self.quantiles([quantile]).map(|[value]| value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WANTED: [Quantile; 4] =
        [Quantile::per_mille(500), Quantile::per_mille(950), Quantile::per_mille(990), Quantile::per_mille(999)];

    /// Nearest rank over the samples themselves.
    fn truth(samples: &[u64]) -> [u64; 4] {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        WANTED.map(|wanted| {
            let rank = (sorted.len() as u64 * wanted.numerator).div_ceil(wanted.denominator).max(1);
            sorted[usize::try_from(rank).unwrap() - 1]
        })
    }

    fn of(samples: &[u64]) -> Latency {
        let mut latency = Latency::default();
        samples.iter().for_each(|&sample| latency.record(sample));
        latency
    }

    fn assert_answers(latency: &Latency, samples: &[u64]) {
        assert_eq!(latency.count(), samples.len() as u64);
        assert_eq!(latency.sum_ms(), samples.iter().sum::<u64>());
        assert_eq!(latency.max_ms(), samples.iter().copied().max().unwrap());
        for (got, true_value) in latency.quantiles(WANTED).unwrap().into_iter().zip(truth(samples)) {
            if true_value < EXACT {
                assert_eq!(got, true_value);
            } else {
                assert!(got >= true_value && got - true_value <= true_value / 1000, "{got} for {true_value}");
            }
        }
    }

    fn samples() -> impl Strategy<Value = Vec<u64>> {
        let sample = prop_oneof![8 => 0..3_000u64, 2 => 0..70_000_000u64];
        prop::collection::vec(sample, 1..900)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn quantiles_are_the_nearest_rank(samples in samples()) {
            assert_answers(&of(&samples), &samples);
        }

        #[test]
        fn merging_is_counting_together(one in samples(), other in samples()) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            let together = [one, other].concat();
            assert_answers(&merged, &together);
            prop_assert_eq!(merged.buckets(), of(&together).buckets());
        }

        #[test]
        fn buckets_hold_everything(samples in samples()) {
            let latency = of(&samples);
            let again = Latency::from_buckets(&latency.buckets(), latency.sum_ms(), latency.max_ms());
            prop_assert_eq!(again.buckets(), latency.buckets());
            prop_assert_eq!(again.quantiles(WANTED), latency.quantiles(WANTED));
        }
    }

    #[test]
    fn buckets_are_those_of_hdrhistogram() {
        let reference = Histogram::<u64>::new_with_bounds(1, u64::from(u32::MAX), 3).unwrap();
        for value in (0..5_000).chain((0..22).map(|power| 1031 << power)) {
            assert_eq!(lowest_equivalent(value), reference.lowest_equivalent(value), "{value}");
            assert_eq!(highest_equivalent(value), reference.highest_equivalent(value), "{value}");
        }
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Latency::default().quantile(Quantile::per_mille(500)), None);
    }
}
