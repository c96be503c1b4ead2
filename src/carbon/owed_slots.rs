//! Which slots a destination has still to get.
//!
//! Since every slot can be rendered again from the store, a carbon that is away costs no spool of bytes: what is kept
//! is the set of slots still owed, a timestamp each. The store persists [`OwedState`] with every commit, so that after a
//! crash at any moment the same slots are owed: a slot in flight counts as owed until its delivery is noted.
//!
//! TCP acknowledges to the kernel, not to the sender: what was handed over may lie unread in the two kernels' buffers, for as long as the
//! other side hangs, and is lost when it dies. So a delivery is in doubt when a connection breaks if it was within [`RESEND`] of the last
//! one, or if no more than [`UNREAD_BYTES`] were handed over after it. What is assumed: buffers hold no more than that, and a program that
//! reads keeps what it has read, but for its last two minutes.
//!
//! The life of a slot: `owe` -> owed -> `next` -> in flight -> `delivered` (kept in mind for [`RESEND`]) or `failed`
//! (owed again). A slot that changes while it is in flight is owed once more after that.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::time::Timestamp;

/// How far before a break deliveries are doubted: TCP acknowledges to the kernel, not to the sender, and carbon keeps
/// points in memory for a while before they are on its disk.
pub const RESEND: Duration = Duration::from_secs(120);

/// So many bytes at most are taken by the buffers of both ends of a connection while nobody reads: Linux gives the receiver 6 MiB
/// (`net.ipv4.tcp_rmem`), and a link 256 KiB to send from. The time that they took says nothing: a slot of a quiet host has 2 KB.
pub const UNREAD_BYTES: u64 = 8 << 20;

/// The same where a slot should not come twice: what was not acknowledged for this long (the links' `TCP_USER_TIMEOUT`) would have
/// broken the connection at the last delivery, so that only what came after it may be lost in TCP.
pub const RESEND_UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// What is persisted of an [`Owed`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwedState {
    /// All slots before this have been handed to [`Owed::owe`] at least once.
    pub emitted_until: Timestamp,
    /// The slots owed, ascending, those in flight included.
    pub pending: Vec<Timestamp>,
    /// How many were given up over the limit, since ever.
    pub dropped: u64,
}

/// A slot that was handed over to a connection.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    at: Instant,
    slot: Timestamp,
    /// How many bytes had been handed over with it.
    handed: u64,
}

/// What is doubted when a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryDoubt {
    /// Slots that were handed over and are owed again.
    pub owed_again: usize,
    /// Slots that were handed over and are not owed again although the other side had them only if it read them.
    pub taken_as_read: usize,
}

/// The slots that one destination is owed.
#[derive(Debug, Clone)]
pub struct Owed {
    /// The most slots in `waiting`. Overflow policy: the oldest is dropped and counted.
    limit: usize,
    emitted_until: Timestamp,
    waiting: BTreeSet<Timestamp>,
    /// Handed out, fate unknown. A slot in both sets changed after it was handed out.
    in_flight: BTreeSet<Timestamp>,
    /// How far before a break deliveries are doubted.
    resend: Duration,
    /// How many bytes before a break they are.
    unread: u64,
    /// Bytes handed over with all that was delivered.
    handed: u64,
    /// Delivered, in the order of delivery, as far as some may be doubted; at most `limit`.
    recent: VecDeque<Delivery>,
    dropped: u64,
    /// The first and the last of those that were dropped since it was asked.
    fallen_out: Option<(Timestamp, Timestamp)>,
}

impl Owed {
    /// Nothing is owed. At most `limit` slots (at least 1) wait at a time; those in flight come on top.
    pub fn new(limit: usize) -> Owed {
        Owed {
            limit: limit.max(1),
            emitted_until: Timestamp(i64::MIN),
            waiting: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            resend: RESEND,
            unread: UNREAD_BYTES,
            handed: 0,
            recent: VecDeque::new(),
            dropped: 0,
            fallen_out: None,
        }
    }

    /// From what was persisted; what is over the limit by now is dropped and counted.
    pub fn restore(limit: usize, emitted_until: Timestamp, pending: Vec<Timestamp>, dropped: u64) -> Owed {
        let mut owed = Owed { emitted_until, dropped, waiting: pending.into_iter().collect(), ..Owed::new(limit) };
        owed.keep_limit();
        owed
    }

    /// Doubt deliveries no further back from a break than this, instead of [`RESEND`], however few bytes came after them.
    #[must_use]
    pub fn resending(mut self, resend: Duration) -> Owed {
        (self.resend, self.unread) = (resend, 0);
        self
    }

    /// What has to be persisted.
    pub fn to_parts(&self) -> OwedState {
        OwedState {
            emitted_until: self.emitted_until,
            pending: self.waiting.union(&self.in_flight).copied().collect(),
            dropped: self.dropped,
        }
    }

