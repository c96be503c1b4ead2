//! `records`: the fields of every request, as PRODUCT's contract names them.

use serde_json::{Value, json};

use support::log::{EXACT, NOON, Request, requests, text};
use support::program::Folder;

const LAB: &str = "127.0.0.1 - - [22/Nov/2026:20:58:08 +0000] \"GET /fo/xaccel HTTP/1.1\" 200 3 \"-\" \"-\" rt=0.036 \
    ua=\"127.0.0.1:34075, 127.0.0.1:33131 : 127.0.0.1:36589, unix:/run/a.sock\" us=\"502, 200 : 502, 200\" \
    ut=\"0.000, 0.006 : 0.022, 0.007\" uct=\"-, 0.000 : 0.000, 0.000\" uht=\"-, 0.006 : 0.022, 0.007\" \
    ubr=\"0, 145 : 123, 114\" cs=- msec=1795381088.948 iso=2026-11-22T20:58:08+00:00 p=. c=35 cr=1 rl=62 bs=119 m=GET \
    u=\"/internal/x\" a=\"-\" h=\"lab.test\" proto=HTTP/1.1 done=OK id=bc801ceef3db64204285a44534e7f876 xff=\"-\"";

fn of(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let out = folder.run(&[&["records"], arguments].concat()).ended(0);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_field_has_its_type() {
    let folder = support::folder!();
    let second = LAB
        .replace("127.0.0.1:34075, 127.0.0.1:33131 : 127.0.0.1:36589, unix:/run/a.sock", "-")
        .replace("502, 200 : 502, 200", "-")
        .replace("0.000, 0.006 : 0.022, 0.007", "-")
        .replace("-, 0.000 : 0.000, 0.000", "-")
        .replace("-, 0.006 : 0.022, 0.007", "0.001, 0.002 : ");
    folder.write("lab.log", format!("{LAB}\n{second}\n"));
    let records = of(&folder, &["lab.log"]);
    let expected = json!({
        "file": "lab.log", "line": 1, "offset": 0, "length": LAB.len(),
        "start": 1_795_381_088.912, "end": 1_795_381_088.948,
        "route": "fo.xaccel", "method": "GET", "target": "/fo/xaccel", "protocol": "HTTP/1.1", "status": 200,
        "remote_addr": "127.0.0.1", "remote_user": null, "time_local": "22/Nov/2026:20:58:08 +0000",
        "request": "GET /fo/xaccel HTTP/1.1", "body_bytes_sent": 3, "http_referer": null, "http_user_agent": null,
        "request_time": 0.036,
        "upstream_addr": [["127.0.0.1:34075", "127.0.0.1:33131"], ["127.0.0.1:36589", "unix:/run/a.sock"]],
        "upstream_status": [[502, 200], [502, 200]],
        "upstream_response_time": [[0.0, 0.006], [0.022, 0.007]],
        "upstream_connect_time": [[null, 0.0], [0.0, 0.0]],
        "upstream_header_time": [[null, 0.006], [0.022, 0.007]],
        "upstream_bytes_received": [[0, 145], [123, 114]],
        "upstream_cache_status": null, "msec": 1_795_381_088.948, "time_iso8601": "2026-11-22T20:58:08+00:00",
        "pipe": ".", "connection": 35, "connection_requests": 1, "request_length": 62, "bytes_sent": 119,
        "request_method": "GET", "uri": "/internal/x", "args": null, "host": "lab.test",
        "server_protocol": "HTTP/1.1", "request_completion": "OK",
        "request_id": "bc801ceef3db64204285a44534e7f876", "http_x_forwarded_for": null,
    });
    let differing: Vec<_> =
        records[0].as_object().unwrap().iter().filter(|(name, value)| expected[name.as_str()] != **value).collect();
    assert_eq!(differing, vec![], "expected {expected}");
    assert_eq!(records[0].as_object().unwrap().len(), expected.as_object().unwrap().len());

    assert_eq!(records[1]["line"], 2);
    assert_eq!(records[1]["offset"], LAB.len() + 1);
    for absent in ["upstream_addr", "upstream_status", "upstream_response_time", "upstream_connect_time"] {
        assert_eq!(records[1][absent], Value::Null, "{absent}");
    }
    assert_eq!(records[1]["upstream_header_time"], json!([[0.001, 0.002], []]), "a redirect that reached nobody");
}

#[test]
fn csv_holds_the_same_as_jsonl() {
    let folder = support::folder!();
    let requests = requests(300);
    folder.write("a.log", text(&requests, Request::exact));
    let records = of(&folder, &["a.log", "--log-format", EXACT]);
    let csv = folder.run(&["records", "a.log", "--log-format", EXACT, "--format=csv"]).fine();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let fixed = ["file", "line", "offset", "length", "start", "end", "route", "method", "target", "protocol", "status"];
    assert_eq!(header.iter().take(fixed.len()).collect::<Vec<_>>(), fixed);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 300);
    for (row, record) in rows.iter().zip(&records) {
        for (name, field) in header.iter().zip(row) {
            let expected = match &record[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(field, expected, "{name}");
        }
    }
    let json = folder.run(&["records", "a.log", "--log-format", EXACT, "--format=json"]).fine();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["records"], Value::Array(records));
}

