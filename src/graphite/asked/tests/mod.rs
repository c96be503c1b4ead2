//! What pasted texts ask for.

mod grafana_urls;
mod page_links;

use super::*;
use crate::carbon::parse_archives;

/// Sunday, 2026-11-22 14:05:30 UTC.
const NOW: Timestamp = Timestamp(1_795_356_330_000);
const ROUTES: [&str; 5] = ["webapp.backend.git", "webapp.backend.wiki", "static", "spikeline.x", "api.v1.users.__id"];

fn namings() -> Vec<Naming> {
    vec![Naming::new("nginx", "web1", false).unwrap(), Naming::new("nginx", "web1", true).unwrap()]
}

pub(super) struct Setting {
    pub(super) routes: bool,
    pub(super) has_route: bool,
    pub(super) has_window: bool,
    pub(super) archives: &'static str,
    pub(super) clicked: Option<Timestamp>,
}

pub(super) const STORE: Setting =
    Setting { routes: true, has_route: false, has_window: false, archives: "", clicked: None };

pub(super) fn ask_in(setting: &Setting, texts: &[&str]) -> Result<Pasted, AskMistake> {
    let namings = namings();
    let archives = |_: usize, _: &str| parse_archives(setting.archives).unwrap_or_default();
    let context = AskContext {
        namings: &namings,
        archives: &archives,
        routes: setting.routes.then(|| ROUTES.to_vec()),
        is_host_known: true,
        interval: Duration::from_secs(10),
        now: NOW,
        zone: NamedZone::UTC,
        has_route: setting.has_route,
        has_window: setting.has_window,
        clicked: setting.clicked,
    };
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    understand(&texts, &context)
}

fn ask(text: &str) -> Pasted {
    ask_in(&STORE, &[text]).unwrap_or_else(|mistake| panic!("{mistake}\n  help: {:?}", mistake.help))
}

fn refuse(text: &str) -> AskMistake {
    ask_in(&STORE, &[text]).expect_err(text)
}

pub(super) fn times(asked: &Pasted) -> String {
    let edge = |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| time.to_string().replace(".000Z", ""));
    format!("{} {}", edge(asked.from), edge(asked.until))
}

#[test]
fn a_metric_says_its_route_and_what_is_looked_at() {
    use AskedOrder::{Count, Duration, Unsaid, Upstream};
    let cases = [
        ("request_time.p99", "", Duration),
        ("request_time.max", "", Duration),
        ("requests.slow", "", Duration),
        ("requests.count", "", Count),
        ("status.5xx", "500-599", Unsaid),
        ("status.499", "499-499", Unsaid),
        ("upstream_response_time.p95", "", Upstream),
        ("upstream_connect_time.p95", "", Duration),
        ("bytes_sent.sum", "", Unsaid),
    ];
    for (metric, statuses, order) in cases {
        for name in [
            format!("nginx.web1.webapp.backend.git.{metric}"),
            format!("nginx.{metric};host=web1;route=webapp.backend.git"),
            format!("seriesByTag('name=nginx.{metric}', 'route=webapp.backend.git')"),
        ] {
            let asked = ask(&name);
            assert_eq!(asked.routes, ["webapp.backend.git"], "{name}");
            let said: Vec<String> =
                asked.statuses.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect();
            assert_eq!((said.join(","), asked.order), (statuses.to_owned(), order), "{name}");
        }
    }
    assert_eq!(ask("nginx.web1.spikeline_.x.requests.count").routes, ["spikeline.x"]);
    assert_eq!(ask("nginx.web1.api.v1.users.__id.requests.count").routes, ["api.v1.users.__id"]);
    assert_eq!(ask("static").routes, ["static"], "a route's name is one, too");
    assert_eq!(ask("api.v1.users.{id}").routes, ["api.v1.users.{id}"]);
}

