//! Statuses as people write them, wherever they are asked for: `404`, `5xx`, `500-504`.

use std::ops::RangeInclusive;

/// The statuses that `text` names: one (`404`), a class (`5xx`, 1 to 5) or a range (`500-504`, spaces around the dash).
/// None if it names none. A status has three digits at most; whether it is one that HTTP knows is not asked, since nginx
/// logs others too (000 when it answered nothing).
pub fn parse_status_range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class) = text.strip_suffix("xx") {
        let class @ 1..=5 = parse_status(class)? else { return None };
        return Some(class * 100..=class * 100 + 99);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = parse_status(first.trim())?..=parse_status(last.trim())?;
    // No status has fewer digits; without an answer it is 000.
    let is_too_short = *range.start() > 0 && *range.end() < 100;
    if range.is_empty() || is_too_short { None } else { Some(range) }
}

/// Up to three digits; no sign, which `str::parse` would take.
fn parse_status(digits: &str) -> Option<u16> {
    if digits.len() > 3 || !digits.as_bytes().iter().all(u8::is_ascii_digit) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_a_class_and_a_range() {
        assert_eq!(parse_status_range("404"), Some(404..=404));
        assert_eq!(parse_status_range("000"), Some(0..=0));
        assert_eq!(parse_status_range("5xx"), Some(500..=599));
        assert_eq!(parse_status_range("500-504"), Some(500..=504));
        assert_eq!(parse_status_range("500 - 504"), Some(500..=504));
    }

    #[test]
    fn what_names_no_status() {
        for text in [
            "", "x", "xx", "5", "50", "99", "1-99", "0xx", "6xx", "55xx", "5XX", "5x", "504-500", "-", "500-", "-500",
            "+404", "1000", "4 04",
        ] {
            assert_eq!(parse_status_range(text), None, "{text}");
        }
    }

    proptest! {
        /// Every status is in what its number, its class and any range around it say, and in no other class.
        #[test]
        fn a_status_is_where_it_is_named(status in 100_u16..600, below in 0_u16..100, above in 0_u16..400) {
            prop_assert_eq!(parse_status_range(&status.to_string()), Some(status..=status));
            for class in 1..=5 {
                let range = parse_status_range(&format!("{class}xx")).unwrap();
                prop_assert_eq!(range.contains(&status), status / 100 == class);
            }
            let range = parse_status_range(&format!("{}-{}", status - below, status + above)).unwrap();
            prop_assert!(range.contains(&status));
        }

        #[test]
        fn any_text_is_fine(text in "\\PC{0,8}|[0-9x-]{0,8}") {
            if let Some(range) = parse_status_range(&text) {
                prop_assert!(range.start() <= range.end() && *range.end() <= 999);
            }
        }
    }
}
