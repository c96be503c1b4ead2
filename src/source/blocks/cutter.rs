//! Cuts what was read into blocks of whole lines, holds back the unfinished last one, and passes over lines
//! that are too long in bounded memory. Pure: it does no I/O.
//!
//! In a wrapped log the parts of one record stay together: a block ends before the first part of a record whose last part
//! is not there yet, so that whoever reads a block needs nothing of another, and a position is always between records.
//!
//! A round is: [`BlockCutter::start_round`] puts what is held into the buffer, the caller appends what it read, and
//! [`BlockCutter::cut_piece`] takes the next piece, or holds everything again. [`BlockCutter::hold`] undoes a start.

use memchr::{memchr, memrchr};

use crate::grammar::Wrapper;
use crate::source::tail_hash::TailBytes;

/// The next part of a log, as one round of cutting gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPiece {
    /// The buffer holds whole lines; only the very last line of the log may lack its newline.
    Lines {
        /// The uncompressed offset of the buffer's first byte.
        offset: u64,
    },
    /// A line longer than the limit was passed over.
    TooLong {
        /// The uncompressed offset of its first byte.
        offset: u64,
        /// Its length, with its newline if it has one.
        length: u64,
    },
}

/// A line that is being passed over.
#[derive(Debug, Default)]
struct SkippedLine {
    /// How many of its bytes were read so far.
    length: u64,
    /// The last of these.
    tail: TailBytes,
}

/// Where in a log the next line starts, and what of it was read already.
#[derive(Debug)]
pub(crate) struct BlockCutter {
    /// Of the first byte that was not given out.
    offset: u64,
    /// The bytes before it.
    tail: TailBytes,
    /// What was read from there on, and not given out yet; of a line that is being passed over only what is behind it.
    held: Vec<u8>,
    skip: Option<SkippedLine>,
    /// Whether there are whole lines in `held`.
    lines_held: bool,
    /// What is around the lines, if parts of one record must stay together.
    wrapper: Option<Wrapper>,
    max_line: usize,
    block_limit: usize,
}

/// Buffers of held bytes larger than this are given back to the allocator once they are empty.
const HELD_CAPACITY: usize = 16 * 1024;

impl BlockCutter {
    /// Cuts from `offset` on, before which stand the bytes `tail`.
    pub(crate) fn new(offset: u64, tail: TailBytes, max_line: usize, block_limit: usize) -> BlockCutter {
        BlockCutter {
            offset,
            tail,
            held: Vec::new(),
            skip: None,
            lines_held: false,
            wrapper: None,
            max_line: max_line.max(1),
            block_limit: block_limit.max(1),
        }
    }

    /// With another limit for a line's length, in bytes without its newline.
    pub(crate) fn limit_lines(&mut self, max_line: usize) {
        self.max_line = max_line.max(1);
    }

    /// With blocks of about so many bytes.
    pub(crate) fn limit_blocks(&mut self, block_limit: usize) {
        self.block_limit = block_limit.max(1);
    }

    /// Keeps the parts of a wrapped record together from now on.
    pub(crate) fn keep_together(&mut self, wrapper: Option<Wrapper>) {
        self.wrapper = wrapper;
    }

    /// Takes back from `lines`, the lines given out last, what belongs to a record that is not finished in them. The bytes
    /// before [`BlockCutter::position`] are not known then.
    pub(crate) fn take_back(&mut self, lines: &mut Vec<u8>) {
        let whole = self.whole_length(lines, lines.len());
        let mut held = lines.split_off(whole);
        self.offset -= held.len() as u64;
        held.append(&mut self.held);
        self.held = held;
    }

    /// How many of the first `lines` bytes, whole lines, can be given out.
    fn whole_length(&self, into: &[u8], lines: usize) -> usize {
        match self.wrapper {
            Some(wrapper) => wrapper.whole_records(into.get(..lines).unwrap_or_default()),
            None => lines,
        }
    }

    /// The offset of the next line: everything before it has been given out.
    pub(crate) fn position(&self) -> u64 {
        self.offset
    }

