//! Numbers as nginx writes them: whole ones, and seconds with three decimals.
//!
//! Nearly every line has the same shapes, so each has a quick way (`usual_thousandths`, `integer_in`) that reads a machine
//! word instead of digits one by one, and a slow one that takes everything and says why not. The quick way never decides
//! that something is wrong: what it does not know goes to the slow one.

use crate::grammar::{DurationUnit, RejectReason, shape_fit};

/// The longest duration that is believed: 366 days, in milliseconds.
pub const MAX_DURATION_MS: u64 = 366 * 86_400_000;

/// `digits[.digits]` in thousandths, rounded half up. None if it is not that, or above what a u64 holds.
#[inline]
pub(crate) fn thousandths(value: &[u8]) -> Option<u64> {
    usual_thousandths(value).or_else(|| thousandths_of_any(value))
}

/// [`thousandths`] of what nearly every time of a request is, such as `0.123`; None if it is something else.
#[inline(always)]
pub(crate) fn usual_thousandths(value: &[u8]) -> Option<u64> {
    let &[s, b'.', a, b, c] = value else { return None };
    // A digit is 0 to 9 in the low half of its byte, and 3 in the high half.
    let word = u32::from_le_bytes([s, a, b, c]) ^ 0x3030_3030;
    let digits = (word | (word.wrapping_add(0x0606_0606))) & 0xF0F0_F0F0 == 0;
    let [s, a, b, c] = word.to_le_bytes().map(u64::from);
    digits.then_some(s * 1000 + a * 100 + b * 10 + c)
}

/// [`thousandths`] digit by digit, so that what overflows is told from what is no number.
fn thousandths_of_any(value: &[u8]) -> Option<u64> {
    let mut whole = 0_u64;
    let mut rest = value.iter();
    let mut digits = 0;
    for &byte in rest.by_ref() {
        if byte == b'.' {
            let fraction = rest.as_slice();
            if digits == 0 || fraction.is_empty() {
                return None;
            }
            let millis = match *fraction {
                [a, b, c] => {
                    let (a, b, c) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'), c.wrapping_sub(b'0'));
                    if a > 9 || b > 9 || c > 9 {
                        return None;
                    }
                    u64::from(a) * 100 + u64::from(b) * 10 + u64::from(c)
                }
                _ if fraction.iter().all(u8::is_ascii_digit) => fraction_ms(fraction),
                _ => return None,
            };
            return whole.checked_mul(1000)?.checked_add(millis);
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
        digits += 1;
    }
    if digits == 0 { None } else { whole.checked_mul(1000) }
}

/// Decimals as thousandths, rounded half up by the fourth: `1235` is 124, `5` is 500, and 1000 is possible.
pub(crate) fn fraction_ms(digits: &[u8]) -> u64 {
    let mut places = digits.iter().map(|byte| u64::from(byte.wrapping_sub(b'0') % 10));
    let mut place = || places.next().unwrap_or(0);
    let (a, b, c, d) = (place(), place(), place(), place());
    a * 100 + b * 10 + c + u64::from(d >= 5)
}

/// A duration in seconds, as milliseconds.
#[inline]
pub(crate) fn duration_ms(value: &[u8]) -> Result<u64, RejectReason> {
    match thousandths(value) {
        Some(millis) if millis <= MAX_DURATION_MS => Ok(millis),
        Some(_) => Err(RejectReason::AbsurdNumber),
        None => Err(not_a_number(value)),
    }
}

/// The same of what nginx itself writes: `482` is none.
pub(crate) fn nginx_duration_ms(value: &[u8]) -> Result<u64, RejectReason> {
    if shape_fit::is_seconds(value) { duration_ms(value) } else { Err(RejectReason::BadNumber) }
}

/// A duration in this unit, in whole milliseconds, rounded half up.
pub(crate) fn duration_in(value: &[u8], unit: DurationUnit) -> Result<u64, RejectReason> {
    let parts = 10_u64.pow(unit.decimal_places().unsigned_abs());
    match thousandths(value).map(|thousandths| thousandths.saturating_add(parts / 2) / parts) {
        Some(millis) if millis <= MAX_DURATION_MS => Ok(millis),
        Some(_) => Err(RejectReason::AbsurdNumber),
        None => Err(not_a_number(value)),
    }
}

/// The whole number of 1 to 8 digits that ends at `until` in `line`, read as one word; their number is hard to foretell.
/// None if it is something else, or stands too near the line's start: [`integer`] tells.
#[inline(always)]
pub(crate) fn integer_in(line: &[u8], from: usize, until: usize) -> Option<u64> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let length = until.checked_sub(from).filter(|length| (1..=8).contains(length))?;
    let word = u64::from_le_bytes(*line.get(..until)?.last_chunk::<8>()?);
    // The first digit is the lowest byte of them; what stands before it goes.
    let shift = 64 - 8 * length;
    let digits = ((word ^ 0x3030_3030_3030_3030) >> shift) << shift;
    if (((digits & !HIGH) + 0x7676_7676_7676_7676) | digits) & HIGH != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some(low.wrapping_add(high) >> 32)
}

