//! What is read, what is refused and where, and the clocks' changes. Now is Sunday, 2026-11-22 14:05:30.250 UTC.

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_795_356_330_250);

fn time_at(text: &str, now: Timestamp, zone: &impl TimeZone) -> Result<Timestamp, TimeError> {
    read_time(text, now, zone).map(|read| read.time)
}

fn utc(text: &str) -> String {
    time_at(text, NOW, &Utc).unwrap_or_else(|error| panic!("{error}")).to_string()
}

#[test]
fn now_is_what_the_tests_say() {
    assert_eq!(NOW.to_string(), "2026-11-22T14:05:30.250Z");
}

#[test]
fn nginx_forms() {
    for (text, expected) in [
        ("22/Nov/2026:14:05:30 +0000", "2026-11-22T14:05:30.000Z"),
        ("[22/Nov/2026:14:05:30 +0100]", "2026-11-22T13:05:30.000Z"),
        (" [22/Nov/2026:14:05:30 -0330] ", "2026-11-22T17:35:30.000Z"),
        ("[22/Nov/2026:14:05:30", "2026-11-22T14:05:30.000Z"),
        ("22/nov/2026:14:05", "2026-11-22T14:05:00.000Z"),
        ("22/Nov/2026", "2026-11-22T00:00:00.000Z"),
        ("2026/11/22 14:05:30", "2026-11-22T14:05:30.000Z"),
        ("2026/11/22", "2026-11-22T00:00:00.000Z"),
    ] {
        assert_eq!(utc(text), expected, "{text}");
    }
    let zone = FixedOffset::east_opt(3600).unwrap();
    assert_eq!(time_at("22/Nov/2026:14:05:30", NOW, &zone).unwrap().to_string(), "2026-11-22T13:05:30.000Z");
    for (text, offset, expected) in [
        ("31/Feb/2026:14:05:30", 0, "a date that exists, as 22/Nov/2026"),
        ("22/Nox/2026", 3, "a date that exists, as 22/Nov/2026"),
        ("22/Nov/2026:25:00", 12, "a time of day, as 14:05 or 14:05:30"),
        ("22/Nov/2026:14:05:30 CET", 20, "the end, or an offset such as +0100"),
        ("2026/13/01", 0, "a date that exists, as 2026/11/22"),
    ] {
        let error = time_at(text, NOW, &Utc).unwrap_err();
        assert_eq!((error.offset, error.expected), (offset, expected), "{text}");
    }
}

