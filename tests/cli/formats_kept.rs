//! A log keeps the format that it was read in: what nginx and the configuration say later changes nothing about its lines.

use support::log::{EXACT, Request, csv, rows, text};
use support::program::Folder;

use crate::index::{ask, flip, folder, index, seal};

/// The configuration with a format that has one more field, as when a log_format is extended.
fn extend_format(folder: &Folder) {
    let path = |name: &str| folder.path(name).display().to_string();
    let (store, log) = (path("store"), path("a.log"));
    folder
        .write("c.toml", format!("store = '{store}'\n[[log]]\npath = '{log}'\nformat = '{EXACT} more=\"$http_x\"'\n"));
}

fn extended(request: &Request) -> String {
    request.exact() + " more=\"-\""
}

#[track_caller]
fn answers(folder: &Folder, requests: &[Request], line: impl Fn(usize, &Request) -> String) {
    ask(folder, &["verify"]).said(0, &[&format!("with {} lines of the logs", support_count(requests.len()))]);
    let report = ask(folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(requests, |request| request.route().to_owned())));
    let mut sorted: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    sorted.sort_by_key(|(at, request)| (request.end, *at));
    let all: String = sorted.iter().map(|(at, request)| line(*at, request) + "\n").collect();
    let run = ask(folder, &["lines", "--all"]);
    run.said(0, &["complete"]);
    assert!(run.out == all, "lines --all differ: {} of {} bytes; {}", run.out.len(), all.len(), run.err);
}

fn support_count(count: usize) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

#[test]
fn a_log_keeps_the_format_it_was_read_in() {
    let (folder, requests) = folder(2000, "");
    folder.write("a.log", text(&requests[..1200], Request::exact));
    index(&folder, &["a.log"]).said(0, &["1,200 lines, 0 rejected"]);
    std::fs::rename(folder.path("a.log"), folder.path("a.log.1")).unwrap();
    extend_format(&folder);
    folder.write("a.log", text(&requests[1200..], extended));
    index(&folder, &["a.log"]).said(0, &["800 lines, 0 rejected"]);
    answers(&folder, &requests, |at, request| if at < 1200 { request.exact() } else { extended(request) });
    // Also when both are packed and the store is restored from them.
    flip(&seal(&folder, "store"), 60);
    folder.gz("a.log.2.gz", text(&requests[..1200], Request::exact));
    std::fs::remove_file(folder.path("a.log.1")).unwrap();
    index(&folder, &["--rebuild"]).said(0, &["restored from the logs"]);
    answers(&folder, &requests, |at, request| if at < 1200 { request.exact() } else { extended(request) });
}

#[test]
fn a_format_that_changes_in_the_middle_of_a_log_holds_from_that_byte_on() {
    let (folder, requests) = folder(2000, "");
    let first = text(&requests[..1200], Request::exact);
    folder.write("a.log", &first);
    index(&folder, &["a.log"]).said(0, &["1,200 lines, 0 rejected"]);
    extend_format(&folder);
    folder.write("a.log", first.clone() + &text(&requests[1200..], extended));
    index(&folder, &["a.log"]).said(0, &["800 lines, 0 rejected", "1 from where it was left"]);
    answers(&folder, &requests, |at, request| if at < 1200 { request.exact() } else { extended(request) });
    seal(&folder, "store");
    answers(&folder, &requests, |at, request| if at < 1200 { request.exact() } else { extended(request) });
}

/// The store knows what it read a log in, so nothing else has to.
#[test]
fn without_a_configuration_a_log_is_read_again_by_the_stores_format() {
    let (folder, requests) = folder(300, "");
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]).ended(0);
    let run = folder.run(&["lines", "--all", "--store=store"]);
    run.said(0, &["complete"]);
    assert_eq!(run.lines().len(), 300);
    folder.run(&["verify", "--store=store"]).said(0, &["with 300 lines"]);
}

/// What was written over a log after it was read is not taken for what was counted.
#[test]
fn a_log_that_does_not_say_any_more_what_it_said_makes_an_answer_partial() {
    let (folder, requests) = folder(300, "");
    let lines = text(&requests, Request::exact);
    folder.write("a.log", &lines);
    index(&folder, &["a.log"]).ended(0);
    let (from, until) = (lines.len() / 2, lines.len() / 2 + 600);
    let mut bytes = lines.into_bytes();
    bytes[from..until].fill(0);
    std::fs::write(folder.path("a.log"), bytes).unwrap();
    ask(&folder, &["lines", "--all"]).said(3, &["requests are found there now, 300 were counted", "partial"]);
}

