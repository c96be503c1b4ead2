//! The queue of one destination: the committing thread knows what it is owed and feeds it, a thread of its own sends what comes out.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::late_lines::LateLines;
use super::notice::Notice;
#[cfg(feature = "otlp")]
use super::otlp_refusals::OtlpRefusals;
use super::outlet::{CarriedBatch, CarriedVerdict, OutletAccount, SlotBatch, SlotForm};
use super::rendered_slots::{RenderedSlots, SendOutcome};
use super::settings::DaemonSettings;
use super::slot_renderer::SlotRenderer;
use super::spool_overflow::SpoolOverflow;
use crate::carbon::{DeliveryDoubt, Owed, OwedState, RESEND_UNACKNOWLEDGED, SendMode, is_timely};
use crate::error::Error;
use crate::store::{DestinationProgress, View};
use crate::time::Timestamp;

/// Batches handed to the sending thread and not yet reported on, at most: one being written, one waiting.
const IN_FLIGHT: usize = 2;

/// Where a slot is sent once, so many at most are sent of what stood in the logs before the first start, however long the spool.
const BACKLOG_SLOTS: u32 = 100_000;

/// Figures over all destinations; all but the first since the daemon was started.
#[derive(Default)]
pub(super) struct DestinationTotals {
    pub(super) slots_owed: usize,
    /// Given up, over the limit of a spool.
    pub(super) slots_dropped: u64,
    pub(super) points_sent: u64,
    pub(super) send_failures: u64,
}

/// One destination, seen from the committing thread.
pub(super) struct DestinationQueue {
    /// Its address, by which the store knows it.
    name: String,
    /// What its slots are rendered into.
    form: SlotForm,
    /// The slots it is owed.
    owed: Owed,
    /// When they are sent.
    send: SendMode,
    /// How long a slot is over before it is owed.
    delay: Duration,
    /// Lines that came after their slot was sent for good.
    late: LateLines,
    /// Slots that are beyond the spool.
    overflow: SpoolOverflow,
    /// What it refuses.
    #[cfg(feature = "otlp")]
    refusals: OtlpRefusals,
    interval: Duration,
    /// The store held nothing when this began.
    is_store_new: bool,
    /// Where what stood in the logs at the first start begins: before it nothing is missed.
    backlog_begin: Option<Timestamp>,
    batches: Option<Sender<RenderedSlots>>,
    /// Those that the sending thread has not begun.
    unbegun: Receiver<RenderedSlots>,
    in_flight: usize,
    retry_at: Option<Instant>,
    buffers: Vec<SlotBatch>,
    /// Whether the last batch failed, as was said aloud: an outage is one message and not one a second. `None` before the first.
    failing: Option<bool>,
    retention: Duration,
    /// Points delivered so far.
    points_sent: u64,
    /// Batches that failed so far.
    failures: u64,
}

impl DestinationQueue {
    /// A queue that goes on where the store says it was.
    pub(super) fn new(account: OutletAccount, settings: &DaemonSettings, view: &View) -> DestinationQueue {
        let (batches, unbegun) = bounded(IN_FLIGHT);
        let OutletAccount { name, spool, send, mut delay, form } = account;
        let limit = spool.as_millis().checked_div(settings.interval.as_millis()).unwrap_or(1);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let mut owed = match view.destinations().iter().find(|delivery| delivery.destination == name) {
            Some(delivery) => Owed::restore(limit, delivery.emitted_until, delivery.pending.clone(), delivery.dropped),
            None => Owed::new(limit),
        };
        if send == SendMode::Final {
            owed = owed.resending(RESEND_UNACKNOWLEDGED);
            delay = delay.max(settings.lateness);
        }
        DestinationQueue {
            name,
            form,
            owed,
            send,
            delay,
            late: LateLines::default(),
            overflow: SpoolOverflow::default(),
            #[cfg(feature = "otlp")]
            refusals: OtlpRefusals::default(),
            interval: settings.interval,
            is_store_new: view.generations().is_empty(),
            backlog_begin: None,
            batches: Some(batches),
            unbegun,
            in_flight: 0,
            retry_at: None,
            buffers: Vec::new(),
            failing: None,
            retention: spool.saturating_add(delay),
            points_sent: 0,
            failures: 0,
        }
    }

