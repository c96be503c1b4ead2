//! How carbon should add up points where it keeps coarser ones: of every series what it is, so that a minute of six slots is the minute.

use std::fmt;

use super::naming::Naming;
use super::points::Points;
use crate::histogram::{Cell, TIMES};
use crate::time::Timestamp;

/// What makes one point of several; the texts are whisper's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RollUp {
    /// Counts and sums.
    Sum,
    /// The largest, the percentiles, and what stands at a moment.
    Max,
    /// The one average there is, `mean`.
    Average,
}

impl fmt::Display for RollUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RollUp::Sum => "sum",
            RollUp::Max => "max",
            RollUp::Average => "average",
        })
    }
}

/// All of them, each with what, behind the prefix and other nodes, the series end in.
pub const ROLL_UPS: [(RollUp, &str); 3] = [
    (
        RollUp::Sum,
        r"(requests\.(count|slow)|status\.([1-5]xx|499)|bytes_sent\.sum|[a-z_]+_time\.(count|sum)|spikeline\.((lines|bytes)\.[a-z]+|commits\.failed))",
    ),
    (
        RollUp::Max,
        r"([a-z_]+_time\.(max|p[0-9]+)|spikeline\.(lag_seconds|queue\.commits|routes\.known|(slots|points)\.[a-z]+))",
    ),
    (RollUp::Average, r"[a-z_]+_time\.mean"),
];

/// The regular expression that means all series of a prefix.
pub fn pattern_of_prefix(prefix: &str) -> String {
    format!(r"^{}\.", prefix.replace('.', r"\."))
}

/// The regular expression that means those of its series that are added up in one way, with tags or without.
pub fn pattern_of_roll_up(prefix: &str, series: &str) -> String {
    format!(r"{}([^;]+\.)?{series}(;|$)", pattern_of_prefix(prefix))
}

/// The series of a route with every time, each with what it is after its route, such as `request_time.count`.
pub fn series_of_route(naming: &Naming, route: &str) -> Vec<(String, String)> {
    let (mut cell, mut points) = (Cell::default(), Points::new());
    for time in TIMES {
        cell.time_mut(time).record(1);
    }
    naming.append_cell(route, Timestamp::from_secs(60), &cell, &TIMES, &mut points);
    let mut series = Vec::new();
    for point in points.iter() {
        let nodes: Vec<&str> = point.path.split(';').next().unwrap_or_default().rsplitn(3, '.').collect();
        if let [what, group, ..] = nodes[..] {
            series.push((point.path.to_owned(), format!("{group}.{what}")));
        }
    }
    series
}

/// How a series should be added up, by its group and what of it (`request_time.p99`).
pub fn roll_up_of(what: &str) -> RollUp {
    match what.rsplit_once('.').map_or(what, |(_, node)| node) {
        "mean" => RollUp::Average,
        node if node == "max" || node.starts_with('p') => RollUp::Max,
        _ => RollUp::Sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every series is meant by the expression of its own way and by no other, whatever the form of the host's name.
    #[test]
    fn each_series_is_added_up_in_one_way() {
        let plain = Naming::new("prod.nginx", "web1", false).unwrap();
        let namings = [
            plain.clone(),
            Naming::new("prod.nginx", "web1.status.499.example.org", false).unwrap(),
            plain.with_host_reversed("web1.requests.example.org"),
            Naming::new("prod.nginx", "web1", true).unwrap(),
            Naming::new("prod.nginx", "x", true).unwrap().with_host_reversed("web1.requests.example.org"),
        ];
        let ways_of = |path: &str| {
            let is_meant = |pattern: String| regex::Regex::new(&pattern).unwrap().is_match(path);
            assert!(is_meant(pattern_of_prefix("prod.nginx")), "{path}");
            let ways = ROLL_UPS.into_iter().filter(|(_, series)| is_meant(pattern_of_roll_up("prod.nginx", series)));
            ways.map(|(way, _)| way).collect::<Vec<_>>()
        };
        for naming in namings {
            for route in ["git", "webapp.requests", "webapp.request_time.max", "other", "upstream.10_2E0_2E0_2E1_3A80"]
            {
                for (path, what) in series_of_route(&naming, route) {
                    assert_eq!(ways_of(&path), [roll_up_of(&what)], "{path}");
                }
            }
        }
        assert_eq!(ways_of("prod.nginx.org.example.web1.spikeline.lines.read"), [RollUp::Sum]);
        assert_eq!(ways_of("prod.nginx.spikeline.lag_seconds;host=web1"), [RollUp::Max]);
        assert_eq!(series_of_route(&Naming::new("nginx", "web1", false).unwrap(), "a").len(), 49);
    }
}
