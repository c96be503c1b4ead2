//! The values of the line that was read last.

use super::RecordParser;
use crate::grammar::Format;

/// A line's values by variable: valid while its parser has not read another line.
#[derive(Debug, Clone, Copy)]
pub struct RecordValues<'v> {
    parser: &'v RecordParser,
    text: &'v [u8],
}

impl<'v> RecordValues<'v> {
    /// The values in `text`, which `parser` read last.
    #[inline(always)]
    pub(crate) fn new(parser: &'v RecordParser, text: &'v [u8]) -> RecordValues<'v> {
        RecordValues { parser, text }
    }

    /// The format of the line, whose variables the values are of.
    pub fn format(&self) -> &'v Format {
        self.parser.format()
    }

    /// As [`RecordParser::value`].
    pub fn value(&self, variable: usize) -> Option<&'v [u8]> {
        self.parser.value(self.text, variable)
    }
}
