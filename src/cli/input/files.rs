//! Log files named on the command line, and reading them.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::candidates::FormatCandidates;
use super::context::Context;
use super::head::{HEAD_LINES, Head, first_lines, read_head};
use crate::cli::answer::completeness::{missing_for, zone_words};
use crate::cli::answer::output::{progress, say, say_error};
use crate::cli::answer::untimed::say_untimed;
use crate::cli::args::FileArguments;
use crate::error::{Error, Result};
use crate::grammar::{Format, RejectReason, Roles, texts};
use crate::pipeline::batch::{self, BlockTally, Feed};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::{Needs, RecordParser};
use crate::source::Input;
use crate::wildcards::{MatchedPaths, UnlistedDirectory, is_pattern, paths_named};

/// The files of one command, with the format of each.
#[derive(Default)]
pub(in crate::cli) struct Files {
    /// Display names, by file number.
    pub(in crate::cli) names: Vec<String>,
    /// Formats, by file number.
    pub(in crate::cli) formats: Vec<Arc<Format>>,
    /// The log that each is of, by file number: the pattern under which it is configured, else its own name.
    logs: Vec<String>,
    /// What the first lines of each say of a request, by file number.
    roles: Vec<Roles>,
    /// Whether the first lines of each have times that name no zone.
    zoneless: Vec<bool>,
    feeds: Vec<Feed>,
    /// Over-long lines that stdin began with: (file number, offset, length). They are passed over once and for all.
    too_long: Vec<(usize, u64, u64)>,
    failed: Vec<Error>,
    bytes: u64,
    /// Longest line, in bytes.
    max_line: usize,
}

/// The files that names and patterns on the command line mean; a name that is there is no pattern. A pattern that matches nothing is
/// a failed file, not a mistake: the others are read.
pub(in crate::cli) fn expand_patterns(named: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Error>)> {
    let (mut paths, mut unmatched) = (Vec::new(), Vec::new());
    for path in named {
        let text = path.to_string_lossy();
        if path.exists() || !is_pattern(&text) {
            paths.push(path.clone());
            continue;
        }
        let matched = paths_named(&text).map_err(|error| Error::usage(format!("pattern {text}: {error}")))?;
        for UnlistedDirectory { path, error } in &matched.unlisted {
            unmatched.push(Error::io("list this directory", path, error));
        }
        paths.extend_from_slice(&matched.paths);
        if matched.paths.is_empty() && matched.unlisted.is_empty() {
            unmatched.push(Error::failed("no file matches this pattern").at(path));
        }
    }
    Ok((paths, unmatched))
}

/// Without what is the same file as one before it: its lines would count twice.
fn each_once(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut known: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut once = Vec::with_capacity(paths.len());
    for path in paths {
        let file = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file);
        if let Some(first) = file.and_then(|file| known.insert((file.dev(), file.ino()), path.clone())) {
            say(&format!("note: {} and {} are one file, which is read once", first.display(), path.display()));
        } else {
            once.push(path);
        }
    }
    once
}

/// What the log that begins with `head` says of a request.
fn roles_of_lines(format: &Format, head: &[u8]) -> Roles {
    if !format.is_keyed() {
        return format.roles().clone();
    }
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    format.roles_in(&texts.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>())
}

/// Whether the log that begins with `head` has times that name no zone.
fn assumes_zone(format: &Format, head: &[u8]) -> bool {
    if !format.is_keyed() {
        return false;
    }
    let Ok(mut parser) = RecordParser::new(format, &Needs::default()) else { return false };
    let mut room = Vec::new();
    texts(format.wrapper(), head, HEAD_LINES).iter().any(|line| {
        // A line that does not fit says nothing of the others.
        let _ = parser.parse_in(line, &mut room);
        parser.assumes_zone()
    })
}

/// The same of the first log of a pattern that has lines.
pub(in crate::cli) fn pattern_assumes_zone(pattern: &str, format: &Format) -> bool {
    let Ok(MatchedPaths { paths, .. }) = paths_named(pattern) else { return false };
    // What cannot be read is told when it is followed.
    let heads = paths.into_iter().filter_map(|path| first_lines(&path).ok());
    format.is_keyed() && heads.into_iter().find(|head| !head.is_empty()).is_some_and(|head| assumes_zone(format, &head))
}

impl Files {
    /// Open what the arguments name and find the formats. A file that cannot be opened is noted, the others are read.
    pub(in crate::cli) fn open(context: &Context, arguments: &FileArguments) -> Result<Files> {
        let mut candidates = FormatCandidates::new(context, &arguments.format)?;
        let max_line = context.config()?.longest_line();
        let mut files = Files { max_line, ..Files::default() };
        let (paths, unmatched) = expand_patterns(&arguments.files)?;
        files.failed.extend(unmatched);
        for path in &each_once(paths) {
            let stdin = path.as_os_str() == "-";
            let mut input = match if stdin { Input::stdin() } else { Input::open_named(path) } {
                Ok(input) => input.max_line(files.max_line),
                Err(error) => {
                    files.failed.push(error);
                    continue;
                }
            };
            let Head { too_long, lines } = match read_head(&mut input) {
                Ok(head) => head,
                Err(error) => {
                    files.failed.push(error);
                    continue;
                }
            };
            let name = if stdin { "stdin".to_owned() } else { path.display().to_string() };
            let Some((offset, mut lines)) = lines else {
                if !too_long.is_empty() {
                    say(&format!("{name}: {} lines, all rejected: {}", too_long.len(), RejectReason::LineTooLong));
                }
                continue;
            };
            let format = candidates.format(&name, &lines)?;
            let wrapper = format.wrapper();
            files.roles.push(roles_of_lines(&format, &lines));
            files.zoneless.push(assumes_zone(&format, &lines));
            files.formats.push(format);
            files.logs.push(match candidates.log(&name) {
                Some(log) => log.pattern.clone(),
                None => name.clone(),
            });
            files.bytes += input.size_hint().unwrap_or(0);
            // What a pipe gave cannot be read again.
            files.feeds.push(if stdin || input.size_hint().is_none() {
                let file = files.names.len();
                if let Some(wrapper) = wrapper {
                    input.found_wrapped(wrapper, &mut lines);
                }
                for (offset, length) in too_long {
                    files.too_long.push((file, offset, length));
                }
                Feed::Opened { input: Box::new(input), offset, head: lines }
            } else {
                Feed::Path { path: path.clone(), wrapper }
            });
            files.names.push(name);
        }
        files.failed.append(&mut candidates.left_out);
        Ok(files)
    }

