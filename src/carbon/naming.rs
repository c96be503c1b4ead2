//! From a cell to points: what each series is called.
//!
//! Plain: `<prefix>.<host>.<route>.<what>`; tagged: `<prefix>.<what>;host=<host>;route=<route>`, tags in Graphite's
//! canonical (alphabetical) order. `<what>` always has exactly two nodes, so no route's series can be another's.
//!
//! The daemon's own metrics live under `<prefix>.<host>.spikeline.`, which is also where a route called `spikeline`
//! would live. Such a route gives way: when a route's first node is `spikeline`, or that with underscores behind it,
//! one more underscore is added (`spikeline.a` is sent as `spikeline_.a`, a route `spikeline_` as `spikeline__`), so
//! no two routes meet. The tagged form has no such clash and leaves routes alone.

use super::cell_metric::CellMetric;
use super::points::{Points, is_dotted};
use super::series_choice::{Percentile, SeriesChoice};
use crate::error::{Error, Result};
use crate::histogram::{Cell, Latency, Time};
use crate::time::Timestamp;

/// The node of the daemon's own metrics.
const OWN: &str = "spikeline";

/// The nodes of the classes of status, in the order of [`Cell::status`].
const STATUS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What stands before and around every series' name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The first nodes, `nginx` by default; dots allowed.
    pub prefix: String,
    /// This host, usually as a single node: dots are `_`.
    pub host: String,
    /// Whether series are written with tags.
    pub tagged: bool,
    /// Which series there are.
    pub choice: SeriesChoice,
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
        let host = host_node(host);
        if !is_dotted(&host) {
            return Err(Error::usage("the host's name for carbon is empty or over 200 bytes long")
                .remedy("set a short name of letters, digits, `_` and `-`"));
        }
        Ok(Naming { prefix: prefix.to_owned(), host, tagged, choice: SeriesChoice::default() })
    }

    /// The same with the host's name as the nodes that its labels are, the last first: `org.example.web1`.
    #[must_use]
    pub fn with_host_reversed(mut self, full_name: &str) -> Naming {
        let labels: Vec<String> = full_name.split('.').filter(|label| !label.is_empty()).rev().map(host_node).collect();
        self.host = labels.join(".");
        self
    }

    /// Everything that is sent for one route and slot. `times` are the times that the route's formats have at all; one
    /// of them without samples in this slot gives no points, since nothing is not 0. Times are in milliseconds.
    pub fn append_cell(&self, route: &str, slot: Timestamp, cell: &Cell, times: &[Time], out: &mut Points) {
        if !self.choice.keeps_route(route) {
            return;
        }
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
        if self.choice.keeps_route(route) {
            self.begin_series(route, slot, out).push_value("requests", "count", 0.0);
        }
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

    /// The metric that all series of a route lie under, `nginx.web1.webapp.backend.git`; where they have tags, what finds them.
    pub fn path_of_route(&self, route: &str) -> String {
        if self.tagged {
            return self.pattern(route);
        }
        let (first, rest) = apart_from_own(route);
        let mut path = String::new();
        append_pieces(&mut path, &[&self.prefix, ".", &self.host, ".", first, rest]);
        path
    }

    /// What one series of a route is called.
    pub fn series_path(&self, route: &str, metric: CellMetric) -> String {
        let mut path = String::new();
        self.append_path(route, metric.group(), &metric.what(), &mut path);
        path
    }

    /// The nodes that a route's series have before those of the metric; with tags there are none of the route's own.
    pub fn branch_of(&self, route: &str) -> String {
        if self.tagged { self.prefix.clone() } else { self.path_of_route(route) }
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
        if !self.naming.choice.keeps_metric(group, what) {
            return;
        }
        self.out.push_with(value, self.slot, |path| {
            if self.safe {
                self.naming.append_path(self.route, group, what, path);
            }
        });
    }

    fn push_latency(&mut self, name: &str, latency: &Latency) {
        if latency.is_empty() {
            return;
        }
        let SeriesChoice { percentiles, unit, .. } = &self.naming.choice;
        self.push_value(name, "count", whole_number(latency.count()));
        self.push_value(name, "sum", unit.of_millis(whole_number(latency.sum_ms())));
        let mean = whole_number(latency.sum_ms()) / whole_number(latency.count());
        self.push_value(name, "mean", unit.of_millis(mean));
        let values = latency.quantile_list(percentiles.iter().map(Percentile::quantile));
        for (percentile, value) in percentiles.iter().zip(values) {
            self.push_value(name, percentile.node(), unit.of_millis(whole_number(value)));
        }
        self.push_value(name, "max", unit.of_millis(whole_number(latency.max_ms())));
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

/// A host's name as one node.
fn host_node(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
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
mod tests;
