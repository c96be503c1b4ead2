//! Which values a field can have, and which of them `--where` can ask for: a value that no request can ever have is refused by name.

use std::borrow::Cow;

use super::address::is_no_address;
use super::where_condition::WantedValue;
use crate::grammar::DurationUnit;
use crate::record::{AddressRange, parse_status_range};
use crate::time::parse_duration;

/// What the values of a field look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueSort {
    /// Anything.
    Text,
    /// A method as a request line has it.
    Method,
    /// A protocol as a request line has it.
    Protocol,
    /// A status.
    Status,
    /// The same of each attempt.
    Statuses,
    /// `5xx`.
    StatusClass,
    /// A path: nothing behind its `?`.
    Path,
    /// An address of a connection.
    Address,
    /// What a client says are addresses.
    ClientSays,
    /// The peer of each attempt: an address with a port, a socket's path, a name.
    Upstreams,
    /// What a cache made of a request.
    CacheStatus,
    /// `p` or `.`.
    Pipe,
    /// An address, as a net is asked for.
    Net,
    /// A number.
    Number,
    /// One of each attempt.
    Numbers,
    /// A length of time, in the unit that the log writes.
    Time(DurationUnit),
    /// One of each attempt.
    Times(DurationUnit),
    /// A point in time as `$time_local` has it.
    Clock,
    /// The same as `$time_iso8601` has it.
    IsoClock,
    /// The name of a route.
    Route,
}

/// Why no request can have a value, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedValue {
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub remedy: String,
}

impl ValueSort {
    /// Whether there is one for each attempt.
    pub(super) fn is_list(self) -> bool {
        matches!(self, ValueSort::Statuses | ValueSort::Numbers | ValueSort::Times(_))
    }

    /// Whether it is a status.
    pub(super) fn is_status(self) -> bool {
        matches!(self, ValueSort::Status | ValueSort::Statuses)
    }

    /// Whether an address stands for itself however it is written, and in `$upstream_addr` with whatever port.
    pub(super) fn is_of_hosts(self) -> bool {
        matches!(self, ValueSort::Address | ValueSort::Net | ValueSort::Upstreams)
    }

    fn is_number(self) -> bool {
        let is_time = matches!(self, ValueSort::Time(_) | ValueSort::Times(_));
        is_time || self.is_status() || matches!(self, ValueSort::Number | ValueSort::Numbers)
    }

    /// The number of a value as it is logged, in billionths; of a time those of a second. None if it is none.
    pub(super) fn number_of(self, logged: &[u8]) -> Option<u128> {
        let number = billionths(std::str::from_utf8(logged).ok()?)?;
        match self {
            ValueSort::Time(unit) | ValueSort::Times(unit) => in_seconds(number, unit),
            sort if sort.is_number() => Some(number),
            _ => None,
        }
    }

    /// The same of one that is asked for: a time may have units.
    pub(super) fn asked_number(self, text: &str) -> Option<u128> {
        let number = self.number_of(text.as_bytes());
        if number.is_some() || !matches!(self, ValueSort::Time(_) | ValueSort::Times(_)) {
            return number;
        }
        parse_duration(text).ok().map(|duration| duration.as_nanos())
    }

    /// Why no request can have what is asked for; none where one can, and of what stands literally.
    pub(super) fn refusal(self, field: &str, value: &WantedValue) -> Option<RefusedValue> {
        let (typed, what) = match value {
            WantedValue::Any | WantedValue::Literal(_) => return None,
            WantedValue::Above { bound, .. } if !self.is_number() => {
                (Cow::Borrowed(bound.as_str()), "`>` and `>=` ask for a number, and it is none")
            }
            WantedValue::Above { bound, .. } if self.is_no_bound(bound) => {
                (Cow::Borrowed(bound.as_str()), self.what_is_none())
            }
            WantedValue::Above { .. } => return None,
            WantedValue::Begins(begin) if !self.can_begin(begin) => (String::from_utf8_lossy(begin), "none begins so"),
            WantedValue::Begins(_) => return None,
            WantedValue::Is(value) if !self.can_be(value) => (String::from_utf8_lossy(value), self.what_is_none()),
            WantedValue::Is(_) => return None,
        };
        Some(RefusedValue { what: format!("`{typed}`: {what}"), remedy: self.remedy(field, value) })
    }

    /// Whether nothing can be above it.
    fn is_no_bound(self, bound: &str) -> bool {
        let most = if self.is_status() { 999_000_000_000 } else { u128::MAX };
        self.asked_number(bound).is_none_or(|number| number > most)
    }

