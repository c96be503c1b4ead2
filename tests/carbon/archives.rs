//! What stands in a real carbon's coarser archive after points of a time that the finest does not reach back to.

use std::time::{Duration, Instant};

use spikeline::carbon::{Link, Naming, Points, Protocol, parse_archives, step_of_slot};
use spikeline::histogram::{Cell, TIMES, Time};
use spikeline::time::Timestamp;

use crate::peer::carbon_with;
use crate::{destination, past_slots};

/// An hour of slots of two requests each, of which the finest archive reaches back a quarter: every minute beyond it is whole.
#[test]
fn a_step_of_a_coarser_archive_is_stored_as_the_sum_of_its_slots() {
    let Some(carbon) = carbon_with("10s:15m,1m:2h") else {
        return;
    };
    let archives = parse_archives("10s:15m,1m:2h").unwrap();
    let slots = past_slots(360);
    let now = slots.last().unwrap().plus(Duration::from_secs(10));
    let naming = Naming::new("nginx", "web1", false).unwrap();
    let mut points = Points::new();
    let mut sent_until = Timestamp(0);
    // As a push goes: oldest first, each step once.
    for slot in
        slots.iter().filter(|slot| **slot >= slots[0].plus(Duration::from_secs(60)).slot(Duration::from_secs(60)))
    {
        let step = step_of_slot(&archives, *slot, now).unwrap();
        if *slot < sent_until {
            continue;
        }
        sent_until = step.until;
        let of_slots = (step.until.secs() - step.from.secs()) / 10;
        let mut cell = Cell::default();
        for _ in 0..of_slots * 2 {
            cell.requests += 1;
            cell.time_mut(Time::Request).record(7);
        }
        naming.append_cell("slow", step.from, &cell, &TIMES, &mut points);
    }
    Link::new(destination(&format!("127.0.0.1:{}", carbon.lines), Protocol::Plaintext), 1)
        .send(&points, Instant::now())
        .unwrap();
    let edge = u32::try_from(now.secs() - 15 * 60).unwrap();
    let began = Instant::now();
    loop {
        let stored = carbon.stored_since(3600);
        let minutes: Vec<f64> = stored
            .iter()
            .filter(|((path, at), _)| path == "nginx.web1.slow.requests.count" && *at + 60 < edge)
            .map(|(_, count)| *count)
            .collect();
        if minutes.len() >= 40 && minutes.iter().all(|count| *count == 12.0) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{minutes:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
