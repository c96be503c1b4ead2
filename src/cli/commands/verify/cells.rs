//! Cells counted again from the raw lines, and held against those of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::against::{CellKey, Differences};
use crate::error::Result;
use crate::histogram::{Cell, TIMES};
use crate::pipeline::{Recount, UnreadRange};
use crate::report::{Against, count};
use crate::route::cap::OTHER;
use crate::route::{PROBE_NODE, RouteId, begins_with_node};
use crate::store::{BlockSummary, LogRange, View, WindowMatch};
use crate::time::{Timestamp, Window};

use crate::cli::answer::output::{say, say_all};

/// The logs of one store, and what came of reading them again.
pub(super) struct RecountedLogs<'v> {
    view: &'v View,
    recount: Recount<'v>,
    /// Windows of which the store lost something.
    damaged: Vec<Window>,
    cells: u64,
    lines: u64,
    /// Cells that cannot be judged, since lines of them are gone or the store is damaged there.
    unjudged: u64,
    /// The members of series that took what was over their cap.
    overflows: Vec<RouteId>,
    /// Cells with requests that were counted in `other`, before their routes got a place.
    of_late_routes: u64,
    /// Lines that cannot be read again, by why.
    unread: BTreeMap<String, u64>,
    /// The blocks that were counted into it: a block may meet two steps.
    unread_blocks: BTreeSet<(u32, u32)>,
}

impl<'v> RecountedLogs<'v> {
    pub(super) fn new(view: &'v View, recount: Recount<'v>, damaged: Vec<Window>) -> RecountedLogs<'v> {
        let (unread, unread_blocks) = (BTreeMap::new(), BTreeSet::new());
        let mut overflows = Vec::new();
        for (id, name) in view.members() {
            if name.split('.').any(|node| node == OTHER) {
                overflows.push(id);
            }
        }
        RecountedLogs {
            view,
            recount,
            damaged,
            cells: 0,
            lines: 0,
            unjudged: 0,
            overflows,
            of_late_routes: 0,
            unread,
            unread_blocks,
        }
    }

    /// Compare the cells of `window`, which are `stored`, with what the lines come to.
    pub(super) fn compare(
        &mut self,
        window: Window,
        stored: &[(Timestamp, RouteId, Cell)],
        differences: &mut Differences<'_>,
    ) -> Result<()> {
        let blocks = self.view.blocks(window, WindowMatch::End, None)?;
        let mut counted: BTreeMap<CellKey, Cell> = BTreeMap::new();
        let unread = self.recount.count(&ranges(&blocks), |part| {
            for (slot, route, cell) in part.cells {
                if window.contains(slot) {
                    counted.entry(CellKey { slot, route }).or_default().merge(&cell);
                }
            }
        });
        let members: BTreeMap<RouteId, &str> = self.view.members().into_iter().collect();
        for (key, cell) in &counted {
            // A line is in one route, or in that of a probe, and in any number of series besides.
            let is_besides = members.get(&key.route).is_some_and(|name| !begins_with_node(name, PROBE_NODE));
            self.lines += if is_besides { 0 } else { cell.requests };
        }
        let members: BTreeSet<RouteId> = members.into_keys().collect();
        let lacking = self.note(&blocks, &unread);
        let none = Cell::default();
        let mut held: BTreeMap<CellKey, &Cell> = BTreeMap::new();
        for (slot, route, cell) in stored {
            held.insert(CellKey { slot: *slot, route: *route }, cell);
        }
        for key in counted.keys() {
            held.entry(*key).or_insert(&none);
        }
        for other in self.view.route(OTHER).into_iter().chain(self.overflows.iter().copied()) {
            self.of_late_routes += settle_late_routes(other, &members, &mut held, &counted, differences);
        }
        let interval = self.view.settings().interval;
        for (key, held) in held {
            let slot = Window { from: key.slot, until: key.slot.plus(interval) };
            if self.is_damaged(slot) || has_lines_of(&lacking, slot, key.route) {
                self.unjudged += 1;
                continue;
            }
            self.cells += 1;
            compare(key, held, counted.get(&key).unwrap_or(&none), differences);
        }
        Ok(())
    }

    /// Whether the store lost something of a slot.
    fn is_damaged(&self, slot: Window) -> bool {
        for lost in &self.damaged {
            if lost.from < slot.until && slot.from < lost.until {
                return true;
            }
        }
        false
    }

    /// Take note of the lines that cannot be read again; gives their blocks.
    fn note<'b>(&mut self, blocks: &'b [BlockSummary], unread: &[UnreadRange]) -> Vec<&'b BlockSummary> {
        let mut lacking = Vec::new();
        for block in blocks {
            let Some(unread) = unread_range_of(block, unread) else { continue };
            lacking.push(block);
            if self.unread_blocks.insert((block.generation.0, block.number)) {
                let why = format!("{}: {}", unread.path.display(), unread.why);
                *self.unread.entry(why).or_default() += u64::from(block.lines);
            }
        }
        lacking
    }

    /// Say what was compared; what could not be is handed back too, a line each.
    pub(super) fn say(&self) -> Vec<String> {
        say(&format!("{} cells compared with {} lines of the logs", count(self.cells), count(self.lines)));
        let mut missing = Vec::new();
        for (why, lines) in &self.unread {
            missing.push(format!("{} lines are not verifiable: {why}", count(*lines)));
        }
        say_all(&missing);
        if self.of_late_routes > 0 {
            let cells = count(self.of_late_routes);
            say(&format!(
                "{cells} cells agree together with `other`, where requests were counted before their routes got a place"
            ));
        }
        if self.unjudged > 0 {
            say(&format!("{} cells could not be compared for that, or for damage", count(self.unjudged)));
        }
        missing
    }
}

