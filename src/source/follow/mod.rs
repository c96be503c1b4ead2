//! Follows logs that grow: polled by its owner, it says what there is new, and of which generation.
//!
//! - [`patterns`]: which files the patterns name now.
//! - [`open_log`]: one open generation, read from its position on.
//! - [`last_look`]: what came and went between two looks.
//! - [`resume`]: where the generations of an earlier run are now.
//! - [`rotation`]: what happens when a file is rotated away or truncated.

mod discovery;
mod last_look;
mod open_log;
mod patterns;
mod resume;
mod rotation;

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::discovery::MissedRotation;
use self::last_look::LastLook;
use self::open_log::{OpenLog, ReadStep};
use self::patterns::Patterns;
use self::resume::AwaitedGeneration;
use crate::error::{Error, Result};
use crate::grammar::Wrapper;
use crate::source::blocks::cutter::LogPiece;
use crate::source::blocks::event::{FinishReason, LogBlock, LogEvent};
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::recent_bytes::RecentBytes;
use crate::source::{BLOCK_LIMIT, MAX_LINE};
use crate::time::Timestamp;

/// A log to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLog {
    /// The stable key of its `[[log]]` section; becomes [`Generation::log`].
    pub key: String,
    /// A path, or a glob. A glob passes over compressed files and over a rotated name (`access.log.1`) whose
    /// unrotated name (`access.log`) it matches too.
    pub pattern: String,
}

/// How to follow.
#[derive(Debug, Clone)]
pub struct FollowSettings {
    /// The longest line that is read, in bytes without its newline; longer ones are counted and passed over.
    pub max_line: usize,
    /// How long a file that was rotated away must have been quiet before it is finished.
    pub rotate_grace: Duration,
    /// How many bytes a block holds, about.
    pub block_limit: usize,
    /// Whether a log that was never seen before is read from its beginning, not from its present end. Only
    /// concerns the first poll of a follower that knows no generation.
    pub from_start: bool,
    /// What is around the lines of each log that is wrapped, by its [`WatchedLog::key`].
    pub wrappers: HashMap<String, Wrapper>,
}

impl Default for FollowSettings {
    fn default() -> FollowSettings {
        FollowSettings {
            max_line: MAX_LINE,
            rotate_grace: Duration::from_secs(60),
            block_limit: BLOCK_LIMIT,
            from_start: true,
            wrappers: HashMap::new(),
        }
    }
}

/// What a poll did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollProgress {
    /// How many bytes were given out.
    pub read_bytes: u64,
    /// Whether everything that was there has been read. If not, poll again at once.
    pub caught_up: bool,
    /// Whether there is a rotated file of which only time will tell if it was read: it may be a copy in the making.
    pub undecided: bool,
}

/// A poll gives out at most this many blocks, so that its owner stays responsive.
const BLOCKS_PER_POLL: usize = 16;

/// How often globs are expanded, and the new names of rotated files looked for.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// Buffers that wait to be filled again, at most.
const SPARE_BUFFERS: usize = 8;

/// So many truncated logs are remembered by their trails. A trail matters for as long as a copy may be found.
const TRAILS: usize = 64;

type Emit<'a> = dyn FnMut(LogEvent) -> ControlFlow<()> + 'a;

/// Follows the logs that match some patterns, through rotation and restarts.
#[derive(Debug)]
pub struct Follower {
    settings: FollowSettings,
    watch: Patterns,
    /// Generations that are not open: finished, or of an earlier run and not found yet.
    known: Vec<Generation>,
    streams: Vec<OpenLog>,
    /// Generations of the earlier run whose file cannot be read yet.
    waiting: Vec<AwaitedGeneration>,
    read_until: Option<Timestamp>,
    next_id: u32,
    started: bool,
    looked_around: Option<Timestamp>,
    /// When one of the open files was written to last, as of the last look after which of every file it was known whether it was read.
    decided: Option<Timestamp>,
    /// Rotated files that were there before the first start: never read.
    foreign: HashSet<(u64, u64)>,
    /// Rotated files that may be copies in the making: their status, and since when it is the same.
    unclear: HashMap<PathBuf, (crate::source::file::FileStatus, Timestamp)>,
    /// Where rotated files that no one has seen are to be looked for.
    missed: Vec<MissedRotation>,
    /// Watched paths that lead nowhere, and since when.
    missing: HashMap<PathBuf, Timestamp>,
    /// Files at watched paths that were read to this state by a finished generation.
    settled: HashMap<(u64, u64), crate::source::file::FileStatus>,
    /// New logs are begun at their end: the settings want it, and this is the first look.
    at_end: bool,
    /// Every watched path as of the last look.
    last_look: HashMap<PathBuf, LastLook>,
    /// When the patterns were expanded last.
    expanded: Option<Timestamp>,
    /// There is something new in `missed`, so it is looked for at once.
    missed_now: bool,
    problems: HashMap<PathBuf, String>,
    spare: Vec<Vec<u8>>,
    turn: usize,
    /// Of the generations that were truncated in this run and are not open any more: the newest.
    trails: VecDeque<(GenerationId, RecentBytes)>,
}

