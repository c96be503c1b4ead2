//! What `top` shows, read from the store.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::answer::window::span_of_slots;
use crate::cli::counted::refuse_members;
use crate::cli::input::context::NamedFiles;
use crate::cli::input::interpreters::with_routes;
use crate::error::Result;
use crate::histogram::{Cell, Quantile};
use crate::pipeline::{
    Filter, WindowLacks, newest_rules, other_rules_until, other_rules_words, retrieve, wanted_routes, window_lacks,
};
use crate::report::picture::{step_for, timed};
use crate::report::{LiveRoutes, LiveRow};
use crate::route::RouteId;
use crate::screen::{LiveOrder, OpenRoute, SlowLineShown};
use crate::store::{Entry, EntryQuery, KeepReasons, Locator, View, WindowMatch};
use crate::time::{NamedZone, Timestamp, Window};

/// A log without a request for so long is shown as it was, and that is said.
const QUIET: Duration = Duration::from_secs(15 * 60);

/// A course has so many steps at most.
const STEPS: usize = 40;

/// So many routes have one: a screen has fewer rows.
const MOST_COURSES: usize = 400;

/// So many slow requests of a route are listed.
const MOST_LINES: usize = 200;

/// What is wanted.
pub(super) struct LiveQuestion<'q> {
    /// What the command line named: the rules of now are read anew where those of then were others.
    pub(super) named: NamedFiles,
    /// How long the window is.
    pub(super) last: Duration,
    /// Only these routes.
    pub(super) routes: &'q [String],
    pub(super) order: LiveOrder,
    pub(super) now: Timestamp,
}

impl LiveQuestion<'_> {
    /// The routes of the window, in their order.
    pub(super) fn read(&self, view: &View, missing: Vec<String>) -> Result<LiveRoutes> {
        let read_until = view.read_until();
        let mut live = LiveRoutes { read_until, missing, ..LiveRoutes::default() };
        let Some(window) = self.window(view, &mut live) else { return Ok(live) };
        let WindowLacks { missing, notes } = window_lacks(view, window, view.expired_before(window), self.now)?;
        live.missing.extend(missing);
        live.notes.extend(notes);
        live.window = Some(window);
        let filter = Filter { routes: self.routes.to_vec(), ..Filter::all() };
        refuse_members(view, &filter, "top")?;
        match self.other_rules(view, &filter, window) {
            Ok(words) => live.missing.extend(words),
            // Who may read the store may not be who may read nginx.conf.
            Err(error) => {
                live.notes.push(format!("whether other rules counted some of it is not known: {}", error.what()))
            }
        }
        let wanted = (!self.routes.is_empty()).then(|| wanted_routes(view, &filter));
        let names: BTreeMap<RouteId, &str> = view.routes().into_iter().chain(view.members()).collect();
        let seconds = window.until.0.saturating_sub(window.from.0) as f64 / 1_000.0;
        let (mut ids, mut all) = (BTreeMap::new(), Cell::default());
        for (id, cell) in view.totals(window, wanted.as_deref())? {
            let Some(name) = names.get(&id) else { continue };
            ids.insert((*name).to_owned(), id);
            all.merge(&cell);
            live.rows.push(LiveRow::new(name, &cell, seconds));
        }
        // Where some logs have no time but the upstream's, all of them together have both.
        let sum_ms = live.rows.iter().map(|row| row.sum_ms).sum();
        live.all = LiveRow { sum_ms, share: 1.0, ..LiveRow::new("all", &all, seconds) };
        for row in &mut live.rows {
            row.share = row.sum_ms as f64 / (sum_ms.max(1)) as f64;
        }
        self.order.sort(&mut live.rows);
        add_courses(&mut live.rows, &ids, view, window)?;
        Ok(live)
    }

    /// What is said of requests that were counted by other rules than those of now: of the configuration, or without one of the newest
    /// lines.
    fn other_rules(&self, view: &View, filter: &Filter, window: Window) -> Result<Option<String>> {
        let Some(first) = view.readings().first() else { return Ok(None) };
        let context = self.named.again();
        let with = with_routes(&context, view)?;
        let now = match context.has_config() {
            true => Some(with.asked_rules(filter)),
            // Mostly all are the same.
            false if view.readings().iter().all(|reading| reading.rules == first.rules) => None,
            false => newest_rules(view, window)?,
        };
        let Some(now) = now else { return Ok(None) };
        Ok(other_rules_until(view, window, now, &with)?.map(other_rules_words))
    }

    /// The window that ends where the logs were read to; where they have been quiet for long, with their last request.
    fn window(&self, view: &View, live: &mut LiveRoutes) -> Option<Window> {
        let interval = view.settings().interval;
        let end = span_of_slots(view).map(|(_, last)| last.plus(interval));
        let mut until = view.read_until().or(end)?.min(self.now);
        if let Some(end) = end
            && end < self.now.minus(QUIET)
        {
            live.quiet_since = Some(end);
            until = end;
        }
        Some(Window { from: until.minus(self.last).slot(interval), until })
    }
}

