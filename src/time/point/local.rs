//! From a day and a time of day on the user's clock to a point in time.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike,
};

use super::{Day, Reference};
use crate::time::Timestamp;

/// The longest gap that a change of clocks has made (Samoa skipped a day in 2011), in minutes.
const LONGEST_GAP: i64 = 26 * 60;

/// The point in time that a reference means; `None` if there is no such date.
pub(super) fn resolve(reference: Reference, now: Timestamp, zone: &impl TimeZone) -> Option<Timestamp> {
    match reference {
        Reference::Now => Some(now),
        Reference::Instant(time) => Some(time),
        Reference::Local { day, clock } => {
            let today = zone.timestamp_millis_opt(now.0).single()?.naive_local().date();
            to_instant(date_of(day, today)?.and_time(clock), zone)
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

/// A time on the wall as a point in time: the first of two, or the first valid one after a gap.
pub(super) fn to_instant(wall: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    match zone.from_local_datetime(&wall) {
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

/// The point in time at which clocks here (`TZ`) show what those of UTC show at `wall`.
pub(crate) fn local_instant(wall: Timestamp) -> Option<Timestamp> {
    let shown = DateTime::from_timestamp_millis(wall.0)?.naive_utc();
    to_instant(shown, &chrono::Local)
}

/// The same point in time without its zone.
fn instant_of<Z: TimeZone>(time: DateTime<Z>) -> Timestamp {
    Timestamp(time.timestamp_millis())
}