#[test]
fn graphite_forms() {
    let cases = [
        ("now", "2026-11-22T14:05:30.250Z"),
        ("-10min", "2026-11-22T13:55:30.250Z"),
        ("-600s", "2026-11-22T13:55:30.250Z"),
        ("-1h", "2026-11-22T13:05:30.250Z"),
        ("-1h30min", "2026-11-22T12:35:30.250Z"),
        ("-2d", "2026-11-20T14:05:30.250Z"),
        ("-1w", "2026-11-15T14:05:30.250Z"),
        ("-1mon", "2026-10-23T14:05:30.250Z"),
        ("-1y", "2025-11-22T14:05:30.250Z"),
        ("now-10minutes", "2026-11-22T13:55:30.250Z"),
        ("now+1 hour", "2026-11-22T15:05:30.250Z"),
        ("1322661900", "2011-11-30T14:05:00.000Z"),
        ("1322661900.25", "2011-11-30T14:05:00.250Z"),
        ("1322661900.9999", "2011-11-30T14:05:00.999Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
        ("14:05_20111130", "2011-11-30T14:05:00.000Z"),
        ("14:05 20111130", "2011-11-30T14:05:00.000Z"),
        ("20111130", "2011-11-30T00:00:00.000Z"),
        ("99999999", "1973-03-03T09:46:39.000Z"),
        ("noon yesterday", "2026-11-21T12:00:00.000Z"),
        ("noon+yesterday", "2026-11-21T12:00:00.000Z"),
        ("noon_yesterday", "2026-11-21T12:00:00.000Z"),
        ("NOON Yesterday", "2026-11-21T12:00:00.000Z"),
        ("6pm_today", "2026-11-22T18:00:00.000Z"),
        ("06:00_today", "2026-11-22T06:00:00.000Z"),
        ("6:30pm", "2026-11-22T18:30:00.000Z"),
        ("14:05", "2026-11-22T14:05:00.000Z"),
        ("14:05:07", "2026-11-22T14:05:07.000Z"),
        ("14:05-1d", "2026-11-21T14:05:00.000Z"),
        ("midnight", "2026-11-22T00:00:00.000Z"),
        ("midnight tomorrow", "2026-11-23T00:00:00.000Z"),
        ("sunday", "2026-11-22T00:00:00.000Z"),
        ("monday", "2026-11-16T00:00:00.000Z"),
        ("sat", "2026-11-21T00:00:00.000Z"),
        ("14:05 tues", "2026-11-17T14:05:00.000Z"),
        ("teatime yesterday", "2026-11-21T16:00:00.000Z"),
        ("11/22/26", "2026-11-22T00:00:00.000Z"),
        ("11/22/2026", "2026-11-22T00:00:00.000Z"),
        ("1/2/99", "1999-01-02T00:00:00.000Z"),
        ("jan 1", "2026-01-01T00:00:00.000Z"),
        ("noon, March 31", "2026-03-31T12:00:00.000Z"),
        ("today-1h", "2026-11-21T23:00:00.000Z"),
        ("yesterday+2h", "2026-11-21T02:00:00.000Z"),
    ];
    for (text, expected) in cases {
        assert_eq!(utc(text), expected, "{text}");
    }
}

#[test]
fn iso_forms() {
    let cases = [
        ("2026-11-22", "2026-11-22T00:00:00.000Z"),
        ("2026-11-22 14:05", "2026-11-22T14:05:00.000Z"),
        ("2026-11-22T14:05:00", "2026-11-22T14:05:00.000Z"),
        ("2026-11-22T14:05:00.1239", "2026-11-22T14:05:00.123Z"),
        ("2026-11-22T14:05:00+01:00", "2026-11-22T13:05:00.000Z"),
        ("2026-11-22T14:05:00+0545", "2026-11-22T08:20:00.000Z"),
        ("2026-11-22T14:05:00-08", "2026-11-22T22:05:00.000Z"),
        ("2026-11-22T14:05Z", "2026-11-22T14:05:00.000Z"),
        (" 2026-11-22 14:05:00 +0100 ", "2026-11-22T13:05:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
    ];
    for (text, expected) in cases {
        assert_eq!(utc(text), expected, "{text}");
    }
}

#[test]
fn refusals_name_the_byte_what_was_expected_and_what_was_meant() {
    let cases = [
        ("-10m", 3, "a unit (s, min, h, d, w, mon or y)", Some("did you mean `-10min`? (months are `mon`)")),
        ("now - 10m", 8, "a unit (s, min, h, d, w, mon or y)", Some("did you mean `now - 10min`? (months are `mon`)")),
        ("10min", 0, "", Some("did you mean `-10min` (before now)?")),
        ("5m", 0, "", Some("did you mean `-5min` (before now)?")),
        (
            "-1.5h",
            2,
            "a unit (s, min, h, d, w, mon or y)",
            Some("offsets are whole numbers: for one and a half hours say `-90min`"),
        ),
        ("rightnow", 0, "", Some("did you mean `now`?")),
        ("yesterdy", 0, "", Some("did you mean `yesterday`?")),
        ("", 0, "", Some("try `-10min`, `14:05`, `noon yesterday` or `2026-11-22 14:05`")),
        ("25:00", 0, "a time of day from 00:00 to 23:59", None),
        ("13pm", 0, "an hour from 1 to 12 before am or pm", None),
        ("0am", 0, "an hour from 1 to 12 before am or pm", None),
        ("14:5", 3, "two digits of minutes", None),
        ("noon  garbage", 6, "the end, or an offset such as -10min", Some("did you mean `noon`?")),
        ("noon 20260231", 5, "a date YYYYMMDD that exists", None),
        ("20260231", 0, "a date YYYYMMDD that exists", None),
        ("2/30/26", 0, "a date MM/DD/YY that exists", None),
        ("feb 30", 0, "a date that exists", None),
        ("jan", 3, "a day of the month", None),
        ("-", 1, "a whole number", None),
        ("-10min5", 7, "a unit (s, min, h, d, w, mon or y)", Some("for example `-10min` or `-1h30min`")),
        ("now-99999999999999y", 4, "a shorter offset", None),
        ("-99999999y", 0, "a time that the calendar can hold", None),
        ("2026-13-01", 0, "a date that exists, as 2026-11-22", None),
        ("2026-11-22T25:00", 11, "a time of day, as 14:05 or 14:05:30", None),
        (" 2026-11-22 14:05 CET", 17, "the end, or an offset such as Z or +01:00", None),
    ];
    for (text, offset, expected, hint) in cases {
        let error = time_at(text, NOW, &Utc).expect_err(text);
        let expected =
            if expected.is_empty() { "a time such as -10min, 14:05, noon yesterday or 20261122" } else { expected };
        assert_eq!((error.offset, error.expected, error.hint.as_deref()), (offset, expected, hint), "{text:?}");
    }
}

#[test]
fn twelve_is_what_people_mean_and_a_warning_says_so() {
    let noon = read_time("12pm yesterday", NOW, &Utc).unwrap();
    assert_eq!(noon.time.to_string(), "2026-11-21T12:00:00.000Z");
    assert_eq!(noon.warning.unwrap(), "`12pm yesterday`: read as noon; Graphite reads 12pm as 00:00");
    let midnight = read_time("12:30am", NOW, &Utc).unwrap();
    assert_eq!(midnight.time.to_string(), "2026-11-22T00:30:00.000Z");
    assert!(midnight.warning.unwrap().contains("Graphite reads 12am as noon"));
    assert_eq!(read_time("noon", NOW, &Utc).unwrap().warning, None);
}

#[test]
fn thirteen_digits_are_milliseconds() {
    let at = read_time("1322661900250", NOW, &Utc).unwrap();
    assert_eq!(at.time, Timestamp(1_322_661_900_250));
    assert!(at.warning.unwrap().contains("milliseconds"));
}

#[test]
fn the_machines_zone_is_a_zone() {
    assert_eq!(time_at("-1h", NOW, &chrono::Local).unwrap(), NOW.plus_millis(-3_600_000));
    assert!(time_at("noon", NOW, &chrono::Local).is_ok());
}

#[test]
fn the_day_is_the_users_day() {
    // 14:05 UTC is already the 23rd in a zone 11 hours ahead.
    let ahead = FixedOffset::east_opt(11 * 3600).unwrap();
    assert_eq!(time_at("midnight", NOW, &ahead).unwrap().to_string(), "2026-11-22T13:00:00.000Z");
    assert_eq!(time_at("2026-11-22 14:05", NOW, &ahead).unwrap().to_string(), "2026-11-22T03:05:00.000Z");
    assert_eq!(time_at("monday", NOW, &ahead).unwrap().to_string(), "2026-11-22T13:00:00.000Z");
}

/// Berlin in 2026: +01:00, but +02:00 from 29 March 01:00 UTC to 25 October 01:00 UTC.
#[derive(Debug, Clone, Copy)]
struct Berlin2026;

fn hours(hours: i32) -> FixedOffset {
    FixedOffset::east_opt(hours * 3600).unwrap()
}

fn wall(month: u32, day: u32, hour: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap().and_hms_opt(hour, 0, 0).unwrap()
}

impl TimeZone for Berlin2026 {
    type Offset = FixedOffset;

    fn from_offset(_: &FixedOffset) -> Berlin2026 {
        Berlin2026
    }

    fn offset_from_local_date(&self, date: &NaiveDate) -> LocalResult<FixedOffset> {
        self.offset_from_local_datetime(&date.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> LocalResult<FixedOffset> {
        if (wall(3, 29, 2)..wall(3, 29, 3)).contains(local) {
            LocalResult::None
        } else if (wall(10, 25, 2)..wall(10, 25, 3)).contains(local) {
            LocalResult::Ambiguous(hours(2), hours(1))
        } else if (wall(3, 29, 3)..wall(10, 25, 2)).contains(local) {
            LocalResult::Single(hours(2))
        } else {
            LocalResult::Single(hours(1))
        }
    }

    fn offset_from_utc_date(&self, date: &NaiveDate) -> FixedOffset {
        self.offset_from_utc_datetime(&date.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
        hours(if (wall(3, 29, 1)..wall(10, 25, 1)).contains(utc) { 2 } else { 1 })
    }
}

#[test]
fn changes_of_the_clocks() {
    let cases = [
        ("2026-03-29 01:59", "2026-03-29T00:59:00.000Z"),
        // Skipped: the first valid time after the gap.
        ("2026-03-29 02:00", "2026-03-29T01:00:00.000Z"),
        ("02:30:10_20260329", "2026-03-29T01:00:00.000Z"),
        ("2026-03-29 03:00", "2026-03-29T01:00:00.000Z"),
        // Twice: the first of the two.
        ("2026-10-25 02:30", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25 02:30 +01:00", "2026-10-25T01:30:00.000Z"),
        ("2026-10-25 03:00", "2026-10-25T02:00:00.000Z"),
        // A day's offset is 24 hours, as in Graphite.
        ("20260330-1d", "2026-03-28T22:00:00.000Z"),
    ];
    for (text, expected) in cases {
        assert_eq!(time_at(text, NOW, &Berlin2026).unwrap().to_string(), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_or_refused_inside_itself(text in "\\PC{0,24}") {
        if let Err(error) = time_at(&text, NOW, &Utc) {
            prop_assert!(error.offset <= text.len() && text.is_char_boundary(error.offset));
            prop_assert!(!error.expected.is_empty());
        }
    }

    #[test]
    fn nearly_right_texts_do_not_panic(text in "[-+0-9a-z:/. _]{0,16}") {
        let _ = time_at(&text, NOW, &Berlin2026);
    }

    #[test]
    fn what_a_timestamp_shows_is_read_back(millis in 0i64..4_000_000_000_000) {
        let time = Timestamp(millis);
        prop_assert_eq!(time_at(&time.to_string(), NOW, &Utc).unwrap(), time);
    }
}
