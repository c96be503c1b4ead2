//! A bit turns, anywhere in any file of a store: it is found and named, or no answer changes by it; and it can be mended.

use crate::source::GenerationId;
use crate::source::SplitByte;
use crate::source::UnreadSpan;
use crate::source::{CompressedFile, Compression, Fingerprint, RestartPoint, RestartPoints};
use crate::store::tests::support::memory_medium::Memory;
use crate::store::tests::support::traffic::{Dice, Line, answers, asked, commit, eager, lines, settings};
use crate::store::tests::upkeep::repair::mend_all;
use crate::store::*;
use crate::time::{Timestamp, Window};
use std::sync::Arc;

const AT: i64 = 1_322_662_200_000;

/// Every byte is tried with `SPIKELINE_CRASHES`; otherwise all of the beginning and the end, and some in between.
fn tried(at: usize, length: usize, every: usize) -> bool {
    std::env::var_os("SPIKELINE_CRASHES").is_some() || at < 24 || at + 48 >= length || at.is_multiple_of(every)
}

fn open(memory: &Memory) -> Writer {
    let mut writer = Writer::open_on(Arc::new(memory.clone()), settings()).unwrap();
    writer.maintenance.limits = eager();
    writer
}

fn points() -> RestartPoints {
    let point =
        |at: u64| RestartPoint { offset: at << 22, packed: at << 18, split: SplitByte::default(), window: None };
    RestartPoints {
        compression: Compression::Zstd,
        file: CompressedFile { length: 1 << 30, head: 2, tail: 3 },
        holds: (Fingerprint { length: 4096, hash: 4 }, 5, 6),
        dictionary: vec![7; 900],
        points: (1..40).map(point).collect(),
    }
}

/// A store with a segment of each kind, archived lines, restart points, and three commits in its journal.
fn store() -> (Memory, Vec<Line>) {
    let memory = Memory::default();
    let mut writer = open(&memory);
    let lines = lines(56, &mut Dice(14));
    for (number, batch) in lines.chunks(8).enumerate() {
        writer.commit(&mut commit(batch, AT)).unwrap();
        if [1, 2, 3].contains(&number) {
            writer.seal().unwrap();
        }
        if number == 2 {
            while writer.maintain(Timestamp(AT), false).unwrap().more {}
        }
    }
    writer.view().keep_restart_points(GenerationId(1), &points()).unwrap();
    drop(writer);
    // Opened once more, the journal is a copy.
    let kinds: Vec<_> = open(&memory).view().sealed.iter().map(|segment| segment.info.kind).collect();
    use segment::info::SegmentKind::{Detail, Rolled, Sealed};
    assert_eq!(kinds, [Detail, Rolled, Sealed]);
    (memory, lines)
}

fn files(memory: &Memory, end: &str) -> Vec<(String, usize)> {
    let names = memory.names().into_iter().filter(|name| name.contains(end));
    names.map(|name| (name.clone(), Medium::read(memory, &name).unwrap().len())).collect()
}

fn flipped(memory: &Memory, name: &str, at: usize) -> Memory {
    let memory = memory.copy();
    memory.change(name, |bytes| bytes[at] ^= 1 << (at % 8));
    memory
}

fn windows() -> Vec<Window> {
    let part = Window { from: Timestamp(1_322_661_915_000), until: Timestamp(1_322_661_930_000) };
    vec![Window::ALL, part]
}