    /// The bytes before [`BlockCutter::position`].
    pub(crate) fn tail(&self) -> &TailBytes {
        &self.tail
    }

    /// The offset of the first byte that was not read yet.
    pub(crate) fn read_to(&self) -> u64 {
        self.offset + self.held.len() as u64 + self.skip.as_ref().map_or(0, |skip| skip.length)
    }

    /// The bytes before [`BlockCutter::read_to`].
    pub(crate) fn read_tail(&self) -> TailBytes {
        let mut tail = self.skip.as_ref().map_or_else(|| self.tail.clone(), |skip| skip.tail.clone());
        tail.push(&self.held);
        tail
    }

    /// Whether whole lines are held already, so that a round gives a piece without reading.
    pub(crate) fn lines_held(&self) -> bool {
        self.lines_held
    }

    /// Begins a round: `into` is what is held. Returns how many bytes are to be appended, about.
    pub(crate) fn start_round(&mut self, into: &mut Vec<u8>) -> usize {
        into.clear();
        into.extend_from_slice(&self.held);
        self.held.clear();
        if self.held.capacity() > HELD_CAPACITY {
            self.held = Vec::new();
        }
        match self.block_limit.checked_sub(into.len()) {
            Some(room) if room > 0 => room,
            _ => self.block_limit,
        }
    }

    /// Holds all of `into` again.
    pub(crate) fn hold(&mut self, into: &mut Vec<u8>) {
        self.held.extend_from_slice(into);
        into.clear();
    }

    /// Ends a round with the next piece; `None` if `into` (now empty) held no whole line.
    pub(crate) fn cut_piece(&mut self, into: &mut Vec<u8>) -> Option<LogPiece> {
        self.lines_held = false;
        if let Some(skip) = self.skip.as_mut() {
            let Some(newline) = memchr(b'\n', into) else {
                skip.tail.push(into);
                skip.length += into.len() as u64;
                into.clear();
                return None;
            };
            return Some(self.pass_over(into, newline + 1));
        }
        let Some(newline) = memrchr(b'\n', into) else {
            if into.len() > self.max_line {
                let mut tail = self.tail.clone();
                tail.push(into);
                self.skip = Some(SkippedLine { length: into.len() as u64, tail });
                into.clear();
            } else {
                self.hold(into);
            }
            return None;
        };
        let whole = newline + 1;
        match first_too_long(into.get(..whole).unwrap_or_default(), self.max_line) {
            Some(0) => {
                let end = memchr(b'\n', into).map_or(whole, |newline| newline + 1);
                Some(self.pass_over(into, end))
            }
            Some(start) => {
                self.lines_held = true;
                Some(self.give_out(into, start))
            }
            None => match self.whole_length(into, whole) {
                0 => {
                    self.hold(into);
                    None
                }
                whole => Some(self.give_out(into, whole)),
            },
        }
    }

    /// The end of the log: what is held, as a last line without newline.
    pub(crate) fn cut_rest(&mut self, into: &mut Vec<u8>) -> Option<LogPiece> {
        self.start_round(into);
        if self.skip.is_some() {
            let end = into.len();
            return Some(self.pass_over(into, end));
        }
        let end = into.len();
        (end > 0).then(|| self.give_out(into, end))
    }

    /// Gives out the first `end` bytes, and holds the rest.
    fn give_out(&mut self, into: &mut Vec<u8>, end: usize) -> LogPiece {
        self.held.extend_from_slice(into.get(end..).unwrap_or_default());
        into.truncate(end);
        self.tail.push(into);
        let offset = self.offset;
        self.offset += into.len() as u64;
        LogPiece::Lines { offset }
    }

    /// Passes over a line of which the first `end` bytes are the rest, and holds what comes behind.
    fn pass_over(&mut self, into: &mut Vec<u8>, end: usize) -> LogPiece {
        let SkippedLine { length, mut tail } =
            self.skip.take().unwrap_or_else(|| SkippedLine { length: 0, tail: self.tail.clone() });
        let rest = into.get(end..).unwrap_or_default();
        self.lines_held = memchr(b'\n', rest).is_some();
        self.held.extend_from_slice(rest);
        into.truncate(end);
        tail.push(into);
        let length = length + into.len() as u64;
        into.clear();
        let offset = self.offset;
        self.offset += length;
        self.tail = tail;
        LogPiece::TooLong { offset, length }
    }
}

