//! Stores that older programs wrote (`tests/data/store`): read as they are, and taken over by the next writer, whatever interrupts it.

use crate::store::disk::medium::write_file;
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, cell_text, eager, state};
use crate::store::*;
use crate::time::{Timestamp, Window};
use rustix::io::Errno;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of a store that was written by a program of old.
fn files_of(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store").join(name);
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(&next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    // What a test compares with is no part of the store.
    files.retain(|(name, _)| name == "manifest" || name.starts_with("journal-") || name.starts_with("segments/"));
    files.sort();
    files
}

/// The same on a disk that never fails.
fn store_of(name: &str) -> Memory {
    let memory = Memory::default();
    for folder in [SEGMENTS, "points"] {
        Medium::make_folder(&memory, folder).unwrap();
    }
    for (name, bytes) in files_of(name) {
        drop(write_file(&memory, &name, &bytes).unwrap());
    }
    Medium::sync_folder(&memory, SEGMENTS).unwrap();
    Medium::sync_folder(&memory, "").unwrap();
    memory
}

const SEGMENTS: &str = "segments";

const STORES: [&str; 3] = ["version-2", "version-2-sealed", "version-3"];

/// All that it answers.
fn answers(view: &View) -> String {
    let mut out = state(view);
    let all = Window::ALL;
    let first = view.cells(all, None).unwrap().first().map_or(Timestamp(0), |(slot, _, _)| *slot);
    for window in [all, Window { from: first.plus_millis(20_000), until: first.plus_millis(40_000) }] {
        for (slot, route, cell) in view.cells(window, None).unwrap() {
            out.push_str(&format!("{slot} {route:?} {}\n", cell_text(&cell)));
        }
        for (route, cell) in view.totals(window, None).unwrap() {
            out.push_str(&format!("{route:?} {}\n", cell_text(&cell)));
        }
        for by in [WindowMatch::Overlap, WindowMatch::End] {
            let entries = view.entries(&EntryQuery::new(window, by)).unwrap();
            let locators: Vec<Locator> = entries.iter().map(|entry| entry.locator).collect();
            out.push_str(&format!("{entries:?} {:?}\n", view.archived_lines(&locators).unwrap()));
            out.push_str(&format!("{:?}\n", view.blocks(window, by, None).unwrap()));
            for (route, _) in view.routes() {
                out.push_str(&format!("{:?}\n", view.blocks(window, by, Some(&[route])).unwrap()));
            }
        }
        out.push_str(&format!("{:?}\n", view.completeness().gaps(window).unwrap()));
    }
    out
}

/// As the stores were made: with a smaller K, sealing would drop entries.
fn settings() -> StoreSettings {
    StoreSettings::default()
}

fn view_of(memory: &Memory) -> View {
    View::open_on(Arc::new(memory.clone())).unwrap()
}

/// Opens it, commits nothing but the time, seals and merges; gives up at what fails.
fn take_over(memory: &Memory) -> crate::error::Result<()> {
    let mut writer = Writer::open_on(Arc::new(memory.clone()), settings())?;
    writer.maintenance.limits = eager();
    writer.seal()?;
    let at = writer.view().last_commit().unwrap();
    writer.commit(&mut Commit { at, ..Commit::default() })?;
    writer.seal()?;
    while writer.maintain(at, false)?.more {}
    Ok(())
}

fn version_of(memory: &Memory) -> u32 {
    let manifest = Medium::read(memory, "manifest").unwrap();
    u32::from_le_bytes(manifest[8..12].try_into().unwrap())
}

#[test]
fn a_store_of_old_is_read_without_being_changed_and_taken_over_by_the_next_writer() {
    for name in STORES {
        let memory = store_of(name);
        let before = files_of(name);
        let expected = answers(&view_of(&memory));
        assert!(expected.len() > 10_000, "{name}");
        assert_eq!(view_of(&memory).verify().len(), 0, "{name}");
        for (file, bytes) in &before {
            assert!(Medium::read(&memory, file).unwrap() == *bytes, "{name}: a reader changed {file}");
        }
        let writer = Writer::open_on(Arc::new(memory.clone()), settings()).unwrap();
        assert_eq!(answers(writer.view()), expected, "{name}");
        assert_eq!((answers(&view_of(&memory)), version_of(&memory)), (expected.clone(), 4), "{name}");
        drop(writer);
        take_over(&memory).unwrap();
        assert_eq!(answers(&view_of(&memory)), expected, "{name}");
        assert_eq!(view_of(&memory).verify().len(), 0, "{name}");
    }
}

/// Of each call that the writer makes while it takes a store over: the process is killed there; the power goes there; the call fails.
#[test]
fn fault_26_killed_at_every_step_of_taking_a_store_of_old_over_nothing_is_lost() {
    let mut tried = 0;
    for name in STORES {
        let expected = answers(&view_of(&store_of(name)));
        let whole = store_of(name);
        let (writes, reads) = (whole.calls(), whole.reads());
        whole.record();
        take_over(&whole).unwrap();
        let (writes, reads) = (whole.calls() - writes, whole.reads() - reads);
        assert!(writes > 20, "{name}: {writes}");
        let mut dice = Dice(26);
        let mut check = |left: Memory, place: &str| {
            // Whoever only reads is answered at once; then the next writer goes on, and may be interrupted too.
            assert_eq!(answers(&view_of(&left)), expected, "{name}, {place}");
            take_over(&left).unwrap_or_else(|error| panic!("{name}, {place}: {error}"));
            assert_eq!(answers(&view_of(&left)), expected, "{name}, {place}");
            assert_eq!(view_of(&left).verify().len(), 0, "{name}, {place}");
            tried += 1;
        };
        for (call, moment) in whole.recorded().into_iter().enumerate() {
            check(moment.copy(), &format!("killed at call {call}"));
            for outcome in 0..3 {
                let left = moment.crash(&mut |most| dice.up_to(most));
                check(left, &format!("power lost at call {call}, {outcome}"));
            }
        }
        for call in 1..=writes {
            for fault in [Fault::Os(Errno::NOSPC.raw_os_error()), Fault::Onwards(ErrorKind::Other), Fault::Short] {
                let memory = store_of(name);
                memory.fail_at(call, fault);
                let _failed = take_over(&memory);
                memory.mend();
                check(memory, &format!("call {call} fails"));
            }
        }
        for call in (1..=reads).step_by(1 + reads / 40) {
            let memory = store_of(name);
            memory.fail_read_at(call, Fault::Os(Errno::IO.raw_os_error()));
            let _failed = take_over(&memory);
            memory.mend();
            check(memory, &format!("reading call {call} fails"));
        }
    }
    assert!(tried > 300, "{tried}");
}

/// A store that a later program wrote says which one reads it; nothing of it is touched.
#[test]
fn a_store_of_a_newer_version_is_refused_with_the_program_that_reads_it() {
    let memory = store_of("version-3");
    drop(Writer::open_on(Arc::new(memory.clone()), settings()).unwrap());
    let mut newer = b"SPKLMANI\x09\0\0\0".to_vec();
    newer.extend_from_slice(b"\x0fspikeline 7.2.1");
    newer.extend_from_slice(&[7; 40]);
    memory.change("manifest", |bytes| *bytes = newer.clone());
    for error in [
        View::open_on(Arc::new(memory.clone())).err().unwrap(),
        Writer::open_on(Arc::new(memory.clone()), settings()).err().unwrap(),
    ] {
        let said = error.to_string();
        assert_eq!(error.class(), crate::error::ErrorClass::Refused);
        assert!(said.contains("version 9 of the store's format; this program knows up to 4"), "{said}");
        assert!(said.contains("read it with spikeline 7.2.1, which wrote it"), "{said}");
    }
    assert_eq!(Medium::read(&memory, "manifest").unwrap(), newer);
    // What is no program's name is not printed.
    memory.change("manifest", |bytes| bytes.splice(13..16, *b"\x1b[m").for_each(drop));
    let said = View::open_on(Arc::new(memory)).err().unwrap().to_string();
    assert!(said.contains("the newer spikeline that wrote it"), "{said}");
}
