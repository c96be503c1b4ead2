//! Compressed bytes, buffered, and how many of them were consumed.

use std::io::{self, BufRead, BufReader, Read};

const BUFFER: usize = 64 * 1024;

/// Counts what is read through it.
struct CountingReader {
    inner: Box<dyn Read + Send>,
    count: u64,
}

impl Read for CountingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count += read as u64;
        Ok(read)
    }
}

/// The bytes of a file or stream as they are packed.
pub(crate) struct CompressedInput(BufReader<CountingReader>);

impl CompressedInput {
    /// Of a stream whose next byte is the one at `offset`.
    pub(crate) fn new(inner: Box<dyn Read + Send>, offset: u64) -> CompressedInput {
        CompressedInput(BufReader::with_capacity(BUFFER, CountingReader { inner, count: offset }))
    }

    /// The offset of the next byte that is not consumed yet.
    pub(crate) fn position(&self) -> u64 {
        self.0.get_ref().count - self.0.buffer().len() as u64
    }
}

impl Read for CompressedInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl BufRead for CompressedInput {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}
