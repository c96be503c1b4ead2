//! The index at size: `scripts/bench index` runs it and puts its figures beside those of others. Prints `name value` lines.
//!
//! ```text
//! entries DIR N        write N slow entries through the Writer; bytes and time for each
//! lookup DIR           windows of 2 minutes and a route, looked up in that store
//! columns DIR OUT      the same entries as one file a column (little-endian), by end
//! log DIR GB           the store of a log of so many GB: cells, block summaries, slow entries
//! open DIR             open it: time and memory
//! histograms DIR       cells of 10,000 samples: bytes for each
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement")]
#![allow(clippy::indexing_slicing, clippy::cast_precision_loss, reason = "figures for people")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub,
    reason = "a generator"
)]

mod traffic;

use spikeline::histogram::{Cell, Time};
use spikeline::route::RouteId;
use spikeline::source::generation::GenerationId;
use spikeline::store::{
    BLOCK_BYTES, BlockSummary, Commit, EntryQuery, StoreSettings, View, WindowMatch, Writer, floor_route_start,
};
use spikeline::time::{Timestamp, Window};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use traffic::{DAY, Dice, Popularity, ROUTES, START, Slow, common_duration};

/// A week of 100 million.
const PER_DAY: u64 = 14_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["entries", dir, count] => entries(Path::new(dir), count.parse().unwrap()),
        ["lookup", dir] => lookup(Path::new(dir)),
        ["columns", dir, out] => columns(Path::new(dir), Path::new(out)),
        ["log", dir, gb] => log(Path::new(dir), gb.parse().unwrap()),
        ["open", dir] => open(Path::new(dir)),
        ["histograms", dir] => histograms(Path::new(dir)),
        // As `cargo bench` runs it among the others: no measurement of minutes by accident.
        _ => println!("use scripts/bench index"),
    }
}

fn say(name: &str, value: f64) {
    println!("{name} {value}");
}

/// Bytes of all files below a folder.
fn bytes_below(dir: &Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|item| item.unwrap())
        .map(|item| if item.path().is_dir() { bytes_below(&item.path()) } else { item.metadata().unwrap().len() })
        .sum()
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Merge all that is due, as it would be some days later.
fn settle(writer: &mut Writer, now: Timestamp) {
    writer.seal().unwrap();
    let mut now = now.plus_millis(3 * DAY);
    while writer.maintain(now, false).unwrap().more {
        now = now.plus_millis(1);
    }
}

