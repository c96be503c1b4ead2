//! Whether a value has the shape of its variable: the rules behind [`ValueShape`].

use super::{Escape, ValueShape};

impl ValueShape {
    /// Whether `value`, as it stands in a log of that escape, has this shape.
    pub fn fits(self, escape: Escape, value: &[u8]) -> bool {
        if is_absent(escape, value) && !self.is_always_there() {
            return true;
        }
        match self {
            ValueShape::TimeLocal => is_time_local(value),
            ValueShape::TimeIso8601 => is_time_iso8601(value),
            ValueShape::Msec => is_decimal(value, 3) && value.len() == 14,
            ValueShape::Seconds => is_seconds(value),
            ValueShape::SecondsList => all_members(value, is_seconds),
            ValueShape::Status => is_status(value),
            ValueShape::StatusList => all_members(value, is_status),
            ValueShape::Count => is_digits(value),
            ValueShape::CountList => all_members(value, is_digits),
            ValueShape::Port => is_port(value),
            ValueShape::Ratio => is_decimal(value, 2),
            ValueShape::Decimal => is_number(value),
            ValueShape::Address => is_address(value),
            ValueShape::PeerList => all_members(value, is_peer),
            ValueShape::Request => is_request(escape, value),
            ValueShape::Method => is_method(value),
            ValueShape::Protocol => is_protocol(value),
            ValueShape::Target => value.first() == Some(&b'/') && is_escaped(escape, value),
            ValueShape::Host => is_word(value) && !value.contains(&b'/') && is_escaped(escape, value),
            ValueShape::Scheme => matches!(value, b"http" | b"https"),
            ValueShape::Pipe => matches!(value, b"." | b"p"),
            ValueShape::Completion => value == b"OK",
            ValueShape::Switch => value == b"on",
            ValueShape::IsArgs => value == b"?" || value.is_empty(),
            ValueShape::CacheStatus => CACHE_STATUSES.contains(&value),
            ValueShape::RequestId => value.len() == 32 && value.iter().all(u8::is_ascii_hexdigit),
            ValueShape::Word => is_word(value) && is_escaped(escape, value),
            ValueShape::Text => is_escaped(escape, value),
            ValueShape::Unread => true,
        }
    }
}

/// Whether `value` is a value that the variable of that name (in lower case) may have, in a log of that escape.
pub fn fits(name: &str, escape: Escape, value: &[u8]) -> bool {
    ValueShape::of_name(name).fits(escape, value)
}

/// Whether `value` is what nginx writes for a variable that has none.
pub fn is_absent(escape: Escape, value: &[u8]) -> bool {
    match escape {
        Escape::Default => value == b"-",
        Escape::Json | Escape::None => value.is_empty(),
    }
}

/// `ngx_http_cache_status`.
const CACHE_STATUSES: [&[u8]; 7] = [b"MISS", b"BYPASS", b"EXPIRED", b"STALE", b"UPDATING", b"REVALIDATED", b"HIT"];

