//! What systemd hears, and how messages are written for it.

use std::os::unix::net::UnixDatagram;

use crate::rig::{Daemon, Rig, until};
use support::log::requests;

#[test]
fn systemd_hears_ready_alive_status_reloading_and_stopping() {
    let rig = Rig::new("", "");
    rig.log(&requests(100));
    let socket = UnixDatagram::bind(rig.folder.path("notify")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut command = rig.folder.command(&["run", "--config=c.toml"]);
    command.env("NOTIFY_SOCKET", rig.folder.path("notify"));
    let daemon = Daemon::of(command);
    let mut heard = String::new();
    let mut until_heard = |piece: &str| {
        let mut buffer = [0; 4096];
        let hear = || {
            while let Ok(length) = socket.recv(&mut buffer) {
                heard.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
            }
            heard.clone()
        };
        let all = until(piece, hear, |heard| heard.contains(piece));
        // What came behind it is waited for next.
        heard = all.split_once(piece).unwrap().1.to_owned();
        all
    };
    until_heard("READY=1\n");
    let alive = until_heard("1 logs read until ");
    assert!(alive.contains("WATCHDOG=1\n") && alive.contains("STATUS="), "{alive}");
    daemon.hang_up();
    let reloading = until_heard("RELOADING=1\n");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    until_heard("READY=1\n");
    let good = std::fs::read_to_string(rig.folder.path("c.toml")).unwrap();
    rig.folder.write("c.toml", "nonsense");
    daemon.hang_up();
    until_heard("READY=1\n");
    until_heard("the last reload FAILED: ");
    rig.folder.write("c.toml", good);
    assert!(daemon.stop().success());
    until_heard("STOPPING=1\n");
}

#[test]
fn messages_have_a_time_and_a_level_and_every_log_is_named_also_at_a_restart() {
    let rig = Rig::new("", "");
    let path = rig.folder.path("a.log").display().to_string();
    for (form, start) in [("text", "following PATH"), ("text", "following PATH from byte ")] {
        rig.log(&requests(10));
        let daemon = Daemon::of(rig.folder.command(&["run", "--config=c.toml", "--log", form]));
        daemon.until_said(&start.replace("PATH", &path));
        for line in daemon.stop_saying("stopped; ").lines() {
            let (time, rest) = line.split_once(' ').unwrap();
            assert!(time.len() == "2011-11-30T14:05:00.000Z".len() && time.ends_with('Z'), "{line}");
            assert!(rest.starts_with("info: "), "{line}");
        }
    }
}

#[test]
fn messages_for_journald_and_for_programs() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = \"combined_plus\"\n");
    rig.log(&requests(10));
    let daemon = Daemon::of(rig.folder.command(&["run", "--config=c.toml", "--log=journal"]));
    daemon.until_said("<4>log ");
    for line in daemon.stop_saying("<6>stopped; ").lines() {
        assert!(line.starts_with("<4>") || line.starts_with("<6>"), "{line}");
    }
    let daemon = Daemon::of(rig.folder.command(&["run", "--config=c.toml", "--log=json"]));
    daemon.until_said("log-failed");
    for line in daemon.stop_saying("\"stopped\"").lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in ["time", "level", "kind", "message"] {
            assert!(message[field].is_string(), "{line}");
        }
    }
}
