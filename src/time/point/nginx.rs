//! Times as they stand in nginx's logs, to be pasted: `$time_local` with or without its brackets, and the error log's.
//!
//! ```text
//! local  = ["["] DD "/" Mon "/" YYYY [ ":" HH ":" MM [ ":" SS ] ] [ [" "] zone ] ["]"]
//! error  = YYYY "/" MM "/" DD [ " " HH ":" MM [ ":" SS ] ]
//! ```

use chrono::NaiveDate;
use nom::Parser;
use nom::bytes::complete::take;
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, map_opt, opt};
use nom::sequence::{preceded, terminated};

use super::digits::{calendar_date, parse_exactly};
use super::graphite::MONTHS;
use super::iso::{in_zone, parse_clock, parse_zone};
use super::{Reference, Written};
use crate::time::expected::{Parsed, existing, expecting, failure};

/// Whether the text begins as such a time does. Nothing that Graphite takes begins so.
pub(super) fn looks_like(text: &str) -> bool {
    let body = text.trim_start();
    let shape: Vec<u8> = body.strip_prefix('[').unwrap_or(body).bytes().take(5).collect();
    match shape.as_slice() {
        [a, b, b'/', c, ..] if a.is_ascii_digit() && b.is_ascii_digit() => c.is_ascii_alphabetic(),
        [year @ .., b'/'] => year.len() == 4 && year.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Read a whole text; an error is a byte offset and what was expected there.
pub(super) fn parse(text: &str) -> Result<Written, (usize, &'static str)> {
    let body = text.trim();
    let lead = text.len() - text.trim_start().len();
    let form: fn(&str) -> Parsed<'_, Reference> = match body.as_bytes() {
        [b'[', ..] => parse_bracketed,
        [_, _, _, _, b'/', ..] => parse_error_log_time,
        _ => parse_local,
    };
    match expecting("the end, or an offset such as +0100", all_consuming(form)).parse(body) {
        Ok((_, reference)) => Ok(Written { reference, offset_ms: 0, warning: None }),
        Err(error) => {
            let (rest, expected) = failure(error);
            Err((lead + body.len().saturating_sub(rest), expected))
        }
    }
}

/// As `[$time_local]` stands in the combined format; the closing bracket is easily missed when pasting.
fn parse_bracketed(input: &str) -> Parsed<'_, Reference> {
    preceded(char('['), terminated(parse_local, opt(char(']')))).parse(input)
}

/// `$time_local`; a time of day and an offset may be left out, since people paste parts.
fn parse_local(input: &str) -> Parsed<'_, Reference> {
    let (rest, date) = expecting("a date that exists, as 22/Nov/2026", date_of_access_log).parse(input)?;
    let (rest, clock) = opt(preceded(one_of(": "), parse_clock)).parse(rest)?;
    let (rest, zone) = opt(preceded(opt(char(' ')), parse_zone)).parse(rest)?;
    Ok((rest, in_zone(date, clock, zone)))
}

/// The error log's, which is in the zone of the machine that wrote it and does not say which: the user's is taken.
fn parse_error_log_time(input: &str) -> Parsed<'_, Reference> {
    let (rest, date) = expecting("a date that exists, as 2026/11/22", date_of_error_log).parse(input)?;
    let (rest, clock) = opt(preceded(char(' '), parse_clock)).parse(rest)?;
    Ok((rest, in_zone(date, clock, None)))
}

fn date_of_access_log(input: &str) -> Parsed<'_, NaiveDate> {
    let month = map_opt(take(3usize), month_abbreviated);
    let parts = (terminated(parse_exactly(2), char('/')), terminated(month, char('/')), parse_exactly(4));
    let (rest, (day, month, year)) = { parts }.parse(input)?;
    existing(input, rest, calendar_date(year, month, day))
}

fn date_of_error_log(input: &str) -> Parsed<'_, NaiveDate> {
    let parts = (terminated(parse_exactly(4), char('/')), terminated(parse_exactly(2), char('/')), parse_exactly(2));
    let (rest, (year, month, day)) = { parts }.parse(input)?;
    existing(input, rest, calendar_date(year, month, day))
}

/// The number of the month, from 1, that nginx abbreviates so (English whatever the locale, `ngx_times.c`).
fn month_abbreviated(name: &str) -> Option<u32> {
    for (number, month) in (1..).zip(MONTHS) {
        if let Some(short) = month.get(..3)
            && short.eq_ignore_ascii_case(name)
        {
            return Some(number);
        }
    }
    None
}
