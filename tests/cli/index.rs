//! `index`: logs of the past become what the daemon would have made of them, once.

use std::io::Write;
use std::path::PathBuf;

use spikeline::store::{StoreSettings, View, Writer};

use support::log::{EXACT, Request, csv, requests, rows, text};
use support::program::{Folder, Run};

/// A folder with `c.toml`, whose store is `store` and whose log is `a.log` in [`EXACT`], and that many requests.
pub(crate) fn folder(count: u64, sections: &str) -> (Folder, Vec<Request>) {
    let folder = support::folder!();
    configure(&folder, "c.toml", "store", sections);
    (folder, requests(count))
}

/// Another configuration, with a store of its own.
pub(crate) fn configure(folder: &Folder, name: &str, store: &str, sections: &str) {
    let path = |name: &str| folder.path(name).display().to_string();
    let (store, log) = (path(store), path("a.log"));
    folder.write(
        name,
        format!("store = '{store}'\nhost = \"web1\"\npoll = \"50ms\"\n[[log]]\npath = '{log}'\nformat = '{EXACT}'\n{sections}"),
    );
}

pub(crate) fn ask(folder: &Folder, arguments: &[&str]) -> Run {
    folder.run(&[arguments, &["--config=c.toml"]].concat())
}

pub(crate) fn index(folder: &Folder, arguments: &[&str]) -> Run {
    ask(folder, &[&["index", "--format=csv"], arguments].concat())
}

/// What the store answers, and that it is the truth about these requests.
pub(crate) fn holds(folder: &Folder, requests: &[Request]) {
    answers(folder, requests, 0);
}

/// The same, where `report` ends with this code.
fn answers(folder: &Folder, requests: &[Request], code: i32) {
    let report = ask(folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(code), csv("route", &rows(requests, |request| request.route().to_owned())));
    let mut sorted: Vec<&Request> = requests.iter().collect();
    sorted.sort_by_key(|request| request.end);
    let all: String = sorted.iter().map(|request| request.exact() + "\n").collect();
    let run = ask(folder, &["lines", "--all"]);
    assert!(run.out == all, "lines --all differ: {} of {} bytes; {}", run.out.len(), all.len(), run.err);
}

/// The index itself: what `lines` keeps and why, without the names of files.
fn kept(folder: &Folder, config: &str) -> Vec<String> {
    let run = folder.run(&["lines", "--format=csv", "--config", config]);
    assert_eq!(run.code, 0, "{}", run.err);
    let mut lines: Vec<String> =
        run.out.lines().map(|line| line.replace("a.log.2.gz", "a.log").replace("a.log.1", "a.log")).collect();
    lines.sort();
    lines
}

/// Make a segment of all that the journal of the store holds, and give its file.
pub(crate) fn seal(folder: &Folder, store: &str) -> PathBuf {
    let mut writer = Writer::open(&folder.path(store), StoreSettings::default()).unwrap();
    writer.seal().unwrap();
    let segments = std::fs::read_dir(folder.path(store).join("segments")).unwrap();
    let mut segments: Vec<PathBuf> = segments.map(|file| file.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    segments.sort_by_key(|path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap());
    segments.pop().unwrap()
}

/// The journals of a store; while it is opened or sealed there may be two.
pub(crate) fn journals(folder: &Folder, store: &str) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder.path(store)) else { return Vec::new() };
    let files = files.map_while(Result::ok).map(|file| file.path());
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("journal-")).collect()
}

pub(crate) fn journal(folder: &Folder, store: &str) -> PathBuf {
    journals(folder, store).pop().unwrap()
}

