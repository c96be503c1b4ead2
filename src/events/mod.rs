//! When a route left its usual range: episodes, and the events by which a graph is told of them.
//!
//! `range_rule` is the rule, pure; `episodes` holds it against a store; `graphite_event` has the words; `plain_http` carries them.

mod episodes;
mod graphite_event;
pub mod plain_http;
mod range_rule;

pub use episodes::{EpisodeScan, RouteEpisode, WARM_UP};
pub use graphite_event::{EventWords, GraphiteEvent};
pub use range_rule::{Episode, EpisodeCause, MinuteCounts, RangeRule};