/// Takes out the cells that differ only by requests that were counted in `other`, because their route had no place yet: together they
/// come to the same. Gives how many.
fn settle_late_routes(
    other: RouteId,
    members: &BTreeSet<RouteId>,
    held: &mut BTreeMap<CellKey, &Cell>,
    counted: &BTreeMap<CellKey, Cell>,
    differences: &Differences<'_>,
) -> u64 {
    let none = Cell::default();
    let slots: Vec<Timestamp> = held.keys().filter(|key| key.route == other).map(|key| key.slot).collect();
    let mut settled = 0;
    for slot in slots {
        let of_slot = CellKey { slot, route: RouteId(0) }..=CellKey { slot, route: RouteId(u32::MAX) };
        let (mut stored, mut found, mut keys) = (Cell::default(), Cell::default(), Vec::new());
        for (key, cell) in held.range(of_slot) {
            // What is over the routes' cap is of routes, and what is over a series' is of members.
            if members.contains(&key.route) != members.contains(&other) {
                continue;
            }
            let again = counted.get(key).unwrap_or(&none);
            if cell.requests != again.requests {
                stored.merge(cell);
                found.merge(again);
                keys.push(*key);
            }
        }
        let mut together = differences.none_kept();
        compare(CellKey { slot, route: other }, &stored, &found, &mut together);
        if keys.iter().any(|key| key.route == other) && together.count() == 0 {
            settled += keys.len() as u64;
            held.retain(|key, _| !keys.contains(key));
        }
    }
    settled
}

/// A range that holds some of a block. One in which all lines are rejected has no bytes to be in a range.
fn unread_range_of<'u>(block: &BlockSummary, unread: &'u [UnreadRange]) -> Option<&'u UnreadRange> {
    for one in unread {
        let LogRange { generation, from, until } = one.range;
        if generation == block.generation && block.first < block.until && from < block.until && block.first < until {
            return Some(one);
        }
    }
    None
}

/// Whether a line of these blocks may count into the cell of this slot and route.
fn has_lines_of(blocks: &[&BlockSummary], slot: Window, route: RouteId) -> bool {
    for block in blocks {
        if block.may_end_in(slot) && block.may_hold(Some(&[route])) {
            return true;
        }
    }
    false
}

/// The ranges that blocks cover, neighbours as one.
fn ranges(blocks: &[BlockSummary]) -> Vec<LogRange> {
    let mut ranges: Vec<LogRange> = Vec::new();
    // A block in which all lines are rejected has no range.
    for block in blocks {
        if block.first >= block.until {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.generation == block.generation && last.until == block.first => last.until = block.until,
            _ => ranges.push(LogRange { generation: block.generation, from: block.first, until: block.until }),
        }
    }
    ranges
}

/// Compare two cells number by number. What differs is named as a report's columns are; of a histogram each bucket by
/// its lowest value.
fn compare(cell: CellKey, stored: &Cell, counted: &Cell, differences: &mut Differences<'_>) {
    // Nothing is formatted for numbers that are the same, which nearly all are.
    let mut same = |what: fmt::Arguments<'_>, stored: u64, found: u64| {
        if stored != found {
            #[expect(clippy::cast_precision_loss, reason = "printed numbers")]
            let (stored, found) = (Some(stored as f64), Some(found as f64));
            differences.add(cell, what, Against::Logs, stored, found);
        }
    };
    same(format_args!("requests"), stored.requests, counted.requests);
    same(format_args!("slow"), stored.slow, counted.slow);
    same(format_args!("status_499"), stored.status_499, counted.status_499);
    same(format_args!("bytes"), stored.bytes_sent, counted.bytes_sent);
    for ((class, stored), counted) in (1..).zip(stored.status).zip(counted.status) {
        same(format_args!("status_{class}xx"), stored, counted);
    }
    for time in TIMES {
        let (name, stored, counted) = (time.name(), stored.time(time), counted.time(time));
        same(format_args!("{name}.count"), stored.count(), counted.count());
        same(format_args!("{name}.sum_ms"), stored.sum_ms(), counted.sum_ms());
        same(format_args!("{name}.max_ms"), stored.max_ms(), counted.max_ms());
        let mut buckets: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (value, count) in stored.buckets() {
            buckets.entry(value).or_default().0 += count;
        }
        for (value, count) in counted.buckets() {
            buckets.entry(value).or_default().1 += count;
        }
        for (value, (stored, counted)) in buckets {
            same(format_args!("{name} bucket {value} ms"), stored, counted);
        }
    }
}
