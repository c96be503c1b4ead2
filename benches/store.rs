//! What the store costs: bytes per entry, time per commit and per query. Run with `cargo bench --bench store`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use spikeline::histogram::{Cell, Time};
use spikeline::route::RouteId;
use spikeline::source::generation::GenerationId;
use spikeline::store::{
    BLOCK_BYTES, BlockSummary, Commit, Entry, EntryQuery, KeepReasons, Locator, StoreSettings, View, WindowMatch,
    Writer, floor_route_start,
};
use spikeline::time::{Timestamp, Window};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ENTRIES: u64 = 1_000_000;
const ROUTES: usize = 440;
const DAY: i64 = 86_400_000;
const START: i64 = 1_322_611_200_000;

/// xorshift: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn exponential(&mut self) -> f64 {
        -self.unit().max(1e-12).ln()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a generator")]
fn traffic() -> Vec<Entry> {
    let mut dice = Dice(42);
    let weights: Vec<f64> = (1..=ROUTES).map(|rank| 1.0 / rank as f64).collect();
    let total: f64 = weights.iter().sum();
    let mut sums = Vec::new();
    let mut sum = 0.0;
    for weight in weights {
        sum += weight / total;
        sums.push(sum);
    }
    let (mut time, mut offset, mut load) = (0.0f64, 0.0f64, 0.0f64);
    let step = DAY as f64 / ENTRIES as f64;
    (0..ENTRIES)
        .map(|_| {
            load = (load + dice.normal() * 0.01).clamp(-0.7, 0.7);
            let gap = step * dice.exponential() / load.exp();
            time += gap;
            // Fifty lines of about 200 bytes pass between two slow ones.
            offset += (gap * load.exp() / step * 10_000.0 * (1.0 + 0.1 * dice.normal())).max(150.0);
            let route = sums.partition_point(|&sum| sum < dice.unit()).min(ROUTES - 1);
            let duration = (1000.0 * (0.8 * dice.normal().abs()).exp() * (1.0 + 0.1 * (route % 7) as f64)) as u64;
            let error = dice.unit() < 0.02;
            let upstream = duration.saturating_sub((dice.exponential() * 3.0) as u64);
            Entry {
                end: Timestamp(START + time as i64 - (dice.exponential() * 20.0) as i64),
                duration_ms: duration,
                route: RouteId(route as u32),
                status: if error {
                    502
                } else if dice.unit() < 0.05 {
                    302
                } else {
                    200
                },
                upstream_ms: (dice.unit() > 0.03).then_some(upstream),
                kept: if error { KeepReasons::THRESHOLD.with(KeepReasons::ERROR) } else { KeepReasons::THRESHOLD },
                locator: Locator {
                    generation: GenerationId((time / DAY as f64 * 2.0) as u32),
                    offset: offset as u64,
                    length: (200.0 + 40.0 * dice.normal()).clamp(90.0, 900.0) as u32,
                },
            }
        })
        .collect()
}

fn commit(entries: &[Entry]) -> Commit {
    let mut cells: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
    let mut blocks: BTreeMap<(GenerationId, u32), BlockSummary> = BTreeMap::new();
    for entry in entries {
        let cell = cells.entry((entry.end.slot(StoreSettings::default().interval), entry.route)).or_default();
        cell.requests += 1;
        cell.time_mut(Time::Request).record(entry.duration_ms);
        let number = u32::try_from(entry.locator.offset / BLOCK_BYTES).unwrap();
        let block = BlockSummary {
            generation: entry.locator.generation,
            number,
            first: entry.locator.offset,
            until: entry.locator.offset + u64::from(entry.locator.length) + 1,
            lines: 1,
            min_start: entry.start(),
            min_end: entry.end,
            max_end: entry.end,
            routes: vec![(entry.route, floor_route_start(entry.start()))],
            rejects: None,
        };
        blocks.entry(block.key()).and_modify(|own| own.merge(&block)).or_insert(block);
    }
    Commit {
        at: entries.last().map(|entry| entry.end).unwrap_or_default(),
        cells: cells.into_iter().map(|((slot, route), cell)| (slot, route, cell)).collect(),
        entries: entries.to_vec(),
        blocks: blocks.into_values().collect(),
        ..Commit::default()
    }
}

fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn queries(view: &View, routed: bool) -> (Duration, Duration, usize) {
    let mut dice = Dice(7);
    let mut found = 0;
    let mut times = Vec::new();
    for round in 0..1000u32 {
        #[allow(clippy::cast_possible_truncation, reason = "a generator")]
        let from = Timestamp(START + (dice.unit() * DAY as f64) as i64);
        let mut query = EntryQuery::new(Window { from, until: from.plus_millis(120_000) }, WindowMatch::Overlap);
        query.routes = routed.then(|| vec![RouteId(round % 50)]);
        let started = Instant::now();
        found += view.entries(&query).unwrap().len();
        times.push(started.elapsed());
    }
    let (p50, p99) = quantiles(&mut times);
    (p50, p99, found)
}

fn main() {
    let entries = traffic();
    let dir = tempfile::tempdir_in(".").unwrap();
    // Bytes per entry: a store of entries alone.
    let mut writer = Writer::open(&dir.path().join("entries"), StoreSettings::default()).unwrap();
    for batch in entries.chunks(50_000) {
        writer.commit(&mut Commit { entries: batch.to_vec(), ..Commit::default() }).unwrap();
        writer.seal_if_due(false).unwrap();
    }
    let started = Instant::now();
    writer.seal().unwrap();
    let segments = dir.path().join("entries/segments");
    let bytes: u64 = std::fs::read_dir(segments).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    println!(
        "entries: {:.2} bytes each in segments ({ENTRIES} entries); last seal {:?}",
        bytes as f64 / ENTRIES as f64,
        started.elapsed()
    );
    let started = Instant::now();
    let view = View::open(&dir.path().join("entries")).unwrap();
    println!("open: {:?}", started.elapsed());
    for routed in [true, false] {
        let (p50, p99, found) = queries(&view, routed);
        println!(
            "2 min window{}: p50 {p50:?}, p99 {p99:?}, {} found each",
            if routed { " + route" } else { "" },
            found / 1000
        );
    }
    // Commits: 20 entries a commit, with their cells and summaries; each is synced.
    let mut writer = Writer::open(&dir.path().join("commits"), StoreSettings::default()).unwrap();
    let mut times = Vec::new();
    for batch in entries.chunks(20).take(500) {
        let mut commit = commit(batch);
        let started = Instant::now();
        writer.commit(&mut commit).unwrap();
        times.push(started.elapsed());
    }
    let (p50, p99) = quantiles(&mut times);
    let journal = std::fs::metadata(dir.path().join("commits/journal-1")).unwrap().len();
    println!("commit of 20 entries: p50 {p50:?}, p99 {p99:?} with its sync; {} bytes", journal / 500);
}
