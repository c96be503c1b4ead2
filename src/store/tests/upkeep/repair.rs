//! Damaged segments of every kind, made again from the lines that they say they were made of.

use crate::source::GenerationId;
use crate::store::disk::layout;
use crate::store::segment::info::SegmentKind;
use crate::store::segment::log_ranges;
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, Line, answers, commit, eager, lines, settings};
use crate::store::*;
use crate::time::Timestamp;
use std::io::ErrorKind;
use std::sync::Arc;

const AT: i64 = 1_322_662_200_000;

fn open(memory: &Memory) -> Writer {
    let mut writer = Writer::open_on(Arc::new(memory.clone()), settings()).unwrap();
    writer.maintenance.limits = eager();
    writer
}

/// A store of five seals, merged or not, and a journal; with its lines.
fn store(merged: bool) -> (Memory, Vec<Line>) {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let lines = lines(400, &mut Dice(21));
    for (number, batch) in lines.chunks(70).enumerate() {
        writer.commit(&mut commit(batch, AT)).unwrap();
        if number < 5 {
            writer.seal().unwrap();
        }
    }
    while merged && writer.maintain(Timestamp(AT), false).unwrap().more {}
    (memory, lines)
}

/// What counting these ranges again comes to, as the pipeline does it.
pub(crate) fn counted(ranges: &[LogRange], lines: &[Line]) -> Commit {
    let in_range = |line: &&Line| {
        let holds = |range: &LogRange| range.from <= line.offset && line.offset < range.until;
        ranges.iter().any(|range| range.generation == GenerationId(line.generation) && holds(range))
    };
    let own: Vec<Line> = lines.iter().filter(in_range).cloned().collect();
    let mut counted = commit(&own, AT);
    // The last block before a range was open when it began, and is summarised whole with it.
    let mut heads: Vec<Line> = Vec::new();
    for range in ranges {
        let before = |line: &&Line| GenerationId(line.generation) == range.generation && line.offset < range.from;
        let Some(last) = lines.iter().filter(before).map(|line| line.offset / BLOCK_BYTES).max() else { continue };
        heads.extend(lines.iter().filter(before).filter(|line| line.offset / BLOCK_BYTES == last).cloned());
    }
    counted.blocks.extend(commit(&heads, AT).blocks);
    counted
}

pub(crate) fn mend_all(writer: &mut Writer, lines: &[Line]) -> usize {
    let damaged = writer.view().damaged_segments().unwrap();
    for segment in &damaged {
        let ranges = segment.ranges.clone().unwrap_or_default();
        writer.repair(segment, counted(&ranges, lines)).unwrap();
    }
    damaged.len()
}

fn kinds(view: &View) -> Vec<SegmentKind> {
    let mut kinds: Vec<_> = view.sealed.iter().map(|segment| segment.info.kind).collect();
    kinds.sort();
    kinds
}

/// Wherever a sealed, merged or rolled-up segment is damaged, rebuilding gives back all that it held.
#[test]
fn fault_28_every_kind_is_restored_wherever_it_is_damaged() {
    let mut dice = Dice(5);
    for merged in [false, true] {
        let (memory, lines) = store(merged);
        let (expected, kept) = (answers(open(&memory).view()), kinds(open(&memory).view()));
        let segments: Vec<String> = memory.names().into_iter().filter(|name| name.ends_with(".seg")).collect();
        assert_eq!(segments.len(), if merged { 2 } else { 5 });
        for name in segments {
            let mut length = 0;
            memory.change(&name, |bytes| length = bytes.len());
            for round in 0..30 {
                let memory = memory.copy();
                let at = if round < 4 { [0, 20, length - 1, length - 50][round] } else { dice.up_to(length - 1) };
                memory.change(&name, |bytes| bytes[at] ^= 16);
                let mut writer = open(&memory);
                assert_eq!(mend_all(&mut writer, &lines), 1, "{name}, byte {at}");
                assert!(answers(writer.view()) == expected, "{name}, byte {at} of {length}");
                assert_eq!(kinds(writer.view()), kept);
                assert!(writer.view().verify().is_empty());
                // The next writer leaves the damaged file, and what the new segment was made of is still known.
                let mut writer = open(&memory);
                assert!(memory.names().contains(&format!("{name}.damaged")));
                memory.change(&format!("{name}.damaged"), |_| {});
                let new = writer.view().sealed.iter().map(|segment| segment.info.number).max().unwrap();
                memory.change(&layout::segment_file(new), |bytes| bytes[20] ^= 1);
                assert_eq!(mend_all(&mut writer, &lines), 1);
                while writer.maintain(Timestamp(AT), false).unwrap().more {}
                assert!(answers(writer.view()) == expected, "{name}, byte {at} of {length}, twice");
                let names = memory.names();
                let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
                assert_eq!(count(".seg"), count(".ranges"), "{names:?}");
            }
        }
    }
}

