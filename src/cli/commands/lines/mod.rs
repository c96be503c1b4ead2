//! `spikeline lines`: the raw lines of a window and route.

mod found_lines;
mod of_files;
mod of_store;
mod parsed_lines;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::Write;
use std::sync::Arc;

use found_lines::SortedLines;
use of_files::of_files;
use parsed_lines::LineParsers;

use crate::cli::answer::output::{say, say_all, stdout, style, written};
use crate::cli::answer::pager::{PagedOutput, screen_lines};
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::{LineOrder, LinesArguments, TiedBy};
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::input::context::Context;
use crate::cli::input::settings;
use crate::error::Result;
use crate::graphite::asked::AskedOrder;
use crate::pipeline::{Interpreting, RoutedRecord};
use crate::report::{
    EpochSeconds, InWindow, LineRow, OutputFormat, ParsedFields, ProgramForm, Report, Style, count, terminal_safe,
    write_for_programs,
};
use crate::route::readable_name;
use crate::store::{Entry, KeepReasons, Locator, View, WindowMatch};
use crate::time::{Timestamp, Window};

pub(super) fn lines(context: &Context, mut arguments: LinesArguments) -> Result<Answer> {
    let by = match arguments.by {
        TiedBy::Overlap => WindowMatch::Overlap,
        TiedBy::End => WindowMatch::End,
    };
    let typed = TypedQuestion {
        positional: &arguments.files.files,
        window: &arguments.window,
        point: &arguments.point,
        filter: &arguments.filter,
        by,
    };
    let Question { files, view, filter, order, asked, .. } = asked::question(context, &typed)?;
    // Of a box of the page from the ground up all requests are meant; the longest come first there.
    let of_page = asked.and_then(|asked| asked.all_by_end);
    arguments.all |= of_page == Some(true);
    arguments.sort = arguments.sort.or(of_page.map(|_| LineOrder::Duration));
    arguments.files.files = files;
    arguments.sort = arguments.sort.or(order_of(order));
    let form: OutputFormat = arguments.format.into();
    // On a terminal the slow ones come first, if there is more than a screen; that is known when all are found.
    let screen = screen_lines().filter(|_| form.for_programs().is_none());
    let slow_first = screen.is_some() && arguments.sort.is_none() && arguments.limit.is_none();
    if slow_first {
        arguments.sort = Some(LineOrder::Duration);
    }
    let window = filter.window;
    let (mut found, missing, formats) = match &view {
        None => of_files(context, &arguments, filter)?,
        Some(view) => {
            let (found, mut missing) = of_store::lines_of_store(view, context, &arguments, &filter)?;
            let lacks = completeness::missing(view, window, view.expired_before(window), context.now)?;
            say_all(&lacks);
            missing.extend(lacks);
            (found, missing, Vec::new())
        }
    };
    say_limit(found.count, &arguments);
    let answer = Answer::from_found(found.count > 0, &missing);
    let lacks = missing.clone();
    let is_long = screen.is_some_and(|lines| found.count >= lines);
    if slow_first && !is_long {
        found.order_by_time();
    }
    if is_long {
        let (all, slow) = (count(found.count), count(found.slow));
        let first = if slow_first { "; the longest first (--sort time: by time)" } else { "" };
        say(&format!("{all} lines, {slow} of them slow by the threshold of their route{first}"));
    }
    match form.for_programs() {
        Some(form) => {
            let parsers = match form {
                ProgramForm::Csv => None,
                _ => Some(LineParsers::new(settings::interpreting(context)?, &formats)),
            };
            print_rows(found.sorted()?, form, window, PrintedRows { missing, view: view.as_ref(), parsers })?;
        }
        None => print_lines(found.sorted()?, is_long && !arguments.no_pager)?,
    }
    if let Some(view) = &view {
        completeness::conclude(view, &lacks);
    }
    Ok(answer)
}

