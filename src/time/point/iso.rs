//! ISO 8601, as far as people type it: a date, then perhaps a time, then perhaps an offset from UTC.
//!
//! ```text
//! iso    = YYYY "-" MM "-" DD [ ("T" | " " | "_") HH ":" MM [ ":" SS [ "." digits ] ] [ [" "] zone ] ]
//! zone   = "Z" | ("+" | "-") HH [ [":"] MM ]
//! ```

use chrono::{NaiveDate, NaiveTime};
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, map_opt, opt, value};
use nom::sequence::{preceded, terminated};

use super::{Day, Reference, Written};
use crate::time::Timestamp;
use crate::time::expected::{Parsed, expecting, failure};

/// Whether the text begins as an ISO date does. Nothing that Graphite takes begins so.
pub(super) fn looks_like(text: &str) -> bool {
    let mut bytes = text.trim_start().bytes();
    let year = bytes.by_ref().take(4).filter(u8::is_ascii_digit).count() == 4;
    year && bytes.next() == Some(b'-') && bytes.next().is_some_and(|b| b.is_ascii_digit())
}

/// Read a whole text; an error is a byte offset and what was expected there.
pub(super) fn parse(text: &str) -> Result<Written, (usize, &'static str)> {
    let body = text.trim();
    let lead = text.len() - text.trim_start().len();
    let mut whole = expecting("the end, or an offset such as Z or +01:00", all_consuming(iso));
    match whole.parse(body) {
        Ok((_, reference)) => Ok(Written { reference, offset_ms: 0, warning: None }),
        Err(error) => {
            let (rest, expected) = failure(error);
            Err((lead + body.len().saturating_sub(rest), expected))
        }
    }
}

fn iso(input: &str) -> Parsed<'_, Reference> {
    let (rest, date) = parse_date(input)?;
    let (rest, clock) = opt(preceded(one_of("Tt _"), parse_clock)).parse(rest)?;
    let (rest, zone) = opt(preceded(opt(char(' ')), parse_zone)).parse(rest)?;
    Ok((rest, in_zone(date, clock, zone)))
}

/// A date, midnight if no time of day is given, in the user's zone if none is.
pub(super) fn in_zone(date: NaiveDate, clock: Option<NaiveTime>, east_secs: Option<i64>) -> Reference {
    let clock = clock.unwrap_or(NaiveTime::MIN);
    match east_secs {
        Some(east_secs) => {
            let utc = date.and_time(clock).and_utc().timestamp_millis();
            Reference::Instant(Timestamp(utc).plus_millis(-1000 * east_secs))
        }
        None => Reference::Local { day: Day::Date(date), clock },
    }
}

fn parse_date(input: &str) -> Parsed<'_, NaiveDate> {
    let parts = (terminated(parse_digits(4), char('-')), terminated(parse_digits(2), char('-')), parse_digits(2));
    let existing = map_opt(parts, |(year, month, day)| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day));
    expecting("a date that exists, as 2026-11-22", existing).parse(input)
}

pub(super) fn parse_clock(input: &str) -> Parsed<'_, NaiveTime> {
    let seconds = (preceded(char(':'), parse_digits(2)), opt(preceded(one_of(".,"), digit1)));
    let parts = (terminated(parse_digits(2), char(':')), parse_digits(2), opt(seconds));
    let existing = map_opt(parts, |(hour, minute, seconds)| {
        let (second, fraction) = seconds.unwrap_or((0, None));
        // A leap second is the second before it: the epoch has none.
        NaiveTime::from_hms_milli_opt(hour, minute, second.min(59), millis(fraction)).filter(|_| second <= 60)
    });
    nom::combinator::cut(expecting("a time of day, as 14:05 or 14:05:30", existing)).parse(input)
}

/// Offset from UTC in seconds, east positive.
pub(super) fn parse_zone(input: &str) -> Parsed<'_, i64> {
    let minutes = alt((preceded(char(':'), parse_digits(2)), parse_digits(2)));
    let numeric = map_opt((one_of("+-"), parse_digits(2), opt(minutes)), |(sign, hours, minutes)| {
        let minutes = minutes.unwrap_or(0);
        let east = i64::from(hours * 3600 + minutes * 60);
        (hours <= 23 && minutes <= 59).then_some(if sign == '-' { -east } else { east })
    });
    alt((value(0, one_of("Zz")), numeric)).parse(input)
}

pub(super) fn parse_digits<'a>(
    count: usize,
) -> impl Parser<&'a str, Output = u32, Error = super::super::expected::Expected<'a>> {
    map_opt(take_while_m_n(count, count, |c: char| c.is_ascii_digit()), |text: &str| text.parse().ok())
}

/// The first three digits of a fraction of a second, as milliseconds.
fn millis(fraction: Option<&str>) -> u32 {
    let digits = fraction.unwrap_or("").bytes().chain(*b"000").take(3);
    digits.fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0')))
}
