//! Lines found again after their file was renamed, copied or compressed.

use spikeline::source::{Compression, Generation, LineReader, locate};

use crate::rig::{Rig, gzip, line, numbered};

/// A log of 1000 lines, read to its end, and its generation.
fn read_log() -> (Rig, Generation) {
    let mut rig = Rig::new();
    rig.append("access.log", numbered(0, 1000));
    rig.poll();
    let generation = rig.store.generations.values().next().unwrap().clone();
    (rig, generation)
}

fn check(rig: &Rig, generation: &Generation, name: &str, compression: Compression) {
    let located = locate(generation).unwrap().unwrap_or_else(|| panic!("{name} is found"));
    assert_eq!(located.path, rig.path(name).canonicalize().unwrap());
    assert_eq!(located.compression, compression);
    let mut reader = LineReader::open(&located).unwrap();
    let length = line(0).len() as u64 + 1;
    let mut into = Vec::new();
    // Ascending, twice the same, back, and across.
    for number in [0, 1, 500, 500, 999, 3, 998] {
        assert!(reader.read(number * length, u32::try_from(length).unwrap(), &mut into).unwrap());
        assert_eq!(String::from_utf8_lossy(&into).trim_end(), line(usize::try_from(number).unwrap()));
    }
    assert!(!reader.read(999 * length, u32::try_from(length).unwrap() + 1, &mut into).unwrap());
    assert!(!reader.read(1 << 40, 1, &mut into).unwrap());
    assert!(into.is_empty());
}

#[test]
fn under_every_name_that_rotation_gives() {
    let (rig, generation) = read_log();
    check(&rig, &generation, "access.log", Compression::Plain);
    let mut name = "access.log".to_owned();
    for next in ["access.log.1", "access.log-20261122", "access.log-20261122-1795381364", "access-20261122.log"] {
        rig.rename(&name, next);
        name = next.to_owned();
        rig.append("access.log", "another\n");
        check(&rig, &generation, &name, Compression::Plain);
        rig.remove("access.log");
    }
    rig.gzip(&name);
    check(&rig, &generation, &format!("{name}.gz"), Compression::Gzip);
    rig.remove(&format!("{name}.gz"));
    assert_eq!(locate(&generation).unwrap(), None);
    std::fs::write(rig.path("access.log.1.zst"), zstd::encode_all(numbered(0, 1000).as_bytes(), 3).unwrap()).unwrap();
    check(&rig, &generation, "access.log.1.zst", Compression::Zstd);
}

#[test]
fn not_in_a_file_that_only_begins_alike() {
    let (rig, generation) = read_log();
    rig.remove("access.log");
    let alike = numbered(0, 999) + &"x".repeat(line(999).len()) + "\n";
    rig.append("access.log", &alike);
    std::fs::write(rig.path("access.log.1.gz"), gzip(alike.as_bytes())).unwrap();
    std::fs::write(rig.path("access.log.2.gz"), gzip(numbered(0, 500).as_bytes())).unwrap();
    assert_eq!(locate(&generation).unwrap(), None);
    std::fs::write(rig.path("access.log.3.gz"), gzip(numbered(0, 1000).as_bytes())).unwrap();
    check(&rig, &generation, "access.log.3.gz", Compression::Gzip);
}

#[test]
fn in_several_members() {
    let (rig, generation) = read_log();
    rig.remove("access.log");
    let parts: Vec<u8> = (0..10).flat_map(|part| gzip(numbered(part * 100, 100).as_bytes())).collect();
    std::fs::write(rig.path("access.log.2.gz"), parts).unwrap();
    check(&rig, &generation, "access.log.2.gz", Compression::Gzip);
}

#[test]
fn a_directory_that_is_gone_holds_nothing() {
    let (rig, generation) = read_log();
    drop(rig);
    assert_eq!(locate(&generation).unwrap(), None);
}
