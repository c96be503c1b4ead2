//! One log: can it be read, which format is it in, do its lines fit, what can it not answer.

use std::collections::HashSet;
use std::path::Path;

use super::access::{self, AccessWanted, Denied};
use super::change;
use super::coverage::Coverage;
use super::detection;
use super::findings::{Findings, said};
use super::fit::Fit;
use super::questions;
use super::sample::LogSample;
use crate::cli::input::configured::configured_format;
use crate::cli::input::formats::learn_keys;
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{Format, Reject, RejectReason, Wrapper};
use crate::source::{Input, LogPiece};

/// What all logs of one check share.
pub(super) struct CheckedLogs {
    /// The formats known by name.
    pub(super) grammars: Vec<Format>,
    /// The logs of the configuration and of nginx's, whose formats a file may be in that neither names.
    pub(super) configured: Vec<Log>,
    /// What the route rules make of their lines.
    pub(super) coverage: Coverage,
    /// The longest line that is read.
    pub(super) max_line: usize,
    /// Read every line, not a sample.
    pub(super) all: bool,
    /// They are what the daemon follows, not files that are named.
    pub(super) are_followed: bool,
    /// Formats whose fields and lacks were told already.
    pub(super) told: HashSet<(String, String)>,
}

/// What is known of a log's format before it is looked at.
pub(super) enum Known {
    Format(Format),
    Wrapper(Wrapper),
    Nothing,
}

/// Where a log is, and what it is called.
#[derive(Clone, Copy)]
struct LogPlace<'l> {
    /// As findings name it.
    name: &'l str,
    path: &'l Path,
    /// The log that it is of, by the path or pattern of the configuration.
    log: &'l str,
}

impl CheckedLogs {
    /// Check the log at `path`, in the format that is known for it, or else in the one that is found.
    pub(super) fn check(&mut self, path: &Path, known: &Known, log: &str, findings: &mut Findings) -> Result<()> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin { "stdin".to_owned() } else { path.display().to_string() };
        if self.all && stdin {
            return Err(Error::usage("--all cannot read stdin twice").remedy("write it to a file and name that"));
        }
        let Some(mut sample) = open_sample(path, self.max_line, findings)? else { return Ok(()) };
        if sample.is_empty() {
            return findings.note(&format!("{name}: empty so far"));
        }
        let wrapper = match known {
            Known::Format(format) => format.wrapper(),
            Known::Wrapper(wrapper) => Some(*wrapper),
            Known::Nothing => sample.wrapper(detection::TRIED),
        };
        if let Some(wrapper) = wrapper {
            sample.keep_together(wrapper);
        }
        let configured = match known {
            // That one of the library is configured says nothing new.
            Known::Nothing => configured_format(&self.configured, sample.head())
                .unwrap_or_default()
                .filter(|(format, _)| !self.grammars.iter().any(|known| known.text() == format.text())),
            _ => None,
        };
        let found = match known {
            Known::Format(format) => Some(learn_keys(format, sample.head())),
            _ if let Some((format, of)) = configured => {
                findings.fine(&format!("{name}: written in the format of {of}, as configured"))?;
                Some(format)
            }
            _ => detection::find_format(&name, &sample, wrapper, &self.grammars, findings)?,
        };
        if let Some(format) = found {
            let format = format.with_keys_of(self.coverage.with.router.variables());
            self.check_lines(LogPlace { name: &name, path, log }, &format, &sample, findings)?;
        }
        match &sample.fault {
            Some(fault) => findings.failed_error(fault),
            None => Ok(()),
        }
    }

    /// The lines of a log whose format is known.
    fn check_lines(
        &mut self,
        place: LogPlace<'_>,
        format: &Format,
        sample: &LogSample,
        findings: &mut Findings,
    ) -> Result<()> {
        let LogPlace { name, path, log } = place;
        let mut fit = Fit::default();
        let all = self.all && sample.part.is_some();
        let texts = sample.texts(format.wrapper(), detection::TRIED);
        let texts: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
        let Some(mut counting) = self.coverage.counting(format, log) else {
            findings.wrong_with_help(
                &format!("{name}: format `{}` does not say when a request ended", format.name()),
                "add $msec (best), $time_iso8601 or $time_local to the log_format",
            )?;
            return questions::tell_lacks(name, format, &texts, &self.coverage.with.router, findings);
        };
        let mut count = |fit: &mut Fit, offset: u64, bytes: &[u8]| {
            counting.block(bytes, |at, line, rejected| match rejected {
                Some(reject) => fit.reject(reject, offset + at as u64, line),
                None => fit.fits(format, offset + at as u64, line),
            });
        };
        let too_long = |fit: &mut Fit, offset: u64| {
            fit.reject(Reject { column: 1, reason: RejectReason::LineTooLong }, offset, b"");
        };
        if all {
            let mut bytes = Vec::new();
            let Some(input) = findings.value_or_finding(Input::open(path))? else { return Ok(()) };
            let mut input = input.max_line(self.max_line).wrapped(format.wrapper());
            while let Some(Some(piece)) = findings.value_or_finding(input.next_block(&mut bytes))? {
                match piece {
                    LogPiece::Lines { offset } => count(&mut fit, offset, &bytes),
                    LogPiece::TooLong { offset, .. } => too_long(&mut fit, offset),
                }
            }
        } else {
            for block in &sample.blocks {
                count(&mut fit, block.offset, &block.bytes);
            }
            for (offset, _) in &sample.too_long {
                too_long(&mut fit, *offset);
            }
        }
        fit.tell_share(name, format, sample, all, findings)?;
        let first = self.told.insert((format.name().to_owned(), format.text().to_owned()));
        if first {
            fit.tell_fields(format, findings)?;
        }
        fit.tell_rejects(name, format, findings)?;
        change::tell_change(name, path, sample, format, &self.grammars, findings)?;
        if self.are_followed {
            change::tell_unread_now(name, sample, format, findings)?;
        }
        if first {
            questions::tell_lacks(name, format, &texts, &self.coverage.with.router, findings)?;
        }
        Ok(())
    }
}

/// The sample of a log, or what keeps it from being read.
fn open_sample(path: &Path, max_line: usize, findings: &mut Findings) -> Result<Option<LogSample>> {
    let error = match LogSample::read(path, max_line) {
        Ok(sample) => return Ok(Some(sample)),
        Err(error) => error,
    };
    // A pipe would be waited for.
    let opened = std::fs::metadata(path)
        .and_then(|status| if status.is_file() { std::fs::File::open(path).map(drop) } else { Ok(()) });
    let denied = opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
    match access::denied(path, AccessWanted::Read).filter(|_| denied) {
        Some(Denied { why, help }) => findings.failed_with_help(&format!("{}\n{why}", said(&error)), &help)?,
        None => findings.failed_error(&error)?,
    }
    Ok(None)
}