    /// Whether its values may be anything, text or not.
    pub(super) fn is_free(self) -> bool {
        matches!(self, ValueSort::Text | ValueSort::Path | ValueSort::ClientSays | ValueSort::Upstreams)
    }

    /// Whether there can be such a value; what nginx logs of none is asked for as it is logged.
    fn can_be(self, value: &[u8]) -> bool {
        if matches!(value, b"" | b"-") {
            return true;
        }
        let Ok(text) = std::str::from_utf8(value) else { return self.is_free() };
        match self {
            ValueSort::Text => true,
            ValueSort::Path => !value.contains(&b'?'),
            ValueSort::Pipe => matches!(text, "p" | "."),
            ValueSort::Method | ValueSort::CacheStatus => value.iter().all(is_in_capitals),
            ValueSort::Protocol => text.starts_with("HTTP/"),
            ValueSort::StatusClass => is_class(text),
            ValueSort::Status => parse_status_range(text).is_some(),
            ValueSort::Address => !is_no_address(value) && !text.contains(','),
            ValueSort::ClientSays => !is_no_address(value),
            ValueSort::Upstreams => !text.split(',').any(|peer| is_no_address(peer.trim().as_bytes())),
            ValueSort::Net => AddressRange::parse(text).is_some() || text.starts_with("unix:"),
            ValueSort::Number | ValueSort::Time(_) => self.asked_number(text).is_some(),
            ValueSort::Statuses | ValueSort::Numbers | ValueSort::Times(_) => self.can_be_list(text),
            // `30/Nov/2011:14:05:20 +0000`, `2011-11-30T14:05:20+00:00`.
            ValueSort::Clock | ValueSort::IsoClock => text.len() > 18 && self.can_begin(value),
            ValueSort::Route => !text.starts_with('/'),
        }
    }

    /// One of the attempts, or all of them as they are logged.
    fn can_be_list(self, text: &str) -> bool {
        let is_member = |member: &str| {
            matches!(member, "" | "-")
                || self.asked_number(member).is_some()
                || self.is_status() && parse_status_range(member).is_some()
        };
        text.split([',', ':']).map(str::trim).all(is_member)
    }

    fn can_begin(self, begin: &[u8]) -> bool {
        let is_digits = |byte: &u8| byte.is_ascii_digit();
        match self {
            ValueSort::Text | ValueSort::Address | ValueSort::ClientSays | ValueSort::Net | ValueSort::Upstreams => {
                true
            }
            ValueSort::Clock => fits_shape(begin, b"00/aaa/0000:00:00:00 "),
            ValueSort::IsoClock => fits_shape(begin, b"0000-00-00T00:00:00"),
            ValueSort::Route => !begin.starts_with(b"/"),
            ValueSort::Path => !begin.contains(&b'?'),
            ValueSort::Pipe => matches!(begin, b"" | b"p" | b"."),
            ValueSort::Method | ValueSort::CacheStatus => begin.iter().all(is_in_capitals),
            ValueSort::Protocol => begin.starts_with(b"HTTP/") || b"HTTP/".starts_with(begin),
            ValueSort::Status => begin.len() <= 3 && begin.iter().all(is_digits),
            ValueSort::StatusClass => match begin.split_first() {
                Some((class, rest)) => class.is_ascii_digit() && b"xx".starts_with(rest),
                None => true,
            },
            ValueSort::Number | ValueSort::Time(_) => begin.iter().all(|byte| is_digits(byte) || *byte == b'.'),
            ValueSort::Statuses | ValueSort::Numbers | ValueSort::Times(_) => {
                begin.iter().all(|byte| is_digits(byte) || b".,: -".contains(byte))
            }
        }
    }

