//! The last variable of a format that no literal ends: to the end of the line, unless the line goes on behind it.

use crate::grammar::variables::shape_fit::is_escaped;
use crate::grammar::variables::{ByteTable, Escape, ValueShape, bytes_of_values, is_request_header, shape_of_value};

/// What the value can be.
#[derive(Debug, Clone)]
pub(crate) struct LastValue {
    shape: ValueShape,
    escape: Escape,
    bytes: ByteTable,
    trimmed: bool,
}

impl LastValue {
    pub(super) fn of_variable(name: &str, escape: Escape) -> LastValue {
        let (shape, bytes) = (shape_of_value(name), bytes_of_values(name, escape));
        LastValue { shape, escape, bytes, trimmed: is_request_header(name) }
    }

    /// The end of the value that begins at `at`: the line's, or where something stands that cannot be in it, such as what
    /// an appended column holds.
    #[inline]
    pub(super) fn end_in(&self, line: &[u8], at: usize) -> usize {
        let value = line.get(at..).unwrap_or_default();
        let stop = value.iter().position(|&byte| self.bytes.get(usize::from(byte)) != Some(&true));
        match stop {
            Some(stop) => at + stop,
            None if self.is_of_another(value) => at,
            None => line.len(),
        }
    }

    /// Whether the value is none of this variable, though each byte could be.
    fn is_of_another(&self, value: &[u8]) -> bool {
        let spaced = value.first() == Some(&b' ');
        let begins_otherwise = match self.shape {
            // What nginx could not read is anything; but a whole request has nothing behind its protocol.
            ValueShape::Request => {
                let has_protocol = memchr::memmem::find(value, b" HTTP/").is_some();
                spaced || has_protocol && !self.shape.fits(self.escape, value)
            }
            ValueShape::Target => !self.shape.fits(self.escape, value) && value.starts_with(b"-"),
            ValueShape::Scheme | ValueShape::Pipe | ValueShape::Protocol => !self.shape.fits(self.escape, value),
            _ => self.trimmed && spaced,
        };
        begins_otherwise || self.escape == Escape::Json && !is_escaped(self.escape, value)
    }
}
