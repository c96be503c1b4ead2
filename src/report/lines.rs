//! A raw line as `lines` gives it to programs: what is known of its request, where it stands, and itself.
//!
//! ```text
//! {"start":1322661841.0,"end":1322661907.123,"request_time_ms":66123,"in_window":"ended","route":"api.__id","status":200,
//!  "upstream_response_time_ms":66100,"kept":"threshold slowest","file":"/var/log/nginx/access.log","offset":4711,
//!  "length":187,"line":"10.0.0.1 - - [30/Nov/2011:14:05:07 +0000] .."}
//! ```
//!
//! In JSON the fields follow that `records` gives: `"method":"GET","target":"/api/7","remote_addr":"10.0.0.1",..`. People get the raw
//! line alone.

use serde::Serialize;

use super::number::EpochSeconds;
use super::records::RequestRecord;

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
    /// What `records` gives of it beside that, in JSON: method, target, protocol, every variable of its format.
    #[serde(flatten)]
    pub fields: ParsedFields,
}

/// The fields of a line by name; none where its format is not known, or in a table of columns.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct ParsedFields(pub serde_json::Map<String, serde_json::Value>);

impl ParsedFields {
    /// Those of a record, but for what a row has under the same name.
    pub fn of_record(record: &RequestRecord<'_>) -> ParsedFields {
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(record) else {
            return ParsedFields::default();
        };
        let own = serde_json::to_value(LineRow::default());
        if let Ok(serde_json::Value::Object(own)) = own {
            fields.retain(|name, _| !own.contains_key(name));
        }
        ParsedFields(fields)
    }
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
