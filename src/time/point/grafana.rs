//! A point in time as Grafana's URLs have it.
//!
//! ```text
//! time   = YYYYMMDD | YYYYMMDD "T" HHmmss             in UTC
//!        | digits                                    milliseconds since the epoch
//!        | "now" *( ("+" | "-") digits unit | "/" unit )
//!        | ISO 8601                                  in UTC where it names no zone
//! unit   = "s" | "m" | "h" | "d" | "w" | "M" | "Q" | "y"
//! ```
//!
//! `/d` takes the beginning of the day in the zone of the reader, or, at the end of a range, the beginning of the next.

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc,
};

use super::local::to_instant;
use super::{Dialect, ReadTime, TimeError, iso, mistake, read_time_in};
use crate::time::Timestamp;

/// What is expected where it is none of these.
const EXPECTED: &str = "milliseconds since the epoch, `now-1h` or a time of ISO 8601";

/// So few milliseconds (until 1970-04-26) are seconds that somebody meant as such.
const SECONDS_BELOW: i64 = 10_000_000_000;

/// The point in time that `text` names. `is_end` says that it is the end of a range.
///
/// # Errors
/// Names the byte and what was expected there.
pub(crate) fn read_grafana_time(
    text: &str,
    now: Timestamp,
    zone: &impl TimeZone,
    is_end: bool,
) -> Result<ReadTime, TimeError> {
    let body = text.trim();
    if let Some(time) = compact(body) {
        return Ok(ReadTime { time, warning: None });
    }
    if !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_digit()) {
        let millis: i64 = body.parse().map_err(|_| mistake(text, 0, EXPECTED))?;
        let warning = (millis < SECONDS_BELOW)
            .then(|| format!("{body} is read as milliseconds, as Grafana does: {}", Timestamp(millis)));
        return Ok(ReadTime { time: Timestamp(millis), warning });
    }
    if let Some(rest) = body.strip_prefix("now") {
        let at = text.len() - text.trim_start().len() + "now".len();
        return match date_math(rest, now, zone, is_end) {
            Ok(time) => {
                let weeks = rest.contains("/w").then(|| {
                    format!("`{body}` is read with weeks that begin on Sunday, as Grafana has them unless its reader chose otherwise")
                });
                Ok(ReadTime { time, warning: weeks })
            }
            Err(offset) => Err(mistake(text, at + offset, "an offset such as -1h, or /d")),
        };
    }
    if iso::looks_like(body) {
        return read_time_in(body, now, &Utc, Dialect::Meant);
    }
    Err(mistake(text, 0, EXPECTED))
}

/// A day or a second of UTC without separators.
fn compact(body: &str) -> Option<Timestamp> {
    let wall = match body.len() {
        8 => NaiveDate::parse_from_str(body, "%Y%m%d").ok()?.and_time(NaiveTime::MIN),
        15 => NaiveDateTime::parse_from_str(body, "%Y%m%dT%H%M%S").ok()?,
        _ => return None,
    };
    Some(Timestamp(wall.and_utc().timestamp_millis()))
}

/// What follows `now`; an error is a byte offset.
fn date_math(text: &str, now: Timestamp, zone: &impl TimeZone, is_end: bool) -> Result<Timestamp, usize> {
    let mut time = now;
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let at = text.len() - rest.len();
        let after = rest.get(1..).ok_or(at)?;
        let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
        let (number, unit) = after.split_at_checked(digits).ok_or(at)?;
        let unit_letter = unit.chars().next().ok_or(at + 1 + digits)?;
        time = match sign {
            '/' if number.is_empty() => rounded(time, unit_letter, zone, is_end).ok_or(at + 1)?,
            '+' | '-' => {
                let count: i64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| at + 1)? };
                let count = if sign == '-' { -count } else { count };
                moved(time, count, unit_letter, zone).ok_or(at + 1 + digits)?
            }
            _ => return Err(at),
        };
        rest = unit.get(unit_letter.len_utf8()..).ok_or(at)?;
    }
    Ok(time)
}

/// So many units later. Days and longer are of the calendar: the clock shows the same.
fn moved(time: Timestamp, count: i64, unit: char, zone: &impl TimeZone) -> Option<Timestamp> {
    let fixed = match unit {
        's' => Some(1000),
        'm' => Some(60_000),
        'h' => Some(3_600_000),
        _ => None,
    };
    if let Some(length) = fixed {
        return Some(time.plus_millis(count.checked_mul(length)?));
    }
    let shown = shown_in(time, zone)?;
    let (days, months) = match unit {
        'd' => (count, 0),
        'w' => (count.checked_mul(7)?, 0),
        'M' => (0, count),
        'Q' => (0, count.checked_mul(3)?),
        'y' => (0, count.checked_mul(12)?),
        _ => return None,
    };
    let months = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let date = if count < 0 {
        shown.date().checked_sub_months(months)?.checked_sub_days(Days::new(days.unsigned_abs()))?
    } else {
        shown.date().checked_add_months(months)?.checked_add_days(Days::new(days.unsigned_abs()))?
    };
    to_instant(date.and_time(shown.time()), zone, Dialect::Meant)
}