    /// A slot is new or has changed. Over the limit the oldest waiting slot is dropped and counted.
    pub fn owe(&mut self, slot: Timestamp) {
        self.waiting.insert(slot);
        self.keep_limit();
    }

    /// The oldest owed slot before `before`, to send now; it is in flight until `delivered` or `failed` is called for it.
    /// A slot in flight is not handed out a second time.
    pub fn next(&mut self, before: Timestamp) -> Option<Timestamp> {
        let slot = self.waiting.range(..before).find(|slot| !self.in_flight.contains(slot)).copied()?;
        self.waiting.remove(&slot);
        self.in_flight.insert(slot);
        Some(slot)
    }

    /// So many bytes were handed over; before [`Owed::delivered`] is called for the slots in them.
    pub fn hand_over(&mut self, bytes: u64) {
        self.handed = self.handed.saturating_add(bytes);
    }

    /// A slot in flight was sent at `at`. If it changed meanwhile it stays owed.
    pub fn delivered(&mut self, slot: Timestamp, at: Instant) {
        if !self.in_flight.remove(&slot) {
            return;
        }
        self.recent.push_back(Delivery { at, slot, handed: self.handed });
        let over = self.recent.len().saturating_sub(self.limit);
        self.recent.drain(..over);
        while let Some(oldest) = self.recent.front()
            && at.saturating_duration_since(oldest.at) > self.resend
            && !self.may_be_unread(oldest, UNREAD_BYTES)
        {
            self.recent.pop_front();
        }
    }

    /// Whether so few bytes were handed over after this that they, and it, may lie in buffers of so many.
    fn may_be_unread(&self, delivery: &Delivery, buffers: u64) -> bool {
        self.handed.saturating_sub(delivery.handed) < buffers
    }

    /// A slot in flight is not sent, and not owed any more.
    pub fn give_up(&mut self, slot: Timestamp) {
        self.in_flight.remove(&slot);
    }

    /// A slot in flight will never be taken: it is given up, which counts.
    #[cfg(feature = "otlp")]
    pub fn refused(&mut self, slot: Timestamp) {
        self.give_up(slot);
        self.dropped += 1;
    }

    /// A slot in flight could not be sent: it is owed again.
    pub fn failed(&mut self, slot: Timestamp) {
        if self.in_flight.remove(&slot) {
            self.owe(slot);
        }
    }

    /// The connection was opened anew at `now`: what was delivered before that and is in doubt is owed again. The time counts back from the
    /// last delivery, not from `now`, because carbon may have been away for hours. Call it before `hand_over` and `delivered` for the batch
    /// that went over the new connection.
    pub fn reconnected(&mut self, now: Instant) -> DeliveryDoubt {
        let (broken, kept): (VecDeque<_>, VecDeque<_>) =
            self.recent.drain(..).partition(|delivery: &Delivery| delivery.at < now);
        self.recent = kept;
        let last = broken.back().map_or(now, |delivery| delivery.at);
        let mut doubt = DeliveryDoubt::default();
        let before = self.len();
        for delivery in broken {
            let is_recent = last.saturating_duration_since(delivery.at) <= self.resend;
            if !is_recent && !self.may_be_unread(&delivery, self.unread) {
                doubt.taken_as_read += 1;
            } else if !self.in_flight.contains(&delivery.slot) {
                // What is in flight goes over the new connection anyway, or fails and is owed.
                self.owe(delivery.slot);
            }
        }
        doubt.owed_again = self.len().saturating_sub(before);
        doubt
    }

    /// All slots before `until` have been handed to `owe` at least once. It never goes back.
    pub fn set_emitted_until(&mut self, until: Timestamp) {
        self.emitted_until = self.emitted_until.max(until);
    }

    /// See [`Owed::set_emitted_until`].
    pub fn emitted_until(&self) -> Timestamp {
        self.emitted_until
    }

    /// Whether a slot is still to be handed out, so that it will be sent as it is by then.
    pub fn is_waiting(&self, slot: Timestamp) -> bool {
        self.waiting.contains(&slot)
    }

    /// How many slots are owed, those in flight included.
    pub fn len(&self) -> usize {
        self.waiting.union(&self.in_flight).count()
    }

    /// Whether nothing is owed and nothing in flight.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// The oldest slot owed or in flight: how far the destination lags.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.waiting.first().into_iter().chain(self.in_flight.first()).min().copied()
    }

    /// The first and the last slot that were given up over the limit since this was asked last.
    pub fn take_fallen_out(&mut self) -> Option<(Timestamp, Timestamp)> {
        self.fallen_out.take()
    }

    /// How many slots were given up, over the limit or refused, since ever. A slot given up twice counts twice.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn keep_limit(&mut self) {
        while self.waiting.len() > self.limit {
            let Some(slot) = self.waiting.pop_first() else { return };
            self.dropped += 1;
            let (first, last) = self.fallen_out.unwrap_or((slot, slot));
            self.fallen_out = Some((first.min(slot), last.max(slot)));
        }
    }
}

#[cfg(test)]
mod tests;
