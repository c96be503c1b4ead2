//! What the store answers, held against the documents: the lines that it says it has read are exactly what it counts,
//! keeps and finds again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use spikeline::histogram::Time;
use spikeline::pipeline::{Interpreter, Interpreting, LineReaders, retrieve};
use spikeline::record::Needs;
use spikeline::route::{RouteId, Routes};
use spikeline::source::{GenerationId, UnreadSpan};
use spikeline::store::{Entry, EntryQuery, KeepReasons, Locator, View, WindowMatch};
use spikeline::time::{Timestamp, Window};

use crate::disk::Disk;
use crate::document::{Line, ROUTES, Request, What};
use crate::machine::{Machine, SLOWEST};
use crate::story::LOG;

const INTERVAL: i64 = 10_000;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) window: Window,
    /// Indices in [`ROUTES`].
    pub(crate) routes: Vec<usize>,
}

/// What a cell must hold.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    requests: u64,
    slow: u64,
    status: [u64; 5],
    gone: u64,
    bytes: u64,
    sum: u64,
    max: u64,
    /// Times under 2048 ms, and how often each is there.
    exact: BTreeMap<u64, u64>,
    others: u64,
}

impl Expected {
    fn add(&mut self, request: &Request) {
        self.requests += 1;
        self.slow += u64::from(request.slow());
        self.status[usize::from(request.status / 100 - 1)] += 1;
        self.gone += u64::from(request.status == 499);
        self.bytes += request.bytes;
        self.sum += request.millis;
        self.max = self.max.max(request.millis);
        if request.millis < 2048 {
            *self.exact.entry(request.millis).or_default() += 1;
        } else {
            self.others += 1;
        }
    }
}

/// The lines that a store has read, by what it says of its generations.
struct Read<'a> {
    lines: Vec<(Locator, Line)>,
    view: &'a View,
    disk: &'a Disk,
    machine: &'a Machine,
}

/// Asks a store, and compares.
pub(crate) fn check(view: &View, disk: &Disk, machine: &Machine, question: &Question) {
    let read = Read::of(view, disk, machine);
    read.ledgers();
    read.cells(question);
    read.entries(question);
    read.all_lines(question);
    read.losses();
    read.denied();
    read.until();
}

