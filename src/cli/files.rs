//! Log files named on the command line: which format each is in, and reading them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{FileArguments, FormatArguments};
use super::context::Context;
use super::output::say;
use super::settings;
use crate::daemon::Log;
use crate::error::{Error, Result, meant};
use crate::grammar::{
    Directive, Escape, Format, FormatError, Reason, Recognised, Reject, Roles, Unrecognised, Wrapper, directives,
    recognise, recognise_in, texts,
};
use crate::pipeline::batch::{self, Feed, Tally};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::source::{BLOCK_LIMIT, Input, Piece, base_of};

/// So many lines of a file's head are tried to find its format.
const HEAD_LINES: usize = 400;

/// .. and about so many bytes are read at a time until there are so many.
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
            Some(Piece::Lines { offset }) => return Ok(Head { too_long, lines: Some((offset, lines)) }),
            Some(Piece::TooLong { offset, length }) => too_long.push((offset, length)),
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
        let Some(Piece::Lines { .. }) = input.next_block(&mut step)? else { break };
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

/// The formats that a file may be in.
pub(super) struct Candidates {
    given: Option<Given>,
    /// What the configuration says of the logs that it names.
    logs: Vec<Log>,
    all: Vec<Format>,
    found: HashMap<usize, Arc<Format>>,
}

impl Candidates {
    pub(super) fn new(context: &Context, arguments: &FormatArguments) -> Result<Candidates> {
        let all = context.grammars()?;
        let given = given(arguments, &all)?;
        let known = context.has_config() || context.nginx()?.is_some();
        let mut logs = if known { settings::logs(context)? } else { Vec::new() };
        if let Some(conf) = context.nginx()? {
            logs.extend(conf.given(&context.config()?.logs));
        }
        Ok(Candidates { given, logs, all, found: HashMap::new() })
    }

    /// The configured logs, and nginx's own.
    pub(super) fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The log that means the file of this name.
    pub(super) fn log(&self, name: &str) -> Option<&Log> {
        // nginx's own logs have absolute paths.
        let whole = std::path::absolute(name).map(|path| path.display().to_string()).unwrap_or_default();
        self.logs.iter().find(|log| names(&log.pattern, name) || names(&log.pattern, &whole))
    }

    /// The format of the file of this name, which begins with these lines.
    pub(super) fn format(&mut self, name: &str, head: &[u8]) -> Result<Arc<Format>> {
        let unknown = |what: String| match packed(head) {
            Some(packer) => Error::usage(format!("{name}: it is packed by {packer}, which is not read"))
                .remedy("unpack it, or pack it with gzip or zstd"),
            None => Error::usage(format!("{name}: {what}"))
                .remedy("give the log_format that nginx writes it with: --log-format 'TEXT' (or a grammar's NAME)"),
        };
        let wrapper = match &self.given {
            Some(Given::Format(format)) => return Ok(Arc::new(learnt(format, head))),
            Some(Given::Wrapper(wrapper)) => Some(*wrapper),
            None => None,
        };
        if wrapper.is_none()
            && let Some(log) = self.log(name)
        {
            return Ok(Arc::new(learnt(&log.format, head)));
        }
        let found = detected(wrapper, head, &self.all).map_err(unknown)?;
        if let Some(taken) = taken(&found.format, head) {
            say(&format!("{name}: {taken}"));
        }
        let same = |known: &&Arc<Format>| known.wrapper() == found.format.wrapper();
        if let Some(known) = found.candidate.and_then(|candidate| self.found.get(&candidate)).filter(same) {
            return Ok(Arc::clone(known));
        }
        let format = Arc::new(found.format);
        if let Some(candidate) = found.candidate {
            self.found.insert(candidate, Arc::clone(&format));
        }
        Ok(format)
    }
}

/// By which program a file that begins so was packed, of those whose files are not read.
fn packed(head: &[u8]) -> Option<&'static str> {
    let magics: [(&[u8], &str); 4] =
        [(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x04\x22M\x18", "lz4"), (b"PK\x03\x04", "zip")];
    magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packer)| packer)
}

/// What `--log-format` names: a format, or a wrapper alone.
pub(super) enum Given {
    Format(Box<Format>),
    Wrapper(Wrapper),
}

/// `cri`, `docker` and `syslog` name a wrapper, `cri:FORMAT` a format in it.
pub(super) fn given(arguments: &FormatArguments, all: &[Format]) -> Result<Option<Given>> {
    let Some(text) = &arguments.log_format else { return Ok(None) };
    if arguments.escape.is_none()
        && let Ok(wrapper) = text.parse()
    {
        return Ok(Some(Given::Wrapper(wrapper)));
    }
    Ok(Some(Given::Format(Box::new(named_or_text(text, arguments.escape.as_deref(), all)?))))
}