/// The course of the first routes.
fn add_courses(rows: &mut [LiveRow], ids: &BTreeMap<String, RouteId>, view: &View, window: Window) -> Result<()> {
    let step = step_for(window, view.settings().interval, STEPS);
    let shown: Vec<RouteId> = rows.iter().take(MOST_COURSES).filter_map(|row| ids.get(&row.route).copied()).collect();
    let mut courses: BTreeMap<RouteId, BTreeMap<Timestamp, (Option<u64>, u64)>> = BTreeMap::new();
    for (start, route, cell) in view.steps(window, step, Some(&shown))? {
        let p99_ms = timed(&cell).quantile(Quantile::per_mille(990));
        courses.entry(route).or_default().insert(start.slot(step), (p99_ms, cell.requests));
    }
    for row in rows.iter_mut().take(MOST_COURSES) {
        let Some(course) = ids.get(&row.route).and_then(|id| courses.get(id)) else { continue };
        let mut at = window.from.slot(step);
        while at < window.until && row.course_count.len() <= 2 * STEPS {
            let (p99_ms, count) = course.get(&at).copied().unwrap_or_default();
            row.course_p99_ms.push(p99_ms);
            row.course_count.push(count);
            at = at.plus(step.max(Duration::from_millis(1)));
        }
    }
    Ok(())
}

/// The slow requests of a route in a window, the latest first, with their lines.
pub(super) fn read_lines(view: &View, open: &mut OpenRoute, window: Window, zone: NamedZone) -> Result<()> {
    let of_probe = view.members().into_iter().find(|(_, name)| *name == open.route).map(|(id, _)| id);
    let routes = view.route(&open.route).or(of_probe).into_iter().collect();
    let query = EntryQuery { routes: Some(routes), ..EntryQuery::new(window, WindowMatch::End) };
    let mut entries: Vec<Entry> = view.entries(&query)?;
    entries.retain(|entry| entry.kept.contains(KeepReasons::THRESHOLD));
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.end, entry.locator.offset)));
    open.slow = entries.len();
    entries.truncate(MOST_LINES);
    let locators: Vec<Locator> = entries.iter().map(|entry| entry.locator).collect();
    let mut lines = Vec::new();
    for entry in &entries {
        lines.push(SlowLineShown {
            time: clock(zone, entry.end),
            took_ms: (!entry.kept.contains(KeepReasons::UNTIMED)).then_some(entry.duration_ms),
            status: (entry.status != 0).then_some(entry.status),
            line: "(this line's log is gone)".to_owned(),
        });
    }
    let missing = retrieve::lines(view, &locators, |at, line| {
        if let (Some(shown), Some(line)) = (lines.get_mut(at), line) {
            shown.line = String::from_utf8_lossy(line).into_owned();
        }
    });
    for (shown, entry) in lines.iter_mut().zip(&entries) {
        if missing.unreadable.contains(&entry.locator.generation) {
            "(this line's log cannot be read)".clone_into(&mut shown.line);
        }
    }
    open.missing = missing.messages();
    open.lines = Some(lines);
    Ok(())
}

/// `14:05:20.123`
fn clock(zone: NamedZone, time: Timestamp) -> String {
    let wall = zone.wall_clock(time);
    let of_day = wall.split(' ').nth(1).unwrap_or_default();
    format!("{of_day}.{:03}", time.0.rem_euclid(1_000))
}
