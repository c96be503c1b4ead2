//! Links against peers: a real carbon-cache for what arrives, made-up ones for the faults a real one cannot be made to show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod archives;
mod arrival;
mod faults;
mod peer;
mod restart;

use spikeline::carbon::{Destination, Naming, Points, Protocol};
use spikeline::histogram::{Cell, TIMES, Time};
use spikeline::time::Timestamp;
use std::time::Duration;

/// A destination on this machine with short time-outs.
fn destination(address: &str, protocol: Protocol) -> Destination {
    let mut destination = Destination::new(address, protocol).unwrap();
    destination.connect_timeout = Duration::from_secs(5);
    destination.write_timeout = Duration::from_secs(5);
    destination
}

/// A cell that differs by `seed`, with a mean that is no round number.
fn cell(seed: u64) -> Cell {
    let mut cell = Cell::default();
    cell.requests = 3 + seed;
    cell.bytes_sent = 1_000_003 * (seed + 1);
    cell.count_status(200);
    for n in 0..3 + seed % 5 {
        cell.time_mut(Time::Request).record(n * 37 + seed);
        cell.time_mut(Time::UpstreamResponse).record(n * 31 + seed);
    }
    cell
}

/// Every point of `routes` routes in one slot.
fn slot_points(naming: &Naming, routes: u64, slot: Timestamp, change: u64, out: &mut Points) {
    for route in 0..routes {
        let seed = route + change + slot.secs().unsigned_abs() / 10 % 100;
        naming.append_cell(&format!("webapp.r{route}"), slot, &cell(seed), &TIMES, out);
    }
}

/// `count` slots, the last of which ended before now.
fn past_slots(count: i64) -> Vec<Timestamp> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let end = i64::try_from(now).unwrap() / 10 * 10;
    (1..=count).rev().map(|n| Timestamp::from_secs(end - n * 10)).collect()
}
