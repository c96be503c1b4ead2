//! What a rule asks of a request, compiled.

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
        let mut conditions = Conditions {
            methods: rule.method.iter().map(|method| read_method(method)).collect::<Result<_, _>>()?,
            status: rule.status.iter().map(|status| read_status(status)).collect::<Result<_, _>>()?,
            pattern: rule.path.as_deref().map(PathPattern::new).transpose()?,
            host: rule.host.as_deref().map(read_host).transpose()?,
            regex: rule.regex.as_deref().map(|text| compile_regex("regex", text, text)).transpose()?,
            variables: Vec::new(),
        };
        for (variable, text) in &rule.variables {
            let name = variable.strip_prefix('$').unwrap_or(variable);
            if !is_capture_name(name) {
                return Err(RuleMistake::new("variables", format!("`{variable}` is no name of a variable"))
                    .remedy("use a name that the log_format has, such as `upstream_addr`"));
            }
            let at = variables.iter().position(|known| known == name).unwrap_or_else(|| {
                variables.push(name.to_owned());
                variables.len() - 1
            });
            let regex = compile_regex("variables", text, &format!("^(?:{text})$"))?;
            conditions.variables.push(VariableCondition { at, regex });
        }
        Ok(conditions)
    }

    /// Whether a request meets them all.
    pub(in crate::route) fn are_met_by(&self, facts: &RequestFacts<'_>) -> bool {
        let method = self.methods.is_empty() || self.methods.iter().any(|method| method == facts.method);
        method
            && (self.status.is_empty()
                || facts.status.is_some_and(|status| self.status.iter().any(|range| range.contains(&status))))
            && self.pattern.as_ref().is_none_or(|pattern| facts.path.is_some_and(|path| pattern.matches(path)))
            && self.host.as_ref().is_none_or(|host| facts.host.is_some_and(|value| host.is_met_by(value)))
            && self
                .variables
                .iter()
                .all(|condition| facts.variable(condition.at).is_some_and(|value| condition.regex.is_match(value)))
            && self.regex.as_ref().is_none_or(|regex| facts.path.is_some_and(|path| regex.is_match(path)))
    }

    /// Whether any of them needs the path itself, where its fold would not do.
    pub(in crate::route) fn needs_raw_path(&self) -> bool {
        self.regex.is_some() || self.pattern.as_ref().is_some_and(|pattern| !pattern.can_judge_templates())
    }
}

impl HostCondition {
    fn is_met_by(&self, host: &[u8]) -> bool {
        match self {
            HostCondition::Exact(exact) => host.eq_ignore_ascii_case(exact),
            HostCondition::Below(suffix) => {
                host.len() > suffix.len()
                    && host.get(host.len() - suffix.len()..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        }
    }
}

/// `GET`; in upper case, as methods are compared as they are (RFC 9110, section 9.1).
fn read_method(text: &str) -> Result<Vec<u8>, RuleMistake> {
    let upper = text.to_ascii_uppercase();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_') {
        return Err(RuleMistake::new("method", format!("`{text}` is no method")).remedy("write e.g. `GET`"));
    }
    if upper != text {
        return Err(RuleMistake::new("method", format!("methods are in upper case, `{text}` would never match"))
            .remedy(format!("write `{upper}`")));
    }
    Ok(upper.into_bytes())
}

/// `www.example.org`, or `*.example.org` for all below it.
fn read_host(text: &str) -> Result<HostCondition, RuleMistake> {
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.is_empty() || name.bytes().any(|byte| matches!(byte, b'*' | b'/' | b' ' | b'@' | b'?')) {
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
    parse_status_range(text).ok_or_else(|| {
        RuleMistake::new("status", format!("`{text}` is no status")).remedy("write `404`, `5xx` or `500-599`")
    })
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
