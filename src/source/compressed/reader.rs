//! A log's uncompressed bytes in order, whether it is plain or compressed, a file or a stream.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use liblzma::bufread::XzDecoder;

use super::compressed_input::CompressedInput;
use super::compression::{Compression, MAGIC_LENGTH};
use super::gzip::GzipDecoder;
use super::restart_points::{PointGatherer, RestartState};
use super::xz::xz_decoder;
use super::zstd::ZstdDecoder;
use crate::source::BLOCK_LIMIT;
use crate::source::file;
use crate::source::generation::{HEAD_LIMIT, TAIL_LIMIT};
use crate::source::tail_hash::TailBytes;

enum ByteSource {
    File(File),
    /// A plain file whose descriptor was given back; it is to be opened again.
    Closed,
    Stream(CompressedInput),
    Gzip(Box<GzipDecoder>),
    Zstd(ZstdDecoder),
    Xz(Box<XzDecoder<CompressedInput>>),
    Bzip2(Box<MultiBzDecoder<CompressedInput>>),
}

/// Reads a log's uncompressed bytes forward.
pub(crate) struct UncompressedReader {
    bytes: ByteSource,
    compression: Compression,
    offset: u64,
    fault: Option<(io::ErrorKind, String)>,
}

impl fmt::Debug for UncompressedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UncompressedReader")
            .field("compression", &self.compression)
            .field("offset", &self.offset)
            .finish()
    }
}

impl UncompressedReader {
    /// Of the file at `path`, which must be one.
    pub(crate) fn open(path: &Path) -> io::Result<UncompressedReader> {
        UncompressedReader::of_file(file::open_regular(path)?)
    }

    /// Of a regular file, from its beginning.
    pub(crate) fn of_file(file: File) -> io::Result<UncompressedReader> {
        let compression = Compression::of_magic(&file::read_at(&file, 0, MAGIC_LENGTH)?);
        if compression == Compression::Plain {
            return Ok(UncompressedReader { bytes: ByteSource::File(file), compression, offset: 0, fault: None });
        }
        UncompressedReader::decode_stream(compression, CompressedInput::new(Box::new(file), 0), false)
    }

    /// Of a regular file, from its beginning; if it is compressed, restart points are gathered on the way.
    pub(crate) fn open_gathering(file: File) -> io::Result<UncompressedReader> {
        let compression = Compression::of_magic(&file::read_at(&file, 0, MAGIC_LENGTH)?);
        if compression == Compression::Plain {
            return UncompressedReader::of_file(file);
        }
        UncompressedReader::decode_stream(compression, CompressedInput::new(Box::new(file), 0), true)
    }

