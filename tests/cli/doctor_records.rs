//! `check` on logs whose values have keys, and on logs inside a wrapper.

fn json(n: u64) -> String {
    format!("{{\"status\":200,\"took\":{n},\"uri\":\"/a/{n}\",\"ts\":{},\"method\":\"GET\"}}", 1_612_322_553 + n)
}

#[test]
fn keys_are_named_and_what_they_lack_is_asked_for_as_they_would_be_logged() {
    let folder = support::folder!();
    folder.write("a.log", (0..5).map(|n| json(n) + "\n").collect::<String>());
    let out = folder.run(&["check", "a.log"]).fine();
    for expected in [
        "ok    a.log: found format `json`: 100.00 % of the 5 lines tried",
        "taken as json by its keys: $time = ts,",
        "$time = ts",
        "2021-02-03T03:22:33.000Z",
        "no key that was found holds $request_time: no latency",
        "        ,\"request_time\":$request_time\n",
        "of its keys, `took` can hold a duration (whole numbers: ms,",
        "request_time=took:ms\"",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
    assert!(!out.contains("holds $status") && !out.contains("log_format json"), "{out}");

    let out = folder.run(&["check", "a.log", "--log-format", "json request_time=took:ms"]).fine();
    assert!(out.contains("$request_time = took in ms") && !out.contains("no latency"), "{out}");
}

#[test]
fn labels_are_asked_for_with_a_tab_that_can_be_read() {
    let folder = support::folder!();
    let line = |n: u64| format!("status:200\ttime:{}\turi:/a/{n}\n", 1_612_322_553 + n);
    folder.write("a.log", (0..5).map(line).collect::<String>());
    let out = folder.run(&["check", "a.log"]).fine();
    assert!(out.contains("        \\trequest_time:$request_time\n"), "{out}");
}

#[test]
fn a_wrapper_is_marked_and_its_records_are_put_together() {
    let folder = support::folder!();
    let record = |n: u64| {
        let line = json(n);
        let (head, tail) = line.split_at(20);
        format!(
            "2020-05-10T12:00:00.000000000Z stdout P {head}\n2020-05-10T12:00:00.000000000Z stderr F {}\n\
             2020-05-10T12:00:00.000000001Z stdout F {tail}\n",
            json(n)
        )
    };
    folder.write("a.log", (0..50).map(record).collect::<String>());
    let out = folder.run(&["check", "a.log"]).fine();
    for expected in [
        "taken as cri around json by its keys",
        "ok    a.log: 100.00 % of 100 records fit format `cri:json`",
        "(as nginx wrote it; cri holds it in parts, or escaped)",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
    assert!(!out.contains(" x "), "{out}");

    let whole = |n: u64| format!("2020-05-10T12:00:00.000000000Z stdout F {}\n", json(n));
    folder.write("b.log", (0..50).map(whole).collect::<String>());
    let out = folder.run(&["check", "b.log", "--log-format", "cri"]).fine();
    let lines: Vec<&str> = out.lines().skip_while(|line| !line.contains("what is read in it")).collect();
    assert!(lines[2].starts_with("        =~~~~"), "{out}");
    assert!(out.contains("        = cri"), "{out}");
}

/// A sample takes parts of a large log: none of its records may be torn by that.
#[test]
fn a_sample_of_a_wrapped_log_has_whole_records() {
    let folder = support::folder!();
    let mut log = String::new();
    for n in 0..70_000 {
        let line = json(n);
        let (head, tail) = line.split_at(30);
        log += &format!(
            "2020-05-10T12:00:00.000000000Z stdout P {head}\n2020-05-10T12:00:00.000000001Z stdout F {tail}\n"
        );
    }
    assert!(log.len() > 9 << 20, "{}", log.len());
    folder.write("a.log", log);
    let out = folder.run(&["check", "a.log"]).fine();
    assert!(out.contains("looked at: its head, "), "{out}");
    assert!(out.contains("ok    a.log: 100.00 % of "), "{out}");
    assert!(!out.contains(" x "), "{out}");
}

#[test]
fn a_reject_inside_an_escaped_record_is_pointed_at_in_what_nginx_wrote() {
    let folder = support::folder!();
    let record = |text: &str| {
        let log = serde_json::Value::from(format!("{text}\n"));
        format!("{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"2020-05-10T12:00:00.1Z\"}}\n")
    };
    let good: String = (0..5).map(|n| record(&json(n))).collect();
    folder.write("a.log", good + &record("oops \"\u{1b}[2J\""));
    let out = folder.run(&["check", "a.log"]).fine();
    assert!(out.contains("column 1 of what nginx wrote: not json: unexpected `oops"), "{out}");
    assert!(out.contains("        oops \"\\x1B[2J\"\n        ^\n") && !out.contains('\u{1b}'), "{out}");
}
