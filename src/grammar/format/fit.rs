//! Whether a line fits a format, why it does not, and what of it stands where.

use std::borrow::Cow;
use std::ops::Range;

use super::Format;
use crate::grammar::format_error::show_control_bytes;
use crate::grammar::keyed::KeyedValues;
use crate::grammar::line::{CutFailure, Reject, RejectReason, chomp};
use crate::grammar::wrapper::WrappedRecords;

/// What nginx wrote of a line of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareLine<'l> {
    /// How many bytes of a wrapper stand before it.
    pub lead: usize,
    /// What nginx wrote; borrowed if it stands in the line as it is, at `lead`. Else its parts were joined, or its escapes
    /// resolved.
    pub text: Cow<'l, [u8]>,
}

impl Format {
    /// Whether `line` (with or without line end; with its wrapper, if the format has one) fits.
    ///
    /// # Errors
    /// Where and why it does not. Only the shape of the values is looked at, not their range.
    pub fn check(&self, line: &[u8]) -> Result<(), Reject> {
        let mut buffer = Vec::new();
        let (lead, line) = self.strip_wrapper(line, &mut buffer)?;
        self.cut_once(line).map_err(|failure| Reject::at(lead + failure.at, failure.reason))
    }

    /// What nginx wrote of a line alone, and where in the line it begins.
    fn strip_wrapper<'l>(&self, line: &'l [u8], buffer: &'l mut Vec<u8>) -> Result<(usize, &'l [u8]), Reject> {
        let line = chomp(line);
        let Some(wrapper) = self.wrapper() else { return Ok((0, line)) };
        match WrappedRecords::new(wrapper, line).next(buffer) {
            Some(record) => Ok((record.lead, record.text?)),
            None => Err(Reject::at(0, RejectReason::EmptyLine)),
        }
    }

    /// What nginx wrote of a line of this log: all of it, or what the wrapper holds.
    ///
    /// # Errors
    /// The wrapper did not write the line.
    pub fn bare_line<'l>(&self, line: &'l [u8]) -> Result<BareLine<'l>, Reject> {
        let line = chomp(line);
        let mut buffer = Vec::new();
        let (lead, text) = self.strip_wrapper(line, &mut buffer)?;
        let there = line.get(lead..lead + text.len()).filter(|there| *there == text);
        Ok(BareLine { lead, text: there.map_or_else(|| Cow::Owned(text.to_vec()), Cow::Borrowed) })
    }

    fn cut_once(&self, line: &[u8]) -> Result<(), CutFailure> {
        let mut spans = self.new_spans();
        match self.keys() {
            None => self.plan().cut(line, &mut spans),
            Some(keyed) => keyed.cut(line, &mut KeyedValues::default(), &mut spans, &mut Vec::new()).map(drop),
        }
    }

    /// Why `line` does not fit, in terms of the format: "expected `] "` after $time_local". For messages, not for speed.
    ///
    /// None if the line fits (its values may still be out of range, which [`RejectReason`]'s text says).
    pub fn explain(&self, line: &[u8]) -> Option<String> {
        let mut buffer = Vec::new();
        let line = match self.strip_wrapper(line, &mut buffer) {
            Ok((_, line)) => line,
            Err(reject) => return Some(reject.reason.to_string()),
        };
        let failure = self.cut_once(line).err()?;
        Some(self.explain_failure(line, failure))
    }

    /// Where in `text`, a line without its wrapper ([`Format::bare_line`]), each value stands, from left to right: the index of
    /// its variable in [`variables`](Self::variables), and its bytes as they were logged. A variable that the format names
    /// twice comes twice; one that a keyed line does not have, or has by several keys, comes not at all, or once.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn fields(&self, text: &[u8]) -> Result<Vec<(usize, Range<usize>)>, Reject> {
        let mut spans = self.new_spans();
        let failed = |failure: CutFailure| Reject::at(failure.at, failure.reason);
        if let Some(keyed) = self.keys() {
            return keyed.fields(chomp(text), &mut spans).map_err(failed);
        }
        self.plan().cut(chomp(text), &mut spans).map_err(failed)?;
        let steps = self.plan().steps.iter().zip(&spans);
        Ok(steps.map(|(step, &(from, until))| (step.variable, from as usize..until as usize)).collect())
    }

    fn explain_failure(&self, line: &[u8], failure: CutFailure) -> String {
        let found = line.get(failure.at..line.len().min(failure.at + 20)).unwrap_or_default();
        let found =
            if found.is_empty() { "the line's end".to_owned() } else { format!("`{}`", show_control_bytes(found)) };
        let step = self.plan().steps.get(failure.step);
        let name = step.and_then(|step| self.variables().get(step.variable)).map_or("", |variable| &variable.name);
        match (failure.reason, step) {
            (RejectReason::LiteralMissing, Some(_))
                if failure.at == 0 && failure.step == 0 && !self.plan().lead.is_empty() =>
            {
                format!(
                    "expected `{}` at the line's start, found {found}",
                    show_control_bytes(self.plan().lead.bytes())
                )
            }
            (RejectReason::LiteralMissing, Some(step)) => {
                let literal = show_control_bytes(step.literal.bytes());
                if literal.is_empty() {
                    format!("expected the line's end after ${name}, found {found}")
                } else {
                    format!("expected `{literal}` after ${name}, found {found}")
                }
            }
            (RejectReason::BadTime, _) => format!("expected a time, found {found}"),
            (RejectReason::BadNumber, _) => format!("expected a number for ${name}, found {found}"),
            (RejectReason::BadSyntax, _) if failure.at >= line.len() => {
                format!("{} that is cut off", self.name())
            }
            (RejectReason::BadSyntax, _) => format!("not {}: unexpected {found}", self.name()),
            (RejectReason::KeyMissing, _) => self.keys().map_or_else(String::new, |keyed| keyed.explain_lack(line)),
            (RejectReason::Ambiguous, Some(_)) => {
                format!("two ways to read it: ${name}, which begins here, could end in two places")
            }
            (RejectReason::BadValue, Some(_)) => format!("expected what ${name} can be, found {found}"),
            (RejectReason::TrailingText, _) => format!("expected the line's end, found {found}"),
            (reason, _) => reason.to_string(),
        }
    }
}
