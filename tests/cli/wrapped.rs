//! Logs inside a wrapper: containers' and syslog's.

use serde_json::Value;

use support::log::{NOON, Request};
use support::program::Folder;

fn combined(target: &str, time: &str) -> String {
    format!("192.0.2.1 - - [30/Nov/2011:14:05:00 +0000] \"GET {target} HTTP/1.1\" 200 13 \"-\" \"curl\" {time}")
}

fn cri(stream: &str, tag: &str, text: &str) -> String {
    format!("2011-11-30T14:05:00.000000001Z {stream} {tag} {text}\n")
}

fn docker(text: &str) -> String {
    format!("{{\"log\":{},\"stream\":\"stdout\",\"time\":\"2011-11-30T14:05:00.1Z\"}}\n", Value::from(text))
}

fn records(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let out = folder.run(&[&["records"], arguments].concat()).ended(0);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn fault_21_parts_of_a_cri_line_are_joined_and_printed_as_they_are() {
    let folder = support::folder!();
    let (line, error) = (combined("/long", "2.500"), "2011/11/30 14:05:00 [error] 7#7: upstream");
    let (head, tail) = line.split_at(60);
    let parts = cri("stdout", "P", head) + &cri("stderr", "F", error) + &cri("stdout", "F", tail);
    let log = cri("stdout", "F", &combined("/a", "0.100")) + &parts + &cri("stdout", "F", &combined("/b", "0.200"));
    let log = log.repeat(3);
    folder.write("a.log", &log);
    let run = folder.run(&["records", "a.log"]);
    assert!(run.err.starts_with("a.log: taken as cri around `with_time`; its one time"), "{run:?}");
    assert!(run.err.contains("a.log:3:") && run.err.ends_with("3 lines rejected\n"), "{run:?}");
    let found: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 9);
    let long = &found[1];
    assert_eq!((&long["target"], &long["request_time"], &long["line"]), (&"/long".into(), &2.5.into(), &2.into()));
    let at = usize::try_from(long["offset"].as_u64().unwrap()).unwrap();
    let length = usize::try_from(long["length"].as_u64().unwrap()).unwrap();
    assert_eq!(log[at..at + length], parts[..parts.len() - 1]);
    assert_eq!((&found[2]["target"], &found[2]["line"]), (&"/b".into(), &5.into()));
    assert_eq!(folder.run(&["lines", "a.log", "--min-time=1s", "--limit=1"]).ended(0), parts);
}

/// The same through stdin, and however the blocks lie: 512 KiB end within many records here.
#[test]
fn records_longer_than_what_is_read_at_once() {
    let folder = support::folder!();
    let filler = "x".repeat(20_000);
    let mut log = String::new();
    for number in 0..200 {
        let line = combined(&format!("/{number}?{filler}"), "0.100");
        for part in [&line[..16_000], &line[16_000..20_000]] {
            log += &cri("stdout", "P", part);
        }
        log += &cri("stdout", "F", &line[20_000..]);
    }
    folder.write("a.log", &log);
    folder.gz("b.log.gz", &log);
    let from_file = records(&folder, &["a.log"]);
    assert_eq!(from_file.len(), 200);
    for (number, record) in from_file.iter().enumerate() {
        assert!(record["target"].as_str().unwrap().starts_with(&format!("/{number}?x")), "{number}");
        assert_eq!(record["line"], number * 3 + 1);
    }
    assert_eq!(records(&folder, &["b.log.gz"]).len(), 200);
    let fed = folder.run_with(log.as_bytes(), &["records", "-"]);
    assert_eq!(fed.ended(0).lines().count(), 200);
    let out = folder.run(&["report", "a.log", "--threads=3", "--by=status", "--format=csv"]).ended(0);
    assert!(out.lines().nth(1).unwrap().starts_with("200,200,20000,"), "{out}");
}

#[test]
fn fault_21_docker_records_are_joined_and_another_wrapper_is_refused_by_name() {
    let folder = support::folder!();
    let (first, second) = (combined("/a", "0.100"), combined("/b", "1.200"));
    let (head, tail) = second.split_at(70);
    let log = docker(&(first + "\n")) + &docker(head) + &docker(&(tail.to_owned() + "\n"));
    folder.write("a.log", &log);
    let found = records(&folder, &["a.log"]);
    assert_eq!(
        (&found[0]["target"], &found[1]["target"], &found[1]["request_time"]),
        (&"/a".into(), &"/b".into(), &1.2.into())
    );
    assert_eq!(found.len(), 2);
    let inner = r#"{"time":"2011-11-30T14:05:00Z","status":200,"rt":0.1,"request":"GET /\u0063 HTTP/1.1"}"#;
    folder.write("b.log", docker(&format!("{inner}\n")));
    let run = folder.run(&["records", "b.log"]);
    assert!(
        run.err.starts_with("b.log: taken as docker around json by its keys: $time, $request_time = rt"),
        "{run:?}"
    );
    assert!(run.out.contains("\"target\":\"/c\""), "{run:?}");
    // Given, not found.
    assert_eq!(records(&folder, &["b.log", "--log-format=docker:json"]).len(), 1);
    assert_eq!(records(&folder, &["b.log", "--log-format=docker"]).len(), 1);
    assert_eq!(records(&folder, &["a.log", "--log-format=docker:with_time"]).len(), 2);
    let text = "docker:$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"-\" \"curl\" $request_time";
    assert_eq!(records(&folder, &["a.log", "--log-format", text]).len(), 2);
    folder
        .run(&["records", "a.log", "--log-format=cri:with_time"])
        .said(3, &["not as the container or syslog writes lines"]);
}

