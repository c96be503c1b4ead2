//! Logs that nginx sends by syslog: written, followed, rotated, and what is lost is missing.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use crate::points::KEYS;
use crate::rig::{Rig, until};

const FORMAT: &str = "$msec $status $request_time \"$request\"";

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn line(number: u32) -> String {
    format!("<190>Nov 30 14:05:00 web7 nginx: 1322661900.{:03} 200 1.500 \"GET /n{number}/a HTTP/1.1\"", number % 1000)
}

fn counted(rig: &Rig) -> u64 {
    rig.counted()
}

#[test]
fn datagrams_become_lines_that_are_found_again_also_over_a_reload() {
    let port = free_port();
    let rig = Rig::new(
        KEYS,
        &format!(
            "[[log]]\npath = \"syslog:{port}\"\nformat = '{FORMAT}'\nkeep_size = \"1MiB\"\n\
             [[log]]\npath = 'syslog:unix:FOLDERs'\nformat = '{FORMAT}'\n[[route]]\nname = \"all.of\"\nregex = \"^/n\"\n"
        ),
    );
    let daemon = rig.start();
    let socket = rig.folder.path("s");
    until("the socket", || socket.exists(), |is_there| *is_there);
    let (udp, unix) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UnixDatagram::unbound().unwrap());
    udp.connect(("127.0.0.1", port)).unwrap();
    unix.connect(&socket).unwrap();
    for number in 0..300 {
        udp.send(line(number).as_bytes()).unwrap();
        unix.send(line(number + 300).as_bytes()).unwrap();
    }
    until("the first", || counted(&rig), |counted| *counted == 600);
    // One datagram is one line, whatever stands in it.
    udp.send(b"<190>Nov 30 14:05:00 web7 nginx: 1322661900.000 200 0.001 \"GET /n7/b HTTP/1.1\"\n<190>forged").unwrap();
    daemon.hang_up();
    for number in 600..1600 {
        udp.send(line(number).as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
    until("the others", || counted(&rig), |counted| *counted >= 1600);
    let found = rig.ask(&["lines", "--route=all.of", "--min-time=1s"]).out;
    let mut found: Vec<&str> = found.lines().collect();
    let mut sent: Vec<String> = (0..1600).map(line).collect();
    found.sort_unstable();
    sent.sort_unstable();
    assert_eq!(found, sent);
    assert!(daemon.stop().success());
    // What is sent while nobody receives is missing.
    let report = rig.ask(&["report"]);
    assert!(!report.err.contains("nobody received"), "{}", report.err);
    let daemon = rig.start();
    let asked = || rig.ask(&["report"]);
    until("what is missing", asked, |run| run.code == 3 && run.err.contains("nobody received"));
    assert!(daemon.stop().success());
}

/// Whom the kernel refuses is not told to who receives; nginx throws such a line away. An answer over that time is not complete.
#[test]
fn a_unix_socket_whose_queue_was_full_makes_answers_partial_and_one_that_never_was_does_not() {
    let rig = Rig::new(
        KEYS,
        &format!(
            "[[log]]\npath = 'syslog:unix:FOLDERs'\nformat = '{FORMAT}'\n[[route]]\nname = \"all.of\"\nregex = \"^/n\"\n"
        ),
    );
    let daemon = rig.start();
    let socket = rig.folder.path("s");
    until("the socket", || socket.exists(), |is_there| *is_there);
    let unix = UnixDatagram::unbound().unwrap();
    unix.connect(&socket).unwrap();
    for number in 0..8 {
        unix.send(line(number).as_bytes()).unwrap();
    }
    until("the first", || counted(&rig), |counted| *counted == 8);
    let report = rig.ask(&["report"]);
    assert!(!report.err.contains("may have been full"), "{}", report.err);
    unix.set_nonblocking(true).unwrap();
    let mut sent = 8;
    until(
        "a full queue",
        || {
            (0..5_000).any(|_| {
                let refused = unix.send(line(sent).as_bytes()).is_err();
                sent += u32::from(!refused);
                refused
            })
        },
        |refused| *refused,
    );
    until("those that were taken", || counted(&rig), |counted| *counted == u64::from(sent));
    let asked = || rig.ask(&["report"]);
    until("what may be missing", asked, |run| run.code == 3 && run.err.contains("may have been full"));
    assert!(daemon.stop().success());
}

#[test]
fn an_address_that_is_taken_is_an_error_and_only_loopback_is_the_default() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let rig = Rig::new(KEYS, &format!("[[log]]\npath = \"syslog:{port}\"\nformat = '{FORMAT}'\n"));
    rig.ask(&["run"]).said(3, &[&format!("cannot listen at syslog:127.0.0.1:{port}")]);
    for (path, what) in [
        ("syslog:", "does not say where to listen"),
        ("syslog:unix:a", "does not say where"),
        ("syslog:host:x", "does not say"),
    ] {
        let rig = Rig::new(KEYS, &format!("[[log]]\npath = \"{path}\"\nformat = '{FORMAT}'\n"));
        rig.ask(&["run"]).said(2, &[what]);
    }
}
