//! The questions that a format cannot answer, and the log_format that could.

use super::duration_keys::{DurationKey, duration_keys};
use super::findings::Findings;
use crate::error::{Error, Result};
use crate::grammar::{Format, NamedBy, TimeNotation, nginx_variables};
use crate::record::{Needs, RecordParser};
use crate::route::Router;

/// What a variable is needed for.
struct Lack {
    /// Variables to add.
    variables: Vec<String>,
    /// What cannot be said without them.
    consequence: String,
    /// Whether a log_format that has them is shown.
    is_offered: bool,
}

/// What `format` lacks, for these rules; a keyed one lacks what these lines lack.
fn find_lacks(format: &Format, lines: &[&[u8]], router: &Router) -> Vec<Lack> {
    let roles = format.roles_in(lines);
    let has = |name: &str| match format.is_keyed() {
        true => roles.in_order().into_iter().flatten().any(|it| variable_name(format, it) == name),
        false => format.index_of(name).is_some(),
    };
    let mut lacks = Vec::new();
    let mut lack = |variables: &[&str], consequence: &str| {
        let variables = variables.iter().map(|name| (*name).to_owned()).collect();
        lacks.push(Lack { variables, consequence: consequence.to_owned(), is_offered: true });
    };
    if roles.request.is_none() && roles.target.is_none() {
        lack(&["request"], "no routes, all requests are one: add $request to the log_format");
    } else if roles.request.is_none() && roles.method.is_none() {
        lack(&["request_method"], "no methods: add $request_method");
    }
    if roles.status.is_none() {
        lack(&["status"], "errors cannot be told from successes: add $status");
    }
    match (roles.request_time, roles.upstream) {
        (None, [Some(_), ..]) => lack(
            &["request_time"],
            "latencies are those of $upstream_response_time, and requests without an upstream have none: add $request_time",
        ),
        (None, _) => lack(&["request_time"], "no latency and no slow requests: add $request_time to the log_format"),
        _ => {}
    }
    match roles.upstream {
        [None, _, _] => lack(
            &["upstream_response_time", "upstream_connect_time", "upstream_header_time"],
            "upstream and client time cannot be told apart: add $upstream_response_time",
        ),
        [Some(_), connect, header] if connect.is_none() || header.is_none() => lack(
            &["upstream_connect_time", "upstream_header_time"],
            "not all phases of the upstream's time can be told apart: add what is missing",
        ),
        _ => {}
    }
    let whole_seconds = match roles.end {
        Some((_, TimeNotation::Any)) => only_whole_seconds(format, lines),
        Some((_, clock)) => clock != TimeNotation::Msec,
        None => !format.takes_outer_time(lines),
    };
    if whole_seconds {
        lack(&["msec"], "times are known to the whole second only: add $msec for milliseconds");
    }
    if roles.bytes.is_none() {
        lack(&["bytes_sent"], "no bytes: add $bytes_sent");
    }
    if router.rules_need_host() && roles.host.is_none() {
        lack(&["host"], "route rules ask for the host, and only absolute targets name it: add $host");
    }
    for variable in router.variables_of_rules().iter().filter(|name| format.index_of(name).is_none()) {
        lack(&[variable], &format!("a route rule asks for ${variable}, so that it can never match: add it"));
    }
    for variable in router.series().lacking(format) {
        lack(&[&variable], &format!("a [[series]] has ${variable} in its name, and so no members here: add it"));
    }
    for lack in &mut lacks {
        lack.variables.retain(|name| !has(name));
        withdraw_hidden(format, lack);
    }
    lacks
}

/// What nginx.conf makes another variable of is not asked for: a `map` may be there to hide a part of it.
fn withdraw_hidden(format: &Format, lack: &mut Lack) {
    const OF_REQUEST: [&str; 6] = ["request", "request_uri", "uri", "document_uri", "args", "query_string"];
    let is_hidden = |name: &String| match name.as_str() {
        "request" => OF_REQUEST.iter().any(|part| format.is_made_of(part)),
        name => format.is_made_of(name),
    };
    let hidden = lack.variables.iter().any(is_hidden);
    if hidden {
        let before = lack.consequence.split(": add ").next().unwrap_or_default().to_owned();
        lack.consequence = format!(
            "{before} (nginx.conf makes another variable of it, which is no such value; it is not asked for, since that may hide a \
             part)"
        );
        lack.is_offered = false;
    }
}

/// The name of the variable with that number, without `$`.
fn variable_name(format: &Format, variable: usize) -> &str {
    format.variables().get(variable).map_or("", |variable| &variable.name)
}

