//! What a destination is owed, step by step and against a simple model.

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
    assert!(owed.take_fallen_out().is_some() && owed.take_fallen_out().is_none());
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
        owed.hand_over(UNREAD_BYTES);
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
fn where_a_slot_is_not_to_come_twice_only_what_was_not_acknowledged_is_doubted() {
    let start = Instant::now();
    let at = |secs| start + Duration::from_secs(secs);
    let mut owed = Owed::new(100).resending(RESEND_UNACKNOWLEDGED);
    for n in 0..30 {
        owed.owe(slot(n));
        assert!(owed.is_waiting(slot(n)));
        take(&mut owed, 1);
        assert!(!owed.is_waiting(slot(n)));
        owed.delivered(slot(n), at(10 * n as u64));
    }
    assert_eq!(owed.reconnected(at(3600)), DeliveryDoubt { owed_again: 4, taken_as_read: 26 });
    assert_eq!(take(&mut owed, 99), slots(&[26, 27, 28, 29]));
}

#[test]
fn what_may_lie_unread_in_buffers_is_doubted_however_long_ago_it_was_handed_over() {
    let start = Instant::now();
    let at = |secs| start + Duration::from_secs(secs);
    let mut owed = Owed::new(10_000);
    for n in 0..1000 {
        owed.owe(slot(n));
        take(&mut owed, 1);
        owed.hand_over(20_000);
        owed.delivered(slot(n), at(10 * n as u64));
    }
    // 419 slots of 20,000 bytes behind one fit into 8 MiB, 420 do not.
    assert_eq!(owed.reconnected(at(99_999)), DeliveryDoubt { owed_again: 420, taken_as_read: 0 });
    assert_eq!(take(&mut owed, 999), (580..1000).map(slot).collect::<Vec<_>>());
    // The new connection has bytes of its own.
    for n in 580..1000 {
        owed.failed(slot(n));
    }
    take(&mut owed, 1);
    owed.hand_over(20_000);
    owed.delivered(slot(580), at(100_000));
    assert_eq!(owed.reconnected(at(100_001)).owed_again, 1);
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
                    owed.hand_over(UNREAD_BYTES);
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
