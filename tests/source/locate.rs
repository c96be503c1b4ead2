//! Lines found again after their file was renamed, copied or compressed.

use spikeline::source::{Compression, Generation, LineReader, find_generation};

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
    let located = find_generation(generation).unwrap().unwrap_or_else(|| panic!("{name} is found"));
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
    assert_eq!(find_generation(&generation).unwrap(), None);
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
    assert_eq!(find_generation(&generation).unwrap(), None);
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
    assert_eq!(find_generation(&generation).unwrap(), None);
}

/// A log with this content that was read to its end, in a directory of its own; what happens to the file is the test's.
fn read_content(content: &str) -> (Rig, Generation) {
    let mut rig = Rig::new();
    rig.append("access.log", content);
    rig.poll();
    let generation = rig.store.generations.values().next().unwrap().clone();
    (rig, generation)
}

fn found_at(generation: &Generation) -> Option<std::path::PathBuf> {
    find_generation(generation).unwrap().map(|located| located.path)
}

#[test]
fn fault_10_logs_with_equal_first_4_kib_are_told_apart_when_packed() {
    let head = "the same line at the beginning of every log\n".repeat(200);
    assert!(head.len() > 8192);
    let mut rig = Rig::new();
    let mut contents = Vec::new();
    for (n, name) in ["access.log.4.zst", "access.log.3.gz", "access.log.2.gz", "access.log.1"].iter().enumerate() {
        // Of different lengths, so that a shorter one ends where a longer one goes on.
        let content = format!("{head}{}", numbered(n * 1000, 50 * (n + 1)));
        rig.append("access.log", &content);
        rig.poll();
        rig.rename("access.log", name);
        rig.append("access.log", "");
        rig.poll();
        contents.push((content, *name));
    }
    rig.pass(120);
    let generations: Vec<Generation> = rig.store.generations.values().cloned().collect();
    assert_eq!(generations.len(), 4);
    for (content, name) in &contents {
        let packed = match name.rsplit('.').next().unwrap() {
            "zst" => zstd::encode_all(content.as_bytes(), 3).unwrap(),
            "gz" => gzip(content.as_bytes()),
            _ => continue,
        };
        std::fs::write(rig.path(name), packed).unwrap();
    }
    for (generation, (_, name)) in generations.iter().zip(&contents) {
        assert_eq!(found_at(generation), Some(rig.path(name).canonicalize().unwrap()));
    }
    // One of them deleted is gone, and none of the others stands in for it.
    rig.remove("access.log.3.gz");
    assert_eq!(found_at(&generations[1]), None);
    assert!(found_at(&generations[2]).is_some());
}

#[test]
fn fault_09_a_reused_inode_is_not_the_log() {
    let (rig, generation) = read_content(&numbered(0, 300));
    std::fs::write(rig.path("access.log.1.gz"), gzip(numbered(0, 300).as_bytes())).unwrap();
    // The same file by device and inode, with another log in it, longer than the first was.
    let file = rig.append("access.log", "");
    file.set_len(0).unwrap();
    rig.append("access.log", numbered(5000, 900));
    let inode = |name: &str| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(rig.path(name)).unwrap());
    assert_eq!(inode("access.log"), generation.device_inode.inode);
    assert_eq!(found_at(&generation), Some(rig.path("access.log.1.gz").canonicalize().unwrap()));
}

#[test]
fn fault_07_a_copied_and_truncated_log_is_found_in_its_copy() {
    let (rig, generation) = read_content(&numbered(0, 300));
    rig.copytruncate("access.log", "access.log-20261122");
    rig.append("access.log", numbered(300, 10));
    assert_eq!(found_at(&generation), Some(rig.path("access.log-20261122").canonicalize().unwrap()));
    rig.gzip("access.log-20261122");
    assert_eq!(found_at(&generation), Some(rig.path("access.log-20261122.gz").canonicalize().unwrap()));
}

#[test]
fn fault_12_and_13_through_links() {
    // Followed by a symlink that is turned to the next day's file.
    let mut rig = Rig::new();
    rig.append("day-1.log", numbered(0, 300));
    std::os::unix::fs::symlink("day-1.log", rig.path("access.log")).unwrap();
    rig.poll();
    let generation = rig.store.generations.values().next().unwrap().clone();
    rig.remove("access.log");
    rig.append("day-2.log", numbered(300, 300));
    std::os::unix::fs::symlink("day-2.log", rig.path("access.log")).unwrap();
    assert_eq!(found_at(&generation), Some(rig.path("day-1.log").canonicalize().unwrap()));
    rig.gzip("day-1.log");
    assert_eq!(found_at(&generation), Some(rig.path("day-1.log.gz").canonicalize().unwrap()));

    // The name that it was known by is gone, another one of the same file is left.
    let (rig, generation) = read_content(&numbered(0, 300));
    std::fs::hard_link(rig.path("access.log"), rig.path("kept-by-hand")).unwrap();
    rig.remove("access.log");
    assert_eq!(found_at(&generation), Some(rig.path("kept-by-hand").canonicalize().unwrap()));
}

#[test]
fn fault_03_any_number_of_rotations_by_any_scheme() {
    let (rig, generation) = read_content(&numbered(0, 300));
    rig.rename("access.log", "access.log.1");
    // Delayed compression: the second rotation packs what the first renamed, the later ones only rename.
    for (n, to) in ["access.log.2.gz", "access.log.3.gz", "access.log.4.gz"].iter().enumerate() {
        rig.append("access.log", numbered(1000 * (n + 1), 300));
        match n {
            0 => {
                rig.gzip("access.log.1");
                rig.rename("access.log.1.gz", to);
            }
            _ => rig.rename(&format!("access.log.{}.gz", n + 1), to),
        }
        rig.rename("access.log", "access.log.1");
        assert_eq!(found_at(&generation), Some(rig.path(to).canonicalize().unwrap()));
        rig.gzip("access.log.1");
        if n < 2 {
            rig.rename("access.log.1.gz", "access.log.1");
        }
    }
    // Both the packed file and a plain one that begins alike but is cut off: the whole one counts.
    std::fs::write(rig.path("access.log.5"), numbered(0, 200)).unwrap();
    assert_eq!(found_at(&generation), Some(rig.path("access.log.4.gz").canonicalize().unwrap()));
}
