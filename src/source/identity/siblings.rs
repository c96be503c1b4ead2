//! The names that rotation gives to a log, and the files in its directory that carry them.
//!
//! Known are logrotate's forms (`access.log.1`, `access.log-20261122`, `access.log-20261122-1795381364`,
//! `access.log.1-2026112221.backup`, and `access-20261122.log` made by its `extension` option), each also with
//! `.gz` and the like behind. Two files are siblings if both names, without these, are the same.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::source::file::FileStatus;

const COMPRESSED: [&[u8]; 6] = [b".gz", b".zst", b".zstd", b".bz2", b".xz", b".lz4"];
const WORDS: [&[u8]; 6] = [b"old", b"bak", b"backup", b"save", b"orig", b"prev"];

/// Fewer digits after a dash, before the extension, may be a port or a number of a host, not a date.
const DATE_DIGITS: usize = 6;

/// A file beside a log that its rotation may have made.
#[derive(Debug, Clone)]
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    /// Of the file that the path leads to, when its directory was listed.
    pub(crate) status: FileStatus,
    /// Its name says that it is compressed.
    pub(crate) compressed: bool,
}

/// The path that the log had before it was rotated: `access.log` for `access.log.2.gz`; the path itself if its
/// name shows no rotation.
pub fn base_of(path: &Path) -> PathBuf {
    match path.file_name() {
        Some(name) => path.with_file_name(OsStr::from_bytes(&base_name(name.as_bytes()))),
        None => path.to_owned(),
    }
}

/// The name of a file, without its directory.
fn name_of(path: &Path) -> &[u8] {
    path.file_name().map(OsStr::as_bytes).unwrap_or_default()
}

/// The directory that a path is in, so that it can be listed; `None` of the root.
pub(crate) fn directory_of(path: &Path) -> Option<&Path> {
    let directory = path.parent()?;
    Some(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
}

/// Whether the name says that the file was rotated or compressed.
pub(crate) fn is_rotated(path: &Path) -> bool {
    base_name(name_of(path)) != name_of(path)
}

/// Whether the mark of rotation stands behind the whole name (`access.log.1`), not before its extension
/// (`site.1.log`), where it may as well be part of the name.
pub(crate) fn is_surely_rotated(path: &Path) -> bool {
    RotationMarks::at_end_of(without_compression(name_of(path))).count > 0
}

/// Whether the name says that the file is compressed.
pub(crate) fn is_compressed(path: &Path) -> bool {
    without_compression(name_of(path)).len() < name_of(path).len()
}

/// Whether `path` is `plain` with the ending of a compressed file.
pub(crate) fn is_compressed_form(plain: &Path, path: &Path) -> bool {
    is_compressed(path) && without_compression(name_of(path)) == name_of(plain)
}

/// Those of these names in a directory, which are called alike but for rotation, that are files: oldest first, then by path. A compressed
/// copy is left out while the file it is made from still exists, since it may be unfinished.
pub(super) fn siblings_among(directory: &Path, names: &[&[u8]]) -> Vec<Sibling> {
    let all: HashSet<&[u8]> = names.iter().copied().collect();
    let mut found = Vec::new();
    for name in names {
        let bare = without_compression(name);
        let compressed = bare.len() < name.len();
        if compressed && all.contains(bare) {
            continue;
        }
        let path = directory.join(OsStr::from_bytes(name));
        match FileStatus::of_path(&path) {
            Ok(status) if status.regular => found.push(Sibling { path, status, compressed }),
            _ => {}
        }
    }
    in_order_of_writing(&mut found);
    found
}

/// Oldest first, then by path.
pub(super) fn in_order_of_writing(files: &mut [Sibling]) {
    files.sort_by(|a, b| (a.status.modified, &a.path).cmp(&(b.status.modified, &b.path)));
}

/// Those of these files that are in other directories than that of `path`, and that are called alike.
pub(super) fn siblings_elsewhere_among(path: &Path, files: impl IntoIterator<Item = PathBuf>) -> Vec<Sibling> {
    let base = base_name(name_of(path));
    let mut found = Vec::new();
    for file in files {
        let name = name_of(&file);
        let bare = without_compression(name);
        let compressed = bare.len() < name.len();
        let is_twin = compressed && file.with_file_name(OsStr::from_bytes(bare)).exists();
        if base_name(name) != base || file.parent() == path.parent() || is_twin {
            continue;
        }
        match FileStatus::of_path(&file) {
            Ok(status) if status.regular => found.push(Sibling { path: file, status, compressed }),
            _ => {}
        }
    }
    found
}

fn without_compression(name: &[u8]) -> &[u8] {
    COMPRESSED.iter().find_map(|end| name.strip_suffix(*end).filter(|bare| !bare.is_empty())).unwrap_or(name)
}

pub(super) fn base_name(name: &[u8]) -> Vec<u8> {
    let name = without_compression(name);
    let marks = RotationMarks::at_end_of(name);
    if marks.count > 0 {
        return marks.before.to_vec();
    }
    let Some(dot) = memchr::memrchr(b'.', name).filter(|&dot| dot > 0) else { return name.to_vec() };
    let (stem, extension) = name.split_at(dot);
    let marks = RotationMarks::at_end_of(stem);
    // Not `web-2.log`, nor `10.0.0.1.log`: those are logs of their own.
    if marks.digits >= DATE_DIGITS || (marks.count == 1 && marks.separator == b'.') {
        return [marks.before, extension].concat();
    }
    name.to_vec()
}

/// The marks of rotation at the end of a name.
struct RotationMarks<'a> {
    /// The name without them.
    before: &'a [u8],
    count: usize,
    digits: usize,
    /// What stands before the first of them.
    separator: u8,
}

