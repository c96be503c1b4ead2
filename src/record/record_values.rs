//! The values of the line that was read last.

use super::RecordParser;
use crate::grammar::Format;

/// A line's values by variable: valid while its parser has not read another line.
#[derive(Debug, Clone, Copy)]
pub struct RecordValues<'v> {
    parser: &'v RecordParser,
    text: &'v [u8],
    /// Variables that the line may not have as they were cut.
    doubtful: &'v [usize],
}

impl<'v> RecordValues<'v> {
    /// The values in `text`, which `parser` read last.
    #[inline(always)]
    pub(crate) fn new(parser: &'v RecordParser, text: &'v [u8]) -> RecordValues<'v> {
        RecordValues { parser, text, doubtful: &[] }
    }

    /// The same, but that these variables are absent: the line may be in another format, where they are not so.
    #[must_use]
    pub(crate) fn without(self, doubtful: &'v [usize]) -> RecordValues<'v> {
        RecordValues { doubtful, ..self }
    }

    /// The format of the line, whose variables the values are of.
    pub fn format(&self) -> &'v Format {
        self.parser.format()
    }

    /// As [`RecordParser::value`].
    pub fn value(&self, variable: usize) -> Option<&'v [u8]> {
        if self.doubtful.contains(&variable) {
            return None;
        }
        self.parser.value(self.text, variable)
    }
}
