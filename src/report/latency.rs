//! The latency report: one row a route (or value of any field), with counts, quantiles and statuses.
//!
//! Scripts rely on the columns' names and order: the field, then
//! `count,sum_ms,p50_ms,p75_ms,p90_ms,p95_ms,p99_ms,p999_ms,max_ms,slow,status_1xx..status_5xx,bytes`.

use std::cmp::Reverse;
use std::str::FromStr;

use super::table::{Column, Table, Unit, Value};
use crate::histogram::{Cell, Quantile, Time};
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
    /// The name of the first column: `route`, or the field of `--by`.
    pub by: String,
    /// The order of the rows.
    pub sort: Sort,
    /// So many rows at most.
    pub limit: Option<usize>,
    /// The window that the cells were counted over.
    pub window: Option<Window>,
}

impl Default for LatencyReport {
    fn default() -> LatencyReport {
        LatencyReport { by: "route".to_owned(), sort: Sort::Sum, limit: None, window: None }
    }
}

impl LatencyReport {
    /// The report over `cells`, each with its name. The totals are those of all rows, also of those beyond the limit.
    pub fn table(&self, cells: impl IntoIterator<Item = (String, Cell)>) -> Table {
        let mut total = Cell::default();
        let mut lines: Vec<Line> = Vec::new();
        for (name, cell) in cells {
            total.merge(&cell);
            lines.push(Line::new(name, &cell));
        }
        lines.sort_by(|a, b| Reverse(self.rank(a)).cmp(&Reverse(self.rank(b))).then_with(|| a.name.cmp(&b.name)));
        let shown = self.limit.unwrap_or(usize::MAX).min(lines.len());
        let name = if shown < lines.len() { format!("all {} ({shown} shown)", lines.len()) } else { "all".to_owned() };
        Table {
            columns: columns(&self.by),
            rows: lines.into_iter().take(shown).map(|line| line.values).collect(),
            totals: Some(Line::new(name, &total).values),
            window: self.window,
            missing: Vec::new(),
        }
    }

    fn rank(&self, line: &Line) -> u64 {
        match self.sort {
            Sort::Sum => line.sum,
            Sort::Count => line.count,
            Sort::P99 => line.p99,
            Sort::Max => line.max,
            Sort::Name => 0,
        }
    }
}

fn columns(by: &str) -> Vec<Column> {
    let count = |name| Column::number(name, Unit::Count);
    let millis = |name| Column::number(name, Unit::Millis);
    vec![
        Column::text(by),
        count("count"),
        millis("sum_ms"),
        millis("p50_ms").yielding(2),
        millis("p75_ms").hidden(),
        millis("p90_ms").hidden(),
        millis("p95_ms").yielding(6),
        millis("p99_ms"),
        millis("p999_ms").titled("p99.9").yielding(7),
        millis("max_ms").yielding(3),
        count("slow").yielding(5),
        count("status_1xx").hidden(),
        count("status_2xx").hidden(),
        count("status_3xx").hidden(),
        count("status_4xx").titled("4xx").yielding(8),
        count("status_5xx").titled("5xx").yielding(4),
        Column::number("bytes", Unit::Bytes).yielding(9),
    ]
}

/// One row, and what it is sorted by.
struct Line {
    name: String,
    sum: u64,
    count: u64,
    p99: u64,
    max: u64,
    values: Vec<Value>,
}

impl Line {
    fn new(name: String, cell: &Cell) -> Line {
        let latency = cell.time(Time::Request);
        // Without samples there is no time to report: null, never a silent 0.
        let some = |millis: u64| Value::millis((!latency.is_empty()).then_some(millis));
        let quantiles = latency.quantiles(QUANTILES);
        let [p50, p75, p90, p95, p99, p999] = quantiles.unwrap_or_default();
        let p999 = match quantiles {
            Some(_) if latency.count() < LEAST_FOR_P999 => Value::MillisHeldBack(p999),
            _ => some(p999),
        };
        let (sum, max) = (latency.sum_ms(), latency.max_ms());
        let mut values = vec![Value::Text(name.clone()), Value::Count(cell.requests), some(sum)];
        values.extend([
            some(p50),
            some(p75),
            some(p90),
            some(p95),
            some(p99),
            p999,
            some(max),
            Value::Count(cell.slow),
        ]);
        values.extend(cell.status.map(Value::Count));
        values.push(Value::Bytes(cell.bytes_sent));
        Line { name, sum, count: cell.requests, p99, max, values }
    }
}
