//! The lines of the store's logs, read again for what the index alone cannot answer: below what was kept, by other rules than those
//! of then, off the edges of slots.
//!
//! Only the blocks are read that may hold such lines. What cannot be read is handed back in words, and the answer is then partial.

use super::context::Context;
use super::interpreters::{NeededLines, line_readers, needs_of_counting, several_line_readers, with_routes};
use crate::cli::answer::completeness;
use crate::cli::answer::names::wanted_routes;
use crate::cli::answer::output::{progress, say, say_all};
use crate::cli::args::FormatArguments;
use crate::error::Result;
use crate::explain::WhereCondition;
use crate::histogram::Cell;
use crate::pipeline::check_where_of_store;
use crate::pipeline::retrieve;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{
    CountedBy, Filter, Interpreting, LineReaders, LineTally, NeedsOfFormat, RouteFilter, ScanWorker, counted_by,
    scan_in_parallel,
};
use crate::route::{RouteId, begins_with_node};
use crate::store::{BlockSummary, View, WindowMatch};
use crate::time::{Timestamp, Window};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many bytes of log are read without being asked for (by `--all`): a few seconds.
const UNASKED_BYTES: u64 = 4 << 30;

/// What reads them, made when the first line is asked for.
pub(in crate::cli) struct StoredLines<'s> {
    context: &'s Context,
    view: &'s View,
    given: &'s FormatArguments,
    /// The rules of now, with the store's numbers for routes.
    pub(in crate::cli) with: Interpreting,
    needs: NeedsOfFormat,
    readers: Option<LineReaders>,
}

/// How many requests each route had in a window, and how long they took.
pub(in crate::cli) struct ExactTotals {
    /// By route.
    pub(in crate::cli) cells: BTreeMap<RouteId, Cell>,
    /// The window that they are of: wider than asked for, to whole slots, where lines are gone.
    pub(in crate::cli) window: Window,
    /// What could not be read.
    pub(in crate::cli) missing: Vec<String>,
}

