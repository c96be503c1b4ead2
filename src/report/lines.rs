//! A raw line as `lines` gives it to programs: what is known of its request, where it stands, and itself.
//!
//! ```text
//! {"start":1322661841.0,"end":1322661907.123,"request_time_ms":66123,"in_window":"ended","route":"api.__id","status":200,
//!  "upstream_response_time_ms":66100,"kept":"threshold slowest","file":"/var/log/nginx/access.log","offset":4711,
//!  "length":187,"line":"10.0.0.1 - - [30/Nov/2011:14:05:07 +0000] .."}
//! ```
//!
//! People get the raw line alone.

use serde::Serialize;

use super::number::EpochSeconds;

/// A raw line with its request.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LineRow {
    /// When the request came: its end less its time. Seconds since 1970.
    pub start: EpochSeconds,
    /// When it ended, as logged.
    pub end: EpochSeconds,
    /// How long it took; null where its log does not say.
    pub request_time_ms: Option<u64>,
    /// How it lies to the window.
    pub in_window: InWindow,
    /// Its route's name.
    pub route: String,
    /// `$status`; null without one.
    pub status: Option<u16>,
    /// The sum of `$upstream_response_time`; null if no upstream was asked.
    pub upstream_response_time_ms: Option<u64>,
    /// Why the index keeps it, words with blanks between: `threshold`, `error`, `slowest`. Empty where it was read from a log.
    pub kept: String,
    /// The log.
    pub file: String,
    /// Where the line begins, in uncompressed bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u32,
    /// The line; null if it is gone.
    pub line: Option<String>,
}

/// How a request lies to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InWindow {
    /// It began and ended in it.
    #[default]
    Inside,
    /// It began in it, and ended after it.
    Started,
    /// It ended in it, and began before it.
    Ended,
    /// It began before it and ended after it.
    Spanning,
}
