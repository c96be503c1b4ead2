//! The bytes before a restart point, packed: only those that the stretch after it refers to.
//!
//! Deflate refers back 32 KiB at most, so what the first 32 KiB of the stretch do not copy from the window is never
//! needed again: most of it. Which bytes are copied shows when the stretch is decoded from windows that hold, instead
//! of the log, their own places: decoding depends on the compressed bits, not on the bytes that are copied.

use std::fs::File;
use std::io::{BufRead, Seek, SeekFrom};

use super::compressed_input::CompressedInput;
use super::inflate::{InflateStep, InflateStop, Inflater, SplitByte, WINDOW};

/// While a file is read, its windows are packed like this, to bound memory ..
const QUICK: i32 = 1;

/// .. and once it is, like this.
const THOROUGH: i32 = 15;

/// Unneeded bytes between needed ones stay, up to so many: they cost less than another run.
const GAP: usize = 6;

/// Packs a whole window quickly.
pub(crate) fn pack_whole(window: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(window, QUICK).unwrap_or_default()
}

/// Unpacks what [`pack_whole`] packed.
pub(crate) fn unpack_whole(packed: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::decompress(packed, WINDOW).ok()
}

/// Packs the needed parts of a window: where they are, then the bytes. The windows of a log are alike, so that another
/// one serves as `dictionary`.
pub(crate) fn pack(window: &[u8], needed: &[bool], dictionary: &[u8]) -> Option<Vec<u8>> {
    let (mut runs, mut bytes) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(start) = needed.get(at..).and_then(|rest| rest.iter().position(|needed| *needed)) {
        let start = at + start;
        let mut end = start;
        while let Some(next) = needed.get(end..).and_then(|rest| rest.iter().take(GAP + 1).position(|needed| *needed)) {
            end += next + 1;
        }
        for number in [start - at, end - start] {
            runs.extend_from_slice(&u16::try_from(number).ok()?.to_le_bytes());
        }
        bytes.extend_from_slice(window.get(start..end)?);
        at = end;
    }
    let mut plain = u16::try_from(window.len()).ok()?.to_le_bytes().to_vec();
    plain.extend_from_slice(&u16::try_from(runs.len() / 4).ok()?.to_le_bytes());
    // The lower bytes of all numbers, then the upper ones, most of which are 0.
    plain.extend(runs.iter().step_by(2));
    plain.extend(runs.iter().skip(1).step_by(2));
    plain.extend_from_slice(&bytes);
    zstd::bulk::Compressor::with_dictionary(THOROUGH, dictionary).ok()?.compress(&plain).ok()
}

/// Unpacks what [`pack`] packed; bytes that nothing refers to are 0. Nothing if it is damaged.
pub(crate) fn unpack(packed: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
    let plain = zstd::bulk::Decompressor::with_dictionary(dictionary).ok()?.decompress(packed, 8 * WINDOW).ok()?;
    let (length, rest) = plain.split_first_chunk::<2>()?;
    let (runs, rest) = rest.split_first_chunk::<2>()?;
    let mut window = vec![0; usize::from(u16::from_le_bytes(*length))];
    let numbers = usize::from(u16::from_le_bytes(*runs)) * 2;
    let (lower, rest) = rest.split_at_checked(numbers)?;
    let (upper, mut bytes) = rest.split_at_checked(numbers)?;
    let numbers: Vec<usize> = lower.iter().zip(upper).map(|(l, u)| usize::from(u16::from_le_bytes([*l, *u]))).collect();
    let mut at = 0;
    for run in numbers.chunks_exact(2) {
        let [gap, length] = run else { return None };
        let (run, rest) = bytes.split_at_checked(*length)?;
        at += gap;
        window.get_mut(at..at + length)?.copy_from_slice(run);
        at += length;
        bytes = rest;
    }
    Some(window)
}

