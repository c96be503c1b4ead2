//! The answer for people, in the order in which one asks at three in the morning: is it slower, where did the time go, what sets the slow
//! ones apart, who came first, show me.

use std::io::{self, Write};

use super::{CauseRow, FieldValue, FirstRow, PhaseRow, SideCount, WhyReport};
use crate::explain::{PHASES, Phase};
use crate::report::number::percent;
use crate::report::{Style, count, millis, terminal_safe};
use crate::route::readable_name;
use crate::time::{Timestamp, Window};

/// As wide as text runs where no terminal says it.
const WIDTH: usize = 100;

/// A blank at which no line is broken.
const GLUE: &str = "\u{a0}";

/// So many routes and folded values are told.
const MOST_NAMED: usize = 5;

/// Writes the answer for people.
///
/// # Errors
/// Those of `out`.
pub fn write_why(report: &WhyReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.map_or(WIDTH, usize::from).clamp(40, 160);
    let mut page = TextPage { out, width, bold: style.colour };
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
}

impl TextPage<'_> {
    fn title(&mut self, text: &str) -> io::Result<()> {
        let bold = if self.bold { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        writeln!(self.out, "{bold}{text}{bold:#}")
    }

    /// Words over as many lines as they need, two columns from the left.
    fn words(&mut self, text: &str, indent: usize) -> io::Result<()> {
        let safe = terminal_safe(text.as_bytes());
        let (mut line, mut length) = (" ".repeat(indent), indent);
        for word in safe.split(' ') {
            let long = word.chars().count();
            if length > indent && length + 1 + long > self.width {
                writeln!(self.out, "{}", line.replace(GLUE, " "))?;
                (line, length) = (" ".repeat(indent), indent);
            }
            if length > indent {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += long;
        }
        writeln!(self.out, "{}", line.replace(GLUE, " "))
    }

    fn verdict(&mut self, report: &WhyReport) -> io::Result<()> {
        let nothing_apart = report.causes.is_empty();
        let title = match report.verdict {
            "slower" if nothing_apart => "Slower: all kinds of requests alike; nothing sets the slow ones apart",
            "slower" => "Slower: the same requests take longer",
            "mix" => "Other traffic: more requests of routes that take long, which are no slower than before",
            "more" => "More traffic of the same kinds",
            _ => "Nothing: this window is like the others",
        };
        self.title(title)?;
        let window = report.window;
        let (now, usual) = (report.requests.window, usual_of(report));
        self.words(&format!("{} UTC ({}): {}", span_words(window), length_words(window), side_words(now)), 2)?;
        let of: Vec<String> = report.baseline.iter().rev().take(3).map(|span| span_words(*span)).collect();
        let more =
            if report.baseline.len() > 3 { format!(" and {} more", report.baseline.len() - 3) } else { String::new() };
        self.words(&format!("usual for as long: {} (as {}{more})", side_words(usual), of.join(", ")), 2)?;
        if !report.as_much.is_empty() {
            self.words(&format!("it was as slow at {}", times_words(&report.as_much)), 2)?;
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
            let (now, usual) = (count(grown.count), count(grown.usual_count));
            let change = signed(grown.change_ms);
            self.words(&format!("{} {change}: {now} requests, usually {usual}", whose_words(&grown.whose)), 4)?;
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
            let times = times_words(&cause.as_much);
            self.words(&format!("no news: {}: as slow at {times}", whose_words(&cause.whose)), 2)?;
        }
        if report.sampled < 1.0 && report.verdict == "slower" {
            self.words(&format!("(looked for among {} of the requests)", percent(report.sampled)), 2)?;
        }
        Ok(())
    }

    fn cause(&mut self, rank: u64, cause: &CauseRow) -> io::Result<()> {
        let CauseRow { share, excess_ms, low_ms, high_ms, p, window, baseline, .. } = cause;
        let besides = if rank == 1 { "" } else { "besides, " };
        let title = format!("{rank}. {besides}{}: {} of the excess", whose_words(&cause.whose), percent(*share));
        let title = terminal_safe(title.as_bytes()).into_owned();
        write!(self.out, "  ")?;
        self.title(&title)?;
        let phase = cause.phase.map_or(String::new(), |phase| format!(", mostly {}", phase_of_name(phase)));
        let chance = if *p < 1e-6 { "less than one in a million".to_owned() } else { format!("{p:.1e}") };
        self.words(
            &format!(
                "{} beyond the usual ({} to {}){phase}; by chance: {chance}",
                signed(*excess_ms),
                signed(*low_ms),
                signed(*high_ms)
            ),
            5,
        )?;
        let times = |p50: Option<u64>, p99: Option<u64>| {
            let shown = |time: Option<u64>| time.map_or("-".to_owned(), millis);
            format!("p50 {}, p99 {}", shown(p50), shown(p99))
        };
        let now = format!("{} requests, {}", count(window.count), times(window.p50_ms, window.p99_ms));
        let before = if baseline.count == 0 {
            "none in the baseline".to_owned()
        } else {
            format!("in the baseline {}, {}", count(baseline.count), times(baseline.p50_ms, baseline.p99_ms))
        };
        self.words(&format!("{now}; {before}"), 5)?;
        if !cause.folded.is_empty() {
            let mut same = Vec::new();
            for folded in cause.folded.iter().take(MOST_NAMED) {
                same.push(format!("{} ({})", whose_words(&folded.whose), percent(folded.share)).replace(' ', GLUE));
            }
            self.words(&format!("in the same requests: {}", same.join(", ")), 5)?;
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
            self.words(&first_words(first), 2)?;
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
        }
        Ok(())
    }
}

fn rows_of<'p>(
    phases: &'p [PhaseRow; PHASES],
    change: &'p [i64; PHASES],
) -> impl Iterator<Item = (Phase, PhaseRow, i64)> + 'p {
    Phase::ALL.into_iter().zip(phases).zip(change).map(|((phase, row), more)| (phase, *row, *more))
}

