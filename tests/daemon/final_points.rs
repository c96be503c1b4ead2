//! When a slot is sent first, and that a carbon that keeps every copy gets each slot once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use spikeline::store::View;

use crate::points::{KEYS, check_slot, this_second};
use crate::rig::{Rig, until};
use crate::sink::{Points, Sink, section};
use support::log::Request;

/// Milliseconds since the epoch.
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The first point of a slot of one request comes when it has been over for so many seconds, and not before.
fn comes_after(keys: &str, section: &str, seconds: i64) {
    let sink = Sink::new();
    let rig = Rig::new(&format!("{KEYS}\n{keys}"), &(sink.section() + section));
    let log = rig.folder.path("a.log").display().to_string();
    rig.folder.write("nginx.conf", format!("http {{ server {{ access_log {log} combined buffer=64k flush=5s; }} }}"));
    let daemon = rig.start();
    daemon.until_said("store ");
    daemon.until_said(&format!("a slot is sent {seconds}s after its end"));
    let second = this_second();
    let requests = [Request::new(second + 100, 40, "/slow")];
    rig.log(&requests);
    let first = || sink.last("nginx.web1.slow.requests.count", second / 1000);
    until("the first point", first, Option::is_some);
    let after = now() - (second + 1000);
    assert!(after >= seconds * 1000, "it came {after} ms after its slot");
    check_slot(&sink, second, &requests);
}

#[test]
fn the_first_points_of_a_slot_come_after_the_delay() {
    comes_after("nginx = \"off\"", "delay = \"6s\"\n", 6);
}

#[test]
fn without_a_delay_they_come_when_nginx_has_flushed_its_lines() {
    comes_after("nginx = 'nginx.conf'", "", 5);
}

/// All points of routes that came more than once.
fn doubles(points: &Points) -> Vec<&(String, i64)> {
    points.iter().filter(|(_, values)| values.len() > 1).map(|(key, _)| key).collect()
}

#[test]
fn final_sends_each_slot_once_over_late_lines_stops_and_kills() {
    let sink = Sink::new();
    let rig = Rig::new(&format!("{KEYS}\nlateness = \"2s\""), &(sink.section() + "send = \"final\"\n"));
    // A backlog of before the first start, which changes nothing that was sent.
    let backlog = this_second() - 20_000;
    rig.log(&[Request::new(backlog + 100, 40, "/slow"), Request::new(backlog + 999, 50, "/slow")]);
    let daemon = rig.start();
    let count = |second: i64| sink.last("nginx.web1.slow.requests.count", second / 1000);
    until("the backlog", || count(backlog), |count| *count == Some(2.0));
    assert!(!daemon.said().contains("spool"), "of a first start nothing is beyond the spool: {}", daemon.said());
    let first = this_second();
    rig.log(&[Request::new(first + 100, 40, "/slow")]);
    until("the first slot", || count(first), Option::is_some);
    assert!(now() - (first + 1000) >= 2000, "before its lateness was over");
    rig.log(&[Request::new(first + 200, 77, "/slow"), Request::new(first + 300, 78, "/slow")]);
    daemon.until_said("2 lines of ");
    daemon.until_said("came after their slots were final and sent");
    let unsent =
        || sink.points().iter().filter(|((path, _), _)| path.ends_with("lines.unsent")).map(|(_, v)| v[0]).sum();
    until("the count of them", unsent, |lines: &f64| *lines == 2.0);
    assert!(daemon.stop().success());

    let daemon = rig.start();
    let second = this_second();
    rig.log(&[Request::new(second + 100, 40, "/slow")]);
    until("the second slot", || count(second), Option::is_some);
    // What was sent is in the store at once, not with the next lines.
    let owed = || View::open(&rig.folder.path("store")).unwrap().destinations()[0].pending.clone();
    until("that nothing is owed", owed, Vec::is_empty);
    daemon.kill();
    let third = this_second();
    rig.log(&[Request::new(third + 100, 40, "/slow")]);
    let daemon = rig.start();
    until("the third slot", || count(third), Option::is_some);
    assert!(daemon.stop().success());
    let points = sink.points();
    assert_eq!(count(first), Some(1.0));
    // What was under way when it was killed goes again: one slot at most.
    let seconds: BTreeSet<i64> = doubles(&points).iter().map(|(_, second)| *second).collect();
    assert!(seconds.len() <= 1 && seconds.iter().all(|at| *at > second / 1000), "{:?}", doubles(&points));
    for second in first / 1000..third / 1000 {
        assert!(count(second * 1000).is_some(), "{second} is missing between {first} and {third}");
    }
    rig.until_counted(7);
}

