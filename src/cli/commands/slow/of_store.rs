//! `slow` over the store: from the lines of its logs, only the blocks that may hold any of the window. Of lines that cannot be read
//! the slow ones that the index holds.

use std::collections::HashSet;
use std::sync::Arc;

use super::class_counts::{Classes, UNWAITED_KEY};
use super::kept_lines::{HeldLine, OfferedLine};
use super::profile::{ProfileNames, profile};
use super::shared_bounds::SharedBounds;
use super::slow_fields::{SlowFields, is_unwaited_status, tells_upstream_times};
use super::slow_question::SlowQuestion;
use crate::cli::answer::names::{file_names, wanted_routes};
use crate::cli::answer::output::{say, say_all};
use crate::cli::answer::untimed::say_untimed_logs;
use crate::cli::args::SlowArguments;
use crate::cli::counted::{
    CountedPictures, MadeOfFormats, PictureCounts, check_fields, refuse_attempts_twice, say_attempts, threshold_of_all,
};
use crate::cli::input::context::Context;
use crate::cli::input::stored_lines::StoredLines;
use crate::error::Result;
use crate::grammar::read_format;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{Interpreting, LineTally, RouteFilter, asks_for_members, retrieve};
use crate::record::RequestField;
use crate::report::count;
use crate::report::slow::SlowReport;
use crate::route::Routes;
use crate::store::{Entry, EntryQuery, KeepReasons, Locator, View};

/// What is shown of a request whose line is gone.
const GONE: &[u8] = b"(raw line gone)";

/// The classes of the window, and what could not be read.
pub(super) fn classes_of_store(
    view: &View,
    context: &Context,
    arguments: &SlowArguments,
    question: &SlowQuestion,
) -> Result<(SlowReport, Option<CountedPictures>)> {
    refuse_attempts_twice(view, &question.filter, &question.by)?;
    let by = question.by.clone();
    let lines = StoredLines::new(context, view, &arguments.files.format)?
        .asking(&question.filter)?
        .reading(Arc::new(move |format| SlowFields::of_format(&by, format).needs()));
    let (filter, bounds) = (&question.filter, SharedBounds::default());
    let blocks = lines.blocks(filter)?;
    let pictured = arguments.format.of_rows().is_none();
    let mut counts = StoredCounts::new(question, arguments.samples, &bounds, &lines.with, pictured);
    let mut missing = match StoredLines::too_much(&blocks) {
        Some(too_much) => {
            say(&too_much);
            vec![too_much]
        }
        None => {
            say("from the lines of the logs that the store knows");
            let begin = |_| StoredCounts::new(question, arguments.samples, &bounds, &lines.with, pictured);
            let tallies = (0..arguments.threads.count().max(1)).map(begin).collect();
            let read = lines.scan_in_parallel(&blocks, filter, tallies)?;
            read.tallies.into_iter().for_each(|tally| counts.merge(tally));
            let missing = read.missing;
            check_fields(&question.by, counts.placed.iter().flat_map(MadeOfFormats::formats))?;
            say_attempts(&question.by, counts.placed.iter().flat_map(MadeOfFormats::formats));
            missing
        }
    };
    let StoredCounts { mut classes, read, drawn, .. } = counts;
    if !missing.is_empty() {
        classes.are_part = true;
        add_entries(view, question, &read, &mut classes)?;
        missing.extend(fetch_lines(view, &bounds, &mut classes));
    }
    if classes.by_upstream && asks_for_members(view, filter) {
        say("note: an attempt at an upstream took its own $upstream_response_time");
    } else if classes.by_upstream {
        say("note: where a log has no $request_time, its times are those of $upstream_response_time");
    }
    lines.say_unknown(filter)?;
    say_untimed_logs(view);
    let (files, route) = (file_names(view), |id| lines.route_name(id));
    let report = profile(classes, filter.window, &ProfileNames { by: &question.by, route: &route, files: &files });
    let threshold_ms = question.threshold_ms.or(threshold_of_all(context.config()?));
    let pictures = drawn.map(|drawn| drawn.finish(filter.window, &lines.with.routes, threshold_ms));
    Ok((SlowReport { missing, ..report }, pictures))
}

/// What one thread counts of the lines.
struct StoredCounts<'q> {
    question: &'q SlowQuestion,
    routes: Arc<Routes>,
    verdicts: RouteFilter,
    classes: Classes,
    /// Where the fields stand in the formats that were met, by each of the threads that counted.
    placed: Vec<MadeOfFormats<SlowFields>>,
    /// The slow ones among them, which the index need not tell.
    read: HashSet<Locator>,
    drawn: Option<PictureCounts>,
}

impl LineTally for StoredCounts<'_> {
    fn take_line(&mut self, line: &ScannedLine<'_>) {
        let filter = &self.question.filter;
        if filter.keeps(line.seen) && self.verdicts.keeps(filter, &line.seen.matched, &self.routes) {
            self.count(line);
        }
    }
}