fn first_words(first: &FirstRow) -> String {
    let FirstRow { start, end, target, waited, .. } = first;
    let took = u64::try_from(end.0.0 - start.0.0).unwrap_or(0);
    let who = first.remote_addr.as_deref().map_or(String::new(), |client| format!("{client} "));
    let what = format!("{} {who}{target} ran {}", clock(start.0), millis(took));
    if first.held {
        return format!("{what}: {} slow requests began while it ran, and waited", count(*waited));
    }
    what
}

fn usual_of(report: &WhyReport) -> SideCount {
    usual_side(report.requests.baseline, report)
}

/// What the baseline had, for as long as the window is.
fn usual_side(baseline: SideCount, report: &WhyReport) -> SideCount {
    let length = |window: &Window| u128::try_from(window.until.0.saturating_sub(window.from.0)).unwrap_or(0);
    let whole: u128 = report.baseline.iter().map(length).sum();
    let of = u128::from(report.baseline_part.of_length(u64::try_from(whole).unwrap_or(u64::MAX)));
    let scaled = |number: u64| {
        let wide = (u128::from(number) * length(&report.window) + of / 2) / of;
        u64::try_from(wide).unwrap_or(u64::MAX)
    };
    SideCount { count: scaled(baseline.count), total_ms: scaled(baseline.total_ms), slow: scaled(baseline.slow) }
}

fn side_words(side: SideCount) -> String {
    format!("{} requests took {}, {} of them slow", count(side.count), millis(side.total_ms), count(side.slow))
}

/// `2011-11-30 14:05:00 .. 14:07:00`
fn span_words(window: Window) -> String {
    let (from, until) = (window.from.to_string(), window.until.to_string());
    let day = |time: &str| time.split('T').next().unwrap_or_default().to_owned();
    if day(&from) == day(&until) {
        format!("{} {} .. {}", day(&from), clock(window.from), clock(window.until))
    } else {
        format!("{} {} .. {} {}", day(&from), clock(window.from), day(&until), clock(window.until))
    }
}

/// `14:05:00`, with milliseconds if there are any.
fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    let clock = text.split('T').nth(1).unwrap_or_default().trim_end_matches('Z');
    clock.strip_suffix(".000").unwrap_or(clock).to_owned()
}

fn length_words(window: Window) -> String {
    millis(u64::try_from(window.until.0.saturating_sub(window.from.0)).unwrap_or(0))
}

fn times_words(times: &[Timestamp]) -> String {
    let shown: Vec<String> = times.iter().rev().take(MOST_NAMED).rev().map(|time| clock(*time)).collect();
    shown.join(", ")
}

fn whose_words(whose: &[FieldValue]) -> String {
    let mut words = Vec::new();
    for FieldValue { field, value } in whose {
        let value = if field == "route" { readable_name(value).into_owned() } else { value.clone() };
        words.push(format!("{field} {value}"));
    }
    words.join(" with ")
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connecting",
        Phase::Header => "waiting for the header",
        Phase::Body => "the body",
        Phase::Client => "the client's side",
        Phase::Retries => "attempts that failed",
    }
}

fn phase_of_name(name: &str) -> &'static str {
    Phase::ALL.into_iter().find(|phase| phase.name() == name).map_or("", phase_words)
}

/// `+1,204 ms`
fn signed(time_ms: i64) -> String {
    let sign = if time_ms < 0 { "-" } else { "+" };
    format!("{sign}{}", millis(time_ms.unsigned_abs()))
}
