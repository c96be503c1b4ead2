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
    /// xz, one or more streams.
    Xz,
    /// bzip2, one or more streams.
    Bzip2,
}

/// How many first bytes tell it.
pub(crate) const MAGIC_LENGTH: usize = 6;

/// What files begin with that are packed in a way that is not read.
const UNREAD: [(&[u8], &str); 4] =
    [(b"\x04\x22M\x18", "lz4"), (b"PK\x03\x04", "zip"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x9d", "compress")];

impl Compression {
    /// What a file that begins with `magic` is; [`MAGIC_LENGTH`] bytes are enough.
    pub fn of_magic(magic: &[u8]) -> Compression {
        match magic {
            [0x1f, 0x8b, 8, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Compression::Bzip2,
            _ => Compression::Plain,
        }
    }

    /// By which program a file that begins so was packed, of those whose files are not read.
    pub fn unread_packer(head: &[u8]) -> Option<&'static str> {
        UNREAD.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packer)| packer)
    }
}
