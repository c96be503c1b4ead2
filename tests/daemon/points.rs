//! What a carbon is sent: whole slots, again when they change, and nothing silent about silence.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::rig::{Rig, until};
use crate::sink::{Sink, section};
use support::log::{Request, rows};

pub(crate) const KEYS: &str = "interval = \"1s\"";

/// The present second, in milliseconds.
pub(crate) fn this_second() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap() * 1000
}

/// That the last values of the slot of `second` are those of a plain count of `requests`.
pub(crate) fn check_slot(sink: &Sink, second: i64, requests: &[Request]) {
    let row = rows(requests, |_| "slow".to_owned()).remove(0).numbers;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let value = |at: usize| row[at] as f64;
    let mut expected = BTreeMap::from([
        ("requests.count", value(0)),
        ("requests.slow", value(9)),
        ("bytes_sent.sum", value(15)),
        ("request_time.count", value(0)),
        ("request_time.sum", value(1)),
        ("request_time.mean", value(1) / value(0)),
        ("request_time.max", value(8)),
    ]);
    for (what, at) in ["p50", "p75", "p90", "p95", "p99", "p999"].iter().zip(2..) {
        expected.insert(format!("request_time.{what}").leak(), value(at));
    }
    for (what, at) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(10..) {
        expected.insert(format!("status.{what}").leak(), value(at));
    }
    let last = |what: &str| sink.last(&format!("nginx.web1.slow.{what}"), second / 1000);
    until("the slot", || last("requests.count"), |count| *count == Some(value(0)));
    for (what, value) in expected {
        until(what, || last(what), |last| *last == Some(value));
    }
}

#[test]
fn fault_23_a_late_line_is_counted_and_sends_its_whole_slot_again_also_after_a_kill() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &sink.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    let mut requests =
        vec![Request::new(second + 100, 40, "/slow"), Request::new(second + 999, 1200, "/slow").status(502)];
    rig.log(&requests);
    check_slot(&sink, second, &requests);

    let late = Request::new(second, 77, "/slow").status(404);
    rig.log(std::slice::from_ref(&late));
    requests.push(late);
    check_slot(&sink, second, &requests);
    let late = || {
        sink.points()
            .iter()
            .filter(|((path, _), _)| path.ends_with("spikeline.lines.late"))
            .map(|(_, sent)| sent.last().unwrap())
            .sum()
    };
    until("the late line", late, |lines: &f64| *lines == 1.0);
    assert_eq!(rig.ledger().late, 1);

    daemon.kill();
    let later = Request::new(second + 500, 3, "/slow");
    rig.log(std::slice::from_ref(&later));
    requests.push(later);
    let daemon = rig.start();
    check_slot(&sink, second, &requests);
    assert!(daemon.stop().success());
    // No value ever shrank: nothing was counted twice or sent in parts.
    let points = sink.points();
    let counts = &points[&("nginx.web1.slow.requests.count".to_owned(), second / 1000)];
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(counts.last(), Some(&4.0));
}

#[test]
fn a_quiet_route_is_0_and_the_daemon_tells_of_itself() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &sink.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    rig.log(&[Request::new(second, 40, "/slow")]);
    rig.append("a.log", "nothing of the kind\n");
    let count = |at: i64| sink.last("nginx.web1.slow.requests.count", at);
    let at = second / 1000;
    until("the first", || count(at), |count| *count == Some(1.0));
    for later in at + 1..at + 4 {
        until("a quiet slot", || count(later), |count| *count == Some(0.0));
    }
    let points = sink.points();
    assert!(
        !points.contains_key(&("nginx.web1.slow.request_time.p99".to_owned(), at + 2)),
        "no request has no time, not 0"
    );
    assert!(!points.contains_key(&("nginx.web1.slow.requests.count".to_owned(), at - 1)), "it was not known then");

    let total = |what: &str| -> f64 {
        let path = format!("nginx.web1.spikeline.{what}");
        let points = sink.points();
        points.iter().filter(|((held, _), _)| *held == path).map(|(_, values)| values.last().unwrap()).sum()
    };
    until("lines.read", || total("lines.read"), |sum| *sum == 2.0);
    until("lines.parsed", || total("lines.parsed"), |sum| *sum == 1.0);
    until("lines.rejected", || total("lines.rejected"), |sum| *sum == 1.0);
    until("points.sent", || total("points.sent"), |sum| *sum > 0.0);
    let own: Vec<String> = sink
        .points()
        .into_keys()
        .filter_map(|(path, _)| path.strip_prefix("nginx.web1.spikeline.").map(str::to_owned))
        .collect();
    for what in
        ["lag_seconds", "queue.commits", "lines.late", "bytes.read", "bytes.dropped", "slots.owed", "routes.known"]
    {
        assert!(own.iter().any(|path| path == what), "{what} is not among {own:?}");
    }
}

#[test]
fn a_carbon_that_is_away_gets_everything_when_it_is_back() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = Rig::new(KEYS, &section(address));
    let daemon = rig.start();
    let second = this_second();
    let requests = [Request::new(second, 40, "/slow"), Request::new(second + 999, 1200, "/slow")];
    rig.log(&requests);
    daemon.until_said(&format!("carbon {address}: "));
    daemon.until_said("slots are kept and sent when it is back");
    rig.until_counted(2);
    // It is stopped and started while carbon is still away: what is owed is in the store.
    assert!(daemon.stop().success());
    let daemon = rig.start();
    let sink = Sink::listen(address);
    check_slot(&sink, second, &requests);
    daemon.until_said(&format!("carbon {address}: connected"));
    assert!(daemon.stop().success());
}

