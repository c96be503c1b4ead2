//! `[[route]]`: the rules that name routes; the first that matches wins.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::position::Placed;
use super::section::{Section, whole_number};

/// What may stand in the section.
pub(super) const KEYS: [&str; 8] = ["name", "method", "host", "path", "regex", "status", "variables", "threshold"];

/// One `[[route]]` section. Every condition that is given must hold; within a list any one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSection {
    /// The route's name; captures may stand in it, as `{project}`.
    pub name: Placed<String>,
    /// Methods; empty means any.
    pub methods: Vec<Placed<String>>,
    /// The host.
    pub host: Option<Placed<String>>,
    /// A path template such as `/p/{project}/source/tree/{rev}/*`; excludes `regex`.
    pub path: Option<Placed<String>>,
    /// A regular expression on the path; excludes `path`.
    pub regex: Option<Placed<String>>,
    /// Statuses; empty means any.
    pub statuses: Vec<Placed<StatusCondition>>,
    /// Variables of the format by nginx name (without `$`), and the regular expression that its whole value must match.
    pub variables: Vec<(Placed<String>, Placed<String>)>,
    /// From this duration on a request of this route is slow; else `[slow]`'s.
    pub threshold: Option<Placed<Duration>>,
    /// Where the section begins.
    pub place: Placed<()>,
}

/// A condition on the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusCondition {
    /// Exactly this status: `404`.
    Exactly(u16),
    /// A class: `"5xx"` is `Class(5)`.
    Class(u8),
}

/// The section, unless it has no name. Whether the path is a template and the name has its captures is said by
/// `route::Router`, which also knows the other rules.
pub(super) fn read_route(section: &mut Section<'_>) -> Option<RouteSection> {
    let name = section.required_text("name", "webapp.backend.git");
    let methods = section.texts("method", "GET");
    for method in &methods {
        if !method.value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b)) {
            let remedy = format!("methods are case-sensitive: `{}`", method.value.to_ascii_uppercase());
            section.mistake_at(method, format!("`{}` is not a method", method.value), remedy);
        }
    }
    let host = section.text("host", "www.example.org");
    let path = section.text("path", "/p/{project}/*");
    if let Some(path) = path.as_ref().filter(|path| !path.value.starts_with(['/', '*', '{'])) {
        section.mistake_at(path, "`path` must begin with `/`", format!("did you mean `/{}`?", path.value));
    }
    let regex = section.text("regex", "^/p/(?<project>[^/]+)/");
    if let Some(regex) = &regex {
        if let Err(error) = regex::Regex::new(&regex.value) {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let remedy = "write it in single quotes, so that backslashes stand for themselves: regex = '^/a\\.b$'";
            section.mistake_at(regex, format!("`regex` is not a regular expression: {reason}"), remedy);
        }
        if path.is_some() {
            section.mistake_at(regex, "`path` and `regex` exclude each other", "leave out one of them");
        }
    }
    let statuses = section.list("status", read_status);
    let variables = section.text_table("variables", "upstream_addr = \"10.0.0.1:8080\"");
    for (name, _) in &variables {
        if let Some(bare) = name.value.strip_prefix('$') {
            let what = format!("variable names stand without `$`: `{}`", name.value);
            section.mistake_at(name, what, format!("did you mean `{bare}`?"));
        }
    }
    let threshold = section.duration("threshold", "2s", Duration::from_millis(1));
    let place = section.place();
    Some(RouteSection { name: name?, methods, host, path, regex, statuses, variables, threshold, place })
}

/// `404`, `"404"` or `"4xx"`.
fn read_status<'a>(section: &mut Section<'a>, found: &'a Spanned<DeValue<'a>>) -> Option<Placed<StatusCondition>> {
    let condition = match found.get_ref() {
        DeValue::String(text) => status_text(text),
        other => whole_number(other).and_then(exact_status),
    };
    let placed = section.placed(found.span());
    if condition.is_none() {
        section.mistake_at(
            &placed,
            "`status` must be a status from 100 to 599 or a class",
            "for example `status = 404`, `status = \"5xx\"` or `status = [502, 504]`",
        );
    }
    condition.map(|condition| placed.map(|()| condition))
}

/// A status that HTTP has room for.
fn exact_status(status: u64) -> Option<StatusCondition> {
    u16::try_from(status).ok().filter(|status| (100..=599).contains(status)).map(StatusCondition::Exactly)
}

/// `404` or `5xx`; the case of the `x` does not matter.
fn status_text(text: &str) -> Option<StatusCondition> {
    match text.as_bytes() {
        [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => Some(StatusCondition::Class(class - b'0')),
        _ => exact_status(text.parse().ok()?),
    }
}
