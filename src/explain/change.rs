//! Slower, or other traffic? The change of the time that requests took, split exactly.
//!
//! With `n` requests of a route that took `t` in the window, `N` and `T` in the baseline, and the baseline scaled to the length
//! of the window:
//!
//! ```text
//! total  = sum t - sum T scaled                    what changed
//! volume = (sum n) * (sum T / sum N) - sum T scaled  the same requests, more of them
//! slower = sum over routes of  t - n * T/N         the same routes, slower
//! mix    = what is left                            other routes than before; one that is new is here with all it took
//! ```
//!
//! Whole milliseconds throughout: the three sum to the total, the routes' changes too, and the phases to `slower`.

use super::phases::{PHASES, Phase};
use crate::route::RouteId;

/// What was counted of a route on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideSums {
    /// Requests with a time.
    pub count: u64,
    /// What they took.
    pub total_ms: u64,
    /// The same by phase.
    pub phases_ms: [u64; PHASES],
    /// How many reached the threshold of their route.
    pub slow: u64,
}

/// What was counted of a route on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteSums {
    /// In the window.
    pub window: SideSums,
    /// In the baseline.
    pub baseline: SideSums,
}

/// The change of the total time, split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeParts {
    /// More, or fewer, requests.
    pub volume: i64,
    /// Other routes.
    pub mix: i64,
    /// The same routes slower, or faster.
    pub slower: i64,
    /// All of it.
    pub total: i64,
}

/// What became of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteChange {
    /// The route.
    pub route: RouteId,
    /// What its requests took more than in the baseline, scaled to the window's length.
    pub change_ms: i64,
    /// What of it is that they were slower; none of it for a route that is new.
    pub slower_ms: i64,
    /// What was counted.
    pub sums: RouteSums,
}

/// The whole change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The parts.
    pub parts: ChangeParts,
    /// By route, that which changed most first.
    pub routes: Vec<RouteChange>,
    /// `slower` by phase.
    pub phases_ms: [i64; PHASES],
    /// All routes together.
    pub all: RouteSums,
}

/// `count * total / of`, rounded to the nearest whole; 0 for none.
fn scaled(count: i128, total: i128, of: i128) -> i128 {
    let of = of.max(1);
    (count * total + of / 2).div_euclid(of)
}