pub(crate) fn flip(path: &PathBuf, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 16;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_is_taken_in_once_whatever_it_is_called() {
    let (folder, requests) = folder(3000, "");
    let (older, newer) = requests.split_at(1400);
    folder.gz("a.log.2.gz", text(older, Request::exact));
    folder.write("a.log.1", text(newer, Request::exact));
    let first = index(&folder, &["a.log.*"]);
    first.said(0, &["2 files: 2 taken in, 0 from where it was left, 0 known already; 3,000 lines, 0 rejected; 19 slots, 4 new routes"]);
    let bytes = [older, newer].map(|part| text(part, Request::exact).len());
    assert_eq!(
        first.lines(),
        [
            "file,result,lines,rejected,bytes".to_owned(),
            format!("a.log.2.gz,taken in,1400,0,{}", bytes[0]),
            format!("a.log.1,taken in,1600,0,{}", bytes[1]),
        ]
    );
    holds(&folder, &requests);
    // Behind the header, which has the journal's number: opening a store for writing copies its journal.
    let records = || std::fs::read(journal(&folder, "store")).unwrap()[28..].to_vec();
    let before = records();
    index(&folder, &["a.log.1", "a.log.2.gz"]).said(0, &["2 files: 2 known already; nothing was read"]);
    // Renamed, packed otherwise, a copy elsewhere, a hard link, and all of them at once.
    std::fs::create_dir(folder.path("old")).unwrap();
    std::fs::rename(folder.path("a.log.2.gz"), folder.path("a.log.7.gz")).unwrap();
    folder.zst("old/x", text(newer, Request::exact));
    std::fs::hard_link(folder.path("a.log.1"), folder.path("old/linked")).unwrap();
    folder.write("b.log", text(older, Request::exact));
    index(&folder, &["a.log.7.gz", "old/x", "old/linked", "b.log", "a.log.1"])
        .said(0, &["5 files: 5 known already; nothing was read"]);
    assert_eq!(records(), before, "nothing was written");
    holds(&folder, &requests);
}

#[test]
fn the_beginning_of_a_known_log_is_known_and_another_that_begins_alike_is_not() {
    let (folder, requests) = folder(600, "");
    let log = text(&requests, Request::exact);
    folder.write("a.log.1", &log);
    index(&folder, &["a.log.1"]).ended(0);
    let part = log[..log.len() / 2].rfind('\n').unwrap() + 1;
    folder.gz("part.gz", &log[..part]);
    folder.write("a.log.2", &log[..300]);
    let run = index(&folder, &["part.gz", "a.log.2"]);
    run.said(0, &["2 known already; nothing was read"]);
    assert!(run.out.contains("part.gz,known: the beginning of a log read further,0,0,0"), "{}", run.out);
    // The first 4 KiB are the same, what follows is not.
    let mut other = requests.clone();
    other[599].time += 1;
    folder.write("other.1", text(&other, Request::exact));
    index(&folder, &["other.1", "--log-format", EXACT]).said(0, &["1 file: 1 taken in", "600 lines"]);
}

#[test]
fn a_file_known_in_part_gives_the_rest() {
    let (folder, requests) = folder(2000, "");
    let (read, rest) = requests.split_at(900);
    let (head, tail) = (text(read, Request::exact), text(rest, Request::exact));
    // A live log: its last line is being written.
    folder.write("a.log", head.clone() + &tail[..40]);
    let run = index(&folder, &["a.log"]);
    run.said(0, &["900 lines"]);
    assert!(run.out.contains("a.log,\"taken in, but for 40 bytes of an unfinished last line\""), "{}", run.out);
    holds(&folder, read);
    std::fs::remove_file(folder.path("a.log")).unwrap();
    folder.gz("a.log.3.gz", head.clone() + &tail);
    let run = index(&folder, &["a.log.3.gz"]);
    run.said(0, &["0 taken in, 1 from where it was left", "1,100 lines"]);
    assert!(
        run.out.contains(&format!("\"taken in from byte {}, known before that\",1100,0,", head.len())),
        "{}",
        run.out
    );
    holds(&folder, &requests);
    index(&folder, &["a.log.3.gz"]).said(0, &["nothing was read"]);
}

#[test]
fn in_one_command_too() {
    let (folder, requests) = folder(1000, "");
    folder.write("a.log.2", text(&requests[..600], Request::exact));
    folder.gz("a.log.1.gz", text(&requests, Request::exact));
    index(&folder, &["a.log.2", "a.log.1.gz"]).ended(0);
    holds(&folder, &requests);
}

#[test]
fn the_last_line_of_a_rotated_log_needs_no_newline() {
    let (folder, requests) = folder(50, "");
    let log = text(&requests, Request::exact);
    folder.gz("a.log.1.gz", log.trim_end());
    index(&folder, &["a.log.1.gz"]).said(0, &["50 lines, 0 rejected"]);
    holds(&folder, &requests);
}

#[test]
fn without_configuration_the_format_is_found_and_the_logs_are_read_again_by_it() {
    let folder = support::folder!();
    let requests = requests(700);
    folder.write("x.log", text(&requests, Request::combined_plus));
    let run = folder.run(&["index", "x.log", "--store=s"]);
    run.said(0, &["700 lines, 0 rejected"]);
    let report = folder.run(&["report", "--format=csv", "--store=s"]).ended(0);
    assert_eq!(report, csv("route", &rows(&requests, |request| request.route().to_owned())));
    let all = folder.run(&["lines", "--all", "--store=s"]);
    assert_eq!(all.code, 0, "{}", all.err);
    assert_eq!(all.lines().len(), 700);
    folder.run(&["verify", "--store=s"]).said(0, &["cells compared with 700 lines"]);
}

#[test]
fn what_cannot_be_read_is_said_and_the_others_are_taken_in() {
    let (folder, requests) = folder(800, "");
    let log = text(&requests[..400], Request::exact);
    folder.gz("a.log.2.gz", &log);
    let torn = std::fs::read(folder.path("a.log.2.gz")).unwrap();
    folder.write("a.log.2.gz", &torn[..torn.len() / 2]);
    folder.write("a.log.1", text(&requests[400..], Request::exact));
    folder.write("a.log.0", "");
    let run = index(&folder, &["a.log.0", "a.log.1", "a.log.2.gz", "nowhere"]);
    run.said(3, &["nowhere: cannot open it", "a.log.2.gz: cannot be read beyond byte"]);
    assert!(run.out.contains("\"taken in, not to its end\""), "{}", run.out);
    assert!(run.out.contains("a.log.0,empty,0,0,0"), "{}", run.out);
    // The whole file goes on where the torn one ended.
    folder.gz("a.log.2.gz", &log);
    index(&folder, &["a.log.2.gz"]).said(0, &["1 from where it was left"]);
    holds(&folder, &requests);
    ask(&folder, &["index", "-"]).said(2, &["cannot be found again"]);
    ask(&folder, &["index"]).said(2, &["nothing to take in"]);
}

#[test]
fn while_another_writes_it_says_what_to_do() {
    let (folder, requests) = folder(20, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    let writer = Writer::open(&folder.path("store"), StoreSettings::default()).unwrap();
    index(&folder, &["a.log.1"])
        .said(2, &["is writing to this store", "stop it", "--store DIR", "goes on where it was"]);
    drop(writer);
    index(&folder, &["a.log.1"]).ended(0);
}

#[test]
fn fault_26_killed_in_the_middle_it_goes_on_where_it_was() {
    let (folder, requests) = folder(40_000, "");
    let (older, newer) = requests.split_at(20_000);
    let parts = [text(older, Request::exact), text(newer, Request::exact)];
    // Filler that is rejected makes the commits (16 MiB of log each) come while there is still much to read.
    let filler = ("x".repeat(1000) + "\n").repeat(24_000);
    folder.write("a.log.2", parts[0].clone() + &filler);
    folder.write("a.log.1", filler + &parts[1]);
    for _ in 0..3 {
        let mut child = folder.command(&["index", "--config=c.toml", "a.log.1", "a.log.2"]).spawn().unwrap();
        let began = std::time::Instant::now();
        let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |status| status.len());
        let sizes = || journals(&folder, "store").into_iter().map(size).max().unwrap_or(0);
        let before = sizes();
        while sizes() <= before.max(200) && child.try_wait().unwrap().is_none() && began.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    index(&folder, &["a.log.1", "a.log.2"]).ended(0);
    // The filler is a log in which nothing fits, so the time before the newer requests is not whole.
    answers(&folder, &requests, 3);
    index(&folder, &["a.log.1", "a.log.2"]).said(0, &["nothing was read"]);
    ask(&folder, &["verify"]).said(0, &["with 40,000 lines"]);
}

/// Whatever ends `index`, before its first commit of lines too, what it was to read is missing.
#[test]
fn killed_before_any_line_was_kept_each_of_its_files_is_missing() {
    let (folder, requests) = folder(2000, "");
    let (older, newer) = requests.split_at(1000);
    let filler = ("x".repeat(1000) + "\n").repeat(12_000);
    folder.write("a.log.2", filler + &text(older, Request::exact));
    folder.write("a.log.1", text(newer, Request::exact));
    let mut child = folder.command(&["index", "--config=c.toml", "a.log.2", "a.log.1"]).spawn().unwrap();
    let has_said = || View::open(&folder.path("store")).is_ok_and(|view| view.unread_spans().next().is_some());
    while !has_said() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let report = ask(&folder, &["report"]);
    // It was killed before the 16 MiB that make a commit.
    report.said(3, &["a.log.1 was not read to its end", "a.log.2 was not read to its end", "partial"]);
    index(&folder, &["a.log.2", "a.log.1"]).ended(0);
    assert!(!ask(&folder, &["report"]).err.contains("not read to its end"));
}

/// `report` over a long window, and what it says.
fn asked_long(folder: &Folder) -> Run {
    ask(folder, &["report", "--from=2011-11-01T00:00Z", "--until=2011-12-30T00:00Z"])
}

#[test]
fn what_was_written_to_a_log_since_it_was_taken_in_is_missing() {
    let (folder, requests) = folder(900, "");
    let [read, more, next] = [0, 300, 600].map(|at| text(&requests[at..at + 300], Request::exact));
    folder.write("a.log", &read);
    index(&folder, &["a.log"]).ended(0);
    let append = |more: &str| {
        let mut log = std::fs::OpenOptions::new().append(true).open(folder.path("a.log")).unwrap();
        log.write_all(more.as_bytes()).unwrap();
    };
    asked_long(&folder).said(0, &["complete"]);
    // Half a line is none yet.
    append(&more[..20]);
    asked_long(&folder).said(0, &["complete"]);
    append(&more[20..]);
    let grown = ["was written on since it was taken in", "is missing", "partial"];
    for command in ["report", "lines", "slow"] {
        ask(&folder, &[command, "--from=2011-11-01T00:00Z", "--until=2011-12-30T00:00Z"]).said(3, &grown);
    }
    // What was read is whole, and a window without an end ends where the store does.
    ask(&folder, &["report", "--from=2011-11-01T00:00Z", &format!("--until={}", requests[200].end)])
        .said(0, &["complete"]);
    ask(&folder, &["report"]).said(0, &["complete"]);
    // Also when it was rotated, and packed; what is at its path then is to be taken in as well.
    std::fs::rename(folder.path("a.log"), folder.path("a.log.1")).unwrap();
    folder.write("a.log", "");
    asked_long(&folder).said(3, &grown);
    folder.gz("a.log.2.gz", std::fs::read_to_string(folder.path("a.log.1")).unwrap());
    std::fs::remove_file(folder.path("a.log.1")).unwrap();
    asked_long(&folder).said(3, &grown);
    folder.write("a.log", &next);
    let untaken = "a.log was not taken in (`spikeline index`)";
    asked_long(&folder).said(3, &[grown[0], untaken]);
    index(&folder, &["a.log"]).ended(0);
    asked_long(&folder).said(3, &grown);
    // Also without a window: it lies between what was read.
    ask(&folder, &["report"]).said(3, &grown);
    index(&folder, &["a.log*"]).ended(0);
    asked_long(&folder).said(0, &["complete"]);
    ask(&folder, &["report"]).said(0, &["complete"]);
    holds(&folder, &requests);
}

#[test]
fn a_file_of_a_log_that_was_not_taken_in_is_missing_where_its_lines_are() {
    let (folder, requests) = folder(900, "");
    let [oldest, older, newest] = [0, 300, 600].map(|at| text(&requests[at..at + 300], Request::exact));
    folder.gz("a.log.2.gz", oldest);
    folder.zst("a.log-20111130.zst", older);
    folder.write("a.log", newest);
    let untaken = |name: &str| format!("{name} was not taken in (`spikeline index`)");
    // Of the log that the configuration names nothing was taken in yet.
    folder.write("b.log", text(&requests[890..], Request::exact));
    index(&folder, &["b.log", &format!("--log-format={EXACT}")]).ended(0);
    let all = ["a.log.2.gz", "a.log-20111130.zst", "a.log"];
    let said = all.map(untaken);
    asked_long(&folder).said(3, &said.each_ref().map(String::as_str));
    index(&folder, &["a.log.2.gz"]).ended(0);
    asked_long(&folder).said(3, &[&untaken(all[1]), &untaken(all[2])]);
    ask(&folder, &["report", "--from=2011-11-01T00:00Z", &format!("--until={}", requests[250].end)])
        .said(0, &["complete"]);
    ask(&folder, &["report", "--from=2011-11-01T00:00Z", &format!("--until={}", requests[450].end)])
        .said(3, &[&untaken(all[1])]);
    index(&folder, &["a.log"]).ended(0);
    // It lies between those.
    ask(&folder, &["report"]).said(3, &[&untaken(all[1])]);
    index(&folder, &["a.log*"]).ended(0);
    ask(&folder, &["report"]).said(0, &["complete"]);
    // What is after the last line of all is nobody's.
    ask(&folder, &["report", "--from=2031-11-01T00:00Z", "--until=2031-11-01T00:01Z"]);
    asked_long(&folder).said(0, &["complete"]);
}

/// `sed -i 1,20d`, and `tail -n 300 log >t; cat t >log`: what was read of it is not counted again.
#[test]
fn a_log_whose_beginning_was_cut_off_is_read_on_from_where_it_was() {
    let (folder, requests) = folder(900, "");
    let [read, more, last] = [0, 300, 600].map(|at| text(&requests[at..at + 300], Request::exact));
    let without = |lines: usize, log: &str| log.split_inclusive('\n').skip(lines).collect::<String>();
    folder.write("a.log", &read);
    index(&folder, &["a.log"]).ended(0);
    // Another file at its path.
    folder.write("t", without(20, &(read.clone() + &more)));
    std::fs::rename(folder.path("t"), folder.path("a.log")).unwrap();
    index(&folder, &["a.log"]).said(0, &["1 from where it was left", "300 lines"]);
    // The same file, with other content.
    folder.write("a.log", without(400, &(read.clone() + &more + &last)));
    index(&folder, &["a.log"]).said(0, &["1 from where it was left", "300 lines"]);
    folder.write("a.log", without(500, &(read + &more + &last)));
    index(&folder, &["a.log"]).said(0, &["1 known already; nothing was read"]);
    let report = ask(&folder, &["report", "--format=csv"]);
    assert_eq!(report.out, csv("route", &rows(&requests, |request| request.route().to_owned())));
    asked_long(&folder).said(0, &["complete"]);
}

#[test]
fn a_file_that_could_not_be_begun_is_missing_until_it_is_taken_in() {
    let (folder, requests) = folder(600, "");
    folder.write("a.log.1", text(&requests[..300], Request::exact));
    folder.gz("a.log.2.gz", text(&requests[300..], Request::exact));
    let whole = std::fs::read(folder.path("a.log.2.gz")).unwrap();
    let mut bad = whole.clone();
    bad[12..40].fill(0xff);
    folder.write("a.log.2.gz", &bad);
    index(&folder, &["a.log.1", "a.log.2.gz"]).ended(3);
    asked_long(&folder).said(3, &["a.log.2.gz", "missing", "partial"]);
    folder.write("a.log.2.gz", &whole);
    index(&folder, &["a.log.2.gz"]).ended(0);
    asked_long(&folder).said(0, &["complete"]);
    holds(&folder, &requests);
}

#[test]
fn fault_28_a_damaged_segment_is_named_set_aside_and_restored() {
    let (folder, requests) = folder(3000, "");
    let (older, newer) = requests.split_at(1300);
    folder.gz("a.log.2.gz", text(older, Request::exact));
    folder.write("a.log.1", text(newer, Request::exact));
    index(&folder, &["a.log.1", "a.log.2.gz"]).ended(0);
    let segment = seal(&folder, "store");
    let before = kept(&folder, "c.toml");
    index(&folder, &["--rebuild"]).said(0, &["nothing to rebuild"]);
    let length = usize::try_from(std::fs::metadata(&segment).unwrap().len()).unwrap();
    let mut current = segment;
    // In the header, in every block of cells, among entries and summaries, in the directory, and in the footer.
    let everywhere = (0..20).map(|part| 3 + part * length / 20);
    for at in everywhere.chain([length - 200, length - 10, length - 1]) {
        flip(&current, at);
        ask(&folder, &["verify"]).said(3, &["damaged at byte", "index --rebuild"]);
        let run = index(&folder, &["--rebuild"]);
        run.said(0, &["damaged at byte", "restored from the logs", ".seg.damaged"]);
        let aside = current.with_extension("seg.damaged");
        assert!(aside.exists() && !current.exists(), "{} is set aside", current.display());
        holds(&folder, &requests);
        assert_eq!(kept(&folder, "c.toml"), before, "damage at {at} of {length}");
        ask(&folder, &["verify"]).said(0, &["with 3,000 lines"]);
        current = seal(&folder, "store");
    }
    // The record of its lines is looked at too, though no answer needs it.
    let ranges = current.with_extension("ranges");
    flip(&ranges, 30);
    ask(&folder, &["verify"]).said(3, &[".ranges: damaged", "remove this file"]);
    holds(&folder, &requests);
    std::fs::remove_file(ranges).unwrap();
    ask(&folder, &["verify"]).said(0, &["with 3,000 lines"]);
}

#[test]
fn what_cannot_be_restored_is_said_with_window_and_log() {
    let (folder, requests) = folder(5000, "");
    folder.write("a.log.2", text(&requests[..2500], Request::exact));
    folder.write("a.log.1", text(&requests[2500..], Request::exact));
    index(&folder, &["a.log.1", "a.log.2"]).ended(0);
    let segment = seal(&folder, "store");
    flip(&segment, 40);
    std::fs::remove_file(folder.path("a.log.2")).unwrap();
    let run = index(&folder, &["--rebuild"]);
    run.said(3, &["restored in part", "not restored", "a.log.2", "2011-11-30T14:05:00.000Z .. ", "gone"]);
    let run = ask(&folder, &["lines", "--all"]);
    let (gone, there): (Vec<&str>, Vec<&str>) =
        run.lines().into_iter().partition(|line| line.starts_with("# raw line gone"));
    assert_eq!(there.len(), 2500, "the other log's lines are there");
    assert!(!gone.is_empty() && gone.iter().all(|line| line.contains("a.log.2")), "and what can be read of the index");
    // And every answer about what is lost says so from now on.
    let lost = ["what the store held of", "a.log.2", "was damaged and could not be restored", "partial"];
    run.said(3, &lost);
    ask(&folder, &["report", "--from=2011-11-30T14:05Z", "--until=2011-11-30T14:06Z"]).said(3, &lost);
    ask(&folder, &["report", "--from=2011-11-30T10:05Z", "--until=2011-11-30T10:06Z"]).said(1, &["complete"]);
    index(&folder, &["a.log.1"]).said(0, &["nothing was read"]);
    index(&folder, &["--rebuild"]).said(0, &["nothing to rebuild"]);
    ask(&folder, &["report"]).said(3, &lost);
}

#[test]
fn a_file_of_which_no_line_fits_is_not_taken_in() {
    let (folder, requests) = folder(300, "");
    folder.write("b.log", text(&requests, Request::exact));
    let wrong = "--log-format=$remote_addr [$time_local] \"$request\" $status";
    index(&folder, &["b.log", wrong]).said(3, &["b.log: not one of its lines fits", "spikeline check"]);
    let right = format!("--log-format={EXACT}");
    index(&folder, &["b.log", &right]).said(0, &["300 lines, 0 rejected"]);
    // A file is judged by all its lines.
    folder.write(
        "d.log",
        "x\n".repeat(200_000) + &text(&requests, |request| Request::exact(request).replace("GET /", "GET /d/")),
    );
    index(&folder, &["d.log", &right]).said(0, &["200,300 lines, 200,000 rejected"]);
}

#[test]
fn a_log_that_was_read_in_the_wrong_format_is_read_again() {
    let (folder, requests) = folder(300, "");
    folder.write("a.log", text(&requests, Request::exact));
    let right = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    folder.write("c.toml", right.replace(EXACT, &format!("{EXACT} $host")));
    let mut running = daemon(&folder, "c.toml");
    let began = std::time::Instant::now();
    let is_read = || {
        let view = View::open(&folder.path("store")).ok();
        view.is_some_and(|view| view.generations().iter().any(|held| held.position > 0))
    };
    while !is_read() && began.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    folder.write("c.toml", right);
    let window = ["report", "--from=2011-11-30T14:05Z", "--until=2011-11-30T14:06Z"];
    assert!(ask(&folder, &window).err.contains("not in the log's format"));
    index(&folder, &["a.log"]).said(0, &["1 taken in", "300 lines, 0 rejected"]);
    index(&folder, &["a.log"]).said(0, &["nothing was read"]);
    holds(&folder, &requests);
    assert!(!ask(&folder, &window).err.contains("not in the log's format"));
    let mut running = daemon(&folder, "c.toml");
    let more = Request::new(requests[299].end + 1000, 5, "/more");
    folder.write("a.log", text(&requests, Request::exact) + &more.exact() + "\n");
    until_counted(&folder, "c.toml", 301);
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn logs_put_together_of_known_ones_are_left() {
    let (folder, requests) = folder(900, "");
    let parts: Vec<String> = requests.chunks(300).map(|part| text(part, Request::exact)).collect();
    for (name, part) in ["x.1", "x.2"].iter().zip(&parts) {
        folder.write(name, part);
    }
    let right = format!("--log-format={EXACT}");
    index(&folder, &["x.1", "x.2", &right]).ended(0);
    folder.write("all", parts[..2].concat());
    index(&folder, &["all", &right]).said(3, &["nothing was read"]);
    let said = index(&folder, &["all", &right]).out;
    assert!(said.contains("left: several logs in one; from byte") && said.contains("x.2, which is known"), "{said}");
    // What only went on is read on.
    folder.write("x.1", parts[0].clone() + &parts[2]);
    index(&folder, &["x.1", &right]).said(0, &["300 lines"]);
    let report = ask(&folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(&requests, |request| request.route().to_owned())));
}

/// Wait until the store has counted so many requests, and no more.
fn until_counted(folder: &Folder, config: &str, wanted: usize) {
    let began = std::time::Instant::now();
    loop {
        let run = folder.run(&["report", "--format=csv", "--config", config]);
        let count = |row: &&str| row.split(',').nth(1).unwrap().parse::<usize>().unwrap();
        let sum: usize = run.lines().iter().skip(1).map(count).sum();
        assert!(sum <= wanted && began.elapsed().as_secs() < 30, "counted {sum} of {wanted}: {}", run.err);
        if sum == wanted {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn daemon(folder: &Folder, config: &str) -> std::process::Child {
    folder.command(&["run", "--config", config]).stderr(std::process::Stdio::null()).spawn().unwrap()
}

#[test]
fn the_daemon_goes_on_behind_it() {
    let (folder, requests) = folder(3000, "");
    folder.write("a.log.1", text(&requests[..1000], Request::exact));
    folder.write("a.log", text(&requests[1000..2000], Request::exact));
    index(&folder, &["a.log.1", "a.log"]).ended(0);
    folder.write("a.log", text(&requests[1000..2500], Request::exact));
    let mut daemon = daemon(&folder, "c.toml");
    until_counted(&folder, "c.toml", 2500);
    std::fs::rename(folder.path("a.log"), folder.path("a.log.0")).unwrap();
    folder.write("a.log", text(&requests[2500..], Request::exact));
    until_counted(&folder, "c.toml", 3000);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    holds(&folder, &requests);
    index(&folder, &["a.log", "a.log.0", "a.log.1"]).said(0, &["nothing was read"]);
}

#[test]
fn the_same_as_the_daemon_would_have_made() {
    let (folder, requests) = folder(4000, "");
    configure(&folder, "d.toml", "daemon", "");
    let (older, newer) = requests.split_at(2500);
    folder.write("a.log", text(older, Request::exact));
    let mut daemon = daemon(&folder, "d.toml");
    let counted = |wanted: usize| until_counted(&folder, "d.toml", wanted);
    counted(2500);
    std::fs::rename(folder.path("a.log"), folder.path("a.log.1")).unwrap();
    folder.write("a.log", text(newer, Request::exact));
    counted(4000);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    index(&folder, &["a.log", "a.log.1"]).ended(0);
    holds(&folder, &requests);
    for command in [&["report", "--format=csv"][..], &["lines"], &["lines", "--all"], &["lines", "--format=csv"]] {
        let answer = |config: &str| folder.run(&[command, &["--config", config]].concat()).ended(0);
        assert_eq!(answer("c.toml"), answer("d.toml"), "{command:?}");
    }
    assert_eq!(kept(&folder, "c.toml"), kept(&folder, "d.toml"));
}

/// `index` of half a .gz is half an answer, until all of it was read; before what is missing, and after the file was written, nothing is.
#[test]
fn what_a_torn_file_held_is_missing_until_it_was_read_to_its_end() {
    let (folder, requests) = folder(3000, "");
    folder.gz("whole.gz", text(&requests, Request::exact));
    let whole = std::fs::read(folder.path("whole.gz")).unwrap();
    folder.write("a.log.1.gz", &whole[..whole.len() / 2]);
    // As gzip leaves it: written when the last line was.
    let written = requests.iter().map(|request| request.end).max().unwrap();
    let stamp = || {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(written.unsigned_abs());
        std::fs::File::options().write(true).open(folder.path("a.log.1.gz")).unwrap().set_modified(time).unwrap();
    };
    stamp();
    index(&folder, &["a.log.1.gz"]).ended(3);
    let said = |arguments: &[&str]| ask(&folder, &[&["report"], arguments].concat());
    said(&[]).said(3, &["a.log.1.gz was not read to its end", "cannot be read beyond byte"]);
    let after = (written / 1000 + 60).to_string();
    said(&["--from", &after, "--until", &(written / 1000 + 90).to_string()]).said(1, &["complete"]);
    let first = requests.iter().map(|request| request.end).min().unwrap() / 1000;
    said(&["--from", &first.to_string(), "--until", &(first + 10).to_string()]).said(0, &["complete"]);
    // Again, and no better.
    index(&folder, &["a.log.1.gz"]).ended(3);
    said(&[]).said(3, &["a.log.1.gz was not read to its end"]);
    folder.write("a.log.1.gz", &whole);
    stamp();
    index(&folder, &["a.log.1.gz"]).ended(0);
    said(&[]).said(0, &["complete"]);
    holds(&folder, &requests);
}

/// A log that was moved to where nobody looked, and is taken in from there later: it is given up until then, and not any more.
#[test]
fn what_was_given_up_as_gone_is_not_when_it_is_taken_in() {
    for rest in [0, 100] {
        let (folder, requests) = folder(3000, "");
        folder.write("a.log", text(&requests[..2000], Request::exact));
        let daemon = |folder: &Folder| {
            let mut child = folder.command(&["run", "--config=c.toml"]).spawn().unwrap();
            let began = std::time::Instant::now();
            let done = |folder: &Folder| View::open(&folder.path("store")).ok().and_then(|view| view.read_until());
            let before = done(folder);
            while done(folder) == before && began.elapsed().as_secs() < 90 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
                .unwrap();
            assert!(child.wait().unwrap().success());
        };
        daemon(&folder);
        let moved = text(&requests[..2000 + rest], Request::exact);
        std::fs::create_dir(folder.path("old")).unwrap();
        folder.write("old/a.log.1", moved);
        folder.write("b", text(&requests[2000 + rest..], Request::exact));
        std::fs::rename(folder.path("b"), folder.path("a.log")).unwrap();
        daemon(&folder);
        ask(&folder, &["report"]).said(3, &["it was gone unread"]);
        index(&folder, &["old/a.log.1"]).ended(0);
        ask(&folder, &["report"]).said(0, &["complete"]);
        holds(&folder, &requests);
    }
}
