//! The files to take in: which log each belongs to, in which format it is, and in which order they were written.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::candidates::FormatCandidates;
use super::context::Context;
use super::files::expand_patterns;
use super::head::first_lines;
use crate::cli::args::FormatArguments;
use crate::error::{Error, Result};
use crate::grammar::{Format, WrappedRecords, texts};
use crate::record::{Needs, RecordParser};
use crate::source::{BackfillFile, Input, LogPiece, base_of};
use crate::time::Timestamp;

/// At most this many lines of a file's head are tried for one that says when it was written.
const HEAD_LINES: usize = 400;

/// The files of one command.
#[derive(Default)]
pub(in crate::cli) struct PastFiles {
    /// Those of one log in the order of time.
    pub(in crate::cli) files: Vec<BackfillFile>,
    /// Formats by the key of the log: of these files, and of the configured logs.
    pub(in crate::cli) formats: HashMap<String, Arc<Format>>,
    /// Why the format of a file is not known. It does not matter if the file is.
    pub(in crate::cli) unknown: HashMap<PathBuf, Error>,
    /// Files that could not be looked at.
    pub(in crate::cli) failed: Vec<Error>,
    /// Bytes on disk, all together.
    pub(in crate::cli) bytes: u64,
}

/// A file with all that is known of it before it is read.
struct BackfillCandidate {
    path: PathBuf,
    /// The log's key, as the configuration or the file's name has it.
    key: String,
    /// Nothing if it is empty, or the reason why its format is not known.
    format: Option<std::result::Result<Arc<Format>, Error>>,
    /// When its first request ended, or else when the file changed last.
    written: Timestamp,
}

impl PastFiles {
    /// Look at what the arguments name; a pattern that no shell expanded is expanded here.
    pub(in crate::cli) fn open(context: &Context, files: &[PathBuf], given: &FormatArguments) -> Result<PastFiles> {
        let mut formats = FormatCandidates::new(context, given)?;
        let mut found = PastFiles::default();
        for log in formats.logs() {
            found.formats.insert(log.pattern.clone(), Arc::new(log.format.clone()));
        }
        let mut candidates = Vec::new();
        if files.iter().any(|path| path.as_os_str() == "-") {
            return Err(Error::usage("what is piped in cannot be found again, so it is not taken in")
                .remedy("write it to a file first, and keep that"));
        }
        let (paths, unmatched) = expand_patterns(files)?;
        found.failed.extend(unmatched);
        for path in paths {
            match look_at(&mut formats, &path) {
                Ok(candidate) => {
                    if let Ok(status) = std::fs::metadata(&path) {
                        found.bytes += status.len();
                    }
                    candidates.push(candidate);
                }
                Err(error) => found.failed.push(error),
            }
        }
        candidates
            .sort_by(|one, other| (&one.key, one.written, &one.path).cmp(&(&other.key, other.written, &other.path)));
        found.sort_out(candidates);
        Ok(found)
    }

    /// These files are known to be of these logs, whatever they are called by now.
    pub(in crate::cli) fn belong_to(&mut self, known: &[BackfillFile]) {
        for file in &mut self.files {
            let own = known.iter().find(|own| own.path == file.path && self.formats.contains_key(&own.key));
            if let Some(own) = own {
                file.key.clone_from(&own.key);
            }
        }
    }

    /// Give each file its log and format. A file whose lines do not tell its format has that of the same log's others.
    fn sort_out(&mut self, candidates: Vec<BackfillCandidate>) {
        let mut told: HashMap<String, Arc<Format>> = HashMap::new();
        for BackfillCandidate { key, format, .. } in &candidates {
            if let Some(Ok(format)) = format {
                told.entry(key.clone()).or_insert_with(|| Arc::clone(format));
            }
        }
        for BackfillCandidate { path, key, format, .. } in candidates {
            let format = match (format, told.get(&key)) {
                (None, _) => {
                    self.files.push(BackfillFile { path, key });
                    continue;
                }
                (Some(Ok(format)), _) => format,
                (Some(Err(error)), Some(other)) => match fitting_at(other, &path) {
                    true => Arc::clone(other),
                    false => {
                        self.leave(path, &key, error);
                        continue;
                    }
                },
                (Some(Err(error)), None) => {
                    self.leave(path, &key, error);
                    continue;
                }
            };
            let key = self.key_for(key, &format);
            self.formats.entry(key.clone()).or_insert(format);
            self.files.push(BackfillFile { path, key });
        }
    }

    /// A file whose format is not known is read only if it is known itself: under a key that no format has.
    fn leave(&mut self, path: PathBuf, key: &str, error: Error) {
        self.unknown.insert(path.clone(), error);
        self.files.push(BackfillFile { path, key: format!("{key} [?]") });
    }