/// A whole number.
#[inline]
pub(crate) fn integer(value: &[u8]) -> Result<u64, RejectReason> {
    let whole = value.iter().try_fold(0_u64, |whole, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { whole.checked_mul(10)?.checked_add(u64::from(digit)) }
    });
    match whole {
        Some(whole) if !value.is_empty() => Ok(whole),
        _ => Err(not_a_number(value)),
    }
}

/// Why a value is not a number that fits: it has no digits' shape, or it is too large.
#[cold]
fn not_a_number(value: &[u8]) -> RejectReason {
    let whole = value.split(|&byte| byte == b'.').next().unwrap_or_default();
    let fraction = value.get(whole.len() + 1..);
    let fraction = fraction.unwrap_or(b"0");
    if are_digits(whole) && are_digits(fraction) { RejectReason::AbsurdNumber } else { RejectReason::BadNumber }
}

/// Whether there are digits and nothing else.
fn are_digits(part: &[u8]) -> bool {
    !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}

/// `$status`, 0 to 999 (nginx logs 000 when it answered nothing).
#[inline]
pub(crate) fn status(value: &[u8]) -> Result<u16, RejectReason> {
    match integer(value)? {
        number if number <= 999 => u16::try_from(number).map_err(|_| RejectReason::AbsurdNumber),
        _ => Err(RejectReason::AbsurdNumber),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_one_word_or_digit_by_digit(before in "[0-9a-z ]{0,12}", number in "[0-9]{1,10}", at in 0_usize..10, byte in any::<u8>()) {
            let mut line = before.clone().into_bytes();
            line.extend_from_slice(number.as_bytes());
            let quick = integer_in(&line, before.len(), line.len());
            prop_assert_eq!(quick.is_some(), number.len() <= 8 && line.len() >= 8);
            if let Some(quick) = quick {
                prop_assert_eq!(Ok(quick), integer(number.as_bytes()));
            }
            line[before.len() + at % number.len()] = byte;
            if let Some(quick) = integer_in(&line, before.len(), line.len()) {
                prop_assert_eq!(Ok(quick), integer(&line[before.len()..]));
            }
        }

        #[test]
        fn the_usual_time_as_any_other(value in "[0-9]{0,2}[.][0-9]{0,4}|[0-9.x-]{5}") {
            prop_assert_eq!(thousandths(value.as_bytes()), thousandths_of_any(value.as_bytes()));
        }
    }

    #[test]
    fn seconds_to_milliseconds() {
        for (text, millis) in [
            ("0.123", 123),
            ("10", 10_000),
            ("66124.476", 66_124_476),
            ("0.1235", 124),
            ("0.12349", 123),
            ("0.9996", 1000),
            ("0.5", 500),
            ("0.05", 50),
            ("0", 0),
        ] {
            assert_eq!(duration_ms(text.as_bytes()), Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_and_what_is_absurd() {
        for bad in ["", ".", "1.", ".5", "1.2.3", "1,5", "-1", "1e3", "0.12x", "0x1"] {
            assert_eq!(duration_ms(bad.as_bytes()), Err(RejectReason::BadNumber), "{bad}");
        }
        for absurd in ["18446744073709551615", "18446744073709551.615", "31622400.001", "99999999999999999999999"] {
            assert_eq!(duration_ms(absurd.as_bytes()), Err(RejectReason::AbsurdNumber), "{absurd}");
        }
        assert_eq!(duration_ms(b"31622400"), Ok(MAX_DURATION_MS));
        assert_eq!(integer(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(integer(b"18446744073709551616"), Err(RejectReason::AbsurdNumber));
        assert_eq!(integer(b"12a"), Err(RejectReason::BadNumber));
        assert_eq!(integer(b""), Err(RejectReason::BadNumber));
    }
}
