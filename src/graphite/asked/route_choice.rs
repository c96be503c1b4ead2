//! The routes that a link chooses by a dashboard's variables or by regular expressions.

use super::super::bounded_regex::bounded_regex;

use super::{AskMistake, PastedReading, ReadLink, Target, parse_target};
use crate::route::{GLOB_MARK, NodeGlob};

/// Words in the names of variables that mean a route.
const OF_ROUTE: [&str; 3] = ["route", "component", "service"];

/// Names of variables that mean the host whose metrics are shown.
const OF_HOST: [&str; 3] = ["host", "hostname", "server"];

/// The routes whose names fit a link's regular expressions.
pub(super) fn add_expressions(reading: &mut PastedReading<'_>, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
    for pattern in &link.route_regexes {
        add_fitting(reading, text, pattern, &format!("^(?:{pattern})$"))?;
    }
    for pattern in &link.route_searches {
        if !reading.add_route(pattern) {
            add_fitting(reading, text, pattern, pattern)?;
        }
    }
    Ok(())
}

fn add_fitting(reading: &mut PastedReading<'_>, text: &str, pattern: &str, whole: &str) -> Result<(), AskMistake> {
    let names: Vec<&str> = pattern.split('|').collect();
    let is_plain =
        |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if reading.context.routes.is_none() {
        if names.iter().all(is_plain) {
            for name in names {
                reading.push_route(name);
            }
            return Ok(());
        }
        let what = "cannot be followed: the routes of files are not known before they are read";
        return Err(AskMistake::of_part(text, pattern, what));
    }
    let regex = bounded_regex(whole, 1).map_err(|_| {
        AskMistake::of_part(text, pattern, "is a regular expression that is not understood, or comes to too much")
    })?;
    let fitting: Vec<String> = reading
        .catalog
        .routes()
        .iter()
        .filter(|route| regex.is_match(route))
        .map(|route| (*route).to_owned())
        .collect();
    if fitting.is_empty() {
        return Err(AskMistake::of_route(text, pattern, &reading.catalog));
    }
    for route in fitting {
        reading.push_route(&route);
    }
    Ok(())
}

/// A dashboard's variables: those that name a route, or a metric.
pub(super) fn add_variables(reading: &mut PastedReading<'_>, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
    check_hosts(reading, text, link)?;
    for variable in &link.variables {
        let value = variable.value.trim();
        let name = variable.name.to_lowercase();
        if is_all(value) || OF_HOST.contains(&name.as_str()) || reading.add_route(value) {
            continue;
        }
        if OF_ROUTE.iter().any(|word| name.contains(word)) {
            add_named(reading, text, value)?;
        } else if let Ok(Target::Path(path)) = parse_target(value)
            && reading.catalog.named(&path.text).is_some()
        {
            reading.add_target(value, &[])?;
        }
    }
    Ok(())
}

fn is_all(value: &str) -> bool {
    matches!(value, "" | "$__all" | "*" | ".*") || value.eq_ignore_ascii_case("all")
}

/// The value of a variable that is called after routes.
fn add_named(reading: &mut PastedReading<'_>, text: &str, value: &str) -> Result<(), AskMistake> {
    let is_glob = NodeGlob::is_glob(value);
    if reading.context.routes.is_none() {
        let mark = if is_glob { GLOB_MARK } else { "" };
        reading.push_route(&format!("{mark}{value}"));
        return Ok(());
    }
    if is_glob && reading.add_route(&format!("{GLOB_MARK}{value}")) {
        return Ok(());
    }
    Err(AskMistake::of_route(text, value, &reading.catalog))
}

/// A dashboard that shows other hosts alone is not about this store.
fn check_hosts(reading: &mut PastedReading<'_>, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
    let names_host = |name: &str| OF_HOST.iter().any(|word| name.eq_ignore_ascii_case(word));
    let mut chosen = link.variables.iter().filter(|variable| names_host(&variable.name));
    let own: Vec<&str> = reading.context.namings.iter().map(|naming| naming.host.as_str()).collect();
    let is_own = |value: &str| own.iter().any(|host| is_same_host(host, value.trim()));
    let Some(first) = chosen.next() else { return Ok(()) };
    let others: Vec<&str> = std::iter::once(first).chain(chosen).map(|variable| variable.value.as_str()).collect();
    if own.is_empty() || others.iter().any(|value| is_all(value.trim()) || is_own(value)) {
        return Ok(());
    }
    let what = format!("is another host than `{}`, whose store this is", own.join("`, `"));
    if reading.context.is_host_known {
        let mut mistake = AskMistake::of_part(text, &first.value, &what);
        mistake.help = Some("ask on that host; or paste the URL with this host chosen".to_owned());
        return Err(mistake);
    }
    reading
        .asked
        .notes
        .push(format!("`{}` {what}: these are the lines of the store that is here", others.join("`, `")));
    Ok(())
}

/// Whether a variable's value means this host, whose dots may be `_` in Graphite; either may be without its domain.
fn is_same_host(host: &str, value: &str) -> bool {
    let (host, whole) = (host.replace('.', "_"), value.replace('.', "_"));
    let label = value.split('.').next().unwrap_or_default();
    let is_begun = value == label && host.strip_prefix(label).is_some_and(|domain| domain.starts_with('_'));
    host == whole || host == label || is_begun || NodeGlob::parse(&whole).is_some_and(|glob| glob.matches(&host))
}
