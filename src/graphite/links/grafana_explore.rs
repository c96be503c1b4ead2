//! Explore's URLs: `panes={..}`, and as they once were `left={..}` and `left=["now-1h","now","graphite",{..}]`.

use serde_json::Value;

use super::query_selectors::selected_by;
use super::{LinkMistake, LinkParts, LinkTime, ReadLink, TimeGrammar};

/// A query may stand for another this many times over.
const DEEPEST: usize = 8;

/// What is explored.
pub(super) fn read(parts: &LinkParts) -> Result<ReadLink, LinkMistake> {
    let mut link = ReadLink { kind: "an Explore URL of Grafana", ..ReadLink::default() };
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
        read_pane(pane, &mut link)?;
    }
    if link.targets.is_empty() && link.routes.is_empty() && link.route_regexes.is_empty() && link.lacks.is_none() {
        link.lacks = Some("none of its queries names a route or a series of Graphite");
    }
    Ok(link)
}

/// A pane: `{"datasource":..,"queries":[..],"range":{..}}`, or as it once was `["now-1h","now","graphite",{..}]`.
fn read_pane(pane: &Value, link: &mut ReadLink) -> Result<(), LinkMistake> {
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
        _ => return Ok(()),
    };
    let mut of_pane = 0;
    for query in &queries {
        of_pane += usize::from(read_query(query, &queries, link)?);
    }
    if of_pane == 0 {
        return Ok(());
    }
    let time = |text: Option<String>| text.map(|text| LinkTime { text, grammar: TimeGrammar::Grafana });
    let (from, until) = (time(from), time(until));
    if link.from.is_none() && link.until.is_none() {
        (link.from, link.until) = (from, until);
    } else if (&link.from, &link.until) != (&from, &until) {
        link.notes.push("the panes have different ranges: that of the first counts".to_owned());
    }
    Ok(())
}

/// A query of a pane; whether it is one that can be read.
fn read_query(query: &Value, all: &[&Value], link: &mut ReadLink) -> Result<bool, LinkMistake> {
    if query.get("hide").and_then(Value::as_bool) == Some(true) {
        return Ok(false);
    }
    // `targetFull` has what other queries of the pane stand for.
    if let Some(target) = text_in(query, "targetFull").or_else(|| text_in(query, "target")) {
        let target = with_other_queries(target, all, DEEPEST);
        if let Some(variable) = unfilled_variable(&target) {
            return Err(LinkMistake {
                what: format!(
                    "the query has the variable `{variable}`, whose value does not stand in the URL: {target}"
                ),
                help: "put its value into the target, or give --route NAME".to_owned(),
            });
        }
        link.targets.push(target);
        return Ok(true);
    }
    let Some(expression) = text_in(query, "expr") else { return Ok(false) };
    let selected = selected_by(expression);
    if !selected.names_route() {
        link.notes.push(format!("passed over, since it names no route: {expression}"));
        return Ok(false);
    }
    selected.add_to(link, expression);
    Ok(true)
}

fn text_in<'v>(query: &'v Value, key: &str) -> Option<&'v str> {
    query.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// The target with the queries that `#A` in it stands for.
fn with_other_queries(target: &str, all: &[&Value], deepest: usize) -> String {
    let mut filled = String::new();
    let mut rest = target;
    while let Some((before, after)) = rest.split_once('#') {
        filled.push_str(before);
        let id = after.chars().next().filter(char::is_ascii_uppercase).map(String::from);
        let meant = id.as_ref().and_then(|id| all.iter().find(|query| text_in(query, "refId") == Some(id.as_str())));
        match meant.and_then(|query| text_in(query, "target")) {
            Some(other) if deepest > 0 => {
                filled.push_str(&with_other_queries(other, all, deepest - 1));
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                filled.push('#');
                rest = after;
            }
        }
        // Queries that stand for each other grow without end.
        if filled.len() > LONGEST_TARGET {
            return target.to_owned();
        }
    }
    filled.push_str(rest);
    filled
}

/// A target that grew longer than this is taken as it was.
const LONGEST_TARGET: usize = 64 << 10;

/// A variable that Grafana has not filled in; those of its own (`$__interval`) say nothing of series.
fn unfilled_variable(target: &str) -> Option<&str> {
    for (at, _) in target.match_indices(['$', '[']) {
        let rest = target.get(at..)?;
        let begins = ["${", "[[", "$"].into_iter().find(|begins| rest.starts_with(begins));
        let Some(inner) = begins.and_then(|begins| rest.strip_prefix(begins)) else { continue };
        let length = inner.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(inner.len());
        let (name, behind) = inner.split_at_checked(length)?;
        let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let closing = match begins {
            Some("${") => behind.find('}').map(|end| end + 1),
            Some("[[") => behind.starts_with("]]").then_some(2),
            _ => Some(0),
        };
        if let (true, Some(closing)) = (is_name, closing) {
            return target.get(at..target.len() - behind.len() + closing);
        }
    }
    None
}

/// A time in JSON: a text, or milliseconds.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_from_what_looks_like_them() {
        for (target, variable) in [
            ("a.$route.b", Some("$route")),
            ("a.${route:regex}.b", Some("${route:regex}")),
            ("a.[[route]].b", Some("[[route]]")),
            ("summarize(a.b, '$__interval')", None),
            ("grep(a.*, '[[:alpha:]]$')", None),
            ("aliasSub(a.b, '(^.*$)', '\\1')", None),
            ("a.p9[59]", None),
        ] {
            assert_eq!(unfilled_variable(target), variable, "{target}");
        }
    }

    #[test]
    fn queries_that_stand_for_each_other_come_to_an_end() {
        let queries = [serde_json::json!({"refId": "A", "target": "sum(#A,#A,#A,#A)"})];
        let all: Vec<&Value> = queries.iter().collect();
        assert!(with_other_queries("#A", &all, DEEPEST).len() < 2 * LONGEST_TARGET);
        assert_eq!(with_other_queries("#B", &all, DEEPEST), "#B");
    }
}
