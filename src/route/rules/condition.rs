//! What a rule asks of a request, compiled.
//!
//! All that a rule asks has to hold; of a list (`method`, `status`) one member. What a line lacks meets no condition: a rule
//! for a host takes no line of a log that has no hosts, since a wrong route is worse than the path's own. The cheap
//! conditions come first and the expressions last.

use std::ops::RangeInclusive;

use regex::bytes::{Regex, RegexBuilder};

use super::path_pattern::PathPattern;
use super::rule::{Rule, RuleMistake, is_capture_name};
use crate::record::parse_status_range;

/// A compiled regular expression takes at most this much memory: a slip such as `(.{1000}){1000}` is refused.
const REGEX_SIZE: usize = 4 * 1024 * 1024;

/// What conditions and names look at of one request.
#[derive(Debug, Clone, Copy)]
pub(in crate::route) struct RequestFacts<'a> {
    pub(in crate::route) method: &'a [u8],
    /// Without port.
    pub(in crate::route) host: Option<&'a [u8]>,
    /// Without query; absent where the request has none.
    pub(in crate::route) path: Option<&'a [u8]>,
    pub(in crate::route) status: Option<u16>,
    pub(in crate::route) variables: &'a [Option<&'a [u8]>],
}

impl<'a> RequestFacts<'a> {
    /// The value of a variable by its place in `Router::variables`; nothing where the line has none.
    pub(in crate::route) fn variable(&self, at: usize) -> Option<&'a [u8]> {
        self.variables.get(at).copied().flatten()
    }
}

/// The conditions of one rule; all have to hold. The order of the fields is the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub(in crate::route) struct Conditions {
    pub(in crate::route) methods: Vec<Vec<u8>>,
    pub(in crate::route) status: Vec<RangeInclusive<u16>>,
    pub(in crate::route) pattern: Option<PathPattern>,
    pub(in crate::route) host: Option<HostCondition>,
    pub(in crate::route) variables: Vec<VariableCondition>,
    pub(in crate::route) regex: Option<Regex>,
}

/// Which hosts are meant; case does not matter.
#[derive(Debug, Clone)]
pub(in crate::route) enum HostCondition {
    Exact(Vec<u8>),
    /// `*.example.org`, kept as `.example.org`.
    Below(Vec<u8>),
}

/// An expression that the whole value of a log variable has to match.
#[derive(Debug, Clone)]
pub(in crate::route) struct VariableCondition {
    /// The place in [`crate::route::Router::variables`].
    pub(in crate::route) at: usize,
    pub(in crate::route) regex: Regex,
}

impl Conditions {
    /// Compiles a rule's conditions; variables that are new are added to `variables`.
    pub(in crate::route) fn new(rule: &Rule, variables: &mut Vec<String>) -> Result<Conditions, RuleMistake> {
        let mut conditions = Conditions::default();
        for method in &rule.method {
            conditions.methods.push(read_method(method)?);
        }
        for status in &rule.status {
            conditions.status.push(read_status(status)?);
        }
        conditions.pattern = rule.path.as_deref().map(PathPattern::new).transpose()?;
        conditions.host = rule.host.as_deref().map(read_host).transpose()?;
        if let Some(text) = &rule.regex {
            conditions.regex = Some(compile_regex("regex", text, text)?);
        }
        for (variable, text) in &rule.variables {
            let name = variable.strip_prefix('$').unwrap_or(variable);
            if !is_capture_name(name) {
                return Err(RuleMistake::new("variables", format!("`{variable}` is no name of a variable"))
                    .remedy("use a name that the log_format has, such as `upstream_addr`"));
            }
            let at = place_of(name, variables);
            let regex = compile_regex("variables", text, &format!("^(?:{text})$"))?;
            conditions.variables.push(VariableCondition { at, regex });
        }
        Ok(conditions)
    }

    /// What every path that meets them begins with; empty where any path may, and where none is asked for.
    pub(in crate::route) fn front(&self) -> &[u8] {
        self.pattern.as_ref().map_or(&[], PathPattern::prefix)
    }

    /// Whether a request meets them all.
    pub(in crate::route) fn are_met_by(&self, facts: &RequestFacts<'_>) -> bool {
        self.allow_method(facts.method)
            && self.allow_status(facts.status)
            && self.allow_path(facts.path)
            && self.allow_host(facts.host)
            && self.variables.iter().all(|condition| condition.is_met_by(facts))
            && self.allow_by_regex(facts.path)
    }

