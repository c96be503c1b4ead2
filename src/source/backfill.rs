//! Files of the past, read once one after the other: what is known of them already is passed over, the rest is told as
//! the same events that following a log gives.
//!
//! A file is known by its content, as everywhere: its first bytes and those before the position that was reached, whatever
//! it is called and however it is packed. So a file that was read to its end gives nothing, one that was read in part gives
//! the rest, and a copy of either is no new log.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{FileStatus, real_path};
use super::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use super::tail_hash::TailBytes;
use super::unread_account::{STOPPED, UnreadAccount};
use super::unread_span::UnreadSpan;
use super::{BLOCK_LIMIT, find_generation};
use crate::error::Error;
use crate::grammar::Wrapper;
use crate::source::blocks::cutter::{BlockCutter, LogPiece};
use crate::source::blocks::event::{FinishReason, LogEvent};
use crate::source::compressed::compression::Compression;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::identity::compare::{Comparison, OpenedGeneration, compare, head_length};
use crate::source::identity::identify::{FileIdentity, identify_file};
use crate::source::identity::siblings::is_rotated;
use crate::source::identity::tail_search::find_tail_of_last;

/// A file to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillFile {
    /// Where it is.
    pub path: PathBuf,
    /// The stable key of its log; becomes [`Generation::log`], unless the generation is known under another.
    pub key: String,
}

/// What a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFinding {
    /// A log that was not known.
    New,
    /// A log that was known up to this offset; only the rest was read.
    Rest(u64),
    /// A log that was known to its end.
    Known,
    /// The beginning of a log that was read further already.
    Beginning,
    /// It begins as a known log that was read further, and that log is gone: nothing was read, since it may be a part of it.
    Doubtful(PathBuf),
    /// It begins as a known log, and from this offset on as another one: logs put together. Nothing was read.
    Joined(u64, PathBuf),
    /// Nothing is in it.
    Empty,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct BackfillOutcome {
    /// Its number among the files given.
    pub file: usize,
    /// What it was; `None` if it could not be opened.
    pub found: Option<FileFinding>,
    /// The log that it holds, if it is any.
    pub generation: Option<GenerationId>,
    /// Bytes of a last line that is not finished, in a log that may be written still: they were left.
    pub unfinished: u64,
    /// Why it could not be read, or not to its end.
    pub failed: Option<Error>,
}

/// What [`BackfillReader::next`] gives.
#[derive(Debug)]
pub enum BackfillStep {
    /// Something about a generation, or a block of its lines.
    Event(LogEvent),
    /// A file is done with.
    Done(BackfillOutcome),
}

/// By fewer first bytes a log is not recognised within a file: lines may be alike.
const JOINED_LEAST: u64 = 1024;

/// What stands for a format that is not known, where only an I/O error can be returned.
const UNKNOWN: io::ErrorKind = io::ErrorKind::Unsupported;

/// The file that is being read.
#[derive(Debug)]
struct OpenFile {
    file: usize,
    generation: Generation,
    reader: UncompressedReader,
    cutter: BlockCutter,
    found: FileFinding,
    /// It will not grow: it is compressed, or its name says that it was rotated.
    complete: bool,
    /// When it was opened.
    status: FileStatus,
}

/// Of more files than this the others are said to be missing when they are begun.
const MOST_ANNOUNCED: usize = 10_000;

/// What came of looking at a file.
enum Beginning {
    /// It is open, and there is something to read.
    Opened,
    /// There is nothing to read: what it is, and which generation it holds.
    Passed(FileFinding, Option<GenerationId>),
}

/// Files to read once.
#[derive(Debug)]
pub struct BackfillReader {
    files: std::iter::Enumerate<std::vec::IntoIter<BackfillFile>>,
    known: Vec<Generation>,
    /// Known ones that are read again as if they were not.
    unfit: Vec<Generation>,
    next_id: u32,
    /// The keys of logs whose format is known, with what is around their lines.
    readable: HashMap<String, Option<Wrapper>>,
    max_line: usize,
    open: Option<OpenFile>,
    /// What is said of logs that were not read.
    account: UnreadAccount,
    /// Known ones that were given up at the end of what was read.
    given_up: HashSet<GenerationId>,
    /// Told before anything else is read.
    told: VecDeque<BackfillStep>,
    /// Bytes on disk of the files that are done with.
    before: u64,
}

