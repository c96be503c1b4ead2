//! The slow-request report: classes of requests ranked by the time they cost, each with real lines of the log.
//!
//! A class is a route and a class of status. The table form is a ranked profile and then a sample of each class, after
//! pt-query-digest; the other forms are one row a class.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::number;
use super::safe::terminal_safe;
use super::table::{Column, OutputFormat, Style, Table, Unit, Value};
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
    pub samples: Vec<Sample>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
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
}

impl SlowReport {
    /// Write it in any form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, format: OutputFormat, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let table = self.table();
        super::write(&table, format, style, out)?;
        if format == OutputFormat::Table { self.write_samples(style, out) } else { Ok(()) }
    }

    /// One row a class, ranked.
    pub fn table(&self) -> Table {
        let all_ms = match self.all_ms {
            0 => self.classes.iter().fold(0, |sum: u64, class| sum.saturating_add(class.total_ms)),
            given => given,
        };
        let row = |(rank, class): (u64, &SlowClass)| {
            let text = |make: &dyn Fn(&Sample) -> String| {
                Value::List(class.samples.iter().map(|sample| Value::Text(make(sample))).collect())
            };
            vec![
                Value::Count(rank),
                Value::Text(class.route.clone()),
                if class.status_class == 0 { Value::Null } else { Value::Text(status_class(class.status_class)) },
                Value::Count(class.count),
                Value::Millis(class.total_ms),
                share(class.total_ms, all_ms),
                Value::Count(class.slow),
                Value::millis(class.p95_ms),
                Value::millis(class.max_ms),
                text(&|sample| sample.locator.clone()),
                text(&|sample| String::from_utf8_lossy(&sample.line).into_owned()),
            ]
        };
        Table {
            columns: columns(),
            rows: (1..).zip(self.ranked()).map(row).collect(),
            totals: None,
            window: self.window,
            missing: Vec::new(),
        }
    }

    /// The classes by the time they cost; equal ones by slow requests, then by name.
    fn ranked(&self) -> Vec<&SlowClass> {
        let mut ranked: Vec<&SlowClass> = self.classes.iter().collect();
        ranked.sort_by_key(|class| (Reverse(class.total_ms), Reverse(class.slow), &class.route, class.status_class));
        ranked.truncate(self.limit.unwrap_or(usize::MAX));
        ranked
    }

    /// After the profile: for every class its samples, each line on one line of its own.
    fn write_samples(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let bold = if style.colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        for (rank, class) in (1u64..).zip(self.ranked()).filter(|(_, class)| !class.samples.is_empty()) {
            let name = terminal_safe(class.route.as_bytes());
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

fn columns() -> Vec<Column> {
    vec![
        Column::number("rank", Unit::Count).titled("#"),
        Column::text("route"),
        Column::text("status_class").titled("status"),
        Column::number("count", Unit::Count),
        Column::number("total_ms", Unit::Millis),
        Column::number("share", Unit::None),
        Column::number("slow", Unit::Count).yielding(1),
        Column::number("p95_ms", Unit::Millis).yielding(2),
        Column::number("max_ms", Unit::Millis),
        Column::text("sample_locators").hidden(),
        Column::text("sample_lines").hidden(),
    ]
}

/// `5xx`; `-` without a status.
fn status_class(class: u8) -> String {
    if class == 0 { "-".to_owned() } else { format!("{class}xx") }
}

/// A share of the whole, to four decimals, so that the same data always gives the same text.
fn share(part: u64, whole: u64) -> Value {
    let ten_thousandths = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(u128::from(whole));
    match ten_thousandths.and_then(|n| u32::try_from(n).ok()) {
        Some(n) => Value::Share(f64::from(n) / 10_000.0),
        None => Value::Null,
    }
}
