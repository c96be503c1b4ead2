//! Where a log is written whose rotated files may be in other directories (`olddir`): by it the files of one log belong together.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::siblings::base_of;
use crate::wildcards::{is_pattern, means, paths_of_pattern};

/// The path at which the log of a file is written, or was before the file was rotated, be it to another directory. `log` is the key of its
/// section. Where that does not tell, it is as if it was rotated in its directory.
pub fn home_of(path: &Path, log: &str) -> PathBuf {
    let mut homes = homes_of(path, log);
    match homes.pop() {
        Some(home) if homes.is_empty() => home,
        _ => base_of(path),
    }
}

/// The paths at which the log of a file may be written, if it is not where that is done. The key of a log is its path, or a glob that names it.
pub(crate) fn homes_of(path: &Path, log: &str) -> Vec<PathBuf> {
    let (key, base) = (Path::new(log), base_of(path));
    let (Some(name), Some(directory)) = (base.file_name(), key.parent()) else { return Vec::new() };
    if key.file_name() == Some(name) && !is_pattern(log) {
        return if path.parent() == key.parent() { Vec::new() } else { vec![key.to_owned()] };
    }
    let Ok(pattern) = Pattern::new(log) else { return Vec::new() };
    if means(&pattern, &base, MatchOptions::new()) {
        return Vec::new();
    }
    let directories = match is_pattern(&directory.to_string_lossy()) {
        true => paths_of_pattern(&directory.to_string_lossy(), MatchOptions::new()).unwrap_or_default().paths,
        false => vec![directory.to_owned()],
    };
    let mut homes: Vec<PathBuf> = directories.iter().map(|directory| directory.join(name)).collect();
    homes.retain(|home| means(&pattern, home, MatchOptions::new()));
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_at_home_where_its_section_says_that_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for directory in ["a", "b", "a/old"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        for (log, path, home) in [
            ("a/x.log", "a/x.log", "a/x.log"),
            ("a/x.log", "a/x.log.2.gz", "a/x.log"),
            ("a/x.log", "old/x.log-20261122", "a/x.log"),
            ("a/x.log", "a/old/x.log.1", "a/x.log"),
            ("a/*.log", "old/x.log.2", "a/x.log"),
            // The stars of a glob stand for names.
            ("a/*.log", "a/old/x.log.2", "a/x.log"),
            ("a/**/*.log", "a/old/x.log.2", "a/old/x.log"),
            ("a/*.log", "old/y.txt", "old/y.txt"),
            // In one of two directories.
            ("?/*.log", "old/x.log.1", "old/x.log"),
            // A link leads to it.
            ("a/x.log", "a/link.log.1", "a/link.log"),
        ] {
            assert_eq!(home_of(&at(path), &at(log).display().to_string()), at(home), "{log} {path}");
        }
    }
}
