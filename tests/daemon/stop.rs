//! SIGTERM ends the daemon whatever is under way: the tests would hang for minutes where it waited.

use crate::rig::{Rig, until};
use crate::sink::section;
use rustix::net::{AddressFamily, SocketType};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use support::log::requests;

/// A place that neither takes nor refuses connections: its queue of those that wait to be accepted is full.
struct BlackHole {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn new() -> BlackHole {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(stream);
        }
        BlackHole { listener, _waiting: waiting }
    }

    fn section(&self) -> String {
        section(self.listener.local_addr().unwrap()) + "connect_timeout = \"10min\"\nwrite_timeout = \"10min\"\n"
    }
}

#[test]
fn a_connection_that_is_never_made_holds_up_no_stop() {
    let hole = BlackHole::new();
    let rig = Rig::new("", &hole.section());
    rig.log(&requests(200));
    let daemon = rig.start();
    rig.until_counted(200);
    // The kernel tells who tries to connect.
    let port = format!("{:04X} 02", hole.listener.local_addr().unwrap().port());
    let tries = || std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&port);
    until("a try to connect", tries, |tries| *tries);
    assert!(daemon.stop().success());
    assert_eq!(rig.counted(), 200);
}

#[test]
fn a_carbon_that_does_not_read_holds_up_no_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let section = section(listener.local_addr().unwrap()) + "write_timeout = \"10min\"\n";
    // As many routes as fill what the operating system holds for a connection.
    let rig = Rig::new("interval = \"1s\"\nroutes = \"template\"\n", &section);
    let mut all = requests(6_000);
    for (number, request) in (0..).zip(&mut all) {
        request.target = format!("/route{}/x", ["a", "b", "c"].map(|one| one.repeat(1 + number % 30)).concat());
    }
    rig.log(&all);
    let daemon = rig.start();
    rig.until_counted(6_000);
    let (_held, _) = listener.accept().unwrap();
    assert!(daemon.stop().success());
    assert_eq!(rig.counted(), 6_000);
}

/// By these others reopen their logs; left to the system they end a process.
#[test]
fn signals_of_other_daemons_end_nothing() {
    let rig = Rig::new("", "");
    rig.log(&requests(20));
    let mut daemon = rig.start();
    rig.until_counted(20);
    let pid = rustix::process::Pid::from_raw(daemon.id().cast_signed()).unwrap();
    for signal in [rustix::process::Signal::USR1, rustix::process::Signal::USR2, rustix::process::Signal::ALARM] {
        rustix::process::kill_process(pid, signal).unwrap();
    }
    rig.log(&requests(20));
    rig.until_counted(40);
    assert!(daemon.runs());
    assert!(daemon.stop().success());
}
