//! `lines` over the store: from its index where that kept every request that is asked for, else from the blocks that may hold any.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::found_lines::FoundLines;
use super::{Found, cut, of_line, sort_key};
use crate::cli::answer::names::{file_names, route_names, wanted_routes};
use crate::cli::answer::output::{say, say_all};
use crate::cli::args::LinesArguments;
use crate::cli::input::context::Context;
use crate::cli::input::stored_lines::StoredLines;
use crate::error::Result;
use crate::pipeline::retrieve::MissingLines;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{CountedBy, Filter, RoutedRecord, all_kept, asks_beside_routes, asks_for_members, retrieve};
use crate::report::count;
use crate::store::{Entry, EntryQuery, KeepReasons, Locator, View};

/// The lines of the window, and what could not be read.
///
/// Without a condition on requests those are meant that the index keeps: the slow ones, errors, the slowest. With one, all are
/// meant that it lets through, kept or not.
pub(super) fn lines_of_store(
    view: &View,
    context: &Context,
    arguments: &LinesArguments,
    filter: &Filter,
) -> Result<(FoundLines, Vec<String>)> {
    let mut lines = StoredLines::new(context, view, &arguments.files.format)?.asking(filter)?;
    let answer = choose_lines(&mut lines, view, context, arguments, filter)?;
    lines.say_unknown(filter)?;
    if !asks_for_members(view, filter) {
        say_by_upstream(&answer.0);
    } else if answer.0.by_upstream > 0 {
        say("note: an attempt at an upstream took its own $upstream_response_time");
    }
    Ok(answer)
}

fn choose_lines(
    lines: &mut StoredLines<'_>,
    view: &View,
    context: &Context,
    arguments: &LinesArguments,
    filter: &Filter,
) -> Result<(FoundLines, Vec<String>)> {
    if arguments.all {
        return from_lines(view, lines, arguments, filter, |_, _| true);
    }
    let counted_by = lines.counted_by(filter)?;
    if !filter.asks_for_requests() {
        if counted_by != CountedBy::Others {
            return from_index(view, arguments, filter);
        }
        return kept_by_rules_of_now(view, lines, arguments, filter, context.config()?.slow.server_errors);
    }
    if counted_by != CountedBy::Others && all_kept(view, filter)? {
        return from_index(view, arguments, filter);
    }
    if let Some(too_much) = StoredLines::too_much(&lines.blocks(filter)?) {
        let too_much = format!("{too_much}, or --all");
        say(&too_much);
        let (found, mut missing) = from_index(view, arguments, filter)?;
        missing.push(too_much);
        return Ok((found, missing));
    }
    from_lines(view, lines, arguments, filter, |_, _| true)
}

/// Says of which times the lines are that have no `$request_time`.
fn say_by_upstream(found: &FoundLines) {
    let FoundLines { by_upstream, count, .. } = found;
    if *by_upstream > 0 {
        let of = if by_upstream == count { "all".to_owned() } else { format!("{by_upstream} of {count}") };
        say(&format!("note: {of} are of logs without $request_time: how long they took is $upstream_response_time"));
    }
}

/// What the index keeps of the window. No more raw lines are read than are printed.
fn from_index(view: &View, arguments: &LinesArguments, filter: &Filter) -> Result<(FoundLines, Vec<String>)> {
    let mut entries = entries(view, filter)?;
    if asks_for_members(view, filter) {
        // A line is in several of them, or with several attempts in one: it is printed once, for the longest.
        entries.sort_by_key(|entry| (entry.locator, Reverse(entry.duration_ms)));
        entries.dedup_by_key(|entry| entry.locator);
    }
    entries.sort_by_key(|entry| sort_key(entry, arguments.order()));
    cut(&mut entries, arguments);
    let (lines, missing) = raw(view, entries);
    Ok((gathered(lines, arguments), missing))
}

/// Lines that are all in memory already, since the index holds them.
fn gathered(lines: Vec<Found>, arguments: &LinesArguments) -> FoundLines {
    let mut found = FoundLines::new(arguments.order(), arguments.limit);
    found.extend(lines);
    found
}

/// What the index keeps, and what is slow by the thresholds of now, which were others when it was counted.
fn kept_by_rules_of_now(
    view: &View,
    lines: &mut StoredLines<'_>,
    arguments: &LinesArguments,
    filter: &Filter,
    server_errors: bool,
) -> Result<(FoundLines, Vec<String>)> {
    if let Some(too_much) = StoredLines::too_much(&lines.blocks(filter)?) {
        say(&too_much);
        let (lines, mut missing) = raw(view, entries(view, filter)?);
        missing.push(too_much);
        return Ok((gathered(lines, arguments), missing));
    }
    // The slowest are those of the routes of then; the routes that are asked for are those of now.
    let mut slowest = HashSet::new();
    let routes = if asks_beside_routes(view, filter) { filter.routes.clone() } else { Vec::new() };
    for entry in entries(view, &Filter { routes, ..filter.clone() })? {
        if entry.kept.contains(KeepReasons::SLOWEST) {
            slowest.insert(entry.locator);
        }
    }
    from_lines(view, lines, arguments, filter, |seen, locator| {
        let is_error = server_errors && seen.record.status.is_some_and(|status| (500..=599).contains(&status));
        seen.slow || is_error || slowest.contains(locator)
    })
}

