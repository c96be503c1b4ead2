//! Times as the page shows them, in the viewer's zone.

use chrono::{Local, Offset, TimeZone};
use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::report::picture::{Heatmap, PictureTable, TimeTick, time_ticks};
use crate::time::{Timestamp, Window, WindowSpec};

/// The zone that times are shown and read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageZone {
    /// This machine's.
    Local,
    /// One of the zone database; a browser names its own.
    Named(Tz),
}

impl PageZone {
    /// The zone of that name; this machine's without one.
    ///
    /// # Errors
    /// There is no such zone.
    pub(super) fn named(name: Option<&str>) -> Result<PageZone> {
        match name.map(str::trim) {
            None | Some("local" | "") => Ok(PageZone::Local),
            Some(name) => match Tz::from_str_insensitive(name) {
                Ok(zone) => Ok(PageZone::Named(zone)),
                Err(_) => Err(Error::usage(format!("there is no time zone `{name}`"))
                    .remedy("a name of the zone database, such as tz=Europe/Berlin or tz=UTC")),
            },
        }
    }

    /// The window that these words mean.
    ///
    /// # Errors
    /// They mean none.
    pub(super) fn resolve(self, spec: &WindowSpec, now: Timestamp, default: Window) -> Result<Window> {
        let resolved = match self {
            PageZone::Local => spec.resolve(now, &Local, default),
            PageZone::Named(zone) => spec.resolve(now, &zone, default),
        };
        resolved.map_err(|error| {
            let usage = Error::usage(error.what);
            match error.remedy {
                Some(remedy) => usage.remedy(remedy),
                None => usage,
            }
        })
    }

    /// Ticks of an axis.
    pub(super) fn ticks(self, window: Window, most: usize) -> Vec<TimeTick> {
        match self {
            PageZone::Local => time_ticks(window, most, &Local),
            PageZone::Named(zone) => time_ticks(window, most, &zone),
        }
    }

    /// A heatmap's table.
    pub(super) fn table(self, heatmap: &Heatmap<'_>) -> PictureTable {
        match self {
            PageZone::Local => heatmap.table(&Local),
            PageZone::Named(zone) => heatmap.table(&zone),
        }
    }

    /// A time to the millisecond: `2011-11-30 14:05:20.123`.
    pub(super) fn moment(self, time: Timestamp) -> String {
        match self {
            PageZone::Local => shown(time, &Local, "%Y-%m-%d %H:%M:%S%.3f"),
            PageZone::Named(zone) => shown(time, &zone, "%Y-%m-%d %H:%M:%S%.3f"),
        }
    }

    /// A time to the second, for titles.
    pub(super) fn second(self, time: Timestamp) -> String {
        match self {
            PageZone::Local => shown(time, &Local, "%Y-%m-%d %H:%M:%S"),
            PageZone::Named(zone) => shown(time, &zone, "%Y-%m-%d %H:%M:%S"),
        }
    }

    /// The zone in words, with how far it is from UTC at a time: `Europe/Berlin, UTC+01:00`.
    pub(super) fn words(self, time: Timestamp) -> String {
        let (name, east) = match self {
            PageZone::Local => ("this server's zone".to_owned(), east_of(time, &Local)),
            PageZone::Named(Tz::UTC) => return "UTC".to_owned(),
            PageZone::Named(zone) => (zone.name().to_owned(), east_of(time, &zone)),
        };
        let (sign, east) = if east < 0 { ('-', -east) } else { ('+', east) };
        format!("{name}, UTC{sign}{:02}:{:02}", east / 3_600, east / 60 % 60)
    }
}

/// How many seconds the clocks of a zone are ahead of UTC.
fn east_of<Z: TimeZone>(time: Timestamp, zone: &Z) -> i32 {
    zone.timestamp_millis_opt(time.0).single().map_or(0, |shown| shown.offset().fix().local_minus_utc())
}

fn shown<Z: TimeZone>(time: Timestamp, zone: &Z, format: &str) -> String {
    match zone.timestamp_millis_opt(time.0).single() {
        Some(shown) => shown.naive_local().format(format).to_string(),
        None => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_viewers_clock() {
        let time = Timestamp(1_322_661_910_123);
        let berlin = PageZone::named(Some("europe/berlin")).unwrap();
        assert_eq!(berlin.moment(time), "2011-11-30 15:05:10.123");
        assert_eq!(berlin.words(time), "Europe/Berlin, UTC+01:00");
        assert_eq!(PageZone::named(Some("UTC")).unwrap().words(time), "UTC");
        assert_eq!(PageZone::named(Some("America/St_Johns")).unwrap().words(time), "America/St_Johns, UTC-03:30");
        assert!(PageZone::named(Some("Berlin")).is_err());
    }
}