/// Whether no line of a keyed format says more of its end than the second.
fn only_whole_seconds(format: &Format, lines: &[&[u8]]) -> bool {
    let Ok(mut parser) = RecordParser::new(format, &Needs::default()) else { return false };
    let mut text = Vec::new();
    !lines.iter().any(|line| parser.parse_in(line, &mut text).is_ok_and(|(record, _)| record.end.0 % 1000 != 0))
}

/// How the log behind a keyed format comes to have `wanted`.
fn tell_keys(format: &Format, lines: &[&[u8]], wanted: &[&str], findings: &mut Findings) -> Result<()> {
    findings.detail("help: add to the log_format (or keep them in what ships the log)")?;
    for variable in wanted {
        findings.detail(&format.members(&[variable]).unwrap_or_default().replace('\t', "\\t"))?;
    }
    if !wanted.iter().any(|name| name.ends_with("_time")) {
        return Ok(());
    }
    let wanted = if wanted.contains(&"request_time") { "request_time" } else { "upstream_response_time" };
    for DurationKey { key, unit, why } in duration_keys(format, lines) {
        let syntax = format.name();
        findings.words(&format!(
            "of its keys, `{key}` can hold a duration ({why}); if it does, say so: format = \"{syntax} {wanted}={key}:{unit}\""
        ))?;
    }
    Ok(())
}

/// Tell what cannot be asked of the format, and the directive that has it all.
pub(super) fn tell_lacks(
    name: &str,
    format: &Format,
    lines: &[&[u8]],
    router: &Router,
    findings: &mut Findings,
) -> Result<()> {
    let lacks = find_lacks(format, lines, router);
    let has_no = if format.is_keyed() { "no key that was found holds" } else { "the format has no" };
    for Lack { variables, consequence, .. } in &lacks {
        let missing: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
        findings.note(&format!("{name}: {has_no} {}: {consequence}", missing.join(", ")))?;
    }
    let wanted: Vec<&str> =
        lacks.iter().filter(|lack| lack.is_offered).flat_map(|lack| &lack.variables).map(String::as_str).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if format.is_keyed() {
        return tell_keys(format, lines, &wanted, findings);
    }
    // nginx has `combined` already, and of a text given the name is not known.
    let name = if format.named_by() == NamedBy::Author { format.name() } else { "timed" };
    let extended = format.with_variables(name, &wanted);
    if let Some((extended, directive)) = extended.and_then(|format| format.directive().map(|text| (format, text))) {
        findings.detail(&format!(
            "help: this in nginx.conf, at http level, and then access_log PATH {};",
            extended.name()
        ))?;
        findings.detail(&directive)?;
        findings.detail("and rotate the log when nginx is reloaded: a file is read in one format")?;
    }
    Ok(())
}

/// Tell of variables that were probably meant otherwise. `place` says where the byte of the log_format's text is
/// written.
pub(super) fn tell_mistyped(format: &Format, place: impl Fn(usize) -> Error, findings: &mut Findings) -> Result<()> {
    for variable in format.variables() {
        let Some(meant) = nginx_variables::did_you_mean(&variable.name) else { continue };
        let at = position_of_variable(format.text(), &variable.name);
        let error = place(at.unwrap_or(0));
        let place = match error.place().map(|place| (place.path.display(), place.line_column)) {
            Some((path, Some((line, column)))) => format!("{path}:{line}:{column}: "),
            _ => String::new(),
        };
        findings.note(&format!(
            "{place}`${}` is no variable of nginx's own: did you mean `${meant}`? It is read as text",
            variable.name
        ))?;
        if let Some(at) = at {
            let width = format.text().get(..at).map_or(0, |before| before.chars().count());
            if !format.text().contains(['\t', '\n']) && width + 20 < findings.width {
                let shown: String = format.text().chars().take(findings.width).collect();
                findings.detail(&shown)?;
                findings.marks(&format!("{}{}", " ".repeat(width), "^".repeat(variable.name.len() + 1)))?;
            }
        }
    }
    Ok(())
}

/// Where `$name` or `${name}` stands in a log_format's text.
fn position_of_variable(text: &str, name: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let ends = |at: usize| {
        let after = lower.as_bytes().get(at);
        after.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
    };
    [format!("${name}"), format!("${{{name}")]
        .iter()
        .flat_map(|spelt| {
            lower.match_indices(spelt.as_str()).map(|(at, spelt)| (at, at + spelt.len())).collect::<Vec<_>>()
        })
        .find(|(_, end)| ends(*end))
        .map(|(at, _)| at)
}