/// The wrapper that `cri:FORMAT` names, and the format's name or text.
pub(super) fn wrapper_and_rest(text: &str) -> (Option<Wrapper>, &str) {
    let named = text.split_once(':').and_then(|(name, rest)| Some((name.parse().ok()?, rest)));
    named.map_or((None, text), |(wrapper, rest)| (Some(wrapper), rest))
}

/// A keyed format with the further keys of the log that begins with `head`; another as it is.
pub(super) fn learnt(format: &Format, head: &[u8]) -> Format {
    if !format.is_keyed() {
        return format.clone();
    }
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    format.learnt(&texts.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>())
}

/// What the log that begins with `head` was taken for, if its format's name does not say that: its wrapper, its keys.
pub(super) fn taken(format: &Format, head: &[u8]) -> Option<String> {
    let inside = match format.wrapper() {
        Some(wrapper) => format!("{wrapper} around "),
        None if format.is_keyed() => String::new(),
        None => return None,
    };
    if !format.is_keyed() {
        return Some(format!("taken as {inside}`{}`", format.name()));
    }
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    let held = format.keys_of(&texts.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>());
    let named = |(variable, key): &(String, String)| match variable == key {
        true => format!("${variable}"),
        false => format!("${variable} = {key}"),
    };
    let keys: Vec<String> = held.iter().map(named).collect();
    Some(format!("taken as {inside}{} by its keys: {}", format.name(), keys.join(", ")))
}

/// What the log that begins with `head` is, in that wrapper if one is given; or why that cannot be said.
pub(super) fn detected(
    wrapper: Option<Wrapper>,
    head: &[u8],
    formats: &[Format],
) -> std::result::Result<Recognised, String> {
    let recognised = match wrapper {
        Some(_) => recognise_in(wrapper, head, HEAD_LINES, formats),
        None => recognise(head, HEAD_LINES, formats),
    };
    recognised.map_err(|error| match error {
        Unrecognised::Tie(tied) => {
            let names: Vec<&str> = tied.into_iter().filter_map(|at| formats.get(at)).map(Format::name).collect();
            format!("its lines fit several formats alike: {}", names.join(", "))
        }
        Unrecognised::Nothing(wrapper) => {
            let inside = wrapper.map_or_else(String::new, |wrapper| format!(" inside {wrapper}"));
            format!("its lines fit none of the {} known formats{inside}", formats.len())
        }
    })
}

/// Whether a `[[log]]`'s path means the file of that name, or the log that it was rotated from.
pub(super) fn names(pattern: &str, name: &str) -> bool {
    let base = base_of(Path::new(name));
    pattern == name
        || Path::new(pattern) == base
        || glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name) || pattern.matches_path(&base))
}

/// A grammar's name, a keyed format, or the text of a log_format; perhaps in a wrapper.
pub(super) fn named_or_text(text: &str, escape: Option<&str>, all: &[Format]) -> Result<Format> {
    if let (Some(wrapper), rest) = wrapper_and_rest(text) {
        return Ok(named_or_text(rest, escape, all)?.wrapped(wrapper));
    }
    let escape = escape.map(str::parse::<Escape>).transpose().map_err(Error::usage)?;
    if let Some(keyed) = Format::keyed(text) {
        if escape.is_some() {
            return Err(Error::usage(format!("`{text}` has no escape")).remedy("leave out --escape"));
        }
        return keyed.map_err(|error| Error::usage(format!("log format: {}", error.render())));
    }
    if text.trim_start().starts_with("log_format ") {
        return pasted(text, escape);
    }
    if !text.contains('$') {
        if escape.is_some() {
            return Err(Error::usage(format!("the grammar `{text}` has its own escape")).remedy("leave out --escape"));
        }
        return all.iter().find(|format| format.name() == text).cloned().ok_or_else(|| {
            let near = meant(text, all.iter().map(Format::name).chain(["json", "ltsv"]), 3);
            let error = Error::usage(format!("no grammar is named `{text}`"));
            match near {
                Some(name) => error.remedy(format!("did you mean `{name}`?")),
                None => error.remedy("give a grammar's name, json, ltsv, or a log_format's text with its $variables"),
            }
        });
    }
    Format::compile("given", text, escape.unwrap_or_default())
        .map_err(|error| Error::usage(format!("log_format: {}", error.render())))
}

/// A directive as it stands in nginx.conf.
fn pasted(text: &str, escape: Option<Escape>) -> Result<Format> {
    let ended = if text.trim_end().ends_with(';') { text.to_owned() } else { format!("{};", text.trim_end()) };
    let bad = |error: FormatError| Error::usage(format!("log_format: {}", error.render()));
    let mut found = directives(&ended).map_err(bad)?.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Directive { escape: escape.unwrap_or(one.escape), ..one }.compile().map_err(bad),
        _ => Err(Error::usage("give one log_format, not several")),
    }
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
