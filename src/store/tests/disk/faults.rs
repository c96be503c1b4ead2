//! Calls that fail, files that are damaged or torn: no panic, and never less or other than what was committed.

use crate::error::ErrorClass;
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, Line, answers, commit, lines, settings, state};
use crate::store::*;
use crate::time::Window;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

const AT: i64 = 1_322_662_000_000;

fn open(memory: &Memory) -> crate::error::Result<Writer> {
    Writer::open_on(Arc::new(memory.clone()), settings())
}

/// The answers after each prefix of `batches`, from none to all.
fn expectations(batches: &[Vec<Line>]) -> Vec<String> {
    let mut writer = open(&Memory::default()).unwrap();
    let mut expected = vec![answers(writer.view())];
    for batch in batches {
        writer.commit(&mut commit(batch, AT)).unwrap();
        expected.push(answers(writer.view()));
    }
    expected
}

fn batches(count: usize) -> Vec<Vec<Line>> {
    lines(count * 8, &mut Dice(77)).chunks(8).map(<[Line]>::to_vec).collect()
}

/// Commit, seal and reopen; each failed commit is tried again until it succeeds or tries run out. How many succeeded.
fn run(memory: &Memory, batches: &[Vec<Line>]) -> usize {
    let mut writer = None;
    let mut done = 0;
    let mut tries = 0;
    while done < batches.len() && tries < 40 {
        tries += 1;
        let mut own = match writer.take() {
            Some(writer) => writer,
            None => match open(memory) {
                Ok(opened) => opened,
                Err(_) => continue,
            },
        };
        if own.commit(&mut commit(&batches[done], AT)).is_ok() {
            done += 1;
            if done % 3 == 1 {
                let _failed = own.seal();
            }
        }
        writer = (done % 4 != 3 || tries % 2 == 0).then_some(own);
    }
    done
}

#[test]
fn fault_31_the_nth_call_fails_for_every_n() {
    let batches = batches(9);
    let expected = expectations(&batches);
    let whole = Memory::default();
    assert_eq!(run(&whole, &batches), batches.len());
    let calls = whole.calls();
    assert!(calls > 40, "{calls}");
    let mut dice = Dice(2);
    for n in 1..=calls {
        for fault in [Fault::Once(ErrorKind::Other), Fault::Once(ErrorKind::Interrupted), Fault::Short] {
            let memory = Memory::default();
            memory.fail_at(n, fault);
            let done = run(&memory, &batches);
            assert_eq!(done, batches.len(), "call {n}, {fault:?}");
            memory.mend();
            let reader = View::open_on(Arc::new(memory.clone())).unwrap();
            assert!(answers(&reader) == expected[done], "read after call {n}, {fault:?}");
            let crashed = memory.crash(&mut |most| dice.up_to(most));
            assert!(answers(open(&crashed).unwrap().view()) == expected[done], "crash after call {n}, {fault:?}");
        }
    }
}

#[test]
fn fault_30_a_full_disk_loses_nothing_that_was_committed() {
    let batches = batches(9);
    let expected = expectations(&batches);
    let calls = {
        let memory = Memory::default();
        run(&memory, &batches);
        memory.calls()
    };
    let mut dice = Dice(9);
    for n in 1..=calls {
        let memory = Memory::default();
        memory.fail_at(n, Fault::Onwards(ErrorKind::StorageFull));
        let done = run(&memory, &batches);
        let crashed = memory.crash(&mut |most| dice.up_to(most));
        let after = answers(open(&crashed).unwrap().view());
        let possible = [Some(&expected[done]), expected.get(done + 1)];
        assert!(possible.contains(&Some(&after)), "call {n}: {done} commits succeeded");
        memory.mend();
        let mut writer = open(&memory).unwrap();
        let after = answers(writer.view());
        assert!(possible.contains(&Some(&after)), "call {n}: {done} commits succeeded");
        let done = if after == expected[done] { done } else { done + 1 };
        for batch in &batches[done..] {
            writer.commit(&mut commit(batch, AT)).unwrap();
        }
        assert_eq!(Some(&answers(writer.view())), expected.last());
    }
}

#[test]
fn fault_27_a_record_torn_at_any_byte_is_cut() {
    let batches = batches(3);
    let expected = expectations(&batches);
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    writer.commit(&mut commit(&batches[0], AT)).unwrap();
    writer.commit(&mut commit(&batches[1], AT)).unwrap();
    let before = memory.copy().crash(&mut |_| 0);
    let length = |memory: &Memory| crate::store::Medium::read(memory, "journal-1").unwrap().len();
    let good = length(&before);
    writer.commit(&mut commit(&batches[2], AT)).unwrap();
    let whole = length(&memory);
    for torn in good..whole {
        let memory = memory.copy();
        memory.change("journal-1", |bytes| bytes.truncate(torn));
        let reader = View::open_on(Arc::new(memory.clone())).unwrap();
        assert_eq!(state(&reader), state(View::open_on(Arc::new(before.clone())).as_ref().unwrap()));
        let mut writer = open(&memory).unwrap();
        assert_eq!(writer.cut_bytes(), u64::try_from(torn - good).unwrap());
        if torn % 16 == 0 {
            assert_eq!(answers(writer.view()), expected[2]);
        }
        writer.commit(&mut commit(&batches[2], AT)).unwrap();
        assert_eq!(state(open(&memory).unwrap().view()), state(writer.view()));
    }
    for flipped in good..whole {
        let memory = memory.copy();
        memory.change("journal-1", |bytes| bytes[flipped] ^= 1);
        assert_eq!(open(&memory).unwrap().cut_bytes(), u64::try_from(whole - good).unwrap());
    }
}

