//! Functions that give series another name, and the names that they are grouped by.

use regex::Regex;

use super::super::bounded_regex::bounded_regex;
use super::arguments::{CallArguments, NodeOrTag};
use crate::error::{Error, Result};
use crate::graphite::render::{Evaluation, GraphSeries};
use crate::graphite::target::{Target, parse_target};

/// `alias`, `aliasSub`, `aliasByNode`, `aliasByTags`, `aliasByMetric`.
pub(super) fn renamed(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let mut series = arguments.series(evaluation, 0)?;
    match arguments.call.function.as_str() {
        "alias" => {
            let name = arguments.text(1, "newName")?;
            series.iter_mut().for_each(|it| name.clone_into(&mut it.name));
        }
        "aliasSub" => {
            let search = regex_of(arguments.text(1, "search")?)?;
            let replace = python_replacement(arguments.text(2, "replace")?);
            for it in &mut series {
                it.name = replaced(&it.name, &search, &replace)?;
            }
        }
        "aliasByMetric" => {
            for it in &mut series {
                let inner = first_path(&it.name);
                it.name = inner.rsplit('.').next().unwrap_or_default().to_owned();
            }
        }
        _ => {
            let nodes = arguments.nodes(1)?;
            for it in &mut series {
                it.name = key_of(it, &nodes);
            }
        }
    }
    Ok(series)
}

/// A name may become so long: each `aliasSub` around another may double it, and sixty of them are a line.
const LONGEST_NAME: usize = 64 << 10;

/// A name with all that is found in it replaced.
fn replaced(name: &str, search: &Regex, replacement: &str) -> Result<String> {
    let too_long = || Error::usage(format!("aliasSub: a name of more than {LONGEST_NAME} bytes"));
    let (mut made, mut behind) = (String::new(), 0);
    for captures in search.captures_iter(name) {
        let Some(found) = captures.get(0) else { continue };
        made.push_str(name.get(behind..found.start()).unwrap_or_default());
        // What stands for one group is no longer than the name.
        let most = replacement.matches('$').count().saturating_mul(name.len()).saturating_add(replacement.len());
        if made.len().saturating_add(most) > 64 * LONGEST_NAME {
            return Err(too_long());
        }
        captures.expand(replacement, &mut made);
        behind = found.end();
        if made.len() > LONGEST_NAME {
            return Err(too_long());
        }
    }
    made.push_str(name.get(behind..).unwrap_or_default());
    if made.len() > LONGEST_NAME { Err(too_long()) } else { Ok(made) }
}

/// The nodes and tags of a series, with dots between.
pub(super) fn key_of(series: &GraphSeries, nodes: &[NodeOrTag]) -> String {
    let path = if series.name.ends_with(')') { first_path(&series.name) } else { series.name.clone() };
    let plain: Vec<&str> = path.split(';').next().unwrap_or_default().split('.').collect();
    let part = |node: &NodeOrTag| match node {
        NodeOrTag::Node(number) => {
            let length = i64::try_from(plain.len()).unwrap_or(0);
            let place = if *number < 0 { length + number } else { *number };
            match usize::try_from(place).ok().and_then(|place| plain.get(place)) {
                Some(node) => (*node).to_owned(),
                None => series.tags.get(&number.to_string()).cloned().unwrap_or_default(),
            }
        }
        NodeOrTag::Tag(tag) => series.tags.get(tag).cloned().unwrap_or_default(),
    };
    nodes.iter().map(part).collect::<Vec<_>>().join(".")
}

/// The first path in a name that looks like a target; the name where there is none.
fn first_path(name: &str) -> String {
    parse_target(name).ok().and_then(|target| path_in(&target)).unwrap_or_else(|| name.to_owned())
}

fn path_in(target: &Target) -> Option<String> {
    match target {
        Target::Path(path) => Some(path.text.clone()),
        Target::Call(call) => call.arguments.iter().find_map(path_in),
        Target::Template(template) => path_in(&template.target),
        _ => None,
    }
}

/// A regular expression of a target.
pub(super) fn regex_of(text: &str) -> Result<Regex> {
    // One is held at a time, and there is a time for all.
    bounded_regex(text, 1).map_err(Error::usage)
}

/// `\1` and `\g<name>` as the `regex` crate writes them.
fn python_replacement(text: &str) -> String {
    let mut written = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '$' => written.push_str("$$"),
            '\\' => match letters.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let mut number = digit.to_string();
                    if let Some(next) = letters.next_if(char::is_ascii_digit) {
                        number.push(next);
                    }
                    written.push_str(&format!("${{{number}}}"));
                }
                Some('g') if letters.peek() == Some(&'<') => {
                    letters.next();
                    let name: String = letters.by_ref().take_while(|letter| *letter != '>').collect();
                    written.push_str(&format!("${{{name}}}"));
                }
                Some('n') => written.push('\n'),
                Some('t') => written.push('\t'),
                Some(other) => written.push(other),
                None => written.push('\\'),
            },
            other => written.push(other),
        }
    }
    written
}
