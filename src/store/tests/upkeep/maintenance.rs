//! Segments that are merged, rolled up and thrown away: the same answers, or an honest word, wherever it stops.

use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, answers, cell_text, commit, eager, lines, settings};
use crate::store::*;
use crate::time::{Timestamp, Window};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

const AT: i64 = 1_322_662_200_000;
const FIRST: i64 = 1_322_661_900_000;

fn open(memory: &Memory, retention: Retention) -> Writer {
    let settings = StoreSettings { retention, ..settings() };
    let mut writer = Writer::open_on(Arc::new(memory.clone()), settings).unwrap();
    writer.maintenance.limits = eager();
    writer
}

/// A store of `seals` sealed segments and a journal, not tended yet.
fn store(count: usize, seals: usize, dice: &mut Dice) -> Memory {
    let memory = Memory::default();
    let mut writer = open(&memory, Retention::default());
    let lines = lines(count, dice);
    for (number, batch) in lines.chunks(count / (seals + 1) + 1).enumerate() {
        writer.commit(&mut commit(batch, AT)).unwrap();
        if number < seals {
            writer.seal().unwrap();
        }
    }
    memory
}

fn tend_all(writer: &mut Writer) {
    while writer.maintain(Timestamp(AT), false).unwrap().more {}
}

fn kinds(view: &View) -> Vec<segment::info::SegmentKind> {
    let mut kinds: Vec<_> = view.sealed.iter().map(|segment| segment.info.kind).collect();
    kinds.sort();
    kinds
}

