//! `spikeline grafana`: data sources and a dashboard for Grafana, and where to put them.

use std::path::Path;

use serde_json::{Value, json};

use crate::carbon::Naming;
use crate::cli::answer::Answer;
use crate::cli::answer::output::say;
use crate::cli::args::GrafanaArguments;
use crate::cli::input::context::Context;
use crate::cli::input::event_settings::event_words;
use crate::cli::input::settings::destinations;
use crate::error::{Error, Result};

/// The name of the dashboard's file, and of the data sources'.
const DASHBOARD: &str = "spikeline-dashboard.json";
const DATA_SOURCES: &str = "spikeline-datasources.yaml";

/// Ids of the data sources, by which the dashboard finds them.
const GRAPHITE_UID: &str = "spikeline-graphite";
const LOKI_UID: &str = "spikeline-loki";

/// Names of routes are taken to have no more nodes than this where there is no store yet.
const NODES_WITHOUT_STORE: usize = 6;

pub(super) fn grafana(context: &Context, arguments: &GrafanaArguments) -> Result<Answer> {
    let words = event_words(context, None)?;
    let page = match (&arguments.page, words.page) {
        (Some(page), _) => page.trim_end_matches('/').to_owned(),
        (None, Some(page)) => page,
        (None, None) => {
            return Err(Error::usage("no page is served, so nothing can lead to it")
                .remedy("give --page http://HOST:8417, where Grafana and those who look at it reach it"));
        }
    };
    let graphite = arguments.graphite.as_deref().unwrap_or(&page).trim_end_matches('/').to_owned();
    let naming = match destinations(context.config()?)?.into_iter().next() {
        Some(destination) => destination.naming,
        None => Naming::new("nginx", &words.host, false)?,
    };
    let folder = arguments.out.as_deref().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, &error))?;
    put(&folder.join(DATA_SOURCES), &data_sources(&naming, &graphite, &page, deepest_route(context))?)?;
    let dashboard = serde_json::to_string_pretty(&dashboard(&naming, &page, deepest_route(context)))
        .map_err(|error| Error::failed(format!("cannot write JSON: {error}")))?;
    put(&folder.join(DASHBOARD), &(dashboard + "\n"))?;
    say(&format!(
        "{} -> /etc/grafana/provisioning/datasources/, then restart Grafana",
        folder.join(DATA_SOURCES).display()
    ));
    say(&format!(
        "{} -> Grafana: Dashboards, New, Import; or into the folder of a provider in /etc/grafana/provisioning/dashboards/",
        folder.join(DASHBOARD).display()
    ));
    if page.contains("127.0.0.1") || page.contains("localhost") {
        say(
            "note: links lead to this machine only; --page http://HOST:8417 names the page as others reach it (docs/http.md)",
        );
    }
    Ok(Answer::Found)
}

/// Of how many nodes the longest name of a route in the store is; a plain name does not say where its route ends.
fn deepest_route(context: &Context) -> usize {
    let Ok(view) = context.view() else { return NODES_WITHOUT_STORE };
    view.routes().iter().map(|(_, name)| name.split('.').count()).max().unwrap_or(NODES_WITHOUT_STORE)
}

fn put(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Error::io("write", path, &error))
}

/// The provisioning file. A text in JSON's quotes is one in YAML's.
fn data_sources(naming: &Naming, graphite: &str, page: &str, deepest: usize) -> Result<String> {
    let quoted = |text: &str| {
        serde_json::to_string(text).map_err(|error| Error::failed(format!("cannot write a text: {error}")))
    };
    // From the metric to the lines beside it: Grafana takes all mappings that are no longer than the path, one after the other, so that
    // with one for each number of nodes the last has a label for each node of the route.
    let before = naming.prefix.split('.').count() + naming.host.split('.').count() - 1;
    let mut mappings = Vec::new();
    for depth in 1..=deepest {
        let mut matchers = vec![json!({ "value": "*" }); before];
        matchers.push(match naming.host.contains('.') {
            true => json!({ "value": "*" }),
            false => json!({ "value": "*", "labelName": "host" }),
        });
        for node in 1..=depth {
            matchers.push(json!({ "value": "*", "labelName": format!("route_{node}") }));
        }
        matchers.extend([json!({ "value": "*" }), json!({ "value": "*" })]);
        mappings.push(format!("        - matchers: {}\n", Value::Array(matchers)));
    }
    Ok(format!(
        "apiVersion: 1\ndatasources:\n\
         - name: spikeline (Graphite)\n  uid: {GRAPHITE_UID}\n  type: graphite\n  access: proxy\n  url: {}\n  \
         jsonData:\n    graphiteVersion: \"1.1\"\n    importConfiguration:\n      loki:\n        mappings:\n{}\
         - name: spikeline (Loki)\n  uid: {LOKI_UID}\n  type: loki\n  access: proxy\n  url: {}\n",
        quoted(graphite)?,
        mappings.concat(),
        quoted(page)?
    ))
}

