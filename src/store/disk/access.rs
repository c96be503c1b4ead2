//! Who may read a store besides its user.

use crate::store::disk::layout::MANIFEST;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who may read a store besides its user, who may do all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreAccess {
    /// The mode of its files. Nobody but its user may write, whatever it says.
    pub mode: u32,
    /// The number of the group that its files belong to; if absent, that of the store's folder.
    pub group: Option<u32>,
}

/// What a mode may give to the group and to others.
const READABLE: u32 = 0o044;

impl Default for StoreAccess {
    /// The user and the group.
    fn default() -> StoreAccess {
        StoreAccess { mode: 0o640, group: None }
    }
}

impl StoreAccess {
    /// As the store in `dir` is now, for who was not told otherwise; as by default if there is none.
    pub fn of_store(dir: &Path) -> StoreAccess {
        let manifest = std::fs::symlink_metadata(dir.join(MANIFEST));
        manifest.map_or(StoreAccess::default(), |held| StoreAccess { mode: held.mode() & 0o644, group: None })
    }

    /// The mode of its files.
    pub(crate) fn file_mode(&self) -> u32 {
        0o600 | (self.mode & READABLE)
    }

    /// The mode of its folders: who may read files may list and enter them.
    pub(crate) fn folder_mode(&self) -> u32 {
        let reading = self.file_mode() & 0o444;
        self.file_mode() | (reading >> 2)
    }
}
