//! Where the text of a configuration comes from: the files themselves (the caller reads them), or an `nginx -T` dump.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::wildcards::means;

/// What stands before each file in a dump, as nginx.c writes it.
const MARKER: &[u8] = b"# configuration file ";

/// Gives the files that a path or pattern names.
pub trait ConfFiles {
    /// The files that `pattern` names, sorted by name, with their bytes. A pattern contains `*`, `?` or `[`; a path that
    /// names no file gives none.
    ///
    /// # Errors
    /// What went wrong when a file that is there was read.
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String>;
}

/// Wildcards as glob(3) reads them for nginx: none of them stands for a slash or a leading dot.
pub const WILDCARDS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The output of `nginx -T`: every file of a configuration in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfDump {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl ConfDump {
    /// Takes a dump apart. Nothing if the text is none: before the first marker only messages of nginx (`nginx: ..`) may
    /// stand.
    pub fn read(text: &[u8]) -> Option<ConfDump> {
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if let Some(path) = marked(line) {
                files.push((path, Vec::new()));
            } else if let Some((_, text)) = files.last_mut() {
                text.extend_from_slice(line);
            } else if !line.starts_with(b"nginx: ") && line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                return None;
            }
        }
        (!files.is_empty()).then_some(ConfDump { files })
    }

    /// The main file: the first.
    pub fn main(&self) -> &Path {
        self.files.first().map_or(Path::new("nginx.conf"), |(path, _)| path)
    }
}

fn marked(line: &[u8]) -> Option<PathBuf> {
    let rest = line.strip_prefix(MARKER)?.trim_ascii_end().strip_suffix(b":")?;
    rest.starts_with(b"/").then(|| PathBuf::from(OsStr::from_bytes(rest)))
}

impl ConfFiles for ConfDump {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let wild = Pattern::new(pattern).ok().filter(|_| pattern.contains(['*', '?', '[']));
        let names = |path: &Path| match &wild {
            Some(wild) => means(wild, path, WILDCARDS),
            None => path == Path::new(pattern),
        };
        let mut found: Vec<_> = self.files.iter().filter(|(path, _)| names(path)).cloned().collect();
        found.sort_by(|(one, _), (other, _)| one.as_os_str().cmp(other.as_os_str()));
        Ok(found)
    }
}
