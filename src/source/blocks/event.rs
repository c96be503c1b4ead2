//! What reading logs gives, in order: blocks of lines, and what became of generations.

use std::path::PathBuf;

use super::cutter::LogPiece;
use crate::error::Error;
use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::source::unread_span::UnreadSpan;

/// Lines of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBlock {
    /// Which generation.
    pub generation: GenerationId,
    /// The uncompressed offset of the first byte.
    pub offset: u64,
    /// Whole lines, each ending in a newline, except possibly the very last line of a generation.
    pub bytes: Vec<u8>,
    /// [`Generation::tail_hash`] at the position after these lines.
    pub tail_hash: u64,
}

impl LogBlock {
    /// The position after these lines.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// Why nothing more will be read from a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// It was rotated away and read to its end.
    Rotated,
    /// It was truncated (`copytruncate`, or by hand).
    Truncated {
        /// How many bytes are known to have been in it that could be read nowhere. What was written between
        /// the last look and the truncation is in no one's knowledge, and comes on top.
        lost: u64,
    },
    /// It was read before, and no file holds it any more.
    Vanished,
}

/// What a poll found. The events of one generation come in order, [`LogEvent::Discovered`] first (in this run or in
/// an earlier one); a state that took in any prefix of all events is fit to start again from.
#[derive(Debug, Clone)]
pub enum LogEvent {
    /// A generation that was not known. Its position is where reading begins: 0, unless it is the rest of a
    /// finished one that grew again, or the settings say to start at the end. At 0 it is known by its first bytes alone, and
    /// others may begin alike: it is better remembered only with some of its lines, or when all there is was read.
    Discovered(Generation),
    /// A generation of an earlier run, or one that waited to be found, is read on in this file.
    GoesOn {
        /// Which generation.
        generation: GenerationId,
        /// The file.
        path: PathBuf,
        /// From this uncompressed offset on.
        position: u64,
    },
    /// Lines.
    Block(LogBlock),
    /// A line longer than the limit was passed over; the position advances past it.
    TooLong {
        /// Which generation.
        generation: GenerationId,
        /// The uncompressed offset of its first byte.
        offset: u64,
        /// Its length, with its newline if it has one.
        length: u64,
        /// [`Generation::tail_hash`] at the position after it.
        tail_hash: u64,
    },
    /// A generation was seen under another name, or in another file.
    Moved {
        /// Which generation.
        generation: GenerationId,
        /// Where it is now.
        path: PathBuf,
        /// The device and inode of that file; if it is a copy of what was truncated or is compressed, as they were before.
        device_inode: DeviceInode,
    },
    /// A generation's first bytes became more.
    Fingerprint {
        /// Which generation.
        generation: GenerationId,
        /// The new fingerprint.
        fingerprint: Fingerprint,
    },
    /// Nothing more will be read from a generation.
    Finished {
        /// Which generation.
        generation: GenerationId,
        /// How many bytes are known to be in it that could not be read.
        unread: u64,
        /// Why.
        reason: FinishReason,
    },
    /// A log could not be read for a while, and is missing then; or no more. The last value of a span's number holds.
    Unread(UnreadSpan),
    /// A file was found that holds a generation to its end, which had been given up: nothing is lost of it.
    FoundAgain {
        /// Which generation.
        generation: GenerationId,
    },
    /// Something is wrong with a file. Said once until it changes; tried again with every poll.
    Problem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: Error,
    },
}

impl LogEvent {
    /// The event of a piece after which `generation` is as given; if it is lines, they are taken out of `bytes`.
    pub(crate) fn from_piece(piece: LogPiece, generation: &Generation, bytes: &mut Vec<u8>) -> LogEvent {
        let Generation { id, tail_hash, .. } = *generation;
        match piece {
            LogPiece::Lines { offset } => {
                LogEvent::Block(LogBlock { generation: id, offset, bytes: std::mem::take(bytes), tail_hash })
            }
            LogPiece::TooLong { offset, length } => LogEvent::TooLong { generation: id, offset, length, tail_hash },
        }
    }
}
