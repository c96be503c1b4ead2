//! What the index proves by itself: whether it kept every request that a question asks for, and whether what it counted was counted
//! by the rules of now.
//!
//! The store keeps the requests that were slow by the thresholds of then. A question below them, or by rules that were other ones,
//! is answered from the lines. Asking every reading of the store is enough where all agree, as they mostly do; else the blocks of
//! the window tell which readings it is made of.

use super::filter::Filter;
use super::stored_names::asks_beside_routes;
use crate::error::Result;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::{BlockSummary, LogReading, View, WindowMatch};
use crate::time::Window;

/// By which rules and thresholds the lines of a window were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountedBy {
    /// Those of now.
    Now,
    /// Nobody noted that; an older version took some of them in.
    Unknown,
    /// Others, some of them.
    Others,
}

/// The rules of now, as far as they can make a difference to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedRules {
    /// As [`LogReading::rules`].
    pub rules: u64,
    /// As [`LogReading::series`]; nothing where the question is about routes alone.
    pub series: Option<u64>,
}

impl AskedRules {
    /// Whether lines of this reading were counted by others.
    pub fn is_other(self, reading: &LogReading) -> bool {
        reading.rules != self.rules || self.series.is_some_and(|series| series != reading.series)
    }
}

/// By which rules what ended in the window (or was in flight in it) was counted; `now` are those of now.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn counted_by(view: &View, window: Window, by: WindowMatch, now: AskedRules) -> Result<CountedBy> {
    let judge = |reading: Option<&LogReading>| match reading {
        None => CountedBy::Unknown,
        Some(reading) if now.is_other(reading) => CountedBy::Others,
        Some(_) => CountedBy::Now,
    };
    let all = all_readings(view).into_iter().map(judge).max().unwrap_or(CountedBy::Now);
    if all == CountedBy::Now {
        return Ok(all);
    }
    let blocks = view.blocks(window, by, None)?;
    Ok(readings_of(view, &blocks).into_iter().map(judge).max().unwrap_or(CountedBy::Now))
}

/// Whether the index kept every request that `filter` lets through: by its duration or, if only 5xx are asked for, by its status.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn all_kept(view: &View, filter: &Filter) -> Result<bool> {
    if !filter.conditions.is_empty() {
        return Ok(false);
    }
    let mut routes = Vec::new();
    for (_, name) in view.routes() {
        if filter.keeps_route(name) {
            routes.push(name);
        }
    }
    let of_members = asks_beside_routes(view, filter);
    let is_kept = |reading: Option<&LogReading>| {
        let Some(reading) = reading else { return false };
        let errors = !filter.statuses.is_empty()
            && filter.statuses.iter().all(|range| *range.start() >= 500 && *range.end() <= 599);
        if errors && reading.server_errors {
            return true;
        }
        if of_members && filter.min_ms < reading.kept_from_any_ms() {
            return false;
        }
        filter.min_ms > 0 && routes.iter().all(|route| filter.min_ms >= reading.kept_from_ms(route))
    };
    if all_readings(view).into_iter().all(is_kept) {
        return Ok(true);
    }
    let blocks = view.blocks(filter.window, filter.by, None)?;
    Ok(readings_of(view, &blocks).into_iter().all(is_kept))
}

/// All readings of a store; nothing for lines of which none was noted.
fn all_readings(view: &View) -> Vec<Option<&LogReading>> {
    let mut readings: Vec<Option<&LogReading>> = view.readings().iter().map(Some).collect();
    for generation in view.generations() {
        let read = view.ledger(generation.id).map_or(0, |ledger| ledger.bytes);
        let first = generation.position.saturating_sub(read);
        if read > 0 && view.reading_at(generation.id, first).reading.is_none() {
            readings.push(None);
            break;
        }
    }
    readings
}

/// The readings that these blocks were counted by, each once.
fn readings_of<'v>(view: &'v View, blocks: &[BlockSummary]) -> Vec<Option<&'v LogReading>> {
    let mut numbers: Vec<Option<u32>> = Vec::new();
    let mut readings = Vec::new();
    let mut known: Option<(GenerationId, u64)> = None;
    for block in blocks {
        let mut at = block.first;
        // Most blocks lie in the stretch of the block before.
        if matches!(known, Some((generation, until)) if generation == block.generation && block.until <= until) {
            continue;
        }
        while at < block.until {
            let stretch = view.reading_at(block.generation, at);
            let number = stretch.reading.map(|(number, _)| number);
            if !numbers.contains(&number) {
                numbers.push(number);
                readings.push(stretch.reading.map(|(_, reading)| reading));
            }
            known = Some((block.generation, stretch.until));
            at = stretch.until;
        }
    }
    readings
}

/// From when on requests are slow, if that is the same for all routes that are shown; `usual` where no log was read yet.
pub fn common_threshold(view: &View, routes: Option<&[RouteId]>, usual: u64) -> Option<u64> {
    let Some(reading) = view.readings().last() else { return Some(usual) };
    let mut common = None;
    for (id, name) in view.routes() {
        if routes.is_some_and(|routes| !routes.contains(&id)) {
            continue;
        }
        let threshold = reading.kept_from_ms(name);
        if common.is_some_and(|common| common != threshold) {
            return None;
        }
        common = Some(threshold);
    }
    common
}
