//! What may happen to a log's file, as the daemon sees it: in the end each line is counted once, and what was lost is said.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Stdio};

use spikeline::store::View;

use crate::rig::{Daemon, Rig, until};
use support::log::{EXACT, NOON, Request, requests, text};

fn rename(rig: &Rig, from: &str, to: &str) {
    std::fs::rename(rig.folder.path(from), rig.folder.path(to)).unwrap();
}

/// The program `gzip`, as logrotate runs it.
fn gzip(rig: &Rig, name: &str) {
    assert!(Command::new("gzip").arg(rig.folder.path(name)).status().unwrap().success());
}

#[test]
fn fault_01_renamed_created_and_reopened_loses_and_doubles_nothing() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    // nginx writes on to the renamed file until USR1, and its workers one after the other.
    let mut old = std::fs::File::options().append(true).open(rig.folder.path("a.log")).unwrap();
    rename(&rig, "a.log", "a.log.1");
    rig.append("a.log", "");
    for (last, first) in requests[300..600].iter().zip(&requests[600..]) {
        writeln!(old, "{}", last.exact()).unwrap();
        rig.log(std::slice::from_ref(first));
    }
    drop(old);
    rig.has_each_once(&requests);
    assert!(daemon.stop().success());
    rig.has_each_once(&requests);
}

#[test]
fn fault_03_up_to_five_rotations_while_the_daemon_is_down_are_all_read_once() {
    for rotations in [2, 5] {
        let rig = Rig::new("", "");
        let requests = requests(100 * (rotations + 2));
        let mut parts = requests.chunks(100);
        rig.log(parts.next().unwrap());
        let daemon = rig.start();
        rig.until_counted(100);
        daemon.kill();
        rig.log(parts.next().unwrap());
        for (number, part) in (1..).zip(parts) {
            // As with `delaycompress`: the last one stays as it is, the others are packed.
            for held in (1..number).rev() {
                let end = if held > 1 { ".gz" } else { "" };
                rename(&rig, &format!("a.log.{held}{end}"), &format!("a.log.{}{end}", held + 1));
                if held == 1 {
                    gzip(&rig, "a.log.2");
                }
            }
            rename(&rig, "a.log", "a.log.1");
            rig.log(part);
        }
        let daemon = rig.start();
        rig.has_each_once(&requests);
        daemon.kill();
        let _daemon = rig.start();
        rig.has_each_once(&requests);
    }
}

#[test]
fn fault_04_rotated_to_gz_while_down_is_read_on_at_the_uncompressed_offset() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    rig.log(&requests[300..600]);
    rename(&rig, "a.log", "a.log-20111130");
    gzip(&rig, "a.log-20111130");
    rig.log(&requests[600..]);
    let _daemon = rig.start();
    rig.has_each_once(&requests);
}

#[test]
fn fault_05_a_gz_that_is_still_being_written_is_waited_for_and_what_was_committed_stays() {
    let rig = Rig::new("", "");
    let requests = requests(4000);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    rig.log(&requests[300..3900]);
    rename(&rig, "a.log", "a.log.1");
    gzip(&rig, "a.log.1");
    let packed = std::fs::read(rig.folder.path("a.log.1.gz")).unwrap();
    rig.folder.write("a.log.1.gz", &packed[..packed.len() / 2]);
    rig.log(&requests[3900..]);
    let daemon = rig.start();
    let some = until("what can be decoded", || rig.counted(), |counted| *counted > 400);
    assert!(some < 4000, "{some}");
    daemon.kill();
    let daemon = rig.start();
    rig.folder.write("a.log.1.gz", &packed);
    rig.has_each_once(&requests);
    assert!(daemon.stop().success());
}

#[test]
fn fault_06_all_members_of_a_gz_are_read_while_down_and_by_index() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..100]);
    let daemon = rig.start();
    rig.until_counted(100);
    daemon.kill();
    std::fs::remove_file(rig.folder.path("a.log")).unwrap();
    let mut members = std::fs::File::create(rig.folder.path("a.log.1.gz")).unwrap();
    for part in requests[..600].chunks(77) {
        rig.folder.gz("member", text(part, Request::exact));
        members.write_all(&std::fs::read(rig.folder.path("member")).unwrap()).unwrap();
    }
    let daemon = rig.start();
    rig.has_each_once(&requests[..600]);
    assert!(daemon.stop().success());
    let parts = requests[600..].chunks(50).map(|part| {
        rig.folder.gz("member", text(part, Request::exact));
        std::fs::read(rig.folder.path("member")).unwrap()
    });
    rig.folder.write("past.gz", parts.collect::<Vec<_>>().concat());
    rig.ask(&["index", "past.gz", "--log-format", EXACT]).ended(0);
    rig.has_counted_each_once(&requests);
}

