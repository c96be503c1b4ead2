//! Lines of a log from its head, its body and its end: enough to judge it by, without reading all of a large one.

use std::borrow::Cow;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::grammar::{WrappedRecords, Wrapper, wrapper_of};
use crate::pipeline::Lines;
use crate::source::{Compression, Input, LogPiece};

/// A plain file up to this size is read whole.
const WHOLE: u64 = 8 << 20;

/// Bytes of a larger one that are read at its head, and at its end.
const EDGE: u64 = 1 << 20;

/// Places between the two that are looked at, and bytes at each.
const PLACES: u64 = 48;
const PLACE: u64 = 96 << 10;

/// Of a log that is read from its beginning at least this many blocks are kept, evenly spread, and at most twice as
/// many.
const BLOCKS: usize = 8;

/// A compressed log or a stream is decoded up to here.
const DECODED: u64 = 1 << 30;

/// A part of a log: whole lines.
pub(super) struct Block {
    /// The (uncompressed) offset of the first byte.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

impl Block {
    /// Lets go what may be the rest of a record that began before.
    fn begin_with_a_record(&mut self, wrapper: Wrapper) {
        let mut start = 0;
        for line in self.bytes.split_inclusive(|&byte| byte == b'\n') {
            start += line.len();
            if wrapper.ends_record(line.strip_suffix(b"\n").unwrap_or(line)) {
                break;
            }
        }
        self.bytes.drain(..start);
        self.offset += start as u64;
    }
}

/// Parts of a log, in order.
pub(super) struct LogSample {
    pub(super) blocks: Vec<Block>,
    /// Lines over the limit: offset and length.
    pub(super) too_long: Vec<(u64, u64)>,
    /// What of the log this is, if it is not all.
    pub(super) part: Option<String>,
    /// The log's (uncompressed) size, as far as it is known.
    pub(super) size: u64,
    /// Whether offsets are offsets in the file, so that any place of it can be looked at.
    pub(super) plain: bool,
    /// Where reading failed; what came before is there.
    pub(super) fault: Option<Error>,
}

impl LogSample {
    /// Of the file at `path`, or stdin if it is `-`.
    ///
    /// # Errors
    /// It cannot be opened, or fails at its first byte.
    pub(super) fn read(path: &Path, max_line: usize) -> Result<LogSample> {
        let input = Input::open(path)?.max_line(max_line);
        match input.size_hint() {
            Some(size) if input.compression() == Compression::Plain && size > WHOLE => read_spread(path, size),
            _ => read_forward(input),
        }
    }

    /// All lines, with their offsets.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.blocks.iter().flat_map(|block| Lines::new(&block.bytes).map(|(at, line)| (block.offset + at as u64, line)))
    }

    /// All records, with their offsets: from the first to the last line of each, in a wrapped log
    /// ([`LogSample::keep_together`]).
    pub(super) fn records(&self, wrapper: Option<Wrapper>) -> Vec<(u64, &[u8])> {
        let Some(wrapper) = wrapper else { return self.lines().collect() };
        let mut records = Vec::new();
        let mut buffer = Vec::new();
        for block in &self.blocks {
            let mut all = WrappedRecords::new(wrapper, &block.bytes);
            while let Some(record) = all.next(&mut buffer) {
                let raw = block.bytes.get(record.start..record.end).unwrap_or_default();
                records.push((block.offset + record.start as u64, raw));
            }
        }
        records
    }

    /// What the lines stand in, by those of the log's head.
    pub(super) fn wrapper(&self, head: usize) -> Option<Wrapper> {
        wrapper_of(self.head(), head)
    }

    /// The beginning of the log, as far as it is at hand.
    pub(super) fn head(&self) -> &[u8] {
        match self.blocks.first() {
            Some(block) => &block.bytes,
            None => &[],
        }
    }

