//! Ticks on an axis of time: where the clock of the viewer's zone shows round numbers.

use std::time::Duration;

use chrono::{Datelike, Months, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};

use crate::time::{Timestamp, Window};

/// Steps of ticks, in seconds. Longer than the last are months.
const STEPS: [i64; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600,
];

/// Steps of months.
const MONTHS: [u32; 6] = [1, 2, 3, 6, 12, 24];

/// No axis has more.
const MOST: usize = 200;

/// A moment that an axis names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeTick {
    /// When.
    pub at: Timestamp,
    /// What the clock shows: `14:05`, `14:05:30`, at midnight the day.
    pub label: String,
}

/// At most so many ticks in a window, on the clock of `zone`.
pub fn time_ticks<Z: TimeZone>(window: Window, most: usize, zone: &Z) -> Vec<TimeTick> {
    let length = window.until.0.saturating_sub(window.from.0) / 1_000;
    let most = most.clamp(1, MOST);
    let fits = |step: &&i64| length / **step <= i64::try_from(most).unwrap_or(i64::MAX);
    match STEPS.iter().find(fits) {
        Some(step) => even_ticks(window, *step, zone),
        None => month_ticks(window, most, zone),
    }
}

/// The shortest step of these, a multiple of `interval`, by which a window has at most so many columns.
pub fn step_for(window: Window, interval: Duration, most: usize) -> Duration {
    let length = window.until.0.saturating_sub(window.from.0).max(1);
    let most = i64::try_from(most).unwrap_or(i64::MAX).max(1);
    let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let fits = |millis: i64| length / millis < most && millis % interval_ms == 0;
    let even = STEPS.iter().map(|step| step * 1_000).find(|millis| *millis >= interval_ms && fits(*millis));
    // Of an interval that divides few of them, as many whole ones as are needed.
    let whole = interval_ms.saturating_mul((length / interval_ms / most).max(0) + 1);
    let millis = even.filter(|even| even / 4 <= whole).unwrap_or(whole);
    Duration::from_millis(u64::try_from(millis).unwrap_or(1))
}

/// Every so many seconds, counted from midnight, or in days from Monday, on the clock.
fn even_ticks<Z: TimeZone>(window: Window, step: i64, zone: &Z) -> Vec<TimeTick> {
    let mut ticks: Vec<TimeTick> = Vec::new();
    let Some(first) = wall(window.from, zone) else { return ticks };
    // 1970 began on a Thursday.
    let monday = if step >= 604_800 { 345_600 } else { 0 };
    let seconds = first.and_utc().timestamp() - monday;
    let mut at = seconds - seconds.rem_euclid(step) + monday;
    while ticks.len() <= MOST {
        if let Some(time) = wall_of(at).and_then(|shown| instant(shown, zone)) {
            if time >= window.until {
                break;
            }
            if time >= window.from && ticks.last().is_none_or(|last| last.at < time) {
                ticks.push(TimeTick { at: time, label: label(time, zone, step < 60) });
            }
        } else if at > window.until.0.saturating_div(1_000).saturating_add(200_000) {
            break;
        }
        at = at.saturating_add(step);
    }
    ticks
}

/// The first of every so many months.
fn month_ticks<Z: TimeZone>(window: Window, most: usize, zone: &Z) -> Vec<TimeTick> {
    let mut ticks = Vec::new();
    let days = window.until.0.saturating_sub(window.from.0) / 86_400_000;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let fits = |months: &&u32| days / (i64::from(**months) * 30) <= most;
    let months = MONTHS.iter().find(fits).copied().unwrap_or_else(|| {
        u32::try_from(days / 360 / most.max(1)).unwrap_or(1_000).saturating_add(1).saturating_mul(12)
    });
    let Some(first) = wall(window.from, zone) else { return ticks };
    let Some(mut at) = first.date().with_day(1).and_then(|date| date.with_month(1)) else { return ticks };
    while ticks.len() <= MOST {
        match instant(at.and_time(NaiveTime::MIN), zone) {
            Some(time) if time >= window.until => break,
            Some(time) if time >= window.from => {
                let format = if at.month() == 1 { "%Y" } else { "%b" };
                ticks.push(TimeTick { at: time, label: at.format(format).to_string() });
            }
            _ => {}
        }
        let Some(next) = at.checked_add_months(Months::new(months)) else { break };
        at = next;
    }
    ticks
}

