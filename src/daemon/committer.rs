//! The thread that commits: it writes what was counted to the store, and decides which slots are sent when.
//!
//! It waits for one of three things: lines that were counted ([`Committer::on_counted`]), what became of a batch on its way to
//! carbon ([`Committer::on_outcome`]), or that some time has passed; after each it does what is due ([`Committer::tick`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, select_biased};

use super::destinations::{Destinations, TouchedSlot};
use super::line_counter::CountedLines;
use super::notice::{Notice, Say};
use super::pending_commit::PendingCommit;
use super::pulse::{BEAT_EVERY, Beat, DaemonPulse};
use super::rejecting_logs::RejectingLogs;
use super::rendered_slots::SendOutcome;
use super::self_metrics::{Gauges, SelfMetrics};
use super::settings::DaemonSettings;
use super::slot_renderer::{SlotRenderer, first_slot};
use super::stopped::Stopped;
use crate::error::{Error, ErrorClass, Result};
use crate::source::Generation;
use crate::store::{MaintenanceOutcome, View, Writer};
use crate::time::{Clock, Timestamp, Window};

/// A commit that failed is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// While the store cannot be written, counting goes on for this many bytes of log; then it waits, so that memory stays
/// bounded. The lines are still in the logs.
const UNSAVED_BYTES: u64 = 512 << 20;

/// A slot is sent when it has been over for this long: by then lines written just at its end were read (a poll) and
/// handed on (a second).
const GRACE: Duration = Duration::from_millis(1_500);

/// On a clean stop, this long is given to what was read and is not counted or committed yet: what is left is read again.
const UNDER_WAY: Duration = Duration::from_millis(900);

/// And this long to what is under way to carbon: what is left is still owed.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Where the thread's work comes from.
pub(super) struct CommitterChannels<'c> {
    pub(super) counted: Receiver<CountedLines>,
    pub(super) outcomes: Receiver<SendOutcome>,
    pub(super) stop: &'c Receiver<()>,
    /// Who hears that the thread lives.
    pub(super) beat: &'c Beat,
}

/// The state of the committing thread.
pub(super) struct Committer {
    settings: Arc<DaemonSettings>,
    clock: Arc<dyn Clock>,
    say: Say,
    writer: Writer,
    pending: PendingCommit,
    /// When a commit that failed is tried again; nothing if the last one succeeded.
    retry_at: Option<Instant>,
    destinations: Destinations,
    own_metrics: SelfMetrics,
    rejecting: RejectingLogs,
    /// Why the store is not this daemon's any more, once it is not.
    lost: Option<Error>,
    /// Whether the logs were read to their ends when lines were counted last.
    caught_up: bool,
    /// The latest end of a request that was handed on.
    latest_end: Timestamp,
}

impl Committer {
    pub(super) fn new(
        settings: Arc<DaemonSettings>,
        writer: Writer,
        pending: PendingCommit,
        destinations: Destinations,
        clock: Arc<dyn Clock>,
        say: Say,
    ) -> Committer {
        Committer {
            settings,
            clock,
            say,
            writer,
            pending,
            retry_at: None,
            destinations,
            own_metrics: SelfMetrics::default(),
            rejecting: RejectingLogs::default(),
            lost: None,
            caught_up: false,
            latest_end: Timestamp(i64::MIN),
        }
    }

