//! Reports as tables for people.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, TableComponent};

use super::number;
use super::safe::terminal_safe;
use super::table::{Align, Column, Style, Table, Value};

/// Columns that a terminal has at least, as far as the layout is concerned.
const LEAST_WIDTH: u16 = 40;

const RULE: char = '─';

pub(super) fn write(table: &Table, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let text = layout(table, style.width).to_string();
    let totals_at = table.totals.as_ref().and_then(|_| text.lines().count().checked_sub(1));
    let mut in_header = true;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let is_rule = line.starts_with(RULE);
        in_header &= !is_rule;
        if style.colour && (in_header || totals_at == Some(index)) {
            let bold = anstyle::Style::new().bold();
            writeln!(out, "{bold}{line}{bold:#}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn layout(table: &Table, width: Option<u16>) -> comfy_table::Table {
    let mut layout = comfy_table::Table::new();
    layout.load_preset(comfy_table::presets::NOTHING);
    layout.set_style(TableComponent::HeaderLines, RULE).set_style(TableComponent::MiddleHeaderIntersections, RULE);
    match width {
        Some(width) => {
            layout.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(LEAST_WIDTH));
        }
        None => {
            layout.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    let shown = |column: &&Column| column.shown_in_table;
    layout.set_header(table.columns.iter().filter(shown).map(|column| cell(column, column.title.clone())));
    for row in table.rows.iter().chain(&table.totals) {
        let cells = table.columns.iter().zip(row).filter(|(column, _)| column.shown_in_table);
        layout.add_row(cells.map(|(column, value)| cell(column, human(value))));
    }
    for column in layout.column_iter_mut() {
        column.set_padding((0, 2));
    }
    layout
}

fn cell(column: &Column, text: String) -> Cell {
    Cell::new(text).set_alignment(match column.align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    })
}

/// A value for people. Text is always made harmless: a table is read on a terminal, if perhaps through a pager.
pub(super) fn human(value: &Value) -> String {
    match value {
        Value::Text(text) => terminal_safe(text.as_bytes()).into_owned(),
        Value::Count(n) => number::count(*n),
        Value::Millis(n) => number::millis(*n),
        Value::Bytes(n) => number::bytes(*n),
        Value::Share(share) if share.is_finite() => format!("{:.1} %", share * 100.0),
        Value::Number(n) if n.is_finite() => format!("{n:.3}"),
        Value::Time(time) => time.to_string(),
        Value::List(values) => values.iter().map(human).collect::<Vec<_>>().join(", "),
        Value::MillisHeldBack(_) | Value::Share(_) | Value::Number(_) | Value::Null => "-".to_owned(),
    }
}
