//! The records of a block of wrapped lines: parts joined, JSON strings unescaped. In the order in which they begin.

use super::{BETWEEN, WrappedPart, Wrapper};
use crate::grammar::keyed::decode_json;
use crate::grammar::line::{Reject, RejectReason};

/// Goes through a block of lines that ends where [`Wrapper::whole`] says, or where its log does.
#[derive(Debug)]
pub(crate) struct WrappedRecords<'b> {
    wrapper: Wrapper,
    block: &'b [u8],
    at: usize,
    /// By stream: lines that begin before this belong to records that were given out.
    taken: [usize; 2],
}

/// One record: where its lines stand in the block, from the first one's start to the last one's end (without newline), and
/// what nginx wrote, as a part of the block or in the buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrappedRecord<'r> {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where in its first line the text begins.
    pub(crate) lead: usize,
    pub(crate) text: Result<&'r [u8], Reject>,
    /// It is of a container's standard error.
    pub(crate) of_errors: bool,
    /// When the wrapper of its first line says that it was written.
    pub(crate) time: &'r [u8],
}

impl<'b> WrappedRecords<'b> {
    pub(crate) fn new(wrapper: Wrapper, block: &'b [u8]) -> WrappedRecords<'b> {
        WrappedRecords { wrapper, block, at: 0, taken: [0; 2] }
    }

    /// The next record; its text may be put into `buffer`.
    pub(crate) fn next<'r>(&mut self, buffer: &'r mut Vec<u8>) -> Option<WrappedRecord<'r>>
    where
        'b: 'r,
    {
        loop {
            let start = self.at;
            let end = line_end(self.block, start)?;
            self.at = end + 1;
            let line = self.block.get(start..end).unwrap_or_default();
            let Some(part) = self.wrapper.read_part(line) else {
                let reject =
                    Reject::at(0, if line.is_empty() { RejectReason::EmptyLine } else { RejectReason::NotWrapped });
                return Some(WrappedRecord { start, end, lead: 0, text: Err(reject), of_errors: false, time: b"" });
            };
            let taken = self.taken.get_mut(part.stream)?;
            if start < *taken {
                continue;
            }
            let (lead, of_errors) = (part.text.0 as usize, part.stream == 1);
            let text = line.get(part.text.0 as usize..part.text.1 as usize).unwrap_or_default();
            let time = line.get(part.time.0 as usize..part.time.1 as usize).unwrap_or_default();
            if !part.partial && !part.escaped {
                return Some(WrappedRecord { start, end, lead, text: Ok(text), of_errors, time });
            }
            buffer.clear();
            append_text(text, part, buffer);
            let mut last = end;
            if part.partial {
                last = join_parts(self.wrapper, self.block, part.stream, end, buffer);
                *taken = last + 1;
            }
            return Some(WrappedRecord { start, end: last, lead, text: Ok(buffer), of_errors, time });
        }
    }
}

fn append_text(text: &[u8], part: WrappedPart, buffer: &mut Vec<u8>) {
    if part.escaped { decode_json(text, buffer) } else { buffer.extend_from_slice(text) }
}

/// Appends the further parts of the record whose first line ends at `end`. The end of its last line.
fn join_parts(wrapper: Wrapper, block: &[u8], stream: usize, end: usize, buffer: &mut Vec<u8>) -> usize {
    let (mut last, mut at, mut between) = (end, end + 1, 0);
    while between <= BETWEEN
        && let Some(end) = line_end(block, at)
    {
        let line = block.get(at..end).unwrap_or_default();
        match wrapper.read_part(line).filter(|part| part.stream == stream) {
            None => between += 1,
            Some(part) => {
                append_text(line.get(part.text.0 as usize..part.text.1 as usize).unwrap_or_default(), part, buffer);
                (last, between) = (end, 0);
                if !part.partial {
                    break;
                }
            }
        }
        at = end + 1;
    }
    last
}

/// The end of the line that begins at `start`, without its newline; None at the block's end.
fn line_end(block: &[u8], start: usize) -> Option<usize> {
    let rest = block.get(start..).filter(|rest| !rest.is_empty())?;
    Some(start + memchr::memchr(b'\n', rest).unwrap_or(rest.len()))
}
