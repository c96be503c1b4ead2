//! Points in time, half-open windows of it, and the clock, all in whole milliseconds since the epoch (UTC).
//!
//! ```text
//! Timestamp, Window         what all layers count by; windows are [from, until), so that neighbours share no request
//!   zone                    the zone of times that name none: this machine's, or one by its name
//!     database              the zone database
//!   window_spec             --from, --until, --since, --at, --window to one window
//!     point/                a time as people write it: Graphite's, Grafana's, ISO 8601, nginx's
//!     duration              10s, 2min, 1h30m, and back
//!       expected            the parse error of both: what was expected, and where
//! ```
//!
//! Milliseconds since nginx logs no finer (`$msec`, `$request_time`). A time zone matters only while a text is read: what
//! is stored or compared is UTC. The present comes from a [`Clock`], so that tests do not wait.

mod database;
mod duration;
mod expected;
mod point;
mod window_spec;
mod zone;

pub use database::{DatabaseOffset, DatabaseZone};
pub use duration::{DurationError, SpelledDuration, parse_duration};
pub(crate) use point::local_instant;
pub use point::{ReadTime, TimeError, read_time};
pub use window_spec::{ResolvedWindow, WindowError, WindowSpec};
pub use zone::NamedZone;

use std::fmt;
use std::time::Duration;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Timestamp {
        Timestamp(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time plus `millis` (which may be negative), saturating.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(millis))
    }

    /// This time plus `span`, saturating.
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        self.plus_millis(whole_millis(span))
    }

    /// This time less `span`, saturating.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(whole_millis(span)))
    }

    /// The start of the interval of `interval` length, aligned to the epoch, that this time falls in.
    #[must_use]
    pub fn slot(self, interval: Duration) -> Timestamp {
        let length = whole_millis(interval).max(1);
        Timestamp(self.0.div_euclid(length).saturating_mul(length))
    }
}

/// The whole milliseconds of a span; of one that is longer than all of time, as many as there are.
fn whole_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with milliseconds: `2011-11-30T14:05:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp_millis(self.0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A half-open span of time, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first millisecond inside.
    pub from: Timestamp,
    /// The first millisecond after it.
    pub until: Timestamp,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window { from: Timestamp(i64::MIN), until: Timestamp(i64::MAX) };

    /// Whether `time` lies inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }

    /// Whether something that ran over `[start, end]` (both inclusive: a request of 0 ms has start = end) was in
    /// flight at some time inside this window.
    pub fn overlaps(&self, start: Timestamp, end: Timestamp) -> bool {
        start < self.until && end >= self.from
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.from, self.until)
    }
}

/// Where "now" comes from; tests bring their own.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(chrono::Utc::now().timestamp_millis())
    }
}
