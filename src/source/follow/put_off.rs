//! Rotated files that no run has seen and that wait for others to be read: not all of them can be open at once.

use std::collections::{HashSet, VecDeque};

use super::new_files::NewFile;
use crate::source::generation::DeviceInode;

/// The files that wait, in the order in which they are to be read.
#[derive(Debug, Default)]
pub(crate) struct PutOffFiles {
    files: VecDeque<NewFile>,
    inodes: HashSet<DeviceInode>,
}

impl PutOffFiles {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether the file with this inode waits.
    pub(crate) fn holds(&self, device_inode: DeviceInode) -> bool {
        self.inodes.contains(&device_inode)
    }

    pub(crate) fn push(&mut self, file: NewFile) {
        if self.inodes.insert(file.status.device_inode) {
            self.files.push_back(file);
        }
    }

    /// The one that is next, which waits no more.
    pub(crate) fn next(&mut self) -> Option<NewFile> {
        let file = self.files.pop_front()?;
        self.inodes.remove(&file.status.device_inode);
        Some(file)
    }
}
