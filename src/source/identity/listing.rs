//! Directories of logs, each listed once for all the questions of one look: with thousands of logs in a directory, a listing for each
//! would be most of the work.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::siblings::{
    Sibling, base_name, directory_of, in_order_of_writing, is_compressed, siblings_among, siblings_elsewhere_among,
};
use crate::source::file::FileStatus;
use crate::source::generation::DeviceInode;
use crate::wildcards::paths_named;

/// A directory that was changed so shortly before it was listed may have been changed again without its time telling.
const TIME_STEP: Duration = Duration::from_millis(100);

/// The names in one directory, by what they would be called had they not been rotated.
type NamesByBase = HashMap<Vec<u8>, Vec<Vec<u8>>>;

/// One directory as it was listed.
#[derive(Debug)]
struct FolderListing {
    by_base: NamesByBase,
    /// Its files, once one of them was asked for by its inode.
    by_inode: Option<HashMap<DeviceInode, Sibling>>,
    /// When names in it had changed last, if that tells whether they did since.
    changed: Option<SystemTime>,
}

/// What was listed so far. It is as old as the first question about a directory: for one look, not for longer.
#[derive(Debug, Default)]
pub(crate) struct FolderListings {
    folders: HashMap<PathBuf, FolderListing>,
    /// What globs named, by what it would be called had it not been rotated.
    globs: HashMap<String, HashMap<Vec<u8>, Vec<PathBuf>>>,
    /// How often a directory was listed, or a glob expanded.
    listed: u64,
}

impl FolderListings {
    /// How often a directory was listed, or a glob expanded, since the last time this was asked.
    pub(crate) fn take_listed(&mut self) -> u64 {
        std::mem::take(&mut self.listed)
    }

    /// The files in the directory of `path` and those that `elsewhere` (globs) names in other directories that are called alike: oldest
    /// first, then by path.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(crate) fn all_siblings(&mut self, path: &Path, elsewhere: &[String]) -> io::Result<Vec<Sibling>> {
        let mut found = self.siblings(path)?;
        for file in self.siblings_elsewhere(path, elsewhere) {
            if !found.iter().any(|known| known.path == file.path) {
                found.push(file);
            }
        }
        in_order_of_writing(&mut found);
        Ok(found)
    }

    /// The files in the directory of `path` that are its siblings, without `path` itself: oldest first, then by path. A compressed copy is
    /// left out while the file it is made from still exists, since it may be unfinished.
    ///
    /// # Errors
    /// When the directory cannot be listed. Entries that vanish meanwhile are left out.
    pub(crate) fn siblings(&mut self, path: &Path) -> io::Result<Vec<Sibling>> {
        let (Some(directory), Some(name)) = (directory_of(path), path.file_name()) else { return Ok(Vec::new()) };
        let listing = self.listing(directory)?;
        let names = listing.by_base.get(&base_name(name.as_bytes())).map(Vec::as_slice).unwrap_or_default();
        let others: Vec<&[u8]> = names.iter().map(Vec::as_slice).filter(|other| *other != name.as_bytes()).collect();
        Ok(siblings_among(directory, &others))
    }

    /// The files that these globs name in other directories than that of `path`, and that are called alike.
    pub(crate) fn siblings_elsewhere(&mut self, path: &Path, elsewhere: &[String]) -> Vec<Sibling> {
        let Some(name) = path.file_name() else { return Vec::new() };
        let base = base_name(name.as_bytes());
        let mut files = Vec::new();
        for pattern in elsewhere {
            if !self.globs.contains_key(pattern) {
                self.listed += 1;
                self.globs.insert(pattern.clone(), named_by_base(pattern));
            }
            files.extend(self.globs.get(pattern).and_then(|named| named.get(&base)).into_iter().flatten().cloned());
        }
        siblings_elsewhere_among(path, files)
    }

    /// The first file by name in the directory of `path` that has this inode, whatever it is called.
    pub(crate) fn file_with_inode(&mut self, path: &Path, device_inode: DeviceInode) -> Option<Sibling> {
        let directory = directory_of(path)?;
        let listing = self.listing(directory).ok()?;
        let by_base = &listing.by_base;
        let by_inode = listing.by_inode.get_or_insert_with(|| files_by_inode(directory, by_base));
        by_inode.get(&device_inode).cloned()
    }

    /// Whether what was listed for questions about `path` may not be all that there is now; then it will be listed anew.
    pub(crate) fn is_renewed(&mut self, path: &Path, elsewhere: &[String]) -> bool {
        let Some(directory) = directory_of(path) else { return false };
        let known = self.folders.get(directory).and_then(|listing| listing.changed);
        if elsewhere.is_empty() && known.is_some() && known == time_of_change(directory) {
            return false;
        }
        for pattern in elsewhere {
            self.globs.remove(pattern);
        }
        self.folders.remove(directory);
        true
    }

    fn listing(&mut self, directory: &Path) -> io::Result<&mut FolderListing> {
        match self.folders.entry(directory.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                self.listed += 1;
                Ok(place.insert(list(directory)?))
            }
        }
    }
}

