//! The times of Loki's parameters, in nanoseconds since the epoch.

use std::time::Duration;

use chrono::DateTime;

use crate::error::{Error, Result};
use crate::http::asked::Asked;
use crate::time::{Timestamp, Window};

/// Nanoseconds of a millisecond.
pub(super) const NANOS: i64 = 1_000_000;

/// What a query that says no start goes back.
const DEFAULT_SINCE: i64 = 3600 * 1000 * NANOS;

/// From one time on until before another, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NanoWindow {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl NanoWindow {
    /// What `start`, `end` and `since` say: without any, the last hour.
    pub(super) fn of(asked: &Asked) -> Result<NanoWindow> {
        let now = asked.now.0.saturating_mul(NANOS);
        let end = time(asked, "end", now)?;
        let since = match asked.value("since") {
            Some(since) => nanos_of(seconds("since", since)?),
            None => DEFAULT_SINCE,
        };
        let start = time(asked, "start", end.saturating_sub(since))?;
        if start > end {
            return Err(Error::usage("end timestamp must not be before or equal to start time"));
        }
        Ok(NanoWindow { start, end })
    }

    /// The milliseconds that hold it.
    pub(super) fn window(self) -> Window {
        let from = self.start.div_euclid(NANOS);
        let until = self.end.div_euclid(NANOS) + i64::from(self.end.rem_euclid(NANOS) > 0);
        Window { from: Timestamp(from), until: Timestamp(until) }
    }
}

/// The time of a parameter: whole nanoseconds, seconds (up to ten digits, or with a point), or RFC 3339.
pub(super) fn time(asked: &Asked, name: &str, default: i64) -> Result<i64> {
    let Some(text) = asked.value(name) else { return Ok(default) };
    let wrong = || {
        Error::usage(format!("{name}: `{text}` is no time"))
            .remedy("nanoseconds or seconds since the epoch, or RFC 3339 such as 2011-11-30T14:05:00Z")
    };
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(if text.trim_start_matches('-').len() <= 10 { whole.saturating_mul(1000 * NANOS) } else { whole });
    }
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(nanos_of(seconds));
    }
    DateTime::parse_from_rfc3339(text).ok().and_then(|time| time.timestamp_nanos_opt()).ok_or_else(wrong)
}

/// A duration or a number of seconds, in seconds.
pub(super) fn seconds(name: &str, text: &str) -> Result<f64> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];
    let mut found = text.parse::<f64>().ok();
    for (unit, worth) in units {
        if let Some(number) = text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok()) {
            found = found.or(Some(number * worth));
        }
    }
    match found {
        Some(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
        _ => Err(Error::usage(format!("{name}: `{text}` is no duration")).remedy("seconds, or 15s, 5m, 1h")),
    }
}

/// The step between the points of a range: as asked for, else about 250 of them as Loki has it, a second at least.
pub(super) fn step(asked: &Asked, window: NanoWindow) -> Result<Duration> {
    let millis = match asked.value("step") {
        Some(step) => seconds("step", step)? * 1000.0,
        None => {
            let length = Duration::from_nanos(window.end.abs_diff(window.start)).as_secs_f64();
            (length / 250.0).floor().max(1.0) * 1000.0
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of milliseconds")]
    Ok(Duration::from_millis(millis.round().max(1.0) as u64))
}

fn nanos_of(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "times beyond all logs are cut off")]
    let nanos = (seconds * 1e9) as i64;
    nanos
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn times_are_nanoseconds_seconds_or_written_out() {
        let at = |text: &str| {
            let mut asked = Asked::new("/", Instant::now());
            asked.parameters.push(("start".to_owned(), text.to_owned()));
            time(&asked, "start", 7).map_err(|error| error.what().to_owned())
        };
        assert_eq!(at("1322661900000000001"), Ok(1_322_661_900_000_000_001));
        assert_eq!(at("1322661900"), Ok(1_322_661_900_000_000_000));
        assert_eq!(at("1322661900.5"), Ok(1_322_661_900_500_000_000));
        assert_eq!(at("2011-11-30T14:05:00.25Z"), Ok(1_322_661_900_250_000_000));
        assert_eq!(at(""), Ok(7));
        assert!(at("yesterday").is_err() && at("NaN").is_err() && at("inf").is_err());
    }

    #[test]
    fn milliseconds_hold_the_nanoseconds() {
        let window = NanoWindow { start: 1_500_001, end: 3_000_001 }.window();
        assert_eq!((window.from.0, window.until.0), (1, 4));
        assert_eq!(NanoWindow { start: 0, end: 3_000_000 }.window().until.0, 3);
    }
}