fn whole(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

impl SideSums {
    /// Requests whose phases are not known: all of their time is in one.
    pub fn unphased(count: u64, total_ms: u64, slow: u64) -> SideSums {
        let mut phases_ms = [0; PHASES];
        if let Some(first) = phases_ms.first_mut() {
            *first = total_ms;
        }
        SideSums { count, total_ms, phases_ms, slow }
    }

    /// The same, its time divided among the phases as in `part`; all of it the client's where that has none.
    #[must_use]
    pub(super) fn with_phases_of(&self, part: &SideSums) -> SideSums {
        let of: u64 = part.phases_ms.iter().sum();
        let mut phases_ms = [0; PHASES];
        if of == 0 {
            if let Some(client) = phases_ms.get_mut(Phase::Client as usize) {
                *client = self.total_ms;
            }
            return SideSums { phases_ms, ..*self };
        }
        // Rounded as they add up, so that they sum to the whole.
        let (mut summed, mut before) = (0, 0);
        for (phase, own) in phases_ms.iter_mut().zip(part.phases_ms) {
            summed += i128::from(own);
            let until = scaled(summed, i128::from(self.total_ms), i128::from(of));
            *phase = u64::try_from(until - before).unwrap_or(0);
            before = until;
        }
        SideSums { phases_ms, ..*self }
    }

    /// Adds others.
    pub fn add(&mut self, other: &SideSums) {
        self.count += other.count;
        self.total_ms += other.total_ms;
        self.slow += other.slow;
        for (own, theirs) in self.phases_ms.iter_mut().zip(other.phases_ms) {
            *own += theirs;
        }
    }
}

impl Change {
    /// The change from a baseline of `baseline_ms` milliseconds to a window of `window_ms`.
    ///
    /// Which route a rounded millisecond falls to, and which of two that changed alike comes first, is a matter of their order.
    pub fn new(routes: &[(RouteId, RouteSums)], window_ms: u64, baseline_ms: u64) -> Change {
        let (length, of) = (i128::from(window_ms), i128::from(baseline_ms));
        let mut change = Change::default();
        // Rounded as they add up, so that the parts sum to the rounded whole.
        let (mut before, mut slower) = (0, 0);
        for (route, sums) in routes {
            change.all.window.add(&sums.window);
            change.all.baseline.add(&sums.baseline);
            let until = scaled(length, i128::from(change.all.baseline.total_ms), of);
            let slower_ms = change.add_phases(sums);
            slower += slower_ms;
            let change_ms = whole(i128::from(sums.window.total_ms) - (until - before));
            before = until;
            change.routes.push(RouteChange { route: *route, change_ms, slower_ms: whole(slower_ms), sums: *sums });
        }
        let all = &change.all;
        let total = i128::from(all.window.total_ms) - before;
        let volume = match all.baseline.count {
            0 => 0,
            count => {
                scaled(i128::from(all.window.count), i128::from(all.baseline.total_ms), i128::from(count)) - before
            }
        };
        change.parts = ChangeParts {
            volume: whole(volume),
            mix: whole(total - volume - slower),
            slower: whole(slower),
            total: whole(total),
        };
        change.routes.sort_by_key(|route| std::cmp::Reverse(route.change_ms));
        change
    }

    /// What a route's requests took more than as many did in the baseline, which is added to the phases.
    fn add_phases(&mut self, RouteSums { window, baseline }: &RouteSums) -> i128 {
        if baseline.count == 0 {
            return 0;
        }
        let (mut summed, mut before, mut slower) = (0, 0, 0);
        for ((phase, now), then) in self.phases_ms.iter_mut().zip(window.phases_ms).zip(baseline.phases_ms) {
            summed += i128::from(then);
            let until = scaled(i128::from(window.count), summed, i128::from(baseline.count));
            let more = i128::from(now) - (until - before);
            before = until;
            slower += more;
            *phase += whole(more);
        }
        slower
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn side() -> impl Strategy<Value = SideSums> {
        proptest::collection::vec(proptest::array::uniform5(0u64..90_000), 0..20).prop_map(|requests| {
            let mut side = SideSums { count: requests.len() as u64, ..SideSums::default() };
            for phases in requests {
                side.total_ms += phases.iter().sum::<u64>();
                for (sum, time) in side.phases_ms.iter_mut().zip(phases) {
                    *sum += time;
                }
            }
            side
        })
    }

    fn routes() -> impl Strategy<Value = Vec<(RouteId, RouteSums)>> {
        let sums = (side(), side()).prop_map(|(window, baseline)| RouteSums { window, baseline });
        proptest::collection::btree_map((0u32..9).prop_map(RouteId), sums, 0..8).prop_map(Vec::from_iter)
    }

    proptest! {
        /// To the millisecond, whatever was counted and however long the two sides are.
        #[test]
        fn volume_mix_and_slower_sum_to_the_change(routes in routes(), window in 1u64..999_999, baseline in 1u64..9_999_999) {
            let change = Change::new(&routes, window, baseline);
            let ChangeParts { volume, mix, slower, total } = change.parts;
            prop_assert_eq!(volume + mix + slower, total);
            prop_assert_eq!(change.routes.iter().map(|route| route.change_ms).sum::<i64>(), total);
            prop_assert_eq!(change.routes.iter().map(|route| route.slower_ms).sum::<i64>(), slower);
            prop_assert_eq!(change.phases_ms.iter().sum::<i64>(), slower);
        }

        /// Each part is what it says it is, within the rounding of each route.
        #[test]
        fn each_part_is_what_its_name_says(routes in routes(), window in 1u64..999_999, baseline in 1u64..9_999_999) {
            let change = Change::new(&routes, window, baseline);
            let (now, then) = (change.all.window, change.all.baseline);
            let before = then.total_ms as f64 * window as f64 / baseline as f64;
            let mean = |side: SideSums| side.total_ms as f64 / side.count as f64;
            let mut mix = if then.count == 0 { before } else { -(now.count as f64) * mean(then) };
            let mut slower = 0.0;
            for (_, sums) in &routes {
                if sums.baseline.count == 0 {
                    mix += sums.window.total_ms as f64;
                } else {
                    let expected = sums.window.count as f64 * mean(sums.baseline);
                    mix += expected;
                    slower += sums.window.total_ms as f64 - expected;
                }
            }
            if then.count == 0 {
                mix -= before;
            }
            prop_assert!((change.parts.total as f64 - (now.total_ms as f64 - before)).abs() <= 1.0);
            prop_assert!((change.parts.slower as f64 - slower).abs() <= 9.0, "{} {slower}", change.parts.slower);
            prop_assert!((change.parts.mix as f64 - mix).abs() <= 12.0, "{} {mix}", change.parts.mix);
        }
    }

    #[test]
    fn more_of_the_same_is_volume_another_mix_is_mix_and_longer_is_slower() {
        let of = |count, total_ms| SideSums { count, total_ms, phases_ms: [0, total_ms, 0, 0, 0], slow: 0 };
        let sums = |window, baseline| [(RouteId(1), window), (RouteId(2), baseline)];
        let before = [of(10, 1000), of(10, 9000)];
        let change = |first, second| {
            let [light, heavy] = before;
            let routes =
                sums(RouteSums { window: first, baseline: light }, RouteSums { window: second, baseline: heavy });
            Change::new(&routes, 60_000, 60_000).parts
        };
        assert_eq!(
            change(of(20, 2000), of(20, 18_000)),
            ChangeParts { volume: 10_000, mix: 0, slower: 0, total: 10_000 }
        );
        assert_eq!(change(of(0, 0), of(20, 18_000)), ChangeParts { volume: 0, mix: 8000, slower: 0, total: 8000 });
        assert_eq!(change(of(10, 5000), of(10, 9000)), ChangeParts { volume: 0, mix: 0, slower: 4000, total: 4000 });
    }
}
