//! The time a request ended at: `$msec`, `$time_iso8601`, `$time_local`.
//!
//! ```text
//! $msec           1795381084.311                 to the millisecond
//! $time_iso8601   2026-11-22T14:18:04+01:00      to the second; other programs write a fraction
//! $time_local     22/Nov/2026:14:18:04 +0100     to the second
//! ```
//!
//! nginx writes the line when the response is sent (`ngx_http_log_handler`), so all three are the end of the request and not
//! its start. A time that does not exist (30 February, 25:00) is none; a leap second is the second after it, as POSIX
//! counts.

use crate::time::{Timestamp, local_instant};

use super::number;

/// `$msec`, such as `1795381084.311`. None if it is no number or beyond the year 9999.
pub(crate) fn parse_msec(value: &[u8]) -> Option<Timestamp> {
    const END_OF_9999_MS: u64 = 253_402_300_800_000;
    let millis = number::thousandths(value)?;
    (millis < END_OF_9999_MS).then_some(Timestamp(i64::try_from(millis).ok()?))
}

/// `$time_local`, such as `10/Oct/2000:13:55:36 -0700`. None if it is not a time.
pub(crate) fn parse_time_local(value: &[u8]) -> Option<Timestamp> {
    let &[
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = value
    else {
        return None;
    };
    let month = match &[m1, m2, m3] {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
    let time = CivilTime {
        year: parse_digits([y1, y2, y3, y4])?,
        month,
        day: parse_digits([d1, d2])?,
        hour: parse_digits([h1, h2])?,
        minute: parse_digits([i1, i2])?,
        second: parse_digits([s1, s2])?,
        offset: offset_seconds(sign, [oh1, oh2], [om1, om2])?,
    };
    time.epoch_seconds().map(Timestamp::from_secs)
}

/// `$time_iso8601`, such as `2000-10-10T13:55:36-07:00`; `Z` and a fraction of the second are understood too.
pub(crate) fn parse_time_iso8601(value: &[u8]) -> Option<Timestamp> {
    let (time, rest) = value.split_first_chunk::<19>()?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2] = time else {
        return None;
    };
    let (millis, rest) = match rest.split_first() {
        Some((b'.', fraction)) => {
            let mut rest = fraction;
            while let [b'0'..=b'9', after @ ..] = rest {
                rest = after;
            }
            let digits = fraction.get(..fraction.len() - rest.len())?;
            if digits.is_empty() {
                return None;
            }
            (number::fraction_ms(digits), rest)
        }
        _ => (0, rest),
    };
    let offset = match *rest {
        [b'Z'] => 0,
        [sign, h1, h2, b':', m1, m2] => offset_seconds(sign, [h1, h2], [m1, m2])?,
        _ => return None,
    };
    let time = CivilTime {
        year: parse_digits([y1, y2, y3, y4])?,
        month: parse_digits([m1, m2])?,
        day: parse_digits([d1, d2])?,
        hour: parse_digits([h1, h2])?,
        minute: parse_digits([i1, i2])?,
        second: parse_digits([s1, s2])?,
        offset,
    };
    Some(Timestamp::from_secs(time.epoch_seconds()?).plus_millis(i64::try_from(millis).ok()?))
}

/// A time of any notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnyTime {
    pub(crate) time: Timestamp,
    /// Whether it names its zone, as an epoch does. If not it is a time on the wall here (`TZ`).
    pub(crate) zoned: bool,
}

impl AnyTime {
    fn certain(time: Timestamp) -> AnyTime {
        AnyTime { time, zoned: true }
    }
}

/// Any of these, told by its shape; ISO 8601 also with a space or `t` for the `T`, with slashes, with a comma before the fraction, and
/// with an offset without colon, as other programs write it; `$time_local` with a fraction; an epoch in milliseconds, microseconds or
/// nanoseconds, which its size tells.
pub(crate) fn parse_any_time(value: &[u8]) -> Option<AnyTime> {
    // Smaller numbers are a duration or an id in a field that only looks like a time.
    const YEAR_1973_MS: i64 = 100_000_000_000;
    match value {
        [_, _, b'/', ..] => local_of_others(value),
        [_, _, _, _, b'-' | b'/', ..] => iso8601_of_others(value),
        _ => match parse_epoch(value)? {
            time if time.millis() >= YEAR_1973_MS => Some(AnyTime::certain(time)),
            _ => None,
        },
    }
}

