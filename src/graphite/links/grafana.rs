//! Grafana's URLs: dashboards (`/d/UID/name`), one panel (`viewPanel=2`, `/d-solo/..?panelId=2`), Explore (`panes={..}`, `left=[..]`).
//!
//! A dashboard's URL has its times and variables; what its panels ask stands in the dashboard alone.

use serde_json::Value;

use super::{LinkMistake, LinkParts, LinkTime, LinkVariable, ReadLink, TimeGrammar};

const PANEL_LACKS: &str =
    "what a dashboard's panel asks does not stand in its URL: open the panel's menu, Explore, and paste that URL";

/// What stands in it, if it is one of these.
pub(super) fn read(parts: &LinkParts) -> Result<Option<ReadLink>, LinkMistake> {
    let segments = parts.segments();
    if segments.contains(&"goto") {
        return Err(LinkMistake {
            what: "a short link of Grafana says nothing by itself".to_owned(),
            help: "open it, and paste the URL that it leads to".to_owned(),
        });
    }
    if segments.contains(&"explore") {
        return explore(parts).map(Some);
    }
    let is_old = segments.windows(2).any(|pair| matches!(pair, ["dashboard", "db" | "snapshot" | "script" | "file"]));
    if !is_old
        && !segments
            .iter()
            .any(|segment| matches!(*segment, "d" | "d-solo" | "d-embed" | "dashboard-solo" | "public-dashboards"))
    {
        return Ok(None);
    }
    let is_panel = parts.value("viewPanel").or_else(|| parts.value("panelId")).is_some();
    let kind = if is_panel { "a panel's URL of Grafana" } else { "a dashboard's URL of Grafana" };
    let mut link = ReadLink { kind, lacks: Some(PANEL_LACKS), ..ReadLink::default() };
    for parameter in &parts.parameters {
        if let Some(name) = parameter.key.strip_prefix("var-") {
            link.variables.push(LinkVariable { name: name.to_owned(), value: parameter.value.clone() });
        }
    }
    link.zone = parts.value("timezone").or_else(|| parts.value("tz")).map(str::to_owned);
    link.from = parts.time("from", TimeGrammar::Grafana);
    link.until = parts.time("to", TimeGrammar::Grafana);
    around_time(parts, &mut link)?;
    Ok(Some(link))
}

/// `time=MS&time.window=MS`: so long a range with the time in its midst.
fn around_time(parts: &LinkParts, link: &mut ReadLink) -> Result<(), LinkMistake> {
    let Some(time) = parts.value("time") else { return Ok(()) };
    let window = parts.value("time.window").unwrap_or("10000");
    let (Ok(time), Ok(window)) = (time.parse::<i64>(), window.parse::<i64>()) else {
        return Err(LinkMistake {
            what: format!("`time={time}` and `time.window={window}` are no milliseconds"),
            help: "give --from and --until".to_owned(),
        });
    };
    let millis = |text: i64| Some(LinkTime { text: text.to_string(), grammar: TimeGrammar::Grafana });
    link.from = link.from.take().or_else(|| millis(time.saturating_sub(window / 2)));
    link.until = link.until.take().or_else(|| millis(time.saturating_add(window / 2)));
    Ok(())
}

fn explore(parts: &LinkParts) -> Result<ReadLink, LinkMistake> {
    let mut link = ReadLink { kind: "an Explore URL of Grafana", ..ReadLink::default() };
    link.zone = parts.value("timezone").map(str::to_owned);
    let mut panes = Vec::new();
    for key in ["panes", "left", "right"] {
        let Some(text) = parts.value(key) else { continue };
        let value: Value = serde_json::from_str(text).map_err(|error| LinkMistake {
            what: format!("`{key}=` is not JSON at column {}: {text}", error.column()),
            help: "copy the whole URL from the browser: it may be cut".to_owned(),
        })?;
        match (key, value) {
            ("panes", Value::Object(named)) => panes.extend(named.into_iter().map(|(_, pane)| pane)),
            (_, pane) => panes.push(pane),
        }
    }
    if panes.is_empty() {
        link.lacks = Some("it has neither `panes` nor `left`, which say what is explored");
    }
    for pane in &panes {
        read_pane(pane, &mut link);
    }
    if link.targets.is_empty() && link.routes.is_empty() && link.lacks.is_none() {
        link.lacks = Some("none of its queries is one of Graphite");
    }
    Ok(link)
}

/// A pane: `{"datasource":..,"queries":[..],"range":{..}}`, or as it once was `["now-1h","now","graphite",{..}]`.
fn read_pane(pane: &Value, link: &mut ReadLink) {
    let (queries, from, until): (Vec<&Value>, Option<String>, Option<String>) = match pane {
        Value::Object(pane) => {
            let queries = pane.get("queries").and_then(Value::as_array).map(|list| list.iter().collect());
            let range = pane.get("range");
            let edge = |name| range.and_then(|range| range.get(name)).and_then(text_of);
            (queries.unwrap_or_default(), edge("from"), edge("to"))
        }
        Value::Array(list) => {
            let queries = list.iter().filter(|value| value.is_object()).collect();
            (queries, list.first().and_then(text_of), list.get(1).and_then(text_of))
        }
        _ => return,
    };
    let mut of_pane = 0;
    for query in queries {
        of_pane += usize::from(read_query(query, link));
    }
    if of_pane == 0 {
        return;
    }
    let time = |text: Option<String>| text.map(|text| LinkTime { text, grammar: TimeGrammar::Grafana });
    let (from, until) = (time(from), time(until));
    if link.from.is_none() && link.until.is_none() {
        (link.from, link.until) = (from, until);
    } else if (&link.from, &link.until) != (&from, &until) {
        link.notes.push("the panes have different ranges: that of the first counts".to_owned());
    }
}

/// A query of a pane; whether it is one that can be read.
fn read_query(query: &Value, link: &mut ReadLink) -> bool {
    if query.get("hide").and_then(Value::as_bool) == Some(true) {
        return false;
    }
    let text = |key| query.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    // `targetFull` has what other queries of the pane stand for.
    if let Some(target) = text("targetFull").or_else(|| text("target")) {
        link.targets.push(target.to_owned());
        return true;
    }
    let Some(expression) = text("expr") else { return false };
    let routes = selected_routes(expression);
    if routes.is_empty() {
        link.notes.push(format!("passed over, since it names no route: {expression}"));
        return false;
    }
    link.routes.extend(routes);
    true
}

/// The routes of `{route="a"}`, as queries of Loki and Prometheus have them.
fn selected_routes(expression: &str) -> Vec<String> {
    let mut routes = Vec::new();
    let mut rest = expression;
    while let Some((before, after)) = rest.split_once("route=\"") {
        let Some((value, behind)) = after.split_once('"') else { break };
        rest = behind;
        if before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        routes.push(value.to_owned());
    }
    routes
}

/// A time in JSON: a text, or milliseconds.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
