//! Numbers are dense, kept, and capped.

use std::sync::Arc;

use crate::route::{RouteId, Routes};
use crate::time::Timestamp;

#[test]
fn numbers_are_dense_in_order_of_first_sight() {
    let routes = Routes::new(10);
    assert!(routes.is_empty());
    assert_eq!(routes.intern("b"), RouteId(0));
    assert_eq!(routes.intern("a"), RouteId(1));
    assert_eq!(routes.intern("b"), RouteId(0));
    assert_eq!(routes.name(RouteId(1)).as_deref(), Some("a"));
    assert_eq!(routes.name(RouteId(2)), None);
    assert_eq!(routes.find("a"), Some(RouteId(1)));
    assert_eq!(routes.since(1), vec![(RouteId(1), Arc::from("a"))]);
    assert_eq!(routes.since(2), vec![]);
    assert_eq!(routes.len(), 2);
}

#[test]
fn the_cap_includes_other() {
    let routes = Routes::new(3);
    routes.intern("a");
    routes.intern("b");
    assert_eq!(routes.overflow(), 0);
    let other = routes.intern("c");
    assert_eq!(routes.intern("d"), other);
    assert_eq!(routes.name(other).as_deref(), Some("other"));
    assert_eq!((routes.len(), routes.overflow()), (3, 2));
    assert_eq!(routes.intern("a"), RouteId(0));
    assert_eq!(routes.intern("other"), other);
    assert_eq!(routes.overflow(), 2);
}

#[test]
fn a_restored_store_goes_on_where_it_was() {
    let first = Routes::new(4);
    for name in ["a", "b", "c", "d", "e"] {
        first.intern(name);
    }
    let names = first.since(0).into_iter().map(|(id, name)| (id, name.to_string()));
    let second = Routes::restore(4, names);
    assert_eq!(second.since(0), first.since(0));
    assert_eq!(second.intern("zz"), first.intern("d"));
    assert_eq!(second.intern("b"), RouteId(1));
}

#[test]
fn restoring_keeps_all_names_even_above_the_cap_and_never_reuses_a_number() {
    let names = [(RouteId(7), "h"), (RouteId(2), "c"), (RouteId(2), "again"), (RouteId(3), "h"), (RouteId(9), "j")];
    let names = || names.iter().map(|(id, name)| (*id, (*name).to_owned()));
    let routes = Routes::restore(2, names());
    assert_eq!(routes.len(), 3);
    assert_eq!(routes.name(RouteId(2)).as_deref(), Some("c"));
    assert_eq!(routes.name(RouteId(3)), None);
    assert_eq!(routes.intern("new"), RouteId(10));
    assert_eq!(routes.name(RouteId(10)).as_deref(), Some("other"));
    assert_eq!(Routes::restore(10, names()).intern("new"), RouteId(10));
}

#[test]
fn workers_agree_on_numbers() {
    let routes = Arc::new(Routes::new(100));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let routes = Arc::clone(&routes);
            std::thread::spawn(move || {
                (0..200).map(|at| routes.intern(&format!("r{}", (at * 7 + worker * 31) % 200))).max()
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.join().unwrap(), Some(RouteId(99)));
    }
    assert_eq!(routes.len(), 100);
    let numbers: Vec<u32> = routes.since(0).iter().map(|(id, _)| id.0).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    assert!(routes.find("other").is_some());
}

#[test]
fn a_route_that_had_no_request_for_long_gives_up_its_place_and_earns_it_again() {
    let at = |hour: i64| Timestamp::from_secs(hour * 3600);
    let routes = Routes::new(4);
    let [a, b, c] = ["a", "b", "c"].map(|name| routes.intern(name));
    routes.note_seen([(at(1), a), (at(30), b), (at(30), c), (at(1), b)]);
    let other = routes.intern("d");
    routes.rest_idle(at(6));
    // It has another's place; what comes back has to wait for one, and has its number still.
    assert_eq!(routes.intern("d"), RouteId(4));
    assert_eq!((routes.intern("a"), routes.find("a")), (other, Some(a)));
    routes.note_seen([(at(31), RouteId(4)), (at(31), c)]);
    routes.rest_idle(at(31));
    assert_eq!(routes.intern("a"), a);
    assert_eq!(routes.len(), 5);
    // Where there is room nobody rests.
    let roomy = Routes::new(100);
    roomy.intern("a");
    roomy.rest_idle(at(1000));
    assert_eq!(roomy.intern("a"), RouteId(0));
}
