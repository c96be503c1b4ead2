//! The latency report: one row a route (or value of any field), with counts, quantiles and statuses.
//!
//! Scripts rely on the names and the order of the fields of [`LatencyRow`].

use std::str::FromStr;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::number;
use super::rows::{Heading, Report, ReportRow};
use crate::histogram::{Cell, Quantile, Time};
use crate::route::readable_name;
use crate::time::Window;

/// Below so many samples p99.9 rests on the largest one alone, so people do not get it.
const LEAST_FOR_P999: u64 = 1000;

const QUANTILES: [Quantile; 6] = [
    Quantile::per_mille(500),
    Quantile::per_mille(750),
    Quantile::per_mille(900),
    Quantile::per_mille(950),
    Quantile::per_mille(990),
    Quantile::per_mille(999),
];

/// The order of the rows: the greatest first, but names in their own order. Equal rows stand by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By the sum of all times: where the time goes.
    #[default]
    Sum,
    /// By the number of requests.
    Count,
    /// By p99.
    P99,
    /// By the slowest request.
    Max,
    /// By name.
    Name,
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Sort, String> {
        match text {
            "sum" | "sum_ms" => Ok(Sort::Sum),
            "count" => Ok(Sort::Count),
            "p99" | "p99_ms" => Ok(Sort::P99),
            "max" | "max_ms" => Ok(Sort::Max),
            "name" => Ok(Sort::Name),
            other => Err(format!("`{other}` is none of sum, count, p99, max, name")),
        }
    }
}

/// What to report, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyReport {
    /// The names of the first columns: `route`, or the fields of `--by`.
    pub by: Vec<String>,
    /// The order of the rows.
    pub sort: Sort,
    /// So many rows at most.
    pub limit: Option<usize>,
    /// The window that the cells were counted over.
    pub window: Option<Window>,
}

impl Default for LatencyReport {
    fn default() -> LatencyReport {
        LatencyReport { by: vec!["route".to_owned()], sort: Sort::Sum, limit: None, window: None }
    }
}

impl LatencyReport {
    /// The report over `cells`, each with its values of the fields. The totals are those of all rows, also of those beyond the limit.
    pub fn tabulate(&self, cells: impl IntoIterator<Item = (Vec<String>, Cell)>) -> Report<LatencyRow> {
        let by: Arc<[String]> = Arc::from(self.by.as_slice());
        let mut total = Cell::default();
        let mut rows: Vec<LatencyRow> = Vec::new();
        for (values, cell) in cells {
            total.merge(&cell);
            rows.push(LatencyRow::new(&by, values, &cell));
        }
        let mut whole = LatencyRow::new(&by, Vec::new(), &total);
        for row in rows.iter_mut().chain([&mut whole]) {
            row.shares = self.shares(row, &total);
        }
        rows.sort_by(|one, other| {
            (self.rank(other)).cmp(&self.rank(one)).then_with(|| one.group.values.cmp(&other.group.values))
        });
        let all = rows.len();
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        let name = if rows.len() < all { format!("all {all} ({} shown)", rows.len()) } else { "all".to_owned() };
        Report {
            blank: LatencyRow { shares: whole.shares, ..LatencyRow::new(&by, Vec::new(), &Cell::default()) },
            totals: Some(LatencyRow { group: GroupValue { by, values: vec![name] }, ..whole }),
            rows,
            window: self.window,
            missing: Vec::new(),
        }
    }

    /// The part that a row has of all: of clients by what they are that is what is asked.
    fn shares(&self, row: &LatencyRow, all: &Cell) -> Option<RowShares> {
        let all_ms = all.time(Time::Request).sum_ms();
        self.by.iter().any(|by| by == "agent_family").then(|| RowShares {
            count_share: TenThousandths::of(row.count, all.requests),
            time_share: TenThousandths::of(row.sum_ms.unwrap_or(0), all_ms),
        })
    }

    /// What a row is sorted by; nothing without samples, and for the order of names.
    fn rank(&self, row: &LatencyRow) -> u64 {
        match self.sort {
            Sort::Sum => row.sum_ms.unwrap_or(0),
            Sort::Count => row.count,
            Sort::P99 => row.p99_ms.unwrap_or(0),
            Sort::Max => row.max_ms.unwrap_or(0),
            Sort::Name => 0,
        }
    }
}

