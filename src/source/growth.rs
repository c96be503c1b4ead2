//! Whether a log that nobody follows was written on since it was taken in.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use crate::source::file::FileStatus;
use crate::source::generation::{DeviceInode, Generation};
use crate::source::identity::siblings::is_compressed;

/// So much behind what was read is looked into for the end of a line.
const LOOKED_INTO: usize = 64 << 10;

/// What became of the file in which a log was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogGrowth {
    /// Nothing that could have been read: no whole line is behind what was. The same if it is gone, or out of reach.
    None,
    /// There are more lines in it.
    Lines,
    /// Another file is at its path, or it was cut.
    Replaced(DeviceInode),
}

/// What became of the file of a generation that was not read to its end for good.
pub fn growth_of(generation: &Generation) -> LogGrowth {
    // What is packed is not written on.
    if generation.finished || is_compressed(&generation.path) {
        return LogGrowth::None;
    }
    look_behind(generation).unwrap_or(LogGrowth::None)
}

fn look_behind(generation: &Generation) -> io::Result<LogGrowth> {
    let file = File::open(&generation.path)?;
    let status = FileStatus::of_file(&file)?;
    if status.device_inode != generation.device_inode {
        return Ok(LogGrowth::Replaced(status.device_inode));
    }
    let Some(behind) = status.size.checked_sub(generation.position) else {
        return Ok(LogGrowth::Replaced(status.device_inode));
    };
    let mut bytes = vec![0; usize::try_from(behind).unwrap_or(LOOKED_INTO).min(LOOKED_INTO)];
    match file.read_exact_at(&mut bytes, generation.position) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return Ok(LogGrowth::Replaced(status.device_inode));
        }
        Err(error) => return Err(error),
    }
    let is_more = bytes.len() == LOOKED_INTO || memchr::memchr(b'\n', &bytes).is_some();
    Ok(if is_more { LogGrowth::Lines } else { LogGrowth::None })
}
