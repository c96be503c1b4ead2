//! Findings as they are made: what is fine, what is worth a note, what is wrong.

use std::io::Write;

use anstyle::{AnsiColor, Color, Style};
use serde::Serialize;

use crate::cli::answer::Answer;
use crate::cli::answer::output::{Stdout, stdout, style, written};
use crate::cli::args::FindingsFormat;
use crate::error::{Error, ErrorClass, Result};
use crate::report::{Finding, FindingLevel, FindingsDocument, terminal_safe, wrapped_words, write_json};

/// What stands before the lines that belong to a finding.
pub(super) const INDENT: &str = "        ";

/// What stands before what a finding says.
const HANGING: usize = 6;

/// The width that pages are laid out for where there is no terminal.
const WIDTH: u16 = 100;

/// Widths that a terminal may have, as far as the layout is concerned.
const WIDTHS: std::ops::RangeInclusive<u16> = 40..=160;

/// Findings, printed as they come. Whatever a log or a configuration says in them is made harmless.
pub(super) struct Findings {
    out: Stdout,
    worst: Answer,
    form: Form,
    /// The finding that details may still follow, for programs.
    open: Option<Finding>,
    /// All before it, where one document holds them.
    closed: Vec<Finding>,
    colour: bool,
    /// The columns of the terminal, if there is one.
    terminal: Option<usize>,
    /// Columns for the lines below a finding, without [`INDENT`].
    pub(super) width: usize,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people, each as it is made.
    Text,
    /// An object a line, or one document.
    Json { lines: bool },
}

impl Findings {
    /// No findings yet, to be printed in this form.
    pub(super) fn new(format: FindingsFormat) -> Findings {
        let form = match format {
            FindingsFormat::Table => Form::Text,
            FindingsFormat::Json => Form::Json { lines: false },
            FindingsFormat::Jsonl => Form::Json { lines: true },
        };
        let style = style();
        let width = style.width.unwrap_or(WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end());
        Findings {
            out: stdout(),
            worst: Answer::Found,
            form,
            open: None,
            closed: Vec::new(),
            colour: style.colour,
            terminal: style.width.map(|width| usize::from(width).max(usize::from(*WIDTHS.start()))),
            width: usize::from(width) - INDENT.len(),
        }
    }

    /// All is well with it.
    pub(super) fn fine(&mut self, what: &str) -> Result<()> {
        self.say(FindingLevel::Ok, what, None)
    }

    /// It works, and is worth knowing.
    pub(super) fn note(&mut self, what: &str) -> Result<()> {
        self.say(FindingLevel::Note, what, None)
    }

    /// [`Findings::note`], with what to do about it.
    pub(super) fn note_with_help(&mut self, what: &str, help: &str) -> Result<()> {
        self.say(FindingLevel::Note, what, Some(help))
    }

    /// It does not work as it is.
    pub(super) fn wrong(&mut self, what: &str) -> Result<()> {
        self.say_wrong(what, None)
    }

    /// [`Findings::wrong`], with what to do about it.
    pub(super) fn wrong_with_help(&mut self, what: &str, help: &str) -> Result<()> {
        self.say_wrong(what, Some(help))
    }

    /// Something could not be read or written; with what to do about it.
    pub(super) fn failed_with_help(&mut self, what: &str, help: &str) -> Result<()> {
        self.say_failed(what, Some(help))
    }

    /// An error that is a finding, with its place and remedy.
    pub(super) fn failed_error(&mut self, error: &Error) -> Result<()> {
        self.say_failed(&error.headline(), error.help())
    }

    fn say_wrong(&mut self, what: &str, help: Option<&str>) -> Result<()> {
        if self.worst == Answer::Found {
            self.worst = Answer::Nothing;
        }
        self.say(FindingLevel::Wrong, what, help)
    }

    fn say_failed(&mut self, what: &str, help: Option<&str>) -> Result<()> {
        self.say_wrong(what, help)?;
        self.worst = Answer::Partial;
        Ok(())
    }