/// What nginx wrote in another format before that was told is taken in afterwards, once, however it is mixed with the rest.
#[test]
fn what_was_rejected_before_a_format_was_told_is_taken_in_again_once() {
    let (folder, requests) = folder(2400, "");
    // The old workers go on for a while after the first line of the new ones.
    let line = |at: usize, request: &Request| match at {
        0..1000 => request.exact(),
        1000..1100 if !at.is_multiple_of(3) => request.exact(),
        _ => extended(request),
    };
    let written = |count: usize| -> String {
        requests[..count].iter().enumerate().map(|(at, request)| line(at, request) + "\n").collect()
    };
    folder.write("a.log", written(2000));
    index(&folder, &["a.log"]).said(0, &["2,000 lines, 933 rejected"]);
    ask(&folder, &["report"]).said(3, &["933 lines of ", "too many for torn or foreign lines"]);
    extend_format(&folder);
    folder.write("a.log", written(2400));
    index(&folder, &["--again", "a.log"])
        .said(0, &["400 lines, 0 rejected", "933 lines that were rejected before were taken in"]);
    answers(&folder, &requests, line);
    let held = folder.run(&["lines", "--config=c.toml", "--min-time=1s"]);
    assert_eq!(held.lines().len(), requests.iter().filter(|request| request.time >= 1000).count());
    // One says what became of them; that nothing was read is said where nothing was.
    let run = index(&folder, &["--again", "a.log"]);
    run.said(0, &["1 file: 1 known already; of what was rejected before, nothing fits now"]);
    assert!(!run.err.contains("nothing was read"), "{}", run.err);
    answers(&folder, &requests, line);
    // Also from the file that it is rotated to, and when the store is restored from that.
    let damaged = seal(&folder, "store");
    answers(&folder, &requests, line);
    folder.gz("a.log.1.gz", written(2400));
    std::fs::remove_file(folder.path("a.log")).unwrap();
    index(&folder, &["--again", "a.log.1.gz"]).said(0, &["known", "nothing fits now"]);
    flip(&damaged, 60);
    index(&folder, &["--rebuild"]).said(0, &["restored from the logs"]);
    answers(&folder, &requests, line);
}

/// The daemon goes on behind what was taken in again.
#[test]
fn the_log_that_was_read_again_is_followed_as_before() {
    let (folder, requests) = folder(900, "");
    folder.write("a.log", text(&requests[..300], Request::exact));
    index(&folder, &["a.log"]).ended(0);
    let log = text(&requests[..300], Request::exact) + &text(&requests[300..600], extended);
    folder.write("a.log", &log);
    index(&folder, &["a.log"]).said(0, &["300 rejected"]);
    extend_format(&folder);
    let run = index(&folder, &["--again", "a.log"]);
    run.said(0, &["1 file: 1 known already; 300 lines that were rejected before were taken in"]);
    assert!(run.out.contains("known, rejected lines taken in"), "{}", run.out);
    folder.write("a.log", log + &text(&requests[600..], extended));
    index(&folder, &["a.log"]).said(0, &["1 from where it was left", "300 lines, 0 rejected"]);
    answers(&folder, &requests, |at, request| if at < 300 { request.exact() } else { extended(request) });
}

/// What is left of rejected lines is held against all lines that are requests by now, and where it stands still counts.
#[test]
fn a_few_foreign_lines_among_what_was_taken_in_again_leave_answers_complete_but_not_at_its_end() {
    for (foreign, code) in [([40, 110, 190, 250], 0), ([279; 4], 3)] {
        let (folder, requests) = folder(300, "");
        let mut log = text(&requests[..20], Request::exact);
        for (at, request) in requests[20..].iter().enumerate() {
            log += &(extended(request) + "\n");
            let behind = foreign.iter().filter(|behind| **behind == at).count();
            log += &"no request at all\n".repeat(behind);
        }
        folder.write("a.log", &log);
        index(&folder, &["a.log"]).said(0, &["304 lines, 284 rejected"]);
        extend_format(&folder);
        index(&folder, &["--again", "a.log"]).said(0, &["280 lines that were rejected before were taken in"]);
        for _ in 0..2 {
            assert_eq!(ask(&folder, &["report"]).code, code, "{foreign:?}");
            seal(&folder, "store");
        }
    }
}
