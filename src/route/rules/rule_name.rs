//! A rule's name: literal text and captures, put together for one request.
//!
//! ```text
//! name = "shop.{section}.{method}"      {section} from path = "/shop/{section}/*", from regex or from a variable
//! GET /shop/cart/7   ->  shop.cart.GET
//! GET /shop/a.b/7    ->  shop.a_2Eb.GET     a captured dot begins no node
//! ```
//!
//! What a client sends ends up in a metric's name, which carbon makes a path of files of. So the literals are judged when the
//! rule is read, and a capture becomes one node whatever is in it: no request can leave the place that the rule gives it,
//! reach a name of another shape, or make a node longer than a file's name may be.

use super::condition::{Conditions, RequestFacts};
use super::rule::{RuleMistake, is_capture_name};
use crate::route::cap::{ALL, OTHER};
use crate::route::graphite_name::{LONG, NAME_MAX, NODE_MAX, PATH_OTHER, encode_node, is_node_byte};

/// What every name may use.
const ALWAYS: [(&str, CaptureSource); 3] =
    [("method", CaptureSource::Method), ("host", CaptureSource::Host), ("status", CaptureSource::Status)];

/// A compiled name.
#[derive(Debug, Clone)]
pub(in crate::route) struct RuleName {
    parts: Vec<NamePart>,
}

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePart {
    Literal(String),
    Capture(CaptureSource),
}

/// Where a capture's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::route) enum CaptureSource {
    Method,
    Host,
    /// The class: `5xx`.
    Status,
    /// The nth capture of the path's template.
    Path(usize),
    /// A group of the path's regular expression.
    Regex(usize),
    /// A group of the nth condition on a variable.
    Variable {
        condition: usize,
        group: usize,
    },
}

impl RuleName {
    /// Reads a name; its captures have to be among those that the conditions make.
    pub(in crate::route) fn new(text: &str, conditions: &Conditions) -> Result<RuleName, RuleMistake> {
        let captures = all_captures(conditions)?;
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            push_literal(literal, &mut parts);
            let Some((capture, after)) = after.split_once('}') else {
                return Err(RuleMistake::new("name", format!("`{{` in `{text}` is not closed")).remedy("add `}`"));
            };
            parts.push(NamePart::Capture(find_capture(capture, &captures)?));
            rest = after;
        }
        push_literal(rest, &mut parts);
        check_literals(text, &parts)?;
        Ok(RuleName { parts })
    }

    /// The name, if it is the same for all requests.
    pub(in crate::route) fn fixed(&self) -> Option<String> {
        let mut name = String::new();
        for part in &self.parts {
            let NamePart::Literal(literal) = part else { return None };
            name.push_str(literal);
        }
        Some(within_bounds(name))
    }

    /// Whether it depends on the request.
    pub(in crate::route) fn has_captures(&self) -> bool {
        self.sources().next().is_some()
    }

    /// Where its captures come from.
    pub(in crate::route) fn sources(&self) -> impl Iterator<Item = CaptureSource> + '_ {
        self.parts.iter().filter_map(|part| match part {
            NamePart::Capture(source) => Some(*source),
            NamePart::Literal(_) => None,
        })
    }

    /// Whether a capture stands in it.
    pub(in crate::route) fn uses(&self, source: CaptureSource) -> bool {
        self.parts.contains(&NamePart::Capture(source))
    }

    /// Whether the path's captures stand in it.
    pub(in crate::route) fn uses_path(&self) -> bool {
        self.sources().any(|source| matches!(source, CaptureSource::Path(_) | CaptureSource::Regex(_)))
    }

    /// The captures' values for a request that meets the conditions: what the name depends on.
    pub(in crate::route) fn visit_captures<'f>(
        &self,
        conditions: &Conditions,
        facts: &RequestFacts<'f>,
        mut visit: impl FnMut(&'f [u8]),
    ) {
        for source in self.sources() {
            visit(capture_value(source, conditions, facts).unwrap_or_default());
        }
    }

    /// The name for a request that meets the conditions; always safe.
    pub(in crate::route) fn assemble(&self, conditions: &Conditions, facts: &RequestFacts<'_>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                NamePart::Literal(literal) => name.push_str(literal),
                NamePart::Capture(CaptureSource::Host) => {
                    let host = facts.host.unwrap_or_default();
                    name.push_str(&encode_node(&host.to_ascii_lowercase()));
                }
                NamePart::Capture(source) => {
                    name.push_str(&encode_node(capture_value(*source, conditions, facts).unwrap_or_default()));
                }
            }
        }
        within_bounds(name)
    }
}

