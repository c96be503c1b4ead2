//! One parsed request as `records` gives it: the same fields for every log, then the log's own variables.
//!
//! ```text
//! {"file":"access.log","line":1,"offset":0,"length":187,"start":1322661907.123,"end":1322661907.3,"route":"api.__id",
//!  "method":"GET","target":"/api/7?x","protocol":"HTTP/1.1","status":200,
//!  "remote_addr":"10.0.0.1","request_time":0.177,"upstream_response_time":[[0.1,null],[0.07]],..}
//! ```
//!
//! The first eleven are those of [`RequestRecord`]. A variable has its name without `$`, and its value as the log has it, in
//! the log's own unit: numbers as numbers, what is no number as text, and what nginx logs for each upstream as a list by
//! redirect of lists by attempt (null for `-`). A variable that another log of the same command has is null.
//!
//! `--format json` puts the records into one object, `{"schema":1,"records":[..]}`; jsonl is one object a line. CSV has the
//! same fields as columns, numbers and lists as in JSON.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Number;

use super::number::EpochSeconds;
use crate::grammar::{Escape, Format, VariableKind};
use crate::record::{Record, RecordValues, unescape, upstream_list};

/// A parsed request; borrowed from its line, and written without a copy of it.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct RequestRecord<'r> {
    /// The log as it was named.
    pub file: Option<&'r str>,
    /// The line, counted from 1; of a record of several lines the first.
    pub line: Option<u64>,
    /// Where it begins, in uncompressed bytes.
    pub offset: u64,
    /// Its length in bytes, without the newline.
    pub length: usize,
    /// When the request came: its end less its time. Seconds since 1970.
    pub start: EpochSeconds,
    /// When it ended, as logged.
    pub end: EpochSeconds,
    /// Its route's name.
    pub route: Option<&'r str>,
    /// `$request_method`, also where the log has it in `$request` only. Null if it is empty.
    pub method: Option<LogText<'r>>,
    /// The request target with its query, as the client sent it.
    pub target: Option<LogText<'r>>,
    /// `HTTP/1.1`
    pub protocol: Option<LogText<'r>>,
    /// `$status`
    pub status: Option<u16>,
    /// All variables of the log.
    #[serde(flatten)]
    pub variables: LoggedVariables<'r>,
}

impl<'r> RequestRecord<'r> {
    /// The fields that a record itself tells, and its variables; where it stands is for the caller.
    pub fn new(record: &Record<'r>, variables: LoggedVariables<'r>) -> RequestRecord<'r> {
        let text = |raw: &'r [u8]| (!raw.is_empty()).then_some(LogText { raw, escape: variables.escape });
        RequestRecord {
            start: EpochSeconds(record.start()),
            end: EpochSeconds(record.end),
            method: text(record.method),
            target: text(record.target),
            protocol: text(record.protocol),
            status: record.status,
            variables,
            ..RequestRecord::default()
        }
    }

    /// The names of the fields that every record has. A variable of such a name is not repeated.
    pub fn own_fields() -> Vec<String> {
        let record = serde_json::to_value(RequestRecord::default());
        let fields = record.ok().and_then(|record| Some(record.as_object()?.keys().cloned().collect()));
        fields.unwrap_or_default()
    }
}

/// Text of a log, whose escapes are undone when it is written. What is no UTF-8 in it becomes U+FFFD.
#[derive(Debug, Clone, Copy)]
pub struct LogText<'r> {
    raw: &'r [u8],
    escape: Escape,
}

impl Serialize for LogText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&unescape(self.raw, self.escape)))
    }
}

/// A column of records: a variable, and where one log's lines have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableColumn {
    name: String,
    /// Its index in the format, and what its values look like; nothing if the format has it not.
    found: Option<(usize, VariableKind)>,
}

impl VariableColumn {
    /// The column of the variable `name` (without `$`) for lines of a format.
    pub fn new(name: &str, format: &Format) -> VariableColumn {
        let index = format.index_of(name);
        let found = index.and_then(|index| Some((index, format.variables().get(index)?.kind)));
        VariableColumn { name: name.to_owned(), found }
    }
}

