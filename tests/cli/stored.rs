//! The store on disk stays what it was: one that an earlier program wrote (`tests/data/store`) is read, written on and
//! sealed, and the same requests still become the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use support::log::{Request, csv, requests_of_at_least, rows, text};
use support::program::Folder;

use crate::index::{ask, configure, index, seal};

/// All stores of old.
const VERSIONS: [&str; 3] = ["version-2", "version-2-sealed", "version-3"];

fn stores() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store")
}

fn written(name: &str) -> PathBuf {
    stores().join("version-3").join(name)
}

/// A folder whose store is one of old, and the requests that are in it. Their log is gone.
fn old_store(version: &str) -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    configure(&folder, "c.toml", "store", "archive = true");
    fs::create_dir_all(folder.path("store/segments")).unwrap();
    for (name, bytes) in files(&stores().join(version)) {
        // What is compared with is no part of the store.
        if name != "2.seg" {
            fs::write(folder.path("store").join(name), bytes).unwrap();
        }
    }
    (folder, requests_of_at_least(0, 1000))
}

/// The files below a folder, by their names there.
fn files(below: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for item in fs::read_dir(below).unwrap() {
        let path = item.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[track_caller]
fn reports(folder: &Folder, requests: &[Request]) {
    let report = ask(folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(requests, |request| request.route().to_owned())));
}

/// That `lines` shows all slow requests, and nothing but requests, each once.
#[track_caller]
fn shows_slow_lines(folder: &Folder, requests: &[Request]) {
    let mut lines: Vec<String> = requests.iter().map(Request::exact).collect();
    let run = ask(folder, &["lines"]);
    for shown in run.out.lines() {
        let at = lines.iter().position(|line| line == shown).unwrap_or_else(|| panic!("{shown:?} is no request"));
        lines.swap_remove(at);
    }
    let missing: Vec<&Request> =
        requests.iter().filter(|request| request.time >= 1000 && lines.contains(&request.exact())).collect();
    assert!(run.code == 0 && missing.is_empty(), "{missing:?} are missing; {}", run.err);
}

/// Also by who may not write it: reading changes nothing.
#[test]
fn a_store_of_old_is_read() {
    for version in VERSIONS {
        let (folder, requests) = old_store(version);
        let before = files(&folder.path("store"));
        reports(&folder, &requests);
        shows_slow_lines(&folder, &requests);
        let why = ["why", "--from=2011-11-30T14:05:30Z", "--until=2011-11-30T14:05:50Z"];
        for arguments in [&["slow"][..], &["status"], &["routes"], &["events", "--dry-run"], &["verify"], &why] {
            let run = ask(&folder, arguments);
            assert!(run.code != 2 && !run.err.contains("format version"), "{version} {arguments:?}: {}", run.err);
        }
        let after = files(&folder.path("store"));
        let changed: Vec<&String> = after.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{version}: readers changed {changed:?}");
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_with_what_reads_it() {
    let (folder, _) = old_store("version-3");
    let newer = b"SPKLMANI\x09\0\0\0\x0fspikeline 7.2.1 and what nobody knows yet".to_vec();
    fs::write(folder.path("store/manifest"), &newer).unwrap();
    folder.write("a.log", text(&requests_of_at_least(0, 10), Request::exact));
    for arguments in [&["report"][..], &["lines"], &["status"], &["verify"], &["index", "a.log"], &["run"]] {
        let run = ask(&folder, arguments);
        assert!(run.code != 0 && run.err.contains("read it with spikeline 7.2.1"), "{arguments:?}: {}", run.err);
        assert_eq!(fs::read(folder.path("store/manifest")).unwrap(), newer);
    }
}

#[test]
fn a_store_of_old_is_written_on_and_sealed() {
    for version in VERSIONS {
        is_written_on_and_sealed(version);
    }
}

#[track_caller]
fn is_written_on_and_sealed(version: &str) {
    let (folder, mut requests) = old_store(version);
    let later: Vec<Request> = (0..40).map(|n| Request::new(requests[999].end + 1000 * n, 1500, "/slow")).collect();
    folder.write("a.log", text(&later, Request::exact));
    index(&folder, &["a.log"]).said(0, &["40 lines, 0 rejected"]);
    requests.extend(later);
    reports(&folder, &requests);
    seal(&folder, "store");
    reports(&folder, &requests);
    shows_slow_lines(&folder, &requests);
}

#[test]
fn a_journal_of_old_and_the_same_requests_today_become_the_segment_of_old() {
    let (old, requests) = old_store("version-3");
    let today = support::folder!();
    configure(&today, "c.toml", "store", "archive = true");
    today.write("a.log", text(&requests, Request::exact));
    index(&today, &["a.log"]).said(0, &["1,000 lines, 0 rejected"]);
    let [old, today] = [old, today].map(|folder| fs::read(seal(&folder, "store")).unwrap());
    if std::env::var_os("SPIKELINE_BLESS").is_some() {
        fs::write(written("2.seg"), &old).unwrap();
    }
    let segment = fs::read(written("2.seg")).unwrap();
    let what = "the format has changed, or a newer zstd compresses otherwise (then SPIKELINE_BLESS=1 writes it anew)";
    assert!(old == segment, "the journal becomes another segment: {what}");
    assert!(today == segment, "the log becomes another segment: {what}");
}