#[test]
fn fault_28_a_bit_flipped_anywhere_in_a_segment_is_found_named_set_aside_and_rebuilt() {
    let (memory, lines) = store();
    let expected = asked(open(&memory).view(), &windows());
    let whole = answers(open(&memory).view());
    let (mut found, mut denied, mut mended) = (0, 0, 0);
    for (name, length) in files(&memory, ".seg") {
        for at in 0..length {
            let damaged = flipped(&memory, &name, at);
            let view = View::open_on(Arc::new(damaged.clone())).unwrap();
            let errors = view.verify();
            let names_it = |error: &crate::error::Error| {
                error.place().is_some_and(|place| place.path.ends_with(&name))
                    && error.what().contains("damaged at byte")
            };
            assert!(!errors.is_empty() && errors.iter().all(names_it), "{name}, byte {at} of {length}: {errors:?}");
            found += 1;
            if !tried(at, length, 3) {
                continue;
            }
            // No answer is wrong: it names the damage, or does not need what is damaged.
            let mut refused = 0;
            for (answer, right) in asked(&view, &windows()).into_iter().zip(&expected) {
                match answer {
                    Ok(answer) => assert!(answer == *right.as_ref().unwrap(), "{name}, byte {at} of {length}"),
                    Err(error) => {
                        assert!(names_it(&error) && error.to_string().contains("index --rebuild"), "{error}");
                        refused += 1;
                    }
                }
            }
            denied += usize::from(refused > 0);
            let mut writer = open(&damaged);
            assert_eq!(mend_all(&mut writer, &lines), 1, "{name}, byte {at} of {length}");
            assert!(answers(writer.view()) == whole, "{name}, byte {at} of {length}");
            assert!(writer.view().verify().is_empty() && damaged.names().contains(&format!("{name}.damaged")));
            mended += 1;
        }
    }
    // These windows need no roll-ups.
    assert!(found > 1_500 && mended > 600 && denied > 400, "{found} found, {denied} denied, {mended} mended");
}

#[test]
fn fault_28_a_bit_flipped_in_any_other_file_is_found_or_harmless() {
    let (memory, lines) = store();
    let whole = answers(open(&memory).view());
    for (name, length) in [files(&memory, ".ranges"), files(&memory, ".pts")].concat() {
        for at in 0..length {
            let damaged = flipped(&memory, &name, at);
            let view = View::open_on(Arc::new(damaged)).unwrap();
            let ranges = view.damaged_ranges().unwrap();
            // What is not found here is a cache that is not used any more.
            assert_eq!(view.restart_points(GenerationId(1)).is_none(), name.ends_with(".pts"), "{name}, byte {at}");
            assert_eq!(ranges.len(), usize::from(name.ends_with(".ranges")), "{name}, byte {at}");
            assert!(ranges.iter().all(|error| error.place().unwrap().path.ends_with(&name)), "{ranges:?}");
            assert!(!tried(at, length, 16) || answers(&view) == whole, "{name}, byte {at}");
        }
    }
    for (name, length) in [files(&memory, "manifest"), files(&memory, "journal-")].concat() {
        let (mut refused, mut cut) = (0, 0);
        for at in 0..length {
            let damaged = flipped(&memory, &name, at);
            match View::open_on(Arc::new(damaged.clone())) {
                Err(error) => {
                    assert!(error.place().unwrap().path.ends_with(&name), "byte {at}: {error}");
                    assert!(error.to_string().contains("help: "), "byte {at}: {error}");
                    let opened = Writer::open_on(Arc::new(damaged.clone()), settings());
                    assert!(opened.is_err(), "byte {at}");
                    assert_eq!(damaged.names(), memory.names(), "nothing was changed");
                    refused += 1;
                }
                // What was committed last does not count, and is read again.
                Ok(view) => {
                    assert!(view.torn_bytes() > 0, "{name}, byte {at} of {length}");
                    cut += 1;
                    if tried(at, length, 16) {
                        let mut writer = open(&damaged);
                        assert_eq!(writer.cut_bytes(), view.torn_bytes());
                        let rest = unread(writer.view(), &lines);
                        assert!(!rest.is_empty());
                        let mut again = commit(&rest, AT);
                        for span in writer.view().unread_spans() {
                            again.spans.push(UnreadSpan { is_withdrawn: true, ..span.clone() });
                        }
                        writer.commit(&mut again).unwrap();
                        assert!(answers(writer.view()) == whole, "{name}, byte {at} of {length}");
                    }
                }
            }
        }
        assert!(refused > 60 && (cut > 100) == (name != "manifest"), "{name}: {refused} refused, {cut} cut");
    }
}

/// The lines that a store has not read.
fn unread(view: &View, lines: &[Line]) -> Vec<Line> {
    let position = |id| view.generations().iter().find(|known| known.id == id).map_or(0, |known| known.position);
    lines.iter().filter(|line| line.offset >= position(GenerationId(line.generation))).cloned().collect()
}
