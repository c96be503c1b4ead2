//! Two sides compared, row by row: what `diff` gives.
//!
//! Every number of a row stands twice, `.._before` and `.._after`. As JSON the document is
//!
//! ```text
//! {"schema":1,"before":"..","after":"..","before_ms":..,"after_ms":..,"change_ms":{"volume":..,"mix":..,"slower":..,"total":..},
//!  "failed":[..],"complete":true,"missing":[..],"rows":[..]}
//! ```

use std::io::{self, Write};

use serde::Serialize;

use super::form::{OutputFormat, Style};
use super::json::{SCHEMA, write_json};
use super::latency::GroupValue;
use super::number;
use super::rows::{Heading, Report, ReportRow};
use crate::histogram::{Cell, Quantile, QuantileInterval, Time};
use crate::route::readable_name;

/// What a row was on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ComparedSide {
    /// Requests.
    pub count: u64,
    /// Those of them that have a time.
    pub timed: u64,
    /// Requests a second; nothing where the side has no length.
    pub per_second: Option<f64>,
    /// The sum of their times.
    pub sum_ms: Option<u64>,
    /// Quantiles; null without times.
    pub p50_ms: Option<u64>,
    /// 75 % took at most this long.
    pub p75_ms: Option<u64>,
    /// 90 % took at most this long.
    pub p90_ms: Option<u64>,
    /// 95 % took at most this long.
    pub p95_ms: Option<u64>,
    /// 99 % took at most this long.
    pub p99_ms: Option<u64>,
    /// 99.9 % took at most this long.
    pub p999_ms: Option<u64>,
    /// The slowest one.
    pub max_ms: Option<u64>,
    /// Where p50 lies with 95 %.
    pub p50_interval: Option<QuantileInterval>,
    /// Where p99 lies with 95 %.
    pub p99_interval: Option<QuantileInterval>,
    /// Requests answered with 400 to 499.
    pub status_4xx: u64,
    /// Requests answered with 500 to 599.
    pub status_5xx: u64,
}

impl ComparedSide {
    /// Of what was counted in so many milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people; counts are far below 2^53")]
    pub fn new(cell: &Cell, length_ms: Option<u64>) -> ComparedSide {
        let latency = cell.time(Time::Request);
        let [_, _, _, status_4xx, status_5xx] = cell.status;
        let per_mille = [500, 750, 900, 950, 990, 999].map(Quantile::per_mille);
        let [p50_ms, p75_ms, p90_ms, p95_ms, p99_ms, p999_ms] =
            latency.quantiles(per_mille).map_or([None; 6], |quantiles| quantiles.map(Some));
        let timed = !latency.is_empty();
        ComparedSide {
            count: cell.requests,
            timed: latency.count(),
            per_second: length_ms
                .filter(|&length| length > 0)
                .map(|length| cell.requests as f64 * 1000.0 / length as f64),
            sum_ms: timed.then_some(latency.sum_ms()),
            p50_ms,
            p75_ms,
            p90_ms,
            p95_ms,
            p99_ms,
            p999_ms,
            max_ms: timed.then_some(latency.max_ms()),
            p50_interval: timed.then(|| latency.interval(Quantile::per_mille(500))),
            p99_interval: timed.then(|| latency.interval(Quantile::per_mille(990))),
            status_4xx,
            status_5xx,
        }
    }
}

/// On which sides a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// On both.
    #[default]
    Both,
    /// After only.
    New,
    /// Before only.
    Gone,
    /// On none of them: all rows together where there is no row.
    Neither,
}

/// One row: a route, or the values of the fields of `--by`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiffRow {
    /// What it is about.
    pub group: GroupValue,
    /// On which sides it is.
    pub presence: Presence,
    /// What it was.
    pub before: ComparedSide,
    /// What it is.
    pub after: ComparedSide,
    /// What its requests took more than before, before scaled to the length of after.
    pub change_ms: i64,
    /// What of it is that they were slower.
    pub slower_ms: i64,
    /// The conditions of `--fail-if` that it broke.
    pub failed: Vec<String>,
}

