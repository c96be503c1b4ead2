//! The daemon's tally: what a stretch of lines adds to the store, per route and interval.
//!
//! Everything here depends on the lines alone (their own times and offsets), never on when or in which blocks they
//! were read, so that work done twice after a crash comes to the same.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use super::interpreter::{Interpreter, Seen};
use crate::grammar::Reject;
use crate::histogram::{Cell, Time};
use crate::record::Record;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BLOCK_BYTES, BlockSummary, Commit, Entry, FIRST_REJECTS, Kept, Ledger, Locator};
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

/// At most this many (slot, route) rankings are remembered from earlier commits; forgetting one only costs
/// superfluous candidates, which the store prunes.
const RANKINGS: usize = 20_000;

/// Counts lines per route and slot, candidates for the slow index, blocks and the ledger, until [`Slots::take`].
pub struct Slots {
    settings: SlotSettings,
    index: HashMap<(i64, u32), usize, BuildHasherDefault<Multiply>>,
    cells: Vec<Counted>,
    entries: Vec<Entry>,
    blocks: Vec<BlockSummary>,
    block: Option<OpenBlock>,
    /// By route: the number of the block in which it was last seen, so that a block lists it once.
    stamps: Vec<u64>,
    stamp: u64,
    ledgers: HashMap<GenerationId, Ledger>,
    rankings: HashMap<(i64, u32), Ranking, BuildHasherDefault<Multiply>>,
    latest: Timestamp,
    bytes: u64,
}

struct Counted {
    slot: Timestamp,
    route: RouteId,
    cell: Cell,
    ranking: Ranking,
}

/// The slowest requests of one slot and route so far, best first, in the order that the store ranks by:
/// longer first, then earlier end, then generation and offset.
#[derive(Clone, Default)]
struct Ranking(Vec<(std::cmp::Reverse<u64>, Timestamp, GenerationId, u64)>);

impl Ranking {
    /// Whether a request takes a place among the first `limit`; if so it is remembered.
    #[inline]
    fn enters(&mut self, entry: &Entry, limit: usize) -> bool {
        let key = (std::cmp::Reverse(entry.duration_ms), entry.end, entry.locator.generation, entry.locator.offset);
        if self.0.len() >= limit && self.0.last().is_none_or(|last| *last <= key) {
            return false;
        }
        let at = self.0.partition_point(|held| *held < key);
        if self.0.capacity() == 0 {
            self.0.reserve_exact(limit + 1);
        }
        self.0.insert(at, key);
        self.0.truncate(limit);
        true
    }
}

struct OpenBlock {
    summary: BlockSummary,
    next_number_at: u64,
}

impl Slots {
    /// An empty tally.
    pub fn new(settings: SlotSettings) -> Slots {
        Slots {
            settings,
            index: HashMap::default(),
            cells: Vec::new(),
            entries: Vec::new(),
            blocks: Vec::new(),
            block: None,
            stamps: Vec::new(),
            stamp: 0,
            ledgers: HashMap::new(),
            rankings: HashMap::default(),
            latest: Timestamp(i64::MIN),
            bytes: 0,
        }
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
        interpreter.block(bytes, |at, line, seen, _| {
            let at = offset + at as u64;
            ledger.lines += 1;
            match seen {
                Ok(seen) => {
                    ledger.parsed += 1;
                    let locator =
                        Locator { generation, offset: at, length: u32::try_from(line.len()).unwrap_or(u32::MAX) };
                    let slot = self.count(&seen, locator);
                    ledger.late += u64::from(slot < late_before);
                    self.summarise(&seen, locator);
                }
                Err(reject) => self.reject(&mut ledger, at, reject),
            }
        });
        self.ledgers.insert(generation, ledger);
    }

    #[cold]
    fn reject(&mut self, ledger: &mut Ledger, at: u64, reject: Reject) {
        *ledger.rejected.entry(reject.reason.code()).or_default() += 1;
        if ledger.first_rejects.len() < FIRST_REJECTS {
            ledger.first_rejects.push((at, reject.column, reject.reason.code()));
        }
    }

    /// A line over the limit was skipped.
    pub fn too_long(&mut self, generation: GenerationId, length: u64) {
        let ledger = self.ledgers.entry(generation).or_default();
        ledger.bytes += length;
        ledger.lines += 1;
        ledger.too_long += 1;
        self.bytes += length;
    }

    /// The ledger of a generation, to add what the source reports.
    pub fn ledger(&mut self, generation: GenerationId) -> &mut Ledger {
        self.ledgers.entry(generation).or_default()
    }