#[test]
fn merging_leaves_one_segment_of_details_and_one_of_roll_ups_with_the_same_answers() {
    use segment::info::SegmentKind::{Detail, Rolled};
    let memory = store(400, 5, &mut Dice(3));
    let mut writer = open(&memory, Retention::default());
    let before = answers(writer.view());
    let reader = View::open_on(Arc::new(memory.clone())).unwrap();
    tend_all(&mut writer);
    assert_eq!(kinds(writer.view()), [Detail, Rolled]);
    assert!(answers(writer.view()) == before);
    assert!(answers(&View::open_on(Arc::new(memory.clone())).unwrap()) == before);
    assert_eq!(memory.names().len(), 6, "{:?}", memory.names());
    // One that was opened before goes on, although its files are gone.
    assert!(answers(&reader) == before);
    // What comes later is merged with what is there.
    let mut more = lines(500, &mut Dice(4));
    more.drain(..400);
    for batch in more.chunks(30) {
        writer.commit(&mut commit(batch, AT)).unwrap();
        writer.seal().unwrap();
    }
    let before = answers(writer.view());
    tend_all(&mut writer);
    assert_eq!(kinds(writer.view()), [Detail, Rolled]);
    assert!(answers(writer.view()) == before);
    assert_eq!(writer.view().verify().len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn totals_are_the_sums_of_the_cells(seed in 1u64.., seals in 0usize..6, from in -20i64..700, length in 0i64..700, odd in 0i64..10_000, step in prop_oneof![Just(10u64), Just(60), Just(600), Just(1800), Just(3600), Just(90)]) {
        let mut dice = Dice(seed);
        let memory = store(300 + dice.up_to(2_000), seals, &mut dice);
        let mut writer = open(&memory, Retention::default());
        tend_all(&mut writer);
        for window in [
            Window::ALL,
            Window { from: Timestamp(FIRST + from * 10_000), until: Timestamp(FIRST + (from + length) * 10_000) },
            Window { from: Timestamp(FIRST + from * 10_000 - odd), until: Timestamp(FIRST + (from + length) * 10_000 + odd) },
        ] {
            let routes = [crate::route::RouteId(1)];
            for routes in [None, Some(&routes[..])] {
                let (mut sums, mut steps) = (BTreeMap::<_, crate::histogram::Cell>::new(), BTreeMap::<_, crate::histogram::Cell>::new());
                let millis = i64::try_from(step * 1000).unwrap();
                for (slot, route, cell) in writer.view().cells(window, routes).unwrap() {
                    sums.entry(route).or_default().merge(&cell);
                    steps.entry((slot.0.div_euclid(millis) * millis, route)).or_default().merge(&cell);
                }
                let expected: Vec<_> = sums.iter().map(|(route, cell)| (*route, cell_text(cell))).collect();
                let totals: Vec<_> = writer.view().totals(window, routes).unwrap().iter().map(|(route, cell)| (*route, cell_text(cell))).collect();
                prop_assert_eq!(totals, expected);
                let expected: Vec<_> = steps.iter().map(|((slot, route), cell)| (*slot, *route, cell_text(cell))).collect();
                let mut alone = BTreeMap::<_, crate::histogram::Cell>::new();
                for ((slot, _), cell) in &steps {
                    alone.entry(*slot).or_default().merge(cell);
                }
                let alone: Vec<_> = alone.iter().map(|(slot, cell)| (*slot, cell_text(cell))).collect();
                let of_steps = writer.view().step_sums(window, Duration::from_secs(step), routes).unwrap();
                let of_steps: Vec<_> = of_steps.iter().map(|(slot, cell)| (slot.0, cell_text(cell))).collect();
                prop_assert_eq!(of_steps, alone);
                let by_step = writer.view().steps(window, Duration::from_secs(step), routes).unwrap();
                let by_step: Vec<_> = by_step.iter().map(|(slot, route, cell)| (slot.0, *route, cell_text(cell))).collect();
                prop_assert_eq!(by_step, expected);
            }
        }
    }
}

/// Ranges go with their segments, points first of all, and of damaged files a half of the bound counts.
#[test]
fn the_bound_counts_all_that_the_store_takes() {
    let memory = three_days();
    let lengths = |memory: &Memory| {
        let names =
            memory.names().into_iter().filter(|name| name.starts_with("segments/") || name.starts_with("journal-"));
        names.map(|name| memory.read(&name).unwrap().len() as u64).sum::<u64>()
    };
    let tend = |memory: &Memory, most: u64| {
        let mut writer = open(memory, Retention { keep_bytes: Some(most), ..Retention::default() });
        writer.maintenance.limits.rolled_span = 86_400_000;
        writer.maintain(Timestamp(AT), false).unwrap().dropped
    };
    drop(open(&memory, Retention::default()));
    let all = lengths(&memory);
    assert_eq!(tend(&memory, all), 0);
    // Restart points are made again when they are needed.
    let file = crate::store::disk::medium::write_file(&memory, "points/9.pts", &[0; 5000]).unwrap();
    drop(file);
    assert_eq!(tend(&memory, all), 0);
    assert!(!memory.names().contains(&"points/9.pts".to_owned()), "{:?}", memory.names());
    drop(crate::store::disk::medium::write_file(&memory, "segments/99.seg.damaged", &[0; 5000]).unwrap());
    assert!(tend(&memory, all) > 0);
    assert!(lengths(&memory) - 5000 + (all / 2).min(5000) <= all);
    // However large they are, they do not drive out what is whole.
    let left = lengths(&memory) - 5000;
    drop(crate::store::disk::medium::write_file(&memory, "segments/99.seg.damaged", &[0; 500_000]).unwrap());
    assert_eq!(tend(&memory, 2 * left + 2000), 0);
}

/// Wherever merging stops, by a failure or a loss of power, the answers are the same, and the next writer ends it.
#[test]
fn fault_27_every_prefix_of_merging_may_be_lost() {
    let memory = store(240, 5, &mut Dice(8));
    let expected = answers(open(&memory, Retention::default()).view());
    let whole = memory.copy();
    let mut writer = open(&whole, Retention::default());
    let begun = whole.calls();
    tend_all(&mut writer);
    let calls = whole.calls() - begun;
    assert!(calls > 15, "{calls}");
    let mut dice = Dice(2);
    for n in 1..=calls {
        for fault in [Fault::Onwards(ErrorKind::Other), Fault::Once(ErrorKind::StorageFull), Fault::Short] {
            let memory = memory.copy();
            let mut writer = open(&memory, Retention::default());
            memory.fail_at(n, fault);
            for _ in 0..8 {
                let _failed = writer.maintain(Timestamp(AT), false);
            }
            assert!(answers(writer.view()) == expected, "call {n}, {fault:?}");
            let memory = memory.crash(&mut |most| dice.up_to(most));
            let mut writer = open(&memory, Retention::default());
            assert!(answers(writer.view()) == expected, "crash after call {n}, {fault:?}");
            tend_all(&mut writer);
            assert_eq!(kinds(writer.view()).len(), 2, "call {n}, {fault:?}");
            assert!(answers(writer.view()) == expected);
            assert_eq!(memory.names().len(), 6, "{:?}", memory.names());
        }
    }
}

/// A store of three days: merged, one segment of details each.
fn three_days() -> Memory {
    let memory = Memory::default();
    let mut writer = open(&memory, Retention::default());
    for day in 0i64..3 {
        let mut own = lines(80, &mut Dice(5 + day.unsigned_abs()));
        for line in &mut own {
            line.end += (day - 3) * 86_400_000;
            line.offset += day.unsigned_abs() << 30;
        }
        for batch in own.chunks(40) {
            writer.commit(&mut commit(batch, AT + (day - 3) * 86_400_000)).unwrap();
            writer.seal().unwrap();
        }
    }
    writer.maintenance.limits.rolled_span = 86_400_000;
    tend_all(&mut writer);
    assert_eq!(kinds(writer.view()).len(), 6);
    memory
}

fn days(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count * 86_400 + 3_600))
}

