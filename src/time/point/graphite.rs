//! Graphite's grammar of `from` and `until`, after `graphite/render/attime.py`.
//!
//! ```text
//! at        = epoch | [ reference ] [ offset ]         not both empty; spaces, "_" and "," are dropped before
//! epoch     = digits [ "." digits ]                    but eight digits that are a date are that date
//! reference = "now" | [ clock ] [ ["+"] day ]          not both empty
//! clock     = HH ":" MM [ ":" SS ] [ "am" | "pm" ] | H ("am" | "pm") | "noon" | "midnight" | "teatime"
//! day       = "today" | "yesterday" | "tomorrow" | MM "/" DD "/" YY[YY] | YYYYMMDD | month D | weekday
//! offset    = ("+" | "-") 1*( digits unit )            unit by prefix: s min h d w mon(30 d) y(365 d)
//! ```
//!
//! Additions to Graphite: the fraction of an epoch, seconds on a clock, the "+" before a day (a URL's space).

use chrono::{NaiveDate, NaiveTime, Weekday};
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{alpha1, char, digit1, one_of};
use nom::combinator::{all_consuming, eof, map, map_opt, opt, value};
use nom::multi::many1;
use nom::sequence::{preceded, terminated};

use super::digits::{calendar_date, fraction_ms, parse_digits, parse_exactly, sign_factor};
use super::{Day, Dialect, Reference, Written};
use crate::time::Timestamp;
use crate::time::expected::{Expected, Parsed, expecting, failure, parse_whole, wrong};

/// What is expected where no part of the grammar fits; [`hint`](super::hint) then looks for a word that was meant.
const A_TIME: &str = "a time such as -10min, 14:05, noon yesterday or 20261122";
const NOON_WARNING: &str = "read as noon; Graphite reads 12pm as 00:00";
const MIDNIGHT_WARNING: &str = "read as 00:00; Graphite reads 12am as noon";
const MILLIS_WARNING: &str = "read as milliseconds since the epoch";

/// The names of the months and weekdays; any prefix of at least three letters will do.
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// See [`MONTHS`].
pub(super) const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// A text in lower case without white space, `_` and `,`, which Graphite ignores, and where each byte came from.
pub(super) struct SqueezedText {
    pub(super) text: String,
    offsets: Vec<usize>,
    end: usize,
}

impl SqueezedText {
    /// The end of the text is where it ends without white space: there a mistake at the end is shown.
    pub(super) fn squeeze(original: &str) -> SqueezedText {
        let mut squeezed = SqueezedText { text: String::new(), offsets: Vec::new(), end: original.trim_end().len() };
        for (offset, c) in original.char_indices() {
            if !c.is_whitespace() && c != '_' && c != ',' {
                squeezed.text.push(c.to_ascii_lowercase());
                squeezed.offsets.extend(std::iter::repeat_n(offset, c.len_utf8()));
            }
        }
        squeezed
    }

    /// The offset in the original text.
    pub(super) fn original(&self, offset: usize) -> usize {
        self.offsets.get(offset).copied().unwrap_or(self.end)
    }
}

/// Read a whole squeezed text; an error is a byte offset in it and what was expected there.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Written, (usize, &'static str)> {
    // An epoch's error would hide the better one of the rest of the grammar, unless it is beyond mending.
    let parsed = match terminated(parse_epoch, eof).parse(text) {
        Err(nom::Err::Error(_)) => all_consuming(parse_relative).parse(text),
        decided => decided,
    };
    match parsed {
        Ok((_, written)) if dialect == Dialect::Graphite => Ok(as_graphite_reads(written)),
        Ok((_, written)) => Ok(written),
        Err(error) => {
            let (rest, expected) = failure(error);
            let expected = if expected.is_empty() { "the end, or an offset such as -10min" } else { expected };
            Err((text.len().saturating_sub(rest), expected))
        }
    }
}

/// The other twelve of the day, where Graphite takes those.
fn as_graphite_reads(written: Written) -> Written {
    const HALF_A_DAY: i64 = 12 * 3_600_000;
    let (offset, warning) = match written.warning {
        Some(NOON_WARNING) => (-HALF_A_DAY, "read as 00:00, as Graphite reads 12pm"),
        Some(MIDNIGHT_WARNING) => (HALF_A_DAY, "read as noon, as Graphite reads 12am"),
        _ => return written,
    };
    Written { offset_ms: written.offset_ms + offset, warning: Some(warning), ..written }
}

/// Seconds since the epoch; thirteen digits or more can only be milliseconds.
fn parse_epoch(input: &str) -> Parsed<'_, Written> {
    let (rest, (digits, fraction)) = (digit1, opt(preceded(char('.'), digit1))).parse(input)?;
    if fraction.is_none() && is_meant_as_date(digits) {
        return Err(nom::Err::Error(Expected { rest: input, what: "" }));
    }
    let Ok(number) = digits.parse::<i64>() else { return wrong(input, "seconds since the epoch") };
    let in_millis = digits.len() >= 12;
    let time = if in_millis {
        Timestamp(number)
    } else {
        Timestamp::from_secs(number).plus_millis(i64::from(fraction_ms(fraction.unwrap_or(""))))
    };
    let warning = in_millis.then_some(MILLIS_WARNING);
    Ok((rest, Written { reference: Reference::Instant(time), offset_ms: 0, warning }))
}

