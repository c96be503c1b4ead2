//! The slow-request report: a profile of classes of requests, ranked by the time they cost, each with real lines of the log.
//!
//! A class is what its requests have in common: the fields of `--by`, by default the route and the status. All of a class's numbers
//! are of all its requests, slow or not; only `slow` and `slow_ms` are of the slow ones. What timed out with nobody waiting for it
//! ([`SlowClass::unwaited`]) is one class of its own, which has no share of the time and stands last.
//!
//! The table form is the profile and then a description of each class, after pt-query-digest; the other forms are one row a class.
//!
//! ```text
//! slow_class   what is known of a class
//! over_time    steps of time, as many as fit on a line
//! slow_row     a class as a row, for programs and for the table
//! slow_text    a class described, for people
//! ```

mod over_time;
mod slow_class;
mod slow_row;
mod slow_text;

pub use over_time::{MOST_STEPS, StepLength, TimeSteps};
pub use slow_class::{ClassPopulation, SampleLine, SlowClass, TopValue, TopValues, TypicalLine, TypicalNear};
pub(in crate::report) use slow_row::share_of;
pub use slow_row::{ProfileWhole, SlowRow};

use std::io::{self, Write};
use std::sync::Arc;

use super::form::{OutputFormat, Style};
use super::rows::Report;
use crate::time::Window;

/// The order of the classes, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowOrder {
    /// By the time of all their requests.
    #[default]
    Total,
    /// By the time of their slow requests.
    Slow,
    /// By how many requests they have.
    Count,
    /// By p99.
    P99,
    /// By the slowest request.
    Max,
    /// By how unevenly their requests take their time: variance to mean.
    Spread,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SlowReport {
    /// The names of the fields that make a class.
    pub by: Vec<String>,
    /// The classes, in any order.
    pub classes: Vec<SlowClass>,
    /// The time of all requests in milliseconds but those that nobody waited for, of which a class has its share; nothing where
    /// it is not known.
    pub all_ms: Option<u64>,
    /// Classes without a slow request, which are not listed: how many, and the time of their requests.
    pub quick: (u64, u64),
    /// The order of the classes.
    pub sort: SlowOrder,
    /// So many classes at most; the one that nobody waited for comes beside them.
    pub limit: Option<usize>,
    /// The window of time.
    pub window: Option<Window>,
    /// The steps of each class's course over time.
    pub steps: TimeSteps,
    /// What the report lacks, and why.
    pub missing: Vec<String>,
}

impl SlowReport {
    /// Write it in any form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, format: OutputFormat, style: Style, out: &mut dyn Write) -> io::Result<()> {
        super::write(&self.tabulate(), format, style, out)?;
        if format != OutputFormat::Table {
            return Ok(());
        }
        slow_text::write_quick(self.quick, self.all_ms, out)?;
        for (row, class) in self.described() {
            slow_text::write_class(&row, class, style, out)?;
        }
        Ok(())
    }

    /// One row a class, ranked.
    pub fn tabulate(&self) -> Report<SlowRow> {
        let by: Arc<[String]> = Arc::from(self.by.as_slice());
        let whole = ProfileWhole { all_ms: self.all_ms, steps: self.steps };
        let ranked = (1..).zip(self.ranked());
        let rows = ranked.map(|(rank, class)| SlowRow::new(rank, &by, class, whole)).collect();
        let blank = SlowRow::blank(&by);
        Report { rows, blank, totals: None, window: self.window, missing: self.missing.clone() }
    }

    /// Each row with its class, ranked.
    pub(super) fn described(&self) -> Vec<(SlowRow, &SlowClass)> {
        self.tabulate().rows.into_iter().zip(self.ranked()).collect()
    }

    /// The classes in their order; equal ones by their slow requests, then by name.
    fn ranked(&self) -> Vec<&SlowClass> {
        let (mut ranked, unwaited): (Vec<&SlowClass>, Vec<&SlowClass>) =
            self.classes.iter().partition(|class| !class.unwaited);
        ranked.sort_by(|one, other| {
            let key = |class: &SlowClass| (self.sort_value(class), class.slow_ms, class.slow);
            key(other).cmp(&key(one)).then_with(|| one.values.cmp(&other.values))
        });
        ranked.truncate(self.limit.unwrap_or(usize::MAX));
        ranked.extend(unwaited);
        ranked
    }

    /// What a class is sorted by. One of which only the slow requests are known took their time at least.
    fn sort_value(&self, class: &SlowClass) -> u64 {
        let Some(population) = &class.population else {
            let is_time = matches!(self.sort, SlowOrder::Total | SlowOrder::Slow);
            return if is_time { class.slow_ms } else { class.slow };
        };
        match self.sort {
            SlowOrder::Total => population.latency.sum_ms(),
            SlowOrder::Slow => class.slow_ms,
            SlowOrder::Count => population.count,
            SlowOrder::P99 => population.quantile(990).unwrap_or(0),
            SlowOrder::Max => population.latency.max_ms(),
            SlowOrder::Spread => population.variance_to_mean_ms().map_or(0, |ratio| (ratio * 1000.0) as u64),
        }
    }
}