    /// Work until told to stop, or until the store is another's; then drop `halt`, which ends the reading and so the counting
    /// thread, take what they had under way, and commit.
    ///
    /// # Errors
    /// The last commit failed, or the store was lost.
    pub(super) fn run(mut self, channels: &CommitterChannels<'_>, halt: Sender<()>) -> Result<Stopped> {
        let (nothing, no_outcomes) = (crossbeam_channel::never(), crossbeam_channel::never());
        let mut beat_at = Instant::now();
        loop {
            if beat_at <= Instant::now() {
                (channels.beat)(&self.read_pulse());
                beat_at = Instant::now() + BEAT_EVERY;
            }
            let wait = self.next_deadline().min(beat_at).saturating_duration_since(Instant::now());
            let counted = if self.pending.bytes() > UNSAVED_BYTES { &nothing } else { &channels.counted };
            // Without destinations the channel has no sender, and would be ready for ever.
            let outcomes = if self.destinations.is_empty() { &no_outcomes } else { &channels.outcomes };
            // In this order: a backlog always has something that was counted.
            select_biased! {
                recv(channels.stop) -> _ => break,
                recv(counted) -> counted => match counted {
                    Ok(counted) => self.on_counted(counted),
                    Err(_) => break,
                },
                recv(outcomes) -> outcome => if let Ok(outcome) = outcome { self.on_outcome(outcome) },
                default(wait) => {}
            }
            self.retry_commit();
            self.tick(channels.counted.len());
            if self.lost.is_some() {
                break;
            }
        }
        drop(halt);
        if let Some(lost) = self.lost.take() {
            return self.abandon(lost).map(|()| Stopped::Early);
        }
        let deadline = Instant::now() + UNDER_WAY;
        let under_way = std::iter::from_fn(|| channels.counted.recv_deadline(deadline).ok());
        self.finish(under_way, &channels.outcomes)?;
        Ok(match channels.counted.try_recv() {
            Err(TryRecvError::Disconnected) => Stopped::Committed,
            _ => Stopped::Early,
        })
    }

    /// Lines were counted: commit them. Of the slots that they fall into those that were sent already are owed again.
    pub(super) fn on_counted(&mut self, counted: CountedLines) {
        let whole_from = self.writer.view().expired().detail.unwrap_or(Timestamp(i64::MIN));
        let touched = self.touched_slots(&counted);
        let unsent = self.destinations.owe_again(&touched, whole_from, self.clock.now());
        self.own_metrics.add_unsent(unsent);
        self.latest_end = self.latest_end.max(counted.latest_end);
        self.caught_up = counted.caught_up;
        self.own_metrics.add_ledgers(&counted.rows.ledgers);
        self.rejecting.add_ledgers(&counted.rows.ledgers);
        self.pending.add(counted);
        // While commits fail they are tried by the clock, not with every block.
        if self.retry_at.is_none() {
            self.commit();
        }
    }

    /// The slots that lines fell into; how many is asked for only where it matters.
    fn touched_slots(&self, counted: &CountedLines) -> Vec<TouchedSlot> {
        let lines = if self.destinations.any_sends_once() { counted.rows.lines_by_slot() } else { BTreeMap::new() };
        let lines_of = |slot: &Timestamp| lines.get(slot).copied().unwrap_or(0);
        counted.touched.iter().map(|slot| TouchedSlot { slot: *slot, lines: lines_of(slot) }).collect()
    }

    /// A batch was sent, or not.
    fn on_outcome(&mut self, outcome: SendOutcome) {
        for notice in self.destinations.on_outcome(outcome) {
            (self.say)(&notice);
        }
        if self.destinations.need_commit_now() && self.retry_at.is_none() {
            self.commit();
        }
    }

    /// Do what is due, with so many commits waiting: close slots that are over, hand out what is owed, look after the store.
    pub(super) fn tick(&mut self, commits_waiting: usize) {
        self.emit_slots(commits_waiting);
        self.maintain_store();
    }

