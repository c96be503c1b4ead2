//! The thread that keeps: commits what was counted, and decides which slots are sent when.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};

use super::carbon_sender::SendOutcome;
use super::destination_queue::DestinationQueue;
use super::line_counter::CountedLines;
use super::self_metrics::{Gauges, SelfMetrics};
use super::{DaemonSettings, Say, slot_renderer};
use crate::error::{Error, Result};
use crate::pipeline::{CommitBuilder, Row, SlotSettings};
use crate::source::generation::GenerationId;
use crate::store::{Commit, Ledger, MaintenanceOutcome, Writer};
use crate::time::{Clock, Timestamp};

/// A commit that failed is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// While the store cannot be written, counting goes on for this many bytes of log; then it waits, so that memory stays
/// bounded. The lines are still in the logs.
const UNSAVED_BYTES: u64 = 512 << 20;

/// A slot is sent when it has been over for this long: by then lines written just at its end were read (a poll) and
/// handed on (a second).
const GRACE: Duration = Duration::from_millis(1_500);

/// On a clean stop, this long is given to what is under way to carbon.
const LAST_WORDS: Duration = Duration::from_millis(1_000);

/// Where the thread's work comes from.
pub(super) struct Channels<'c> {
    pub(super) counted: Receiver<CountedLines>,
    pub(super) outcomes: Receiver<SendOutcome>,
    pub(super) stop: &'c Receiver<()>,
}

/// The state of the keeping thread.
pub(super) struct Committer {
    settings: Arc<DaemonSettings>,
    clock: Arc<dyn Clock>,
    say: Say,
    pub(super) writer: Writer,
    slowest: CommitBuilder,
    spare: Sender<Vec<Row>>,
    /// What a failed commit left, to go with the next.
    unsaved: Commit,
    unsaved_bytes: u64,
    try_again: Option<Instant>,
    /// Most lines were rejected in the last slot that had any.
    rejecting: bool,
    outlets: Vec<DestinationQueue>,
    deliveries_changed: bool,
    caught_up: bool,
    /// The latest end of a request that was handed on.
    latest: Timestamp,
    /// All slots before this were given to the destinations at least once.
    emitted_until: Timestamp,
    /// The same, for the counting thread.
    emitted: Arc<AtomicI64>,
    own: SelfMetrics,
}

impl Committer {
    pub(super) fn new(
        settings: Arc<DaemonSettings>,
        writer: Writer,
        (slots, spare): (SlotSettings, Sender<Vec<Row>>),
        mut outlets: Vec<DestinationQueue>,
        emitted: Arc<AtomicI64>,
        clock: Arc<dyn Clock>,
        say: Say,
    ) -> Committer {
        let now_slot = clock.now().slot(settings.interval);
        let emitted_until =
            outlets.iter_mut().map(|outlet| outlet.resume(now_slot, &settings)).min().unwrap_or(now_slot);
        emitted.store(emitted_until.0, Ordering::Relaxed);
        Committer {
            settings,
            clock,
            say,
            writer,
            slowest: CommitBuilder::new(slots),
            spare,
            unsaved: Commit::default(),
            unsaved_bytes: 0,
            try_again: None,
            rejecting: false,
            outlets,
            deliveries_changed: true,
            caught_up: false,
            latest: Timestamp(i64::MIN),
            emitted_until,
            emitted,
            own: SelfMetrics::default(),
        }
    }