/// The fields of a row as programs get them.
#[derive(Serialize)]
struct DiffFields<'r> {
    #[serde(flatten)]
    group: &'r GroupValue,
    presence: Presence,
    count_before: u64,
    count_after: u64,
    per_second_before: Option<f64>,
    per_second_after: Option<f64>,
    sum_ms_before: Option<u64>,
    sum_ms_after: Option<u64>,
    p50_ms_before: Option<u64>,
    p50_ms_after: Option<u64>,
    p50_low_ms_before: Option<u64>,
    p50_high_ms_before: Option<u64>,
    p50_low_ms_after: Option<u64>,
    p50_high_ms_after: Option<u64>,
    p95_ms_before: Option<u64>,
    p95_ms_after: Option<u64>,
    p99_ms_before: Option<u64>,
    p99_ms_after: Option<u64>,
    p99_low_ms_before: Option<u64>,
    p99_high_ms_before: Option<u64>,
    p99_low_ms_after: Option<u64>,
    p99_high_ms_after: Option<u64>,
    max_ms_before: Option<u64>,
    max_ms_after: Option<u64>,
    status_4xx_before: u64,
    status_4xx_after: u64,
    status_5xx_before: u64,
    status_5xx_after: u64,
    change_ms: i64,
    slower_ms: i64,
    failed: &'r [String],
}

impl Serialize for DiffRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DiffRow { group, presence, before, after, change_ms, slower_ms, failed } = self;
        let low = |interval: Option<QuantileInterval>| interval.and_then(|interval| interval.low_ms);
        let high = |interval: Option<QuantileInterval>| interval.and_then(|interval| interval.high_ms);
        let fields = DiffFields {
            group,
            presence: *presence,
            count_before: before.count,
            count_after: after.count,
            per_second_before: before.per_second,
            per_second_after: after.per_second,
            sum_ms_before: before.sum_ms,
            sum_ms_after: after.sum_ms,
            p50_ms_before: before.p50_ms,
            p50_ms_after: after.p50_ms,
            p50_low_ms_before: low(before.p50_interval),
            p50_high_ms_before: high(before.p50_interval),
            p50_low_ms_after: low(after.p50_interval),
            p50_high_ms_after: high(after.p50_interval),
            p95_ms_before: before.p95_ms,
            p95_ms_after: after.p95_ms,
            p99_ms_before: before.p99_ms,
            p99_ms_after: after.p99_ms,
            p99_low_ms_before: low(before.p99_interval),
            p99_high_ms_before: high(before.p99_interval),
            p99_low_ms_after: low(after.p99_interval),
            p99_high_ms_after: high(after.p99_interval),
            max_ms_before: before.max_ms,
            max_ms_after: after.max_ms,
            status_4xx_before: before.status_4xx,
            status_4xx_after: after.status_4xx,
            status_5xx_before: before.status_5xx,
            status_5xx_after: after.status_5xx,
            change_ms: *change_ms,
            slower_ms: *slower_ms,
            failed,
        };
        fields.serialize(serializer)
    }
}

impl ReportRow for DiffRow {
    fn headings(&self) -> Vec<Heading> {
        let mut headings: Vec<Heading> = self.group.by.iter().map(Heading::text).collect();
        headings.extend([
            Heading::number("before"),
            Heading::number("after"),
            Heading::number("p50").yielding(2),
            Heading::number("then").yielding(2),
            Heading::number("p99"),
            Heading::number("then"),
            Heading::number("known within").yielding(4),
            Heading::number("5xx").yielding(3),
            Heading::number("then").yielding(3),
            Heading::number("time"),
            Heading::number("slower").yielding(1),
        ]);
        headings
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = Vec::new();
        for (at, by) in self.group.by.iter().enumerate() {
            let value = self.group.values.get(at).map_or("", String::as_str);
            cells.push(if by == "route" { readable_name(value).into_owned() } else { value.to_owned() });
        }
        let DiffRow { before, after, .. } = self;
        cells.extend([
            if self.presence == Presence::New { "new".to_owned() } else { number::count(before.count) },
            if self.presence == Presence::Gone { "gone".to_owned() } else { number::count(after.count) },
            number::millis_or_dash(before.p50_ms),
            number::millis_or_dash(after.p50_ms),
            number::millis_or_dash(before.p99_ms),
            number::millis_or_dash(after.p99_ms),
            interval_words(after.p99_interval),
            number::count(before.status_5xx),
            number::count(after.status_5xx),
            signed_millis(self.change_ms),
            signed_millis(self.slower_ms),
        ]);
        cells
    }
}

