//! A point in time as people write it: everything that Graphite's `from` and `until` take, ISO 8601, epoch seconds.
//!
//! - Graphite (`graphite/render/attime.py`): `14:05_20111130`, `-10min`, `noon yesterday`, `monday`, `jan 1`, `now-1h`;
//! - ISO 8601: `2026-11-22T14:05:00+01:00`, `2026-11-22 14:05`, `2026-11-22`;
//! - as nginx logs it: `[22/Nov/2026:14:05:00 +0100]`, `2026/11/22 14:05:00`;
//! - seconds since the epoch: `1322661900`, `1322661900.25`; thirteen digits are milliseconds, as Grafana's URLs have.
//!
//! Where Graphite is surprising, spikeline does what was meant and says so in [`ReadTime::warning`]: Graphite reads `12pm`
//! as midnight and `12am` as noon.

mod digits;
mod grafana;
mod graphite;
mod hint;
mod iso;
mod local;
mod nginx;
#[cfg(test)]
mod tests;

use std::fmt;

use chrono::TimeZone;

use super::Timestamp;
use graphite::SqueezedText;

pub(crate) use grafana::read_grafana_time;
pub(crate) use local::local_instant;

/// A point in time, and what the user should know about how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTime {
    /// The point in time.
    pub time: Timestamp,
    /// Where the reading differs from Graphite's, or is a guess.
    pub warning: Option<String>,
}

/// Whose reading counts where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// What was meant: `12pm` is noon.
    Meant,
    /// What graphite-web makes of it, since its graph shows that: `12pm` is midnight.
    Graphite,
}

/// Why a text is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError {
    /// The text as it was given.
    pub text: String,
    /// Byte offset of the mistake in the text, from 0.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a point in time: expected {} at byte {}", self.text, self.expected, self.offset)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TimeError {}

/// A point in time as it was written, before the present and the time zone are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// The present.
    Now,
    /// An absolute time.
    Instant(Timestamp),
    /// A time of day in the user's time zone.
    Local { day: Day, clock: chrono::NaiveTime },
}

/// A day as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// So many days after today.
    FromToday(i64),
    /// A date.
    Date(chrono::NaiveDate),
    /// A day of this year.
    ThisYear { month: u32, day: u32 },
    /// The last such day, today included.
    Weekday(chrono::Weekday),
}

/// What was written: a reference, an offset from it in milliseconds, and a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    reference: Reference,
    offset_ms: i64,
    warning: Option<&'static str>,
}

/// The point in time that `text` names, seen at `now` in `zone`, with what is doubtful about it; see the module for what is read.
///
/// A local time that the clocks skip (spring) is the first valid time after it; one that comes twice (autumn) is the
/// first of the two.
///
/// # Errors
/// Names the byte, what was expected there, and what was probably meant.
pub fn read_time(text: &str, now: Timestamp, zone: &impl TimeZone) -> Result<ReadTime, TimeError> {
    read_time_in(text, now, zone, Dialect::Meant)
}

/// [`read_time`], in one of the two dialects.
pub(crate) fn read_time_in(
    text: &str,
    now: Timestamp,
    zone: &impl TimeZone,
    dialect: Dialect,
) -> Result<ReadTime, TimeError> {
    let (read, squeezed) = if iso::looks_like(text) {
        (iso::parse(text), None)
    } else if nginx::looks_like(text) {
        (nginx::parse(text), None)
    } else {
        let squeezed = SqueezedText::squeeze(text);
        (graphite::parse(&squeezed.text, dialect), Some(squeezed))
    };
    let written = match (read, squeezed) {
        (Ok(written), _) => written,
        (Err((offset, expected)), None) => return Err(mistake(text, offset, expected)),
        (Err((offset, expected)), Some(squeezed)) => return Err(mistake(text, squeezed.original(offset), expected)),
    };
    let Some(reference) = local::resolve(written.reference, now, zone, dialect) else {
        return Err(mistake(text, 0, "a date that exists"));
    };
    let time = reference.plus_millis(written.offset_ms);
    if chrono::DateTime::from_timestamp_millis(time.0).is_none() {
        return Err(mistake(text, 0, "a time that the calendar can hold"));
    }
    Ok(ReadTime { time, warning: written.warning.map(|warning| format!("`{text}`: {warning}")) })
}

/// That `text` is wrong at the byte `offset`, with what was probably meant.
fn mistake(text: &str, offset: usize, expected: &'static str) -> TimeError {
    TimeError { text: text.to_owned(), offset, expected, hint: hint::for_mistake(text, expected) }
}
