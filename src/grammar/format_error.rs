//! What is wrong with a log_format, where in its text, and what to do about it.

use std::fmt;
use std::ops::Range;

use crate::error::Error;

/// A log_format that nginx would not accept, or whose lines could not be cut into fields without guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    /// The text that was read: a log_format's text, or the source of its directive.
    pub text: String,
    /// The bytes of `text` that the error is about.
    pub span: Range<usize>,
    /// What is wrong there.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl FormatError {
    pub(crate) fn new(text: &str, span: Range<usize>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        FormatError { text: text.to_owned(), span, reason: reason.into(), remedy: remedy.into() }
    }

    /// Line and column (from 1, columns in bytes) where the span starts.
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.text.as_bytes().get(..self.span.start).unwrap_or(self.text.as_bytes());
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        (memchr::memchr_iter(b'\n', before).count() + 1, before.len() - start + 1)
    }

    /// The message, the line of the text it is about with `^^^` under the span, and the remedy.
    pub fn render(&self) -> String {
        let bytes = self.text.as_bytes();
        let start = self.span.start.min(bytes.len());
        let from = memchr::memrchr(b'\n', bytes.get(..start).unwrap_or_default()).map_or(0, |newline| newline + 1);
        let until = memchr::memchr(b'\n', bytes.get(start..).unwrap_or_default()).map_or(bytes.len(), |n| start + n);
        let shown = |range: Range<usize>| show_control_bytes(bytes.get(range).unwrap_or_default());
        let indent = shown(from..start).chars().count();
        let marks = shown(start..self.span.end.min(until).max(start)).chars().count().max(1);
        format!(
            "{}\n  {}\n  {}{}\n  help: {}",
            self.reason,
            shown(from..until),
            " ".repeat(indent),
            "^".repeat(marks),
            self.remedy
        )
    }
}

/// The text with control characters made visible, so that a terminal shows it as it is and the marks line up.
pub(crate) fn show_control_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "log_format, ")?;
        if line > 1 {
            write!(f, "line {line}, ")?;
        }
        write!(f, "column {column}: {}; {}", self.reason, self.remedy)
    }
}

impl std::error::Error for FormatError {}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Error {
        Error::usage(error.render())
    }
}