    /// Lines that belong to the last finding.
    pub(super) fn detail(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            self.below(&terminal_safe(line.as_bytes()), Style::new())?;
        }
        Ok(())
    }

    /// A text that belongs to the last finding, broken between its words.
    pub(super) fn words(&mut self, text: &str) -> Result<()> {
        for row in wrapped_words(text, self.width) {
            self.detail(&row)?;
        }
        Ok(())
    }

    /// A line of marks under the line before.
    pub(super) fn marks(&mut self, marks: &str) -> Result<()> {
        self.below(marks, self.style(Style::new().fg_color(Some(Color::Ansi(AnsiColor::Cyan)))))
    }

    /// The value; or the failure as a finding, after which the others are still made. A mistake in the configuration
    /// ends the check, since nothing below it can be believed.
    pub(super) fn value_or_finding<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.class() == ErrorClass::Io => {
                self.failed_error(&error)?;
                Ok(None)
            }
            Err(error) => {
                self.flush()?;
                Err(error)
            }
        }
    }

    /// The worst of what was found.
    pub(super) fn close(mut self) -> Result<Answer> {
        self.flush()?;
        Ok(self.worst)
    }

    fn flush(&mut self) -> Result<()> {
        self.close_open()?;
        if self.form == (Form::Json { lines: false }) {
            let findings = std::mem::take(&mut self.closed);
            self.write_line(&FindingsDocument::new(findings))?;
        }
        written(self.out.flush())
    }

    /// A line below the last finding.
    fn below(&mut self, text: &str, style: Style) -> Result<()> {
        let text = text.trim_end();
        match self.form {
            Form::Text => written(writeln!(self.out, "{INDENT}{style}{text}{style:#}")),
            Form::Json { .. } => {
                if let Some(open) = &mut self.open {
                    open.detail.push(text.to_owned());
                }
                Ok(())
            }
        }
    }

    fn close_open(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if self.form == (Form::Json { lines: true }) {
            return self.write_line(&open);
        }
        self.closed.push(open);
        Ok(())
    }

    fn write_line<T: Serialize>(&mut self, value: &T) -> Result<()> {
        // What findings say is harmless already.
        written(write_json(value, false, &mut self.out))?;
        written(self.out.write_all(b"\n"))
    }

    fn open(&mut self, level: FindingLevel, what: &str, help: Option<&str>) -> Result<()> {
        self.close_open()?;
        let remedy = help.map(|help| terminal_safe(help.as_bytes()).into_owned());
        let what: Vec<_> = what.lines().map(|line| terminal_safe(line.trim().as_bytes())).collect();
        self.open = Some(Finding { level, what: what.join("; "), remedy, detail: Vec::new() });
        Ok(())
    }

    fn say(&mut self, level: FindingLevel, what: &str, help: Option<&str>) -> Result<()> {
        if self.form != Form::Text {
            return self.open(level, what, help);
        }
        let (colour, word) = match level {
            FindingLevel::Ok => (AnsiColor::Green, "ok"),
            FindingLevel::Note => (AnsiColor::Yellow, "note"),
            FindingLevel::Wrong => (AnsiColor::Red, "WRONG"),
        };
        let style = self.style(Style::new().bold().fg_color(Some(Color::Ansi(colour))));
        let mut rows = Vec::new();
        for line in what.lines() {
            rows.extend(self.rows_of(line.trim_start(), HANGING));
        }
        let mut rows = rows.iter();
        let first = rows.next().map_or("", String::as_str);
        written(writeln!(self.out, "{style}{word:5}{style:#} {first}"))?;
        for row in rows {
            written(writeln!(self.out, "{:HANGING$}{row}", ""))?;
        }
        if let Some(help) = help {
            let lead = HANGING + "help: ".len();
            for (at, row) in self.rows_of(help, lead).iter().enumerate() {
                let before = if at == 0 { "      help: " } else { "" };
                let indent = lead - before.len();
                written(writeln!(self.out, "{before}{:indent$}{row}", ""))?;
            }
        }
        Ok(())
    }

    /// A text made harmless, on a terminal in as many rows as it needs beside what stands before them.
    fn rows_of(&self, text: &str, before: usize) -> Vec<String> {
        let safe = terminal_safe(text.as_bytes());
        match self.terminal {
            Some(columns) => wrapped_words(&safe, columns.saturating_sub(before)),
            None => vec![safe.into_owned()],
        }
    }

    fn style(&self, style: Style) -> Style {
        if self.colour { style } else { Style::new() }
    }
}

/// What happened, for a finding about a place that is named already.
pub(super) fn said(error: &Error) -> String {
    crate::cli::answer::completeness::missing_for(error)
}

/// A share for people; only all is 100 %, and only nothing is 0 %.
pub(super) fn percent(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let share = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    let shown = if part < whole { share.min(99.99) } else { share };
    let shown = if part > 0 { shown.max(0.01) } else { shown };
    format!("{shown:.2} %")
}
