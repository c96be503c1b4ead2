//! `spikeline report`: latency per route, over files or the store's window.

mod grouped;
mod of_store;

use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::rejects::RejectedLines;
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::ReportArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::grammar::{Reject, RejectReason};
use crate::histogram::Cell;
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, Interpreting, RouteFilter};
use crate::record::{GroupingFields, RequestField};
use crate::report::latency::{LatencyReport, Sort};
use crate::report::{Report, write};
use crate::route::RouteId;
use crate::store::WindowMatch;
use crate::time::Window;

use grouped::{GroupedCells, OTHER, check_fields, fields_of, names_of, say_attempts};

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
    let by = names_of(&arguments.by);
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

/// Of each row what it is of, by the fields of `--by`, and what was counted.
type Rows = Vec<(Vec<String>, Cell)>;

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
    let by = fields_of(&arguments.by)?;
    check_fields(&by, files.formats.iter().map(|format| &**format))?;
    say_attempts(&by, files.formats.iter().map(|format| &**format));
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
    if by == [RequestField::Route] && with.routes.overflow() > 0 {
        say_overflow(&rows);
    }
    Ok(LatencyRows { rows, missing, window })
}

/// Says how many requests have no route of their own, since `routes_max` was reached.
fn say_overflow(rows: &Rows) {
    for (name, cell) in rows {
        if *name == [OTHER] {
            return say(&format!("{} requests are in `other`: there are more routes than routes_max", cell.requests));
        }
    }
}

/// Counts over whole files, per route or per value of a field.
struct ReportTally {
    workers: Workers,
    filter: Filter,
    routes: RouteFilter,
    with: Interpreting,
    by: Vec<RequestField>,
    /// The same as each file has them; none by route alone.
    fields: Vec<GroupingFields>,
    /// By number; a route that only others met is empty.
    by_route: Vec<Cell>,
    by_value: GroupedCells,
    rejects: RejectedLines,
}

impl ReportTally {
    fn new(files: &Files, with: &Interpreting, filter: &Filter, by: &[RequestField]) -> Result<ReportTally> {
        let mut fields = Vec::new();
        if by != [RequestField::Route] {
            fields.extend(files.formats.iter().map(|format| GroupingFields::of_format(by, format)));
        }
        let wanted = by.to_vec();
        Ok(ReportTally {
            workers: Workers::new(files, with, move |format| GroupingFields::of_format(&wanted, format).needs())?,
            filter: filter.clone(),
            routes: RouteFilter::default(),
            with: with.clone(),
            by: by.to_vec(),
            fields,
            by_route: Vec::new(),
            by_value: GroupedCells::default(),
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
        self.by_value.merge(other.by_value);
    }

    fn into_rows(self, with: &Interpreting) -> Rows {
        let mut rows = Vec::new();
        for (id, cell) in (0..).zip(self.by_route) {
            if cell.requests > 0
                && let Some(name) = with.routes.name(RouteId(id))
            {
                rows.push((vec![name.to_string()], cell));
            }
        }
        let route_name = |id| with.routes.name(id).map(|name| name.to_string()).unwrap_or_default();
        rows.extend(self.by_value.into_rows(&self.by, route_name));
        rows
    }
}

impl BlockTally for ReportTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let ReportTally { workers, filter, routes, with, fields, by_route, by_value, rejects, .. } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let fields = fields.get(file);
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
            if let Some(fields) = fields {
                return by_value.count(fields, seen, &values);
            }
            let at = seen.matched.id.0 as usize;
            if by_route.len() <= at {
                by_route.resize_with(at + 1, Cell::default);
            }
            if let Some(cell) = by_route.get_mut(at) {
                seen.count_into(cell);
            }
        });
        rejects.count_block(file, lines, untimed);
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, _length: u64) {
        self.rejects.count_block(file, 1, 0);
        self.rejects.reject(file, offset, Reject { column: 1, reason: RejectReason::LineTooLong });
    }
}
