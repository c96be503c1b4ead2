//! A path looked at sixteen bytes at a time, for the fold: where its segments, its digits and its end are.

use wide::u8x16;

/// Paths up to so many bytes are looked at.
const LENGTH_MAX: usize = 64;

/// What a path that needs no thought is made of; a bit for each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glance {
    /// Its length, without query and fragment.
    pub(super) length: usize,
    pub(super) slashes: u64,
    pub(super) digits: u64,
}

/// Looks at the front of `target`. None if its path is long, or holds other bytes than letters, digits and `-_./`.
#[inline]
pub(super) fn glance(target: &[u8]) -> Option<Glance> {
    let front = target.get(..LENGTH_MAX).unwrap_or(target);
    let mut whole = Bits::default();
    let (chunks, rest) = front.as_chunks::<16>();
    for (chunk, shift) in chunks.iter().zip([0, 16, 32, 48]) {
        whole.add(Bits::of(*chunk), shift);
    }
    if !rest.is_empty() {
        // The bytes before the rest once more, so that it is sixteen too.
        match front.last_chunk::<16>() {
            Some(last) => whole.add(Bits::of(*last), front.len() - 16),
            None => whole.add(Bits::of(padded(rest)), 0),
        }
    }
    let length = if whole.ends != 0 { whole.ends.trailing_zeros() as usize } else { front.len() };
    if length == LENGTH_MAX {
        return None;
    }
    let within = (1 << length) - 1;
    (!whole.plain & within == 0).then_some(Glance {
        length,
        slashes: whole.slashes & within,
        digits: whole.digits & within,
    })
}

/// Fewer than sixteen bytes with zeros behind them.
#[inline]
fn padded(bytes: &[u8]) -> [u8; 16] {
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

#[derive(Debug, Default, Clone, Copy)]
struct Bits {
    plain: u64,
    digits: u64,
    slashes: u64,
    ends: u64,
}

impl Bits {
    #[inline(always)]
    fn of(chunk: [u8; 16]) -> Bits {
        let bytes = u8x16::from(chunk);
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let between = |bytes: u8x16, low: u8, high: u8| {
            let from_low = bytes - u8x16::splat(low);
            from_low.simd_eq(from_low.min(u8x16::splat(high - low)))
        };
        let letters = between(bytes | u8x16::splat(0x20), b'a', b'z');
        let plain = letters | between(bytes, b'-', b'9') | is(b'_');
        Bits {
            plain: u64::from(plain.to_bitmask()),
            digits: u64::from(between(bytes, b'0', b'9').to_bitmask()),
            slashes: u64::from(is(b'/').to_bitmask()),
            ends: u64::from((is(b'?') | is(b'#')).to_bitmask()),
        }
    }

    #[inline(always)]
    fn add(&mut self, other: Bits, shift: usize) {
        self.plain |= other.plain << shift;
        self.digits |= other.digits << shift;
        self.slashes |= other.slashes << shift;
        self.ends |= other.ends << shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(target: &[u8]) -> Option<Glance> {
        let length = target.iter().position(|byte| b"?#".contains(byte)).unwrap_or(target.len());
        let path = &target[..length];
        let bits = |holds: fn(u8) -> bool| {
            path.iter().enumerate().map(|(at, &byte)| u64::from(holds(byte)) << at).fold(0, |all, bit| all | bit)
        };
        let plain = length < LENGTH_MAX && path.iter().all(|&b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        plain.then(|| Glance { length, slashes: bits(|byte| byte == b'/'), digits: bits(|byte| byte.is_ascii_digit()) })
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
            prop_assert_eq!(glance(&bytes), slow(&bytes));
        }
    }

    #[test]
    fn every_byte_is_told() {
        for byte in 0..=255 {
            for length in [1, 7, 8, 15, 16, 17, 40, 63, 64, 65] {
                let path = vec![byte; length];
                assert_eq!(glance(&path), slow(&path), "{byte} {length}");
            }
        }
    }
}
