//! The paths that a pattern means. Names are bytes: one that is no UTF-8 is matched as it is shown, with a replacement character for
//! what is not, so that `*` and `?` mean it as they mean others.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};

use std::os::unix::fs::MetadataExt;

/// What makes a path a pattern.
const SPECIAL: [char; 3] = ['*', '?', '['];

/// Whether a text is a pattern, not a path.
pub fn is_pattern(text: &str) -> bool {
    text.contains(SPECIAL)
}

/// Whether a path is one that the pattern means: one that [`paths_of_pattern`] finds if it is there. So `*` and `?` stand for no `/`.
pub fn means(pattern: &Pattern, path: &Path, options: MatchOptions) -> bool {
    let within_names = MatchOptions { require_literal_separator: true, ..options };
    pattern.matches_with(&path.to_string_lossy(), within_names)
}

/// A directory that could not be looked into.
#[derive(Debug)]
pub struct UnlistedDirectory {
    /// Its path.
    pub path: PathBuf,
    /// What hindered.
    pub error: io::Error,
}

/// What a pattern came to.
#[derive(Debug, Default)]
pub struct MatchedPaths {
    /// The paths, by name within their directory.
    pub paths: Vec<PathBuf>,
    /// What could not be looked into, so that there may be more.
    pub unlisted: Vec<UnlistedDirectory>,
}

/// The paths that `text` means; a text that is no pattern means itself if it is there. `**` means directories of any depth.
///
/// # Errors
/// It is no pattern: a bracket that is not closed, stars that stand for nothing.
pub fn paths_of_pattern(text: &str, options: MatchOptions) -> Result<MatchedPaths, PatternError> {
    // Asked of the whole first, so that an error says where in the whole it is.
    Pattern::new(text)?;
    let mut steps = Vec::new();
    for piece in text.split('/').filter(|piece| !piece.is_empty()) {
        match piece {
            "**" if matches!(steps.last(), Some(PatternStep::AnyDepth)) => {}
            "**" => steps.push(PatternStep::AnyDepth),
            piece if is_pattern(piece) => steps.push(PatternStep::Matching(Pattern::new(piece)?)),
            piece => steps.push(PatternStep::Named(piece.to_owned())),
        }
    }
    let root = if text.starts_with('/') { PathBuf::from("/") } else { PathBuf::new() };
    let mut walk = PatternWalk { options, found: MatchedPaths::default(), within: Vec::new() };
    walk.follow(&root, &steps);
    Ok(walk.found)
}

/// The paths that a text means to people: the one that is called so, if there is one, whatever is in its name; else
/// [`paths_of_pattern`].
///
/// # Errors
/// As there.
pub fn paths_named(text: &str) -> Result<MatchedPaths, PatternError> {
    let path = PathBuf::from(text);
    if path.symlink_metadata().is_ok() {
        return Ok(MatchedPaths { paths: vec![path], unlisted: Vec::new() });
    }
    paths_of_pattern(text, MatchOptions::new())
}

/// One part of a pattern between its slashes.
#[derive(Debug)]
enum PatternStep {
    Named(String),
    Matching(Pattern),
    AnyDepth,
}

/// A walk along a pattern.
struct PatternWalk {
    options: MatchOptions,
    found: MatchedPaths,
    /// The directories that `**` went into on the way here, by device and inode: a link may lead back to one.
    within: Vec<(u64, u64)>,
}

impl PatternWalk {
    /// Whatever the rest of a pattern means in `directory`.
    fn follow(&mut self, directory: &Path, steps: &[PatternStep]) {
        let Some((step, rest)) = steps.split_first() else {
            return self.found.paths.push(directory.to_owned());
        };
        match step {
            PatternStep::Named(name) => {
                let path = directory.join(name);
                if !rest.is_empty() || path.symlink_metadata().is_ok() {
                    self.follow(&path, rest);
                }
            }
            PatternStep::Matching(pattern) => {
                for name in self.list(directory) {
                    if pattern.matches_with(&name.to_string_lossy(), self.options) {
                        self.follow(&directory.join(name), rest);
                    }
                }
            }
            PatternStep::AnyDepth => {
                self.follow_below(directory, rest, steps);
            }
        }
    }

    /// The rest in `directory`, and `all` in the directories in it.
    fn follow_below(&mut self, directory: &Path, rest: &[PatternStep], all: &[PatternStep]) {
        let Ok(status) = listed(directory).metadata() else { return };
        let here = (status.dev(), status.ino());
        if !status.is_dir() || self.within.contains(&here) {
            return;
        }
        self.within.push(here);
        if !rest.is_empty() {
            self.follow(directory, rest);
        }
        for name in self.list(directory) {
            let is_hidden = self.options.require_literal_leading_dot && name.as_encoded_bytes().starts_with(b".");
            let path = directory.join(name);
            if !is_hidden && path.is_dir() {
                if rest.is_empty() {
                    self.found.paths.push(path.clone());
                }
                self.follow(&path, all);
            }
        }
        self.within.pop();
    }

