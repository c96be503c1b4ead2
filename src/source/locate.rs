//! Finds a generation's bytes again, in any process: where it was last seen, else among the names that rotation
//! may have given it; and reads lines from it by their uncompressed offset.

use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::BLOCK_LIMIT;
use super::file::{self, Status};
use super::generation::Generation;
use super::identity::{Match, compare};
use super::reader::{Compression, Reader};
use super::sibling::{base_of, siblings};
use crate::error::{Error, Result};

/// Where a generation's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file that holds them.
    pub path: PathBuf,
    /// How they are packed there.
    pub compression: Compression,
}

/// Finds the file that holds `generation`, plain or compressed: by fingerprint and, if its position is not 0, by
/// length and tail hash. `None` if no file holds it (any more).
///
/// A compressed candidate with the right first bytes is decoded up to the position.
///
/// # Errors
/// [`Kind::Io`](crate::error::Kind::Io) if nothing was found and a directory or a candidate could not be read.
pub fn locate(generation: &Generation) -> Result<Option<Located>> {
    let mut problem = None;
    let mut candidates = vec![generation.path.clone()];
    match siblings(&generation.path) {
        // The same inode first, then plain files before compressed ones, then the newest.
        Ok(mut found) => {
            found.reverse();
            found.sort_by_key(|sibling| (sibling.status.device_inode != generation.device_inode, sibling.compressed));
            candidates.extend(found.into_iter().map(|sibling| sibling.path));
            let more = renamed(generation).into_iter().filter(|path| !candidates.contains(path)).collect::<Vec<_>>();
            candidates.extend(more);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => problem = Some(Error::io("look for rotated logs beside it", &generation.path, &error)),
    }
    for path in candidates {
        match compare(generation, &path) {
            Ok(Match::Same(opened)) => {
                return Ok(Some(Located { path, compression: opened.reader.compression() }));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => problem = problem.or(Some(Error::io("look into it", &path, &error))),
        }
    }
    problem.map_or(Ok(None), Err)
}

/// What a person may have made of it by hand: any file in its directory that is the same inode, or whose name begins
/// with the log's own.
fn renamed(generation: &Generation) -> Vec<PathBuf> {
    let (Some(directory), base) = (generation.path.parent(), base_of(&generation.path)) else { return Vec::new() };
    let Some(name) = base.file_name().map(OsStrExt::as_bytes) else { return Vec::new() };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(status) = Status::of_path(&path) else { continue };
        let same = status.device_inode == generation.device_inode;
        if status.regular && (same || entry.file_name().as_bytes().starts_with(name)) {
            found.push((!same, path));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Reads parts of a located generation by their uncompressed offsets. Ascending offsets go forward through a
/// compressed file; a lower offset begins again from its start.
#[derive(Debug)]
pub struct LineReader {
    path: PathBuf,
    reader: Reader,
    /// Decoded bytes that end at the reader's offset.
    ahead: Vec<u8>,
}

impl LineReader {
    /// Opens the file.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io) naming the path.
    pub fn open(located: &Located) -> Result<LineReader> {
        let reader = open(&located.path)?;
        Ok(LineReader { path: located.path.clone(), reader, ahead: Vec::new() })
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces `into` by the `length` bytes at `offset`; `Ok(false)`, and `into` empty, if the log ends before.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io) naming path and offset when reading or decoding fails.
    pub fn read(&mut self, offset: u64, length: u32, into: &mut Vec<u8>) -> Result<bool> {
        into.clear();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let done = match self.reader.plain_file() {
            Some(file) => file::read_at(file, offset, length).map(|bytes| into.extend_from_slice(&bytes)),
            None => self.stream(offset, length, into),
        };
        done.map_err(|error| {
            Error::failed(format!("cannot read {length} bytes at uncompressed offset {offset}: {error}")).at(&self.path)
        })?;
        if into.len() < length {
            into.clear();
        }
        Ok(into.len() == length)
    }

    fn stream(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        if offset < self.ahead_from() {
            self.reader = Reader::open(&self.path)?;
            self.ahead.clear();
        }
        while into.len() < length {
            let wanted = offset + into.len() as u64;
            let skip = usize::try_from(wanted - self.ahead_from()).unwrap_or(usize::MAX);
            if let Some(found) = self.ahead.get(skip..).filter(|found| !found.is_empty()) {
                into.extend_from_slice(found.get(..length - into.len()).unwrap_or(found));
                continue;
            }
            self.ahead.clear();
            match self.reader.read(&mut self.ahead, BLOCK_LIMIT)? {
                0 => return Ok(()),
                _ => continue,
            }
        }
        Ok(())
    }

    fn ahead_from(&self) -> u64 {
        self.reader.offset() - self.ahead.len() as u64
    }
}

fn open(path: &Path) -> Result<Reader> {
    Reader::open(path).map_err(|error| Error::io("open it", path, &error))
}