    fn what_is_none(self) -> &'static str {
        match self {
            ValueSort::Text => "no request has it",
            ValueSort::Path => "no path: that ends before the `?`",
            ValueSort::CacheStatus => "none of a cache: they are in capitals",
            ValueSort::Pipe => "neither `p` nor `.`",
            ValueSort::Method => "no method: they are in capitals",
            ValueSort::Protocol => "no protocol",
            ValueSort::Status | ValueSort::Statuses => "no status",
            ValueSort::StatusClass => "no class of statuses",
            ValueSort::Address | ValueSort::ClientSays | ValueSort::Net | ValueSort::Upstreams => {
                "neither an address nor a net"
            }
            ValueSort::Number | ValueSort::Numbers => "no number",
            ValueSort::Time(_) | ValueSort::Times(_) => "no length of time",
            ValueSort::Clock | ValueSort::IsoClock => "no time as it is logged",
            ValueSort::Route => "no route: their names are joined by dots",
        }
    }

    fn remedy(self, field: &str, value: &WantedValue) -> String {
        let is_above = matches!(value, WantedValue::Above { .. });
        let bytes: &[u8] = if let WantedValue::Is(bytes) | WantedValue::Begins(bytes) = value { bytes } else { b"" };
        match self {
            ValueSort::Text | ValueSort::Path | ValueSort::Route | ValueSort::ClientSays | ValueSort::Upstreams
                if is_above =>
            {
                format!("a value that begins with the sign is written {field}=\\x3E..")
            }
            ValueSort::Text => format!("write {field}=*"),
            ValueSort::Path => format!("write target={}, or path and query:KEY", String::from_utf8_lossy(bytes)),
            ValueSort::CacheStatus => format!("write {field}=HIT"),
            ValueSort::Route => format!("write path={}, or {field}=p.git", String::from_utf8_lossy(bytes)),
            ValueSort::Pipe => format!("write {field}=p"),
            ValueSort::Method => format!("write {field}=GET"),
            ValueSort::Protocol => format!("write {field}=HTTP/1.1 or {field}^=HTTP/"),
            ValueSort::Status => {
                format!(
                    "write {field}=404, {field}=5xx, {field}=500-504 or {field}=>=500; --status takes several, 404,5xx"
                )
            }
            ValueSort::Statuses => format!("write {field}=502, {field}=5xx or {field}=>=500: any attempt counts"),
            ValueSort::StatusClass => format!("write {field}=5xx"),
            ValueSort::Upstreams => {
                format!("write {field}=10.0.0.2:8080, {field}=10.0.0.2 or {field}=10.0.0.0/24: any attempt counts")
            }
            ValueSort::Address | ValueSort::ClientSays | ValueSort::Net => {
                format!("write {field}=192.0.2.7, {field}=192.0.2.0/24 or {field}=2001:db8::/32")
            }
            ValueSort::Number if field == "msec" => "windows of time are --from and --until".to_owned(),
            ValueSort::Number | ValueSort::Numbers => format!("write {field}=4096 or {field}=>=4096"),
            ValueSort::Time(unit) | ValueSort::Times(unit) => {
                let unit = unit.name();
                format!(
                    "write {field}=>=50ms or {field}=>=1.5s; a number without a unit is as the log has it, in {unit}"
                )
            }
            ValueSort::Clock | ValueSort::IsoClock => {
                "windows of time are --from and --until; what is logged is asked for as it is, whole".to_owned()
            }
        }
    }
}

fn is_in_capitals(byte: &u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'_' | b'-')
}

/// Whether what begins so can have that shape, digits and letters where it has them; what is behind it is not looked at.
fn fits_shape(begin: &[u8], shape: &[u8]) -> bool {
    begin.iter().zip(shape).all(|(byte, place)| match place {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        _ => byte == place,
    })
}

fn is_class(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9', b'x', b'x'])
}

/// `digits[.digits]` in billionths; finer digits are left out.
fn billionths(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fine = format!("{fraction:0<9}");
    let fine: u128 = fine.get(..9)?.parse().ok()?;
    whole.parse::<u128>().ok()?.checked_mul(1_000_000_000)?.checked_add(fine)
}