fn is_digits(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// Digits, perhaps a point and digits.
fn is_number(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    parts.next().is_some_and(is_digits) && parts.next().is_none_or(is_digits)
}

/// Digits, a point, and so many digits.
pub fn is_decimal(value: &[u8], places: usize) -> bool {
    let Some(point) = value.len().checked_sub(places + 1) else { return false };
    let (whole, rest) = value.split_at(point);
    is_digits(whole) && rest.split_first().is_some_and(|(point, places)| *point == b'.' && is_digits(places))
}

/// A duration; ten digits before the point are a time since the epoch.
pub fn is_seconds(value: &[u8]) -> bool {
    is_decimal(value, 3) && value.len() <= "31622400.000".len()
}

fn is_status(value: &[u8]) -> bool {
    value.len() == 3 && is_digits(value) && (value.first() != Some(&b'0') || matches!(value, b"000" | b"009"))
}

fn is_port(value: &[u8]) -> bool {
    is_digits(value) && std::str::from_utf8(value).is_ok_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_word(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| *byte > b' ' && !matches!(byte, b'"' | 0x7F))
}

fn is_method(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
}

fn is_protocol(value: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit();
    match value.strip_prefix(b"HTTP/") {
        Some([major]) => digit(major),
        Some([major, b'.', minor]) => digit(major) && digit(minor),
        _ => false,
    }
}

/// A whole request line: from the first space to the last runs the target.
fn is_request(escape: Escape, value: &[u8]) -> bool {
    let Some(first) = memchr::memchr(b' ', value) else { return is_no_request(escape, value) };
    let Some(last) = memchr::memrchr(b' ', value).filter(|last| *last > first) else {
        return is_http_09(escape, value) || is_no_request(escape, value);
    };
    let part = |from: usize, until: usize| value.get(from..until).unwrap_or_default();
    let well_formed = is_method(part(0, first))
        && is_protocol(part(last + 1, value.len()))
        && part(first + 1, last)
            .first()
            .is_some_and(|byte| *byte == b'/' || *byte == b'*' || byte.is_ascii_alphabetic());
    (well_formed && is_escaped(escape, value)) || is_no_request(escape, value)
}

/// A request of HTTP/0.9, which has no protocol behind its target, and no headers: nginx serves its `GET`.
pub(crate) fn is_http_09(escape: Escape, value: &[u8]) -> bool {
    value.strip_prefix(b"GET ").is_some_and(|target| {
        matches!(target.first(), Some(b'/' | b'h')) && !target.contains(&b' ') && is_escaped(escape, target)
    })
}

/// What stands for a request that was none: nothing, or TLS and the like on a plain port.
fn is_no_request(escape: Escape, value: &[u8]) -> bool {
    let binary = match escape {
        Escape::Default => value.starts_with(b"\\x0") || value.starts_with(b"\\x1"),
        Escape::Json => matches!(value, [b'\\', b'u' | b'n' | b'r' | b't' | b'b' | b'f', ..]),
        Escape::None => value.first().is_some_and(|byte| *byte < b' '),
    };
    value.is_empty() || value == b"-" || (binary && is_escaped(escape, value))
}

/// An address of either family, or `unix:`.
pub fn is_address(value: &[u8]) -> bool {
    value == b"unix:" || std::str::from_utf8(value).is_ok_and(|address| address.parse::<std::net::IpAddr>().is_ok())
}

/// `address:port`, `unix:/path`, or an upstream's name, which stands where none of its servers was tried.
fn is_peer(value: &[u8]) -> bool {
    is_word(value) && value.iter().any(|byte| byte.is_ascii_alphabetic() || *byte == b':')
}

/// Whether each member of a list is such, or absent.
fn all_members(value: &[u8], such: fn(&[u8]) -> bool) -> bool {
    list_members(value).all(|member| matches!(member, b"-") || such(member))
}

/// The members of a list by attempt (`, `, or `,` as those write who make logs anew) and redirect (` : `).
pub fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let left = rest?;
        let attempt = memchr::memchr(b',', left);
        let redirect = memchr::memmem::find(left, b" : ");
        let (end, skip) = match (attempt, redirect) {
            (Some(attempt), Some(redirect)) if redirect < attempt => (redirect, 3),
            (Some(attempt), _) => (attempt, if left.get(attempt + 1) == Some(&b' ') { 2 } else { 1 }),
            (None, Some(redirect)) => (redirect, 3),
            (None, None) => {
                rest = None;
                return Some(left);
            }
        };
        rest = left.get(end + skip..);
        left.get(..end)
    })
}

/// `10/Oct/2000:13:55:36 -0700`, by its punctuation; others write it with milliseconds.
fn is_time_local(value: &[u8]) -> bool {
    matches_pattern(value, b"00/aaa/0000:00:00:00 +0000") || matches_pattern(value, b"00/aaa/0000:00:00:00.000 +0000")
}

/// `2000-10-10T13:55:36-07:00`, or with `Z`.
fn is_time_iso8601(value: &[u8]) -> bool {
    matches_pattern(value, b"0000-00-00T00:00:00+00:00") || matches_pattern(value, b"0000-00-00T00:00:00Z")
}

