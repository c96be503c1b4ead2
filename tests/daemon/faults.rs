//! A disk that is full, read-only, or emptied under the daemon, and a store that another version wrote.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::points::{KEYS, check_slot, this_second};
use crate::rig::{Daemon, Rig, until};
use crate::sink::Sink;
use support::log::{NOON, Request, requests};
use support::program::{Run, run};

/// `spikeline` in a mount namespace of its own, after `mount` (of util-linux, `$0` is the store); none, with a word about it,
/// where that is not allowed.
fn mounted(rig: &Rig, mount: &str, arguments: &[&str]) -> Option<Command> {
    let tried =
        Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: needs util-linux' unshare, and that a user may mount a tmpfs of his own");
        return None;
    }
    let plain = rig.folder.command(arguments);
    let mut command = rig.folder.command(&[]);
    let mut unshare = Command::new("unshare");
    unshare.args(["-rm", "sh", "-c", &format!("{mount} && exec \"$@\"")]).arg(rig.folder.path("store"));
    unshare.arg(plain.get_program()).args(plain.get_args()).current_dir(rig.folder.path(""));
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => unshare.env(name, value),
            None => unshare.env_remove(name),
        };
    }
    unshare.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    std::mem::swap(&mut command, &mut unshare);
    Some(command)
}

/// The daemon with its store on a file system of so many bytes, and where others see that.
fn on_a_small_disk(rig: &Rig, size: &str) -> Option<(Daemon, PathBuf)> {
    std::fs::create_dir(rig.folder.path("store")).unwrap();
    let mount = format!("mount -t tmpfs -o mode=0750,size={size} none \"$0\"");
    let daemon = Daemon::of(mounted(rig, &mount, &["run", "--config=c.toml"])?);
    daemon.until_said("store ");
    let own = rig.folder.path("store");
    let seen = Path::new(&format!("/proc/{}/root", daemon.id())).join(own.strip_prefix("/").unwrap());
    until("the manifest", || seen.join("manifest").exists(), |exists| *exists);
    Some((daemon, seen))
}

fn counted(rig: &Rig, store: &Path) -> u64 {
    let run = rig.ask(&["report", "--format=csv", "--store", store.to_str().unwrap()]);
    run.lines().iter().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum()
}

fn fill(store: &Path) {
    let mut filler = std::fs::File::create(store.join("filler")).unwrap();
    while filler.write(&[7; 4096]).is_ok_and(|written| written > 0) {}
}

#[test]
fn fault_30_a_full_disk_stops_neither_reading_nor_carbon_and_the_gap_is_said() {
    let sink = Sink::new();
    let rig = Rig::new(KEYS, &sink.section());
    let Some((daemon, store)) = on_a_small_disk(&rig, "512k") else { return };
    let first = this_second();
    let before = [Request::new(first, 40, "/slow")];
    rig.log(&before);
    check_slot(&sink, first, &before);
    until("the first", || counted(&rig, &store), |counted| *counted == 1);

    fill(&store);
    // Too much for what is left of the journal's last page.
    let second = this_second();
    let many: Vec<Request> =
        (0..3_000).map(|n| Request::new(second + n % 1000, 1_000 + (n * n).unsigned_abs() % 9_973, "/slow")).collect();
    rig.log(&many);
    daemon.until_said("reading and carbon go on, the commit is tried every second");
    for piece in ["cannot commit to the journal: No space left", "journal-1", "free space on that disk"] {
        assert!(daemon.said().contains(piece), "{}", daemon.said());
    }
    // Carbon gets what the store cannot hold.
    until(
        "all of it at carbon",
        || sink.last("nginx.web1.slow.requests.count", second / 1000),
        |count| *count == Some(3_000.0),
    );
    // Readers have the last good state, and are told up to when it goes.
    assert_eq!(counted(&rig, &store), 1);
    let asked = ["report", "--store", store.to_str().unwrap(), "--from", "-1min", "--until", "now"];
    let behind = until("that it is behind", || rig.ask(&asked), |run| run.code == 3);
    behind.said(3, &["the logs were read only until 20", "partial: one thing is missing"]);

    std::fs::remove_file(store.join("filler")).unwrap();
    daemon.until_said("store: written again; nothing was lost");
    assert_eq!(counted(&rig, &store), 3_001);
    assert!(daemon.stop().success());
}

