//! Rows as an HTML table: every column, text on the left, numbers on the right, a bar for the part that a row is of all.

use std::fmt::Write;

use super::{TEXT_CHARACTERS, safe_text};
use crate::report::rows::{Align, Heading, Report, ReportRow};

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HtmlTable {
    /// What it is of.
    pub caption: String,
    /// What stands above each column.
    pub headings: Vec<Heading>,
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
    /// Whether the last row sums up the others.
    pub has_totals: bool,
    /// The column that has a bar in each row, and how long that is, 0 to 1.
    pub bars: Option<TableBars>,
    /// Rows that something is wrong with.
    pub wrong: Vec<usize>,
}

/// Bars in the cells of a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableBars {
    /// Which column.
    pub column: usize,
    /// Of each row.
    pub parts: Vec<f64>,
}

impl HtmlTable {
    /// Without rows.
    pub fn new(caption: &str, headings: Vec<Heading>) -> HtmlTable {
        HtmlTable { caption: caption.to_owned(), headings, ..HtmlTable::default() }
    }

    /// The rows of a report.
    pub fn of_report<R: ReportRow>(caption: &str, report: &Report<R>) -> HtmlTable {
        let rows = report.rows.iter().chain(&report.totals).map(ReportRow::cells).collect();
        let has_totals = report.totals.is_some();
        HtmlTable { rows, has_totals, ..HtmlTable::new(caption, report.blank.headings()) }
    }

    /// Appends it.
    pub(super) fn write(&self, html: &mut String) {
        html.push_str("<div class=\"table\"><table>");
        push(html, format_args!("<caption>{}</caption><thead><tr>", safe_text(&self.caption, TEXT_CHARACTERS)));
        for heading in &self.headings {
            let title = safe_text(&heading.title, TEXT_CHARACTERS);
            push(html, format_args!("<th scope=\"col\"{}>{title}</th>", class_of(heading)));
        }
        html.push_str("</tr></thead><tbody>");
        for (at, row) in self.rows.iter().enumerate() {
            let is_totals = self.has_totals && at + 1 == self.rows.len();
            html.push_str(match (is_totals, self.wrong.contains(&at)) {
                (true, _) => "<tr class=\"totals\">",
                (false, true) => "<tr class=\"wrong\">",
                (false, false) => "<tr>",
            });
            for (column, (heading, cell)) in self.headings.iter().zip(row).enumerate() {
                let (class, cell) = (class_of(heading), safe_text(cell, TEXT_CHARACTERS));
                let bar = self.bar(at, column).filter(|_| !is_totals).unwrap_or_default();
                match column {
                    0 => push(html, format_args!("<th scope=\"row\"{class}>{cell}{bar}</th>")),
                    _ => push(html, format_args!("<td{class}>{cell}{bar}</td>")),
                }
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>\n");
    }

    fn bar(&self, row: usize, column: usize) -> Option<String> {
        let bars = self.bars.as_ref().filter(|bars| bars.column == column)?;
        let part = bars.parts.get(row)?.clamp(0.0, 1.0) * 100.0;
        Some(format!(
            "<svg class=\"bar\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{part:.1}\" height=\"1\"/></svg>"
        ))
    }
}

fn class_of(heading: &Heading) -> &'static str {
    match heading.align {
        Align::Left => " class=\"text\"",
        Align::Right => "",
    }
}

/// Append to text; that cannot fail.
fn push(html: &mut String, what: std::fmt::Arguments<'_>) {
    let _always = html.write_fmt(what);
}