/// One row. Times are null where no request had one, never a silent 0. All are of `$request_time`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LatencyRow {
    /// Under the name of the field that is grouped by (`route`), its value.
    #[serde(flatten)]
    pub group: GroupValue,
    /// Requests, with or without a time.
    pub count: u64,
    /// The sum of their times.
    pub sum_ms: Option<u64>,
    /// The median.
    pub p50_ms: Option<u64>,
    /// 75 % took at most this long.
    pub p75_ms: Option<u64>,
    /// 90 % took at most this long.
    pub p90_ms: Option<u64>,
    /// 95 % took at most this long.
    pub p95_ms: Option<u64>,
    /// 99 % took at most this long.
    pub p99_ms: Option<u64>,
    /// 99.9 % took at most this long. People get it only of 1,000 requests or more with a time.
    pub p999_ms: Option<u64>,
    /// The slowest one's time.
    pub max_ms: Option<u64>,
    /// Requests slower than their route's threshold.
    pub slow: u64,
    /// Requests answered with 100 to 199.
    pub status_1xx: u64,
    /// Requests answered with 200 to 299.
    pub status_2xx: u64,
    /// Requests answered with 300 to 399.
    pub status_3xx: u64,
    /// Requests answered with 400 to 499.
    pub status_4xx: u64,
    /// Requests answered with 500 to 599.
    pub status_5xx: u64,
    /// Bytes sent to the clients.
    pub bytes: u64,
    /// The part of all that it is, where rows are of families of clients.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub shares: Option<RowShares>,
    /// Whether so few requests had a time that p99.9 rests on the largest one alone.
    #[serde(skip)]
    pub few_samples: bool,
}

/// Which part of all a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowShares {
    /// Of the requests.
    pub count_share: TenThousandths,
    /// Of the time that they took.
    pub time_share: TenThousandths,
}

/// A part of one, serialised as a number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenThousandths(pub u32);

impl TenThousandths {
    /// Rounded; of nothing nothing.
    fn of(part: u64, all: u64) -> TenThousandths {
        let rounded = (u128::from(part) * 10_000 + u128::from(all) / 2) / u128::from(all.max(1));
        TenThousandths(u32::try_from(rounded).unwrap_or(u32::MAX))
    }

    fn words(self) -> String {
        format!("{}.{} %", self.0 / 100, self.0 % 100 / 10)
    }
}

impl Serialize for TenThousandths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 10_000.0)
    }
}

/// What a row is about: serialised as one field for each that is grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupValue {
    /// The names of the fields: `route`.
    pub by: Arc<[String]>,
    /// Their values: the route's name.
    pub values: Vec<String>,
}

impl Serialize for GroupValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.by.len()))?;
        for (at, name) in self.by.iter().enumerate() {
            fields.serialize_entry(name, self.values.get(at).map_or("", String::as_str))?;
        }
        fields.end()
    }
}

impl LatencyRow {
    fn new(by: &Arc<[String]>, values: Vec<String>, cell: &Cell) -> LatencyRow {
        let latency = cell.time(Time::Request);
        let timed = !latency.is_empty();
        let [p50_ms, p75_ms, p90_ms, p95_ms, p99_ms, p999_ms] =
            latency.quantiles(QUANTILES).map_or([None; 6], |quantiles| quantiles.map(Some));
        let [status_1xx, status_2xx, status_3xx, status_4xx, status_5xx] = cell.status;
        LatencyRow {
            group: GroupValue { by: Arc::clone(by), values },
            count: cell.requests,
            sum_ms: timed.then_some(latency.sum_ms()),
            p50_ms,
            p75_ms,
            p90_ms,
            p95_ms,
            p99_ms,
            p999_ms,
            max_ms: timed.then_some(latency.max_ms()),
            slow: cell.slow,
            status_1xx,
            status_2xx,
            status_3xx,
            status_4xx,
            status_5xx,
            bytes: cell.bytes_sent,
            shares: None,
            few_samples: latency.count() < LEAST_FOR_P999,
        }
    }
}

impl ReportRow for LatencyRow {
    fn headings(&self) -> Vec<Heading> {
        let mut headings: Vec<Heading> = self.group.by.iter().map(Heading::text).collect();
        headings.extend([
            Heading::number("count"),
            Heading::number("sum"),
            Heading::number("p50").yielding(2),
            Heading::number("p95").yielding(6),
            Heading::number("p99"),
            Heading::number("p99.9").yielding(7),
            Heading::number("max").yielding(3),
            Heading::number("slow").yielding(5),
            Heading::number("4xx").yielding(8),
            Heading::number("5xx").yielding(4),
            Heading::number("bytes").yielding(9),
        ]);
        if self.shares.is_some() {
            headings.extend([Heading::number("requests"), Heading::number("time")]);
        }
        headings
    }

    fn cells(&self) -> Vec<String> {
        let p999_ms = self.p999_ms.filter(|_| !self.few_samples);
        let mut cells = Vec::new();
        for (at, by) in self.group.by.iter().enumerate() {
            let value = self.group.values.get(at).map_or("", String::as_str);
            cells.push(if by == "route" { readable_name(value).into_owned() } else { value.to_owned() });
        }
        cells.extend([
            number::count(self.count),
            number::millis_or_dash(self.sum_ms),
            number::millis_or_dash(self.p50_ms),
            number::millis_or_dash(self.p95_ms),
            number::millis_or_dash(self.p99_ms),
            number::millis_or_dash(p999_ms),
            number::millis_or_dash(self.max_ms),
            number::count(self.slow),
            number::count(self.status_4xx),
            number::count(self.status_5xx),
            number::bytes(self.bytes),
        ]);
        if let Some(RowShares { count_share, time_share }) = self.shares {
            cells.extend([count_share.words(), time_share.words()]);
        }
        cells
    }
}
