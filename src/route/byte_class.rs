//! What each byte of a path may be part of: folding decides by classes, a table look-up a byte.

use super::graphite_name::is_escaped;
use super::query::ends_path;

/// What a byte may be part of; a segment's class is the union of its bytes'.
pub(super) const DIGIT: u8 = 1;
pub(super) const HEX_LOWER: u8 = 2;
pub(super) const HEX_UPPER: u8 = 4;
pub(super) const LOWER: u8 = 8;
pub(super) const UPPER: u8 = 16;
/// Any byte that parts pieces and needs no thought.
pub(super) const PLAIN: u8 = 32;
/// A byte that the canonical template escapes, and `@` or `%`, of which an e-mail address may be made.
pub(super) const ODD: u8 = 64;
/// The end of a segment.
pub(super) const END: u8 = 128;

/// What a hash is made of, in either case.
pub(super) const HEX: u8 = DIGIT | HEX_LOWER | HEX_UPPER;

/// A class for each byte: one bit, so that classes of several bytes are put together with `|`.
static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "computed at compile time, where a wrong index does not compile")]
const fn classes() -> [u8; 256] {
    let mut classes = [PLAIN; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "at is below 256")]
        let byte = at as u8;
        classes[at] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => HEX_LOWER,
            b'A'..=b'F' => HEX_UPPER,
            b'g'..=b'z' => LOWER,
            b'G'..=b'Z' => UPPER,
            b'/' => END,
            _ if ends_path(byte) => END,
            b'@' | b'%' => ODD,
            _ if is_escaped(byte) => ODD,
            _ => PLAIN,
        };
        at += 1;
    }
    classes
}

/// The class of a byte, as one of the bits above.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is always inside a table of 256")]
pub(super) fn class_of(byte: u8) -> u8 {
    CLASSES[byte as usize]
}
