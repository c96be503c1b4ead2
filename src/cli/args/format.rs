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
