//! The cache of restart points gives back what was kept, or nothing: never what a disk made of it.

use crate::source::{CompressedFile, Compression, Fingerprint, GenerationId, RestartPoint, RestartPoints, SplitByte};
use crate::store::Medium;
use crate::store::query::restart_points::{read_points, write_points};
use crate::store::tests::support::memory_medium::Memory;
use proptest::prelude::*;

fn with_folder() -> Memory {
    let memory = Memory::default();
    memory.make_folder("points").unwrap();
    memory
}

fn points() -> impl Strategy<Value = RestartPoints> {
    let window = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50));
    let point = (any::<u32>(), any::<u32>(), 0u8..8, any::<u8>(), window);
    let rest =
        (any::<(u64, u64, u64, u64)>(), any::<(u64, u64, u64)>(), proptest::collection::vec(any::<u8>(), 0..300));
    (any::<bool>(), rest, proptest::collection::vec(point, 0..6)).prop_map(
        |(is_gzip, (holds, file, dictionary), all)| {
            let mut points = Vec::new();
            let (mut offset, mut packed) = (0, 0);
            for (more, more_packed, count, bits, window) in all {
                (offset, packed) = (offset + u64::from(more), packed + u64::from(more_packed));
                // A point without a window begins a member: no byte is split there.
                let split = if window.is_some() { SplitByte { count, bits } } else { SplitByte::default() };
                points.push(RestartPoint { offset, packed, split, window });
            }
            RestartPoints {
                compression: if is_gzip { Compression::Gzip } else { Compression::Zstd },
                file: CompressedFile { length: file.0, head: file.1, tail: file.2 },
                holds: (Fingerprint { length: holds.0, hash: holds.1 }, holds.2, holds.3),
                dictionary,
                points,
            }
        },
    )
}

proptest! {
    #[test]
    fn points_come_back_as_they_were_kept_or_not_at_all(points in points(), bit: usize) {
        let memory = with_folder();
        let id = GenerationId(3);
        prop_assert_eq!(read_points(&memory, id), None);
        write_points(&memory, id, &points).unwrap();
        prop_assert_eq!(read_points(&memory, id), Some(points));
        memory.change("points/3.pts", |bytes| {
            let at = bit % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
        });
        prop_assert_eq!(read_points(&memory, id), None);
    }
}

/// A file that was renamed by hand is about another log.
#[test]
fn points_of_another_log_are_not_taken() {
    let memory = with_folder();
    let points = RestartPoints {
        compression: Compression::Gzip,
        file: CompressedFile { length: 1, head: 2, tail: 3 },
        holds: (Fingerprint::default(), 0, 0),
        dictionary: Vec::new(),
        points: Vec::new(),
    };
    write_points(&memory, GenerationId(3), &points).unwrap();
    Medium::rename(&memory, "points/3.pts", "points/4.pts").unwrap();
    assert_eq!(read_points(&memory, GenerationId(4)), None);
}