#[test]
fn fault_32_a_read_only_disk_is_refused_with_the_remedy_and_still_read() {
    let rig = Rig::new("", "");
    rig.log(&requests(20));
    let daemon = rig.start();
    rig.until_counted(20);
    assert!(daemon.stop().success());
    // Its files on a file system of their own, which is then made read-only.
    let mount = "cp -a \"$0\" \"$0.copy\" && mount -t tmpfs none \"$0\" && cp -a \"$0.copy/.\" \"$0\" && rm -r \"$0.copy\" \
        && mount -o remount,ro \"$0\"";
    let Some(mut writing) = mounted(&rig, mount, &["run", "--config=c.toml"]) else { return };
    let refused = |run: Run| run.said(3, &["Read-only file system", "/store", "help: mount it writable"]);
    refused(run(&mut writing));
    refused(run(&mut mounted(&rig, mount, &["index", "--config=c.toml", "a.log"]).unwrap()));
    let read = run(&mut mounted(&rig, mount, &["lines", "--all", "--config=c.toml"]).unwrap());
    assert_eq!((read.code, read.lines().len()), (0, 20), "{}", read.err);
    // Nor is a store made there.
    std::fs::remove_dir_all(rig.folder.path("store")).unwrap();
    std::fs::create_dir(rig.folder.path("store")).unwrap();
    refused(run(&mut mounted(&rig, mount, &["run", "--config=c.toml"]).unwrap()));
}

/// README.md: "Delete the folder and the daemon starts anew from the present logs."
#[test]
fn fault_32_a_store_deleted_under_the_daemon_is_told_and_begun_anew() {
    let rig = Rig::new("", "");
    rig.log(&requests(30));
    let daemon = rig.start();
    rig.until_counted(30);
    // It may make a journal once more while the manifest is still there.
    let removed = || std::fs::remove_dir_all(rig.folder.path("store")).is_ok();
    until("an empty place", removed, |removed| *removed);
    rig.log(&requests(10));
    daemon.until_said("it was removed while it was in use");
    daemon.until_said("restart spikeline, which begins anew with the present logs");
    let said = daemon.stop_saying("at the next start it is read again from the logs");
    assert!(!said.contains("everything read is committed"), "{said}");
    rig.ask(&["report"]).said(2, &["there is no store here", "spikeline run"]);
    let daemon = rig.start();
    rig.until_counted(40);
    assert!(daemon.stop().success());
}

/// Two writers that each believed the store to be theirs wrote their manifests over each other's.
#[test]
fn a_store_moved_under_the_daemon_is_written_no_more_and_another_is_left_alone() {
    let rig = Rig::new("", "");
    rig.log(&requests(30));
    let daemon = rig.start();
    rig.until_counted(30);
    std::fs::rename(rig.folder.path("store"), rig.folder.path("moved")).unwrap();
    rig.ask(&["index", "a.log"]).said(0, &["taken in"]);
    rig.log(&requests(10));
    daemon.until_said("it was removed while it was in use, or moved, or replaced");
    daemon.until_said("nothing more is written, and the daemon ends");
    let said = daemon.stop_saying("at the next start it is read again from the logs");
    assert!(!said.contains("written again") && !said.contains("everything read is committed"), "{said}");
    assert_eq!((counted(&rig, &rig.folder.path("store")), counted(&rig, &rig.folder.path("moved"))), (30, 30));
    let daemon = rig.start();
    rig.until_counted(40);
    assert!(daemon.stop().success());
}

#[test]
fn fault_34_a_store_of_another_version_is_refused_and_left_as_it_is() {
    let rig = Rig::new("", "");
    rig.log(&[Request::new(NOON, 1500, "/slow")]);
    let daemon = rig.start();
    rig.until_counted(1);
    assert!(daemon.stop().success());
    let files = || {
        let names = std::fs::read_dir(rig.folder.path("store")).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> = names.filter(|path| path.is_file() && !path.ends_with("LOCK")).collect();
        files.sort();
        files
    };
    let contents = || files().into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect::<Vec<_>>();
    assert_eq!(files().len(), 2, "the manifest and a journal: {:?}", files());
    for path in files() {
        let own = std::fs::read(&path).unwrap();
        let is_journal = path.file_name().unwrap().to_str().unwrap().starts_with("journal-");
        let newer = if is_journal {
            (6, ["version 6 of the store's format; this program knows up to 5", "read it with the newer spikeline"])
        } else {
            (5, ["version 5 of the store's format; this program knows up to 4", "read it with spikeline 0."])
        };
        for (version, pieces) in
            [newer, (1u8, ["version 1 of the store's format, from before it was released", "move the folder away"])]
        {
            let mut other = own.clone();
            other[8] = version;
            std::fs::write(&path, other).unwrap();
            let before = contents();
            for arguments in [&["run"][..], &["index", "a.log"], &["index", "--rebuild"], &["report"], &["verify"]] {
                rig.ask(arguments).said(2, &pieces);
                rig.ask(arguments).said(2, &[path.file_name().unwrap().to_str().unwrap(), "nothing was changed"]);
                assert!(contents() == before, "{arguments:?} left the store as it was");
            }
        }
        std::fs::write(&path, own).unwrap();
    }
    assert_eq!(rig.counted(), 1);
}