/// `310 to 402 ms`; from a bound that is not known nothing is said.
fn interval_words(interval: Option<QuantileInterval>) -> String {
    match interval {
        None => "-".to_owned(),
        Some(QuantileInterval { low_ms, high_ms }) => match (low_ms, high_ms) {
            (None, None) => "?".to_owned(),
            (Some(low), None) => format!("{} or more", number::millis(low)),
            (None, Some(high)) => format!("{} or less", number::millis(high)),
            (Some(low), Some(high)) => format!("{} to {}", number::millis(low), number::millis(high)),
        },
    }
}

/// `+1.2 min`, `-310 ms`.
pub fn signed_millis(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "+" };
    format!("{sign}{}", number::millis(millis.unsigned_abs()))
}

/// The change of the total time, split; in milliseconds. The three sum to the total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChangeWords {
    /// More, or fewer, requests.
    pub volume: i64,
    /// Other rows than before.
    pub mix: i64,
    /// The same rows slower, or faster.
    pub slower: i64,
    /// All of it.
    pub total: i64,
}

/// The whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DiffDocument {
    /// The side before, as it was asked for.
    pub before: String,
    /// The side after.
    pub after: String,
    /// How long it is, in milliseconds; null where that is not known.
    pub before_ms: Option<u64>,
    /// The same of the side after.
    pub after_ms: Option<u64>,
    /// What changed.
    pub change: ChangeWords,
    /// The conditions that were broken, each with the row that broke it.
    pub failed: Vec<String>,
    /// What could not be read.
    pub missing: Vec<String>,
    /// The rows, in order.
    pub rows: Vec<DiffRow>,
    /// All rows together.
    pub all: DiffRow,
}

/// What programs get of it as one object.
#[derive(Serialize)]
struct DiffEnvelope<'d> {
    schema: u64,
    before: &'d str,
    after: &'d str,
    before_ms: Option<u64>,
    after_ms: Option<u64>,
    change_ms: ChangeWords,
    failed: &'d [String],
    complete: bool,
    missing: &'d [String],
    all: &'d DiffRow,
    rows: &'d [DiffRow],
}

impl DiffDocument {
    /// Write it in any form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, format: OutputFormat, style: Style, out: &mut dyn Write) -> io::Result<()> {
        if format == OutputFormat::Json {
            let envelope = DiffEnvelope {
                schema: SCHEMA,
                before: &self.before,
                after: &self.after,
                before_ms: self.before_ms,
                after_ms: self.after_ms,
                change_ms: self.change,
                failed: &self.failed,
                complete: self.missing.is_empty(),
                missing: &self.missing,
                all: &self.all,
                rows: &self.rows,
            };
            write_json(&envelope, style.terminal, &mut *out)?;
            return out.write_all(b"\n");
        }
        if format == OutputFormat::Table {
            let ChangeWords { volume, mix, slower, total } = self.change;
            writeln!(
                out,
                "{} of time: {} by the number of requests, {} by another mix, {} by the same being slower",
                signed_millis(total),
                signed_millis(volume),
                signed_millis(mix),
                signed_millis(slower)
            )?;
        }
        let report = Report {
            rows: self.rows.clone(),
            blank: DiffRow { group: GroupValue { values: Vec::new(), ..self.all.group.clone() }, ..DiffRow::default() },
            totals: Some(self.all.clone()),
            window: None,
            missing: self.missing.clone(),
        };
        super::write(&report, format, style, out)
    }
}