#[test]
fn targets_lead_to_all_routes_in_them() {
    let both = ["webapp.backend.git", "webapp.backend.wiki"];
    let cases: [(&str, &[&str]); 9] = [
        ("alias(nginx.web1.static.requests.count, 'x')", &["static"]),
        ("maxSeries(nginx.*.webapp.backend.{git,wiki}.request_time.p9[59])", &both),
        ("nginx.web1.webapp.backend.*.status.5xx|sumSeries()", &both),
        ("asPercent(nginx.web1.static.status.5xx, nginx.web1.static.requests.count)", &["static"]),
        ("exclude(nginx.web1.webapp.backend.*.requests.count, 'wiki')", &["webapp.backend.git"]),
        ("grep(nginx.web1.*.*.*.requests.count, 'wiki')", &["webapp.backend.wiki"]),
        ("aliasSub(seriesByTag('name=~nginx.request_time.p99','route=~^webapp'),\"(^.*$)\",\"\\1 A\")", &both),
        ("template(nginx.web1.$route.requests.count, route='static')", &["static"]),
        ("nginx.web1.webapp.backend", &both),
    ];
    for (target, routes) in cases {
        assert_eq!(ask(target).routes, routes, "{target}");
    }
    let share = ask("asPercent(nginx.web1.static.status.5xx, nginx.web1.static.requests.count)");
    assert_eq!(share.statuses, [500..=599]);
    assert_eq!(ask("nginx.web1.static.status.*").statuses.len(), 0, "all classes are no choice");
    let several = ask_in(&STORE, &["nginx.web1.static.requests.count", "nginx.web1.webapp.backend.git.requests.count"]);
    assert_eq!(several.unwrap().routes, ["static", "webapp.backend.git"]);
}

#[test]
fn links_say_a_window() {
    let metric = "nginx.web1.static.request_time.p99";
    let day = "2011-11-30T14:05:00 2011-11-30T14:07:00";
    let cases = [
        (format!("http://g/render?target={metric}&from=14:05_20111130&until=14:07_20111130"), day),
        (
            format!(
                "https://g:8080/graphite/render/?width=5&from=1322661900&until=1322662020&target=alias({metric}%2C%22x%22)"
            ),
            day,
        ),
        (format!("http://g/render?target={metric}&from=15:05_20111130&until=15:07_20111130&tz=Europe%2FBerlin"), day),
        (format!("http://g/render?from=14:07_20111130&until=14:05_20111130&target={metric}"), day),
        (format!("http://g/render?target={metric}"), "2026-11-21T14:05:30 2026-11-22T14:05:30"),
        (format!("http://g/render?target={metric}&from=-2h"), "2026-11-22T12:05:30 2026-11-22T14:05:30"),
        (
            format!("http://g/render?target={metric}&from=noon+yesterday&until=6pm_today"),
            "2026-11-21T12:00:00 2026-11-22T18:00:00",
        ),
        (
            format!("http://g/render?target={metric}&from=12pm_20111130&until=1am_20111130"),
            "2011-11-30T00:00:00 2011-11-30T01:00:00",
        ),
        (
            format!("http://g/composer?target={metric}&from=midnight&until=now"),
            "2026-11-22T00:00:00 2026-11-22T14:05:30",
        ),
        (
            format!("http://g/render?target[]={metric}&now=14:05_20111130&from=-1h"),
            "2011-11-30T13:05:00 2011-11-30T14:05:00",
        ),
        (format!("target={metric}&from=-1h&until=-30min"), "2026-11-22T13:05:30 2026-11-22T13:35:30"),
    ];
    for (link, window) in cases {
        let asked = ask(&link);
        assert_eq!((times(&asked).as_str(), asked.routes.as_slice()), (window, &["static".to_owned()][..]), "{link}");
    }
}

