//! Reports as CSV (RFC 4180, with a header; an unknown value is an empty field).
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula, and log content is
//! written by strangers. Such a *text* gets a `'` before it, which spreadsheets hide and programs can strip; numbers are
//! left alone. (OWASP, "CSV Injection".)

use std::borrow::Cow;
use std::io::{self, Write};

use super::table::{Style, Table, Value, for_output};

pub(super) fn write(table: &Table, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(table.columns.iter().map(|column| neutral(Cow::Borrowed(&column.name)).into_owned()))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|value| field(value, style)))?;
    }
    writer.flush()
}

fn field(value: &Value, style: Style) -> String {
    match value {
        Value::Text(text) => neutral(for_output(text, style.terminal)).into_owned(),
        Value::Count(n) | Value::Millis(n) | Value::MillisHeldBack(n) | Value::Bytes(n) => n.to_string(),
        Value::Share(n) | Value::Number(n) if n.is_finite() => n.to_string(),
        Value::Share(_) | Value::Number(_) | Value::Null => String::new(),
        Value::Time(time) => time.to_string(),
        Value::List(values) => values.iter().map(|value| field(value, style)).collect::<Vec<_>>().join("\n"),
    }
}

/// The text, with a `'` before it if a spreadsheet would run it.
pub fn neutral(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { Cow::Owned(format!("'{text}")) } else { text }
}
