//! zstd's room for unpacking, used again: to make it asks the processor what it can do, which costs a virtual machine more than
//! unpacking a block of cells does.

use std::sync::{Mutex, PoisonError};
use zstd::bulk::Decompressor;

/// So many are kept, of some 160 KiB each.
const KEPT: usize = 8;

static IDLE: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

/// What zstd made of at most so many bytes; nothing if it is malformed, or comes to more.
pub(crate) fn unpack(packed: &[u8], at_most: usize) -> Option<Vec<u8>> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut decompressor = match idle {
        Some(decompressor) => decompressor,
        None => Decompressor::new().ok()?,
    };
    let unpacked = decompressor.decompress(packed, at_most).ok();
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < KEPT {
        idle.push(decompressor);
    }
    unpacked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_malformed_leaves_nothing_behind() {
        let packed = zstd::bulk::compress(&[7; 10_000], 3).unwrap();
        let other = zstd::bulk::compress(b"something else", 3).unwrap();
        for _ in 0..3 {
            assert_eq!(unpack(&packed, 10_000), Some(vec![7; 10_000]));
            assert_eq!(unpack(&packed, 9_999), None);
            assert_eq!(unpack(packed.get(..12).unwrap(), 10_000), None);
            assert_eq!(unpack(b"nonsense", 100), None);
            assert_eq!(unpack(&other, 14), Some(b"something else".to_vec()));
        }
        let many: Vec<_> = (0..40)
            .map(|_| {
                std::thread::spawn({
                    let packed = packed.clone();
                    move || unpack(&packed, 10_000)
                })
            })
            .collect();
        for one in many {
            assert_eq!(one.join().unwrap(), Some(vec![7; 10_000]));
        }
        assert!(IDLE.lock().unwrap().len() <= KEPT);
    }
}
