//! Questions beyond what the store kept are answered from the lines, or say that they are not.

use std::os::unix::fs::PermissionsExt;

use support::log::{NOON, Request, csv, rows, seconds, text};
use support::program::{Folder, Run};

use crate::index::{ask, configure, folder, index};

/// The lines of these requests, by their ends.
fn sorted(requests: &[Request], is_wanted: impl Fn(&Request) -> bool) -> Vec<String> {
    let mut wanted: Vec<&Request> = requests.iter().filter(|request| is_wanted(request)).collect();
    wanted.sort_by_key(|request| request.end);
    wanted.into_iter().map(Request::exact).collect()
}

#[track_caller]
fn shows(run: &Run, code: i32, lines: &[String]) {
    assert!(run.code == code && run.lines() == lines, "{} lines for {}: {}", run.lines().len(), lines.len(), run.err);
}

/// How many slow requests of how many each class has.
fn classes(run: &Run) -> Vec<(String, String, u64, u64)> {
    let mut found = Vec::new();
    for row in run.out.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        found.push((text("route"), text("status"), row["slow"].as_u64().unwrap(), row["count"].as_u64().unwrap_or(0)));
    }
    found.sort();
    found
}

/// The same, counted from the requests: `slow_ms` is when one is slow.
fn expected(requests: &[Request], slow_ms: impl Fn(&Request) -> u64) -> Vec<(String, String, u64, u64)> {
    let mut found: Vec<(String, String, u64, u64)> = Vec::new();
    for request in requests {
        let (route, class) = (request.route().to_owned(), request.status.to_string());
        let at = match found.iter().position(|row| row.0 == route && row.1 == class) {
            Some(at) => at,
            None => {
                found.push((route, class, 0, 0));
                found.len() - 1
            }
        };
        found[at].2 += u64::from(request.time >= slow_ms(request));
        found[at].3 += 1;
    }
    found.retain(|row| row.2 > 0);
    found.sort();
    found
}

/// A store of 2,000 requests with a threshold of a second.
fn taken_in() -> (Folder, Vec<Request>) {
    let (folder, requests) = folder(2000, "");
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]).ended(0);
    (folder, requests)
}

#[test]
fn a_question_below_what_was_kept_is_answered_from_the_lines() {
    let (folder, requests) = taken_in();
    let quick = sorted(&requests, |request| request.time >= 100);
    shows(&ask(&folder, &["lines", "--min-time=100ms"]), 0, &quick);
    let short = sorted(&requests, |request| request.time < 30);
    shows(&ask(&folder, &["lines", "--max-time=30ms"]), 0, &short);
    let between = sorted(&requests, |request| (1000..1500).contains(&request.time));
    shows(&ask(&folder, &["lines", "--min-time=1s", "--max-time=1500ms"]), 0, &between);
    let run = ask(&folder, &["slow", "--max-time=1500ms", "--format=jsonl", "--limit=99"]);
    let slow: u64 = classes(&run).iter().map(|class| class.2).sum();
    assert_eq!(slow, between.len() as u64, "{}", run.err);
    let missing = sorted(&requests, |request| request.status == 404);
    shows(&ask(&folder, &["lines", "--status=404"]), 0, &missing);
    let both = sorted(&requests, |request| request.time >= 50 && request.route() == "users.__id");
    shows(&ask(&folder, &["lines", "--min-time=50ms", "--route=users.__id"]), 0, &both);
    let run = ask(&folder, &["slow", "--threshold=100ms", "--format=jsonl", "--limit=99"]);
    assert_eq!((run.code, classes(&run)), (0, expected(&requests, |_| 100)), "{}", run.err);
    // A part of a class is counted as that part.
    let of_404: Vec<Request> = requests.iter().filter(|request| request.status == 404).cloned().collect();
    let run = ask(&folder, &["slow", "--status=404", "--format=jsonl", "--limit=99"]);
    assert_eq!((run.code, classes(&run)), (0, expected(&of_404, |_| 1000)), "{}", run.err);
    let report = ask(&folder, &["report", "--status=404", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(&of_404, |request| request.route().to_owned())));
}

