//! Values as they were before nginx escaped them.

use std::borrow::Cow;

use crate::grammar::{Escape, decode_json};

/// The value without nginx's escapes: `\xHH` by default, JSON's own with `escape=json`, none with `escape=none`.
/// An escape that nginx would not have written stays as it is. The result is bytes: hostile and not always UTF-8.
pub fn unescape(value: &[u8], escape: Escape) -> Cow<'_, [u8]> {
    if escape == Escape::None || memchr::memchr(b'\\', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    if escape == Escape::Json {
        decode_json(value, &mut out);
        return Cow::Owned(out);
    }
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(head);
        let taken = decode_hex(tail, &mut out);
        if taken == 0 {
            out.push(b'\\');
        }
        rest = tail.get(taken.max(1)..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// `\xHH` at the start of `tail`: how many bytes it takes, 0 if it is none.
fn decode_hex(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let Some([b'x', high, low]) = tail.get(1..4) else { return 0 };
    match (hex_digit(*high), hex_digit(*low)) {
        (Some(high), Some(low)) => {
            out.push(high * 16 + low);
            4
        }
        _ => 0,
    }
}

/// The value of a hexadecimal digit. nginx writes upper case; other programs that use its escapes write lower case.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn default_escapes() {
        let plain = |text: &'static str| unescape(text.as_bytes(), Escape::Default).into_owned();
        assert_eq!(plain("a \\x22q\\x22 \\x5Cb"), b"a \"q\" \\b");
        assert_eq!(plain("\\x16\\x03\\xff"), b"\x16\x03\xFF");
        assert_eq!(plain("\\x2"), b"\\x2");
        assert_eq!(plain("\\n\\"), b"\\n\\");
        assert!(matches!(unescape(b"plain", Escape::Default), Cow::Borrowed(_)));
        assert!(matches!(unescape(b"\\x22", Escape::None), Cow::Borrowed(_)));
    }

    #[test]
    fn json_escapes() {
        let plain = |text: &'static str| unescape(text.as_bytes(), Escape::Json).into_owned();
        assert_eq!(plain("a\\\"b\\\\c\\/\\n\\t\\r\\b\\f"), b"a\"b\\c/\n\t\r\x08\x0C");
        assert_eq!(plain("\\u001B[31m\\u00e9"), "\u{1b}[31m\u{e9}".as_bytes());
        assert_eq!(plain("\\uD83D\\uDE00 \\uD83D"), "\u{1f600} \u{fffd}".as_bytes());
        assert_eq!(plain("\\q\\u12"), b"\\q\\u12");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn undoes_what_nginx_does(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut escaped = Vec::new();
            for &byte in &value {
                if byte == b'"' || byte == b'\\' || !(0x20..0x7F).contains(&byte) {
                    escaped.extend(format!("\\x{byte:02X}").bytes());
                } else {
                    escaped.push(byte);
                }
            }
            prop_assert_eq!(unescape(&escaped, Escape::Default).into_owned(), value);
        }

        #[test]
        fn any_bytes_are_fine(value in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'u'), any::<u8>()], 0..40)) {
            let _ = unescape(&value, Escape::Json);
            let _ = unescape(&value, Escape::Default);
        }
    }
}
