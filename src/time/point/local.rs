//! From a day and a time of day on the user's clock to a point in time.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike,
};

use super::{Day, Dialect, Reference};
use crate::time::Timestamp;

/// The longest gap that a change of clocks has made (Samoa skipped a day in 2011), in minutes.
const LONGEST_GAP: i64 = 26 * 60;

/// The point in time that a reference means; `None` if there is no such date.
pub(super) fn resolve(
    reference: Reference,
    now: Timestamp,
    zone: &impl TimeZone,
    dialect: Dialect,
) -> Option<Timestamp> {
    match reference {
        Reference::Now => Some(now),
        Reference::Instant(time) => Some(time),
        Reference::Local { day, clock } => {
            let today = zone.timestamp_millis_opt(now.0).single()?.naive_local().date();
            to_instant(date_of(day, today)?.and_time(clock), zone, dialect)
        }
    }
}

/// The date of a day as it was written; `None` if there is none, as 29 February of a common year.
fn date_of(day: Day, today: NaiveDate) -> Option<NaiveDate> {
    match day {
        Day::FromToday(days) if days < 0 => today.checked_sub_days(Days::new(days.unsigned_abs())),
        Day::FromToday(days) => today.checked_add_days(Days::new(days.unsigned_abs())),
        Day::Date(date) => Some(date),
        Day::ThisYear { month, day } => NaiveDate::from_ymd_opt(today.year(), month, day),
        Day::Weekday(weekday) => {
            let since = today.weekday().days_since(weekday);
            today.checked_sub_days(Days::new(u64::from(since)))
        }
    }
}

/// A time on the wall as a point in time: the first of two, or the first valid one after a gap. Graphite (pytz) takes the second of two, and
/// goes on counting into a gap.
pub(super) fn to_instant(wall: NaiveDateTime, zone: &impl TimeZone, dialect: Dialect) -> Option<Timestamp> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Ambiguous(_, time) if dialect == Dialect::Graphite => Some(instant_of(time)),
        LocalResult::None if dialect == Dialect::Graphite => into_gap(wall, zone),
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(instant_of(time)),
        LocalResult::None => {
            // Gaps begin and end on whole minutes, so the first valid minute is where the gap ends.
            let minute = wall.date().and_time(NaiveTime::from_hms_opt(wall.hour(), wall.minute(), 0)?);
            for ahead in 1..=LONGEST_GAP {
                let later = minute.checked_add_signed(TimeDelta::minutes(ahead))?;
                if let Some(time) = zone.from_local_datetime(&later).earliest() {
                    return Some(instant_of(time));
                }
            }
            None
        }
    }
}

/// As far behind the last valid minute before a gap as the clock shows.
fn into_gap(wall: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    for behind in 1..=LONGEST_GAP {
        let earlier = wall.checked_sub_signed(TimeDelta::minutes(behind))?;
        if let Some(time) = zone.from_local_datetime(&earlier).latest() {
            return Some(instant_of(time).plus_millis(behind * 60_000));
        }
    }
    None
}

/// The point in time at which clocks here (`TZ`) show what those of UTC show at `wall`.
pub(crate) fn local_instant(wall: Timestamp) -> Option<Timestamp> {
    let shown = DateTime::from_timestamp_millis(wall.0)?.naive_utc();
    to_instant(shown, &chrono::Local, Dialect::Meant)
}

/// The same point in time without its zone.
fn instant_of<Z: TimeZone>(time: DateTime<Z>) -> Timestamp {
    Timestamp(time.timestamp_millis())
}
