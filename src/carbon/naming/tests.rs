//! What series are called, and what gets none.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::series_choice::TimeUnit;
use super::*;
use crate::histogram::TIMES;

const SLOT: Timestamp = Timestamp::from_secs(1_322_661_900);

fn naming(tagged: bool) -> Naming {
    Naming::new("nginx", "web1", tagged).unwrap()
}

fn lines(points: &Points) -> Vec<String> {
    points.iter().map(|p| format!("{} {} {}", p.path, p.value, p.at)).collect()
}

fn sample() -> Cell {
    let mut cell = Cell::default();
    (cell.requests, cell.slow, cell.bytes_sent) = (5, 1, 1234);
    for status in [101, 200, 304, 499, 502] {
        cell.count_status(status);
    }
    for millis in [10, 20, 30, 1001] {
        cell.time_mut(Time::Request).record(millis);
    }
    cell
}

#[test]
fn a_cell_gives_every_series_of_the_contract() {
    let mut points = Points::new();
    naming(false).append_cell("webapp.backend.git", SLOT, &sample(), &[Time::Request], &mut points);
    let expected = "requests.count 5, requests.slow 1, status.1xx 1, status.2xx 1, status.3xx 1, status.4xx 1, \
        status.5xx 1, status.499 1, bytes_sent.sum 1234, request_time.count 4, request_time.sum 1061, \
        request_time.mean 265.25, request_time.p50 20, request_time.p75 30, request_time.p90 1001, \
        request_time.p95 1001, request_time.p99 1001, request_time.p999 1001, request_time.max 1001";
    let expected: Vec<String> =
        expected.split(", ").map(|rest| format!("nginx.web1.webapp.backend.git.{rest} 1322661900")).collect();
    assert_eq!(lines(&points), expected);
    assert_eq!(points.refused(), 0);
}

#[test]
fn a_time_without_samples_stays_absent() {
    let mut points = Points::new();
    naming(false).append_cell("a", SLOT, &sample(), &TIMES, &mut points);
    assert!(points.iter().any(|p| p.path.contains(".request_time.")));
    assert!(!points.iter().any(|p| p.path.contains("upstream")));
    points.clear();
    let mut cell = sample();
    cell.time_mut(Time::UpstreamHeader).record(0);
    naming(false).append_cell("a", SLOT, &cell, &TIMES, &mut points);
    assert!(lines(&points).contains(&"nginx.web1.a.upstream_header_time.p50 0 1322661900".to_owned()));
    points.clear();
    naming(false).append_cell("a", SLOT, &cell, &[], &mut points);
    assert!(!points.iter().any(|p| p.path.contains("_time.")), "a time that the format lacks is not sent");
}

#[test]
fn tags_are_in_canonical_order() {
    let mut points = Points::new();
    naming(true).append_cell("webapp.backend.git", SLOT, &sample(), &[Time::Request], &mut points);
    assert!(
        lines(&points)
            .contains(&"nginx.request_time.p99;host=web1;route=webapp.backend.git 1001 1322661900".to_owned())
    );
    assert_eq!(points.len(), 19);
    points.clear();
    naming(true).append_own("lines.read", 7.0, SLOT, &mut points);
    assert_eq!(lines(&points), ["nginx.spikeline.lines.read;host=web1 7 1322661900"]);
}

#[test]
fn a_quiet_slot_sends_its_zero_only() {
    let mut points = Points::new();
    naming(false).append_quiet("a.b", SLOT, &mut points);
    assert_eq!(lines(&points), ["nginx.web1.a.b.requests.count 0 1322661900"]);
}

#[test]
fn a_route_called_spikeline_gives_way() {
    let mut points = Points::new();
    for route in ["spikeline", "spikeline.x", "spikeline_", "spikeline_x", "spikelines", "a.spikeline"] {
        naming(false).append_quiet(route, SLOT, &mut points);
    }
    naming(false).append_own("requests.count", 1.0, SLOT, &mut points);
    let got: Vec<_> = points.iter().map(|p| p.path.replace(".requests.count", "")).collect();
    let expected = ["spikeline_", "spikeline_.x", "spikeline__", "spikeline_x", "spikelines", "a.spikeline"]
        .into_iter()
        .chain(["spikeline"])
        .map(|route| format!("nginx.web1.{route}"))
        .collect::<Vec<_>>();
    assert_eq!(got, expected);
}

