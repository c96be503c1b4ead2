//! Lines of a generation that was found again, by their uncompressed offsets.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::source::compressed::reader::UncompressedReader;
use crate::source::compressed::restart_points::RestartPoints;
use crate::source::file;
use crate::source::identity::find::LocatedGeneration;

/// So many bytes are decoded at a time: a line costs little more than the way to it.
const APPROACH: usize = 64 * 1024;

/// Reads parts of a located generation by their uncompressed offsets. In a compressed file it goes forward from where
/// it is, or from the restart point before the offset, whichever is nearer; without points, a lower offset begins again
/// at the start.
#[derive(Debug)]
pub struct LineReader {
    path: PathBuf,
    reader: UncompressedReader,
    points: Option<Arc<RestartPoints>>,
    /// Decoded bytes that end at the reader's offset.
    ahead: Vec<u8>,
    decoded: u64,
}

impl LineReader {
    /// Opens the file.
    ///
    /// # Errors
    /// [`ErrorClass::Io`](crate::error::ErrorClass::Io) naming the path.
    pub fn open(located: &LocatedGeneration) -> Result<LineReader> {
        let LocatedGeneration { path, points, .. } = located;
        let reader = UncompressedReader::open(path).map_err(|error| Error::io("open it", path, &error))?;
        Ok(LineReader { path: path.clone(), reader, points: points.clone(), ahead: Vec::new(), decoded: 0 })
    }

    /// How many bytes had to be decoded so far; 0 in a plain file.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces `into` by the `length` bytes at `offset`; `Ok(false)`, and `into` empty, if the log ends before.
    ///
    /// # Errors
    /// [`ErrorClass::Io`](crate::error::ErrorClass::Io) naming path and offset when reading or decoding fails.
    pub fn read(&mut self, offset: u64, length: u32, into: &mut Vec<u8>) -> Result<bool> {
        into.clear();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let done = match self.reader.plain_file() {
            Some(file) => file::read_at(file, offset, length).map(|bytes| into.extend_from_slice(&bytes)),
            None => self.read_stream(offset, length, into),
        };
        done.map_err(|error| {
            Error::failed(format!("cannot read {length} bytes at uncompressed offset {offset}: {error}")).at(&self.path)
        })?;
        if into.len() < length {
            into.clear();
        }
        Ok(into.len() == length)
    }

    fn read_stream(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.approach_offset(offset)?;
        while into.len() < length {
            let wanted = offset + into.len() as u64;
            let skip = usize::try_from(wanted - self.ahead_from()).unwrap_or(usize::MAX);
            if let Some(found) = self.ahead.get(skip..).filter(|found| !found.is_empty()) {
                into.extend_from_slice(found.get(..length - into.len()).unwrap_or(found));
                continue;
            }
            self.ahead.clear();
            match self.reader.read(&mut self.ahead, APPROACH)? {
                0 => return Ok(()),
                read => self.decoded += read as u64,
            }
        }
        Ok(())
    }

    /// Begins again at the best place before `offset`, if what was decoded does not lead there sooner.
    fn approach_offset(&mut self, offset: u64) -> io::Result<()> {
        let back = offset < self.ahead_from();
        let point = self.points.as_ref().and_then(|points| Some((points, points.last_before(offset)?)));
        if let Some((points, point)) = point.filter(|(_, point)| back || point.offset > self.reader.offset())
            && let Some(restart) = points.unpack(point)
        {
            self.reader = UncompressedReader::open_at(File::open(&self.path)?, points.compression, restart)?;
        } else if back {
            self.reader = UncompressedReader::open(&self.path)?;
        } else {
            return Ok(());
        }
        self.ahead.clear();
        Ok(())
    }

    fn ahead_from(&self) -> u64 {
        self.reader.offset() - self.ahead.len() as u64
    }
}
