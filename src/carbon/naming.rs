//! From a cell to points: what each series is called.
//!
//! Plain: `<prefix>.<host>.<route>.<what>`; tagged: `<prefix>.<what>;host=<host>;route=<route>`, tags in Graphite's
//! canonical (alphabetical) order. `<what>` always has exactly two nodes, so no route's series can be another's.
//!
//! The daemon's own metrics live under `<prefix>.<host>.spikeline.`, which is also where a route called `spikeline`
//! would live. Such a route gives way: when a route's first node is `spikeline`, or that with underscores behind it,
//! one more underscore is added (`spikeline.a` is sent as `spikeline_.a`, a route `spikeline_` as `spikeline__`), so
//! no two routes meet. The tagged form has no such clash and leaves routes alone.

use super::points::{Points, is_dotted};
use crate::error::{Error, Result};
use crate::histogram::{Cell, Latency, Quantile, Time};
use crate::time::Timestamp;

/// The node of the daemon's own metrics.
const OWN: &str = "spikeline";

/// The quantiles that are sent, by their node.
const QUANTILES: [(&str, Quantile); 6] = [
    ("p50", Quantile::per_mille(500)),
    ("p75", Quantile::per_mille(750)),
    ("p90", Quantile::per_mille(900)),
    ("p95", Quantile::per_mille(950)),
    ("p99", Quantile::per_mille(990)),
    ("p999", Quantile::per_mille(999)),
];

/// The nodes of the classes of status, in the order of [`Cell::status`].
const STATUS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What stands before and around every series' name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The first nodes, `nginx` by default; dots allowed.
    pub prefix: String,
    /// This host as a single node: dots are `_`.
    pub host: String,
    /// Whether series are written with tags.
    pub tagged: bool,
}

impl Naming {
    /// From a configured prefix and the host's name, whose characters outside `[A-Za-z0-9_-]` become `_`.
    ///
    /// # Errors
    /// A prefix that is not dotted nodes of `[A-Za-z0-9_-]`, or an empty host.
    pub fn new(prefix: &str, host: &str, tagged: bool) -> Result<Naming> {
        if !is_dotted(prefix) {
            return Err(Error::usage(format!("carbon prefix {prefix:?} is not a metric path"))
                .remedy("use letters, digits, `_` and `-`, with single dots between, such as `nginx`"));
        }
        let host: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        if !is_dotted(&host) {
            return Err(Error::usage("the host's name for carbon is empty or over 200 bytes long")
                .remedy("set a short name of letters, digits, `_` and `-`"));
        }
        Ok(Naming { prefix: prefix.to_owned(), host, tagged })
    }

    /// Everything that is sent for one route and slot. `times` are the times that the route's formats have at all; one
    /// of them without samples in this slot gives no points, since nothing is not 0. Times are in milliseconds.
    pub fn append_cell(&self, route: &str, slot: Timestamp, cell: &Cell, times: &[Time], out: &mut Points) {
        let mut series = self.begin_series(route, slot, out);
        series.push_value("requests", "count", whole_number(cell.requests));
        series.push_value("requests", "slow", whole_number(cell.slow));
        for (class, count) in STATUS.into_iter().zip(cell.status) {
            series.push_value("status", class, whole_number(count));
        }
        series.push_value("status", "499", whole_number(cell.status_499));
        series.push_value("bytes_sent", "sum", whole_number(cell.bytes_sent));
        for &time in times {
            series.push_latency(time.name(), cell.time(time));
        }
    }

    /// What is sent for a route that had no request in this slot: `requests.count` 0 and nothing else.
    pub fn append_quiet(&self, route: &str, slot: Timestamp, out: &mut Points) {
        self.begin_series(route, slot, out).push_value("requests", "count", 0.0);
    }

    /// One of the daemon's own metrics: `<prefix>.<host>.spikeline.<name>`, tagged `<prefix>.spikeline.<name>;host=..`.
    pub fn append_own(&self, name: &str, value: f64, at: Timestamp, out: &mut Points) {
        let safe = self.is_safe_with(name);
        out.push_with(value, at, |path| {
            if safe && self.tagged {
                append_pieces(path, &[&self.prefix, ".", OWN, ".", name, ";host=", &self.host]);
            } else if safe {
                append_pieces(path, &[&self.prefix, ".", &self.host, ".", OWN, ".", name]);
            }
        });
    }

    /// What Graphite's render finds all series of a route by.
    pub fn pattern(&self, route: &str) -> String {
        if self.tagged {
            let prefix = self.prefix.replace('.', "[.]");
            return format!("seriesByTag('name=~^{prefix}[.]','host={}','route={route}')", self.host);
        }
        let mut pattern = String::new();
        self.append_path(route, "*", "*", &mut pattern);
        pattern
    }