    /// A log whose format changed is two logs, since a log's lines are all read alike.
    fn key_for(&self, key: String, format: &Format) -> String {
        match self.formats.get(&key) {
            Some(held) if !reads_alike(held, format) => format!("{key} [{}]", format.name()),
            _ => key,
        }
    }
}

/// Whether two formats cut every line alike, whatever they are called.
fn reads_alike(one: &Format, other: &Format) -> bool {
    one.text() == other.text() && one.escape() == other.escape() && one.wrapper() == other.wrapper()
}

/// Its log, its format and its time, from the name and the first lines.
fn look_at(formats: &mut FormatCandidates, path: &Path) -> Result<BackfillCandidate> {
    let mut input = Input::open(path)?;
    if input.size_hint().is_none() {
        let error = Error::failed("is not a file, so its lines could not be read again").at(path);
        return Err(error.remedy("write what it gives to a file, and name that"));
    }
    let absolute = std::fs::canonicalize(path).map_err(|error| Error::io("look at it", path, &error))?;
    // By the name that was given, or by that of the file which a link leads to.
    let (given, whole) = (path.display().to_string(), absolute.display().to_string());
    let (name, key) = match (formats.log(&given), formats.log(&whole)) {
        (Some(log), _) => (given, log.pattern.clone()),
        (None, Some(log)) => (whole, log.pattern.clone()),
        (None, None) => (given, base_of(&absolute).display().to_string()),
    };
    let mut lines = Vec::new();
    let piece = loop {
        match input.next_block(&mut lines)? {
            Some(LogPiece::TooLong { .. }) => {}
            piece => break piece,
        }
    };
    let format = if piece.is_none() { None } else { Some(fitting_format(formats, &name, path, &lines)) };
    let first_end = match &format {
        Some(Ok(format)) => first_end(format, &lines),
        _ => None,
    };
    let written = match first_end {
        Some(end) => end,
        None => change_time(path),
    };
    Ok(BackfillCandidate { path: path.to_owned(), key, format, written })
}

/// The format of a file that begins with these lines, by the name that the configuration knows it by.
fn fitting_format(formats: &mut FormatCandidates, name: &str, path: &Path, head: &[u8]) -> Result<Arc<Format>> {
    check_fit(formats.format(name, head)?, path, head)
}

/// Whether a log's format, told by its other files, is that of this file.
fn fitting_at(format: &Arc<Format>, path: &Path) -> bool {
    let Ok(head) = first_lines(path) else { return false };
    check_fit(Arc::clone(format), path, &head).is_ok()
}

/// The format, if any line of the file fits it: else it is the wrong one, and what is taken in is taken in for good.
fn check_fit(format: Arc<Format>, path: &Path, head: &[u8]) -> Result<Arc<Format>> {
    if texts(format.wrapper(), head, HEAD_LINES).is_empty() || first_end(&format, head).is_some() {
        return Ok(format);
    }
    let (mut input, mut block) = (Input::open(path)?.wrapped(format.wrapper()), Vec::new());
    while let Some(piece) = input.next_block(&mut block)? {
        if matches!(piece, LogPiece::Lines { .. }) && any_end(&format, &block, usize::MAX).is_some() {
            return Ok(format);
        }
    }
    let what = format!("not one of its lines fits the format `{}`, so it is not taken in", format.name());
    Err(Error::failed(what).at(path).remedy("`spikeline check FILE` says why; --log-format names another format"))
}

/// When the first request ended that the lines at a file's head tell of.
fn first_end(format: &Format, head: &[u8]) -> Option<Timestamp> {
    any_end(format, head, HEAD_LINES)
}

/// The same of the first `most` lines of these.
fn any_end(format: &Format, lines: &[u8], most: usize) -> Option<Timestamp> {
    let (mut parser, mut room) = (RecordParser::new(format, &Needs::latency()).ok()?, Vec::new());
    let Some(wrapper) = format.wrapper() else {
        let mut ends =
            texts(None, lines, most).into_iter().map(|line| Some(parser.parse_in(&line, &mut room).ok()?.0.end));
        return ends.find_map(|end| end);
    };
    let mut records = WrappedRecords::new(wrapper, lines);
    let mut unwrapped = Vec::new();
    let mut tried = 0;
    while tried < most
        && let Some(record) = records.next(&mut unwrapped)
    {
        tried += 1;
        parser.set_outer_time(record.time);
        if let Ok(text) = record.text
            && let Ok((record, _)) = parser.parse_in(text, &mut room)
        {
            return Some(record.end);
        }
    }
    None
}

/// When the file changed last; the epoch if nobody knows.
fn change_time(path: &Path) -> Timestamp {
    match std::fs::metadata(path) {
        Ok(status) => Timestamp::from_secs(status.mtime()).plus_millis(status.mtime_nsec() / 1_000_000),
        Err(_) => Timestamp(0),
    }
}