impl<'q> StoredCounts<'q> {
    fn new(
        question: &'q SlowQuestion,
        samples: usize,
        bounds: &SharedBounds,
        with: &Interpreting,
        pictured: bool,
    ) -> StoredCounts<'q> {
        StoredCounts {
            question,
            routes: Arc::clone(&with.routes),
            verdicts: RouteFilter::default(),
            classes: Classes::of_thread(question.filter.window, samples, bounds),
            placed: vec![MadeOfFormats::default()],
            read: HashSet::new(),
            drawn: pictured.then(|| PictureCounts::new(None)),
        }
    }

    fn count(&mut self, line: &ScannedLine<'_>) {
        let &ScannedLine { seen, values, locator, line } = line;
        if let Some(drawn) = &mut self.drawn {
            drawn.count(seen);
        }
        let (question, Some(placed)) = (self.question, self.placed.first_mut()) else { return };
        let fields = placed.of(values.format(), |format| SlowFields::of_format(&question.by, format));
        if let Some(fields) = fields
            && self.classes.count(question, fields, seen, &values, (locator, line))
        {
            self.read.insert(locator);
        }
    }

    fn merge(&mut self, other: StoredCounts<'_>) {
        self.classes.merge(other.classes);
        self.placed.extend(other.placed);
        self.read.extend(other.read);
        match (&mut self.drawn, other.drawn) {
            (Some(drawn), Some(other)) => drawn.merge(other),
            (drawn @ None, other) => *drawn = other,
            _ => {}
        }
    }
}

/// Add the slow requests that the index holds of lines that were not read. By fields that the index does not have they are of no class.
fn add_entries(view: &View, question: &SlowQuestion, read: &HashSet<Locator>, classes: &mut Classes) -> Result<()> {
    let filter = &question.filter;
    let query = EntryQuery {
        routes: (!filter.routes.is_empty()).then(|| wanted_routes(view, filter)),
        min_duration_ms: filter.min_ms.max(question.threshold_ms.unwrap_or(0)),
        ..EntryQuery::new(filter.window, filter.by)
    };
    let (mut placed, mut unplaced) = (0_u64, 0_u64);
    for entry in view.entries(&query)? {
        // One that is kept for its status, or for being among the slowest, may be quick.
        let is_slow = question.threshold_ms.is_some() || entry.kept.contains(KeepReasons::THRESHOLD);
        if !is_slow || !filter.keeps_entry(&entry) || read.contains(&entry.locator) {
            continue;
        }
        classes.by_upstream |= entry.kept.contains(KeepReasons::BY_UPSTREAM);
        let Some(key) = key_of_entry(view, question, &entry) else {
            unplaced += 1;
            continue;
        };
        placed += 1;
        let Entry { duration_ms, end, locator, .. } = entry;
        classes.add_unread(&key, &OfferedLine { took_ms: duration_ms, end, locator, line: None });
    }
    if placed > 0 {
        let placed = count(placed);
        say(&format!("of what could not be read, the slow requests that the index holds are counted: {placed}"));
    }
    if unplaced > 0 {
        let unplaced = count(unplaced);
        say(&format!(
            "{unplaced} slow requests whose lines could not be read are in no class: the index has route and status only"
        ));
    }
    Ok(())
}

/// The key of the class of an entry; nothing where a class is made by what the index does not hold.
fn key_of_entry(view: &View, question: &SlowQuestion, entry: &Entry) -> Option<Vec<u8>> {
    if matches!(entry.status, 408 | 499) && is_unwaited_status(Some(entry.status), was_upstream_asked(view, entry)) {
        return Some(UNWAITED_KEY.to_vec());
    }
    let mut key = Vec::new();
    for field in &question.by {
        let value = match (field, entry.status) {
            (RequestField::Route, _) => entry.route.0.to_le_bytes().to_vec(),
            (RequestField::Status | RequestField::StatusClass, 0) => b"-".to_vec(),
            (RequestField::Status, status) => status.to_string().into_bytes(),
            (RequestField::StatusClass, status) => format!("{}xx", status / 100).into_bytes(),
            _ => return None,
        };
        key.extend_from_slice(&u32::try_from(value.len()).ok()?.to_le_bytes());
        key.extend_from_slice(&value);
    }
    Some(key)
}

/// Whether an upstream was asked; nothing where the index does not tell: in lines that name upstreams, one may be named without a time.
fn was_upstream_asked(view: &View, entry: &Entry) -> Option<bool> {
    if entry.upstream_ms.is_some() {
        return Some(true);
    }
    let (_, reading) = view.reading_at(entry.locator.generation, entry.locator.offset).reading?;
    let format = read_format(&reading.format)?;
    // Of a log whose format was changed the line alone says which it is in.
    let is_one = format.earlier().is_none();
    (is_one && tells_upstream_times(&format) && format.index_of("upstream_addr").is_none()).then_some(false)
}

/// Gives the samples their raw lines, from the logs or the archive, and hands back why some are gone: those are shown
/// as `(raw line gone)`, since the request itself is known to the index.
fn fetch_lines(view: &View, bounds: &SharedBounds, classes: &mut Classes) -> Vec<String> {
    let mut samples: Vec<&mut HeldLine> = Vec::new();
    for class in classes.by_key.values_mut() {
        // One that was read has its line, or there was no room for it.
        samples.extend(class.slowest.0.iter_mut().filter(|held| held.line.is_none() && !held.was_read));
    }
    samples.sort_unstable_by_key(|held| held.locator);
    let wanted: Vec<Locator> = samples.iter().map(|held| held.locator).collect();
    let missing = retrieve::lines(view, &wanted, |index, line| {
        if let (Some(held), Some(line)) = (samples.get_mut(index), line) {
            held.was_read = true;
            held.line = bounds.slowest.take(line.len()).then(|| line.to_vec());
        }
    });
    for held in samples.iter_mut().filter(|held| held.line.is_none() && !held.was_read) {
        let is_there = missing.unreadable.contains(&held.locator.generation);
        held.line = Some(if is_there { b"(raw line cannot be read)".to_vec() } else { GONE.to_vec() });
    }
    if let Some(note) = missing.note() {
        say(&note);
    }
    let messages = missing.messages();
    say_all(&messages);
    messages
}
