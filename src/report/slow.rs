//! The slow-request report: classes of requests ranked by the time they cost, each with real lines of the log.
//!
//! A class is a route and a class of status. The table form is a ranked profile and then a sample of each class, after
//! pt-query-digest; the other forms are one row a class.

use std::cmp::Reverse;
use std::io::{self, Write};

use serde::Serialize;

use super::form::{OutputFormat, Style};
use super::number;
use super::rows::{Heading, Report, ReportRow};
use super::terminal_safe::terminal_safe;
use crate::route::readable_name;
use crate::time::Window;

/// One class of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowClass {
    /// The route's name.
    pub route: String,
    /// The first digit of the status: 5 is 5xx; 0 if there was none.
    pub status_class: u8,
    /// Requests of the class, slow or not.
    pub count: u64,
    /// The sum of their times in milliseconds.
    pub total_ms: u64,
    /// How many were slow.
    pub slow: u64,
    /// Their p95 in milliseconds, if any had a time.
    pub p95_ms: Option<u64>,
    /// The slowest one's time in milliseconds, if any had a time.
    pub max_ms: Option<u64>,
    /// Real lines, the slowest first.
    pub samples: Vec<SampleLine>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleLine {
    /// Where it stands, as a person finds it again: `access.log:1234` or `access.log@56789`.
    pub locator: String,
    /// Its bytes, without the newline.
    pub line: Vec<u8>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlowReport {
    /// The classes, in any order.
    pub classes: Vec<SlowClass>,
    /// The time of all requests in milliseconds, of which a class has its share; 0 means that of the classes together.
    pub all_ms: u64,
    /// So many classes at most.
    pub limit: Option<usize>,
    /// The window of time.
    pub window: Option<Window>,
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
        if format == OutputFormat::Table { self.write_samples(style, out) } else { Ok(()) }
    }

    /// One row a class, ranked.
    pub fn tabulate(&self) -> Report<SlowRow> {
        let all_ms = match self.all_ms {
            0 => self.classes.iter().fold(0, |sum: u64, class| sum.saturating_add(class.total_ms)),
            given => given,
        };
        let ranked = (1..).zip(self.ranked());
        let rows = ranked.map(|(rank, class)| SlowRow::new(rank, class, all_ms)).collect();
        Report { missing: self.missing.clone(), ..Report::new(rows, self.window) }
    }

    /// The classes by the time they cost; equal ones by slow requests, then by name.
    pub(super) fn ranked(&self) -> Vec<&SlowClass> {
        let mut ranked: Vec<&SlowClass> = self.classes.iter().collect();
        ranked.sort_by_key(|class| (Reverse(class.total_ms), Reverse(class.slow), &class.route, class.status_class));
        ranked.truncate(self.limit.unwrap_or(usize::MAX));
        ranked
    }

    /// After the profile: for every class its samples, each line on one line of its own.
    fn write_samples(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let bold = if style.colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        for (rank, class) in (1u64..).zip(self.ranked()).filter(|(_, class)| !class.samples.is_empty()) {
            let name = readable_name(&class.route);
            let name = terminal_safe(name.as_bytes());
            let (slow, count) = (number::count(class.slow), number::count(class.count));
            writeln!(out)?;
            writeln!(out, "{bold}#{rank} {name} {}{bold:#}: {slow} slow of {count}", status_class(class.status_class))?;
            for sample in &class.samples {
                let locator = terminal_safe(sample.locator.as_bytes());
                writeln!(out, "  {locator}")?;
                // A record of a container's log may be of several lines.
                for line in sample.line.split(|&byte| byte == b'\n') {
                    writeln!(out, "    {}", terminal_safe(line))?;
                }
            }
        }
        Ok(())
    }
}

/// One row: a class with its rank.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SlowRow {
    /// Its place, from 1.
    pub rank: u64,
    /// The route's name.
    pub route: String,
    /// `5xx`; null without a status.
    pub status_class: Option<String>,
    /// Requests of the class, slow or not.
    pub count: u64,
    /// The sum of their times.
    pub total_ms: u64,
    /// Its share of the time of all requests, 0 to 1 to four decimals; null if they took none.
    pub share: Option<f64>,
    /// How many were slow.
    pub slow: u64,
    /// Their p95; null if none had a time.
    pub p95_ms: Option<u64>,
    /// The slowest one's time; null if none had a time.
    pub max_ms: Option<u64>,
    /// Where the samples stand, the slowest first; in CSV one a line.
    pub sample_locators: Vec<String>,
    /// Their lines, in the same order.
    pub sample_lines: Vec<String>,
}

impl SlowRow {
    fn new(rank: u64, class: &SlowClass, all_ms: u64) -> SlowRow {
        let (mut sample_locators, mut sample_lines) = (Vec::new(), Vec::new());
        for sample in &class.samples {
            sample_locators.push(sample.locator.clone());
            sample_lines.push(String::from_utf8_lossy(&sample.line).into_owned());
        }
        SlowRow {
            rank,
            route: class.route.clone(),
            status_class: (class.status_class != 0).then(|| status_class(class.status_class)),
            count: class.count,
            total_ms: class.total_ms,
            share: share(class.total_ms, all_ms),
            slow: class.slow,
            p95_ms: class.p95_ms,
            max_ms: class.max_ms,
            sample_locators,
            sample_lines,
        }
    }
}

impl ReportRow for SlowRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::number("#"),
            Heading::text("route"),
            Heading::text("status"),
            Heading::number("count"),
            Heading::number("total"),
            Heading::number("share"),
            Heading::number("slow").yielding(1),
            Heading::number("p95").yielding(2),
            Heading::number("max"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            number::count(self.rank),
            readable_name(&self.route).into_owned(),
            self.status_class.clone().unwrap_or_else(|| "-".to_owned()),
            number::count(self.count),
            number::millis(self.total_ms),
            self.share.map_or_else(|| "-".to_owned(), number::percent),
            number::count(self.slow),
            number::millis_or_dash(self.p95_ms),
            number::millis_or_dash(self.max_ms),
        ]
    }
}

/// `5xx`; `-` without a status.
pub(super) fn status_class(class: u8) -> String {
    if class == 0 { "-".to_owned() } else { format!("{class}xx") }
}

/// A share of the whole, to four decimals, so that the same data always gives the same text.
fn share(part: u64, whole: u64) -> Option<f64> {
    let ten_thousandths = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(u128::from(whole));
    let share = u32::try_from(ten_thousandths?).ok()?;
    Some(f64::from(share) / 10_000.0)
}