#[test]
fn what_a_carbon_that_moved_is_owed_is_told_and_can_be_sent() {
    let sink = Sink::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = Rig::new(KEYS, &section(gone));
    let daemon = rig.start();
    let second = this_second();
    let requests = [Request::new(second, 40, "/slow")];
    rig.log(&requests);
    daemon.until_said("slots are kept and sent when it is back");
    rig.until_counted(1);
    assert!(daemon.stop().success());
    let config = std::fs::read_to_string(rig.folder.path("c.toml")).unwrap();
    rig.folder.write("c.toml", config.replace(&gone.to_string(), &sink.address.to_string()));
    let daemon = rig.start();
    daemon.until_said(&format!("carbon {gone} is owed "));
    daemon.until_said(": connected");
    let said = daemon.said();
    let command = said.split('`').find(|piece| piece.starts_with("spikeline index --push")).unwrap().to_owned();
    assert!(daemon.stop().success());
    sink.forget();
    let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
    rig.ask(&arguments).ended(0);
    check_slot(&sink, second, &requests);
}

#[test]
fn what_was_sent_just_before_the_end_is_sent_again() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &sink.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    let requests = [Request::new(second, 40, "/slow")];
    rig.log(&requests);
    check_slot(&sink, second, &requests);
    daemon.until_said(": connected");
    // TCP acknowledges nothing: for all the daemon knows, what it wrote last never arrived.
    assert!(daemon.stop().success());
    sink.forget();
    let daemon = rig.start();
    check_slot(&sink, second, &requests);
    assert!(daemon.stop().success());
}

#[test]
fn names_and_tags_are_those_of_the_configuration() {
    let (plain, tagged) = (Sink::new(), Sink::new());
    let sections = format!(
        "{}prefix = \"web.front\"\n{}tagged = true\n[[route]]\nname = \"webapp.{{x}}\"\npath = \"/app/{{x}}\"\n",
        plain.section(),
        tagged.section()
    );
    let rig = Rig::new(KEYS, &sections);
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    rig.log(&[Request::new(second, 40, "/app/git")]);
    let at = second / 1000;
    let path = "web.front.web1.webapp.git.request_time.p99";
    until(path, || plain.last(path, at), |value| *value == Some(40.0));
    let path = "nginx.request_time.p99;host=web1;route=webapp.git";
    until(path, || tagged.last(path, at), |value| *value == Some(40.0));
}

#[test]
fn a_stranger_cannot_name_a_metric() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &sink.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    let evil = ["/a;host=b", "/..", "/x y 1 2", "/spikeline/lines/read", "/%0Anginx.x 1 1", "/\\x0Anginx.x"];
    let requests: Vec<Request> = evil.iter().map(|path| Request::new(second, 5, path)).collect();
    rig.log(&requests);
    rig.until_counted(evil.len());
    let counts = || {
        let points = sink.points();
        let of_slot = points.iter().filter(|((path, at), _)| *at == second / 1000 && path.ends_with("requests.count"));
        of_slot.map(|((path, _), values)| (path.clone(), *values.last().unwrap())).collect::<Vec<_>>()
    };
    let counts =
        until("all of them", counts, |counts| counts.iter().map(|(_, value)| value).sum::<f64>() >= evil.len() as f64);
    for (path, _) in counts {
        assert!(
            path.starts_with("nginx.web1.")
                && path.split('.').all(|node| !node.is_empty()
                    && node.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))),
            "{path}"
        );
        assert_ne!(path, "nginx.web1.spikeline.lines.read.requests.count");
    }
}

/// A 0 would look like an outage, where only the format is another one.
#[test]
fn a_log_whose_lines_are_all_rejected_is_a_gap_and_no_0() {
    let sink = Sink::new();
    let other = format!("[[log]]\npath = 'FOLDER/b.log'\nformat = '{}'\n", support::log::EXACT);
    let rig = Rig::new(KEYS, &(sink.section() + &other));
    let daemon = rig.start();
    daemon.until_said("store ");
    let request = |target: &str| Request::new(this_second(), 40, target);
    rig.log(&[request("/slow")]);
    rig.append("b.log", &(request("/users/7").exact() + "\n"));
    let count = |route: &str, at: i64| sink.last(&format!("nginx.web1.{route}.requests.count"), at);
    let quiet = |route: &str| {
        until(
            "a quiet slot",
            || (1..5).map(|ago| count(route, this_second() / 1000 - ago)).collect(),
            |counts: &Vec<_>| counts.contains(&Some(0.0)),
        );
    };
    quiet("slow");
    quiet("users.__id");
    rig.append("a.log", &"as another log_format writes it\n".repeat(5));
    let rejected = || {
        let points = sink.points();
        let held = points.iter().filter(|((path, _), _)| path.ends_with("spikeline.lines.rejected"));
        held.filter(|(_, sent)| sent.last() == Some(&5.0)).map(|((_, at), _)| *at).next()
    };
    let at = until("the rejects", rejected, Option::is_some).unwrap();
    for later in at + 1..at + 4 {
        until("the other log's quiet slot", || count("users.__id", later), |count| *count == Some(0.0));
        assert_eq!(count("slow", later), None, "a false 0, {} s after the rejects", later - at);
    }
    rig.ask(&["report", &format!("--from={}", at)]).said(3, &["5 lines of ", "too many for torn or foreign lines"]);
    rig.log(&[request("/slow")]);
    quiet("slow");
    assert!(daemon.stop().success());
}
