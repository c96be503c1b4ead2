//! What the daemon cannot read is said, missing in every answer, and felt by the lag and by the points of quiet routes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use spikeline::store::View;

use crate::points::{KEYS, this_second};
use crate::rig::{Daemon, Rig, until};
use crate::sink::Sink;
use support::log::{Request, requests, text};

impl Rig {
    /// A daemon whom the system denies what it denies a user, run by this shell command before it.
    fn start_denied(&self, before: &str) -> Daemon {
        fs::set_permissions(self.folder.path(""), PermissionsExt::from_mode(0o777)).unwrap();
        let own = self.folder.command(&["run", "--config=c.toml"]);
        let program = own.get_program().to_str().unwrap().to_owned();
        let user = match rustix::process::geteuid().is_root() {
            true => "setpriv --reuid=65534 --regid=65534 --clear-groups",
            false => "",
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{before} exec {user} {program} run --config=c.toml"));
        command.current_dir(self.folder.path("")).env("TZ", "UTC").env("HOME", self.folder.path(""));
        Daemon::of({
            command.stderr(std::process::Stdio::piped());
            command
        })
    }

    fn allow(&self, name: &str, mode: u32) {
        fs::set_permissions(self.folder.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Waits until an answer to everything ends with this code and says this.
    fn until_answered(&self, code: i32, piece: &str) {
        let ask = || self.ask(&["report"]);
        until(piece, ask, |run| run.code == code && run.err.contains(piece));
    }
}

#[test]
fn a_denied_log_is_missing_until_it_is_allowed_and_over_restarts() {
    let rig = Rig::new("", "");
    let requests = requests(600);
    rig.log(&requests[..300]);
    let daemon = rig.start_denied("");
    rig.until_counted(300);
    rig.until_answered(0, "complete");
    fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    rig.folder.write("b", text(&requests[300..], Request::exact));
    rig.allow("b", 0);
    fs::rename(rig.folder.path("b"), rig.folder.path("a.log")).unwrap();
    daemon.until_said("a.log: cannot read it: Permission denied");
    rig.until_answered(3, "a.log after ");
    daemon.stop();
    rig.until_answered(3, "a.log after ");
    let daemon = rig.start_denied("");
    daemon.until_said("a.log: cannot read it: Permission denied");
    rig.until_answered(3, "a.log after ");
    rig.allow("a.log", 0o644);
    daemon.until_said("a.log: read after all; nothing of it is missing since");
    rig.until_counted(600);
    rig.until_answered(0, "complete");
    daemon.stop();
}

#[test]
fn logs_for_which_there_are_too_few_descriptors_are_read_in_turn() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERmany-*.log'\nformat = 'combined'\n");
    for number in 0..60 {
        rig.append(
            &format!("many-x{number}.log"),
            "192.0.2.1 - - [30/Nov/2011:14:05:20 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n",
        );
    }
    let daemon = rig.start_denied("ulimit -n 48;");
    rig.until_counted(60);
    // The first log is not there.
    rig.until_answered(3, "a.log after ");
    daemon.stop();
}

#[test]
fn a_mistyped_path_is_said_at_the_start_missing_and_wrong() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERmistyped.log'\nformat = 'combined'\n");
    rig.log(&requests(10));
    let daemon = rig.start();
    daemon.until_said("mistyped.log: there is no such file");
    rig.until_answered(3, "mistyped.log after ");
    rig.ask(&["check"]).said(1, &[]);
    daemon.stop();
}

#[test]
fn quiet_routes_are_no_zeros_and_the_lag_grows_while_a_log_is_not_read() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &(sink.section() + "[[log]]\npath = 'FOLDERgone.log'\nformat = 'combined'\n"));
    let daemon = rig.start();
    daemon.until_said("gone.log: there is no such file");
    let second = this_second();
    rig.log(&[Request::new(second, 40, "/slow")]);
    let values = |what: &str| -> Vec<f64> {
        let path = format!("nginx.web1.{what}");
        let points = sink.points();
        points.iter().filter(|((held, _), _)| *held == path).map(|(_, values)| *values.last().unwrap()).collect()
    };
    until("a lag", || values("spikeline.lag_seconds"), |lag| lag.iter().any(|lag| *lag > 4.0));
    assert_eq!(values("slow.requests.count"), [1.0], "a gap is the truth");
    rig.append("gone.log", "192.0.2.1 - - [30/Nov/2011:14:05:20 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
    until("a zero", || values("slow.requests.count"), |counts| counts.contains(&0.0));
    daemon.stop();
}

#[test]
fn a_clean_stop_says_when_the_logs_were_looked_at_last() {
    let rig = Rig::new("", "");
    rig.log(&requests(10));
    let daemon = rig.start();
    rig.until_counted(10);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    daemon.stop();
    let read_until = View::open(&rig.folder.path("store")).unwrap().read_until().unwrap();
    let behind = i64::try_from(before).unwrap() - read_until.millis();
    assert!(behind < 2000, "read until {behind} ms before the stop");
}

/// Its name is that of a log that is read; it was never read itself.
#[test]
fn a_mistyped_folder_does_not_hold_up_what_is_known_of_the_others() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERmistyped/a.log'\nformat = 'combined'\n");
    rig.log(&requests(10));
    let daemon = rig.start();
    rig.until_counted(10);
    daemon.stop();
    let _daemon = rig.start();
    let read_until = || View::open(&rig.folder.path("store")).unwrap().read_until();
    let before = read_until();
    until("a later time", read_until, |read| *read > before);
}