/// `0` stands for a digit, `a` for a letter, `+` for a sign; others for themselves.
fn matches_pattern(value: &[u8], pattern: &[u8]) -> bool {
    value.len() == pattern.len()
        && value.iter().zip(pattern).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == other,
        })
}

/// Whether only bytes stand in `value` that the escape lets stand.
pub fn is_escaped(escape: Escape, value: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        let length = match (escape, byte) {
            (Escape::None, _) => 1,
            (_, b'"') => return false,
            (_, byte) if byte < b' ' => return false,
            (Escape::Default, byte) if byte >= 0x7F => return false,
            (Escape::Default, b'\\') => match value.get(at + 1..at + 4) {
                Some([b'x', high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 4,
                _ => return false,
            },
            (Escape::Json, b'\\') => match value.get(at + 1) {
                Some(b'u') if value.get(at + 2..at + 6).is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit)) => 6,
                Some(b'"' | b'\\' | b'/' | b'n' | b'r' | b't' | b'b' | b'f') => 2,
                _ => return false,
            },
            _ => 1,
        };
        at += length;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_has_its_shape() {
        let cases: [(&str, &[&str], &[&str]); 14] = [
            (
                "request_time",
                &["0.000", "60.001"],
                &["-", "", "0.1", "482", "0.100, 0.149", "2.71", "1.2345", "1427761920.280"],
            ),
            (
                "upstream_response_time",
                &["-", "0.100", "0.100, 0.149", "0.004 : 0.100", "-, 0.001"],
                &["10", "0.10", "0.100 0.149", "a"],
            ),
            ("msec", &["1427761920.280"], &["1.500", "-"]),
            ("status", &["200", "499", "000", "009"], &["20", "-", "2000", "099"]),
            ("upstream_status", &["200", "-", "502, 200", "502 : -"], &["80", "0.100"]),
            ("gzip_ratio", &["2.71", "-"], &["2.715", "2", "0.250"]),
            ("server_port", &["443", "-"], &["0", "65536", "0.250"]),
            ("remote_addr", &["192.0.2.1", "2001:db8::7", "unix:"], &["-", "a b", "1.2.3"]),
            (
                "request",
                &["GET / HTTP/1.1", "GET /a b HTTP/1.1", "", "\\x16\\x03", "PRI * HTTP/2.0", "GET /"],
                &["POST /", "GET", "get / HTTP/1.1", "GET /a b"],
            ),
            ("request_method", &["GET", "-", "M-SEARCH"], &["GET /", "200"]),
            ("server_protocol", &["HTTP/1.1", "HTTP/2", "-"], &["HTTP", "HTTP/1.10"]),
            ("host", &["a.example:80", "-"], &["a b", "a/b"]),
            ("upstream_addr", &["10.0.0.1:80, unix:/run/a.sock", "backend", "-"], &["0.100", "a b"]),
            ("http_user_agent", &["x \\x22", "", "-"], &["a\"b", "a\tb", "\\"]),
        ];
        for (name, fitting, others) in cases {
            for value in fitting {
                assert!(fits(name, Escape::Default, value.as_bytes()), "${name}: {value}");
            }
            for value in others {
                assert!(!fits(name, Escape::Default, value.as_bytes()), "${name}: {value}");
            }
        }
    }

    #[test]
    fn nothing_stands_as_the_escape_writes_it() {
        assert!(fits("upstream_response_time", Escape::Json, b""));
        assert!(fits("gzip_ratio", Escape::None, b""));
        assert!(!fits("gzip_ratio", Escape::Default, b""));
        assert!(!fits("request_time", Escape::Json, b""));
        assert!(fits("http_user_agent", Escape::Json, "ü \\\" \\u0007".as_bytes()));
        assert!(!fits("http_user_agent", Escape::Json, b"a\\"));
        assert!(fits("http_user_agent", Escape::None, b"a\"\tb"));
    }
}
