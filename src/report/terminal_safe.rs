//! Text that strangers wrote, made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything that could move the cursor, change the terminal's state, or make the text read otherwise than
/// it is shown as `\xHH`, byte by byte: C0 and C1 controls (so ESC, and with it every CSI and OSC sequence), DEL, line and
/// paragraph separators, bidirectional marks, overrides and isolates, zero-width and tag characters, and what is not UTF-8.
/// It has no line breaks. Borrowed if nothing had to be changed.
pub fn terminal_safe(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(is_harmful)
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_harmful(c) {
                show_bytes(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut safe);
            } else {
                safe.push(c);
            }
        }
        show_bytes(chunk.invalid(), &mut safe);
    }
    Cow::Owned(safe)
}

fn show_bytes(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\x{byte:02X}");
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn harmful_bytes_are_shown() {
        let cases: [(&[u8], &str); 10] = [
            (b"GET /a HTTP/1.1", "GET /a HTTP/1.1"),
            ("Grüße, 世界".as_bytes(), "Grüße, 世界"),
            (b"\x1b[2J\x1b]0;title\x07", "\\x1B[2J\\x1B]0;title\\x07"),
            (b"\x1b]8;;http://evil/\x1b\\x", "\\x1B]8;;http://evil/\\x1B\\x"),
            ("\u{9b}2J".as_bytes(), "\\xC2\\x9B2J"),
            (b"\x9b2J", "\\x9B2J"),
            ("a\u{202e}b\u{2066}c".as_bytes(), "a\\xE2\\x80\\xAEb\\xE2\\x81\\xA6c"),
            (b"a\r\nb\tc\x7f", "a\\x0D\\x0Ab\\x09c\\x7F"),
            (b"cut \xe4\xb8", "cut \\xE4\\xB8"),
            (b"\0", "\\x00"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(terminal_safe(bytes), shown);
        }
        assert!(matches!(terminal_safe(b"plain"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn nothing_harmful_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(!terminal_safe(&bytes).chars().any(is_harmful));
        }
    }
}
