//! A class described for people, below the profile: its course over time, its clients and targets, real lines.

use std::io::{self, Write};

use super::slow_class::{SampleLine, SlowClass};
use super::slow_row::{SlowRow, share_of};
use crate::report::form::Style;
use crate::report::number;
use crate::report::terminal_safe::terminal_safe;

/// Of a target that is longer people get the beginning.
const LONGEST_VALUE: usize = 120;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is not listed, since nothing in it was slow.
pub(super) fn write_quick(quick: (u64, u64), all_ms: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    let (classes, total_ms) = quick;
    if classes == 0 {
        return Ok(());
    }
    let name = if classes == 1 { "class" } else { "classes" };
    let of_all = all_ms.and_then(|all_ms| share_of(total_ms, all_ms)).map(number::percent);
    let of_all = of_all.map_or_else(String::new, |of_all| format!(", {of_all} of all time"));
    writeln!(out, "{} more {name} without a slow request: {}{of_all}", number::count(classes), number::millis(total_ms))
}

/// A class, after an empty line.
pub(super) fn write_class(row: &SlowRow, class: &SlowClass, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let bold = if style.colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
    let name = row.names().join(" ");
    let name = terminal_safe(name.as_bytes());
    let (slow, slow_ms) = (number::count(row.slow), number::millis(row.slow_ms));
    let of_count = row.count.map_or_else(String::new, |count| format!(" of {}", number::count(count)));
    writeln!(out)?;
    writeln!(out, "{bold}#{} {name}{bold:#}: {slow} slow{of_count}, which took {slow_ms}", row.rank)?;
    if row.unwaited {
        writeln!(out, "  timed out with nobody waiting (408, or 499 before an upstream was asked): in no share")?;
    }
    write_course(row, out)?;
    let total_ms = row.total_ms.unwrap_or(0);
    write_tops("clients", total_ms, [&row.top_clients_count, &row.top_clients_ms], &row.top_clients, out)?;
    write_tops("targets", total_ms, [&row.top_targets_count, &row.top_targets_ms], &row.top_targets, out)?;
    if row.top_partial {
        writeln!(out, "           there are too many to count them all: these are the least counts")?;
    }
    let mut word = "worst";
    for sample in &class.samples {
        write_line(word, sample, out)?;
        word = "";
    }
    if let Some(typical) = &class.typical
        && !class.samples.contains(&typical.sample)
    {
        write_line(&format!("near {}", typical.near.name()), &typical.sample, out)?;
    }
    Ok(())
}

/// Its time, a column a step.
fn write_course(row: &SlowRow, out: &mut dyn Write) -> io::Result<()> {
    let (Some(from), Some(step_ms)) = (row.over_time_from, row.over_time_step_ms) else { return Ok(()) };
    let most = row.over_time_ms.iter().max().copied().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    let step = number::millis(u64::try_from(step_ms).unwrap_or(0));
    let columns: String = row.over_time_ms.iter().map(|&time_ms| bar(time_ms, most)).collect();
    writeln!(out, "  time     {columns}")?;
    writeln!(out, "           from {}, {step} a column, {} at most", from.0, number::millis(most))
}

/// As high as its part of the highest; a dot for nothing.
fn bar(value: u64, most: u64) -> char {
    let eighths = (u128::from(value) * BARS.len() as u128).div_ceil(u128::from(most.max(1)));
    match usize::try_from(eighths).unwrap_or(BARS.len()).checked_sub(1) {
        None => '·',
        Some(at) => BARS.get(at).copied().unwrap_or('█'),
    }
}

/// The values that cost most: each with its share of the class's time.
fn write_tops(
    title: &str,
    total_ms: u64,
    [counts, times]: [&Vec<u64>; 2],
    values: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut title = title;
    for ((value, count), time) in values.iter().zip(counts).zip(times) {
        let of_class = share_of(*time, total_ms).map_or_else(|| "-".to_owned(), number::percent);
        let shown: String = value.chars().take(LONGEST_VALUE).collect();
        let more = if shown.len() < value.len() { ".." } else { "" };
        let shown = terminal_safe(shown.as_bytes());
        writeln!(out, "  {title:<8} {of_class:>8} {:>8}  {shown}{more}", number::count(*count))?;
        title = "";
    }
    Ok(())
}

/// A raw line.
fn write_line(word: &str, sample: &SampleLine, out: &mut dyn Write) -> io::Result<()> {
    let locator = terminal_safe(sample.locator.as_bytes());
    writeln!(out, "  {word:<8} {}  {locator}", number::millis(sample.took_ms))?;
    // A record of a container's log may be of several lines.
    for part in sample.line.split(|&byte| byte == b'\n') {
        writeln!(out, "    {}", terminal_safe(part))?;
    }
    Ok(())
}
