//! What is known of the whole store without reading its segments; each journal starts with a copy of it.
//!
//! Invariants: generations ascend by id and destinations by name, as they are found by bisection; `by_name` and
//! `routes` are inverse to each other; a route keeps its number for the life of the store, since segments hold
//! numbers only.

use crate::route::{RouteId, marked_name, series_of};
use crate::source::UnreadSpan;
use crate::source::generation::{Generation, GenerationId};
use crate::store::commit::Commit;
use crate::store::commit::destination::DestinationProgress;
use crate::store::commit::ledger::Ledger;
use crate::store::commit::log_reading::LogReadings;
use crate::store::commit::unread_span::apply_spans;
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};
use crate::store::encoding::encoded_cells::CellBatch;
use crate::store::segment::log_ranges::LogRange;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Routes, generations, ledgers and accounts as of the last commit.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreState {
    /// Wall clock of the last commit.
    pub(crate) last_commit: Option<Timestamp>,
    /// Everything written to the logs before this was read.
    pub(crate) read_until: Option<Timestamp>,
    /// Names by number; a number is never given to another name.
    pub(crate) routes: BTreeMap<RouteId, String>,
    by_name: HashMap<String, RouteId>,
    /// Names of the members of series by number, without their mark; routes are apart from them.
    pub(crate) members: BTreeMap<RouteId, String>,
    /// First and last slot in which a route has a cell.
    pub(crate) spans: BTreeMap<RouteId, (Timestamp, Timestamp)>,
    /// Ascending by id.
    pub(crate) generations: Vec<Generation>,
    /// Sums of all that commits said of each log.
    pub(crate) ledgers: BTreeMap<GenerationId, Ledger>,
    /// Ascending by destination.
    pub(crate) destinations: Vec<DestinationProgress>,
    /// How the lines of each log were read.
    pub(crate) readings: LogReadings,
    /// When logs were not read, by the spans' numbers.
    pub(crate) spans_unread: BTreeMap<u32, UnreadSpan>,
}

impl StoreState {
    /// Take in what a commit says of the whole store; `cells` are its cells, for the spans of routes.
    pub(crate) fn apply_commit(&mut self, commit: &Commit, cells: &CellBatch) {
        self.last_commit = Some(commit.at);
        self.read_until = commit.read_until.or(self.read_until);
        for (route, name) in &commit.routes {
            self.name_route(*route, name.clone());
        }
        for generation in &commit.generations {
            match self.generations.binary_search_by_key(&generation.id, generation_id) {
                Ok(index) => {
                    if let Some(known) = self.generations.get_mut(index) {
                        known.clone_from(generation);
                    }
                }
                Err(index) => self.generations.insert(index, generation.clone()),
            }
        }
        for (id, delta) in &commit.ledgers {
            self.ledgers.entry(*id).or_default().merge(delta);
        }
        apply_spans(&mut self.spans_unread, &commit.spans);
        for (slot, route, _) in &cells.cells {
            let (first, last) = self.spans.entry(*route).or_insert((*slot, *slot));
            *first = (*first).min(*slot);
            *last = (*last).max(*slot);
        }
        for change in &commit.readings {
            self.readings.apply_change(change);
        }
        for delivery in &commit.destinations {
            match self.destinations.binary_search_by(|known| known.destination.cmp(&delivery.destination)) {
                Ok(index) => {
                    if let Some(known) = self.destinations.get_mut(index) {
                        known.clone_from(delivery);
                    }
                }
                Err(index) => self.destinations.insert(index, delivery.clone()),
            }
        }
    }

    /// The number of the route of this name.
    pub(crate) fn route(&self, name: &str) -> Option<RouteId> {
        self.by_name.get(name).copied()
    }

    /// What is known of a log.
    pub(crate) fn generation(&self, id: GenerationId) -> Option<&Generation> {
        let at = self.generations.binary_search_by_key(&id, generation_id).ok()?;
        self.generations.get(at)
    }