impl BackfillReader {
    /// Files to be read in this order; `known` are the generations of the store, ascending by number, `readable` the keys of
    /// the logs whose format is known, with what is around their lines. A line of more than `max_line` bytes is passed over.
    pub fn new(
        files: Vec<BackfillFile>,
        known: Vec<Generation>,
        readable: HashMap<String, Option<Wrapper>>,
        max_line: usize,
    ) -> BackfillReader {
        let next_id = known.iter().map(|generation| generation.id.0.saturating_add(1)).max().unwrap_or(0);
        let files = files.into_iter().enumerate();
        let (unfit, open, told) = (Vec::new(), None, VecDeque::new());
        let (account, given_up) = (UnreadAccount::default(), HashSet::new());
        BackfillReader { files, known, unfit, next_id, readable, max_line, open, account, given_up, told, before: 0 }
    }

    /// Reads these again, as new generations: nothing came of their lines, so nothing can count twice.
    #[must_use]
    pub fn again(mut self, unfit: &HashSet<GenerationId>) -> BackfillReader {
        (self.unfit, self.known) = self.known.into_iter().partition(|generation| unfit.contains(&generation.id));
        self
    }

    /// Withdraws what is missing by these spans when it is read, and what was given up of these generations when they are found to end
    /// there.
    #[must_use]
    pub fn missing(mut self, spans: Vec<UnreadSpan>, given_up: HashSet<GenerationId>) -> BackfillReader {
        (self.account, self.given_up) = (UnreadAccount::new(spans), given_up);
        self
    }

    /// What the files hold that are still to be read, as far as a look at them tells: to be said to be missing before the first is.
    pub fn announce(&mut self) -> Vec<UnreadSpan> {
        let mut announced = Vec::new();
        for (_, BackfillFile { path, key }) in self.files.clone().take(MOST_ANNOUNCED) {
            let Ok(status) = FileStatus::of_path(&path) else { continue };
            if status.regular && status.size > 0 && self.is_to_read(&path, &key, status) {
                announced.push(self.account.announce(real_path(&path), &key, status, STOPPED));
            }
        }
        announced
    }

    /// Whether there is more of a file than is known, as far as its first bytes tell.
    fn is_to_read(&self, path: &Path, key: &str, status: FileStatus) -> bool {
        let is_known = |known: &Generation| known.finished || known.position == status.size;
        let head = UncompressedReader::open(path).and_then(|file| file.read_head());
        let Ok(head) = head else { return true };
        match identify_file(path, &head, &self.known) {
            Ok(FileIdentity::New) => !head.is_empty() && self.readable.contains_key(key),
            Ok(FileIdentity::Known(at, _)) => self.known.get(at).is_none_or(|known| !is_known(known)),
            Ok(FileIdentity::Beginning(_) | FileIdentity::Doubtful(..)) => false,
            Err(_) => true,
        }
    }

    /// Bytes on disk that were passed or read so far.
    pub fn consumed(&self) -> u64 {
        self.before + self.open.as_ref().map_or(0, |open| open.reader.consumed())
    }

    /// What comes next; `None` when all files are done with. `buffer` is taken for a block's bytes.
    pub fn next(&mut self, buffer: &mut Vec<u8>) -> Option<BackfillStep> {
        loop {
            if let Some(step) = self.told.pop_front() {
                return Some(step);
            }
            if self.open.is_some() {
                if let Some(event) = self.read_open(buffer) {
                    return Some(BackfillStep::Event(event));
                }
                continue;
            }
            let (file, BackfillFile { path, key }) = self.files.next()?;
            let status = FileStatus::of_path(&path);
            let size = status.as_ref().map_or(0, |status| status.size);
            let outcome = BackfillOutcome { file, found: None, generation: None, unfinished: 0, failed: None };
            let begun = self.begin_file(file, &path, &key);
            if let Ok(status) = status {
                let told = match &begun {
                    Ok(Beginning::Opened) => None,
                    Err(error) if error.kind() != UNKNOWN && status.regular => {
                        let span = self.account.announce(real_path(&path), &key, status, &error.to_string());
                        Some(LogEvent::Unread(span))
                    }
                    _ => self.account.pass(status),
                };
                self.told.extend(told.map(BackfillStep::Event));
            }
            match begun {
                Ok(Beginning::Opened) => {}
                Ok(Beginning::Passed(found, generation)) => {
                    self.before += size;
                    self.told.push_back(BackfillStep::Done(BackfillOutcome {
                        found: Some(found),
                        generation,
                        ..outcome
                    }));
                }
                Err(error) => {
                    self.before += size;
                    let failed = match error.kind() {
                        UNKNOWN => Error::failed("its format is not known").at(&path),
                        _ => Error::io("read it", &path, &error),
                    };
                    let failed = Some(failed);
                    self.told.push_back(BackfillStep::Done(BackfillOutcome { failed, ..outcome }));
                }
            }
        }
    }

