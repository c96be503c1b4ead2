//! A path looked at sixteen bytes at a time, for the fold: where its segments, its digits and its end are.
//!
//! Most paths are letters, digits and `-_./` and short; of them three words of bits say all that folding needs, so that no
//! byte is looked at alone. Bit n stands for byte n:
//!
//! ```text
//! /users/1234/cart?x
//! 100000100001          slashes
//! 00000001111           digits
//! length 16, ended: the question mark was seen
//! ```
//!
//! A path with any other byte (`%`, `:`, `{`) is left to the slow way in `template`, which gives the same answer: the tests hold
//! the two against each other.

use wide::u8x16;

use super::query::ends_path;

/// So many bytes are looked at.
const LENGTH_MAX: usize = 64;

/// What a path that needs no thought is made of; a bit for each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathScan {
    /// How many bytes of it were seen, without query and fragment.
    pub(super) length: usize,
    /// Whether the path ends there.
    pub(super) ended: bool,
    pub(super) slashes: u64,
    pub(super) digits: u64,
}

impl PathScan {
    /// The front that is segments of which the end was seen; the next begins behind it. None if there is none.
    pub(super) fn whole_segments(self) -> Option<PathScan> {
        let length = self.slashes.checked_ilog2().filter(|&last| last > 0)?;
        let within = (1 << length) - 1;
        let (slashes, digits) = (self.slashes & within, self.digits & within);
        Some(PathScan { length: length as usize, ended: true, slashes, digits })
    }
}

/// Looks at the front of `target`. None if it holds other bytes than letters, digits and `-_./`.
#[inline(always)]
pub(super) fn scan_path(target: &[u8]) -> Option<PathScan> {
    let front = target.get(..LENGTH_MAX).unwrap_or(target);
    let mut whole = ByteBits::default();
    let (chunks, rest) = front.as_chunks::<16>();
    for (chunk, shift) in chunks.iter().zip([0, 16, 32, 48]) {
        whole.add_at(ByteBits::of_chunk(*chunk), shift);
    }
    if !rest.is_empty() {
        // The bytes before the rest once more, so that it is sixteen too.
        match front.last_chunk::<16>() {
            Some(last) => whole.add_at(ByteBits::of_chunk(*last), front.len() - 16),
            None => whole.add_at(ByteBits::of_chunk(with_zeros(rest)), 0),
        }
    }
    // The path ends at the first byte that is not plain, if it is one that ends it.
    let length = (!whole.plain).trailing_zeros() as usize;
    if length == LENGTH_MAX {
        return Some(PathScan { length, ended: false, slashes: whole.slashes, digits: whole.digits });
    }
    let plain = front.get(length).is_none_or(|&byte| ends_path(byte));
    let within = (1 << length) - 1;
    plain.then_some(PathScan { length, ended: true, slashes: whole.slashes & within, digits: whole.digits & within })
}

/// Whether it is a UUID: 36 bytes, 8-4-4-4-12 hex digits.
#[inline(always)]
pub(super) fn is_uuid(segment: &[u8]) -> bool {
    let Ok(segment) = <&[u8; 36]>::try_from(segment) else { return false };
    let ([first, second], _) = segment.as_chunks::<16>() else { return false };
    let hyphens = |chunk: &[u8; 16]| u8x16::from(*chunk).simd_eq(u8x16::splat(b'-')).to_bitmask();
    let hex = |chunk: &[u8; 16]| {
        let bytes = u8x16::from(*chunk);
        let digits = bytes_between(bytes, b'0', b'9');
        (digits | bytes_between(bytes | u8x16::splat(0x20), b'a', b'f')).to_bitmask()
    };
    let (in_first, in_second) = (1 << 8 | 1 << 13, 1 << 2 | 1 << 7);
    hyphens(first) == in_first
        && hyphens(second) == in_second
        && hex(first) == 0xFFFF & !in_first
        && hex(second) == 0xFFFF & !in_second
        && segment.last_chunk::<4>().is_some_and(|last| last.iter().all(u8::is_ascii_hexdigit))
}

