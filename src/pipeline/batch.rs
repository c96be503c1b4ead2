//! Reading files once, from end to end, with a bounded number of threads.
//!
//! The threads take turns at the input: whoever is free locks it, reads the next block into its own buffer and lets
//! go, so there is no reader thread, no channel and no buffer beyond one a thread. With one thread all happens on the
//! caller's.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;
use crate::grammar::Wrapper;
use crate::source::{Input, LogPiece};

/// Counts blocks of lines. One per thread; afterwards they are merged by the caller.
pub trait BlockTally {
    /// A block of whole lines of file number `file`, whose first byte stands at `offset` (uncompressed).
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]);
    /// A line over the limit was skipped.
    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64);
    /// Whether the caller has all it wants and reading can end early.
    fn is_done(&self) -> bool {
        false
    }
}

/// One file to read.
pub enum Feed {
    /// A file that is opened when its turn comes.
    Path {
        /// The path.
        path: PathBuf,
        /// What is around its lines.
        wrapper: Option<Wrapper>,
    },
    /// One that was opened already, to look at its head; `head` are the lines read so far.
    Opened {
        /// The rest.
        input: Box<Input>,
        /// Offset of `head`.
        offset: u64,
        /// Whole lines from its beginning.
        head: Vec<u8>,
    },
}

/// The input, which the threads take turns at.
struct Turn<'p> {
    feeds: std::iter::Enumerate<std::vec::IntoIter<Feed>>,
    max_line: usize,
    progress: &'p (dyn Fn(u64) + Sync),
    open: Option<(usize, Box<Input>)>,
    failed: Vec<Error>,
    /// Bytes of finished files, for progress.
    before: u64,
}

/// What a thread takes home from its turn; lines are in its buffer.
enum NextBlock {
    Lines { file: usize, offset: u64 },
    TooLong { file: usize, offset: u64, length: u64 },
    End,
}

impl Turn<'_> {
    /// The next piece of the input, whichever file it is in. A file that fails is noted and the next one begun.
    fn next_block(&mut self, buffer: &mut Vec<u8>) -> NextBlock {
        loop {
            let Some((file, input)) = &mut self.open else {
                match self.feeds.next() {
                    None => return NextBlock::End,
                    Some((file, Feed::Path { path, wrapper })) => {
                        match Input::open(&path).map(|input| input.max_line(self.max_line).wrapped(wrapper)) {
                            Ok(input) => self.open = Some((file, Box::new(input))),
                            Err(error) => self.failed.push(error),
                        }
                    }
                    Some((file, Feed::Opened { input, offset, head })) => {
                        self.open = Some((file, input));
                        *buffer = head;
                        return NextBlock::Lines { file, offset };
                    }
                }
                continue;
            };
            let file = *file;
            let piece = input.next_block(buffer);
            (self.progress)(self.before + input.consumed());
            match piece {
                Ok(Some(LogPiece::Lines { offset })) => return NextBlock::Lines { file, offset },
                Ok(Some(LogPiece::TooLong { offset, length })) => return NextBlock::TooLong { file, offset, length },
                Ok(None) => {}
                Err(error) => self.failed.push(error),
            }
            self.before += input.consumed();
            self.open = None;
        }
    }
}

/// Read `feeds` in order, each tally on a thread of its own. A line of more than `max_line` bytes is passed over.
/// `progress` hears of the bytes read from disk so far. Gives the files that could not be read, or not to their end; what was read
/// before is counted.
pub fn run<T: BlockTally + Send>(
    feeds: Vec<Feed>,
    max_line: usize,
    tallies: &mut [T],
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Error> {
    let turn = Mutex::new(Turn {
        feeds: feeds.into_iter().enumerate(),
        max_line,
        progress,
        open: None,
        failed: Vec::new(),
        before: 0,
    });
    let stop = AtomicBool::new(false);
    if let [tally] = tallies {
        count_in_turn(&turn, tally, &stop);
    } else {
        std::thread::scope(|scope| {
            for tally in tallies {
                let (turn, stop) = (&turn, &stop);
                scope.spawn(move || count_in_turn(turn, tally, stop));
            }
        });
    }
    turn.into_inner().map(|turn| turn.failed).unwrap_or_default()
}

/// One thread's work: take the next block and let go of the input, count it, and so on to the end of the input or until
/// some tally is done.
fn count_in_turn<T: BlockTally>(turn: &Mutex<Turn<'_>>, tally: &mut T, stop: &AtomicBool) {
    let mut buffer = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(next) = turn.lock().map(|mut turn| turn.next_block(&mut buffer)) else { return };
        match next {
            NextBlock::Lines { file, offset } => tally.count_block(file, offset, &buffer),
            NextBlock::TooLong { file, offset, length } => tally.skip_long_line(file, offset, length),
            NextBlock::End => return,
        }
        if tally.is_done() {
            stop.store(true, Ordering::Relaxed);
        }
    }
}
