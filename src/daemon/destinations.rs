//! All destinations together: how far they were given slots, and what the store is to remember of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::destination_queue::{DestinationQueue, DestinationTotals};
use super::notice::Notice;
use super::rendered_slots::SendOutcome;
use super::settings::DaemonSettings;
use super::slot_renderer::SlotRenderer;
use crate::error::Error;
use crate::store::DestinationProgress;
use crate::time::Timestamp;

/// A slot that got lines.
pub(super) struct TouchedSlot {
    pub(super) slot: Timestamp,
    /// How many; 0 where nobody asks.
    pub(super) lines: u64,
}

/// The destinations of one run.
pub(super) struct Destinations {
    queues: Vec<DestinationQueue>,
    interval: Duration,
    /// All slots before this are over.
    closed_until: Timestamp,
    /// All slots before this were given to some destination, for the counting thread: a line in one is late.
    shared_mark: Arc<AtomicI64>,
    /// Something is owed or was delivered that the store does not know yet.
    are_changed: bool,
    /// A slot that is to be sent once was delivered: the store has to know before the next crash.
    is_note_urgent: bool,
    /// The daemon ends: what is not under way by now to those that get each slot once is left for the next one.
    is_ending: bool,
    /// The logs were read to their ends when lines were counted last.
    is_caught_up: bool,
}

