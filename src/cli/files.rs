//! Log files named on the command line: which format each is in, and reading them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::FileArguments;
use super::context::Context;
use super::output::say;
use super::settings;
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{Escape, Format, Outcome, Reason, Reject, detect};
use crate::pipeline::batch::{self, Feed, Tally};
use crate::pipeline::{Interpreter, Interpreting, Lines};
use crate::record::Needs;
use crate::source::{Input, Piece, base_of};

/// So many lines of a file's head are tried to find its format.
const HEAD_LINES: usize = 400;

/// A file smaller than this is read without a progress bar.
const PROGRESS_FROM: u64 = 64 << 20;

/// The files of one command, with the format of each.
#[derive(Default)]
pub(super) struct Files {
    /// Display names, by file number.
    pub(super) names: Vec<String>,
    /// Formats, by file number.
    pub(super) formats: Vec<Arc<Format>>,
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
            Some(Piece::Lines { offset }) => return Ok(Head { too_long, lines: Some((offset, lines)) }),
            Some(Piece::TooLong { offset, length }) => too_long.push((offset, length)),
            None => return Ok(Head { too_long, lines: None }),
        }
    }
}

impl Files {
    /// Open what the arguments name and find the formats. A file that cannot be opened is noted, the others are read.
    pub(super) fn open(context: &Context, arguments: &FileArguments) -> Result<Files> {
        let mut candidates = Candidates::new(context, arguments)?;
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
            let Some((offset, lines)) = lines else {
                if !too_long.is_empty() {
                    say(&format!("{name}: {} lines, all rejected: {}", too_long.len(), Reason::LineTooLong));
                }
                continue;
            };
            files.formats.push(candidates.format(&name, &lines)?);
            files.bytes += input.size_hint().unwrap_or(0);
            files.feeds.push(if stdin {
                let file = files.names.len();
                files.too_long.extend(too_long.into_iter().map(|(offset, length)| (file, offset, length)));
                Feed::Opened { input: Box::new(input), offset, head: lines }
            } else {
                Feed::Path(path.clone())
            });
            files.names.push(name);
        }
        Ok(files)
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

/// The formats that a file may be in.
pub(super) struct Candidates {
    given: Option<Arc<Format>>,
    /// What the configuration says of the logs that it names.
    logs: Vec<Log>,
    all: Vec<Format>,
    found: HashMap<usize, Arc<Format>>,
}

impl Candidates {
    pub(super) fn new(context: &Context, arguments: &FileArguments) -> Result<Candidates> {
        let all = context.grammars()?;
        let given = match &arguments.log_format {
            None => None,
            Some(text) => Some(Arc::new(named_or_text(text, arguments.escape.as_deref(), &all)?)),
        };
        let logs = if context.has_config() { settings::logs(context)? } else { Vec::new() };
        Ok(Candidates { given, logs, all, found: HashMap::new() })
    }

    /// The configured logs.
    pub(super) fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The configured log that means the file of this name.
    pub(super) fn log(&self, name: &str) -> Option<&Log> {
        self.logs.iter().find(|log| names(&log.pattern, name))
    }

    /// The format of the file of this name, which begins with these lines.
    pub(super) fn format(&mut self, name: &str, head: &[u8]) -> Result<Arc<Format>> {
        if let Some(given) = &self.given {
            return Ok(Arc::clone(given));
        }
        if let Some(log) = self.log(name) {
            return Ok(Arc::new(log.format.clone()));
        }
        let format = detected(head, &self.all).map_err(|what| {
            Error::usage(format!("{name}: {what}"))
                .remedy("give the log_format that nginx writes it with: --log-format 'TEXT' (or a grammar's NAME)")
        })?;
        let known = self.all.get(format).cloned().unwrap_or_else(Format::combined);
        Ok(Arc::clone(self.found.entry(format).or_insert_with(|| Arc::new(known))))
    }
}

/// Which of `formats` the lines at the head of a log are in, or why that cannot be said.
pub(super) fn detected(head: &[u8], formats: &[Format]) -> std::result::Result<usize, String> {
    let lines: Vec<&[u8]> = Lines::new(head).map(|(_, line)| line).take(HEAD_LINES).collect();
    match detect(&lines, formats).outcome {
        Outcome::Found { format, .. } => Ok(format),
        Outcome::Tie { formats: tied } => {
            let names: Vec<&str> = tied.into_iter().filter_map(|at| formats.get(at)).map(Format::name).collect();
            Err(format!("its lines fit several formats alike: {}", names.join(", ")))
        }
        Outcome::None => Err(format!("its lines fit none of the {} known formats", formats.len())),
    }
}

/// Whether a `[[log]]`'s path means the file of that name, or the log that it was rotated from.
pub(super) fn names(pattern: &str, name: &str) -> bool {
    let base = base_of(Path::new(name));
    pattern == name
        || Path::new(pattern) == base
        || glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name) || pattern.matches_path(&base))
}

/// A grammar's name, or the text of a log_format.
pub(super) fn named_or_text(text: &str, escape: Option<&str>, all: &[Format]) -> Result<Format> {
    let escape = escape.map(str::parse::<Escape>).transpose().map_err(Error::usage)?;
    if !text.contains('$') {
        if escape.is_some() {
            return Err(Error::usage(format!("the grammar `{text}` has its own escape")).remedy("leave out --escape"));
        }
        return all.iter().find(|format| format.name() == text).cloned().ok_or_else(|| {
            let near = all
                .iter()
                .map(|format| (strsim::damerau_levenshtein(format.name(), text), format.name()))
                .min()
                .filter(|(distance, _)| *distance <= 3);
            let error = Error::usage(format!("no grammar is named `{text}`"));
            match near {
                Some((_, name)) => error.remedy(format!("did you mean `{name}`?")),
                None => error.remedy("give a grammar's name, or a log_format's text with its $variables"),
            }
        });
    }
    Format::compile("given", text, escape.unwrap_or_default())
        .map_err(|error| Error::usage(format!("log_format: {}", error.render())))
}

/// The interpreters of one worker, made as files come.
pub(super) struct Workers {
    formats: Vec<Arc<Format>>,
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
        Ok(Workers { formats: files.formats.clone(), needs: Box::new(needs), with: with.clone(), made })
    }

    /// The interpreter of file number `file`.
    pub(super) fn of(&mut self, file: usize) -> Option<&mut Interpreter> {
        let made = self.made.get_mut(file)?;
        if made.is_none() {
            let format = self.formats.get(file)?;
            *made = Interpreter::new(format, (self.needs)(format), &self.with).ok();
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
