//! The daemon's tally: what a stretch of lines adds to the store, per route and interval.
//!
//! Everything here depends on the lines alone (their own times and offsets), never on when or in which blocks they
//! were read, so that work done twice after a crash comes to the same.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use super::commit_builder::{CollectedRows, Row};
use super::interpreter::{Interpreter, RoutedRecord};
use super::raw_candidates::RawCandidates;
use crate::grammar::Reject;
use crate::histogram::{Cell, Time};
use crate::record::Record;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BLOCK_BYTES, BlockSummary, FIRST_REJECTS, Ledger, Locator, Rejects, coarse};
use crate::time::Timestamp;

/// How lines are counted.
#[derive(Debug, Clone, Copy)]
pub struct SlotSettings {
    /// Length of a slot.
    pub interval: Duration,
    /// How many slowest requests of each route and slot are kept.
    pub slowest: usize,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
}

/// Assigns every line its slot and route, and notes blocks and the ledger, until [`RowCollector::take`]. What a cell then holds
/// is counted from the [`CollectedRows`], on another thread.
pub struct RowCollector {
    settings: SlotSettings,
    cells: CellNumbers,
    rows: Vec<Row>,
    blocks: Vec<BlockSummary>,
    block: Option<OpenBlock>,
    /// By route: the number of the block in which it was last seen, so that a block lists it once, and its earliest start there.
    stamps: Vec<(u64, Timestamp)>,
    stamp: u64,
    ledgers: HashMap<GenerationId, Ledger>,
    /// By log: what is carried on from the block that was open in it last.
    carried: HashMap<GenerationId, Carried>,
    /// The slot of the last line, from and until: most lines are in the same.
    slot: (Timestamp, Timestamp),
    latest: Timestamp,
    bytes: u64,
    raw: RawCandidates,
}

/// Numbers the cells, by slot and route, in the order they are first seen.
#[derive(Default)]
struct CellNumbers {
    cells: Vec<(Timestamp, RouteId)>,
    by_key: HashMap<(i64, u32), u32, BuildHasherDefault<Multiply>>,
    /// The slot that `by_route` is about, and its distinction from those before.
    slot: Timestamp,
    turn: u32,
    /// By route: in which turn it got its cell's number, and the number.
    by_route: Vec<(u32, u32)>,
}

impl CellNumbers {
    #[inline]
    fn number(&mut self, slot: Timestamp, route: RouteId) -> u32 {
        if slot == self.slot
            && let Some(&(turn, number)) = self.by_route.get(route.0 as usize)
            && turn == self.turn
        {
            return number;
        }
        self.look_up(slot, route)
    }

    #[inline(never)]
    fn look_up(&mut self, slot: Timestamp, route: RouteId) -> u32 {
        if slot != self.slot || self.turn == 0 {
            self.slot = slot;
            self.next_turn();
        }
        let next = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let number = *self.by_key.entry((slot.0, route.0)).or_insert(next);
        if number == next {
            self.cells.push((slot, route));
        }
        let at = route.0 as usize;
        if self.by_route.len() <= at {
            self.by_route.resize(at + 1, (0, 0));
        }
        if let Some(place) = self.by_route.get_mut(at) {
            *place = (self.turn, number);
        }
        number
    }

    fn next_turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        if self.turn <= 1 {
            self.turn = 1;
            self.by_route.fill((0, 0));
        }
    }

    fn take(&mut self) -> Vec<(Timestamp, RouteId)> {
        self.by_key.clear();
        self.next_turn();
        std::mem::take(&mut self.cells)
    }
}

struct OpenBlock {
    summary: BlockSummary,
    begins_at: u64,
    next_number_at: u64,
    carried: Carried,
}

/// What the lines of a block so far say to those that follow in it, so that it does not matter where it is cut.
#[derive(Debug, Clone, Copy)]
struct Carried {
    number: u32,
    /// The latest end so far; `i64::MIN` before the first.
    latest: Timestamp,
    /// The last line was rejected.
    rejected: bool,
}

impl OpenBlock {
    #[inline]
    fn covers(&self, generation: GenerationId, offset: u64) -> bool {
        self.summary.generation == generation && offset >= self.begins_at && offset < self.next_number_at
    }
}

impl RowCollector {
    /// An empty tally.
    pub fn new(settings: SlotSettings) -> RowCollector {
        RowCollector {
            settings,
            cells: CellNumbers::default(),
            rows: Vec::new(),
            blocks: Vec::new(),
            block: None,
            stamps: Vec::new(),
            stamp: 0,
            ledgers: HashMap::new(),
            carried: HashMap::new(),
            slot: (Timestamp(0), Timestamp(0)),
            latest: Timestamp(i64::MIN),
            bytes: 0,
            raw: RawCandidates::default(),
        }
    }

