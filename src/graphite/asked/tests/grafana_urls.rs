//! URLs as Grafana's address bar, its Share dialogues and its links have them, by its own grammar: window and routes right, or what is
//! missing named.

use super::{STORE, Setting, ask_in, times};

/// `;` parts routes. Of a URL the text in `<..>` is JSON, and stands there escaped.
const UNDERSTOOD: &[(&str, &str, &str)] = &[
    // A dashboard: absolute times are milliseconds.
    ("/d/abc/nginx?orgId=1&from=1322661900000&to=1322662020000&var-route=static", "static", SPIKE),
    ("/d/abc/nginx?orgId=1&from=1322661900000&to=1322662020000&var-route=static&kiosk", "static", SPIKE),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=static&kiosk=tv&autofitpanels", "static", SPIKE),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=static&refresh=5s&_dash.hideTimePicker",
        "static",
        SPIKE,
    ),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=static&shareView=link#comment", "static", SPIKE),
    ("/d/abc?from=1322661900000&to=1322662020000&var-component=webapp.backend.git", "webapp.backend.git", SPIKE),
    ("/d/abc?from=1322661900000&amp;to=1322662020000&amp;var-route=static", "static", SPIKE),
    ("/grafana/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=static", "static", SPIKE),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=static&var-route=webapp.backend.git",
        "static;webapp.backend.git",
        SPIKE,
    ),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&var-route=webapp.backend.%7Bgit,wiki%7D",
        "graphite:webapp.backend.{git,wiki}",
        SPIKE,
    ),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-metric=nginx.web1.static.request_time.p99", "static", SPIKE),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-host=web1&var-route=static", "static", SPIKE),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&var-host=web2&var-host=web1.example.org&var-route=static",
        "static",
        SPIKE,
    ),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-host=$__all&var-route=static", "static", SPIKE),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&var-Filters=route%7C%3D%7Cstatic", "static", SPIKE),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&var-Filters=route%7C%3D~%7Cstatic__gfp__webapp.%2B",
        "webapp.backend.git;webapp.backend.wiki;static",
        SPIKE,
    ),
    // The dashboard of `spikeline grafana`: its route is a regular expression.
    (
        "/d/spikeline-routes/nginx-by-route?from=1322661900000&to=1322662020000&var-route=back.*git%7Cstatic",
        "webapp.backend.git;static",
        SPIKE,
    ),
    ("/d/spikeline-routes/nginx-by-route?from=1322661900000&to=1322662020000&var-route=static", "static", SPIKE),
    // Without separators or zone, in UTC.
    ("/d/abc/nginx?from=20111130T140500&to=20111130T140700&var-route=static", "static", SPIKE),
    (
        "/d/abc/nginx?from=2011-11-30+14:05:00&to=2011-11-30+14:07:00&timezone=Europe%2FBerlin&var-route=static",
        "static",
        SPIKE,
    ),
    (
        "/d/abc/nginx?from=2011-11-30T14:05:00.000Z&to=2011-11-30T14:07:00.000Z&timezone=browser&var-route=static",
        "static",
        SPIKE,
    ),
    ("/d/abc/nginx?from=20111129&to=20111130&var-route=static", "static", "2011-11-29T00:00:00 2011-11-30T00:00:00"),
    // A time and how much around it.
    ("/d/abc?time=1322661960000&time.window=120000&var-route=static", "static", SPIKE),
    ("/d/abc?time=1322661960000&time.window=2m&var-route=static", "static", SPIKE),
    // Relative ones; now is Sunday, 2026-11-22 14:05:30.
    ("/d/abc?from=now-1h&to=now&var-route=static", "static", "2026-11-22T13:05:30 2026-11-22T14:05:30"),
    ("/d/abc?from=now-6h&to=now-5h&var-route=static&timezone=utc", "static", "2026-11-22T08:05:30 2026-11-22T09:05:30"),
    ("/d/abc?from=now%2Fd&to=now%2Fd&var-route=static", "static", "2026-11-22T00:00:00 2026-11-23T00:00:00"),
    ("/d/abc?from=now/d&to=now&var-route=static", "static", "2026-11-22T00:00:00 2026-11-22T14:05:30"),
    ("/d/abc?from=now-1d%2Fd&to=now-1d%2Fd&var-route=static", "static", "2026-11-21T00:00:00 2026-11-22T00:00:00"),
    (
        "/d/abc?from=now-1d%2Fd&to=now-1d%2Fd&timezone=Europe%2FBerlin&var-route=static",
        "static",
        "2026-11-20T23:00:00 2026-11-21T23:00:00",
    ),
    ("/d/abc?from=now-7d%2Fd&to=now%2Fd&var-route=static", "static", "2026-11-15T00:00:00 2026-11-23T00:00:00"),
    ("/d/abc?from=now%2Fw&to=now%2Fw&var-route=static", "static", "2026-11-22T00:00:00 2026-11-29T00:00:00"),
    ("/d/abc?from=now-1M%2FM&to=now-1M%2FM&var-route=static", "static", "2026-10-01T00:00:00 2026-11-01T00:00:00"),
    ("/d/abc?from=now%2Fy&to=now&var-route=static", "static", "2026-01-01T00:00:00 2026-11-22T14:05:30"),
    ("/d/abc?from=now-5m&to=now%2B1m&var-route=static", "static", "2026-11-22T14:00:30 2026-11-22T14:06:30"),
    ("/d/abc?from=now-1d-2h&to=now-1d&var-route=static", "static", "2026-11-21T12:05:30 2026-11-21T14:05:30"),
    // One panel.
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&viewPanel=2&var-route=static", "static", SPIKE),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&viewPanel=panel-2&var-route=static", "static", SPIKE),
    ("/d/abc/nginx?from=1322661900000&to=1322662020000&editPanel=2&tab=queries&var-route=static", "static", SPIKE),
    (
        "/d/abc/nginx?from=1322661900000&to=1322662020000&inspect=panel-2&inspectTab=data&var-route=static",
        "static",
        SPIKE,
    ),
    (
        "/d-solo/abc/nginx?orgId=1&panelId=2&__feature.dashboardSceneSolo&from=1322661900000&to=1322662020000&var-route=static",
        "static",
        SPIKE,
    ),
    (
        "/render/d-solo/abc/nginx?panelId=2&width=1000&height=500&tz=UTC%2B01%3A00&from=now-1d%2Fd&to=now-1d%2Fd&var-route=static",
        "static",
        "2026-11-20T23:00:00 2026-11-21T23:00:00",
    ),
    ("/public-dashboards/0123abcd?from=1322661900000&to=1322662020000&var-route=static", "static", SPIKE),
    // As they once were.
    (
        "/dashboard/db/nginx?panelId=2&fullscreen&edit&from=1322661900000&to=1322662020000&var-route=static",
        "static",
        SPIKE,
    ),
    (
        "/dashboard-solo/db/nginx?panelId=2&theme=light&from=1322661900000&to=1322662020000&var-route=static",
        "static",
        SPIKE,
    ),
    ("/dashboard/snapshot/Xy12?from=1322661900000&to=1322662020000&var-route=static", "static", SPIKE),
    // Explore.
    (
        r#"/explore?schemaVersion=1&orgId=1&panes=<{"a1b":{"datasource":"g","queries":[{"refId":"A","datasource":{"type":"graphite","uid":"g"},"target":"aliasByNode(nginx.web1.static.request_time.p99, 2)"}],"range":{"from":"1322661900000","to":"1322662020000"},"compact":false}}>"#,
        "static",
        SPIKE,
    ),
    (
        r#"/explore?schemaVersion=1&panes=<{"a":{"queries":[{"refId":"A","hide":true,"target":"nginx.web1.webapp.backend.*.requests.count"},{"refId":"B","target":"sumSeries(#A)"}],"range":{"from":"now-1h","to":"now"}}}>"#,
        "webapp.backend.git;webapp.backend.wiki",
        "2026-11-22T13:05:30 2026-11-22T14:05:30",
    ),
    (
        r##"/explore?panes=<{"a":{"queries":[{"refId":"A","target":"#B","targetFull":"nginx.web1.static.requests.count"}],"range":{"from":"2011-11-30T14:05:00.000Z","to":"2011-11-30T14:07:00.000Z"}}}>"##,
        "static",
        SPIKE,
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"refId":"A","hide":true,"target":"nginx.web1.static.requests.count"},{"refId":"B","target":"nginx.web1.webapp.backend.git.requests.count"}],"range":{"from":1322661900000,"to":1322662020000}}}>"#,
        "webapp.backend.git",
        SPIKE,
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"target":"nginx.web1.static.requests.count"}],"range":{"from":"1322661900000","to":"1322662020000"}},"b":{"queries":[{"target":"nginx.web1.webapp.backend.git.requests.count"}],"range":{"from":"1322661900000","to":"1322662020000"}}}>"#,
        "webapp.backend.git;static",
        SPIKE,
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"target":"summarize(nginx.web1.static.requests.count, '$__interval', 'sum')"}],"range":{"from":"1322661900000","to":"1322662020000"}}}>"#,
        "static",
        SPIKE,
    ),
    (
        r#"/explore?panes=<{"a":{"datasource":"loki","queries":[{"expr":"{route=\"static\"} |= \"x\"","queryType":"range"}],"range":{"from":"now-6h","to":"now-5h"}}}>"#,
        "static",
        "2026-11-22T08:05:30 2026-11-22T09:05:30",
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"expr":"{route=~\"webapp.+|static\"}"}],"range":{"from":"1322661900000","to":"1322662020000"}}}>"#,
        "webapp.backend.git;webapp.backend.wiki;static",
        SPIKE,
    ),
    (
        r#"/explore?panes=<{"p":{"queries":[{"expr":"histogram_quantile(0.99, sum by (le) (rate(spikeline_request_duration_seconds_bucket{route=\"static\"}[5m])))"}],"range":{"from":"1322661900000","to":"1322662020000"}}}>"#,
        "static",
        SPIKE,
    ),
    (
        r#"/grafana/explore?orgId=1&left=<{"datasource":"g","queries":[{"refId":"A","target":"nginx.web1.static.request_time.p99"}],"range":{"from":"now-1h","to":"now"}}>"#,
        "static",
        "2026-11-22T13:05:30 2026-11-22T14:05:30",
    ),
    (
        r#"/explore?left=<["1322661900000","1322662020000","graphite",{"target":"nginx.web1.static.request_time.p99"},{"mode":"Metrics"},{"ui":[true,true,true,"none"]}]>"#,
        "static",
        SPIKE,
    ),
    (
        r#"/explore?left=<["now-1h","now","Loki",{"expr":"{route=\"static\"}"}]>&right=<["now-1h","now","Loki",{"expr":"{route=\"webapp.backend.git\"}"}]>"#,
        "webapp.backend.git;static",
        "2026-11-22T13:05:30 2026-11-22T14:05:30",
    ),
    // An app, and Graphite behind Grafana's proxy.
    (
        "/a/grafana-lokiexplore-app/explore/service/nginx/logs?from=now-1h&to=now&var-ds=l&var-filters=route%7C%3D%7Cstatic",
        "static",
        "2026-11-22T13:05:30 2026-11-22T14:05:30",
    ),
    (
        "/api/datasources/proxy/uid/g/render?target=nginx.web1.static.requests.count&from=14:05_20111130&until=14:07_20111130",
        "static",
        SPIKE,
    ),
];