/// The requests that the index holds.
fn entries(view: &View, filter: &Filter) -> Result<Vec<Entry>> {
    let query = EntryQuery {
        // All are asked for without a list.
        routes: (!filter.routes.is_empty()).then(|| wanted_routes(view, filter)),
        min_duration_ms: filter.min_ms,
        ..EntryQuery::new(filter.window, filter.by)
    };
    let mut entries = view.entries(&query)?;
    entries.retain(|entry| filter.keeps_entry(entry));
    Ok(entries)
}

/// Names that many lines have.
fn shared_names<K: Eq + Hash>(names: HashMap<K, String>) -> HashMap<K, Arc<str>> {
    names.into_iter().map(|(key, name)| (key, Arc::from(name))).collect()
}

/// Their raw lines, from the logs or the archive.
fn raw(view: &View, entries: Vec<Entry>) -> (Vec<Found>, Vec<String>) {
    let names = shared_names(route_names(view));
    let files = shared_names(file_names(view));
    let mut found = Vec::new();
    let mut locators = Vec::new();
    for entry in entries {
        let route = names.get(&entry.route).cloned().unwrap_or_default();
        let file = files.get(&entry.locator.generation).cloned().unwrap_or_default();
        let slow = entry.kept.contains(KeepReasons::THRESHOLD);
        found.push(Found { entry, route, file, line: None, is_there: false, slow });
        locators.push(entry.locator);
    }
    let missing = retrieve::lines(view, &locators, |index, line| {
        if let Some(found) = found.get_mut(index) {
            found.line = line.map(<[u8]>::to_vec);
        }
    });
    let (mut gone, mut denied) = (0, 0);
    for found in found.iter_mut().filter(|found| found.line.is_none()) {
        found.is_there = missing.unreadable.contains(&found.entry.locator.generation);
        *(if found.is_there { &mut denied } else { &mut gone }) += 1;
    }
    let all = found.len();
    let mut messages = say_missing(&missing);
    for (count, what) in [(gone, "are gone"), (denied, "are there, and cannot be read")] {
        if count > 0 {
            say(&format!("{count} of {all} raw lines {what}; what the index holds of them is printed"));
            messages.insert(0, format!("{count} raw lines {what}"));
        }
    }
    (found, messages)
}

/// Say what could not be read; gives the messages back, for the answer.
fn say_missing(missing: &MissingLines) -> Vec<String> {
    if let Some(note) = missing.note() {
        say(&note);
    }
    let messages = missing.messages();
    say_all(&messages);
    messages
}

/// All lines of the window that are `wanted`: the blocks that may hold any are read and parsed again.
fn from_lines(
    view: &View,
    lines: &mut StoredLines<'_>,
    arguments: &LinesArguments,
    filter: &Filter,
    wanted: impl Fn(&RoutedRecord<'_>, &Locator) -> bool,
) -> Result<(FoundLines, Vec<String>)> {
    let blocks = lines.blocks(filter)?;
    let files = shared_names(file_names(view));
    let with = lines.with.clone();
    let mut found = FoundLines::new(arguments.order(), arguments.limit);
    // Of logs that are gone there are still the slow requests.
    let mut left = HashMap::new();
    for entry in entries(view, filter)? {
        left.insert(entry.locator, entry);
    }
    let mut last: Option<Found> = None;
    let mut missing = lines.scan(&blocks, filter, |&ScannedLine { seen, locator, line, .. }| {
        if wanted(seen, &locator) {
            left.remove(&locator);
            let file = files.get(&locator.generation).cloned().unwrap_or_default();
            let next = of_line(seen, locator, line, &with, file);
            // One that is in several series comes as each of them: it is printed once, for the longest.
            match &last {
                Some(held) if held.entry.locator == locator && held.entry.duration_ms >= next.entry.duration_ms => {}
                Some(held) if held.entry.locator == locator => last = Some(next),
                _ => found.extend(last.replace(next).into_iter().collect()),
            }
        }
    })?;
    found.extend(last.into_iter().collect());
    if !missing.is_empty() {
        let left: Vec<Entry> = left.into_values().collect();
        if !left.is_empty() {
            let held = if left.len() == 1 {
                "one request".to_owned()
            } else {
                format!("{} requests", count(left.len() as u64))
            };
            say(&format!("of what could not be read, what the index holds is printed: {held}"));
            let (more, gone) = raw(view, left);
            found.extend(more);
            missing.extend(gone);
        }
    }
    Ok((found, missing))
}
