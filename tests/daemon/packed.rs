//! A line far into a compressed log costs one stretch of it, from the second time on.

use spikeline::pipeline::retrieve;
use spikeline::source::RESTART_SPACING;
use spikeline::store::{EntryQuery, Locator, View, WindowMatch};
use spikeline::time::{Timestamp, Window};

use crate::rig::{Rig, until};
use support::log::{NOON, Request, text};

#[test]
fn a_line_far_into_a_gz_costs_one_stretch_from_the_second_time_on() {
    let rig = Rig::new("", "");
    let mut state = 1_u64;
    let target = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("/users/{}", *state >> 33)
    };
    let mut requests: Vec<Request> =
        (0..120_000).map(|n| Request::new(NOON + n, 1 + n.unsigned_abs() % 7, &target(&mut state))).collect();
    requests.push(Request::new(NOON + 130_000, 5000, "/slow"));
    let log = text(&requests, Request::exact);
    assert!(log.len() as u64 > 2 * RESTART_SPACING);
    rig.append("a.log", &log);
    let daemon = rig.start();
    rig.until_counted(requests.len());
    assert!(daemon.stop().success());
    rig.folder.gz("a.log.1.gz", &log);
    std::fs::remove_file(rig.folder.path("a.log")).unwrap();

    let slow = requests.last().unwrap().exact();
    let window = Window { from: Timestamp(NOON + 125_000), until: Timestamp(NOON + 131_000) };
    let read = || {
        let view = View::open(&rig.folder.path("store")).unwrap();
        let found = view.entries(&EntryQuery::new(window, WindowMatch::Overlap)).unwrap();
        let locators: Vec<Locator> = found.iter().map(|entry| entry.locator).collect();
        assert_eq!(locators.len(), 1);
        let mut line = None;
        let missing = retrieve::lines(&view, &locators, |_, found| line = found.map(<[u8]>::to_vec));
        assert_eq!(missing.messages(), [""; 0]);
        assert_eq!(String::from_utf8(line.unwrap()).unwrap(), slow);
        missing.decoded
    };
    let whole = log.len() as u64;
    assert!(read() >= whole, "nothing is known yet");
    assert!(read() <= RESTART_SPACING);
    // The next rotation changes its name only.
    std::fs::rename(rig.folder.path("a.log.1.gz"), rig.folder.path("a.log.2.gz")).unwrap();
    assert!(read() <= RESTART_SPACING);

    // The points are a cache: damaged, cut off or deleted, they are made again.
    let points = rig.folder.path("store/points/0.pts");
    let good = std::fs::read(&points).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    for bad in [&flipped[..], &good[..good.len() / 2], b""] {
        std::fs::write(&points, bad).unwrap();
        assert!(read() >= whole);
        assert!(std::fs::read(&points).unwrap() == good, "written anew");
        assert!(read() <= RESTART_SPACING);
    }
    // Who may not write them reads all the same.
    std::fs::remove_dir_all(rig.folder.path("store/points")).unwrap();
    assert!(read() >= whole);
    assert!(!points.exists());
    // A writer that opens the store makes the folder, and keeps no points of logs that it does not know.
    std::fs::create_dir(rig.folder.path("store/points")).unwrap();
    std::fs::write(rig.folder.path("store/points/99.pts"), &good).unwrap();
    std::fs::write(&points, &good).unwrap();
    let left = |name: &str| rig.folder.path("store/points").join(name).exists();
    let _daemon = rig.start();
    until("the removal", || left("99.pts"), |left| !left);
    assert!(left("0.pts"));
}