    /// Whether prefix, host and this text hold no tag, separator or other unsafe byte of their own: a route `a;host=b`
    /// would make a well-formed path, but not ours.
    fn is_safe_with(&self, text: &str) -> bool {
        is_dotted(&self.prefix) && is_dotted(&self.host) && is_dotted(text)
    }

    fn begin_series<'a>(&'a self, route: &'a str, slot: Timestamp, out: &'a mut Points) -> RouteSeries<'a> {
        RouteSeries { naming: self, route, safe: self.is_safe_with(route), slot, out }
    }

    /// Append the path of one series of `route`.
    fn append_path(&self, route: &str, group: &str, what: &str, path: &mut String) {
        if self.tagged {
            append_pieces(path, &[&self.prefix, ".", group, ".", what, ";host=", &self.host, ";route=", route]);
        } else {
            let (first, rest) = apart_from_own(route);
            append_pieces(path, &[&self.prefix, ".", &self.host, ".", first, rest, ".", group, ".", what]);
        }
    }
}

/// The series of one route in one slot.
struct RouteSeries<'a> {
    naming: &'a Naming,
    route: &'a str,
    /// Whether it may be sent at all; if not, every point of it is refused and so counted.
    safe: bool,
    slot: Timestamp,
    out: &'a mut Points,
}

impl RouteSeries<'_> {
    fn push_value(&mut self, group: &str, what: &str, value: f64) {
        self.out.push_with(value, self.slot, |path| {
            if self.safe {
                self.naming.append_path(self.route, group, what, path);
            }
        });
    }

    fn push_latency(&mut self, name: &str, latency: &Latency) {
        let Some(quantiles) = latency.quantiles(QUANTILES.map(|(_, quantile)| quantile)) else {
            return;
        };
        self.push_value(name, "count", whole_number(latency.count()));
        self.push_value(name, "sum", whole_number(latency.sum_ms()));
        self.push_value(name, "mean", whole_number(latency.sum_ms()) / whole_number(latency.count()));
        for ((node, _), value) in QUANTILES.into_iter().zip(quantiles) {
            self.push_value(name, node, whole_number(value));
        }
        self.push_value(name, "max", whole_number(latency.max_ms()));
    }
}

/// The route in two pieces that, put together, are its nodes under the host: see the head of this file.
fn apart_from_own(route: &str) -> (&str, &str) {
    let Some(rest) = route.strip_prefix(OWN) else {
        return ("", route);
    };
    let first = rest.split('.').next().unwrap_or_default();
    if first.bytes().all(|byte| byte == b'_') { ("spikeline_", rest) } else { ("", route) }
}

fn append_pieces(path: &mut String, pieces: &[&str]) {
    for piece in pieces {
        path.push_str(piece);
    }
}