    /// What nginx wrote in up to `head` records of the beginning, and as many again evenly from the rest.
    pub(super) fn texts(&self, wrapper: Option<Wrapper>, head: usize) -> Vec<Cow<'_, [u8]>> {
        let all = self.records(wrapper);
        let stride = (all.len().saturating_sub(head) / head.max(1)).max(1);
        let mut texts = Vec::new();
        for (at, (_, record)) in all.into_iter().enumerate() {
            let is_picked = at < head || (at - head).is_multiple_of(stride);
            if is_picked && !record.is_empty() {
                texts.extend(text_of(wrapper, record));
            }
        }
        texts
    }

    /// Moves what of a record is not finished in its block to the next one, and lets go what lacks its other part,
    /// since the sample leaves that out. To be called once it is known what the lines stand in.
    pub(super) fn keep_together(&mut self, wrapper: Wrapper) {
        let mut held: Option<Block> = None;
        let (mut end, last) = (0, self.blocks.len().saturating_sub(1));
        for (number, block) in self.blocks.iter_mut().enumerate() {
            let follows = number == 0 && block.offset == 0 || number > 0 && block.offset == end;
            end = block.offset + block.bytes.len() as u64;
            match held.take() {
                Some(mut before) if follows => {
                    before.bytes.append(&mut block.bytes);
                    *block = before;
                }
                _ if !follows => block.begin_with_a_record(wrapper),
                _ => {}
            }
            if number < last || end < self.size {
                let whole = wrapper.whole_records(&block.bytes);
                held = Some(Block { offset: block.offset + whole as u64, bytes: block.bytes.split_off(whole) });
            }
        }
        self.blocks.retain(|block| !block.bytes.is_empty());
    }

    /// Whether the log has not one line.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.too_long.is_empty()
    }
}

/// What nginx wrote in a record; nothing if a part of it is not there.
fn text_of(wrapper: Option<Wrapper>, record: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(wrapper) = wrapper else { return Some(Cow::Borrowed(record)) };
    let mut buffer = Vec::new();
    let text = WrappedRecords::new(wrapper, record).next(&mut buffer)?.text.ok()?.to_vec();
    Some(Cow::Owned(text))
}

/// A plain file: its head, its end, and places in between.
fn read_spread(path: &Path, size: u64) -> Result<LogSample> {
    let fail = |error: std::io::Error| Error::io("read it", path, &error);
    let file = File::open(path).map_err(fail)?;
    let mut blocks = Vec::new();
    let step = (size - 2 * EDGE) / PLACES;
    let mut parts = vec![(0, EDGE)];
    for place in 0..PLACES {
        parts.push((EDGE + place * step + (step.saturating_sub(PLACE)) / 2, PLACE.min(step)));
    }
    parts.push((size - EDGE, EDGE));
    for (from, length) in parts {
        blocks.extend(whole_lines(&file, from, length).map_err(fail)?);
    }
    let part = Some(format!("its head, {PLACES} places in its body and its end"));
    Ok(LogSample { blocks, too_long: Vec::new(), part, size, plain: true, fault: None })
}

/// The lines that lie wholly in the `length` bytes from `from`; none if there is no line's end in them.
pub(super) fn whole_lines(file: &File, from: u64, length: u64) -> std::io::Result<Option<Block>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read_at(room, from + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    let Some(last) = memchr::memrchr(b'\n', &bytes) else { return Ok(None) };
    bytes.truncate(last + 1);
    // What stands before the first newline began before `from`.
    let first = match memchr::memchr(b'\n', &bytes) {
        Some(newline) if from > 0 => newline + 1,
        _ => 0,
    };
    bytes.drain(..first);
    Ok((!bytes.is_empty()).then_some(Block { offset: from + first as u64, bytes }))
}

/// A small file, a compressed one or a stream: read from its beginning, with blocks let go as they become too many.
fn read_forward(mut input: Input) -> Result<LogSample> {
    let plain = input.compression() == Compression::Plain && input.size_hint().is_some();
    let mut sample = LogSample { blocks: Vec::new(), too_long: Vec::new(), part: None, size: 0, plain, fault: None };
    // The index among all blocks of each that is kept; every `stride`-th is.
    let (mut read, mut stride, mut last) = (0_usize, 1, None);
    let mut bytes = Vec::new();
    loop {
        match input.next_block(&mut bytes) {
            Ok(None) => break,
            Ok(Some(LogPiece::TooLong { offset, length })) => {
                sample.size = offset + length;
                sample.too_long.push((offset, length));
            }
            Ok(Some(LogPiece::Lines { offset })) => {
                sample.size = offset + bytes.len() as u64;
                let block = Block { offset, bytes: std::mem::take(&mut bytes) };
                if read.is_multiple_of(stride) {
                    sample.blocks.push(block);
                    last = None;
                } else {
                    last = Some(block);
                }
                read += 1;
            }
            Err(error) if sample.is_empty() => return Err(error),
            Err(error) => {
                sample.fault = Some(error);
                break;
            }
        }
        if sample.blocks.len() > 2 * BLOCKS {
            stride *= 2;
            let mut at = 0;
            sample.blocks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
        if sample.size >= DECODED {
            sample.part = Some("spread over its first GiB".to_owned());
            break;
        }
    }
    sample.blocks.extend(last);
    if stride > 1 && sample.part.is_none() {
        sample.part = Some("spread from its head to its end".to_owned());
    }
    Ok(sample)
}
