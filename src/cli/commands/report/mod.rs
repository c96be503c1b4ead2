//! `spikeline report`: latency per route, over files or the store's window.

mod of_store;

use std::collections::HashMap;

use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::rejects::RejectedLines;
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::ReportArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::grammar::{Format, Reject, RejectReason};
use crate::histogram::Cell;
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, Interpreting, RouteFilter};
use crate::record::{Needs, Record};
use crate::report::latency::{LatencyReport, Sort};
use crate::report::{Report, write};
use crate::route::RouteId;
use crate::store::WindowMatch;
use crate::time::Window;

/// At most this many distinct values of a `--by` field are kept apart; the rest is counted as `other`.
const VALUES_MAX: usize = 10_000;

/// What is over a cap, of routes or of values, is counted under this name.
const OTHER: &str = "other";

pub(super) fn report(context: &Context, arguments: &ReportArguments) -> Result<Answer> {
    let sort: Sort = arguments.sort.parse().map_err(Error::usage)?;
    let from_store = arguments.files.files.is_empty();
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let mut filter = window::filter(&arguments.filter, window, WindowMatch::End)?;
    if filter.routes.is_empty() {
        filter.routes.clone_from(&context.config()?.report.routes);
    }
    let mut view = None;
    let LatencyRows { rows, missing, window } = if from_store {
        of_store::rows_of_store(view.insert(context.view()?), context, arguments, &filter)?
    } else {
        of_files(context, arguments, filter)?
    };
    let found = !rows.is_empty();
    let by = arguments.by.trim_start_matches('$').to_owned();
    let report = LatencyReport { by, sort, limit: arguments.limit, window: shown(window) };
    let report = Report { missing, ..report.tabulate(rows) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out))?;
    written(std::io::Write::flush(&mut out))?;
    if let Some(view) = &view {
        completeness::conclude(view, &report.missing);
    }
    Ok(Answer::from_found(found, &report.missing))
}

type Rows = Vec<(String, Cell)>;

/// An answer.
struct LatencyRows {
    rows: Rows,
    /// What could not be read.
    missing: Vec<String>,
    /// The window that it is for.
    window: Window,
}

fn of_files(context: &Context, arguments: &ReportArguments, filter: Filter) -> Result<LatencyRows> {
    let window = filter.window;
    let files = Files::open(context, &arguments.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?;
    let by = Group::parse(&arguments.by);
    let mut tallies = Vec::new();
    for _ in 0..arguments.threads.count() {
        tallies.push(ReportTally::new(&files, &with, &filter, &by)?);
    }
    let names = files.names.clone();
    let timed = files.timed();
    let mut missing = files.run(&mut tallies);
    let mut tallies = tallies.into_iter();
    let Some(mut whole) = tallies.next() else { return Ok(LatencyRows { rows: Vec::new(), missing, window }) };
    for tally in tallies {
        whole.merge(tally);
    }
    whole.rejects.say(&names);
    whole.rejects.say_untimed(&names, &timed);
    missing.extend(whole.rejects.missing(&names));
    let rows = whole.into_rows(&with);
    if by == Group::Route && with.routes.overflow() > 0 {
        say_overflow(&rows);
    }
    Ok(LatencyRows { rows, missing, window })
}

/// Says how many requests have no route of their own, since `routes_max` was reached.
fn say_overflow(rows: &Rows) {
    for (name, cell) in rows {
        if name == OTHER {
            return say(&format!("{} requests are in `other`: there are more routes than routes_max", cell.requests));
        }
    }
}

/// What a report groups by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Group {
    Route,
    Method,
    Status,
    Host,
    Target,
    Variable(String),
}

impl Group {
    fn parse(name: &str) -> Group {
        match name.trim_start_matches('$') {
            "route" => Group::Route,
            "method" => Group::Method,
            "status" => Group::Status,
            "host" => Group::Host,
            "target" => Group::Target,
            other => Group::Variable(other.to_owned()),
        }
    }

    fn needs(&self, format: &Format) -> Needs {
        let mut needs = Needs::latency();
        match self {
            Group::Host => needs.host = true,
            Group::Variable(name) => needs.variables.extend(format.index_of(name)),
            _ => {}
        }
        needs
    }
}

/// Counts over whole files, per route or per value of a field.
struct ReportTally {
    workers: Workers,
    filter: Filter,
    routes: RouteFilter,
    with: Interpreting,
    by: Group,
    /// The variable's index in each file's format, for [`Group::Variable`].
    variables: Vec<Option<usize>>,
    /// By number; a route that only others met is empty.
    by_route: Vec<Cell>,
    by_value: HashMap<Vec<u8>, Cell>,
    rejects: RejectedLines,
}

