//! What a log file *is*, apart from what it is called.
//!
//! A generation is one physical log. It is known by its device and inode while it lives, and by its content
//! (a hash of its first bytes and of the bytes just before the position reached) after a rename, a copy or a
//! compression. Offsets and hashes always concern the *uncompressed* bytes.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_64;

/// How many of a log's first bytes take part in its [`Fingerprint`], at most.
pub const HEAD_LIMIT: u64 = 4096;

/// How many bytes just before the position take part in [`Generation::tail_hash`], at most.
pub const TAIL_LIMIT: u64 = 256;

/// A generation's number in one store: given in order of discovery, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GenerationId(pub u32);

/// Which file it is on this machine, as long as it lives: what every one of its names leads to. When it is deleted, the next file
/// may get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DeviceInode {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl DeviceInode {
    /// What stands for a file on this device that is not there any more: no file has it.
    #[must_use]
    pub fn of_none(self) -> DeviceInode {
        DeviceInode { inode: 0, ..self }
    }
}

/// A hash (xxh3, 64 bit) of a log's first `length` uncompressed bytes. A growing log's fingerprint grows with it
/// up to [`HEAD_LIMIT`]; `length` 0 identifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    /// How many first bytes were hashed.
    pub length: u64,
    /// Their xxh3-64.
    pub hash: u64,
}

impl Fingerprint {
    /// The fingerprint of a log that begins with `head`, of which at most [`HEAD_LIMIT`] bytes count.
    pub fn of_head(head: &[u8]) -> Fingerprint {
        let limit = usize::try_from(HEAD_LIMIT).unwrap_or(usize::MAX);
        let head = head.get(..limit).unwrap_or(head);
        Fingerprint { length: head.len() as u64, hash: if head.is_empty() { 0 } else { xxh3_64(head) } }
    }

    /// Whether a log that begins with `head` may be this one; `None` if `head` is too short to tell.
    pub fn matches(&self, head: &[u8]) -> Option<bool> {
        let length = usize::try_from(self.length).ok()?;
        head.get(..length).map(|head| Fingerprint::of_head(head).hash == self.hash)
    }
}

/// All that is remembered of a generation: enough to find it again, and to go on reading where it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number.
    pub id: GenerationId,
    /// Index of the `[[log]]` section (by its stable key, see `log`) that it belongs to.
    pub log: String,
    /// Where it was last seen.
    pub path: PathBuf,
    /// Device and inode where it was last seen uncompressed. If that file was truncated and it is read on in a copy, they
    /// stay those of the truncated file: by them a later run knows the copy for one.
    pub device_inode: DeviceInode,
    /// The hash of its first bytes.
    pub fingerprint: Fingerprint,
    /// Everything before this uncompressed offset has been read and committed; always the start of a line.
    pub position: u64,
    /// xxh3-64 of the up to [`TAIL_LIMIT`] bytes just before `position`; 0 at position 0.
    pub tail_hash: u64,
    /// Nothing more will be read from it: it was rotated away and read to its end, or truncated.
    pub finished: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_matches_what_begins_alike_and_does_not_judge_by_less() {
        let log: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
        for length in [1, 100, 4095, 4096, 4097, 12_000] {
            let fingerprint = Fingerprint::of_head(&log[..length]);
            assert_eq!(fingerprint.length, length.min(4096) as u64);
            assert_eq!(fingerprint.matches(&log), Some(true), "{length}");
            assert_eq!(fingerprint.matches(&log[..fingerprint.length as usize - 1]), None, "{length}");
            let mut other = log.clone();
            other[fingerprint.length as usize - 1] ^= 1;
            assert_eq!(fingerprint.matches(&other), Some(false), "{length}");
        }
        assert_eq!(Fingerprint::of_head(b""), Fingerprint::default());
    }
}
