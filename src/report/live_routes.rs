//! Routes as they are now: what `top` shows on a terminal, and gives as rows where there is none.

use serde::Serialize;

use super::number;
use super::rows::{Heading, Report, ReportRow};
use crate::histogram::{Cell, Quantile};
use crate::report::picture::timed;
use crate::route::readable_name;
use crate::time::{Timestamp, Window};

/// The window of `top`, route by route.
#[derive(Debug, Clone, Default)]
pub struct LiveRoutes {
    /// The window; it ends where the logs were read to.
    pub window: Option<Window>,
    /// How far the logs were read.
    pub read_until: Option<Timestamp>,
    /// What is missing of the window.
    pub missing: Vec<String>,
    /// No lack, and yet worth knowing.
    pub notes: Vec<String>,
    /// There was no request for long: the window ends with the last one, here.
    pub quiet_since: Option<Timestamp>,
    /// The routes with requests in the window.
    pub rows: Vec<LiveRow>,
    /// All of them together.
    pub all: LiveRow,
}

/// A route. Times are null where no request had one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LiveRow {
    /// Its name, as in Graphite.
    pub route: String,
    /// Requests.
    pub count: u64,
    /// Requests a second.
    pub per_second: f64,
    /// What they took together.
    pub sum_ms: u64,
    /// Its part of the time of all, 0 to 1.
    pub share: f64,
    /// The median.
    pub p50_ms: Option<u64>,
    /// 90 % took at most this long.
    pub p90_ms: Option<u64>,
    /// 99 % took at most this long.
    pub p99_ms: Option<u64>,
    /// The slowest one.
    pub max_ms: Option<u64>,
    /// Requests slower than the route's threshold.
    pub slow: u64,
    /// Requests answered with 400 to 499.
    pub status_4xx: u64,
    /// Requests answered with 500 to 599.
    pub status_5xx: u64,
    /// p99 by steps of time; nothing where there was no request.
    pub course_p99_ms: Vec<Option<u64>>,
    /// Requests by the same steps.
    pub course_count: Vec<u64>,
}

impl LiveRow {
    /// Of what was counted in so many seconds.
    pub fn new(route: &str, cell: &Cell, seconds: f64) -> LiveRow {
        let latency = timed(cell);
        let [_, _, _, status_4xx, status_5xx] = cell.status;
        let per_mille = [500, 900, 990].map(Quantile::per_mille);
        let [p50_ms, p90_ms, p99_ms] = latency.quantiles(per_mille).map_or([None; 3], |found| found.map(Some));
        LiveRow {
            route: route.to_owned(),
            count: cell.requests,
            per_second: (cell.requests as f64 / seconds.max(0.001) * 1_000.0).round() / 1_000.0,
            sum_ms: latency.sum_ms(),
            p50_ms,
            p90_ms,
            p99_ms,
            max_ms: (!latency.is_empty()).then(|| latency.max_ms()),
            slow: cell.slow,
            status_4xx,
            status_5xx,
            ..LiveRow::default()
        }
    }

    /// As people read its name.
    pub fn name(&self) -> String {
        readable_name(&self.route).into_owned()
    }
}

impl LiveRoutes {
    /// As rows for a pipe.
    pub fn report(&self, limit: Option<usize>) -> Report<LiveRow> {
        let rows = self.rows.iter().take(limit.unwrap_or(usize::MAX)).cloned().collect();
        Report { missing: self.missing.clone(), totals: Some(self.all.clone()), ..Report::new(rows, self.window) }
    }
}

impl ReportRow for LiveRow {
    fn headings(&self) -> Vec<Heading> {
        let numbers = ["requests", "per s", "p50", "p90", "p99", "max", "time", "share", "slow", "4xx", "5xx"];
        std::iter::once(Heading::text("route")).chain(numbers.map(Heading::number)).collect()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name(),
            number::count(self.count),
            rate_words(self.per_second),
            number::millis_or_dash(self.p50_ms),
            number::millis_or_dash(self.p90_ms),
            number::millis_or_dash(self.p99_ms),
            number::millis_or_dash(self.max_ms),
            number::millis(self.sum_ms),
            number::percent(self.share),
            number::count(self.slow),
            number::count(self.status_4xx),
            number::count(self.status_5xx),
        ]
    }
}

/// `1,204`, `12.3`, `0.05`: what is small is not nothing.
pub fn rate_words(per_second: f64) -> String {
    match per_second {
        rate if rate >= 100.0 => number::count(rate.round() as u64),
        rate if rate >= 1.0 => format!("{rate:.1}"),
        rate if rate >= 0.0005 => format!("{rate:.3}"),
        _ => "0".to_owned(),
    }
}
