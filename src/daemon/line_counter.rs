//! The thread that counts: blocks of lines become what a commit adds to the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::generation_book::GenerationBook;
use super::log_formats::{FormatWatch, LogFormats};
use super::log_reader::ReaderMessage;
use super::notice::{Notice, Say};
use super::reading_book::ReadingBook;
use super::unread_book::UnreadBook;
use crate::pipeline::{CollectedRows, Interpreter, Row, RowCollector, SlotSettings};
use crate::route::cap::RESTS_AFTER;
use crate::route::{RouteId, Routes};
use crate::source::generation::GenerationId;
use crate::source::{FinishReason, LogBlock, LogEvent, UnreadCause, UnreadSpan};
use crate::store::{Commit, Loss, LossCause, NEVER_READ_WHOLE, View};
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
    pub(super) rows: CollectedRows,
    /// The slots counted into, sorted.
    pub(super) touched: Vec<Timestamp>,
    /// The latest end of a request seen so far.
    pub(super) latest_end: Timestamp,
    /// Bytes of log in it.
    pub(super) bytes: u64,
    /// Whether the logs were read to their ends when it was handed on.
    pub(super) caught_up: bool,
}

/// What lines are read with.
pub(super) struct Counting {
    /// By each log's key, what reads its lines.
    pub(super) interpreters: HashMap<String, Interpreter>,
    /// Looks whether nginx.conf says other formats by now.
    pub(super) watch: Option<FormatWatch>,
    /// The routes, those of the store first.
    pub(super) routes: Arc<Routes>,
    /// How slots are counted.
    pub(super) slots: SlotSettings,
}

/// The state of the counting thread.
pub(super) struct LineCounter {
    clock: Arc<dyn Clock>,
    say: Say,
    formats: LogFormats,
    routes: Arc<Routes>,
    /// Routes handed on so far.
    routes_known: u32,
    logs: GenerationBook,
    readings: ReadingBook,
    unread: UnreadBook,
    rows: RowCollector,
    /// Rows that were committed come back here, to be used again.
    spare_rows: Receiver<Vec<Row>>,
    /// Slots before this were sent to carbon: a line in one is late.
    emitted_until: Arc<AtomicI64>,
    /// When the first message came of which the last words are not handed on.
    since: Option<Instant>,
    caught_up: bool,
    is_backlog_over: bool,
    /// Everything written to the logs before this was read and counted.
    read_until: Option<Timestamp>,
    /// It was said that requests fell to `other`.
    is_overflow_said: bool,
    is_series_overflow_said: bool,
}

impl LineCounter {
    /// Goes on where the store of `view` ends.
    pub(super) fn resume(
        view: &View,
        counting: Counting,
        spare_rows: Receiver<Vec<Row>>,
        emitted_until: Arc<AtomicI64>,
        clock: Arc<dyn Clock>,
        say: Say,
    ) -> LineCounter {
        let Counting { interpreters, watch, routes, slots } = counting;
        let formats = LogFormats::new(interpreters, watch, view, clock.now(), Arc::clone(&say));
        LineCounter {
            clock,
            say,
            formats,
            routes_known: u32::try_from(view.kept_names().len()).unwrap_or(u32::MAX),
            routes,
            logs: GenerationBook::new(view.generations()),
            readings: ReadingBook::new(view, slots.server_errors),
            unread: UnreadBook::new(view.unread_spans()),
            rows: RowCollector::resume(slots, &view.open_blocks()),
            spare_rows,
            emitted_until,
            since: None,
            caught_up: false,
            is_backlog_over: false,
            read_until: None,
            is_overflow_said: false,
            is_series_overflow_said: false,
        }
    }

    /// Notes that the logs were never read to their ends, if that is so of a store: they are followed from now on.
    pub(super) fn begin_to_follow(mut self, view: &View) -> LineCounter {
        self.read_until = view.read_until().is_none().then_some(NEVER_READ_WHOLE);
        self
    }

