//! The search the other way round: which of the known generations a file holds that someone names.

use std::io;
use std::path::{Path, PathBuf};

use super::compare::{Comparison, OpenedGeneration, compare};
use super::content::is_beginning_of;
use super::find::find_generation;
use super::siblings::base_of;
use crate::source::compressed::reader::LogReader;
use crate::source::generation::{Generation, GenerationId};

/// What a file is to the generations that are known.
#[derive(Debug)]
pub(crate) enum FileIdentity {
    /// It holds none of them.
    New,
    /// It holds the one at this index, and is open at its position.
    Known(usize, Box<OpenedGeneration>),
    /// All of it stands at the beginning of one that was read further.
    Beginning(GenerationId),
    /// It may be the beginning of one that was read further; that one, last seen at this path, is gone.
    Doubtful(GenerationId, PathBuf),
}

/// Which of `known` the file at `path` holds, whose first bytes are `head`. Of several that it holds (put together, or read twice)
/// it is the one that was read furthest.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn identify_file(path: &Path, head: &[u8], known: &[Generation]) -> io::Result<FileIdentity> {
    let mut furthest: Option<(usize, u64, Box<OpenedGeneration>)> = None;
    let mut longer = Vec::new();
    for (index, generation) in known.iter().enumerate() {
        if generation.fingerprint.length == 0 {
            continue;
        }
        match generation.fingerprint.matches(head) {
            Some(true) => {}
            Some(false) => continue,
            // Shorter than what was hashed of the generation. Only of a file that is called alike it is worth a look.
            None => {
                if base_of(&generation.path).file_name() == base_of(path).file_name() && begins_with(generation, head) {
                    longer.push(generation);
                }
                continue;
            }
        }
        match compare(generation, path)? {
            Comparison::Same(opened) => {
                if furthest.as_ref().is_none_or(|(_, position, _)| *position < generation.position) {
                    furthest = Some((index, generation.position, opened));
                }
            }
            Comparison::Short | Comparison::Incomplete => longer.push(generation),
            Comparison::Different => {}
        }
    }
    if let Some((index, _, opened)) = furthest {
        return Ok(FileIdentity::Known(index, opened));
    }
    let mut doubtful = FileIdentity::New;
    for generation in longer {
        match is_beginning(path, generation) {
            Some(true) => return Ok(FileIdentity::Beginning(generation.id)),
            Some(false) => {}
            None => doubtful = FileIdentity::Doubtful(generation.id, generation.path.clone()),
        }
    }
    Ok(doubtful)
}

/// Whether a generation, where it is now, begins with `head`.
fn begins_with(generation: &Generation, head: &[u8]) -> bool {
    let Ok(Some(located)) = find_generation(generation) else { return false };
    let own = LogReader::open(&located.path).and_then(LogReader::head);
    own.is_ok_and(|own| own.starts_with(head))
}

/// Whether all of the file at `path` stands at the beginning of a generation that was read further; `None` if the
/// generation is gone.
fn is_beginning(path: &Path, generation: &Generation) -> Option<bool> {
    let located = find_generation(generation).ok().flatten()?;
    is_beginning_of(path, &located.path)
}