/// Keeps a name inside the bounds that captures may have pushed it over, and away from `other`.
fn within_bounds(name: String) -> String {
    // A capture that reads `other` must not count as overflow.
    if name == OTHER {
        return PATH_OTHER.to_owned();
    }
    if name.len() <= NODE_MAX {
        return name;
    }
    let mut bounded = String::with_capacity(NAME_MAX);
    for node in name.split('.') {
        let node = if node.len() > NODE_MAX { LONG } else { node };
        if !bounded.is_empty() {
            bounded.push('.');
        }
        if bounded.len() + node.len() + 1 + LONG.len() > NAME_MAX {
            bounded.push_str(LONG);
            break;
        }
        bounded.push_str(node);
    }
    bounded
}

/// A literal part, unless it is empty: two captures may stand side by side.
fn push_literal(literal: &str, parts: &mut Vec<NamePart>) {
    if !literal.is_empty() {
        parts.push(NamePart::Literal(literal.to_owned()));
    }
}

/// What a name stands for that no rule may give.
fn meaning_of_reserved(name: &str) -> Option<&'static str> {
    match name {
        OTHER => Some("the route of what is over the cap"),
        ALL => Some("what all routes together are called"),
        _ => None,
    }
}

/// Whether every name that the parts can make is safe, whatever is captured: a capture becomes safe, the literals are.
fn check_literals(text: &str, parts: &[NamePart]) -> Result<(), RuleMistake> {
    if let Some(meaning) = meaning_of_reserved(text) {
        return Err(mistake(format!("`{text}` is {meaning}")).remedy("choose another name"));
    }
    if let Some(node) = text.split('.').find(|node| node.starts_with("__")) {
        let bare = node.trim_start_matches('_');
        let what = format!("`{node}` begins with `__`, as what spikeline names itself does (`__malformed`, `__id`)");
        return Err(mistake(what).remedy(format!("write `{}`", if bare.is_empty() { "x" } else { bare })));
    }
    // With each capture as one letter, every node has to be there and to be safe.
    let mut shape = String::with_capacity(text.len());
    for part in parts {
        match part {
            NamePart::Literal(literal) => shape.push_str(literal),
            NamePart::Capture(_) => shape.push('x'),
        }
    }
    if let Some(unsafe_char) = shape.chars().find(|&c| c != '.' && !is_node_char(c)) {
        let mended: String = text.trim_matches('/').chars().map(mend_char).collect();
        return Err(mistake(format!("`{}` cannot stand in a metric's name", unsafe_char.escape_debug()))
            .remedy(format!("write `{mended}`")));
    }
    if shape.split('.').any(str::is_empty) {
        return Err(
            mistake(format!("`{text}` has an empty node")).remedy("put something between (and around) the dots")
        );
    }
    if shape.len() > NAME_MAX || shape.split('.').any(|node| node.len() > NODE_MAX) {
        return Err(mistake("the name is too long".to_owned())
            .remedy(format!("a node has at most {NODE_MAX} bytes, a name {NAME_MAX}")));
    }
    Ok(())
}

fn mistake(message: String) -> RuleMistake {
    RuleMistake::new("name", message)
}

fn is_node_char(c: char) -> bool {
    c.is_ascii() && is_node_byte(c as u8)
}

/// The character of a name that was probably meant: a path's slashes are the dots of a name.
fn mend_char(c: char) -> char {
    match c {
        '/' => '.',
        '{' | '}' | '.' => c,
        _ if is_node_char(c) => c,
        _ => '_',
    }
}