/// Seconds since the epoch, or whole parts of them: 13 digits are milliseconds, 16 microseconds, 19 nanoseconds.
fn parse_epoch(value: &[u8]) -> Option<Timestamp> {
    let parts = match value.len() {
        13 => 1,
        16 => 1_000,
        19 => 1_000_000,
        _ => return parse_msec(value),
    };
    if !value.iter().all(u8::is_ascii_digit) {
        return parse_msec(value);
    }
    let whole = i64::try_from(number::integer(value).ok()?).ok()?;
    Some(Timestamp(whole / parts))
}

/// `$time_local`, perhaps with a fraction of the second (`10:00:01.123 +0000`) and without its zone.
fn local_of_others(value: &[u8]) -> Option<AnyTime> {
    const TO_SECONDS: usize = 20;
    if let Some(time) = parse_time_local(value) {
        return Some(AnyTime::certain(time));
    }
    let (front, rest) = value.split_at_checked(TO_SECONDS)?;
    let (millis, zone) = match rest.split_first() {
        Some((b'.' | b',', fraction)) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, zone) = fraction.split_at_checked(digits).filter(|(digits, _)| !digits.is_empty())?;
            (number::fraction_ms(digits), zone)
        }
        _ => (0, rest),
    };
    let mut spelt = [0; 26];
    let zoned = !zone.is_empty();
    spelt.get_mut(..TO_SECONDS)?.copy_from_slice(front);
    spelt.get_mut(TO_SECONDS..)?.copy_from_slice(if zoned {
        zone.first_chunk::<6>().filter(|_| zone.len() == 6)?
    } else {
        b" +0000"
    });
    let time = parse_time_local(&spelt)?.plus_millis(i64::try_from(millis).ok()?);
    Some(AnyTime { time: if zoned { time } else { local_instant(time)? }, zoned })
}

/// ISO 8601 as other programs write it, brought into nginx's spelling in a buffer on the stack; longer ones are no times.
fn iso8601_of_others(value: &[u8]) -> Option<AnyTime> {
    if let Some(time) = parse_time_iso8601(value) {
        return Some(AnyTime::certain(time));
    }
    let mut room = [0; 48];
    let text = room.get_mut(..value.len())?;
    text.copy_from_slice(value);
    for (at, byte) in text.iter_mut().enumerate() {
        *byte = match (at, *byte) {
            (4 | 7, b'/') => b'-',
            (10, b' ' | b't') => b'T',
            (19, b',') => b'.',
            (20.., b'z') => b'Z',
            (_, byte) => byte,
        };
    }
    let length = value.len();
    if let Some([b'+' | b'-', _, _, m1, m2]) = room.get(..length)?.last_chunk::<5>()
        && length > 19
    {
        let offset = [b':', *m1, *m2];
        room.get_mut(length - 2..length + 1)?.copy_from_slice(&offset);
        return parse_time_iso8601(room.get(..length + 1)?).map(AnyTime::certain);
    }
    if let Some(time) = parse_time_iso8601(room.get(..length)?) {
        return Some(AnyTime::certain(time));
    }
    // As one of UTC, which is then moved to the zone here.
    *room.get_mut(length)? = b'Z';
    let wall = parse_time_iso8601(room.get(..length + 1)?)?;
    Some(AnyTime { time: local_instant(wall)?, zoned: false })
}

/// A number of a fixed count of digits; None if one of them is none.
fn parse_digits<const N: usize>(bytes: [u8; N]) -> Option<i64> {
    bytes.into_iter().try_fold(0, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(value * 10 + i64::from(digit))
    })
}

/// Seconds east of UTC.
fn offset_seconds(sign: u8, hours: [u8; 2], minutes: [u8; 2]) -> Option<i64> {
    let (hours, minutes) = (parse_digits(hours)?, parse_digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 3600 + minutes * 60),
        b'-' => Some(-(hours * 3600 + minutes * 60)),
        _ => None,
    }
}

