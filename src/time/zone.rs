//! The zone that times without one are of: this machine's, or one by its name.

use chrono::{LocalResult, Offset, TimeZone};

use super::database::DatabaseZone;
use super::point::{Dialect, ReadTime, TimeError, read_grafana_time, read_time_in};
use super::{ResolvedWindow, Timestamp, Window, WindowError, WindowSpec};

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NamedZone {
    /// This machine's, or that of `TZ`.
    #[default]
    Local,
    /// UTC, which needs no database.
    Utc,
    /// Another of the zone database.
    Named(DatabaseZone),
}

impl NamedZone {
    /// UTC.
    pub const UTC: NamedZone = NamedZone::Utc;

    /// By its name in any case, such as `Europe/Berlin` or `UTC`; `local` and `browser` are this machine's. None if there is no such
    /// zone.
    pub fn parse(name: &str) -> Option<NamedZone> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("local") || name.eq_ignore_ascii_case("browser") {
            return Some(NamedZone::Local);
        }
        if name.eq_ignore_ascii_case("utc") {
            return Some(NamedZone::Utc);
        }
        DatabaseZone::find(name).map(NamedZone::Named)
    }

    /// The zone whose name is nearest to a mistyped one.
    pub fn meant(name: &str) -> Option<&'static str> {
        let last = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let mut nearest: Option<(usize, &'static str)> = None;
        for known in DatabaseZone::names() {
            let whole = strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
            let city = known.rsplit('/').next().unwrap_or(known).to_lowercase();
            let distance = whole.min(strsim::damerau_levenshtein(&city, &last));
            if nearest.is_none_or(|(least, _)| distance < least) {
                nearest = Some((distance, known));
            }
        }
        nearest.filter(|(distance, _)| *distance <= 1 + name.len() / 4).map(|(_, known)| known)
    }

    /// [`read_time`](super::read_time) in this zone.
    ///
    /// # Errors
    /// The same.
    pub fn read_time(self, text: &str, now: Timestamp) -> Result<ReadTime, TimeError> {
        match self {
            NamedZone::Local => read_time_in(text, now, &chrono::Local, Dialect::Meant),
            NamedZone::Utc => read_time_in(text, now, &chrono::Utc, Dialect::Meant),
            NamedZone::Named(zone) => read_time_in(text, now, &zone, Dialect::Meant),
        }
    }

    /// A time as graphite-web reads it, also where that is not what was meant: `12pm` is midnight there, and of an hour that comes
    /// twice it takes the second.
    ///
    /// # Errors
    /// As [`read_time`](super::read_time).
    pub fn read_graphite_time(self, text: &str, now: Timestamp) -> Result<ReadTime, TimeError> {
        match self {
            NamedZone::Local => read_time_in(text, now, &chrono::Local, Dialect::Graphite),
            NamedZone::Utc => read_time_in(text, now, &chrono::Utc, Dialect::Graphite),
            NamedZone::Named(zone) => read_time_in(text, now, &zone, Dialect::Graphite),
        }
    }

    /// A time as Grafana's URLs have it; `is_end` is for the end of a range, which `/d` rounds up.
    ///
    /// # Errors
    /// As [`read_time`](super::read_time).
    pub fn read_grafana_time(self, text: &str, now: Timestamp, is_end: bool) -> Result<ReadTime, TimeError> {
        match self {
            NamedZone::Local => read_grafana_time(text, now, &chrono::Local, is_end),
            NamedZone::Utc => read_grafana_time(text, now, &chrono::Utc, is_end),
            NamedZone::Named(zone) => read_grafana_time(text, now, &zone, is_end),
        }
    }

    /// [`WindowSpec::resolve_with_warnings`] in this zone.
    ///
    /// # Errors
    /// The same.
    pub fn resolve(self, spec: &WindowSpec, now: Timestamp, default: Window) -> Result<ResolvedWindow, WindowError> {
        match self {
            NamedZone::Local => spec.resolve_with_warnings(now, &chrono::Local, default),
            NamedZone::Utc => spec.resolve_with_warnings(now, &chrono::Utc, default),
            NamedZone::Named(zone) => spec.resolve_with_warnings(now, &zone, default),
        }
    }

    /// A time as clocks in this zone show it: `2011-11-30 14:05:00`.
    pub fn wall_clock(self, time: Timestamp) -> String {
        match self {
            NamedZone::Local => wall_clock_in(time, &chrono::Local),
            NamedZone::Utc => wall_clock_in(time, &chrono::Utc),
            NamedZone::Named(zone) => wall_clock_in(time, &zone),
        }
    }

    /// The same for people: with milliseconds if there are any, and, in an hour that comes twice since clocks are put back, how far these are
    /// from UTC: `2011-10-30 02:10:00 +01:00`.
    pub fn told_clock(self, time: Timestamp) -> String {
        let mut told = self.wall_clock(time);
        let millis = time.0.rem_euclid(1_000);
        if millis > 0 {
            told += &format!(".{millis:03}");
        }
        let comes_twice = match self {
            NamedZone::Local => comes_twice_in(time, &chrono::Local),
            NamedZone::Utc => false,
            NamedZone::Named(zone) => comes_twice_in(time, &zone),
        };
        if comes_twice {
            told += &format!(" {}", offset_words(self.east_secs(time)));
        }
        told
    }

    /// In words, with how far it is from UTC at a time: `Europe/Berlin, UTC+01:00`; this machine's is called `local`.
    pub fn words(self, time: Timestamp, local: &str) -> String {
        let name = match self {
            NamedZone::Utc => return "UTC".to_owned(),
            NamedZone::Local => local,
            NamedZone::Named(zone) => zone.name(),
        };
        format!("{name}, UTC{}", offset_words(self.east_secs(time)))
    }

    /// How far east of UTC its clocks are at `time`, in seconds.
    pub fn east_secs(self, time: Timestamp) -> i32 {
        match self {
            NamedZone::Local => east_secs_in(time, &chrono::Local),
            NamedZone::Utc => east_secs_in(time, &chrono::Utc),
            NamedZone::Named(zone) => east_secs_in(time, &zone),
        }
    }
}

