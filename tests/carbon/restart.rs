//! A real carbon that is killed and comes back: in the end nothing is missing.

use std::time::{Duration, Instant};

use spikeline::carbon::{Link, LinkState, Naming, Owed, Points, Protocol, SendStep};
use spikeline::time::Timestamp;

use crate::peer::{Carbon, Stored, carbon, expect};
use crate::{destination, past_slots, slot_points};

/// What a daemon's thread for one destination does, with a clock of its own.
struct Sender {
    naming: Naming,
    link: Link,
    owed: Owed,
    now: Instant,
}

impl Sender {
    fn new(carbon: &Carbon, protocol: Protocol) -> Sender {
        let port = if protocol == Protocol::Pickle { carbon.pickles } else { carbon.lines };
        Sender {
            naming: Naming::new("nginx", "web1", false).unwrap(),
            link: Link::new(destination(&format!("127.0.0.1:{port}"), protocol), 7),
            owed: Owed::new(100),
            now: Instant::now(),
        }
    }

    /// Try once to send what is owed; every step takes a second of the sender's clock.
    fn step(&mut self) -> Option<SendStep> {
        self.now += Duration::from_secs(1);
        if let LinkState::Down { next_try, .. } = self.link.state() {
            self.now = self.now.max(next_try);
        }
        let slots: Vec<_> = std::iter::from_fn(|| self.owed.next(Timestamp(i64::MAX))).take(4).collect();
        let mut points = Points::new();
        for slot in &slots {
            slot_points(&self.naming, 3, *slot, 0, &mut points);
        }
        let sent = self.link.send(&points, self.now);
        if self.link.reconnected() {
            self.owed.reconnected(self.now);
        }
        for slot in slots {
            match &sent {
                Ok(()) => self.owed.delivered(slot, self.now),
                Err(_) => self.owed.failed(slot),
            }
        }
        sent.err().map(|error| error.step)
    }

    fn expected(&self, slots: &[Timestamp]) -> Stored {
        let (mut points, mut expected) = (Points::new(), Stored::new());
        for slot in slots {
            slot_points(&self.naming, 3, *slot, 0, &mut points);
        }
        expect(&points, &mut expected);
        expected
    }
}

fn survives(protocol: Protocol) {
    let Some(mut carbon) = carbon() else {
        return;
    };
    let mut sender = Sender::new(&carbon, protocol);
    let slots = past_slots(24);
    for (n, slot) in slots.iter().enumerate() {
        if n == 8 {
            // At once after a send that was Ok: carbon had no time to write the points to its disk.
            carbon.kill();
        }
        if n == 16 {
            carbon.start();
        }
        sender.owed.owe(*slot);
        let failed = sender.step();
        assert_eq!(failed.is_some(), (8..16).contains(&n), "slot {n}: {failed:?}");
    }
    while !sender.owed.is_empty() {
        assert_eq!(sender.step(), None);
    }
    assert_eq!(sender.owed.dropped(), 0);
    assert_eq!(sender.link.counters().reconnects, 1);
    assert_eq!(sender.link.state(), LinkState::Connected);
    carbon.must_hold(&sender.expected(&slots));
}

#[test]
fn lines_survive_a_killed_carbon() {
    survives(Protocol::Plaintext);
}

#[test]
fn pickles_survive_a_killed_carbon() {
    survives(Protocol::Pickle);
}

#[test]
fn a_restart_between_two_sends_costs_nothing() {
    let Some(mut carbon) = carbon() else {
        return;
    };
    let mut sender = Sender::new(&carbon, Protocol::Plaintext);
    let slots = past_slots(12);
    for (n, slot) in slots.iter().enumerate() {
        sender.owed.owe(*slot);
        assert_eq!(sender.step(), None, "the close is noticed before anything is written into it");
        if n % 4 == 1 {
            carbon.kill();
            carbon.start();
        }
    }
    while !sender.owed.is_empty() {
        assert_eq!(sender.step(), None);
    }
    assert_eq!((sender.link.counters().reconnects, sender.link.counters().failures), (3, 0));
    carbon.must_hold(&sender.expected(&slots));
}