/// Anything but an epoch: a reference, an offset, or both (`noon-1h`).
fn parse_relative(input: &str) -> Parsed<'_, Written> {
    let (rest, (reference, warning)) = parse_reference(input)?;
    let (rest, offset_ms) = if rest.is_empty() { (rest, 0) } else { parse_offset(rest)? };
    Ok((rest, Written { reference, offset_ms, warning }))
}

/// What an offset is from; the present if there is an offset alone. With a warning if Graphite would read it otherwise.
fn parse_reference(input: &str) -> Parsed<'_, (Reference, Option<&'static str>)> {
    if input.starts_with(['+', '-']) {
        return Ok((input, (Reference::Now, None)));
    }
    if let Ok((rest, _)) = tag::<_, _, Expected<'_>>("now").parse(input) {
        return Ok((rest, (Reference::Now, None)));
    }
    let (rest, clock) = opt(parse_clock).parse(input)?;
    match clock {
        Some((clock, warning)) => {
            let (rest, day) = opt(preceded(opt(char('+')), parse_day)).parse(rest)?;
            Ok((rest, (Reference::Local { day: day.unwrap_or(Day::FromToday(0)), clock }, warning)))
        }
        None => {
            // Alternatives that fail half-way through a word would point into it: point at its beginning.
            let (rest, day) = match parse_day(rest) {
                Err(nom::Err::Error(Expected { what: "", .. })) => {
                    return Err(nom::Err::Error(Expected { rest, what: A_TIME }));
                }
                named => named?,
            };
            Ok((rest, (Reference::Local { day, clock: NaiveTime::MIN }, None)))
        }
    }
}

/// A time of day, with a warning where Graphite's `render/attime.py` reads it as the other twelve of the day.
fn parse_clock(input: &str) -> Parsed<'_, (NaiveTime, Option<&'static str>)> {
    let (rest, (hour, minute, second, half)) =
        alt((named_hour("noon", 12), named_hour("midnight", 0), named_hour("teatime", 16), hour_minute, hour_half))
            .parse(input)?;
    let (hour, warning) = match half {
        None => (hour, None),
        Some(_) if !(1..=12).contains(&hour) => return wrong(input, "an hour from 1 to 12 before am or pm"),
        Some(HalfOfDay::Am) if hour == 12 => (0, Some(MIDNIGHT_WARNING)),
        Some(HalfOfDay::Pm) if hour == 12 => (12, Some(NOON_WARNING)),
        Some(HalfOfDay::Am) => (hour, None),
        Some(HalfOfDay::Pm) => (hour + 12, None),
    };
    match NaiveTime::from_hms_opt(hour, minute, second) {
        Some(clock) => Ok((rest, (clock, warning))),
        None => wrong(input, "a time of day from 00:00 to 23:59"),
    }
}

/// A word for an hour of the day.
fn named_hour<'a>(name: &'static str, hour: u32) -> impl Parser<&'a str, Output = TimeOfDay, Error = Expected<'a>> {
    value((hour, 0, 0, None), tag(name))
}

/// What follows an hour from 1 to 12.
#[derive(Debug, Clone, Copy)]
enum HalfOfDay {
    Am,
    Pm,
}

/// Hour, minute, second and half of the day.
type TimeOfDay = (u32, u32, u32, Option<HalfOfDay>);

fn parse_half(input: &str) -> Parsed<'_, HalfOfDay> {
    alt((value(HalfOfDay::Am, tag("am")), value(HalfOfDay::Pm, tag("pm")))).parse(input)
}

/// `HH:MM[:SS]`, with `am` or `pm` behind it or not. After the colon it can be nothing else, so mistakes end the search.
fn hour_minute(input: &str) -> Parsed<'_, TimeOfDay> {
    let (rest, hour) = terminated(parse_digits(1, 2), char(':')).parse(input)?;
    let Ok((rest, minute)) = parse_exactly(2).parse(rest) else { return wrong(rest, "two digits of minutes") };
    let (rest, second) = match rest.strip_prefix(':') {
        Some(after) => match parse_exactly(2).parse(after) {
            Ok((rest, second)) => (rest, second),
            Err(_) => return wrong(after, "two digits of seconds"),
        },
        None => (rest, 0),
    };
    let (rest, half) = opt(parse_half).parse(rest)?;
    Ok((rest, (hour, minute, second, half)))
}

/// `8am`
fn hour_half(input: &str) -> Parsed<'_, TimeOfDay> {
    let (rest, (hour, half)) = (parse_digits(1, 2), parse_half).parse(input)?;
    Ok((rest, (hour, 0, 0, Some(half))))
}