#[test]
fn without_the_lines_the_slow_ones_that_were_kept_are_counted() {
    let (folder, requests) = taken_in();
    std::fs::remove_file(folder.path("a.log")).unwrap();
    for (more, threshold) in [(&[][..], 1000), (&["--threshold=1.2s"], 1200)] {
        let arguments = [&["slow", "--format=jsonl", "--limit=99", "--samples=0"], more].concat();
        let run = ask(&folder, &arguments);
        run.said(3, &["of what could not be read, the slow requests that the index holds are counted", "partial"]);
        // How many there were in all, and how long these took, is not known.
        let slow =
            expected(&requests, |_| threshold).into_iter().map(|(route, status, slow, _)| (route, status, slow, 0));
        assert_eq!(classes(&run), slow.collect::<Vec<_>>(), "{}", run.err);
        assert!(run.out.contains("\"p95_ms\":null") && run.out.contains("\"share\":null"), "{}", run.out);
    }
    for question in [&["slow", "--threshold=100ms"][..], &["lines", "--min-time=100ms"], &["lines", "--status=404"]] {
        ask(&folder, question).said(3, &["gone: the log last seen as", "partial"]);
    }
    // What the index does not hold of them makes no class.
    ask(&folder, &["slow", "--by=host"]).said(3, &["are in no class: the index has route and status only"]);
}

#[test]
fn a_window_off_the_slots_edges_is_counted_from_the_lines() {
    let (folder, requests) = taken_in();
    // Within one slot, over an edge, over two, and with whole slots between.
    for (from, until) in [(65_000, 66_000), (65_000, 75_000), (59_999, 60_001), (61_500, 100_700), (60_000, 71_250)] {
        let (from, until) = (NOON + from, NOON + until);
        let inside: Vec<Request> =
            requests.iter().filter(|request| (from..until).contains(&request.end)).cloned().collect();
        let window = [format!("--from={}", seconds(from)), format!("--until={}", seconds(until))];
        let window: Vec<&str> = window.iter().map(String::as_str).collect();
        let report = ask(&folder, &[&["report", "--format=csv"], &window[..]].concat());
        let wanted = rows(&inside, |request| request.route().to_owned());
        assert_eq!(report.ended(i32::from(wanted.is_empty())), csv("route", &wanted), "{window:?}");
        let slow = ask(&folder, &[&["slow", "--format=jsonl", "--limit=99"], &window[..]].concat());
        assert_eq!(classes(&slow), expected(&inside, |_| 1000), "{window:?}");
    }
}

#[test]
fn without_the_lines_the_window_that_is_answered_is_said() {
    let (folder, requests) = taken_in();
    std::fs::remove_file(folder.path("a.log")).unwrap();
    let window = [format!("--from={}", seconds(NOON + 65_000)), format!("--until={}", seconds(NOON + 75_000))];
    let run = ask(&folder, &["report", "--format=json", &window[0], &window[1]]);
    run.said(3, &["this is the answer for 2011-11-30T14:06:00.000Z .. 2011-11-30T14:06:20.000Z", "partial"]);
    let answer: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(answer["from"], "2011-11-30T14:06:00.000Z");
    let inside = requests.iter().filter(|request| (NOON + 60_000..NOON + 80_000).contains(&request.end)).count();
    let counts = answer["rows"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), inside as u64);
}

/// 40 requests of a quick route, of which its own threshold makes the half slow, and 40 that may take hours.
fn of_two_routes() -> Vec<Request> {
    let mut requests = Vec::new();
    for n in 0..40 {
        let end = NOON + 1000 * n;
        requests.push(Request::new(end, if n % 2 == 0 { 250 } else { 20 }, "/quick"));
        requests.push(Request::new(end + 1, 3_000_000, "/ws").status(101));
    }
    requests
}