/// Which bytes are from `low` to `high`.
#[inline(always)]
fn bytes_between(bytes: u8x16, low: u8, high: u8) -> u8x16 {
    let from_low = bytes - u8x16::splat(low);
    from_low.simd_eq(from_low.min(u8x16::splat(high - low)))
}

/// Fewer than sixteen bytes with zeros behind them.
#[inline]
fn with_zeros(bytes: &[u8]) -> [u8; 16] {
    let mut chunk = [0; 16];
    let (low, high) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            // The two overlap where there are fewer than sixteen.
            let shift = 8 * (16 - bytes.len());
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last).checked_shr(shift as u32).unwrap_or(0))
        }
        _ => {
            for (to, byte) in chunk.iter_mut().zip(bytes) {
                *to = *byte;
            }
            return chunk;
        }
    };
    let both = u128::from(low) | u128::from(high) << 64;
    chunk.copy_from_slice(&both.to_le_bytes());
    chunk
}

/// What the bytes of a front are; a bit for each, the first in the lowest.
#[derive(Debug, Default, Clone, Copy)]
struct ByteBits {
    plain: u64,
    digits: u64,
    slashes: u64,
}

impl ByteBits {
    /// The bits of sixteen bytes.
    #[inline(always)]
    fn of_chunk(chunk: [u8; 16]) -> ByteBits {
        let bytes = u8x16::from(chunk);
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let letters = bytes_between(bytes | u8x16::splat(0x20), b'a', b'z');
        let plain = letters | bytes_between(bytes, b'-', b'9') | is(b'_');
        ByteBits {
            plain: u64::from(plain.to_bitmask()),
            digits: u64::from(bytes_between(bytes, b'0', b'9').to_bitmask()),
            slashes: u64::from(is(b'/').to_bitmask()),
        }
    }

    /// Adds the bits of bytes that stand `shift` bytes further on. Bytes that are added twice are the same.
    #[inline(always)]
    fn add_at(&mut self, other: ByteBits, shift: usize) {
        self.plain |= other.plain << shift;
        self.digits |= other.digits << shift;
        self.slashes |= other.slashes << shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(target: &[u8]) -> Option<PathScan> {
        let length = target.iter().position(|byte| b"?#".contains(byte)).unwrap_or(target.len()).min(LENGTH_MAX);
        let path = &target[..length];
        let bits = |holds: fn(u8) -> bool| {
            path.iter().enumerate().map(|(at, &byte)| u64::from(holds(byte)) << at).fold(0, |all, bit| all | bit)
        };
        let plain = path.iter().all(|&b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        let (slashes, digits) = (bits(|byte| byte == b'/'), bits(|byte| byte.is_ascii_digit()));
        plain.then_some(PathScan { length, ended: length < LENGTH_MAX, slashes, digits })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn sixteen_at_a_time_is_one_by_one(
            bytes in proptest::collection::vec(
                prop_oneof![60 => b'-'..=b'9', 30 => b'a'..=b'z', 10 => b'A'..=b'Z', 2 => Just(b'?'), 1 => any::<u8>()],
                0..90,
            )
        ) {
            prop_assert_eq!(scan_path(&bytes), slow(&bytes));
        }
    }

    proptest! {
        #[test]
        fn a_uuid_is_told(bytes in "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", at in 0_usize..36, byte: u8) {
            let mut bytes = bytes.into_bytes();
            prop_assert!(is_uuid(&bytes));
            prop_assert!(!is_uuid(&bytes[1..]));
            let hyphen = [8, 13, 18, 23].contains(&at);
            bytes[at] = byte;
            prop_assert_eq!(is_uuid(&bytes), if hyphen { byte == b'-' } else { byte.is_ascii_hexdigit() });
        }
    }

    #[test]
    fn every_byte_is_told() {
        for byte in 0..=255 {
            for length in [1, 7, 8, 15, 16, 17, 40, 63, 64, 65] {
                let path = vec![byte; length];
                assert_eq!(scan_path(&path), slow(&path), "{byte} {length}");
            }
        }
    }
}