impl Follower {
    /// Follows `watched`. `known` are the generations of the store, none at the first start; `read_until` is when all
    /// there was had been read last, as the store knows: rotated files written after that are read too, if they hold none of
    /// `known`.
    pub fn new(
        watched: Vec<WatchedLog>,
        known: Vec<Generation>,
        read_until: Option<Timestamp>,
        settings: FollowSettings,
    ) -> Follower {
        let next_id = known.iter().map(|generation| generation.id.0.saturating_add(1)).max().unwrap_or(0);
        Follower {
            settings,
            watch: Patterns::new(watched),
            known,
            streams: Vec::new(),
            waiting: Vec::new(),
            read_until,
            next_id,
            started: false,
            looked_around: None,
            decided: None,
            foreign: HashSet::new(),
            unclear: HashMap::new(),
            missed: Vec::new(),
            missing: HashMap::new(),
            settled: HashMap::new(),
            at_end: false,
            last_look: HashMap::new(),
            expanded: None,
            missed_now: false,
            problems: HashMap::new(),
            spare: Vec::new(),
            turn: 0,
            trails: VecDeque::new(),
        }
    }

    /// Takes a block's buffer back, so that the next block touches no fresh memory.
    pub fn recycle(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && bytes.capacity() > 0 {
            self.spare.push(bytes);
        }
    }

    /// Looks at every file and gives out what is new, at most some blocks. `emit` says `Break` to have the poll
    /// return early; the event it was given counts as taken.
    ///
    /// # Errors
    /// None at present: what is wrong with one file is an [`LogEvent::Problem`] and does not stop the others.
    pub fn poll(&mut self, now: Timestamp, emit: &mut Emit<'_>) -> Result<PollProgress> {
        let mut progress = PollProgress::default();
        let _ = self.round(now, &mut progress, emit);
        Ok(progress)
    }

    fn round(&mut self, now: Timestamp, progress: &mut PollProgress, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let around = self.looked_around.is_none_or(|at| now < at || now >= at.plus(LOOK_AROUND));
        if around {
            self.looked_around = Some(now);
        }
        if !self.started {
            self.started = true;
            self.resume(now, emit)?;
        }
        self.retry_waiting(now, around, emit)?;
        self.refresh_streams(now, emit)?;
        self.look(now, around, emit)?;
        let all_read = self.read_streams(now, progress, emit)?;
        self.finish_quiet(now, emit)?;
        progress.caught_up = all_read;
        progress.undecided = self.is_undecided();
        if all_read && !progress.undecided {
            self.decided = self.streams.iter().map(|stream| stream.status.modified()).max();
        }
        ControlFlow::Continue(())
    }

    /// Gives every stream its turn, block by block; whether all were read to their end.
    fn read_streams(
        &mut self,
        now: Timestamp,
        progress: &mut PollProgress,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<(), bool> {
        let mut budget = BLOCKS_PER_POLL;
        let mut idle = 0;
        while idle < self.streams.len() {
            if budget == 0 {
                return ControlFlow::Continue(false);
            }
            self.turn = (self.turn + 1) % self.streams.len().max(1);
            let mut bytes = self.spare.pop().unwrap_or_default();
            let Some(stream) = self.streams.get_mut(self.turn) else { break };
            let id = stream.generation.id;
            let step = stream.step(&mut bytes);
            let tail_hash = stream.generation.tail_hash;
            idle = if matches!(step, ReadStep::Idle) { idle + 1 } else { 0 };
            let event = match step {
                ReadStep::LogPiece(LogPiece::Lines { offset }) => {
                    budget -= 1;
                    progress.read_bytes += bytes.len() as u64;
                    LogEvent::Block(LogBlock { generation: id, offset, bytes: std::mem::take(&mut bytes), tail_hash })
                }
                ReadStep::LogPiece(LogPiece::TooLong { offset, length }) => {
                    progress.read_bytes += length;
                    LogEvent::TooLong { generation: id, offset, length, tail_hash }
                }
                ReadStep::Held => {
                    budget -= 1;
                    self.recycle(bytes);
                    continue;
                }
                ReadStep::Idle => {
                    self.recycle(bytes);
                    continue;
                }
                ReadStep::Truncated => {
                    self.recycle(bytes);
                    self.truncated(id, now, emit)?;
                    idle = 0;
                    continue;
                }
                ReadStep::Fault(error) => {
                    self.recycle(bytes);
                    self.stream_fault(id, now, &error, emit)?;
                    idle += 1;
                    continue;
                }
            };
            self.recycle(bytes);
            emit(event)?;
        }
        ControlFlow::Continue(true)
    }

    fn discover(&mut self, mut stream: OpenLog, emit: &mut Emit<'_>) -> ControlFlow<()> {
        stream.generation.id = GenerationId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let generation = stream.generation.clone();
        self.streams.push(stream);
        emit(LogEvent::Discovered(generation))
    }

    /// Says what is wrong with `path`, unless that was said already.
    fn problem(&mut self, path: &Path, error: Error, emit: &mut Emit<'_>) -> ControlFlow<()> {
        if self.problems.get(path).is_some_and(|said| said == error.what()) {
            return ControlFlow::Continue(());
        }
        self.problems.insert(path.to_owned(), error.what().to_owned());
        emit(LogEvent::Problem { path: path.to_owned(), error })
    }

    fn no_problem(&mut self, path: &Path) {
        if !self.problems.is_empty() {
            self.problems.remove(path);
        }
    }

    fn finished(&mut self, index: usize, unread: u64, reason: FinishReason, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let OpenLog { mut generation, trail, .. } = self.streams.remove(index);
        if matches!(reason, FinishReason::Truncated { .. }) {
            self.trails.push_back((generation.id, trail));
            self.trails.drain(..self.trails.len().saturating_sub(TRAILS));
        }
        generation.finished = true;
        let id = generation.id;
        self.known.push(generation);
        emit(LogEvent::Finished { generation: id, unread, reason })
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
