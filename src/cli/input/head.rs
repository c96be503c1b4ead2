//! What a log begins with: enough of its lines to tell its format.

use std::path::Path;

use crate::error::Result;
use crate::source::{BLOCK_LIMIT, Input, LogPiece};

/// At most this many lines of a file's head are tried to find its format.
pub(in crate::cli) const HEAD_LINES: usize = 400;

/// Bytes that are read at a time, about, until there are as many lines as tell a format.
const HEAD_STEP: usize = 16 << 10;

/// The first lines of a log, as many as its format is told by. They are read in small steps, since every question to
/// the store that reads lines again does.
pub(in crate::cli) fn first_lines(path: &Path) -> Result<Vec<u8>> {
    let mut input = Input::open(path)?.block_limit(HEAD_STEP);
    let (mut lines, mut step, mut count) = (Vec::new(), Vec::new(), 0);
    while count < HEAD_LINES && lines.len() < BLOCK_LIMIT {
        let Some(LogPiece::Lines { .. }) = input.next_block(&mut step)? else { break };
        count += memchr::memchr_iter(b'\n', &step).count();
        lines.extend_from_slice(&step);
    }
    Ok(lines)
}

/// What a file begins with.
pub(super) struct Head {
    /// The over-long lines before the first others: offset and length.
    pub(super) too_long: Vec<(u64, u64)>,
    /// Offset of the first whole lines that are not over-long, and these; nothing if the file has none.
    pub(super) lines: Option<(u64, Vec<u8>)>,
}

/// The input's first block that has lines, and what had to be passed over before it.
pub(super) fn read_head(input: &mut Input) -> Result<Head> {
    let (mut too_long, mut lines) = (Vec::new(), Vec::new());
    loop {
        match input.next_block(&mut lines)? {
            Some(LogPiece::Lines { offset }) => return Ok(Head { too_long, lines: Some((offset, lines)) }),
            Some(LogPiece::TooLong { offset, length }) => too_long.push((offset, length)),
            None => return Ok(Head { too_long, lines: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_the_first_lines_and_no_more_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (length, least) in [(100, HEAD_LINES), (3000, BLOCK_LIMIT / 3000)] {
            let line = "x".repeat(length - 1) + "\n";
            std::fs::write(file.path(), line.repeat(100_000_000 / length / 20)).unwrap();
            let lines = first_lines(file.path()).unwrap();
            let read = lines.len() / length;
            assert!(lines.len().is_multiple_of(length), "whole lines");
            assert!((least..=least + HEAD_STEP / length + 1).contains(&read), "{read} lines of {length} bytes");
        }
        std::fs::write(file.path(), "one\ntwo").unwrap();
        assert_eq!(first_lines(file.path()).unwrap(), b"one\ntwo");
    }
}
