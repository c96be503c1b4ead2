//! The table behind a picture: for those who do not see it, for print, and to take numbers from.

use std::fmt::Write;

use serde::Serialize;

use super::markup::markup_safe;

/// A table as text. The first column names its row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PictureTable {
    /// What it is a table of.
    pub caption: String,
    /// A title for each column, with its unit.
    pub headings: Vec<String>,
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl PictureTable {
    /// As HTML.
    pub fn html(&self) -> String {
        let mut html = String::from("<table class=\"pic-table\">");
        push(&mut html, format_args!("<caption>{}</caption><thead><tr>", markup_safe(&self.caption)));
        for heading in &self.headings {
            push(&mut html, format_args!("<th scope=\"col\">{}</th>", markup_safe(heading)));
        }
        html.push_str("</tr></thead><tbody>");
        for row in &self.rows {
            html.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let cell = markup_safe(cell);
                match at {
                    0 => push(&mut html, format_args!("<th scope=\"row\">{cell}</th>")),
                    _ => push(&mut html, format_args!("<td>{cell}</td>")),
                }
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
        html
    }
}

/// Append to text; that cannot fail.
pub(super) fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _always = out.write_fmt(what);
}
