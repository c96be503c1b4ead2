//! Log files named on the command line, and reading them.

use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::FileArguments;
use super::context::Context;
use super::formats::{Candidates, HEAD_LINES};
use super::output::say;
use crate::error::{Error, Result};
use crate::grammar::{Format, Reason, Reject, Roles, texts};
use crate::pipeline::batch::{self, Feed, Tally};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::source::{BLOCK_LIMIT, Input, LogPiece};

/// About so many bytes are read at a time until there are as many lines as tell a format.
const HEAD_STEP: usize = 16 << 10;

/// A file smaller than this is read without a progress bar.
const PROGRESS_FROM: u64 = 64 << 20;

/// The files of one command, with the format of each.
#[derive(Default)]
pub(super) struct Files {
    /// Display names, by file number.
    pub(super) names: Vec<String>,
    /// Formats, by file number.
    pub(super) formats: Vec<Arc<Format>>,
    /// The log that each is of, by file number: the pattern under which it is configured, else its own name.
    logs: Vec<String>,
    /// What the first lines of each say of a request, by file number.
    roles: Vec<Roles>,
    feeds: Vec<Feed>,
    /// Over-long lines that stdin began with: (file number, offset, length). They are passed over once and for all.
    too_long: Vec<(usize, u64, u64)>,
    failed: Vec<Error>,
    bytes: u64,
    /// Longest line, in bytes.
    max_line: usize,
}

/// What a file begins with.
struct Head {
    /// The over-long lines before the first others: offset and length.
    too_long: Vec<(u64, u64)>,
    /// Offset of the first whole lines that are not over-long, and these; nothing if the file has none.
    lines: Option<(u64, Vec<u8>)>,
}

fn head(input: &mut Input) -> Result<Head> {
    let (mut too_long, mut lines) = (Vec::new(), Vec::new());
    loop {
        match input.next_block(&mut lines)? {
            Some(LogPiece::Lines { offset }) => return Ok(Head { too_long, lines: Some((offset, lines)) }),
            Some(LogPiece::TooLong { offset, length }) => too_long.push((offset, length)),
            None => return Ok(Head { too_long, lines: None }),
        }
    }
}

/// What the log that begins with `head` says of a request.
fn roles(format: &Format, head: &[u8]) -> Roles {
    if !format.is_keyed() {
        return format.roles().clone();
    }
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    format.roles_in(&texts.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>())
}

/// The first lines of a log, as many as its format is told by. They are read in small steps, since every question to the
/// store that reads lines again does.
pub(super) fn first_lines(path: &Path) -> Result<Vec<u8>> {
    let mut input = Input::open(path)?.block_limit(HEAD_STEP);
    let (mut lines, mut step, mut count) = (Vec::new(), Vec::new(), 0);
    while count < HEAD_LINES && lines.len() < BLOCK_LIMIT {
        let Some(LogPiece::Lines { .. }) = input.next_block(&mut step)? else { break };
        count += memchr::memchr_iter(b'\n', &step).count();
        lines.extend_from_slice(&step);
    }
    Ok(lines)
}

impl Files {
    /// Open what the arguments name and find the formats. A file that cannot be opened is noted, the others are read.
    pub(super) fn open(context: &Context, arguments: &FileArguments) -> Result<Files> {
        let mut candidates = Candidates::new(context, &arguments.format)?;
        let max_line = usize::try_from(context.config()?.max_line).unwrap_or(usize::MAX);
        let mut files = Files { max_line, ..Files::default() };
        for path in &arguments.files {
            let stdin = path.as_os_str() == "-";
            let mut input = match if stdin { Input::stdin() } else { Input::open(path) } {
                Ok(input) => input.max_line(files.max_line),
                Err(error) => {
                    files.failed.push(error);
                    continue;
                }
            };
            let Head { too_long, lines } = match head(&mut input) {
                Ok(head) => head,
                Err(error) => {
                    files.failed.push(error);
                    continue;
                }
            };
            let name = if stdin { "stdin".to_owned() } else { path.display().to_string() };
            let Some((offset, mut lines)) = lines else {
                if !too_long.is_empty() {
                    say(&format!("{name}: {} lines, all rejected: {}", too_long.len(), Reason::LineTooLong));
                }
                continue;
            };
            let format = candidates.format(&name, &lines)?;
            let wrapper = format.wrapper();
            files.roles.push(roles(&format, &lines));
            files.formats.push(format);
            files.logs.push(candidates.log(&name).map_or(&name, |log| &log.pattern).clone());
            files.bytes += input.size_hint().unwrap_or(0);
            files.feeds.push(if stdin {
                let file = files.names.len();
                if let Some(wrapper) = wrapper {
                    input.found_wrapped(wrapper, &mut lines);
                }
                files.too_long.extend(too_long.into_iter().map(|(offset, length)| (file, offset, length)));
                Feed::Opened { input: Box::new(input), offset, head: lines }
            } else {
                Feed::Path { path: path.clone(), wrapper }
            });
            files.names.push(name);
        }
        Ok(files)
    }

