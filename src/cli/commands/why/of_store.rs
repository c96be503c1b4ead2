//! The requests of a window and its baseline from the logs of the store: only the blocks are read that hold any.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::baseline::within;
use super::gathering::{Gatherer, needs_of_why};
use super::{GatheredRequests, WhyAsked};
use crate::cli::answer::completeness;
use crate::cli::answer::names::{file_names, wanted_routes};
use crate::cli::answer::output::{say, say_all};
use crate::cli::answer::window::span_of_slots;
use crate::cli::args::WhyArguments;
use crate::cli::counted::refuse_members;
use crate::cli::input::context::Context;
use crate::cli::input::stored_lines::StoredLines;
use crate::error::Result;
use crate::explain::{BaselinePart, ExplainedSpans, SideSums};
use crate::histogram::Time;
use crate::pipeline::{CountedBy, Filter};
use crate::route::RouteId;
use crate::source::find_generation;
use crate::store::{BlockSummary, View, WindowMatch};
use crate::time::Window;

/// What the store's logs hold of both sides.
pub(super) fn gather(
    view: &View,
    context: &Context,
    arguments: &WhyArguments,
    asked: WhyAsked,
) -> Result<GatheredRequests> {
    let WhyAsked { window, spans, filter } = asked;
    refuse_members(view, &filter, "why")?;
    let mut lines = StoredLines::new(context, view, &arguments.files.format)?.reading(Arc::new(needs_of_why));
    let known = known_span(view);
    let asked = within(&spans.asked, known);
    let mut blocks = BlocksToRead::default();
    blocks.add_whole(lines.blocks(&Filter { window, by: WindowMatch::Overlap, ..filter.clone() })?);
    for span in &asked {
        blocks.add(lines.blocks(&Filter { window: *span, ..filter.clone() })?);
    }
    let mut baseline = Vec::new();
    for span in within(&spans.other_days, known) {
        let of_day = lines.blocks(&Filter { window: span, ..filter.clone() })?;
        if are_there(view, &of_day) {
            blocks.add(of_day);
            baseline.push(span);
        }
    }
    baseline.extend(&asked);
    let part = blocks.part();
    let counted = if part == BaselinePart::WHOLE { None } else { baseline_sums(&mut lines, view, &baseline, &filter)? };
    let is_counted_whole = part == BaselinePart::WHOLE || counted.is_some();
    let known = blocks.known();
    let blocks = blocks.in_order();
    let mut missing = Vec::new();
    if let Some(too_much) = StoredLines::too_much(&blocks) {
        say(&too_much);
        missing.push(too_much);
    }
    let spans = Arc::new(ExplainedSpans { window, baseline, part, is_counted_whole });
    let mut gatherers = Gatherer::several(arguments.threads.count(), &spans, &lines.with, &filter);
    if missing.is_empty() {
        let read = lines.scan_in_parallel(&blocks, &filter, gatherers)?;
        gatherers = read.tallies;
        missing = read.missing;
    }
    lines.say_unknown(&Filter { window, ..filter.clone() })?;
    missing.extend(lacks(view, context, window, &asked)?);
    let files: HashMap<u32, String> = file_names(view).into_iter().map(|(id, name)| (id.0, name)).collect();
    let mut gathered = Gatherer::merged(gatherers);
    if let Some(counted) = counted {
        gathered.requests.set_baseline(&counted);
    }
    let (spans, routes) = (ExplainedSpans::clone(&spans), Arc::clone(&lines.with.routes));
    Ok(GatheredRequests { lines: gathered, spans, known, routes, missing, files, pictures: None })
}

/// What the store counted of the baseline, by route, if it can say it as the lines would: all of its requests have a time, and have the
/// routes that they have by the rules of now.
fn baseline_sums(
    lines: &mut StoredLines<'_>,
    view: &View,
    baseline: &[Window],
    filter: &Filter,
) -> Result<Option<BTreeMap<RouteId, SideSums>>> {
    let routes = (!filter.routes.is_empty()).then(|| wanted_routes(view, filter));
    let mut counted: BTreeMap<RouteId, SideSums> = BTreeMap::new();
    for span in apart(baseline) {
        if lines.rules_of_counting(&Filter { window: span, ..filter.clone() })? != CountedBy::Now {
            return Ok(None);
        }
        let totals = lines.totals(span, routes.as_deref())?;
        if totals.window != span || !totals.missing.is_empty() {
            return Ok(None);
        }
        for (route, cell) in totals.cells {
            let took = cell.time(Time::Request);
            if took.count() != cell.requests {
                return Ok(None);
            }
            let own =
                SideSums { count: cell.requests, total_ms: took.sum_ms(), slow: cell.slow, ..SideSums::default() };
            counted.entry(route).or_default().add(&own);
        }
    }
    counted.retain(|_, sums| sums.count > 0);
    Ok(Some(counted))
}