impl RotationMarks<'_> {
    fn at_end_of(name: &[u8]) -> RotationMarks<'_> {
        let mut marks = RotationMarks { before: name, count: 0, digits: 0, separator: 0 };
        while let Some(at) = marks.before.iter().rposition(|byte| b".-_~".contains(byte)).filter(|&at| at > 0) {
            let (before, mark) = marks.before.split_at(at);
            let Some((&separator, mark)) = mark.split_first() else { break };
            let is_number = !mark.is_empty() && mark.iter().all(u8::is_ascii_digit);
            // Four or five digits alone are rather a port, or a year; a year has month and day behind it.
            let is_rotation = is_number && (!matches!(mark.len(), 4 | 5) || marks.digits > 0);
            let is_backup = WORDS.contains(&mark) || (mark.is_empty() && separator == b'~');
            if !is_rotation && !is_backup {
                break;
            }
            let digits = marks.digits + if is_number { mark.len() } else { 0 };
            marks = RotationMarks { before, count: marks.count + 1, digits, separator };
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names() {
        for (rotated, base) in [
            ("access.log", "access.log"),
            ("access.log.1", "access.log"),
            ("access.log.2.gz", "access.log"),
            ("access.log.gz", "access.log"),
            ("access.log-20261122", "access.log"),
            ("access.log-20261122.zst", "access.log"),
            ("access.log.2.zstd", "access.log"),
            ("access.log-2026-11-22", "access.log"),
            ("access.log-20261122-1795381364", "access.log"),
            ("access.log.1-2026112221.backup", "access.log"),
            ("access.log.old", "access.log"),
            ("access-20261122.log", "access.log"),
            ("access-2026-11-22.log.gz", "access.log"),
            ("access.1.log", "access.log"),
            ("access-8080.log", "access-8080.log"),
            ("access.log.8080", "access.log.8080"),
            ("access.log.json", "access.log.json"),
            ("web-2.log", "web-2.log"),
            ("10.0.0.1.log", "10.0.0.1.log"),
            ("error.log", "error.log"),
            (".1", ".1"),
            ("1", "1"),
        ] {
            assert_eq!(base_of(Path::new(rotated)), Path::new(base), "{rotated}");
            assert_eq!(is_rotated(Path::new(rotated)), rotated != base, "{rotated}");
        }
    }
}
