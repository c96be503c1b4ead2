//! Sizes in bytes as people write them: `4096`, `64KiB`, `1MiB`, `2 GiB`.

/// A size in bytes; `None` if the text is not a whole number with one of the units (or none, meaning bytes).
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(unit_at)?;
    let shift = match unit.trim_start() {
        "" | "B" => 0,
        "KiB" | "K" | "k" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes() {
        let cases = [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("64KiB", Some(65_536)),
            ("1MiB", Some(1 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("8k", Some(8192)),
            ("1.5MiB", None),
            ("1MB", None),
            ("MiB", None),
            ("", None),
            ("-1", None),
            ("99999999999GiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), bytes, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_size_is_its_number_times_its_unit(number in 0..1u64 << 33, unit in 0usize..8, gap in "[ ]{0,2}") {
            let (name, bytes) =
                [("", 1), ("B", 1), ("k", 1 << 10), ("K", 1 << 10), ("KiB", 1 << 10), ("MiB", 1 << 20), ("M", 1 << 20), ("GiB", 1 << 30)]
                    [unit];
            proptest::prop_assert_eq!(parse_size(&format!("{number}{gap}{name}")), number.checked_mul(bytes));
        }

        #[test]
        fn any_text_is_a_size_or_none(text in ".{0,24}") {
            if let Some(bytes) = parse_size(&text) {
                proptest::prop_assert!(text.trim().starts_with(|first: char| first.is_ascii_digit()), "{} of {:?}", bytes, text);
            }
        }
    }
}