/// A day in any of its spellings. `today` comes before the months and weekdays since these take any prefix.
fn parse_day(input: &str) -> Parsed<'_, Day> {
    let near = alt((
        value(Day::FromToday(0), tag("today")),
        value(Day::FromToday(-1), tag("yesterday")),
        value(Day::FromToday(1), tag("tomorrow")),
    ));
    alt((near, slashed_date, map(compact_date, Day::Date), parse_weekday, month_day)).parse(input)
}

/// `MM/DD/YY` or `MM/DD/YYYY`. Two digits of a year are 1970 to 2069, as in Graphite.
fn slashed_date(input: &str) -> Parsed<'_, Day> {
    let (rest, month) = terminated(parse_digits(1, 2), char('/')).parse(input)?;
    let Ok((rest, (day, year))) =
        (terminated(parse_digits(1, 2), char('/')), alt((parse_exactly(4), parse_exactly(2)))).parse(rest)
    else {
        return wrong(input, "a date MM/DD/YY");
    };
    let year = match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    };
    match calendar_date(year, month, day) {
        Some(date) => Ok((rest, Day::Date(date))),
        None => wrong(input, "a date MM/DD/YY that exists"),
    }
}

/// `YYYYMMDD`
fn compact_date(input: &str) -> Parsed<'_, NaiveDate> {
    let (rest, (year, month, day)) = (parse_exactly(4), parse_exactly(2), parse_exactly(2)).parse(input)?;
    match calendar_date(year, month, day) {
        Some(date) => Ok((rest, date)),
        None => wrong(input, "a date YYYYMMDD that exists"),
    }
}

/// Graphite's rule for eight digits: a year after 1900, a month below 13 and a day below 32 make a date, perhaps one that
/// does not exist (which is a mistake, and no second of 1970).
fn is_meant_as_date(text: &str) -> bool {
    let eight = (parse_exactly(4), parse_exactly(2), parse_exactly(2));
    match all_consuming(eight).parse(text) {
        Ok((_, (year, month, day))) => year > 1900 && month < 13 && day < 32,
        Err(_) => false,
    }
}

fn parse_weekday(input: &str) -> Parsed<'_, Day> {
    map_opt(alpha1, weekday_named).parse(input)
}

/// `jan 1` (the space is dropped before). A month's name needs a day behind it, so mistakes end the search.
fn month_day(input: &str) -> Parsed<'_, Day> {
    let (rest, month) = map_opt(alpha1, month_named).parse(input)?;
    match parse_digits(1, 2).parse(rest) {
        Ok((rest, day @ 1..=31)) => Ok((rest, Day::ThisYear { month, day })),
        _ => wrong(rest, "a day of the month"),
    }
}

/// The weekday of which `text` is the name or its beginning.
fn weekday_named(text: &str) -> Option<Day> {
    for (name, weekday) in WEEKDAYS {
        if is_prefix(text, name) {
            return Some(Day::Weekday(weekday));
        }
    }
    None
}

/// The number of the month, from 1.
fn month_named(text: &str) -> Option<u32> {
    for (number, name) in (1..).zip(MONTHS) {
        if is_prefix(text, name) {
            return Some(number);
        }
    }
    None
}

/// Whether `text` is `name` or at least its first three letters.
fn is_prefix(text: &str, name: &str) -> bool {
    text.len() >= 3 && name.starts_with(text)
}

/// A signed offset in milliseconds; the sign is that of all its parts: `-1h30min` is ninety minutes ago.
fn parse_offset(input: &str) -> Parsed<'_, i64> {
    let sign = map(one_of("+-"), sign_factor);
    let (rest, sign) = expecting("the end, or an offset such as -10min", sign).parse(input)?;
    let (after, parts) = many1(offset_part).parse(rest)?;
    if !after.is_empty() {
        // `many1` ends silently at a part that is wrong; read it again to say what is.
        offset_part(after)?;
    }
    match parts.into_iter().try_fold(0i64, i64::checked_add) {
        Some(sum) => Ok((after, sign * sum)),
        None => wrong(rest, "a shorter offset"),
    }
}

/// One number and its unit. Whole numbers only, as in Graphite.
fn offset_part(input: &str) -> Parsed<'_, i64> {
    let (rest, number) = expecting("a whole number", map_opt(digit1, parse_whole::<i64>)).parse(input)?;
    let (after, unit) = expecting("a unit (s, min, h, d, w, mon or y)", map_opt(alpha1, unit_ms)).parse(rest)?;
    match number.checked_mul(unit) {
        Some(millis) => Ok((after, millis)),
        None => wrong(input, "a shorter offset"),
    }
}

/// Graphite looks at the first letters of a unit only.
fn unit_ms(unit: &str) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let units = [
        ("s", 1000),
        ("min", 60_000),
        ("h", 3_600_000),
        ("d", DAY),
        ("w", 7 * DAY),
        ("mon", 30 * DAY),
        ("y", 365 * DAY),
    ];
    for (prefix, millis) in units {
        if unit.starts_with(prefix) {
            return Some(millis);
        }
    }
    None
}
