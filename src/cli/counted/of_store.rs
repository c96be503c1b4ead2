//! What was counted over the store: whole slots from their cells, what a window cuts off a slot from the lines; all of it from the lines
//! where the histograms cannot answer.

use std::collections::HashMap;
use std::sync::Arc;

use super::grouped::{GroupedCells, PlacedByFormat};
use super::pictured::{CountedPictures, PictureCounts, pictures_of_slots, threshold_of_all};
use super::series_refusals::refuse_attempts_twice;
use super::{CountedRows, CountingQuestion, Rows};
use crate::cli::answer::completeness;
use crate::cli::answer::names::wanted_routes;
use crate::cli::answer::output::{say, say_all};
use crate::cli::answer::untimed::say_untimed_logs;
use crate::cli::config::Config;
use crate::cli::input::context::Context;
use crate::cli::input::stored_lines::StoredLines;
use crate::error::Result;
use crate::histogram::{Cell, Time};
use crate::pipeline::{CountedBy, Filter, asks_for_members};
use crate::record::{GroupingFields, RequestField};
use crate::route::RouteId;
use crate::store::View;

/// The rows of the window.
pub(in crate::cli) fn rows_of_store(
    view: &View,
    context: &Context,
    question: &CountingQuestion<'_>,
) -> Result<CountedRows> {
    let CountingQuestion { filter, by, .. } = *question;
    let by_fields = by != [RequestField::Route];
    refuse_attempts_twice(view, filter, by)?;
    let mut lines = StoredLines::new(context, view, &question.files.format)?.asking(filter)?;
    if by_fields {
        let wanted = by.to_vec();
        lines = lines.reading(Arc::new(move |format| GroupingFields::of_format(&wanted, format).needs()));
    }
    let by_request = by_fields || filter.asks_for_requests();
    let by_others = lines.counted_by(filter)? == CountedBy::Others;
    let mut answer = match by_request || by_others {
        true => from_lines(&mut lines, question, context.config()?)?,
        false => from_cells(view, &mut lines, filter)?,
    };
    if by_others && !by_request && !answer.missing.is_empty() {
        // Then what was counted says more, if by the rules of then.
        let what =
            "routes and thresholds are those by which the lines were counted: [[route]] or [slow] were others then";
        say(what);
        let counted = from_cells(view, &mut lines, filter)?;
        answer.missing.push(what.to_owned());
        answer.missing.extend(counted.missing);
        answer = CountedRows { missing: answer.missing, ..counted };
    }
    if question.pictured && answer.pictures.is_none() {
        let routes = (!filter.routes.is_empty()).then(|| wanted_routes(view, filter));
        answer.pictures = Some(pictures_of_slots(view, answer.window, &[], routes.as_deref(), context.config()?)?);
    }
    lines.say_unknown(filter)?;
    say_untimed_logs(view);
    let expired = view.totals_expired_before(answer.window);
    let missing = completeness::missing(view, answer.window, expired, context.now)?;
    say_all(&missing);
    answer.missing.extend(missing);
    Ok(answer)
}

/// Every request of the window that the filter lets through, counted again.
fn from_lines(lines: &mut StoredLines<'_>, question: &CountingQuestion<'_>, config: &Config) -> Result<CountedRows> {
    let CountingQuestion { filter, by, .. } = *question;
    let window = filter.window;
    let blocks = lines.blocks(filter)?;
    if let Some(too_much) = StoredLines::too_much(&blocks) {
        say(&too_much);
        let pictures = Some(CountedPictures::default());
        return Ok(CountedRows { rows: Rows::new(), missing: vec![too_much], window, span: None, pictures });
    }
    let mut drawn = question.pictured.then(|| PictureCounts::new(None));
    say("from the lines of the logs that the store knows");
    let (mut cells, mut placed, mut by_upstream) = (GroupedCells::default(), PlacedByFormat::default(), false);
    let missing = lines.scan(&blocks, filter, |line| {
        by_upstream |= line.seen.record.by_upstream;
        if let Some(drawn) = &mut drawn {
            drawn.count(line.seen);
        }
        placed.count_line(by, line, &mut cells, question.upstreams);
    })?;
    if by_upstream {
        say("note: where a log has no $request_time, its times are those of $upstream_response_time");
    }
    placed.conclude(by)?;
    let rows = cells.into_rows(by, |route| lines.route_name(route));
    let pictures = drawn.map(|drawn| drawn.finish(window, &lines.with.routes, threshold_of_all(config)));
    Ok(CountedRows { rows, missing, window, span: None, pictures })
}

/// Where no request of a route has a time but the upstream's, that one is reported, as over files; whether that is so.
fn time_by_upstream(cell: &mut Cell) -> bool {
    let upstream = cell.time(Time::UpstreamResponse).clone();
    let stands_in = cell.time(Time::Request).is_empty() && !upstream.is_empty();
    if stands_in {
        *cell.time_mut(Time::Request) = upstream;
    }
    stands_in
}

/// What the cells of the window's slots add up to.
fn from_cells(view: &View, lines: &mut StoredLines<'_>, filter: &Filter) -> Result<CountedRows> {
    let wanted = (!filter.routes.is_empty()).then(|| wanted_routes(view, filter));
    let interval = view.settings().interval.as_secs();
    let edges = if lines.cuts_slots(filter.window) { "; what the window cuts off them, from the lines" } else { "" };
    say(&format!("from the store, in whole slots of {interval} s{edges}"));
    let totals = lines.totals(filter.window, wanted.as_deref())?;
    let mut cells: HashMap<RouteId, Cell> = totals.cells.into_iter().collect();
    let mut rows: Rows = Vec::new();
    let (mut by_upstream, mut timed) = (0, 0);
    for (id, name) in view.routes().into_iter().chain(view.members()) {
        if let Some(mut cell) = cells.remove(&id) {
            by_upstream += usize::from(time_by_upstream(&mut cell));
            timed += usize::from(!cell.time(Time::Request).is_empty());
            rows.push((vec![name.to_owned()], cell));
        }
    }
    match by_upstream {
        0 => {}
        _ if asks_for_members(view, filter) => {
            say("note: the times of attempts at an upstream are their own $upstream_response_time");
        }
        all if all == timed => {
            say("note: all times are those of $upstream_response_time: the logs have no $request_time")
        }
        some => say(&format!(
            "note: the times of {some} routes are those of $upstream_response_time: their logs have no other"
        )),
    }
    Ok(CountedRows { rows, missing: totals.missing, window: totals.window, span: None, pictures: None })
}