/// A count as carbon keeps it: a double, exact up to 2^53.
fn whole_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::histogram::TIMES;

    const SLOT: Timestamp = Timestamp::from_secs(1_322_661_900);

    fn naming(tagged: bool) -> Naming {
        Naming::new("nginx", "web1", tagged).unwrap()
    }

    fn lines(points: &Points) -> Vec<String> {
        points.iter().map(|p| format!("{} {} {}", p.path, p.value, p.at)).collect()
    }

    fn sample() -> Cell {
        let mut cell = Cell::default();
        (cell.requests, cell.slow, cell.bytes_sent) = (5, 1, 1234);
        for status in [101, 200, 304, 499, 502] {
            cell.count_status(status);
        }
        for millis in [10, 20, 30, 1001] {
            cell.time_mut(Time::Request).record(millis);
        }
        cell
    }

    #[test]
    fn a_cell_gives_every_series_of_the_contract() {
        let mut points = Points::new();
        naming(false).append_cell("webapp.backend.git", SLOT, &sample(), &[Time::Request], &mut points);
        let expected = "requests.count 5, requests.slow 1, status.1xx 1, status.2xx 1, status.3xx 1, status.4xx 1, \
            status.5xx 1, status.499 1, bytes_sent.sum 1234, request_time.count 4, request_time.sum 1061, \
            request_time.mean 265.25, request_time.p50 20, request_time.p75 30, request_time.p90 1001, \
            request_time.p95 1001, request_time.p99 1001, request_time.p999 1001, request_time.max 1001";
        let expected: Vec<String> =
            expected.split(", ").map(|rest| format!("nginx.web1.webapp.backend.git.{rest} 1322661900")).collect();
        assert_eq!(lines(&points), expected);
        assert_eq!(points.refused(), 0);
    }

    #[test]
    fn a_time_without_samples_stays_absent() {
        let mut points = Points::new();
        naming(false).append_cell("a", SLOT, &sample(), &TIMES, &mut points);
        assert!(points.iter().any(|p| p.path.contains(".request_time.")));
        assert!(!points.iter().any(|p| p.path.contains("upstream")));
        points.clear();
        let mut cell = sample();
        cell.time_mut(Time::UpstreamHeader).record(0);
        naming(false).append_cell("a", SLOT, &cell, &TIMES, &mut points);
        assert!(lines(&points).contains(&"nginx.web1.a.upstream_header_time.p50 0 1322661900".to_owned()));
        points.clear();
        naming(false).append_cell("a", SLOT, &cell, &[], &mut points);
        assert!(!points.iter().any(|p| p.path.contains("_time.")), "a time that the format lacks is not sent");
    }

    #[test]
    fn tags_are_in_canonical_order() {
        let mut points = Points::new();
        naming(true).append_cell("webapp.backend.git", SLOT, &sample(), &[Time::Request], &mut points);
        assert!(
            lines(&points)
                .contains(&"nginx.request_time.p99;host=web1;route=webapp.backend.git 1001 1322661900".to_owned())
        );
        assert_eq!(points.len(), 19);
        points.clear();
        naming(true).append_own("lines.read", 7.0, SLOT, &mut points);
        assert_eq!(lines(&points), ["nginx.spikeline.lines.read;host=web1 7 1322661900"]);
    }

    #[test]
    fn a_quiet_slot_sends_its_zero_only() {
        let mut points = Points::new();
        naming(false).append_quiet("a.b", SLOT, &mut points);
        assert_eq!(lines(&points), ["nginx.web1.a.b.requests.count 0 1322661900"]);
    }

    #[test]
    fn a_route_called_spikeline_gives_way() {
        let mut points = Points::new();
        for route in ["spikeline", "spikeline.x", "spikeline_", "spikeline_x", "spikelines", "a.spikeline"] {
            naming(false).append_quiet(route, SLOT, &mut points);
        }
        naming(false).append_own("requests.count", 1.0, SLOT, &mut points);
        let got: Vec<_> = points.iter().map(|p| p.path.replace(".requests.count", "")).collect();
        let expected = ["spikeline_", "spikeline_.x", "spikeline__", "spikeline_x", "spikelines", "a.spikeline"]
            .into_iter()
            .chain(["spikeline"])
            .map(|route| format!("nginx.web1.{route}"))
            .collect::<Vec<_>>();
        assert_eq!(got, expected);
    }

    #[test]
    fn an_unsafe_route_sends_nothing() {
        for tagged in [false, true] {
            let mut points = Points::new();
            for route in ["", "a b", "a\nnginx.web1.b.requests.count 1 1", "a;host=x", "a..b", "a.", "../x"] {
                naming(tagged).append_cell(route, SLOT, &sample(), &[Time::Request], &mut points);
            }
            assert_eq!((points.len(), points.refused()), (0, 7 * 19));
        }
    }

    #[test]
    fn prefix_and_host_are_checked_once() {
        let naming = Naming::new("prod.nginx", "web1.example.org", false).unwrap();
        assert_eq!((naming.prefix.as_str(), naming.host.as_str()), ("prod.nginx", "web1_example_org"));
        assert_eq!(Naming::new("nginx", "a b/ö", true).unwrap().host, "a_b__");
        for prefix in ["", ".", "a.", "a..b", "a b", "a;b=c"] {
            let error = Naming::new(prefix, "web1", false).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("help: "));
        }
        assert!(Naming::new("nginx", "", false).is_err());
    }

    proptest! {
        #[test]
        fn different_routes_never_share_a_series(
            routes in prop::collection::hash_set("(spikeline_{0,2}|a|requests|count)(\\.(spikeline|requests|count|a)){0,3}", 2..8),
            tagged: bool,
        ) {
            let mut points = Points::new();
            for route in &routes {
                naming(tagged).append_cell(route, SLOT, &sample(), &[Time::Request], &mut points);
            }
            naming(tagged).append_own("requests.count", 1.0, SLOT, &mut points);
            let paths: HashSet<&str> = points.iter().map(|p| p.path).collect();
            prop_assert_eq!(paths.len(), routes.len() * 19 + 1);
        }

        #[test]
        fn any_route_text_is_sent_safely_or_not_at_all(route in "(?s).{0,60}", tagged: bool) {
            let mut points = Points::new();
            naming(tagged).append_quiet(&route, SLOT, &mut points);
            for point in points.iter() {
                prop_assert!(point.path.contains(&route));
                prop_assert!(!point.path.contains([' ', '\n', '\t', '/']));
                prop_assert_eq!(point.path.matches(';').count(), if tagged { 2 } else { 0 });
            }
        }
    }
}
