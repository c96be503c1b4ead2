//! The seam between the store and the disk: every file operation passes here, so that tests can let it fail.
//!
//! Names are relative to the store's folder: `manifest`, `journal-3`, `segments/2.seg`.
//!
//! What is durable: the bytes of a file after its `sync`, its name after `sync_folder` of the folder that has it.
//! Until then a crash may leave any part of either, in any order; the tests' medium does so.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A folder of files, as the store needs it.
pub trait Medium: Send + Sync {
    /// The store's folder, for messages.
    fn root(&self) -> &Path;
    /// Make `folder` and those above it, if missing.
    fn make_folder(&self, folder: &str) -> io::Result<()>;
    /// The names of the files in `folder` (without the folder's own).
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// How many bytes a file has.
    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.read(name)?.len() as u64)
    }
    /// A file to read from at any place, for as long as the result lives, even if it is removed.
    fn open(&self, name: &str) -> io::Result<Box<dyn RandomAccessFile>>;
    /// A new, empty file; one of that name is replaced.
    fn create(&self, name: &str) -> io::Result<Box<dyn WritableFile>>;
    /// An existing file cut to `length`, to go on behind it.
    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WritableFile>>;
    /// Give a file another name in the same folder, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Remove a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Make the folder's names durable.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
}

/// An open file.
pub trait RandomAccessFile: Send + Sync {
    /// Fill `into` from `offset`.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file that is written front to back.
pub trait WritableFile: Send {
    /// Write some of `bytes` at the end; how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Make the content and length durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cut the file; what follows is written there.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// Write all of `bytes`, however short the single writes are.
pub(crate) fn write_all(sink: &mut dyn WritableFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A new durable file of the given content; its folder is not yet synced.
pub(crate) fn write_file(medium: &dyn Medium, name: &str, bytes: &[u8]) -> io::Result<Box<dyn WritableFile>> {
    let mut sink = medium.create(name)?;
    write_all(sink.as_mut(), bytes)?;
    sink.sync()?;
    Ok(sink)
}

impl RandomAccessFile for File {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, offset)
    }
}

impl WritableFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        io::Seek::seek(self, io::SeekFrom::Start(length)).map(|_| ())
    }
}
