//! Random traffic: the same lines, cut into commits in any way, and all that a store can be asked about them.

use crate::error::Result;
use crate::histogram::{Cell, TIMES, Time};
use crate::route::RouteId;
use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::store::query::rank;
use crate::store::upkeep::compaction::CompactionLimits;
use crate::store::*;
use crate::time::{Timestamp, Window};
use std::collections::BTreeMap;

/// One line of a log.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) generation: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) end: i64,
    pub(crate) duration: u64,
    pub(crate) route: u32,
    pub(crate) status: u16,
}

/// xorshift: small, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below.max(1)
    }

    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(most).unwrap() + 1)).unwrap()
    }
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings { slowest: 2, ..StoreSettings::default() }
}

/// Lines of two logs, in the order they are read; ends are out of order by some seconds, offsets span several blocks.
pub(crate) fn lines(count: usize, dice: &mut Dice) -> Vec<Line> {
    let mut offsets = [0u64; 2];
    (0..count)
        .map(|i| {
            let generation = dice.roll(2);
            let length = 60 + dice.roll(60_000);
            let offset = &mut offsets[usize::try_from(generation).unwrap()];
            let own = *offset;
            *offset += length + 1;
            let step = i64::try_from(i).unwrap() * 700;
            let duration = match dice.roll(20) {
                0 => dice.roll(90_000),
                1..=4 => 900 + dice.roll(2_000),
                _ => dice.roll(12) * 10,
            };
            Line {
                generation: u32::try_from(generation).unwrap(),
                offset: own,
                length: u32::try_from(length).unwrap(),
                end: 1_322_661_900_000 + step + i64::try_from(dice.roll(9_000)).unwrap(),
                duration,
                route: u32::try_from(dice.roll(3)).unwrap(),
                status: if dice.roll(15) == 0 { 502 } else { 200 },
            }
        })
        .collect()
}

/// Longer lines are not archived here.
const ARCHIVED_BELOW: u32 = 9_000;

/// The bytes of a line.
fn raw(line: &Line) -> Vec<u8> {
    let text = format!("{} {} {} ", line.generation, line.offset, line.end);
    text.bytes().cycle().take(usize::try_from(line.length).unwrap()).collect()
}

/// What the pipeline makes of consecutive lines: deltas, and the candidates among these lines alone.
pub(crate) fn commit(lines: &[Line], at: i64) -> Commit {
    let mut commit = Commit { at: Timestamp(at), ..Commit::default() };
    let mut cells: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
    let mut ledgers: BTreeMap<u32, Ledger> = BTreeMap::new();
    let mut positions: BTreeMap<u32, u64> = BTreeMap::new();
    let mut entries: Vec<Entry> = Vec::new();
    let interval = settings().interval;
    for line in lines {
        let end = Timestamp(line.end);
        let route = RouteId(line.route);
        let cell = cells.entry((end.slot(interval), route)).or_default();
        cell.requests += 1;
        cell.count_status(line.status);
        cell.bytes_sent += u64::from(line.length);
        cell.time_mut(Time::Request).record(line.duration);
        let ledger = ledgers.entry(line.generation).or_default();
        ledger.lines += 1;
        ledger.bytes += u64::from(line.length) + 1;
        if line.duration % 7 == 0 {
            *ledger.rejected.entry(3).or_default() += 1;
            ledger.first_rejects.push((line.offset, 4, 3));
        }
        let past = line.offset + u64::from(line.length) + 1;
        positions.insert(line.generation, past);
        let generation = GenerationId(line.generation);
        let mut kept = KeepReasons::SLOWEST;
        if line.duration >= 1000 {
            kept = kept.with(KeepReasons::THRESHOLD);
        }
        if line.status >= 500 {
            kept = kept.with(KeepReasons::ERROR);
        }
        entries.push(Entry {
            end,
            duration_ms: line.duration,
            route,
            status: line.status,
            upstream_ms: (line.duration % 3 > 0).then_some(line.duration / 2),
            kept,
            locator: Locator { generation, offset: line.offset, length: line.length },
        });
        let start = Timestamp(line.end - i64::try_from(line.duration).unwrap());
        commit.blocks.push(BlockSummary {
            generation,
            number: u32::try_from(line.offset / BLOCK_BYTES).unwrap(),
            first: line.offset,
            until: past,
            lines: 1,
            min_start: start,
            min_end: end,
            max_end: end,
            routes: vec![(route, floor_route_start(start))],
            rejects: None,
        });
        if line.length < ARCHIVED_BELOW {
            let locator = Locator { generation, offset: line.offset, length: line.length };
            commit.lines.push(ArchivedLine { locator, line: raw(line) });
        }
        commit.routes.push((route, format!("route.{}", line.route)));
    }
    // As the contract has it: among the slowest, of those that this batch knows.
    commit.entries = rank::prune_entries(&entries, &settings());
    commit.lines.retain(|line| commit.entries.iter().any(|entry| entry.locator == line.locator));
    commit.cells = cells.into_iter().map(|((slot, route), cell)| (slot, route, cell)).collect();
    commit.ledgers = ledgers.into_iter().map(|(id, ledger)| (GenerationId(id), ledger)).collect();
    commit.generations = positions.into_iter().map(|(id, position)| generation(id, position)).collect();
    commit.destinations = vec![DestinationProgress {
        destination: "carbon:2003".to_owned(),
        emitted_until: Timestamp(at),
        pending: vec![Timestamp(at - 10_000), Timestamp(at)],
        dropped: 0,
    }];
    commit
}

