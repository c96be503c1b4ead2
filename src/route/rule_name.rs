//! A rule's name: literal text and captures, put together for one request.

use super::condition::{Conditions, Facts};
use super::name::{LONG, NAME_MAX, NODE_MAX, OTHER, encode_node, is_node_byte};
use super::rule::{Mistake, is_capture_name};

/// What every name may use.
const ALWAYS: [(&str, Source); 3] = [("method", Source::Method), ("host", Source::Host), ("status", Source::Status)];

/// A compiled name.
#[derive(Debug, Clone)]
pub(super) struct RuleName {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Capture(Source),
}

/// Where a capture's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
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
    pub(super) fn new(text: &str, conditions: &Conditions) -> Result<RuleName, Mistake> {
        let captures = captures(conditions)?;
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            push_literal(literal, &mut parts);
            let Some((capture, after)) = after.split_once('}') else {
                return Err(Mistake::new("name", format!("`{{` in `{text}` is not closed")).remedy("add `}`"));
            };
            parts.push(Part::Capture(find(capture, &captures)?));
            rest = after;
        }
        push_literal(rest, &mut parts);
        check_literals(text, &parts)?;
        Ok(RuleName { parts })
    }

    /// Where its captures come from.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(source) => Some(*source),
            Part::Literal(_) => None,
        })
    }

    /// Whether the path's captures stand in it.
    pub(super) fn uses_path(&self) -> bool {
        self.sources().any(|source| matches!(source, Source::Path(_) | Source::Regex(_)))
    }

    /// The captures' values for a request that meets the conditions: what the name depends on.
    pub(super) fn values<'f>(&self, conditions: &Conditions, facts: &Facts<'f>, mut take: impl FnMut(&'f [u8])) {
        for source in self.sources() {
            take(value(source, conditions, facts).unwrap_or_default());
        }
    }

    /// The name for a request that meets the conditions; always safe.
    pub(super) fn assemble(&self, conditions: &Conditions, facts: &Facts<'_>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => name.push_str(literal),
                Part::Capture(Source::Host) => {
                    let host = facts.host.unwrap_or_default();
                    name.push_str(&encode_node(&host.to_ascii_lowercase()));
                }
                Part::Capture(source) => {
                    name.push_str(&encode_node(value(*source, conditions, facts).unwrap_or_default()));
                }
            }
        }
        bound(name)
    }
}

/// Keeps a name inside the bounds that captures may have pushed it over, and away from `other`.
fn bound(name: String) -> String {
    // A capture that reads `other` must not count as overflow.
    if name == OTHER {
        return "_6Fther".to_owned();
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

fn push_literal(literal: &str, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.to_owned()));
    }
}

fn check_literals(text: &str, parts: &[Part]) -> Result<(), Mistake> {
    let mistake = |message: String| Mistake::new("name", message);
    if text == OTHER {
        return Err(mistake("`other` is the route of what is over the cap".to_owned()).remedy("choose another name"));
    }
    // With each capture as one letter, every node has to be there and to be safe.
    let mut shape = String::with_capacity(text.len());
    for part in parts {
        match part {
            Part::Literal(literal) => shape.push_str(literal),
            Part::Capture(_) => shape.push('x'),
        }
    }
    if let Some(byte) = shape.chars().find(|&byte| byte != '.' && !(byte.is_ascii() && is_node_byte(byte as u8))) {
        let mended: String = text
            .trim_matches('/')
            .chars()
            .map(|byte| match byte {
                '/' => '.',
                '{' | '}' | '.' => byte,
                _ if byte.is_ascii() && is_node_byte(byte as u8) => byte,
                _ => '_',
            })
            .collect();
        return Err(mistake(format!("`{}` cannot stand in a metric's name", byte.escape_debug()))
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

/// All captures that the conditions make, in their order.
fn captures(conditions: &Conditions) -> Result<Vec<(&str, Source)>, Mistake> {
    let mut captures: Vec<(&str, Source)> = ALWAYS.to_vec();
    if let Some(pattern) = &conditions.pattern {
        for (at, name) in pattern.captures().iter().enumerate() {
            add("path", name, Source::Path(at), &mut captures)?;
        }
    }
    if let Some(regex) = &conditions.regex {
        for (group, name) in regex.capture_names().enumerate() {
            if let Some(name) = name {
                add("regex", name, Source::Regex(group), &mut captures)?;
            }
        }
    }
    for (condition, variable) in conditions.variables.iter().enumerate() {
        for (group, name) in variable.regex.capture_names().enumerate() {
            if let Some(name) = name {
                add("variables", name, Source::Variable { condition, group }, &mut captures)?;
            }
        }
    }
    Ok(captures)
}

fn add<'c>(
    field: &'static str,
    name: &'c str,
    source: Source,
    captures: &mut Vec<(&'c str, Source)>,
) -> Result<(), Mistake> {
    if ALWAYS.iter().any(|(always, _)| *always == name) {
        return Err(Mistake::new(field, format!("`{{{name}}}` always stands for the request's {name}"))
            .remedy(format!("call the capture otherwise, e.g. `{name}_`")));
    }
    if captures.iter().any(|(known, _)| *known == name) {
        return Err(Mistake::new(field, format!("`{{{name}}}` is captured twice")).remedy("rename one of the two"));
    }
    captures.push((name, source));
    Ok(())
}

fn find(capture: &str, captures: &[(&str, Source)]) -> Result<Source, Mistake> {
    if let Some((_, source)) = captures.iter().find(|(name, _)| *name == capture) {
        return Ok(*source);
    }
    let mistake = Mistake::new("name", format!("nothing captures `{{{capture}}}`"));
    let near = captures
        .iter()
        .map(|(name, _)| (strsim::jaro_winkler(capture, name), *name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    Err(match near {
        Some((_, name)) => mistake.remedy(format!("did you mean `{{{name}}}`?")),
        None if is_capture_name(capture) => {
            mistake.remedy(format!("capture it in `path`, e.g. `/{{{capture}}}/*`, in `regex` or in a variable"))
        }
        None => mistake.remedy("a capture's name has letters, digits and `_`, a letter first"),
    })
}

fn value<'f>(source: Source, conditions: &Conditions, facts: &Facts<'f>) -> Option<&'f [u8]> {
    match source {
        Source::Method => Some(facts.method),
        Source::Host => facts.host,
        Source::Status => facts.status.map(class),
        Source::Path(nth) => {
            let mut at = 0;
            let mut found = None;
            conditions.pattern.as_ref()?.capture(facts.path?, |value| {
                if at == nth {
                    found = Some(value);
                }
                at += 1;
            });
            found
        }
        Source::Regex(group) => group_of(conditions.regex.as_ref()?, group, facts.path?),
        Source::Variable { condition, group } => {
            let condition = conditions.variables.get(condition)?;
            group_of(&condition.regex, group, facts.variable(condition.at)?)
        }
    }
}

fn group_of<'f>(regex: &regex::bytes::Regex, group: usize, value: &'f [u8]) -> Option<&'f [u8]> {
    Some(regex.captures(value)?.get(group)?.as_bytes())
}

/// The class of a status.
fn class(status: u16) -> &'static [u8] {
    match status / 100 {
        1 => b"1xx",
        2 => b"2xx",
        3 => b"3xx",
        4 => b"4xx",
        5 => b"5xx",
        _ => b"xxx",
    }
}
