//! Which files the patterns name now.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use glob::MatchOptions;

use super::poll::{FileProblem, Unreadable};
use super::settings::{FollowSettings, WatchedLog};
use crate::error::Error;
use crate::source::file::FileStatus;
use crate::source::generation::DeviceInode;
use crate::source::identity::homes::homes_of;
use crate::source::identity::siblings::{base_of, is_compressed, is_rotated, is_surely_rotated};
use crate::source::unread_span::UnreadCause;
use crate::wildcards::{UnlistedDirectory, fixed_directory, means, paths_of_pattern};

/// A path that a pattern names, or named before its log was rotated away.
#[derive(Debug, Clone)]
pub(crate) struct WatchedPath {
    pub(crate) path: PathBuf,
    /// The key of its log's section.
    pub(crate) key: String,
}

/// A path that a pattern names, as it was seen to be.
#[derive(Debug)]
pub(crate) struct SeenPath {
    pub(crate) path: PathBuf,
    pub(crate) key: String,
    pub(crate) status: io::Result<FileStatus>,
    /// It is named by its path, not by a glob.
    pub(crate) is_plain: bool,
}

#[derive(Debug)]
struct WatchedPattern {
    key: String,
    glob: Option<glob::Pattern>,
    text: String,
    paths: Vec<PathBuf>,
    /// What hindered the last expansion of the glob.
    hindrances: Vec<FileProblem>,
}

impl From<SeenPath> for WatchedPath {
    fn from(seen: SeenPath) -> WatchedPath {
        WatchedPath { path: seen.path, key: seen.key }
    }
}

/// The patterns, and the paths that they named when the globs were expanded last.
#[derive(Debug)]
pub(crate) struct Patterns {
    entries: Vec<WatchedPattern>,
    /// All paths that are named now.
    named: HashSet<PathBuf>,
    /// Those that a section names as they are.
    plain: HashSet<PathBuf>,
    keys: HashSet<String>,
}

impl Patterns {
    pub(crate) fn new(watched: Vec<WatchedLog>) -> Patterns {
        let entries = watched.into_iter().map(|watched| {
            let path = PathBuf::from(&watched.pattern);
            let is_glob = watched.pattern.contains(['*', '?', '[']) && !path.exists();
            let glob = is_glob.then(|| glob::Pattern::new(&watched.pattern).ok()).flatten();
            let paths = if glob.is_some() { Vec::new() } else { vec![path] };
            WatchedPattern { key: watched.key, glob, text: watched.pattern, paths, hindrances: Vec::new() }
        });
        let entries: Vec<WatchedPattern> = entries.collect();
        let keys = entries.iter().map(|entry| entry.key.clone()).collect();
        let plain = entries.iter().filter(|entry| entry.glob.is_none()).flat_map(|entry| entry.paths.clone()).collect();
        let mut patterns = Patterns { entries, named: HashSet::new(), plain, keys };
        patterns.note_named();
        patterns
    }

    fn note_named(&mut self) {
        self.named = self.entries.iter().flat_map(|entry| entry.paths.iter().cloned()).collect();
    }

    /// Whether some section has this key.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Whether `path` is one of the paths that are named now.
    pub(crate) fn names(&self, path: &Path) -> bool {
        self.named.contains(path)
    }

    /// Whether a section names this very path.
    pub(crate) fn names_plainly(&self, path: &Path) -> bool {
        self.plain.contains(path)
    }