#[test]
fn fault_08_truncated_and_grown_past_the_offset_is_noticed_by_what_stands_before_it() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    // The same inode, larger than before when the daemon looks again.
    rig.folder.write("a.log", text(&requests[300..], Request::exact));
    let _daemon = rig.start();
    rig.has_counted_each_once(&requests);
    let run = rig.ask(&["lines", "--all"]);
    assert!(
        run.err.contains("truncated or replaced while nothing read it")
            && run.err.contains("gone: the log last seen as"),
        "{}",
        run.err
    );
    let lines: Vec<&str> = run.lines().into_iter().filter(|line| !line.starts_with("# raw line gone")).collect();
    let expected: Vec<String> = requests[300..].iter().map(Request::exact).collect();
    assert!(lines.len() == 600 && expected.iter().all(|line| lines.contains(&line.as_str())), "{}", lines.len());
}

#[test]
fn fault_09_a_new_log_with_the_inode_of_the_old_one_is_read_from_its_beginning() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    rig.log(&requests[..300]);
    let inode = || std::fs::metadata(rig.folder.path("a.log")).unwrap().ino();
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    let old = inode();
    std::fs::remove_file(rig.folder.path("a.log")).unwrap();
    rig.log(&requests[300..]);
    if inode() != old {
        // tests/source/restart.rs has the same with an inode that is made to be the old one.
        eprintln!("this file system did not give the inode again");
    }
    let _daemon = rig.start();
    rig.has_counted_each_once(&requests);
}

#[test]
fn fault_10_two_logs_with_the_same_first_4_kib_are_two() {
    let rig = Rig::new(
        "",
        "[[log]]\npath = 'FOLDERb.log'\nformat = '$msec $request_time $status $body_bytes_sent $host \"$request\" \"$upstream_response_time\" \"$upstream_addr\"'\n",
    );
    let requests = requests(300);
    let (head, rest) = requests.split_at(100);
    assert!(text(head, Request::exact).len() > 4096);
    for name in ["a.log", "b.log"] {
        rig.append(name, &text(head, Request::exact));
    }
    rig.log(&rest[..100]);
    let daemon = rig.start();
    rig.until_counted(300);
    daemon.kill();
    rename(&rig, "a.log", "a.log.1");
    gzip(&rig, "a.log.1");
    rig.append("b.log", &text(&rest[100..], Request::exact));
    rig.append("a.log", "");
    let _daemon = rig.start();
    rig.has_each_once(&[head, &requests].concat());
}

#[test]
fn fault_11_an_empty_log_is_none_until_bytes_arrive() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = 'combined'\n");
    let (requests, generations) =
        (requests(2), || View::open(&rig.folder.path("store")).unwrap().generations().to_vec());
    rig.append("a.log", "");
    rig.append("b.log", "127.0.0.1 - - [30/Nov/2011:14:05:00 +0000] \"GET /slow HTTP/1.1\" 200 1 \"-\" \"-\"\n");
    let _daemon = rig.start();
    // The other log was read, and so this one was looked at.
    rig.until_counted(1);
    assert_eq!(generations().len(), 1);
    rig.log(&requests);
    rig.until_counted(3);
    let held = generations();
    assert_eq!((held.len(), held[1].position), (2, text(&requests, Request::exact).len() as u64));
}

