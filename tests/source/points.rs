//! Lines far into a compressed log, read without decoding what comes before them.

use std::io::Write;

use flate2::Compression as Level;
use spikeline::source::{
    Compression, Generation, Input, LineReader, LocatedGeneration, RESTART_SPACING, RestartPoints, find_generation,
    find_generation_with,
};

use crate::rig::{Rig, gzip};

/// A log of about `bytes` bytes, each line unlike the others in some of its parts.
fn log(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut log = Vec::with_capacity(bytes + 400);
    while log.len() < bytes {
        let (user, page, time, agent) = (next() % 5000, next() % 300, next() % 100_000, next() % 40);
        writeln!(
            log,
            "10.0.{}.{} - - [30/Nov/2011:14:05:{:02} +0000] \"GET /users/{user}/pages/{page}?id={:016x} HTTP/1.1\" 200 \
             {} \"-\" \"Mozilla/5.0 (agent {agent}; rv:{}.0)\" {}.{:03}",
            user % 256,
            page % 256,
            time % 60,
            next() * next(),
            time * 7,
            agent * 3,
            time / 1000,
            time % 1000
        )
        .unwrap();
    }
    log
}

/// The generation of a log that was read to its end.
fn read_log(log: &[u8]) -> (Rig, Generation) {
    let mut rig = Rig::new();
    rig.append("access.log", log);
    rig.poll();
    let generation = rig.store.generations.values().next().unwrap().clone();
    assert_eq!(generation.position, log.len() as u64);
    (rig, generation)
}

fn write(rig: &Rig, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(rig.path(name), bytes).unwrap();
}

fn found(generation: &Generation, known: Option<RestartPoints>) -> LocatedGeneration {
    find_generation_with(generation, &[], known).unwrap().expect("the log is found")
}

fn gz(log: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Level::new(level));
    encoder.write_all(log).unwrap();
    encoder.finish().unwrap()
}

/// Reads about everywhere, backward and forward; each of these three costs no more than the stretch that it is in.
fn check(located: &LocatedGeneration, log: &[u8], stretch: u64) {
    let mut into = Vec::new();
    let places = (0..40_u64).map(|step| step * 7919 % 40 * (log.len() as u64 - 100) / 40);
    for offset in places.chain([0, log.len() as u64 - 100]) {
        let mut reader = LineReader::open(located).unwrap();
        for offset in [offset, offset.saturating_sub(50), offset] {
            assert!(reader.read(offset, 100, &mut into).unwrap());
            let at = usize::try_from(offset).unwrap();
            assert_eq!(into, log[at..at + 100], "at {offset}");
        }
        assert!(reader.decoded() <= 3 * (stretch + (64 << 10)), "{} decoded for {offset}", reader.decoded());
        assert!(!reader.read(log.len() as u64 - 1, 2, &mut into).unwrap());
    }
}

/// [`check`] with what finding it the first time gave, and that it then is found without decoding, also renamed.
fn check_packed(rig: &Rig, generation: &Generation, name: &str, log: &[u8], stretch: u64) -> RestartPoints {
    let _ = std::fs::remove_file(rig.path("access.log"));
    let first = found(generation, None);
    assert_eq!(first.path, rig.path(name).canonicalize().unwrap());
    assert_eq!(first.decoded, log.len() as u64);
    let points = first.points.as_deref().unwrap().clone();
    check(&first, log, stretch);
    let renamed = format!("access.log.7.{}", name.rsplit('.').next().unwrap());
    rig.rename(name, &renamed);
    let again = found(generation, Some(points.clone()));
    assert_eq!((again.path.clone(), again.decoded), (rig.path(&renamed).canonicalize().unwrap(), 0));
    check(&again, log, stretch);
    rig.remove(&renamed);
    points
}

#[test]
fn a_line_costs_one_stretch_of_a_gz() {
    let log = log(10 << 20, 1);
    let (rig, generation) = read_log(&log);
    for level in [2, 6, 9] {
        write(&rig, "access.log.1.gz", gz(&log, level));
        let points = check_packed(&rig, &generation, "access.log.1.gz", &log, RESTART_SPACING);
        assert!((2..=4).contains(&points.points.len()), "{} points at level {level}", points.points.len());
        let packed = gz(&log, level).len();
        assert!(points.packed_bytes() * 100 < packed, "{} of {packed} bytes at level {level}", points.packed_bytes());
    }
}

