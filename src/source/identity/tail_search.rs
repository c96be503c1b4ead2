//! The last bytes that were read of a log, wherever they stand in a file: what is left when its beginning was cut off or changed.

use std::fs::File;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::source::file::{self, FileStatus};
use crate::source::generation::{Generation, GenerationId, TAIL_LIMIT};

/// How many bytes are looked at a time.
const STEP: usize = 256 * 1024;

/// Where in a file the bytes end that were read last of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TailPlace {
    /// The offset behind them; a line begins there.
    pub(crate) end: u64,
    /// They stand there only. Else this is the first place, and what follows may have been read.
    pub(crate) unique: bool,
}

/// Looks for the bytes before a generation's position in a plain file. `None` if they are nowhere, or too few to tell.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn find_tail(file: &File, generation: &Generation) -> io::Result<Option<TailPlace>> {
    let tail = usize::try_from(TAIL_LIMIT).unwrap_or(usize::MAX);
    if generation.position < TAIL_LIMIT {
        return Ok(None);
    }
    let mut found: Option<TailPlace> = None;
    let (mut from, mut bytes) = (0_u64, Vec::new());
    loop {
        let at = from + bytes.len() as u64;
        let more = file::read_at(file, at, STEP)?;
        if more.is_empty() {
            return Ok(found);
        }
        let before = bytes.len();
        bytes.extend_from_slice(&more);
        let behind = bytes.get(before..).unwrap_or_default();
        for newline in memchr::memchr_iter(b'\n', behind) {
            let end = before + newline + 1;
            let Some(last) = end.checked_sub(tail).and_then(|start| bytes.get(start..end)) else { continue };
            if xxh3_64(last) == generation.tail_hash {
                if let Some(first) = found {
                    return Ok(Some(TailPlace { unique: false, ..first }));
                }
                found = Some(TailPlace { end: from + end as u64, unique: true });
            }
        }
        let passed = bytes.len().saturating_sub(tail);
        bytes.drain(..passed);
        from += passed as u64;
    }
}

/// Where the last bytes stand that were read of this file or of the one that was at its path before, and of which generation: the file's
/// beginning was cut off or changed since (`sed -i`).
///
/// # Errors
/// As [`find_tail`].
pub(crate) fn find_tail_of_last(
    file: &File,
    path: &Path,
    status: FileStatus,
    generations: &[Generation],
) -> io::Result<Option<(GenerationId, TailPlace)>> {
    let was_here = |known: &&Generation| known.device_inode == status.device_inode || known.path == path;
    let Some(last) = generations.iter().filter(was_here).max_by_key(|known| known.id) else { return Ok(None) };
    Ok(find_tail(file, last)?.map(|place| (last.id, place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::generation::{DeviceInode, Fingerprint};
    use crate::source::tail_hash::TailBytes;

    fn read_of(log: &str) -> Generation {
        let mut tail = TailBytes::default();
        tail.push(log.as_bytes());
        Generation {
            id: GenerationId(1),
            log: "a.log".to_owned(),
            path: "a.log".into(),
            device_inode: DeviceInode::default(),
            fingerprint: Fingerprint::of_head(log.as_bytes()),
            position: log.len() as u64,
            tail_hash: tail.hash(),
            finished: false,
        }
    }

    fn found_in(content: &str, read: &str) -> Option<TailPlace> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        find_tail(file.as_file(), &read_of(read)).unwrap()
    }

    #[test]
    fn what_was_read_last_is_found_behind_any_beginning() {
        let lines: Vec<String> = (0..20_000).map(|number| format!("{number} a line of a log\n")).collect();
        let log = lines.concat();
        for (read, cut, more) in [(100, 0, 0), (100, 50, 7), (19_000, 12_345, 1000), (20_000, 1, 0)] {
            let (kept, all) = (lines[cut..read].concat(), log.get(..).unwrap());
            let content = kept.clone() + &lines[read..(read + more).min(lines.len())].concat();
            let place = found_in(&content, &lines[..read].concat());
            assert_eq!(
                place,
                Some(TailPlace { end: kept.len() as u64, unique: true }),
                "{read} {cut} of {}",
                all.len()
            );
        }
        assert_eq!(found_in(&lines[200..].concat(), &lines[..100].concat()), None);
        assert_eq!(found_in("short\n", "short\n"), None, "too little to tell");
        let same = "one and the same line\n".repeat(40);
        let first = TailPlace { end: 264, unique: false };
        assert_eq!(found_in(&same, &same), Some(first), "{first:?}");
    }
}