    /// Take what was under way, say the last words to carbon, and commit.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn finish(
        &mut self,
        under_way: impl Iterator<Item = CountedLines>,
        outcomes: &Receiver<SendOutcome>,
    ) -> Result<()> {
        for counted in under_way {
            self.on_counted(counted);
        }
        self.emit_slots(0);
        self.say_last_words(outcomes);
        self.say_late(true);
        self.destinations.require_commit();
        self.commit();
        match self.lost.take() {
            Some(lost) => self.abandon(lost),
            None if self.retry_at.is_none() => {
                // It only proves what is there already.
                let _nothing_lost = self.writer.conclude();
                Ok(())
            }
            None => Err(self.uncommitted()),
        }
    }

    /// The store as of the last commit.
    pub(super) fn view(&self) -> &View {
        self.writer.view()
    }

    /// Seal the journal, however small.
    ///
    /// # Errors
    /// As [`Writer::seal`].
    pub(super) fn seal(&mut self) -> Result<()> {
        self.writer.seal()
    }

    /// The next moment at which something is to be done even if nothing arrives.
    fn next_deadline(&self) -> Instant {
        let slot_over = self.destinations.next_slot_at().plus(GRACE);
        let until_slot = slot_over.millis().saturating_sub(self.clock.now().millis()).clamp(10, 60_000);
        let slot_at = Instant::now() + Duration::from_millis(until_slot.cast_unsigned());
        [self.retry_at, self.destinations.next_retry()].into_iter().flatten().fold(slot_at, Instant::min)
    }

    /// Write everything not committed yet as one record; on failure keep it for the next attempt.
    fn commit(&mut self) {
        match self.pending.write(&mut self.writer, self.clock.now(), self.destinations.deliveries()) {
            Ok(()) => {
                self.destinations.note_committed();
                if self.retry_at.take().is_some() {
                    (self.say)(&Notice::CommittedAgain);
                }
                if let Err(error) = self.writer.seal_if_due(!self.caught_up) {
                    self.on_store_error(error, Notice::SealFailed);
                }
            }
            Err(error) if error.class() == ErrorClass::Lost => self.lost = Some(error),
            Err(error) => {
                self.own_metrics.add_failed_commit();
                if self.retry_at.replace(Instant::now() + TRY_AGAIN).is_none() {
                    (self.say)(&Notice::CommitFailed(error));
                }
            }
        }
    }

    fn retry_commit(&mut self) {
        if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.commit();
        }
    }

    /// Merge and throw away what is due; not while the store cannot be written.
    fn maintain_store(&mut self) {
        if self.retry_at.is_some() {
            return;
        }
        match self.writer.maintain(self.clock.now(), !self.caught_up) {
            Ok(MaintenanceOutcome { dropped: 0, .. }) => {}
            Ok(MaintenanceOutcome { dropped, dropped_bytes, .. }) => {
                (self.say)(&Notice::SegmentsDropped { segments: dropped, bytes: dropped_bytes });
            }
            Err(error) => self.on_store_error(error, Notice::UpkeepFailed),
        }
    }

    /// The store could not be written: that is said, and the daemon goes on, unless the store is lost.
    fn on_store_error(&mut self, error: Error, as_notice: fn(Error) -> Notice) {
        if error.class() == ErrorClass::Lost {
            self.lost = Some(error);
        } else {
            (self.say)(&as_notice(error));
        }
    }

    /// The end of a daemon whose store is another's: nothing is written any more, to nobody.
    fn abandon(&mut self, lost: Error) -> Result<()> {
        (self.say)(&Notice::StoreLost(lost));
        self.destinations.close();
        Err(self.uncommitted())
    }

    /// What is told at the end if not all is committed.
    fn uncommitted(&self) -> Error {
        let what =
            "what was read since the last commit is not in the store; at the next start it is read again from the logs";
        Error::failed(what).at(&self.settings.store)
    }

    /// Give the destinations the slots that are over, and hand out what they are owed.
    /// Once the logs are read to their ends a slot is over by the wall clock. While catching up, only slots that event time has
    /// left a lateness behind are sent, so that those of a backlog are not sent over and over.
    fn emit_slots(&mut self, commits_waiting: usize) {
        let now = self.clock.now();
        let settled = self.latest_end.minus(self.settings.lateness).slot(self.settings.interval);
        let over = now.minus(GRACE).slot(self.settings.interval);
        let mark = if self.caught_up { over } else { over.min(settled) };
        let before = if self.caught_up { Timestamp(i64::MAX) } else { settled };
        let is_closing = mark > self.destinations.closed_until();
        if is_closing {
            self.close_slots(mark, commits_waiting, now);
            self.say_late(false);
        }
        self.destinations.note_reading(self.caught_up);
        let first = self.destinations.await_backlog().then(|| first_slot(self.writer.view(), self.pending.commit()));
        let are_new = self.destinations.owe_until(now.minus(GRACE), before, first.flatten(), now);
        if (is_closing || are_new) && self.destinations.need_commit() && self.retry_at.is_none() {
            self.commit();
        }
        let renderer = SlotRenderer {
            view: self.writer.view(),
            uncommitted: self.pending.commit(),
            own_metrics: &self.own_metrics,
            rejecting: &self.rejecting,
            interval: self.settings.interval,
        };
        if let Some(error) = self.destinations.feed_queues(before, &renderer) {
            (self.say)(&Notice::SlotIncomplete(error));
        }
    }

    fn close_slots(&mut self, mark: Timestamp, commits_waiting: usize, now: Timestamp) {
        let over = Window { from: self.destinations.closed_until(), until: mark };
        if let Err(error) = self.rejecting.close_slots(over, self.settings.interval, self.writer.view()) {
            (self.say)(&Notice::SlotIncomplete(error));
        }
        self.destinations.close_until(mark);
        if let Some(alarm) = self.own_metrics.check_rejects() {
            (self.say)(&alarm);
        }
        let gauges = self.read_gauges(commits_waiting, now);
        let slot = mark.minus(self.settings.interval);
        self.own_metrics.close_slot(slot, &gauges);
        self.settings.own_totals.add_slot(self.own_metrics.at_slot(slot));
    }

    /// Lines that came too late to be sent are said.
    fn say_late(&mut self, is_last: bool) {
        for notice in self.destinations.late_notices(is_last) {
            (self.say)(&notice);
        }
    }

    /// How it goes.
    fn read_pulse(&self) -> DaemonPulse {
        let view = self.writer.view();
        let is_read = |known: &&Generation| !known.finished && view.again_of(known.id).is_none();
        DaemonPulse {
            read_until: view.read_until(),
            logs: view.generations().iter().filter(is_read).count(),
            unread_logs: view.unread_spans().filter(|span| span.is_lasting()).count(),
            routes: view.routes().len(),
            slots_owed: self.destinations.totals().slots_owed,
            is_unsaved: self.retry_at.is_some(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
    fn read_gauges(&self, commits_waiting: usize, now: Timestamp) -> Gauges {
        let behind = now.millis().saturating_sub(self.latest_end.millis());
        let behind = if self.caught_up { 0 } else { behind };
        // A log that is not read is as far behind as it is unread.
        let unread = self.writer.view().unread_spans().filter(|span| span.is_lasting()).map(|span| span.from);
        let unread = unread.filter(|from| from.0 > i64::MIN).min();
        let unread = unread.map_or(0, |from| now.millis().saturating_sub(from.millis()));
        let totals = self.destinations.totals();
        Gauges {
            lag_seconds: behind.max(unread) as f64 / 1000.0,
            queue: commits_waiting as f64,
            routes: self.writer.view().routes().len() as f64,
            slots_owed: totals.slots_owed as f64,
            slots_dropped: totals.slots_dropped as f64,
            points_sent: totals.points_sent as f64,
            send_failures: totals.send_failures as f64,
        }
    }

    /// Wait a little for what is under way, then let the sending threads go.
    fn say_last_words(&mut self, outcomes: &Receiver<SendOutcome>) {
        self.destinations.begin_ending();
        let deadline = Instant::now() + LAST_WORDS;
        while self.destinations.are_busy() {
            let Ok(outcome) = outcomes.recv_deadline(deadline) else { break };
            self.on_outcome(outcome);
            self.emit_slots(0);
        }
        self.destinations.close();
    }
}
