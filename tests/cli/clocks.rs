//! When a request ended, and how long it took, where a log says it otherwise than usual: times without a zone or with
//! milliseconds, a wrapper's time, the upstream's time alone.

use serde_json::Value;

use support::program::{Folder, Run, run};

fn in_zone(folder: &Folder, zone: &str, arguments: &[&str]) -> Run {
    run(folder.command(arguments).env("TZ", zone))
}

fn ends(run: &Run) -> Vec<f64> {
    run.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["end"].as_f64().unwrap()).collect()
}

/// 26 January 2021, 10:00:01 UTC.
const TEN: f64 = 1_611_655_201.0;

#[test]
fn a_time_that_names_no_zone_is_of_this_one_and_that_is_said() {
    let folder = support::folder!();
    let line = |time: &str| format!("{{\"time\":\"{time}\",\"request\":\"GET /a HTTP/1.1\",\"request_time\":0.3}}\n");
    for (time, millis) in [
        ("2021-01-26 10:00:01", 0.0),
        ("2021-01-26T10:00:01.123", 0.123),
        ("2021-01-26 10:00:01,500", 0.5),
        ("2021/01/26 10:00:01", 0.0),
        ("26/Jan/2021:10:00:01", 0.0),
    ] {
        folder.write("a.json", line(time));
        for (zone, hours) in [("UTC", 0.0), ("Europe/Berlin", 1.0), ("America/New_York", -5.0)] {
            let run = in_zone(&folder, zone, &["records", "a.json"]);
            run.said(0, &["its times name no zone", zone]);
            assert_eq!(run.err.matches("name no zone").count(), 1);
            assert_eq!(ends(&run), [TEN + millis - hours * 3600.0], "{time} {zone}");
        }
    }
    // With a zone nothing is assumed, also with milliseconds in the place of `$time_local`.
    for time in
        ["2021-01-26 10:00:01+0000", "26/Jan/2021:10:00:01 +0000", "26/Jan/2021:11:00:01.000 +0100", "1611655201000"]
    {
        folder.write("a.json", line(time));
        let run = in_zone(&folder, "Asia/Tokyo", &["records", "a.json"]);
        assert!(run.code == 0 && !run.err.contains("zone"), "{run:?}");
        assert_eq!(ends(&run), [TEN], "{time}");
    }
}

#[test]
fn the_store_says_as_well_that_a_zone_was_assumed() {
    let folder = support::folder!();
    let line =
        "{\"time\":\"2021-01-26 10:00:01\",\"request\":\"GET /a HTTP/1.1\",\"status\":200,\"request_time\":1.3}\n";
    folder.write("a.json", line);
    in_zone(&folder, "Europe/Berlin", &["index", "a.json", "--store=store"]).said(0, &["1 lines, 0 rejected"]);
    let run = in_zone(&folder, "Europe/Berlin", &["lines", "--store=store", "--format=jsonl"]);
    run.said(0, &["its times name no zone", "complete"]);
    assert_eq!(ends(&run), [TEN - 3600.0]);
}

#[test]
fn a_line_without_a_time_has_that_of_its_wrapper() {
    let folder = support::folder!();
    let format = "$remote_addr \"$request\" $status $request_time";
    let line = "192.0.2.1 \"GET /a HTTP/1.1\" 200 0.300";
    let quoted = line.replace('"', "\\\"");
    for (wrapper, wrapped) in [
        ("cri", format!("2021-01-26T10:00:01.250000000Z stdout F {line}\n")),
        (
            "docker",
            format!("{{\"log\":\"{quoted}\\n\",\"stream\":\"stdout\",\"time\":\"2021-01-26T10:00:01.250Z\"}}\n"),
        ),
        ("syslog", format!("2021-01-26T11:00:01.250+01:00 web nginx: {line}\n")),
        ("syslog", format!("<190>1 2021-01-26T10:00:01.250Z web nginx 1 - - {line}\n")),
    ] {
        folder.write("a.log", &wrapped);
        let run = folder.run(&["records", "a.log", "--log-format", &format!("{wrapper}:{format}")]);
        run.said(0, &["its lines have no time of their own"]);
        assert_eq!(ends(&run), [TEN + 0.25], "{wrapped}");
    }
    // The year is not in it.
    folder.write("a.log", format!("<190>Jan 26 10:00:01 web nginx: {line}\n"));
    folder
        .run(&["records", "a.log", "--log-format", &format!("syslog:{format}")])
        .said(3, &["not a time", "partial: a.log: 1 of its 1 lines"]);
    // In parts, and by keys; the line's own time goes before.
    let json = "{\"request\":\"GET /a HTTP/1.1\",\"status\":200,\"request_time\":0.300";
    let (front, rest) = json.split_at(30);
    let parts = format!(
        "2021-01-26T10:00:01.250Z stdout P {front}\n2021-01-26T10:00:09Z stdout F {rest}}}\n\
         2021-01-26T10:00:09Z stdout F {json},\"msec\":1611655202.000}}\n"
    );
    folder.write("a.log", parts);
    assert_eq!(ends(&folder.run(&["records", "a.log"])), [TEN + 0.25, TEN + 1.0]);
    folder.run(&["index", "a.log", "--store=store"]).said(0, &["2 lines, 0 rejected"]);
}