/// A time as it stands in a line, each number read but not yet known to exist.
struct CivilTime {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// In seconds east of UTC.
    offset: i64,
}

impl CivilTime {
    /// Seconds since the epoch; None if there is no such time. Second 60 is a leap second, the same as the next minute's
    /// second 0.
    #[inline]
    fn epoch_seconds(self) -> Option<i64> {
        let CivilTime { year, month, day, hour, minute, second, offset } = self;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last_day = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if !(1..=last_day).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        // Days from 1970-01-01, by years that start in March so that the leap day is a year's last
        // (Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted - era * 400;
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, FixedOffset};
    use proptest::prelude::*;

    #[test]
    fn the_shapes_nginx_writes() {
        assert_eq!(parse_time_local(b"10/Oct/2000:13:55:36 -0700"), Some(Timestamp(971_211_336_000)));
        assert_eq!(parse_time_iso8601(b"2000-10-10T13:55:36-07:00"), Some(Timestamp(971_211_336_000)));
        assert_eq!(parse_time_iso8601(b"2000-10-10T20:55:36Z"), Some(Timestamp(971_211_336_000)));
        assert_eq!(parse_time_iso8601(b"2000-10-11T02:40:36.25+05:45"), Some(Timestamp(971_211_336_250)));
        assert_eq!(parse_msec(b"1795381084.311"), Some(Timestamp(1_795_381_084_311)));
        assert_eq!(parse_msec(b"1795381084"), Some(Timestamp(1_795_381_084_000)));
    }

    #[test]
    fn second_60_is_the_next_minute() {
        assert_eq!(parse_time_local(b"31/Dec/2016:23:59:60 +0000"), parse_time_local(b"01/Jan/2017:00:00:00 +0000"));
    }

    #[test]
    fn what_is_no_time() {
        for bad in [
            "10/Foo/2000:13:55:36 -0700",
            "31/Nov/2000:13:55:36 -0700",
            "29/Feb/2001:13:55:36 -0700",
            "10/Oct/2000:24:55:36 -0700",
            "10/Oct/2000:13:60:36 -0700",
            "10/Oct/2000:13:55:61 -0700",
            "10/Oct/2000:13:55:36 07000",
            "1a/Oct/2000:13:55:36 -0700",
            "00/Oct/2000:13:55:36 -0700",
            "10/Oct/2000:13:55:36",
        ] {
            assert_eq!(parse_time_local(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["2000-13-10T13:55:36Z", "2000-10-10T13:55:36", "2000-10-10T13:55:36+0700", "2000-10-10T13:55:36ZZ"]
        {
            assert_eq!(parse_time_iso8601(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(parse_msec(b"18446744073709551615.000"), None);
        assert_eq!(parse_msec(b"-"), None);
    }

    #[test]
    fn any_byte_anywhere_is_refused_or_read() {
        for text in
            ["2015-09-12 05:58:44,123+0900", "2015-09-12t05:58:44z", "10/Oct/2000:13:55:36 -0700", "1322661900.250"]
        {
            for at in 0..text.len() {
                for byte in 0..=u8::MAX {
                    let mut bytes = text.as_bytes().to_vec();
                    bytes[at] = byte;
                    let time = super::parse_any_time(&bytes);
                    assert!(byte.is_ascii() || time.is_none(), "{bytes:?}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn agrees_with_chrono(seconds in -60_000_000_000_i64..250_000_000_000, quarter in -47_i32..57) {
            let offset = FixedOffset::east_opt(quarter * 900).unwrap();
            let time = DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&offset);
            let text = time.format("%d/%b/%Y:%H:%M:%S %z").to_string();
            prop_assert_eq!(parse_time_local(text.as_bytes()), Some(Timestamp::from_secs(seconds)), "{}", text);
            let text = time.format("%Y-%m-%dT%H:%M:%S%:z").to_string();
            prop_assert_eq!(parse_time_iso8601(text.as_bytes()), Some(Timestamp::from_secs(seconds)), "{}", text);
        }
    }
}
