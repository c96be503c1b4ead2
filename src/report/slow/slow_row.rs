//! A class as a row: for programs its fields, for people some of them in the profile.

use std::sync::Arc;

use serde::Serialize;

use super::over_time::TimeSteps;
use super::slow_class::{SlowClass, TopValues};
use crate::report::latency::GroupValue;
use crate::report::number::{self, EpochSeconds};
use crate::report::rows::{Heading, ReportRow};
use crate::route::readable_name;

/// What stands in the fields of the class that nobody waited for.
const UNWAITED: &str = "unwaited";

/// What all rows of a profile are parts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProfileWhole {
    /// The time of all requests in milliseconds but those that nobody waited for; nothing where it is not known.
    pub all_ms: Option<u64>,
    /// The steps of their course over time.
    pub steps: TimeSteps,
}

/// One row: a class with its rank. All of its times are of all its requests, but for `slow_ms`. Lists of one thing stand beside each
/// other: the second of `top_clients` has the second of `top_clients_ms`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SlowRow {
    /// Its place, from 1.
    pub rank: u64,
    /// Under the names of the fields that make a class (`route`, `status`), their values.
    #[serde(flatten)]
    pub group: GroupValue,
    /// Requests of the class, slow or not; null where only the slow ones are known.
    pub count: Option<u64>,
    /// The sum of their times; null if none had a time.
    pub total_ms: Option<u64>,
    /// Its share of the time of all requests, 0 to 1 to four decimals; null if they took none, and of what nobody waited for.
    pub share: Option<f64>,
    /// The median.
    pub p50_ms: Option<u64>,
    /// 95 % took at most this long.
    pub p95_ms: Option<u64>,
    /// 99 % took at most this long.
    pub p99_ms: Option<u64>,
    /// The slowest one's time.
    pub max_ms: Option<u64>,
    /// Variance of their times over the mean.
    pub variance_to_mean_ms: Option<f64>,
    /// How many were slow.
    pub slow: u64,
    /// The sum of the times of those.
    pub slow_ms: u64,
    /// Whether it is the class of those that timed out with nobody waiting: 408, and 499 without an upstream.
    pub unwaited: bool,
    /// When the first step of `over_time_ms` begins.
    pub over_time_from: Option<EpochSeconds>,
    /// How long each is.
    pub over_time_step_ms: Option<i64>,
    /// The time of the requests that ended in each step. Empty where that is not known.
    pub over_time_ms: Vec<u64>,
    /// The clients that cost most.
    pub top_clients: Vec<String>,
    /// How many requests each sent.
    pub top_clients_count: Vec<u64>,
    /// How long these took.
    pub top_clients_ms: Vec<u64>,
    /// The targets that cost most.
    pub top_targets: Vec<String>,
    /// How many requests were for each.
    pub top_targets_count: Vec<u64>,
    /// How long these took.
    pub top_targets_ms: Vec<u64>,
    /// Whether there were too many different clients or targets to count all of them.
    pub top_partial: bool,
    /// How long the slowest took, the slowest first.
    pub sample_ms: Vec<u64>,
    /// Where their lines stand.
    pub sample_locators: Vec<String>,
    /// The lines.
    pub sample_lines: Vec<String>,
    /// What the typical line is near to: `p95`.
    pub typical_near: Option<&'static str>,
    /// How long its request took.
    pub typical_ms: Option<u64>,
    /// Where it stands.
    pub typical_locator: Option<String>,
    /// The line.
    pub typical_line: Option<String>,
}

impl SlowRow {
    /// A row without values, which has the names of the fields.
    pub(super) fn blank(by: &Arc<[String]>) -> SlowRow {
        SlowRow { group: GroupValue { by: Arc::clone(by), values: Vec::new() }, ..SlowRow::default() }
    }

    pub(super) fn new(rank: u64, by: &Arc<[String]>, class: &SlowClass, whole: ProfileWhole) -> SlowRow {
        let values = if class.unwaited { vec![UNWAITED.to_owned(); by.len()] } else { class.values.clone() };
        let steps = (!class.over_time_ms.is_empty()).then_some(whole.steps);
        let row = SlowRow {
            rank,
            group: GroupValue { by: Arc::clone(by), values },
            slow: class.slow,
            slow_ms: class.slow_ms,
            unwaited: class.unwaited,
            over_time_from: steps.map(|steps| EpochSeconds(steps.from())),
            over_time_step_ms: steps.map(|steps| steps.length.millis()),
            over_time_ms: class.over_time_ms.clone(),
            top_partial: class.clients.partial || class.targets.partial,
            ..SlowRow::default()
        };
        row.with_population(class, whole.all_ms).with_tops(class).with_lines(class)
    }

