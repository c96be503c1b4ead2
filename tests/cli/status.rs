//! `status` of a store at rest; of one that is written, `tests/daemon/status.rs`.

use support::log::{Request, text};

use crate::index::{ask, folder, index, journal};

#[test]
fn without_a_store_it_is_a_usage_error() {
    let (folder, _) = folder(1, "");
    ask(&folder, &["status"]).said(2, &["there is no store here"]);
    std::fs::create_dir(folder.path("store")).unwrap();
    ask(&folder, &["status"]).said(2, &["there is no store here"]);
}

#[test]
fn a_store_that_nobody_writes_to_is_wrong_and_says_so_first() {
    let (folder, requests) = folder(200, "[[carbon]]\naddress = \"127.0.0.1:1\"\n");
    folder.write("a.log", text(&requests, Request::exact) + "torn\n");
    index(&folder, &["a.log"]);
    let run = ask(&folder, &["status"]);
    let first = run.out.lines().next().unwrap_or_default();
    assert!(first.starts_with("wrong: `spikeline run` is not running"), "{}", run.out);
    assert_eq!(run.code, 1);
    let out = ask(&folder, &["status", "--format=json"]).ended(1);
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status["verdict"].as_str(), status["writer"]["running"].as_bool()), (Some("wrong"), Some(false)));
    assert_eq!(status["store"]["routes"].as_u64(), Some(4));
    assert!(status["store"]["bytes"].as_u64().unwrap() > 1000, "{out}");
    assert_eq!(status["missing"].as_array().unwrap().len(), 0);
}

#[test]
fn what_the_store_itself_lacks_is_missing() {
    let (folder, requests) = folder(200, "");
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]);
    let journal = journal(&folder, "store");
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() - 3]).unwrap();
    let run = ask(&folder, &["status"]);
    assert!(run.out.starts_with("missing: the journal is torn or damaged"), "{}", run.out);
    assert_eq!(run.code, 3);
}

#[test]
fn a_wrong_limit_is_a_usage_error() {
    let (folder, requests) = folder(5, "");
    folder.write("a.log", text(&requests, Request::exact));
    index(&folder, &["a.log"]);
    for wrong in ["--max-lag=5", "--max-owed=x", "--since=nonsense", "--format=csv"] {
        assert_eq!(ask(&folder, &["status", wrong]).code, 2, "{wrong}");
    }
}
