//! The real logrotate, in each of its ways, while a follower runs or is down. Passed over where it is not installed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::rig::{Rig, expect, numbered};

/// Runs logrotate over `access.log` with `options`; `false` if there is none.
fn logrotate(rig: &Rig, options: &str) -> bool {
    let log = rig.path("access.log");
    let config = rig.path("logrotate.conf");
    std::fs::write(&config, format!("{} {{\n  rotate 9\n  {options}\n}}\n", log.display())).unwrap();
    std::fs::set_permissions(&config, PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::set_permissions(rig.directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let ran = Command::new("/usr/sbin/logrotate").arg("-f").arg("-s").arg(rig.path("state")).arg(&config).output();
    let Ok(ran) = ran else { return false };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    true
}

fn reopen(rig: &Rig) -> File {
    OpenOptions::new().create(true).append(true).open(rig.path("access.log")).unwrap()
}

/// Four rotations with writing before, within and after each; `down` are those that the follower sleeps through.
fn rotations(options: &str, down: &[usize]) {
    let mut rig = Rig::new();
    let mut next = 0;
    let mut write = |file: &mut File, count: usize| {
        file.write_all(numbered(next, count).as_bytes()).unwrap();
        next += count;
        next
    };
    let mut writer = reopen(&rig);
    write(&mut writer, 150);
    rig.poll();
    let mut written = 150;
    for rotation in 0..4 {
        write(&mut writer, 30);
        if !logrotate(&rig, &options.replace("%ROTATION", &rotation.to_string())) {
            return;
        }
        // nginx writes on until it gets its USR1; what is compressed at once would lose that, here as there.
        if !options.contains("compress") || options.contains("copytruncate") || options.contains("delay") {
            write(&mut writer, 5);
        }
        if !down.contains(&rotation) {
            rig.poll();
        }
        if !options.contains("copytruncate") {
            writer = reopen(&rig);
        }
        written = write(&mut writer, 170 + 10 * rotation);
        if down.contains(&rotation) {
            rig.restart();
        }
        if !down.contains(&(rotation + 1)) {
            rig.poll();
        }
    }
    rig.pass(61);
    rig.pass(61);
    rig.pass(61);
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, expect(0, written), "{options}, down in {down:?}: {:#?}", rig.store);
    assert_eq!(rig.unfinished(), 1, "{options}, down in {down:?}");
    // Every generation is found again where logrotate left it.
    for generation in rig.store.generations.values() {
        let located = spikeline::source::find_generation(generation).unwrap();
        assert!(located.is_some(), "{options}, down in {down:?}: {generation:?}");
    }
}

#[test]
fn every_way_while_running_and_while_down() {
    for options in [
        "create 0640",
        "nocreate",
        "create 0640\n  compress\n  delaycompress",
        "create 0640\n  compress",
        "nocreate\n  compress",
        "create 0640\n  dateext\n  dateformat -%Y%m%d-%s%ROTATION",
        "create 0640\n  dateext\n  dateformat -%Y%m%d-%s%ROTATION\n  compress\n  delaycompress",
        "create 0640\n  extension .log",
        "create 0640\n  extension .log\n  compress",
        "copytruncate",
        "copytruncate\n  compress",
        "copytruncate\n  compress\n  delaycompress",
    ] {
        for down in [&[][..], &[1], &[1, 2], &[0, 1, 2, 3]] {
            rotations(options, down);
        }
    }
}