fn entries(dir: &Path, count: usize) {
    let mut writer = Writer::open(dir, StoreSettings::default()).unwrap();
    let mut slow = Slow::new(PER_DAY, 42);
    let (mut done, mut written, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    let mut last = Timestamp(START);
    while done < count {
        let batch: Vec<_> = slow.by_ref().take(20_000.min(count - done)).collect();
        done += batch.len();
        last = batch.last().unwrap().end;
        let started = Instant::now();
        writer.commit(&mut Commit { at: last, entries: batch, ..Commit::default() }).unwrap();
        writer.seal_if_due(false).unwrap();
        let tending = Instant::now();
        writer.maintain(last, false).unwrap();
        longest = longest.max(tending.elapsed());
        written += started.elapsed();
    }
    settle(&mut writer, last);
    let kept: usize = hours(writer.view()).map(|window| found(writer.view(), window)).sum();
    let segments = dir.join("segments");
    say("entries", kept as f64);
    say("segments", std::fs::read_dir(&segments).unwrap().count() as f64);
    say("bytes_per_entry", bytes_below(&segments) as f64 / kept as f64);
    say("write_us_per_entry", written.as_secs_f64() * 1e6 / done as f64);
    say("longest_tend_ms", longest.as_secs_f64() * 1e3);
    say("peak_mib", peak_mib());
}

fn found(view: &View, window: Window) -> usize {
    view.entries(&EntryQuery::new(window, WindowMatch::End)).unwrap().len()
}

/// The hours from the first to the last commit.
fn hours(view: &View) -> impl Iterator<Item = Window> + use<> {
    let last = view.last_commit().unwrap();
    let hour = 3_600_000;
    (0..)
        .map(move |at| Timestamp(START - hour + at * hour))
        .take_while(move |from| *from <= last)
        .map(move |from| Window { from, until: from.plus_millis(hour) })
}

fn lookup(dir: &Path) {
    let started = Instant::now();
    let view = View::open(dir).unwrap();
    say("open_ms", started.elapsed().as_secs_f64() * 1e3);
    let span = (view.last_commit().unwrap().0 - START) as f64;
    let (popularity, mut dice) = (Popularity::new(), Dice(7));
    for (name, by) in [("overlap", WindowMatch::Overlap), ("end", WindowMatch::End)] {
        for popular in [false, true] {
            let mut times = Vec::new();
            let mut hits = 0;
            for _ in 0..3000 {
                let from = Timestamp(START + (dice.unit() * span) as i64);
                let mut query = EntryQuery::new(Window { from, until: from.plus_millis(120_000) }, by);
                let route = if popular { popularity.pick(&mut dice) } else { (dice.unit() * ROUTES as f64) as usize };
                query.routes = Some(vec![RouteId(route as u32)]);
                // The best of three: what other programs take of the processor meanwhile is not the store's.
                let time = (0..3).map(|_| {
                    let started = Instant::now();
                    let found = view.entries(&query).unwrap().len();
                    (started.elapsed(), found)
                });
                let (time, found) = time.min().unwrap();
                times.push(time);
                hits += found;
            }
            times.sort_unstable();
            let name = if popular { format!("{name}_popular") } else { name.to_owned() };
            say(&format!("{name}_p50_us"), times[times.len() / 2].as_secs_f64() * 1e6);
            say(&format!("{name}_p99_us"), times[times.len() * 99 / 100].as_secs_f64() * 1e6);
            say(&format!("{name}_found"), hits as f64 / times.len() as f64);
        }
    }
    say("lookup_peak_mib", peak_mib());
}

fn columns(dir: &Path, out: &Path) {
    std::fs::create_dir_all(out).unwrap();
    let view = View::open(dir).unwrap();
    let names = ["start", "duration", "route", "status", "upstream", "kept", "generation", "offset", "length"];
    let mut files = names.map(|name| BufWriter::new(File::create(out.join(name)).unwrap()));
    let mut count = 0;
    for window in hours(&view) {
        let mut found = view.entries(&EntryQuery::new(window, WindowMatch::End)).unwrap();
        // As a program that appends a row for each line would have them.
        found.sort_unstable_by_key(|entry| entry.locator);
        count += found.len();
        for entry in found {
            let upstream = entry.upstream_ms.map_or(-1, |ms| ms as i64);
            let locator = entry.locator;
            files[0].write_all(&entry.start().0.to_le_bytes()).unwrap();
            files[1].write_all(&(entry.duration_ms as u32).to_le_bytes()).unwrap();
            files[2].write_all(&(entry.route.0 as u16).to_le_bytes()).unwrap();
            files[3].write_all(&entry.status.to_le_bytes()).unwrap();
            files[4].write_all(&(upstream as i32).to_le_bytes()).unwrap();
            files[5].write_all(&[entry.kept.0]).unwrap();
            files[6].write_all(&(locator.generation.0 as u16).to_le_bytes()).unwrap();
            files[7].write_all(&locator.offset.to_le_bytes()).unwrap();
            files[8].write_all(&(locator.length as u16).to_le_bytes()).unwrap();
        }
    }
    files.iter_mut().for_each(|file| file.flush().unwrap());
    say("columns", count as f64);
}

/// A day's log of so many GB in lines of 200 bytes: each counted in its cell and its block; one in a hundred is slow.
fn log(dir: &Path, gb: u64) {
    let lines = gb * 1_000_000_000 / 200;
    let mut writer = Writer::open(dir, StoreSettings::default()).unwrap();
    let (popularity, mut dice) = (Popularity::new(), Dice(9));
    let mut slow = Slow::new(lines / 100, 11).peekable();
    let per_slot = lines / 8640;
    let mut offset = 0u64;
    let mut now = Timestamp(START);
    let started = Instant::now();
    for slot in 0..8640 {
        let from = Timestamp(START + slot * 10_000);
        now = from.plus_millis(10_000);
        let mut cells: Vec<Option<Cell>> = vec![None; ROUTES];
        let mut blocks: Vec<BlockSummary> = Vec::new();
        for line in 0..per_slot {
            let route = popularity.pick(&mut dice);
            let duration = common_duration(route, &mut dice);
            let cell = cells[route].get_or_insert_default();
            cell.requests += 1;
            cell.count_status(200);
            cell.bytes_sent += duration * 37;
            cell.time_mut(Time::Request).record(duration);
            cell.time_mut(Time::UpstreamResponse).record(duration.saturating_sub(1));
            let end = from.plus_millis((line * 10_000 / per_slot) as i64);
            let number = (offset / BLOCK_BYTES) as u32;
            let start = end.plus_millis(-(duration as i64));
            let (first, route) = (offset, RouteId(route as u32));
            offset += 200;
            match blocks.last_mut().filter(|block| block.number == number) {
                Some(block) => {
                    (block.until, block.lines, block.max_end) = (offset, block.lines + 1, end);
                    block.min_start = block.min_start.min(start);
                    match block.routes.iter_mut().find(|(present, _)| *present == route) {
                        Some((_, earliest)) => *earliest = floor_route_start(start).min(*earliest),
                        None => block.routes.push((route, floor_route_start(start))),
                    }
                }
                None => blocks.push(BlockSummary {
                    rejects: None,
                    generation: GenerationId(0),
                    number,
                    first,
                    until: offset,
                    lines: 1,
                    min_start: start,
                    min_end: end,
                    max_end: end,
                    routes: vec![(route, floor_route_start(start))],
                }),
            }
        }
        blocks.iter_mut().for_each(|block| block.routes.sort_unstable());
        let entries = std::iter::from_fn(|| slow.next_if(|entry| entry.end < now)).collect();
        let cells = (0..).map(RouteId).zip(cells).filter_map(|(route, cell)| Some((from, route, cell?))).collect();
        writer.commit(&mut Commit { at: now, cells, entries, blocks, ..Commit::default() }).unwrap();
        writer.seal_if_due(false).unwrap();
        writer.maintain(now, false).unwrap();
    }
    say("log_seconds", started.elapsed().as_secs_f64());
    say("log_peak_mib", peak_mib());
    drop(writer);
    // As a crash would leave it: the journal is read when the store is opened.
    say("journal_mib", journal_bytes(dir) as f64 / f64::from(1 << 20));
    let bytes = bytes_below(dir) as f64;
    say("store_share", bytes / offset as f64);
    let view = View::open(dir).unwrap();
    for (name, window) in [("report_day_ms", Window::ALL), ("report_10min_ms", of(START + DAY / 2, 600_000))] {
        let started = Instant::now();
        let requests: u64 = view.totals(window, None).unwrap().iter().map(|(_, cell)| cell.requests).sum();
        say(name, started.elapsed().as_secs_f64() * 1e3);
        assert!(requests > 0);
    }
    // The block index alone, in a store of its own.
    let alone = dir.join("blocks");
    let blocks = view.blocks(Window::ALL, WindowMatch::End, None).unwrap();
    let mut writer = Writer::open(&alone, StoreSettings::default()).unwrap();
    let generation = GenerationId(1);
    let blocks = blocks.into_iter().map(|block| BlockSummary { generation, ..block }).collect();
    writer.commit(&mut Commit { at: now, blocks, ..Commit::default() }).unwrap();
    settle(&mut writer, now);
    say("blocks_share", bytes_below(&alone.join("segments")) as f64 / offset as f64);
}

fn of(from: i64, length: i64) -> Window {
    Window { from: Timestamp(from), until: Timestamp(from + length) }
}

fn journal_bytes(dir: &Path) -> u64 {
    let names = std::fs::read_dir(dir).unwrap().map(|item| item.unwrap());
    names
        .filter(|item| item.file_name().to_string_lossy().starts_with("journal"))
        .map(|item| item.metadata().unwrap().len())
        .sum()
}

fn open(dir: &Path) {
    let started = Instant::now();
    let view = View::open(dir).unwrap();
    say("open_ms", started.elapsed().as_secs_f64() * 1e3);
    say("open_peak_mib", peak_mib());
    assert!(view.last_commit().is_some());
}

fn histograms(dir: &Path) {
    for (number, (name, median, sigma)) in
        [("narrow", 20.0, 0.5), ("usual", 80.0, 0.7), ("wide", 200.0, 1.0), ("slow", 1500.0, 0.8)]
            .into_iter()
            .enumerate()
    {
        let mut dice = Dice(3 + number as u64);
        let dir = dir.join(name);
        let mut writer = Writer::open(&dir, StoreSettings::default()).unwrap();
        let cells: Vec<_> = (0..200)
            .map(|slot| {
                let mut cell = Cell::default();
                cell.requests = 10_000;
                for _ in 0..10_000 {
                    cell.time_mut(Time::Request).record((median * (sigma * dice.normal()).exp()) as u64);
                }
                (Timestamp(START + slot * 10_000), RouteId(0), cell)
            })
            .collect();
        let distinct: usize = cells.iter().map(|(.., cell)| cell.time(Time::Request).buckets().len()).sum();
        writer.commit(&mut Commit { at: Timestamp(START), cells, ..Commit::default() }).unwrap();
        writer.seal().unwrap();
        say(&format!("histogram_{name}_bytes"), bytes_below(&dir.join("segments")) as f64 / 200.0);
        say(&format!("histogram_{name}_buckets"), distinct as f64 / 200.0);
    }
}
