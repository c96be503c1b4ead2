//! The thread that counts: blocks of lines become what a commit adds to the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::Say;
use super::log_reader::ReaderMessage;
use crate::pipeline::{CollectedRows, Interpreter, Row, RowCollector};
use crate::route::Routes;
use crate::source::generation::{Generation, GenerationId};
use crate::source::{FinishReason, LogEvent};
use crate::store::{Commit, Loss, LossCause};
use crate::time::{Clock, Timestamp};

/// What was counted is handed on this long after its first line ..
const HAND_ON_AFTER: Duration = Duration::from_secs(1);

/// .. or when this many bytes of log are in it.
const HAND_ON_BYTES: u64 = 16 << 20;

/// What was counted in a stretch of the logs.
pub(super) struct CountedLines {
    /// Positions and routes.
    pub(super) commit: Commit,
    /// The lines.
    pub(super) tally: CollectedRows,
    /// The slots counted into, sorted.
    pub(super) touched: Vec<Timestamp>,
    /// The latest end of a request seen so far.
    pub(super) latest: Timestamp,
    /// Bytes of log in it.
    pub(super) bytes: u64,
    /// Whether the logs were read to their ends when it was handed on.
    pub(super) caught_up: bool,
}

/// The state of the counting thread.
pub(super) struct LineCounter {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) say: Say,
    pub(super) routes: Arc<Routes>,
    /// Routes handed on so far.
    pub(super) routes_known: u32,
    pub(super) interpreters: HashMap<String, Interpreter>,
    pub(super) generations: BTreeMap<GenerationId, Generation>,
    pub(super) slots: RowCollector,
    /// Rows that were kept come back here, to be used again.
    pub(super) spare: Receiver<Vec<Row>>,
    /// Slots before this were sent to carbon: a line in one is late.
    pub(super) emitted_until: Arc<AtomicI64>,
    pub(super) changed: BTreeSet<GenerationId>,
    /// Named since all was read last, and nothing of them counted yet. Such a one is known by its first bytes alone, and others may
    /// begin alike; so it is not handed on before there is more to know it by, or all there is was read.
    pub(super) unread: BTreeSet<GenerationId>,
    pub(super) since: Option<Instant>,
    pub(super) caught_up: bool,
    pub(super) done_with_backlog: bool,
    /// Everything written to the logs before this was read and counted.
    pub(super) read_until: Option<Timestamp>,
}