    /// Say of which files the times of requests cannot be known, since nothing then is slow or has a latency, or not even what was
    /// requested.
    pub(super) fn say_untimed(&self) {
        for ((name, format), roles) in self.names.iter().zip(&self.formats).zip(&self.roles) {
            let has_no = if format.is_keyed() { "no key of its lines holds" } else { "its format has no" };
            if roles.request_time.is_none() {
                say(&format!(
                    "note: {name}: {has_no} $request_time: no latencies, and nothing is slow (`spikeline check` says how to log it)"
                ));
            }
            if roles.request.is_none() && roles.target.is_none() {
                say(&format!(
                    "note: {name}: {has_no} $request: all requests are of one route (`spikeline check` says more)"
                ));
            }
        }
    }

    /// Read them all; each tally on a thread of its own. What could not be read is said, and handed back a line each.
    pub(super) fn run<T: Tally + Send>(self, tallies: &mut [T]) -> Vec<String> {
        if let Some(first) = tallies.first_mut() {
            for (file, offset, length) in self.too_long {
                first.too_long(file, offset, length);
            }
        }
        let bar = progress(self.bytes);
        let outcome = batch::run(self.feeds, self.max_line, tallies, &|bytes| bar.set_position(bytes));
        bar.finish_and_clear();
        let failed: Vec<Error> = self.failed.into_iter().chain(outcome.failed).collect();
        for error in &failed {
            say(&format!("spikeline: {error}"));
        }
        failed.iter().map(missing).collect()
    }
}

/// What an answer lacks for this error: its place and what happened, without the remedy.
pub(super) fn missing(error: &Error) -> String {
    match error.place() {
        Some(place) => format!("{}: {}", place.path.display(), error.what()),
        None => error.what().to_owned(),
    }
}

/// A bar for so many bytes.
pub(super) fn progress(bytes: u64) -> ProgressBar {
    // indicatif draws to stderr, and only if that is a terminal.
    if bytes < PROGRESS_FROM {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The interpreters of one worker, made as files come.
pub(super) struct Workers {
    formats: Vec<Arc<Format>>,
    logs: Vec<String>,
    needs: Box<dyn Fn(&Format) -> Needs + Send>,
    with: Interpreting,
    made: Vec<Option<Interpreter>>,
}

impl Workers {
    /// Checks that every format can be interpreted, so that [`Workers::of`] finds one for each.
    pub(super) fn new(
        files: &Files,
        with: &Interpreting,
        needs: impl Fn(&Format) -> Needs + Send + 'static,
    ) -> Result<Workers> {
        for (format, name) in files.formats.iter().zip(&files.names) {
            Interpreter::new(format, needs(format), with)
                .map_err(|error| Error::usage(format!("{name}: format `{}`: {error}", format.name())))?;
        }
        let made = files.formats.iter().map(|_| None).collect();
        let logs = files.logs.clone();
        Ok(Workers { formats: files.formats.clone(), logs, needs: Box::new(needs), with: with.clone(), made })
    }

    /// The interpreter of file number `file`.
    pub(super) fn of(&mut self, file: usize) -> Option<&mut Interpreter> {
        let made = self.made.get_mut(file)?;
        if made.is_none() {
            let (format, log) = (self.formats.get(file)?, self.logs.get(file)?);
            *made = Interpreter::new(format, (self.needs)(format), &self.with.of_log(log)).ok();
        }
        made.as_mut()
    }
}

/// Lines that did not parse: how many, and the first.
#[derive(Debug, Default, Clone)]
pub(super) struct Rejects {
    pub(super) lines: u64,
    pub(super) rejected: u64,
    first: Option<(usize, u64, Reject)>,
}

impl Rejects {
    pub(super) fn reject(&mut self, file: usize, offset: u64, reject: Reject) {
        self.rejected += 1;
        self.first.get_or_insert((file, offset, reject));
    }

    pub(super) fn merge(&mut self, other: &Rejects) {
        self.lines += other.lines;
        self.rejected += other.rejected;
        self.first = match (self.first, other.first) {
            (Some(own), Some(theirs)) => Some(if (theirs.0, theirs.1) < (own.0, own.1) { theirs } else { own }),
            (own, theirs) => own.or(theirs),
        };
    }

    /// Say what was rejected, if anything.
    pub(super) fn say(&self, names: &[String]) {
        let Some((file, offset, reject)) = self.first else { return };
        let name = names.get(file).map_or("?", String::as_str);
        say(&format!(
            "{} of {} lines rejected; the first in {name} at byte {offset}, column {}: {}",
            self.rejected, self.lines, reject.column, reject.reason
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_the_first_lines_and_no_more_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (length, least) in [(100, HEAD_LINES), (3000, BLOCK_LIMIT / 3000)] {
            let line = "x".repeat(length - 1) + "\n";
            std::fs::write(file.path(), line.repeat(100_000_000 / length / 20)).unwrap();
            let lines = first_lines(file.path()).unwrap();
            let read = lines.len() / length;
            assert!(lines.len().is_multiple_of(length), "whole lines");
            assert!((least..=least + HEAD_STEP / length + 1).contains(&read), "{read} lines of {length} bytes");
        }
        std::fs::write(file.path(), "one\ntwo").unwrap();
        assert_eq!(first_lines(file.path()).unwrap(), b"one\ntwo");
    }
}
