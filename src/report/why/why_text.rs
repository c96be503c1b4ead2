//! The answer for people, in the order in which one asks at three in the morning: is it slower, where did the time go, what sets the slow
//! ones apart, who came first, show me.

use std::io::{self, Write};

use super::why_words::{
    GLUE, MOST_NAMED, cause_details, cause_title, first_words, grown_words, no_news_words, phase_words, rows_of,
    signed, usual_side, verdict_details, verdict_words,
};
use super::{CauseRow, PhaseRow, WhyReport};
use crate::report::number::percent;
use crate::report::{Style, count, millis, terminal_safe, wrapped_words};
use crate::route::readable_name;
use crate::time::NamedZone;

/// As wide as text runs where no terminal says it.
const WIDTH: usize = 100;

/// Writes the answer for people, its times on the clocks of the zone; in UTC where none is named.
///
/// # Errors
/// Those of `out`.
pub fn write_why(report: &WhyReport, style: Style, zone: NamedZone, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.map_or(WIDTH, usize::from).clamp(40, 160);
    let (zone, zone_name) = match zone {
        NamedZone::Named(named) => (zone, named.name()),
        NamedZone::Local | NamedZone::Utc => (NamedZone::UTC, "UTC"),
    };
    let mut page = TextPage { out, width, bold: style.colour, zone, zone_name };
    page.verdict(report)?;
    page.change(report)?;
    page.phases(report)?;
    page.causes(report)?;
    page.first(report)?;
    page.samples(report)
}

/// Where it is written.
struct TextPage<'o> {
    out: &'o mut dyn Write,
    width: usize,
    bold: bool,
    zone: NamedZone,
    zone_name: &'static str,
}

impl TextPage<'_> {
    fn title(&mut self, text: &str) -> io::Result<()> {
        let bold = if self.bold { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        writeln!(self.out, "{bold}{text}{bold:#}")
    }

    /// Words over as many lines as they need, two columns from the left.
    fn words(&mut self, text: &str, indent: usize) -> io::Result<()> {
        let safe = terminal_safe(text.as_bytes());
        for line in wrapped_words(&safe, self.width.saturating_sub(indent)) {
            writeln!(self.out, "{:indent$}{}", "", line.replace(GLUE, " "))?;
        }
        Ok(())
    }

    fn verdict(&mut self, report: &WhyReport) -> io::Result<()> {
        self.title(verdict_words(report))?;
        for words in verdict_details(report, self.zone, &format!(" {}", self.zone_name)) {
            self.words(&words, 2)?;
        }
        Ok(())
    }

    fn change(&mut self, report: &WhyReport) -> io::Result<()> {
        let parts = report.change_ms;
        writeln!(self.out)?;
        self.title("What changed")?;
        let rows =
            [("more requests", parts.volume), ("other routes", parts.mix), ("the same routes slower", parts.slower)];
        for (name, part) in rows {
            writeln!(self.out, "  {name:<24}{:>14}", signed(part))?;
        }
        writeln!(self.out, "  {:<24}{:>14}", "together", signed(parts.total))?;
        if report.verdict == "nothing" {
            return Ok(());
        }
        // What is less than a fiftieth of it explains nothing.
        let says_much = |change_ms: i64| change_ms > 0 && change_ms.saturating_mul(50) >= parts.total;
        let named = report.routes.iter().filter(|route| says_much(route.change_ms)).take(MOST_NAMED);
        for route in named {
            let usual = usual_side(route.baseline, report);
            let name = terminal_safe(readable_name(&route.route).as_bytes()).into_owned();
            let counts = format!("{} requests, usually {}", count(route.window.count), count(usual.count));
            let slower = format!("{} of it slower", signed(route.slower_ms));
            self.words(&format!("{name} {}: {counts}; {slower}", signed(route.change_ms)), 4)?;
        }
        for grown in &report.grown {
            self.words(&grown_words(grown), 4)?;
        }
        Ok(())
    }

    fn phases(&mut self, report: &WhyReport) -> io::Result<()> {
        if report.verdict == "nothing" {
            return Ok(());
        }
        writeln!(self.out)?;
        self.title("Where the time went")?;
        let (Some(phases), Some(change)) = (&report.phases, &report.phases_ms) else {
            return self
                .words("the log tells no upstream times (upstream_response_time, .._connect_time, .._header_time)", 2);
        };
        writeln!(self.out, "  {:<24}{:>14}{:>14}{:>14}", "", "now", "usual", "change")?;
        for (phase, row, more) in rows_of(phases, change) {
            let PhaseRow { window_ms, usual_ms } = row;
            let name = phase_words(phase);
            writeln!(self.out, "  {name:<24}{:>14}{:>14}{:>14}", millis(window_ms), millis(usual_ms), signed(more))?;
        }
        Ok(())
    }

    fn causes(&mut self, report: &WhyReport) -> io::Result<()> {
        if report.verdict == "slower" {
            writeln!(self.out)?;
            self.title("What sets the slow ones apart")?;
        }
        if report.verdict == "slower" && report.causes.is_empty() {
            self.words(&format!("nothing: of {} values and pairs none", count(report.tried)), 2)?;
        }
        for (rank, cause) in (1u64..).zip(&report.causes) {
            self.cause(rank, cause)?;
        }
        for cause in &report.no_news {
            self.words(&no_news_words(cause, self.zone), 2)?;
        }
        if report.sampled < 1.0 && report.verdict == "slower" {
            self.words(&format!("(looked for among {} of the requests)", percent(report.sampled)), 2)?;
        }
        Ok(())
    }

    fn cause(&mut self, rank: u64, cause: &CauseRow) -> io::Result<()> {
        let title = cause_title(rank, cause);
        let title = terminal_safe(title.as_bytes()).into_owned();
        write!(self.out, "  ")?;
        self.title(&title)?;
        for words in cause_details(cause) {
            self.words(&words, 5)?;
        }
        Ok(())
    }

    fn first(&mut self, report: &WhyReport) -> io::Result<()> {
        if report.first.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        self.title("Who came first")?;
        if !report.first.iter().any(|first| first.held) {
            self.words("none held up the others; the first slow ones:", 2)?;
        }
        for first in &report.first {
            self.words(&first_words(first, self.zone), 2)?;
        }
        Ok(())
    }

    fn samples(&mut self, report: &WhyReport) -> io::Result<()> {
        if !report.samples.is_empty() {
            writeln!(self.out)?;
            self.title("Lines")?;
        }
        for sample in &report.samples {
            writeln!(self.out, "  {}", terminal_safe(format!("{}@{}", sample.file, sample.offset).as_bytes()))?;
            // A record of a container's log may be of several lines.
            for line in sample.line.split('\n') {
                writeln!(self.out, "    {}", terminal_safe(line.as_bytes()))?;
            }
        }
        if report.verdict != "nothing" && !report.command.is_empty() {
            writeln!(self.out)?;
            self.title("All of them")?;
            writeln!(self.out, "  {}", terminal_safe(report.command.as_bytes()))?;
            if let Some(link) = &report.link {
                writeln!(self.out, "  {}", terminal_safe(link.as_bytes()))?;
            }
        }
        Ok(())
    }
}
