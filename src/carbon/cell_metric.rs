//! What of a cell a series is: its last two nodes, and the value that a cell has of it.
//!
//! [`Naming`](super::Naming) writes all series of a cell in one go; this is one of them by its name, with the same value.

use super::series_choice::TimeUnit;
use crate::histogram::{Cell, Latency, Quantile, TIMES, Time};

/// One of the series of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CellMetric {
    /// `requests.count`
    Requests,
    /// `requests.slow`
    Slow,
    /// `status.1xx` to `status.5xx`, by its first digit.
    StatusClass(u8),
    /// `status.499`
    GivenUp,
    /// `bytes_sent.sum`
    BytesSent,
    /// `request_time.p99` and its like.
    OfTime(Time, TimeStatistic),
}

/// What of the samples of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeStatistic {
    /// How many.
    Count,
    /// All together.
    Sum,
    /// The average.
    Mean,
    /// The longest.
    Max,
    /// A percentile, in thousandths.
    Percentile(u16),
}

/// The classes of status with their nodes.
const CLASSES: [(u8, &str); 5] = [(1, "1xx"), (2, "2xx"), (3, "3xx"), (4, "4xx"), (5, "5xx")];

impl CellMetric {
    /// By its two nodes; none if there is no such series. Percentiles are all that have a node, sent or not.
    pub fn parse(group: &str, what: &str) -> Option<CellMetric> {
        match (group, what) {
            ("requests", "count") => return Some(CellMetric::Requests),
            ("requests", "slow") => return Some(CellMetric::Slow),
            ("status", "499") => return Some(CellMetric::GivenUp),
            ("bytes_sent", "sum") => return Some(CellMetric::BytesSent),
            ("status", _) => {
                let class = CLASSES.into_iter().find(|(_, node)| *node == what)?;
                return Some(CellMetric::StatusClass(class.0));
            }
            _ => {}
        }
        let time = TIMES.into_iter().find(|time| time.name() == group)?;
        let statistic = match what {
            "count" => TimeStatistic::Count,
            "sum" => TimeStatistic::Sum,
            "mean" => TimeStatistic::Mean,
            "max" => TimeStatistic::Max,
            _ => TimeStatistic::Percentile(percentile_of_node(what)?),
        };
        Some(CellMetric::OfTime(time, statistic))
    }

    /// The node above.
    pub fn group(self) -> &'static str {
        match self {
            CellMetric::Requests | CellMetric::Slow => "requests",
            CellMetric::StatusClass(_) | CellMetric::GivenUp => "status",
            CellMetric::BytesSent => "bytes_sent",
            CellMetric::OfTime(time, _) => time.name(),
        }
    }

    /// The last node.
    pub fn what(self) -> String {
        match self {
            CellMetric::Requests | CellMetric::OfTime(_, TimeStatistic::Count) => "count".to_owned(),
            CellMetric::Slow => "slow".to_owned(),
            CellMetric::StatusClass(class) => format!("{class}xx"),
            CellMetric::GivenUp => "499".to_owned(),
            CellMetric::BytesSent | CellMetric::OfTime(_, TimeStatistic::Sum) => "sum".to_owned(),
            CellMetric::OfTime(_, TimeStatistic::Mean) => "mean".to_owned(),
            CellMetric::OfTime(_, TimeStatistic::Max) => "max".to_owned(),
            CellMetric::OfTime(_, TimeStatistic::Percentile(thousandths)) => node_of_percentile(thousandths),
        }
    }

    /// Both nodes: `request_time.p99`.
    pub fn name(self) -> String {
        format!("{}.{}", self.group(), self.what())
    }

    /// What a cell has of it, as it is sent; nothing where a time has no samples.
    pub fn value(self, cell: &Cell, unit: TimeUnit) -> Option<f64> {
        match self {
            CellMetric::Requests => Some(cell.requests as f64),
            CellMetric::Slow => Some(cell.slow as f64),
            CellMetric::StatusClass(class) => {
                cell.status.get(usize::from(class).checked_sub(1)?).map(|count| *count as f64)
            }
            CellMetric::GivenUp => Some(cell.status_499 as f64),
            CellMetric::BytesSent => Some(cell.bytes_sent as f64),
            CellMetric::OfTime(time, statistic) => statistic.value(cell.time(time), unit),
        }
    }
}

