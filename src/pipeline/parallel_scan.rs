//! The lines of blocks of the store's logs, read by several threads: as [`scan`](super::retrieve::scan) reads them, but in no order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::line_readers::LineReaders;
use super::retrieve::{MissingLines, ScannedLine, find_known, locate, open_again, read_block, read_bytes};
use crate::error::{Error, Result};
use crate::source::LineReader;
use crate::source::generation::Generation;
use crate::store::{BlockSummary, View};

/// Takes in lines; one a thread.
pub trait LineTally: Send {
    /// One of them.
    fn take_line(&mut self, line: &ScannedLine<'_>);
}

/// What one thread has.
pub struct ScanWorker<T> {
    /// What reads its lines.
    pub readers: LineReaders,
    /// What takes them in.
    pub tally: T,
}

/// So many blocks of a log are a thread's at a time: 8 MiB, so that those of a compressed log lie together.
const STRETCH: usize = 32;

/// Read and parse all lines of `blocks`, which are in order. Each log is looked for once. `progress` hears how many bytes were read.
pub fn scan_in_parallel<T: LineTally>(
    view: &View,
    blocks: &[BlockSummary],
    workers: &mut [ScanWorker<T>],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<MissingLines> {
    let mut missing = MissingLines::default();
    for of_log in blocks.chunk_by(|one, next| one.generation == next.generation) {
        let Some(generation) = of_log.first().and_then(|block| find_known(view, block.generation)) else { continue };
        let Some(located) = locate(view, generation.id, &mut missing) else { continue };
        let of_log = LogBlocks { view, generation, blocks: of_log, progress, next: AtomicUsize::new(0) };
        // A short log is one thread's.
        let threads = of_log.blocks.len().div_ceil(STRETCH).min(workers.len());
        let mut readers = Vec::new();
        for _ in 0..threads {
            readers.extend(open_again(generation.id, &located, &mut missing));
        }
        if readers.len() == threads {
            let mut read = of_log.read(readers, workers)?;
            read.differing.sort_unstable_by_key(|(block, _)| *block);
            for (block, found) in read.differing {
                if let Some(block) = of_log.blocks.get(block) {
                    missing.note_differing(generation, block, found);
                }
            }
            if read.is_unknown {
                missing.unknown.push(generation.log.clone());
            }
            missing.decoded += read.decoded;
        }
    }
    missing.unknown.dedup();
    Ok(missing)
}

/// What of a log is to be read.
struct LogBlocks<'b> {
    view: &'b View,
    generation: &'b Generation,
    blocks: &'b [BlockSummary],
    progress: &'b (dyn Fn(u64) + Sync),
    /// The stretch that is next.
    next: AtomicUsize,
}

/// What was found of it.
#[derive(Default)]
struct ReadBlocks {
    /// Blocks, by their place, that hold another number of requests than were counted.
    differing: Vec<(usize, u32)>,
    /// The format of some is not known.
    is_unknown: bool,
    decoded: u64,
}

impl ReadBlocks {
    fn add(&mut self, other: ReadBlocks) {
        self.differing.extend(other.differing);
        self.is_unknown |= other.is_unknown;
        self.decoded += other.decoded;
    }
}

impl LogBlocks<'_> {
    fn read<T: LineTally>(&self, readers: Vec<LineReader>, workers: &mut [ScanWorker<T>]) -> Result<ReadBlocks> {
        let whole = Mutex::new(Ok(ReadBlocks::default()));
        let add = |read: Result<ReadBlocks>| {
            let Ok(mut whole) = whole.lock() else { return };
            match read {
                Ok(read) => {
                    if let Ok(known) = &mut *whole {
                        known.add(read);
                    }
                }
                Err(error) => *whole = Err(error),
            }
        };
        if readers.len() == 1 {
            for (reader, worker) in readers.into_iter().zip(workers) {
                add(self.read_stretches(reader, worker));
            }
        } else {
            std::thread::scope(|scope| {
                for (reader, worker) in readers.into_iter().zip(workers) {
                    let add = &add;
                    scope.spawn(move || add(self.read_stretches(reader, worker)));
                }
            });
        }
        whole.into_inner().unwrap_or_else(|_| Err(Error::failed("a thread that read lines ended")))
    }

    /// One thread's work: stretch after stretch, as long as there are any.
    fn read_stretches<T: LineTally>(&self, mut reader: LineReader, worker: &mut ScanWorker<T>) -> Result<ReadBlocks> {
        let mut read = ReadBlocks::default();
        let mut buffer = Vec::new();
        loop {
            let from = self.next.fetch_add(1, Ordering::Relaxed).saturating_mul(STRETCH);
            let Some(stretch) = self.blocks.get(from..).filter(|blocks| !blocks.is_empty() && !read.is_unknown) else {
                break;
            };
            for (place, block) in (from..).zip(stretch.iter().take(STRETCH)) {
                let mut found = Some(0);
                if read_bytes(&mut reader, block, &mut buffer)? {
                    let ScanWorker { readers, tally } = worker;
                    let mut each = |line: &ScannedLine<'_>| tally.take_line(line);
                    found = read_block(self.view, self.generation, block, &buffer, readers, &mut each);
                }
                (self.progress)(buffer.len() as u64);
                match found {
                    Some(found) if found == block.lines && !buffer.is_empty() => {}
                    Some(found) => read.differing.push((place, found)),
                    None => read.is_unknown = true,
                }
            }
        }
        read.decoded = reader.decoded();
        Ok(read)
    }
}