impl ReportTally {
    fn new(files: &Files, with: &Interpreting, filter: &Filter, by: &Group) -> Result<ReportTally> {
        let mut variables = Vec::new();
        for format in &files.formats {
            let Group::Variable(name) = by else { break };
            variables.push(format.index_of(name));
        }
        if let Group::Variable(name) = by
            && variables.iter().all(Option::is_none)
        {
            let mut known = Vec::new();
            for format in &files.formats {
                for variable in format.variables() {
                    known.push(variable.name.as_str());
                }
            }
            let error = Error::usage(format!("--by {name}: the log has no ${name}"));
            return Err(error.remedy(format!("it has {}", known.join(", "))));
        }
        let group = by.clone();
        Ok(ReportTally {
            workers: Workers::new(files, with, move |format| group.needs(format))?,
            filter: filter.clone(),
            routes: RouteFilter::default(),
            with: with.clone(),
            by: by.clone(),
            variables,
            by_route: Vec::new(),
            by_value: HashMap::new(),
            rejects: RejectedLines::default(),
        })
    }

    fn merge(&mut self, other: ReportTally) {
        self.rejects.merge(&other.rejects);
        if self.by_route.len() < other.by_route.len() {
            self.by_route.resize_with(other.by_route.len(), Cell::default);
        }
        for (own, other) in self.by_route.iter_mut().zip(&other.by_route) {
            own.merge(other);
        }
        for (value, cell) in other.by_value {
            cell_of(&mut self.by_value, &value).merge(&cell);
        }
    }

    fn into_rows(self, with: &Interpreting) -> Rows {
        let mut rows = Vec::new();
        for (id, cell) in (0..).zip(self.by_route) {
            if cell.requests > 0
                && let Some(name) = with.routes.name(RouteId(id))
            {
                rows.push((name.to_string(), cell));
            }
        }
        for (value, cell) in self.by_value {
            rows.push((String::from_utf8_lossy(&value).into_owned(), cell));
        }
        rows
    }
}

/// The cell of a value; over the limit, that of `other`.
fn cell_of<'c>(cells: &'c mut HashMap<Vec<u8>, Cell>, value: &[u8]) -> &'c mut Cell {
    if !cells.contains_key(value) {
        let key = if cells.len() < VALUES_MAX { value } else { OTHER.as_bytes() };
        return cells.entry(key.to_vec()).or_default();
    }
    cells.entry(value.to_vec()).or_default()
}

/// The cell of a record's value of the field that is grouped by.
#[inline(never)]
fn cell_of_group<'c>(
    cells: &'c mut HashMap<Vec<u8>, Cell>,
    by: &Group,
    record: &Record<'_>,
    variable: Option<&[u8]>,
) -> &'c mut Cell {
    let mut status = [0; 3];
    let value = match by {
        Group::Method => record.method,
        Group::Status => digits(record.status, &mut status),
        Group::Host => record.host.unwrap_or(b"-"),
        Group::Target => record.target,
        Group::Route | Group::Variable(_) => variable.unwrap_or(b"-"),
    };
    cell_of(cells, value)
}

impl BlockTally for ReportTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let ReportTally { workers, filter, routes, with, by, variables, by_route, by_value, rejects } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let variable = variables.get(file).copied().flatten();
        let (mut lines, mut untimed) = (0, 0);
        interpreter.read_block(bytes, |at, _, seen, values| {
            lines += 1;
            let seen = match seen {
                Ok(seen) => seen,
                Err(reject) => return rejects.reject(file, offset + at as u64, reject),
            };
            untimed += u64::from(seen.record.request_time_ms.is_none());
            if !filter.keeps(seen) || !routes.keeps(filter, seen.matched.id, &with.routes) {
                return;
            }
            let cell = if *by == Group::Route {
                let at = seen.matched.id.0 as usize;
                if by_route.len() <= at {
                    by_route.resize_with(at + 1, Cell::default);
                }
                let Some(cell) = by_route.get_mut(at) else { return };
                cell
            } else {
                let variable = variable.and_then(|variable| values.value(variable));
                cell_of_group(by_value, by, &seen.record, variable)
            };
            seen.count_into(cell);
        });
        rejects.count_block(file, lines, untimed);
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, _length: u64) {
        self.rejects.count_block(file, 1, 0);
        self.rejects.reject(file, offset, Reject { column: 1, reason: RejectReason::LineTooLong });
    }
}

fn digits(status: Option<u16>, into: &mut [u8; 3]) -> &[u8] {
    let Some(status) = status else { return b"-" };
    for (digit, power) in into.iter_mut().zip([100, 10, 1]) {
        *digit = b'0' + u8::try_from(status / power % 10).unwrap_or(0);
    }
    into
}
