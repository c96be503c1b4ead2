//! How the new files of one look begin: by it a rotated file is held against those alone that may begin as it does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::new_files::NewFile;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::real_path;
use crate::source::identity::content::begin_alike;
use crate::source::identity::siblings::base_of;

/// So many first bytes are kept of each.
const HEAD: usize = 512;

/// The files at watched paths that nothing was read of yet.
#[derive(Debug, Default)]
pub(crate) struct NewBeginnings {
    /// By what their logs are called, in whatever directory: rotation may move them to another.
    by_name: HashMap<OsString, FilesByHead>,
}

#[derive(Debug, Default)]
struct FilesByHead {
    paths: BTreeMap<Vec<u8>, Vec<PathBuf>>,
    /// How many bytes of a file are kept of some.
    lengths: BTreeSet<usize>,
}

impl NewBeginnings {
    /// Of those of these files that are at watched paths.
    pub(crate) fn of(new: &[NewFile]) -> NewBeginnings {
        let mut beginnings = NewBeginnings::default();
        for file in new.iter().filter(|file| file.is_live) {
            let head = head_of(&file.path);
            for name in HashSet::from([name_of_log(&file.path), name_of_log(&real_path(&file.path))]) {
                let files = beginnings.by_name.entry(name).or_default();
                files.lengths.insert(head.len());
                files.paths.entry(head.clone()).or_default().push(file.path.clone());
            }
        }
        beginnings
    }

    /// Whether the rotated file at `path` and one of them are the same to the end of the shorter one.
    pub(crate) fn is_any_alike(&self, path: &Path) -> bool {
        let Some(files) = self.by_name.get(&name_of_log(path)) else { return false };
        let head = head_of(path);
        let shorter = files.lengths.range(..head.len()).filter_map(|length| files.paths.get(head.get(..*length)?));
        let others = files.paths.range(head.clone()..).take_while(|(other, _)| other.starts_with(&head));
        let mut candidates = shorter.chain(others.map(|(_, paths)| paths)).flatten();
        candidates.any(|other| begin_alike(path, other).unwrap_or(false))
    }
}

/// The first bytes, as far as they can be read.
fn head_of(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    let Ok(mut reader) = UncompressedReader::open(path) else { return head };
    while head.len() < HEAD {
        let wanted = HEAD - head.len();
        if !reader.read(&mut head, wanted).is_ok_and(|read| read > 0) {
            break;
        }
    }
    head
}

/// What a log is called, wherever it was moved to.
fn name_of_log(path: &Path) -> OsString {
    base_of(path).file_name().map(OsString::from).unwrap_or_default()
}
