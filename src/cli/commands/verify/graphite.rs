//! What Graphite renders, held against what the store would send.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::against::{CellKey, Differences};
use crate::carbon::{Naming, Points};
use crate::cli::answer::output::{say, say_all};
use crate::cli::config::Surroundings;
use crate::cli::input::context::Context;
use crate::cli::input::graphite_web::{GraphiteWeb, RenderedSeries, step_of_points};
use crate::cli::input::settings;
use crate::daemon::DestinationSettings;
use crate::daemon::backfill::OF_THE_PAST;
use crate::error::{Error, Result};
use crate::histogram::{Cell, TIMES};
use crate::report::{Against, count};
use crate::route::RouteId;
use crate::store::View;
use crate::time::Timestamp;

/// Values this near to each other, relative to the larger, are the same: Graphite prints floating point numbers.
const NEAR: f64 = 1e-6;

/// A Graphite to ask.
pub(super) struct Graphite {
    web: GraphiteWeb,
    naming: Naming,
    /// The carbon that it shows.
    carbon: Option<DestinationSettings>,
    /// Slots with a point that it has otherwise.
    differing: BTreeSet<Timestamp>,
    interval: Duration,
    /// Slots that carbon has not been sent yet.
    owed: BTreeSet<Timestamp>,
    /// Slots from here on have not been sent yet.
    sent_until: Timestamp,
    points: u64,
    unsent: u64,
    /// Points that Graphite does not reach back to, and that it has only in coarser archives.
    outside: u64,
    coarse: u64,
}

/// The slots and values of one series.
type Series = BTreeMap<i64, f64>;

impl Graphite {
    /// With the names of the carbon that says that this shows it, else of the first configured one, or the default ones.
    ///
    /// # Errors
    /// The address is none; or something is to be sent, and to which carbon is not known.
    pub(super) fn new(context: &Context, url: &str, resend: bool) -> Result<Graphite> {
        let config = context.config()?;
        // `http://host` and `http://host/` are one.
        let is_it = |shown: &str| shown.trim_end_matches('/').eq_ignore_ascii_case(url.trim_end_matches('/'));
        let shown =
            config.carbons.iter().position(|section| section.graphite.as_ref().is_some_and(|it| is_it(&it.value)));
        let is_any_named = config.carbons.iter().any(|section| section.graphite.is_some());
        if shown.is_none() && resend && is_any_named && config.carbons.len() > 1 {
            return Err(Error::usage("--resend: which [[carbon]] this Graphite shows is not known")
                .remedy(format!("write `graphite = \"{url}\"` into its section")));
        }
        let carbon = settings::destinations(config)?.into_iter().nth(shown.unwrap_or(0));
        let naming = match &carbon {
            Some(carbon) => carbon.naming.clone(),
            None => Naming::new("nginx", &config.host_in(&Surroundings::of_process()), false)?,
        };
        Ok(Graphite {
            web: GraphiteWeb::new(url)?,
            naming,
            carbon,
            differing: BTreeSet::new(),
            interval: config.interval,
            owed: BTreeSet::new(),
            sent_until: Timestamp(i64::MAX),
            points: 0,
            unsent: 0,
            outside: 0,
            coarse: 0,
        })
    }

    /// Takes note of what the store knows to be unsent: that is not asked for.
    pub(super) fn learn_deliveries(&mut self, view: &View) {
        self.interval = view.settings().interval;
        for delivery in view.destinations() {
            let Some(carbon) = &self.carbon else { continue };
            let carbon = carbon.account.as_str();
            if delivery.destination == carbon {
                self.sent_until = delivery.emitted_until;
            }
            if delivery.destination.strip_suffix(OF_THE_PAST).unwrap_or(&delivery.destination) == carbon {
                self.owed.extend(&delivery.pending);
            }
        }
    }

    /// The carbon that it shows, if one is configured.
    pub(super) fn destination(&self) -> Option<&DestinationSettings> {
        self.carbon.as_ref()
    }