impl Destinations {
    /// Each goes on where the last run stopped, or at `now`.
    pub(super) fn resume(
        mut queues: Vec<DestinationQueue>,
        settings: &DaemonSettings,
        now: Timestamp,
        shared_mark: Arc<AtomicI64>,
    ) -> Destinations {
        let interval = settings.interval;
        let now_slot = now.slot(interval);
        let marks = queues.iter_mut().map(|queue| queue.resume(now_slot, settings));
        let closed_until = marks.min().unwrap_or(now_slot);
        shared_mark.store(closed_until.0, Ordering::Relaxed);
        Destinations {
            queues,
            interval,
            closed_until,
            shared_mark,
            are_changed: true,
            is_note_urgent: false,
            is_ending: false,
            is_caught_up: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// All slots before this are over.
    pub(super) fn closed_until(&self) -> Timestamp {
        self.closed_until
    }

    /// When the next slot is over, or is to be given to a destination, whichever comes first.
    pub(super) fn next_slot_at(&self) -> Timestamp {
        let next = self.queues.iter().map(|queue| queue.next_slot_at(self.interval));
        next.fold(self.closed_until.plus(self.interval), Timestamp::min)
    }

    /// Whether any gets each slot once.
    pub(super) fn any_sends_once(&self) -> bool {
        self.queues.iter().any(DestinationQueue::sends_once)
    }

    /// The store has to be told of what changed.
    pub(super) fn need_commit(&self) -> bool {
        self.are_changed
    }

    /// The store has to be told now, not with what comes next.
    pub(super) fn need_commit_now(&self) -> bool {
        self.is_note_urgent
    }

    /// Let the next commit tell the store of them, whatever changed.
    pub(super) fn require_commit(&mut self) {
        self.are_changed = true;
    }

    /// The store knows of all that changed.
    pub(super) fn note_committed(&mut self) {
        self.are_changed = false;
        self.is_note_urgent = false;
    }

    /// What the store is to remember.
    pub(super) fn deliveries(&self) -> Vec<DestinationProgress> {
        self.queues.iter().map(DestinationQueue::delivery).collect()
    }

    /// These slots got so many lines. Those that were sent already are owed again, whole; the others get their turn when they are
    /// over. A slot before `whole_from` the store has no longer whole: it would be sent with what came late alone. Gives how many
    /// lines some destination will not be sent, since it gets each slot once.
    pub(super) fn owe_again(&mut self, touched: &[TouchedSlot], whole_from: Timestamp, now: Timestamp) -> u64 {
        let mut most_unsent = 0;
        for queue in &mut self.queues {
            let mut unsent = 0;
            for touched in touched.iter().filter(|touched| touched.slot >= whole_from) {
                unsent += queue.owe_again(touched.slot, touched.lines, now);
                self.are_changed = true;
            }
            most_unsent = unsent.max(most_unsent);
        }
        most_unsent
    }

    /// All slots before `mark` are over.
    pub(super) fn close_until(&mut self, mark: Timestamp) {
        self.closed_until = mark;
        if self.queues.is_empty() {
            self.shared_mark.store(mark.0, Ordering::Relaxed);
        }
    }

    /// How far the logs are read.
    pub(super) fn note_reading(&mut self, is_caught_up: bool) {
        self.is_caught_up = is_caught_up;
    }

    /// Whether any begins with what stood in the logs before the first start, and was not owed it yet.
    pub(super) fn await_backlog(&self) -> bool {
        self.queues.iter().any(DestinationQueue::awaits_backlog)
    }

    /// Owe each destination the slots that were over at `over`, for as long as it waits for lines, and end before `bound`; of a backlog those
    /// from `backlog_begin` on. Whether there are new ones. While the logs are not read to their ends, one of them may hold more of any
    /// slot, however old: where each is sent once, none is owed then.
    pub(super) fn owe_until(
        &mut self,
        over: Timestamp,
        bound: Timestamp,
        backlog_begin: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let mut are_new = false;
        let mut first_sent = Timestamp(i64::MIN);
        let is_caught_up = self.is_caught_up;
        for queue in &mut self.queues {
            if is_caught_up || !queue.sends_once() {
                are_new |= queue.owe_until(over, bound, backlog_begin, now);
            }
            first_sent = first_sent.max(queue.emitted_until());
        }
        if are_new {
            self.are_changed = true;
            self.shared_mark.store(first_sent.0, Ordering::Relaxed);
        }
        are_new
    }

    /// What is to be said of lines that came too late to be sent, and of slots that are not; `is_last`: nothing will be said after this.
    pub(super) fn late_notices(&mut self, is_last: bool) -> Vec<Notice> {
        let interval = self.interval;
        let mut notices = Vec::new();
        for queue in &mut self.queues {
            notices.extend(queue.late_notice(interval, is_last));
            notices.extend(queue.overflow_notice(is_last));
            #[cfg(feature = "otlp")]
            notices.extend(queue.refusal_notices(is_last));
        }
        notices
    }

    /// Hand out what is owed of before `before`, as far as the sending threads have room. Gives the last error that reading the
    /// store met: a slot of which something could not be read is sent without it.
    pub(super) fn feed_queues(&mut self, before: Timestamp, renderer: &SlotRenderer<'_>) -> Option<Error> {
        let (now, mut failed) = (Instant::now(), None);
        let holds_back = self.is_ending || !self.is_caught_up;
        for queue in self.queues.iter_mut().filter(|queue| !(holds_back && queue.sends_once())) {
            failed = queue.feed(now, before, renderer).or(failed);
        }
        failed
    }

    /// A sending thread says what became of a batch. Gives what is worth saying of it, if anything.
    pub(super) fn on_outcome(&mut self, outcome: SendOutcome) -> Vec<Notice> {
        let Some(queue) = self.queues.get_mut(outcome.destination) else { return Vec::new() };
        self.are_changed = true;
        self.is_note_urgent |= queue.sends_once();
        queue.on_outcome(outcome, Instant::now())
    }

    /// When the next one that failed may be tried again.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.queues.iter().filter_map(DestinationQueue::wake_at).min()
    }

    /// Whether anything is under way to any of them.
    pub(super) fn are_busy(&self) -> bool {
        self.queues.iter().any(DestinationQueue::is_busy)
    }

    /// The daemon ends. What it cannot wait for would come twice where each slot is to come once, so no more is begun there.
    pub(super) fn begin_ending(&mut self) {
        self.is_ending = true;
    }

    /// Send nothing more; lets the sending threads end.
    pub(super) fn close(&mut self) {
        for queue in &mut self.queues {
            queue.close();
        }
    }

    pub(super) fn totals(&self) -> DestinationTotals {
        let mut totals = DestinationTotals::default();
        for queue in &self.queues {
            queue.add_to(&mut totals);
        }
        totals
    }
}
