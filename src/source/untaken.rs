//! Files of logs that nobody follows, and that were not taken in, or not to their ends.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{FileStatus, open_regular, real_path};
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::homes::home_of;
use crate::source::identity::identify::{FileIdentity, identify_file};
use crate::source::identity::listing::FolderListings;
use crate::source::identity::siblings::{Sibling, base_of, is_compressed};
use crate::source::identity::tail_search::find_tail_of_last;
use crate::source::tail_hash::TailBytes;
use crate::time::Timestamp;
use crate::wildcards::{is_pattern, paths_of_pattern};

/// So much behind what was read is looked into for the end of a line.
const LOOKED_INTO: usize = 64 << 10;

/// A larger file is not searched for what was read of it before its beginning was cut off: that would take longer than an answer may.
const MOST_SEARCHED: u64 = 256 << 20;

/// A file that holds lines which were not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntakenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which file it is.
    pub device_inode: DeviceInode,
    /// The key of its log.
    pub log: String,
    /// The first bytes that were not.
    pub first: Vec<u8>,
    /// What was read of it, if not all.
    pub begun: Option<GenerationId>,
    /// Its lines are not newer.
    pub until: Timestamp,
}

/// The files of these logs, rotated ones too, that hold more than is known. `logs` are keys of logs, paths or globs; `rotated_of` gives the
/// globs of where a log's rotation moves its files to. Of what cannot be looked at nothing is told.
pub fn find_untaken<'v>(
    generations: &[Generation],
    logs: &[String],
    rotated_of: impl Fn(&str) -> &'v [String],
) -> Vec<UntakenFile> {
    let mut homes: BTreeSet<(PathBuf, &str)> = BTreeSet::new();
    for Generation { path, log, .. } in generations {
        homes.insert((home_of(path, log), log));
        homes.insert((base_of(path), log));
    }
    for log in logs {
        match is_pattern(log) {
            true => {
                let found = paths_of_pattern(log, glob::MatchOptions::new()).unwrap_or_default();
                homes.extend(found.paths.iter().map(|path| (base_of(path), log.as_str())));
            }
            false => drop(homes.insert((PathBuf::from(log), log))),
        }
    }
    let mut untaken = Vec::new();
    let mut looked_at = HashSet::new();
    let mut listings = FolderListings::default();
    for (home, log) in homes {
        for Sibling { path, status, .. } in files_of_log(&home, rotated_of(log), &mut listings) {
            if !looked_at.insert(status.device_inode) {
                continue;
            }
            let found = match look_into(&path, generations) {
                Ok(found) => found,
                // Nor can its lines be; that it was taken in wholly its inode and length tell.
                Err(_) => {
                    (!generations.iter().any(|known| is_wholly(known, &path, status))).then(|| (None, Vec::new()))
                }
            };
            if let Some((begun, first)) = found {
                let (device_inode, until) = (status.device_inode, status.written_until());
                untaken.push(UntakenFile { path, device_inode, log: log.to_owned(), first, begun, until });
            }
        }
    }
    untaken
}

/// Whether this file was read to its end, by what can be told without a look into it. Its inode alone may have been another's.
fn is_wholly(known: &Generation, path: &Path, status: FileStatus) -> bool {
    let is_it = known.device_inode == status.device_inode && known.path == path;
    is_it && (known.position == status.size || (known.finished && is_compressed(path)))
}

/// The files of a log, oldest first.
fn files_of_log(home: &Path, elsewhere: &[String], listings: &mut FolderListings) -> Vec<Sibling> {
    let mut files = listings.all_siblings(home, elsewhere).unwrap_or_default();
    if let Ok(status) = FileStatus::of_path(home) {
        files.push(Sibling { path: home.to_owned(), status, compressed: is_compressed(home) });
    }
    files.retain(|file| file.status.regular && file.status.size > 0);
    files
}

/// What was read of a file and the first bytes that were not; nothing if all of it is known.
fn look_into(path: &Path, generations: &[Generation]) -> io::Result<Option<(Option<GenerationId>, Vec<u8>)>> {
    let head = UncompressedReader::open(path)?.read_head()?;
    if head.is_empty() {
        // That it cannot be decoded shows here.
        UncompressedReader::open(path)?.read(&mut Vec::new(), 1)?;
        return Ok(None);
    }
    // Whether a packed file is wholly the log that it begins as would take decoding all of it.
    let is_read = |known: &Generation| known.finished && known.fingerprint.matches(&head) == Some(true);
    if is_compressed(path) && generations.iter().any(is_read) {
        return Ok(None);
    }
    Ok(match identify_file(path, &head, generations)? {
        FileIdentity::New if is_compressed(path) => Some((None, head)),
        FileIdentity::New => match read_before(path, generations)? {
            Some((id, mut reader)) => lines_behind(&mut reader)?.map(|behind| (Some(id), behind)),
            None => Some((None, head)),
        },
        FileIdentity::Known(at, mut opened) => {
            let id = generations.get(at).map(|known| known.id);
            lines_behind(&mut opened.reader)?.map(|behind| (id, behind))
        }
        FileIdentity::Beginning(_) | FileIdentity::Doubtful(..) => None,
    })
}

/// What was read of a file before its beginning was cut off or changed, and the file behind that.
fn read_before(path: &Path, generations: &[Generation]) -> io::Result<Option<(GenerationId, UncompressedReader)>> {
    let file = open_regular(path)?;
    let status = FileStatus::of_file(&file)?;
    if status.size > MOST_SEARCHED {
        return Ok(None);
    }
    let Some((id, place)) = find_tail_of_last(&file, &real_path(path), status, generations)? else { return Ok(None) };
    let mut reader = UncompressedReader::of_file(file)?;
    reader.skip_to(place.end, &mut TailBytes::default())?;
    Ok(Some((id, reader)))
}

/// What comes next, if there is a whole line of it.
fn lines_behind(reader: &mut UncompressedReader) -> io::Result<Option<Vec<u8>>> {
    let mut behind = Vec::new();
    while behind.len() < LOOKED_INTO && reader.read(&mut behind, LOOKED_INTO)? > 0 {}
    let is_line = memchr::memchr(b'\n', &behind).is_some() || behind.len() >= LOOKED_INTO;
    Ok(is_line.then_some(behind))
}
