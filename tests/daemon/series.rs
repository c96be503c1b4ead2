//! Series beside the routes, on their way to carbon: whole slots, also after a kill.

use crate::points::{KEYS, this_second};
use crate::rig::{Rig, until};
use crate::sink::Sink;

const LOG: &str = "[[log]]\npath = 'FOLDERup.log'\nformat = '$msec $status $request_time \"$request\" \"$upstream_addr\" \"$upstream_status\" \"$upstream_response_time\"'\n[[series]]\nname = \"upstream.{upstream_addr}\"\n";

#[test]
fn each_attempt_is_sent_under_its_upstream_also_after_a_kill() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &(sink.section() + LOG));
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second() / 1000;
    let line = |millis: i64| {
        format!(
            "{second}.{millis:03} 200 2.010 \"GET /a HTTP/1.1\" \"10.0.0.1:80, 10.0.0.2:80\" \"504, 200\" \"1.900, 0.100\"\n"
        )
    };
    rig.append("up.log", &line(5));
    let value = |upstream: u8, what: &str| {
        sink.last(&format!("nginx.web1.upstream.10_2E0_2E0_2E{upstream}_3A80.{what}"), second)
    };
    let has = |what: &str, one: f64, two: f64| {
        until(what, || (value(1, what), value(2, what)), |values| *values == (Some(one), Some(two)));
    };
    has("requests.count", 1.0, 1.0);
    has("status.5xx", 1.0, 0.0);
    has("requests.slow", 1.0, 0.0);
    has("upstream_response_time.max", 1900.0, 100.0);
    assert_eq!(value(1, "request_time.max"), None);
    daemon.kill();
    rig.append("up.log", &line(900));
    let daemon = rig.start();
    has("requests.count", 2.0, 2.0);
    has("upstream_response_time.sum", 3800.0, 200.0);
    until("the route", || sink.last("nginx.web1.a.requests.count", second), |count| *count == Some(2.0));
    assert!(daemon.stop().success());
    rig.until_counted(2);
    rig.ask(&["verify"]).said(0, &["2 lines"]);
}

const PROBED: &str = "[[log]]\npath = 'FOLDERprobed.log'\nformat = '$msec $remote_addr $status $request_time \"$request\" \"$http_user_agent\"'\n";

#[test]
fn a_probe_that_is_configured_while_it_runs_has_metrics_of_its_own_and_its_requests_are_in_no_route() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &(sink.section() + PROBED));
    rig.append("a.log", "");
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second() / 1000;
    let line =
        |millis: i64| format!("{second}.{millis:03} 10.0.0.9 200 1.500 \"GET /a HTTP/1.1\" \"kube-probe/1.29\"\n");
    rig.append("probed.log", &line(5));
    let count = |name: &str| sink.last(&format!("nginx.web1.{name}.requests.count"), second);
    until("the route", || count("a"), |count| *count == Some(1.0));
    let config = std::fs::read_to_string(rig.folder.path("c.toml")).unwrap();
    rig.folder.write("c.toml", config + "[[probe]]\nname = \"kube\"\nagent = \"kube-probe/*\"\n");
    daemon.hang_up();
    daemon.until_said("the new configuration is in force");
    rig.append("probed.log", &line(700));
    until("the probe", || count("probe.kube"), |count| *count == Some(1.0));
    let slow = || sink.last("nginx.web1.probe.kube.requests.slow", second);
    until("its slow one", slow, |slow| *slow == Some(1.0));
    assert_eq!(count("a"), Some(1.0));
    assert!(daemon.stop().success());
    rig.ask(&["lines", "--route=probe.*"]).said(0, &[]);
    // What was counted before is told by the rules of now, from the lines.
    assert_eq!(rig.ask(&["report", "--route=probe.*", "--format=csv"]).out.lines().count(), 2);
}
