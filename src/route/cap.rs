//! The cap on the number of routes (`routes_max`), and the route that takes what is over it.
//!
//! Names come from what strangers ask for, and each costs carbon a file for every metric. So a store (or a run) has at most so
//! many: once they are given away, each new name is [`OTHER`], for which the last place is kept. Routes that are known
//! stay; how many requests fell to `other` is counted ([`Matcher::overflow`](super::Matcher::overflow)).

/// How many routes there may be, unless the configuration says otherwise.
pub const DEFAULT_ROUTES_MAX: usize = 2_000;

/// The name of the route for requests over the cap.
pub const OTHER: &str = "other";

/// How many routes there may be, [`OTHER`] included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RouteCap(usize);

impl RouteCap {
    /// One below 2 is taken as 2: one route, and `other`.
    pub(super) fn new(routes_max: usize) -> RouteCap {
        RouteCap(routes_max.max(2))
    }

    /// Whether `known` routes are all that there may be. The place of `other` is taken also before it has come
    /// (`has_other`).
    pub(super) fn is_reached(self, known: usize, has_other: bool) -> bool {
        known + usize::from(!has_other) >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::RouteCap;

    #[test]
    fn a_place_is_kept_for_other() {
        let cap = RouteCap::new(3);
        for (known, has_other, reached) in
            [(0, false, false), (1, false, false), (2, false, true), (2, true, false), (3, true, true)]
        {
            assert_eq!(cap.is_reached(known, has_other), reached, "{known} {has_other}");
        }
        // One route, and `other`, there always is room for.
        assert_eq!(RouteCap::new(0), RouteCap::new(2));
    }
}