/// A carbon that closes its first connection after some slots; what TCP may have lost with it comes again, and that is said.
#[test]
fn what_a_broken_connection_may_have_lost_is_sent_again_in_final_and_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seconds = Arc::new(Mutex::new(Vec::<i64>::new()));
    let heard = Arc::clone(&seconds);
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().map_while(Result::ok).enumerate() {
            for line in BufReader::new(connection).lines().map_while(Result::ok) {
                if line.starts_with("nginx.web1.slow.requests.count ") {
                    heard.lock().unwrap().push(line.rsplit(' ').next().unwrap().parse().unwrap());
                }
                if number == 0 && heard.lock().unwrap().len() == 3 {
                    break;
                }
            }
        }
    });
    let rig = Rig::new(&format!("{KEYS}\nlateness = \"1s\""), &(section(address) + "send = \"final\"\n"));
    let daemon = rig.start();
    daemon.until_said("store ");
    let first = this_second();
    rig.log(&[Request::new(first + 100, 40, "/slow")]);
    daemon.until_said("are sent again, as TCP may have lost them");
    let heard = || seconds.lock().unwrap().clone();
    let all = until("more slots", heard, |seconds| seconds.iter().any(|at| *at > seconds[2] + 3));
    let (begun, last) = (*all.iter().min().unwrap(), *all.iter().max().unwrap());
    assert_eq!(begun, first / 1000);
    for second in begun..last {
        assert!(all.contains(&second), "{second} is missing in {all:?}");
    }
}

/// Two at one address, with names of their own: each has its own account, over a stop, too.
#[test]
fn two_at_one_address_are_each_owed_their_own() {
    let sink = Sink::new();
    let tagged = sink.section() + "tagged = true\nsend = \"final\"\n";
    let rig = Rig::new(&format!("{KEYS}\nlateness = \"4s\""), &(sink.section() + &tagged));
    let daemon = rig.start();
    let plain = |second: i64| sink.last("nginx.web1.slow.requests.count", second / 1000);
    let tagged = |second: i64| sink.last("nginx.requests.count;host=web1;route=slow", second / 1000);
    let first = this_second();
    rig.log(&[Request::new(first + 100, 40, "/slow")]);
    until("the plain point", || plain(first), Option::is_some);
    assert_eq!(tagged(first), None, "its lateness is not over");
    assert!(daemon.stop().success());
    let view = View::open(&rig.folder.path("store")).unwrap();
    let marks: BTreeSet<_> = view.destinations().iter().map(|held| (&held.destination, held.emitted_until)).collect();
    assert_eq!(marks.len(), 2, "{marks:?}");
    assert!(marks.iter().any(|(account, _)| account.ends_with(" (nginx with tags)")), "{marks:?}");
    let daemon = rig.start();
    until("the point with tags", || tagged(first), Option::is_some);
    assert!(daemon.stop().success());
    rig.folder.write("twice.toml", sink.section() + &sink.section());
    let run = rig.folder.run(&["index", "--push", "--config=twice.toml"]);
    run.said(2, &["twice.toml:4:", "is sent to twice under the same names"]);
}

/// A log that is short, or was rotated just now, is read to its end long before another one: by its time slots of the other's would seem over.
#[test]
fn final_waits_until_all_logs_are_read_to_their_ends() {
    let sink = Sink::new();
    let other = format!("[[log]]\npath = 'FOLDERb.log'\nformat = '{}'\n", support::log::EXACT);
    let rig = Rig::new(&format!("{KEYS}\nlateness = \"2s\""), &(sink.section() + "send = \"final\"\n" + &other));
    let (old, count) = (this_second() - 600_000, 120_000);
    let many: Vec<Request> = (0..count).map(|n| Request::new(old + n % 1000, 40, "/slow")).collect();
    rig.log(&many);
    let recent = this_second() - 30_000;
    rig.append("b.log", &(Request::new(recent, 40, "/").exact() + "\n"));
    let daemon = rig.start();
    let value = |path: &str, second: i64| sink.last(path, second / 1000);
    until("the short log", || value("nginx.web1.__root.requests.count", recent), Option::is_some);
    until("the long log", || value("nginx.web1.slow.requests.count", old), Option::is_some);
    assert_eq!(value("nginx.web1.slow.requests.count", old), Some(120_000.0));
    assert!(!daemon.said().contains("came after their slots were final"), "{}", daemon.said());
    assert!(daemon.stop().success());
    assert_eq!(doubles(&sink.points()), Vec::<&(String, i64)>::new());
}

#[test]
fn before_the_first_request_of_all_nothing_is_owed() {
    let rig =
        Rig::new(&format!("{KEYS}\nlateness = \"2s\""), "[[carbon]]\naddress = \"127.0.0.1:1\"\nsend = \"final\"\n");
    let second = this_second() - 20_000;
    rig.log(&[Request::new(second, 40, "/slow")]);
    let daemon = rig.start();
    daemon.until_said("cannot connect");
    rig.until_counted(1);
    let owed = || View::open(&rig.folder.path("store")).unwrap().destinations()[0].pending.clone();
    let owed = until("what is owed", owed, |owed| !owed.is_empty());
    assert_eq!(owed[0].millis(), second);
    assert!(!daemon.said().contains("spool"), "{}", daemon.said());
    assert!(daemon.stop().success());
}
