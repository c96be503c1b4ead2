//! How the lines of one log fit its format: the share, and the rejects by reason with an example each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::fields;
use super::findings::{Findings, percent};
use super::sample::LogSample;
use crate::error::Result;
use crate::grammar::{BareLine, Format, Reject, RejectReason, RejectedKinds, RejectedStretch};
use crate::report::{count, terminal_safe};

/// At most this many bytes of a rejected line are kept.
const KEPT: usize = 64 << 10;

/// At most this many lines are looked at for one that shows the format well.
const CANDIDATES: u64 = 200;

/// Bytes of a long line that are shown before the place where it stops to fit.
const BEFORE: usize = 40;

/// How lines fit a format.
#[derive(Default)]
pub(super) struct Fit {
    pub(super) lines: u64,
    rejected: BTreeMap<u8, Rejected>,
    /// A line that fits, its offset, and how many of its values are there.
    shown: Option<(usize, u64, Vec<u8>)>,
}

/// The rejects of one reason: how many, and the first of them.
struct Rejected {
    count: u64,
    at: u64,
    reject: Reject,
    line: Vec<u8>,
}

impl Fit {
    /// One line that fits.
    pub(super) fn fits(&mut self, format: &Format, at: u64, line: &[u8]) {
        self.lines += 1;
        if self.lines > CANDIDATES {
            return;
        }
        let present = count_present(format, line);
        match &self.shown {
            Some((most, ..)) if present <= *most => {}
            _ => self.shown = Some((present, at, line.to_vec())),
        }
    }

    /// One that does not.
    pub(super) fn reject(&mut self, reject: Reject, at: u64, line: &[u8]) {
        self.lines += 1;
        let held = self.rejected.entry(reject.reason.code()).or_insert_with(|| Rejected {
            count: 0,
            at,
            reject,
            line: line.get(..line.len().min(KEPT)).unwrap_or(line).to_vec(),
        });
        held.count += 1;
    }

    /// How many do not fit.
    pub(super) fn rejects(&self) -> u64 {
        let mut rejects = 0;
        for held in self.rejected.values() {
            rejects += held.count;
        }
        rejects
    }

    /// Whether so many do not fit that answers are partial.
    fn are_many_rejected(&self) -> bool {
        let mut kinds = RejectedKinds::default();
        for (code, held) in &self.rejected {
            kinds.add(RejectReason::from_code(*code), held.count);
        }
        let (requests, rejected) = (self.lines - self.rejects(), kinds.lacking(self.lines));
        RejectedStretch { requests, rejected, ..RejectedStretch::default() }.is_many_of_log()
    }

    /// The share, and of which lines.
    pub(super) fn tell_share(
        &self,
        name: &str,
        format: &Format,
        sample: &LogSample,
        all: bool,
        findings: &mut Findings,
    ) -> Result<()> {
        let fit = self.lines - self.rejects();
        let mut what = format!(
            "{name}: {} of {} {} fit format `{}`",
            percent(fit, self.lines),
            count(self.lines),
            if format.wrapper().is_some() { "records" } else { "lines" },
            shown_name(format)
        );
        if let Some(part) = &sample.part
            && !all
        {
            what += &format!("\n{}", self.part(part, sample));
        }
        match self.rejects() {
            rejects if rejects * 2 > self.lines || self.are_many_rejected() => findings.wrong(&what),
            rejects if rejects * 100 > self.lines => findings.note(&what),
            _ => findings.fine(&what),
        }
    }

    /// Which part of the log was looked at.
    fn part(&self, part: &str, sample: &LogSample) -> String {
        let mut bytes = 0;
        for block in &sample.blocks {
            bytes += block.bytes.len() as u64;
        }
        let about = (u128::from(self.lines) * u128::from(sample.size)).checked_div(u128::from(bytes)).unwrap_or(0);
        let about = count(u64::try_from(about).unwrap_or(u64::MAX));
        if sample.plain {
            format!("looked at: {part}, of about {about} lines; --all reads them all")
        } else {
            format!("looked at: lines {part}; --all reads them all")
        }
    }

    /// A line that fits, with its fields named.
    pub(super) fn tell_fields(&self, format: &Format, findings: &mut Findings) -> Result<()> {
        match &self.shown {
            Some((_, at, line)) => {
                findings.detail(&format!("the line at byte {at}, and what is read in it:"))?;
                fields::tell_fields(format, line, findings)
            }
            None => Ok(()),
        }
    }

    /// What does not fit, by reason.
    pub(super) fn tell_rejects(&self, name: &str, format: &Format, findings: &mut Findings) -> Result<()> {
        for held in self.rejected.values() {
            let Reject { column, reason } = held.reject;
            let place = format!("{name}: {} x {reason}, e.g. byte {}", count(held.count), held.at);
            if reason == RejectReason::LineTooLong || held.line.is_empty() {
                findings.note(&place)?;
                continue;
            }
            let why = match format.explain(&held.line) {
                Some(why) => format!(" {why}"),
                None => String::new(),
            };
            match format.bare_line(&held.line) {
                // What was put together is shown so: the column is one of that.
                Ok(BareLine { lead, text: text @ Cow::Owned(_) }) => {
                    let column = column.saturating_sub(u32::try_from(lead).unwrap_or(0)).max(1);
                    findings.note(&format!("{place}, column {column} of what nginx wrote:{why}"))?;
                    point_at(&text, column, findings)?;
                }
                _ => {
                    findings.note(&format!("{place}, column {column}:{why}"))?;
                    point_at(&held.line, column, findings)?;
                }
            }
        }
        Ok(())
    }
}

/// The name under which a format is asked for, with its wrapper.
pub(super) fn shown_name(format: &Format) -> String {
    match format.wrapper() {
        Some(wrapper) => format!("{wrapper}:{}", format.name()),
        None => format.name().to_owned(),
    }
}

/// How many values of a line are not absent.
fn count_present(format: &Format, line: &[u8]) -> usize {
    let Ok(inside) = format.bare_line(line) else { return 0 };
    let mut present = 0;
    for (_, span) in format.fields(&inside.text).unwrap_or_default() {
        match inside.text.get(span) {
            None | Some(b"" | b"-") => {}
            Some(_) => present += 1,
        }
    }
    present
}

/// A line, or the part of a long one around the column (from 1), with a caret under it.
pub(super) fn point_at(line: &[u8], column: u32, findings: &mut Findings) -> Result<()> {
    let at = usize::try_from(column).unwrap_or(1).saturating_sub(1).min(line.len());
    let shown_from = |from: usize| terminal_safe(line.get(from..at).unwrap_or_default()).chars().count();
    let (from, lead) = if shown_from(0) + 20 < findings.width { (0, "") } else { (at.saturating_sub(BEFORE), "…") };
    let whole = terminal_safe(line.get(from..).unwrap_or_default()).into_owned();
    let room = findings.width.saturating_sub(lead.chars().count());
    let tail = if whole.chars().count() > room { "…" } else { "" };
    let text: String = whole.chars().take(room - tail.chars().count()).collect();
    findings.detail(&format!("{lead}{text}{tail}"))?;
    findings.marks(&format!("{}^", " ".repeat(lead.chars().count() + shown_from(from))))
}