const RULES: &str = "[[route]]\nname = \"ws\"\nstatus = 101\nthreshold = \"10h\"\n[[route]]\nname = \"quick\"\npath = \"/quick\"\nthreshold = \"200ms\"\n";

#[test]
fn a_route_has_the_same_threshold_everywhere() {
    let folder = support::folder!();
    configure(&folder, "c.toml", "store", RULES);
    folder.write("a.log", text(&of_two_routes(), Request::exact));
    index(&folder, &["a.log"]).ended(0);
    for source in [&[][..], &["a.log"]] {
        let slow = ask(&folder, &[&["slow", "--format=jsonl", "--limit=99"], source].concat());
        let wanted = [("quick".to_owned(), "200".to_owned(), 20, 40)];
        assert_eq!(classes(&slow), wanted, "{source:?}: {}", slow.err);
        let report = ask(&folder, &[&["report", "--format=csv"], source].concat()).ended(0);
        let slow_of = |route: &str| {
            let row = report.lines().find(|row| row.starts_with(&format!("{route},"))).unwrap();
            row.split(',').nth(10).unwrap().to_owned()
        };
        assert_eq!((slow_of("quick"), slow_of("ws")), ("20".to_owned(), "0".to_owned()), "{source:?}");
        // What is named on the command line holds for all routes.
        let slow = ask(&folder, &[&["slow", "--format=jsonl", "--limit=99", "--threshold=1s"], source].concat());
        assert_eq!(classes(&slow), [("ws".to_owned(), "101".to_owned(), 40, 40)], "{source:?}: {}", slow.err);
        let slow = ask(
            &folder,
            &[&["slow", "--format=jsonl", "--limit=99", "--threshold=1s", "--route=!ws"], source].concat(),
        );
        assert_eq!((slow.code, classes(&slow)), (1, Vec::new()), "{source:?}");
    }
}

#[test]
fn thresholds_that_changed_are_those_of_now_in_every_answer() {
    let (folder, requests) = folder(2000, "[slow]\nthreshold = \"1900ms\"\n");
    folder.write("a.log", text(&requests[..1000], Request::exact));
    index(&folder, &["a.log"]).ended(0);
    configure(&folder, "c.toml", "store", "[slow]\nthreshold = \"1s\"\n");
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]).ended(0);
    let slow = ask(&folder, &["slow", "--format=jsonl", "--limit=99"]);
    assert_eq!((slow.code, classes(&slow)), (0, expected(&requests, |_| 1000)), "{}", slow.err);
    let report = ask(&folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(&requests, |request| request.route().to_owned())));
    let run = ask(&folder, &["lines", "--min-time=1s"]);
    shows(&run, 0, &sorted(&requests, |request| request.time >= 1000));
    let kept = ask(&folder, &["lines"]);
    for line in sorted(&requests, |request| request.time >= 1000 || request.status >= 500) {
        assert!(kept.lines().contains(&line.as_str()), "{line} is not among what is kept");
    }
    // What was counted by other thresholds is no difference, and no proof either.
    ask(&folder, &["verify"]).said(3, &["lines are not verifiable", "other [[route]] rules or thresholds"]);
}

#[test]
fn a_route_is_left_out_by_its_name_behind_an_exclamation_mark() {
    let (folder, requests) = taken_in();
    let others: Vec<Request> = requests.iter().filter(|request| request.route() != "slow").cloned().collect();
    for source in [&[][..], &["a.log"]] {
        let report = ask(&folder, &[&["report", "--format=csv", "--route=!slow"], source].concat());
        assert_eq!(report.ended(0), csv("route", &rows(&others, |request| request.route().to_owned())));
        let all = ask(&folder, &[&["lines", "--all", "--route=!slow", "--route=!users.*"], source].concat());
        let wanted = sorted(&others, |request| !request.route().starts_with("users."));
        if source.is_empty() {
            shows(&all, 0, &wanted);
        } else {
            assert_eq!(all.lines().len(), wanted.len());
        }
    }
    assert!(requests.len() > others.len());
    // The configuration may leave it out for good; what is asked for goes before it.
    configure(&folder, "c.toml", "store", "[slow]\nroute = \"!slow\"\n[report]\nroute = [\"!slow\"]\n");
    let report = ask(&folder, &["report", "--format=csv"]);
    assert_eq!(report.ended(0), csv("route", &rows(&others, |request| request.route().to_owned())));
    ask(&folder, &["slow"]).said(1, &["complete"]);
    let slow = ask(&folder, &["slow", "--route=slow", "--format=jsonl", "--limit=99"]);
    assert_eq!(classes(&slow), expected(&requests, |_| 1000));
}