impl<'s> StoredLines<'s> {
    /// Of the store of `view`; `given` is the format of logs that neither the store nor the configuration knows.
    pub(in crate::cli) fn new(
        context: &'s Context,
        view: &'s View,
        given: &'s FormatArguments,
    ) -> Result<StoredLines<'s>> {
        Ok(StoredLines {
            context,
            view,
            given,
            with: with_routes(context, view)?,
            needs: needs_of_counting(),
            readers: None,
        })
    }

    /// The same, which reads of each line what `needs` names: the times at least.
    pub(in crate::cli) fn reading(self, needs: NeedsOfFormat) -> StoredLines<'s> {
        StoredLines { needs, readers: None, ..self }
    }

    /// The same, which tells requests that the filter's conditions mean.
    ///
    /// # Errors
    /// None of the logs has a field of them.
    pub(in crate::cli) fn asking(self, filter: &Filter) -> Result<StoredLines<'s>> {
        check_where_of_store(&filter.conditions, self.view)?;
        Ok(StoredLines { with: self.with.asking(filter), readers: None, ..self })
    }

    /// By which rules a window was counted. Who gives no configuration means those of the store.
    pub(in crate::cli) fn counted_by(&self, filter: &Filter) -> Result<CountedBy> {
        if self.goes_by_store()? {
            return Ok(CountedBy::Now);
        }
        self.rules_of_counting(filter)
    }

    /// The blocks that may hold what `filter` asks for.
    pub(in crate::cli) fn blocks(&self, filter: &Filter) -> Result<Vec<BlockSummary>> {
        // What other rules named, those of now may name otherwise.
        let by_now = self.rules_of_counting(filter)? != CountedBy::Others;
        let routes = (by_now && !filter.routes.is_empty()).then(|| wanted_routes(self.view, filter));
        self.view.blocks(filter.window, filter.by, routes.as_deref())
    }

    /// Why so much is not read without being asked for, if it is too much.
    pub(in crate::cli) fn too_much(blocks: &[BlockSummary]) -> Option<String> {
        let bytes = bytes_of(blocks);
        if bytes <= UNASKED_BYTES {
            return None;
        }
        let size = crate::report::bytes(bytes);
        Some(format!("{size} of log would have to be read for what was not kept: ask for a shorter window"))
    }

    /// Read the lines of these blocks; `each` gets those that `filter` lets through, as their routes and as the members of series that
    /// it asks for. What could not be read is said and handed back.
    pub(in crate::cli) fn scan(
        &mut self,
        blocks: &[BlockSummary],
        filter: &Filter,
        each: impl FnMut(&ScannedLine<'_>),
    ) -> Result<Vec<String>> {
        self.scan_as(blocks, filter, self.with.asks_for_series(filter), each)
    }

    /// [`scan`](Self::scan), also as `members` of series or not.
    fn scan_as(
        &mut self,
        blocks: &[BlockSummary],
        filter: &Filter,
        members: bool,
        mut each: impl FnMut(&ScannedLine<'_>),
    ) -> Result<Vec<String>> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let readers = match &mut self.readers {
            Some(readers) => readers,
            None => self.readers.insert(line_readers(self.context, self.view, self.given, &self.needs, &self.with)?),
        };
        readers.scan_members(members);
        let (routes, mut verdicts) = (&self.with.routes, RouteFilter::default());
        let missing = retrieve::scan(self.view, blocks, readers, &mut |line| {
            // Who counts by number has no names in the filter.
            let is_counted = members && filter.routes.is_empty();
            if filter.keeps(line.seen) && (is_counted || verdicts.keeps(filter, &line.seen.matched, routes)) {
                each(line);
            }
        })?;
        let mut messages = missing.messages();
        messages.extend(self.lacks_rules(filter)?);
        say_all(&messages);
        Ok(messages)
    }

    /// Why the routes of lines that are read again may be others than those that were counted.
    fn lacks_rules(&self, filter: &Filter) -> Result<Option<String>> {
        let lacks = self.goes_by_store()? && self.rules_of_counting(filter)? == CountedBy::Others;
        Ok(lacks.then(|| "the routes of these lines are not those that were counted: name the configuration that has them (--config)".to_owned()))
    }

    /// By which rules a window was counted, held against those of now.
    pub(in crate::cli) fn rules_of_counting(&self, filter: &Filter) -> Result<CountedBy> {
        counted_by(self.view, filter.window, filter.by, self.with.asked_rules(filter))
    }

    /// Says which of the routes that are asked for by name neither the store knows nor a line has that was read here, and which are those of
    /// a section that the configuration no longer has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(in crate::cli) fn say_unknown(&self, filter: &Filter) -> Result<()> {
        let named_now: Vec<Arc<str>> = self.with.routes.since(0).into_iter().map(|(_, name)| name).collect();
        let mut asked = filter.routes.clone();
        asked.extend(filter.conditions.iter().filter_map(WhereCondition::route_name));
        completeness::say_unknown(self.view, &named_now, &asked);
        let taken = self.with.router.taken_nodes();
        let is_gone = |name: &&str| filter.keeps_member(name) && !taken.iter().any(|node| begins_with_node(name, node));
        let gone = self.view.members().into_iter().map(|(_, name)| name).find(is_gone);
        if let Some(name) = gone
            && self.counted_by(filter)? == CountedBy::Others
        {
            say(&format!(
                "note: the configuration has no [[series]] or [[probe]] for `{name}` any more: by it no request is that"
            ));
        }
        Ok(())
    }

    /// Whether nothing says which rules are meant, so that they are those of the store.
    fn goes_by_store(&self) -> Result<bool> {
        Ok(!self.context.has_config() && self.context.nginx()?.is_none())
    }

    /// Read all lines of these blocks, each tally on a thread of its own, also as the members of series that `filter` asks for; a tally says
    /// itself which of them it wants. What could not be read is said and handed back.
    pub(in crate::cli) fn scan_in_parallel<T: LineTally>(
        &self,
        blocks: &[BlockSummary],
        filter: &Filter,
        tallies: Vec<T>,
    ) -> Result<TalliedLines<T>> {
        if blocks.is_empty() {
            return Ok(TalliedLines { tallies, missing: Vec::new() });
        }
        let needed = NeededLines { needs: &self.needs, with: &self.with, threads: tallies.len() };
        let readers = several_line_readers(self.context, self.view, self.given, &needed)?;
        let mut workers = Vec::new();
        let members = self.with.asks_for_series(filter);
        for (mut readers, tally) in readers.into_iter().zip(tallies) {
            readers.scan_members(members);
            workers.push(ScanWorker { readers, tally });
        }
        let bar = progress(bytes_of(blocks));
        let read = scan_in_parallel(self.view, blocks, &mut workers, &|bytes| bar.inc(bytes));
        bar.finish_and_clear();
        let mut missing = read?.messages();
        missing.extend(self.lacks_rules(filter)?);
        say_all(&missing);
        Ok(TalliedLines { tallies: workers.into_iter().map(|worker| worker.tally).collect(), missing })
    }

    /// The name of a route by its number.
    pub(in crate::cli) fn route_name(&self, route: RouteId) -> String {
        self.with.routes.name(route).as_deref().map(str::to_owned).unwrap_or_default()
    }

    /// Whether a window begins or ends within a slot.
    pub(in crate::cli) fn cuts_slots(&self, window: Window) -> bool {
        !SlotEdges::new(window, self.view.settings().interval).cut_off.is_empty()
    }

    /// The requests that ended in `window`, exactly: whole slots from their cells, what the window cuts off from the lines. Where
    /// these cannot be read the window is widened to the slot.
    pub(in crate::cli) fn totals(&mut self, window: Window, routes: Option<&[RouteId]>) -> Result<ExactTotals> {
        let mut totals = ExactTotals { cells: BTreeMap::new(), window, missing: Vec::new() };
        let slots = SlotEdges::new(window, self.view.settings().interval);
        let mut inner = slots.inner;
        for edge in slots.cut_off {
            let Some(missing) = self.count_lines(edge.window, routes, &mut totals.cells)? else { continue };
            inner.from = inner.from.min(edge.slots.from);
            inner.until = inner.until.max(edge.slots.until);
            totals.window.from = totals.window.from.min(edge.slots.from);
            totals.window.until = totals.window.until.max(edge.slots.until);
            totals.missing.extend(missing);
        }
        if inner.from < inner.until {
            for (route, cell) in self.view.totals(inner, routes)? {
                totals.cells.entry(route).or_default().merge(&cell);
            }
        }
        if totals.window != window {
            let Window { from, until } = totals.window;
            let what = format!(
                "what the window cuts off its slots cannot be counted: this is the answer for {from} .. {until}"
            );
            say(&what);
            totals.missing.push(what);
        }
        Ok(totals)
    }

    /// Count the lines of a window into `cells`; nothing is counted if some cannot be read, and why is handed back.
    fn count_lines(
        &mut self,
        window: Window,
        routes: Option<&[RouteId]>,
        cells: &mut BTreeMap<RouteId, Cell>,
    ) -> Result<Option<Vec<String>>> {
        let filter = Filter { window, ..Filter::all() };
        let members: Vec<&str> = match routes {
            Some(routes) => {
                self.view.members().into_iter().filter(|(id, _)| routes.contains(id)).map(|of| of.1).collect()
            }
            None => Vec::new(),
        };
        let first_nodes = self.with.router.taken_nodes();
        if let Some(name) = members.iter().find(|name| !first_nodes.iter().any(|node| begins_with_node(name, node))) {
            return Ok(Some(vec![format!(
                "the configuration has no [[series]] or [[probe]] for `{name}`: its lines cannot be told"
            )]));
        }
        let blocks = self.view.blocks(window, WindowMatch::End, routes)?;
        let mut counted: BTreeMap<RouteId, Cell> = BTreeMap::new();
        let missing = self.scan_as(&blocks, &filter, !members.is_empty(), |ScannedLine { seen, .. }| {
            if routes.is_none_or(|routes| routes.contains(&seen.matched.id)) {
                let cell = counted.entry(seen.matched.id).or_default();
                seen.count_as_stored(cell);
                seen.count_upstreams(cell, true);
            }
        })?;
        if !missing.is_empty() {
            return Ok(Some(missing));
        }
        for (route, cell) in counted {
            cells.entry(route).or_default().merge(&cell);
        }
        Ok(None)
    }
}

