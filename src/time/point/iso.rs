//! ISO 8601, as far as people type it: a date, then perhaps a time, then perhaps an offset from UTC.
//!
//! ```text
//! iso    = YYYY "-" MM "-" DD [ ("T" | " " | "_") HH ":" MM [ ":" SS [ "." digits ] ] [ [" "] zone ] ]
//! zone   = "Z" | ("+" | "-") HH [ [":"] MM ]
//! ```

use chrono::{NaiveDate, NaiveTime};
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, cut, opt, value};
use nom::sequence::{preceded, terminated};

use super::digits::{calendar_date, fraction_ms, parse_exactly, sign_factor};
use super::{Day, Reference, Written};
use crate::time::Timestamp;
use crate::time::expected::{Parsed, existing, expecting, failure};

/// Whether the text begins as an ISO date does. Nothing that Graphite takes begins so.
pub(super) fn looks_like(text: &str) -> bool {
    let mut bytes = text.trim_start().bytes();
    let year = bytes.by_ref().take(4).filter(u8::is_ascii_digit).count() == 4;
    year && bytes.next() == Some(b'-') && matches!(bytes.next(), Some(b'0'..=b'9'))
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

/// The whole form; the time of day and the offset may be left out.
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
    expecting("a date that exists, as 2026-11-22", dashed_date).parse(input)
}

fn dashed_date(input: &str) -> Parsed<'_, NaiveDate> {
    let parts = (terminated(parse_exactly(4), char('-')), terminated(parse_exactly(2), char('-')), parse_exactly(2));
    let (rest, (year, month, day)) = { parts }.parse(input)?;
    existing(input, rest, calendar_date(year, month, day))
}

/// A time of day to the millisecond. After a date and a separator it can be nothing else, so mistakes end the search.
pub(super) fn parse_clock(input: &str) -> Parsed<'_, NaiveTime> {
    cut(expecting("a time of day, as 14:05 or 14:05:30", clock_of_parts)).parse(input)
}

/// The parts are read first and judged together, so that `25:00` is shown from its beginning.
fn clock_of_parts(input: &str) -> Parsed<'_, NaiveTime> {
    let seconds = (preceded(char(':'), parse_exactly(2)), opt(preceded(one_of(".,"), digit1)));
    let parts = (terminated(parse_exactly(2), char(':')), parse_exactly(2), opt(seconds));
    let (rest, (hour, minute, seconds)) = { parts }.parse(input)?;
    let clock = match seconds {
        None => NaiveTime::from_hms_opt(hour, minute, 0),
        // A leap second is the second before it: the epoch has none.
        Some((second @ 0..=60, fraction)) => {
            NaiveTime::from_hms_milli_opt(hour, minute, second.min(59), fraction_ms(fraction.unwrap_or("")))
        }
        Some(_) => None,
    };
    existing(input, rest, clock)
}

/// Offset from UTC in seconds, east positive.
pub(super) fn parse_zone(input: &str) -> Parsed<'_, i64> {
    alt((value(0, one_of("Zz")), numeric_zone)).parse(input)
}

/// `+01:00`, `+0100` or `+01`.
fn numeric_zone(input: &str) -> Parsed<'_, i64> {
    let minutes = alt((preceded(char(':'), parse_exactly(2)), parse_exactly(2)));
    let (rest, (sign, hours, minutes)) = (one_of("+-"), parse_exactly(2), opt(minutes)).parse(input)?;
    let east = match (hours, minutes.unwrap_or(0)) {
        (0..=23, minutes @ 0..=59) => Some(sign_factor(sign) * i64::from(hours * 3600 + minutes * 60)),
        _ => None,
    };
    existing(input, rest, east)
}