const SPIKE: &str = "2011-11-30T14:05:00 2011-11-30T14:07:00";

/// What is said of those that do not say all.
const REFUSED: &[(&str, &str)] = &[
    ("/d/abc/nginx?from=now-1h&to=now", "a dashboard's URL of Grafana that does not say a route"),
    ("/d/abc/nginx?from=now-1h&to=now&var-host=web1&viewPanel=2", "a panel's URL of Grafana that does not say a route"),
    ("/d/abc/nginx?from=now-1h&to=now&var-route=$__all", "does not say a route"),
    ("/d/abc/nginx?var-route=static", "does not say a time"),
    ("/d/abc/nginx?from=now-1h&var-route=static", "does not say where its range ends"),
    ("/d/abc/nginx?to=now&var-route=static", "does not say where its range begins"),
    ("/d/abc/nginx?time=1322661960000&var-route=static", "does not say a time"),
    ("/d/abc/nginx?time=noon&time.window=5m&var-route=static", "no milliseconds"),
    ("/d/abc/nginx?from=now-1h&to=now&var-route=statik", "`statik` is no route"),
    ("/d/abc/nginx?from=now-1h&to=now&var-route=static&var-host=web2", "`web2` is another host than `web1`"),
    ("/d/abc/nginx?from=now-1h&to=yesterday&var-route=static", "expected milliseconds"),
    ("/d/abc/nginx?from=now%2Ffy&to=now%2Ffy&var-route=static", "expected an offset such as -1h, or /d"),
    ("/d/abc/nginx?from=now&to=now&var-route=static", "begins the window where it ends"),
    ("/d/spikeline-routes/x?from=now-1h&to=now&var-route=nothing.*", "`nothing.*` is no route"),
    ("/d/spikeline-routes/x?from=now-1h&to=now&var-route=a(", "not understood"),
    ("/explore?panes=%7B%22a", "is not JSON"),
    ("/explore?orgId=1", "neither `panes` nor `left`"),
    (r#"/explore?panes=<{"a":{"queries":[],"range":{"from":"now-1h","to":"now"}}}>"#, "none of its queries"),
    (
        r#"/explore?panes=<{"a":{"queries":[{"expr":"{job=\"x\"} |= `{route=\"static\"}`"}],"range":{"from":"now-1h","to":"now"}}}>"#,
        "none of its queries",
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"target":"nginx.web1.$route.requests.count"}],"range":{"from":"now-1h","to":"now"}}}>"#,
        "the variable `$route`",
    ),
    (
        r#"/explore?panes=<{"a":{"queries":[{"target":"nginx.web1.statik.requests.count"}],"range":{"from":"now-1h","to":"now"}}}>"#,
        "the store knows no route `statik`",
    ),
    (r#"/explore?panes=<{"a":{"queries":[{"target":"nginx.web1.static.requests.count"}]}}>"#, "does not say a time"),
    ("/goto/abc?orgId=1", "a short link of Grafana"),
    ("/dashboard/new?orgId=1&from=now-1h&to=now", "a dashboard's URL of Grafana that does not say a route"),
    ("/alerting/grafana/abc/view", "no URL of graphite-web, of Grafana"),
    ("/dashboards/f/abc/nginx", "no URL of graphite-web, of Grafana"),
    ("/playlists/play/1?kiosk", "no URL of graphite-web, of Grafana"),
];

