//! `[slow]`: which requests the index keeps one by one.

use std::time::Duration;

use super::section::Section;

pub(super) const KEYS: [&str; 3] = ["threshold", "slowest", "server_errors"];

/// The `[slow]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowSection {
    /// From this duration on a request is slow, unless its route has a threshold of its own.
    pub threshold: Duration,
    /// At most this many of the slowest of every route and interval are kept, also below the threshold.
    pub slowest: u32,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
}

impl Default for SlowSection {
    fn default() -> SlowSection {
        SlowSection { threshold: Duration::from_secs(1), slowest: 5, server_errors: true }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> SlowSection {
    let default = SlowSection::default();
    let threshold = section.duration("threshold", "1s", Duration::from_millis(1));
    let slowest = section.count("slowest", 0, 1000, 5);
    SlowSection {
        threshold: threshold.map_or(default.threshold, |threshold| threshold.value),
        slowest: slowest.and_then(|n| u32::try_from(n.value).ok()).unwrap_or(default.slowest),
        server_errors: section.boolean("server_errors").unwrap_or(default.server_errors),
    }
}
