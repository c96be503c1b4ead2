//! The text that names a keyed format, and what the first lines of a log add to it.

use super::{format, read, value};
use spikeline::grammar::Format;

fn wrong(text: &str) -> String {
    Format::keyed(text).expect("begins as a keyed format").expect_err(text).render()
}

#[test]
fn mistakes_are_placed_and_mended() {
    assert!(Format::keyed("combined").is_none());
    assert!(Format::keyed("jsonl").is_none());
    let said = wrong("json request_time=rt reqest_time=x");
    assert!(said.contains("unknown variable `reqest_time`") && said.contains("did you mean `request_time`?"), "{said}");
    assert!(said.lines().nth(2).unwrap().ends_with("                     ^^^^^^^^^^^^^"), "{said}");
    assert!(wrong("json rt").contains("write variable=key"));
    assert!(wrong("ltsv request_time=took:min").contains("unknown unit `min`"));
    assert!(wrong("ltsv status=code:ms").contains("leave the unit away: status=code"));
    assert!(wrong("json request_time=").contains("no key is named"));
    assert!(wrong("json $request_time=rt").contains("without `$`"));
    assert!(Format::keyed("json tenant=labels.tenant").unwrap().is_ok());
}

#[test]
fn the_head_of_a_log_adds_its_own_keys() {
    let lines: [&[u8]; 2] = [
        br#"{"time":1612322553,"status":200,"tenant":"a","shard":7,"duration":"0.120","latency":0.12,"response_time":"0.1"}"#,
        br#"{"time":1612322553,"status":200,"shard":null,"k8s":{"Pod":"x"},"duration":"-"}"#,
    ];
    let learnt = format("json").learnt_from(&lines);
    let names: Vec<&str> = learnt.variables().iter().map(|variable| variable.name.as_str()).collect();
    for name in ["time", "status", "request_time", "tenant", "shard", "k8s.pod", "latency", "response_time"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for name in ["request_length", "msec", "time_local"] {
        assert!(!names.contains(&name), "{name}: {names:?}");
    }
    let line = std::str::from_utf8(lines[0]).unwrap();
    assert_eq!(value(&learnt, line, "tenant").as_deref(), Some("a"));
    // `duration` has nginx's shape in every line; `latency` and `response_time` have not.
    assert_eq!(read(&learnt, line).unwrap().request_time, Some(120));
    assert_eq!(read(&learnt, line).unwrap().upstream[0], None);
    let held = learnt.keys_of(&lines);
    assert!(held.contains(&("request_time".to_owned(), "duration".to_owned())), "{held:?}");
}
