//! Which rows are kept for being among the slowest of their route and slot.
//!
//! The store ranks the slowest of a cell over all commits when it is asked. What is chosen here are candidates: every row that is
//! among the K slowest of all is one, and few others are.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::row::Row;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::KeepReasons;
use crate::time::Timestamp;

/// The slowest of a cell are remembered beyond its commit while its slot is at most this much older than the latest
/// line. Forgetting them only costs superfluous candidates, which the store prunes.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// No more cells than this are remembered.
const REMEMBERED: usize = 20_000;

/// Where a request stands among the slowest of its slot and route, in the order that the store ranks by: longer first,
/// then earlier end, then generation and offset.
type Rank = (Reverse<u64>, Timestamp, GenerationId, u64);

/// The slowest requests of the cells that lines still come to.
#[derive(Debug)]
pub(super) struct SlowestOfCells {
    /// How many of each cell.
    limit: usize,
    /// The slowest of cells that may go on in the next commit.
    remembered: HashMap<(Timestamp, RouteId), Vec<Rank>>,
    /// The latest end of a request seen.
    latest: Timestamp,
    /// The slowest of one cell, best first, and their rows; those of earlier commits have none.
    best: Vec<(Rank, Option<u32>)>,
}

impl SlowestOfCells {
    /// Nothing seen yet; of each cell the `limit` slowest will be kept.
    pub(super) fn new(limit: usize) -> SlowestOfCells {
        SlowestOfCells { limit, remembered: HashMap::new(), latest: Timestamp(i64::MIN), best: Vec::new() }
    }

    /// The rows of another commit: cells that are over by them are forgotten.
    pub(super) fn begin_commit(&mut self, rows: &[Row]) {
        self.latest = rows.iter().map(|row| row.end).fold(self.latest, Timestamp::max);
        self.remembered.retain(|(slot, _), _| *slot >= self.latest.minus(REMEMBERED_FOR));
    }

    /// Mark those rows of the cell of `slot` and `route` that are among its slowest as far as is known yet; `own` are the numbers of its rows.
    pub(super) fn mark(&mut self, own: &[u32], rows: &mut [Row], slot: Timestamp, route: RouteId) {
        let limit = self.limit;
        self.best.clear();
        let remembered = self.remembered.remove(&(slot, route));
        self.best.extend(remembered.into_iter().flatten().map(|rank| (rank, None)));
        for &number in own {
            let Some(row) = rows.get(number as usize) else { continue };
            let Some(request) = row.request_time_ms() else { continue };
            let rank = (Reverse(request), row.end, row.locator.generation, row.locator.offset);
            match self.best.last() {
                Some((last, _)) if self.best.len() >= limit && *last <= rank => continue,
                None if limit == 0 => continue,
                _ => {}
            }
            let at = self.best.partition_point(|(held, _)| *held < rank);
            self.best.insert(at, (rank, Some(number)));
            self.best.truncate(limit);
        }
        for (_, number) in &self.best {
            if let Some(number) = *number
                && let Some(row) = rows.get_mut(number as usize)
            {
                row.kept = row.kept.with(KeepReasons::SLOWEST);
            }
        }
        if slot >= self.latest.minus(REMEMBERED_FOR) && self.remembered.len() < REMEMBERED {
            self.remembered.insert((slot, route), self.best.iter().map(|(rank, _)| *rank).collect());
        }
    }
}
