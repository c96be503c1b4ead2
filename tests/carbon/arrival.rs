//! What is sent is what a real carbon stores, to the last bit, in each protocol.

use std::time::Instant;

use spikeline::carbon::{CHUNK, Chunks, Link, LinkState, Naming, Points, Protocol};

use crate::peer::{Stored, carbon, expect};
use crate::{destination, past_slots, slot_points};

/// Send three slots, then the first one again with other values.
fn arrives(protocol: Protocol, tagged: bool, routes: u64) {
    let Some(carbon) = carbon() else {
        return;
    };
    let port = if protocol == Protocol::Pickle { carbon.pickles } else { carbon.lines };
    let mut link = Link::new(destination(&format!("localhost:{port}"), protocol), 1);
    assert_eq!(link.state(), LinkState::Untried);
    let naming = Naming::new("nginx", "web1.example.org", tagged).unwrap();
    let (mut points, mut expected, now) = (Points::new(), Stored::new(), Instant::now());
    let slots = past_slots(3);
    for slot in &slots {
        slot_points(&naming, routes, *slot, 0, &mut points);
    }
    link.send(&points, now).unwrap();
    expect(&points, &mut expected);
    carbon.must_hold(&expected);

    let first = points.len() as u64;
    points.clear();
    slot_points(&naming, routes, slots[0], 1000, &mut points);
    link.send(&points, now).unwrap();
    expect(&points, &mut expected);
    carbon.must_hold(&expected);
    assert_eq!(link.state(), LinkState::Connected);
    assert_eq!(link.counters().points_sent, first + points.len() as u64);
    assert_eq!((link.counters().reconnects, link.counters().failures), (0, 0));
}

/// That many routes make a batch of several chunks.
const SEVERAL_CHUNKS: u64 = 30;

#[test]
fn lines_arrive() {
    arrives(Protocol::Plaintext, false, SEVERAL_CHUNKS);
}

#[test]
fn pickles_arrive() {
    arrives(Protocol::Pickle, false, SEVERAL_CHUNKS);
}

#[test]
fn datagrams_arrive() {
    arrives(Protocol::Udp, false, 3);
}

#[test]
fn tagged_series_arrive() {
    arrives(Protocol::Plaintext, true, 3);
    arrives(Protocol::Pickle, true, 3);
}

#[test]
fn the_batches_above_take_several_chunks() {
    let naming = Naming::new("nginx", "web1.example.org", false).unwrap();
    let mut points = Points::new();
    for slot in past_slots(3) {
        slot_points(&naming, SEVERAL_CHUNKS, slot, 0, &mut points);
    }
    for protocol in [Protocol::Plaintext, Protocol::Pickle] {
        let (mut chunks, mut chunk, mut count) = (Chunks::new(protocol, &points), Vec::new(), 0);
        while chunks.next_into(&mut chunk) > 0 {
            assert!(chunk.len() <= CHUNK);
            count += 1;
        }
        assert!(count >= 2, "{protocol}: {count}");
    }
}

#[test]
fn the_longest_names_are_stored() {
    let Some(carbon) = carbon() else {
        return;
    };
    let node = "n".repeat(200);
    // Under the file system's bound for the whole path, with the folder of the test in front.
    let path = vec![node.as_str(); 18].join(".");
    let (mut points, mut expected) = (Points::new(), Stored::new());
    for slot in past_slots(2) {
        assert!(points.push(&path, 1.0 / 3.0, slot));
        assert!(points.push("a-b_c.D9", u64::MAX as f64, slot));
    }
    Link::new(destination(&format!("127.0.0.1:{}", carbon.lines), Protocol::Plaintext), 1)
        .send(&points, Instant::now())
        .unwrap();
    expect(&points, &mut expected);
    carbon.must_hold(&expected);
}
