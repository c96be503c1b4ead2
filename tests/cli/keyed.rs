//! JSON and LTSV whose keys are in any order: found by themselves, given on the command line, given in a configuration.

use serde_json::Value;

use support::program::Folder;

const JSON: &str = r#"{"ts":1612322553.25,"rt":"0.120","status":200,"tenant":"a","request":"GET \/users\/7 HTTP\/1.1"}
{"status":"500","request":"GET /users/8 HTTP/1.1","shard":3,"rt":2.5,"ts":"2021-02-03T11:22:34.5+08:00","urt":["1.000","1.5"]}
{"level":"info","ts":1612322553.25,"msg":"reloaded"}
"#;

fn records(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let out = folder.run(&[&["records"], arguments].concat()).ended(0);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn json_is_found_and_what_it_was_taken_for_is_said() {
    let folder = support::folder!();
    folder.write("a.log", JSON);
    let run = folder.run(&["records", "a.log"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.err,
        "a.log: taken as json by its keys: $time = ts, $request_time = rt, $upstream_response_time = urt, $request, \
         $status\na.log:3:1: no key says when a request ended, or none tells of a request\n1 lines rejected\n"
    );
    let found: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, second] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (&first["end"], &first["request_time"], &first["tenant"]),
        (&1_612_322_553.25.into(), &0.12.into(), &"a".into())
    );
    assert_eq!(
        (&first["shard"], &first["target"], &first["route"]),
        (&Value::Null, &"/users/7".into(), &"users.__id".into())
    );
    assert_eq!(
        (&second["end"], &second["shard"], &second["status"]),
        (&1_612_322_554.5.into(), &3.into(), &500.into())
    );
    assert_eq!(second["upstream_response_time"], serde_json::json!([[1.0, 1.5]]));
    // The raw line, as it is in the file.
    let slow = folder.run(&["lines", "a.log", "--min-time=1s"]).ended(0);
    assert_eq!(slow.lines().collect::<Vec<_>>(), [JSON.lines().nth(1).unwrap()]);
}

#[test]
fn ltsv_with_labels_in_any_order() {
    let folder = support::folder!();
    folder.write("a.log", "status:200\ttime:2021-02-03T11:22:33+08:00\treqtime:0.5\turi:/a\nnew:1\turi:/a\tstatus:404\treqtime:-\ttime:2021-02-03T11:22:34+08:00\n");
    // nginx never leaves a request's time out: a log that does is answered for in part.
    let run = folder.run(&["report", "a.log", "--format=csv"]);
    run.said(3, &["partial: a.log: 1 of 2 lines have no $request_time"]);
    assert!(run.out.lines().nth(1).unwrap().starts_with("a,2,500,500,"), "{}", run.out);
    // A log_format of the library that fits every line goes first, and needs no word of what it was taken for.
    folder.write(
        "b.log",
        "time:2015-09-06T05:58:05+09:00\tmethod:POST\turi:/foo\tstatus:200\tsize:12\tapptime:0.057\tua:UA1\n",
    );
    let run = folder.run(&["report", "b.log"]);
    let untimed = "note: b.log: its format has no $request_time";
    assert!(run.code == 0 && run.err.starts_with(untimed) && run.err.lines().count() == 1, "{}", run.err);
}