/// The same time in spans that do not overlap.
fn apart(spans: &[Window]) -> Vec<Window> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable_by_key(|span| span.from);
    let mut apart: Vec<Window> = Vec::new();
    for span in sorted {
        match apart.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => apart.push(span),
        }
    }
    apart
}

/// From the first slot that the store holds to the end of the last; what expired before is no baseline.
fn known_span(view: &View) -> Window {
    let Some((first, last)) = span_of_slots(view) else {
        return Window { from: Window::ALL.from, until: Window::ALL.from };
    };
    let from = view.expired_before(Window::ALL).map_or(first, |expired| expired.max(first));
    Window { from, until: last.plus(view.settings().interval) }
}

/// What the store lacks of the window and the spans that were asked for, each said once.
fn lacks(view: &View, context: &Context, window: Window, asked: &[Window]) -> Result<Vec<String>> {
    let mut lacks = completeness::missing(view, window, view.expired_before(window), context.now)?;
    for span in asked {
        for lack in completeness::missing(view, *span, None, context.now)? {
            if !lacks.contains(&lack) {
                lacks.push(lack);
            }
        }
    }
    say_all(&lacks);
    Ok(lacks)
}

/// Of a baseline of more requests every so many-th block is read: what sets requests apart is known from a part as well.
const MOST_OF_BASELINE: u64 = 300_000;

/// Blocks that are read once, though several spans want them.
#[derive(Default)]
struct BlocksToRead {
    of_window: BTreeMap<(u32, u64), BlockSummary>,
    of_baseline: BTreeMap<(u32, u64), BlockSummary>,
}

impl BlocksToRead {
    /// These are read whole.
    fn add_whole(&mut self, blocks: Vec<BlockSummary>) {
        for block in blocks {
            self.of_window.insert((block.generation.0, block.first), block);
        }
    }

    fn add(&mut self, blocks: Vec<BlockSummary>) {
        for block in blocks {
            self.of_baseline.insert((block.generation.0, block.first), block);
        }
    }

    /// Every so many-th block of the baseline is read.
    fn step(&self) -> usize {
        let lines: u64 = self.of_baseline.values().map(|block| u64::from(block.lines)).sum();
        usize::try_from(lines.div_ceil(MOST_OF_BASELINE)).unwrap_or(usize::MAX).max(1)
    }

    /// How much of the baseline that is. What the window's blocks hold of it is little.
    fn part(&self) -> BaselinePart {
        let lines = |block: &BlockSummary| u64::from(block.lines);
        let step = self.step();
        if step == 1 {
            return BaselinePart::WHOLE;
        }
        let read = self.of_baseline.values().step_by(step).map(lines).sum();
        BaselinePart { read, all: self.of_baseline.values().map(lines).sum() }
    }

    /// From the first to the last request of all of them, also of those that are not read: they are counted.
    fn known(&self) -> Option<Window> {
        let all = || self.of_window.values().chain(self.of_baseline.values());
        let from = all().map(|block| block.min_end).min()?;
        let until = all().map(|block| block.max_end).max()?;
        (from <= until).then(|| Window { from, until: until.plus_millis(1) })
    }

    fn in_order(mut self) -> Vec<BlockSummary> {
        let step = self.step();
        if step == 1 {
            self.of_window.append(&mut self.of_baseline);
        } else {
            let chosen = std::mem::take(&mut self.of_baseline);
            for (place, block) in chosen.into_iter().step_by(step) {
                self.of_window.entry(place).or_insert(block);
            }
        }
        self.of_window.into_values().collect()
    }
}

/// Whether the logs of these blocks can be found, so that another day may be compared with: it is no lack where they are gone.
fn are_there(view: &View, blocks: &[BlockSummary]) -> bool {
    let mut logs = BTreeSet::new();
    for block in blocks {
        logs.insert(view.again_of(block.generation).unwrap_or(block.generation));
    }
    let is_there = |id: &_| {
        let known = view.generations().iter().find(|generation| generation.id == *id);
        known.is_some_and(|generation| matches!(find_generation(generation), Ok(Some(_))))
    };
    !logs.is_empty() && logs.iter().all(is_there)
}
