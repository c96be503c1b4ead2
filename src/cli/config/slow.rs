//! `[slow]`: which requests the index keeps one by one.

use std::time::Duration;

use super::position::Placed;
use super::report::read_routes;
use super::section::{Section, whole_millis};
use crate::store::StoreSettings;

/// What may stand in the section.
pub(super) const KEYS: [&str; 4] = ["threshold", "slowest", "server_errors", "route"];

/// The `[slow]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowSection {
    /// From this duration on a request is slow, unless its route has a threshold of its own.
    pub threshold: Duration,
    /// At most this many of the slowest of every route and interval are kept, also below the threshold.
    pub slowest: u32,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
    /// Of which routes `slow` tells, as `--route`; what is given there goes before it.
    pub routes: Vec<String>,
}

impl SlowSection {
    /// The threshold as durations are logged.
    pub fn threshold_ms(&self) -> u64 {
        whole_millis(self.threshold)
    }
}

impl Default for SlowSection {
    /// A second; as many of the slowest as a store keeps that is made without a configuration.
    fn default() -> SlowSection {
        let slowest = StoreSettings::default().slowest;
        SlowSection { threshold: Duration::from_secs(1), slowest, server_errors: true, routes: Vec::new() }
    }
}

/// The section; what is absent, or wrong, is as by default.
pub(super) fn read_slow(section: &mut Section<'_>) -> SlowSection {
    let default = SlowSection::default();
    let threshold = section.duration("threshold", "1s", Duration::from_millis(1));
    let slowest = section.count("slowest", 0, 1000, u64::from(default.slowest));
    SlowSection {
        threshold: threshold.map_or(default.threshold, Placed::into_value),
        slowest: slowest.and_then(|n| u32::try_from(n.value).ok()).unwrap_or(default.slowest),
        server_errors: section.boolean("server_errors").unwrap_or(default.server_errors),
        routes: read_routes(section),
    }
}
