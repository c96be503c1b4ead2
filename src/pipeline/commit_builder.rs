//! From rows to cells: what a stretch of lines adds to the store, counted cell by cell.
//!
//! While lines are read, a line costs one row at the end of a list; only here are the rows brought together by cell. So
//! a cell's histograms are filled, and its slowest requests chosen, while it is at hand and in no more memory than it
//! needs, and this can be done on another thread than the reading.

use super::collected_rows::CollectedRows;
use super::row::{NONE, Row};
use super::slot_settings::SlotSettings;
use super::slowest::SlowestOfCells;
use crate::histogram::{Cell, TIMES};
use crate::route::RouteId;
use crate::store::{Commit, KeepReasons};
use crate::time::Timestamp;

/// Builds the lines' part of a commit from the rows that were collected. One for all commits of a run, since what an earlier commit
/// has among the slowest of a cell says what of a later one can still be.
#[derive(Debug)]
pub struct CommitBuilder {
    slowest: SlowestOfCells,
    /// Row numbers by cell; and where each cell's begin.
    order: Vec<u32>,
    begins: Vec<u32>,
    /// One time of one cell's rows.
    samples: Vec<u64>,
}

impl CommitBuilder {
    /// Nothing seen yet.
    pub fn new(settings: SlotSettings) -> CommitBuilder {
        CommitBuilder {
            slowest: SlowestOfCells::new(settings.slowest),
            order: Vec::new(),
            begins: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// The lines' part of a commit, cells by slot and route, entries in the order of the lines; and the emptied rows.
    pub fn build(&mut self, collected: CollectedRows) -> (Commit, Vec<Row>) {
        let CollectedRows { cells: keys, mut rows, ledgers, blocks, raw } = collected;
        let numbers = self.group_by_cell(&keys, &rows);
        self.slowest.begin_commit(&rows);
        let mut cells = Vec::with_capacity(keys.len());
        let mut from = 0;
        let order = std::mem::take(&mut self.order);
        for number in numbers {
            let until = match self.begins.get(number as usize) {
                Some(&until) => until as usize,
                None => from,
            };
            let own = order.get(from..until).unwrap_or_default();
            from = until;
            let Some(&(slot, route)) = keys.get(number as usize) else { continue };
            cells.push((slot, route, self.fill_cell(own, &rows)));
            self.slowest.mark(own, &mut rows, slot, route);
        }
        self.order = order;
        let mut entries = Vec::new();
        for row in &rows {
            if row.is_kept()
                && let Some(&(_, route)) = keys.get(row.cell as usize)
            {
                entries.push(row.to_entry(route));
            }
        }
        let lines = raw.kept_lines(&rows);
        rows.clear();
        (Commit { cells, ledgers, entries, lines, blocks, ..Commit::default() }, rows)
    }

    /// Bring the rows of each cell together in `order`; the numbers of the cells by slot and route, each of whose
    /// rows end where `begins` says.
    fn group_by_cell(&mut self, keys: &[(Timestamp, RouteId)], rows: &[Row]) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..).take(keys.len()).collect();
        numbers.sort_unstable_by_key(|&number| keys.get(number as usize));
        self.begins.clear();
        self.begins.resize(keys.len(), 0);
        for row in rows {
            if let Some(count) = self.begins.get_mut(row.cell as usize) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for &number in &numbers {
            if let Some(count) = self.begins.get_mut(number as usize) {
                sum += std::mem::replace(count, sum);
            }
        }
        self.order.clear();
        self.order.resize(rows.len(), 0);
        for (row, number) in rows.iter().zip(0u32..) {
            if let Some(begin) = self.begins.get_mut(row.cell as usize)
                && let Some(place) = self.order.get_mut(*begin as usize)
            {
                *place = number;
                *begin += 1;
            }
        }
        numbers
    }

    /// All that is counted of one cell, whose rows `own` names.
    fn fill_cell(&mut self, own: &[u32], rows: &[Row]) -> Cell {
        let mut cell = Cell::default();
        let rows_of = || own.iter().filter_map(|&number| rows.get(number as usize));
        for row in rows_of() {
            cell.requests += 1;
            cell.slow += u64::from(row.kept.contains(KeepReasons::THRESHOLD));
            cell.count_status(row.status);
            cell.bytes_sent = cell.bytes_sent.saturating_add(row.bytes_sent);
        }
        for (at, time) in TIMES.into_iter().enumerate() {
            self.samples.clear();
            let times = rows_of().map(|row| row.time_at(at));
            self.samples.extend(times.filter(|&millis| millis != NONE));
            cell.time_mut(time).record_all(&self.samples);
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::histogram::Time;
    use crate::record::Record;
    use crate::source::generation::GenerationId;
    use crate::store::{Entry, Locator};
    use crate::time::Timestamp;

    const SETTINGS: SlotSettings = SlotSettings { interval: Duration::from_secs(10), slowest: 3, server_errors: true };

    /// Seconds, route, request time, upstream time, 5xx, slow.
    type Line = (i64, u32, Option<u64>, Option<u64>, bool, bool);

    fn line() -> impl Strategy<Value = Line> {
        let millis =
            || proptest::option::weighted(0.9, prop_oneof![0u64..9, 0u64..3_000, 4_294_967_295u64..31_622_400_000]);
        (0i64..60, 0u32..4, millis(), millis(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.2))
    }

    fn record(&(seconds, _, request, response, error, _): &Line) -> Record<'static> {
        Record {
            end: Timestamp(1_322_661_900_000 + seconds * 1000),
            request_time_ms: request,
            by_upstream: false,
            upstream_ms: [response, None, response],
            method: b"GET",
            target: b"/",
            protocol: b"HTTP/1.1",
            malformed_request: false,
            status: Some(if error { 502 } else { 200 }),
            bytes_sent: Some(7),
            host: None,
        }
    }

    fn locator(number: usize) -> Locator {
        Locator { generation: GenerationId(0), offset: number as u64 * 100, length: 99 }
    }

    fn tally(lines: &[(usize, Line)]) -> CollectedRows {
        let mut tally = CollectedRows::default();
        for (number, line) in lines {
            let record = record(line);
            let key = (record.end.slot(SETTINGS.interval), RouteId(line.1));
            let cell = tally.cells.iter().position(|held| *held == key).unwrap_or_else(|| {
                tally.cells.push(key);
                tally.cells.len() - 1
            });
            tally.rows.push(Row::new(u32::try_from(cell).unwrap(), &record, locator(*number), line.5, line.4));
        }
        tally
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// However the lines are cut into commits: cells add up to those of all lines, each line is kept at most once and
        /// for its own reasons, and the K slowest of each cell are among the candidates.
        #[test]
        fn commits_hold_what_their_lines_say(lines in prop::collection::vec(line(), 0..150), cuts in prop::collection::vec(1usize..60, 1..6)) {
            let numbered: Vec<(usize, Line)> = lines.into_iter().enumerate().collect();
            let mut builder = CommitBuilder::new(SETTINGS);
            let (mut cells, mut entries) = (BTreeMap::<(Timestamp, RouteId), Cell>::new(), Vec::new());
            let (mut rest, mut cuts) = (numbered.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                rest = later;
                let (commit, rows) = builder.build(tally(now));
                prop_assert!(rows.is_empty());
                prop_assert!(commit.cells.windows(2).all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)));
                prop_assert!(commit.entries.windows(2).all(|pair| pair[0].locator < pair[1].locator));
                for (slot, route, cell) in commit.cells {
                    cells.entry((slot, route)).or_default().merge(&cell);
                }
                entries.extend(commit.entries);
            }
            let mut truth = BTreeMap::<(Timestamp, RouteId), Vec<&(usize, Line)>>::new();
            for line in &numbered {
                truth.entry((record(&line.1).end.slot(SETTINGS.interval), RouteId(line.1.1))).or_default().push(line);
            }
            prop_assert_eq!(cells.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
            for (key, mut own) in truth {
                let cell = &cells[&key];
                prop_assert_eq!(cell.requests, own.len() as u64);
                prop_assert_eq!(cell.bytes_sent, own.len() as u64 * 7);
                prop_assert_eq!(cell.slow, own.iter().filter(|line| line.1.5).count() as u64);
                prop_assert_eq!(cell.status[4], own.iter().filter(|line| line.1.4).count() as u64);
                prop_assert!(cell.time(Time::UpstreamConnect).is_empty());
                let sums = |of: fn(&Line) -> Option<u64>| own.iter().filter_map(|line| of(&line.1)).fold((0, 0), |(n, sum), ms| (n + 1, sum + ms));
                let held = |time| (cell.time(time).count(), cell.time(time).sum_ms());
                prop_assert_eq!(held(Time::Request), sums(|line| line.2));
                prop_assert_eq!(held(Time::UpstreamHeader), sums(|line| line.3));
                own.retain(|line| line.1.2.is_some());
                own.sort_by_key(|line| (Reverse(line.1.2), line.1.0, line.0));
                for line in own.iter().take(SETTINGS.slowest) {
                    prop_assert!(entries.iter().any(|e| e.locator == locator(line.0) && e.kept.contains(KeepReasons::SLOWEST)));
                }
            }
            for (number, line) in &numbered {
                let own: Vec<&Entry> = entries.iter().filter(|entry| entry.locator == locator(*number)).collect();
                prop_assert!(own.len() <= 1 && (own.len() == 1 || !(line.4 || line.5)));
                for entry in own {
                    prop_assert_eq!((entry.kept.contains(KeepReasons::THRESHOLD), entry.kept.contains(KeepReasons::ERROR)), (line.5, line.4));
                    prop_assert_eq!((entry.route, entry.duration_ms, entry.upstream_ms), (RouteId(line.1), line.2.unwrap_or(0), line.3));
                }
            }
        }
    }

    #[test]
    fn what_an_earlier_commit_outranks_is_no_candidate() {
        let mut builder = CommitBuilder::new(SETTINGS);
        let numbered = |from: usize, lines: &[u64]| -> Vec<(usize, Line)> {
            lines.iter().enumerate().map(|(at, ms)| (from + at, (1, 0, Some(*ms), None, false, false))).collect()
        };
        assert_eq!(builder.build(tally(&numbered(0, &[50, 10, 40, 30, 20]))).0.entries.len(), 3);
        assert_eq!(builder.build(tally(&numbered(5, &[30, 5, 29]))).0.entries.len(), 0);
        assert_eq!(builder.build(tally(&numbered(8, &[31, 5]))).0.entries.len(), 1);
    }
}