/// What several threads made of lines.
pub(in crate::cli) struct TalliedLines<T> {
    pub(in crate::cli) tallies: Vec<T>,
    /// What could not be read.
    pub(in crate::cli) missing: Vec<String>,
}

fn bytes_of(blocks: &[BlockSummary]) -> u64 {
    blocks.iter().map(|block| block.until.saturating_sub(block.first)).sum()
}

/// A window cut into whole slots and what it has of others.
struct SlotEdges {
    /// Its whole slots; empty if it has none.
    inner: Window,
    cut_off: Vec<SlotEdge>,
}

/// What a window has of one slot, or of two where it has no whole one between them.
struct SlotEdge {
    window: Window,
    /// The whole slots.
    slots: Window,
}

impl SlotEdges {
    fn new(window: Window, interval: std::time::Duration) -> SlotEdges {
        let floor = |time: Timestamp| {
            if time == Window::ALL.from || time == Window::ALL.until { time } else { time.slot(interval) }
        };
        let ceil = |time: Timestamp| if floor(time) == time { time } else { floor(time).plus(interval) };
        let inner = Window { from: ceil(window.from), until: floor(window.until) };
        let slots = Window { from: floor(window.from), until: ceil(window.until) };
        if window.from >= window.until {
            return SlotEdges { inner: Window { from: window.from, until: window.from }, cut_off: Vec::new() };
        }
        if inner.from > inner.until {
            return SlotEdges {
                inner: Window { from: slots.from, until: slots.from },
                cut_off: vec![SlotEdge { window, slots }],
            };
        }
        let mut cut_off = Vec::new();
        if window.from < inner.from {
            let edge = Window { until: inner.from, ..window };
            cut_off.push(SlotEdge { window: edge, slots: Window { until: inner.from, ..slots } });
        }
        if inner.until < window.until {
            let edge = Window { from: inner.until, ..window };
            cut_off.push(SlotEdge { window: edge, slots: Window { from: inner.until, ..slots } });
        }
        SlotEdges { inner, cut_off }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slots_and_what_is_cut_off_are_the_window(from in -99i64..99, length in 0i64..99) {
            let window = Window { from: Timestamp(from), until: Timestamp(from + length) };
            let SlotEdges { inner, cut_off } = SlotEdges::new(window, std::time::Duration::from_millis(10));
            let mut covered = (inner.until.0 - inner.from.0).max(0);
            for edge in &cut_off {
                covered += edge.window.until.0 - edge.window.from.0;
                prop_assert!(edge.slots.from <= edge.window.from && edge.window.until <= edge.slots.until);
                prop_assert!(edge.slots.from.0 % 10 == 0 && edge.slots.until.0 % 10 == 0);
            }
            prop_assert_eq!(covered, length);
        }

        #[test]
        fn all_of_time_has_no_edges(from in -99i64..99) {
            let all = SlotEdges::new(Window::ALL, std::time::Duration::from_secs(10));
            prop_assert!(all.cut_off.is_empty() && all.inner == Window::ALL);
            let open = SlotEdges::new(Window { from: Timestamp(from * 10_000), ..Window::ALL }, std::time::Duration::from_secs(10));
            prop_assert!(open.cut_off.is_empty() && open.inner.until == Window::ALL.until);
        }
    }
}
