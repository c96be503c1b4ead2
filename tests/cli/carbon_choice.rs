//! Which series a `[[carbon]]` gets, under which host, in which unit; and what of that cannot be meant.

use std::collections::BTreeSet;

use crate::index::{folder, index};
use crate::push::{Carbon, sent};
use support::log::{Request, text};

/// The series that come of a `[[carbon]]` with these keys, and their points.
fn pushed(keys: &str) -> (BTreeSet<String>, Vec<String>) {
    let carbon = Carbon::new();
    let (folder, requests) = folder(300, &(carbon.section() + keys));
    folder.write("a.log.1", text(&requests, Request::exact));
    let run = index(&folder, &["a.log.1", "--push", "--max-age=90000d"]);
    run.said(0, &["slots sent"]);
    let points: Vec<String> = carbon.points(sent(&run.err)).into_iter().map(|(_, line)| line).collect();
    (points.iter().map(|point| point.split(' ').next().unwrap().to_owned()).collect(), points)
}

#[test]
fn metrics_percentiles_and_routes_of_a_carbon_are_all_that_it_gets() {
    let keys = "metrics = [\"request_time\", \"status.5xx\", \"!*.sum\"]\npercentiles = [50, 99.9]\nroutes = [\"s*\", \"!static\"]\n";
    let (series, _) = pushed(keys);
    let slow: Vec<&str> = series.iter().filter_map(|path| path.strip_prefix("nginx.web1.slow.")).collect();
    let time = ["count", "max", "mean", "p50", "p999"].map(|what| format!("request_time.{what}"));
    assert_eq!(slow, [&time[..], &["status.5xx".to_owned()]].concat());
    assert!(series.iter().all(|path| path.starts_with("nginx.web1.s")), "{series:?}");
}

#[test]
fn times_are_in_seconds_where_asked_for_and_counts_are_counts() {
    let (_, in_millis) = pushed("metrics = \"request_time\"\n");
    let (_, in_seconds) = pushed("metrics = \"request_time\"\nunit = \"s\"\n");
    assert_eq!(in_millis.len(), in_seconds.len());
    for (millis, seconds) in in_millis.iter().zip(&in_seconds) {
        let [path, value, _] = millis.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let value: f64 = value.parse().unwrap();
        let wanted = if path.ends_with(".count") { value } else { value / 1000.0 };
        assert_eq!(seconds.split(' ').nth(1).unwrap().parse::<f64>().unwrap(), wanted, "{millis} {seconds}");
    }
}

#[test]
fn a_host_of_a_carbon_goes_before_that_of_all_and_its_dots_are_underscores() {
    let (series, _) = pushed("host = \"web7.example.org\"\n");
    assert!(series.iter().all(|path| path.starts_with("nginx.web7_example_org.")), "{series:?}");
}

#[test]
fn what_cannot_be_meant_is_a_mistake_with_its_place() {
    let cases = [
        (
            "metrics = [\"request_time\", \"reqest_time\"]",
            "3:28: `metrics`: no metric is called `reqest_time`",
            "did you mean `request_time`?",
        ),
        (
            "metrics = \"request_time.p42\"",
            "3:11: `metrics`: no metric is called `request_time.p42`",
            "did you mean `request_time.p",
        ),
        (
            "metrics = \"latency\"",
            "3:11: `metrics`: no metric is called `latency`",
            "one of `requests`, `status`, `bytes_sent`",
        ),
        ("percentiles = [50, 100]", "3:20: `percentiles`: 100 is not", "the largest is always sent, as `max`"),
        ("percentiles = [9.9]", "3:16: `percentiles`: 9.9 is not", "from 1 to 99, or with one decimal from 10.1"),
        ("percentiles = [\"95\"]", "3:16: `percentiles`: 95 is not", "take the quotes away"),
        ("routes = \"/webapp/static\"", "3:10: `routes`: `/webapp/static` is a path", "did you mean `webapp.static`?"),
        ("routes = [\"!\"]", "3:11: `routes`: `!` means no route", "for example `routes = "),
        ("unit = \"us\"", "3:8: `unit` cannot be `us`", "did you mean `"),
        ("host = \"fqdn_reversed\"", "3:8: `host` cannot be `fqdn_reversed`", "did you mean `fqdn-reversed`?"),
        ("send = \"finale\"", "3:8: `send` cannot be `finale`", "did you mean `final`?"),
        ("delay = \"10\"", "3:12: `delay` is not a duration", "did you mean `10s`"),
        ("metric = \"status\"", "3:1: unknown key `metric` in [[carbon]]", "did you mean `metrics`?"),
    ];
    let folder = support::folder!();
    for (key, mistake, help) in cases {
        folder.write("c.toml", format!("[[carbon]]\naddress = \"127.0.0.1:2003\"\n{key}\n"));
        folder.run(&["check", "--config=c.toml"]).said(2, &[mistake, help]);
    }
}
