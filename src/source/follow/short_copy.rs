//! Copies that end before what was read of their log: `copytruncate` copies first, and what is written and read before it truncates is not
//! in the copy. Only who read it can tell such a copy from a log of its own, and who comes later only by when it was made.

use std::io;
use std::path::Path;

use super::facts::LogFacts;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::generation::Generation;
use crate::source::identity::content::{holds_bytes, is_beginning_of};
use crate::source::identity::find::find_generation_with;
use crate::source::identity::siblings::Sibling;
use crate::source::tail_hash::TailBytes;

/// Whether a file that ends before the position is known, by what was read last, to be a copy of a truncated log: one that was
/// made before the last lines were written and read. `None` if too little of it is remembered to tell.
///
/// # Errors
/// When the file cannot be opened, read or decoded that far.
pub(crate) fn is_short_copy(generation: &Generation, path: &Path, facts: &LogFacts) -> io::Result<Option<bool>> {
    let Some(recent) = facts.closed.recent_bytes(generation.id) else { return Ok(None) };
    let mut reader = UncompressedReader::open(path)?;
    let length = match reader.plain_file() {
        Some(file) => file.metadata()?.len(),
        None => {
            reader.skip_to(generation.position, &mut TailBytes::default())?;
            reader.offset()
        }
    };
    let Some(known) = recent.until(length) else { return Ok(None) };
    for (from, bytes) in known {
        if !holds_bytes(path, from, bytes)? {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

/// Whether a copy that ends too early may have been made of this log when the file was written, as far as the earlier runs know: it is not
/// finished, or was cut about then. Of one that was read to its end in a file that was rotated away, nothing was copied too early.
pub(crate) fn may_have_short_copy(generation: &Generation, file: &Sibling, facts: &LogFacts) -> bool {
    !generation.finished || facts.closed.was_cut_about(generation.id, file.status.modified())
}

/// Whether a file that ends before what was read of this log may be a copy of it: one may have been made, and what is left of the log
/// does not say otherwise.
pub(crate) fn may_be_short_copy(
    generation: &Generation,
    file: &Sibling,
    facts: &LogFacts,
    elsewhere: &[String],
) -> bool {
    if !may_have_short_copy(generation, file, facts) {
        return false;
    }
    match find_generation_with(generation, elsewhere, None) {
        Ok(Some(located)) => is_beginning_of(&file.path, &located.path) != Some(false),
        Ok(None) | Err(_) => true,
    }
}