/// What the clock shows at a time; nothing beyond its years.
fn wall<Z: TimeZone>(time: Timestamp, zone: &Z) -> Option<NaiveDateTime> {
    let utc = chrono::DateTime::from_timestamp_millis(time.0)?.naive_utc();
    utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix())
}

fn wall_of(seconds: i64) -> Option<NaiveDateTime> {
    Some(chrono::DateTime::from_timestamp(seconds, 0)?.naive_utc())
}

/// When the clock first shows this; nothing in the gap of a change of clocks.
fn instant<Z: TimeZone>(shown: NaiveDateTime, zone: &Z) -> Option<Timestamp> {
    Some(Timestamp(zone.from_local_datetime(&shown).earliest()?.timestamp_millis()))
}

fn label<Z: TimeZone>(time: Timestamp, zone: &Z, seconds: bool) -> String {
    let Some(shown) = wall(time, zone) else { return String::new() };
    let midnight = shown.num_seconds_from_midnight() == 0 && shown.and_utc().timestamp_subsec_millis() == 0;
    let format = match (midnight, seconds) {
        (true, _) => "%-d %b",
        (false, true) => "%H:%M:%S",
        (false, false) => "%H:%M",
    };
    shown.format(format).to_string()
}

/// A time as tables name it, on the clock of `zone`: `2011-11-30 14:05:20`.
pub(super) fn clock_words<Z: TimeZone>(time: Timestamp, zone: &Z) -> String {
    let Some(shown) = wall(time, zone) else { return time.to_string() };
    let whole = shown.and_utc().timestamp_subsec_millis() == 0;
    shown.format(if whole { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, Utc};
    use proptest::prelude::*;

    const NOVEMBER: i64 = 1_322_661_600;

    fn window(from: i64, seconds: i64) -> Window {
        Window { from: Timestamp::from_secs(from), until: Timestamp::from_secs(from + seconds) }
    }

    fn labels(ticks: &[TimeTick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn the_clock_shows_round_numbers() {
        let half_hour = time_ticks(window(NOVEMBER, 1_800), 8, &Utc);
        assert_eq!(labels(&half_hour), ["14:00", "14:05", "14:10", "14:15", "14:20", "14:25"]);
        let minute = time_ticks(window(NOVEMBER + 7, 60), 6, &Utc);
        assert_eq!(labels(&minute), ["14:00:10", "14:00:20", "14:00:30", "14:00:40", "14:00:50", "14:01:00"]);
        let india = FixedOffset::east_opt(19_800).unwrap();
        assert_eq!(labels(&time_ticks(window(NOVEMBER, 7_200), 3, &india)), ["20:00", "21:00"]);
    }

    #[test]
    fn a_day_begins_with_its_date() {
        let days = time_ticks(window(NOVEMBER, 86_400), 4, &Utc);
        assert_eq!(labels(&days), ["18:00", "1 Dec", "06:00", "12:00"]);
        let year = time_ticks(window(NOVEMBER, 31_536_000), 6, &Utc);
        assert_eq!(labels(&year), ["2012", "Mar", "May", "Jul", "Sep", "Nov"]);
    }

    #[test]
    fn steps_are_whole_slots() {
        let slot = Duration::from_secs(10);
        assert_eq!(step_for(window(0, 1_800), slot, 300), slot);
        assert_eq!(step_for(window(0, 86_400), slot, 300), Duration::from_secs(300));
        assert_eq!(step_for(window(0, 86_400), Duration::from_secs(7), 300), Duration::from_secs(294));
        assert_eq!(step_for(window(0, 30), Duration::from_secs(60), 300), Duration::from_secs(60));
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_in_the_window(from in -4_000_000_000i64..8_000_000_000, length in 1i64..3_000_000_000, most in 1usize..40, hours in -12i32..=14) {
            let zone = FixedOffset::east_opt(hours * 3_600).unwrap();
            let window = window(from, length);
            let ticks = time_ticks(window, most, &zone);
            prop_assert!(ticks.len() <= 2 * most + 2, "{} of {}", ticks.len(), most);
            prop_assert!(ticks.iter().all(|tick| window.contains(tick.at)));
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
        }

        #[test]
        fn columns_are_few(length in 1i64..300_000_000, slot in 1u64..4_000, most in 1usize..900) {
            let step = step_for(window(0, length), Duration::from_secs(slot), most);
            prop_assert_eq!(step.as_secs() % slot, 0);
            prop_assert!(length / i64::try_from(step.as_secs()).unwrap() <= i64::try_from(most).unwrap());
        }
    }
}