/// Which of the `length` bytes before a restart point of `file` are copied by what follows.
pub(crate) fn find_needed(file: &File, packed: u64, split: SplitByte, length: usize) -> Option<Vec<bool>> {
    let (mut lower, mut upper, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..u16::try_from(length).ok()? {
        let [low, high] = place.to_le_bytes();
        lower.push(low);
        upper.push(high);
        other.push(!low);
    }
    let lower = first_bytes(file, packed, split, &lower)?;
    let upper = first_bytes(file, packed, split, &upper)?;
    // What differs here was copied from the window, and the others then say from where.
    let other = first_bytes(file, packed, split, &other)?;
    let mut needed = vec![false; length];
    for ((lower, upper), other) in lower.iter().zip(&upper).zip(&other) {
        if lower != other {
            *needed.get_mut(usize::from(u16::from_le_bytes([*lower, *upper])))? = true;
        }
    }
    Some(needed)
}

/// The first 32 KiB after a restart point, were `window` before it.
fn first_bytes(file: &File, packed: u64, split: SplitByte, window: &[u8]) -> Option<Vec<u8>> {
    let mut file = file.try_clone().ok()?;
    file.seek(SeekFrom::Start(packed)).ok()?;
    let mut input = CompressedInput::new(Box::new(file), packed);
    let mut inflate = Inflater::restart_after(split, window);
    let mut bytes = vec![0; WINDOW];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        let InflateStep { consumed, produced, came } = inflate.decode(input.fill_buf().ok()?, room);
        input.consume(consumed);
        filled += produced;
        match came {
            InflateStop::On if consumed + produced > 0 => {}
            InflateStop::ToEnd => break,
            InflateStop::On | InflateStop::ToBoundary(_) | InflateStop::Wrong => return None,
        }
    }
    bytes.truncate(filled);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_bytes_come_back_and_the_others_need_not() {
        let window: Vec<u8> = (0..WINDOW).map(|at| u8::try_from(at * 7 % 251).unwrap() | 1).collect();
        for (every, run) in [(1, 1), (2, 1), (100, 3), (9000, 5000), (40_000, 1)] {
            let needed: Vec<bool> = (0..WINDOW).map(|at| at % every < run).collect();
            let packed = pack(&window, &needed, b"dictionary").unwrap();
            let back = unpack(&packed, b"dictionary").unwrap();
            assert_eq!(back.len(), WINDOW);
            for (at, needed) in needed.iter().enumerate() {
                assert!(!needed || back[at] == window[at], "{at} of every {every}");
            }
        }
        assert_eq!(unpack(&pack(b"", &[], b"").unwrap(), b"").unwrap(), b"");
    }

    /// All that is decoded from `input` on.
    fn rest(inflate: &mut Inflater, mut input: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        let mut into = vec![0; 10_000];
        loop {
            let InflateStep { consumed, produced, came } = inflate.decode(input, &mut into);
            input = &input[consumed..];
            all.extend_from_slice(&into[..produced]);
            match came {
                InflateStop::ToEnd => return all,
                InflateStop::On if consumed + produced > 0 => {}
                InflateStop::ToBoundary(_) => {}
                InflateStop::On | InflateStop::Wrong => panic!("{came:?} after {} bytes", all.len()),
            }
        }
    }

    fn deflated(log: &[u8], level: u32, flush_every: usize) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
        for part in log.chunks(flush_every) {
            encoder.write_all(part).unwrap();
            encoder.flush().unwrap();
        }
        encoder.finish().unwrap()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn decoding_goes_on_at_every_boundary(
            words in proptest::collection::vec("[a-z0-9 /.]{1,30}\n?", 1..400),
            order in proptest::collection::vec(0usize..400, 2000..9000),
            noise in proptest::collection::vec(0u8.., 0..2000), level in 0u32..10, flush_every in 3_000usize..400_000,
        ) {
            let mut log: Vec<u8> = noise;
            for at in order {
                log.extend_from_slice(words[at % words.len()].as_bytes());
            }
            let packed = deflated(&log, level, flush_every);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            std::fs::write(&path, &packed).unwrap();
            let file = File::open(&path).unwrap();
            let (mut inflate, mut into) = (Inflater::new_stopping(), vec![0; 7000]);
            let (mut read, mut given) = (0, 0);
            loop {
                let InflateStep { consumed, produced, came } = inflate.decode(&packed[read..], &mut into);
                assert!(into[..produced] == log[given..given + produced]);
                (read, given) = (read + consumed, given + produced);
                match came {
                    InflateStop::ToEnd => break,
                    InflateStop::ToBoundary(split) => {
                        let window = inflate.last_window();
                        assert!(window == log[given.saturating_sub(WINDOW)..given]);
                        let needed = find_needed(&file, read as u64, split, window.len()).unwrap();
                        let kept = unpack(&pack(&window, &needed, b"").unwrap(), b"").unwrap();
                        let mut again = Inflater::restart_after(split, &kept);
                        assert!(rest(&mut again, &packed[read..]) == log[given..], "at {given} of {}", log.len());
                    }
                    InflateStop::On => assert!(consumed + produced > 0),
                    InflateStop::Wrong => panic!("wrong at {given}"),
                }
            }
            assert_eq!(given, log.len());
        }
    }
}
