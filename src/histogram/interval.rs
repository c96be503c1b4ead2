//! How well a quantile is known from so many samples.
//!
//! Free of any assumption about how latencies are spread: of `n` samples the number at or below the true quantile `q` is binomial, so
//! two ranks are found between which it lies with 95 % (order statistics; Conover, Practical Nonparametric Statistics, 3.2).

use super::latency::{Latency, Quantile};

/// Chance of the quantile to lie below the interval, and the same above.
const TAIL: f64 = 0.025;

/// Up to so many samples the binomial distribution is summed, above it is as good as normal.
const SUMMED: u64 = 2000;

/// Normal deviate of [`TAIL`].
const DEVIATE: f64 = 1.959_963_984_540_054;

/// Where a quantile lies with 95 %, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantileInterval {
    /// Not below this; none where there are too few samples to say.
    pub low_ms: Option<u64>,
    /// Not above this; none where there are too few samples to say.
    pub high_ms: Option<u64>,
}

impl Latency {
    /// Where a quantile of what these are samples of lies with 95 %; without samples nothing is known.
    pub fn interval(&self, quantile: Quantile) -> QuantileInterval {
        let count = self.count();
        let (low, high) = interval_ranks(count, quantile);
        let value = |rank: u64| self.quantile(Quantile { numerator: rank, denominator: count.max(1) });
        QuantileInterval {
            low_ms: if low == 0 { None } else { value(low) },
            high_ms: if high > count { None } else { value(high) },
        }
    }
}

/// The ranks, from 1, between which the quantile lies; 0 and `count + 1` are beyond the samples.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are whole numbers far below 2^53, and not below 0"
)]
fn interval_ranks(count: u64, quantile: Quantile) -> (u64, u64) {
    let share = quantile.numerator as f64 / quantile.denominator.max(1) as f64;
    let of = count as f64;
    if count > SUMMED {
        let (mean, spread) = (of * share, DEVIATE * (of * share * (1.0 - share)).sqrt());
        return ((mean - spread).floor().max(0.0) as u64, (mean + spread).ceil() as u64 + 1);
    }
    let (mut below, mut low, mut high) = (0.0, 0, count + 1);
    // ln of the chance that exactly `rank` samples are at or below it.
    let mut chance = of * (1.0 - share).ln();
    for rank in 0..=count {
        below += chance.exp();
        if below <= TAIL {
            low = rank + 1;
        }
        if below >= 1.0 - TAIL {
            high = rank + 1;
            break;
        }
        chance += ((of - rank as f64) / (rank as f64 + 1.0)).ln() + (share / (1.0 - share)).ln();
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        // The median of 10 lies between the 2nd and the 9th with 97.9 %, of 20 between the 6th and the 15th with 95.9 %.
        assert_eq!(interval_ranks(10, Quantile::per_mille(500)), (2, 9));
        assert_eq!(interval_ranks(20, Quantile::per_mille(500)), (6, 15));
        assert_eq!(interval_ranks(5, Quantile::per_mille(500)), (0, 6));
        let (low, high) = interval_ranks(100_000, Quantile::per_mille(990));
        assert!((98_938..98_940).contains(&low) && (99_062..99_064).contains(&high), "{low} {high}");
    }

    #[test]
    fn a_high_quantile_of_few_samples_has_no_upper_bound() {
        let mut latency = Latency::default();
        (1..=300).for_each(|millis| latency.record(millis));
        let QuantileInterval { low_ms, high_ms } = latency.interval(Quantile::per_mille(990));
        assert!(low_ms.is_some_and(|low| (290..297).contains(&low)) && high_ms.is_none(), "{low_ms:?} {high_ms:?}");
        assert_eq!(
            Latency::default().interval(Quantile::per_mille(500)),
            QuantileInterval { low_ms: None, high_ms: None }
        );
    }

    /// Of many samples of known quantiles, at least 94 of 100 intervals hold them.
    #[test]
    fn intervals_hold_the_true_quantile() {
        let mut state = 88_172_645_463_325_252_u64;
        let (mut held, mut tried) = (0, 0);
        for count in [40, 200, 1000, 3000] {
            for per_mille in [500, 950] {
                for _ in 0..200 {
                    let mut latency = Latency::default();
                    for _ in 0..count {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        latency.record(state % 1000);
                    }
                    let interval = latency.interval(Quantile::per_mille(per_mille));
                    let inside = interval.low_ms.is_none_or(|low| low <= per_mille)
                        && interval.high_ms.is_none_or(|high| high + 1 >= per_mille);
                    held += u32::from(inside);
                    tried += 1;
                }
            }
        }
        assert!(held * 100 >= tried * 94, "{held} of {tried}");
    }
}