/// The order of lines that a metric asks for.
fn order_of(order: AskedOrder) -> Option<LineOrder> {
    match order {
        AskedOrder::Duration => Some(LineOrder::Duration),
        AskedOrder::Upstream => Some(LineOrder::Upstream),
        AskedOrder::Count | AskedOrder::Unsaid => None,
    }
}

/// One line of the answer.
struct Found {
    entry: Entry,
    route: Arc<str>,
    file: Arc<str>,
    /// Nothing if the raw line is gone.
    line: Option<Vec<u8>>,
    /// The log that the line is in is there, and cannot be read: it is not gone.
    is_there: bool,
    /// It was slow by the threshold of its route.
    slow: bool,
}

impl Found {
    /// Whether both are the same line, each as a member of a series.
    fn is_of_line(&self, other: &Found) -> bool {
        self.entry.locator == other.entry.locator
    }
}

/// The longest duration first, where that counts; then the end, and the place.
type SortKey = (Reverse<u64>, Timestamp, Locator);

/// What requests are sorted by: `--sort duration` has the longest first; of those that took as long, and by default,
/// the one that ended first, and at the same millisecond the one that stands first in its log.
fn sort_key(entry: &Entry, order: LineOrder) -> SortKey {
    let duration_ms = match order {
        LineOrder::Time => 0,
        LineOrder::Duration => entry.duration_ms,
        LineOrder::Upstream => entry.upstream_ms.unwrap_or(0),
    };
    (Reverse(duration_ms), entry.end, entry.locator)
}

/// No more than asked for, of what is sorted already; says that there are more.
fn cut<T>(found: &mut Vec<T>, arguments: &LinesArguments) {
    say_limit(found.len() as u64, arguments);
    found.truncate(arguments.limit.unwrap_or(usize::MAX));
}

/// Says that there are more than were asked for.
fn say_limit(found: u64, arguments: &LinesArguments) {
    let Some(limit) = arguments.limit else { return };
    if limit as u64 >= found {
        return;
    }
    let (limit_said, all) = (count(limit as u64), count(found));
    say(&match arguments.order() {
        LineOrder::Time => format!("the first {limit_said} of {all} lines (--limit); --sort duration: the longest"),
        LineOrder::Duration => format!("the longest {limit_said} of {all} lines (--limit)"),
        LineOrder::Upstream => {
            format!("of {all} lines the {limit_said} with the longest upstream_response_time (--limit)")
        }
    });
}

/// A line that was read again, as the index would have kept it.
fn of_line(seen: &RoutedRecord<'_>, locator: Locator, line: &[u8], with: &Interpreting, file: Arc<str>) -> Found {
    let route = with.routes.name(seen.matched.id).unwrap_or_default();
    Found { entry: seen.entry(locator), route, file, line: Some(line.to_vec()), is_there: true, slow: seen.slow }
}

/// What rows are printed with.
struct PrintedRows<'p> {
    missing: Vec<String>,
    view: Option<&'p View>,
    parsers: Option<LineParsers>,
}

/// The answer to stdout in a form for programs.
fn print_rows(found: SortedLines, form: ProgramForm, window: Window, with: PrintedRows<'_>) -> Result<()> {
    let PrintedRows { missing, view, mut parsers } = with;
    let mut out = stdout();
    let mut rows = Vec::new();
    for found in found {
        let found = found?;
        let mut row = row(&found, window);
        if let Some(parsers) = &mut parsers {
            row.fields = parsers.fields(view, &found);
        }
        rows.push(row);
    }
    let report = Report { missing, ..Report::new(rows, window::shown(window)) };
    written(write_for_programs(&report, form, style(), &mut out))?;
    written(out.flush())
}

/// The answer to stdout as raw lines, which other programs read as they read the log.
fn print_lines(found: SortedLines, through_pager: bool) -> Result<()> {
    let style = style();
    let mut out = if through_pager { PagedOutput::through_pager() } else { PagedOutput::Plain(stdout()) };
    for found in found {
        print_line(&found?, style, &mut out)?;
    }
    written(out.end())
}