#[test]
fn fault_28_a_flipped_bit_in_a_segment_is_found_and_named() {
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    for batch in batches(3) {
        writer.commit(&mut commit(&batch, AT)).unwrap();
    }
    writer.seal().unwrap();
    let name = memory.names().into_iter().find(|name| name.ends_with(".seg")).unwrap();
    let length = Medium::read(&memory, &name).unwrap().len();
    let kept = writer.view().entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).unwrap();
    let locators: Vec<Locator> = kept.iter().map(|entry| entry.locator).collect();
    for at in 0..length {
        let memory = memory.copy();
        memory.change(&name, |bytes| bytes[at] ^= 0x10);
        let mut view = View::open_on(Arc::new(memory)).unwrap();
        let found = view.verify();
        assert!(!found.is_empty(), "byte {at} of {length}");
        let error = &found[0];
        assert!(error.place().unwrap().path.ends_with(&name), "{error}");
        view.skip_damaged(true);
        assert!(view.cells(Window::ALL, None).is_ok());
        assert!(view.entries(&EntryQuery::new(Window::ALL, WindowMatch::End)).is_ok());
        assert!(view.blocks(Window::ALL, WindowMatch::End, None).is_ok());
        assert!(view.archived_lines(&locators).is_ok());
        assert!(!view.damage().is_empty(), "byte {at}");
    }
}

#[test]
fn fault_34_a_damaged_manifest_or_head_is_an_error_and_another_version_a_refusal() {
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    writer.commit(&mut commit(&batches(1)[0], AT)).unwrap();
    writer.seal().unwrap();
    let journal = memory.names().into_iter().find(|name| name.starts_with("journal")).unwrap();
    for name in ["manifest", journal.as_str()] {
        for at in 0..Medium::read(&memory, name).unwrap().len() {
            let memory = memory.copy();
            memory.change(name, |bytes| bytes[at] ^= 0x04);
            let error = open(&memory).unwrap_err();
            assert!(error.place().unwrap().path.ends_with(name), "byte {at}: {error}");
            let version = (8..12).contains(&at);
            assert_eq!(error.class() == ErrorClass::Refused, version, "byte {at}: {error}");
            assert!(View::open_on(Arc::new(memory.clone())).is_err(), "byte {at}");
            memory.change(name, |bytes| bytes[at] ^= 0x04);
            assert!(open(&memory).is_ok(), "nothing was overwritten");
        }
    }
}

#[test]
fn another_interval_is_refused_and_another_k_is_taken() {
    let memory = Memory::default();
    drop(open(&memory).unwrap());
    let minute = StoreSettings { interval: Duration::from_secs(60), ..settings() };
    let error = Writer::open_on(Arc::new(memory.clone()), minute).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Refused);
    assert!(error.to_string().contains("10s") && error.to_string().contains("60s"), "{error}");
    let more = StoreSettings { slowest: 9, ..settings() };
    drop(Writer::open_on(Arc::new(memory.clone()), more).unwrap());
    assert_eq!(View::open_on(Arc::new(memory)).unwrap().settings().slowest, 9);
}

#[test]
fn fault_32_a_read_only_disk_is_a_clear_error() {
    let memory = Memory::default();
    drop(open(&memory).unwrap());
    memory.fail_at(1, Fault::Onwards(ErrorKind::ReadOnlyFilesystem));
    let error = open(&memory).unwrap_err().to_string();
    assert!(error.contains("cannot") && error.contains("mount it writable"), "{error}");
    assert!(View::open_on(Arc::new(memory)).is_ok(), "readers are welcome");
}

#[test]
fn fault_32_deleted_state_is_a_cold_start_and_a_lost_manifest_is_not() {
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    writer.commit(&mut commit(&batches(1)[0], AT)).unwrap();
    writer.seal().unwrap();
    Medium::remove(&memory, "manifest").unwrap();
    assert_eq!(open(&memory).unwrap_err().class(), ErrorClass::Refused);
    // So is that of a young store, without segments.
    let young = Memory::default();
    open(&young).unwrap().commit(&mut commit(&batches(1)[0], AT)).unwrap();
    Medium::remove(&young, "manifest").unwrap();
    let error = open(&young).unwrap_err();
    assert!(error.class() == ErrorClass::Refused && error.to_string().contains("the manifest is missing"), "{error}");
    for name in memory.names() {
        Medium::remove(&memory, &name).unwrap();
    }
    assert!(View::open_on(Arc::new(memory.clone())).is_err());
    assert_eq!(open(&memory).unwrap().view().last_commit(), None);
}

/// Whoever removes the store while it is written is told by the writer, which does not write into files without a name.
#[test]
fn fault_32_a_store_removed_while_it_is_written_is_noticed() {
    let batches = batches(3);
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    writer.commit(&mut commit(&batches[0], AT)).unwrap();
    // The journal alone is made again from memory.
    Medium::remove(&memory, "journal-1").unwrap();
    writer.commit(&mut commit(&batches[1], AT)).unwrap();
    assert_eq!(answers(&View::open_on(Arc::new(memory.clone())).unwrap()), answers(writer.view()));
    for name in memory.names() {
        Medium::remove(&memory, &name).unwrap();
    }
    let mut third = commit(&batches[2], AT);
    for _ in 0..2 {
        let error = writer.commit(&mut third).unwrap_err().to_string();
        assert!(error.contains("removed while it was in use") && error.contains("restart spikeline"), "{error}");
    }
    assert!(!third.cells.is_empty(), "what was not committed is still there");
    assert_eq!(open(&memory).unwrap().view().last_commit(), None);
}
