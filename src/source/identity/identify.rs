//! The search the other way round: which of the known generations a file holds that someone names.

use std::io;
use std::path::{Path, PathBuf};

use super::compare::{Comparison, OpenedGeneration, compare};
use super::content::is_beginning_of;
use super::find::find_generation;
use super::siblings::base_of;
use crate::source::compressed::reader::UncompressedReader;
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
    let own = UncompressedReader::open(&located.path).and_then(UncompressedReader::read_head);
    own.is_ok_and(|own| own.starts_with(head))
}

/// Whether all of the file at `path` stands at the beginning of a generation that was read further; `None` if the
/// generation is gone.
fn is_beginning(path: &Path, generation: &Generation) -> Option<bool> {
    let located = find_generation(generation).ok().flatten()?;
    is_beginning_of(path, &located.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::generation::{DeviceInode, Fingerprint};
    use crate::source::tail_hash::TailBytes;

    fn generation(id: u32, path: PathBuf, read: &[u8]) -> Generation {
        let mut tail = TailBytes::default();
        tail.push(read);
        Generation {
            id: GenerationId(id),
            log: "a.log".to_owned(),
            path,
            device_inode: DeviceInode::default(),
            fingerprint: Fingerprint::of_head(read),
            position: read.len() as u64,
            tail_hash: tail.hash(),
            finished: false,
        }
    }

    #[test]
    fn a_file_is_the_generation_that_was_read_furthest_in_it_or_a_part_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let identify = |content: &[u8], known: &[Generation]| {
            std::fs::write(at("given.log"), content).unwrap();
            identify_file(&at("given.log"), content, known).unwrap()
        };
        let known = [generation(3, at("given.log.1"), b"one\n"), generation(4, at("given.log.2"), b"one\ntwo\n")];
        assert!(
            matches!(identify(b"one\ntwo\nthree\n", &known), FileIdentity::Known(1, opened) if opened.reader.offset() == 8)
        );
        assert!(matches!(identify(b"one\nthree\n", &known), FileIdentity::Known(0, _)));
        assert!(matches!(identify(b"three\n", &known), FileIdentity::New));
        // Shorter than what is known, while that is gone, and then not.
        let longer = [generation(5, at("given.log.3"), b"first\nsecond\n")];
        assert!(matches!(identify(b"first\n", &longer), FileIdentity::New));
        std::fs::write(at("given.log.3"), b"first\nsecond\nthird\n").unwrap();
        assert!(matches!(identify(b"first\n", &longer), FileIdentity::Beginning(GenerationId(5))));
        assert!(matches!(identify(b"first\nthird\n", &longer), FileIdentity::New));
        // A head that is known whole, and a file that ends before the position.
        let read: Vec<u8> = (0..9000_u32).flat_map(u32::to_le_bytes).collect();
        let gone = [generation(6, at("given.log.4"), &read)];
        assert!(matches!(identify(&read[..9000], &gone), FileIdentity::Doubtful(GenerationId(6), _)));
    }
}