/// Each kind is told with its keys; what a key holds in the one says nothing about the other.
#[test]
fn two_kinds_of_json_in_one_file_are_told_with_both() {
    let folder = support::folder!();
    let api = |n: usize, query: &str| {
        format!("{{\"ts\":\"2026-03-04T05:06:{n:02}Z\",\"rt\":0.1{n:02},\"path\":\"/a/{n}{query}\",\"status\":200}}\n")
    };
    let web = |n: usize| {
        format!("{{\"time\":\"2026-03-04T05:06:{n:02}Z\",\"took\":0.1,\"path\":\"/w/{n}\",\"code\":\"200\"}}\n")
    };
    // A value with arguments is no $uri. Lines without a time are counted, and never with exit 0.
    let mixed: String = (0..20).map(|n| if n % 2 == 0 { api(n, "?x=1") } else { web(n) }).collect();
    folder.write("a.log", &mixed);
    folder.run(&["report", "a.log"]).said(
        3,
        &[
            "a.log: taken as json by its keys; its lines are of 2 kinds:",
            "10 of the first 20: $time = ts, $request_time = rt, $path, $status",
            "10 of the first 20: $time, $path, $status = code; no $request_time",
            "partial: a.log: 10 of 20 lines have no $request_time: they are counted, and in no latency",
        ],
    );
    folder.run(&["slow", "a.log"]).said(3, &["partial: a.log: 10 of 20 lines have no $request_time"]);
    for (record, n) in records(&folder, &["a.log"]).iter().zip(0..) {
        let target = if n % 2 == 0 { format!("/a/{n}?x=1") } else { format!("/w/{n}") };
        assert_eq!((&record["target"], &record["path"]), (&target.clone().into(), &target.into()), "{record}");
        assert!(record["uri"].is_null() && record["request_uri"].is_null(), "{record}");
    }
    // One in twenty is a note: torn lines and health checks of another program.
    folder.write("a.log", (0..40).map(|n| if n == 7 { web(n) } else { api(n, "?x=1") }).collect::<String>());
    folder.run(&["report", "a.log"]).said(0, &["2 kinds", "note: a.log: 1 of 40 lines have no $request_time"]);
    // Of one kind the same key is the target that the client sent.
    folder.write("a.log", (0..9).map(|n| api(n, if n == 3 { "?x=1" } else { "" })).collect::<String>());
    folder
        .run(&["report", "a.log"])
        .said(0, &["by its keys: $time = ts, $request_time = rt, $request_uri = path, $status"]);
    assert!(
        records(&folder, &["a.log"])
            .iter()
            .all(|record| record["request_uri"] == record["target"] && record["uri"].is_null())
    );
    // Unless it has bytes that a client would have escaped.
    folder.write("a.log", api(1, "?x=1") + &api(2, " b"));
    folder.run(&["report", "a.log"]).said(0, &["$path, $status"]);
    folder.write("a.log", (0..9).map(|n| api(n, "")).collect::<String>());
    folder.run(&["report", "a.log"]).said(0, &["$uri = path"]);
}

/// A target under another key, behind the lines that the keys were learnt from.
#[test]
fn a_late_uri_is_a_target() {
    let folder = support::folder!();
    let line = |key: &str, more: &str| {
        format!("{{\"ts\":1772600000,\"{key}\":\"/{more}\",\"status\":200,\"rt\":0.1}}\n").repeat(500)
    };
    for (first, more) in [("request_uri", "a"), ("path", "a?x=1"), ("request", "a")] {
        folder.write("a.log", line(first, more) + &line("uri", "b"));
        let out = folder.run(&["report", "a.log", "--format=csv"]).ended(0);
        assert!(out.contains("\nb,500,"), "{first}: {out}");
    }
}