/// The dashboard: latency, requests and errors of chosen routes, a link from each point to the lines behind it, events as annotations.
fn dashboard(naming: &Naming, page: &str, deepest: usize) -> Value {
    let series = |what: &str| match naming.tagged {
        true => {
            let (metric, statistic) = what.split_once('.').unwrap_or((what, "count"));
            let name = format!("{}.{metric}.{statistic}", naming.prefix);
            format!(
                "aliasByTags(seriesByTag('name={name}','host={}','route=~^${{route:regex}}$'), 'route')",
                naming.host
            )
        }
        false => {
            let (prefix, host) = (&naming.prefix, &naming.host);
            let nodes = format!("{prefix}.{host}").split('.').count();
            // A `*` is one node, so there is a path for each number of them.
            let mut paths = Vec::new();
            for depth in 1..=deepest {
                paths.push(format!("{prefix}.{host}.{}.{what}", vec!["*"; depth].join(".")));
            }
            let all = paths.join(", ");
            format!("aliasSub(grep(group({all}), '$route'), '^(?:[^.]+[.]){{{nodes}}}(.*)[.][^.]+[.][^.]+$', '\\1')")
        }
    };
    let panel = |id: u32, title: &str, what: &str, unit: &str, row: u32| {
        let link = format!(
            "{page}/at?m=${{__field.labels.name}}&s=${{__series.name}}&t=${{__value.time}}&from=${{__from}}&to=${{__to}}"
        );
        json!({
            "id": id, "title": title, "type": "timeseries",
            "datasource": { "type": "graphite", "uid": GRAPHITE_UID },
            "gridPos": { "h": 8, "w": 24, "x": 0, "y": row },
            "targets": [{ "refId": "A", "target": series(what) }],
            "fieldConfig": {
                "defaults": {
                    "unit": unit,
                    "links": [{ "title": "lines behind this point", "url": link, "targetBlank": true }]
                },
                "overrides": []
            },
            "options": { "tooltip": { "mode": "multi", "sort": "desc" } }
        })
    };
    let datasource = json!({ "type": "graphite", "uid": GRAPHITE_UID });
    let routes = match naming.tagged {
        true => json!({
            "name": "route", "label": "route", "type": "query", "refresh": 2, "includeAll": true, "multi": true, "allValue": ".*",
            "query": format!("tag_values(route, name={}.requests.count)", naming.prefix), "datasource": datasource,
            "current": { "text": "All", "value": "$__all" }
        }),
        false => json!({
            "name": "route", "label": "route (a regular expression)", "type": "textbox", "query": ".*",
            "current": { "text": ".*", "value": ".*" }
        }),
    };
    json!({
        "title": "nginx by route (spikeline)", "uid": "spikeline-routes", "schemaVersion": 39, "editable": true,
        "time": { "from": "now-1h", "to": "now" }, "refresh": "30s", "tags": ["nginx", "spikeline"],
        "templating": { "list": [routes] },
        "annotations": { "list": [{
            "name": "left its usual range", "enable": true, "iconColor": "orange",
            "datasource": { "type": "graphite", "uid": GRAPHITE_UID },
            "fromAnnotations": true, "tags": ["spikeline"], "target": { "tags": ["spikeline"] }
        }] },
        "links": [{ "title": "the page", "type": "link", "url": page, "targetBlank": true, "keepTime": false }],
        "panels": [
            panel(1, "p99 of request_time", "request_time.p99", "ms", 0),
            panel(2, "p50 of request_time", "request_time.p50", "ms", 8),
            panel(3, "requests in 10 s", "requests.count", "short", 16),
            panel(4, "5xx in 10 s", "status.5xx", "short", 24),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashboard_draws_routes_of_any_number_of_nodes() {
        let naming = Naming::new("nginx", "web1", false).unwrap();
        let target = &dashboard(&naming, "http://web1:8417", 2)["panels"][0]["targets"][0]["target"];
        let expected = "aliasSub(grep(group(nginx.web1.*.request_time.p99, nginx.web1.*.*.request_time.p99), '$route'), \
                        '^(?:[^.]+[.]){2}(.*)[.][^.]+[.][^.]+$', '\\1')";
        assert_eq!(target.as_str().unwrap(), expected);
    }
}
