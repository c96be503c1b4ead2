//! Whether two files hold the same bytes, as far as one of them goes. All concern uncompressed bytes.

use std::io;
use std::path::Path;

use crate::source::BLOCK_LIMIT;
use crate::source::compressed::reader::LogReader;
use crate::source::tail_hash::TailBytes;

/// How many bytes of each file are compared at a time.
const STEP: usize = 64 * 1024;

/// Whether two logs are the same to the end of the shorter one.
///
/// # Errors
/// When one cannot be opened, read or decoded that far.
pub(crate) fn begin_alike(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (LogReader::open(one)?, LogReader::open(other)?);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        let one_goes_on = one.read(&mut first, STEP)? > 0;
        let other_goes_on = other.read(&mut second, STEP)? > 0;
        let common = first.len().min(second.len());
        if first.get(..common) != second.get(..common) {
            return Ok(false);
        }
        first.drain(..common);
        second.drain(..common);
        if (!one_goes_on && first.is_empty()) || (!other_goes_on && second.is_empty()) {
            return Ok(true);
        }
    }
}

/// Whether these bytes stand in a file at this offset.
///
/// # Errors
/// When it cannot be opened, read or decoded that far.
pub(crate) fn holds_bytes(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let mut reader = LogReader::open(path)?;
    reader.skip_to(offset, &mut TailBytes::default())?;
    let mut found = Vec::new();
    while found.len() < bytes.len() {
        let wanted = bytes.len() - found.len();
        if reader.read(&mut found, wanted)? == 0 {
            break;
        }
    }
    Ok(found.get(..bytes.len()) == Some(bytes))
}

/// Whether all of the file `part` stands at the beginning of the file `whole`; `None` if one of them cannot be opened. A compressed
/// file counts as far as it can be decoded.
pub(crate) fn is_beginning_of(part: &Path, whole: &Path) -> Option<bool> {
    let (mut whole, mut part) = (LogReader::open(whole).ok()?, LogReader::open(part).ok()?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        theirs.clear();
        match part.read(&mut theirs, BLOCK_LIMIT) {
            Ok(0) | Err(_) => return Some(true),
            Ok(_) => {}
        }
        ours.clear();
        while ours.len() < theirs.len() {
            let wanted = theirs.len() - ours.len();
            match whole.read(&mut ours, wanted) {
                Ok(0) | Err(_) => return Some(false),
                Ok(_) => {}
            }
        }
        if !ours.starts_with(&theirs) {
            return Some(false);
        }
    }
}
