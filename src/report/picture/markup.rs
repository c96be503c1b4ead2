//! Text and numbers for SVG and HTML.

use std::borrow::Cow;
use std::fmt;

/// Text that stands in markup as it is: nothing in it begins an element, ends an attribute, or is no character of XML.
pub fn markup_safe(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !matches!(c, '&' | '<' | '>' | '"' | '\'') && is_character(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if is_character(c) => safe.push(c),
            // Not even an escape of it may stand in XML.
            _ => safe.push('\u{fffd}'),
        }
    }
    Cow::Owned(safe)
}

/// Whether XML 1.0 has it, and it neither ends a line nor turns the direction of what follows.
fn is_character(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    !turns && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// A length in a picture, to a tenth of a pixel: `12`, `12.5`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round().abs() } else { 0.0 };
        let (whole, rest) = ((tenths / 10.0).trunc(), tenths % 10.0);
        let sign = if self.0 < 0.0 && tenths > 0.0 { "-" } else { "" };
        if rest == 0.0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{rest}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_breaks_out_of_markup() {
        assert_eq!(markup_safe("api.v1"), "api.v1");
        assert_eq!(markup_safe("</text><script>"), "&lt;/text&gt;&lt;script&gt;");
        assert_eq!(markup_safe("a\" onload='x' &amp;"), "a&quot; onload=&#39;x&#39; &amp;amp;");
        assert_eq!(markup_safe("a\u{0}b\u{202e}c\u{1b}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn lengths_have_a_tenth() {
        let cases =
            [(0.0, "0"), (12.0, "12"), (12.46, "12.5"), (12.96, "13"), (-0.3, "-0.3"), (-1.25, "-1.3"), (-0.01, "0")];
        for (length, text) in cases {
            assert_eq!(Px(length).to_string(), text);
        }
        assert_eq!(Px(f64::NAN).to_string(), "0");
    }

    proptest! {
        #[test]
        fn no_text_opens_anything(text: String) {
            let safe = markup_safe(&text);
            let breaks_out = safe.contains(['<', '>', '"', '\'', '\n', '\u{0}']);
            let escapes = ["amp;", "lt;", "gt;", "quot;", "#39;"];
            let is_escape = |rest: &str| escapes.iter().any(|escape| rest.starts_with(escape));
            prop_assert!(!breaks_out && safe.split('&').skip(1).all(is_escape), "{}", safe);
        }
    }
}
