//! Latencies per route and interval: what is counted in one cell, and how quantiles are read from it.

mod cell;
mod interval;
mod latency;

pub use cell::{Cell, TIMES, Time};
pub use interval::QuantileInterval;
#[cfg(feature = "otlp")]
pub(crate) use latency::highest_equivalent;
pub(crate) use latency::lowest_equivalent;
pub use latency::{Buckets, Latency, Quantile};
