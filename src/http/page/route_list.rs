//! The routes of the window: that first of which the time changed most against what was before the window.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::command_words::CommandWords;
use super::question::PageQuestion;
use crate::error::Result;
use crate::explain::{Change, RouteSums, SideSums};
use crate::histogram::{Cell, Quantile};
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::http::reply::Reply;
pub(super) use crate::report::picture::timed;
use crate::report::picture::{sparkline, step_for};
use crate::route::{PROBE_NODE, RouteId, begins_with_node, keeps_name, readable_name};
use crate::store::View;
use crate::time::{Timestamp, Window};

/// So many routes are sent at once ..
const LIMIT: usize = 100;

/// .. and at most.
const MOST: usize = 500;

/// How many steps of time a sparkline has.
const STEPS: usize = 48;

/// Of so many routes the cells of all steps are held at once.
const ROUTES_AT_ONCE: usize = 200;

/// What was before a window counts if it is at least this part of its length.
const LEAST_BEFORE: i64 = 4;

/// The list.
#[derive(Serialize)]
struct RouteList {
    /// How many routes have requests in the window, and fit the filter.
    routes: usize,
    offset: usize,
    rows: Vec<RouteShown>,
    /// What `change_ms` is against, in words; nothing without anything before the window.
    against: Option<String>,
    all: RouteShown,
    command: Option<String>,
}

/// A route.
#[derive(Serialize, Default)]
struct RouteShown {
    route: String,
    /// As people read it.
    name: String,
    chosen: bool,
    /// Its requests are of monitoring, and in none of the other rows.
    probe: bool,
    requests: u64,
    /// Requests a second.
    rate: f64,
    p50_ms: Option<u64>,
    p99_ms: Option<u64>,
    max_ms: Option<u64>,
    total_ms: u64,
    /// Its part of the time of all.
    share: f64,
    slow: u64,
    errors: u64,
    /// How much more time its requests took than before.
    change_ms: Option<i64>,
    /// Its p99 by time.
    spark: String,
}

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let question = PageQuestion::read(asked, reader)?;
    let view = reader.view()?;
    let WindowCells { mut totals, steps } = WindowCells::read(&question, view)?;
    let before = window_before(&question);
    let changes = match before {
        Some(before) => changes_of(&totals, &view.totals(before, None)?, question.window, before),
        None => BTreeMap::new(),
    };
    let seconds = seconds_of(&question, asked.now);
    let probes: BTreeMap<RouteId, &str> =
        view.members().into_iter().filter(|(_, name)| begins_with_node(name, PROBE_NODE)).collect();
    let names: BTreeMap<RouteId, &str> = view.routes().into_iter().chain(probes.clone()).collect();
    let wanted = asked.value("filter").unwrap_or_default().to_lowercase();
    let all = totals_of_all(&totals, seconds, before.map(|_| changes.values().sum()));
    let numbers: Vec<RouteId> = probes.keys().copied().collect();
    if !numbers.is_empty() {
        totals.extend(view.totals(question.window, Some(&numbers))?);
    }
    let mut rows = Vec::new();
    for (route, cell) in &totals {
        let Some(name) = names.get(route) else { continue };
        let mut row = row_of(cell, seconds, all.total_ms);
        row.name = readable_name(name).into_owned();
        if !row.name.to_lowercase().contains(&wanted) && !name.to_lowercase().contains(&wanted) {
            continue;
        }
        row.probe = probes.contains_key(route);
        row.chosen = !question.routes.is_empty() && keeps_name(&question.routes, &[name, &row.name]);
        (*name).clone_into(&mut row.route);
        row.share = if row.probe { 0.0 } else { row.share };
        row.change_ms = before.filter(|_| !row.probe).and(Some(changes.get(route).copied().unwrap_or(0)));
        rows.push((*route, row));
    }
    sort_rows(&mut rows, asked.value("sort").unwrap_or("change"));
    let (routes, offset) = (rows.len(), whole(asked, "offset", 0));
    let mut shown: Vec<(RouteId, RouteShown)> =
        rows.into_iter().skip(offset).take(whole(asked, "limit", LIMIT).min(MOST)).collect();
    add_sparklines(&mut shown, &question, view, steps)?;
    let command = CommandWords::new("report", reader.site()).window(question.window);
    let against = before.map(|before| {
        format!("{} to {}", question.zone.told_clock(before.from), question.zone.told_clock(before.until))
    });
    let rows = shown.into_iter().map(|(_, row)| row).collect();
    Reply::json(&RouteList { routes, offset, rows, against, all, command: Some(command.flag("--sort sum").typed()) })
}

