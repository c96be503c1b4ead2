//! What Graphite renders, held against what the store would send.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::against::{CellKey, Differences};
use crate::carbon::{Naming, Points};
use crate::cli::answer::output::{say, say_all};
use crate::cli::config::Surroundings;
use crate::cli::input::context::Context;
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::events::plain_http::{Address, encoded};
use crate::histogram::{Cell, TIMES};
use crate::report::{Against, count};
use crate::route::RouteId;
use crate::store::View;
use crate::time::Timestamp;

/// Values this near to each other, relative to the larger, are the same: Graphite prints floating point numbers.
const NEAR: f64 = 1e-6;

/// A Graphite to ask.
pub(super) struct Graphite {
    address: Address,
    naming: Naming,
    /// The carbon that it shows, by its name in the store.
    carbon: Option<String>,
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
    /// With the names of the first configured carbon, or the default ones.
    pub(super) fn new(context: &Context, url: &str) -> Result<Graphite> {
        let config = context.config()?;
        let destination = settings::destinations(config)?.into_iter().next();
        let (naming, carbon) = match destination {
            Some(destination) => (destination.naming, Some(destination.destination.address)),
            None => (Naming::new("nginx", &config.host_in(&Surroundings::of_process()), false)?, None),
        };
        Ok(Graphite {
            address: Address::parse(url)?,
            naming,
            carbon,
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
            if delivery.destination == *carbon {
                self.sent_until = delivery.emitted_until;
            }
            if delivery.destination.starts_with(carbon.as_str()) {
                self.owed.extend(&delivery.pending);
            }
        }
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
                    differences.add(cell, format_args!("{path}"), Against::Graphite, Some(stored), found);
                }
            }
        }
        Ok(())
    }

    /// Whether the points stand further apart than slots do: then they were aggregated.
    fn is_coarse(&self, found: &BTreeMap<i64, Option<f64>>) -> bool {
        let step = found.keys().zip(found.keys().skip(1)).map(|(one, next)| next - one).min();
        step.is_some_and(|step| step > i64::try_from(self.interval.as_secs()).unwrap_or(i64::MAX))
    }

    /// All series of a route, by name.
    fn render(
        &self,
        route: &str,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<BTreeMap<String, BTreeMap<i64, Option<f64>>>> {
        let interval = i64::try_from(self.interval.as_secs()).unwrap_or(1);
        // Graphite gives what stands after `from`, up to and with `until`.
        let (from, until) = (first.secs() - interval, last.secs());
        let target = encoded(&self.naming.pattern(route));
        let body = self.address.get(&format!("/render?target={target}&from={from}&until={until}&format=json"))?;
        parse_rendered(&body).ok_or_else(|| {
            Error::failed("what Graphite rendered is not the JSON that it should be")
                .remedy("is it Graphite's address?")
        })
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

/// The points of each series by second, of the JSON that `/render` gives: `[{"target": NAME, "datapoints":
/// [[VALUE or null, SECOND], ..]}, ..]`. None if it is anything else.
fn parse_rendered(body: &[u8]) -> Option<BTreeMap<String, BTreeMap<i64, Option<f64>>>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let mut all = BTreeMap::new();
    for series in answer.as_array()? {
        let mut points = BTreeMap::new();
        for point in series.get("datapoints")?.as_array()? {
            points.insert(point.get(1)?.as_i64()?, point.get(0).and_then(Value::as_f64));
        }
        all.insert(series.get("target")?.as_str()?.to_owned(), points);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_graphite_renders_is_points_by_second_or_nothing() {
        let body = br#"[{"target": "a.p99", "tags": {}, "datapoints": [[1.5, 60], [null, 120], [3, 180]]}, {"target": "b", "datapoints": []}]"#;
        let all = parse_rendered(body).unwrap();
        assert_eq!(all["a.p99"], BTreeMap::from([(60, Some(1.5)), (120, None), (180, Some(3.0))]));
        assert!(all["b"].is_empty());
        assert_eq!(parse_rendered(b"[]").unwrap(), BTreeMap::new(), "no series is an answer, too");
        let wrongs: [&[u8]; 6] = [
            b"",
            b"<html>",
            b"{}",
            br#"[{"datapoints": []}]"#,
            br#"[{"target": "a"}]"#,
            br#"[{"target": "a", "datapoints": [[1.0]]}]"#,
        ];
        for wrong in wrongs {
            assert_eq!(parse_rendered(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }
}
