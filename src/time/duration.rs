//! Lengths of time as people write them: `500ms`, `10s`, `2.5s`, `2min`, `1h30m`, `1d`.
//!
//! ```text
//! duration = 1*( number unit )
//! number   = digits [ "." digits ]
//! unit     = "ms" | "s" | "sec.." | "m" | "min.." | "h.." | "d.." | "w.."
//! ```
//!
//! `m` is a minute here. In points of time Graphite refuses it, since it could be a month: see [`super::parse_time`].

use std::fmt;
use std::time::Duration;

use nom::Parser;
use nom::character::complete::{alpha1, char, digit1};
use nom::combinator::{cut, map_opt, opt};
use nom::multi::many1;
use nom::sequence::preceded;

use super::expected::{Parsed, expecting, failure, parse_whole, wrong};

/// The units by which a duration is spelled, longest first, in milliseconds.
const UNITS: [(&str, u128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationError {
    /// Byte offset in the text, from 0.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.offset)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DurationError {}

/// Read a duration of whole milliseconds. White space around it is ignored.
///
/// # Errors
/// Says at which byte what was expected; a number without a unit gets a hint.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let body = text.trim();
    let lead = text.len() - text.trim_start().len();
    let (offset, expected) = match parse_parts(body) {
        Ok((_, parts)) => match parts.into_iter().try_fold(0, u64::checked_add) {
            Some(millis) => return Ok(Duration::from_millis(millis)),
            None => (0, "a shorter duration"),
        },
        Err(error) => {
            let (rest, expected) = failure(error);
            (body.len().saturating_sub(rest), expected)
        }
    };
    Err(DurationError { offset: lead + offset, expected, hint: hint_unit(body) })
}

/// What a number without a unit probably means: seconds, or milliseconds.
fn hint_unit(body: &str) -> Option<String> {
    if body.is_empty() || !body.bytes().all(is_in_number) {
        return None;
    }
    Some(format!("did you mean `{body}s` or `{body}ms`?"))
}

/// What a number consists of, in whatever order.
fn is_in_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.')
}

/// The milliseconds of each part, in order; a unit may come twice and in any order, as in `1m1h`.
fn parse_parts(input: &str) -> Parsed<'_, Vec<u64>> {
    let (rest, parts) = many1(parse_part).parse(input)?;
    // `many1` ends silently at a part that is wrong; read it again to say what is.
    if !rest.is_empty() {
        parse_part(rest)?;
    }
    Ok((rest, parts))
}

/// One number with its unit, in milliseconds.
fn parse_part(input: &str) -> Parsed<'_, u64> {
    let (rest, (whole, fraction)) = parse_number(input)?;
    let (after, unit) = expecting("a unit (ms, s, min, h, d or w)", map_opt(alpha1, unit_ms)).parse(rest)?;
    let Some(of_fraction) = fraction_ms(fraction.unwrap_or("0"), unit) else {
        return wrong(input, "a whole number of milliseconds");
    };
    match whole_ms(whole, unit, of_fraction) {
        Some(millis) => Ok((after, millis)),
        None => wrong(input, "a shorter duration"),
    }
}

/// The milliseconds of a fraction of a unit that is `unit` milliseconds long; None if they are not whole. Exact: `0.1d`
/// is 8,640,000 ms, and no float comes near it.
fn fraction_ms(digits: &str, unit: u128) -> Option<u128> {
    let scale = 10u128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let product = digits.parse::<u128>().ok()?.checked_mul(unit)?;
    if product.is_multiple_of(scale) { Some(product / scale) } else { None }
}

/// A part's length; None if it is more than u64 milliseconds hold.
fn whole_ms(whole: u128, unit: u128, of_fraction: u128) -> Option<u64> {
    u64::try_from(whole.checked_mul(unit)?.checked_add(of_fraction)?).ok()
}

/// A number's whole part, and the digits after its point, if it has one.
fn parse_number(input: &str) -> Parsed<'_, (u128, Option<&str>)> {
    (
        expecting("a number", map_opt(digit1, parse_whole)),
        opt(preceded(char('.'), cut(expecting("digits after the point", digit1)))),
    )
        .parse(input)
}

/// The unit's length in milliseconds; every unit but `ms` may be written out.
fn unit_ms(unit: &str) -> Option<u128> {
    match unit {
        "ms" | "msec" | "millis" | "milliseconds" => Some(1),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1000),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60_000),
        "h" | "hr" | "hour" | "hours" => Some(3_600_000),
        "d" | "day" | "days" => Some(86_400_000),
        "w" | "week" | "weeks" => Some(7 * 86_400_000),
        _ => None,
    }
}

/// A duration, shown as [`parse_duration`] reads it: `1h30min`, `2.5s`, `500ms`, `0s`. Below a millisecond it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpelledDuration(pub Duration);

impl fmt::Display for SpelledDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, length) in UNITS {
            if name == "s" && rest > 1000 && !rest.is_multiple_of(1000) {
                let fraction = format!("{:03}", rest % 1000);
                return write!(f, "{}.{}s", rest / 1000, fraction.trim_end_matches('0'));
            }
            if rest >= length {
                write!(f, "{}{name}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> u64 {
        u64::try_from(parse_duration(text).unwrap().as_millis()).unwrap()
    }

    #[test]
    fn every_unit() {
        let cases = [
            ("10s", 10_000),
            ("500ms", 500),
            ("2min", 120_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("2.5s", 2500),
            ("0.25min", 15_000),
            ("1w2d", 9 * 86_400_000),
            ("0s", 0),
            ("  7hours ", 25_200_000),
        ];
        for (text, millis) in cases {
            assert_eq!(ms(text), millis, "{text}");
        }
    }

    #[test]
    fn mistakes_name_the_byte_and_what_was_expected() {
        let cases = [
            ("", 0, "a number"),
            ("s", 0, "a number"),
            ("10", 2, "a unit (ms, s, min, h, d or w)"),
            ("10x", 2, "a unit (ms, s, min, h, d or w)"),
            ("1h30", 4, "a unit (ms, s, min, h, d or w)"),
            ("1h 30m", 2, "a number"),
            (" 1.s", 3, "digits after the point"),
            ("0.0001s", 0, "a whole number of milliseconds"),
            ("-5s", 0, "a number"),
            ("99999999999999999999w", 0, "a shorter duration"),
        ];
        for (text, offset, expected) in cases {
            let error = parse_duration(text).unwrap_err();
            assert_eq!((error.offset, error.expected), (offset, expected), "{text:?}");
        }
        assert_eq!(parse_duration("10").unwrap_err().hint.unwrap(), "did you mean `10s` or `10ms`?");
    }

    #[test]
    fn spelling() {
        let cases = [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1000, "1s"),
            (2500, "2.5s"),
            (60_000, "1min"),
            (90_001, "1min30.001s"),
        ];
        for (millis, text) in cases {
            assert_eq!(SpelledDuration(Duration::from_millis(millis)).to_string(), text);
        }
        assert_eq!(SpelledDuration(Duration::from_secs(86_400 + 5400)).to_string(), "1d1h30min");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn spelled_durations_read_back(millis in 0u64..10_000_000_000) {
            prop_assert_eq!(ms(&SpelledDuration(Duration::from_millis(millis)).to_string()), millis);
        }

        #[test]
        fn any_text_is_read_or_refused_inside_itself(text in "\\PC{0,20}") {
            if let Err(error) = parse_duration(&text) {
                prop_assert!(error.offset <= text.len());
            }
        }
    }
}
