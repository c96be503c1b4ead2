//! The one search for a generation's bytes: which files may hold it, in which order they are looked into, and which of them does.
//!
//! In this order, since the first file that holds it is taken:
//!
//! 1. a file with its inode, by whatever name in its directory: renamed, by rotation or by hand;
//! 2. the path where it was last seen, if that is a rotated name: seldom does another log stand there;
//! 3. the plain files that its rotation may have made, oldest first;
//! 4. the path where it was last seen, if that is the log's own name: most often the next log stands there;
//! 5. the compressed files that its rotation may have made, oldest first;
//! 6. if the search goes so far ([`SearchScope::ByHand`]), all files whose names begin with the log's own, by name.
//!
//! Whether a file holds it, [`compare`](super::compare) alone decides. The follower asks for generations of an earlier run and
//! for copies of a log that was truncated, a query for raw lines, and `index` for what it was given before.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compare::{Comparison, OpenedGeneration, compare_open};
use super::siblings::{Sibling, base_of, directory_of, is_compressed, is_rotated, siblings};
use crate::error::{Error, Result};
use crate::source::compressed::compression::Compression;
use crate::source::compressed::reader::LogReader;
use crate::source::compressed::restart_points::RestartPoints;
use crate::source::file::FileStatus;
use crate::source::generation::Generation;

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchScope {
    /// To what rotation makes of a log, and to its inode: whoever goes on writing decides by it.
    Rotation,
    /// Also to what a person may have made of it by hand: any copy will do for reading.
    ByHand,
}

/// The files that may hold a generation, in the order of the search.
#[derive(Debug)]
pub(crate) struct Candidates {
    pub(crate) files: Vec<Sibling>,
    /// Why its directory could not be listed, if it is there.
    pub(crate) directory_error: Option<io::Error>,
    /// Why the path where it was last seen could not be looked at, if something is there.
    pub(crate) path_error: Option<io::Error>,
}

/// A file that holds the generation.
#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Open at the generation's position.
    pub(crate) opened: OpenedGeneration,
}

/// Why a file could not be compared that may hold the generation.
#[derive(Debug)]
pub(crate) enum Hindrance {
    /// It is compressed, and not complete.
    Incomplete,
    Unreadable(io::Error),
}

/// What a search came to.
#[derive(Debug)]
pub(crate) struct SearchResult {
    pub(crate) found: Option<FoundFile>,
    /// Of the files that were looked into before, those that could not be compared.
    pub(crate) hindrances: Vec<(PathBuf, Hindrance)>,
}

