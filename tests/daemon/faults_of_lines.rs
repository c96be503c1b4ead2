//! Lines that are none: each is counted, with its reason, and the next one is fine.

use serde_json::Value;
use spikeline::grammar::RejectReason;
use spikeline::store::View;

use crate::rig::{Rig, until};
use crate::sink::Sink;
use support::log::{NOON, Request, requests, text};

/// The rejected lines by their reasons' names.
fn rejected(rig: &Rig) -> Vec<(&'static str, u64)> {
    let ledger = rig.ledger();
    ledger.rejected.iter().map(|(code, lines)| (RejectReason::from_code(*code).unwrap().name(), *lines)).collect()
}

/// The sum of one of the daemon's own metrics over all slots.
fn own(sink: &Sink, what: &str) -> f64 {
    let path = format!("nginx.web1.spikeline.{what}");
    sink.points().iter().filter(|((held, _), _)| *held == path).map(|(_, values)| values.last().unwrap()).sum()
}

#[test]
fn fault_18_a_torn_line_glued_to_the_next_is_rejected_counted_and_the_next_is_fine() {
    let sink = Sink::new();
    let rig = Rig::new("interval = \"1s\"", &sink.section());
    let requests = requests(20);
    let daemon = rig.start();
    daemon.until_said("store ");
    rig.log(&requests[..10]);
    // nginx died within a line, and began the next one behind it.
    rig.append("a.log", &requests[10].exact()[..70]);
    rig.until_counted(10);
    rig.append("a.log", &(requests[11].exact() + "\n"));
    rig.log(&requests[12..]);
    let fine = [&requests[..10], &requests[12..]].concat();
    rig.has_each_once(&fine);
    let ledger = rig.ledger();
    assert_eq!((ledger.lines, ledger.parsed, rejected(&rig)), (19, 18, vec![("literal_missing", 1)]));
    let at = text(&requests[..10], Request::exact).len();
    assert_eq!(ledger.first_rejects[0].0, at as u64);
    rig.ask(&["lines"])
        .said(0, &[&format!("byte {at}: not in the log's format (in the whole log: literal_missing 1)")]);
    until("lines.rejected", || own(&sink, "lines.rejected"), |lines| *lines == 1.0);
}