impl LineCounter {
    /// Count until the reading thread is gone, and hand on the rest. A full channel makes this wait.
    pub(super) fn run(
        mut self,
        events: &Receiver<ReaderMessage>,
        empties: &Sender<Vec<u8>>,
        out: &Sender<CountedLines>,
    ) {
        loop {
            let message = match self.since {
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => events.recv_deadline(since + HAND_ON_AFTER),
            };
            let ended = match message {
                Ok(message) => {
                    self.take(message, empties);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            let waited = self.since.is_some_and(|since| since.elapsed() >= HAND_ON_AFTER);
            let waited = waited || std::mem::take(&mut self.done_with_backlog);
            let due = waited || self.slots.bytes() >= HAND_ON_BYTES || (ended && self.since.is_some());
            if (due && out.send(self.hand_on()).is_err()) || ended {
                return;
            }
        }
    }

    /// What was counted since the last time.
    pub(super) fn hand_on(&mut self) -> CountedLines {
        let (touched, bytes) = (self.slots.touched_slots(), self.slots.bytes());
        let tally = self.slots.hand_over();
        if let Some(rows) = self.spare.try_iter().last() {
            self.slots.recycle_rows(rows);
        }
        let mut commit = Commit { at: self.clock.now(), read_until: self.read_until, ..Commit::default() };
        let routes = self.routes.since(self.routes_known);
        self.routes_known += u32::try_from(routes.len()).unwrap_or(u32::MAX);
        commit.routes = routes.into_iter().map(|(id, name)| (id, name.to_string())).collect();
        let changed = std::mem::take(&mut self.changed);
        let (unread, changed): (BTreeSet<_>, BTreeSet<_>) =
            changed.into_iter().partition(|id| self.unread.contains(id));
        self.changed = unread;
        commit.generations = changed.iter().filter_map(|id| self.generations.get(id)).cloned().collect();
        self.since = None;
        CountedLines { commit, tally, touched, latest: self.slots.latest(), bytes, caught_up: self.caught_up }
    }

    /// Take one message in. The buffer of a block goes back through `empties`, if there is room.
    pub(super) fn take(&mut self, message: ReaderMessage, empties: &Sender<Vec<u8>>) {
        match message {
            ReaderMessage::Source(LogEvent::Problem { path, error }) => {
                return (self.say)(&format!("log {}: {error}", path.display()));
            }
            ReaderMessage::Failed(error) => return (self.say)(&error.to_string()),
            ReaderMessage::CaughtUp { at, undecided } => {
                // The end of a backlog: nothing that would fill the commit up is on its way.
                self.done_with_backlog = at.is_some() && !self.caught_up;
                self.caught_up = at.is_some();
                if self.caught_up {
                    self.unread.clear();
                }
                self.read_until = at.filter(|_| !undecided).or(self.read_until);
            }
            ReaderMessage::Source(event) => self.event(event, empties),
        }
        self.since.get_or_insert_with(Instant::now);
    }

    fn event(&mut self, event: LogEvent, empties: &Sender<Vec<u8>>) {
        match event {
            LogEvent::Problem { .. } => {}
            LogEvent::Discovered(generation) => {
                (self.say)(&format!("following {}", generation.path.display()));
                self.changed.insert(generation.id);
                if generation.position == 0 {
                    self.unread.insert(generation.id);
                }
                self.generations.insert(generation.id, generation);
            }
            LogEvent::Block(block) => {
                let late_before = Timestamp(self.emitted_until.load(Ordering::Relaxed));
                if let Some(generation) = self.generations.get_mut(&block.generation) {
                    if let Some(interpreter) = self.interpreters.get_mut(&generation.log) {
                        self.slots.collect_block(
                            interpreter,
                            block.generation,
                            block.offset,
                            &block.bytes,
                            late_before,
                        );
                    }
                    generation.position = block.end();
                    generation.tail_hash = block.tail_hash;
                    self.changed.insert(block.generation);
                    self.unread.remove(&block.generation);
                }
                // The reader may be gone or have enough buffers: then this one is simply freed.
                drop(empties.try_send(block.bytes));
            }
            LogEvent::TooLong { generation, offset, length, tail_hash } => {
                self.slots.skip_long_line(generation, offset, length);
                self.unread.remove(&generation);
                self.change(generation, |held| {
                    held.position = offset + length;
                    held.tail_hash = tail_hash;
                });
            }
            LogEvent::Moved { generation, path, device_inode } => self.change(generation, |held| {
                held.path = path;
                held.device_inode = device_inode;
            }),
            LogEvent::Fingerprint { generation, fingerprint } => {
                self.change(generation, |held| held.fingerprint = fingerprint);
            }
            LogEvent::Finished { generation, unread, reason } => {
                self.lost(generation, unread, reason);
                self.unread.remove(&generation);
                self.change(generation, |held| held.finished = true);
            }
        }
    }

    /// Note what was not read of a log that will not be read further, and between when it was written.
    fn lost(&mut self, generation: GenerationId, unread: u64, reason: FinishReason) {
        let offset = self.generations.get(&generation).map_or(0, |held| held.position);
        let (after, before) = (self.slots.latest_end_of(generation), self.clock.now());
        let (cause, bytes) = match reason {
            FinishReason::Truncated { lost: 0 } => (LossCause::Copied, 0),
            FinishReason::Truncated { lost } => (LossCause::Truncated, lost),
            FinishReason::Vanished if unread == 0 => (LossCause::Gone, 0),
            FinishReason::Vanished | FinishReason::Rotated => (LossCause::Unread, unread),
        };
        let ledger = self.slots.ledger_mut(generation);
        match cause {
            LossCause::Truncated => ledger.lost_to_truncation += bytes,
            _ => ledger.unread += bytes,
        }
        if reason != FinishReason::Rotated || bytes > 0 {
            ledger.losses.push(Loss { offset, bytes, cause, after, before });
        }
    }

    fn change(&mut self, generation: GenerationId, change: impl FnOnce(&mut Generation)) {
        if let Some(held) = self.generations.get_mut(&generation) {
            change(held);
            self.changed.insert(generation);
        }
    }
}
