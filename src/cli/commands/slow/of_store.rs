//! `slow` over the store: from its index where that kept every request that is asked for, else from the lines.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Class, HeldSample, Key, SlowQuestion, finished, status_class};
use crate::cli::answer::names::{file_names, route_names, wanted_routes};
use crate::cli::answer::output::{say, say_all};
use crate::cli::answer::untimed::say_untimed_logs;
use crate::cli::args::SlowArguments;
use crate::cli::input::context::Context;
use crate::cli::input::stored_lines::StoredLines;
use crate::error::Result;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{CountedBy, Filter, all_kept, asks_for_members, retrieve};
use crate::report::slow::{SampleLine, SlowClass};
use crate::store::{Entry, EntryQuery, KeepReasons, Locator, View};

/// What is shown of a request whose line is gone.
const GONE: &[u8] = b"(raw line gone)";

/// The classes of the window, and what could not be read.
pub(super) fn classes_of_store(
    view: &View,
    context: &Context,
    arguments: &SlowArguments,
    question: &SlowQuestion,
) -> Result<(Vec<SlowClass>, Vec<String>)> {
    let mut lines = StoredLines::new(context, view, &arguments.files.format)?;
    let (classes, locators, samples) = (HashMap::new(), Vec::new(), arguments.samples);
    let mut answer = StoredClasses { classes, locators, samples, by_upstream: false };
    let missing = if is_indexed(view, &lines, question)? {
        answer.add_entries(view, question, &HashSet::new())?;
        let mut missing = answer.fetch_lines(view);
        missing.extend(answer.count_requests(&mut lines, question)?);
        missing
    } else {
        answer.read_lines(view, &mut lines, question)?
    };
    if answer.by_upstream && asks_for_members(view, &question.filter) {
        say("note: an attempt at an upstream took its own $upstream_response_time");
    } else if answer.by_upstream {
        say("note: where a log has no $request_time, its times are those of $upstream_response_time");
    }
    say_untimed_logs(view);
    Ok((answer.finish(view, &lines), missing))
}

/// Whether the index kept every request that is asked for, and the cells know how many of its class there were.
fn is_indexed(view: &View, lines: &StoredLines<'_>, question: &SlowQuestion) -> Result<bool> {
    if !question.filter.statuses.iter().all(is_whole_class) {
        return Ok(false);
    }
    let counted_by = lines.counted_by(&question.filter)?;
    match question.threshold_ms {
        // Whether a request was slow by the threshold of its route stands in its entry.
        None => Ok(counted_by == CountedBy::Now),
        Some(threshold) => {
            let asked = Filter { min_ms: question.filter.min_ms.max(threshold), ..question.filter.clone() };
            Ok(counted_by != CountedBy::Others && all_kept(view, &asked)?)
        }
    }
}

/// Whether these are all statuses that a cell counts as one.
fn is_whole_class(range: &std::ops::RangeInclusive<u16>) -> bool {
    range.start().is_multiple_of(100) && range.end() % 100 == 99
}

/// Classes while they are counted.
struct StoredClasses {
    classes: HashMap<Key, Class>,
    /// Where the lines of samples are.
    locators: Vec<Locator>,
    /// How many samples a class has.
    samples: usize,
    /// Some of the times are those of the upstream, where the log has no other.
    by_upstream: bool,
}