    /// The names in a directory, in their order; of one that cannot be listed it is noted.
    fn list(&mut self, directory: &Path) -> Vec<OsString> {
        let mut names = Vec::new();
        match std::fs::read_dir(listed(directory)) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    names.push(entry.file_name());
                }
            }
            // A file where a directory is meant holds nothing.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => self.found.unlisted.push(UnlistedDirectory { path: directory.to_owned(), error }),
        }
        names.sort();
        names
    }
}

/// Where a relative pattern begins.
fn listed(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}

/// The directory that a pattern looks into first; of a path that is none, the one it lies in.
pub fn fixed_directory(text: &str) -> PathBuf {
    let mut directory = PathBuf::new();
    let parent = Path::new(text).parent().unwrap_or(Path::new("/"));
    for component in parent.components() {
        let is_special = matches!(component, Component::Normal(name) if is_special(name));
        if is_special {
            break;
        }
        directory.push(component);
    }
    listed(&directory).to_owned()
}

fn is_special(name: &OsStr) -> bool {
    is_pattern(&name.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn found(root: &Path, pattern: &str, options: MatchOptions) -> Vec<Vec<u8>> {
        let text = format!("{}/{pattern}", root.display());
        let mut names = Vec::new();
        for path in paths_of_pattern(&text, options).unwrap().paths {
            names.push(path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec());
        }
        names
    }

    #[test]
    fn names_that_are_no_utf8_are_meant_as_others_are() {
        let root = tempfile::tempdir().unwrap();
        for name in [&b"a.log"[..], b"b\xff.log", b"\xff\xfe.log", b".hidden.log", b"c.txt"] {
            fs::write(root.path().join(OsStr::from_bytes(name)), "").unwrap();
        }
        let all: Vec<Vec<u8>> =
            [&b".hidden.log"[..], b"a.log", b"b\xff.log", b"\xff\xfe.log"].map(<[u8]>::to_vec).into();
        assert_eq!(found(root.path(), "*.log", MatchOptions::new()), all);
        let nginx = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
        assert_eq!(found(root.path(), "*.log", nginx), all[1..]);
        assert_eq!(found(root.path(), "b?.log", MatchOptions::new()), [b"b\xff.log"]);
        assert!(means(&Pattern::new("/l/*.log").unwrap(), Path::new(OsStr::from_bytes(b"/l/b\xff.log")), nginx));
    }

    /// All paths below a directory, not through links.
    fn all_below(root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root).unwrap().flatten() {
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                found.extend(all_below(&entry.path()));
            }
        }
        found
    }

    /// Over the same tree as the crate whose patterns they are.
    #[test]
    fn patterns_mean_what_the_glob_crate_takes_them_to_mean() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["x/y/z", "x/w", "v", "b[1]"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        for file in ["x/a.log", "x/y/a.log", "x/y/z/b.log", "x/w/a.log", "v/a.log", "top.log", "b[1]/a.log", ".d"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("x/w", root.path().join("link")).unwrap();
        let patterns = [
            "*",
            "*/*.log",
            "x/*/a.log",
            "**/a.log",
            "x/**/*.log",
            "**",
            "x/**",
            "[xv]/a.log",
            "[!x]/a.log",
            "?/a.log",
            "top.log",
            "none.log",
            "no/*.log",
            "x/y/../a.log",
            "b[[]1]/*",
            "top.log/*",
            "x/./*.log",
            "*/y/z/b.log",
        ];
        for pattern in patterns {
            let text = format!("{}/{pattern}", root.path().display());
            let expected: Vec<PathBuf> = glob::glob(&text).unwrap().flatten().collect();
            let mut own = paths_of_pattern(&text, MatchOptions::new()).unwrap().paths;
            own.sort();
            let mut sorted = expected;
            sorted.sort();
            sorted.dedup();
            assert_eq!(own, sorted, "{pattern}");
            let compiled = Pattern::new(&text).unwrap();
            // What is not written plainly means no path as it is met elsewhere, and `**` at an end finds directories alone.
            let is_plain = !pattern.split('/').any(|step| step.starts_with('.')) && !pattern.ends_with("**");
            for path in all_below(root.path()).into_iter().filter(|_| is_plain) {
                assert_eq!(means(&compiled, &path, MatchOptions::new()), own.contains(&path), "{pattern} {path:?}");
            }
        }
        assert!(paths_of_pattern("a[", MatchOptions::new()).is_err());
    }

    #[test]
    fn links_that_lead_back_end_a_walk() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/x.log"), "").unwrap();
        std::os::unix::fs::symlink("..", root.path().join("a/up")).unwrap();
        assert_eq!(found(root.path(), "**/x.log", MatchOptions::new()), [b"a/x.log"]);
    }

    #[test]
    fn what_cannot_be_listed_is_told() {
        let matched = paths_of_pattern("/proc/self/nowhere/*", MatchOptions::new()).unwrap();
        assert_eq!(matched.unlisted.len(), 1);
        for (text, directory) in
            [("/a/b*/c", "/a"), ("*.log", "."), ("/*.log", "/"), ("/a/b.log", "/a"), ("a/*/b", "a")]
        {
            assert_eq!(fixed_directory(text), Path::new(directory), "{text}");
        }
    }
}
