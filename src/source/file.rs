//! What the file system says of a file, and reading at an offset; interrupted calls are repeated.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::generation::DeviceInode;
use crate::time::Timestamp;

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

/// Where a path leads, through symbolic links; the path itself if nothing is there.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a path leads to the file with this inode.
pub(crate) fn leads_to(path: &Path, device_inode: DeviceInode) -> bool {
    FileStatus::of_path(path).is_ok_and(|status| status.device_inode == device_inode)
}