/// The beginning of the unit that `time` lies in, or of the next one.
fn rounded(time: Timestamp, unit: char, zone: &impl TimeZone, up: bool) -> Option<Timestamp> {
    let shown = shown_in(time, zone)?;
    let date = shown.date();
    let first_of = |year: i32, month: u32| NaiveDate::from_ymd_opt(year, month, 1);
    let wall = match unit {
        's' => shown.with_nanosecond(0)?,
        'm' => shown.with_nanosecond(0)?.with_second(0)?,
        'h' => shown.with_nanosecond(0)?.with_second(0)?.with_minute(0)?,
        'd' => date.and_time(NaiveTime::MIN),
        // Grafana's week begins on Sunday, unless its owner says otherwise.
        'w' => (date - TimeDelta::days(i64::from(date.weekday().num_days_from_sunday()))).and_time(NaiveTime::MIN),
        'M' => first_of(date.year(), date.month())?.and_time(NaiveTime::MIN),
        'Q' => first_of(date.year(), (date.month() - 1) / 3 * 3 + 1)?.and_time(NaiveTime::MIN),
        'y' => first_of(date.year(), 1)?.and_time(NaiveTime::MIN),
        _ => return None,
    };
    let begin = to_instant(wall, zone, Dialect::Meant)?;
    if up { moved(begin, 1, unit, zone) } else { Some(begin) }
}

/// What clocks show.
fn shown_in(time: Timestamp, zone: &impl TimeZone) -> Option<chrono::NaiveDateTime> {
    let utc = DateTime::from_timestamp_millis(time.0)?;
    Some(zone.from_utc_datetime(&utc.naive_utc()).naive_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sunday, 2026-11-22 14:05:30 UTC.
    const NOW: Timestamp = Timestamp(1_795_356_330_000);

    #[test]
    fn times_of_grafanas_urls() {
        let cases = [
            ("1322661900000", false, "2011-11-30T14:05:00.000Z"),
            ("now", false, "2026-11-22T14:05:30.000Z"),
            ("now-1h", false, "2026-11-22T13:05:30.000Z"),
            ("now-5m", false, "2026-11-22T14:00:30.000Z"),
            ("now-1M", false, "2026-10-22T14:05:30.000Z"),
            ("now-1d/d", false, "2026-11-21T00:00:00.000Z"),
            ("now-1d/d", true, "2026-11-22T00:00:00.000Z"),
            ("now/d", true, "2026-11-23T00:00:00.000Z"),
            ("now/w", false, "2026-11-22T00:00:00.000Z"),
            ("now/M", false, "2026-11-01T00:00:00.000Z"),
            ("now/y", true, "2027-01-01T00:00:00.000Z"),
            ("now/Q", false, "2026-10-01T00:00:00.000Z"),
            ("2011-11-30T14:05:00.000Z", false, "2011-11-30T14:05:00.000Z"),
            ("2011-11-30 14:05:00", false, "2011-11-30T14:05:00.000Z"),
            ("20111130", false, "2011-11-30T00:00:00.000Z"),
            ("20111130T140500", true, "2011-11-30T14:05:00.000Z"),
        ];
        for (text, is_end, time) in cases {
            assert_eq!(read_grafana_time(text, NOW, &Utc, is_end).unwrap().time.to_string(), time, "{text}");
        }
        let berlin = crate::time::DatabaseZone::find("Europe/Berlin").unwrap();
        for text in ["2011-11-30 14:05:00", "2011-11-30T14:05:00", "20111130T140500", "2011-11-30T15:05:00+01:00"] {
            let read = read_grafana_time(text, NOW, &berlin, false).unwrap();
            assert_eq!(read.time.to_string(), "2011-11-30T14:05:00.000Z", "{text}: of UTC, whatever the reader's zone");
        }
        assert!(read_grafana_time("now/w", NOW, &Utc, false).unwrap().warning.is_some(), "whose week?");
        assert!(read_grafana_time("1322661900", NOW, &Utc, false).unwrap().warning.is_some(), "seconds?");
        for (text, offset) in
            [("now/fy", 4), ("now-", 4), ("now-1x", 5), ("now/5d", 3), ("today", 0), ("", 0), ("now-é", 4)]
        {
            assert_eq!(read_grafana_time(text, NOW, &Utc, false).unwrap_err().offset, offset, "{text}");
        }
    }
}
