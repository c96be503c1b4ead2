//! Units that stand behind a number, and decimal numbers moved by powers of ten as text, so that nothing is lost to floating point.

use crate::grammar::variables::DurationUnit;

/// The number of a value that names its unit, and that: `1.204s`, `1.204 s`, `310ms`.
pub(super) fn split_unit(value: &[u8]) -> Option<(&[u8], DurationUnit)> {
    // All names of units end so.
    if !value.ends_with(b"s") && !value.ends_with(b"c") {
        return None;
    }
    let length = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let (number, unit) = value.split_at_checked(length)?;
    let unit = match unit.strip_prefix(b" ").unwrap_or(unit) {
        b"s" | b"sec" | b"secs" | b"seconds" => DurationUnit::Seconds,
        b"ms" | b"msec" | b"msecs" | b"milliseconds" => DurationUnit::Millis,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" | b"usec" | b"microseconds" => DurationUnit::Micros,
        b"ns" | b"nsec" | b"nanoseconds" => DurationUnit::Nanos,
        _ => return None,
    };
    split_number(number).map(|_| (number, unit))
}

/// No number is written out to more places than this: what a hostile exponent asks for is bounded.
const PLACES: i32 = 40;

/// Writes `number` (digits, perhaps a fraction, perhaps an exponent) times ten to the power of `shift` to `out`, without
/// an exponent, and without a fraction of zeros. Whether it could: not if it is no such number or would be too long.
pub(super) fn write_shifted(number: &[u8], shift: i32, out: &mut Vec<u8>) -> bool {
    let Some((whole, fraction, exponent)) = split_number(number) else { return false };
    let shift = shift + exponent;
    if shift.abs() > PLACES || whole.len() + fraction.len() > PLACES as usize {
        return false;
    }
    let digits = || whole.iter().chain(fraction).copied();
    // The point stands behind so many of the digits; before the first if negative.
    let point = i32::try_from(whole.len()).unwrap_or(PLACES) + shift;
    let count = i32::try_from(whole.len() + fraction.len()).unwrap_or(PLACES);
    let start = out.len();
    for place in 0..point.max(0) {
        let digit = if place < count { digits().nth(place.unsigned_abs() as usize).unwrap_or(b'0') } else { b'0' };
        if digit != b'0' || out.len() > start {
            out.push(digit);
        }
    }
    if out.len() == start {
        out.push(b'0');
    }
    let whole_end = out.len();
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', (-point).max(0).unsigned_abs() as usize));
    out.extend(digits().skip(point.max(0).unsigned_abs() as usize));
    while out.last() == Some(&b'0') && out.len() > whole_end + 1 {
        out.pop();
    }
    if out.len() == whole_end + 1 {
        out.pop();
    }
    true
}

/// Whole part, fraction and exponent of a number.
fn split_number(number: &[u8]) -> Option<(&[u8], &[u8], i32)> {
    let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let (mantissa, exponent) = match number.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let text = std::str::from_utf8(number.get(at + 1..)?).ok()?;
            (number.get(..at)?, text.parse::<i32>().ok().filter(|exponent| exponent.abs() <= 2 * PLACES)?)
        }
        None => (number, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..).filter(|fraction| digits(fraction))?),
        None => (mantissa, &b""[..]),
    };
    digits(whole).then_some((whole, fraction, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifted(number: &str, shift: i32) -> Option<String> {
        let mut out = b"x".to_vec();
        write_shifted(number.as_bytes(), shift, &mut out).then(|| String::from_utf8(out[1..].to_vec()).unwrap())
    }

    #[test]
    fn the_point_moves() {
        for (number, shift, wanted) in [
            ("12", -3, "0.012"),
            ("12345", -3, "12.345"),
            ("0.25", -3, "0.00025"),
            ("1500.0", -3, "1.5"),
            ("0", -9, "0"),
            ("200.0", 0, "200"),
            ("3e-05", 0, "0.00003"),
            ("1.612322553e9", 0, "1612322553"),
            ("1.5E+2", 0, "150"),
            ("123456789", -9, "0.123456789"),
            ("007", 0, "7"),
            ("1", 2, "100"),
        ] {
            assert_eq!(shifted(number, shift).as_deref(), Some(wanted), "{number} {shift}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for number in ["", "-", "-1", "1e", "e1", "1.", ".5", "1e999999999", "1e99", "1e2147483648", "12ms", "1.2.3"] {
            assert_eq!(shifted(number, 0), None, "{number}");
        }
    }

    #[test]
    fn a_value_may_name_its_unit() {
        for (value, wanted) in [
            ("1.204s", Some(("1.204", DurationUnit::Seconds))),
            ("1.204 s", Some(("1.204", DurationUnit::Seconds))),
            ("310ms", Some(("310", DurationUnit::Millis))),
            ("12µs", Some(("12", DurationUnit::Micros))),
            ("5 sec", Some(("5", DurationUnit::Seconds))),
            ("s", None),
            ("1.s", None),
            ("3 bytes", None),
            ("1m2s", None),
            ("1.204", None),
        ] {
            let wanted = wanted.map(|(number, unit)| (number.as_bytes(), unit));
            assert_eq!(split_unit(value.as_bytes()), wanted, "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_floating_point(whole in 0_u32..1_000_000, fraction in 0_u32..1000, shift in -9_i32..4) {
            let number = format!("{whole}.{fraction:03}");
            let moved: f64 = shifted(&number, shift).unwrap().parse().unwrap();
            let wanted = number.parse::<f64>().unwrap() * 10_f64.powi(shift);
            proptest::prop_assert!((moved - wanted).abs() <= wanted.abs() * 1e-12, "{number} {shift}: {moved} {wanted}");
        }
    }
}
