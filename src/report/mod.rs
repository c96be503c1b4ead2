//! Plain-data reports, and how they are written: a table for people, JSON, JSON lines and CSV for programs.
//!
//! A report is a [`Table`]; [`write`] gives it one of the [`OutputFormat`]s. Nothing here knows where the data came
//! from, and nothing opens a file or asks the terminal: the caller says how in a [`Style`].

mod csv;
mod json;
pub mod latency;
mod number;
mod safe;
pub mod slow;
mod table;
mod text;

pub use csv::neutral;
pub use number::{bytes, count, millis};
pub use safe::terminal_safe;
pub use table::{Align, Column, OutputFormat, Style, Table, Unit, Value};

use std::io::{self, Write};

/// Write a report. Text that strangers wrote is made harmless for where it goes: terminal controls are shown as `\xHH`
/// in the table form, and in every form on a terminal; CSV formulas are neutralised.
///
/// # Errors
/// Those of `out`; a broken pipe among them, which the caller may call a success.
pub fn write(table: &Table, format: OutputFormat, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        OutputFormat::Table => text::write(table, style, out),
        OutputFormat::Json => json::write(table, style, out),
        OutputFormat::Jsonl => json::write_lines(table, style, out),
        OutputFormat::Csv => csv::write(table, style, out),
    }
}
