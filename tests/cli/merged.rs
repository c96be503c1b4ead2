//! A store that has grown old: segments merged, rolled up and thrown away, under `verify`, `index --rebuild` and the answers.

use std::path::PathBuf;

use spikeline::store::{Retention, StoreSettings, Writer};
use spikeline::time::Timestamp;

use crate::index::{ask, flip, folder, holds, index, seal};
use support::log::{Request, text};
use support::program::Folder;

/// Years after the logs.
const NOW: Timestamp = Timestamp(1_400_000_000_000);

fn segments(folder: &Folder, extension: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder.path("store").join("segments")).unwrap();
    let mut paths: Vec<PathBuf> = names.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|own| own == extension));
    paths.sort();
    paths
}

/// Another test's child may hold a copy of a lock that was let go, from its fork to its exec.
fn writer(folder: &Folder, settings: StoreSettings) -> Writer {
    for _ in 0..200 {
        if let Ok(writer) = Writer::open(&folder.path("store"), settings.clone()) {
            return writer;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Writer::open(&folder.path("store"), settings).unwrap()
}

/// A store of two segments, one a log.
fn two_segments(sections: &str) -> (Folder, Vec<Request>) {
    let (folder, requests) = folder(9000, sections);
    let (older, newer) = requests.split_at(4000);
    folder.write("a.log.2", text(older, Request::exact));
    index(&folder, &["a.log.2"]).ended(0);
    seal(&folder, "store");
    folder.write("a.log.1", text(newer, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    seal(&folder, "store");
    (folder, requests)
}

#[test]
fn merged_and_rolled_up_segments_are_restored_from_the_logs() {
    let (folder, requests) = two_segments("");
    let mut writer = writer(&folder, StoreSettings::default());
    while writer.maintain(NOW, false).unwrap().more {}
    drop(writer);
    assert_eq!((segments(&folder, "seg").len(), segments(&folder, "ranges").len()), (2, 2));
    holds(&folder, &requests);
    ask(&folder, &["verify"]).said(0, &["with 9,000 lines"]);
    for which in 0..2 {
        for at in [40, 4, 10] {
            let path = segments(&folder, "seg").remove(which);
            let length = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
            flip(&path, if at == 10 { length - at } else { at });
            ask(&folder, &["verify"]).said(3, &["damaged at byte", "index --rebuild"]);
            index(&folder, &["--rebuild"]).said(0, &["restored from the logs", ".seg.damaged"]);
            holds(&folder, &requests);
            ask(&folder, &["verify"]).said(0, &["with 9,000 lines"]);
            assert_eq!((segments(&folder, "seg").len(), segments(&folder, "ranges").len()), (2, 2));
        }
    }
    // If a log is gone, that is said of the roll-ups too.
    std::fs::remove_file(folder.path("a.log.2")).unwrap();
    for path in segments(&folder, "seg") {
        flip(&path, 4);
    }
    index(&folder, &["--rebuild"]).said(3, &["restored in part", "not restored", "a.log.2", "gone"]);
}

#[test]
fn what_retention_removed_is_said_and_not_called_a_difference() {
    let (folder, requests) = two_segments("");
    let all: u64 = segments(&folder, "seg").iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    let retention = Retention { keep_bytes: Some(all - 1), ..Retention::default() };
    let mut writer = writer(&folder, StoreSettings { retention, ..StoreSettings::default() });
    // Busy: it is looked at what has to go, and nothing is merged.
    assert_eq!(writer.maintain(NOW, true).unwrap().dropped, 1);
    let before = writer.view().expired().detail.unwrap();
    drop(writer);
    assert_eq!((segments(&folder, "seg").len(), segments(&folder, "ranges").len()), (1, 1));
    let last = requests.iter().map(|request| request.end).max().unwrap();
    assert!(before.0 <= last);
    let gone = format!("what lay before {before} is no longer whole in the store ([retention])");
    for command in ["report", "lines", "slow"] {
        ask(&folder, &[command]).said(0, &[&format!("note: {gone}"), "complete"]);
        let run = ask(&folder, &[command, "--from=14:05_20111130"]);
        run.said(3, &[&gone, "partial: one thing is missing"]);
        assert_eq!(run.err.matches("no longer whole").count(), 1, "{}", run.err);
    }
    ask(&folder, &["verify"]).said(0, &["is not verifiable: retention removed", "cells compared with"]);
    ask(&folder, &["verify", "--from=14:05_20111130"]).said(3, &["is not verifiable: retention removed"]);
}

#[test]
fn lines_of_the_past_are_archived_and_come_back_when_a_segment_is_restored() {
    let (folder, _) = two_segments("archive = true\n");
    let expected = ask(&folder, &["lines"]).ended(0);
    for path in segments(&folder, "seg") {
        flip(&path, 4);
    }
    index(&folder, &["--rebuild"]).said(0, &["restored from the logs"]);
    for name in ["a.log.1", "a.log.2"] {
        std::fs::remove_file(folder.path(name)).unwrap();
    }
    let run = ask(&folder, &["lines"]);
    run.said(0, &["raw lines come from the store's archive"]);
    assert!(run.out == expected, "{}", run.err);
}
