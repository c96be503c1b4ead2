//! What the keeping thread knows of one destination: what it is owed, what is under way, when to try again.

use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::carbon_sender::{RenderedSlots, SendOutcome};
use super::{DaemonSettings, DestinationSettings};
use crate::carbon::{Naming, Owed, OwedState, Points, timely};
use crate::store::{DestinationProgress, View};
use crate::time::Timestamp;

/// Batches handed to the pushing thread and not yet reported on, at most: one being written, one waiting.
pub(super) const IN_FLIGHT: usize = 2;

/// A batch is full at about this many points (some 2 MB of text).
const BATCH_POINTS: usize = 20_000;

/// One destination, seen from the keeping thread.
pub(super) struct DestinationQueue {
    /// Its address, by which the store knows it.
    pub(super) name: String,
    /// How its metrics are named.
    pub(super) naming: Naming,
    /// The slots it is owed.
    pub(super) owed: Owed,
    batches: Option<Sender<RenderedSlots>>,
    in_flight: usize,
    retry_at: Option<Instant>,
    buffers: Vec<Points>,
    /// Whether the last batch failed, as was said aloud: an outage is one message and not one a second. `None` before the first.
    failing: Option<bool>,
    retention: Duration,
    /// Points delivered so far.
    pub(super) points_sent: u64,
    /// Batches that failed so far.
    pub(super) failures: u64,
}

impl DestinationQueue {
    /// An outlet that goes on where the store says it was.
    pub(super) fn new(
        outlet: &DestinationSettings,
        batches: Sender<RenderedSlots>,
        settings: &DaemonSettings,
        view: &View,
    ) -> DestinationQueue {
        let name = outlet.destination.address.clone();
        let limit = outlet.spool.as_millis().checked_div(settings.interval.as_millis()).unwrap_or(1);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let owed = match view.destinations().iter().find(|delivery| delivery.destination == name) {
            Some(delivery) => Owed::restore(limit, delivery.emitted_until, delivery.pending.clone(), delivery.dropped),
            None => Owed::new(limit),
        };
        DestinationQueue {
            name,
            naming: outlet.naming.clone(),
            owed,
            batches: Some(batches),
            in_flight: 0,
            retry_at: None,
            buffers: Vec::new(),
            failing: None,
            retention: outlet.spool,
            points_sent: 0,
            failures: 0,
        }
    }

    /// Begin where the last run stopped, or at `now_slot` if there was none; gives that mark. TCP acknowledges nothing:
    /// what was sent within the lateness before the mark may never have arrived, and is owed again.
    pub(super) fn resume(&mut self, now_slot: Timestamp, settings: &DaemonSettings) -> Timestamp {
        let known = self.owed.emitted_until();
        if known.millis() <= 0 {
            self.owed.set_emitted_until(now_slot);
            return now_slot;
        }
        // No further back than the spool reaches, however long the daemon was down.
        let mark = known.max(now_slot.minus(self.retention)).slot(settings.interval);
        let mut slot = mark.minus(settings.lateness).slot(settings.interval);
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
        if timely(slot, now, self.retention) {
            self.owed.owe(slot);
        }
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

    /// Hand owed slots before `before` to the pushing thread, oldest first, as far as it has room.
    pub(super) fn feed(
        &mut self,
        now: Instant,
        before: Timestamp,
        mut render: impl FnMut(&Naming, Timestamp, &mut Points),
    ) {
        let Some(batches) = self.batches.clone().filter(|_| self.retry_at.is_none_or(|at| at <= now)) else { return };
        self.retry_at = None;
        while self.in_flight < IN_FLIGHT {
            let mut points = self.buffers.pop().unwrap_or_default();
            let mut slots = Vec::new();
            while points.len() < BATCH_POINTS {
                let Some(slot) = self.owed.next(before) else { break };
                render(&self.naming, slot, &mut points);
                slots.push(slot);
            }
            if slots.is_empty() {
                self.buffers.push(points);
                return;
            }
            self.in_flight += 1;
            if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
                batches.try_send(RenderedSlots { slots, points })
            {
                self.in_flight -= 1;
                for slot in batch.slots {
                    self.owed.failed(slot);
                }
                return;
            }
        }
    }

    /// Take note of what became of a batch. Gives a message worth saying, if any.
    pub(super) fn settle(&mut self, outcome: SendOutcome, now: Instant) -> Option<String> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let SendOutcome { slots, mut points, reconnected, failed, .. } = outcome;
        if reconnected {
            self.owed.reconnected(now);
        }
        let said = match failed {
            None => {
                self.points_sent += points.len() as u64;
                for slot in slots {
                    self.owed.delivered(slot, now);
                }
                let news = self.failing.replace(false) != Some(false);
                news.then(|| match self.owed.len() {
                    0 => format!("carbon {}: connected", self.name),
                    owed => format!("carbon {}: connected; {owed} slots owed", self.name),
                })
            }
            Some((error, retry_at)) => {
                self.failures += 1;
                for slot in slots {
                    self.owed.failed(slot);
                }
                self.retry_at = Some(retry_at);
                let news = self.failing.replace(true) != Some(true);
                news.then(|| format!("{error}; slots are kept and sent when it is back"))
            }
        };
        points.clear();
        self.buffers.push(points);
        said
    }

    /// Send nothing more; lets the pushing thread end.
    pub(super) fn close(&mut self) {
        self.batches = None;
    }

    /// Whether batches are under way.
    pub(super) fn busy(&self) -> bool {
        self.in_flight > 0
    }
}
