//! Cells counted again from the raw lines, and held against those of the store.

use std::collections::{BTreeMap, BTreeSet};

use super::against::Differences;
use crate::error::Result;
use crate::histogram::{Cell, TIMES};
use crate::pipeline::{Recount, UnreadRange};
use crate::report::{Against, count};
use crate::route::RouteId;
use crate::store::{BlockSummary, LogRange, View, WindowMatch};
use crate::time::{Timestamp, Window};

use crate::cli::answer::output::say;

type Cells = BTreeMap<(Timestamp, RouteId), Cell>;

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
    /// Lines that cannot be read again, by why.
    unread: BTreeMap<String, u64>,
    /// The blocks that were counted into it: a block may meet two steps.
    unread_blocks: BTreeSet<(u32, u32)>,
}

impl<'v> RecountedLogs<'v> {
    pub(super) fn new(view: &'v View, recount: Recount<'v>, damaged: Vec<Window>) -> RecountedLogs<'v> {
        let (unread, unread_blocks) = (BTreeMap::new(), BTreeSet::new());
        RecountedLogs { view, recount, damaged, cells: 0, lines: 0, unjudged: 0, unread, unread_blocks }
    }

    /// Compare the cells of `window`, which are `stored`, with what the lines come to.
    pub(super) fn compare(
        &mut self,
        window: Window,
        stored: &[(Timestamp, RouteId, Cell)],
        differences: &mut Differences<'_>,
    ) -> Result<()> {
        let blocks = self.view.blocks(window, WindowMatch::End, None)?;
        let mut counted = Cells::new();
        let unread = self.recount.count(&ranges(&blocks), |part| {
            for (slot, route, cell) in part.cells {
                if window.contains(slot) {
                    counted.entry((slot, route)).or_default().merge(&cell);
                }
            }
        });
        self.lines += counted.values().map(|cell| cell.requests).sum::<u64>();
        let lacking = self.note(&blocks, &unread);
        let mut held: BTreeMap<(Timestamp, RouteId), &Cell> =
            stored.iter().map(|(slot, route, cell)| ((*slot, *route), cell)).collect();
        let none = Cell::default();
        for key in counted.keys() {
            held.entry(*key).or_insert(&none);
        }
        let interval = self.view.settings().interval;
        for (key, held) in held {
            let slot = Window { from: key.0, until: key.0.plus(interval) };
            let lost = |lost: &Window| lost.from < slot.until && slot.from < lost.until;
            let gone = |block: &&BlockSummary| block.may_end_in(slot) && block.may_hold(Some(&[key.1]));
            if self.damaged.iter().any(lost) || lacking.iter().any(gone) {
                self.unjudged += 1;
                continue;
            }
            self.cells += 1;
            compare(key, held, counted.get(&key).unwrap_or(&none), differences);
        }
        Ok(())
    }

    /// Take note of the lines that cannot be read again; gives their blocks.
    fn note<'b>(&mut self, blocks: &'b [BlockSummary], unread: &[UnreadRange]) -> Vec<&'b BlockSummary> {
        let mut lacking = Vec::new();
        for block in blocks {
            let inside = |unread: &&UnreadRange| {
                unread.range.generation == block.generation
                    && block.first < block.until
                    && unread.range.from <= block.first
                    && block.until <= unread.range.until
            };
            let Some(unread) = unread.iter().find(inside) else { continue };
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
        let missing: Vec<String> = self
            .unread
            .iter()
            .map(|(why, lines)| format!("{} lines are not verifiable: {why}", count(*lines)))
            .collect();
        missing.iter().for_each(|missing| say(missing));
        if self.unjudged > 0 {
            say(&format!("{} cells could not be compared for that, or for damage", count(self.unjudged)));
        }
        missing
    }
}

/// The ranges that blocks cover, neighbours as one.
fn ranges(blocks: &[BlockSummary]) -> Vec<LogRange> {
    let mut ranges: Vec<LogRange> = Vec::new();
    // A block in which all lines are rejected has no range.
    for block in blocks.iter().filter(|block| block.first < block.until) {
        match ranges.last_mut() {
            Some(last) if last.generation == block.generation && last.until == block.first => last.until = block.until,
            _ => ranges.push(LogRange { generation: block.generation, from: block.first, until: block.until }),
        }
    }
    ranges
}

/// Compare two cells number by number.
fn compare(key: (Timestamp, RouteId), stored: &Cell, counted: &Cell, differences: &mut Differences<'_>) {
    let mut same = |what: &dyn Fn() -> String, stored: u64, found: u64| {
        if stored != found {
            #[expect(clippy::cast_precision_loss, reason = "printed numbers")]
            let values = (Some(stored as f64), Some(found as f64));
            differences.add(key, what, Against::Logs, values);
        }
    };
    same(&|| "requests".to_owned(), stored.requests, counted.requests);
    same(&|| "slow".to_owned(), stored.slow, counted.slow);
    same(&|| "status_499".to_owned(), stored.status_499, counted.status_499);
    same(&|| "bytes".to_owned(), stored.bytes_sent, counted.bytes_sent);
    for ((class, stored), counted) in (1..).zip(stored.status).zip(counted.status) {
        same(&|| format!("status_{class}xx"), stored, counted);
    }
    for time in TIMES {
        let (stored, counted) = (stored.time(time), counted.time(time));
        same(&|| format!("{}.count", time.name()), stored.count(), counted.count());
        same(&|| format!("{}.sum_ms", time.name()), stored.sum_ms(), counted.sum_ms());
        same(&|| format!("{}.max_ms", time.name()), stored.max_ms(), counted.max_ms());
        let mut buckets: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        stored.buckets().into_iter().for_each(|(value, count)| buckets.entry(value).or_default().0 += count);
        counted.buckets().into_iter().for_each(|(value, count)| buckets.entry(value).or_default().1 += count);
        for (value, (stored, counted)) in buckets {
            same(&|| format!("{} bucket {value} ms", time.name()), stored, counted);
        }
    }
}