#[test]
fn fault_19_a_line_of_64_mib_takes_no_memory_counts_once_and_the_checkpoint_advances() {
    const LONG: usize = 64 << 20;
    let rig = Rig::new("", "");
    let requests = requests(600);
    rig.log(&requests[..200]);
    let daemon = rig.start();
    rig.until_counted(200);
    let peak = || {
        let status = std::fs::read_to_string(daemon.proc("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak();
    // In pieces, as it would be written: the last one without its end.
    for _ in 0..64 {
        rig.append("a.log", &"x".repeat(LONG / 64));
    }
    rig.append("a.log", "\n");
    rig.log(&requests[200..400]);
    rig.has_each_once(&requests[..400]);
    let grown = peak() - before;
    assert!(grown < 16 << 10, "{grown} KiB more than the {before} KiB before");
    assert!(daemon.stop().success());
    let ledger = rig.ledger();
    assert_eq!((ledger.too_long, ledger.lines, ledger.parsed), (1, 401, 400));
    let length = std::fs::metadata(rig.folder.path("a.log")).unwrap().len();
    let position = || View::open(&rig.folder.path("store")).unwrap().generations()[0].position;
    assert_eq!((position(), ledger.bytes), (length, length));
    rig.ask(&["lines", "--all"]).said(0, &["over the length bound"]);

    let _daemon = rig.start();
    rig.log(&requests[400..]);
    rig.has_each_once(&requests);
    assert_eq!(rig.ledger().too_long, 1);
}

#[test]
fn fault_20_nul_hole_crlf_invalid_utf_8_and_bom_are_counted_and_come_back_byte_for_byte() {
    let rig = Rig::new("", "");
    let line = |at: i64, target: &str| Request::new(NOON + at, 1500, target).exact().into_bytes();
    let strange = |at: i64| {
        line(at, "/sl\u{1}w").into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect::<Vec<u8>>()
    };
    let bom = [b"\xef\xbb\xbf", &line(0, "/a")[..]].concat();
    let hole = [&[0; 5000][..], &line(1, "/b")].concat();
    let crlf = [&line(2, "/c")[..], b"\r"].concat();
    let lines =
        [bom, line(3, "/fine"), hole, strange(4), crlf, b"\xff\xfe\x00".to_vec(), b"".to_vec(), line(5, "/fine")];
    let bytes: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
    rig.folder.write("a.log", &bytes);
    let daemon = rig.start();
    let ledger = until("all lines", || rig.ledger(), |ledger| ledger.lines == 8);
    assert!(daemon.stop().success());
    let rejects: u64 = ledger.rejected.values().sum();
    assert_eq!((ledger.bytes, ledger.parsed + rejects), (bytes.len() as u64, 8), "every byte and line has its place");
    assert_eq!(ledger.too_long, 0);
    let mut reasons = rejected(&rig);
    reasons.sort_unstable();
    assert_eq!(reasons, [("bad_number", 1), ("empty_line", 1), ("torn", 2)], "BOM; nothing; the hole, and NUL");
    // What is a request comes back as it stands in the file.
    let out = rig.folder.command(&["lines", "--all", "--config=c.toml"]).output().unwrap().stdout;
    let whole: Vec<&[u8]> = out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(whole.len() as u64, ledger.parsed);
    for line in &whole {
        assert!(lines.iter().any(|own| own == line), "{:?}", String::from_utf8_lossy(line));
    }
    for fine in [&lines[1], &lines[3], &lines[7]] {
        assert!(whole.contains(&fine.as_slice()), "{:?}", String::from_utf8_lossy(fine));
    }
    // Three lines of eight are more than torn ones.
    let out = rig.ask(&["lines", "--format=jsonl"]).ended(3);
    assert!(out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{out}");
}

#[test]
fn fault_22_a_format_that_changes_in_mid_file_rejects_by_reason_and_is_said_aloud() {
    let sink = Sink::new();
    let rig = Rig::new("interval = \"1s\"", &sink.section());
    let requests = requests(300);
    let daemon = rig.start();
    daemon.until_said("store ");
    // One line that does not fit is no reason for alarm.
    rig.log(&requests[..100]);
    rig.append("a.log", "nothing of the kind\n");
    rig.until_counted(100);
    until("lines.rejected", || own(&sink, "lines.rejected"), |lines| *lines == 1.0);
    assert!(!daemon.said().contains("do not fit"), "{}", daemon.said());
    // nginx was reloaded with another log_format.
    let changed = text(&requests[100..200], Request::combined_plus);
    rig.append("a.log", &changed);
    daemon.until_said("lines do not fit their log's format; `spikeline check` shows where and why");
    until("lines.rejected", || own(&sink, "lines.rejected"), |lines| *lines == 101.0);
    let by_reason = rejected(&rig);
    assert_eq!(by_reason.iter().map(|(_, lines)| lines).sum::<u64>(), 101, "{by_reason:?}");
    assert!(by_reason.iter().any(|(reason, lines)| *reason == "bad_number" && *lines >= 100), "{by_reason:?}");
    // And back: what fits is counted as before.
    rig.log(&requests[200..]);
    rig.has_counted_each_once(&[&requests[..100], &requests[200..]].concat());
    let run = rig.ask(&["lines", "--from=2011-11-30T14:00Z", "--until=2011-11-30T16:00Z"]);
    run.said(3, &["101 lines of ", "not in the log's format (in the whole log: bad_number ", "partial"]);
}

#[test]
fn fault_25_18_hours_are_kept_to_the_millisecond_and_a_number_that_cannot_be_is_rejected() {
    let rig = Rig::new("", "");
    let socket = Request::new(NOON, 66_124_476, "/slow").status(101);
    assert!(socket.exact().contains(" 66124.476 "));
    rig.log(std::slice::from_ref(&socket));
    let fine = Request::new(NOON + 5, 7, "/slow");
    for absurd in [u64::MAX.to_string(), "18446744073709551.615".to_owned(), "31622400.001".to_owned()] {
        rig.append("a.log", &(fine.exact().replace(" 0.007 ", &format!(" {absurd} ")) + "\n"));
    }
    rig.log(std::slice::from_ref(&fine));
    let _daemon = rig.start();
    rig.until_counted(2);
    assert_eq!(rig.ledger().parsed, 2);
    assert_eq!(rejected(&rig), [("absurd_number", 3)]);
    // Three lines of five are more than torn ones.
    let out = rig.ask(&["report", "--format=csv"]).ended(3);
    let exact = ["66124476"; 8].join(",");
    assert!(out.contains(&format!("\nslow.__101,1,{exact},1,")) && out.contains("\nslow,1,7,"), "{out}");
    // In flight 18 hours before it was logged, and found there.
    let start = (socket.start() / 1000 + 60).to_string();
    let window = [format!("--from={start}"), format!("--until={}", socket.start() / 1000 + 61)];
    let out = rig.ask(&["lines", "--format=jsonl", &window[0], &window[1]]).ended(0);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["request_time_ms"], &found["in_window"]), (&66_124_476.into(), &"spanning".into()));
    assert_eq!(found["start"].as_f64().unwrap(), 1_322_595_775.524);
}
