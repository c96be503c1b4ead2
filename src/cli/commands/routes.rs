//! `spikeline routes`: the routes that the store knows.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Write;

use crate::carbon::Naming;
use crate::cli::answer::output::{say, say_all, stdout, style, written};
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::{RouteOrder, RoutesArguments};
use crate::cli::input::context::Context;
use crate::cli::input::settings::destinations;
use crate::error::Result;
use crate::report::{Report, RouteRow, write};
use crate::route::{PROBE_NODE, RouteId, begins_with_node, keeps_name, readable_name};
use crate::store::View;
use crate::time::{Timestamp, Window};

/// What a member of a series is, or a probe's.
const SERIES: &str = "series";

/// A row with what it may be sorted by.
struct RankedRoute {
    row: RouteRow,
    first: Timestamp,
    last: Timestamp,
}

/// Lists them. A window that is asked for counts its own requests; without one, all that the store holds.
pub(super) fn routes(context: &Context, arguments: &RoutesArguments) -> Result<Answer> {
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let view = context.view()?;
    let mut namings = Vec::new();
    for carbon in destinations(context.config()?)? {
        namings.push(carbon.naming);
    }
    completeness::say_unknown(&view, &[], &arguments.route);
    let window = whole_slots(&view, window);
    let mut counts = HashMap::new();
    let members: Vec<RouteId> = view.members().into_iter().map(|(id, _)| id).collect();
    for (id, cell) in view.totals(window, None)?.into_iter().chain(view.totals(window, Some(&members))?) {
        counts.insert(id, cell.requests);
    }
    let mut rows = Vec::new();
    let routes = view.routes();
    let kinds = std::iter::repeat_n("route", routes.len()).chain(std::iter::repeat(SERIES));
    for ((id, name), kind) in routes.into_iter().chain(view.members()).zip(kinds) {
        let requests = counts.get(&id).copied().unwrap_or(0);
        let is_asked_for = arguments.route.is_empty() || keeps_name(&arguments.route, &[name, &*readable_name(name)]);
        if is_asked_for && (requests > 0 || window == Window::ALL) {
            let mut ranked = ranked_route(&view, id, name, requests, &namings);
            ranked.row.kind = if kind == SERIES && begins_with_node(name, PROBE_NODE) { "probe" } else { kind };
            rows.push(ranked);
        }
    }
    sort_rows(&mut rows, arguments.sort);
    rows.truncate(arguments.limit.unwrap_or(usize::MAX));
    let missing = completeness::missing(&view, window, view.totals_expired_before(window), context.now)?;
    say_all(&missing);
    let rows: Vec<RouteRow> = rows.into_iter().map(|ranked| ranked.row).collect();
    let report = Report { missing, ..Report::new(rows, shown(window)) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out).and_then(|()| out.flush()))?;
    completeness::conclude(&view, &report.missing);
    Ok(Answer::from_found(!report.rows.is_empty(), &report.missing))
}

/// The slots that a window reaches into, whole: that is how requests are counted.
fn whole_slots(view: &View, window: Window) -> Window {
    let interval = view.settings().interval;
    let last = window.until.plus_millis(-1).slot(interval);
    let from = if window.from == Window::ALL.from { window.from } else { window.from.slot(interval) };
    let until = if window.until == Window::ALL.until { window.until } else { last.plus(interval) };
    if (Window { from, until }) != window {
        say(&format!("in whole slots of {} s: {from} .. {until}", interval.as_secs()));
    }
    Window { from, until }
}

fn ranked_route(view: &View, id: RouteId, name: &str, requests: u64, namings: &[Naming]) -> RankedRoute {
    let span = view.route_span(id);
    let mut metrics = Vec::new();
    for naming in namings {
        let metric = naming.path_of_route(name);
        if naming.choice.keeps_route(name) && !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    let row = RouteRow {
        route: name.to_owned(),
        name: readable_name(name).into_owned(),
        kind: "route",
        metrics,
        since: span.map(|(first, _)| first.to_string()),
        last_seen: span.map(|(_, last)| last.to_string()),
        requests: Some(requests),
    };
    let (first, last) = span.unwrap_or((Timestamp(i64::MIN), Timestamp(i64::MIN)));
    RankedRoute { row, first, last }
}

/// Equal ones stand by name.
fn sort_rows(rows: &mut [RankedRoute], by: RouteOrder) {
    rows.sort_by(|one, other| one.row.name.cmp(&other.row.name));
    match by {
        RouteOrder::Name => {}
        RouteOrder::Requests => rows.sort_by_key(|ranked| Reverse(ranked.row.requests)),
        RouteOrder::New => rows.sort_by_key(|ranked| Reverse(ranked.first)),
        RouteOrder::Seen => rows.sort_by_key(|ranked| Reverse(ranked.last)),
    }
}
