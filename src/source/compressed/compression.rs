//! How a file is compressed, told by its first bytes.

/// How a file's bytes are compressed, told by its first bytes and never by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    Plain,
    /// gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
}

/// How many first bytes tell it.
pub(crate) const MAGIC_LENGTH: usize = 4;

impl Compression {
    /// What a file that begins with `magic` is; [`MAGIC_LENGTH`] bytes are enough.
    pub fn of_magic(magic: &[u8]) -> Compression {
        match magic {
            [0x1f, 0x8b, 8, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            _ => Compression::Plain,
        }
    }
}
