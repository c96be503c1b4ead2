//! `routes`: what the store knows of each route.

use std::collections::BTreeMap;

use support::log::{Request, text};
use support::program::Folder;

use crate::index::{ask, folder, index};

/// A store of 400 requests, with one carbon that gets plain series of all but `slow`, and one with tags.
fn store() -> (Folder, Vec<Request>) {
    let (folder, requests) = folder(
        400,
        "[[carbon]]\naddress = \"127.0.0.1:1\"\nroutes = [\"!slow\"]\n[[carbon]]\naddress = \"127.0.0.1:2\"\nprefix = \"t\"\ntagged = true\n",
    );
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]);
    (folder, requests)
}

/// A slot's beginning as it is shown.
fn shown(end: i64) -> String {
    let slot = chrono::DateTime::from_timestamp_millis(end - end.rem_euclid(10_000)).unwrap();
    slot.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

#[test]
fn each_has_its_names_its_times_and_its_requests() {
    let (folder, requests) = store();
    let mut expected: BTreeMap<&str, (i64, i64, u64)> = BTreeMap::new();
    for request in &requests {
        let (first, last, count) = expected.entry(request.route()).or_insert((i64::MAX, i64::MIN, 0));
        (*first, *last, *count) = ((*first).min(request.end), (*last).max(request.end), *count + 1);
    }
    let out = ask(&folder, &["routes", "--format=json"]).ended(0);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((report["schema"].as_u64(), report["complete"].as_bool()), (Some(1), Some(true)));
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        let route = row["route"].as_str().unwrap();
        let (first, last, count) = expected[route];
        assert_eq!(row["requests"].as_u64(), Some(count), "{route}");
        assert_eq!((row["since"].as_str(), row["last_seen"].as_str()), (Some(&*shown(first)), Some(&*shown(last))));
        let tagged = format!("seriesByTag('name=~^t[.]','host=web1','route={route}')");
        let plain = format!("nginx.web1.{route}");
        let metrics: Vec<&str> =
            row["metrics"].as_array().unwrap().iter().map(|metric| metric.as_str().unwrap()).collect();
        let wanted = if route == "slow" { vec![&*tagged] } else { vec![&*plain, &*tagged] };
        assert_eq!(metrics, wanted);
    }
    let table = ask(&folder, &["routes"]).ended(0);
    let named = ["users.{id} ", " nginx.web1.users.__id ", "static.app.js", "[root]"];
    assert!(named.iter().all(|name| table.contains(name)), "{table}");
}

#[test]
fn a_window_counts_its_own_slots_and_leaves_out_who_has_none() {
    let (folder, requests) = store();
    let from = "2011-11-30T14:05:03Z";
    let run =
        ask(&folder, &["routes", "--from", from, "--until=2011-11-30T14:05:12Z", "--format=jsonl", "--sort=requests"]);
    assert!(
        run.err.contains("in whole slots of 10 s: 2011-11-30T14:05:00.000Z .. 2011-11-30T14:05:20.000Z"),
        "{}",
        run.err
    );
    let until = support::log::NOON + 20_000;
    let inside: Vec<&Request> = requests.iter().filter(|request| request.end < until).collect();
    let rows = run.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let counted: Vec<u64> = rows.map(|row| row["requests"].as_u64().unwrap()).collect();
    assert_eq!(counted.iter().sum::<u64>(), inside.len() as u64);
    assert!(counted.is_sorted_by(|one, other| one >= other), "{counted:?}");
    let run = ask(&folder, &["routes", "--from=2011-11-30T15:00Z", "--until=2011-11-30T15:10Z", "--format=csv"]);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert_ne!(run.code, 0);
}

#[test]
fn the_filter_takes_readable_names_and_says_what_is_unknown() {
    let (folder, _) = store();
    let run =
        ask(&folder, &["routes", "--route=users.{id}", "--route=slow", "--sort=new", "--limit=1", "--format=csv"]);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    let two = ["routes", "--route=users.{id}", "--route=slow", "--sort=new", "--format=jsonl"];
    assert_eq!(ask(&folder, &two).ended(0).lines().count(), 2);
    assert_eq!(ask(&folder, &[&two[..], &["--limit=1"]].concat()).ended(0).lines().count(), 1);
    let run = ask(&folder, &["routes", "--route=sloww"]);
    assert!(run.code == 1 && run.err.contains("did you mean `slow`"), "{} {}", run.code, run.err);
}