#[test]
fn what_is_too_old_goes_whole_and_the_answers_say_so() {
    let memory = three_days();
    let kept = Retention { keep: days(2), keep_histograms: None, keep_bytes: None };
    let mut writer = open(&memory, kept);
    let whole = writer.view().totals(Window::ALL, None).unwrap();
    assert_eq!(writer.view().expired(), Expired::default());
    let reader = View::open_on(Arc::new(memory.clone())).unwrap();
    let before = answers(&reader);
    writer.maintenance.limits.rolled_span = 86_400_000;
    let tended = writer.maintain(Timestamp(AT), false).unwrap();
    assert_eq!((tended.dropped, kinds(writer.view()).len()), (1, 5));
    let view = View::open_on(Arc::new(memory.clone())).unwrap();
    let mark = view.expired().detail.unwrap();
    assert!(mark > Timestamp(FIRST - 3 * 86_400_000) && mark < Timestamp(FIRST - 2 * 86_400_000));
    assert_eq!(view.expired_before(Window::ALL), Some(mark));
    assert_eq!(view.expired_before(Window { from: mark, until: Timestamp(AT) }), None);
    assert!(
        view.entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap().iter().all(|entry| entry.end >= mark)
    );
    // The histograms of the day are still there, by ten minutes.
    let totals = view.totals(Window::ALL, None).unwrap();
    let text = |cells: &[(crate::route::RouteId, crate::histogram::Cell)]| {
        cells.iter().map(|(route, cell)| format!("{route:?} {}", cell_text(cell))).collect::<Vec<_>>()
    };
    assert_eq!(text(&totals), text(&whole));
    assert_eq!(view.totals_expired_before(Window::ALL), None);
    let hour = |number: i64| Timestamp((FIRST - 3 * 86_400_000).div_euclid(3_600_000) * 3_600_000 + number * 3_600_000);
    let by_hours = Window { from: hour(0), until: hour(1) };
    assert_eq!(view.totals_expired_before(by_hours), None);
    assert!(!view.totals(by_hours, None).unwrap().is_empty());
    assert_eq!(view.totals_expired_before(Window { from: hour(0).plus_millis(60_000), ..by_hours }), Some(mark));
    // A reader that had the store open goes on with what it saw.
    assert!(answers(&reader) == before);
    // Then they go too.
    drop(writer);
    let mut writer = open(&memory, Retention { keep_histograms: days(2), ..kept });
    writer.maintenance.limits.rolled_span = 86_400_000;
    assert_eq!(writer.maintain(Timestamp(AT), false).unwrap().dropped, 1);
    let gone = writer.view().expired().histograms;
    assert!(gone.is_some_and(|gone| gone <= mark && gone > by_hours.from), "{gone:?}");
    assert_eq!(writer.view().totals_expired_before(by_hours), gone);
    assert!(writer.view().totals(by_hours, None).unwrap().is_empty());
}