    /// Work until told to stop; then drop `halt`, which ends the reading and so the counting thread, take what they had
    /// under way, and commit.
    ///
    /// # Errors
    /// The last commit failed.
    pub(super) fn run(mut self, channels: &Channels<'_>, halt: Sender<()>) -> Result<()> {
        loop {
            let wait = self.next_deadline().saturating_duration_since(Instant::now());
            let (nothing, no_outcomes) = (crossbeam_channel::never(), crossbeam_channel::never());
            let counted = if self.unsaved_bytes > UNSAVED_BYTES { &nothing } else { &channels.counted };
            // Without destinations the channel has no sender, and would be ready for ever.
            let outcomes = if self.outlets.is_empty() { &no_outcomes } else { &channels.outcomes };
            select! {
                recv(channels.stop) -> _ => break,
                recv(counted) -> counted => match counted {
                    Ok(counted) => self.take(counted),
                    Err(_) => break,
                },
                recv(outcomes) -> outcome => if let Ok(outcome) = outcome { self.settle(outcome) },
                default(wait) => {}
            }
            if self.try_again.is_some_and(|at| at <= Instant::now()) {
                self.commit();
            }
            self.attend(channels.counted.len());
        }
        drop(halt);
        self.finish(channels.counted.iter(), &channels.outcomes)
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
            self.take(counted);
        }
        self.emit(0);
        self.last_words(outcomes);
        self.deliveries_changed = true;
        self.commit();
        if self.try_again.is_none() {
            return Ok(());
        }
        let what =
            "what was read since the last commit is not in the store; at the next start it is read again from the logs";
        Err(Error::failed(what).at(&self.settings.store))
    }

    /// Do what is due, with so many commits waiting.
    pub(super) fn attend(&mut self, queued: usize) {
        self.emit(queued);
        self.maintain();
    }

    /// The next moment at which something is to be done even if nothing arrives.
    fn next_deadline(&self) -> Instant {
        let now = Instant::now();
        let slot_over = self.emitted_until.plus(self.settings.interval).plus(GRACE);
        let until_slot = slot_over.millis().saturating_sub(self.clock.now().millis()).clamp(10, 60_000);
        let slot_at = now + Duration::from_millis(until_slot.cast_unsigned());
        let retry_at = self.outlets.iter().filter_map(DestinationQueue::wake_at).min();
        [Some(slot_at), self.try_again, retry_at].into_iter().flatten().min().unwrap_or(slot_at)
    }

    /// Take over what was counted, and commit it. A slot that was sent already is sent again, whole.
    pub(super) fn take(&mut self, counted: CountedLines) {
        let expired = self.writer.view().expired().detail.unwrap_or(Timestamp(i64::MIN));
        for slot in counted.touched {
            // A slot that the store no longer has whole would be sent with what came late alone.
            if slot < self.emitted_until && slot >= expired {
                self.owe(slot);
            }
        }
        self.latest = self.latest.max(counted.latest);
        self.caught_up = counted.caught_up;
        self.note(&counted.tally.ledgers);
        let (lines, rows) = self.slowest.build(counted.tally);
        // The counting thread may be gone or have enough: then they are simply freed.
        drop(self.spare.try_send(rows));
        let Commit { at, read_until, routes, generations, .. } = counted.commit;
        self.unsaved.absorb(Commit { at, read_until, routes, generations, ..lines });
        self.unsaved_bytes += counted.bytes;
        // While commits fail they are tried by the clock, not with every block.
        if self.try_again.is_none() {
            self.commit();
        }
    }

    /// Write everything not committed yet as one record; on failure keep it for the next attempt.
    fn commit(&mut self) {
        self.unsaved.at = self.clock.now();
        self.unsaved.destinations = self.outlets.iter().map(DestinationQueue::delivery).collect();
        match self.writer.commit(&mut self.unsaved) {
            Ok(()) => {
                self.unsaved_bytes = 0;
                self.deliveries_changed = false;
                if self.try_again.take().is_some() {
                    (self.say)("store: written again; nothing was lost");
                }
                if let Err(error) = self.writer.seal_if_due(!self.caught_up) {
                    (self.say)(&format!("store: {error}; it is tried again with the next commit"));
                }
            }
            Err(error) => {
                self.own.counters.commits_failed += 1;
                if self.try_again.replace(Instant::now() + TRY_AGAIN).is_none() {
                    (self.say)(&format!("store: {error}; reading and carbon go on, the commit is tried every second"));
                }
            }
        }
    }

    /// Merge and throw away what is due; not while the store cannot be written.
    fn maintain(&mut self) {
        if self.try_again.is_some() {
            return;
        }
        match self.writer.maintain(self.clock.now(), !self.caught_up) {
            Ok(MaintenanceOutcome { dropped: 0, .. }) => {}
            Ok(MaintenanceOutcome { dropped, dropped_bytes, .. }) => {
                let mib = dropped_bytes >> 20;
                (self.say)(&format!("store: {dropped} of the oldest segments ({mib} MiB) went, as [retention] says"));
            }
            Err(error) => (self.say)(&format!("store: {error}; nothing is lost, and it is tried again")),
        }
    }

    fn note(&mut self, ledgers: &[(GenerationId, Ledger)]) {
        let counters = &mut self.own.counters;
        for (_, ledger) in ledgers {
            counters.read += ledger.lines;
            counters.parsed += ledger.parsed;
            counters.rejected += ledger.rejected.values().sum::<u64>() + ledger.too_long;
            counters.late += ledger.late;
            counters.bytes += ledger.bytes;
            counters.dropped_bytes += ledger.unread + ledger.lost_to_truncation;
        }
    }

    fn owe(&mut self, slot: Timestamp) {
        let now = self.clock.now();
        for outlet in &mut self.outlets {
            outlet.owe(slot, now);
        }
        self.deliveries_changed = true;
    }

    /// Give the destinations the slots that are over, and hand out what they are owed.
    fn emit(&mut self, queued: usize) {
        let now = self.clock.now();
        let settled = self.latest.minus(self.settings.lateness).slot(self.settings.interval);
        let over = now.minus(GRACE).slot(self.settings.interval);
        let mark = if self.caught_up { over } else { over.min(settled) };
        if mark > self.emitted_until {
            self.close_slots(mark, queued, now);
            if self.deliveries_changed && self.try_again.is_none() {
                self.commit();
            }
        }
        let before = if self.caught_up { Timestamp(i64::MAX) } else { settled };
        let source = slot_renderer::SlotRenderer {
            view: self.writer.view(),
            uncommitted: &self.unsaved,
            own: &self.own,
            interval: self.settings.interval,
        };
        let mut failed = None;
        let instant = Instant::now();
        for outlet in &mut self.outlets {
            outlet.feed(instant, before, |naming, slot, points| {
                if let Err(error) = source.slot(naming, slot, points) {
                    failed = Some(error);
                }
            });
        }
        if let Some(error) = failed {
            (self.say)(&format!("store: {error}; that slot's points are incomplete"));
        }
    }

    fn close_slots(&mut self, mark: Timestamp, queued: usize, now: Timestamp) {
        let interval = self.settings.interval;
        let mut slot = self.emitted_until;
        while slot < mark {
            self.owe(slot);
            slot = slot.plus(interval);
        }
        self.emitted_until = mark;
        self.emitted.store(mark.0, Ordering::Relaxed);
        for outlet in &mut self.outlets {
            outlet.owed.set_emitted_until(mark);
        }
        self.warn_of_rejects();
        let behind = now.millis().saturating_sub(self.latest.millis());
        #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
        let gauges = Gauges {
            lag_seconds: if self.caught_up { 0.0 } else { behind as f64 / 1000.0 },
            queue: queued as f64,
            routes: self.writer.view().routes().len() as f64,
            slots_owed: self.outlets.iter().map(|outlet| outlet.owed.len()).sum::<usize>() as f64,
            slots_dropped: self.outlets.iter().map(|outlet| outlet.owed.dropped()).sum::<u64>() as f64,
            points_sent: self.outlets.iter().map(|outlet| outlet.points_sent).sum::<u64>() as f64,
            send_failures: self.outlets.iter().map(|outlet| outlet.failures).sum::<u64>() as f64,
        };
        self.own.close(mark.minus(interval), &gauges);
    }

    /// Say so when most lines do not fit their format: then the configuration is wrong, or nginx's has changed.
    fn warn_of_rejects(&mut self) {
        let (read, rejected) = (self.own.counters.read, self.own.counters.rejected);
        let alarming = read > 0 && rejected * 2 > read;
        if alarming && !self.rejecting {
            (self.say)(&format!(
                "{rejected} of the last {read} lines do not fit their log's format; `spikeline check` shows where and why"
            ));
        }
        if read > 0 {
            self.rejecting = alarming;
        }
    }

    fn settle(&mut self, outcome: SendOutcome) {
        if let Some(outlet) = self.outlets.get_mut(outcome.outlet) {
            if let Some(message) = outlet.settle(outcome, Instant::now()) {
                (self.say)(&message);
            }
            self.deliveries_changed = true;
        }
    }

    /// Wait a little for what is under way, then let the pushing threads go.
    fn last_words(&mut self, outcomes: &Receiver<SendOutcome>) {
        let deadline = Instant::now() + LAST_WORDS;
        while self.outlets.iter().any(DestinationQueue::busy) {
            let Ok(outcome) = outcomes.recv_deadline(deadline) else { break };
            self.settle(outcome);
            self.emit(0);
        }
        for outlet in &mut self.outlets {
            outlet.close();
        }
    }
}