impl TimeStatistic {
    fn value(self, latency: &Latency, unit: TimeUnit) -> Option<f64> {
        if latency.is_empty() {
            return None;
        }
        let millis = match self {
            TimeStatistic::Count => return Some(latency.count() as f64),
            TimeStatistic::Sum => latency.sum_ms() as f64,
            TimeStatistic::Mean => latency.sum_ms() as f64 / latency.count() as f64,
            TimeStatistic::Max => latency.max_ms() as f64,
            TimeStatistic::Percentile(thousandths) => {
                latency.quantile(Quantile::per_mille(u64::from(thousandths)))? as f64
            }
        };
        Some(unit.of_millis(millis))
    }
}

/// `p99` is 990, `p999` 999, `p5` 50.
fn percentile_of_node(node: &str) -> Option<u16> {
    let digits = node.strip_prefix('p')?;
    if digits.is_empty() || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u16 = digits.parse().ok()?;
    match digits.len() {
        1 | 2 => Some(number * 10),
        3 if !number.is_multiple_of(10) => Some(number),
        _ => None,
    }
}

fn node_of_percentile(thousandths: u16) -> String {
    match thousandths % 10 {
        0 => format!("p{}", thousandths / 10),
        _ => format!("p{thousandths}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::{Naming, Percentile, Points, TimeUnit};
    use crate::time::Timestamp;

    #[test]
    fn nodes_of_percentiles_are_those_that_are_sent() {
        for text in ["1", "5", "50", "75", "99", "99.9", "12.5", "10.1"] {
            let node = Percentile::parse(text).unwrap().node().to_owned();
            let thousandths = percentile_of_node(&node).unwrap();
            assert_eq!(f64::from(thousandths) / 10.0, text.parse::<f64>().unwrap(), "{node}");
            assert_eq!(node_of_percentile(thousandths), node);
        }
        for node in ["p", "p0", "p100", "p05", "q9", "p9999", "p9x"] {
            assert_eq!(percentile_of_node(node), None, "{node}");
        }
    }

    #[test]
    fn every_series_that_is_sent_is_known_by_its_name_with_its_value() {
        let mut cell = Cell::default();
        (cell.requests, cell.slow, cell.bytes_sent) = (9, 2, 77);
        for status in [101, 200, 204, 301, 404, 499, 503] {
            cell.count_status(status);
        }
        for millis in [7, 12, 300, 2501] {
            cell.time_mut(Time::Request).record(millis);
            cell.time_mut(Time::UpstreamConnect).record(millis / 7);
        }
        for unit in [TimeUnit::Milliseconds, TimeUnit::Seconds] {
            let mut naming = Naming::new("nginx", "web1", false).unwrap();
            naming.choice.unit = unit;
            let mut points = Points::new();
            naming.append_cell("a", Timestamp::from_secs(60), &cell, &TIMES, &mut points);
            assert!(points.len() > 20);
            for point in points.iter() {
                let nodes: Vec<&str> = point.path.split('.').collect();
                let metric = CellMetric::parse(nodes[3], nodes[4]).unwrap();
                assert_eq!(metric.value(&cell, unit), Some(point.value), "{}", point.path);
                assert_eq!(metric.name(), format!("{}.{}", nodes[3], nodes[4]));
            }
        }
        let empty = CellMetric::parse("upstream_header_time", "p99").unwrap();
        assert_eq!(empty.value(&cell, TimeUnit::Milliseconds), None);
    }
}
