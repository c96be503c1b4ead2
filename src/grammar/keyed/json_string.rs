//! The strings of JSON: where one ends, and its text without escapes.

use crate::grammar::line::{ValueSpan, find_byte};

/// The inside of the string whose opening quote stands at `at`, and whether it has escapes. None if it does not end.
pub(crate) fn string(line: &[u8], at: usize) -> Option<(ValueSpan, bool)> {
    let from = at + 1;
    let mut end = from;
    let mut escaped = false;
    loop {
        end += memchr::memchr2(b'"', b'\\', line.get(end..)?)?;
        if line.get(end) == Some(&b'"') {
            return Some(((from as u32, end as u32), escaped));
        }
        escaped = true;
        end += 2;
    }
}

/// The text inside a JSON string as it was before it was escaped, appended to `out`. An escape that JSON does not have
/// stays as it is; half of a surrogate pair is U+FFFD.
pub(crate) fn decode(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = find_byte(b'\\', rest) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(head);
        let taken = decode_escape(tail, out);
        if taken == 0 {
            out.push(b'\\');
        }
        rest = tail.get(taken.max(1)..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The escape at the start of `tail`: how many bytes it takes, 0 if it is none.
fn decode_escape(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let byte = match tail.get(1) {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(same @ (b'"' | b'\\' | b'/')) => *same,
        Some(b'u') => return decode_unicode(tail, out),
        _ => return 0,
    };
    out.push(byte);
    2
}

/// `\uD83D\uDE00` is one character.
fn decode_unicode(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let unit = |from: usize| tail.get(from..from + 4).and_then(hex_number);
    let Some(first) = unit(2) else { return 0 };
    let low = if tail.get(6..8) == Some(b"\\u") { unit(8) } else { None };
    let (code, taken) = match (first, low) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12),
        _ => (first, 6),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    taken
}

fn hex_number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &byte| Some(value * 16 + char::from(byte).to_digit(16)?))
}
