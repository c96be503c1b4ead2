//! Where a value stands in the configuration file, so that a later error can point at it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A value and the place where it was written. Lines and columns count from 1, columns in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The configuration file.
    pub path: PathBuf,
    /// The line of the value's first byte (a text's opening quote).
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// Whether the value stands on that line byte for byte, after one quote, so that offsets in it are columns.
    verbatim: bool,
}

impl<T> Placed<T> {
    /// A usage error at this value.
    pub fn mistake(&self, what: impl Into<String>) -> Error {
        Error::usage(what).at_line(&self.path, self.line, self.column)
    }

    /// A usage error at byte `offset` (from 0) of this text, as exactly as the way it is quoted allows: in a text with
    /// escapes or several lines it points at the opening quote.
    pub fn mistake_inside(&self, offset: usize, what: impl Into<String>) -> Error {
        let column = if self.verbatim { self.column + 1 + offset } else { self.column };
        Error::usage(what).at_line(&self.path, self.line, column)
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The same place with another value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Placed<U> {
        let Placed { value, path, line, column, verbatim } = self;
        Placed { value: make(value), path, line, column, verbatim }
    }
}

/// Where the lines of a text end: every value has a place, so finding one must not take the longer the further down it stands.
#[derive(Debug)]
pub(super) struct LineEnds(Vec<usize>);

impl LineEnds {
    pub(super) fn of(text: &str) -> LineEnds {
        LineEnds(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }
}

/// The text of a configuration file, to turn byte offsets into lines and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) line_ends: &'a LineEnds,
}

impl Source<'_> {
    /// Line and column of a byte offset, both from 1.
    pub(super) fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let lines_before = self.line_ends.0.partition_point(|end| *end < offset);
        let last_end = lines_before.checked_sub(1).and_then(|at| self.line_ends.0.get(at));
        (lines_before + 1, offset - last_end.map_or(0, |end| end + 1) + 1)
    }

    /// A usage error at a byte offset.
    pub(super) fn mistake(&self, offset: usize, what: impl Into<String>) -> Error {
        let (line, column) = self.line_column(offset);
        Error::usage(what).at_line(self.path, line, column)
    }

    /// `value` with the place of its span.
    pub(super) fn placed<T>(&self, span: Range<usize>, value: T) -> Placed<T> {
        let (line, column) = self.line_column(span.start);
        Placed { value, path: self.path.to_owned(), line, column, verbatim: false }
    }

    /// A text with the place of its span.
    pub(super) fn placed_text(&self, span: Range<usize>, value: String) -> Placed<String> {
        let between_quotes = self.text.get(span.start + 1..span.end.saturating_sub(1));
        let verbatim = between_quotes == Some(value.as_str());
        Placed { verbatim, ..self.placed(span, value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Line and column as an editor counts them, byte by byte.
        #[test]
        fn an_offset_is_a_line_and_a_column(text in "[a\u{e9}\r\n]{0,40}", offset in 0usize..60) {
            let (mut line, mut column) = (1, 1);
            for byte in text.bytes().take(offset) {
                (line, column) = if byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            let source = Source { path: Path::new("s.toml"), text: &text, line_ends: &LineEnds::of(&text) };
            proptest::prop_assert_eq!(source.line_column(offset), (line, column));
        }
    }

    #[test]
    fn a_mistake_inside_a_text_points_at_its_byte_unless_the_text_is_quoted_otherwise() {
        let text = "a = 'xyz'\nb = \"x\\tz\"\n";
        let source = Source { path: Path::new("s.toml"), text, line_ends: &LineEnds::of(text) };
        let plain = source.placed_text(4..9, "xyz".to_owned()).mistake_inside(2, "no z");
        assert_eq!(plain.to_string(), "s.toml:1:8: no z");
        let escaped = source.placed_text(14..20, "x\tz".to_owned()).mistake_inside(2, "no z");
        assert_eq!(escaped.to_string(), "s.toml:2:5: no z", "its opening quote");
    }
}
