//! A report as plain data: columns, rows of values, and what the whole rests on.

use std::borrow::Cow;
use std::str::FromStr;

use super::safe::terminal_safe;
use crate::time::{Timestamp, Window};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// One object with `schema`, the window and `rows`.
    Json,
    /// One object a row.
    Jsonl,
    /// RFC 4180 with a header.
    Csv,
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<OutputFormat, String> {
        match text {
            "table" => Ok(OutputFormat::Table),
            "json" => Ok(OutputFormat::Json),
            "jsonl" => Ok(OutputFormat::Jsonl),
            "csv" => Ok(OutputFormat::Csv),
            other => Err(format!("`{other}` is none of table, json, jsonl, csv")),
        }
    }
}

/// Where a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether escapes for bold may be used (a terminal, and no `NO_COLOR`).
    pub colour: bool,
    /// The terminal's width in columns; none means as wide as needed.
    pub width: Option<u16>,
    /// Whether a terminal shows the output: then text is made harmless in every form, not in the table form only.
    pub terminal: bool,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, possibly a stranger's.
    Text(String),
    /// A whole number of things.
    Count(u64),
    /// Milliseconds.
    Millis(u64),
    /// Milliseconds that rest on too few samples to be shown to people; programs get them.
    MillisHeldBack(u64),
    /// Bytes.
    Bytes(u64),
    /// A share of a whole, 0 to 1; people get per cent.
    Share(f64),
    /// Any other number.
    Number(f64),
    /// A point in time.
    Time(Timestamp),
    /// Several values; in CSV they are lines of one cell.
    List(Vec<Value>),
    /// Nothing known.
    Null,
}

impl Value {
    /// `Millis`, or `Null` for none.
    pub fn millis(millis: Option<u64>) -> Value {
        millis.map_or(Value::Null, Value::Millis)
    }
}

/// On which side of its column a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The unit of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// None: text, shares.
    None,
    /// Things counted.
    Count,
    /// Milliseconds.
    Millis,
    /// Bytes.
    Bytes,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name in JSON and CSV, with the unit: `p99_ms`. Scripts rely on it.
    pub name: String,
    /// The heading in the table form, where the values show their unit: `p99`.
    pub title: String,
    /// The unit.
    pub unit: Unit,
    /// The side.
    pub align: Align,
    /// Whether the table form shows it.
    pub shown_in_table: bool,
    /// On a terminal that is too narrow columns are left out, the highest number first; 0 stays.
    pub yields: u8,
}

impl Column {
    /// A column of text, on the left.
    pub fn text(name: impl Into<String>) -> Column {
        let name = name.into();
        Column { title: name.clone(), name, unit: Unit::None, align: Align::Left, shown_in_table: true, yields: 0 }
    }

    /// A column of numbers, on the right; its title is the name without `_ms` or `_bytes`.
    pub fn number(name: impl Into<String>, unit: Unit) -> Column {
        let name = name.into();
        let title = name.strip_suffix("_ms").or(name.strip_suffix("_bytes")).unwrap_or(&name).to_owned();
        Column { title, name, unit, align: Align::Right, shown_in_table: true, yields: 0 }
    }

    /// The same column with another title.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Column {
        Column { title: title.into(), ..self }
    }

    /// The same column, left out on a narrow terminal before those that yield less.
    #[must_use]
    pub fn yielding(self, yields: u8) -> Column {
        Column { yields, ..self }
    }

    /// The same column, only for programs.
    #[must_use]
    pub fn hidden(self) -> Column {
        Column { shown_in_table: false, ..self }
    }
}

/// A report. Every row has a value for every column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub rows: Vec<Vec<Value>>,
    /// A row that sums up the others, in the table form only.
    pub totals: Option<Vec<Value>>,
    /// The window that the report is about.
    pub window: Option<Window>,
    /// What the report lacks, and why; empty if it is complete. In JSON as `missing`; the caller says it on stderr too.
    pub missing: Vec<String>,
}

/// Text for an output: harmless on a terminal, unchanged elsewhere.
pub(super) fn for_output(text: &str, terminal: bool) -> Cow<'_, str> {
    if terminal { terminal_safe(text.as_bytes()) } else { Cow::Borrowed(text) }
}