/// The files that may hold `generation`.
pub(crate) fn list_candidates(generation: &Generation, scope: SearchScope) -> Candidates {
    let path = &generation.path;
    let (mut files, directory_error) = match siblings(path) {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let path_error = match FileStatus::of_path(path) {
        Ok(status) => {
            files.push(Sibling { path: path.clone(), status, compressed: is_compressed(path) });
            None
        }
        Err(error) => Some(error),
    };
    let own_inode = generation.device_inode;
    if !files.iter().any(|file| file.status.device_inode == own_inode) {
        let others = list_directory(path);
        files.extend(others.into_iter().find(|file| file.status.device_inode == own_inode));
    }
    files.sort_by_key(|file| match file {
        Sibling { status, .. } if status.device_inode == own_inode => 1,
        file if file.path == *path && is_rotated(path) => 2,
        Sibling { compressed: true, .. } => 5,
        file if file.path == *path => 4,
        Sibling { .. } => 3,
    });
    if scope == SearchScope::ByHand {
        files.extend(made_by_hand(path, &files));
    }
    let is_worth_telling = |error: &io::Error| error.kind() != ErrorKind::NotFound;
    Candidates {
        files,
        directory_error: directory_error.filter(is_worth_telling),
        path_error: path_error.filter(is_worth_telling),
    }
}

/// The files beside a log whose names begin with its own, other than `listed`.
fn made_by_hand(path: &Path, listed: &[Sibling]) -> Vec<Sibling> {
    let base = base_of(path);
    let Some(name) = base.file_name().map(OsStrExt::as_bytes) else { return Vec::new() };
    let listed: HashSet<&Path> = listed.iter().map(|file| file.path.as_path()).collect();
    let mut found = list_directory(path);
    found.retain(|file| {
        let is_named_alike = file.path.file_name().is_some_and(|other| other.as_bytes().starts_with(name));
        is_named_alike && !listed.contains(file.path.as_path())
    });
    found
}

/// All regular files in the directory of `path`, by name; none if it cannot be listed.
fn list_directory(path: &Path) -> Vec<Sibling> {
    let Some(directory) = directory_of(path) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match FileStatus::of_path(&path) {
            Ok(status) if status.regular => found.push(Sibling { compressed: is_compressed(&path), path, status }),
            _ => {}
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Looks into `candidates` for the first that holds `generation`. `read` makes a reader of an open file; `accepts` has the last
/// word on a file that was found to hold it.
pub(crate) fn search<'c>(
    generation: &Generation,
    candidates: impl IntoIterator<Item = &'c Sibling>,
    read: fn(File) -> io::Result<LogReader>,
    accepts: impl Fn(&Sibling) -> bool,
) -> SearchResult {
    let mut hindrances = Vec::new();
    for candidate in candidates {
        let path = &candidate.path;
        // Opening a pipe would wait for its writer.
        if !candidate.status.regular {
            continue;
        }
        match open_and_compare(generation, path, read) {
            Ok((file, Comparison::Same(opened))) => {
                if accepts(candidate) {
                    let found = Some(FoundFile { path: path.clone(), file, opened: *opened });
                    return SearchResult { found, hindrances };
                }
            }
            Ok((_, Comparison::Incomplete)) => hindrances.push((path.clone(), Hindrance::Incomplete)),
            Ok((_, Comparison::Different | Comparison::Short)) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => hindrances.push((path.clone(), Hindrance::Unreadable(error))),
        }
    }
    SearchResult { found: None, hindrances }
}

fn open_and_compare(
    generation: &Generation,
    path: &Path,
    read: fn(File) -> io::Result<LogReader>,
) -> io::Result<(File, Comparison)> {
    let file = File::open(path)?;
    let comparison = compare_open(generation, &file, read)?;
    Ok((file, comparison))
}

/// What to say of a file that is [`Hindrance::Incomplete`].
pub(crate) fn incomplete_error(path: &Path) -> Error {
    Error::failed("a compressed log here is torn, corrupt or still being written; its lines are missing so far")
        .at(path)
        .remedy("`gzip -t` tells; it is read as soon as it is complete")
}

/// Where a generation's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedGeneration {
    /// The file that holds them.
    pub path: PathBuf,
    /// How they are compressed there.
    pub compression: Compression,
    /// Where a compressed file can be entered.
    pub points: Option<Arc<RestartPoints>>,
    /// How many uncompressed bytes were decoded to find it: none of a file whose `points` were known.
    pub decoded: u64,
}

/// Finds the file that holds `generation`, plain or compressed: by fingerprint and, if its position is not 0, by
/// length and tail hash. `None` if no file holds it (any more).
///
/// A compressed candidate with the right first bytes is decoded up to the position.
///
/// # Errors
/// [`ErrorClass::Io`](crate::error::ErrorClass::Io) if nothing was found and a directory or a candidate could not be read.
pub fn find_generation(generation: &Generation) -> Result<Option<LocatedGeneration>> {
    find_generation_with(generation, None)
}

/// [`find_generation`] with the restart points that an earlier one gave: the file that they are about is not decoded again.
///
/// # Errors
/// As [`find_generation`].
pub fn find_generation_with(
    generation: &Generation,
    known: Option<RestartPoints>,
) -> Result<Option<LocatedGeneration>> {
    let Candidates { files, directory_error, path_error } = list_candidates(generation, SearchScope::ByHand);
    if let Some(points) = known
        && let Some(file) = files.iter().find(|file| points.tell(generation, &file.path))
    {
        let (path, compression) = (file.path.clone(), points.compression);
        return Ok(Some(LocatedGeneration { path, compression, points: Some(Arc::new(points)), decoded: 0 }));
    }
    let SearchResult { found, hindrances } = search(generation, &files, LogReader::gathering, |_| true);
    if let Some(FoundFile { path, file, opened: OpenedGeneration { reader, .. } }) = found {
        let compression = reader.compression();
        if compression == Compression::Plain {
            return Ok(Some(LocatedGeneration { path, compression, points: None, decoded: 0 }));
        }
        let decoded = reader.offset();
        let gathered = reader.gathered();
        let points = gathered.and_then(|gathered| gathered.points(&file, compression, generation)).map(Arc::new);
        return Ok(Some(LocatedGeneration { path, compression, points, decoded }));
    }
    if let Some(error) = directory_error {
        return Err(Error::io("look for rotated logs beside it", &generation.path, &error));
    }
    if let Some(error) = path_error {
        return Err(Error::io("look into it", &generation.path, &error));
    }
    for (path, hindrance) in hindrances {
        if let Hindrance::Unreadable(error) = hindrance {
            return Err(Error::io("look into it", &path, &error));
        }
    }
    Ok(None)
}

/// What the file with this inode is called now, if it is not at `path` any more.
pub(crate) fn new_name(path: &Path, device_inode: (u64, u64)) -> Option<PathBuf> {
    if FileStatus::of_path(path).is_ok_and(|status| status.device_inode == device_inode) {
        return None;
    }
    let found = siblings(path).unwrap_or_default();
    found.into_iter().find(|sibling| sibling.status.device_inode == device_inode).map(|sibling| sibling.path)
}