#[test]
fn grafanas_urls() {
    let encoded = |json: &str| form_urlencoded::byte_serialize(json.as_bytes()).collect::<String>();
    let panes = r#"{"a1b":{"datasource":"g","queries":[{"refId":"A","target":"aliasByNode(nginx.web1.static.request_time.p99, 2)"}],"range":{"from":"1322661900000","to":"1322662020000"}}}"#;
    let left = r#"{"datasource":"g","queries":[{"refId":"A","target":"nginx.web1.static.request_time.p99"}],"range":{"from":"now-1h","to":"now"}}"#;
    let oldest = r#"["1322661900000","1322662020000","graphite",{"target":"nginx.web1.static.request_time.p99"}]"#;
    let loki = r#"{"x":{"queries":[{"expr":"{route=\"static\"} |= \"x\""}],"range":{"from":"now-6h","to":"now-5h"}}}"#;
    let spike = "2011-11-30T14:05:00 2011-11-30T14:07:00";
    let cases = [
        (format!("https://g/explore?schemaVersion=1&panes={}&orgId=1", encoded(panes)), spike),
        (format!("https://g/grafana/explore?orgId=1&left={}", encoded(left)), "2026-11-22T13:05:30 2026-11-22T14:05:30"),
        (format!("https://g/explore?left={}", encoded(oldest)), spike),
        (format!("https://g/explore?panes={}", encoded(loki)), "2026-11-22T08:05:30 2026-11-22T09:05:30"),
        ("https://g/d/abc/nginx?orgId=1&from=1322661900000&to=1322662020000&var-route=static".to_owned(), spike),
        ("https://g/d/abc/nginx?from=2011-11-30T14:05:00.000Z&to=2011-11-30T14:07:00.000Z&timezone=utc&var-component=static&viewPanel=panel-2".to_owned(), spike),
        ("https://g/d-solo/abc?panelId=2&from=now-1d%2Fd&to=now-1d%2Fd&var-x=static".to_owned(), "2026-11-21T00:00:00 2026-11-22T00:00:00"),
        ("https://g/d/abc?time=1322661960000&time.window=120000&var-route=static".to_owned(), spike),
    ];
    for (link, window) in cases {
        let asked = ask(&link);
        assert_eq!((times(&asked).as_str(), asked.routes.as_slice()), (window, &["static".to_owned()][..]), "{link}");
    }
    for (link, what) in [
        ("https://g/d/abc/nginx?from=now-1h&to=now", "does not say a route"),
        ("https://g/d/abc/nginx?from=now-1h&to=now&var-host=web1&viewPanel=2", "does not say a route"),
        ("https://g/d/abc/nginx?var-route=static", "does not say a time"),
        ("https://g/d/abc/nginx?from=now-1h&to=now&var-route=statik", "`statik` is no route"),
        ("https://g/d/abc/nginx?from=now-1h&to=yesterday&var-route=static", "expected milliseconds"),
        ("https://g/explore?panes=%7B%22a", "is not JSON"),
        ("https://g/explore", "neither `panes` nor `left`"),
        ("https://g/goto/abc", "a short link"),
        ("https://g/alerting/list", "no URL of graphite-web"),
        ("http://g/dashboard/#mine", "the graphs of a dashboard"),
    ] {
        let mistake = refuse(link);
        assert!(mistake.what.contains(what), "{link}: {mistake}");
        assert!(mistake.help.is_some() || mistake.span.is_some(), "{link}");
    }
    let with_route = Setting { has_route: true, ..STORE };
    assert!(ask_in(&with_route, &["https://g/d/abc/nginx?from=now-1h&to=now"]).is_ok());
}

#[test]
fn links_of_the_page_may_be_filled_in_part() {
    let metric = "nginx.web1.static.request_time.p99";
    let asked = ask(&format!(
        "http://h:8417/at?m=${{__field.labels.name}}&s={metric}&t=1322661905000&from=1322661000000&to=1322662800000"
    ));
    assert_eq!(asked.routes, ["static"]);
    let point = asked.point.unwrap();
    assert_eq!(point.span.to_string(), "[2011-11-30T14:05:00.000Z, 2011-11-30T14:05:10.000Z)");
    assert_eq!(times(&asked), "2011-11-30T13:50:00 2011-11-30T14:20:00");
    let asked = ask(&format!("/at?m={metric}&t=${{__value.time}}&from=now-1h&to=now"));
    assert!(asked.point.is_none() && asked.from.is_some());
    let asked = ask("/?route=static&from=14:05_20111130&until=14:07_20111130&status=5xx&min-time=1s");
    assert_eq!(times(&asked), "2011-11-30T14:05:00 2011-11-30T14:07:00");
    assert_eq!((asked.statuses, asked.min_ms), (vec![500..=599], Some(1000)));
    let wide = ask(&format!("/at?m={metric}&t=1322661905000&from=1322575200000&to=1322661600000"));
    assert_eq!(wide.point.unwrap().span.to_string(), "[2011-11-30T14:05:00.000Z, 2011-11-30T14:08:00.000Z)");
}