/// A log that only has `$upstream_response_time`; what has a request of 1.3 s, a quick 502, and one that no upstream answered.
const UPSTREAM_ONLY: &str = "192.0.2.1 [26/Jan/2021:10:00:02 +0000] \"GET /slow HTTP/1.1\" 200 5 \"0.300, 1.000\"\n\
     192.0.2.1 [26/Jan/2021:10:00:03 +0000] \"GET /bad HTTP/1.1\" 502 5 \"0.001\"\n\
     192.0.2.1 [26/Jan/2021:10:00:04 +0000] \"GET /static HTTP/1.1\" 200 5 \"-\"\n";

#[test]
fn a_log_that_only_has_the_upstreams_time_is_reported_by_it_and_that_is_said() {
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    folder.write("a.log", UPSTREAM_ONLY);
    folder.write(
        "c.toml",
        format!(
            "store = \"{here}store\"\nnginx = \"off\"\n[[log]]\npath = \"{here}a.log\"\nformat = '$remote_addr [$time_local] \
             \"$request\" $status $body_bytes_sent \"$upstream_response_time\"'\n"
        ),
    );
    let log = folder.path("a.log").display().to_string();
    let ask = |arguments: &[&str]| folder.run(&[arguments, &["--config=c.toml"]].concat());
    ask(&["index", &log]).said(0, &["3 lines, 0 rejected"]);
    for source in [&[][..], &[log.as_str()]] {
        let run = ask(&[&["report", "--format=csv"], source].concat());
        run.said(0, &["all times are those of $upstream_response_time"]);
        assert!(run.out.contains("\nslow,1,1300,") && run.out.contains("\nstatic,1,,"), "{}", run.out);
        assert!(run.out.lines().any(|row| row.starts_with("slow,") && row.contains(",1300,1,0,1,")), "{}", run.out);
        let run = ask(&[&["slow", "--format=csv"], source].concat());
        run.said(0, &["$upstream_response_time"]);
        assert!(run.out.contains("\n1,slow,200,1,1300,") && !run.out.contains("\n2,"), "{}", run.out);
        let run = ask(&[&["lines", "--min-time=1s"], source].concat());
        run.said(0, &["$upstream_response_time"]);
        assert_eq!(run.lines().len(), 1, "{}", run.out);
    }
    // Of the index: what took long, and 5xx.
    let kept = ask(&["lines", "--format=csv"]).out;
    assert!(
        kept.contains("threshold slowest") && kept.contains("error slowest") && !kept.contains("/static"),
        "{kept}"
    );
    ask(&["verify"]).said(0, &[]);
    let check = ask(&["check", &log]).out;
    assert!(check.contains("latencies are those of $upstream_response_time"), "{check}");
}

#[test]
fn milliseconds_in_the_place_of_time_local() {
    let folder = support::folder!();
    let line = |seconds: &str| {
        format!("192.0.2.1 - - [26/Jan/2021:10:00:{seconds} +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n")
    };
    folder.write("a.log", line("01.250") + &line("01.000") + &line("02.5") + &line("01"));
    let given = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
    for format in ["combined", given] {
        let run = folder.run(&["records", "a.log", "--log-format", format]);
        assert_eq!((run.code, ends(&run)), (0, vec![TEN + 0.25, TEN, TEN + 1.5, TEN]), "{}", run.err);
    }
    // Found as well, and a point with nothing behind it is none.
    folder.write("b.log", line("01.250").repeat(3));
    assert_eq!(ends(&folder.run(&["records", "b.log"])), [TEN + 0.25; 3]);
    folder.write("c.log", line("01.") + &line("01.x5"));
    folder.run(&["records", "c.log", "--log-format=combined"]).said(3, &["c.log:1:", "c.log:2:"]);
}
