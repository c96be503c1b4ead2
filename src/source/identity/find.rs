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
use super::homes::homes_of;
use super::listing::FolderListings;
use super::siblings::{Sibling, base_of, directory_of, is_compressed, is_rotated};
use crate::error::{Error, Result};
use crate::source::compressed::compression::Compression;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::compressed::restart_points::RestartPoints;
use crate::source::file::{FileStatus, leads_to, open_regular};
use crate::source::generation::{DeviceInode, Generation};

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
pub(crate) struct FileCandidates {
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
    /// The very file that was compared, whatever the path leads to by now.
    pub(crate) file: File,
    /// Open at the generation's position.
    pub(crate) opened: OpenedGeneration,
}

/// Why a file could not be compared that may hold the generation.
#[derive(Debug)]
pub(crate) enum Hindrance {
    /// It is compressed, and not complete.
    Incomplete,
    /// The system does not let it be opened or read, now.
    Unreadable(io::Error),
}

/// What a search came to.
#[derive(Debug)]
pub(crate) struct SearchResult {
    pub(crate) found: Option<FoundFile>,
    /// Of the files that were looked into before, those that could not be compared.
    pub(crate) hindrances: Vec<(PathBuf, Hindrance)>,
}

/// The files that may hold `generation`; `elsewhere` are globs of what its rotation moves to other directories.
pub(crate) fn list_candidates(
    generation: &Generation,
    scope: SearchScope,
    elsewhere: &[String],
    listings: &mut FolderListings,
) -> FileCandidates {
    let path = &generation.path;
    let (mut files, directory_error) = match listings.siblings(path) {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut others = listings.siblings_elsewhere(path, elsewhere);
    others.extend(siblings_at_home(generation, listings));
    for file in others {
        if !files.iter().any(|known| known.path == file.path) {
            files.push(file);
        }
    }
    let path_error = match FileStatus::of_path(path) {
        Ok(status) => {
            files.push(Sibling { path: path.clone(), status, compressed: is_compressed(path) });
            None
        }
        Err(error) => Some(error),
    };
    let own_inode = generation.device_inode;
    if !files.iter().any(|file| file.status.device_inode == own_inode) {
        files.extend(listings.file_with_inode(path, own_inode));
    }
    files.sort_by_key(|file| rank(file, generation));
    if scope == SearchScope::ByHand {
        files.extend(made_by_hand(path, &files));
    }
    FileCandidates {
        files,
        directory_error: directory_error.filter(is_worth_telling),
        path_error: path_error.filter(is_worth_telling),
    }
}

/// The files that stand where the generation's log is written, if it was rotated from there to another directory.
fn siblings_at_home(generation: &Generation, listings: &mut FolderListings) -> Vec<Sibling> {
    let mut found = Vec::new();
    for home in homes_of(&generation.path, &generation.log) {
        found.extend(listings.siblings(&home).unwrap_or_default());
        if let Ok(status) = FileStatus::of_path(&home) {
            found.push(Sibling { compressed: is_compressed(&home), path: home, status });
        }
    }
    found
}

/// The place of a file in the order of the search, as the header of this file numbers it.
fn rank(file: &Sibling, generation: &Generation) -> u8 {
    let is_where_last_seen = file.path == generation.path;
    match file {
        Sibling { status, .. } if status.device_inode == generation.device_inode => 1,
        Sibling { path, .. } if is_where_last_seen && is_rotated(path) => 2,
        Sibling { compressed: true, .. } => 5,
        Sibling { .. } if is_where_last_seen => 4,
        Sibling { .. } => 3,
    }
}

/// Where nothing is, nothing can be found; any other error may hide something.
fn is_worth_telling(error: &io::Error) -> bool {
    error.kind() != ErrorKind::NotFound
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
    read: fn(File) -> io::Result<UncompressedReader>,
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

/// Whether the file at `path` holds the generation; with that file, since the path may lead elsewhere at the next look.
fn open_and_compare(
    generation: &Generation,
    path: &Path,
    read: fn(File) -> io::Result<UncompressedReader>,
) -> io::Result<(File, Comparison)> {
    let file = open_regular(path)?;
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
    find_generation_with(generation, &[], None)
}

/// [`find_generation`], also among the files that the globs `elsewhere` name; with the restart points that an earlier one gave: the
/// file that they are about is not decoded again.
///
/// # Errors
/// As [`find_generation`].
pub fn find_generation_with(
    generation: &Generation,
    elsewhere: &[String],
    known: Option<RestartPoints>,
) -> Result<Option<LocatedGeneration>> {
    let FileCandidates { files, directory_error, path_error } =
        list_candidates(generation, SearchScope::ByHand, elsewhere, &mut FolderListings::default());
    if let Some(points) = known
        && let Some(file) = files.iter().find(|file| points.are_of_file(generation, &file.path))
    {
        let (path, compression) = (file.path.clone(), points.compression);
        return Ok(Some(LocatedGeneration { path, compression, points: Some(Arc::new(points)), decoded: 0 }));
    }
    let SearchResult { found, hindrances } = search(generation, &files, UncompressedReader::open_gathering, |_| true);
    if let Some(FoundFile { path, file, opened: OpenedGeneration { reader, .. } }) = found {
        let compression = reader.compression();
        if compression == Compression::Plain {
            return Ok(Some(LocatedGeneration { path, compression, points: None, decoded: 0 }));
        }
        let decoded = reader.offset();
        let points = match reader.into_gatherer() {
            Some(gatherer) => gatherer.into_points(&file, compression, generation).map(Arc::new),
            None => None,
        };
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
pub(crate) fn new_name(
    path: &Path,
    device_inode: DeviceInode,
    elsewhere: &[String],
    listings: &mut FolderListings,
) -> Option<PathBuf> {
    if leads_to(path, device_inode) {
        return None;
    }
    for Sibling { path, status, .. } in listings.all_siblings(path, elsewhere).unwrap_or_default() {
        if status.device_inode == device_inode {
            return Some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::generation::{DeviceInode, Fingerprint, GenerationId};
    use crate::source::tail_hash::TailBytes;

    const LOG: &[u8] = b"one\ntwo\nthree\n";

    /// A generation that was read to the end of [`LOG`] at `path`, in a file that is not there any more.
    fn generation(path: PathBuf) -> Generation {
        let mut tail = TailBytes::default();
        tail.push(LOG);
        Generation {
            id: GenerationId(1),
            log: "a.log".to_owned(),
            path,
            device_inode: DeviceInode::default(),
            fingerprint: Fingerprint::of_head(LOG),
            position: LOG.len() as u64,
            tail_hash: tail.hash(),
            finished: true,
        }
    }

    fn names(files: &[Sibling]) -> Vec<&str> {
        files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn candidates_come_in_the_order_of_the_header() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.log", "a.log.1", "a.log.2", "a.log.3.gz", "a.log.kept", "b.log.1", "z"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let mut live = generation(folder.path().join("a.log"));
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        File::options().write(true).open(folder.path().join("a.log.2")).unwrap().set_modified(old).unwrap();
        let rotation = list_candidates(&live, SearchScope::Rotation, &[], &mut FolderListings::default());
        assert_eq!(names(&rotation.files), ["a.log.2", "a.log.1", "a.log", "a.log.3.gz"]);
        let by_hand = list_candidates(&live, SearchScope::ByHand, &[], &mut FolderListings::default());
        assert_eq!(names(&by_hand.files), ["a.log.2", "a.log.1", "a.log", "a.log.3.gz", "a.log.kept"]);
        let rotated = generation(folder.path().join("a.log.3.gz"));
        let rotation = list_candidates(&rotated, SearchScope::Rotation, &[], &mut FolderListings::default());
        assert_eq!(names(&rotation.files), ["a.log.3.gz", "a.log.2", "a.log", "a.log.1"]);
        // A name that only a person gives, and the same inode.
        live.device_inode = FileStatus::of_path(&folder.path().join("z")).unwrap().device_inode;
        let rotation = list_candidates(&live, SearchScope::Rotation, &[], &mut FolderListings::default());
        assert_eq!(names(&rotation.files), ["z", "a.log.2", "a.log.1", "a.log", "a.log.3.gz"]);
    }

    #[test]
    fn a_log_that_a_glob_names_is_looked_for_where_it_is_written_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/x.log", "a/x.log.1", "a/y.log", "b/x.log", "old/x.log.2", "c/x.txt"] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), name).unwrap();
        }
        let candidates = |glob: &str| {
            let rotated = Generation { log: at(glob).display().to_string(), ..generation(at("old/x.log.2")) };
            let found = list_candidates(&rotated, SearchScope::Rotation, &[], &mut FolderListings::default()).files;
            let mut found: Vec<_> = found.into_iter().map(|file| file.path).collect();
            found.sort();
            found
        };
        assert_eq!(candidates("a/*.log"), [at("a/x.log"), at("a/x.log.1"), at("old/x.log.2")]);
        assert_eq!(candidates("?/*.log"), [at("a/x.log"), at("a/x.log.1"), at("b/x.log"), at("old/x.log.2")]);
        assert_eq!(candidates("a/y*.log"), [at("old/x.log.2")]);
        assert_eq!(candidates("*/x.log"), [at("old/x.log.2")], "it is where it is written");
        assert_eq!(candidates("a/x.log"), [at("a/x.log"), at("a/x.log.1"), at("old/x.log.2")]);
    }

    #[test]
    fn the_first_candidate_that_holds_it_and_is_accepted_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let lost = generation(folder.path().join("a.log"));
        assert_eq!(find_generation(&lost).unwrap(), None);
        std::fs::write(folder.path().join("a.log"), b"another\n").unwrap();
        std::fs::write(folder.path().join("a.log.kept"), LOG).unwrap();
        assert_eq!(find_generation(&lost).unwrap().unwrap().path, folder.path().join("a.log.kept"));
        std::fs::write(folder.path().join("a.log.1"), [LOG, b"four\n"].concat()).unwrap();
        assert_eq!(find_generation(&lost).unwrap().unwrap().path, folder.path().join("a.log.1"));
        let candidates = list_candidates(&lost, SearchScope::ByHand, &[], &mut FolderListings::default()).files;
        let refused = folder.path().join("a.log.1");
        let found = search(&lost, &candidates, UncompressedReader::of_file, |file| file.path != refused).found.unwrap();
        assert_eq!((found.path, found.opened.reader.offset()), (folder.path().join("a.log.kept"), lost.position));
    }

    #[test]
    fn what_cannot_be_compared_is_a_hindrance_and_what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let lost = generation(folder.path().join("a.log"));
        let mut torn = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        std::io::Write::write_all(&mut torn, LOG).unwrap();
        let torn = torn.finish().unwrap();
        std::fs::write(folder.path().join("a.log.1.gz"), &torn[..torn.len() - 9]).unwrap();
        // To open a pipe would wait for a writer for ever.
        let pipe = folder.path().join("a.log.pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        let status = FileStatus::of_path(&pipe).unwrap();
        let mut candidates = list_candidates(&lost, SearchScope::ByHand, &[], &mut FolderListings::default()).files;
        candidates.push(Sibling { path: pipe, status, compressed: false });
        let SearchResult { found, hindrances } = search(&lost, &candidates, UncompressedReader::of_file, |_| true);
        assert!(found.is_none());
        assert!(
            matches!(&hindrances[..], [(path, Hindrance::Incomplete)] if path.ends_with("a.log.1.gz")),
            "{hindrances:?}"
        );
        std::fs::write(folder.path().join("a.log.1.gz"), &torn).unwrap();
        assert_eq!(find_generation(&lost).unwrap().unwrap().compression, Compression::Gzip);
    }
}
