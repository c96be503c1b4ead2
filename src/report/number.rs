//! Numbers for people: thousands apart, and a unit that keeps them short. Times for programs.

use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// A point in time as programs get it: seconds since 1970 with their milliseconds, `1322661907.123`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EpochSeconds(pub Timestamp);

impl Serialize for EpochSeconds {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this millennium are exact in 53 bits")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.millis() as f64 / 1000.0)
    }
}

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 log`, `1,234 logs`
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Below 10 s in milliseconds (`1,204 ms`), then with one decimal in seconds, minutes (from 10) and hours (from 10).
pub fn millis(millis: u64) -> String {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    match millis {
        _ if millis < 10 * SECOND => format!("{} ms", count(millis)),
        _ if millis < 10 * MINUTE => format!("{} s", tenths(millis, SECOND)),
        _ if millis < 10 * HOUR => format!("{} min", tenths(millis, MINUTE)),
        _ => format!("{} h", tenths(millis, HOUR)),
    }
}

/// The same, or `-` where there is no time.
pub(super) fn millis_or_dash(time_ms: Option<u64>) -> String {
    time_ms.map_or_else(|| "-".to_owned(), millis)
}

/// A number with three decimals, or `-` where there is none.
pub(super) fn decimal_or_dash(number: Option<f64>) -> String {
    match number {
        Some(number) if number.is_finite() => format!("{number:.3}"),
        _ => "-".to_owned(),
    }
}

/// A share of a whole, 0 to 1, in per cent: `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Below 10 KiB in bytes, then with one decimal in KiB, MiB, GiB and TiB.
pub fn bytes(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    match bytes {
        _ if bytes < 10 * KIB => format!("{} B", count(bytes)),
        _ if bytes < KIB << 10 => format!("{} KiB", tenths(bytes, KIB)),
        _ if bytes < KIB << 20 => format!("{} MiB", tenths(bytes, KIB << 10)),
        _ if bytes < KIB << 30 => format!("{} GiB", tenths(bytes, KIB << 20)),
        _ => format!("{} TiB", tenths(bytes, KIB << 30)),
    }
}

/// `number` in units of `unit`, with one decimal, cut (a time is never shown longer than it was).
fn tenths(number: u64, unit: u64) -> String {
    let tenth = (number % unit).saturating_mul(10) / unit;
    format!("{}.{tenth}", count(number / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let cases =
            [(0, "0"), (999, "999"), (1000, "1,000"), (12_345, "12,345"), (u64::MAX, "18,446,744,073,709,551,615")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn times_and_sizes_choose_their_unit() {
        let times = [
            (0, "0 ms"),
            (1204, "1,204 ms"),
            (9999, "9,999 ms"),
            (10_000, "10.0 s"),
            (66_124, "66.1 s"),
            (600_000, "10.0 min"),
            (35_999_999, "599.9 min"),
            (36_000_000, "10.0 h"),
            (36_000_000_000, "10,000.0 h"),
        ];
        for (number, text) in times {
            assert_eq!(millis(number), text);
        }
        let sizes =
            [(0, "0 B"), (10_239, "10,239 B"), (10_240, "10.0 KiB"), (1 << 20, "1.0 MiB"), (5 << 40, "5.0 TiB")];
        for (number, text) in sizes {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(bytes(u64::MAX), "16,777,215.9 TiB");
    }
}
