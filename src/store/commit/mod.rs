//! One atomic step of the store: everything that must agree, in one journal record; and each thing that it is made of.
//!
//! Segments, journal, views and the writer call it; it calls `encoding` alone.

pub(crate) mod archived_lines;
pub(crate) mod block_summary;
pub(crate) mod destination;
pub(crate) mod entry;
pub(crate) mod generation;
pub(crate) mod ledger;
pub(crate) mod log_reading;
pub(crate) mod unread_span;

use crate::histogram::Cell;
use crate::route::RouteId;
use crate::source::UnreadSpan;
use crate::source::generation::{Generation, GenerationId};
use crate::store::commit::archived_lines::{ArchivedLine, CompressedLines};
use crate::store::commit::block_summary::{BlockSummary, RouteStarts};
use crate::store::commit::destination::DestinationProgress;
use crate::store::commit::entry::{Entry, decode_entries, encode_entries};
use crate::store::commit::ledger::Ledger;
use crate::store::commit::log_reading::ReadingChange;
use crate::store::commit::unread_span::{decode_spans, encode_spans};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::store::encoding::encoded_cells::CellBatch;
use crate::time::Timestamp;

/// What of a commit stays in memory as it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommitPayload {
    /// As they stand in the record, and where each is in it.
    pub(crate) cells: CellBatch,
    /// Still compressed.
    pub(crate) lines: CompressedLines,
}

/// A commit's `read_until` of a daemon that begins: it has not read the logs to their ends.
pub const NEVER_READ_WHOLE: Timestamp = Timestamp(i64::MIN);

/// Positions, counts, entries, summaries and accounts that become visible, and durable, together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Wall clock.
    pub at: Timestamp,
    /// By the wall clock: everything written to the logs before this was read. `None` if that is as before.
    pub read_until: Option<Timestamp>,
    /// Names of routes first seen.
    pub routes: Vec<(RouteId, String)>,
    /// New or changed generations; the last value wins.
    pub generations: Vec<Generation>,
    /// Differences of ledgers.
    pub ledgers: Vec<(GenerationId, Ledger)>,
    /// Differences of cells, by start of slot and route.
    pub cells: Vec<(Timestamp, RouteId, Cell)>,
    /// New slow entries.
    pub entries: Vec<Entry>,
    /// Raw lines of some of these entries.
    pub lines: Vec<ArchivedLine>,
    /// Differences of block summaries.
    pub blocks: Vec<BlockSummary>,
    /// Changed accounts; the last value wins.
    pub destinations: Vec<DestinationProgress>,
    /// From where on logs were read in another way; the last word on a byte counts.
    pub readings: Vec<ReadingChange>,
    /// Changed spans in which a log was not read; the last value of a number wins.
    pub spans: Vec<UnreadSpan>,
}

impl Commit {
    /// Add a later commit to one that could not be made, so that both become one.
    pub fn absorb(&mut self, later: Commit) {
        if self.cells.is_empty() && self.entries.is_empty() && self.routes.is_empty() && self.ledgers.is_empty() {
            let (mut generations, mut blocks) =
                (std::mem::take(&mut self.generations), std::mem::take(&mut self.blocks));
            let mut readings = std::mem::take(&mut self.readings);
            let mut spans = std::mem::take(&mut self.spans);
            let read_until = later.read_until.or(self.read_until);
            *self = Commit { read_until, ..later };
            // The last value of a generation wins, so the earlier ones stand first.
            generations.append(&mut self.generations);
            blocks.append(&mut self.blocks);
            readings.append(&mut self.readings);
            spans.append(&mut self.spans);
            (self.generations, self.blocks) = (generations, blocks);
            (self.readings, self.spans) = (readings, spans);
            return;
        }
        self.at = later.at;
        self.read_until = later.read_until.or(self.read_until);
        self.routes.extend(later.routes);
        self.generations.extend(later.generations);
        self.ledgers.extend(later.ledgers);
        self.cells.extend(later.cells);
        self.entries.extend(later.entries);
        self.lines.extend(later.lines);
        self.blocks.extend(later.blocks);
        self.destinations = later.destinations;
        self.readings.extend(later.readings);
        self.spans.extend(later.spans);
    }
}

impl Commit {
    /// Append it; and its cells and lines as they were written, to be kept so.
    pub(crate) fn encode(&self, out: &mut Encoder) -> CommitPayload {
        self.at.encode(out);
        out.u8(u8::from(self.read_until.is_some()));
        self.read_until.unwrap_or_default().encode(out);
        out.count(self.routes.len());
        for (route, name) in &self.routes {
            out.varint(u64::from(route.0));
            out.bytes(name.as_bytes());
        }
        out.count(self.generations.len());
        for known in &self.generations {
            known.encode(out);
        }
        out.count(self.ledgers.len());
        for (id, ledger) in &self.ledgers {
            out.varint(u64::from(id.0));
            ledger.encode(out);
        }
        let cells = CellBatch::encode(&self.cells, out);
        encode_entries(&self.entries, out);
        out.list(&self.blocks);
        out.list(&self.destinations);
        let lines = CompressedLines::encode(&self.lines, out);
        out.list(&self.readings);
        encode_spans(self.spans.iter(), out);
        CommitPayload { cells, lines }
    }

    /// A commit without its cells and lines, and these as they were written.
    pub(crate) fn decode(from: &mut Decoder<'_>, starts: RouteStarts) -> Decoded<(Commit, CommitPayload)> {
        let at = Timestamp::decode(from)?;
        let known = from.u8()? != 0;
        let read_until = Some(Timestamp::decode(from)?).filter(|_| known);
        let mut commit = Commit { at, read_until, ..Commit::default() };
        for _ in 0..from.count()? {
            commit.routes.push((RouteId(from.varint_as()?), from.text()?));
        }
        for _ in 0..from.count()? {
            commit.generations.push(Generation::decode(from)?);
        }
        for _ in 0..from.count()? {
            commit.ledgers.push((GenerationId(from.varint_as()?), Ledger::decode(from)?));
        }
        let cells = CellBatch::decode(from)?;
        commit.entries = decode_entries(from)?;
        commit.blocks = BlockSummary::decode_list(from, starts)?;
        commit.destinations = from.list()?;
        let lines = CompressedLines::decode(from)?;
        // Records up to version 3 end here.
        if !from.is_empty() {
            commit.readings = from.list()?;
        }
        commit.spans = decode_spans(from)?;
        if from.is_empty() { Ok((commit, CommitPayload { cells, lines })) } else { Err(Malformed) }
    }
}
