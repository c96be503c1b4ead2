//! Reports as tables for people.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableComponent};

use super::form::Style;
use super::rows::{Align, Heading, Report, ReportRow};
use super::terminal_safe::terminal_safe;

/// Columns that a terminal has at least, as far as the layout is concerned.
const LEAST_WIDTH: u16 = 40;

/// Of a text that is longer, at least so many characters stand on one line before other columns yield.
const LEAST_TEXT: usize = 20;

/// Blanks after a column: one of padding, and the one that the layout has in place of a vertical line.
const GAP: u16 = 2;

const RULE: char = '─';

/// A report laid out for people: the headings, and under each a cell of every row.
struct Sheet {
    headings: Vec<Heading>,
    rows: Vec<Vec<String>>,
    has_totals: bool,
}

impl Sheet {
    /// Text is always made harmless: a table is read on a terminal, if perhaps through a pager.
    fn new<R: ReportRow>(report: &Report<R>) -> Sheet {
        let mut rows: Vec<Vec<String>> = report.rows.iter().map(safe_cells).collect();
        let totals = report.totals.as_ref().map(safe_cells);
        for name in rows.iter_mut().filter_map(|row| row.first_mut()) {
            quote_if_totals(name, totals.as_deref().and_then(<[String]>::first));
        }
        rows.extend(totals);
        Sheet { headings: report.blank.headings(), rows, has_totals: report.totals.is_some() }
    }

    /// The columns that fit, as their places. Of a text at least [`LEAST_TEXT`] stand side by side.
    fn columns_that_fit(&self, width: Option<u16>) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.headings.len()).collect();
        let Some(width) = width else { return shown };
        let most = usize::from(width.max(LEAST_WIDTH));
        let widths: Vec<usize> =
            self.headings.iter().enumerate().map(|(at, heading)| self.width_of(at, heading)).collect();
        while shown.iter().filter_map(|&at| widths.get(at)).sum::<usize>() > most {
            let yields = |&at: &usize| self.headings.get(at).map_or(0, |heading| heading.yields);
            let Some(first) = shown.iter().copied().filter(|at| yields(at) > 0).max_by_key(yields) else { break };
            shown.retain(|&at| at != first);
        }
        shown
    }

    fn width_of(&self, at: usize, heading: &Heading) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        let widest = cells.chain([&heading.title]).map(|text| text.chars().count()).max().unwrap_or(0);
        usize::from(GAP) + if heading.align == Align::Left { widest.min(LEAST_TEXT) } else { widest }
    }

    fn lay_out(&self, width: Option<u16>) -> comfy_table::Table {
        let shown = self.columns_that_fit(width);
        let headings: Vec<&Heading> = shown.iter().filter_map(|&at| self.headings.get(at)).collect();
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
        layout.set_header(headings.iter().map(|heading| aligned(heading, &heading.title)));
        for row in &self.rows {
            let cells = shown.iter().map(|&at| row.get(at).map_or("", String::as_str));
            layout.add_row(headings.iter().zip(cells).map(|(heading, text)| aligned(heading, text)));
        }
        for (heading, column) in headings.iter().zip(layout.column_iter_mut()) {
            column.set_padding((0, GAP - 1));
            // Text may be broken over lines, a number and its unit never.
            if heading.align == Align::Right {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        layout
    }
}

pub(super) fn write<R: ReportRow>(report: &Report<R>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let sheet = Sheet::new(report);
    let text = sheet.lay_out(style.width).to_string();
    let totals_at = if sheet.has_totals { text.lines().count().checked_sub(1) } else { None };
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

/// Puts a row's name into quotes if it reads as that of the totals, as a client or user that is called `all` would.
fn quote_if_totals(name: &mut String, totals: Option<&String>) {
    if totals.is_some_and(|totals| name.trim_matches('"') == totals) {
        *name = format!("\"{name}\"");
    }
}

fn safe_cells<R: ReportRow>(row: &R) -> Vec<String> {
    let mut cells = row.cells();
    for cell in &mut cells {
        if let Cow::Owned(safe) = terminal_safe(cell.as_bytes()) {
            *cell = safe;
        }
    }
    cells
}

fn aligned(heading: &Heading, text: &str) -> Cell {
    Cell::new(text).set_alignment(match heading.align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    })
}