    /// Begin where the last run stopped, or at `now_slot` if there was none; gives since when slots were not closed. TCP acknowledges nothing:
    /// what was sent within the lateness before the mark may never have arrived, and is owed again, unless a slot is to be sent once.
    pub(super) fn resume(&mut self, now_slot: Timestamp, settings: &DaemonSettings) -> Timestamp {
        let known = self.owed.emitted_until();
        if known.millis() <= 0 {
            // What stands in the logs already gets its turn, too: where late lines send slots again, by them.
            let is_backlog_sent = self.send == SendMode::Final && self.is_store_new;
            let reach = settings.interval.saturating_mul(BACKLOG_SLOTS).min(self.retention);
            let first = if is_backlog_sent { now_slot.minus(reach).slot(settings.interval) } else { now_slot };
            self.owed.set_emitted_until(first);
            self.backlog_begin = Some(first);
            return now_slot;
        }
        // No further back than the spool reaches, however long the daemon was down.
        let mark = known.max(now_slot.minus(self.retention)).slot(settings.interval);
        if known < mark {
            self.overflow.add(known, mark);
        }
        let doubted = if self.send == SendMode::Final { Duration::ZERO } else { settings.lateness };
        let mut slot = mark.minus(doubted).slot(settings.interval);
        while slot < mark {
            self.owed.owe(slot);
            slot = slot.plus(settings.interval);
        }
        self.owed.set_emitted_until(mark);
        mark
    }

    /// A slot is new or has changed. Slots too old for the spool, or of a future that carbon would take for the past,
    /// are passed over.
    pub(super) fn owe(&mut self, slot: Timestamp, now: Timestamp) {
        if is_timely(slot, now, self.retention) {
            self.owed.owe(slot);
        } else if slot < now {
            self.overflow.add(slot, slot.plus(self.interval));
        }
    }

    /// A slot got so many lines. One that was sent already is owed again. Where a slot is sent once, they are counted as late;
    /// gives how many will not be sent.
    pub(super) fn owe_again(&mut self, slot: Timestamp, lines: u64, now: Timestamp) -> u64 {
        if slot >= self.emitted_until() {
            return 0;
        }
        match self.send {
            SendMode::Changed => self.owe(slot, now),
            SendMode::Final if self.owed.is_waiting(slot) => {}
            SendMode::Final => {
                self.late.add(slot, lines);
                return lines;
            }
        }
        0
    }

    /// Whether what stood in the logs before the first start is still to be owed.
    pub(super) fn awaits_backlog(&self) -> bool {
        self.backlog_begin == Some(self.emitted_until())
    }

    /// Owe the slots that were over for long enough at `over` and end before `bound`; of a backlog those from where the store begins.
    /// Whether there are new ones.
    pub(super) fn owe_until(
        &mut self,
        over: Timestamp,
        bound: Timestamp,
        store_begin: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let interval = self.interval;
        let mark = over.minus(self.delay).slot(interval).min(bound);
        let known = self.emitted_until();
        if mark <= known {
            return false;
        }
        // A clock that is set may leave years behind: only what the spool reaches back to is gone through.
        let reach = now.minus(self.retention).slot(interval).plus(interval);
        let mut slot = known.max(reach).min(mark);
        if self.awaits_backlog() {
            // Before the first request there is nothing to send.
            slot = slot.max(store_begin.unwrap_or(mark)).min(mark);
        } else if known < slot {
            self.overflow.add(known, slot);
        }
        while slot < mark {
            self.owe(slot, now);
            slot = slot.plus(interval);
        }
        self.owed.set_emitted_until(mark);
        true
    }

    /// When the next slot is to be owed.
    pub(super) fn next_slot_at(&self, interval: Duration) -> Timestamp {
        self.emitted_until().plus(interval).plus(self.delay)
    }

    /// All slots before this were owed at least once.
    pub(super) fn emitted_until(&self) -> Timestamp {
        self.owed.emitted_until()
    }

    /// Whether each slot is sent once.
    pub(super) fn sends_once(&self) -> bool {
        self.send == SendMode::Final
    }

    /// What is to be said of lines that came too late to be sent, if it is time; `is_last`: nothing will be said after this.
    pub(super) fn late_notice(&mut self, interval: Duration, is_last: bool) -> Option<Notice> {
        let notice = self.late.take_notice(&self.name, interval, Instant::now(), is_last)?;
        Some(self.form.worded(notice))
    }

    /// What is to be said of slots that are not sent, if it is time; `is_last`: nothing will be said after this.
    pub(super) fn overflow_notice(&mut self, is_last: bool) -> Option<Notice> {
        if let Some((first, last)) = self.owed.take_fallen_out() {
            self.overflow.add(first, last.plus(self.interval));
        }
        let notice = self.overflow.take_notice(&self.name, Instant::now(), is_last)?;
        Some(self.form.worded(notice))
    }

    /// What is to be said of what it refuses, if it is time; `is_last`: nothing will be said after this.
    #[cfg(feature = "otlp")]
    pub(super) fn refusal_notices(&mut self, is_last: bool) -> Vec<Notice> {
        let notices = self.refusals.take_notices(&self.name, Instant::now(), is_last);
        notices.into_iter().map(Notice::Otlp).collect()
    }

    /// What the store is to remember.
    pub(super) fn delivery(&self) -> DestinationProgress {
        let OwedState { emitted_until, pending, dropped } = self.owed.to_parts();
        DestinationProgress { destination: self.name.clone(), emitted_until, pending, dropped }
    }

