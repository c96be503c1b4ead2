//! Whether a file holds a generation: its first bytes have the fingerprint, and the bytes just before the
//! position have the tail hash. Both concern uncompressed bytes, so a copy or a compressed file answers alike.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{self, FileStatus};
use crate::source::generation::{Fingerprint, Generation, HEAD_LIMIT};
use crate::source::tail_hash::TailBytes;

/// A file that holds the generation, opened at its position.
#[derive(Debug)]
pub(crate) struct OpenedGeneration {
    /// Its next byte is the one at the position.
    pub(crate) reader: UncompressedReader,
    /// The bytes before the position.
    pub(crate) tail: TailBytes,
    /// Of the first bytes as they are now.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) status: FileStatus,
}

/// What a comparison found.
#[derive(Debug)]
pub(crate) enum Comparison {
    /// It is the generation.
    Same(Box<OpenedGeneration>),
    /// It is another log.
    Different,
    /// It ends before the position, but what there is does not contradict: perhaps a copy in the making.
    Short,
    /// It is compressed, and torn, corrupt or still being written.
    Incomplete,
}

/// Compares the file at `path` with `generation`.
///
/// # Errors
/// When the file cannot be opened or read; not when it cannot be decoded, see [`Comparison::Incomplete`].
pub(crate) fn compare(generation: &Generation, path: &Path) -> io::Result<Comparison> {
    compare_open(generation, &file::open_regular(path)?, UncompressedReader::of_file)
}

/// [`compare`] for a file that is open at its beginning, with the reader that `read` makes of it.
///
/// # Errors
/// As [`compare`].
pub(crate) fn compare_open(
    generation: &Generation,
    file: &File,
    read: impl FnOnce(File) -> io::Result<UncompressedReader>,
) -> io::Result<Comparison> {
    let status = FileStatus::of_file(file)?;
    if generation.fingerprint.length == 0 || !status.regular || status.size == 0 {
        return Ok(Comparison::Different);
    }
    let mut reader = read(file.try_clone()?)?;
    if reader.plain_file().is_some() {
        return compare_plain(generation, reader, status, file);
    }
    let mut head = Vec::new();
    let limit = head_length();
    let end = loop {
        let wanted = limit - head.len();
        match reader.read(&mut head, wanted) {
            Ok(0) => break None,
            Ok(_) if head.len() >= limit => break None,
            Ok(_) => {}
            Err(error) => break Some(error),
        }
    };
    match (generation.fingerprint.matches(&head), end) {
        (Some(false), _) => return Ok(Comparison::Different),
        (Some(true), None) => {}
        (None, None) => return Ok(Comparison::Short),
        (_, Some(_)) => return Ok(Comparison::Incomplete),
    }
    let mut tail = TailBytes::default();
    let read = head.len() as u64;
    if generation.position < read {
        // The head went past the position: begin again.
        let mut file = file.try_clone()?;
        file.rewind()?;
        reader = UncompressedReader::of_file(file)?;
    } else {
        tail.push(&head);
    }
    match reader.skip_to(generation.position, &mut tail) {
        Ok(true) if tail.hash() == generation.tail_hash => Ok(Comparison::Same(Box::new(OpenedGeneration {
            reader,
            tail,
            fingerprint: Fingerprint::of_head(&head),
            status,
        }))),
        Ok(true) => Ok(Comparison::Different),
        Ok(false) => Ok(Comparison::Short),
        Err(_) => Ok(Comparison::Incomplete),
    }
}

fn compare_plain(
    generation: &Generation,
    mut reader: UncompressedReader,
    status: FileStatus,
    file: &File,
) -> io::Result<Comparison> {
    let head = file::read_at(file, 0, head_length())?;
    match generation.fingerprint.matches(&head) {
        None => return Ok(Comparison::Short),
        Some(false) => return Ok(Comparison::Different),
        Some(true) => {}
    }
    let mut tail = TailBytes::default();
    if status.size < generation.position || !reader.skip_to(generation.position, &mut tail)? {
        return Ok(Comparison::Short);
    }
    if tail.hash() != generation.tail_hash {
        return Ok(Comparison::Different);
    }
    Ok(Comparison::Same(Box::new(OpenedGeneration { reader, tail, fingerprint: Fingerprint::of_head(&head), status })))
}

/// The first bytes of the file at `path`, as many as are looked at; of one that is compressed, as far as they can be decoded.
///
/// # Errors
/// When it cannot be opened or read, or is no file.
pub(crate) fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut reader = UncompressedReader::of_file(file::open_regular(path)?)?;
    if let Some(plain) = reader.plain_file() {
        return file::read_at(plain, 0, head_length());
    }
    let mut head = Vec::new();
    while head.len() < head_length() {
        let wanted = head_length() - head.len();
        match reader.read(&mut head, wanted) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(head)
}

/// How many first bytes are looked at.
pub(crate) fn head_length() -> usize {
    usize::try_from(HEAD_LIMIT).unwrap_or(usize::MAX)
}
