//! `why` of a window with a long baseline, of which the store's logs are read in part.

use std::fmt::Write;

use serde_json::Value;

use crate::index::{ask, index};

const FORMAT: &str = "$remote_addr \"$request\" $status $request_time $upstream_response_time $msec";

/// They end within a slot.
const LINES: u64 = 333_400;

/// 1322661600 and 333.4 seconds, with a thousand requests in each; in the last thirty one client's take long.
fn log() -> String {
    let mut text = String::new();
    for number in 0..LINES {
        let (second, millis) = (1_322_661_600 + number / 1000, number % 1000);
        let client = number * 7919 % 40;
        let took = 5 + number * 31 % 40 + if client == 7 && number >= 300_000 { 900 } else { 0 };
        let route = ["a", "b/c", "d"][(number % 3) as usize];
        let up = took - 1;
        writeln!(
            text,
            "10.0.0.{client} \"GET /{route} HTTP/1.1\" 200 {}.{:03} {}.{:03} {second}.{millis:03}",
            took / 1000,
            took % 1000,
            up / 1000,
            up % 1000
        )
        .unwrap();
    }
    text
}

/// What was counted is of all requests, to the millisecond, though a part of them is read; and the answer says which part.
#[test]
fn of_a_long_baseline_in_the_store_a_part_is_read_and_all_of_it_counted() {
    let folder = support::folder!();
    folder.write("c.toml", format!("store = \"store\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n"));
    folder.write("a.log", log());
    index(&folder, &["a.log"]).said(0, &["333,400 lines"]);
    let window = ["why", "--from=1322661900", "--until=1322661930"];
    let said: Value =
        serde_json::from_str(&ask(&folder, &[&window[..], &["--format=json"]].concat()).ended(0)).unwrap();
    let read: Value = serde_json::from_str(
        &folder.run(&[&window[..], &["a.log", "--log-format", FORMAT, "--format=json"]].concat()).ended(0),
    )
    .unwrap();
    let part = |name: &str| said["baseline_part"][name].as_u64().unwrap();
    assert!(part("read") < part("all") && part("read") > 100_000, "{}", said["baseline_part"]);
    for field in ["window", "verdict", "change_ms", "requests", "phase"] {
        assert_eq!(said[field], read[field], "{field}");
    }
    let sums = |answer: &Value| -> Vec<Value> {
        let rows = answer["routes"].as_array().unwrap().iter();
        rows.map(|row| serde_json::json!([row["route"], row["change_ms"], row["window"], row["baseline"]])).collect()
    };
    assert_eq!(sums(&said), sums(&read));
    assert_eq!(said["causes"][0]["where"], serde_json::json!({"remote_addr": "10.0.0.7"}), "{}", said["causes"]);
    let phases: i64 = said["phases_ms"].as_object().unwrap().values().map(|part| part.as_i64().unwrap()).sum();
    assert_eq!(Some(phases), said["change_ms"]["slower"].as_i64());
    // Also where the log ends within a slot, and the baseline with it.
    let until_end =
        ["why", "--from=1322661600", "--until=1322661630", "--baseline=1322661630..1322662000", "--format=json"];
    let said: Value = serde_json::from_str(&ask(&folder, &until_end).ended(0)).unwrap();
    let read = folder.run(&[&until_end[..], &["a.log", "--log-format", FORMAT]].concat()).ended(0);
    let read: Value = serde_json::from_str(&read).unwrap();
    for field in ["baseline", "change_ms", "requests"] {
        assert_eq!(said[field], read[field], "{field}");
    }
    let text = ask(&folder, &window).ended(0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("read of that: 1") && text.contains("the others are counted, but for their phases"),
        "{text}"
    );
}
