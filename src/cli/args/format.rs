//! `--format`: how an answer is printed, and which of the forms each command has.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
}

/// A format by its name, and what it is.
pub(super) type NamedFormat = (Format, &'static str, &'static str);

const TABLE: NamedFormat = (Format::Table, "table", "For people");
const JSON: NamedFormat = (Format::Json, "json", "One JSON document");
const JSONL: NamedFormat = (Format::Jsonl, "jsonl", "One JSON object a line");
const CSV: NamedFormat = (Format::Csv, "csv", "CSV with a header");

/// What most commands print.
const ANSWERS: &[NamedFormat] = &[TABLE, JSON, JSONL, CSV];
/// What `lines` prints.
pub(super) const LINES: &[NamedFormat] =
    &[(Format::Table, "table", "The raw lines as they were logged"), JSON, JSONL, CSV];
/// What `records` prints.
pub(super) const RECORDS: &[NamedFormat] = &[JSONL, JSON, CSV];
/// What `check` prints.
pub(super) const FINDINGS: &[NamedFormat] = &[TABLE, JSON, JSONL];

/// The formats of most commands.
pub(super) fn answers() -> impl TypedValueParser<Value = Format> {
    one_of(ANSWERS)
}

/// One of these formats, and no other.
pub(super) fn one_of(formats: &'static [NamedFormat]) -> impl TypedValueParser<Value = Format> {
    let values = formats.iter().map(|(_, name, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(values).try_map(|given| {
        let found = formats.iter().find(|(_, name, _)| *name == given);
        found.map(|(format, ..)| *format).ok_or("no such format")
    })
}
