//! The heatmap of what is asked for, its table, and what the window lacks.

use std::time::Duration;

use serde::Serialize;

use super::command_words::CommandWords;
use super::line_fields::LineFields;
use super::question::PageQuestion;
use super::shown_time::{table, ticks, zone_words};
use crate::error::Result;
use crate::histogram::{Cell, Time};
use crate::http::asked::Asked;
use crate::http::reader::{LineFound, LineOrdering, LinesWanted, Reader};
use crate::http::reply::Reply;
use crate::pipeline::{WindowLacks, common_threshold};
use crate::report::picture::{HeatColumn, HeatGrid, Heatmap, PictureTable, PlotFrame, RowPlace, step_for};
use crate::route::{RouteId, readable_name};
use crate::store::KeepReasons;
use crate::time::{Timestamp, Window};

/// A column of a heatmap is at least so many pixels wide.
const COLUMN: f64 = 4.0;

/// Names of times are so many pixels apart.
const TICK: f64 = 84.0;

/// What the page shows first.
#[derive(Serialize)]
struct Overview {
    /// `empty`: the store has nothing at all; `nothing`: nothing of this; `shown`.
    state: &'static str,
    from: i64,
    until: i64,
    /// The window in words.
    words: String,
    from_words: String,
    until_words: String,
    zone: String,
    follows: bool,
    step_ms: u64,
    interval_ms: u64,
    now: i64,
    /// What the store knows anything of.
    known: Option<[i64; 2]>,
    /// How far the logs are read, in words.
    read_until: Option<String>,
    /// Milliseconds since then.
    read_ago_ms: Option<i64>,
    requests: u64,
    untimed: u64,
    by_upstream: bool,
    threshold_ms: Option<u64>,
    most: u64,
    svg: String,
    table: PictureTable,
    frame: PlotFrame,
    rows: Vec<RowPlace>,
    columns: Vec<ColumnShown>,
    command: Option<String>,
    missing: Vec<String>,
    notes: Vec<String>,
}

/// A column, for what a pointer shows.
#[derive(Serialize)]
struct ColumnShown {
    from: i64,
    until: i64,
    left: f64,
    right: f64,
    requests: u64,
    slow: u64,
    p50_ms: Option<u64>,
    p99_ms: Option<u64>,
    max_ms: Option<u64>,
    /// From how many milliseconds on a row is, and how many requests are in it.
    counts: Vec<(u64, u64)>,
}

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let question = PageQuestion::read(asked, reader)?;
    let view = reader.view()?;
    let size = |name, usual: f64| {
        asked.value(name).and_then(|text| text.parse().ok()).filter(|size: &f64| size.is_finite()).unwrap_or(usual)
    };
    let frame = PlotFrame::within(size("width", 900.0), size("height", 360.0));
    let routes = question.route_ids(reader)?;
    let interval = view.settings().interval;
    let columns = ((frame.right - frame.left) / COLUMN) as usize;
    let step = step_for(question.window, interval, columns);
    let mut lacks = reader.lacks_of_counts(&question.filter())?;
    let grid = grid_of(&question, reader, step, routes.as_deref(), &mut lacks)?;
    lacks.notes.extend(notes_of_click(&question));
    let threshold_ms = common_threshold(view, routes.as_deref(), reader.site().threshold_ms);
    let times = ticks(question.zone, question.window, ((frame.right - frame.left) / TICK) as usize);
    let words = window_words(&question);
    let title = format!("Latency of {}, {words}", routes_words(&question.routes));
    let heatmap = Heatmap { grid: &grid, threshold_ms, ticks: times, title };
    let (millis, read) = (|span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX), view.read_until());
    let command = CommandWords::new("report", reader.site())
        .window(question.window)
        .routes(&question.routes)
        .conditions(&question.conditions);
    Reply::json(&Overview {
        state: match (question.known, grid.requests()) {
            (None, _) => "empty",
            (Some(_), 0) => "nothing",
            _ => "shown",
        },
        from: question.window.from.0,
        until: question.window.until.0,
        words,
        from_words: question.zone.wall_clock(question.window.from),
        until_words: question.zone.wall_clock(question.window.until),
        zone: zone_words(question.zone, question.window.until),
        follows: question.follows,
        step_ms: millis(step),
        interval_ms: millis(interval),
        now: asked.now.0,
        known: question.known.map(|known| [known.from.0, known.until.0]),
        read_until: read.map(|read| question.zone.wall_clock(read)),
        read_ago_ms: read.map(|read| asked.now.0.saturating_sub(read.0)),
        requests: grid.requests(),
        untimed: grid.untimed(),
        by_upstream: grid.by_upstream,
        threshold_ms,
        most: grid.columns.iter().flat_map(|column| &column.counts).max().copied().unwrap_or(0),
        svg: heatmap.svg(&frame),
        table: table(question.zone, &heatmap),
        frame,
        rows: heatmap.row_places(&frame),
        columns: grid.columns.iter().map(|column| shown_column(&heatmap, &frame, column)).collect(),
        command: Some(command.typed()),
        missing: lacks.missing,
        notes: lacks.notes,
    })
}

