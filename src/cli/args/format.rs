//! `--format` of each command: one enum for those that have the same forms. What is in none of them cannot be asked
//! for.

use clap::ValueEnum;

use crate::report::OutputFormat;

/// How most commands print their answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AnswerFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
}

/// How `report`, `slow` and `diff` print their answer: as most do, or as a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
    /// One file with tables and pictures, to be sent to others.
    Html,
}

impl ReportFormat {
    /// The form of its rows; nothing for a document.
    pub(in crate::cli) fn of_rows(self) -> Option<OutputFormat> {
        match self {
            ReportFormat::Table => Some(OutputFormat::Table),
            ReportFormat::Json => Some(OutputFormat::Json),
            ReportFormat::Jsonl => Some(OutputFormat::Jsonl),
            ReportFormat::Csv => Some(OutputFormat::Csv),
            ReportFormat::Html => None,
        }
    }
}

/// How `lines` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LinesFormat {
    /// The raw lines as they were logged.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
}

/// How `records` prints them: for programs only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RecordsFormat {
    /// One JSON object a line.
    Jsonl,
    /// One JSON document.
    Json,
    /// CSV with a header.
    Csv,
}

/// How `check` prints its findings. Their details have no columns, so there is no CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FindingsFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// How `status` prints: it is one screen, or one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum StatusFormat {
    /// For people; the first line is the verdict.
    Table,
    /// One JSON document.
    Json,
}

/// How `why` prints its answer: it is no table of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WhyFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One file with tables and pictures, to be sent to others.
    Html,
}

impl From<AnswerFormat> for OutputFormat {
    fn from(format: AnswerFormat) -> OutputFormat {
        match format {
            AnswerFormat::Table => OutputFormat::Table,
            AnswerFormat::Json => OutputFormat::Json,
            AnswerFormat::Jsonl => OutputFormat::Jsonl,
            AnswerFormat::Csv => OutputFormat::Csv,
        }
    }
}

impl From<LinesFormat> for OutputFormat {
    fn from(format: LinesFormat) -> OutputFormat {
        match format {
            LinesFormat::Table => OutputFormat::Table,
            LinesFormat::Json => OutputFormat::Json,
            LinesFormat::Jsonl => OutputFormat::Jsonl,
            LinesFormat::Csv => OutputFormat::Csv,
        }
    }
}

impl From<RecordsFormat> for OutputFormat {
    fn from(format: RecordsFormat) -> OutputFormat {
        match format {
            RecordsFormat::Jsonl => OutputFormat::Jsonl,
            RecordsFormat::Json => OutputFormat::Json,
            RecordsFormat::Csv => OutputFormat::Csv,
        }
    }
}
