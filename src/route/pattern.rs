//! A rule's path template, matched segment by segment.
//!
//! Rules are tried in order and the first match wins, whatever is more specific; so each template is matched on its
//! own (after a comparison of its literal front, which decides nearly always) instead of all in one tree.

use super::fold::{SEGMENTS_MAX, is_stable};
use super::rule::{Mistake, is_capture_name};

/// A compiled path template.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// What every path that matches begins with.
    prefix: Vec<u8>,
    segments: Vec<Segment>,
    /// Ends in `/*`.
    open: bool,
    captures: Vec<String>,
}

#[derive(Debug, Clone)]
enum Segment {
    Literal(Vec<u8>),
    /// `*`
    Any,
    /// `{x}`, `{x}.git`, `v{x}`: at least one byte between the two literals.
    Capture {
        before: Vec<u8>,
        after: Vec<u8>,
    },
}

impl Pattern {
    /// Reads a template.
    pub(super) fn new(text: &str) -> Result<Pattern, Mistake> {
        let mistake = |message: String| Mistake::new("path", message);
        let Some(body) = text.strip_prefix('/') else {
            return Err(mistake(format!("`{text}` does not begin with `/`")).remedy(format!("write `/{text}`")));
        };
        if let Some(mark) = body.find(['?', '#']) {
            let path = text.split_at_checked(mark + 1).map_or(text, |(path, _)| path);
            return Err(mistake("the query is no part of the path".to_owned()).remedy(format!("write `{path}`")));
        }
        let mut pattern = Pattern { prefix: b"/".to_vec(), segments: Vec::new(), open: false, captures: Vec::new() };
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
                    Segment::Literal(bytes) => pattern.prefix.extend_from_slice(bytes),
                    Segment::Capture { before, .. } => pattern.prefix.extend_from_slice(before),
                    Segment::Any => {}
                }
                literal = matches!(segment, Segment::Literal(_));
                if literal && parts.peek().is_some() {
                    pattern.prefix.push(b'/');
                }
            }
            pattern.segments.push(segment);
        }
        Ok(pattern)
    }

    fn read_segment(&mut self, part: &str) -> Result<Segment, Mistake> {
        if part == "*" {
            return Ok(Segment::Any);
        }
        if part.contains('*') {
            return Err(Mistake::new("path", format!("`*` has to be a whole segment, not part of `{part}`"))
                .remedy("name that part, e.g. `{name}.js`, or use `regex`"));
        }
        let Some((before, rest)) = part.split_once('{') else {
            return Ok(Segment::Literal(part.as_bytes().to_vec()));
        };
        let Some((name, after)) = rest.split_once('}') else {
            return Err(Mistake::new("path", format!("`{{` in `{part}` is not closed")).remedy("add `}`"));
        };
        if !is_capture_name(name) {
            return Err(Mistake::new("path", format!("`{{{name}}}` is no name for a capture"))
                .remedy("use letters, digits and `_`, a letter first"));
        }
        if after.contains('{') {
            return Err(Mistake::new("path", format!("two captures in one segment, `{part}`")).remedy("use `regex`"));
        }
        self.captures.push(name.to_owned());
        Ok(Segment::Capture { before: before.as_bytes().to_vec(), after: after.as_bytes().to_vec() })
    }

    /// The captures' names, in the order of their values.
    pub(super) fn captures(&self) -> &[String] {
        &self.captures
    }

    /// Whether a path's fold tells as well as the path whether it matches (not what it captures).
    pub(super) fn sees_through_folds(&self) -> bool {
        self.segments.len() < SEGMENTS_MAX
            && self.segments.iter().all(|segment| match segment {
                Segment::Literal(literal) => is_stable(literal),
                Segment::Any => true,
                Segment::Capture { before, after } => before.is_empty() && after.is_empty(),
            })
    }

    /// Whether `path` (without query) matches.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        path.starts_with(&self.prefix) && self.walk(path, |_| {})
    }

    /// Matches, and gives what was captured to `take`, one after the other.
    pub(super) fn capture<'p>(&self, path: &'p [u8], take: impl FnMut(&'p [u8])) -> bool {
        path.starts_with(&self.prefix) && self.walk(path, take)
    }

    fn walk<'p>(&self, path: &'p [u8], mut take: impl FnMut(&'p [u8])) -> bool {
        let mut rest = path;
        for segment in &self.segments {
            let Some(after_slash) = rest.strip_prefix(b"/") else { return false };
            let end = memchr::memchr(b'/', after_slash).unwrap_or(after_slash.len());
            let Some((value, tail)) = after_slash.split_at_checked(end) else { return false };
            let held = match segment {
                Segment::Literal(literal) => value == literal,
                Segment::Any => !value.is_empty(),
                Segment::Capture { before, after } => {
                    match value.strip_prefix(before.as_slice()).and_then(|value| value.strip_suffix(after.as_slice())) {
                        Some(inner) if !inner.is_empty() => {
                            take(inner);
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
