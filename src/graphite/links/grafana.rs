//! Grafana's URLs: dashboards (`/d/UID/name`), one panel (`viewPanel=2`, `/d-solo/..?panelId=2`), Explore (`panes={..}`, `left=[..]`).
//!
//! A dashboard's URL has its times and variables; what its panels ask stands in the dashboard alone.

use super::{LinkMistake, LinkParts, LinkTime, LinkVariable, ReadLink, TimeGrammar, grafana_explore};

const PANEL_LACKS: &str =
    "what a dashboard's panel asks does not stand in its URL: open the panel's menu, Explore, and paste that URL";

/// Where dashboards are.
const DASHBOARDS: [&str; 5] = ["d", "d-solo", "d-embed", "dashboard-solo", "public-dashboards"];

/// What stands behind `/dashboard/`.
const OLD_DASHBOARDS: [&str; 6] = ["db", "snapshot", "script", "file", "new", "new-with-ds"];

/// Parameters by which one panel is looked at.
const OF_PANEL: [&str; 5] = ["viewPanel", "editPanel", "panelId", "inspect", "soloPanelId"];

/// The dashboard of `spikeline grafana`, whose `route` is a regular expression.
pub(super) const OWN_DASHBOARD: &str = "spikeline-routes";

/// What stands in it, if it is one of these.
pub(super) fn read(parts: &LinkParts) -> Result<Option<ReadLink>, LinkMistake> {
    let segments = parts.segments();
    if segments.contains(&"goto") {
        return Err(LinkMistake {
            what: "a short link of Grafana says nothing by itself".to_owned(),
            help: "open it, and paste the URL that it leads to".to_owned(),
        });
    }
    let is_app = segments.windows(2).any(|pair| matches!(pair, ["a", app] if app.starts_with("grafana-")));
    if segments.contains(&"explore") && !is_app {
        let mut link = grafana_explore::read(parts)?;
        link.zone = zone(parts);
        return Ok(Some(link));
    }
    let is_old =
        segments.windows(2).any(|pair| matches!(pair, ["dashboard", behind] if OLD_DASHBOARDS.contains(behind)));
    if !is_app && !is_old && !segments.iter().any(|segment| DASHBOARDS.contains(segment)) {
        return Ok(None);
    }
    let is_panel = OF_PANEL.iter().any(|key| parts.value(key).is_some());
    let kind = match (is_app, is_panel) {
        (true, _) => "a URL of an app of Grafana",
        (_, true) => "a panel's URL of Grafana",
        _ => "a dashboard's URL of Grafana",
    };
    let mut link = ReadLink { kind, lacks: Some(PANEL_LACKS), ..ReadLink::default() };
    let is_own = segments.contains(&OWN_DASHBOARD);
    for parameter in &parts.parameters {
        if let Some(name) = parameter.key.strip_prefix("var-") {
            add_variable(name, &parameter.value, is_own, &mut link);
        }
    }
    link.zone = zone(parts);
    link.from = parts.time("from", TimeGrammar::Grafana);
    link.until = parts.time("to", TimeGrammar::Grafana);
    around_time(parts, &mut link)?;
    Ok(Some(link))
}

/// A variable, or the filters that one of them holds: `route|=|a`.
fn add_variable(name: &str, value: &str, is_own: bool, link: &mut ReadLink) {
    if is_own && name == "route" {
        if !matches!(value, "" | ".*" | "$__all") {
            link.route_searches.push(value.to_owned());
        }
        return;
    }
    let pieces: Vec<&str> = value.split('|').collect();
    let [key, operator, filtered, ..] = pieces.as_slice() else {
        link.variables.push(LinkVariable { name: name.to_owned(), value: value.to_owned() });
        return;
    };
    if !matches!(*operator, "=" | "!=" | "=~" | "!~" | "<" | ">" | "=|" | "!=|") {
        link.variables.push(LinkVariable { name: name.to_owned(), value: value.to_owned() });
        return;
    }
    // A `|` or `,` in a filter's value.
    let filtered = filtered.replace("__gfp__", "|").replace("__gfc__", ",");
    match (*key, *operator) {
        ("route", "=") => link.routes.push(filtered),
        ("route", "=~") => link.route_regexes.push(filtered),
        ("status_class", "=") => link.statuses.push(filtered),
        _ => link.notes.push(format!("the filter {key} {operator} {filtered} of the dashboard is not taken over")),
    }
}

/// The zone of its reader does not stand in a URL that says `browser`.
fn zone(parts: &LinkParts) -> Option<String> {
    let name = parts.value("timezone").or_else(|| parts.value("tz"))?;
    if matches!(name, "browser" | "default") {
        return None;
    }
    Some(zone_of_offset(name).unwrap_or_else(|| name.to_owned()))
}

/// `UTC+02:00`, as links to a panel's picture have it, by its name in the zone database.
fn zone_of_offset(name: &str) -> Option<String> {
    let rest = name.strip_prefix("UTC")?;
    // A `+` that was not escaped is a space.
    let (sign, rest) = match rest.chars().next()? {
        '+' | ' ' => ('-', rest.get(1..)?),
        '-' => ('+', rest.get(1..)?),
        _ => return None,
    };
    let hours: u32 = rest.strip_suffix(":00").or_else(|| rest.strip_suffix("00")).unwrap_or(rest).parse().ok()?;
    Some(format!("Etc/GMT{sign}{hours}"))
}

/// `time=MS&time.window=MS`: so long a range with the time in its midst. One without the other says nothing.
fn around_time(parts: &LinkParts, link: &mut ReadLink) -> Result<(), LinkMistake> {
    let (Some(time), Some(window)) = (parts.value("time"), parts.value("time.window")) else { return Ok(()) };
    let (Ok(time), Some(window)) = (time.parse::<i64>(), window_millis(window)) else {
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

/// Milliseconds, or a number with a unit: `30s`.
fn window_millis(text: &str) -> Option<i64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let length = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(length)
}