    /// Finds out what a file is, and open it if there is something to read; else say what it is.
    fn begin_file(&mut self, file: usize, path: &Path, key: &str) -> io::Result<Beginning> {
        let status = FileStatus::of_path(path)?;
        if !status.regular {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let head = if status.size == 0 { Vec::new() } else { UncompressedReader::open(path)?.read_head()? };
        if head.is_empty() {
            return Ok(Beginning::Passed(FileFinding::Empty, None));
        }
        match identify_file(path, &head, &self.known)? {
            FileIdentity::New if self.readable.contains_key(key) => self.begin_new(file, path, key, &head),
            FileIdentity::New => Err(UNKNOWN.into()),
            FileIdentity::Known(at, opened) => self.read_rest(file, path, key, at, *opened),
            FileIdentity::Beginning(id) => Ok(Beginning::Passed(FileFinding::Beginning, Some(id))),
            FileIdentity::Doubtful(id, path) => Ok(Beginning::Passed(FileFinding::Doubtful(path), Some(id))),
        }
    }

    /// Begins a new generation.
    fn begin_new(&mut self, file: usize, path: &Path, key: &str, head: &[u8]) -> io::Result<Beginning> {
        let opened = File::open(path)?;
        let status = FileStatus::of_file(&opened)?;
        let mut reader = UncompressedReader::of_file(opened.try_clone()?)?;
        let (mut found, mut position, mut tail) = (FileFinding::New, 0, TailBytes::default());
        if reader.compression() == Compression::Plain
            && let Some((id, place)) = find_tail_of_last(&opened, &real_path(path), status, &self.known)?
        {
            if place.end == status.size {
                return Ok(Beginning::Passed(FileFinding::Known, Some(id)));
            }
            position = place.end;
            found = FileFinding::Rest(position);
            reader.skip_to(position, &mut tail)?;
        }
        let generation = Generation {
            id: GenerationId(self.next_id),
            log: key.to_owned(),
            path: std::fs::canonicalize(path)?,
            device_inode: status.device_inode,
            fingerprint: Fingerprint::of_head(head),
            position,
            tail_hash: tail.hash(),
            finished: false,
        };
        self.next_id = self.next_id.saturating_add(1);
        for stale in self.unfit.iter().filter(|stale| !stale.finished) {
            if matches!(compare(stale, path), Ok(Comparison::Same(_))) {
                let finished = LogEvent::Finished { generation: stale.id, unread: 0, reason: FinishReason::Rotated };
                self.told.push_back(BackfillStep::Event(finished));
                // From here on it is missing as the new one.
                self.told.extend(self.account.leave(stale.id).map(BackfillStep::Event));
            }
        }
        self.told.push_back(BackfillStep::Event(LogEvent::Discovered(generation.clone())));
        self.told.push_back(BackfillStep::Event(self.account.begin(&generation, status)));
        let mut cutter = BlockCutter::new(position, tail, self.max_line, BLOCK_LIMIT);
        cutter.keep_together(self.readable.get(key).copied().flatten());
        let complete = reader.compression() != Compression::Plain || is_rotated(path);
        self.open = Some(OpenFile { file, generation, reader, cutter, found, complete, status });
        Ok(Beginning::Opened)
    }

    /// Reads a known generation on from its position, if there is more of it.
    fn read_rest(
        &mut self,
        file: usize,
        path: &Path,
        key: &str,
        at: usize,
        opened: OpenedGeneration,
    ) -> io::Result<Beginning> {
        let Some(mut known) = self.known.get(at).cloned() else {
            return Ok(Beginning::Passed(FileFinding::Known, None));
        };
        let OpenedGeneration { mut reader, tail, fingerprint, status } = opened;
        let path = real_path(path);
        let plain = reader.compression() == Compression::Plain;
        let complete = !plain || is_rotated(&path);
        let mut cutter = BlockCutter::new(known.position, tail, self.max_line, BLOCK_LIMIT);
        // A look ahead, so that nothing happens to a log that is known to its end. A fault will show again.
        let mut ahead = Vec::new();
        while ahead.len() < head_length() && reader.read(&mut ahead, head_length()).is_ok_and(|read| read > 0) {}
        if ahead.is_empty() && matches!(reader.read(&mut ahead, 1), Ok(0)) {
            self.told.extend(self.account.end(&known, &path, status).into_iter().map(BackfillStep::Event));
            if complete && self.given_up.remove(&known.id) {
                self.told.push_back(BackfillStep::Event(LogEvent::FoundAgain { generation: known.id }));
            }
            if path != known.path && !matches!(find_generation(&known), Ok(Some(_))) {
                self.tell_moved(&known, path, plain.then_some(status.device_inode));
            }
            return Ok(Beginning::Passed(FileFinding::Known, Some(known.id)));
        }
        if let Some(other) = begun_by(&self.known, &ahead) {
            let found = FileFinding::Joined(known.position, other.path.clone());
            return Ok(Beginning::Passed(found, Some(known.id)));
        }
        cutter.hold(&mut ahead);
        if !self.readable.contains_key(&known.log) {
            if !self.readable.contains_key(key) {
                return Err(UNKNOWN.into());
            }
            // Its log is configured no more, or was taken in without a configuration: from here on it is this one.
            key.clone_into(&mut known.log);
            self.told.push_back(BackfillStep::Event(LogEvent::Discovered(known.clone())));
        }
        cutter.keep_together(self.readable.get(&known.log).copied().flatten());
        if path != known.path {
            self.tell_moved(&known, path.clone(), plain.then_some(status.device_inode));
        }
        if fingerprint.length > known.fingerprint.length {
            self.told.push_back(BackfillStep::Event(LogEvent::Fingerprint { generation: known.id, fingerprint }));
        }
        let found = FileFinding::Rest(known.position);
        let generation = Generation {
            path,
            fingerprint: if fingerprint.length > known.fingerprint.length { fingerprint } else { known.fingerprint },
            ..known
        };
        self.told.push_back(BackfillStep::Event(self.account.begin(&generation, status)));
        self.open = Some(OpenFile { file, generation, reader, cutter, found, complete, status });
        Ok(Beginning::Opened)
    }

    /// A known generation is in another file now; a compressed one leaves it the inode that it had.
    fn tell_moved(&mut self, known: &Generation, path: PathBuf, device_inode: Option<DeviceInode>) {
        let device_inode = device_inode.unwrap_or(known.device_inode);
        self.told.push_back(BackfillStep::Event(LogEvent::Moved { generation: known.id, path, device_inode }));
    }

    /// The next event of the open file. At its end it is closed, and what became of it will be told.
    fn read_open(&mut self, buffer: &mut Vec<u8>) -> Option<LogEvent> {
        let open = self.open.as_mut()?;
        let wanted = open.cutter.start_round(buffer);
        let read = open.reader.read(buffer, wanted);
        if let Some(cut) = open.cutter.cut_piece(buffer) {
            return Some(open.give_piece(cut, buffer));
        }
        match read {
            Ok(0) if open.complete => match open.cutter.cut_rest(buffer) {
                Some(cut) => Some(open.give_piece(cut, buffer)),
                None => self.close_file(None),
            },
            Ok(0) => self.close_file(None),
            Ok(_) => None,
            Err(error) => {
                let what = format!("cannot be read beyond byte {}: {error}", open.reader.offset());
                let error = Error::failed(what).at(&open.generation.path);
                self.close_file(Some(error.remedy("what came before was taken in; give it again when it is whole")))
            }
        }
    }

    /// Is done with the open file, and says so: the whole of it was read, or `failed` says why not.
    fn close_file(&mut self, failed: Option<Error>) -> Option<LogEvent> {
        let OpenFile { file, mut generation, cutter, found, complete, status, .. } = self.open.take()?;
        self.before += status.size;
        let id = generation.id;
        let unfinished = if complete { 0 } else { cutter.read_to() - cutter.position() };
        let nothing = found == FileFinding::Rest(generation.position) && failed.is_none();
        let found = if nothing { FileFinding::Known } else { found };
        let finished = complete && failed.is_none();
        match &failed {
            Some(error) => self.told.extend(self.account.cannot_end(id, error.what()).map(BackfillStep::Event)),
            None => {
                let ended = self.account.end(&generation, &generation.path, status);
                self.told.extend(ended.into_iter().map(BackfillStep::Event));
            }
        }
        let outcome = BackfillOutcome { file, found: Some(found), generation: Some(id), unfinished, failed };
        self.told.push_back(BackfillStep::Done(outcome));
        generation.finished |= finished;
        match self.known.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = generation,
            None => self.known.push(generation),
        }
        finished.then_some(LogEvent::Finished { generation: id, unread: 0, reason: FinishReason::Rotated })
    }
}

impl OpenFile {
    /// Goes on to the position after a piece.
    fn give_piece(&mut self, piece: LogPiece, buffer: &mut Vec<u8>) -> LogEvent {
        self.generation.position = self.cutter.position();
        self.generation.tail_hash = self.cutter.tail().hash();
        LogEvent::from_piece(piece, &self.generation, buffer)
    }
}

/// The generation that surely begins with `ahead`, what comes next in a file.
fn begun_by<'k>(known: &'k [Generation], ahead: &[u8]) -> Option<&'k Generation> {
    for generation in known {
        let Generation { fingerprint, .. } = generation;
        if fingerprint.length >= JOINED_LEAST && fingerprint.matches(ahead) == Some(true) {
            return Some(generation);
        }
    }
    None
}
