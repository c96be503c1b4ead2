//! One atomic step of the store: everything that must agree, in one journal record.

use super::block::BlockSummary;
use super::delivery::Delivery;
use super::encode::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use super::entry::{Entry, decode_entries, encode_entries};
use super::generation;
use super::ledger::Ledger;
use super::packed::Batch;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::source::generation::{Generation, GenerationId};
use crate::time::Timestamp;

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
    /// Differences of block summaries.
    pub blocks: Vec<BlockSummary>,
    /// Changed accounts; the last value wins.
    pub deliveries: Vec<Delivery>,
}

impl Commit {
    /// Add a later commit to one that could not be made, so that both become one.
    pub fn absorb(&mut self, later: Commit) {
        if self.cells.is_empty() && self.entries.is_empty() && self.routes.is_empty() && self.ledgers.is_empty() {
            let (mut generations, mut blocks) =
                (std::mem::take(&mut self.generations), std::mem::take(&mut self.blocks));
            let read_until = later.read_until.or(self.read_until);
            *self = Commit { read_until, ..later };
            // The last value of a generation wins, so the earlier ones stand first.
            generations.append(&mut self.generations);
            blocks.append(&mut self.blocks);
            (self.generations, self.blocks) = (generations, blocks);
            return;
        }
        self.at = later.at;
        self.read_until = later.read_until.or(self.read_until);
        self.routes.extend(later.routes);
        self.generations.extend(later.generations);
        self.ledgers.extend(later.ledgers);
        self.cells.extend(later.cells);
        self.entries.extend(later.entries);
        self.blocks.extend(later.blocks);
        self.deliveries = later.deliveries;
    }
}

impl Commit {
    /// Append it; and its cells as they were written, to be kept so.
    pub(crate) fn encode(&self, out: &mut Encoder) -> Batch {
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
            generation::encode(known, out);
        }
        out.count(self.ledgers.len());
        for (id, ledger) in &self.ledgers {
            out.varint(u64::from(id.0));
            ledger.encode(out);
        }
        let cells = Batch::encode(&self.cells, out);
        encode_entries(&self.entries, out);
        out.list(&self.blocks);
        out.list(&self.deliveries);
        cells
    }

    /// A commit without its cells, and these as they were written.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Decoded<(Commit, Batch)> {
        let at = Timestamp::decode(from)?;
        let known = from.u8()? != 0;
        let read_until = Some(Timestamp::decode(from)?).filter(|_| known);
        let mut commit = Commit { at, read_until, ..Commit::default() };
        for _ in 0..from.count()? {
            commit.routes.push((RouteId(from.varint_as()?), from.text()?));
        }
        for _ in 0..from.count()? {
            commit.generations.push(generation::decode(from)?);
        }
        for _ in 0..from.count()? {
            commit.ledgers.push((GenerationId(from.varint_as()?), Ledger::decode(from)?));
        }
        let cells = Batch::decode(from)?;
        commit.entries = decode_entries(from)?;
        commit.blocks = from.list()?;
        commit.deliveries = from.list()?;
        if from.is_empty() { Ok((commit, cells)) } else { Err(Malformed) }
    }
}
