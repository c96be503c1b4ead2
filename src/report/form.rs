//! The forms that a report is written in, and where it goes.

use std::str::FromStr;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// One object with `schema`, the window and `rows`.
    Json,
    /// One object a row.
    Jsonl,
    /// RFC 4180 with a header.
    Csv,
}

/// The forms for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramForm {
    /// One object with `schema`, the window and `rows`.
    Json,
    /// One object a row.
    Jsonl,
    /// RFC 4180 with a header.
    Csv,
}

impl OutputFormat {
    /// The form for programs; nothing for that for people.
    pub fn for_programs(self) -> Option<ProgramForm> {
        match self {
            OutputFormat::Table => None,
            OutputFormat::Json => Some(ProgramForm::Json),
            OutputFormat::Jsonl => Some(ProgramForm::Jsonl),
            OutputFormat::Csv => Some(ProgramForm::Csv),
        }
    }
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<OutputFormat, String> {
        match text {
            "table" => Ok(OutputFormat::Table),
            "json" => Ok(OutputFormat::Json),
            "jsonl" => Ok(OutputFormat::Jsonl),
            "csv" => Ok(OutputFormat::Csv),
            other => Err(format!("`{other}` is none of table, json, jsonl, csv")),
        }
    }
}

/// Where a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether escapes for bold may be used (a terminal, and no `NO_COLOR`).
    pub colour: bool,
    /// The terminal's width in columns; none means as wide as needed.
    pub width: Option<u16>,
    /// Whether a terminal shows the output: then text is made harmless in every form, not in the table form only.
    pub terminal: bool,
}
