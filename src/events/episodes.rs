//! The rule held against the cells of a store.

use std::collections::HashMap;
use std::time::Duration;

use super::range_rule::{Episode, MinuteCounts, RangeRule};
use crate::error::Result;
use crate::route::RouteId;
use crate::store::View;
use crate::time::{Timestamp, Window};

/// So long before the first minute that matters the rule begins to learn.
pub const WARM_UP: Duration = Duration::from_secs(12 * 3600);

/// A minute.
const MINUTE: Duration = Duration::from_secs(60);

/// So many cells are held at a time.
const CELLS_AT_ONCE: u64 = 20_000;

/// An episode and its route, as in Graphite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteEpisode {
    /// The route.
    pub route: String,
    /// What happened.
    pub episode: Episode,
}

/// What the rule knows of all routes of one store, up to a minute.
#[derive(Debug)]
pub struct EpisodeScan {
    rules: HashMap<RouteId, RangeRule>,
    until: Timestamp,
}

impl EpisodeScan {
    /// Nothing is known before the minute that holds `from`.
    pub fn beginning(from: Timestamp) -> EpisodeScan {
        EpisodeScan { rules: HashMap::new(), until: from.slot(MINUTE) }
    }

    /// Goes on to the last minute that is over before `until`. Gives the episodes that are told of, in their order; with `over` each
    /// as it ended, or stands.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn advance(&mut self, view: &View, until: Timestamp, over: bool) -> Result<Vec<RouteEpisode>> {
        let until = until.slot(MINUTE);
        let names: HashMap<RouteId, &str> = view.routes().into_iter().collect();
        let minutes = i64::try_from(CELLS_AT_ONCE / (names.len() as u64).max(1)).unwrap_or(1).max(1);
        let mut found: Vec<RouteEpisode> = Vec::new();
        while self.until < until {
            let piece = Window { from: self.until, until: Timestamp(self.until.0 + minutes * 60_000).min(until) };
            let mut cells = view.steps(piece, MINUTE, None)?;
            cells.sort_by_key(|(start, route, _)| (*start, *route));
            for (start, route, cell) in cells {
                let Some(episode) = self.rules.entry(route).or_default().push(start, MinuteCounts::of_cell(&cell))
                else {
                    continue;
                };
                let is_new = episode.told == start.plus(MINUTE);
                if is_new != over {
                    let route = names.get(&route).copied().unwrap_or_default().to_owned();
                    found.push(RouteEpisode { route, episode });
                }
            }
            self.until = piece.until;
        }
        if over {
            for (route, rule) in &self.rules {
                if let Some(open) = rule.open_episode() {
                    let route = names.get(route).copied().unwrap_or_default().to_owned();
                    found.push(RouteEpisode { route, episode: open.clone() });
                }
            }
        }
        found.sort_by(|one, other| (one.episode.told, &one.route).cmp(&(other.episode.told, &other.route)));
        Ok(found)
    }

    /// The episodes of a window, each as it ended: those that were told of in it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of_window(view: &View, window: Window) -> Result<Vec<RouteEpisode>> {
        let spans = view.routes().into_iter().filter_map(|(route, _)| view.route_span(route));
        let (mut first, mut last) = (window.until, window.from);
        for (begins, ends) in spans {
            first = first.min(begins);
            last = last.max(ends.plus(MINUTE));
        }
        // Where nothing is stored there is nothing to go through, minute by minute.
        let from = Timestamp(window.from.0.saturating_sub(i64::try_from(WARM_UP.as_millis()).unwrap_or(0)));
        let mut scan = EpisodeScan::beginning(from.max(first));
        let mut found = scan.advance(view, window.until.min(last.plus(MINUTE)), true)?;
        found.retain(|found| window.contains(found.episode.told));
        Ok(found)
    }
}
