//! The answers depend on the lines alone, and equal those of a search through all lines.

use crate::route::RouteId;
use crate::store::tests::support::memory_medium::Memory;
use crate::store::tests::support::traffic::{Dice, Line, answers, commit, eager, lines, settings};
use crate::store::*;
use crate::time::{Timestamp, Window};
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

fn open(memory: &Memory) -> Writer {
    Writer::open_on(Arc::new(memory.clone()), settings()).unwrap()
}

/// The same lines in random commits, seals and reopenings. The last commit's time is the same for all.
fn stored(lines: &[Line], dice: &mut Dice, most: usize) -> (Memory, Writer) {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let mut rest = lines;
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(dice.up_to(most).clamp(1, rest.len()));
        rest = later;
        writer.commit(&mut commit(batch, 1_322_662_000_000)).unwrap();
        match dice.roll(6) {
            0 | 1 => writer.seal().unwrap(),
            2 => writer = open(&memory),
            3 => {
                writer.maintenance.limits = eager();
                writer.maintain(Timestamp(1_322_662_000_000), false).unwrap();
            }
            _ => {}
        }
    }
    (memory, writer)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_partition_gives_the_same_answers(seed in 1u64.., most in 1usize..60) {
        let mut dice = Dice(seed);
        let lines = lines(200, &mut dice);
        let whole = Memory::default();
        let mut writer = open(&whole);
        writer.commit(&mut commit(&lines, 1_322_662_000_000)).unwrap();
        let expected = answers(writer.view());
        let (memory, writer) = stored(&lines, &mut dice, most);
        prop_assert_eq!(&answers(writer.view()), &expected);
        let reader = View::open_on(Arc::new(memory.clone())).unwrap();
        prop_assert_eq!(&answers(&reader), &expected);
        drop(writer);
        prop_assert_eq!(&answers(open(&memory).view()), &expected);
        prop_assert_eq!(reader.verify().len(), 0);
    }

    #[test]
    fn entries_are_those_of_a_search_through_all_lines(seed in 1u64.., from in -100_000i64..200_000, length in 0i64..60_000, by_end: bool) {
        let mut dice = Dice(seed);
        let lines = lines(200, &mut dice);
        let (_memory, writer) = stored(&lines, &mut dice, 30);
        let from = 1_322_661_900_000 + from;
        let window = Window { from: Timestamp(from), until: Timestamp(from + length) };
        let query = EntryQuery { routes: Some(vec![RouteId(2)]), ..EntryQuery::new(window, if by_end { WindowMatch::End } else { WindowMatch::Overlap }) };
        let found: Vec<(i64, u32, u64, u8)> = writer.view().entries(&query).unwrap().iter()
            .map(|e| (e.end.0, e.locator.generation.0, e.locator.offset, e.kept.0)).collect();
        prop_assert_eq!(found, searched(&lines, window, by_end));
    }

    #[test]
    fn a_route_leads_to_the_blocks_where_it_overlaps_the_window_and_to_no_others(
        seed in 1u64.., from in -100_000i64..200_000, length in 1i64..60_000
    ) {
        let mut dice = Dice(seed);
        let lines = lines(200, &mut dice);
        let (_memory, writer) = stored(&lines, &mut dice, 30);
        let from = 1_322_661_900_000 + from;
        let window = Window { from: Timestamp(from), until: Timestamp(from + length) };
        let found = writer.view().blocks(window, WindowMatch::Overlap, Some(&[RouteId(2)])).unwrap();
        let found: Vec<_> = found.iter().map(|block| (block.generation.0, u64::from(block.number))).collect();
        // By block: the earliest start of all and of the route, the latest end of all.
        let mut blocks: BTreeMap<(u32, u64), (i64, i64, i64)> = BTreeMap::new();
        for line in &lines {
            let block = blocks.entry((line.generation, line.offset / BLOCK_BYTES)).or_insert((i64::MAX, i64::MAX, i64::MIN));
            let start = line.end - i64::try_from(line.duration).unwrap();
            *block = (start.min(block.0), if line.route == 2 { start.min(block.1) } else { block.1 }, line.end.max(block.2));
        }
        blocks.retain(|_, (earliest, own, latest)| {
            *own != i64::MAX && window.overlaps(floor_route_start(Timestamp(*own)).max(Timestamp(*earliest)), Timestamp(*latest))
        });
        prop_assert_eq!(found, blocks.into_keys().collect::<Vec<_>>());
    }
}

/// The answer for route 2, by looking at every line.
fn searched(lines: &[Line], window: Window, by_end: bool) -> Vec<(i64, u32, u64, u8)> {
    let mut slots: BTreeMap<i64, Vec<&Line>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.route == 2) {
        slots.entry(line.end.div_euclid(10_000)).or_default().push(line);
    }
    let mut slowest = HashSet::new();
    for slot in slots.values_mut() {
        slot.sort_by_key(|line| (Reverse(line.duration), line.end, line.generation, line.offset));
        slowest.extend(slot.iter().take(2).map(|line| (line.generation, line.offset)));
    }
    let mut found = Vec::new();
    for line in slots.values().flatten() {
        let start = line.end - i64::try_from(line.duration).unwrap();
        let inside = if by_end {
            line.end >= window.from.0 && line.end < window.until.0
        } else {
            start < window.until.0 && line.end >= window.from.0
        };
        let kept = u8::from(line.duration >= 1000)
            | u8::from(line.status >= 500) << 1
            | u8::from(slowest.contains(&(line.generation, line.offset))) << 2;
        if inside && kept != 0 {
            found.push((line.end, line.generation, line.offset, kept));
        }
    }
    found.sort_unstable();
    found
}