fn address(text: &str) -> String {
    let mut address = String::from("https://grafana.example.org");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("=<") {
        let (json, behind) =
            after.split_once(">&").map_or((after.trim_end_matches('>'), ""), |(json, behind)| (json, behind));
        address.push_str(before);
        address.push('=');
        address.extend(form_urlencoded::byte_serialize(json.as_bytes()));
        if !behind.is_empty() {
            address.push('&');
        }
        rest = behind;
    }
    address + rest
}

#[test]
fn sixty_urls_of_grafanas_grammar_say_their_window_and_routes() {
    assert!(UNDERSTOOD.len() >= 60, "{}", UNDERSTOOD.len());
    for (text, routes, window) in UNDERSTOOD {
        let link = address(text);
        let asked = ask_in(&STORE, &[&link]).unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
        let mut read: Vec<&str> = asked.routes.iter().map(String::as_str).collect();
        let mut meant: Vec<&str> = routes.split(';').collect();
        read.sort_unstable();
        meant.sort_unstable();
        assert_eq!((read, times(&asked).as_str()), (meant, *window), "{text}");
    }
}

#[test]
fn what_grafanas_urls_do_not_say_is_named() {
    for (text, what) in REFUSED {
        let link = address(text);
        let mistake = ask_in(&STORE, &[&link]).expect_err(text);
        assert!(mistake.what.contains(what), "{text}: {mistake}");
        assert!(mistake.help.is_some() || mistake.span.is_some(), "{text}");
    }
    let elsewhere = Setting { has_window: true, ..STORE };
    let link = address("/d/abc/nginx?from=now-1h&var-route=static");
    assert!(ask_in(&elsewhere, &[&link]).is_ok(), "the other end is said by --until");
}

#[test]
fn what_of_a_query_is_not_taken_over_is_said() {
    let panes = r#"/explore?panes=<{"a":{"queries":[{"expr":"{route=\"static\", status_class=\"5xx\"} | rt > 2s"}],"range":{"from":"now-6h","to":"now-5h"}}}>"#;
    let asked = ask_in(&STORE, &[&address(panes)]).unwrap();
    assert_eq!(asked.statuses, [500..=599]);
    assert!(asked.notes.iter().any(|note| note.contains("rt > 2s")), "{:?}", asked.notes);
    let week = ask_in(&STORE, &[&address("/d/abc?from=now%2Fw&to=now&var-route=static")]).unwrap();
    assert!(week.notes.iter().any(|note| note.contains("begin on Sunday")), "{:?}", week.notes);
    let filter =
        ask_in(&STORE, &[&address("/d/abc?from=now-1h&to=now&var-route=static&var-Filters=status%7C%3E%7C500")])
            .unwrap();
    assert!(filter.notes.iter().any(|note| note.contains("status > 500")), "{:?}", filter.notes);
}
