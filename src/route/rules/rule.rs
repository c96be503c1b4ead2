//! A rule as the configuration says it, and what can be wrong with one.

use std::fmt;

/// Requests that meet all of a rule's conditions belong to the route it names. What is empty or absent matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The route: nodes of `[A-Za-z0-9_-]` joined by dots, where `{x}` stands for what the conditions captured;
    /// `{method}`, `{host}` and `{status}` (`5xx`) are always there. `webapp.backend.{project}`
    pub name: String,
    /// Any of these methods, in upper case.
    pub method: Vec<String>,
    /// This host, or `*.example.org` for all below it; without regard to case or port.
    pub host: Option<String>,
    /// A template of the whole path: `/p/{project}/source/tree/{rev}/*`. `{x}` captures one segment, or what is
    /// between the literal parts of one (`/{project}.git/info`); `*` is any one segment, at the end any rest, also
    /// an empty one.
    pub path: Option<String>,
    /// A regular expression found anywhere in the path (anchor it with `^` and `$`); its named groups are captures. It
    /// works on bytes: `.` is one byte, `\w` and `\d` are ASCII.
    pub regex: Option<String>,
    /// Any of `404`, `5xx`, `500-599`.
    pub status: Vec<String>,
    /// Log variables, and the regular expression that the whole value has to match; named groups are captures.
    pub variables: Vec<(String, String)>,
    /// Slow from here on, in this route.
    pub threshold_ms: Option<u64>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The rule, counted from 0.
    pub rule: usize,
    /// The rule's field: `name`, `method`, `host`, `path`, `regex`, `status` or `variables`.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route rule {}, {}: {}", self.rule + 1, self.field, self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleError {}

/// A mistake in one field, before it is known which rule's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::route) struct RuleMistake {
    pub(in crate::route) field: &'static str,
    pub(in crate::route) message: String,
    pub(in crate::route) remedy: Option<String>,
}

impl RuleMistake {
    /// A mistake in the field of this name.
    pub(in crate::route) fn new(field: &'static str, message: impl Into<String>) -> RuleMistake {
        RuleMistake { field, message: message.into(), remedy: None }
    }

    /// The same with what to do about it.
    pub(in crate::route) fn remedy(mut self, remedy: impl Into<String>) -> RuleMistake {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same as the mistake of the `rule`th rule.
    pub(in crate::route) fn in_rule(self, rule: usize) -> RuleError {
        RuleError { rule, field: self.field, message: self.message, remedy: self.remedy }
    }
}

/// Whether a capture may be called so: a letter or `_`, then letters, digits and `_`.
pub(in crate::route) fn is_capture_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
