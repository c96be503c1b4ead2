//! What a collector of OpenTelemetry is sent: each slot once, whatever it does, and what it was not sent is said.

use std::net::TcpListener;

use spikeline::store::View;

use crate::collector::{Collector, Does, Told};
use crate::points::{KEYS, this_second};
use crate::rig::{Rig, until};
use support::log::Request;

/// Slots of a second, final two seconds after.
fn rig(sections: &str) -> Rig {
    Rig::new(&format!("{KEYS}\nlateness = \"2s\""), sections)
}

/// Three requests of one slot.
fn slow_requests(second: i64) -> [Request; 3] {
    [
        Request::new(second + 100, 40, "/slow"),
        Request::new(second + 200, 0, "/slow").status(499),
        Request::new(second + 300, 3000, "/slow").status(500),
    ]
}

fn seconds(second: i64) -> u64 {
    u64::try_from(second / 1000).unwrap()
}

/// Wait for the slot of this second, and that it came once, with so many requests.
fn has_slot(collector: &Collector, second: i64, requests: f64) {
    let told = || collector.durations("slow").get(&seconds(second)).cloned();
    let told = until("the slot", told, Option::is_some);
    assert_eq!(told, Some(vec![requests]));
}

fn has_each_slot_once(collector: &Collector) {
    for (second, counts) in collector.durations("slow") {
        assert_eq!(counts.len(), 1, "the slot of {second} came more than once: {counts:?}");
    }
}

/// Where the slots begin that the store says are owed.
fn owed_slots(rig: &Rig) -> Vec<i64> {
    let view = View::open(&rig.folder.path("store")).unwrap();
    view.destinations()[0].pending.iter().map(|slot| slot.millis()).collect()
}

#[test]
fn a_slot_comes_once_when_it_is_final_with_all_that_was_counted() {
    let collector = Collector::new();
    let keys = "compression = \"gzip\"\nservice = \"shop\"\nheaders = { X-Scope-OrgID = \"ops\" }\n\
                attributes = { \"deployment.environment.name\" = \"test\" }\n[[series]]\nname = \"status.{status}\"\n";
    let rig = rig(&(collector.section() + keys));
    let daemon = rig.start();
    daemon.until_said("a slot is sent once, 2s after its end");
    let second = this_second();
    rig.log(&slow_requests(second));
    has_slot(&collector, second, 3.0);
    daemon.until_said("/v1/metrics: takes what it is sent");
    assert_eq!(collector.resource(), ["service.name=shop", "host.name=web1", "deployment.environment.name=test"]);
    let (head, _) = collector.heads().remove(0);
    assert!(
        head.starts_with("POST /v1/metrics HTTP/1.1\r\n") && head.to_lowercase().contains("x-scope-orgid: ops\r\n"),
        "{head}"
    );
    let span = (seconds(second), seconds(second) + 1);
    let taken = collector.taken();
    let of_route = |metric: &str| -> Vec<Told> {
        let is_it =
            |told: &&Told| told.metric == metric && told.span == span && told.attributes[0] == "http.route=slow";
        taken.iter().filter(is_it).cloned().collect()
    };
    assert_eq!(of_route("http.server.request.duration")[0].sum, Some(3.04));
    let classes: Vec<(String, f64)> =
        of_route("spikeline.requests").into_iter().map(|told| (told.attributes[1].clone(), told.value)).collect();
    let class = |name: &str| (format!("http.response.status_class={name}"), 1.0);
    assert_eq!(classes, [class("2xx"), class("4xx"), class("5xx")]);
    for (metric, value) in [("slow_requests", 1.0), ("aborted_requests", 1.0), ("sent_bytes", 30.0)] {
        assert_eq!(of_route(&format!("spikeline.{metric}"))[0].value, value, "{metric}");
    }
    assert_eq!(of_route("spikeline.upstream_response.duration")[0].value, 3.0);
    let member = collector
        .taken()
        .into_iter()
        .find(|told| told.attributes.first().is_some_and(|it| it == "http.route=status.500"));
    assert_eq!(member.unwrap().attributes[1], "spikeline.series=status");

    // What comes after that is said, and is nowhere but in the store.
    rig.log(&[Request::new(second + 400, 77, "/slow")]);
    daemon.until_said("1 lines of ");
    daemon.until_said("came after their slots were sent, which a delta cannot mend");
    let read: f64 = until(
        "all lines in its own metrics",
        || collector.taken().iter().filter(|told| told.metric == "spikeline.lines.read").map(|told| told.value).sum(),
        |read| *read >= 4.0,
    );
    assert_eq!(read, 4.0);
    assert!(collector.taken().iter().any(|told| told.metric == "spikeline.lag_seconds" && told.span.0 == 0));
    assert!(daemon.stop().success());
    has_each_slot_once(&collector);
    assert_eq!(rig.counted(), 4);
}

#[test]
fn what_is_owed_over_an_outage_a_stop_and_a_kill_comes_once() {
    // A port that nobody listens on for now.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let rig = rig(&format!("[[otlp]]\nendpoint = \"http://{address}\"\nhistogram = \"explicit\"\n"));
    let daemon = rig.start();
    daemon.until_said("store ");
    let first = this_second();
    rig.log(&slow_requests(first));
    daemon.until_said(&format!("otlp http://{address}/v1/metrics: cannot connect"));
    daemon.until_said("slots are kept and sent when it takes them");
    let status = rig.ask(&["status", "--max-owed=1ms"]);
    assert!(status.out.contains(&format!("otlp http://{address}/v1/metrics is owed")), "{}", status.out);
    assert!(daemon.stop().success());
    assert!(!owed_slots(&rig).is_empty(), "nothing is owed");

    let daemon = rig.start();
    daemon.until_said("cannot connect");
    let second = this_second();
    rig.log(&slow_requests(second));
    rig.until_counted(6);
    daemon.kill();

    let collector = Collector::listen(address);
    let daemon = rig.start();
    has_slot(&collector, first, 3.0);
    has_slot(&collector, second, 3.0);
    until("that the store knows", || owed_slots(&rig), |owed| !owed.iter().any(|slot| *slot <= second));
    daemon.kill();
    let third = this_second();
    rig.log(&slow_requests(third));
    let daemon = rig.start();
    has_slot(&collector, third, 3.0);
    assert!(daemon.stop().success());
    has_each_slot_once(&collector);
}