#[test]
fn stored_blocks_and_members_are_places_to_begin_at() {
    let log = log(9 << 20, 2);
    let (rig, generation) = read_log(&log);
    write(&rig, "access.log.1.gz", gz(&log, 0));
    check_packed(&rig, &generation, "access.log.1.gz", &log, RESTART_SPACING);
    // As nginx' gzip= and bgzip write it: a member every few KiB, which costs nothing to begin at.
    let members: Vec<u8> = log.chunks(60_000).flat_map(gzip).collect();
    write(&rig, "access.log.1.gz", &members);
    let points = check_packed(&rig, &generation, "access.log.1.gz", &log, 600_000);
    assert_eq!(points.packed_bytes(), 0);
    // A member in the middle of which a point lies, between others.
    let mixed = [gzip(&log[..100]), gz(&log[100..(8 << 20)], 6), gzip(&log[8 << 20..])].concat();
    write(&rig, "access.log.1.gz", &mixed);
    check_packed(&rig, &generation, "access.log.1.gz", &log, RESTART_SPACING);
}

#[test]
fn frames_of_a_zst_are_places_to_begin_at_and_blocks_are_not() {
    let log = log(6 << 20, 3);
    let (rig, generation) = read_log(&log);
    let frames: Vec<u8> = log.chunks(1 << 20).flat_map(|part| zstd::encode_all(part, 3).unwrap()).collect();
    write(&rig, "access.log.1.zst", frames);
    check_packed(&rig, &generation, "access.log.1.zst", &log, 1 << 20);
    write(&rig, "access.log.1.zst", zstd::encode_all(&log[..], 3).unwrap());
    check_packed(&rig, &generation, "access.log.1.zst", &log, log.len() as u64);
}

#[test]
fn points_of_another_file_are_not_believed() {
    let text = log(5 << 20, 4);
    let (rig, generation) = read_log(&text);
    rig.remove("access.log");
    write(&rig, "access.log.1.gz", gz(&text, 6));
    let points = found(&generation, None).points.as_deref().unwrap().clone();
    // The same log, packed anew; the same size and name, other content; and cut off.
    let again = gz(&text, 5);
    write(&rig, "access.log.1.gz", &again);
    let located = found(&generation, Some(points.clone()));
    assert_eq!((located.decoded, located.compression), (text.len() as u64, Compression::Gzip));
    check(&located, &text, RESTART_SPACING);
    let mut other = gz(&text, 6);
    let end = other.len() - 8;
    other[end] ^= 1;
    write(&rig, "access.log.1.gz", &other);
    assert_eq!(
        find_generation_with(&generation, &[], Some(points.clone())).unwrap().map(|located| located.decoded),
        Some(text.len() as u64)
    );
    write(&rig, "access.log.1.gz", &gz(&text, 6)[..end / 2]);
    assert_eq!(find_generation_with(&generation, &[], Some(points)).unwrap(), None);
    assert_eq!(find_generation(&generation).unwrap(), None);
}

#[test]
fn a_file_that_is_read_once_leaves_its_points_too() {
    let text = log(9 << 20, 5);
    let (rig, generation) = read_log(&text);
    rig.remove("access.log");
    let path = rig.path("access.log.1.gz");
    std::fs::write(&path, gz(&text, 6)).unwrap();
    let expected = found(&generation, None).points.as_deref().unwrap().clone();
    let mut input = Input::open_gathering(&path).unwrap();
    let (mut block, mut read) = (Vec::new(), Vec::new());
    while input.next_block(&mut block).unwrap().is_some() {
        read.extend_from_slice(&block);
    }
    assert!(read == text);
    assert_eq!(input.into_points(&generation), Some(expected));
    // Not read to its end, or not gathering: none.
    let mut input = Input::open_gathering(&path).unwrap();
    input.next_block(&mut block).unwrap();
    assert_eq!(input.into_points(&generation), None);
    let mut input = Input::open(&path).unwrap();
    while input.next_block(&mut block).unwrap().is_some() {}
    assert_eq!(input.into_points(&generation), None);
}
