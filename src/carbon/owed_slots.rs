//! Which slots a destination has still to get.
//!
//! Since every slot can be rendered again from the store, a carbon that is away costs no spool of bytes: what is kept
//! is the set of slots still owed, a timestamp each. The store persists [`OwedState`] with every commit, so that after a
//! crash at any moment the same slots are owed: a slot in flight counts as owed until its delivery is noted.
//!
//! The life of a slot: `owe` -> owed -> `next` -> in flight -> `delivered` (kept in mind for [`RESEND`]) or `failed`
//! (owed again). A slot that changes while it is in flight is owed once more after that.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::time::Timestamp;

/// How far before a break deliveries are doubted: TCP acknowledges to the kernel, not to the sender, and carbon keeps
/// points in memory for a while before they are on its disk.
pub const RESEND: Duration = Duration::from_secs(120);

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
    /// Delivered, in the order of delivery, not longer than `resend` before the last of them; at most `limit`.
    recent: VecDeque<(Instant, Timestamp)>,
    dropped: u64,
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
            recent: VecDeque::new(),
            dropped: 0,
        }
    }

    /// From what was persisted; what is over the limit by now is dropped and counted.
    pub fn restore(limit: usize, emitted_until: Timestamp, pending: Vec<Timestamp>, dropped: u64) -> Owed {
        let mut owed = Owed { emitted_until, dropped, waiting: pending.into_iter().collect(), ..Owed::new(limit) };
        owed.keep_limit();
        owed
    }

    /// Doubt deliveries no further back from a break than this, instead of [`RESEND`].
    #[must_use]
    pub fn resending(mut self, resend: Duration) -> Owed {
        self.resend = resend;
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

    /// A slot in flight was sent at `at`. If it changed meanwhile it stays owed.
    pub fn delivered(&mut self, slot: Timestamp, at: Instant) {
        if !self.in_flight.remove(&slot) {
            return;
        }
        self.recent.push_back((at, slot));
        let over = self.recent.len().saturating_sub(self.limit);
        self.recent.drain(..over);
        while let Some((oldest, _)) = self.recent.front()
            && at.saturating_duration_since(*oldest) > self.resend
        {
            self.recent.pop_front();
        }
    }

    /// A slot in flight is not sent, and not owed any more.
    pub fn give_up(&mut self, slot: Timestamp) {
        self.in_flight.remove(&slot);
    }

    /// A slot in flight could not be sent: it is owed again.
    pub fn failed(&mut self, slot: Timestamp) {
        if self.in_flight.remove(&slot) {
            self.owe(slot);
        }
    }

    /// The connection was opened anew at `now`: what was delivered before that, and not more than [`RESEND`] before the
    /// last such delivery, is owed again. The time counts back from the last delivery, not from `now`, because carbon
    /// may have been away for hours. Call it before `delivered` for the batch that went over the new connection.
    pub fn reconnected(&mut self, now: Instant) {
        let (doubted, kept): (VecDeque<_>, VecDeque<_>) = self.recent.drain(..).partition(|(at, _)| *at < now);
        self.recent = kept;
        for (_, slot) in doubted {
            // What is in flight goes over the new connection anyway, or fails and is owed.
            if !self.in_flight.contains(&slot) {
                self.owe(slot);
            }
        }
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

    /// How many slots were given up over the limit, since ever. A slot given up twice counts twice.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn keep_limit(&mut self) {
        while self.waiting.len() > self.limit {
            self.waiting.pop_first();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests;
