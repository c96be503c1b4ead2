//! Plain-data reports, and how they are written: a table for people, JSON, JSON lines and CSV for programs.
//!
//! A [`Report`] is rows of one struct; [`write`] gives it one of the [`OutputFormat`]s. Programs get each row by its
//! `Serialize`, so that a field's name stands in its struct and nowhere else, and the struct's file shows the JSON; people get
//! the cells of [`ReportRow`]. [`write_json`] and [`CsvRows`] are for rows that are written as they come. Nothing here knows
//! where the data came from, and nothing opens a file or asks the terminal: the caller says how in a [`Style`].
//!
//! | command | a row | |
//! |---|---|---|
//! | `report` | [`LatencyRow`](latency::LatencyRow) | `latency.rs` |
//! | `slow` | [`SlowRow`](slow::SlowRow) | `slow/` |
//! | `lines` | [`LineRow`] | `lines.rs` |
//! | `records` | [`RequestRecord`] | `records.rs` |
//! | `index` | [`IndexedFileRow`] | `indexed_files.rs` |
//! | `top` | [`LiveRow`] in [`LiveRoutes`] | `live_routes.rs` |
//! | `diff` | [`DiffRow`] in a [`DiffDocument`] | `diff.rs` |
//! | `verify` | [`DifferenceRow`] | `differences.rs` |
//! | `check` | [`Finding`] | `findings.rs` |
//! | `routes` | [`RouteRow`] | `route_list.rs` |
//! | `status` | [`FollowedLogRow`], [`OwedCarbonRow`] in a [`StatusDocument`] | `status.rs` |
//!
//! Pictures are beside these, in [`picture`]; an answer as a document that is sent to others, in [`html`].
//!
//! The rows' files import `rows` and `number`; `json`, `csv` (with `csv_cells`) and `text` write any of them; `number` and
//! `terminal_safe` import none.

mod csv;
mod csv_cells;
mod diff;
mod differences;
mod episode_rows;
mod findings;
mod form;
pub mod html;
mod indexed_files;
mod json;
pub mod latency;
mod lines;
mod live_routes;
mod number;
pub mod picture;
mod records;
mod route_list;
mod rows;
mod shell_word;
pub mod slow;
mod status;
mod terminal_safe;
mod text;
pub mod why;
mod wrapped_words;

pub use csv::CsvRows;
pub use csv_cells::CellStyle;
pub use diff::{ChangeWords, ComparedSide, DiffDocument, DiffRow, Presence, signed_millis};
pub use differences::{Against, DifferenceRow};
pub use episode_rows::EpisodeRow;
pub use findings::{Finding, FindingLevel, FindingsDocument};
pub use form::{OutputFormat, ProgramForm, Style};
pub use indexed_files::IndexedFileRow;
pub use json::{SCHEMA, write_json};
pub use lines::{InWindow, LineRow, ParsedFields};
pub use live_routes::{LiveRoutes, LiveRow, rate_words};
pub use number::{EpochSeconds, bytes, count, counted, millis};
pub use records::{LogText, LoggedVariables, RequestRecord, VariableColumn};
pub use route_list::RouteRow;
pub use rows::{Align, Heading, Report, ReportRow};
pub use shell_word::shell_word;
pub use status::{
    FollowState, FollowedLogRow, OwedCarbonRow, StatusDocument, StatusVerdict, StoreStatus, WriterStatus,
};
pub use terminal_safe::terminal_safe;
pub use wrapped_words::wrapped_words;

use std::io::{self, Write};

use serde::Serialize;

/// Write a report. Text that strangers wrote is made harmless for where it goes: terminal controls are shown as `\xHH`
/// in the table form, and in every form on a terminal; CSV formulas are neutralised.
///
/// # Errors
/// Those of `out`; a broken pipe among them, which the caller may call a success.
pub fn write<R: ReportRow>(
    report: &Report<R>,
    format: OutputFormat,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format.for_programs() {
        None => text::write(report, style, out),
        Some(form) => write_for_programs(report, form, style, out),
    }
}

/// Write a report that people get otherwise.
///
/// # Errors
/// Those of `out`.
pub fn write_for_programs<R: Serialize>(
    report: &Report<R>,
    form: ProgramForm,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match form {
        ProgramForm::Json => json::write(report, style.terminal, out),
        ProgramForm::Jsonl => json::write_lines(&report.rows, style.terminal, out),
        ProgramForm::Csv => csv::write(report, style.terminal, out),
    }
}
