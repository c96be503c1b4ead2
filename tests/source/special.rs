//! Watched paths that lead to no file, and rotated files that are packed in other ways than usual.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::rig::{Rig, expect, numbered};

#[test]
fn a_path_that_leads_to_no_file_is_named_and_not_opened() {
    let mut rig = Rig::watching(&["pipe.log", "zero.log", "folder.log", "access.log"]);
    assert!(Command::new("mkfifo").arg(rig.path("pipe.log")).status().unwrap().success());
    symlink("/dev/zero", rig.path("zero.log")).unwrap();
    fs::create_dir(rig.path("folder.log")).unwrap();
    rig.append("access.log", numbered(0, 3));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 3));
    let said = rig.problems();
    for (name, kind) in [("pipe.log", "a pipe"), ("zero.log", "a device"), ("folder.log", "a directory")] {
        let is_it = |said: &&String| said.contains(name) && said.contains(&format!("is {kind}, not a file"));
        assert_eq!(said.iter().filter(is_it).count(), 1, "{said:?}");
    }
}

/// Packs a file as logrotate's `compresscmd` does: beside it, with its time, then the file is deleted.
fn pack(rig: &Rig, packer: &str, name: &str) {
    assert!(Command::new(packer).arg("-q").arg(rig.path(name)).status().unwrap().success(), "{packer}");
}

#[test]
fn rotated_logs_are_read_in_whatever_way_they_are_packed() {
    for (packer, ending) in [("xz", "xz"), ("bzip2", "bz2")] {
        let mut rig = Rig::new();
        rig.append("access.log", numbered(0, 300));
        rig.poll();
        // Rotated twice while nothing ran, and packed.
        rig.append("access.log", numbered(300, 5));
        rig.rename("access.log", "access.log.2");
        rig.append("access.log.1", numbered(305, 7));
        pack(&rig, packer, "access.log.2");
        pack(&rig, packer, "access.log.1");
        rig.append("access.log", numbered(312, 2));
        assert!(rig.path(&format!("access.log.2.{ending}")).exists());
        rig.restart();
        rig.pass(1);
        rig.pass(120);
        assert_eq!(crate::rig::sorted(rig.lines()), expect(0, 314), "{packer}");
    }
}

#[test]
fn a_log_that_is_packed_while_it_is_read_is_known_and_leaves_no_doubt() {
    for packer in ["xz", "bzip2"] {
        let mut rig = Rig::watching(&["*.log", "access.log.*"]);
        rig.append("access.log", numbered(0, 300));
        rig.poll();
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", numbered(300, 2));
        rig.pass(1);
        pack(&rig, packer, "access.log.1");
        rig.pass(1);
        assert!(!rig.poll_once().undecided, "{packer}");
        rig.pass(120);
        assert_eq!(rig.lines(), expect(0, 302), "{packer}");
    }
}

#[test]
fn what_is_packed_in_a_way_that_is_not_read_is_named_and_not_followed() {
    let mut rig = Rig::watching(&["*"]);
    fs::write(rig.path("access.lz"), b"\x04\x22M\x18\x64\x40\xa7 something\n that is packed\n").unwrap();
    rig.append("access.log", numbered(0, 3));
    rig.pass(1);
    assert_eq!(rig.lines(), expect(0, 3));
    let said = rig.problems();
    assert!(said.iter().any(|said| said.contains("is packed by lz4, which is not read")), "{said:?}");
}
