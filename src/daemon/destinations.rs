//! All destinations together: how far they were given slots, and what the store is to remember of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::destination_queue::{DestinationQueue, DestinationTotals, SendOutcome};
use super::notice::Notice;
use super::settings::DaemonSettings;
use super::slot_renderer::SlotRenderer;
use crate::error::Error;
use crate::store::DestinationProgress;
use crate::time::Timestamp;

/// The destinations of one run.
pub(super) struct Destinations {
    queues: Vec<DestinationQueue>,
    interval: Duration,
    /// All slots before this were given to the destinations at least once.
    emitted_until: Timestamp,
    /// The same, for the counting thread.
    shared_mark: Arc<AtomicI64>,
    /// Something is owed or was delivered that the store does not know yet.
    are_changed: bool,
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
        let emitted_until = marks.min().unwrap_or(now_slot);
        shared_mark.store(emitted_until.0, Ordering::Relaxed);
        Destinations { queues, interval, emitted_until, shared_mark, are_changed: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// All slots before this were given to the destinations at least once.
    pub(super) fn emitted_until(&self) -> Timestamp {
        self.emitted_until
    }

    /// The store has to be told of what changed.
    pub(super) fn need_commit(&self) -> bool {
        self.are_changed
    }

    /// Let the next commit tell the store of them, whatever changed.
    pub(super) fn require_commit(&mut self) {
        self.are_changed = true;
    }

    /// The store knows of all that changed.
    pub(super) fn note_committed(&mut self) {
        self.are_changed = false;
    }

    /// What the store is to remember.
    pub(super) fn deliveries(&self) -> Vec<DestinationProgress> {
        self.queues.iter().map(DestinationQueue::delivery).collect()
    }

    /// These slots got lines. Those that were sent already are owed again, whole; the others get their turn when they are over. A
    /// slot before `whole_from` the store has no longer whole: it would be sent with what came late alone.
    pub(super) fn owe_again(&mut self, touched: &[Timestamp], whole_from: Timestamp, now: Timestamp) {
        for &slot in touched {
            if slot < self.emitted_until && slot >= whole_from {
                self.owe(slot, now);
            }
        }
    }

    /// All slots before `mark` are over: those that were not given to the destinations yet are owed.
    pub(super) fn owe_until(&mut self, mark: Timestamp, now: Timestamp) {
        let mut slot = self.emitted_until;
        while slot < mark {
            self.owe(slot, now);
            slot = slot.plus(self.interval);
        }
        self.emitted_until = mark;
        self.shared_mark.store(mark.0, Ordering::Relaxed);
        for queue in &mut self.queues {
            queue.set_emitted_until(mark);
        }
    }

    fn owe(&mut self, slot: Timestamp, now: Timestamp) {
        for queue in &mut self.queues {
            queue.owe(slot, now);
        }
        self.are_changed = true;
    }

    /// Hand out what is owed of before `before`, as far as the sending threads have room. Gives the last error that reading the
    /// store met: a slot of which something could not be read is sent without it.
    pub(super) fn feed_queues(&mut self, before: Timestamp, renderer: &SlotRenderer<'_>) -> Option<Error> {
        let (now, mut failed) = (Instant::now(), None);
        for queue in &mut self.queues {
            failed = queue.feed(now, before, renderer).or(failed);
        }
        failed
    }

    /// A sending thread says what became of a batch. Gives what is worth saying of it, if anything.
    pub(super) fn on_outcome(&mut self, outcome: SendOutcome) -> Option<Notice> {
        let queue = self.queues.get_mut(outcome.destination)?;
        self.are_changed = true;
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