#[test]
fn a_collector_that_is_overloaded_is_left_alone_for_as_long_as_it_asks() {
    let collector = Collector::new();
    collector.next(&[Does::Say("429 Too Many Requests\r\nRetry-After: 2", ""), Does::Say("503 x", "busy\u{1b}[2J")]);
    let rig = rig(&collector.section());
    rig.log(&slow_requests(this_second()));
    let second = this_second();
    let daemon = rig.start();
    daemon.until_said("it answered 429; slots are kept");
    until("the next try", || collector.requests(), |requests| *requests > 1);
    let [(_, first), (_, second_try), ..] = &collector.heads()[..] else { panic!("two requests") };
    assert!(second_try.duration_since(*first).as_secs() >= 2, "sooner than it was asked");
    has_slot(&collector, second, 3.0);
    daemon.until_said("takes what it is sent");
    assert!(daemon.stop().success());
    has_each_slot_once(&collector);
}

#[test]
fn what_it_refuses_is_given_up_and_said_and_the_next_slot_goes() {
    let collector = Collector::new();
    collector.usually(Some(Does::Say("400 Bad Request\r\nContent-Type: text/plain", "invalid temporality")));
    let rig = rig(&collector.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let first = this_second();
    rig.log(&slow_requests(first));
    daemon.until_said("are refused and not sent again: it answered 400 (invalid temporality); they are in the store");
    rig.until_counted(3);
    let given_up = || View::open(&rig.folder.path("store")).map_or(0, |view| view.destinations()[0].dropped);
    until("that the slot of the requests is given up", given_up, |dropped| *dropped >= 4);
    collector.usually(None);
    let second = this_second();
    rig.log(&slow_requests(second));
    has_slot(&collector, second, 3.0);
    assert!(!collector.durations("slow").contains_key(&seconds(first)));
    assert!(daemon.stop().success());
}

#[test]
fn what_it_takes_in_part_is_said_and_not_sent_again() {
    let collector = Collector::new();
    collector.usually(Some(Does::TakePartly(2, "too old")));
    let rig = rig(&collector.section());
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    rig.log(&slow_requests(second));
    has_slot(&collector, second, 3.0);
    daemon.until_said("of the points that it was sent, which are not sent again: too old");
    let said = daemon.stop_saying("stopped");
    has_each_slot_once(&collector);
    // At once, and what came since at the end.
    assert!((1..=2).contains(&said.matches("did not take").count()), "{said}");
}

#[test]
fn a_collector_that_hangs_is_given_up_after_the_time_out() {
    let collector = Collector::new();
    collector.next(&[Does::Hang]);
    let rig = rig(&(collector.section() + "timeout = \"500ms\"\n"));
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    rig.log(&slow_requests(second));
    daemon.until_said("no answer within 500ms; slots are kept");
    has_slot(&collector, second, 3.0);
    assert!(daemon.stop().success());
    has_each_slot_once(&collector);
}

#[test]
fn a_collector_that_hangs_holds_up_no_stop_and_gets_the_slot_from_the_next_daemon() {
    let collector = Collector::new();
    collector.usually(Some(Does::Hang));
    let rig = rig(&(collector.section() + "timeout = \"10min\"\n"));
    let second = this_second();
    rig.log(&slow_requests(second));
    let daemon = rig.start();
    until("a request", || collector.requests(), |requests| *requests > 0);
    rig.until_counted(3);
    // This would take ten minutes, and fail, if it waited for the answer.
    assert!(daemon.stop().success());
    assert!(!owed_slots(&rig).is_empty(), "nothing is owed");
    collector.usually(None);
    let daemon = rig.start();
    has_slot(&collector, second, 3.0);
    assert!(daemon.stop().success());
    has_each_slot_once(&collector);
}

#[test]
fn a_collector_that_is_not_configured_any_more_and_is_owed_slots_is_named() {
    let rig = rig("[[otlp]]\nendpoint = \"http://127.0.0.1:1\"\n");
    let daemon = rig.start();
    daemon.until_said("cannot connect");
    assert!(daemon.stop().success());
    let text = std::fs::read_to_string(rig.folder.path("c.toml")).unwrap();
    rig.folder.write("c.toml", text.replace("127.0.0.1:1\"", "127.0.0.1:2\""));
    let daemon = rig.start();
    daemon.until_said("otlp http://127.0.0.1:1/v1/metrics is owed");
    daemon.until_said("is not in the configuration any more; they are in the store");
    assert!(daemon.stop().success());
}

#[test]
fn the_doctor_asks_a_collector_whether_it_takes_metrics() {
    let collector = Collector::new();
    let rig = rig(&collector.section());
    rig.log(&slow_requests(this_second()));
    let name = format!("otlp http://{}/v1/metrics", collector.address);
    assert!(rig.ask(&["check"]).out.contains(&format!("{name}: takes metrics")));
    collector.usually(Some(Does::Say("404 Not Found", "404 page not found")));
    let check = rig.ask(&["check"]);
    assert!(
        check.code == 1
            && check.out.contains(&format!("{name}: it answered 404 (404 page not found): is the path right")),
        "{check:?}"
    );
}
