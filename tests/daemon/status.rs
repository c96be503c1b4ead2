//! `status` while a daemon runs, and after it.

use serde_json::Value;

use crate::rig::{Rig, until};
use support::log::requests;

fn status(rig: &Rig, arguments: &[&str]) -> (i32, Value) {
    let run = rig.ask(&[&["status", "--format=json"], arguments].concat());
    (run.code, serde_json::from_str(&run.out).unwrap_or(Value::Null))
}

#[test]
fn a_daemon_that_is_well_is_ok_and_one_that_was_killed_is_wrong() {
    let rig = Rig::new("", "");
    rig.log(&requests(300));
    let daemon = rig.start();
    let (_, told) = until("ok", || status(&rig, &[]), |(code, _)| *code == 0);
    assert_eq!((told["verdict"].as_str(), told["writer"]["pid"].as_u64()), (Some("ok"), Some(u64::from(daemon.id()))));
    let log = &told["logs"][0];
    assert_eq!((log["lines"].as_u64(), log["behind_bytes"].as_u64()), (Some(300), Some(0)));
    assert_eq!(log["state"].as_str(), Some("followed"));
    let size = std::fs::metadata(rig.folder.path("a.log")).unwrap().len();
    assert_eq!((log["position_bytes"].as_u64(), log["size_bytes"].as_u64()), (Some(size), Some(size)));
    let first = rig.ask(&["status"]).ended(0);
    assert!(first.starts_with("ok: 1 log followed, read until "), "{first}");
    daemon.kill();
    let (code, told) = status(&rig, &[]);
    assert_eq!((code, told["verdict"].as_str()), (1, Some("wrong")), "{told:#}");
    rig.append("a.log", "later\n");
    assert_eq!(status(&rig, &[]).1["logs"][0]["behind_bytes"].as_u64(), Some(6));
}

#[test]
fn a_log_that_is_not_read_is_missing_with_why_until_it_was_read() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = \"combined_plus\"\n");
    rig.log(&requests(30));
    let daemon = rig.start();
    // Before the first look was kept it is the first reading that is missing.
    let unread = |told: &Value| {
        let mut logs = told["logs"].as_array().into_iter().flatten();
        logs.find(|log| log["path"].as_str().is_some_and(|path| path.ends_with("b.log"))).cloned()
    };
    let (_, told) = until("missing", || status(&rig, &[]), |(code, told)| *code == 3 && unread(told).is_some());
    let denied = unread(&told).unwrap();
    assert_eq!(denied["state"].as_str(), Some("unread"), "{told:#}");
    assert!(denied["why"].as_str().is_some_and(|why| !why.is_empty()), "{told:#}");
    rig.append("b.log", "");
    until("ok", || status(&rig, &[]).0, |code| *code == 0);
    daemon.stop();
}

#[test]
fn what_a_carbon_is_owed_for_too_long_is_wrong_and_a_log_of_another_configuration_is_named() {
    let rig = Rig::new("", "[[carbon]]\naddress = \"127.0.0.1:1\"\n");
    rig.log(&requests(300));
    let daemon = rig.start();
    rig.until_counted(300);
    let is_owed = |(code, told): &(i32, Value)| *code == 1 && told["summary"].as_str().unwrap().contains("is owed");
    let (_, told) = until("owed", || status(&rig, &["--max-owed=1ms"]), is_owed);
    let carbon = &told["carbons"][0];
    assert_eq!(carbon["address"].as_str(), Some("127.0.0.1:1"));
    assert!(carbon["owed_slots"].as_u64().unwrap() > 0 && carbon["oldest_owed"].is_string(), "{told:#}");
    daemon.stop();
    let text = std::fs::read_to_string(rig.folder.path("c.toml")).unwrap();
    rig.folder.write("c.toml", text.replace("a.log", "other.log"));
    assert_eq!(status(&rig, &[]).1["logs"][0]["state"].as_str(), Some("unconfigured"));
}
