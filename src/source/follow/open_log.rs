//! One open generation, read from its position on.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::settings::FollowSettings;
use crate::source::blocks::cutter::{BlockCutter, LogPiece};
use crate::source::blocks::event::LogEvent;
use crate::source::compressed::compression::{Compression, MAGIC_LENGTH};
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{self, FileStatus};
use crate::source::generation::{Fingerprint, Generation, GenerationId, HEAD_LIMIT};
use crate::source::identity::compare::{OpenedGeneration, head_length};
use crate::source::identity::find::FoundFile;
use crate::source::identity::homes::home_of;
use crate::source::identity::recent_bytes::RecentBytes;
use crate::source::tail_hash::TailBytes;
use crate::time::Timestamp;

/// What one step of reading gave.
#[derive(Debug)]
pub(crate) enum ReadStep {
    /// A piece; if it is lines, they are in the buffer.
    Piece(LogPiece),
    /// Bytes were read, but no whole line.
    Held,
    /// There was nothing to read.
    Idle,
    /// What stands before the bytes just read is not what was read there.
    Truncated,
    /// Reading failed.
    Fault(io::Error),
}

/// What a look at the file's status gave.
#[derive(Debug)]
pub(crate) enum StatusChange {
    Unchanged,
    /// It changed, and its fingerprint may have grown.
    Changed(Option<Fingerprint>),
    Truncated,
    /// Its descriptor was given back, and its path does not lead to it any more.
    Elsewhere,
}

/// An open generation.
#[derive(Debug)]
pub(crate) struct OpenLog {
    /// As it would be committed now.
    pub(crate) generation: Generation,
    /// Of the open file, at the last look.
    pub(crate) status: FileStatus,
    /// The watched path that leads to it now.
    pub(crate) live: Option<PathBuf>,
    /// The watched path that led to it, or the name that it had before its rotation.
    pub(crate) origin: PathBuf,
    /// When it was seen to change last.
    pub(crate) changed: Timestamp,
    /// When it was seen last at a watched path.
    pub(crate) detached: Timestamp,
    /// It was truncated, and this file is a copy of it: how large it had been.
    pub(crate) truncated_at: Option<u64>,
    /// It was read before this run, by a name that may not be the watched one.
    pub(crate) is_resumed: bool,
    /// Copies of it took its place: an older one may be somewhere.
    pub(crate) is_copied: bool,
    /// What was read of it last, in case that a copy of it turns up which ends before the position.
    pub(crate) recent: RecentBytes,
    reader: UncompressedReader,
    cutter: BlockCutter,
    /// A compressed file was read to its end.
    ended: bool,
}

impl OpenLog {
    /// Reads a generation on in a file that is open at its position.
    fn new(
        mut generation: Generation,
        opened: OpenedGeneration,
        origin: PathBuf,
        now: Timestamp,
        settings: &FollowSettings,
    ) -> OpenLog {
        let OpenedGeneration { reader, tail, fingerprint, status } = opened;
        let mut recent = RecentBytes::default();
        recent.begin(generation.position, tail.bytes());
        let mut cutter = BlockCutter::new(generation.position, tail, settings.max_line, settings.block_limit);
        cutter.keep_together(settings.wrappers.get(&generation.log).copied());
        if fingerprint.length > generation.fingerprint.length {
            generation.fingerprint = fingerprint;
        }
        OpenLog {
            generation,
            status,
            live: None,
            origin,
            changed: now,
            detached: now,
            truncated_at: None,
            is_resumed: false,
            is_copied: false,
            recent,
            reader,
            cutter,
            ended: false,
        }
    }

    /// Goes on with a generation in the file that was found to hold it. With `is_copy`, it is a copy, and the file that was copied
    /// holds something else now.
    pub(crate) fn resume_in(
        generation: Generation,
        found: FoundFile,
        is_copy: bool,
        now: Timestamp,
        settings: &FollowSettings,
    ) -> OpenLog {
        let FoundFile { path, opened, .. } = found;
        let home = home_of(&path, &generation.log);
        let mut log = OpenLog::new(generation, opened, home, now, settings);
        log.recall_recent();
        if log.is_plain() && !is_copy {
            log.generation.device_inode = log.status.device_inode;
        }
        log.generation.path = path;
        log.is_resumed = true;
        // What was written after it was copied is in neither.
        log.truncated_at = is_copy.then_some(0);
        log
    }