/// Billionths of a unit as those of a second.
fn in_seconds(number: u128, unit: DurationUnit) -> Option<u128> {
    let places = u32::try_from(unit.decimal_places()).ok()?;
    Some(number / 10_u128.checked_pow(places)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(sort: ValueSort, value: &str) -> bool {
        let condition = super::super::WhereCondition::parse(&format!("x={value}")).unwrap();
        sort.refusal("x", &condition.value).is_some()
    }

    #[test]
    fn what_no_request_can_have_is_refused_by_the_sort_of_its_field() {
        use DurationUnit::{Millis, Seconds};
        for (sort, refused, taken) in [
            (ValueSort::Text, &[">5", ">=a"][..], &["", "-", "5", "\\x3E5", "\\xff"][..]),
            (ValueSort::Path, &["/a?b=c", ">5"], &["/a", "/a\\x3Fb", "*"]),
            (ValueSort::CacheStatus, &["hit", ">5"], &["HIT", "-"]),
            (ValueSort::Pipe, &["x"], &["p", "."]),
            (
                ValueSort::Upstreams,
                &["10.0.0.2:99999", "10.0.0", "10.0.0.0/33", "10.0.0.*"],
                &[
                    "10.0.0.2:80",
                    "10.0.0.2",
                    "10.0.0.0/24",
                    "10.0.0.2:80, [::1]:80",
                    "unix:/run/a",
                    "backend",
                    "[::1]:80",
                ],
            ),
            (ValueSort::Method, &["get", "GET ", ">=GET"], &["GET", "M-SEARCH", "-"]),
            (ValueSort::Protocol, &["1.1", "http/1.1"], &["HTTP/1.1", "HTTP/2"]),
            (
                ValueSort::Status,
                &["2XX", "abc", "5000", "6xx", "500-400", ">=abc", ">", "+5", "5", "50", ">=1000"],
                &["404", "5xx", "500-504", ">=500", ">499", "-", "000"],
            ),
            (ValueSort::StatusClass, &["5XX", "500", ">=5xx", "xx", "5x"], &["5xx", "2xx", "*"]),
            (
                ValueSort::Address,
                &[
                    "192.0.2.0/33",
                    "192.0.2",
                    "192.0.2.300",
                    "2001:db8::/129",
                    ">=1",
                    "192.0.2.7,192.0.2.8",
                    "192.0.2.*",
                ],
                &["192.0.2.7", "192.0.2.0/24", "unix:", "::1", "host.example.org"],
            ),
            (
                ValueSort::ClientSays,
                &["192.0.2.0/33", "192.0.2", "192.0.2.300", "2001:db8::/129", ">=1", "192.0.2.0/x"],
                &["192.0.2.7", "192.0.2.0/24", "unix:", "::1", "unknown", "192.0.2.7:1234", "1.2.3.4, 5.6.7.8", "abc"],
            ),
            (
                ValueSort::Net,
                &["abc", "192.0.2.0/33", "192.0.2"],
                &["192.0.2.0/24", "2001:db8::/32", "192.0.2.7", "unix:"],
            ),
            (ValueSort::Number, &["abc", ">=abc", "-5", "4k", ">=", "1.", ".5"], &["5", ">=4096", ">4096", "0.5", "-"]),
            (ValueSort::Numbers, &["abc", "5, x"], &["5", ">=5", "5, 6", "5, - : 7"]),
            (ValueSort::Statuses, &["5XX", "abc"], &["5xx", "502", "502, 200", ">=500", "500-599"]),
            (
                ValueSort::Time(Seconds),
                &["abc", ">=abc", ">=5parsecs", ">="],
                &["3.500", "3.5s", ">=50ms", ">=1", ">1.5s", "-"],
            ),
            (ValueSort::Times(Millis), &["abc"], &["0.001, 3.500", ">=1s", "50"]),
            (
                ValueSort::Clock,
                &["14:05", ">=14:05", ">5", "2011-11-30T14:05:20+00:00"],
                &["30/Nov/2011:14:05:20 +0000"],
            ),
            (
                ValueSort::IsoClock,
                &["2011-11-30 14:05:20", "30/Nov/2011:14:05:20 +0000"],
                &["2011-11-30T14:05:20+00:00"],
            ),
            (ValueSort::Route, &["/p/git", ">5"], &["p.git", "p.*.source", "p.{id}"]),
        ] {
            for value in refused {
                assert!(is_refused(sort, value), "{sort:?} {value}");
            }
            for value in taken {
                assert!(!is_refused(sort, value), "{sort:?} {value}");
            }
        }
    }

    #[test]
    fn a_time_is_in_the_unit_of_its_log_unless_it_names_one() {
        let seconds = ValueSort::Time(DurationUnit::Seconds);
        let micros = ValueSort::Time(DurationUnit::Micros);
        assert_eq!(seconds.asked_number("3.500"), Some(3_500_000_000));
        assert_eq!(seconds.asked_number("50ms"), Some(50_000_000));
        assert_eq!(seconds.asked_number("1min"), Some(60_000_000_000));
        assert_eq!(micros.asked_number("50"), Some(50_000));
        assert_eq!(micros.asked_number("1s"), Some(1_000_000_000));
        assert_eq!(ValueSort::Number.asked_number("50ms"), None);
        assert_eq!(ValueSort::Number.number_of(b"18446744073709551615"), Some(18_446_744_073_709_551_615_000_000_000));
    }
}
