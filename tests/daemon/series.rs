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