    /// Begins a new generation, its number still to be given, at `position` or the start of a line before it. `path` is
    /// where `file` was opened, free of symbolic links.
    pub(crate) fn begin(
        file: File,
        path: &Path,
        key: &str,
        position: u64,
        now: Timestamp,
        settings: &FollowSettings,
    ) -> io::Result<OpenLog> {
        let status = FileStatus::of_file(&file)?;
        let head = UncompressedReader::of_file(file.try_clone()?)?.read_head()?;
        (&file).rewind()?;
        let mut reader = UncompressedReader::of_file(file)?;
        let mut position = position;
        if let Some(file) = reader.plain_file() {
            position = file::line_start(file, position)?;
        }
        let mut tail = TailBytes::default();
        reader.skip_to(position, &mut tail)?;
        let generation = Generation {
            id: GenerationId(0),
            log: key.to_owned(),
            path: path.to_owned(),
            device_inode: status.device_inode,
            fingerprint: Fingerprint::of_head(&head),
            position,
            tail_hash: tail.hash(),
            finished: false,
        };
        let opened = OpenedGeneration { reader, tail, fingerprint: generation.fingerprint, status };
        Ok(OpenLog::new(generation, opened, path.to_owned(), now, settings))
    }

    /// Takes what an earlier run read last from the file, which holds it still.
    fn recall_recent(&mut self) {
        let Some(file) = self.reader.plain_file() else { return };
        let position = self.generation.position;
        let wanted = RecentBytes::BYTES.min(usize::try_from(position).unwrap_or(usize::MAX));
        // What it began with, if this fails: it is for comparing copies only.
        let Ok(bytes) = file::read_at(file, position - wanted as u64, wanted) else { return };
        if bytes.len() == wanted {
            self.recent.begin(position, &bytes);
        }
    }

    /// Whether its offsets are those of a plain file.
    pub(crate) fn is_plain(&self) -> bool {
        self.reader.compression() == Compression::Plain
    }