fn list(directory: &Path) -> io::Result<FolderListing> {
    let (changed, now) = (time_of_change(directory), SystemTime::now());
    let changed = changed.filter(|at| at.checked_add(TIME_STEP).is_some_and(|settled| settled < now));
    let mut by_base: NamesByBase = HashMap::new();
    for entry in std::fs::read_dir(directory)? {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name().into_vec();
        by_base.entry(base_name(&name)).or_default().push(name);
    }
    Ok(FolderListing { by_base, by_inode: None, changed })
}

/// When a name in a directory was made, changed or removed last.
fn time_of_change(directory: &Path) -> Option<SystemTime> {
    std::fs::metadata(directory).ok()?.modified().ok()
}

fn files_by_inode(directory: &Path, names: &NamesByBase) -> HashMap<DeviceInode, Sibling> {
    let mut found: HashMap<DeviceInode, Sibling> = HashMap::new();
    for name in names.values().flatten() {
        let path = directory.join(std::ffi::OsStr::from_bytes(name));
        let Ok(status) = FileStatus::of_path(&path) else { continue };
        if !status.regular || found.get(&status.device_inode).is_some_and(|known| known.path <= path) {
            continue;
        }
        found.insert(status.device_inode, Sibling { compressed: is_compressed(&path), path, status });
    }
    found
}

fn named_by_base(pattern: &str) -> HashMap<Vec<u8>, Vec<PathBuf>> {
    let mut by_base: HashMap<Vec<u8>, Vec<PathBuf>> = HashMap::new();
    for file in paths_named(pattern).map(|matched| matched.paths).unwrap_or_default() {
        let base = base_name(file.file_name().unwrap_or_default().as_bytes());
        by_base.entry(base).or_default().push(file);
    }
    by_base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Sibling]) -> Vec<&str> {
        let mut names: Vec<&str> = found.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn write(folder: &Path, names: &[&str]) {
        for name in names {
            std::fs::write(folder.join(name), name).unwrap();
        }
    }

    #[test]
    fn a_compressed_twin_is_left_out_while_its_source_exists() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.log", "a.log.1", "a.log.2", "a.log.2.gz", "a.log.3.gz", "b.log.1"]);
        let found = FolderListings::default().siblings(&folder.path().join("a.log")).unwrap();
        assert_eq!(names(&found), ["a.log.1", "a.log.2", "a.log.3.gz"]);
    }

    #[test]
    fn one_listing_answers_for_all_logs_of_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("old")).unwrap();
        write(folder.path(), &["a.log", "a.log.1", "a.log.2.gz", "b.log", "b.log.1", "old/a.log.4", "old/c"]);
        let elsewhere = [at("old/*").display().to_string()];
        let mut listings = FolderListings::default();
        for (name, siblings) in [
            ("a.log", &["a.log.1", "a.log.2.gz", "a.log.4"][..]),
            ("a.log.1", &["a.log", "a.log.2.gz", "a.log.4"]),
            ("b.log", &["b.log.1"]),
            ("c.log", &[]),
        ] {
            assert_eq!(names(&listings.all_siblings(&at(name), &elsewhere).unwrap()), siblings, "{name}");
        }
        let inode = FileStatus::of_path(&at("b.log.1")).unwrap().device_inode;
        let renamed = listings.file_with_inode(&at("a.log"), inode).unwrap();
        assert_eq!(renamed.path, at("b.log.1"));
        assert_eq!(listings.take_listed(), 2, "the directory, and the glob");
        assert!(listings.siblings(&at("gone/b.log")).is_err());
    }

    #[test]
    fn a_listing_is_as_old_as_its_first_question_until_it_is_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("b.log");
        write(folder.path(), &["b.log", "b.log.1"]);
        let mut listings = FolderListings::default();
        listings.siblings(&log).unwrap();
        write(folder.path(), &["b.log.2"]);
        assert_eq!(names(&listings.siblings(&log).unwrap()), ["b.log.1"]);
        assert!(listings.is_renewed(&log, &[]));
        assert_eq!(names(&listings.siblings(&log).unwrap()), ["b.log.1", "b.log.2"]);
        // What has not changed for long need not be listed again.
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        std::fs::File::open(folder.path()).unwrap().set_modified(long_ago).unwrap();
        let mut listings = FolderListings::default();
        listings.siblings(&log).unwrap();
        assert!(!listings.is_renewed(&log, &[]));
        write(folder.path(), &["b.log.3"]);
        assert!(listings.is_renewed(&log, &[]));
    }
}