#[test]
fn a_store_that_is_too_large_loses_its_oldest_details_first() {
    let memory = three_days();
    let mut writer = open(&memory, Retention::default());
    let sizes: Vec<u64> = writer.view().sealed.iter().map(|segment| segment.info.length).collect();
    let journal = writer.journal.committed_bytes();
    drop(writer);
    let most = sizes.iter().sum::<u64>() + journal - 1;
    writer = open(&memory, Retention { keep_bytes: Some(most), ..Retention::default() });
    writer.maintenance.limits.rolled_span = 86_400_000;
    let tended = writer.maintain(Timestamp(AT), false).unwrap();
    assert_eq!(tended.dropped, 1);
    let oldest = writer.view().entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap()[0].end;
    assert!(writer.view().expired().detail.is_some_and(|mark| mark <= oldest), "{oldest:?}");
    assert_eq!(writer.view().expired().histograms, None);
    // Another look an hour later finds nothing to do.
    assert_eq!(writer.maintain(Timestamp(AT + 3_600_000), false).unwrap(), MaintenanceOutcome::default());
}

#[test]
fn fault_27_every_prefix_of_retention_may_be_lost() {
    let memory = three_days();
    let kept = Retention { keep: days(2), keep_histograms: days(2), keep_bytes: None };
    let before = answers(open(&memory, kept).view());
    let whole = memory.copy();
    let mut writer = open(&whole, kept);
    let begun = whole.calls();
    writer.maintenance.limits.rolled_span = 86_400_000;
    assert_eq!(writer.maintain(Timestamp(AT), false).unwrap().dropped, 2);
    let (calls, after) = (whole.calls() - begun, answers(writer.view()));
    let mut dice = Dice(12);
    for n in 1..=calls {
        for fault in [Fault::Onwards(ErrorKind::Other), Fault::Once(ErrorKind::StorageFull)] {
            let memory = memory.copy();
            let mut writer = open(&memory, kept);
            writer.maintenance.limits.rolled_span = 86_400_000;
            memory.fail_at(n, fault);
            let _failed = writer.maintain(Timestamp(AT), false);
            let memory = memory.crash(&mut |most| dice.up_to(most));
            let mut writer = open(&memory, kept);
            writer.maintenance.limits.rolled_span = 86_400_000;
            let found = answers(writer.view());
            assert!(found == before || found == after, "call {n}, {fault:?}");
            // All or nothing: what is gone is marked as gone.
            assert_eq!(writer.view().expired().detail.is_some(), found == after, "call {n}, {fault:?}");
            while writer.maintain(Timestamp(AT), false).unwrap().more {}
            assert!(answers(writer.view()) == after, "call {n}, {fault:?}");
            assert_eq!(memory.names().len(), 10, "{:?}", memory.names());
        }
    }
}

#[test]
fn fault_28_a_damaged_segment_is_left_alone_and_the_others_are_merged() {
    let memory = store(300, 6, &mut Dice(21));
    let name = memory.names().into_iter().filter(|name| name.ends_with(".seg")).nth(2).unwrap();
    memory.change(&name, |bytes| bytes[60] ^= 4);
    let mut writer = open(&memory, Retention::default());
    let error = writer.maintain(Timestamp(AT), false).unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("damaged"), "{error}");
    tend_all(&mut writer);
    assert_eq!(writer.view().sealed.len(), 3);
    assert!(memory.names().contains(&name));
}

