//! Stopped, killed and started again: no line is lost, none counts twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use spikeline::daemon::{Notice, Say, Stepwise};

use crate::rig::Rig;
use crate::stepped::{Steps, settings};
use support::log::{Request, csv, requests, rows, text};

fn by_route(request: &Request) -> String {
    request.route().to_owned()
}

/// That the store has counted exactly these, and that all their lines are found.
fn whole(rig: &Rig, requests: &[Request]) {
    rig.until_counted(requests.len());
    assert_eq!(rig.ask(&["report", "--format=csv"]).ended(0), csv("route", &rows(requests, by_route)));
    let mut expected: Vec<&Request> = requests.iter().collect();
    expected.sort_by_key(|request| request.end);
    let expected: String = expected.into_iter().map(|request| request.exact() + "\n").collect();
    assert_eq!(rig.ask(&["lines", "--all"]).ended(0), expected);
}

#[test]
fn a_clean_stop_commits_all_that_was_read_and_is_quick() {
    let rig = Rig::new("", "");
    let requests = requests(3000);
    rig.log(&requests[..1000]);
    let daemon = rig.start();
    whole(&rig, &requests[..1000]);
    let began = Instant::now();
    let ended = daemon.stop();
    assert_eq!(ended.code(), Some(0));
    // It is done within 2 s; a busy machine gets more.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    whole(&rig, &requests[..1000]);

    // Written while nobody looked.
    rig.log(&requests[1000..2000]);
    let daemon = rig.start();
    whole(&rig, &requests[..2000]);
    rig.log(&requests[2000..]);
    whole(&rig, &requests);
    assert!(daemon.stop().success());
    // Started for nothing.
    let daemon = rig.start();
    daemon.until_said("spikeline");
    assert!(daemon.stop().success());
    whole(&rig, &requests);
}

#[test]
fn without_work_and_without_carbon_it_sleeps() {
    let rig = Rig::new("", "");
    rig.log(&requests(100));
    let daemon = rig.start();
    rig.until_counted(100);
    let before = daemon.processor_ticks();
    std::thread::sleep(Duration::from_secs(1));
    // A thread that spun would take some 100 ticks of 10 ms; polling 20 times a second takes hardly one.
    let used = daemon.processor_ticks() - before;
    assert!(used < 30, "{used} ticks");
}

#[test]
fn fault_26_killed_at_any_moment_it_comes_to_the_same() {
    let rig = Rig::new("", "");
    let requests = requests(4000);
    for (round, part) in requests.chunks(500).enumerate() {
        let daemon = rig.start();
        daemon.until_said("store ");
        // In two writes, the first of which ends inside a line; then more or less of it has been read and committed.
        let lines = text(part, Request::exact);
        let (first, second) = lines.split_at(lines.len() / 3 + 11);
        rig.append("a.log", first);
        if round % 3 == 1 {
            let before = round as u64 * 500;
            crate::rig::until("some of it", || rig.counted(), |counted| *counted > before);
        }
        rig.append("a.log", second);
        if round % 3 == 2 {
            rig.until_counted((round + 1) * 500);
        }
        daemon.kill();
    }
    let daemon = rig.start();
    whole(&rig, &requests);
    assert!(daemon.stop().success());
    whole(&rig, &requests);
}

#[test]
fn renamed_while_nobody_looked() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    rig.log(&requests[300..600]);
    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    rig.log(&requests[600..]);
    let _daemon = rig.start();
    rig.until_counted(900);
    let mut lines: Vec<String> = rig.ask(&["lines", "--all"]).ended(0).lines().map(str::to_owned).collect();
    let mut expected: Vec<String> = requests.iter().map(Request::exact).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn a_quick_second_signal_harms_nothing() {
    let rig = Rig::new("", "");
    rig.log(&requests(100));
    let daemon = rig.start();
    rig.until_counted(100);
    let said = daemon.said();
    assert!(said.contains("following "), "{said}");
    assert!(daemon.stop().success());
    let quiet = rig.folder.command(&["run", "--quiet", "--config=c.toml"]).spawn().unwrap();
    rig.log(&requests(100));
    rig.until_counted(200);
    let pid = rustix::process::Pid::from_child(&quiet);
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        // The second may come too late, when it has ended.
        let _ended = rustix::process::kill_process(pid, signal);
    }
    let output = quiet.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "--quiet");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(rig.counted(), 200);
}

#[test]
fn a_hangup_signal_is_answered_and_stops_nothing() {
    let rig = Rig::new("", "");
    rig.log(&requests(100));
    let daemon = rig.start();
    rig.until_counted(100);
    let pid = rustix::process::Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    daemon.until_said("the new configuration is in force, 1 log");
    rig.log(&requests(100));
    rig.until_counted(200);
    daemon.stop_saying("everything read is committed");
}

#[test]
fn a_log_is_not_kept_in_mind_before_there_is_more_to_know_it_by_than_its_first_bytes() {
    let rig = Rig::new("", "");
    let open = || {
        let say: Say = Arc::new(|_: &Notice| ());
        Stepwise::open(settings(&rig, None), Arc::new(Steps::default()), &say, 1 << 16).unwrap()
    };
    let keep = |daemon: &mut Stepwise, most: usize| {
        daemon.count(most);
        daemon.hand_on();
        daemon.keep(usize::MAX);
        daemon.view().generations().iter().map(|held| held.position).collect::<Vec<_>>()
    };
    // With nothing but the beginning of a line in it, there is no more.
    let lines = text(&requests(30), Request::exact);
    rig.append("a.log", &lines[..20]);
    let mut daemon = open();
    daemon.look(|_| ());
    assert!(keep(&mut daemon, 1).is_empty());
    assert_eq!(keep(&mut daemon, usize::MAX), [0]);
    drop(daemon);

    std::fs::rename(rig.folder.path("a.log"), rig.folder.path("a.log.1")).unwrap();
    rig.append("a.log.1", &lines[20..]);
    rig.append("a.log", &lines);
    let mut daemon = open();
    daemon.look(|_| ());
    let size = lines.len() as u64;
    // The new log is named; the old one's new name and first bytes; then each one's lines, and that this is all.
    let mut seen = Vec::new();
    while daemon.uncounted() > 0 {
        seen.push(keep(&mut daemon, 1));
    }
    seen.dedup();
    assert!(
        seen == [vec![0], vec![size], vec![size, size]] || seen == [vec![0], vec![0, size], vec![size, size]],
        "{seen:?}"
    );
}
