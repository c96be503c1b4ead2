//! A rule's path template, matched segment by segment.
//!
//! Rules are tried in order and the first match wins, whatever is more specific; so each template is matched on its
//! own (after a comparison of its literal front, which decides nearly always) instead of all in one tree.

use super::rule::{RuleMistake, is_capture_name};
use crate::route::template::{SEGMENTS_MAX, survives_folding};

/// A compiled path template.
#[derive(Debug, Clone)]
pub(in crate::route) struct PathPattern {
    /// What every path that matches begins with.
    prefix: Vec<u8>,
    segments: Vec<PatternSegment>,
    /// Ends in `/*`.
    open: bool,
    captures: Vec<String>,
}

/// What one segment of a path has to be.
#[derive(Debug, Clone)]
enum PatternSegment {
    Literal(Vec<u8>),
    /// `*`
    Any,
    /// `{x}`, `{x}.git`, `v{x}`: at least one byte between the two literals.
    Capture {
        before: Vec<u8>,
        after: Vec<u8>,
    },
}

impl PathPattern {
    /// Reads a template.
    pub(in crate::route) fn new(text: &str) -> Result<PathPattern, RuleMistake> {
        let mistake = |message: String| RuleMistake::new("path", message);
        let Some(body) = text.strip_prefix('/') else {
            return Err(mistake(format!("`{text}` does not begin with `/`")).remedy(format!("write `/{text}`")));
        };
        if let Some(mark) = body.find(['?', '#']) {
            let path = text.split_at_checked(mark + 1).map_or(text, |(path, _)| path);
            return Err(mistake("the query is no part of the path".to_owned()).remedy(format!("write `{path}`")));
        }
        let mut pattern =
            PathPattern { prefix: b"/".to_vec(), segments: Vec::new(), open: false, captures: Vec::new() };
        let mut parts = body.split('/').peekable();
        let mut literal = true;
        while let Some(part) = parts.next() {
            if part == "*" && parts.peek().is_none() {
                pattern.open = true;
                break;
            }
            let segment = pattern.read_segment(part)?;
            if literal {
                match &segment {
                    PatternSegment::Literal(bytes) => pattern.prefix.extend_from_slice(bytes),
                    PatternSegment::Capture { before, .. } => pattern.prefix.extend_from_slice(before),
                    PatternSegment::Any => {}
                }
                literal = matches!(segment, PatternSegment::Literal(_));
                if literal && parts.peek().is_some() {
                    pattern.prefix.push(b'/');
                }
            }
            pattern.segments.push(segment);
        }
        Ok(pattern)
    }

    /// Reads one segment, and notes the name of its capture.
    fn read_segment(&mut self, part: &str) -> Result<PatternSegment, RuleMistake> {
        if part == "*" {
            return Ok(PatternSegment::Any);
        }
        if part.contains('*') {
            return Err(RuleMistake::new("path", format!("`*` has to be a whole segment, not part of `{part}`"))
                .remedy("name that part, e.g. `{name}.js`, or use `regex`"));
        }
        let Some((before, rest)) = part.split_once('{') else {
            return Ok(PatternSegment::Literal(part.as_bytes().to_vec()));
        };
        let Some((name, after)) = rest.split_once('}') else {
            return Err(RuleMistake::new("path", format!("`{{` in `{part}` is not closed")).remedy("add `}`"));
        };
        if !is_capture_name(name) {
            return Err(RuleMistake::new("path", format!("`{{{name}}}` is no name for a capture"))
                .remedy("use letters, digits and `_`, a letter first"));
        }
        if after.contains('{') {
            return Err(
                RuleMistake::new("path", format!("two captures in one segment, `{part}`")).remedy("use `regex`")
            );
        }
        self.captures.push(name.to_owned());
        Ok(PatternSegment::Capture { before: before.as_bytes().to_vec(), after: after.as_bytes().to_vec() })
    }

    /// What every path that matches begins with.
    pub(in crate::route) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The captures' names, in the order of their values.
    pub(in crate::route) fn captures(&self) -> &[String] {
        &self.captures
    }

    /// Whether a path's fold tells as well as the path whether it matches (not what it captures).
    pub(in crate::route) fn can_judge_templates(&self) -> bool {
        self.segments.len() < SEGMENTS_MAX
            && self.segments.iter().all(|segment| match segment {
                PatternSegment::Literal(literal) => survives_folding(literal),
                PatternSegment::Any => true,
                PatternSegment::Capture { before, after } => before.is_empty() && after.is_empty(),
            })
    }

    /// Whether `path` (without query) matches.
    pub(in crate::route) fn matches(&self, path: &[u8]) -> bool {
        path.starts_with(&self.prefix) && self.match_segments(path, |_| {})
    }

    /// Matches, and gives what was captured to `visit`, one after the other.
    pub(in crate::route) fn visit_captures<'p>(&self, path: &'p [u8], visit: impl FnMut(&'p [u8])) -> bool {
        path.starts_with(&self.prefix) && self.match_segments(path, visit)
    }

    /// Goes through template and path side by side, and gives each capture to `visit` as it passes. What was given before the
    /// path turned out not to match does not count.
    fn match_segments<'p>(&self, path: &'p [u8], mut visit: impl FnMut(&'p [u8])) -> bool {
        let mut rest = path;
        for segment in &self.segments {
            let Some(after_slash) = rest.strip_prefix(b"/") else { return false };
            let end = memchr::memchr(b'/', after_slash).unwrap_or(after_slash.len());
            let Some((value, tail)) = after_slash.split_at_checked(end) else { return false };
            let held = match segment {
                PatternSegment::Literal(literal) => value == literal,
                PatternSegment::Any => !value.is_empty(),
                PatternSegment::Capture { before, after } => {
                    match value.strip_prefix(before.as_slice()).and_then(|value| value.strip_suffix(after.as_slice())) {
                        Some(inner) if !inner.is_empty() => {
                            visit(inner);
                            true
                        }
                        _ => false,
                    }
                }
            };
            if !held {
                return false;
            }
            rest = tail;
        }
        if self.open { rest.first() == Some(&b'/') } else { rest.is_empty() }
    }
}