#[test]
fn an_unsafe_route_sends_nothing() {
    for tagged in [false, true] {
        let mut points = Points::new();
        for route in ["", "a b", "a\nnginx.web1.b.requests.count 1 1", "a;host=x", "a..b", "a.", "../x"] {
            naming(tagged).append_cell(route, SLOT, &sample(), &[Time::Request], &mut points);
        }
        assert_eq!((points.len(), points.refused()), (0, 7 * 19));
    }
}

#[test]
fn prefix_and_host_are_checked_once() {
    let naming = Naming::new("prod.nginx", "web1.example.org", false).unwrap();
    assert_eq!((naming.prefix.as_str(), naming.host.as_str()), ("prod.nginx", "web1_example_org"));
    assert_eq!(Naming::new("nginx", "a b/ö", true).unwrap().host, "a_b__");
    for prefix in ["", ".", "a.", "a..b", "a b", "a;b=c"] {
        let error = Naming::new(prefix, "web1", false).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("help: "));
    }
    assert!(Naming::new("nginx", "", false).is_err());
}

proptest! {
    #[test]
    fn different_routes_never_share_a_series(
        routes in prop::collection::hash_set("(spikeline_{0,2}|a|requests|count)(\\.(spikeline|requests|count|a)){0,3}", 2..8),
        tagged: bool,
    ) {
        let mut points = Points::new();
        for route in &routes {
            naming(tagged).append_cell(route, SLOT, &sample(), &[Time::Request], &mut points);
        }
        naming(tagged).append_own("requests.count", 1.0, SLOT, &mut points);
        let paths: HashSet<&str> = points.iter().map(|p| p.path).collect();
        prop_assert_eq!(paths.len(), routes.len() * 19 + 1);
    }

    #[test]
    fn any_route_text_is_sent_safely_or_not_at_all(route in "(?s).{0,60}", tagged: bool) {
        let mut points = Points::new();
        naming(tagged).append_quiet(&route, SLOT, &mut points);
        for point in points.iter() {
            prop_assert!(point.path.contains(&route));
            prop_assert!(!point.path.contains([' ', '\n', '\t', '/']));
            prop_assert_eq!(point.path.matches(';').count(), if tagged { 2 } else { 0 });
        }
    }
}

#[test]
fn a_choice_leaves_out_metrics_percentiles_and_routes_and_says_times_in_seconds() {
    let mut naming = naming(false);
    naming.choice = SeriesChoice {
        metrics: vec!["request_time".to_owned(), "status.5xx".to_owned(), "!request_time.sum".to_owned()],
        routes: vec!["webapp.*".to_owned(), "!webapp.static".to_owned(), "users.{id}".to_owned()],
        percentiles: vec![Percentile::parse("50").unwrap(), Percentile::parse("99.5").unwrap()],
        unit: TimeUnit::Seconds,
    };
    let mut points = Points::new();
    naming.append_cell("webapp.static", SLOT, &sample(), &[Time::Request], &mut points);
    naming.append_quiet("other", SLOT, &mut points);
    naming.append_quiet("webapp.a", SLOT, &mut points);
    assert!(points.is_empty());
    naming.append_cell("users.__id", SLOT, &sample(), &[Time::Request], &mut points);
    assert_eq!(points.len(), 6, "a route goes by its readable name, too");
    points.clear();
    naming.append_cell("webapp.a", SLOT, &sample(), &[Time::Request], &mut points);
    let expected = "status.5xx 1, request_time.count 4, request_time.mean 0.26525, request_time.p50 0.02, \
        request_time.p995 1.001, request_time.max 1.001";
    let expected: Vec<String> =
        expected.split(", ").map(|rest| format!("nginx.web1.webapp.a.{rest} 1322661900")).collect();
    assert_eq!(lines(&points), expected);
    assert_eq!(points.refused(), 0);
}

#[test]
fn a_host_may_be_its_labels_from_the_last() {
    let naming = Naming::new("nginx", "x", false).unwrap().with_host_reversed("web1.a_b.example.org.");
    let mut points = Points::new();
    naming.append_quiet("a", SLOT, &mut points);
    assert_eq!(lines(&points), ["nginx.org.example.a_b.web1.a.requests.count 0 1322661900"]);
}
