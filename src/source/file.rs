//! What the file system says of a file, opening one that is a file, and reading at an offset; interrupted calls are repeated.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::generation::DeviceInode;
use crate::time::Timestamp;

/// The times of files may be this much behind the clock of what is written to them.
pub(crate) const TIME_LAG: Duration = Duration::from_secs(5);

/// What is looked at in a file's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStatus {
    pub(crate) device_inode: DeviceInode,
    /// In bytes, as they are on disk.
    pub(crate) size: u64,
    /// Seconds and nanoseconds of the last change of its content.
    pub(crate) modified: (i64, i64),
    /// It is a file, not a directory, a pipe or a device.
    pub(crate) regular: bool,
    /// No name leads to it any more.
    pub(crate) deleted: bool,
}

impl FileStatus {
    /// Of the file that `path` leads to, through symbolic links.
    pub(crate) fn of_path(path: &Path) -> io::Result<FileStatus> {
        std::fs::metadata(path).map(|status| FileStatus::from(&status))
    }

    /// Of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<FileStatus> {
        file.metadata().map(|status| FileStatus::from(&status))
    }

    /// The time of the last change of its content.
    pub(crate) fn modified(&self) -> Timestamp {
        let (secs, nanos) = self.modified;
        Timestamp::from_secs(secs).plus_millis(nanos / 1_000_000)
    }

    /// The end of what was written to the file: its own time, but for what its clock is behind. It may lie in the future.
    pub(crate) fn written_until(&self) -> Timestamp {
        self.modified().plus(TIME_LAG)
    }
}

impl From<&Metadata> for FileStatus {
    fn from(of: &Metadata) -> FileStatus {
        FileStatus {
            device_inode: DeviceInode { device: of.dev(), inode: of.ino() },
            size: of.size(),
            modified: (of.mtime(), of.mtime_nsec()),
            regular: of.is_file(),
            deleted: of.nlink() == 0,
        }
    }
}

/// A file of ours that is read whole is no larger: what is has another purpose, or no end.
const WHOLE_LIMIT: u64 = 64 << 20;

/// What something is that is no file, in a word; `None` of a file.
pub(crate) fn other_than_file(status: &Metadata) -> Option<&'static str> {
    let kind = status.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a directory"),
        () if kind.is_fifo() => Some("a pipe"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    }
}

/// Opens what must be a file. A pipe is never waited for, and nothing is asked of a device.
///
/// # Errors
/// When it cannot be opened, or is no file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    // A device may do something when it is opened.
    refuse_other(&std::fs::metadata(path)?)?;
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    refuse_other(&file.metadata()?)?;
    Ok(file)
}

fn refuse_other(status: &Metadata) -> io::Result<()> {
    match other_than_file(status) {
        None => Ok(()),
        Some(kind) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, not a file"))),
    }
}

/// Whether a path names a descriptor that this process was given, as a shell's `<(..)` does: what is there is open already, so that
/// nobody has to be waited for.
pub(crate) fn is_given_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// All of a small file: a configuration, a grammar.
///
/// # Errors
/// When it cannot be read, is no file (nor a descriptor that was given), or is larger than any such file.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = if is_given_descriptor(path) { File::open(path)? } else { open_regular(path)? };
    let mut bytes = Vec::new();
    file.take(WHOLE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > WHOLE_LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 64 MiB"));
    }
    Ok(bytes)
}

/// Whether a file is what this process writes its own output to.
pub(crate) fn is_own_output(device_inode: DeviceInode) -> bool {
    let leads_there = |to: &dyn AsFd| {
        rustix::fs::fstat(to.as_fd())
            .is_ok_and(|status| DeviceInode { device: status.st_dev, inode: status.st_ino } == device_inode)
    };
    leads_there(&io::stdout()) || leads_there(&io::stderr())
}

/// Up to `length` bytes at `offset`; fewer at the end of the file.
pub(crate) fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read_at(room, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The start of the line that `position` is in; `position` itself if a line starts there.
pub(crate) fn line_start(file: &File, position: u64) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = position;
    while end > 0 {
        let from = end.saturating_sub(STEP);
        let bytes = read_at(file, from, usize::try_from(end - from).unwrap_or(0))?;
        if let Some(newline) = memchr::memrchr(b'\n', &bytes) {
            return Ok(from + newline as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// When the file at a path was made, as far as its file system says.
pub(crate) fn created(path: &Path) -> Option<Timestamp> {
    let since_epoch = std::fs::metadata(path).ok()?.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(0).plus(since_epoch))
}

/// Where a path leads, through symbolic links; the path itself if nothing is there.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a path leads to the file with this inode.
pub(crate) fn leads_to(path: &Path, device_inode: DeviceInode) -> bool {
    FileStatus::of_path(path).is_ok_and(|status| status.device_inode == device_inode)
}
