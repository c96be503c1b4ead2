//! `report --by`: over the store as over files, and each attempt at an upstream by itself.

use support::log::{csv, rows};

use crate::index::{ask, folder, index};

#[test]
fn the_store_groups_by_any_field_as_files_do() {
    let (folder, requests) = folder(2000, "");
    folder.write("a.log", support::log::text(&requests, support::log::Request::exact));
    index(&folder, &["a.log"]).said(0, &["2,000 lines"]);
    for by in ["status", "host,status", "path", "query:v", "route,method", "upstream_addr", "target"] {
        for more in
            [&[][..], &["--min-time=500ms"], &["--status=5xx,404"], &["--route=users.*", "--from=14:05:07_20111130"]]
        {
            let asked = [&["report", "--format=csv", "--by", by][..], more].concat();
            let stored = ask(&folder, &asked);
            let read = ask(&folder, &[&asked[..], &["a.log"]].concat());
            assert_eq!((stored.code, &stored.out), (read.code, &read.out), "{asked:?}: {}", stored.err);
            assert!(stored.out.lines().count() > 1, "{asked:?}");
        }
    }
    let by_host = ask(&folder, &["report", "--format=csv", "--by=host"]).ended(0);
    assert_eq!(by_host, csv("host", &rows(&requests, |request| request.host.to_owned())));
    ask(&folder, &["report", "--by=nope"]).said(2, &["--by nope: the log has no $nope", "upstream_addr"]);
    ask(&folder, &["report", "--by=,"]).said(2, &["names no field"]);
}

const ATTEMPTS: &str = "$msec $remote_addr $status $request_time \"$request\" \"$upstream_addr\" \"$upstream_status\" \"$upstream_response_time\"";

#[test]
fn each_attempt_counts_with_its_own_time_and_status() {
    let folder = support::folder!();
    folder.write(
        "a.log",
        "1322661900.000 192.0.2.7 200 2.100 \"GET /a HTTP/1.1\" \"10.0.0.1:80, 10.0.0.2:80\" \"504, 200\" \"2.000, 0.100\"\n\
         1322661901.000 192.0.2.9 200 0.050 \"GET /a HTTP/1.1\" \"10.0.0.2:80\" \"200\" \"0.050\"\n\
         1322661902.000 198.51.100.1 304 0.000 \"GET /b HTTP/1.1\" \"-\" \"-\" \"-\"\n\
         1322661903.000 2001:db8::1 502 0.003 \"GET /b HTTP/1.1\" \"10.0.0.1:80 : 10.0.0.3:80\" \"502 : 502\" \"- : 0.003\"\n",
    );
    let by = |by: &str| {
        let run =
            folder.run(&["report", "a.log", "--log-format", ATTEMPTS, "--by", by, "--format=jsonl", "--sort=name"]);
        let mut rows = Vec::new();
        for line in run.ended(0).lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let key = row[by.split(',').next().unwrap()].as_str().unwrap().to_owned();
            rows.push(format!("{key} {} {} {} {}", row["count"], row["sum_ms"], row["status_2xx"], row["status_5xx"]));
        }
        rows
    };
    let expected = ["- 1 null 0 0", "10.0.0.1:80 2 2000 0 2", "10.0.0.2:80 2 150 2 0", "10.0.0.3:80 1 3 0 1"];
    assert_eq!(by("upstream_addr"), expected);
    assert_eq!(by("upstream_status"), ["- 1 null 0 0", "200 2 150 2 0", "502 2 3 0 2", "504 1 2000 0 1"]);
    assert_eq!(by("net"), ["192.0.2.0/24 2 2150 2 0", "198.51.100.0/24 1 0 0 0", "2001:db8::/64 1 3 0 1"]);
    let said = folder.run(&["report", "a.log", "--log-format", ATTEMPTS, "--by", "upstream_addr"]).err;
    assert!(said.contains("each attempt at an upstream counts by itself"), "{said}");
}

/// A row that is there is whole, whichever thread met its value first; what has none is in `other`, and that is said.
#[test]
fn more_values_than_are_kept_apart_leave_every_row_whole() {
    let folder = support::folder!();
    let line = |n: usize| {
        format!("{}.000 192.0.2.7 200 0.010 \"GET /{n} HTTP/1.1\" \"-\" \"-\" \"-\"\n", 1_322_661_900 + n / 100)
    };
    let mut log = String::new();
    for _ in 0..3 {
        log.extend((0..12_000).map(line));
    }
    folder.write("a.log", log);
    for threads in ["1", "2", "5"] {
        let run = folder.run(&[
            "report",
            "a.log",
            "--log-format",
            ATTEMPTS,
            "--by=path",
            "--format=csv",
            "--threads",
            threads,
        ]);
        let counts: Vec<(&str, u64)> = run
            .out
            .lines()
            .skip(1)
            .map(|row| {
                let (path, rest) = row.split_once(',').unwrap();
                (path, rest.split(',').next().unwrap().parse().unwrap())
            })
            .collect();
        let of_others: Vec<u64> = counts.iter().filter(|(path, _)| *path == "other").map(|(_, count)| *count).collect();
        assert_eq!((counts.len(), &of_others[..]), (10_001, &[6_000][..]), "{threads} threads: {}", run.err);
        assert!(counts.iter().all(|(path, count)| *path == "other" || *count == 3), "{threads} threads");
        assert!(run.err.contains("6,000 requests are in `other`"), "{}", run.err);
    }
}
