//! Reports as JSON: one object with an envelope, or one object a row.
//!
//! ```text
//! {"schema":1,"from":"2011-11-30T14:05:00.000Z"|null,"until":..|null,"complete":true,"missing":[..],"rows":[{..},..]}
//! ```

use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};

use super::table::{Style, Table, Value, for_output};
use crate::time::Timestamp;

/// The version of every JSON report's shape: it grows when a field changes its meaning or goes, not when one is added.
const SCHEMA: u64 = 1;

pub(super) fn write(table: &Table, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let bound = |time: Option<Timestamp>| {
        let bounded = time.filter(|time| !matches!(time.0, i64::MIN | i64::MAX));
        bounded.map_or(Json::Null, |time| Json::from(time.to_string()))
    };
    write!(
        out,
        "{{\"schema\":{SCHEMA},\"from\":{},\"until\":{},\"complete\":{},\"missing\":{},\"rows\":[",
        bound(table.window.map(|window| window.from)),
        bound(table.window.map(|window| window.until)),
        table.missing.is_empty(),
        json!(table.missing),
    )?;
    for (index, row) in table.rows.iter().enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &object(table, row, style))?;
    }
    out.write_all(b"\n]}\n")
}

pub(super) fn write_lines(table: &Table, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for row in &table.rows {
        serde_json::to_writer(&mut *out, &object(table, row, style))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn object(table: &Table, row: &[Value], style: Style) -> Json {
    let fields = table.columns.iter().zip(row).map(|(column, value)| (column.name.clone(), to_json(value, style)));
    Json::Object(Map::from_iter(fields))
}

fn to_json(value: &Value, style: Style) -> Json {
    match value {
        Value::Text(text) => Json::from(for_output(text, style.terminal)),
        Value::Count(n) | Value::Millis(n) | Value::MillisHeldBack(n) | Value::Bytes(n) => Json::from(*n),
        // A number that is not finite has no form in JSON; it becomes null.
        Value::Share(n) | Value::Number(n) => Json::from(*n),
        Value::Time(time) => Json::from(time.to_string()),
        Value::List(values) => values.iter().map(|value| to_json(value, style)).collect(),
        Value::Null => Json::Null,
    }
}