/// The variables of one line: serialised as a field for each column.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoggedVariables<'r> {
    /// The columns, as this line's log has them.
    pub columns: &'r [VariableColumn],
    /// The line's values; without them all are null.
    pub values: Option<RecordValues<'r>>,
    /// How the log is escaped.
    pub escape: Escape,
}

impl LoggedVariables<'_> {
    fn value(&self, column: &VariableColumn) -> Option<LoggedValue<'_>> {
        let (index, kind) = column.found?;
        let raw = self.values?.value(index)?;
        Some(LoggedValue { text: LogText { raw, escape: self.escape }, kind })
    }
}

impl Serialize for LoggedVariables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            fields.serialize_entry(&column.name, &self.value(column))?;
        }
        fields.end()
    }
}

/// A variable's value, read by its kind.
struct LoggedValue<'r> {
    text: LogText<'r>,
    kind: VariableKind,
}

impl Serialize for LoggedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind {
            VariableKind::UpstreamSeconds | VariableKind::UpstreamInts | VariableKind::UpstreamAddrs => {
                let redirects = upstream_list(self.text.raw);
                let mut list = serializer.serialize_seq(Some(redirects.len()))?;
                for attempts in redirects {
                    list.serialize_element(&AttemptList { attempts, of: self })?;
                }
                list.end()
            }
            VariableKind::Seconds
            | VariableKind::Msec
            | VariableKind::Status
            | VariableKind::Integer
            | VariableKind::Port
            | VariableKind::Decimal => NumberOrText(self.text).serialize(serializer),
            _ => self.text.serialize(serializer),
        }
    }
}

/// What nginx logged of the attempts between two redirects.
struct AttemptList<'r> {
    attempts: Vec<Option<&'r [u8]>>,
    of: &'r LoggedValue<'r>,
}

impl Serialize for AttemptList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.attempts.len()))?;
        for attempt in &self.attempts {
            let text = attempt.map(|raw| LogText { raw, escape: self.of.text.escape });
            if self.of.kind == VariableKind::UpstreamAddrs {
                list.serialize_element(&text)?;
            } else {
                list.serialize_element(&text.map(NumberOrText))?;
            }
        }
        list.end()
    }
}

/// A number if it reads as one in JSON, else text.
struct NumberOrText<'r>(LogText<'r>);

impl Serialize for NumberOrText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0.raw).map(str::parse::<Number>) {
            Ok(Ok(number)) => number.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::write_json;

    fn json(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write_json(value, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn logged(raw: &str, kind: VariableKind) -> String {
        json(&LoggedValue { text: LogText { raw: raw.as_bytes(), escape: Escape::Default }, kind })
    }

    #[test]
    fn the_names_that_scripts_rely_on() {
        let names =
            ["file", "line", "offset", "length", "start", "end", "route", "method", "target", "protocol", "status"];
        assert_eq!(RequestRecord::own_fields(), names);
    }

    #[test]
    fn values_stand_as_the_log_has_them() {
        for (raw, kind, expected) in [
            ("0.100", VariableKind::Seconds, "0.1"),
            ("12", VariableKind::Integer, "12"),
            ("007", VariableKind::Integer, "\"007\""),
            ("-", VariableKind::Decimal, "\"-\""),
            ("0.1, - : 0.25", VariableKind::UpstreamSeconds, "[[0.1,null],[0.25]]"),
            ("10.0.0.1:80, unix:/s", VariableKind::UpstreamAddrs, "[[\"10.0.0.1:80\",\"unix:/s\"]]"),
            ("a\\x22b", VariableKind::UpstreamAddrs, "[[\"a\\\"b\"]]"),
        ] {
            assert_eq!(logged(raw, kind), expected, "{raw}");
        }
    }

    #[test]
    fn a_variable_that_the_log_has_not_is_null() {
        let columns = [VariableColumn { name: "upstream_addr".to_owned(), found: None }];
        let variables = LoggedVariables { columns: &columns, ..LoggedVariables::default() };
        assert_eq!(json(&variables), "{\"upstream_addr\":null}");
    }
}
