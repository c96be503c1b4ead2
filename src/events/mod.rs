//! When a route left its usual range: episodes, and the events by which a graph is told of them.
//!
//! `range_rule` is the rule, pure; `episodes` holds it against a store; `graphite_event` has the words; `plain_http` carries them, `posting` each
//! once.

mod episodes;
mod graphite_event;
pub mod plain_http;
mod posting;
mod range_rule;

pub use episodes::{EpisodeScan, RouteEpisode, WARM_UP};
pub use graphite_event::{EventWords, GraphiteEvent};
pub use posting::{EventPosting, post_once};
pub use range_rule::{Episode, EpisodeCause, MinuteCounts, RangeRule};
