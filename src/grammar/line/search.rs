//! Bytes looked for in lines, a word or a vector at a time: most values of a log line are shorter than a call to memchr costs.

use wide::u8x16;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Like `memchr`, quicker where the byte is near, as it mostly is in a log line: two words are looked at in line, and
/// only then memchr is called.
#[inline(always)]
pub(crate) fn find_byte(byte: u8, haystack: &[u8]) -> Option<usize> {
    let pattern = u64::from(byte).wrapping_mul(ONES);
    let mut rest = haystack;
    let mut passed = 0;
    for _ in 0..2 {
        let Some((chunk, after)) = rest.split_first_chunk::<8>() else { break };
        let difference = u64::from_le_bytes(*chunk) ^ pattern;
        // The lowest set bit of this marks the first zero byte of `difference` exactly (bits above it may be false).
        let zeros = difference.wrapping_sub(ONES) & !difference & HIGH;
        if zeros != 0 {
            return Some(passed + (zeros.trailing_zeros() / 8) as usize);
        }
        passed += 8;
        rest = after;
    }
    memchr::memchr(byte, rest).map(|at| passed + at)
}

/// How many of the first bytes are digits (or `.` if `dot`). Eight bytes are looked at as one word, without a branch for
/// each: the lengths of numbers in a log are hard to predict.
#[inline(always)]
pub(crate) fn number_length(bytes: &[u8], dot: bool) -> usize {
    let mut passed = 0;
    if let Some(chunk) = bytes.first_chunk::<8>() {
        const LOW: u64 = !HIGH;
        let word = u64::from_le_bytes(*chunk);
        // A digit's byte becomes 0 to 9; adding 0x76 sets the high bit of all others. No sum carries into the next byte.
        let digits = word ^ (ONES * 0x30);
        let others = (((digits & LOW) + ONES * 0x76) | digits) & HIGH;
        let dots = word ^ (ONES * 0x2E);
        let no_dots = (((dots & LOW) + LOW) | dots) & HIGH;
        let stops = if dot { others & no_dots } else { others };
        if stops != 0 {
            return (stops.trailing_zeros() / 8) as usize;
        }
        passed = 8;
    }
    let rest = bytes.get(passed..).unwrap_or_default();
    passed + rest.iter().take_while(|&&byte| byte.is_ascii_digit() || dot && byte == b'.').count()
}

/// Whether `byte` is among `bytes`. Sixteen are looked at at once (eight where they are fewer), and the last of them again
/// if that does not divide them: one branch for all, where a call to memchr costs more than most values here.
#[inline(always)]
pub(crate) fn contains_byte(byte: u8, bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<16>() else { return contains_in_few(byte, bytes) };
    let is_byte = |chunk: &[u8; 16]| u8x16::from(*chunk).simd_eq(u8x16::splat(byte));
    let found = bytes.as_chunks::<16>().0.iter().fold(is_byte(last), |all, chunk| all | is_byte(chunk));
    found.to_bitmask() != 0
}

#[inline(always)]
fn contains_in_few(byte: u8, bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return bytes.contains(&byte);
    };
    let pattern = u64::from(byte).wrapping_mul(ONES);
    let zeros = |chunk: &[u8; 8]| {
        let difference = u64::from_le_bytes(*chunk) ^ pattern;
        difference.wrapping_sub(ONES) & !difference & HIGH
    };
    zeros(first) | zeros(last) != 0
}

/// Whether 8 to 24 bytes without a `"` can all be in one member of a list of addresses: no space, comma, control byte.
/// False where they are fewer or more, or not ASCII: that is for others to say.
#[inline(always)]
pub(crate) fn are_address_bytes(bytes: &[u8]) -> bool {
    let fit = |chunk: &[u8; 8]| {
        const LOW: u64 = !HIGH;
        let word = u64::from_le_bytes(*chunk);
        let ascii = word & LOW;
        let above_space = ascii + ONES * (0x7F - 0x20);
        let no_comma = (ascii ^ (ONES * 0x2C)) + LOW;
        above_space & no_comma & !word & HIGH
    };
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) if bytes.len() <= 24 => {
            let middle = bytes.get(8..).and_then(|rest| rest.first_chunk::<8>()).unwrap_or(first);
            fit(first) & fit(middle) & fit(last) == HIGH
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_memchr_finds(haystack in proptest::collection::vec(0_u8..4, 0..40), byte in 0_u8..4) {
            prop_assert_eq!(find_byte(byte, &haystack), memchr::memchr(byte, &haystack));
        }

        #[test]
        fn contains_what_is_there(haystack in proptest::collection::vec(any::<u8>(), 0..40), byte in any::<u8>(), at in 0_usize..40) {
            prop_assert_eq!(contains_byte(byte, &haystack), haystack.contains(&byte));
            if let Some(&there) = haystack.get(at) {
                prop_assert!(contains_byte(there, &haystack));
            }
        }

        #[test]
        fn members_are_above_space_and_no_comma(
            bytes in proptest::collection::vec(prop_oneof![40 => b'!'..=b'~', 1 => any::<u8>()], 0..30)
        ) {
            let all = bytes.iter().all(|&byte| byte > b' ' && byte != b',' && byte < 0x80);
            prop_assert_eq!(are_address_bytes(&bytes), (8..=24).contains(&bytes.len()) && all);
        }

        #[test]
        fn counts_the_bytes_of_a_number(
            bytes in proptest::collection::vec(prop_oneof![4 => b'.'..=b':', 1 => any::<u8>()], 0..20), dot in any::<bool>()
        ) {
            let slow = bytes.iter().take_while(|byte| byte.is_ascii_digit() || dot && **byte == b'.').count();
            prop_assert_eq!(number_length(&bytes, dot), slow);
        }
    }

    #[test]
    fn bytes_above_0x7f_are_told_apart() {
        assert_eq!(find_byte(0x80, &[0x81, 0x7F, 0x01, 0x00, 0xFF, 0x80, 0, 0, 0]), Some(5));
        assert_eq!(find_byte(0x00, &[0x01; 30]), None);
    }
}
