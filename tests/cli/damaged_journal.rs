//! A damaged journal is never forgotten: not by another writer, not by a rebuild that did not restore it.

use crate::index::{ask, folder, holds, index};
use std::path::PathBuf;
use support::log::{Request, requests, text};
use support::program::Folder;

fn journal(folder: &Folder) -> PathBuf {
    let files = std::fs::read_dir(folder.path("store")).unwrap().map(|file| file.unwrap().path());
    let is_journal = |path: &PathBuf| path.extension().is_none() && path.to_str().unwrap().contains("journal-");
    files.filter(is_journal).max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn damage_is_missing_until_the_logs_were_read_again() {
    let (folder, mut all) = folder(900, "");
    let mut later = requests(200);
    later.iter_mut().for_each(|request| request.end += 90_000_000);
    folder.write("a.log.2", text(&all, Request::exact));
    folder.write("a.log.1", text(&later, Request::exact));
    index(&folder, &["a.log.2"]).ended(0);
    let bytes = std::fs::read(journal(&folder)).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 4;
    std::fs::write(journal(&folder), &damaged).unwrap();
    ask(&folder, &["report"]).said(3, &["the journal is torn or damaged"]);
    // Another log, and another start: it is still missing, for the window that it may be of.
    index(&folder, &["a.log.1"]).ended(0);
    let missing = ["a part of the store's journal was damaged", ".damaged", "spikeline index --rebuild"];
    ask(&folder, &["report"]).said(3, &missing);
    ask(&folder, &["verify"]).said(3, &missing);
    // What the log does not give any more is not restored.
    std::fs::remove_file(folder.path("a.log.2")).unwrap();
    index(&folder, &["--rebuild"]).said(3, &["not restored", "a.log.2 is gone"]);
    ask(&folder, &["report"]).said(3, &missing);
    folder.write("a.log.3", text(&all, Request::exact));
    index(&folder, &["--rebuild"])
        .said(0, &["900 lines of 1 logs were read again", "nothing that the journal held is missing"]);
    all.extend(later);
    holds(&folder, &all);
    ask(&folder, &["verify"]).said(0, &["with 1,100 lines"]);
    index(&folder, &["--rebuild"]).said(0, &["nothing to rebuild"]);
    let kept = std::fs::read_dir(folder.path("store")).unwrap().map(|file| file.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.extension().is_some_and(|extension| extension == "damaged")).collect();
    assert!(kept.len() == 1 && std::fs::read(&kept[0]).unwrap() == damaged, "{kept:?}");
}

/// `index` of the same logs does it too.
#[test]
fn damage_is_healed_by_index_of_its_logs() {
    let (folder, all) = folder(900, "");
    folder.write("a.log.2", text(&all, Request::exact));
    index(&folder, &["a.log.2"]).ended(0);
    let mut bytes = std::fs::read(journal(&folder)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(journal(&folder), &bytes).unwrap();
    index(&folder, &["a.log.2"]).ended(0);
    holds(&folder, &all);
}