/// The log by a hard link, two symbolic links and (where that may be done) a bind mount of its folder, all of them followed.
#[test]
fn fault_12_hard_link_symlink_and_bind_mount_are_one_log_counted_once() {
    let names = ["hard.log", "soft.log", "mounted/a.log", "mounted/hard.log", "linked/a.log"];
    let sections = names.map(|name| format!("[[log]]\npath = 'FOLDER{name}'\nformat = '{EXACT}'\n")).concat();
    let rig = Rig::new("", &sections);
    let path = |name: &str| rig.folder.path(name);
    let requests = requests(600);
    rig.log(&requests[..300]);
    std::fs::hard_link(path("a.log"), path("hard.log")).unwrap();
    symlink("a.log", path("soft.log")).unwrap();
    std::fs::create_dir(path("mounted")).unwrap();
    symlink(".", path("linked")).unwrap();
    let own = rig.folder.command(&["run", "--config=c.toml"]);
    // In a mount namespace of its own, so that nothing is left behind.
    let script = "mount --bind . mounted && exec \"$0\" \"$@\"";
    let mut mounted = Command::new("unshare");
    mounted.args(["-m", "sh", "-c", script]).arg(own.get_program()).args(own.get_args()).current_dir(path(""));
    let may = Command::new("unshare").args(["-m", "sh", "-c", "mount --bind . mounted"]).current_dir(path("")).status();
    let daemon = if may.is_ok_and(|status| status.success()) {
        Daemon::of({
            mounted.stdin(Stdio::null()).stderr(Stdio::piped());
            mounted
        })
    } else {
        eprintln!("not tried: a bind mount needs root");
        rig.start()
    };
    rig.until_counted(300);
    rig.log(&requests[300..]);
    rig.has_each_once(&requests);
    assert!(daemon.stop().success());
    rig.has_each_once(&requests);
    assert_eq!(View::open(&path("store")).unwrap().generations().len(), 1);
}

#[test]
fn fault_13_a_symlink_turned_to_another_file_is_followed_and_the_old_one_drained() {
    let rig = Rig::new("", "");
    let requests = requests(900);
    let append = |name: &str, part: &[Request]| rig.append(name, &text(part, Request::exact));
    append("app-1.log", &requests[..300]);
    symlink("app-1.log", rig.folder.path("a.log")).unwrap();
    let _daemon = rig.start();
    rig.until_counted(300);
    append("app-2.log", &requests[300..400]);
    symlink("app-2.log", rig.folder.path("new")).unwrap();
    rename(&rig, "new", "a.log");
    append("app-1.log", &requests[400..600]);
    rig.until_counted(600);
    append("app-2.log", &requests[600..800]);
    append("app-1.log", &requests[800..]);
    rig.has_each_once(&requests);
}

#[test]
fn fault_14_between_rename_and_create_it_waits() {
    let rig = Rig::new("", "[[log]]\npath = 'FOLDERb.log'\nformat = 'combined'\n");
    rig.append("b.log", "");
    let requests = requests(600);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    rename(&rig, "a.log", "a.log.1");
    rig.append("a.log.1", &text(&requests[300..400], Request::exact));
    rig.until_counted(400);
    assert!(!daemon.said().contains("a.log: there is no such file"), "{}", daemon.said());
    rig.log(&requests[400..]);
    rig.has_each_once(&requests);
}

/// Nothing tells the daemon of new lines, rotations or logs: it looks (`poll`, by default four times a second), as it must on NFS or overlay,
/// where inotify says nothing. So there is no queue of events that could overflow either.
#[test]
fn fault_15_polling_alone_is_the_truth() {
    let rig = Rig::new("", &format!("[[log]]\npath = 'FOLDERmore-*.log'\nformat = '{EXACT}'\n"));
    let requests = requests(900);
    rig.log(&requests[..300]);
    let daemon = rig.start();
    rig.until_counted(300);
    rename(&rig, "a.log", "a.log.1");
    rig.log(&requests[300..600]);
    rig.append("more-1.log", &text(&requests[600..], Request::exact));
    rig.has_each_once(&requests);
    let open = std::fs::read_dir(daemon.proc("fd")).unwrap();
    let open: Vec<String> =
        open.filter_map(|file| Some(std::fs::read_link(file.ok()?.path()).ok()?.display().to_string())).collect();
    assert!(open.iter().any(|name| name.ends_with("a.log")), "{open:?}");
    assert!(!open.iter().any(|name| name.contains("notify")), "{open:?}");
    let poll = spikeline::cli::config::Config::default().poll;
    assert!(poll.as_millis() <= 1000, "{poll:?}");
}

#[test]
fn fault_35_the_archive_prints_the_line_of_a_log_that_is_gone() {
    let rig = Rig::new("archive = true", "");
    let slow = Request::new(NOON, 2500, "/slow");
    rig.log(std::slice::from_ref(&slow));
    let daemon = rig.start();
    rig.until_counted(1);
    assert!(daemon.stop().success());
    std::fs::remove_file(rig.folder.path("a.log")).unwrap();
    let run = rig.ask(&["lines"]);
    run.said(0, &["1 raw line comes from the store's archive, their log being gone"]);
    assert_eq!(run.out, slow.exact() + "\n");
    let run = rig.ask(&["lines", "--all"]);
    run.said(3, &["of what could not be read, what the index holds is printed: one request", "partial"]);
    assert_eq!(run.out, slow.exact() + "\n");
}