    /// Whether the method is one of those asked for, if any is.
    #[inline]
    fn allow_method(&self, method: &[u8]) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|wanted| wanted == method)
    }

    /// Whether the status is one of those asked for; a line without one has none of them.
    #[inline]
    fn allow_status(&self, status: Option<u16>) -> bool {
        if self.status.is_empty() {
            return true;
        }
        let Some(status) = status else { return false };
        self.status.iter().any(|range| range.contains(&status))
    }

    /// Whether the path's template fits; a request without a path (`OPTIONS *`, `CONNECT`) fits none.
    #[inline]
    fn allow_path(&self, path: Option<&[u8]>) -> bool {
        match (&self.pattern, path) {
            (None, _) => true,
            (Some(pattern), Some(path)) => pattern.matches(path),
            (Some(_), None) => false,
        }
    }

    /// Whether the host is the one asked for, or below it; a line without a host has none.
    #[inline]
    fn allow_host(&self, host: Option<&[u8]>) -> bool {
        match (&self.host, host) {
            (None, _) => true,
            (Some(condition), Some(host)) => condition.is_met_by(host),
            (Some(_), None) => false,
        }
    }

    /// Whether the expression matches somewhere in the path, as nginx's `~` does.
    #[inline]
    fn allow_by_regex(&self, path: Option<&[u8]>) -> bool {
        match (&self.regex, path) {
            (None, _) => true,
            (Some(regex), Some(path)) => regex.is_match(path),
            (Some(_), None) => false,
        }
    }

    /// Whether any of them needs the path itself, where its fold would not do.
    pub(in crate::route) fn needs_raw_path(&self) -> bool {
        self.regex.is_some() || matches!(&self.pattern, Some(pattern) if !pattern.can_judge_templates())
    }
}

impl HostCondition {
    fn is_met_by(&self, host: &[u8]) -> bool {
        match self {
            HostCondition::Exact(exact) => host.eq_ignore_ascii_case(exact),
            HostCondition::Below(suffix) => {
                let at = host.len().saturating_sub(suffix.len());
                at > 0 && matches!(host.get(at..), Some(end) if end.eq_ignore_ascii_case(suffix))
            }
        }
    }
}

impl VariableCondition {
    /// Whether the line has the variable, and its value matches.
    fn is_met_by(&self, facts: &RequestFacts<'_>) -> bool {
        matches!(facts.variable(self.at), Some(value) if self.regex.is_match(value))
    }
}

/// The place of a variable by its name; a name that is new goes to the end.
fn place_of(name: &str, variables: &mut Vec<String>) -> usize {
    if let Some(at) = variables.iter().position(|known| known == name) {
        return at;
    }
    variables.push(name.to_owned());
    variables.len() - 1
}

/// `GET`; in upper case, as methods are compared as they are (RFC 9110, section 9.1).
fn read_method(text: &str) -> Result<Vec<u8>, RuleMistake> {
    let upper = text.to_ascii_uppercase();
    if text.is_empty() || !text.bytes().all(is_method_byte) {
        return Err(RuleMistake::new("method", format!("`{text}` is no method")).remedy("write e.g. `GET`"));
    }
    if upper != text {
        return Err(RuleMistake::new("method", format!("methods are in upper case, `{text}` would never match"))
            .remedy(format!("write `{upper}`")));
    }
    Ok(upper.into_bytes())
}

/// What the methods that are registered are made of; HTTP itself would allow more (RFC 9110, section 5.6.2).
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_'
}

/// `www.example.org`, or `*.example.org` for all below it.
fn read_host(text: &str) -> Result<HostCondition, RuleMistake> {
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.is_empty() || name.contains(['*', '/', ' ', '@', '?']) {
        return Err(RuleMistake::new("host", format!("`{text}` is no host"))
            .remedy("write `www.example.org`, or `*.example.org` for all below it"));
    }
    let is_address = name.starts_with('[');
    if !is_address && let Some((host, _)) = name.split_once(':') {
        return Err(RuleMistake::new("host", format!("`{text}`: hosts are compared without the port"))
            .remedy(format!("write `{}{host}`", if below { "*." } else { "" })));
    }
    let name = name.trim_end_matches('.');
    Ok(if below {
        HostCondition::Below(format!(".{name}").into_bytes())
    } else {
        HostCondition::Exact(name.as_bytes().to_vec())
    })
}

/// `404`, `5xx` or `500-599`.
fn read_status(text: &str) -> Result<RangeInclusive<u16>, RuleMistake> {
    match parse_status_range(text) {
        Some(range) => Ok(range),
        None => {
            Err(RuleMistake::new("status", format!("`{text}` is no status")).remedy("write `404`, `5xx` or `500-599`"))
        }
    }
}

/// Compiles `whole`, which stands for what was written, `text`, in the message of a mistake.
fn compile_regex(field: &'static str, text: &str, whole: &str) -> Result<Regex, RuleMistake> {
    // Bytes, not characters: a log line need not be UTF-8, and `[^/]` has to match any byte of it.
    RegexBuilder::new(whole).unicode(false).size_limit(REGEX_SIZE).build().map_err(|error| {
        let cause = match error {
            regex::Error::CompiledTooBig(_) => "it compiles to more than 4 MiB; use smaller repetitions".to_owned(),
            error => {
                let shown = error.to_string();
                let last = shown.lines().last().unwrap_or_default().trim();
                last.strip_prefix("error: ").unwrap_or(last).to_owned()
            }
        };
        RuleMistake::new(field, format!("`{text}` is no regular expression: {cause}"))
            .remedy("the syntax is that of Rust's regex crate: no look-around, no back-references")
    })
}