    fn with_population(self, class: &SlowClass, all_ms: Option<u64>) -> SlowRow {
        let Some(population) = &class.population else { return self };
        let latency = &population.latency;
        let timed = !latency.is_empty();
        let total_ms = timed.then_some(latency.sum_ms());
        let all_ms = all_ms.filter(|_| !class.unwaited);
        SlowRow {
            count: Some(population.count),
            total_ms,
            share: all_ms.and_then(|all_ms| share_of(total_ms?, all_ms)),
            p50_ms: population.quantile(500),
            p95_ms: population.quantile(950),
            p99_ms: population.quantile(990),
            max_ms: timed.then_some(latency.max_ms()),
            variance_to_mean_ms: population.variance_to_mean_ms(),
            ..self
        }
    }

    fn with_tops(mut self, class: &SlowClass) -> SlowRow {
        let lists = |top: &TopValues| {
            let (mut values, mut counts, mut times) = (Vec::new(), Vec::new(), Vec::new());
            for value in &top.values {
                values.push(String::from_utf8_lossy(&value.value).into_owned());
                counts.push(value.count);
                times.push(value.total_ms);
            }
            (values, counts, times)
        };
        (self.top_clients, self.top_clients_count, self.top_clients_ms) = lists(&class.clients);
        (self.top_targets, self.top_targets_count, self.top_targets_ms) = lists(&class.targets);
        self
    }

    fn with_lines(mut self, class: &SlowClass) -> SlowRow {
        for sample in &class.samples {
            self.sample_ms.push(sample.took_ms);
            self.sample_locators.push(sample.locator.clone());
            self.sample_lines.push(String::from_utf8_lossy(&sample.line).into_owned());
        }
        if let Some(typical) = &class.typical {
            self.typical_near = Some(typical.near.name());
            self.typical_ms = Some(typical.sample.took_ms);
            self.typical_locator = Some(typical.sample.locator.clone());
            self.typical_line = Some(String::from_utf8_lossy(&typical.sample.line).into_owned());
        }
        self
    }

    /// The class as people call it, a text for each of its fields.
    pub(in crate::report) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (at, by) in self.group.by.iter().enumerate() {
            let value = self.group.values.get(at).map_or("", String::as_str);
            names.push(match (self.unwaited, by.as_str()) {
                (true, _) if at == 0 => "(nobody waited)".to_owned(),
                (true, _) => "408 499".to_owned(),
                (false, "route") => readable_name(value).into_owned(),
                (false, _) => value.to_owned(),
            });
        }
        names
    }
}

impl ReportRow for SlowRow {
    fn headings(&self) -> Vec<Heading> {
        let mut headings = vec![Heading::number("#")];
        headings.extend(self.group.by.iter().map(Heading::text));
        headings.extend([
            Heading::number("count"),
            Heading::number("total"),
            Heading::number("share"),
            Heading::number("p50").yielding(3),
            Heading::number("p95").yielding(2),
            Heading::number("p99").yielding(5),
            Heading::number("max"),
            Heading::number("V/M").yielding(4),
            Heading::number("slow").yielding(1),
        ]);
        headings
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![number::count(self.rank)];
        cells.extend(self.names());
        cells.extend([
            self.count.map_or_else(|| "-".to_owned(), number::count),
            number::millis_or_dash(self.total_ms),
            self.share.map_or_else(|| "-".to_owned(), number::percent),
            number::millis_or_dash(self.p50_ms),
            number::millis_or_dash(self.p95_ms),
            number::millis_or_dash(self.p99_ms),
            number::millis_or_dash(self.max_ms),
            number::millis_or_dash(self.variance_to_mean_ms.map(|ratio| ratio.round() as u64)),
            number::count(self.slow),
        ]);
        cells
    }
}

/// A share of the whole, to four decimals, so that the same data always gives the same text.
pub(in crate::report) fn share_of(part: u64, whole: u64) -> Option<f64> {
    let ten_thousandths = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(u128::from(whole));
    let share = u32::try_from(ten_thousandths?).ok()?;
    Some(f64::from(share) / 10_000.0)
}
