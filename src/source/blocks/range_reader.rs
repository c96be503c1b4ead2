//! A part of a log read again, from one line's start to another's, cut into the same pieces as when it was read first.

use super::cutter::{BlockCutter, LogPiece};
use super::line_reader::LineReader;
use crate::error::{Error, Result};
use crate::grammar::Wrapper;
use crate::source::tail_hash::TailBytes;
use crate::source::{BLOCK_LIMIT, MAX_LINE};

/// Lines of a located generation between two uncompressed offsets.
#[derive(Debug)]
pub struct LineRangeReader<'r> {
    reader: &'r mut LineReader,
    cutter: BlockCutter,
    at: u64,
    until: u64,
    read: Vec<u8>,
}

impl<'r> LineRangeReader<'r> {
    /// The lines from `from`, where one starts, to `until`, where one ended.
    pub fn new(reader: &'r mut LineReader, from: u64, until: u64) -> LineRangeReader<'r> {
        let cutter = BlockCutter::new(from, TailBytes::default(), MAX_LINE, BLOCK_LIMIT);
        LineRangeReader { reader, cutter, at: from, until, read: Vec::new() }
    }

    /// With another limit for a line's length, in bytes without its newline. To be called before the first block.
    #[must_use]
    pub fn max_line(mut self, max_line: usize) -> LineRangeReader<'r> {
        self.cutter.limit_lines(max_line);
        self
    }

    /// Keeps the parts of a record of a wrapped log in one block. To be called before the first block.
    #[must_use]
    pub fn wrapped(mut self, wrapper: Option<Wrapper>) -> LineRangeReader<'r> {
        self.cutter.keep_together(wrapper);
        self
    }

    /// Replaces the content of `into` by the next whole lines; `None` at the end.
    ///
    /// # Errors
    /// The log cannot be read or decoded, or ends too early.
    pub fn next_block(&mut self, into: &mut Vec<u8>) -> Result<Option<LogPiece>> {
        loop {
            let left = self.until.saturating_sub(self.at);
            let wanted = u64::try_from(self.cutter.start_round(into)).unwrap_or(u64::MAX).min(left);
            if wanted > 0 {
                let length = u32::try_from(wanted).unwrap_or(u32::MAX);
                if !self.reader.read(self.at, length, &mut self.read)? {
                    let what = format!("the log ends before byte {}", self.at + u64::from(length));
                    return Err(Error::failed(what).at(self.reader.path()));
                }
                into.extend_from_slice(&self.read);
                self.at += u64::from(length);
            }
            if let Some(cut) = self.cutter.cut_piece(into) {
                return Ok(Some(cut));
            }
            if wanted == 0 {
                return Ok(self.cutter.cut_rest(into));
            }
        }
    }
}
