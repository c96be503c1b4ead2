//! Finds a generation's bytes again, in any process: where it was last seen, else among the names that rotation
//! may have given it; and reads lines from it by their uncompressed offset.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compare::{Comparison, compare_open};
use super::siblings::{base_of, siblings};
use crate::error::{Error, Result};
use crate::source::compressed::compression::Compression;
use crate::source::compressed::reader::LogReader;
use crate::source::compressed::restart_points::RestartPoints;
use crate::source::file::FileStatus;
use crate::source::generation::Generation;

/// Where a generation's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedGeneration {
    /// The file that holds them.
    pub path: PathBuf,
    /// How they are packed there.
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
    let mut problem = None;
    let mut candidates = vec![generation.path.clone()];
    match siblings(&generation.path) {
        // The same inode first, then plain files before compressed ones, then the newest.
        Ok(mut found) => {
            found.reverse();
            found.sort_by_key(|sibling| (sibling.status.device_inode != generation.device_inode, sibling.compressed));
            candidates.extend(found.into_iter().map(|sibling| sibling.path));
            let more = renamed(generation).into_iter().filter(|path| !candidates.contains(path)).collect::<Vec<_>>();
            candidates.extend(more);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => problem = Some(Error::io("look for rotated logs beside it", &generation.path, &error)),
    }
    if let Some(points) = known
        && let Some(at) = candidates.iter().position(|path| points.tell(generation, path))
    {
        let (path, compression) = (candidates.swap_remove(at), points.compression);
        return Ok(Some(LocatedGeneration { path, compression, points: Some(Arc::new(points)), decoded: 0 }));
    }
    let mut decoded = 0;
    for path in candidates {
        match look_into(generation, &path, &mut decoded) {
            Ok(Some((compression, points))) => {
                return Ok(Some(LocatedGeneration { path, compression, points: points.map(Arc::new), decoded }));
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => problem = problem.or(Some(Error::io("look into it", &path, &error))),
        }
    }
    problem.map_or(Ok(None), Err)
}

/// How `path` is packed, and where it can be entered, if it holds `generation`.
fn look_into(
    generation: &Generation,
    path: &Path,
    decoded: &mut u64,
) -> io::Result<Option<(Compression, Option<RestartPoints>)>> {
    let file = File::open(path)?;
    let Comparison::Same(opened) = compare_open(generation, &file, LogReader::gathering)? else { return Ok(None) };
    let compression = opened.reader.compression();
    if compression == Compression::Plain {
        return Ok(Some((compression, None)));
    }
    *decoded += opened.reader.offset();
    let points = opened.reader.gathered().and_then(|gathered| gathered.points(&file, compression, generation));
    Ok(Some((compression, points)))
}

/// What a person may have made of it by hand: any file in its directory that is the same inode, or whose name begins
/// with the log's own.
fn renamed(generation: &Generation) -> Vec<PathBuf> {
    let (Some(directory), base) = (generation.path.parent(), base_of(&generation.path)) else { return Vec::new() };
    let Some(name) = base.file_name().map(OsStrExt::as_bytes) else { return Vec::new() };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(status) = FileStatus::of_path(&path) else { continue };
        let same = status.device_inode == generation.device_inode;
        if status.regular && (same || entry.file_name().as_bytes().starts_with(name)) {
            found.push((!same, path));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}