/// Where the first line of more than `max_line` bytes (without newline) starts. `lines` ends in a newline. Hops
/// from window to window, so that it looks at a few bytes of each only.
fn first_too_long(lines: &[u8], max_line: usize) -> Option<usize> {
    let mut start = 0;
    while lines.len() - start > max_line + 1 {
        let window = lines.get(start..start + max_line + 1)?;
        match memrchr(b'\n', window) {
            Some(newline) => start += newline + 1,
            None => return Some(start),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts `log`, fed in steps of `step` bytes; gives the pieces as (offset, bytes or length).
    fn pieces(log: &[u8], step: usize, max_line: usize, block_limit: usize) -> Vec<(u64, Result<Vec<u8>, u64>)> {
        let mut cutter = BlockCutter::new(0, TailBytes::default(), max_line, block_limit);
        let mut into = Vec::new();
        let mut at = 0;
        let mut out = Vec::new();
        loop {
            let wanted = cutter.start_round(&mut into).min(step);
            let end = (at + wanted).min(log.len());
            let read = end - at;
            into.extend_from_slice(&log[at..end]);
            at = end;
            match cutter.cut_piece(&mut into) {
                Some(LogPiece::Lines { offset }) => out.push((offset, Ok(into.clone()))),
                Some(LogPiece::TooLong { offset, length }) => out.push((offset, Err(length))),
                None if read == 0 => break,
                None => {}
            }
            assert!(cutter.held.len() <= max_line.max(block_limit) + block_limit, "held memory is bounded");
            let mut tail = TailBytes::default();
            tail.push(&log[..usize::try_from(cutter.position()).unwrap()]);
            assert_eq!(cutter.tail(), &tail);
            let mut tail = TailBytes::default();
            tail.push(&log[..usize::try_from(cutter.read_to()).unwrap()]);
            assert_eq!(cutter.read_tail(), tail);
        }
        match cutter.cut_rest(&mut into) {
            Some(LogPiece::Lines { offset }) => out.push((offset, Ok(into.clone()))),
            Some(LogPiece::TooLong { offset, length }) => out.push((offset, Err(length))),
            None => {}
        }
        assert_eq!(cutter.position(), log.len() as u64);
        out
    }

    fn oracle(log: &[u8], max_line: usize) -> Vec<(u64, Result<Vec<u8>, u64>)> {
        let mut at = 0;
        log.split_inclusive(|&b| b == b'\n')
            .map(|line| {
                let offset = at;
                at += line.len() as u64;
                let bare = line.strip_suffix(b"\n").unwrap_or(line);
                (offset, if bare.len() > max_line { Err(line.len() as u64) } else { Ok(line.to_vec()) })
            })
            .collect()
    }

    fn by_line(pieces: Vec<(u64, Result<Vec<u8>, u64>)>) -> Vec<(u64, Result<Vec<u8>, u64>)> {
        let mut lines = Vec::new();
        for (offset, piece) in pieces {
            match piece {
                Ok(bytes) => {
                    let mut at = offset;
                    for line in bytes.split_inclusive(|&b| b == b'\n') {
                        lines.push((at, Ok(line.to_vec())));
                        at += line.len() as u64;
                    }
                }
                Err(length) => lines.push((offset, Err(length))),
            }
        }
        lines
    }

    proptest::proptest! {
        #[test]
        fn every_byte_is_given_out_once(
            log in proptest::collection::vec(proptest::prop_oneof![6 => proptest::prelude::Just(b'x'), 1 => proptest::prelude::Just(b'\n')], 0..400),
            step in 1_usize..50, max_line in 1_usize..40, block_limit in 1_usize..60,
        ) {
            proptest::prop_assert_eq!(by_line(pieces(&log, step, max_line, block_limit)), oracle(&log, max_line));
        }
    }

    /// The texts of the records in a block.
    fn records(wrapper: Wrapper, block: &[u8], at: u64, out: &mut Vec<(u64, Option<Vec<u8>>)>) {
        let mut buffer = Vec::new();
        let mut records = crate::grammar::WrappedRecords::new(wrapper, block);
        while let Some(record) = records.next(&mut buffer) {
            out.push((at + record.start as u64, record.text.ok().map(<[u8]>::to_vec)));
        }
    }

    proptest::proptest! {
        /// However a wrapped log is cut, its records are those of the log as a whole.
        #[test]
        fn records_are_never_cut(
            parts in proptest::collection::vec((proptest::prelude::any::<[bool; 2]>(), 0_u8..8), 0..80),
            docker in proptest::prelude::any::<bool>(), step in 1_usize..300, block_limit in 1_usize..600,
        ) {
            let mut log = Vec::new();
            for (at, ([stderr, partial], odd)) in parts.into_iter().enumerate() {
                let stream = if stderr { "stderr" } else { "stdout" };
                let line = match (odd, docker, partial) {
                    (0, ..) => "garbage\n".to_owned(),
                    (_, true, true) => format!("{{\"log\":\"l{at}\",\"stream\":\"{stream}\",\"time\":\"x\"}}\n"),
                    (_, true, false) => format!("{{\"log\":\"l\\\"{at}\\n\",\"stream\":\"{stream}\",\"time\":\"x\"}}\n"),
                    (_, false, _) => {
                        let tag = if partial { "P" } else { "F" };
                        format!("2022-01-28T16:04:05.413656027Z {stream} {tag} l{at}\n")
                    }
                };
                log.extend_from_slice(line.as_bytes());
            }
            let wrapper = if docker { Wrapper::Docker } else { Wrapper::Cri };
            let mut wanted = Vec::new();
            records(wrapper, &log, 0, &mut wanted);
            let mut cutter = BlockCutter::new(0, TailBytes::default(), 1000, block_limit);
            cutter.keep_together(Some(wrapper));
            let (mut into, mut at, mut found) = (Vec::new(), 0, Vec::new());
            loop {
                let wanted = cutter.start_round(&mut into).min(step);
                let end = (at + wanted).min(log.len());
                into.extend_from_slice(&log[at..end]);
                let read = end - at;
                at = end;
                let cut = match cutter.cut_piece(&mut into) {
                    None if read == 0 => cutter.cut_rest(&mut into),
                    cut => cut,
                };
                match cut {
                    Some(LogPiece::Lines { offset }) => records(wrapper, &into, offset, &mut found),
                    _ if read == 0 => break,
                    _ => {}
                }
            }
            proptest::prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn what_belongs_to_an_unfinished_record_is_taken_back() {
        let (one, two) = ("2022-01-28T16:04:05Z stdout F one\n", "2022-01-28T16:04:05Z stdout P two\n");
        let log = format!("{one}{two}");
        let mut cutter = BlockCutter::new(0, TailBytes::default(), 1000, 1000);
        let mut into = Vec::new();
        cutter.start_round(&mut into);
        into.extend_from_slice(log.as_bytes());
        assert_eq!(cutter.cut_piece(&mut into), Some(LogPiece::Lines { offset: 0 }));
        assert_eq!(into, log.as_bytes());
        cutter.keep_together(Some(Wrapper::Cri));
        cutter.take_back(&mut into);
        assert_eq!(into, one.as_bytes());
        assert_eq!(cutter.cut_rest(&mut into), Some(LogPiece::Lines { offset: one.len() as u64 }));
        assert_eq!(into, two.as_bytes());
    }

    #[test]
    fn a_block_ends_at_the_last_newline() {
        assert_eq!(
            pieces(b"one\ntwo\nthr", 100, 100, 100),
            [(0, Ok(b"one\ntwo\n".to_vec())), (8, Ok(b"thr".to_vec()))]
        );
    }
}