/// All captures that the conditions make, in their order.
fn all_captures(conditions: &Conditions) -> Result<Vec<(&str, CaptureSource)>, RuleMistake> {
    let mut captures: Vec<(&str, CaptureSource)> = ALWAYS.to_vec();
    if let Some(pattern) = &conditions.pattern {
        for (at, name) in pattern.captures().iter().enumerate() {
            add_capture("path", name, CaptureSource::Path(at), &mut captures)?;
        }
    }
    if let Some(regex) = &conditions.regex {
        for (group, name) in regex.capture_names().enumerate() {
            if let Some(name) = name {
                add_capture("regex", name, CaptureSource::Regex(group), &mut captures)?;
            }
        }
    }
    for (condition, variable) in conditions.variables.iter().enumerate() {
        for (group, name) in variable.regex.capture_names().enumerate() {
            if let Some(name) = name {
                add_capture("variables", name, CaptureSource::Variable { condition, group }, &mut captures)?;
            }
        }
    }
    Ok(captures)
}

/// Adds a capture of a field; two of one name could not be told apart.
fn add_capture<'c>(
    field: &'static str,
    name: &'c str,
    source: CaptureSource,
    captures: &mut Vec<(&'c str, CaptureSource)>,
) -> Result<(), RuleMistake> {
    if ALWAYS.iter().any(|(always, _)| *always == name) {
        return Err(RuleMistake::new(field, format!("`{{{name}}}` always stands for the request's {name}"))
            .remedy(format!("call the capture otherwise, e.g. `{name}_`")));
    }
    if captures.iter().any(|(known, _)| *known == name) {
        return Err(RuleMistake::new(field, format!("`{{{name}}}` is captured twice")).remedy("rename one of the two"));
    }
    captures.push((name, source));
    Ok(())
}

/// The capture that a name asks for; if there is none, the remedy names the one that was probably meant.
fn find_capture(capture: &str, captures: &[(&str, CaptureSource)]) -> Result<CaptureSource, RuleMistake> {
    if let Some((_, source)) = captures.iter().find(|(name, _)| *name == capture) {
        return Ok(*source);
    }
    let mistake = RuleMistake::new("name", format!("nothing captures `{{{capture}}}`"));
    // Below three quarters of likeness a name is another, not a slip; of equals the last.
    let (mut likest, mut near) = (0.75, None);
    for (name, _) in captures {
        let likeness = strsim::jaro_winkler(capture, name);
        if likeness > 0.75 && likeness >= likest {
            (likest, near) = (likeness, Some(name));
        }
    }
    Err(match near {
        Some(name) => mistake.remedy(format!("did you mean `{{{name}}}`?")),
        None if is_capture_name(capture) => {
            mistake.remedy(format!("capture it in `path`, e.g. `/{{{capture}}}/*`, in `regex` or in a variable"))
        }
        None => mistake.remedy("a capture's name has letters, digits and `_`, a letter first"),
    })
}

/// The value of a capture for a request that meets the conditions.
fn capture_value<'f>(source: CaptureSource, conditions: &Conditions, facts: &RequestFacts<'f>) -> Option<&'f [u8]> {
    match source {
        CaptureSource::Method => Some(facts.method),
        CaptureSource::Host => facts.host,
        CaptureSource::Status => facts.status.map(status_class),
        CaptureSource::Path(nth) => {
            let mut at = 0;
            let mut found = None;
            conditions.pattern.as_ref()?.visit_captures(facts.path?, |value| {
                if at == nth {
                    found = Some(value);
                }
                at += 1;
            });
            found
        }
        CaptureSource::Regex(group) => group_value(conditions.regex.as_ref()?, group, facts.path?),
        CaptureSource::Variable { condition, group } => {
            let condition = conditions.variables.get(condition)?;
            group_value(&condition.regex, group, facts.variable(condition.at)?)
        }
    }
}

/// What a group of an expression matched in `value`.
fn group_value<'f>(regex: &regex::bytes::Regex, group: usize, value: &'f [u8]) -> Option<&'f [u8]> {
    Some(regex.captures(value)?.get(group)?.as_bytes())
}

/// The class of a status.
fn status_class(status: u16) -> &'static [u8] {
    match status / 100 {
        1 => b"1xx",
        2 => b"2xx",
        3 => b"3xx",
        4 => b"4xx",
        5 => b"5xx",
        _ => b"xxx",
    }
}