    /// Count the record; gives back the slot it belongs to.
    #[inline]
    fn count(&mut self, seen: &Seen<'_>, locator: Locator) -> Timestamp {
        let record = &seen.record;
        let slot = record.end.slot(self.settings.interval);
        self.latest = self.latest.max(record.end);
        let key = (slot.0, seen.matched.id.0);
        let at = match self.index.get(&key) {
            Some(&at) => at,
            None => {
                let at = self.cells.len();
                let ranking = self.rankings.remove(&key).unwrap_or_default();
                self.cells.push(Counted { slot, route: seen.matched.id, cell: Cell::default(), ranking });
                self.index.insert(key, at);
                at
            }
        };
        let Some(counted) = self.cells.get_mut(at) else { return slot };
        count(&mut counted.cell, record, seen.slow);
        count_upstream(&mut counted.cell, record);
        let error = self.settings.server_errors && record.status.is_some_and(|status| (500..600).contains(&status));
        let mut entry = Entry {
            end: record.end,
            duration_ms: record.request_time_ms.unwrap_or(0),
            route: seen.matched.id,
            status: record.status.unwrap_or(0),
            upstream_ms: record.upstream_ms[0],
            kept: Kept::default(),
            locator,
        };
        let slowest = record.request_time_ms.is_some() && counted.ranking.enters(&entry, self.settings.slowest);
        if slowest || seen.slow || error {
            for (holds, flag) in [(seen.slow, Kept::THRESHOLD), (error, Kept::ERROR), (slowest, Kept::SLOWEST)] {
                if holds {
                    entry.kept = entry.kept.with(flag);
                }
            }
            self.entries.push(entry);
        }
        slot
    }

    /// Note the record in the summary of the block of log that its line begins in.
    #[inline]
    fn summarise(&mut self, seen: &Seen<'_>, locator: Locator) {
        let Locator { generation, offset, length } = locator;
        let (start, end) = (seen.record.start(), seen.record.end);
        let fits = self.block.as_ref().is_some_and(|open| {
            open.summary.generation == generation && offset >= open.summary.first && offset < open.next_number_at
        });
        if !fits {
            self.close_block();
            let number = offset / BLOCK_BYTES;
            self.stamp += 1;
            self.block = Some(OpenBlock {
                summary: BlockSummary {
                    generation,
                    number: u32::try_from(number).unwrap_or(u32::MAX),
                    first: offset,
                    until: offset,
                    lines: 0,
                    min_start: start,
                    min_end: end,
                    max_end: end,
                    routes: Vec::new(),
                },
                next_number_at: (number + 1) * BLOCK_BYTES,
            });
        }
        let Some(OpenBlock { summary, .. }) = &mut self.block else { return };
        summary.until = offset + u64::from(length) + 1;
        summary.lines += 1;
        summary.min_start = summary.min_start.min(start);
        summary.min_end = summary.min_end.min(end);
        summary.max_end = summary.max_end.max(end);
        let route = seen.matched.id;
        let at = route.0 as usize;
        if self.stamps.len() <= at {
            self.stamps.resize(at + 1, 0);
        }
        if let Some(stamp) = self.stamps.get_mut(at)
            && *stamp != self.stamp
        {
            *stamp = self.stamp;
            summary.routes.push(route);
        }
    }

    fn close_block(&mut self) {
        if let Some(mut open) = self.block.take() {
            open.summary.routes.sort_unstable();
            self.blocks.push(open.summary);
        }
    }

    /// Bytes of log counted since the last [`Slots::take`].
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was counted since the last [`Slots::take`].
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.ledgers.is_empty()
    }

    /// The latest end of a request seen at all.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The slots counted into since the last [`Slots::take`], sorted.
    pub fn touched(&self) -> Vec<Timestamp> {
        let mut slots: Vec<Timestamp> = self.cells.iter().map(|counted| counted.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Hand over everything counted, as the lines' part of a commit, and begin anew.
    pub fn take(&mut self, at: Timestamp) -> Commit {
        self.close_block();
        self.index.clear();
        self.bytes = 0;
        self.forget_old_rankings();
        let mut cells = Vec::with_capacity(self.cells.len());
        for counted in self.cells.drain(..) {
            if !counted.ranking.0.is_empty() {
                self.rankings.insert((counted.slot.0, counted.route.0), counted.ranking);
            }
            cells.push((counted.slot, counted.route, counted.cell));
        }
        let mut ledgers: Vec<(GenerationId, Ledger)> = self.ledgers.drain().collect();
        ledgers.sort_unstable_by_key(|(generation, _)| *generation);
        Commit {
            at,
            cells,
            ledgers,
            entries: std::mem::take(&mut self.entries),
            blocks: std::mem::take(&mut self.blocks),
            ..Commit::default()
        }
    }

    fn forget_old_rankings(&mut self) {
        if self.rankings.len() > RANKINGS {
            let oldest = self.latest.plus_millis(-120_000).0;
            self.rankings.retain(|(slot, _), _| *slot >= oldest);
            if self.rankings.len() > RANKINGS {
                self.rankings.clear();
            }
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

/// Add one record's upstream times to a cell; a report has no use for them.
#[inline]
fn count_upstream(cell: &mut Cell, record: &Record<'_>) {
    let upstream = [Time::UpstreamResponse, Time::UpstreamConnect, Time::UpstreamHeader];
    for (time, millis) in upstream.into_iter().zip(record.upstream_ms) {
        if let Some(millis) = millis {
            cell.time_mut(time).record(millis);
        }
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