    /// Go on from a store: `open` are the blocks that more lines may come to.
    pub fn resume(&mut self, open: &[BlockSummary]) {
        for block in open {
            let rejected = block.rejects.is_some_and(|rejects| rejects.last >= block.until);
            let carried = Carried { number: block.number, latest: block.max_end, rejected };
            self.carried.insert(block.generation, carried);
        }
    }

    /// The latest end of a request seen in the last block of a log; `i64::MIN` if none was.
    pub fn latest_of(&self, generation: GenerationId) -> Timestamp {
        let open = self.block.as_ref().filter(|open| open.summary.generation == generation).map(|open| open.carried);
        let carried = open.or_else(|| self.carried.get(&generation).copied());
        carried.map_or(Timestamp(i64::MIN), |carried| carried.latest)
    }

    /// Count a block of whole lines of `generation` that begins at `offset`. `late_before`: slots before it were
    /// already sent, so a line in one is late.
    pub fn block(
        &mut self,
        interpreter: &mut Interpreter,
        generation: GenerationId,
        offset: u64,
        bytes: &[u8],
        late_before: Timestamp,
    ) {
        let mut ledger = self.ledgers.remove(&generation).unwrap_or_default();
        ledger.bytes += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        let archived = interpreter.archives();
        interpreter.block(bytes, |at, line, seen, _| {
            let at = offset + at as u64;
            ledger.lines += 1;
            match &seen {
                Ok(seen) => {
                    ledger.parsed += 1;
                    let locator =
                        Locator { generation, offset: at, length: u32::try_from(line.len()).unwrap_or(u32::MAX) };
                    let slot = self.count(seen, locator);
                    if let Some(slowest) = archived
                        && let Some(row) = self.rows.last()
                    {
                        self.raw.offer(self.rows.len() - 1, row, slowest, line);
                    }
                    ledger.late += u64::from(slot < late_before);
                    self.summarise(seen, locator);
                }
                Err(reject) => self.reject(&mut ledger, generation, at, *reject),
            }
        });
        ledger.whole_seconds |= interpreter.end_precision_ms() > 1;
        self.ledgers.insert(generation, ledger);
    }

    #[cold]
    fn reject(&mut self, ledger: &mut Ledger, generation: GenerationId, at: u64, reject: Reject) {
        *ledger.rejected.entry(reject.reason.code()).or_default() += 1;
        if ledger.first_rejects.len() < FIRST_REJECTS {
            ledger.first_rejects.push((at, reject.column, reject.reason.code()));
        }
        // An empty line was never a request, so nothing lacks.
        if reject.reason.may_be_request() {
            self.summarise_reject(generation, at).rejected += 1;
        }
    }

    /// A line of `length` bytes at `offset` was skipped, since it is over the limit.
    pub fn too_long(&mut self, generation: GenerationId, offset: u64, length: u64) {
        let ledger = self.ledgers.entry(generation).or_default();
        ledger.bytes += length;
        ledger.lines += 1;
        ledger.too_long += 1;
        self.bytes += length;
        self.summarise_reject(generation, offset).too_long += 1;
    }

    /// Note in the summary of its block that a line is no request.
    fn summarise_reject(&mut self, generation: GenerationId, offset: u64) -> &mut Rejects {
        let OpenBlock { summary, carried, .. } = self.open_block(generation, offset);
        let rejects = summary.rejects.get_or_insert(Rejects::NONE);
        rejects.first = rejects.first.min(offset);
        rejects.last = rejects.last.max(offset);
        if carried.latest != Timestamp(i64::MIN) {
            rejects.after = rejects.after.min(carried.latest);
        }
        carried.rejected = true;
        rejects
    }

    /// The ledger of a generation, to add what the source reports.
    pub fn ledger(&mut self, generation: GenerationId) -> &mut Ledger {
        self.ledgers.entry(generation).or_default()
    }

    /// Count the record; gives back the slot it belongs to.
    #[inline]
    fn count(&mut self, seen: &RoutedRecord<'_>, locator: Locator) -> Timestamp {
        let record = &seen.record;
        let (from, until) = self.slot;
        if record.end < from || record.end >= until {
            let slot = record.end.slot(self.settings.interval);
            self.slot = (slot, slot.plus(self.settings.interval));
        }
        let (slot, _) = self.slot;
        self.latest = self.latest.max(record.end);
        let error = self.settings.server_errors && record.status.is_some_and(|status| (500..600).contains(&status));
        let cell = self.cells.number(slot, seen.matched.id);
        self.rows.push(Row::new(cell, record, locator, seen.slow, error));
        slot
    }