#[test]
fn syslog() {
    let folder = support::folder!();
    for header in [
        "<190>Nov 30 14:05:00 web1 nginx: ",
        "Nov 30 14:05:00 web1 nginx[7]: ",
        "2011-11-30T14:05:00.1+00:00 web1 nginx: ",
        "<190>1 2011-11-30T14:05:00Z web1 nginx 7 - - ",
    ] {
        let line = format!("{header}{}\n", combined("/a", "0.100"));
        folder.write("a.log", &line);
        let found = records(&folder, &["a.log"]);
        assert_eq!((&found[0]["target"], &found[0]["length"]), (&"/a".into(), &(line.len() - 1).into()), "{header}");
        assert_eq!(folder.run(&["lines", "a.log"]).ended(0), line);
    }
    // A reject's column is that of the line in the file.
    let header = "Nov 30 14:05:00 web1 nginx: ";
    let bad = combined("/a", "fast");
    folder.write("a.log", format!("{header}{}\n{header}{bad}\n", combined("/a", "0.100")));
    let run = folder.run(&["records", "a.log"]);
    let column = header.len() + bad.find("fast").unwrap() + 1;
    assert!(run.err.contains(&format!("a.log:2:{column}: ")), "{column} {run:?}");
}

#[test]
fn a_wrapper_in_a_configuration() {
    let folder = support::folder!();
    let requests: Vec<Request> = (0..3).map(|at| Request::new(NOON + at, 5, "/")).collect();
    folder.write("a.log", requests.iter().map(|request| cri("stdout", "F", &request.exact())).collect::<String>());
    let format = support::log::EXACT;
    folder.write("c.toml", format!("[[log]]\npath = \"a.log\"\nwrapper = \"cri\"\nformat = '{format}'\n"));
    let out = folder.run(&["report", "a.log", "--format=csv", "--config=c.toml"]).ended(0);
    assert!(out.lines().nth(1).unwrap().starts_with("__root,3,15,"), "{out}");
    folder.write("c.toml", format!("[[log]]\npath = \"a.log\"\nformat = 'cri:{format}'\n"));
    let out = folder.run(&["report", "a.log", "--format=csv", "--config=c.toml"]).ended(0);
    assert!(out.lines().nth(1).unwrap().starts_with("__root,3,15,"), "{out}");
}

/// Blocks that are read from the past, or again, end between records too.
#[test]
fn parts_of_a_record_stay_together_in_index_verify_and_rebuild() {
    let folder = support::folder!();
    let requests: Vec<Request> = (0..16_000).map(|at| Request::new(NOON + at, 5 + at as u64 % 90, "/")).collect();
    let log: String = requests.iter().fold(String::new(), |log, request| {
        let line = request.exact();
        let (head, tail) = line.split_at(line.len() / 2);
        log + &cri("stdout", "P", head) + &cri("stdout", "F", tail)
    });
    assert!(log.len() > 1 << 20);
    folder.write("a.log", &log);
    let (store, path) = (folder.path("store").display().to_string(), folder.path("a.log").display().to_string());
    let format = support::log::EXACT;
    let sections = format!("[[log]]\npath = '{path}'\nwrapper = \"cri\"\nformat = '{format}'\n");
    folder.write("c.toml", format!("store = '{store}'\n{sections}"));
    crate::index::index(&folder, &["a.log"]).ended(0);
    let counted = || {
        let out = crate::index::ask(&folder, &["report", "--format=csv"]).ended(0);
        assert!(out.lines().nth(1).unwrap().starts_with("__root,16000,"), "{out}");
        crate::index::ask(&folder, &["verify"]).said(0, &["with 16,000 lines"]);
    };
    counted();
    crate::index::flip(&crate::index::seal(&folder, "store"), 4);
    crate::index::index(&folder, &["--rebuild"]).said(0, &["restored from the logs"]);
    counted();
}

#[test]
fn a_wrapper_alone_is_enough_to_read_the_store_s_logs_again() {
    let folder = support::folder!();
    let log = cri("stdout", "F", &combined("/a", "0.100")) + &cri("stdout", "F", &combined("/b", "0.200"));
    folder.write("a.log", &log);
    folder.run(&["index", "--store=store", "--log-format=cri", "a.log"]).ended(0);
    let out = folder.run(&["lines", "--store=store", "--all", "--log-format=cri"]).ended(0);
    assert_eq!(out, log);
    folder.run(&["verify", "--store=store", "--log-format=cri"]).said(0, &["with 2 lines"]);
    // It has nothing to divide, so it takes no number of threads.
    folder.run(&["check", "a.log", "--threads=2"]).said(2, &["--threads"]);
}
