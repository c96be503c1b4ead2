//! What was counted over files: every line is read, each file once, by several threads.

use super::grouped::{GroupedCells, KeptGroups, OTHER, check_fields, say_attempts};
use super::pictured::{PictureQuestion, WithPictures, threshold_of_all};
use super::series_refusals::refuse_attempts_of_series;
use super::{CountedRows, CountingQuestion, Rows};
use crate::cli::answer::output::say;
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::Result;
use crate::grammar::Reject;
use crate::histogram::Cell;
use crate::pipeline::batch::BlockTally;
use crate::pipeline::check_where;
use crate::pipeline::{Filter, Interpreting, RouteFilter, SeenLine};
use crate::record::{GroupingFields, RequestField};
use crate::route::RouteId;
use crate::time::{Timestamp, Window};

/// The rows of files.
pub(in crate::cli) fn rows_of_files(context: &Context, question: &CountingQuestion<'_>) -> Result<CountedRows> {
    let CountingQuestion { filter, by, .. } = question;
    let files = Files::open(context, question.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?.asking(filter);
    check_where(&filter.conditions, &files.formats)?;
    refuse_attempts_of_series(with.names_series(filter), by)?;
    check_fields(by, files.formats.iter().map(|format| &**format))?;
    say_attempts(by, files.formats.iter().map(|format| &**format));
    let (mut tallies, kept) = (Vec::new(), KeptGroups::default());
    let drawn = PictureQuestion { filter: (*filter).clone(), compared: None };
    let drawn = question.pictured.then_some(&drawn);
    for _ in 0..question.threads {
        let tally = CountingTally {
            by_value: GroupedCells::of_thread(&kept),
            upstreams: question.upstreams,
            ..CountingTally::new(&files, &with, filter, by)?
        };
        tallies.push(WithPictures::new(tally, &files, &with, drawn)?);
    }
    let names = files.names.clone();
    let timed = files.timed();
    let mut missing = files.run(&mut tallies);
    let (tallies, counts) = WithPictures::part(tallies);
    let threshold_ms = threshold_of_all(context.config()?);
    let pictures = counts.map(|counts| counts.finish(filter.window, &with.routes, threshold_ms));
    let mut tallies = tallies.into_iter();
    let Some(mut whole) = tallies.next() else {
        return Ok(CountedRows { rows: Rows::new(), missing, window: filter.window, span: None, pictures });
    };
    for tally in tallies {
        whole.merge(tally);
    }
    whole.rejects.say(&names);
    missing.extend(whole.rejects.missing_times(&names, &timed));
    missing.extend(whole.rejects.missing(&names));
    let span = whole.span;
    let rows = whole.into_rows(&with);
    if by == &[RequestField::Route] && with.routes.overflow() > 0 {
        say_overflow(&rows);
    }
    Ok(CountedRows { rows, missing, window: filter.window, span, pictures })
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
struct CountingTally {
    workers: Workers,
    /// Whether upstream times are counted as well.
    upstreams: bool,
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
    /// From the first end of a request to the last.
    span: Option<Window>,
}

impl CountingTally {
    fn new(files: &Files, with: &Interpreting, filter: &Filter, by: &[RequestField]) -> Result<CountingTally> {
        let mut fields = Vec::new();
        if by != [RequestField::Route] {
            fields.extend(files.formats.iter().map(|format| GroupingFields::of_format(by, format)));
        }
        let wanted = by.to_vec();
        Ok(CountingTally {
            upstreams: false,
            workers: Workers::new(files, with, move |format| GroupingFields::of_format(&wanted, format).needs())?,
            filter: filter.clone(),
            routes: RouteFilter::default(),
            with: with.clone(),
            by: by.to_vec(),
            fields,
            by_route: Vec::new(),
            by_value: GroupedCells::default(),
            rejects: RejectedLines::default(),
            span: None,
        })
    }

    fn merge(&mut self, other: CountingTally) {
        self.rejects.merge(&other.rejects);
        if let Some(Window { from, until }) = other.span {
            widen(&mut self.span, from);
            widen(&mut self.span, until);
        }
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

/// Let the span reach to `time`.
#[inline]
fn widen(span: &mut Option<Window>, time: Timestamp) {
    let reached = span.get_or_insert(Window { from: time, until: time });
    reached.from = reached.from.min(time);
    reached.until = reached.until.max(time);
}

impl BlockTally for CountingTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let CountingTally {
            workers, upstreams, filter, routes, with, fields, by_route, by_value, rejects, span, ..
        } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let (fields, upstreams, members) = (fields.get(file), *upstreams, with.names_series(filter));
        let mut counting =
            LineCounting { filter, routes, with, fields, upstreams, by_route, by_value, span, lines: 0, untimed: 0 };
        let mut take = |line: SeenLine<'_>| {
            let at = offset + line.at as u64;
            if let Err(reject) = counting.take(&line) {
                rejects.reject(file, at, reject);
            }
        };
        if members {
            interpreter.read_block_as(bytes, true, take);
        } else {
            interpreter.read_block_inlined(bytes, |at, line, seen, values| {
                take(SeenLine { at, line, seen, values, is_member: false });
            });
        }
        let LineCounting { lines, untimed, .. } = counting;
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        rejects.count_block(file, ReadBlock { end, length, lines, untimed });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.rejects.count_long_line(file, offset, length);
    }
}

/// What the lines of a block are counted into.
struct LineCounting<'t> {
    filter: &'t Filter,
    routes: &'t mut RouteFilter,
    with: &'t Interpreting,
    fields: Option<&'t GroupingFields>,
    upstreams: bool,
    by_route: &'t mut Vec<Cell>,
    by_value: &'t mut GroupedCells,
    span: &'t mut Option<Window>,
    lines: u64,
    untimed: u64,
}

impl LineCounting<'_> {
    /// Count a line, or hand back why it is none.
    #[inline(always)]
    fn take(&mut self, line: &SeenLine<'_>) -> std::result::Result<(), Reject> {
        self.lines += u64::from(!line.is_member);
        let seen = line.seen?;
        self.untimed += u64::from(!line.is_member && seen.record.request_time_ms.is_none());
        if !self.filter.keeps(seen) || !self.routes.keeps(self.filter, &seen.matched, &self.with.routes) {
            return Ok(());
        }
        widen(self.span, seen.record.end);
        if let Some(fields) = self.fields {
            self.by_value.count(fields, seen, &line.values, self.upstreams);
            return Ok(());
        }
        let at = seen.matched.id.0 as usize;
        if self.by_route.len() <= at {
            self.by_route.resize_with(at + 1, Cell::default);
        }
        if let Some(cell) = self.by_route.get_mut(at) {
            seen.count_into(cell);
            if self.upstreams {
                seen.count_upstreams(cell, false);
            }
        }
        Ok(())
    }
}