    /// Note the record in the summary of the block of log that its line begins in.
    #[inline]
    fn summarise(&mut self, seen: &RoutedRecord<'_>, locator: Locator) {
        let Locator { generation, offset, length } = locator;
        let (start, end) = (seen.record.start(), seen.record.end);
        if !self.block.as_ref().is_some_and(|open| open.covers(generation, offset)) {
            self.open_block(generation, offset);
        }
        let Some(OpenBlock { summary, carried, .. }) = &mut self.block else { return };
        summary.first = summary.first.min(offset);
        summary.until = offset + u64::from(length) + 1;
        summary.lines += 1;
        summary.min_start = summary.min_start.min(start);
        summary.min_end = summary.min_end.min(end);
        summary.max_end = summary.max_end.max(end);
        carried.latest = carried.latest.max(end);
        if carried.rejected {
            carried.rejected = false;
            let rejects = summary.rejects.get_or_insert(Rejects::NONE);
            rejects.before = rejects.before.max(end);
        }
        let route = seen.matched.id;
        let at = route.0 as usize;
        if self.stamps.len() <= at {
            self.stamps.resize(at + 1, (0, start));
        }
        if let Some((stamp, earliest)) = self.stamps.get_mut(at) {
            if *stamp == self.stamp {
                *earliest = start.min(*earliest);
            } else {
                (*stamp, *earliest) = (self.stamp, start);
                summary.routes.push((route, start));
            }
        }
    }

    /// The block that `offset` lies in, opened if it is another than the last.
    fn open_block(&mut self, generation: GenerationId, offset: u64) -> &mut OpenBlock {
        let open = self.block.take_if(|open| open.covers(generation, offset));
        let open = open.unwrap_or_else(|| {
            self.close_block();
            self.stamp += 1;
            let number = offset / BLOCK_BYTES;
            let (begins_at, next_number_at) = (number * BLOCK_BYTES, (number + 1) * BLOCK_BYTES);
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let carried = self.carried.get(&generation).copied().filter(|carried| carried.number == number);
            let carried = carried.unwrap_or(Carried { number, latest: Timestamp(i64::MIN), rejected: false });
            OpenBlock { summary: BlockSummary::empty(generation, number), begins_at, next_number_at, carried }
        });
        self.block.insert(open)
    }

    fn close_block(&mut self) {
        if let Some(mut open) = self.block.take() {
            self.carried.insert(open.summary.generation, open.carried);
            for (route, start) in &mut open.summary.routes {
                *start = self.stamps.get(route.0 as usize).map_or(*start, |(_, earliest)| coarse(*earliest));
            }
            open.summary.routes.sort_unstable();
            self.blocks.push(open.summary);
        }
    }

    /// Bytes of log counted since the last [`RowCollector::take`].
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was counted since the last [`RowCollector::take`].
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.ledgers.is_empty()
    }

    /// The latest end of a request seen at all.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The slots counted into since the last [`RowCollector::take`], sorted.
    pub fn touched(&self) -> Vec<Timestamp> {
        let mut slots: Vec<Timestamp> = self.cells.cells.iter().map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Hand over everything counted, and begin anew.
    pub fn take(&mut self) -> CollectedRows {
        self.close_block();
        self.bytes = 0;
        let mut ledgers: Vec<(GenerationId, Ledger)> = self.ledgers.drain().collect();
        ledgers.sort_unstable_by_key(|(generation, _)| *generation);
        CollectedRows {
            cells: self.cells.take(),
            rows: std::mem::take(&mut self.rows),
            ledgers,
            blocks: std::mem::take(&mut self.blocks),
            raw: std::mem::take(&mut self.raw),
        }
    }

    /// Rows that were counted come back, so that their memory is used again.
    pub fn recycle(&mut self, mut rows: Vec<Row>) {
        if self.rows.capacity() == 0 {
            rows.clear();
            self.rows = rows;
        }
    }
}

/// Add one record to a cell, without its upstream times.
#[inline]
pub fn count(cell: &mut Cell, record: &Record<'_>, slow: bool) {
    cell.requests += 1;
    cell.slow += u64::from(slow);
    if let Some(status) = record.status {
        cell.count_status(status);
    }
    if let Some(bytes) = record.bytes_sent {
        cell.bytes_sent = cell.bytes_sent.saturating_add(bytes);
    }
    if let Some(millis) = record.request_time_ms {
        cell.time_mut(Time::Request).record(millis);
    }
}

/// A multiplicative hash for small whole numbers. Both halves of the key are ours (a slot and a route's number), so
/// nobody can aim at collisions except by log times, whose slots are spread by the multiplication.
#[derive(Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(26) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_one_number_however_slots_alternate() {
        let mut cells = CellNumbers::default();
        for turn in 1..4 {
            let mut numbers = HashMap::new();
            for i in 0..500u32 {
                let key = (Timestamp(i64::from(i * i % 7) * 10_000), RouteId(i * turn % 11));
                let next = u32::try_from(numbers.len()).unwrap();
                assert_eq!(cells.number(key.0, key.1), *numbers.entry(key).or_insert(next), "{key:?}");
            }
            let keys = cells.take();
            assert_eq!(keys.len(), numbers.len());
            assert!(keys.iter().zip(0..).all(|(key, number)| numbers.get(key) == Some(&number)));
        }
    }
}