impl<'a> Read<'a> {
    fn of(view: &'a View, disk: &'a Disk, machine: &'a Machine) -> Read<'a> {
        let mut lines = Vec::new();
        let mut ranges: BTreeMap<usize, Vec<(u64, u64)>> = BTreeMap::new();
        for generation in view.generations() {
            let held = &machine.held[&generation.id];
            ranges.entry(held.document).or_default().push((held.start, generation.position));
            let range = usize::try_from(held.start).unwrap()..usize::try_from(generation.position).unwrap();
            lines.extend(disk.documents[held.document].lines(range.start, range.end).map(|line| {
                let length = u32::try_from(line.length).unwrap();
                (Locator { generation: generation.id, offset: line.offset as u64, length }, line)
            }));
        }
        for (document, mut ranges) in ranges {
            ranges.sort_unstable();
            for pair in ranges.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "document {document} was read twice: {ranges:?}");
            }
        }
        Read { lines, view, disk, machine }
    }

    fn requests(&self) -> impl Iterator<Item = (Locator, Request)> + '_ {
        self.lines.iter().filter_map(|(locator, line)| match line.what {
            What::Request(request) => Some((*locator, request)),
            _ => None,
        })
    }

    fn ledgers(&self) {
        let mut lines: HashMap<GenerationId, [u64; 3]> = HashMap::new();
        for (locator, line) in &self.lines {
            let counts = lines.entry(locator.generation).or_default();
            counts[match line.what {
                What::Request(_) => 0,
                What::Rejected => 1,
                What::TooLong => 2,
            }] += 1;
        }
        for generation in self.view.generations() {
            let held = &self.machine.held[&generation.id];
            let ledger = self.view.ledger(generation.id).cloned().unwrap_or_default();
            let [parsed, rejected, too_long] = lines.remove(&generation.id).unwrap_or_default();
            let rejected_said: u64 = ledger.rejected.values().sum();
            assert_eq!(
                (ledger.bytes, ledger.lines, ledger.parsed, rejected_said, ledger.too_long),
                (generation.position - held.start, parsed + rejected + too_long, parsed, rejected, too_long),
                "ledger of {:?}: bytes, lines, parsed, rejected, too long",
                generation.id
            );
            let loss = held.loss.filter(|_| generation.finished);
            let said: Vec<_> = ledger.losses.iter().map(|loss| (loss.offset, loss.bytes, loss.cause)).collect();
            assert_eq!(said, loss.into_iter().collect::<Vec<_>>(), "losses of {:?}", generation.id);
            let lost = loss.map_or(0, |(_, bytes, _)| bytes);
            assert_eq!((ledger.lost_to_truncation, ledger.unread), (lost, 0), "loss of {:?}", generation.id);
        }
    }

    fn ids(&self, question: &Question) -> BTreeMap<RouteId, usize> {
        let id = |route: &usize| self.view.route(ROUTES[*route].1).map(|id| (id, *route));
        question.routes.iter().filter_map(id).collect()
    }

    fn cells(&self, question: &Question) {
        let ids = self.ids(question);
        let mut expected: BTreeMap<(i64, usize), Expected> = BTreeMap::new();
        for (_, request) in self.requests() {
            let slot = request.end.div_euclid(INTERVAL) * INTERVAL;
            if question.window.contains(Timestamp(slot)) && question.routes.contains(&request.route) {
                expected.entry((slot, request.route)).or_default().add(&request);
            }
        }
        let wanted: Vec<RouteId> = ids.keys().copied().collect();
        let mut found = BTreeMap::new();
        for (slot, route, cell) in self.view.cells(question.window, Some(&wanted)).unwrap() {
            let times = cell.time(Time::Request);
            assert_eq!(times.count(), cell.requests);
            let buckets = times.buckets();
            let cell = Expected {
                requests: cell.requests,
                slow: cell.slow,
                status: cell.status,
                gone: cell.status_499,
                bytes: cell.bytes_sent,
                sum: times.sum_ms(),
                max: times.max_ms(),
                exact: buckets.iter().copied().filter(|(millis, _)| *millis < 2048).collect(),
                others: buckets.iter().filter(|(millis, _)| *millis >= 2048).map(|(_, count)| count).sum(),
            };
            assert!(found.insert((slot.0, ids[&route]), cell).is_none(), "a cell twice");
        }
        for (key, cell) in &expected {
            assert_eq!(found.get(key), Some(cell), "cell (slot, route) {key:?}");
        }
        assert_eq!(found.len(), expected.len(), "cells of nothing");
    }

    /// What is kept of the lines, as is written of slow requests: over the threshold, a 5xx, among the slowest.
    fn kept(&self) -> Vec<(Entry, usize)> {
        let mut groups: BTreeMap<(i64, usize), Vec<_>> = BTreeMap::new();
        for (locator, request) in self.requests() {
            let slot = request.end.div_euclid(INTERVAL);
            let rank = (Reverse(request.millis), request.end, locator);
            groups.entry((slot, request.route)).or_default().push((rank, request));
        }
        let mut kept = Vec::new();
        for ((_, route), mut group) in groups {
            group.sort_unstable_by_key(|(rank, _)| *rank);
            for (at, ((.., locator), request)) in group.into_iter().enumerate() {
                let mut why = KeepReasons::default();
                let reasons = [
                    (request.slow(), KeepReasons::THRESHOLD),
                    (request.status >= 500, KeepReasons::ERROR),
                    (at < SLOWEST as usize, KeepReasons::SLOWEST),
                ];
                reasons.iter().filter(|(holds, _)| *holds).for_each(|(_, reason)| why = why.with(*reason));
                let entry = Entry {
                    end: Timestamp(request.end),
                    duration_ms: request.millis,
                    route: self.view.route(ROUTES[route].1).expect("a route that was read is named"),
                    status: request.status,
                    upstream_ms: None,
                    kept: why,
                    locator,
                };
                if !why.is_empty() {
                    kept.push((entry, route));
                }
            }
        }
        kept.sort_unstable_by_key(|(entry, _)| (entry.end, entry.locator));
        kept
    }

    fn entries(&self, question: &Question) {
        let Question { window, routes } = question;
        let kept = self.kept();
        let ids: Vec<RouteId> = self.ids(question).into_keys().collect();
        for by in [WindowMatch::End, WindowMatch::Overlap] {
            let inside = |entry: &Entry| match by {
                WindowMatch::End => window.contains(entry.end),
                WindowMatch::Overlap => entry.start() < window.until && entry.end >= window.from,
            };
            let expected = kept.iter().filter(|(entry, route)| routes.contains(route) && inside(entry));
            let expected: Vec<Entry> = expected.map(|(entry, _)| *entry).collect();
            let query = EntryQuery { routes: Some(ids.clone()), ..EntryQuery::new(*window, by) };
            let found = self.view.entries(&query).unwrap();
            if found != expected {
                let lacking: Vec<_> = expected.iter().filter(|entry| !found.contains(entry)).collect();
                let surplus: Vec<_> = found.iter().filter(|entry| !expected.contains(entry)).collect();
                panic!("slow entries {by:?} lack {lacking:#?}, and {surplus:#?} are none");
            }
            if by == WindowMatch::Overlap {
                self.raw(&found);
            }
        }
    }

    /// How much of a generation's document can be found again: nothing of a copy that ends before what was read.
    fn found_again(&self, generation: GenerationId) -> bool {
        let position = self.view.generations().iter().find(|held| held.id == generation).unwrap().position;
        let document = self.machine.held[&generation].document;
        !self.disk.is_denied(document) && self.disk.available(document) as u64 >= position
    }

    fn written(&self, locator: &Locator) -> &[u8] {
        let from = usize::try_from(locator.offset).unwrap();
        let document = &self.disk.documents[self.machine.held[&locator.generation].document];
        &document.bytes[from..from + locator.length as usize]
    }

    fn raw(&self, entries: &[Entry]) {
        let locators: Vec<Locator> = entries.iter().map(|entry| entry.locator).collect();
        let mut answered = BTreeSet::new();
        let missing = retrieve::lines(self.view, &locators, |index, line| {
            let locator = &locators[index];
            assert!(answered.insert(index), "a line twice");
            match line {
                Some(line) => assert_eq!(line, self.written(locator), "the raw line of {locator:?}"),
                None => {
                    assert!(!self.found_again(locator.generation), "the raw line of {locator:?} is not gone");
                    assert!(!self.machine.archive, "the raw line of {locator:?} is not in the archive");
                }
            }
        });
        assert_eq!(answered.len(), locators.len(), "lines without an answer");
        assert!((missing.failed.is_empty() || self.disk.any_denied()) && missing.unknown.is_empty(), "{missing:?}");
        let gone: BTreeSet<_> = missing.gone.iter().map(|held| held.id).collect();
        let there = gone.iter().find(|id| self.found_again(**id));
        assert!(there.is_none(), "{there:?} is not gone");
    }

    /// Every line of the window, read again from the logs that are still there.
    fn all_lines(&self, question: &Question) {
        let Question { window, routes } = question;
        let ids = self.ids(question);
        let wanted: Vec<RouteId> = ids.keys().copied().collect();
        let names = self.view.routes().into_iter().map(|(id, name)| (id, name.to_owned()));
        let interpreting = Interpreting {
            router: Arc::clone(&self.machine.router),
            routes: Arc::new(Routes::restore(100, names)),
            threshold_ms: 1000,
            conditions: Arc::default(),
        };
        let interpreter = Interpreter::new(&self.machine.format, Needs::latency(), &interpreting).unwrap();
        let by_log = HashMap::from([(self.machine.pattern.clone(), interpreter)]);
        let mut readers = LineReaders::new(interpreting, std::sync::Arc::new(|_| Needs::latency()), by_log);
        for by in [WindowMatch::End, WindowMatch::Overlap] {
            let is_in = |start: Timestamp, end: Timestamp| match by {
                WindowMatch::End => window.contains(end),
                WindowMatch::Overlap => window.overlaps(start, end),
            };
            let blocks = self.view.blocks(*window, by, Some(&wanted)).unwrap();
            let mut found = BTreeSet::new();
            let missing = retrieve::scan(
                self.view,
                &blocks,
                &mut readers,
                &mut |&retrieve::ScannedLine { seen, locator, line, .. }| {
                    if is_in(seen.record.start(), seen.record.end) && ids.contains_key(&seen.matched.id) {
                        assert_eq!(line, self.written(&locator), "the raw line of {locator:?}");
                        assert!(found.insert(locator), "a line twice");
                    }
                },
            );
            let missing = missing.unwrap();
            assert!(
                (missing.failed.is_empty() || self.disk.any_denied()) && missing.differing.is_empty(),
                "{missing:?}"
            );
            let there = |locator: &Locator| self.found_again(locator.generation);
            let expected: BTreeSet<Locator> = self
                .requests()
                .filter(|(_, request)| routes.contains(&request.route))
                .filter(|(_, request)| {
                    let end = Timestamp(request.end);
                    is_in(end.plus_millis(-i64::try_from(request.millis).unwrap()), end)
                })
                .map(|(locator, _)| locator)
                .filter(there)
                .collect();
            let lacking: Vec<_> = expected.difference(&found).collect();
            assert!(lacking.is_empty(), "lines that `lines --all` lacks: {lacking:?}");
            assert!(
                found.iter().all(|locator| !there(locator) || expected.contains(locator)),
                "lines of another window"
            );
        }
    }

    /// A line that can never be read any more is in a window that the store knows to lack something.
    fn losses(&self) {
        for generation in self.view.generations().iter().filter(|held| held.finished) {
            let held = &self.machine.held[&generation.id];
            let document = held.document;
            let read = self.machine.held.values().filter(|held| held.document == document);
            let until = usize::try_from(read.map(|held| held.position).max().unwrap()).unwrap();
            let mut latest = i64::MIN;
            for line in self.disk.documents[document].lines(0, held.left.unwrap_or(usize::MAX)) {
                let What::Request(request) = line.what else { continue };
                // Lines that came out of order are only about where the ledger says.
                let in_order = request.end >= latest;
                latest = latest.max(request.end);
                if line.offset < until || !in_order {
                    continue;
                }
                let window = Window { from: Timestamp(request.end), until: Timestamp(request.end + 1) };
                let account = self.view.completeness().gaps(window).unwrap();
                let said = account
                    .lost
                    .iter()
                    .any(|(id, loss)| self.machine.held[id].document == document && loss.offset <= line.offset as u64);
                assert!(said, "{line:?} of document {document} is lost, and nobody says so");
                break;
            }
        }
    }

    /// A line that was written before the store says that the logs were read, and that nobody may read, is said to be missing.
    fn denied(&self) {
        let Some(read_until) = self.view.read_until() else { return };
        for (number, document) in
            self.disk.documents.iter().enumerate().filter(|(number, _)| self.disk.is_out_of_reach(*number, LOG))
        {
            let read = self.machine.held.iter().filter(|(_, held)| held.document == number);
            let read = read.filter_map(|(id, _)| self.view.generations().iter().find(|held| held.id == *id));
            let from = read.map(|held| held.position).max().unwrap_or(0);
            let mut latest = i64::MIN;
            for line in document.lines(0, document.whole_before(read_until.0)) {
                let What::Request(request) = line.what else { continue };
                let in_order = request.end >= latest;
                latest = latest.max(request.end);
                // One that was logged long after its request ended is only about where the account says.
                let is_prompt = document.written_at(line.offset) <= request.end + 100;
                if (line.offset as u64) < from || !in_order || !is_prompt {
                    continue;
                }
                let window = Window { from: Timestamp(request.end), until: Timestamp(request.end + 1) };
                let gaps = self.view.completeness().gaps(window).unwrap();
                let is_said = !gaps.spans.is_empty() || !gaps.lost.is_empty();
                assert!(is_said, "{line:?} of document {number} cannot be read, and nobody says so");
            }
        }
    }

    /// What was written to an open log before the store says that the logs were read is counted.
    fn until(&self) {
        let Some(read_until) = self.view.read_until() else { return };
        for generation in self.view.generations().iter().filter(|held| !held.finished) {
            let document = self.machine.held[&generation.id].document;
            if self.disk.is_denied(document) {
                continue;
            }
            let is_said = |line: Line| {
                let written = self.disk.documents[document].written_at(line.offset);
                let is_in = |span: &UnreadSpan| span.from.millis() <= written && written < span.end().millis();
                self.view.unread_spans().any(|span| span.generation == Some(generation.id) || is_in(span))
            };
            let written = self.disk.documents[document].whole_before(read_until.0);
            // A copy may have been made in the midst of a line: then that is held until it is sure to be all there is.
            let due = written.min(self.disk.documents[document].whole_within(self.disk.available(document)));
            let read = usize::try_from(generation.position).unwrap();
            let is_all_said = self.disk.documents[document].lines(read, due).all(is_said);
            assert!(is_all_said, "{:?} was read to {read} of {due}", generation.id);
        }
    }
}
