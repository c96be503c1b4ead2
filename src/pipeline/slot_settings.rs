//! How lines are counted into slots; what whoever collects rows and whoever makes commits of them must agree on.

use std::time::Duration;

/// How lines are counted.
#[derive(Debug, Clone, Copy)]
pub struct SlotSettings {
    /// Length of a slot.
    pub interval: Duration,
    /// How many slowest requests of each route and slot are kept.
    pub slowest: usize,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
}
