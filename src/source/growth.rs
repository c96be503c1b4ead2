//! Whether logs that nobody follows were written on since they were taken in.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::FileStatus;
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::find::{SearchScope, list_candidates, search};
use crate::source::identity::identify::{FileIdentity, identify_file};
use crate::source::identity::listing::FolderListings;
use crate::source::identity::siblings::{base_of, is_compressed};
use crate::wildcards::is_pattern;

/// So much behind what was read is looked into for the end of a line.
const LOOKED_INTO: usize = 64 << 10;

/// A log of which there is more than was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrownLog {
    /// The generation has more lines, whatever its file is called by now.
    Longer {
        /// Which one.
        id: GenerationId,
        /// Where it was read.
        path: PathBuf,
    },
    /// Where the log is written there is another generation.
    Next {
        /// The key of the log.
        log: String,
        /// Where it is written.
        path: PathBuf,
    },
}

/// The logs among those that were read which have more lines by now. Of what cannot be looked at nothing is known.
pub fn grown_logs(generations: &[Generation]) -> Vec<GrownLog> {
    let mut grown = Vec::new();
    let mut places = HashSet::new();
    for generation in generations {
        // What is packed is not written on.
        let is_open = !generation.finished && !is_compressed(&generation.path);
        if is_open && is_longer(generation).unwrap_or(false) {
            grown.push(GrownLog::Longer { id: generation.id, path: generation.path.clone() });
        }
        if let Some(path) = writing_place(generation)
            && places.insert(path.clone())
            && is_unknown(&path, generations).unwrap_or(false)
        {
            grown.push(GrownLog::Next { log: generation.log.clone(), path });
        }
    }
    grown
}

/// Where the log of a generation may be written now: a log's key is its path, or a glob that names it.
fn writing_place(generation: &Generation) -> Option<PathBuf> {
    let Generation { path, log, .. } = generation;
    let base = base_of(path);
    match is_pattern(log) {
        true => Some(base),
        false => (base.file_name() == Path::new(log).file_name()).then(|| PathBuf::from(log)),
    }
}

fn is_longer(generation: &Generation) -> io::Result<bool> {
    let mut files = list_candidates(generation, SearchScope::ByHand, &[], &mut FolderListings::default()).files;
    // To tell that a packed file is the same log would take all of it.
    files.retain(|file| !is_compressed(&file.path));
    let Some(mut found) = search(generation, &files, UncompressedReader::of_file, |_| true).found else {
        return Ok(false);
    };
    let mut behind = Vec::new();
    while behind.len() < LOOKED_INTO && found.opened.reader.read(&mut behind, LOOKED_INTO)? > 0 {}
    Ok(behind.len() >= LOOKED_INTO || memchr::memchr(b'\n', &behind).is_some())
}

/// Whether a file holds none of the generations.
fn is_unknown(path: &Path, generations: &[Generation]) -> io::Result<bool> {
    let status = FileStatus::of_path(path)?;
    if !status.regular || status.size == 0 {
        return Ok(false);
    }
    let head = UncompressedReader::open(path)?.read_head()?;
    Ok(!head.is_empty() && matches!(identify_file(path, &head, generations)?, FileIdentity::New))
}
