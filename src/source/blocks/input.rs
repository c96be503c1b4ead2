//! A file or stdin read once, from beginning to end, in blocks of whole lines.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::cutter::{BlockCutter, LogPiece};
use crate::error::{Error, Result};
use crate::grammar::Wrapper;
use crate::source::compressed::compression::Compression;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::compressed::restart_points::RestartPoints;
use crate::source::file::{is_given_descriptor, other_than_file};
use crate::source::generation::Generation;
use crate::source::tail_hash::TailBytes;
use crate::source::{BLOCK_LIMIT, MAX_LINE};

/// A path or stdin, plain, gzip, zstd, xz or bzip2 (told by the first bytes; all members, all frames).
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    reader: UncompressedReader,
    cutter: BlockCutter,
    size: Option<u64>,
    ended: bool,
}

/// What to say of a path that leads to something else than a file.
fn no_log(path: &Path, kind: &str) -> Error {
    let remedy = match kind {
        "a directory" => "name the files in it",
        "a pipe" => {
            "name a file; what a pipe gives is read as FILE of `report`, `slow`, `lines` and `records`, or as `-`"
        }
        _ => "have nginx write to a file (access_log in nginx.conf), and name that",
    };
    Error::failed(format!("is {kind}, not a log")).at(path).remedy(remedy)
}

impl Input {
    /// Opens `path`, or stdin if it is `-`.
    ///
    /// # Errors
    /// [`ErrorClass::Io`](crate::error::ErrorClass::Io) naming the path if it cannot be opened or is no file.
    pub fn open(path: &Path) -> Result<Input> {
        if path == Path::new("-") {
            return Input::stdin();
        }
        let fail = |error: io::Error| Error::io("open it", path, &error);
        let status = std::fs::metadata(path).map_err(fail)?;
        if let Some(kind) = other_than_file(&status) {
            return if is_given_descriptor(path) && kind != "a directory" {
                Input::open_stream(path)
            } else {
                Err(no_log(path, kind))
            };
        }
        let reader = UncompressedReader::open(path).map_err(fail)?;
        Ok(Input::new(path.to_owned(), reader, Some(status.len())))
    }