    /// Whether a section names a path, and nothing is there now.
    pub(crate) fn is_away(&self, key: &str) -> bool {
        let named = self.entries.iter().filter(|entry| entry.key == key && entry.glob.is_none());
        let mut paths = named.flat_map(|entry| &entry.paths);
        paths.any(|path| std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound))
    }

    /// The logs of which only rotated files are left, which no glob names.
    pub(crate) fn rotated_away(&self, settings: &FollowSettings) -> Vec<WatchedPath> {
        let (mut found, mut bases) = (Vec::new(), HashSet::new());
        for WatchedPattern { key, glob, text, paths, .. } in &self.entries {
            let Some(pattern) = glob else { continue };
            let paths: HashSet<&PathBuf> = paths.iter().collect();
            // The marks of rotation stand behind the name, or before its extension. `**` would be all directories below.
            let behind = Some(format!("{text}*")).filter(|_| !text.ends_with('*'));
            let beside =
                behind.iter().chain([text]).filter_map(|text| paths_of_pattern(text, MatchOptions::new()).ok());
            for path in beside.flat_map(|matched| matched.paths) {
                let base = base_of(&path);
                // One look at each log, however many rotated files it has.
                let is_rotated = base != path && means(pattern, &base, MatchOptions::new()) && !paths.contains(&path);
                if is_rotated && bases.insert(base.clone()) && !base.exists() {
                    found.push(WatchedPath { path: base, key: key.clone() });
                }
            }
            let elsewhere = settings.elsewhere_of(key).iter();
            let elsewhere = elsewhere.filter_map(|text| paths_of_pattern(text, MatchOptions::new()).ok());
            for home in elsewhere.flat_map(|matched| matched.paths).flat_map(|path| homes_of(&path, key)) {
                if !paths.contains(&home) && bases.insert(home.clone()) && !home.exists() {
                    found.push(WatchedPath { path: home, key: key.clone() });
                }
            }
        }
        found
    }

    /// The status of every path, after expanding the globs if `expand`; and what hindered the expansion. A path
    /// that a glob named and that is gone is left out.
    pub(crate) fn look_at_paths(&mut self, expand: bool) -> (Vec<SeenPath>, Vec<FileProblem>) {
        let (mut seen, mut problems, mut is_changed) = (Vec::new(), Vec::new(), expand);
        for entry in &mut self.entries {
            if expand && let Some(pattern) = &entry.glob {
                entry.hindrances.clear();
                let mut paths = expand_glob(&entry.text, pattern, &entry.key, &mut entry.hindrances);
                // What cannot be listed now is still there, perhaps.
                if !entry.hindrances.is_empty() {
                    let listed: HashSet<PathBuf> = paths.iter().cloned().collect();
                    paths.extend(std::mem::take(&mut entry.paths).into_iter().filter(|path| !listed.contains(path)));
                }
                entry.paths = paths;
            }
            problems.extend(entry.hindrances.iter().cloned());
            let is_glob = entry.glob.is_some();
            let key = &entry.key;
            entry.paths.retain(|path| {
                let status = FileStatus::of_path(path);
                if is_glob && status.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                    is_changed = true;
                    return false;
                }
                seen.push(SeenPath { path: path.clone(), key: key.clone(), status, is_plain: !is_glob });
                true
            });
        }
        if is_changed {
            self.note_named();
        }
        (seen, problems)
    }
}

/// The watched paths that lead to each file.
pub(crate) fn names_by_inode(seen: &[SeenPath]) -> HashMap<DeviceInode, Vec<&Path>> {
    let mut names: HashMap<DeviceInode, Vec<&Path>> = HashMap::new();
    for SeenPath { path, status, .. } in seen {
        if let Ok(status) = status {
            names.entry(status.device_inode).or_default().push(path);
        }
    }
    names
}

/// The paths that a glob names, and that are no rotated or compressed forms of others that it names.
fn expand_glob(text: &str, pattern: &glob::Pattern, key: &str, problems: &mut Vec<FileProblem>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let folder = fixed_directory(text);
    if let Err(error) = std::fs::metadata(&folder) {
        let cause = if error.kind() == io::ErrorKind::NotFound { UnreadCause::Absent } else { UnreadCause::Denied };
        problems.push(listing_problem(folder, key, cause, &error));
    }
    let matched = paths_of_pattern(text, MatchOptions::new()).unwrap_or_default();
    for path in matched.paths {
        // What the name alone tells costs no look at the file.
        if !is_compressed(&path) && !is_copy(&path, pattern) && !path.is_dir() {
            paths.push(path);
        }
    }
    for UnlistedDirectory { path, error } in matched.unlisted {
        if error.kind() != io::ErrorKind::NotFound {
            problems.push(listing_problem(path, key, UnreadCause::Denied, &error));
        }
    }
    paths
}

/// What is said of a directory that a glob cannot look into.
fn listing_problem(path: PathBuf, key: &str, cause: UnreadCause, error: &io::Error) -> FileProblem {
    let error = Error::io("list this directory", &path, error);
    let unread = Some(Unreadable::at_path(&path, key, cause, &error));
    FileProblem { path, error, unread }
}

/// Whether `path` is a rotated form of another log that the glob matches.
fn is_copy(path: &Path, pattern: &glob::Pattern) -> bool {
    if !is_rotated(path) {
        return false;
    }
    let base = base_of(path);
    means(pattern, &base, MatchOptions::new()) && (is_surely_rotated(path) || base.exists())
}