    /// Of a compressed file, from a restart point.
    pub(crate) fn open_at(
        mut file: File,
        compression: Compression,
        at: RestartState,
    ) -> io::Result<UncompressedReader> {
        file.seek(SeekFrom::Start(at.packed))?;
        let (offset, input) = (at.offset, CompressedInput::new(Box::new(file), at.packed));
        let bytes = match compression {
            Compression::Plain => ByteSource::Stream(input),
            Compression::Gzip => ByteSource::Gzip(Box::new(GzipDecoder::open_at(input, at))),
            Compression::Zstd => ByteSource::Zstd(ZstdDecoder::open_at(input, &at)?),
            // Nothing is gathered of these, so nothing is known to begin at.
            Compression::Xz | Compression::Bzip2 => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(UncompressedReader { bytes, compression, offset, fault: None })
    }

    /// The restart points that were gathered.
    pub(crate) fn into_gatherer(self) -> Option<PointGatherer> {
        match self.bytes {
            ByteSource::Gzip(gzip) => gzip.into_gatherer(),
            ByteSource::Zstd(zstd) => zstd.into_gatherer(),
            _ => None,
        }
    }

    /// Of a stream that cannot go back.
    pub(crate) fn of_stream(mut stream: Box<dyn Read + Send>) -> io::Result<UncompressedReader> {
        let mut magic = Vec::with_capacity(MAGIC_LENGTH);
        stream.by_ref().take(MAGIC_LENGTH as u64).read_to_end(&mut magic)?;
        let compression = Compression::of_magic(&magic);
        UncompressedReader::decode_stream(
            compression,
            CompressedInput::new(Box::new(Cursor::new(magic).chain(stream)), 0),
            false,
        )
    }

    fn decode_stream(
        compression: Compression,
        input: CompressedInput,
        gathering: bool,
    ) -> io::Result<UncompressedReader> {
        let bytes = match compression {
            Compression::Plain => ByteSource::Stream(input),
            Compression::Gzip if gathering => ByteSource::Gzip(Box::new(GzipDecoder::gathering(input))),
            Compression::Gzip => ByteSource::Gzip(Box::new(GzipDecoder::new(input))),
            Compression::Zstd => ByteSource::Zstd(ZstdDecoder::new(input, gathering)?),
            Compression::Xz => ByteSource::Xz(Box::new(xz_decoder(input)?)),
            Compression::Bzip2 => ByteSource::Bzip2(Box::new(MultiBzDecoder::new(input))),
        };
        Ok(UncompressedReader { bytes, compression, offset: 0, fault: None })
    }

    /// How the bytes are packed.
    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    /// The file, where offsets in it are offsets in the log.
    pub(crate) fn plain_file(&self) -> Option<&File> {
        match &self.bytes {
            ByteSource::File(file) => Some(file),
            _ => None,
        }
    }

    /// Gives a plain file's descriptor back, until [`UncompressedReader::open_again`].
    pub(crate) fn close(&mut self) {
        if matches!(self.bytes, ByteSource::File(_)) {
            self.bytes = ByteSource::Closed;
        }
    }

    /// Whether its descriptor was given back.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.bytes, ByteSource::Closed)
    }

    /// Goes on in the same file, whose descriptor had been given back.
    pub(crate) fn open_again(&mut self, file: File) {
        if self.is_closed() {
            self.bytes = ByteSource::File(file);
        }
    }

    /// The uncompressed offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes of the file on disk were consumed.
    pub(crate) fn consumed(&self) -> u64 {
        match &self.bytes {
            ByteSource::File(_) | ByteSource::Closed => self.offset,
            ByteSource::Stream(input) => input.position(),
            ByteSource::Gzip(gzip) => gzip.input().position(),
            ByteSource::Zstd(zstd) => zstd.input().position(),
            ByteSource::Xz(xz) => xz.get_ref().position(),
            ByteSource::Bzip2(bzip2) => bzip2.get_ref().position(),
        }
    }

    /// Appends about `limit` bytes to `into` (a plain file fills the spare capacity, so that nothing is zeroed
    /// first) and says how many; 0 at the end, for now. What was decoded before a fault is given first, the
    /// fault by the next call and every later one.
    pub(crate) fn read(&mut self, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        if let Some((kind, what)) = &self.fault {
            return Err(io::Error::new(*kind, what.clone()));
        }
        let read = match &mut self.bytes {
            ByteSource::File(file) => read_plain(file, self.offset, into, limit)?,
            ByteSource::Closed => return Err(io::Error::other("its file is not open")),
            ByteSource::Stream(stream) => read_full(stream, into, limit, &mut self.fault),
            ByteSource::Gzip(gzip) => read_full(gzip.as_mut(), into, limit, &mut self.fault),
            ByteSource::Zstd(zstd) => read_full(zstd, into, limit, &mut self.fault),
            ByteSource::Xz(xz) => read_full(xz.as_mut(), into, limit, &mut self.fault),
            ByteSource::Bzip2(bzip2) => read_full(bzip2.as_mut(), into, limit, &mut self.fault),
        };
        self.offset += read as u64;
        if read == 0 && self.fault.is_some() {
            return self.read(into, limit);
        }
        Ok(read)
    }

    /// The first up to [`HEAD_LIMIT`] bytes, of a reader that was not read from. What comes
    /// before a fault is enough, unless that is nothing.
    pub(crate) fn read_head(mut self) -> io::Result<Vec<u8>> {
        let limit = usize::try_from(HEAD_LIMIT).unwrap_or(usize::MAX);
        let mut head = Vec::with_capacity(limit);
        while head.len() < limit {
            let wanted = limit - head.len();
            match self.read(&mut head, wanted) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) if !head.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        head.truncate(limit);
        Ok(head)
    }