    /// How far a log was read; 0 if it is not known.
    pub(crate) fn position(&self, id: GenerationId) -> u64 {
        match self.generation(id) {
            Some(known) => known.position,
            None => 0,
        }
    }

    /// How far each log was read, by id.
    pub(crate) fn log_positions(&self) -> Vec<(GenerationId, u64)> {
        let mut positions = Vec::with_capacity(self.generations.len());
        for known in &self.generations {
            positions.push((known.id, known.position));
        }
        positions
    }

    /// What was read since the logs stood at `began`.
    pub(crate) fn read_since(&self, began: &[(GenerationId, u64)]) -> Vec<LogRange> {
        let mut ranges = Vec::new();
        for known in &self.generations {
            let from = position_in(began, known.id).unwrap_or(self.first_read(known));
            if from < known.position {
                ranges.push(LogRange { generation: known.id, from, until: known.position });
            }
        }
        ranges
    }

    /// Where reading a log began: what its ledger counts lies behind that, and it need not be 0.
    fn first_read(&self, known: &Generation) -> u64 {
        match self.ledgers.get(&known.id) {
            Some(ledger) => known.position.saturating_sub(ledger.bytes),
            None => known.position,
        }
    }

    /// Whether this log will not be read any further; one that is not known is not finished.
    pub(crate) fn is_finished(&self, id: GenerationId) -> bool {
        matches!(self.generation(id), Some(known) if known.finished)
    }

    /// Names with a mark are those of members of series.
    fn name_route(&mut self, route: RouteId, name: String) {
        if let Some(member) = series_of(&name) {
            self.members.insert(route, member.to_owned());
            return;
        }
        self.by_name.insert(name.clone(), route);
        self.routes.insert(route, name);
    }
}

/// What generations are ordered and found by.
fn generation_id(known: &Generation) -> GenerationId {
    known.id
}

/// How far a log was read by then, of positions by id.
fn position_in(positions: &[(GenerationId, u64)], id: GenerationId) -> Option<u64> {
    let at = positions.binary_search_by_key(&id, |(known, _)| *known).ok()?;
    let (_, position) = positions.get(at)?;
    Some(*position)
}

impl Encode for StoreState {
    fn encode(&self, out: &mut Encoder) {
        out.u8(u8::from(self.last_commit.is_some()));
        self.last_commit.unwrap_or_default().encode(out);
        out.u8(u8::from(self.read_until.is_some()));
        self.read_until.unwrap_or_default().encode(out);
        out.count(self.routes.len() + self.members.len());
        for (route, name) in &self.routes {
            out.varint(u64::from(route.0));
            out.bytes(name.as_bytes());
        }
        for (member, name) in &self.members {
            out.varint(u64::from(member.0));
            out.bytes(marked_name(name).as_bytes());
        }
        out.count(self.spans.len());
        for (route, (first, last)) in &self.spans {
            out.varint(u64::from(route.0));
            first.encode(out);
            last.encode(out);
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
        out.list(&self.destinations);
    }
}

impl Decode for StoreState {
    fn decode(from: &mut Decoder<'_>) -> Decoded<StoreState> {
        let mut state = StoreState::default();
        let committed = from.u8()? != 0;
        let at = Timestamp::decode(from)?;
        state.last_commit = committed.then_some(at);
        let known = from.u8()? != 0;
        let read_until = Timestamp::decode(from)?;
        state.read_until = known.then_some(read_until);
        for _ in 0..from.count()? {
            let route = RouteId(from.varint_as()?);
            let name = from.text()?;
            state.name_route(route, name);
        }
        for _ in 0..from.count()? {
            let route = RouteId(from.varint_as()?);
            state.spans.insert(route, (Timestamp::decode(from)?, Timestamp::decode(from)?));
        }
        for _ in 0..from.count()? {
            state.generations.push(Generation::decode(from)?);
        }
        for _ in 0..from.count()? {
            state.ledgers.insert(GenerationId(from.varint_as()?), Ledger::decode(from)?);
        }
        state.destinations = from.list()?;
        Ok(state)
    }
}