    /// By which program its file was packed, of those whose files are not read.
    pub(crate) fn unread_packer(&self) -> Option<&'static str> {
        let magic = file::read_at(self.reader.plain_file()?, 0, MAGIC_LENGTH).ok()?;
        Compression::unread_packer(&magic)
    }

    /// The generation as of the last byte that was read, given out or held.
    pub(crate) fn as_read(&self) -> Generation {
        Generation {
            position: self.cutter.read_to(),
            tail_hash: self.cutter.read_tail().hash(),
            ..self.generation.clone()
        }
    }

    /// How large the file was at most, as far as is known.
    pub(crate) fn seen_size(&self) -> u64 {
        self.status.size.max(self.cutter.read_to())
    }

    /// Goes on in a copy of this file that is open at [`OpenLog::as_read`]'s position. What is held stays held. The inode
    /// stays that of this file, so that a later run knows too that it is a copy.
    pub(crate) fn switch_to(&mut self, copy: FoundFile, now: Timestamp) {
        self.truncated_at = Some(self.seen_size());
        self.generation.path = copy.path;
        self.status = copy.opened.status;
        self.reader = copy.opened.reader;
        self.live = None;
        self.changed = now;
        self.detached = now;
    }

    /// Goes on in a copy that took this file's place at the watched path `live`, and is open at [`OpenLog::as_read`]'s position. What
    /// is held stays held.
    pub(crate) fn go_on_in(&mut self, copy: OpenedGeneration, path: PathBuf, live: PathBuf, now: Timestamp) {
        self.generation.path = path;
        self.generation.device_inode = copy.status.device_inode;
        if copy.fingerprint.length > self.generation.fingerprint.length {
            self.generation.fingerprint = copy.fingerprint;
        }
        self.status = copy.status;
        self.reader = copy.reader;
        self.is_copied = true;
        self.origin.clone_from(&live);
        self.live = Some(live);
        self.changed = now;
    }

    /// Goes on in a copy of this file that was rotated away already, and is open at [`OpenLog::as_read`]'s position.
    pub(crate) fn go_on_rotated(&mut self, copy: OpenedGeneration, path: PathBuf, now: Timestamp) {
        let origin = self.origin.clone();
        let own_inode = self.generation.device_inode;
        self.go_on_in(copy, path, origin, now);
        self.live = None;
        self.detached = now;
        self.ended = false;
        if !self.is_plain() {
            self.generation.device_inode = own_inode;
        }
    }

    /// Whether no name leads to its file any more.
    pub(crate) fn is_deleted(&self) -> io::Result<bool> {
        let status = self.reader.plain_file().map(FileStatus::of_file).transpose()?;
        Ok(status.is_some_and(|status| status.deleted))
    }

    /// Gives the descriptor of a plain file back. It is opened again when there is something to read.
    pub(crate) fn close_file(&mut self) {
        self.reader.close();
    }

    /// Whether its descriptor was given back.
    pub(crate) fn is_file_closed(&self) -> bool {
        self.reader.is_closed()
    }

    /// Opens its file again, if its descriptor was given back.
    pub(crate) fn open_file(&mut self) -> io::Result<()> {
        if self.reader.is_closed() {
            let file = file::open_regular(&self.generation.path)?;
            if FileStatus::of_file(&file)?.device_inode != self.status.device_inode {
                return Err(io::Error::other("another file has taken its place"));
            }
            self.reader.open_again(file);
        }
        Ok(())
    }

    /// The status of its file now; `None` if that is found by its path alone, and is not there any more.
    fn status_now(&self) -> io::Result<Option<FileStatus>> {
        if let Some(file) = self.reader.plain_file() {
            return FileStatus::of_file(file).map(Some);
        }
        match FileStatus::of_path(&self.generation.path) {
            Ok(status) => Ok(Some(status).filter(|status| status.device_inode == self.status.device_inode)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks whether the file changed.
    pub(crate) fn look_at_status(&mut self, now: Timestamp) -> io::Result<StatusChange> {
        if !self.is_plain() {
            return Ok(StatusChange::Unchanged);
        }
        let Some(status) = self.status_now()? else { return Ok(StatusChange::Elsewhere) };
        let read_to = self.cutter.read_to();
        if status.size < read_to {
            return Ok(StatusChange::Truncated);
        }
        if (status.size, status.modified) == (self.status.size, self.status.modified) {
            self.status = status;
            return Ok(StatusChange::Unchanged);
        }
        self.open_file()?;
        let Some(file) = self.reader.plain_file() else { return Ok(StatusChange::Unchanged) };
        // Before the new size is taken over, so that what was lost is counted by the old one.
        if !self.stands(&self.cutter.read_tail(), read_to)? {
            return Ok(StatusChange::Truncated);
        }
        let mut grown = None;
        let known = self.generation.fingerprint;
        if known.length < HEAD_LIMIT && status.size > known.length {
            let head = file::read_at(file, 0, head_length())?;
            if known.matches(&head) != Some(true) {
                return Ok(StatusChange::Truncated);
            }
            self.generation.fingerprint = Fingerprint::of_head(&head);
            grown = Some(self.generation.fingerprint);
        }
        self.status = status;
        self.changed = now;
        Ok(StatusChange::Changed(grown))
    }

    /// Whether all that is there has been read.
    pub(crate) fn is_read(&self) -> bool {
        let at_end = if self.is_plain() { self.cutter.read_to() >= self.status.size } else { self.ended };
        at_end && !self.cutter.lines_held()
    }

    /// Reads a block, or takes one from what is held.
    pub(crate) fn read_step(&mut self, bytes: &mut Vec<u8>) -> ReadStep {
        if self.is_read() {
            return ReadStep::Idle;
        }
        let (before, read_to) = (self.cutter.read_tail(), self.cutter.read_to());
        let wanted = self.cutter.start_round(bytes);
        let held = bytes.len();
        let read = self.reader.read(bytes, wanted);
        let to_check = match read {
            // What is held came from before, and is still to be given out.
            Ok(0) => !self.cutter.lines_held(),
            Ok(_) => true,
            Err(_) => false,
        };
        if to_check {
            // Once more, after the read: so that no truncation since the look goes unnoticed.
            match self.stands(&before, read_to) {
                Ok(true) => {}
                Ok(false) => {
                    bytes.truncate(held);
                    self.cutter.hold(bytes);
                    return ReadStep::Truncated;
                }
                Err(error) => {
                    bytes.truncate(held);
                    self.cutter.hold(bytes);
                    self.reader.back_to(read_to);
                    return ReadStep::Fault(error);
                }
            }
        }
        if let Some(cut) = self.cutter.cut_piece(bytes) {
            self.advance();
            match cut {
                LogPiece::Lines { offset } => self.recent.pass(offset, bytes),
                LogPiece::TooLong { .. } => self.recent.pass_over(self.cutter.position(), self.cutter.tail().bytes()),
            }
            return ReadStep::Piece(cut);
        }
        match read {
            Ok(0) => {
                self.ended = true;
                self.status.size = self.status.size.min(read_to);
                ReadStep::Idle
            }
            Ok(_) => ReadStep::Held,
            Err(error) => ReadStep::Fault(error),
        }
    }

    /// Gives out what is held, as the last line of the generation.
    pub(crate) fn give_rest(&mut self) -> Option<LogEvent> {
        let mut bytes = Vec::new();
        let piece = self.cutter.cut_rest(&mut bytes)?;
        self.advance();
        Some(LogEvent::from_piece(piece, &self.generation, &mut bytes))
    }

    /// Takes over the position that the cutter has come to.
    fn advance(&mut self) {
        self.generation.position = self.cutter.position();
        self.generation.tail_hash = self.cutter.tail().hash();
    }

    /// Whether the bytes just before `at` still are `tail`, and the first ones what they were: at the beginning there is no tail that
    /// would tell, and within a long line it may be the same in another log. Always, in a file that is compressed.
    fn stands(&self, tail: &TailBytes, at: u64) -> io::Result<bool> {
        let (Some(file), length) = (self.reader.plain_file(), tail.bytes().len()) else { return Ok(true) };
        if self.generation.fingerprint.matches(&file::read_at(file, 0, head_length())?) != Some(true) {
            return Ok(false);
        }
        Ok(file::read_at(file, at.saturating_sub(length as u64), length)? == tail.bytes())
    }
}