    /// The slots with a point that it had otherwise, since this was asked last.
    pub(super) fn take_differing(&mut self) -> BTreeSet<Timestamp> {
        std::mem::take(&mut self.differing)
    }

    /// Another state of the store is compared from here on. What was counted stays: of all that was compared first.
    pub(super) fn begin_again(&mut self, view: &View) {
        self.owed.clear();
        self.learn_deliveries(view);
    }

    /// Compare the points of these cells, route by route.
    pub(super) fn compare(
        &mut self,
        stored: &[(Timestamp, RouteId, Cell)],
        differences: &mut Differences<'_>,
    ) -> Result<()> {
        let mut routes: BTreeMap<RouteId, Vec<(Timestamp, &Cell)>> = BTreeMap::new();
        for (slot, route, cell) in stored {
            if *slot >= self.sent_until || self.owed.contains(slot) {
                self.unsent += 1;
                continue;
            }
            routes.entry(*route).or_default().push((*slot, cell));
        }
        for (route, cells) in routes {
            self.route(route, &cells, differences)?;
        }
        Ok(())
    }

    fn route(&mut self, route: RouteId, cells: &[(Timestamp, &Cell)], differences: &mut Differences<'_>) -> Result<()> {
        let name = differences.route(route);
        let mut points = Points::new();
        for (slot, cell) in cells {
            self.naming.append_cell(&name, *slot, cell, &TIMES, &mut points);
        }
        let mut wanted: BTreeMap<&str, Series> = BTreeMap::new();
        for point in points.iter() {
            wanted.entry(point.path).or_default().insert(i64::from(point.at), point.value);
        }
        let (Some((first, _)), Some((last, _))) = (cells.first(), cells.last()) else { return Ok(()) };
        let rendered = self.render(&name, *first, *last)?;
        for (path, series) in wanted {
            let found = rendered.get(path);
            if found.is_some_and(|found| self.is_coarse(found)) {
                self.coarse += series.len() as u64;
                continue;
            }
            for (second, stored) in series {
                let found = match found.map(|found| found.get(&second)) {
                    None => None,
                    Some(Some(found)) => *found,
                    Some(None) => {
                        self.outside += 1;
                        continue;
                    }
                };
                self.points += 1;
                if !found.is_some_and(|found| (found - stored).abs() <= NEAR * stored.abs().max(found.abs())) {
                    let cell = CellKey { slot: Timestamp::from_secs(second), route };
                    self.differing.insert(cell.slot);
                    differences.add(cell, format_args!("{path}"), Against::Graphite, Some(stored), found);
                }
            }
        }
        Ok(())
    }

    /// Whether the points stand further apart than slots do: then they were aggregated.
    fn is_coarse(&self, found: &BTreeMap<i64, Option<f64>>) -> bool {
        step_of_points(found).is_some_and(|step| step > i64::try_from(self.interval.as_secs()).unwrap_or(i64::MAX))
    }

    /// All series of a route, by name.
    fn render(&self, route: &str, first: Timestamp, last: Timestamp) -> Result<RenderedSeries> {
        let interval = i64::try_from(self.interval.as_secs()).unwrap_or(1);
        // Graphite gives what stands after `from`, up to and with `until`.
        let (from, until) = (first.secs() - interval, last.secs());
        self.web.render(&self.naming.pattern(route), from, until)
    }

    /// Say what was compared; what could not be is handed back too, a line each.
    pub(super) fn say(&self) -> Vec<String> {
        say(&format!("{} points compared with Graphite", count(self.points)));
        if self.unsent > 0 {
            say(&format!("{} cells have not been sent to carbon yet", count(self.unsent)));
        }
        let mut missing = Vec::new();
        for (points, why) in [
            (self.outside, "they lie outside its retention"),
            (self.coarse, "it has them only in a coarser archive, aggregated"),
        ] {
            if points > 0 {
                missing.push(format!("{} points could not be compared with Graphite: {why}", count(points)));
            }
        }
        say_all(&missing);
        missing
    }
}