    /// Say of which files the times of requests cannot be known, since nothing then is slow or has a latency, or not
    /// even what was requested.
    pub(in crate::cli) fn say_untimed(&self) {
        self.say_clocks();
        for ((name, format), roles) in self.names.iter().zip(&self.formats).zip(&self.roles) {
            let has_no = if format.is_keyed() { "no key of its lines holds" } else { "its format has no" };
            say_untimed(name, format, roles);
            if roles.request.is_none() && roles.target.is_none() {
                say(&format!(
                    "note: {name}: {has_no} $request: all requests are of one route (`spikeline check` says more)"
                ));
            }
        }
    }

    /// Of each file whether each of its requests should say how long it took: a key may say so in some of them only. Where the
    /// upstream's time stands in, those that none was asked for have none.
    pub(in crate::cli) fn timed(&self) -> Vec<bool> {
        let by_upstream =
            |roles: &Roles| roles.request_time.is_none() && roles.upstream.first().is_some_and(Option::is_some);
        self.formats.iter().zip(&self.roles).map(|(format, roles)| format.is_keyed() && !by_upstream(roles)).collect()
    }

    /// Say of which files the times are not told by the lines alone.
    pub(in crate::cli) fn say_clocks(&self) {
        for (((name, format), roles), zoneless) in
            self.names.iter().zip(&self.formats).zip(&self.roles).zip(&self.zoneless)
        {
            if *zoneless {
                say(&format!("note: {name}: {}", zone_words()));
            }
            if format.wrapper().is_some() && roles.end.is_none() {
                say(&format!(
                    "note: {name}: its lines have no time of their own: each has that of what is wrapped around it"
                ));
            }
        }
    }

    /// Read them all; each tally on a thread of its own. What could not be read is said, and handed back a line each.
    pub(in crate::cli) fn run<T: BlockTally + Send>(self, tallies: &mut [T]) -> Vec<String> {
        if let Some(first) = tallies.first_mut() {
            for (file, offset, length) in self.too_long {
                first.skip_long_line(file, offset, length);
            }
        }
        let bar = progress(self.bytes);
        let failed = batch::run(self.feeds, self.max_line, tallies, &|bytes| bar.set_position(bytes));
        bar.finish_and_clear();
        let failed: Vec<Error> = self.failed.into_iter().chain(failed).collect();
        for error in &failed {
            say_error(error);
        }
        failed.iter().map(missing_for).collect()
    }
}

/// The interpreters of one worker, made as files come.
pub(in crate::cli) struct Workers {
    formats: Vec<Arc<Format>>,
    logs: Vec<String>,
    needs: Box<dyn Fn(&Format) -> Needs + Send>,
    with: Interpreting,
    made: Vec<Option<Interpreter>>,
}

impl Workers {
    /// Checks that every format can be interpreted, so that [`Workers::interpreter_of`] finds one for each.
    pub(in crate::cli) fn new(
        files: &Files,
        with: &Interpreting,
        needs: impl Fn(&Format) -> Needs + Send + 'static,
    ) -> Result<Workers> {
        for (format, name) in files.formats.iter().zip(&files.names) {
            if let Err(error) = Interpreter::new(format, needs(format), with) {
                return Err(Error::usage(format!("{name}: format `{}`: {error}", format.name())));
            }
        }
        let mut made = Vec::new();
        made.resize_with(files.formats.len(), Option::default);
        let logs = files.logs.clone();
        Ok(Workers { formats: files.formats.clone(), logs, needs: Box::new(needs), with: with.clone(), made })
    }

    /// Workers that read what every answer needs: when a request ended, how long it took, its route and status.
    pub(in crate::cli) fn for_latency(files: &Files, with: &Interpreting) -> Result<Workers> {
        Workers::new(files, with, needs_of_latency)
    }

    /// The interpreter of file number `file`.
    pub(in crate::cli) fn interpreter_of(&mut self, file: usize) -> Option<&mut Interpreter> {
        let made = self.made.get_mut(file)?;
        if made.is_none() {
            let (format, log) = (self.formats.get(file)?, self.logs.get(file)?);
            *made = Interpreter::new(format, (self.needs)(format), &self.with.for_log(log)).ok();
        }
        made.as_mut()
    }
}

/// The same of each format.
fn needs_of_latency(_format: &Format) -> Needs {
    Needs::latency()
}