#[test]
fn a_box_of_the_page_and_its_conditions_are_what_lines_are_shown_of() {
    let page = "http://127.0.0.1:8417/?route=static&from=14:00_20111130&until=14:30_20111130";
    let asked =
        ask(&format!("{page}&box=1322661910000,1322662020000,800,9000&only=status:5xx&not=status:502&tab=split"));
    assert_eq!(times(&asked), "2011-11-30T14:05:10 2011-11-30T14:07:00");
    assert_eq!((asked.min_ms, asked.below_ms, asked.all_by_end), (Some(800), Some(9000), Some(false)));
    assert_eq!(asked.statuses, [500..=501, 503..=599]);
    let whole = ask(&format!("{page}&box=1322661910000,1322662020000,0,"));
    assert_eq!((whole.min_ms, whole.below_ms, whole.all_by_end), (None, None, Some(true)));
    let asked = ask(&format!("{page}&only=remote_addr:203.0.113.9&not=method:GET&only=status:5xx"));
    let conditions: Vec<String> = asked.conditions.iter().map(ToString::to_string).collect();
    assert_eq!(conditions, ["remote_addr=203.0.113.9", "method!=GET"]);
    assert_eq!(asked.statuses, [500..=599]);
    // A request without a status is none of 5xx; of `--status` it would be none of the others either.
    let asked = ask(&format!("{page}&not=status:5xx"));
    assert_eq!((asked.conditions[0].to_string().as_str(), asked.statuses.len()), ("status!=5xx", 0));
    for (more, what) in [
        ("&only=remote_addr", "`only=remote_addr` is no condition: there is no `:`"),
        ("&not=x:%5Cx5", "two hexadecimal digits"),
        ("&box=1,2,3", "is no box"),
        ("&box=1322661910000,1322662020000,900,800", "is no box"),
        ("&only=status:200&not=status:2xx", "no request fits"),
    ] {
        let mistake = refuse(&format!("{page}{more}"));
        assert!(mistake.what.contains(what), "{more}: {mistake}");
    }
}

#[test]
fn points_of_a_coarser_archive_widen_the_window() {
    let setting = Setting { archives: "10s:6h,1m:6d,10m:30d", ..STORE };
    let link = "target=nginx.web1.static.request_time.p99&from=14:05_20261121&until=14:06:30_20261121";
    let asked = ask_in(&setting, &[link]).unwrap();
    assert_eq!(times(&asked), "2026-11-21T14:05:00 2026-11-21T14:07:00");
    assert!(asked.notes.iter().any(|note| note.contains("carbon keeps points of 1min")), "{:?}", asked.notes);
    let fine = ask_in(&setting, &["target=nginx.web1.static.request_time.p99&from=-1h&until=-59min"]).unwrap();
    assert_eq!((times(&fine).as_str(), fine.notes.len()), ("2026-11-22T13:05:30 2026-11-22T13:06:30", 0));
}

#[test]
fn what_is_not_understood_is_shown_with_what_is_near() {
    let mistake = refuse("alias(nginx.web1.statik.request_time.p99, 'x')");
    assert_eq!(mistake.what, "the store knows no route `statik`");
    assert!(mistake.help.as_deref().unwrap().contains("nginx.web1.static.request_time.p99"));
    let shown = mistake.to_string();
    assert!(shown.ends_with("\n        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"), "{shown}");
    let mistake = refuse("nginx.web2.static.request_time.p99");
    assert_eq!(mistake.what, "this is a metric of host `web2`, and the store is that of `web1`");
    assert!(mistake.help.unwrap().contains("--route static"));
    assert!(refuse("nginx.web1.spikeline.lines.read").what.contains("own metrics"));
    assert!(refuse("nginx.web1.*.request_time.p98").what.contains("no series has such a name"));
    assert!(refuse("nginx.*").what.contains("no series has such a name"), "a whole prefix is no question");
    assert!(refuse("alias(nginx.web1.static.requests.count").what.contains("ends within a call"));
    assert!(refuse("seriesByTag('route=nowhere')").what.contains("no series has such tags"));
    assert!(refuse("seriesByTag('route!=x')").what.contains("must ask for a value"));
    let mistake = refuse("http://g/render?target=nginx.web1.static.requests.count&from=-10m");
    assert!(mistake.help.unwrap().contains("-10min"));
}

#[test]
fn of_files_names_are_read_by_the_naming_alone() {
    let files = Setting { routes: false, ..STORE };
    let routes = |text: &str| ask_in(&files, &[text]).unwrap().routes;
    assert_eq!(routes("nginx.web1.any.thing.request_time.p99"), ["any.thing"]);
    assert_eq!(routes("nginx.web2.any.thing.request_time.p99"), ["any.thing"]);
    assert_eq!(routes("max(nginx.*.webapp.{git,wiki}.request_time.p9[59])"), ["graphite:webapp.{git,wiki}"]);
    assert_eq!(routes("seriesByTag('name=nginx.status.5xx','route=a.b')"), ["a.b"]);
    assert!(ask_in(&files, &["seriesByTag('route=~a')"]).is_err());
    assert!(ask_in(&files, &["other.web1.any.request_time.p99"]).is_err());
}