/// What is merged from a segment whose lines are not known does not pretend to know its own.
#[test]
fn ranges_are_whole_or_not_there() {
    let (memory, lines) = store(false);
    let first = memory.names().into_iter().find(|name| name.ends_with(".ranges")).unwrap();
    memory.remove(&first).unwrap();
    let mut writer = open(&memory);
    let expected = answers(writer.view());
    while writer.maintain(Timestamp(AT), false).unwrap().more {}
    assert!(answers(writer.view()) == expected);
    assert!(memory.names().iter().all(|name| !name.ends_with(".ranges")), "{:?}", memory.names());
    // What can be read of it stays, and no lines are made up.
    let rolled = writer.view().sealed.iter().find(|segment| segment.info.kind == SegmentKind::Rolled).unwrap();
    memory.change(&layout::segment_file(rolled.info.number), |bytes| bytes[0] ^= 1);
    let mut writer = open(&memory);
    let damaged = writer.view().damaged_segments().unwrap();
    assert!(damaged[0].is_rolled_up() && damaged[0].ranges.is_none());
    assert_eq!(mend_all(&mut writer, &lines), 1);
    assert_eq!(kinds(writer.view()), [SegmentKind::Detail]);
    assert!(memory.names().iter().all(|name| !name.ends_with(".ranges")), "{:?}", memory.names());
}

/// The merged ranges are those of all sources, neighbours as one.
#[test]
fn merged_ranges_cover_what_was_sealed_and_no_more() {
    let (memory, lines) = store(true);
    let sealed = &lines[..350];
    for segment in open(&memory).view().sealed.iter() {
        let ranges = log_ranges::read_all_ranges(&memory, [segment.info.number]).unwrap().unwrap();
        assert_eq!(ranges.len(), 2, "{ranges:?}");
        for range in ranges {
            let own = || sealed.iter().filter(|line| GenerationId(line.generation) == range.generation);
            let until = own().map(|line| line.offset + u64::from(line.length) + 1).max().unwrap();
            assert_eq!((range.from, range.until), (0, until));
        }
    }
}

/// Wherever rebuilding stops, it can be begun again, and nothing that could be read is lost.
#[test]
fn fault_27_every_prefix_of_mending_may_be_lost() {
    let (memory, lines) = store(true);
    let expected = answers(open(&memory).view());
    let name = memory.names().into_iter().find(|name| name.ends_with(".seg")).unwrap();
    memory.change(&name, |bytes| bytes[20] ^= 1);
    let whole = memory.copy();
    let mut writer = open(&whole);
    let begun = whole.calls();
    assert_eq!(mend_all(&mut writer, &lines), 1);
    let calls = whole.calls() - begun;
    let mut dice = Dice(7);
    for n in 1..=calls {
        for fault in [Fault::Onwards(ErrorKind::Other), Fault::Once(ErrorKind::StorageFull), Fault::Short] {
            let memory = memory.copy();
            let mut writer = open(&memory);
            memory.fail_at(n, fault);
            for segment in writer.view().damaged_segments().unwrap() {
                let ranges = segment.ranges.clone().unwrap_or_default();
                let _failed = writer.repair(&segment, counted(&ranges, &lines));
            }
            let memory = memory.crash(&mut |most| dice.up_to(most));
            let mut writer = open(&memory);
            mend_all(&mut writer, &lines);
            assert!(answers(writer.view()) == expected, "call {n}, {fault:?}");
            assert!(writer.view().verify().is_empty(), "call {n}, {fault:?}");
            let names = memory.names();
            let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
            assert_eq!((count(".seg"), count(".ranges")), (2, 2), "call {n}, {fault:?}: {names:?}");
        }
    }
}
