//! `verify`: what differs is found, and what cannot be compared is said.

use spikeline::route::RouteId;
use spikeline::store::{Commit, Settings, Writer};
use spikeline::time::Timestamp;

use crate::index::{ask, flip, folder, index, seal};
use crate::log::{NOON, Request, text};

#[test]
fn an_untouched_store_equals_its_logs() {
    let (folder, requests) = folder(3000, "");
    folder.gz("a.log.2.gz", text(&requests[..1500], Request::exact) + "garbage\n");
    folder.write("a.log.1", text(&requests[1500..], Request::exact));
    index(&folder, &["a.log.1", "a.log.2.gz"]).ended(0);
    let run = ask(&folder, &["verify"]);
    run.said(0, &["cells compared with 3,000 lines of the logs"]);
    assert_eq!(run.out, "");
    let window = ["--from=2011-11-30T14:05:10Z", "--until=2011-11-30T14:05:30Z"];
    let inside = requests.iter().filter(|request| (NOON + 10_000..NOON + 30_000).contains(&request.end)).count();
    ask(&folder, &[&["verify"], &window[..]].concat()).said(0, &[&format!("with {inside} lines")]);
}

#[test]
fn each_number_that_differs_is_told() {
    let (folder, requests) = folder(500, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    // One request of one slot is counted twice by a fault that the test plays.
    let mut writer = Writer::open(&folder.path("store"), Settings::default()).unwrap();
    let slow = writer.view().route("slow").unwrap();
    let mut cell = spikeline::histogram::Cell::default();
    cell.requests = 1;
    cell.bytes_sent = 77;
    cell.count_status(502);
    cell.time_mut(spikeline::histogram::Time::Request).record(5000);
    let cells = vec![(Timestamp(NOON + 10_000), slow, cell)];
    writer.commit(&mut Commit { cells, ..Commit::default() }).unwrap();
    drop(writer);
    let run = ask(&folder, &["verify", "--format=csv"]);
    run.said(1, &["differences"]);
    let whats: Vec<&str> = run.lines().iter().skip(1).map(|row| row.split(',').nth(2).unwrap()).collect();
    let bucket = "request_time bucket 5000 ms";
    let expected =
        ["requests", "bytes", "status_5xx", "request_time.count", "request_time.sum_ms", "request_time.max_ms", bucket];
    assert_eq!(whats, expected);
    assert!(run.lines().iter().skip(1).all(|row| row.starts_with("2011-11-30T14:05:10.000Z,slow,")), "{}", run.out);
    let last = *run.lines().last().unwrap();
    assert!(last.ends_with("bucket 5000 ms,1,logs,0") || last.ends_with("1.0,logs,0.0"), "{last}");
    let _id: RouteId = slow;
}

#[test]
fn lines_whose_log_is_gone_are_counted_and_not_called_a_difference() {
    let (folder, requests) = folder(2000, "");
    folder.write("a.log.2", text(&requests[..700], Request::exact));
    folder.write("a.log.1", text(&requests[700..], Request::exact));
    index(&folder, &["a.log.1", "a.log.2"]).ended(0);
    std::fs::remove_file(folder.path("a.log.2")).unwrap();
    let run = ask(&folder, &["verify"]);
    run.said(3, &["700 lines are not verifiable", "a.log.2: the log is gone", "with 1,300 lines"]);
    assert_eq!(run.out, "");
}

#[test]
fn a_damaged_segment_is_named_with_what_to_do() {
    let (folder, requests) = folder(1000, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    flip(&seal(&folder, "store"), 60);
    ask(&folder, &["verify"]).said(3, &[".seg: damaged at byte", "spikeline index --rebuild"]);
}
