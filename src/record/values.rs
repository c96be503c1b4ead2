//! The values of the line that was read last.

use super::Parser;

/// A line's values by variable: valid while its parser has not read another line.
#[derive(Debug, Clone, Copy)]
pub struct Values<'v> {
    parser: &'v Parser,
    text: &'v [u8],
}

impl<'v> Values<'v> {
    /// The values in `text`, which `parser` read last.
    #[inline(always)]
    pub(crate) fn new(parser: &'v Parser, text: &'v [u8]) -> Values<'v> {
        Values { parser, text }
    }

    /// As [`Parser::value`].
    pub fn value(&self, variable: usize) -> Option<&'v [u8]> {
        self.parser.value(self.text, variable)
    }
}
