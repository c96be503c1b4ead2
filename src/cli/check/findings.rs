//! Findings as they are made: what is fine, what is worth a note, what is wrong.

use std::io::Write;

use anstyle::{AnsiColor, Color, Style};

use crate::cli::Answer;
use crate::cli::output::{Stdout, stdout, style, written};
use crate::error::{Error, Kind, Result};
use crate::report::terminal_safe;

/// What stands before the lines that belong to a finding.
pub(super) const INDENT: &str = "        ";

/// The width that pages are laid out for where there is no terminal.
const WIDTH: u16 = 100;

/// Widths that a terminal may have, as far as the layout is concerned.
const WIDTHS: std::ops::RangeInclusive<u16> = 40..=160;

/// Findings, printed as they come. Whatever a log or a configuration says in them is made harmless.
pub(super) struct Findings {
    out: Stdout,
    worst: Answer,
    colour: bool,
    /// Columns for the lines below a finding, without [`INDENT`].
    pub(super) width: usize,
}

impl Findings {
    pub(super) fn new() -> Findings {
        let style = style();
        let width = style.width.unwrap_or(WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end());
        Findings { out: stdout(), worst: Answer::Found, colour: style.colour, width: usize::from(width) - INDENT.len() }
    }

    pub(super) fn fine(&mut self, what: &str) -> Result<()> {
        self.say(AnsiColor::Green, "ok   ", what)
    }

    pub(super) fn note(&mut self, what: &str) -> Result<()> {
        self.say(AnsiColor::Yellow, "note ", what)
    }

    pub(super) fn wrong(&mut self, what: &str) -> Result<()> {
        if self.worst == Answer::Found {
            self.worst = Answer::Nothing;
        }
        self.say(AnsiColor::Red, "WRONG", what)
    }

    /// Something could not be read or written.
    pub(super) fn failed(&mut self, what: &str) -> Result<()> {
        self.wrong(what)?;
        self.worst = Answer::Partial;
        Ok(())
    }

    /// Lines that belong to the last finding.
    pub(super) fn detail(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            written(writeln!(self.out, "{}", format!("{INDENT}{}", terminal_safe(line.as_bytes())).trim_end()))?;
        }
        Ok(())
    }

    /// A line of marks under the line before.
    pub(super) fn marks(&mut self, marks: &str) -> Result<()> {
        let style = self.style(Style::new().fg_color(Some(Color::Ansi(AnsiColor::Cyan))));
        written(writeln!(self.out, "{INDENT}{style}{}{style:#}", marks.trim_end()))
    }

    /// The value; or the failure as a finding, after which the others are still made. A mistake in the configuration
    /// ends the check, since nothing below it can be believed.
    pub(super) fn of<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == Kind::Io => {
                self.failed(&error.to_string())?;
                Ok(None)
            }
            Err(error) => {
                written(self.out.flush())?;
                Err(error)
            }
        }
    }

    /// The worst of what was found.
    pub(super) fn close(mut self) -> Result<Answer> {
        written(self.out.flush())?;
        Ok(self.worst)
    }

    fn say(&mut self, colour: AnsiColor, word: &str, what: &str) -> Result<()> {
        let style = self.style(Style::new().bold().fg_color(Some(Color::Ansi(colour))));
        let mut lines = what.lines();
        let first = terminal_safe(lines.next().unwrap_or_default().as_bytes());
        written(writeln!(self.out, "{style}{word}{style:#} {first}"))?;
        for line in lines {
            written(writeln!(self.out, "      {}", terminal_safe(line.trim_start().as_bytes())))?;
        }
        Ok(())
    }

    fn style(&self, style: Style) -> Style {
        if self.colour { style } else { Style::new() }
    }
}

/// A remedy, as errors give theirs.
pub(super) fn mend(what: &str, remedy: &str) -> String {
    format!("{what}\nto mend it: {remedy}")
}

/// What happened, for a finding about a place that is named already.
pub(super) fn said(error: &Error) -> String {
    crate::cli::files::missing(error)
}

/// A share for people; only all is 100 %, and only nothing is 0 %.
pub(super) fn percent(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let share = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    let shown = if part < whole { share.min(99.99) } else { share };
    let shown = if part > 0 { shown.max(0.01) } else { shown };
    format!("{shown:.2} %")
}
