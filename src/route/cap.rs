//! The cap on the number of routes (`routes_max`), and the route that takes what is over it.
//!
//! Names come from what strangers ask for, and each costs carbon a file for every metric. So a store (or a run) has at most so
//! many: once they are given away, each new name is [`OTHER`], for which the last place is kept; how many requests fell to `other` is
//! counted ([`Matcher::overflow`](super::Matcher::overflow)).
//!
//! A place is earned: what was refused (4xx) gets none of the last half of them, what was answered none of the last eighth, which are kept for
//! requests that took a second or failed and for routes that the configuration names. So 2,000 made-up paths do not take them all.
//! A route without requests for [`RESTS_AFTER`] rests once places are short: it keeps its number and gives up its place, until a request
//! earns it one again.

use std::time::Duration;

use super::merit::RouteMerit;

/// How many routes there may be, unless the configuration says otherwise.
pub const DEFAULT_ROUTES_MAX: usize = 2_000;

/// What all routes together are called in answers.
pub(super) const ALL: &str = "all";

/// The name of the route for requests over the cap.
pub const OTHER: &str = "other";

/// A route that had no request for so long, when others need a place, gives up its own.
pub const RESTS_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How many routes there may be, [`OTHER`] included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RouteCap(usize);

impl RouteCap {
    /// One below 2 is taken as 2: one route, and `other`.
    pub(super) fn new(routes_max: usize) -> RouteCap {
        RouteCap(routes_max.max(2))
    }

    /// Whether `known` routes are all that a request of this merit may add to. The place of `other` is taken also before it has come
    /// (`has_other`).
    pub(super) fn is_reached(self, known: usize, has_other: bool, merit: RouteMerit) -> bool {
        let kept = match merit {
            RouteMerit::Refused => self.0 / 2,
            RouteMerit::Answered => self.0 / 8,
            RouteMerit::Costly => 0,
        };
        known + usize::from(!has_other) >= self.0 - kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_for_other() {
        let cap = RouteCap::new(3);
        for (known, has_other, reached) in
            [(0, false, false), (1, false, false), (2, false, true), (2, true, false), (3, true, true)]
        {
            assert_eq!(cap.is_reached(known, has_other, RouteMerit::Costly), reached, "{known} {has_other}");
        }
        let most = |merit| (0..2000).find(|&known| RouteCap::new(2000).is_reached(known, true, merit));
        let merits = [RouteMerit::Refused, RouteMerit::Answered, RouteMerit::Costly].map(most);
        assert_eq!(merits, [Some(1000), Some(1750), None]);
        // One route, and `other`, there always is room for.
        assert_eq!(RouteCap::new(0), RouteCap::new(2));
    }
}
