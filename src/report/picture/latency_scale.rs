//! The rows of a picture of latencies, by logarithm.
//!
//! Ten rows a decade, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 and 8, so that ticks (1, 2, 5) are edges of rows and all edges are whole
//! milliseconds. An edge that lies inside a bucket of the histograms (from 25 s on some do, by less than 0.1 %) is moved to where
//! the bucket begins: which requests a row counts can then be asked for to the last one.

use crate::histogram::lowest_equivalent;

/// A decade's edges, in tenths.
const TENTHS: [u64; 10] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80];

/// Edges with a tick, in tenths.
const TICKS: [u64; 3] = [10, 20, 50];

/// The highest decade: 10^9 ms are 11 days, and no histogram goes beyond 49.
const DECADES: u32 = 10;

/// So many times its lowest edge is a scale's highest at most: 1 ms to 17 minutes. What is longer is in a row of its own.
const SPAN: u64 = 1_000_000;

/// Rows of latency between a lowest and a highest edge; one more below and one above these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyScale {
    edges: Vec<u64>,
}

impl LatencyScale {
    /// A scale for latencies from `least` to `most` milliseconds, from tick to tick, over a decade at least.
    pub fn covering(least: u64, most: u64) -> LatencyScale {
        let ticks = edges_of(&TICKS);
        let below = ticks.partition_point(|tick| *tick <= least.max(1));
        let lowest = ticks.get(below.saturating_sub(1)).copied().unwrap_or(1);
        let wanted = most.min(lowest.saturating_mul(SPAN / 10 * 9)).max(lowest.saturating_mul(10) - 1);
        let highest = ticks.iter().find(|tick| **tick > wanted).copied().unwrap_or(u64::MAX);
        let mut edges = edges_of(&TENTHS);
        edges.retain(|edge| (lowest..=highest).contains(edge));
        LatencyScale { edges }
    }

    /// The edges, ascending; row `i`, from 1, is between edge `i - 1` and edge `i`.
    pub fn edges(&self) -> &[u64] {
        &self.edges
    }

    /// How many rows there are with the one below (0) and the one above the scale (the last).
    pub fn rows(&self) -> usize {
        self.edges.len() + 1
    }

    /// The row that a latency lies in.
    pub fn row_of(&self, millis: u64) -> usize {
        self.edges.partition_point(|edge| *edge <= millis)
    }

    /// The latencies of a row, from the first to before the last; the lowest begins at 0, the highest has no end.
    pub fn range_of(&self, row: usize) -> (u64, Option<u64>) {
        let from = row.checked_sub(1).and_then(|edge| self.edges.get(edge)).copied().unwrap_or(0);
        (from, self.edges.get(row).copied())
    }

    /// The lowest edge.
    pub fn lowest(&self) -> u64 {
        self.edges.first().copied().unwrap_or(1)
    }

    /// The highest edge.
    pub fn highest(&self) -> u64 {
        self.edges.last().copied().unwrap_or(10)
    }

    /// Where a latency lies between the lowest edge (0) and the highest (1); below and above it is beyond these.
    pub fn place(&self, millis: u64) -> f64 {
        let [lowest, highest, at] = [self.lowest(), self.highest(), millis.max(1)].map(|edge| (edge as f64).ln());
        (at - lowest) / (highest - lowest)
    }

    /// The edges that have a tick: 1, 2 and 5 of each decade.
    pub fn ticks(&self) -> Vec<u64> {
        let mut ticks = edges_of(&TICKS);
        ticks.retain(|tick| (self.lowest()..=self.highest()).contains(tick));
        ticks
    }
}

/// All whole milliseconds that these tenths are in any decade, moved to where a bucket begins.
fn edges_of(tenths: &[u64]) -> Vec<u64> {
    let mut edges = Vec::new();
    for decade in 0..DECADES {
        let power = 10u64.pow(decade);
        for tenth in tenths {
            let ten_times = tenth * power;
            if ten_times.is_multiple_of(10) {
                edges.push(lowest_equivalent(ten_times / 10));
            }
        }
    }
    edges
}

/// A latency as an axis names it: `5 ms`, `2 s`, `10 min`.
pub(super) fn tick_words(millis: u64) -> String {
    // Edges that were moved to a bucket's beginning are named as what they stand for.
    let named = (millis + millis / 1000 + 1) / significant(millis) * significant(millis);
    let millis = if millis < 20_000 { millis } else { named };
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        _ => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

/// The unit of the second digit.
fn significant(millis: u64) -> u64 {
    10u64.pow(millis.checked_ilog10().unwrap_or(0).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Latency;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_1_2_5() {
        let scale = LatencyScale::covering(3, 9_000);
        assert_eq!(scale.ticks(), [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]);
        assert!(scale.ticks().iter().all(|tick| scale.edges().contains(tick)));
        assert_eq!((scale.place(2), scale.place(10_000)), (0.0, 1.0));
    }

    #[test]
    fn a_scale_is_never_nothing_and_never_all() {
        assert_eq!(LatencyScale::covering(0, 0).edges(), [1, 2, 3, 4, 5, 6, 8, 10]);
        let long = LatencyScale::covering(1, u64::from(u32::MAX));
        assert_eq!((long.lowest(), tick_words(long.highest())), (1, "1000 s".to_owned()));
        assert_eq!(long.row_of(3_600_000), long.rows() - 1);
        assert_eq!(long.range_of(0), (0, Some(1)));
        assert_eq!(long.range_of(long.rows() - 1), (long.highest(), None));
    }

    #[test]
    fn ticks_have_round_names() {
        let words: Vec<String> = edges_of(&TICKS).into_iter().map(tick_words).collect();
        let expected = [
            "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s",
            "10 s", "20 s", "50 s", "100 s", "200 s", "500 s", "1000 s", "2000 s",
        ];
        assert_eq!(words[..expected.len()], expected);
        assert_eq!(tick_words(1_200), "1.2 s");
    }

    proptest! {
        #[test]
        fn every_latency_has_its_row(least in 0u64..100_000, more in 0u64..100_000_000, millis in 0u64..4_000_000_000) {
            let scale = LatencyScale::covering(least, least + more);
            let (from, until) = scale.range_of(scale.row_of(millis));
            prop_assert!(from <= millis && until.is_none_or(|until| millis < until));
            prop_assert!(scale.edges().windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(scale.lowest() <= least.max(1));
        }

        /// No bucket of a histogram lies across an edge.
        #[test]
        fn a_bucket_is_in_one_row(millis in 0u64..4_000_000_000) {
            let mut latency = Latency::default();
            latency.record(millis);
            let scale = LatencyScale::covering(1, 1_000_000);
            prop_assert_eq!(scale.row_of(latency.buckets()[0].0), scale.row_of(millis));
        }
    }
}
