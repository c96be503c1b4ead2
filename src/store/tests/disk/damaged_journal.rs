//! A journal that is damaged before its end lost what was committed: that is noted, kept, and never forgotten.

use crate::source::UnreadCause;
use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, commit, lines, settings};
use crate::store::*;
use std::io::ErrorKind;
use std::sync::Arc;

const AT: i64 = 1_322_662_000_000;

fn open(memory: &Memory) -> crate::error::Result<Writer> {
    Writer::open_on(Arc::new(memory.clone()), settings())
}

fn log(id: u32, position: u64) -> Generation {
    Generation {
        id: GenerationId(id),
        log: "a.log".to_owned(),
        path: format!("/logs/{id}").into(),
        device_inode: DeviceInode { device: 1, inode: u64::from(id) },
        fingerprint: Fingerprint { length: 100, hash: u64::from(id) + 7 },
        position,
        tail_hash: 9,
        finished: false,
    }
}

/// Commits of two logs in a journal, and the last record of a writer that ended, if it did. Where each ends.
fn journal(is_concluded: bool) -> (Memory, String, Vec<usize>) {
    let memory = Memory::default();
    let mut writer = open(&memory).unwrap();
    let name = memory.names().into_iter().find(|name| name.starts_with("journal")).unwrap();
    let length = || Medium::read(&memory, &name).unwrap().len();
    let mut ends = vec![length()];
    for (number, batch) in (1..).zip(lines(32, &mut Dice(5)).chunks(8)) {
        let generations = vec![log(0, number * 10), log(1, number * 20)];
        writer.commit(&mut Commit { generations, ..commit(batch, AT) }).unwrap();
        ends.push(length());
    }
    if is_concluded {
        writer.conclude().unwrap();
        ends.push(length());
    }
    (memory, name, ends)
}

/// What a store says is lost, by the position of its first log.
fn lost(writer: &Writer) -> Option<LostRecords> {
    let mut lost = writer.lost_records();
    assert!(lost.len() <= 1);
    lost.pop().map(|(_, records)| records.unwrap())
}

#[test]
fn a_bit_flipped_before_the_last_record_is_missing_until_it_is_read_again() {
    let (memory, name, ends) = journal(true);
    let (head, last) = (ends[0], ends[ends.len() - 2]);
    for at in (head..*ends.last().unwrap()).step_by(7) {
        let damaged = memory.copy();
        damaged.change(&name, |bytes| bytes[at] ^= 4);
        let mut writer = open(&damaged).unwrap();
        if at >= last {
            assert_eq!(lost(&writer), None, "byte {at}: it says nothing that is not known");
            continue;
        }
        let known = lost(&writer).unwrap();
        assert!(known.is_all, "byte {at}");
        assert_eq!(known.logs, [log(0, 40), log(1, 80)], "byte {at}");
        let span = writer.view().unread_spans().next().unwrap().clone();
        assert_eq!((span.cause, span.until), (UnreadCause::Damaged, Some(crate::time::Timestamp(AT + 1))));
        assert!(damaged.names().contains(&format!("{name}.damaged")), "byte {at}: {:?}", damaged.names());
        // Neither another start nor a seal, nor a part of the logs, makes it forgotten.
        writer.seal().unwrap();
        drop(writer);
        let mut writer = open(&damaged).unwrap();
        writer.commit(&mut Commit { generations: vec![log(0, 40), log(1, 79)], ..Commit::default() }).unwrap();
        writer.withdraw_restored().unwrap();
        assert_eq!(lost(&writer), Some(known), "byte {at}");
        writer.commit(&mut Commit { generations: vec![log(1, 80)], ..Commit::default() }).unwrap();
        writer.withdraw_restored().unwrap();
        assert_eq!(lost(&open(&damaged).unwrap()), None, "byte {at}");
    }
}

/// Without the record that a writer ends with, another log may have been in what is lost.
#[test]
fn what_is_not_known_to_be_all_stays_missing() {
    let (memory, name, ends) = journal(false);
    memory.change(&name, |bytes| bytes[ends[0] + 40] ^= 4);
    let mut writer = open(&memory).unwrap();
    assert!(!lost(&writer).unwrap().is_all);
    writer.commit(&mut Commit { generations: vec![log(0, 40), log(1, 80)], ..Commit::default() }).unwrap();
    writer.withdraw_restored().unwrap();
    assert!(lost(&writer).is_some());
}

/// Torn by a crash is not damaged: nobody was told that it was committed.
#[test]
fn a_torn_end_is_no_damage() {
    let (memory, name, ends) = journal(false);
    for torn in ends[ends.len() - 2]..*ends.last().unwrap() {
        let memory = memory.copy();
        memory.change(&name, |bytes| bytes.truncate(torn));
        assert_eq!(lost(&open(&memory).unwrap()), None, "{torn}");
    }
}

#[test]
fn the_damaged_journal_outlives_a_loss_of_power_at_any_call() {
    let (memory, name, ends) = journal(true);
    let crash = |memory: &Memory, dice: &mut Dice| memory.crash(&mut |most| dice.up_to(most));
    let memory = crash(&memory, &mut Dice(1));
    memory.change(&name, |bytes| bytes[ends[1] + 40] ^= 4);
    let memory = crash(&memory, &mut Dice(1));
    let bytes = Medium::read(&memory, &name).unwrap();
    let whole = memory.copy();
    drop(open(&whole).unwrap());
    let calls = whole.calls();
    assert!(calls > 10, "{calls}");
    for (call, seed) in (1..=calls).flat_map(|call| (0..8).map(move |seed| (call, seed))) {
        let memory = memory.copy();
        memory.fail_at(call, Fault::Onwards(ErrorKind::Other));
        drop(open(&memory));
        let crashed = crash(&memory, &mut Dice(seed));
        let writer = open(&crashed).unwrap();
        assert!(lost(&writer).is_some(), "call {call}");
        let kept = Medium::read(&crashed, &format!("{name}.damaged")).unwrap();
        assert!(kept == bytes, "call {call}");
    }
}