    /// [`Input::open`] for what a person names on the command line: a pipe is read as a stream, which waits for its writer.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_named(path: &Path) -> Result<Input> {
        let is_stream = |status: &Metadata| status.file_type().is_fifo() || status.file_type().is_socket();
        match std::fs::metadata(path) {
            Ok(status) if is_stream(&status) => Input::open_stream(path),
            _ => Input::open(path),
        }
    }

    fn open_stream(path: &Path) -> Result<Input> {
        let reader = File::open(path).and_then(|stream| UncompressedReader::of_stream(Box::new(stream)));
        let reader = reader.map_err(|error| Error::io("read it", path, &error))?;
        Ok(Input::new(path.to_owned(), reader, None))
    }

    /// [`Input::open`] for a log that is taken into a store: if it is compressed, [`Input::into_points`] then says where
    /// it can be entered again. Decoding takes about twice as long.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_gathering(path: &Path) -> Result<Input> {
        let mut input = Input::open(path)?;
        if input.compression() != Compression::Plain && input.size.is_some() {
            let file = File::open(path).map_err(|error| Error::io("open it", path, &error))?;
            input.reader =
                UncompressedReader::open_gathering(file).map_err(|error| Error::io("read it", path, &error))?;
        }
        Ok(input)
    }

    /// The restart points of a compressed file that was opened by [`Input::open_gathering`] and read to its end, as those
    /// of `generation`, whose position is that end. `None` if there are none, or the file has changed.
    pub fn into_points(self, generation: &Generation) -> Option<RestartPoints> {
        let (compression, consumed) = (self.compression(), self.consumed());
        let file = File::open(&self.path).ok().filter(|_| self.ended && self.reader.offset() == generation.position)?;
        let whole = file.metadata().is_ok_and(|status| Some(status.len()) == self.size && status.len() == consumed);
        self.reader.into_gatherer().filter(|_| whole)?.into_points(&file, compression, generation)
    }

    /// Reads the standard input.
    ///
    /// # Errors
    /// [`ErrorClass::Io`](crate::error::ErrorClass::Io) if its first bytes cannot be read.
    pub fn stdin() -> Result<Input> {
        let path = PathBuf::from("-");
        let reader = UncompressedReader::of_stream(Box::new(io::stdin()))
            .map_err(|error| Error::io("read stdin", &path, &error))?;
        Ok(Input::new(path, reader, None))
    }

    fn new(path: PathBuf, reader: UncompressedReader, size: Option<u64>) -> Input {
        let cutter = BlockCutter::new(0, TailBytes::default(), MAX_LINE, BLOCK_LIMIT);
        Input { path, reader, cutter, size, ended: false }
    }

    /// With another limit for a line's length, in bytes without its newline. To be called before the first block.
    #[must_use]
    pub fn max_line(mut self, max_line: usize) -> Input {
        self.cutter.limit_lines(max_line);
        self
    }

    /// With blocks of about so many bytes. To be called before the first block.
    #[must_use]
    pub fn block_limit(mut self, block_limit: usize) -> Input {
        self.cutter.limit_blocks(block_limit);
        self
    }

    /// Keeps the parts of a record of a wrapped log in one block. To be called before the first block.
    #[must_use]
    pub fn wrapped(mut self, wrapper: Option<Wrapper>) -> Input {
        self.cutter.keep_together(wrapper);
        self
    }

    /// [`Input::wrapped`] after the first block, `lines`, had to be looked at to find the wrapper: what belongs to a
    /// record that is not finished in it will be part of the next one.
    pub fn found_wrapped(&mut self, wrapper: Wrapper, lines: &mut Vec<u8>) {
        self.cutter.keep_together(Some(wrapper));
        if !self.ended {
            self.cutter.take_back(lines);
        }
    }

    /// The path as it was given; `-` for stdin.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How its bytes are packed.
    pub fn compression(&self) -> Compression {
        self.reader.compression()
    }

    /// Its size on disk in bytes, when it was opened; `None` for a stream.
    pub fn size_hint(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of the file on disk were consumed.
    pub fn consumed(&self) -> u64 {
        self.reader.consumed()
    }

    /// Replaces the content of `into` by the next block of whole lines; `None` at the end. Give the same buffer
    /// again, so that no fresh memory is touched.
    ///
    /// # Errors
    /// [`ErrorClass::Io`](crate::error::ErrorClass::Io) naming path and offset when reading or decoding fails; every whole
    /// line before the fault was delivered by then. A line torn by the fault is not delivered.
    pub fn next_block(&mut self, into: &mut Vec<u8>) -> Result<Option<LogPiece>> {
        loop {
            if self.ended {
                into.clear();
                return Ok(None);
            }
            let wanted = self.cutter.start_round(into);
            let read = self.reader.read(into, wanted);
            if let Some(cut) = self.cutter.cut_piece(into) {
                return Ok(Some(cut));
            }
            match read {
                Ok(0) => {
                    self.ended = true;
                    return Ok(self.cutter.cut_rest(into));
                }
                Ok(_) => {}
                Err(error) => {
                    self.ended = true;
                    return Err(self.describe_fault(&error));
                }
            }
        }
    }

    fn describe_fault(&self, error: &io::Error) -> Error {
        let at = self.reader.offset();
        let torn = at - self.cutter.position();
        let torn = if torn == 0 { String::new() } else { format!("; the last line, {torn} bytes so far, is torn") };
        let what = match (self.reader.compression(), error.kind()) {
            (Compression::Plain, _) => format!("cannot read it at offset {at}: {error}"),
            (_, ErrorKind::UnexpectedEof) => {
                format!("the compressed file ends too early, at uncompressed offset {at}{torn}")
            }
            _ => format!("the compressed file is corrupt at uncompressed offset {at}: {error}{torn}"),
        };
        let error = Error::failed(what).at(&self.path);
        match self.reader.compression() {
            Compression::Plain => error,
            _ => error.remedy("what came before was read; if it is still being written, try again later"),
        }
    }
}
