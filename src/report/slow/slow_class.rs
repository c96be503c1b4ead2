//! What is known of one class of requests.

use std::cmp::Reverse;

use crate::histogram::{Latency, Quantile};

/// One class of requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SlowClass {
    /// The values of the fields that make it, raw.
    pub values: Vec<String>,
    /// These timed out with nobody waiting for them: a client that never sent its request (408), or that went away before an
    /// upstream was asked (499). Then `values` says nothing.
    pub unwaited: bool,
    /// All its requests, slow or not; nothing where only the slow ones are known.
    pub population: Option<ClassPopulation>,
    /// How many were slow.
    pub slow: u64,
    /// The sum of their times in milliseconds.
    pub slow_ms: u64,
    /// The time of its requests in milliseconds, by the step in which they ended, as the report's steps are.
    pub over_time_ms: Vec<u64>,
    /// The clients that its requests' time went to.
    pub clients: TopValues,
    /// The targets that it went to.
    pub targets: TopValues,
    /// Its slowest requests, the slowest first.
    pub samples: Vec<SampleLine>,
    /// A request as most of them are.
    pub typical: Option<TypicalLine>,
}

/// All requests of a class.
#[derive(Debug, Clone, Default)]
pub struct ClassPopulation {
    /// How many, with or without a time.
    pub count: u64,
    /// Their times.
    pub latency: Latency,
    /// The sum of the squares of their times, in milliseconds.
    pub squares: u128,
}

impl PartialEq for ClassPopulation {
    fn eq(&self, other: &ClassPopulation) -> bool {
        let all = |of: &ClassPopulation| (of.count, of.squares, of.latency.sum_ms(), of.latency.max_ms());
        all(self) == all(other) && self.latency.buckets() == other.latency.buckets()
    }
}

impl ClassPopulation {
    /// The `per_mille` quantile of their times in milliseconds; nothing if none had a time.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        self.latency.quantile(Quantile::per_mille(per_mille))
    }

    /// The variance of their times over the mean (index of dispersion), in milliseconds, to three decimals: near 0 where all take as
    /// long, large where few take most of the time. Nothing if they took none.
    pub fn variance_to_mean_ms(&self) -> Option<f64> {
        let (count, sum) = (u128::from(self.latency.count()), u128::from(self.latency.sum_ms()));
        // (sum of squares / n - mean²) / mean, over whole numbers as long as these hold it.
        let spread = match (count.checked_mul(self.squares), sum.checked_mul(sum)) {
            (Some(squares), Some(square)) => squares.saturating_sub(square) as f64,
            _ => (count as f64 * self.squares as f64 - sum as f64 * sum as f64).max(0.0),
        };
        let of = count as f64 * sum as f64;
        (of > 0.0).then(|| (spread / of * 1000.0).round() / 1000.0)
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SampleLine {
    /// Where it stands, as a person finds it again: `access.log@56789`.
    pub locator: String,
    /// Its bytes, without the newline.
    pub line: Vec<u8>,
    /// How long its request took, in milliseconds.
    pub took_ms: u64,
}

/// To which quantile a typical line is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TypicalNear {
    /// The 95th percentile: how slow the class's slow ones mostly are.
    #[default]
    P95,
}

impl TypicalNear {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            TypicalNear::P95 => "p95",
        }
    }
}

/// A line as most slow ones of its class are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypicalLine {
    /// The line.
    pub sample: SampleLine,
    /// What it is near to.
    pub near: TypicalNear,
}

/// What some requests have in common, and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopValue {
    /// The value, raw.
    pub value: Vec<u8>,
    /// How many requests have it.
    pub count: u64,
    /// The sum of their times in milliseconds.
    pub total_ms: u64,
}

/// The values of a field that cost most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopValues {
    /// The values, the costliest first.
    pub values: Vec<TopValue>,
    /// There were too many different ones to count them all: the counts are the least, and another one may have cost more.
    pub partial: bool,
}

impl TopValue {
    /// What it is sorted by: the costliest first.
    fn cost(&self) -> (Reverse<u64>, Reverse<u64>, &[u8]) {
        (Reverse(self.total_ms), Reverse(self.count), &self.value)
    }
}

impl TopValues {
    /// The `most` costliest of all.
    pub fn of(mut all: Vec<TopValue>, most: usize, partial: bool) -> TopValues {
        all.sort_by(|one, other| one.cost().cmp(&other.cost()));
        all.truncate(most);
        TopValues { values: all, partial }
    }
}
