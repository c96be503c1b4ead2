//! The store on disk stays what it was: one that an earlier program wrote (`tests/data/store`) is read, written on and
//! sealed, and the same requests still become the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use support::log::{Request, csv, requests_of_at_least, rows, text};
use support::program::Folder;

use crate::index::{ask, configure, index, seal};

fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store/version-3").join(name)
}

/// A folder whose store is the one of old, and the requests that are in it. Their log is gone.
fn old_store() -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    configure(&folder, "c.toml", "store", "archive = true");
    fs::create_dir(folder.path("store")).unwrap();
    for name in ["manifest", "journal-1"] {
        fs::copy(written(name), folder.path("store").join(name)).unwrap();
    }
    (folder, requests_of_at_least(0, 1000))
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

#[test]
fn a_store_of_old_is_read() {
    let (folder, requests) = old_store();
    reports(&folder, &requests);
    shows_slow_lines(&folder, &requests);
}

#[test]
fn a_store_of_old_is_written_on_and_sealed() {
    let (folder, mut requests) = old_store();
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
    let (old, requests) = old_store();
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
