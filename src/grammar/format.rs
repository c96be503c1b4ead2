//! A compiled log_format.

use std::ops::Range;
use std::sync::Arc;

use super::cut::{Failure, Span, chomp};
use super::error::{FormatError, visible};
use super::escape::Escape;
use super::plan::{self, Plan};
use super::reject::{Reason, Reject};
use super::roles::Roles;
use super::text;
use super::variable::Variable;

/// A log_format, compiled. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Format {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    text: String,
    escape: Escape,
    variables: Vec<Variable>,
    roles: Roles,
    plan: Plan,
}

impl Format {
    /// Compiles the text of a log_format, as nginx sees it after quotes and backslashes are resolved.
    ///
    /// # Errors
    /// If nginx would refuse it, or if its lines could not be cut without guessing (two variables side by side, of which
    /// the first does not end by its own grammar).
    pub fn compile(name: &str, text: &str, escape: Escape) -> Result<Format, FormatError> {
        let pieces = text::pieces(text)?;
        let (plan, variables) = plan::compile(text, &pieces, escape)?;
        let roles = Roles::of(&variables);
        let inner = Inner { name: name.to_owned(), text: text.to_owned(), escape, variables, roles, plan };
        Ok(Format { inner: Arc::new(inner) })
    }

    /// nginx's built-in `combined` (`ngx_http_combined_fmt`).
    pub fn combined() -> Format {
        let text = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                    \"$http_referer\" \"$http_user_agent\"";
        #[expect(clippy::expect_used, reason = "a constant text that the tests compile")]
        Format::compile("combined", text, Escape::Default).expect("combined compiles")
    }

    /// The format's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The format's text.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// How its values are escaped.
    pub fn escape(&self) -> Escape {
        self.inner.escape
    }

    /// Its distinct variables, in order of first appearance.
    pub fn variables(&self) -> &[Variable] {
        &self.inner.variables
    }

    /// The index of the variable of that name (without `$`; the case does not matter) in [`variables`](Self::variables).
    pub fn index_of(&self, variable: &str) -> Option<usize> {
        self.inner.variables.iter().position(|known| known.name.eq_ignore_ascii_case(variable))
    }

    /// Which variables say what about a request.
    pub fn roles(&self) -> &Roles {
        &self.inner.roles
    }

    /// Whether `line` (with or without line end) fits.
    ///
    /// # Errors
    /// Where and why it does not. Only the shape of the values is looked at, not their range.
    pub fn check(&self, line: &[u8]) -> Result<(), Reject> {
        let mut spans = self.spans();
        self.plan().cut(chomp(line), &mut spans).map_err(|failure| Reject::at(failure.at, failure.reason))
    }

    /// Why `line` does not fit, in terms of the format: "expected `] "` after $time_local". For messages, not for speed.
    ///
    /// None if the line fits (its values may still be out of range, which [`Reason`]'s text says).
    pub fn explain(&self, line: &[u8]) -> Option<String> {
        let line = chomp(line);
        let failure = self.plan().cut(line, &mut self.spans()).err()?;
        Some(self.explanation(line, failure))
    }

    /// Where in `line` each value stands, from left to right: the index of its variable in
    /// [`variables`](Self::variables), and its bytes. A variable that the format names twice comes twice.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn fields(&self, line: &[u8]) -> Result<Vec<(usize, Range<usize>)>, Reject> {
        let mut spans = self.spans();
        let cut = self.plan().cut(chomp(line), &mut spans);
        cut.map_err(|failure| Reject::at(failure.at, failure.reason))?;
        let steps = self.plan().steps.iter().zip(&spans);
        Ok(steps.map(|(step, &(from, until))| (step.variable, from as usize..until as usize)).collect())
    }

    fn explanation(&self, line: &[u8], failure: Failure) -> String {
        let found = line.get(failure.at..line.len().min(failure.at + 20)).unwrap_or_default();
        let found = if found.is_empty() { "the line's end".to_owned() } else { format!("`{}`", visible(found)) };
        let step = self.plan().steps.get(failure.step);
        let name = step.and_then(|step| self.variables().get(step.variable)).map_or("", |variable| &variable.name);
        match (failure.reason, step) {
            (Reason::LiteralMissing, Some(_))
                if failure.at == 0 && failure.step == 0 && !self.plan().lead.is_empty() =>
            {
                format!("expected `{}` at the line's start, found {found}", visible(self.plan().lead.bytes()))
            }
            (Reason::LiteralMissing, Some(step)) => {
                let literal = visible(step.literal.bytes());
                if literal.is_empty() {
                    format!("expected the line's end after ${name}, found {found}")
                } else {
                    format!("expected `{literal}` after ${name}, found {found}")
                }
            }
            (Reason::BadTime, _) => format!("expected a time, found {found}"),
            (Reason::BadNumber, _) => format!("expected a number for ${name}, found {found}"),
            (Reason::TrailingText, _) => format!("expected the line's end, found {found}"),
            (reason, _) => reason.to_string(),
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.inner.plan
    }

    /// Room for the span of each step's value.
    pub(crate) fn spans(&self) -> Vec<Span> {
        vec![(0, 0); self.plan().steps.len()]
    }

    /// The first step that cuts the variable.
    pub(crate) fn step_of(&self, variable: usize) -> Option<usize> {
        self.plan().steps.iter().position(|step| step.variable == variable)
    }
}
