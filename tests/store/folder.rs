//! The store on a real folder: one writer, readers beside it, refusals.

use spikeline::error::ErrorClass;
use spikeline::histogram::{Cell, Time};
use spikeline::route::RouteId;
use spikeline::source::generation::GenerationId;
use spikeline::store::{Commit, Entry, EntryQuery, KeepReasons, Locator, StoreSettings, View, WindowMatch, Writer};
use spikeline::time::{Timestamp, Window};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) fn commit(number: i64) -> Commit {
    let end = Timestamp(1_322_661_900_000 + number * 500);
    let mut cell = Cell::default();
    cell.requests = 1;
    cell.time_mut(Time::Request).record(1500);
    Commit {
        at: end,
        routes: vec![(RouteId(0), "webapp.backend.git".to_owned())],
        cells: vec![(end.slot(StoreSettings::default().interval), RouteId(0), cell)],
        entries: vec![Entry {
            end,
            duration_ms: 1500,
            route: RouteId(0),
            status: 200,
            upstream_ms: Some(1499),
            kept: KeepReasons::THRESHOLD,
            locator: Locator { generation: GenerationId(0), offset: number.unsigned_abs() * 100, length: 99 },
        }],
        ..Commit::default()
    }
}

/// Commits seen, by each of three independent answers; they must agree.
pub(crate) fn seen(view: &View) -> usize {
    let entries = view.entries(&EntryQuery::new(Window::ALL, WindowMatch::Overlap)).unwrap();
    let requests: u64 = view.cells(Window::ALL, None).unwrap().iter().map(|(_, _, cell)| cell.requests).sum();
    assert_eq!(u64::try_from(entries.len()).unwrap(), requests);
    assert_eq!(view.last_commit(), entries.last().map(|entry| entry.end));
    entries.len()
}

#[test]
fn fault_33_readers_beside_a_writer_never_err_and_never_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), StoreSettings { seal_bytes: 2_000, ..StoreSettings::default() }).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let (mut last, mut opened) = (0, 0);
            while !done.load(Ordering::Acquire) || opened == 0 {
                let now = seen(&View::open(dir.path()).unwrap());
                assert!(now >= last, "{now} after {last}");
                last = now;
                opened += 1;
            }
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for number in 0..400 {
            writer.commit(&mut commit(number)).unwrap();
            writer.seal_if_due(false).unwrap();
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(seen(writer.view()), 400);
    assert_eq!(seen(&View::open(dir.path()).unwrap()), 400);
    assert!(std::fs::read_dir(dir.path().join("segments")).unwrap().count() > 5);
}

#[test]
fn fault_33_a_second_writer_is_refused_and_names_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let first = Writer::open(dir.path(), StoreSettings::default()).unwrap();
    let error = Writer::open(dir.path(), StoreSettings::default()).unwrap_err();
    assert_eq!((error.class(), error.exit_code()), (ErrorClass::Held, 2));
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    assert!(View::open(dir.path()).is_ok());
    drop(first);
    assert!(Writer::open(dir.path(), StoreSettings::default()).is_ok());
}

#[test]
fn a_restart_goes_on_where_it_was_and_a_foreign_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    for number in 0..6 {
        let mut writer = Writer::open(dir.path(), StoreSettings::default()).unwrap();
        writer.commit(&mut commit(number)).unwrap();
        if number % 2 == 0 {
            writer.seal().unwrap();
        }
    }
    let view = View::open(dir.path()).unwrap();
    assert_eq!(seen(&view), 6);
    assert_eq!(view.route("webapp.backend.git"), Some(RouteId(0)));
    assert!(dir.path().join("notes.txt").exists());
}

#[test]
fn no_store_and_no_folder_are_clear_errors() {
    let dir = tempfile::tempdir().unwrap();
    let error = View::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no store here") && error.contains("--store"), "{error}");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Writer::open(&file.join("store"), StoreSettings::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.place().unwrap().path.starts_with(&file), "{error}");
}

#[test]
fn the_slowest_of_far_slots_do_not_crowd_each_other_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), StoreSettings { slowest: 3, ..StoreSettings::default() }).unwrap();
    let entry = |slot: i64, number: u64| Entry {
        end: Timestamp(1_322_661_900_000 + slot * 10_000 + 1),
        duration_ms: 100 - number,
        route: RouteId(0),
        status: 200,
        upstream_ms: None,
        kept: KeepReasons::SLOWEST,
        locator: Locator { generation: GenerationId(0), offset: slot.unsigned_abs() * 1000 + number * 10, length: 9 },
    };
    let slots = [0, 100, 200];
    // Each slot is in two segments, so that its slowest are chosen when they are asked for.
    for numbers in [0..3, 3..5] {
        let entries = slots.iter().flat_map(|&slot| numbers.clone().map(move |number| entry(slot, number))).collect();
        let routes = vec![(RouteId(0), "webapp".to_owned())];
        writer.commit(&mut Commit { routes, entries, ..Commit::default() }).unwrap();
        writer.seal().unwrap();
    }
    let expected: Vec<Entry> = slots.iter().flat_map(|&slot| (0..3).map(move |number| entry(slot, number))).collect();
    assert_eq!(writer.view().entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap(), expected);
}