/// A block of entries is read for each stretch of slots that it holds; none of its entries counts twice for that.
#[test]
fn slots_far_apart_are_judged_each_once() {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let line = |slot: i64, at: u64, duration| Line {
        generation: 0,
        offset: at * 100,
        length: 60,
        end: 1_322_661_900_000 + slot * 3_600_000,
        duration,
        route: 0,
        status: 200,
    };
    for (batch, duration) in [(0, 90), (1, 30)] {
        let lines: Vec<Line> = (0i64..4).map(|slot| line(slot, batch * 4 + slot.unsigned_abs(), duration)).collect();
        writer.commit(&mut commit(&lines, 1_322_700_000_000)).unwrap();
        writer.seal().unwrap();
    }
    // Two of each slot are kept as its slowest, and there are two.
    let entries = writer.view().entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap();
    assert_eq!(entries.len(), 8, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.kept == KeepReasons::SLOWEST));
}

#[test]
fn a_long_request_is_found_by_overlap_alone() {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let hours = 18 * 3_600_000;
    let socket = Line {
        generation: 0,
        offset: 0,
        length: 80,
        end: 1_322_661_900_000 + hours,
        duration: u64::try_from(hours).unwrap(),
        route: 0,
        status: 101,
    };
    writer.commit(&mut commit(&[socket], 1)).unwrap();
    writer.seal().unwrap();
    let noon = Timestamp(1_322_661_900_000 + hours / 2);
    let window = Window { from: noon, until: noon.plus_millis(1) };
    assert_eq!(writer.view().entries(&EntryQuery::new(window, WindowMatch::Overlap)).unwrap().len(), 1);
    assert_eq!(writer.view().entries(&EntryQuery::new(window, WindowMatch::End)).unwrap().len(), 0);
}

#[test]
fn blocks_are_not_split_between_segments() {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let all = lines(60, &mut Dice(5));
    for line in &all {
        writer.commit(&mut commit(std::slice::from_ref(line), 1)).unwrap();
        writer.seal().unwrap();
    }
    let blocks = writer.view().blocks(Window::ALL, WindowMatch::End, None).unwrap();
    assert_eq!(blocks.iter().map(|b| u64::from(b.lines)).sum::<u64>(), 60);
    for pair in blocks.windows(2) {
        assert!(pair[0].generation != pair[1].generation || pair[0].until == pair[1].first, "{pair:?}");
    }
    let sealed: usize = writer.view().sealed.iter().map(|s| usize::try_from(s.info.counts[2]).unwrap()).sum();
    assert_eq!(sealed + writer.view().memtable.blocks.len(), blocks.len());
}

#[test]
fn an_extreme_entry_survives_sealing() {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let entry = |end: i64, duration_ms, upstream_ms, offset| Entry {
        end: Timestamp(end),
        duration_ms,
        route: RouteId(u32::MAX),
        status: 0,
        upstream_ms,
        kept: KeepReasons::THRESHOLD,
        locator: Locator { generation: crate::source::generation::GenerationId(u32::MAX), offset, length: u32::MAX },
    };
    let entries = vec![
        entry(i64::MIN + 5, u64::MAX, Some(u64::MAX / 2), u64::MAX),
        entry(i64::MAX, 0, Some(u64::MAX), 0),
        entry(0, 1 << 63, Some(0), 1 << 63),
        entry(1, 5, None, 3),
    ];
    writer.commit(&mut Commit { entries: entries.clone(), ..Commit::default() }).unwrap();
    for _ in 0..2 {
        let mut kept = open(&memory).view().entries(&EntryQuery::new(Window::ALL, WindowMatch::Overlap)).unwrap();
        kept.sort_by_key(|e| e.locator);
        let mut expected: Vec<Entry> =
            entries.iter().filter(|e| e.end.0 < i64::MAX || e.duration_ms > 0).copied().collect();
        expected.sort_by_key(|e| e.locator);
        assert_eq!(kept, expected);
        writer.seal().unwrap();
    }
}

#[test]
fn a_writer_and_a_view_may_move_between_threads() {
    fn movable<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    movable::<Writer>();
    shared::<View>();
}

#[test]
fn many_blocks_and_chunks_answer_as_before_sealing() {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let all = lines(60_000, &mut Dice(3));
    for batch in all.chunks(500) {
        writer.commit(&mut commit(batch, 1)).unwrap();
    }
    let ask = |view: &View| {
        let mut found = vec![view.entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap()];
        for i in 0..40 {
            let from = Timestamp(1_322_661_900_000 + i * 1_100_000);
            let window = Window { from, until: from.plus_millis(120_000) };
            let mut query = EntryQuery::new(window, if i % 2 == 0 { WindowMatch::End } else { WindowMatch::Overlap });
            query.min_duration_ms = if i % 5 == 0 { 2_000 } else { 0 };
            query.routes = (i % 3 > 0).then(|| vec![RouteId(u32::try_from(i % 3).unwrap())]);
            found.push(view.entries(&query).unwrap());
        }
        found
    };
    let before = ask(writer.view());
    assert!(before[0].len() > 20_000);
    writer.seal().unwrap();
    assert!(writer.view().memtable.entries.is_empty());
    assert!(ask(writer.view()) == before);
    assert!(ask(&View::open_on(Arc::new(memory)).unwrap()) == before);
}
