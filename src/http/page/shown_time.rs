//! Times as the page shows them, in the viewer's zone.

use chrono::{Local, TimeZone, Utc};

use crate::error::{Error, Result};
pub(super) use crate::report::picture::{zone_table as table, zone_ticks as ticks};
use crate::time::{NamedZone, Timestamp, Window, WindowSpec};

/// The zone of that name, which a browser says; this machine's without one.
///
/// # Errors
/// There is no such zone.
pub(super) fn zone_named(name: Option<&str>) -> Result<NamedZone> {
    let Some(name) = name else { return Ok(NamedZone::Local) };
    NamedZone::parse(name).ok_or_else(|| {
        let unknown = Error::usage(format!("there is no time zone `{name}`"));
        match NamedZone::meant(name) {
            Some(meant) => unknown.remedy(format!("did you mean tz={meant}?")),
            None => unknown.remedy("a name of the zone database, such as tz=Europe/Berlin or tz=UTC"),
        }
    })
}

/// The window that these words mean.
///
/// # Errors
/// They mean none.
pub(super) fn resolve(zone: NamedZone, spec: &WindowSpec, now: Timestamp, default: Window) -> Result<Window> {
    let resolved = zone.resolve(spec, now, default).map_err(|error| {
        let usage = Error::usage(error.what);
        match error.remedy {
            Some(remedy) => usage.remedy(remedy),
            None => usage,
        }
    })?;
    Ok(resolved.window)
}

/// A time to the millisecond: `2011-11-30 14:05:20.123`.
pub(super) fn moment(zone: NamedZone, time: Timestamp) -> String {
    match zone {
        NamedZone::Local => shown(time, &Local),
        NamedZone::Utc => shown(time, &Utc),
        NamedZone::Named(zone) => shown(time, &zone),
    }
}

/// The zone in words, with how far it is from UTC at a time: `Europe/Berlin, UTC+01:00`.
pub(super) fn zone_words(zone: NamedZone, time: Timestamp) -> String {
    zone.words(time, "this server's zone")
}

fn shown<Z: TimeZone>(time: Timestamp, zone: &Z) -> String {
    match zone.timestamp_millis_opt(time.0).single() {
        Some(shown) => shown.naive_local().format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_viewers_clock() {
        let time = Timestamp(1_322_661_910_123);
        let berlin = zone_named(Some("europe/berlin")).unwrap();
        assert_eq!(moment(berlin, time), "2011-11-30 15:05:10.123");
        assert_eq!(zone_words(berlin, time), "Europe/Berlin, UTC+01:00");
        assert_eq!(zone_words(zone_named(Some("UTC")).unwrap(), time), "UTC");
        let newfoundland = zone_named(Some("America/St_Johns")).unwrap();
        assert_eq!(zone_words(newfoundland, time), "America/St_Johns, UTC-03:30");
        assert!(zone_named(Some("Berlin")).unwrap_err().to_string().contains("Europe/Berlin"));
    }
}