    /// Count until the reading thread is gone, and hand on the rest. A full channel makes this wait.
    pub(super) fn run(
        mut self,
        messages: &Receiver<ReaderMessage>,
        empties: &Sender<Vec<u8>>,
        out: &Sender<CountedLines>,
    ) {
        loop {
            let message = match self.since {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => messages.recv_deadline(since + HAND_ON_AFTER),
            };
            let ended = match message {
                Ok(message) => {
                    self.on_message(message, empties);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            let is_due = self.is_due() || (ended && self.has_news());
            if (is_due && out.send(self.hand_on()).is_err()) || ended {
                return;
            }
        }
    }

    /// Whether anything was taken in that is not handed on.
    pub(super) fn has_news(&self) -> bool {
        self.since.is_some()
    }

    fn is_due(&mut self) -> bool {
        let has_waited = self.since.is_some_and(|since| since.elapsed() >= HAND_ON_AFTER);
        std::mem::take(&mut self.is_backlog_over) || has_waited || self.rows.bytes() >= HAND_ON_BYTES
    }

    /// What was counted since the last time.
    pub(super) fn hand_on(&mut self) -> CountedLines {
        let (touched, bytes) = (self.rows.touched_slots(), self.rows.bytes());
        let generations = self.logs.take_changed();
        let spans = self.unread.take_changed(&self.logs, &self.rows);
        let rows = self.rows.hand_over();
        self.note_routes(&rows);
        if let Some(spare) = self.spare_rows.try_iter().last() {
            self.rows.recycle_rows(spare);
        }
        self.since = None;
        let commit = Commit {
            at: self.clock.now(),
            read_until: self.read_until,
            routes: self.new_routes(),
            generations,
            readings: self.readings.take_changes(),
            spans,
            ..Commit::default()
        };
        CountedLines { commit, rows, touched, latest_end: self.rows.latest(), bytes, caught_up: self.caught_up }
    }

    /// Which routes had requests; those without any for a day rest if others need their places. That some had none is said once.
    fn note_routes(&mut self, rows: &CollectedRows) {
        self.routes.note_seen(rows.cells());
        // A time of the future would let all of them rest.
        let now = self.rows.latest().min(self.clock.now());
        if now > Timestamp(i64::MIN) {
            self.routes.rest_idle(now.minus(RESTS_AFTER));
        }
        if self.routes.overflow() > 0 && !self.is_overflow_said {
            self.is_overflow_said = true;
            (self.say)(&Notice::RoutesFull { routes: self.routes.len() });
        }
        if self.routes.members_overflow() > 0 && !self.is_series_overflow_said {
            self.is_series_overflow_said = true;
            (self.say)(&Notice::SeriesFull);
        }
    }

    /// The routes that were named since the last time.
    fn new_routes(&mut self) -> Vec<(RouteId, String)> {
        let routes = self.routes.since(self.routes_known);
        self.routes_known += u32::try_from(routes.len()).unwrap_or(u32::MAX);
        routes.into_iter().map(|(id, name)| (id, name.to_string())).collect()
    }

    /// Take one message in. The buffer of a block goes back through `empties`, if there is room.
    pub(super) fn on_message(&mut self, message: ReaderMessage, empties: &Sender<Vec<u8>>) {
        match message {
            ReaderMessage::Source(LogEvent::Problem { path, error }) => {
                return (self.say)(&Notice::LogFailed { path, error });
            }
            ReaderMessage::Failed(error) => return (self.say)(&Notice::LookFailed(error)),
            ReaderMessage::CaughtUp { at, undecided } => self.on_caught_up(at, undecided),
            ReaderMessage::Source(event) => self.on_event(event, empties),
        }
        self.since.get_or_insert_with(Instant::now);
    }

    /// `at`: when the look at the logs began that found no more to read; nothing if there is more.
    fn on_caught_up(&mut self, at: Option<Timestamp>, undecided: bool) {
        // The end of a backlog: nothing that would fill the commit up is on its way.
        self.is_backlog_over = at.is_some() && !self.caught_up;
        self.caught_up = at.is_some();
        if self.caught_up {
            self.logs.note_all_read();
        }
        if at.is_some() && !undecided {
            self.read_until = at;
            self.formats.note_all_read(self.rows.latest().min(self.clock.now()));
        }
    }

    fn on_event(&mut self, event: LogEvent, empties: &Sender<Vec<u8>>) {
        match event {
            LogEvent::Problem { .. } => {}
            LogEvent::Unread(span) => self.on_unread(span),
            LogEvent::FoundAgain { generation } => self.note_found(generation),
            LogEvent::GoesOn { path, position, .. } => (self.say)(&Notice::Following { path, position }),
            LogEvent::Discovered(generation) => {
                let position = generation.position;
                (self.say)(&Notice::Following { path: generation.path.clone(), position });
                self.logs.discover(generation);
            }
            LogEvent::Block(block) => self.on_block(block, empties),
            LogEvent::TooLong { generation, offset, length, tail_hash } => {
                self.rows.skip_long_line(generation, offset, length);
                self.logs.advance_position(generation, offset + length, tail_hash);
            }
            LogEvent::Moved { generation, path, device_inode } => self.logs.relocate(generation, path, device_inode),
            LogEvent::Fingerprint { generation, fingerprint } => self.logs.set_fingerprint(generation, fingerprint),
            LogEvent::Finished { generation, unread, reason } => {
                self.note_loss(generation, unread, reason);
                self.logs.finish(generation);
            }
        }
    }

    fn on_block(&mut self, block: LogBlock, empties: &Sender<Vec<u8>>) {
        let late_before = Timestamp(self.emitted_until.load(Ordering::Relaxed));
        self.formats.look();
        if let Some(generation) = self.logs.get(block.generation)
            && let Some(of_log) = self.formats.of_log(&generation.log)
        {
            self.readings.note_block(block.generation, block.offset, of_log);
            let interpreter = &mut of_log.interpreter;
            self.rows.collect_block(interpreter, block.generation, block.offset, &block.bytes, late_before);
            self.formats.note_lines(&generation.log);
        }
        self.logs.advance_position(block.generation, block.end(), block.tail_hash);
        // The reader may be gone or have enough buffers: then this one is simply freed.
        drop(empties.try_send(block.bytes));
    }

    /// A log could not be read for a while, or no more.
    fn on_unread(&mut self, span: UnreadSpan) {
        let (is_over, is_withdrawn) = (!span.is_lasting(), span.is_withdrawn);
        let before = self.unread.note(span.clone(), &self.logs, &self.rows);
        if before.is_none() && is_over && span.device_inode.is_none() && span.generation.is_none() {
            // It was lost before it could be in a file.
            let (from, until) = (span.from, span.end());
            return (self.say)(&Notice::LinesLost { path: span.path, from, until, why: span.why });
        }
        let Some(before) = before.filter(|before| before.cause != UnreadCause::Unfinished) else { return };
        if is_withdrawn {
            // Of many that are over two became one.
            if span.device_inode.is_none() && span.generation.is_none() && !before.is_lasting() {
                return;
            }
            (self.say)(&Notice::LogReadAfterAll { path: span.path, from: before.from });
        } else if is_over && before.is_lasting() {
            (self.say)(&Notice::LogLeftUnread { until: span.end(), path: span.path, from: before.from });
        }
    }

    /// What was given up of a log is lost no more: it was found, and nothing is in it behind what was read.
    fn note_found(&mut self, generation: GenerationId) {
        let offset = self.logs.position(generation);
        let (after, before) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let found = Loss { offset, bytes: 0, cause: LossCause::Found, after, before };
        self.rows.ledger_mut(generation).losses.push(found);
    }

    /// Note what was not read of a log that will not be read further, and between when it was written.
    fn note_loss(&mut self, generation: GenerationId, unread: u64, reason: FinishReason) {
        let offset = self.logs.position(generation);
        let (after, before) = (self.rows.latest_end_of(generation), self.clock.now());
        let (cause, bytes) = match reason {
            FinishReason::Truncated { lost: 0 } => (LossCause::Copied, 0),
            FinishReason::Truncated { lost } => (LossCause::Truncated, lost),
            FinishReason::Vanished if unread == 0 => (LossCause::Gone, 0),
            FinishReason::Vanished | FinishReason::Rotated => (LossCause::Unread, unread),
        };
        let ledger = self.rows.ledger_mut(generation);
        match cause {
            LossCause::Truncated => ledger.lost_to_truncation += bytes,
            _ => ledger.unread += bytes,
        }
        if reason != FinishReason::Rotated || bytes > 0 {
            ledger.losses.push(Loss { offset, bytes, cause, after, before });
        }
    }
}
