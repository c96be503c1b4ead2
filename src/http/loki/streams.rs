//! Log queries: lines, in streams.

use std::cell::Cell as Counted;
use std::collections::BTreeMap;

use super::answer::{EmptyObject, LokiStream, QueryResult, success};
use super::labels::{LabelSet, label_set};
use super::logql::LogSelection;
use super::selection::Selected;
use super::times::{NANOS, NanoWindow};
use crate::error::{Error, Result};
use crate::http::asked::Asked;
use crate::http::reader::{LineFound, LineOrdering, LinesWanted, Reader};
use crate::http::reply::Reply;
use crate::route::readable_name;
use crate::time::{Timestamp, Window};

/// As in Loki.
const DEFAULT_LIMIT: usize = 100;
const HIGHEST_LIMIT: usize = 5000;

/// More lines of one millisecond are not told apart.
const OF_A_MILLISECOND: usize = 20_000;

/// The answer to `query_range` of a log query.
pub(super) fn streams(asked: &Asked, reader: &Reader<'_>, selection: &LogSelection) -> Result<Reply> {
    let window = NanoWindow::of(asked)?;
    let limit = limit_of(asked)?;
    let order = match asked.value("direction").unwrap_or("backward") {
        word if word.eq_ignore_ascii_case("backward") => LineOrdering::Newest,
        word if word.eq_ignore_ascii_case("forward") => LineOrdering::Oldest,
        other => {
            return Err(Error::usage(format!("direction: `{other}`")).remedy("it is `backward` or `forward`"));
        }
    };
    let selected = Selected::new(selection, reader)?;
    let mut missing = Vec::new();
    let lines = match selected.routes.is_empty() {
        true => Vec::new(),
        false => timed_lines(reader, &selected, window, order, limit, &mut missing)?,
    };
    let host = &reader.site().host;
    let mut streams: BTreeMap<LabelSet, Vec<[String; 2]>> = BTreeMap::new();
    for TimedLine { nanos, line } in lines {
        let mut labels = label_set(host, &line.route, line.entry.status);
        selected.leave(&mut labels);
        streams.entry(labels).or_default().push([nanos.to_string(), text_of(&line)]);
    }
    let result = streams.into_iter().map(|(stream, values)| LokiStream { stream, values }).collect();
    success(QueryResult { result_type: "streams", result, stats: EmptyObject {} }, missing)
}

/// At most so many lines.
fn limit_of(asked: &Asked) -> Result<usize> {
    let Some(text) = asked.value("limit") else { return Ok(DEFAULT_LIMIT) };
    match text.parse() {
        Ok(limit @ 1..=HIGHEST_LIMIT) => Ok(limit),
        Ok(limit) => Err(Error::usage(format!(
            "max entries limit per query exceeded, limit > max_entries_limit ({limit} > {HIGHEST_LIMIT})"
        ))),
        Err(_) => Err(Error::usage(format!("limit: `{text}` is no number"))),
    }
}

/// A line with its nanoseconds: those of one millisecond are told apart by their order in the logs.
struct TimedLine {
    nanos: i64,
    line: LineFound,
}

/// The lines in their order. Which nanosecond a line has does not depend on how many are asked for, so that whoever asks for the
/// next ones gets them: of the milliseconds at the window's edges and at the limit all lines are looked at.
fn timed_lines(
    reader: &Reader<'_>,
    selected: &Selected<'_>,
    window: NanoWindow,
    order: LineOrdering,
    limit: usize,
    missing: &mut Vec<String>,
) -> Result<Vec<TimedLine>> {
    let accepts = |line: &LineFound| selected.fits(line);
    let whole = window.window();
    // Lines of the first and last millisecond may lie before the start or behind the end.
    let mut beyond = 0;
    for edge in [window.start.div_euclid(NANOS), window.end.div_euclid(NANOS)] {
        if [window.start, window.end].iter().any(|time| time.div_euclid(NANOS) == edge && time.rem_euclid(NANOS) > 0) {
            let millisecond = Window { from: Timestamp(edge), until: Timestamp(edge + 1) };
            let wanted = LinesWanted { limit: OF_A_MILLISECOND, ..selected.wanted(millisecond, &accepts) };
            beyond += reader.lines(&wanted)?.lines.len();
        }
    }
    let wanted = LinesWanted { limit: limit.saturating_add(beyond), order, ..selected.wanted(whole, &accepts) };
    let found = reader.lines(&wanted)?;
    missing.extend(found.lacks.missing);
    let mut lines = found.lines;
    let last = lines.last().map(|line| line.entry.end);
    if let Some(last) = last
        && lines.len() >= wanted.limit
    {
        let millisecond = Window { from: last, until: Timestamp(last.0 + 1) };
        let wanted = LinesWanted { limit: OF_A_MILLISECOND, ..selected.wanted(millisecond, &accepts) };
        lines.retain(|line| line.entry.end != last);
        lines.extend(reader.lines(&wanted)?.lines);
    }
    lines.sort_unstable_by_key(|line| (line.entry.end, line.entry.locator));
    let mut timed: Vec<TimedLine> = Vec::new();
    let same = Counted::new(Timestamp(i64::MIN));
    let mut nanos = 0;
    for line in lines {
        let end = line.entry.end;
        nanos = if same.replace(end) == end { (nanos + 1).min(NANOS - 1) } else { 0 };
        timed.push(TimedLine { nanos: end.0.saturating_mul(NANOS) + nanos, line });
    }
    timed.retain(|line| (window.start..window.end).contains(&line.nanos));
    if order == LineOrdering::Newest {
        timed.reverse();
    }
    timed.truncate(limit);
    Ok(timed)
}

/// The line as text; of one that is gone, what the index holds.
fn text_of(line: &LineFound) -> String {
    if let Some(raw) = &line.line {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let why = if line.is_there { "cannot be read" } else { "gone" };
    let (entry, route) = (&line.entry, readable_name(&line.route));
    format!(
        "# raw line {why}: {} {} ms, status {}, route {route}, {} byte {}",
        entry.end, entry.duration_ms, entry.status, line.file, entry.locator.offset
    )
}