#[test]
fn a_line_from_the_future_does_not_keep_its_segment() {
    let memory = Memory::default();
    let mut writer = open(&memory, Retention { keep: days(2), keep_histograms: days(2), keep_bytes: None });
    let mut own = lines(20, &mut Dice(6));
    own[3].end += 400 * 86_400_000;
    writer.commit(&mut commit(&own, AT)).unwrap();
    writer.seal().unwrap();
    let later = |days: i64| Timestamp(AT + days * 86_400_000);
    writer.maintain(later(1), false).unwrap();
    assert!(!writer.view().entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap().is_empty());
    while writer.maintain(later(3), false).unwrap().more {}
    assert_eq!(writer.view().sealed.len(), 0);
    assert!(writer.view().expired().detail.is_some_and(|mark| mark <= later(1)));
}

#[test]
fn an_old_journal_is_sealed_however_small() {
    let memory = Memory::default();
    let mut writer = open(&memory, Retention::default());
    writer.commit(&mut commit(&lines(20, &mut Dice(6)), AT)).unwrap();
    writer.maintain(Timestamp(AT), false).unwrap();
    assert_eq!(writer.view().sealed.len(), 0);
    writer.maintain(Timestamp(AT + 2 * 86_400_000), true).unwrap();
    assert_eq!(writer.view().sealed.len(), 1);
}

/// For the end of taking logs in: all is merged whatever its age and however little it is, also the journal, and nothing is thrown away;
/// stopped at any call, by a failure or a loss of power, the answers are the same, and the next one ends it.
#[test]
fn fault_27_every_prefix_of_compacting_may_be_lost() {
    let memory = store(160, 3, &mut Dice(11));
    let old = Retention { keep: Some(Duration::ZERO), keep_histograms: Some(Duration::ZERO), keep_bytes: Some(1) };
    let expected = answers(open(&memory, old).view());
    let compact = |writer: &mut Writer| writer.compact(Timestamp(AT + 2 * 86_400_000), &mut |_| {});
    let whole = memory.copy();
    let mut writer = open(&whole, old);
    writer.maintenance.limits.sealed = 100;
    let begun = whole.calls();
    compact(&mut writer).unwrap();
    let calls = whole.calls() - begun;
    assert_eq!((kinds(writer.view()).len(), writer.view().memtable.cells.first_slot()), (2, None));
    assert!(answers(writer.view()) == expected);
    let mut dice = Dice(3);
    for n in 1..=calls {
        for fault in [Fault::Onwards(ErrorKind::Other), Fault::Once(ErrorKind::StorageFull)] {
            let memory = memory.copy();
            let mut writer = open(&memory, old);
            memory.fail_at(n, fault);
            let _failed = compact(&mut writer);
            assert!(answers(writer.view()) == expected, "call {n}, {fault:?}");
            let memory = memory.crash(&mut |most| dice.up_to(most));
            let mut writer = open(&memory, old);
            assert!(answers(writer.view()) == expected, "crash after call {n}, {fault:?}");
            compact(&mut writer).unwrap();
            assert_eq!(kinds(writer.view()).len(), 2, "call {n}, {fault:?}");
            assert!(answers(writer.view()) == expected);
        }
    }
}

#[test]
fn compacting_leaves_a_damaged_segment_alone_and_merges_the_others() {
    let memory = store(300, 6, &mut Dice(21));
    let name = memory.names().into_iter().filter(|name| name.ends_with(".seg")).nth(2).unwrap();
    memory.change(&name, |bytes| bytes[60] ^= 4);
    let mut writer = open(&memory, Retention::default());
    let error = writer.compact(Timestamp(AT), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("damaged"), "{error}");
    assert_eq!(writer.view().sealed.len(), 3);
}
