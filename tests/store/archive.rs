//! Lines whose log is gone: out of the store's archive, byte for byte, also after segments were merged.

use spikeline::grammar::{Escape, Format};
use spikeline::pipeline::retrieve;
use spikeline::pipeline::{CommitBuilder, Interpreter, Interpreting, RowCollector, SlotSettings};
use spikeline::record::Needs;
use spikeline::route::{Router, Routes};
use spikeline::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use spikeline::store::{EntryQuery, StoreSettings, View, WindowMatch, Writer};
use spikeline::time::{Timestamp, Window};
use std::collections::HashMap;
use std::sync::Arc;

const FORMAT: &str = "$msec \"$request\" $status $request_time";

/// A line a second; some slow, some failing, one too long to be kept, with bytes that are no text.
fn log(count: i64) -> Vec<u8> {
    let mut log = Vec::new();
    for number in 0..count {
        let duration = if number % 9 == 0 { 1500 + number } else { number * 7 % 400 };
        let target = if number == 18 { "x".repeat(70_000) } else { format!("{number}") };
        let status = if number % 13 == 0 { 502 } else { 200 };
        let head = format!("{}.250 \"GET /p/{target}/", 1_322_661_900 + number);
        log.extend_from_slice(head.as_bytes());
        log.extend_from_slice(&[0xff, 0xfe, b'\t']);
        let tail = format!(" HTTP/1.1\" {status} {}.{:03}\n", duration / 1000, duration % 1000);
        log.extend_from_slice(tail.as_bytes());
    }
    log
}

fn interpreter(archive: bool) -> Interpreter {
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).unwrap()),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    let format = Format::compile("test", FORMAT, Escape::Default).unwrap();
    let mut interpreter = Interpreter::new(&format, Needs::latency(), &with).unwrap();
    if archive {
        interpreter.archive_lines(5);
    }
    interpreter
}

/// Count the log in pieces, commit and seal; the log itself was never on the disk.
fn store(dir: &std::path::Path, log: &[u8], archive: bool) -> Writer {
    let settings = SlotSettings { interval: StoreSettings::default().interval, slowest: 5, server_errors: true };
    let mut writer = Writer::open(dir, StoreSettings::default()).unwrap();
    let (mut slots, mut slowest, mut interpreter) =
        (RowCollector::new(settings), CommitBuilder::new(settings), interpreter(archive));
    let id = GenerationId(0);
    let ends: Vec<usize> = log.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, end)| end).collect();
    let mut from = 0;
    for (number, until) in ends.chunks(7).map(|chunk| *chunk.last().unwrap()).enumerate() {
        slots.collect_block(&mut interpreter, id, from as u64, &log[from..until], Timestamp(i64::MIN));
        from = until;
        let (mut commit, _) = slowest.build(slots.hand_over());
        commit.at = Timestamp(1_322_661_900_000 + i64::try_from(number).unwrap() * 7_000);
        commit.generations = vec![Generation {
            id,
            log: "test".to_owned(),
            path: dir.join("gone.log"),
            device_inode: DeviceInode { device: 1, inode: 1 },
            fingerprint: Fingerprint { length: 64, hash: 1 },
            position: until as u64,
            tail_hash: 0,
            finished: false,
        }];
        writer.commit(&mut commit).unwrap();
        if number % 3 == 0 {
            writer.seal().unwrap();
        }
    }
    writer
}

fn lines(view: &View) -> (HashMap<u64, Option<Vec<u8>>>, retrieve::MissingLines) {
    let entries = view.entries(&EntryQuery::new(Window::ALL, WindowMatch::Overlap)).unwrap();
    let locators: Vec<_> = entries.iter().map(|entry| entry.locator).collect();
    let mut found = HashMap::new();
    let missing = retrieve::lines(view, &locators, |index, line| {
        found.insert(locators[index].offset, line.map(<[u8]>::to_vec));
    });
    assert_eq!(found.len(), locators.len());
    (found, missing)
}

#[test]
fn archived_lines_are_printed_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(200);
    let mut writer = store(&dir.path().join("store"), &log, true);
    for merged in [false, true] {
        if merged {
            let later = Timestamp(1_322_661_900_000 + 10 * 86_400_000);
            while writer.maintain(later, false).unwrap().more {}
        }
        let (found, missing) = lines(&View::open(&dir.path().join("store")).unwrap());
        let lost: Vec<_> = found.iter().filter(|(_, line)| line.is_none()).collect();
        assert_eq!(lost.len(), 1, "the line above 64 KiB");
        assert_eq!(missing.gone.len(), 1);
        assert_eq!(missing.archived, found.len() - 1);
        assert!(missing.archived >= 100, "{}", missing.archived);
        assert!(missing.note().unwrap().contains("archive"));
        for (offset, line) in found.iter().filter_map(|(offset, line)| Some((offset, line.as_ref()?))) {
            let from = usize::try_from(*offset).unwrap();
            assert_eq!(line.as_slice(), &log[from..from + line.len()]);
            assert_eq!(log[from + line.len()], b'\n');
        }
    }
}

#[test]
fn without_an_archive_they_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    store(&dir.path().join("store"), &log(60), false);
    let (found, missing) = lines(&View::open(&dir.path().join("store")).unwrap());
    assert!(found.values().all(Option::is_none));
    assert_eq!((missing.archived, missing.gone.len()), (0, 1));
}