#[test]
fn records_come_in_the_order_of_the_lines_and_say_what_the_request_was() {
    let folder = support::folder!();
    let requests = requests(9000);
    let log = text(&requests, Request::exact);
    folder.gz("a.log.gz", &log);
    let records = of(&folder, &["a.log.gz", "--log-format", EXACT, "--threads=4"]);
    assert_eq!(records.len(), requests.len());
    let mut offset = 0;
    for ((record, request), line) in records.iter().zip(&requests).zip(1..) {
        let seconds = |millis: i64| json!(millis as f64 / 1000.0);
        let length = request.exact().len();
        let expected = [
            ("line", json!(line)),
            ("offset", json!(offset)),
            ("length", json!(length)),
            ("start", seconds(request.start())),
            ("end", seconds(request.end)),
            ("route", json!(request.route())),
            ("method", json!(request.method)),
            ("target", json!(request.target)),
            ("status", json!(request.status)),
            ("host", json!(request.host)),
        ];
        for (name, value) in expected {
            assert_eq!(record[name], value, "{name} of line {line}");
        }
        offset += length + 1;
    }
}

#[test]
fn rejected_lines_are_told_with_their_place_and_counted() {
    let folder = support::folder!();
    let good = Request::new(NOON, 5, "/slow").exact();
    let bad_status = good.replacen(" 200 ", " 2x0 ", 1);
    let column = bad_status.find("2x0").unwrap() + 1;
    let long = "x".repeat((1 << 20) + 1);
    folder.write("a.log", format!("{good}\n{bad_status}\n\n{good} more\n{good}\n{long}\n{good}\n"));
    let run = folder.run(&["records", "a.log", "--log-format", EXACT]);
    let end = good.len() + 1;
    // So many of so few lines: only a part was read.
    run.said(
        3,
        &[
            "a.log:3:1: empty line\n",
            &format!("a.log:4:{end}: the line goes on"),
            "a.log:6:1: line too long\n",
            "4 lines rejected\n",
        ],
    );
    // At the number, or inside it: where it stopped to be one.
    let told = run.err.lines().next().unwrap();
    let at: usize = told.strip_prefix("a.log:2:").unwrap().split(':').next().unwrap().parse().unwrap();
    assert!((column..=column + 2).contains(&at), "{told}, the number is at {column}");
    let lines: Vec<u64> =
        run.lines().iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 5, 7]);
}

#[test]
fn files_of_different_formats_share_their_columns() {
    let folder = support::folder!();
    let requests = requests(60);
    folder.write("plus.log", text(&requests[..30], Request::combined_plus));
    folder.write("json.log", text(&requests[30..], Request::json));
    let records = of(&folder, &["plus.log", "json.log"]);
    assert_eq!(records.len(), 60);
    let keys = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(records.iter().all(|record| keys(record) == keys(&records[0])));
    assert!(records[0]["msec"].is_null() && records[30]["msec"].is_number(), "{}", records[30]);
    assert!(records[0]["body_bytes_sent"].is_number() && records[30]["body_bytes_sent"].is_null());
    assert_eq!((&records[30]["file"], &records[30]["line"]), (&json!("json.log"), &json!(1)));
}

#[test]
fn only_some_records() {
    let folder = support::folder!();
    let requests = requests(500);
    folder.write("a.log", text(&requests, Request::exact));
    let count = |arguments: &[&str]| of(&folder, &[&["a.log", "--log-format", EXACT], arguments].concat()).len();
    let kept = |keep: &dyn Fn(&&Request) -> bool| requests.iter().filter(keep).count();
    assert_eq!(count(&["--route=slow"]), kept(&|request| request.route() == "slow"));
    assert_eq!(count(&["--status=5xx"]), kept(&|request| request.status >= 500));
    assert_eq!(count(&["--min-time=1s"]), kept(&|request| request.time >= 1000));
    assert_eq!(count(&["--until=1322661910"]), kept(&|request| request.end < NOON + 10_000));
    assert_eq!(count(&["--limit=7"]), 7);
    folder.run(&["records", "a.log", "--log-format", EXACT, "--route=none"]).said(1, &[]);
}

#[test]
fn a_spreadsheet_gets_no_formula() {
    let folder = support::folder!();
    folder.write("a.log", Request::new(NOON, 5, "=1+1").exact() + "\n");
    let csv = folder.run(&["records", "a.log", "--log-format", EXACT, "--format=csv"]).fine();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row = reader.records().next().unwrap().unwrap();
    assert!(row.iter().all(|field| !field.starts_with(['=', '+', '-', '@'])), "{row:?}");
}