/// A missing permission is told as one: what is in the log is not lost.
#[test]
fn a_log_that_may_not_be_read_is_not_called_gone() {
    let (folder, _) = taken_in();
    let open = |name: &str, mode: u32| {
        std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    open("a.log", 0o600);
    let everything = [folder.path("store"), folder.path("store/segments"), folder.path("store/points")];
    for path in everything.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = path.unwrap().path();
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    open("store", 0o755);
    let by_nobody = |arguments: &[&str]| {
        let command = folder.command(&[arguments, &["--config=c.toml"]].concat());
        let mut nobody = std::process::Command::new("setpriv");
        nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        nobody.arg(command.get_program()).args(command.get_args());
        nobody.current_dir(folder.path("")).env("TZ", "UTC").env("HOME", folder.path(""));
        let output = nobody.output().ok()?;
        Some((
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
            output.status.code(),
        ))
    };
    let Some((out, err, code)) = by_nobody(&["lines"]) else { return eprintln!("skipped: needs setpriv") };
    if code == Some(127) || err.contains("setpriv: ") {
        return eprintln!("skipped: only root can become another user");
    }
    assert_eq!(code, Some(3), "{err}");
    assert!(out.contains("# raw line cannot be read: ") && !out.contains("gone"), "{out}");
    assert!(err.contains("raw lines are there, and cannot be read") && err.contains("Permission denied"), "{err}");
    assert!(!err.contains("gone"), "{err}");
    let (out, err, code) = by_nobody(&["slow"]).unwrap();
    assert!(code == Some(3) && out.contains("(raw line cannot be read)") && !out.contains("gone"), "{out}{err}");
    let (_, err, code) = by_nobody(&["verify"]).unwrap();
    assert!(code == Some(3) && err.contains("Permission denied") && !err.contains("gone"), "{err}");
}

/// `report`, `index` and `check` read the same files for the same pattern.
#[test]
fn a_pattern_in_quotes_means_the_same_to_every_command() {
    let (folder, requests) = folder(900, "");
    folder.gz("a.log.2.gz", text(&requests[..500], Request::exact));
    folder.write("a.log.1", text(&requests[500..], Request::exact));
    let report = ask(&folder, &["report", "--format=csv", "a.log*"]);
    assert_eq!(report.ended(0), csv("route", &rows(&requests, |request| request.route().to_owned())));
    index(&folder, &["a.log*"]).said(0, &["900 lines"]);
    for command in ["report", "index", "lines", "check"] {
        let run = ask(&folder, &[command, "b.log*"]);
        assert!(
            (run.out.clone() + &run.err).contains("no file matches this pattern") && run.code == 3,
            "{command}: {run:?}"
        );
    }
}

/// People read what is meant; Graphite's name is for Graphite and for programs, and both are understood.
#[test]
fn a_route_is_shown_readably_and_asked_for_by_either_name() {
    let (folder, _) = folder(0, "");
    let mut requests = vec![Request::new(NOON, 1500, "/static/app.js"), Request::new(NOON + 1, 1500, "/")];
    requests.push(Request::new(NOON + 2, 1500, "/users/7"));
    let lines = text(&requests, Request::exact);
    let broken = Request::new(NOON + 3, 1500, "/").exact().replace("\"GET / HTTP/1.1\"", "\"\\x16\\x03\\x01\"");
    folder.write("a.log", lines + &broken + "\n");
    index(&folder, &["a.log"]).said(0, &["4 lines, 0 rejected"]);
    for source in [&[][..], &["a.log"]] {
        for command in ["report", "slow"] {
            let table = ask(&folder, &[&[command], source].concat()).ended(0);
            for name in ["[malformed]", "[root]", "static.app.js", "users.{id}"] {
                assert!(table.contains(name), "{name} is not in {table}");
            }
            assert!(!table.contains("__") && !table.contains("_2E"), "{table}");
        }
        for (readable, name) in
            [("[malformed]", "__malformed"), ("[root]", "__root"), ("static.app.js", "static.app_2Ejs")]
        {
            for asked in [readable, name] {
                let run = ask(&folder, &[&["report", "--format=csv", "--route", asked], source].concat());
                let rows: Vec<&str> =
                    run.lines().into_iter().skip(1).map(|row| row.split(',').next().unwrap()).collect();
                assert_eq!(rows, [name], "{asked}");
                assert!(!run.err.contains("knows no route"), "{}", run.err);
            }
        }
    }
}

/// nginx's own `combined` says nothing of times: people are told what to add, and no latency is called 0.
#[test]
fn a_log_without_times_has_none_and_says_what_to_add() {
    let folder = support::folder!();
    let path = |name: &str| folder.path(name).display().to_string();
    let log = path("a.log");
    folder.write("c.toml", format!("store = '{}'\n[[log]]\npath = '{log}'\nformat = \"combined\"\n", path("store")));
    let line = "192.0.2.7 - - [30/Nov/2011:14:05:01 +0000] \"GET /a HTTP/1.1\" 502 12 \"-\" \"curl/8\"\n";
    folder.write("a.log", line.repeat(3));
    let add = &["its format has no $request_time: no latencies", "add rt=$request_time msec=$msec to its log_format"];
    index(&folder, &["a.log"]).said(0, add);
    for source in [&[][..], &["a.log"]] {
        let report = ask(&folder, &[&["report"], source].concat());
        report.said(0, add);
        assert!(!report.out.contains(" ms"), "{}", report.out);
        ask(&folder, &[&["slow"], source].concat()).said(1, add);
        for all in [&[][..], &["--all"]] {
            let lines = ask(&folder, &[&["lines", "--format=jsonl"], all, source].concat());
            let first: serde_json::Value = serde_json::from_str(lines.lines()[0]).unwrap();
            assert_eq!((lines.lines().len(), &first["request_time_ms"]), (3, &serde_json::Value::Null));
        }
    }
    std::fs::remove_file(folder.path("a.log")).unwrap();
    let run = ask(&folder, &["lines"]);
    assert!(run.out.starts_with("# raw line gone: 2011-11-30T14:05:01.000Z status 502"), "{}", run.out);
}

/// The records of the store are those of its files.
#[test]
fn records_come_from_the_store_as_from_its_files() {
    let (folder, requests) = taken_in();
    let (from, until) = (NOON + 61_500, NOON + 75_250);
    let window = [format!("--from={}", seconds(from)), format!("--until={}", seconds(until))];
    let inside = requests.iter().filter(|request| (from..until).contains(&request.end)).count();
    for more in [&[][..], &["--status=5xx"], &["--route=!slow", "--min-time=100ms"], &["--limit=3"]] {
        let records = |source: &[&str]| {
            let run = ask(&folder, &[&["records", &window[0], &window[1]], more, source].concat());
            let mut records: Vec<serde_json::Value> =
                run.ended(0).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            for record in &mut records {
                let record = record.as_object_mut().unwrap();
                // The store knows where a line is by its bytes alone, and its log by the whole path.
                record.retain(|name, _| name != "line" && name != "file");
            }
            records
        };
        let of_store = records(&[]);
        assert_eq!(of_store, records(&["a.log"]), "{more:?}");
        assert!(!of_store.is_empty() && (!more.is_empty() || of_store.len() == inside), "{more:?}");
    }
    let csv = ask(&folder, &["records", "--format=csv", "--limit=1"]).ended(0);
    assert!(csv.starts_with("file,line,offset,length,start,end,route,method,target,protocol,status,msec,"), "{csv}");
    // What is gone is said.
    std::fs::remove_file(folder.path("a.log")).unwrap();
    ask(&folder, &["records"]).said(3, &["gone: the log last seen as", "partial"]);
}

/// What `records` says of a line stands in the JSON of `lines` too, over files and over the store, read again or from the index.
#[test]
fn lines_as_json_carry_the_parsed_fields() {
    let (folder, _) = taken_in();
    for source in [&[][..], &["a.log"]] {
        for more in [&["--all"][..], &["--min-time=1s"]] {
            let out = ask(&folder, &[&["lines", "--format=jsonl", "--limit=9"], more, source].concat()).ended(0);
            for row in out.lines() {
                let row: serde_json::Value = serde_json::from_str(row).unwrap();
                let line = row["line"].as_str().unwrap();
                let target = line.split(' ').find(|word| word.starts_with('/')).unwrap();
                assert_eq!((&row["target"], &row["protocol"]), (&target.into(), &"HTTP/1.1".into()), "{row}");
                assert_eq!(row["upstream_addr"], serde_json::json!([["10.0.0.1:80"]]));
                assert_eq!(row["request_time"].as_f64(), row["request_time_ms"].as_u64().map(|ms| ms as f64 / 1000.0));
            }
        }
        let csv = ask(&folder, &[&["lines", "--format=csv", "--limit=1"], source].concat()).ended(0);
        assert!(csv.starts_with(
            "start,end,request_time_ms,in_window,route,status,upstream_response_time_ms,kept,file,offset,length,line\n"
        ));
    }
}

/// The times of upstreams are those of a plain count, over files, from cells, and from the lines at a window's edges.
#[test]
fn the_times_of_upstreams_are_shown_if_asked_for() {
    let (folder, requests) = taken_in();
    let sum_of = |request: &Request| match request.upstream {
        "-" => None,
        "0.001" => Some(1),
        _ => Some(5),
    };
    for (from, until) in [(NOON, NOON + 600_000), (NOON + 61_500, NOON + 75_250)] {
        let window = [format!("--from={}", seconds(from)), format!("--until={}", seconds(until))];
        let of_slow: Vec<&Request> = requests
            .iter()
            .filter(|request| (from..until).contains(&request.end) && request.route() == "slow")
            .collect();
        let sum: u64 = of_slow.iter().filter_map(|request| sum_of(request)).sum();
        for source in [&[][..], &["a.log"]] {
            let report = |more: &[&str]| {
                let run = ask(&folder, &[&["report", "--format=jsonl", &window[0], &window[1]], more, source].concat());
                let rows: Vec<serde_json::Value> =
                    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                (rows, run.err)
            };
            for by in ["route", "route,method"] {
                let (rows, said) = report(&["--times=upstream_response_time", &format!("--by={by}")]);
                let own = rows.iter().filter(|row| row["route"] == "slow");
                assert_eq!(own.map(|row| row["sum_ms"].as_u64().unwrap()).sum::<u64>(), sum, "{source:?} {by}: {said}");
                assert!(said.contains("all times are those of $upstream_response_time"), "{said}");
            }
            let (rows, _) = report(&["--times=all"]);
            let time = |name: &str| rows.iter().find(|row| row["route"] == "slow" && row["time"] == name);
            assert_eq!(time("upstream_response_time").unwrap()["sum_ms"], sum);
            let took: u64 = of_slow.iter().map(|request| request.time).sum();
            assert_eq!(time("request_time").unwrap()["sum_ms"], took);
            assert!(time("upstream_connect_time").is_none(), "the log has none");
        }
    }
    ask(&folder, &["report", "--times=upstream"]).said(2, &["`upstream` is no time that is counted"]);
}
