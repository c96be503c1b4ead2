//! Reports as tables for people.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableComponent};

use super::number;
use super::safe::terminal_safe;
use super::table::{Align, Column, Style, Table, Value};

/// Columns that a terminal has at least, as far as the layout is concerned.
const LEAST_WIDTH: u16 = 40;

/// Of a text that is longer, at least so many characters stand on one line before other columns yield.
const LEAST_TEXT: usize = 20;

/// Blanks after a column: one of padding, and the one that the layout has in place of a vertical line.
const GAP: u16 = 2;

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
    let shown = shown_columns(table, width);
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
    layout.set_header(shown.iter().map(|(_, column)| cell(column, column.title.clone())));
    for row in table.rows.iter().chain(&table.totals) {
        layout.add_row(shown.iter().map(|&(index, column)| cell(column, row.get(index).map_or(String::new(), human))));
    }
    for (&(_, column), laid_out) in shown.iter().zip(layout.column_iter_mut()) {
        laid_out.set_padding((0, GAP - 1));
        // Text may be broken over lines, a number and its unit never.
        if column.align == Align::Right {
            laid_out.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    layout
}

/// The columns that fit, each with its index in a row. Of a text at least [`LEAST_TEXT`] stand side by side.
fn shown_columns(table: &Table, width: Option<u16>) -> Vec<(usize, &Column)> {
    let mut shown: Vec<_> = table.columns.iter().enumerate().filter(|(_, column)| column.shown_in_table).collect();
    let Some(width) = width else { return shown };
    let widest = |&(index, column): &(usize, &Column)| {
        let cells = table.rows.iter().chain(&table.totals).filter_map(|row| row.get(index));
        let content = cells.map(|value| human(value).chars().count()).max().unwrap_or(0);
        let content = content.max(column.title.chars().count());
        usize::from(GAP) + if column.align == Align::Left { content.min(LEAST_TEXT) } else { content }
    };
    let mut widths: Vec<usize> = shown.iter().map(widest).collect();
    while widths.iter().sum::<usize>() > usize::from(width.max(LEAST_WIDTH)) {
        let yielding = shown.iter().enumerate().filter(|(_, (_, column))| column.yields > 0);
        let Some((at, _)) = yielding.max_by_key(|(_, (_, column))| column.yields) else { break };
        shown.remove(at);
        widths.remove(at);
    }
    shown
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