/// The raw line, as it stands in the log if no terminal shows it; on one its duration stands out.
fn print_line(found: &Found, style: Style, out: &mut impl Write) -> Result<()> {
    match &found.line {
        Some(raw) if style.terminal => {
            // A record of a container's log may be of several lines.
            for line in raw.split(|&byte| byte == b'\n') {
                let line = terminal_safe(line);
                match known_duration(&found.entry).filter(|_| style.colour) {
                    Some(millis) => written(writeln!(out, "{}", highlighted(&line, millis, found.slow)))?,
                    None => written(writeln!(out, "{line}"))?,
                }
            }
            Ok(())
        }
        Some(raw) => {
            written(out.write_all(raw))?;
            written(out.write_all(b"\n"))
        }
        None => {
            let Entry { end, status, locator, .. } = found.entry;
            let took = known_duration(&found.entry).map_or(String::new(), |millis| format!(" {millis} ms,"));
            let why = if found.is_there { "cannot be read" } else { "gone" };
            written(writeln!(
                out,
                "# raw line {why}: {end}{took} status {status}, route {}, {} byte {}",
                readable_name(&found.route),
                found.file,
                locator.offset
            ))
        }
    }
}

/// A line in which the time that its request took stands out, wherever it stands in seconds as nginx writes it.
fn highlighted(line: &str, millis: u64, slow: bool) -> String {
    let bold = anstyle::Style::new().bold();
    let style = if slow { bold.fg_color(Some(anstyle::AnsiColor::Red.into())) } else { bold };
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    let mut out = String::with_capacity(line.len() + 32);
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(&text) {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        out.push_str(before);
        if before.ends_with(is_number) || after.starts_with(is_number) {
            out.push_str(&text);
        } else {
            out.push_str(&format!("{style}{text}{style:#}"));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A line for other programs. An entry without a status (0) has none there.
fn row(found: &Found, window: Window) -> LineRow {
    let entry = &found.entry;
    LineRow {
        start: EpochSeconds(entry.start()),
        end: EpochSeconds(entry.end),
        request_time_ms: known_duration(entry),
        in_window: in_window(entry, window),
        route: found.route.to_string(),
        status: if entry.status == 0 { None } else { Some(entry.status) },
        upstream_response_time_ms: entry.upstream_ms,
        kept: kept_because(entry.kept),
        file: found.file.to_string(),
        offset: entry.locator.offset,
        length: entry.locator.length,
        line: found.line.as_deref().map(String::from_utf8_lossy).map(Cow::into_owned),
        fields: ParsedFields::default(),
    }
}

/// How long the request took, if that is known.
fn known_duration(entry: &Entry) -> Option<u64> {
    (!entry.kept.contains(KeepReasons::UNTIMED)).then_some(entry.duration_ms)
}

/// Why the index keeps a request, in words; nothing for a line of a file, which no index keeps.
fn kept_because(kept: KeepReasons) -> String {
    let reasons =
        [(KeepReasons::THRESHOLD, "threshold"), (KeepReasons::ERROR, "error"), (KeepReasons::SLOWEST, "slowest")];
    let mut held = Vec::new();
    for (flag, name) in reasons {
        if kept.contains(flag) {
            held.push(name);
        }
    }
    held.join(" ")
}

/// How the request lies to the window.
fn in_window(entry: &Entry, window: Window) -> InWindow {
    match (window.contains(entry.start()), window.contains(entry.end)) {
        (true, true) => InWindow::Inside,
        (true, false) => InWindow::Started,
        (false, true) => InWindow::Ended,
        (false, false) => InWindow::Spanning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_stands_out_where_it_is_whole() {
        let line = "10.1.204 x rt=1.204 ut=\"1.204\" 11.204 1.2045";
        let shown = highlighted(line, 1204, false);
        assert_eq!(
            shown.replace("\x1b[1m", "<").replace("\x1b[0m", ">"),
            "10.1.204 x rt=<1.204> ut=\"<1.204>\" 11.204 1.2045"
        );
        assert!(highlighted(line, 1204, true).contains("\x1b[31m"));
        assert_eq!(highlighted(line, 7, true), line);
    }
}