fn whole(asked: &Asked, name: &str, usual: usize) -> usize {
    asked.value(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// As long a window before the one asked for, or what there is of it.
fn window_before(question: &PageQuestion) -> Option<Window> {
    let (window, known) = (question.window, question.known?);
    let length = window.until.0.saturating_sub(window.from.0);
    let from = Timestamp(window.from.0.saturating_sub(length)).max(known.from);
    let before = Window { from, until: window.from };
    (before.until.0.saturating_sub(from.0) >= length / LEAST_BEFORE).then_some(before)
}

/// By how much the time of each route's requests changed, what was before scaled to the same length.
fn changes_of(
    now: &[(RouteId, Cell)],
    then: &[(RouteId, Cell)],
    window: Window,
    before: Window,
) -> BTreeMap<RouteId, i64> {
    let mut sums: BTreeMap<RouteId, RouteSums> = BTreeMap::new();
    for (route, cell) in now {
        sums.entry(*route).or_default().window = side_of(cell);
    }
    for (route, cell) in then {
        sums.entry(*route).or_default().baseline = side_of(cell);
    }
    let length = |window: Window| window.until.0.saturating_sub(window.from.0).unsigned_abs();
    let change = Change::new(&Vec::from_iter(sums), length(window), length(before));
    change.routes.into_iter().map(|route| (route.route, route.change_ms)).collect()
}

fn side_of(cell: &Cell) -> SideSums {
    let latency = timed(cell);
    SideSums { count: latency.count(), total_ms: latency.sum_ms(), slow: cell.slow, ..SideSums::default() }
}

/// How much of the window has been.
fn seconds_of(question: &PageQuestion, now: Timestamp) -> f64 {
    let until = question.window.until.min(now.max(question.window.from));
    (until.0.saturating_sub(question.window.from.0).max(1_000) as f64) / 1_000.0
}

fn row_of(cell: &Cell, seconds: f64, all_ms: u64) -> RouteShown {
    let latency = timed(cell);
    let quantiles = latency.quantiles([Quantile::per_mille(500), Quantile::per_mille(990)]);
    let [p50_ms, p99_ms] = quantiles.map_or([None; 2], |found| found.map(Some));
    let [_, _, _, _, errors] = cell.status;
    RouteShown {
        requests: cell.requests,
        rate: (cell.requests as f64 / seconds * 1_000.0).round() / 1_000.0,
        p50_ms,
        p99_ms,
        max_ms: (!latency.is_empty()).then(|| latency.max_ms()),
        total_ms: latency.sum_ms(),
        share: (latency.sum_ms() as f64 / all_ms.max(1) as f64 * 10_000.0).round() / 10_000.0,
        slow: cell.slow,
        errors,
        ..RouteShown::default()
    }
}

fn totals_of_all(totals: &[(RouteId, Cell)], seconds: f64, change_ms: Option<i64>) -> RouteShown {
    let mut all = Cell::default();
    let mut total_ms = 0u64;
    for (_, cell) in totals {
        total_ms = total_ms.saturating_add(timed(cell).sum_ms());
        all.merge(cell);
    }
    RouteShown { total_ms, share: 1.0, change_ms, ..row_of(&all, seconds, total_ms) }
}

/// The rows in the order asked for; those that are alike by their time, then by name. Monitoring comes last.
fn sort_rows(rows: &mut [(RouteId, RouteShown)], by: &str) {
    rows.sort_by_cached_key(|(_, row)| {
        let first = match by {
            "total" => row.total_ms,
            "requests" => row.requests,
            "p50" => row.p50_ms.unwrap_or(0),
            "p99" => row.p99_ms.unwrap_or(0),
            "errors" => row.errors,
            "name" => 0,
            _ => row.change_ms.map_or(row.total_ms, i64::unsigned_abs),
        };
        let second = if by == "name" { 0 } else { row.total_ms };
        (row.probe, Reverse(first), Reverse(second), row.name.clone())
    });
}

/// The cells of the window.
struct WindowCells {
    totals: Vec<(RouteId, Cell)>,
    /// By step of a course, where they were read so.
    steps: Option<Vec<(Timestamp, RouteId, Cell)>>,
}

impl WindowCells {
    /// Of a long window those of steps, which add up to the totals: both are made of hours. Of a short one, or of many routes, totals alone.
    fn read(question: &PageQuestion, view: &View) -> Result<WindowCells> {
        let step = course_step(question, view);
        let is_of_hours = step.as_secs() > 0 && step.as_secs().is_multiple_of(3_600);
        if !is_of_hours || view.routes().len() > ROUTES_AT_ONCE {
            return Ok(WindowCells { totals: view.totals(question.window, None)?, steps: None });
        }
        let steps = view.steps(question.window, step, None)?;
        let mut totals: BTreeMap<RouteId, Cell> = BTreeMap::new();
        for (_, route, cell) in &steps {
            totals.entry(*route).or_default().merge(cell);
        }
        Ok(WindowCells { totals: totals.into_iter().collect(), steps: Some(steps) })
    }
}

fn course_step(question: &PageQuestion, view: &View) -> Duration {
    step_for(question.window, view.settings().interval, STEPS)
}

/// The course of each route's p99, of cells that were read already or of those of the routes that are shown.
fn add_sparklines(
    shown: &mut [(RouteId, RouteShown)],
    question: &PageQuestion,
    view: &View,
    steps: Option<Vec<(Timestamp, RouteId, Cell)>>,
) -> Result<()> {
    let step = course_step(question, view);
    // Series are read by name only: what was read without naming any lacks them.
    let unread = shown.iter().filter(|(_, row)| row.probe || steps.is_none());
    let routes: Vec<RouteId> = unread.map(|(route, _)| *route).collect();
    let mut cells = steps.unwrap_or_default();
    if !routes.is_empty() {
        cells.extend(view.steps(question.window, step, Some(&routes))?);
    }
    let mut courses: BTreeMap<RouteId, BTreeMap<Timestamp, u64>> = BTreeMap::new();
    for (start, route, cell) in cells {
        if let Some(p99) = timed(&cell).quantile(Quantile::per_mille(990)) {
            courses.entry(route).or_default().insert(start, p99);
        }
    }
    for (route, row) in shown {
        let course = courses.remove(route).unwrap_or_default();
        let mut values = Vec::new();
        let mut at = question.window.from.slot(step);
        while at < question.window.until && values.len() <= 2 * STEPS {
            values.push(course.get(&at).copied());
            at = at.plus(step.max(Duration::from_millis(1)));
        }
        row.spark = sparkline(&values);
    }
    Ok(())
}
