//! Which of a route's series one destination gets, and in which unit.

use crate::histogram::{Quantile, TIMES};
use crate::route::{keeps_name, readable_name};

/// What is counted of a time, beside its percentiles.
const OF_A_TIME: [&str; 4] = ["count", "sum", "mean", "max"];

/// What is counted of requests, by the node above.
const COUNTS: [(&str, &[&str]); 3] = [
    ("requests", &["count", "slow"]),
    ("status", &["1xx", "2xx", "3xx", "4xx", "5xx", "499"]),
    ("bytes_sent", &["sum"]),
];

/// The percentiles that are sent unless others are asked for, in thousandths.
const USUAL: [u16; 6] = [500, 750, 900, 950, 990, 999];

/// A percentile with its node: `p50`, and `p999` for 99.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Percentile {
    per_mille: u16,
    node: String,
}

impl Percentile {
    /// From its text, such as `99` or `99.9`. A decimal is taken from 10 on: below, its node could be that of another (`9.9` and `99`).
    /// None if there is no such percentile.
    pub fn parse(text: &str) -> Option<Percentile> {
        let (whole, decimal) = text.split_once('.').unwrap_or((text, "0"));
        let whole: u16 = whole.parse().ok().filter(|whole| (1..=99).contains(whole))?;
        let decimal: u16 = match decimal.trim_end_matches('0') {
            "" => 0,
            digit if digit.len() == 1 && whole >= 10 => digit.parse().ok()?,
            _ => return None,
        };
        Some(Percentile::of_per_mille(whole * 10 + decimal))
    }

    fn of_per_mille(per_mille: u16) -> Percentile {
        let node = match per_mille % 10 {
            0 => format!("p{}", per_mille / 10),
            _ => format!("p{per_mille}"),
        };
        Percentile { per_mille, node }
    }

    /// Its node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// As a fraction.
    pub(super) fn quantile(&self) -> Quantile {
        Quantile::per_mille(u64::from(self.per_mille))
    }

    /// Those that are sent unless others are asked for.
    pub fn usual() -> Vec<Percentile> {
        USUAL.into_iter().map(Percentile::of_per_mille).collect()
    }
}

/// The unit of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimeUnit {
    /// Milliseconds.
    #[default]
    Milliseconds,
    /// Seconds, with decimals.
    Seconds,
}

impl TimeUnit {
    /// A time in this unit.
    pub(super) fn of_millis(self, millis: f64) -> f64 {
        match self {
            TimeUnit::Milliseconds => millis,
            TimeUnit::Seconds => millis / 1000.0,
        }
    }
}

/// What one destination gets of each route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesChoice {
    /// Patterns of metrics (`request_time`, `*.p99`, `!status.1xx`), each a group or a group and what is in it.
    pub metrics: Vec<String>,
    /// Patterns of routes (`webapp.*`, `!webapp.static`).
    pub routes: Vec<String>,
    /// The percentiles of each time.
    pub percentiles: Vec<Percentile>,
    /// The unit of times.
    pub unit: TimeUnit,
}

impl Default for SeriesChoice {
    fn default() -> SeriesChoice {
        SeriesChoice {
            metrics: Vec::new(),
            routes: Vec::new(),
            percentiles: Percentile::usual(),
            unit: TimeUnit::default(),
        }
    }
}

impl SeriesChoice {
    /// Whether anything of this route is sent.
    pub fn keeps_route(&self, route: &str) -> bool {
        self.routes.is_empty() || keeps_name(&self.routes, &[route, &*readable_name(route)])
    }

    /// Whether this metric is sent.
    pub(super) fn keeps_metric(&self, group: &str, what: &str) -> bool {
        self.metrics.is_empty() || keeps_name(&self.metrics, &[group, &*format!("{group}.{what}")])
    }

    /// All that a pattern of a metric can mean with these percentiles: each group, and each with what is in it.
    pub fn metric_names(percentiles: &[Percentile]) -> Vec<String> {
        let mut names = Vec::new();
        for (group, whats) in COUNTS {
            names.push(group.to_owned());
            names.extend(whats.iter().map(|what| format!("{group}.{what}")));
        }
        for time in TIMES {
            names.push(time.name().to_owned());
            let of_percentiles = percentiles.iter().map(Percentile::node);
            names.extend(OF_A_TIME.into_iter().chain(of_percentiles).map(|what| format!("{}.{what}", time.name())));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_have_nodes_of_their_own() {
        let node = |text: &str| Percentile::parse(text).map(|it| it.node);
        for (text, wanted) in [("50", "p50"), ("99.9", "p999"), ("90.0", "p90"), ("5", "p5"), ("12.5", "p125")] {
            assert_eq!(node(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["0", "100", "9.9", "99.99", "x", "", "-1", "99,9", "1e1"] {
            assert_eq!(node(text), None, "{text}");
        }
    }

    #[test]
    fn the_names_are_those_that_are_sent() {
        let names = SeriesChoice::metric_names(&Percentile::usual());
        // 9 counts and 10 of each of 4 times, and the 7 groups.
        assert_eq!(names.len(), 9 + 4 * 10 + 7);
        let choice = SeriesChoice { metrics: vec!["request_time".into(), "!*.p75".into()], ..SeriesChoice::default() };
        let kept = ["count", "p50", "p75"].map(|what| choice.keeps_metric("request_time", what));
        assert_eq!((kept, choice.keeps_metric("status", "5xx")), ([true, true, false], false));
    }
}