/// The names of columns come from the log: they are no formula for a spreadsheet.
#[test]
fn hostile_keys() {
    let folder = support::folder!();
    folder
        .write("a.log", r#"{"time":"2021-02-03T11:22:33Z","status":200,"=cmd|x!A1":"=1+1","\u001b[31m":"\u001b[31m"}"#);
    let out = folder.run(&["records", "a.log", "--format=csv"]).ended(0);
    assert!(out.contains(",'=cmd|x!a1,") && out.contains(",'=1+1,"), "{out}");
    let found = records(&folder, &["a.log"]);
    assert_eq!(found[0]["=cmd|x!a1"], "=1+1");
}

#[test]
fn keys_of_ones_own() {
    let folder = support::folder!();
    folder
        .write("a.log", r#"{"when":"2021-02-03T11:22:33Z","what":"GET /a HTTP/1.1","http":{"code":200},"took":1500}"#);
    let spec = "json time=when request=what status=http.code request_time=took:ms";
    let found = records(&folder, &["a.log", "--log-format", spec]);
    assert_eq!((&found[0]["request_time"], &found[0]["status"]), (&1.5.into(), &200.into()));
    folder.run(&["records", "a.log"]).said(2, &["its lines fit none of the"]);
    let said = folder.run(&["records", "a.log", "--log-format", "json reqest_time=took"]);
    assert!(said.code == 2 && said.err.contains("did you mean `request_time`?"), "{said:?}");
    let said = folder.run(&["records", "a.log", "--log-format", "jsn"]);
    assert!(said.code == 2 && said.err.contains("did you mean `json`?"), "{said:?}");
    folder.run(&["records", "a.log", "--log-format=json", "--escape=json"]).said(2, &["leave out --escape"]);
}

#[test]
fn keys_in_a_configuration() {
    let folder = support::folder!();
    folder.write("a.log", r#"{"when":"2021-02-03T11:22:33Z","request":"GET /a HTTP/1.1","status":200,"took":1500}"#);
    let log = |keys: &str| format!("[[log]]\npath = \"a.log\"\nformat = \"json\"\n{keys}\n");
    folder.write("c.toml", log("keys = { time = \"when\", request_time = \"took:ms\" }"));
    let found = records(&folder, &["a.log", "--config=c.toml"]);
    assert_eq!(found[0]["request_time"], 1.5);
    for (keys, said) in [
        ("keys = { reqest_time = \"took\" }", "did you mean `request_time`?"),
        ("keys = { request_time = \"took:min\" }", "unknown unit `min`"),
        ("keys = { request_time = \"\" }", "`request_time` is empty"),
        ("key = { request_time = \"took\" }", "did you mean `keys`?"),
        ("wrapper = \"dokcer\"", "did you mean `docker`?"),
    ] {
        folder.write("c.toml", log(keys));
        let run = folder.run(&["records", "a.log", "--config=c.toml"]);
        assert!(run.code == 2 && run.err.contains(said) && run.err.contains("c.toml:4:"), "{keys}: {run:?}");
    }
    folder.write("c.toml", "[[log]]\npath = \"a.log\"\nformat = \"combined\"\nkeys = { status = \"code\" }\n");
    let run = folder.run(&["records", "a.log", "--config=c.toml"]);
    assert!(run.code == 2 && run.err.contains("`keys` goes only with"), "{run:?}");
}

#[test]
fn check_does_not_ask_for_a_key_that_is_there_and_empty() {
    let folder = support::folder!();
    let line = "{\"time\":\"2021-02-03T11:22:33.125Z\",\"status\":200,\"request_time\":0.250,\"request\":\"GET /a HTTP/1.1\",\
        \"bytes_sent\":5,\"upstream_response_time\":\"\",\"upstream_connect_time\":\"\",\"upstream_header_time\":\"\"}\n";
    folder.write("a.log", line.repeat(30));
    let out = folder.run(&["check", "a.log"]).fine();
    assert!(!out.contains("upstream_header_time:") && !out.contains("cannot be told apart"), "{out}");
    let without = line.replace(",\"upstream_header_time\":\"\"", "");
    folder.write("b.log", without.repeat(30));
    let out = folder.run(&["check", "b.log"]).fine();
    assert!(out.contains("no key that was found holds $upstream_header_time:"), "{out}");
}

#[test]
fn the_store_knows_whether_a_keyed_log_says_milliseconds() {
    for (time, whole) in
        [("\"2021-02-03T11:22:33Z\"", true), ("1612351353.000", false), ("\"2021-02-03T11:22:33,120Z\"", false)]
    {
        let folder = support::folder!();
        folder.write("c.toml", "store = \"s\"\n[[log]]\npath = \"a.log\"\nformat = \"json\"\n");
        folder.write("a.log", format!("{{\"time\":{time},\"status\":200,\"request\":\"GET /a HTTP/1.1\"}}\n"));
        folder.run(&["index", "a.log", "--config=c.toml"]).ended(0);
        let run = folder.run(&["report", "--config=c.toml", "--from=2021-02-03T11:22Z", "--until=2021-02-03T11:23Z"]);
        assert_eq!(run.err.contains("known to the second only"), whole, "{time}: {}", run.err);
        assert!(run.out.contains("all"), "{}", run.out);
    }
}