    /// When something may be sent again; `None` if nothing waits for a time.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.retry_at.filter(|_| !self.owed.is_empty())
    }

    /// Hand owed slots before `before` to the sending thread, oldest first, as far as it has room. Gives the last error that
    /// rendering met.
    pub(super) fn feed(&mut self, now: Instant, before: Timestamp, renderer: &SlotRenderer<'_>) -> Option<Error> {
        let batches = self.batches.clone()?;
        if self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.retry_at = None;
        let mut failed = None;
        while self.in_flight < IN_FLIGHT {
            let buffer = self.buffers.pop().unwrap_or_else(|| self.form.new_batch());
            let mut batch = RenderedSlots { slots: Vec::new(), batch: buffer };
            failed = self.fill_batch(&mut batch, before, renderer).or(failed);
            if batch.slots.is_empty() {
                self.buffers.push(batch.batch);
                break;
            }
            self.in_flight += 1;
            if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) = batches.try_send(batch) {
                self.in_flight -= 1;
                self.owe_anew(batch.slots);
                break;
            }
        }
        failed
    }

    /// Render owed slots into a batch until it is full or nothing is owed.
    fn fill_batch(
        &mut self,
        batch: &mut RenderedSlots,
        before: Timestamp,
        renderer: &SlotRenderer<'_>,
    ) -> Option<Error> {
        let mut failed = None;
        while !batch.batch.is_full() {
            let Some(slot) = self.owed.next(before) else { break };
            failed = self.form.render(renderer, slot, &mut batch.batch).err().or(failed);
            batch.slots.push(slot);
        }
        failed
    }

    fn owe_anew(&mut self, slots: Vec<Timestamp>) {
        for slot in slots {
            self.owed.failed(slot);
        }
    }

    /// Take note of what became of a batch. Gives what is worth saying of it, if anything: an outage is said once.
    pub(super) fn on_outcome(&mut self, outcome: SendOutcome, now: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.in_flight = self.in_flight.saturating_sub(1);
        let SendOutcome { slots, mut batch, carried, .. } = outcome;
        let CarriedBatch { bytes, reconnected, verdict } = carried;
        if reconnected {
            let doubt = self.owed.reconnected(now);
            if self.sends_once() && doubt != DeliveryDoubt::default() {
                notices.push(Notice::SentAgain { address: self.name.clone(), doubt });
            }
        }
        let points = batch.len() as u64;
        batch.clear();
        self.buffers.push(batch);
        // Slots without a point are done with, but nobody was asked to take them.
        let mut is_failing = if points == 0 { self.failing } else { Some(false) };
        let mut failure = None;
        match verdict {
            CarriedVerdict::Taken => self.note_taken(slots, points, bytes, now),
            #[cfg(feature = "otlp")]
            CarriedVerdict::TakenInPart { rejected, words } => {
                self.refusals.add_points(rejected, &words);
                self.note_taken(slots, points.saturating_sub(rejected), bytes, now);
            }
            #[cfg(feature = "otlp")]
            CarriedVerdict::Refused(words) => {
                self.refuse(slots, &words);
                is_failing = self.failing;
            }
            CarriedVerdict::Failed(notice, retry_at) => {
                self.failures += 1;
                self.owe_anew(slots);
                self.retry_at = Some(retry_at);
                is_failing = Some(true);
                failure = Some(notice);
            }
        }
        if std::mem::replace(&mut self.failing, is_failing) != is_failing {
            let connected = Notice::CarbonConnected { address: self.name.clone(), owed: self.owed.len() };
            notices.push(failure.unwrap_or_else(|| self.form.worded(connected)));
        }
        notices
    }

    /// These slots were taken, with so many points and bytes.
    fn note_taken(&mut self, slots: Vec<Timestamp>, points: u64, bytes: u64, now: Instant) {
        self.points_sent += points;
        self.owed.hand_over(bytes);
        for slot in slots {
            self.owed.delivered(slot, now);
        }
    }

    /// These slots will never be taken.
    #[cfg(feature = "otlp")]
    fn refuse(&mut self, slots: Vec<Timestamp>, words: &str) {
        self.failures += 1;
        for slot in slots {
            self.owed.refused(slot);
            self.refusals.add_slot(slot, slot.plus(self.interval), words);
        }
    }

    pub(super) fn add_to(&self, totals: &mut DestinationTotals) {
        totals.slots_owed += self.owed.len();
        totals.slots_dropped += self.owed.dropped();
        totals.points_sent += self.points_sent;
        totals.send_failures += self.failures;
    }

    /// Where the sending thread gets its batches from.
    pub(super) fn unbegun(&self) -> Receiver<RenderedSlots> {
        self.unbegun.clone()
    }

    /// Send nothing more, not even what waits for its turn: it is owed, and would come twice. Lets the sending thread end.
    pub(super) fn close(&mut self) {
        self.batches = None;
        self.unbegun.try_iter().for_each(drop);
    }

    /// Whether batches are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight > 0
    }
}