impl StoredClasses {
    /// Add what the index holds, but for what was read already.
    fn add_entries(&mut self, view: &View, question: &SlowQuestion, read: &HashSet<Locator>) -> Result<()> {
        let filter = &question.filter;
        let least = filter.min_ms.max(question.threshold_ms.unwrap_or(0));
        let query = EntryQuery {
            routes: (!filter.routes.is_empty()).then(|| wanted_routes(view, filter)),
            min_duration_ms: least,
            ..EntryQuery::new(filter.window, filter.by)
        };
        for entry in view.entries(&query)? {
            // One that is kept for its status, or for being among the slowest, may be quick.
            let is_slow = question.threshold_ms.is_some() || entry.kept.contains(KeepReasons::THRESHOLD);
            if is_slow && filter.keeps_entry(&entry) && !read.contains(&entry.locator) {
                self.by_upstream |= entry.kept.contains(KeepReasons::BY_UPSTREAM);
                self.add(&entry, b"");
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry, line: &[u8]) {
        let class = self.classes.entry((entry.route, status_class(entry.status))).or_default();
        class.slow.record(entry.duration_ms);
        class.samples.offer(self.samples, entry.duration_ms, self.locators.len(), entry.locator.offset, line);
        self.locators.push(entry.locator);
    }

    /// Count the lines of the window; what cannot be read comes from the index as far as that has it.
    fn read_lines(&mut self, view: &View, lines: &mut StoredLines<'_>, question: &SlowQuestion) -> Result<Vec<String>> {
        let of_classes = question.of_classes();
        let blocks = lines.blocks(&of_classes)?;
        if let Some(too_much) = StoredLines::too_much(&blocks) {
            say(&too_much);
            self.add_entries(view, question, &HashSet::new())?;
            let mut missing = self.fetch_lines(view);
            missing.push(too_much);
            return Ok(missing);
        }
        say("from the lines: the index did not keep all that is asked for");
        let mut read = HashSet::new();
        let mut missing = lines.scan(&blocks, &of_classes, |&ScannedLine { seen, locator, line, .. }| {
            let key = (seen.matched.id, status_class(seen.record.status.unwrap_or(0)));
            let class = self.classes.entry(key).or_default();
            class.requests += 1;
            if let Some(duration) = question.slow_ms(seen) {
                self.by_upstream |= seen.record.by_upstream;
                class.slow.record(duration);
                class.samples.offer(self.samples, duration, self.locators.len(), locator.offset, line);
                self.locators.push(locator);
                read.insert(locator);
            }
        })?;
        if !missing.is_empty() {
            self.add_entries(view, question, &read)?;
            missing.extend(self.fetch_lines(view));
        }
        Ok(missing)
    }

    /// Gives the samples their raw lines, from the logs or the archive, and hands back why some are gone: those are shown
    /// as `(raw line gone)`, since the request itself is known to the index.
    fn fetch_lines(&mut self, view: &View) -> Vec<String> {
        let mut samples: Vec<&mut HeldSample> = Vec::new();
        for class in self.classes.values_mut() {
            // One that was read has its line.
            samples.extend(class.samples.0.iter_mut().filter(|held| held.line.is_empty()));
        }
        samples.sort_unstable_by_key(|held| held.source);
        let mut wanted: Vec<Locator> = Vec::new();
        for held in &mut samples {
            held.line = GONE.to_vec();
            wanted.extend(self.locators.get(held.source));
        }
        let missing = retrieve::lines(view, &wanted, |index, line| {
            if let (Some(held), Some(line)) = (samples.get_mut(index), line) {
                held.line = line.to_vec();
            }
        });
        for (held, locator) in samples.iter_mut().zip(&wanted) {
            if held.line == GONE && missing.unreadable.contains(&locator.generation) {
                held.line = b"(raw line cannot be read)".to_vec();
            }
        }
        if let Some(note) = missing.note() {
            say(&note);
        }
        let messages = missing.messages();
        say_all(&messages);
        messages
    }

    /// How many requests the classes have in the window, slow or not.
    fn count_requests(&mut self, lines: &mut StoredLines<'_>, question: &SlowQuestion) -> Result<Vec<String>> {
        let mut routes: Vec<_> = self.classes.keys().map(|(route, _)| *route).collect();
        routes.sort_unstable();
        routes.dedup();
        if routes.is_empty() {
            return Ok(Vec::new());
        }
        let totals = lines.totals(question.filter.window, Some(&routes))?;
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for (route, cell) in totals.cells {
            let known: u64 = cell.status.iter().sum();
            counts.insert((route, 0), cell.requests.saturating_sub(known));
            for (class, count) in (1..).zip(cell.status) {
                counts.insert((route, class), count);
            }
        }
        for (key, class) in &mut self.classes {
            class.requests = counts.get(key).copied().unwrap_or(0);
        }
        Ok(totals.missing)
    }

    /// The classes that have a slow request, as they are reported.
    fn finish(self, view: &View, lines: &StoredLines<'_>) -> Vec<SlowClass> {
        let (names, files) = (route_names(view), file_names(view));
        let mut finished_classes = Vec::new();
        for ((route, status_class), class) in self.classes {
            if class.slow.is_empty() {
                continue;
            }
            let mut samples = Vec::new();
            for held in class.samples.0 {
                let locator = self.locators.get(held.source);
                let file = locator.and_then(|locator| files.get(&locator.generation)).map_or("?", String::as_str);
                samples.push(SampleLine { locator: format!("{file}@{}", held.offset), line: held.line });
            }
            let count = class.requests.max(class.slow.count());
            let route = names.get(&route).cloned().unwrap_or_else(|| lines.route_name(route));
            finished_classes.push(finished(route, status_class, count, &class.slow, samples));
        }
        finished_classes
    }
}