fn generation(id: u32, position: u64) -> Generation {
    Generation {
        id: GenerationId(id),
        log: "access".to_owned(),
        path: format!("/var/log/nginx/access.log.{id}").into(),
        device_inode: DeviceInode { device: 1, inode: u64::from(id) },
        fingerprint: Fingerprint { length: 4096, hash: u64::from(id) },
        position,
        tail_hash: position ^ 1,
        finished: false,
    }
}

/// Everything that a store answers, as text that can be compared.
pub(crate) fn answers(view: &View) -> String {
    let first = 1_322_661_900_000;
    let mut windows = vec![Window::ALL];
    for (from, length) in [(0, 10_000), (20_000, 120_000), (65_000, 1), (-60_000, 5_000), (100_000, 40_000)] {
        windows.push(Window { from: Timestamp(first + from), until: Timestamp(first + from + length) });
    }
    answers_in(view, &windows)
}

/// The same in these windows, of which the first has all the others in it.
pub(crate) fn answers_in(view: &View, windows: &[Window]) -> String {
    asked(view, windows).into_iter().collect::<Result<String>>().unwrap()
}

/// The answers one by one: those that could be given.
pub(crate) fn asked(view: &View, windows: &[Window]) -> Vec<Result<String>> {
    let mut all = Vec::new();
    let one = [RouteId(1)];
    for &window in windows {
        for routes in [None, Some(one.as_slice())] {
            all.push(view.cells(window, routes).map(|cells| {
                cells.iter().map(|(slot, route, cell)| format!("{slot} {route:?} {}\n", cell_text(cell))).collect()
            }));
            all.push(
                view.totals(window, routes).map(|cells| {
                    cells.iter().map(|(route, cell)| format!("{route:?} {}\n", cell_text(cell))).collect()
                }),
            );
            for by in [WindowMatch::Overlap, WindowMatch::End] {
                let mut query = EntryQuery { routes: routes.map(<[RouteId]>::to_vec), ..EntryQuery::new(window, by) };
                all.push(view.entries(&query).map(|entries| format!("{window} {by:?} {entries:?}\n")));
                query.min_duration_ms = 1500;
                query.status = Some(vec![500..=599]);
                all.push(view.entries(&query).map(|entries| format!("slow errors {entries:?}\n")));
                all.push(view.blocks(window, by, routes).map(|blocks| format!("{blocks:?}\n")));
            }
        }
        all.push(view.completeness().gaps(window).map(|account| format!("{account:?}\n")));
    }
    all.push(windows.first().map_or(Ok(String::new()), |window| archived(view, *window)));
    all.push(Ok(state(view)));
    all
}

/// The archived lines of all entries of a window.
fn archived(view: &View, window: Window) -> Result<String> {
    let mut out = String::new();
    let kept = view.entries(&EntryQuery::new(window, WindowMatch::Overlap))?;
    let locators: Vec<Locator> = kept.iter().map(|entry| entry.locator).collect();
    for (entry, line) in kept.iter().zip(view.archived_lines(&locators)?) {
        assert_eq!(line.is_some(), entry.locator.length < ARCHIVED_BELOW, "{entry:?}");
        let sum = line.map(|line| crate::store::encoding::bytes::checksum(&line));
        out.push_str(&format!("{} {sum:?}\n", entry.locator.offset));
    }
    Ok(out)
}

/// All that a cell counts.
pub(crate) fn cell_text(cell: &Cell) -> String {
    let times = TIMES.map(|t| (cell.time(t).buckets(), cell.time(t).sum_ms(), cell.time(t).max_ms()));
    format!("{} {:?} {} {times:?}", cell.requests, cell.status, cell.bytes_sent)
}

/// Segments are merged as soon as there are two, and all of them.
pub(crate) fn eager() -> CompactionLimits {
    let limits = CompactionLimits::default();
    CompactionLimits { entries: u64::MAX, bytes: u64::MAX, sealed: 2, merged: 2, worth: 0, ..limits }
}

/// What needs no segment.
pub(crate) fn state(view: &View) -> String {
    let routes = view.routes();
    let spans: Vec<_> = routes.iter().map(|(route, _)| view.route_span(*route)).collect();
    let generations = view.generations();
    let ledgers: Vec<_> = generations.iter().map(|g| view.ledger(g.id)).collect();
    let (last, until) = (view.last_commit(), view.read_until());
    format!("{routes:?} {spans:?} {generations:?} {ledgers:?} {:?} {last:?} {until:?}", view.destinations())
}
