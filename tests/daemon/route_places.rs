//! Made-up paths do not take the places of the routes that matter.

use crate::rig::{Rig, until};
use support::log::{NOON, Request};

/// So many requests for paths that nobody folds, each answered with `status`.
fn made_up(count: i64, prefix: &str, status: u16) -> Vec<Request> {
    let word = |n: i64| n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect::<String>();
    (0..count).map(|n| Request::new(NOON + n, 3, &format!("/{prefix}{}", word(n))).status(status)).collect()
}

/// How many requests a route has in the store.
fn of_route(rig: &Rig, route: &str) -> u64 {
    let run = rig.ask(&["report", "--format=csv"]);
    let row = run.lines().into_iter().find(|row| row.starts_with(&format!("{route},")));
    row.map_or(0, |row| row.split(',').nth(1).unwrap().parse().unwrap())
}

#[test]
fn two_thousand_made_up_paths_leave_room_for_a_route_that_is_answered_also_after_a_restart() {
    let rig = Rig::new("routes_max = 64", "");
    let mut flood = made_up(2000, "x", 404);
    // Refused as well, before it is answered: that stays in `other`.
    flood.push(Request::new(NOON + 2000, 3, "/checkout").status(404));
    rig.log(&flood);
    let daemon = rig.start();
    rig.until_counted(2001);
    daemon.until_said("some requests are counted in `other` from now on");
    assert_eq!(of_route(&rig, "checkout"), 0);
    rig.log(&[Request::new(NOON + 60_000, 40, "/checkout")]);
    rig.until_counted(2002);
    assert_eq!((of_route(&rig, "checkout"), of_route(&rig, "other")), (1, 2001 - 31));
    assert!(daemon.stop().success());
    let daemon = rig.start();
    // Another flood, a path that none asked for before, and one that is only slow once all but the last places are taken.
    rig.log(&made_up(100, "y", 404));
    rig.log(&made_up(100, "z", 200));
    rig.log(&[Request::new(NOON + 61_000, 40, "/checkout").status(404), Request::new(NOON + 62_000, 40, "/late")]);
    rig.log(&[Request::new(NOON + 63_000, 1500, "/pay"), Request::new(NOON + 64_000, 4, "/late").status(502)]);
    rig.until_counted(2206);
    assert_eq!(["checkout", "pay", "late"].map(|route| of_route(&rig, route)), [2, 1, 1]);
    let said = until("the word", || daemon.said(), |said| said.contains("`other`"));
    assert_eq!(said.matches("some requests are counted in `other`").count(), 1, "{said}");
    // Whoever reads the lines again comes to the same.
    rig.ask(&["verify"]).said(0, &["agree together with `other`"]);
    rig.ask(&["lines", "--all"]).ended(0);
}

#[test]
fn what_fell_to_other_is_found_there_though_its_route_has_a_place_by_now() {
    let rig = Rig::new("routes_max = 8", "");
    rig.log(&made_up(2000, "x", 404));
    rig.log(&[Request::new(NOON + 3000, 3, "/checkout").status(404)]);
    // More than a block of log later.
    rig.log(&made_up(8000, "x", 404));
    rig.log(&[Request::new(NOON + 60_000, 3, "/checkout")]);
    let _daemon = rig.start();
    rig.until_counted(10_002);
    let lines = |route: &str| rig.ask(&["lines", "--all", "--route", route]).ended(0);
    assert!(lines("other").contains("/checkout"));
    assert_eq!(lines("checkout").lines().count(), 1);
}