    /// Takes back what the last read gave of a plain file.
    pub(crate) fn back_to(&mut self, offset: u64) {
        if self.plain_file().is_some() {
            self.offset = offset;
        }
    }

    /// Goes forward to `offset`, by decoding where it must; `Ok(false)` if the log ends before it. With the
    /// bytes just before it, unless the file is plain.
    pub(crate) fn skip_to(&mut self, offset: u64, tail: &mut TailBytes) -> io::Result<bool> {
        if let ByteSource::File(file) = &self.bytes {
            let from = offset.saturating_sub(TAIL_LIMIT);
            let length = usize::try_from(offset - from).unwrap_or(0);
            let before = file::read_at(file, from, length)?;
            tail.push(&before);
            self.offset = offset;
            return Ok(before.len() == length);
        }
        let mut passed = Vec::new();
        while self.offset < offset {
            let limit = usize::try_from(offset - self.offset).unwrap_or(usize::MAX).min(BLOCK_LIMIT);
            if self.read(&mut passed, limit)? == 0 {
                return Ok(false);
            }
            tail.push(&passed);
            passed.clear();
        }
        Ok(true)
    }
}

fn read_plain(file: &File, offset: u64, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    into.reserve_exact(limit.max(1));
    loop {
        match rustix::io::pread(file, rustix::buffer::spare_capacity(into), offset) {
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

fn read_full(
    from: &mut impl Read,
    into: &mut Vec<u8>,
    limit: usize,
    fault: &mut Option<(io::ErrorKind, String)>,
) -> usize {
    let start = into.len();
    into.resize(start + limit, 0);
    let mut filled = start;
    while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                *fault = Some((error.kind(), error.to_string()));
                break;
            }
        }
    }
    into.truncate(filled);
    filled - start
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compress(parts: &[Vec<u8>], kind: Compression) -> Vec<u8> {
        let mut all = Vec::new();
        for part in parts {
            match kind {
                Compression::Plain => all.extend_from_slice(part),
                Compression::Gzip => {
                    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(4));
                    encoder.write_all(part).unwrap();
                    all.extend(encoder.finish().unwrap());
                }
                Compression::Zstd => all.extend(zstd::encode_all(&part[..], 1).unwrap()),
                Compression::Xz | Compression::Bzip2 => unreachable!("tests/source/input.rs tears these"),
            }
        }
        all
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        /// Wherever a compressed log is torn, what comes before is given, then the fault, and that for ever.
        #[test]
        fn a_torn_log_gives_its_beginning_and_then_the_fault(
            parts in proptest::collection::vec(proptest::collection::vec(b'a'..=b'e', 0..5000), 1..4),
            gzip in proptest::prelude::any::<bool>(), torn in 0.0..1.0_f64, limit in 1_usize..9000,
        ) {
            let kind = if gzip { Compression::Gzip } else { Compression::Zstd };
            let packed = compress(&parts, kind);
            let torn = (packed.len() as f64 * torn) as usize;
            let whole: Vec<usize> = (0..=parts.len()).map(|count| compress(&parts[..count], kind).len()).collect();
            let log = parts.concat();
            let mut reader = UncompressedReader::of_stream(Box::new(Cursor::new(packed[..torn].to_vec()))).unwrap();
            let (mut read, mut fault) = (Vec::new(), None);
            while fault.is_none() {
                match reader.read(&mut read, limit) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => fault = Some(error.to_string()),
                }
            }
            // So few bytes that they are not known to be compressed come as they are.
            if reader.compression() == Compression::Plain {
                proptest::prop_assert!(torn < MAGIC_LENGTH && read == packed[..torn]);
            } else {
                proptest::prop_assert!(log.starts_with(&read));
                proptest::prop_assert_eq!(fault.is_none(), whole.contains(&torn), "torn at {} of {:?}", torn, whole);
                proptest::prop_assert_eq!(reader.read(&mut read, limit).map_err(|error| error.to_string()).err(), fault);
                proptest::prop_assert_eq!(reader.offset(), read.len() as u64);
            }
        }
    }
}
