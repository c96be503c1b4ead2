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
    /// Delivered, in the order of delivery, not longer than [`RESEND`] before the last of them; at most `limit`.
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
            && at.saturating_duration_since(*oldest) > RESEND
        {
            self.recent.pop_front();
        }
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What a restart makes of it.
    fn restored(limit: usize, owed: &Owed) -> Owed {
        let OwedState { emitted_until, pending, dropped } = owed.to_parts();
        Owed::restore(limit, emitted_until, pending, dropped)
    }

    fn slot(n: i64) -> Timestamp {
        Timestamp::from_secs(n * 10)
    }

    fn slots(numbers: &[i64]) -> Vec<Timestamp> {
        numbers.iter().copied().map(slot).collect()
    }

    fn take(owed: &mut Owed, max: usize) -> Vec<Timestamp> {
        std::iter::from_fn(|| owed.next(Timestamp(i64::MAX))).take(max).collect()
    }

    #[test]
    fn only_slots_before_the_bound_go_out() {
        let mut owed = Owed::new(100);
        owed.owe(slot(1));
        owed.owe(slot(2));
        assert_eq!((owed.next(slot(2)), owed.next(slot(2)), owed.next(slot(3))), (Some(slot(1)), None, Some(slot(2))));
    }

    #[test]
    fn slots_go_out_oldest_first_and_once() {
        let mut owed = Owed::new(100);
        for n in [3, 1, 2, 1] {
            owed.owe(slot(n));
        }
        assert_eq!(take(&mut owed, 2), slots(&[1, 2]));
        assert_eq!(take(&mut owed, 9), slots(&[3]));
        assert_eq!(take(&mut owed, 9), slots(&[]));
        assert_eq!((owed.len(), owed.oldest()), (3, Some(slot(1))));
        owed.failed(slot(2));
        owed.delivered(slot(1), Instant::now());
        assert_eq!(take(&mut owed, 9), slots(&[2]));
    }

    #[test]
    fn a_slot_that_changes_in_flight_stays_owed() {
        let mut owed = Owed::new(100);
        owed.owe(slot(1));
        assert_eq!(take(&mut owed, 9), slots(&[1]));
        owed.owe(slot(1));
        assert_eq!(take(&mut owed, 9), slots(&[]), "not while it is in flight");
        owed.delivered(slot(1), Instant::now());
        assert_eq!(take(&mut owed, 9), slots(&[1]));
        owed.delivered(slot(1), Instant::now());
        assert!(owed.is_empty());
    }

    #[test]
    fn over_the_limit_the_oldest_goes_and_is_counted() {
        let mut owed = Owed::new(3);
        for n in 1..=8 {
            owed.owe(slot(n));
            owed.owe(slot(n));
        }
        assert_eq!((owed.dropped(), take(&mut owed, 9)), (5, slots(&[6, 7, 8])));
        for n in 9..=11 {
            owed.owe(slot(n));
        }
        assert_eq!(owed.dropped(), 5, "those in flight are not waiting");
        owed.failed(slot(6));
        assert_eq!(owed.dropped(), 6);
        owed.delivered(slot(7), Instant::now());
        assert_eq!(
            owed.to_parts(),
            OwedState { emitted_until: Timestamp(i64::MIN), pending: slots(&[8, 9, 10, 11]), dropped: 6 }
        );
        let again = restored(2, &owed);
        assert_eq!((again.dropped(), again.to_parts().pending), (8, slots(&[10, 11])));
    }

    #[test]
    fn a_reconnect_doubts_what_was_delivered_last() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut owed = Owed::new(100);
        for n in 0..30 {
            owed.owe(slot(n));
            take(&mut owed, 1);
            owed.delivered(slot(n), at(10 * n as u64));
        }
        // The last delivery was at 290 s. Carbon comes back an hour later.
        owed.owe(slot(30));
        assert_eq!(take(&mut owed, 1), slots(&[30]));
        owed.reconnected(at(3600));
        owed.delivered(slot(30), at(3600));
        assert_eq!(take(&mut owed, 99), (17..30).map(slot).collect::<Vec<_>>());
        // Only what went over the new connection is doubted when that breaks as well.
        for n in 17..30 {
            owed.failed(slot(n));
        }
        take(&mut owed, 99);
        for n in 17..30 {
            owed.delivered(slot(n), at(3601));
        }
        owed.reconnected(at(3600));
        assert_eq!(take(&mut owed, 99), slots(&[]), "all of it came after that connect");
        owed.reconnected(at(3700));
        assert_eq!(take(&mut owed, 99), (17..=30).map(slot).collect::<Vec<_>>());
    }

    #[test]
    fn the_mark_never_goes_back() {
        let mut owed = Owed::restore(10, slot(5), slots(&[4]), 2);
        owed.set_emitted_until(slot(3));
        assert_eq!(owed.emitted_until(), slot(5));
        owed.set_emitted_until(slot(7));
        assert_eq!(owed.to_parts(), OwedState { emitted_until: slot(7), pending: slots(&[4]), dropped: 2 });
    }

    #[derive(Debug, Clone)]
    enum Step {
        Owe(i64),
        Next(usize),
        Delivered(i64),
        Failed(i64),
        Broke,
        Crash,
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0i64..40).prop_map(Step::Owe),
            3 => (0usize..6).prop_map(Step::Next),
            3 => (0i64..40).prop_map(Step::Delivered),
            2 => (0i64..40).prop_map(Step::Failed),
            1 => Just(Step::Broke),
            1 => Just(Step::Crash),
            2 => (0u64..90).prop_map(Step::Pass),
        ]
    }

    /// What has been said of one slot, without any cleverness.
    #[derive(Debug, Clone, Default)]
    struct Said {
        waiting: bool,
        flying: bool,
    }

    fn trim(model: &mut BTreeMap<i64, Said>, limit: usize, dropped: &mut u64) {
        while model.values().filter(|said| said.waiting).count() > limit {
            model.values_mut().find(|said| said.waiting).unwrap().waiting = false;
            *dropped += 1;
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_simple_model_does(limit in 1usize..12, steps in prop::collection::vec(step(), 0..200)) {
            let start = Instant::now();
            let mut seconds = 0u64;
            let at = |seconds: u64| start + Duration::from_secs(seconds);
            let mut owed = Owed::new(limit);
            let (mut model, mut dropped) = (BTreeMap::<i64, Said>::new(), 0u64);
            let mut log: Vec<(u64, i64)> = Vec::new();
            for step in steps {
                match step {
                    Step::Owe(n) => {
                        owed.owe(slot(n));
                        model.entry(n).or_default().waiting = true;
                    }
                    Step::Next(max) => {
                        let expected: Vec<i64> =
                            model.iter().filter(|(_, s)| s.waiting && !s.flying).map(|(&n, _)| n).take(max).collect();
                        prop_assert_eq!(take(&mut owed, max), slots(&expected));
                        for n in expected {
                            model.insert(n, Said { waiting: false, flying: true });
                        }
                    }
                    Step::Delivered(n) => {
                        owed.delivered(slot(n), at(seconds));
                        let said = model.entry(n).or_default();
                        if std::mem::take(&mut said.flying) {
                            log.push((seconds, n));
                            log = log.split_off(log.len().saturating_sub(limit));
                            log.retain(|(then, _)| seconds - then <= RESEND.as_secs());
                        }
                    }
                    Step::Failed(n) => {
                        owed.failed(slot(n));
                        let said = model.entry(n).or_default();
                        said.waiting |= std::mem::take(&mut said.flying);
                    }
                    Step::Broke => {
                        seconds += 1;
                        owed.reconnected(at(seconds));
                        for (_, n) in log.drain(..) {
                            let said = model.entry(n).or_default();
                            said.waiting |= !said.flying;
                            trim(&mut model, limit, &mut dropped);
                        }
                    }
                    Step::Crash => {
                        owed = restored(limit, &owed);
                        log.clear();
                        for said in model.values_mut() {
                            said.waiting |= std::mem::take(&mut said.flying);
                        }
                    }
                    Step::Pass(more) => seconds += more,
                }
                trim(&mut model, limit, &mut dropped);
                let parts = owed.to_parts();
                let expected: Vec<i64> =
                    model.iter().filter(|(_, s)| s.waiting || s.flying).map(|(&n, _)| n).collect();
                prop_assert_eq!(owed.len(), expected.len());
                prop_assert_eq!(owed.oldest(), parts.pending.first().copied());
                prop_assert_eq!(parts.pending, slots(&expected));
                prop_assert_eq!(owed.dropped(), dropped);
            }
        }
    }
}