fn wall_clock_in(time: Timestamp, zone: &impl TimeZone) -> String {
    match zone.timestamp_millis_opt(time.0).single() {
        Some(shown) => shown.naive_local().format("%Y-%m-%d %H:%M:%S").to_string(),
        None => time.to_string(),
    }
}

/// Whether the clocks of a zone show that time twice.
fn comes_twice_in(time: Timestamp, zone: &impl TimeZone) -> bool {
    let shown = zone.timestamp_millis_opt(time.0).single();
    shown.is_some_and(|shown| matches!(zone.from_local_datetime(&shown.naive_local()), LocalResult::Ambiguous(..)))
}

/// `+01:00`
fn offset_words(east_secs: i32) -> String {
    let (sign, size) = if east_secs < 0 { ('-', -east_secs) } else { ('+', east_secs) };
    format!("{sign}{:02}:{:02}", size / 3_600, size / 60 % 60)
}

fn east_secs_in(time: Timestamp, zone: &impl TimeZone) -> i32 {
    zone.timestamp_millis_opt(time.0).single().map_or(0, |shown| shown.offset().fix().local_minus_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_356_330_000);

    #[test]
    fn an_hour_that_comes_twice_has_its_offset() {
        let berlin = NamedZone::parse("Europe/Berlin").unwrap();
        for (at, told) in [
            (1_319_932_799_000, "2011-10-30 01:59:59"),
            (1_319_932_800_000, "2011-10-30 02:00:00 +02:00"),
            (1_319_936_399_250, "2011-10-30 02:59:59.250 +02:00"),
            (1_319_936_400_000, "2011-10-30 02:00:00 +01:00"),
            (1_319_940_000_000, "2011-10-30 03:00:00"),
            (1_301_187_600_000, "2011-03-27 03:00:00"),
        ] {
            assert_eq!(berlin.told_clock(Timestamp(at)), told);
        }
        assert_eq!(NamedZone::Utc.told_clock(Timestamp(1_319_936_400_000)), "2011-10-30 01:00:00");
    }

    #[test]
    fn zones_go_by_their_names_in_any_case() {
        for name in ["UTC", "utc", "Europe/Berlin", "america/new_york", "Etc/GMT+5", "local", "browser"] {
            assert!(NamedZone::parse(name).is_some(), "{name}");
        }
        assert_eq!(NamedZone::parse("Berlin"), None);
        assert_eq!(NamedZone::meant("Berlin"), Some("Europe/Berlin"));
        assert_eq!(NamedZone::meant("Europe/Brelin"), Some("Europe/Berlin"));
        assert_eq!(NamedZone::meant("qqqqqqqq"), None);
    }

    #[test]
    fn a_time_is_read_on_the_clocks_of_its_zone() {
        let berlin = NamedZone::parse("Europe/Berlin").unwrap();
        let read = |text| berlin.read_time(text, NOW).unwrap().time.to_string();
        assert_eq!(read("14:05_20111130"), "2011-11-30T13:05:00.000Z");
        assert_eq!(read("14:05_20110630"), "2011-06-30T12:05:00.000Z");
        assert_eq!(berlin.wall_clock(NOW), "2026-11-22 15:05:30");
        assert_eq!(berlin.east_secs(NOW), 3600);
    }

    #[test]
    fn graphite_reads_noon_and_double_hours_its_own_way() {
        let berlin = NamedZone::parse("Europe/Berlin").unwrap();
        let read = |text| berlin.read_graphite_time(text, NOW).unwrap().time.to_string();
        assert_eq!(read("12pm_20111130"), "2011-11-29T23:00:00.000Z");
        assert_eq!(read("12am_20111130"), "2011-11-30T11:00:00.000Z");
        // 02:30 came twice on that night, and not at all on the other.
        assert_eq!(read("02:30_20111030"), "2011-10-30T01:30:00.000Z");
        assert_eq!(read("02:30_20110327"), "2011-03-27T01:30:00.000Z");
    }
}
