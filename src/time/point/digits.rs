//! Numbers, dates and signs: what the grammars of a point in time have in common.
//!
//! Each of them writes its numbers in a fixed count of digits, so that `2026112` is no date and `14:5` no time of day.

use chrono::NaiveDate;
use nom::bytes::complete::take_while_m_n;
use nom::combinator::map_opt;
use nom::{AsChar, Parser};

use crate::time::expected::{Expected, parse_whole};

/// A number of at least `least` and at most `most` digits.
pub(super) fn parse_digits<'a>(least: usize, most: usize) -> impl Parser<&'a str, Output = u32, Error = Expected<'a>> {
    map_opt(take_while_m_n(least, most, AsChar::is_dec_digit), parse_whole)
}

/// A number of exactly `count` digits.
pub(super) fn parse_exactly<'a>(count: usize) -> impl Parser<&'a str, Output = u32, Error = Expected<'a>> {
    parse_digits(count, count)
}

/// The date of the calendar, if there is such a day.
pub(super) fn calendar_date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// The first three digits of a fraction of a second as milliseconds, so that `25` is 250 and `2509` too; the rest is
/// cut, since all times are whole milliseconds.
pub(super) fn fraction_ms(fraction: &str) -> u32 {
    let mut millis = 0;
    for digit in fraction.bytes().chain(*b"000").take(3) {
        millis = millis * 10 + u32::from(digit.wrapping_sub(b'0'));
    }
    millis
}

/// -1 for a minus, 1 for any other sign.
pub(super) fn sign_factor(sign: char) -> i64 {
    if sign == '-' { -1 } else { 1 }
}
