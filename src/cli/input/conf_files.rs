//! The files that nginx's configuration is made of, and whether they are still as they were.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::grammar::conf::{ConfFiles, WILDCARDS};
use crate::source::read_whole;
use crate::wildcards::paths_of_pattern;

/// A file or folder, as it was before it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfStamp {
    path: PathBuf,
    /// Device, inode, size, and when it was written and changed; nothing if it was not there.
    seen: Option<[i128; 5]>,
}

impl ConfStamp {
    fn of(path: &Path) -> ConfStamp {
        let nanos = |secs: i64, nanos: i64| i128::from(secs) * 1_000_000_000 + i128::from(nanos);
        let seen = std::fs::metadata(path).ok().map(|found| {
            let (written, changed) =
                (nanos(found.mtime(), found.mtime_nsec()), nanos(found.ctime(), found.ctime_nsec()));
            [i128::from(found.dev()), i128::from(found.ino()), i128::from(found.size()), written, changed]
        });
        ConfStamp { path: path.to_owned(), seen }
    }

    /// Whether it is still so.
    pub(super) fn holds(&self) -> bool {
        ConfStamp::of(&self.path) == *self
    }
}

/// The files on disk; notes which there are.
#[derive(Debug, Default)]
pub(super) struct ConfFilesOnDisk {
    stamps: RefCell<Vec<ConfStamp>>,
}

impl ConfFilesOnDisk {
    /// The files that were asked for, and the folders that were searched, as they were before.
    pub(super) fn stamps(&self) -> Vec<ConfStamp> {
        self.stamps.borrow().clone()
    }

    fn note(&self, path: &Path) {
        let mut stamps = self.stamps.borrow_mut();
        if stamps.iter().all(|known| known.path != path) {
            stamps.push(ConfStamp::of(path));
        }
    }

    /// The files that a pattern means, sorted as nginx does it, byte by byte: `a-b` before `a/b`.
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        // Another file may come where none is yet.
        let before = pattern.find(['*', '?', '[']).and_then(|at| pattern.get(..at)).unwrap_or_default();
        self.note(Path::new(
            before.rsplit_once('/').map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder }),
        ));
        let found = |pattern: &str| paths_of_pattern(pattern, WILDCARDS).map_err(|error| error.to_string());
        for (at, _) in pattern.match_indices('/').filter(|(at, _)| *at > before.len()) {
            for folder in found(pattern.get(..at).unwrap_or_default())?.paths {
                self.note(&folder);
            }
        }
        let mut paths = found(pattern)?.paths;
        paths.retain(|path| !path.is_dir());
        paths.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
        Ok(paths)
    }
}

impl ConfFiles for ConfFilesOnDisk {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let is_pattern = pattern.contains(['*', '?', '[']);
        let paths = if is_pattern { self.matching(pattern)? } else { vec![PathBuf::from(pattern)] };
        let mut files = Vec::new();
        for path in paths {
            self.note(&path);
            match read_whole(&path) {
                Ok(bytes) => files.push((path, bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
            }
        }
        Ok(files)
    }
}

/// Whether a path leads to what is no file: container images link their logs to `/dev/stdout`.
pub(super) fn is_device(path: &Path) -> bool {
    let Ok(status) = std::fs::metadata(path) else { return false };
    let kind = status.file_type();
    kind.is_char_device() || kind.is_fifo() || kind.is_socket()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that comes into any folder that an `include` searches is seen, in one that had none yet too.
    #[test]
    fn each_folder_that_a_pattern_searches_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for sub in ["a/conf", "b/conf", "c"] {
            std::fs::create_dir_all(path(sub)).unwrap();
        }
        std::fs::write(path("a/conf/x.conf"), "").unwrap();
        let pattern = format!("{}/*/conf/*.conf", folder.path().display());
        let comes = |create: &dyn Fn()| {
            let files = ConfFilesOnDisk::default();
            files.files(&pattern).unwrap();
            let stamps = files.stamps();
            assert!(stamps.iter().all(ConfStamp::holds));
            // Times of files go by the kernel's ticks.
            std::thread::sleep(std::time::Duration::from_millis(20));
            create();
            assert!(!stamps.iter().all(ConfStamp::holds));
        };
        comes(&|| std::fs::write(path("b/conf/y.conf"), "").unwrap());
        comes(&|| std::fs::create_dir(path("c/conf")).unwrap());
        comes(&|| std::fs::write(path("c/conf/z.conf"), "").unwrap());
        comes(&|| std::fs::create_dir(path("d")).unwrap());
        comes(&|| std::fs::remove_file(path("c/conf/z.conf")).unwrap());
    }
}