/// How long the point is taken to be that led here, where that is not plain.
fn notes_of_click(question: &PageQuestion) -> Vec<String> {
    let Some(click) = &question.click else { return Vec::new() };
    let at = question.zone.told_clock(click.at);
    click.how.notes().into_iter().map(|note| format!("the point of {at}: {note}")).collect()
}

/// The requests by time and latency: of the store's cells; where values of fields are asked for, of the lines.
fn grid_of(
    question: &PageQuestion,
    reader: &Reader<'_>,
    step: Duration,
    routes: Option<&[RouteId]>,
    lacks: &mut WindowLacks,
) -> Result<HeatGrid> {
    if question.conditions.is_empty() {
        let cells = reader.view()?.step_sums(question.window, step, routes)?;
        return Ok(HeatGrid::new(question.window, step, cells));
    }
    let cells = cells_of_lines(question, reader, step, lacks)?;
    Ok(HeatGrid::new(question.window, step, cells))
}

/// A cell for each step, counted from the lines that have the values asked for.
fn cells_of_lines(
    question: &PageQuestion,
    reader: &Reader<'_>,
    step: Duration,
    lacks: &mut WindowLacks,
) -> Result<std::collections::BTreeMap<Timestamp, Cell>> {
    let cells = std::cell::RefCell::new(std::collections::BTreeMap::<Timestamp, Cell>::new());
    let fields = std::cell::RefCell::new(LineFields::new(reader, &question.conditions)?);
    let threshold = reader.site().threshold_ms;
    let count = |line: &LineFound| {
        if !fields.borrow_mut().fits(line) {
            return false;
        }
        let mut cells = cells.borrow_mut();
        let cell = cells.entry(line.entry.end.slot(step)).or_default();
        cell.requests += 1;
        cell.count_status(line.entry.status);
        if !line.entry.kept.contains(KeepReasons::UNTIMED) {
            cell.slow += u64::from(line.entry.duration_ms >= threshold);
            cell.time_mut(Time::Request).record(line.entry.duration_ms);
        }
        false
    };
    let wanted = LinesWanted {
        all: true,
        order: LineOrdering::Oldest,
        limit: 1,
        accepts: &count,
        ..LinesWanted::of(question.filter())
    };
    let found = reader.lines(&wanted)?;
    *lacks = found.lacks;
    drop(wanted);
    let fields = fields.into_inner();
    lacks.missing.extend(fields.missing());
    lacks.notes.extend(fields.note().map(str::to_owned));
    Ok(cells.into_inner())
}

fn shown_column(heatmap: &Heatmap<'_>, frame: &PlotFrame, column: &HeatColumn) -> ColumnShown {
    let (left, right) = heatmap.column_place(frame, column);
    let mut counts = Vec::new();
    for (row, count) in column.counts.iter().enumerate() {
        if *count > 0 {
            counts.push((heatmap.grid.scale.range_of(row).0, *count));
        }
    }
    ColumnShown {
        from: column.from.0,
        until: column.until.0,
        left,
        right,
        requests: column.requests,
        slow: column.slow,
        p50_ms: column.p50_ms,
        p99_ms: column.p99_ms,
        max_ms: column.max_ms,
        counts,
    }
}

/// The routes in words.
pub(super) fn routes_words(routes: &[String]) -> String {
    match routes {
        [] => "all routes".to_owned(),
        [one] => readable_name(one).into_owned(),
        [one, ..] => format!("{} and {} more", readable_name(one), routes.len() - 1),
    }
}

/// The window in words; what its ends share is said once.
fn window_words(question: &PageQuestion) -> String {
    let Window { from, until } = question.window;
    let (from, until) = (question.zone.told_clock(from), question.zone.told_clock(until));
    match (from.split_once(' '), until.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => format!("{from} to {time}"),
        _ => format!("{from} to {until}"),
    }
}
