//! Which requests the index keeps, and under which route.

use serde_json::Value;

use crate::rig::Rig;
use support::log::{NOON, Request};

/// The kept lines as (path, request time, why), in the order of their ends.
fn kept(rig: &Rig) -> Vec<(String, u64, String)> {
    let out = rig.ask(&["lines", "--format=jsonl"]).ended(0);
    out.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            (text("route"), line["request_time_ms"].as_u64().unwrap(), text("kept"))
        })
        .collect()
}

fn expect(rig: &Rig, expected: &[(&str, u64, &str)]) {
    let expected: Vec<(String, u64, String)> =
        expected.iter().map(|(route, time, why)| ((*route).to_owned(), *time, (*why).to_owned())).collect();
    assert_eq!(kept(rig), expected);
}

#[test]
fn the_slowest_of_each_route_and_slot_also_when_they_come_late() {
    let rig = Rig::new("", "[slow]\nslowest = 2\nthreshold = \"5s\"\nserver_errors = false\n");
    let at = |end: i64, time: u64, path: &str| Request::new(NOON + end, time, path);
    rig.log(&[at(1, 10, "/a"), at(2, 30, "/a"), at(3, 20, "/a"), at(4, 7, "/b"), at(10_000, 1, "/a")]);
    let _daemon = rig.start();
    rig.until_counted(5);
    let slowest = "slowest";
    expect(&rig, &[("a", 30, slowest), ("a", 20, slowest), ("b", 7, slowest), ("a", 1, slowest)]);
    // Of another commit: 40 drives 20 out.
    rig.log(&[at(5, 40, "/a"), at(6, 15, "/a"), at(7, 8, "/b")]);
    rig.until_counted(8);
    expect(&rig, &[("a", 30, slowest), ("b", 7, slowest), ("a", 40, slowest), ("b", 8, slowest), ("a", 1, slowest)]);
}

#[test]
fn of_equals_the_one_that_ended_first() {
    let rig = Rig::new("", "[slow]\nslowest = 1\n");
    rig.log(&[3, 1, 2].map(|end| Request::new(NOON + end, 50, "/a")));
    let _daemon = rig.start();
    rig.until_counted(3);
    let out = rig.ask(&["lines"]).ended(0);
    assert_eq!(out, Request::new(NOON + 1, 50, "/a").exact() + "\n");
}

#[test]
fn server_errors_and_what_reaches_the_threshold() {
    let rig = Rig::new("", "[slow]\nslowest = 0\nthreshold = \"500ms\"\n");
    let at = |end: i64, time: u64, status: u16| Request::new(NOON + end, time, "/a").status(status);
    rig.log(&[at(1, 1, 500), at(2, 1, 499), at(3, 499, 200), at(4, 500, 200), at(5, 900, 599), at(6, 2, 404)]);
    let _daemon = rig.start();
    rig.until_counted(6);
    expect(&rig, &[("a", 1, "error"), ("a", 500, "threshold"), ("a", 900, "threshold error")]);
    assert_eq!(rig.ask(&["lines", "--status=5xx", "--min-time=2ms"]).ended(0), at(5, 900, 599).exact() + "\n");
}

#[test]
fn a_rule_names_routes_by_its_captures_and_has_its_own_threshold() {
    let rig = Rig::new(
        "",
        "[slow]\nslowest = 0\nserver_errors = false\n\
         [[route]]\nname = \"git.{project}\"\npath = \"/p/{project}/source/tree/{rev}/*\"\nthreshold = \"50ms\"\n\
         [[route]]\nname = \"rest\"\npath = \"/p/*\"\nmethod = \"POST\"\nthreshold = \"3s\"\n",
    );
    let at = |end: i64, time: u64, path: &str| Request::new(NOON + end, time, path);
    let mut post = at(5, 2000, "/p/qt/wiki");
    post.method = "POST";
    rig.log(&[
        at(1, 60, "/p/allura/source/tree/4ae1/src/main.rs"),
        at(2, 49, "/p/allura/source/tree/4ae1/src/main.rs"),
        at(3, 70, "/p/a.b%20c/source/tree/x/y"),
        at(4, 70, "/elsewhere"),
        post,
        at(6, 1000, "/p/qt/wiki"),
    ]);
    let _daemon = rig.start();
    rig.until_counted(6);
    let kept = kept(&rig);
    assert_eq!(kept[0], ("git.allura".to_owned(), 60, "threshold".to_owned()));
    assert!(kept[1].0.starts_with("git.a_2Eb") && !kept[1].0[4..].contains('.'), "one node a capture: {}", kept[1].0);
    assert_eq!(kept[2], ("p.qt.wiki".to_owned(), 1000, "threshold".to_owned()));
    assert_eq!(kept.len(), 3);
    let report = rig.ask(&["report", "--format=csv", "--sort=name"]).ended(0);
    let slow: Vec<(&str, &str)> = report
        .lines()
        .skip(1)
        .map(|row| (row.split(',').next().unwrap(), row.split(',').nth(10).unwrap()))
        .filter(|(route, _)| !route.starts_with("git.a_2E"))
        .collect();
    assert_eq!(slow, [("elsewhere", "0"), ("git.allura", "1"), ("p.qt.wiki", "1"), ("rest", "0")]);
}

#[test]
fn routes_over_the_cap_are_other_also_after_a_restart() {
    let rig = Rig::new("routes_max = 3", "");
    let paths = ["/alpha", "/beta", "/gamma", "/delta", "/alpha"];
    let requests = paths.map(|path| Request::new(NOON, 5, path));
    let expected = [("alpha", 2), ("beta", 1), ("other", 2)];
    let report = |times: u64| {
        let out = rig.ask(&["report", "--format=csv", "--sort=name"]).ended(0);
        let rows: Vec<(String, u64)> = out
            .lines()
            .skip(1)
            .map(|row| (row.split(',').next().unwrap().to_owned(), row.split(',').nth(1).unwrap().parse().unwrap()))
            .collect();
        assert_eq!(rows, expected.map(|(route, count)| (route.to_owned(), count * times)));
    };
    rig.log(&requests);
    let daemon = rig.start();
    rig.until_counted(5);
    report(1);
    daemon.kill();
    let mut again = requests.clone();
    again.reverse();
    rig.log(&again);
    let _daemon = rig.start();
    rig.until_counted(10);
    report(2);
    let other = rig.ask(&["lines", "--route=other"]).ended(0);
    assert_eq!(other.lines().count(), 4);
    assert!(other.lines().all(|line| line.contains("/gamma") || line.contains("/delta")));
}
