//! The request line: method, target, protocol.

use wide::u8x16;

use crate::grammar::{contains_byte, find_byte};

/// The three parts of a well-formed `$request`; the protocol is empty in HTTP/0.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestLine<'l> {
    pub(crate) method: &'l [u8],
    pub(crate) target: &'l [u8],
    pub(crate) protocol: &'l [u8],
}

/// Splits `METHOD SP target [SP HTTP/x[.y]]`. None for anything else: empty, `-`, TLS bytes, a method of other bytes than
/// nginx takes (`A`-`Z`, `_`, `-`; `ngx_http_parse_request_line`), further words without a protocol behind them. With one,
/// the target may hold spaces, as nginx before 1.21.1 serves it: what begins it is then looked at. `rest_of_line` begins
/// with `request`.
#[inline(always)]
pub(crate) fn split_request<'l>(request: &'l [u8], rest_of_line: &'l [u8]) -> Option<RequestLine<'l>> {
    let space = find_byte(b' ', request)?;
    let usual = (1..8).contains(&space) && request.first_chunk::<8>().is_some_and(|word| are_capitals(word, space));
    let (method, rest) = request.split_at_checked(space)?;
    let rest = rest.get(1..)?;
    if !usual && !is_method(method) {
        return None;
    }
    let (target, protocol) = match rest.split_last_chunk::<9>() {
        Some((target, tail @ [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]))
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            (target, tail.get(1..).unwrap_or_default())
        }
        _ => split_short_protocol(rest),
    };
    // How long targets are is hard to foretell, so as many bytes are looked at as one mostly fits in. Behind it is a space.
    let spaced = match rest_of_line.get(space + 1..).and_then(<[u8]>::first_chunk::<64>) {
        Some(window) if target.len() < window.len() && !protocol.is_empty() => first_space(window) != target.len(),
        _ => contains_byte(b' ', target),
    };
    if target.is_empty() || spaced && (protocol.is_empty() || !is_spaced_target(target)) {
        return None;
    }
    Some(RequestLine { method, target, protocol })
}

/// The target and `HTTP/2`, as some write it; or else all of it and no protocol.
#[inline(never)]
fn split_short_protocol(rest: &[u8]) -> (&[u8], &[u8]) {
    match rest.split_last_chunk::<7>() {
        Some((target, tail @ [b' ', b'H', b'T', b'T', b'P', b'/', major])) if major.is_ascii_digit() => {
            (target, tail.get(1..).unwrap_or_default())
        }
        _ => (rest, &b""[..]),
    }
}

/// Whether a target that holds a space begins as nginx has it, and is no other request's: with `/` or a scheme.
#[cold]
fn is_spaced_target(target: &[u8]) -> bool {
    [&b"/"[..], b"http://", b"https://"].iter().any(|begin| target.starts_with(begin))
}

/// Where the first space is; 64 if there is none.
#[inline(always)]
fn first_space(window: &[u8; 64]) -> usize {
    let mut spaces = 0;
    for (chunk, shift) in window.as_chunks::<16>().0.iter().zip([0, 16, 32, 48]) {
        spaces |= u64::from(u8x16::from(*chunk).simd_eq(u8x16::splat(b' ')).to_bitmask()) << shift;
    }
    spaces.trailing_zeros() as usize
}

fn is_method(method: &[u8]) -> bool {
    !method.is_empty() && method.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'_' | b'-'))
}

/// Whether the first bytes, 1 to 7 of them, are `A` to `Z`: the usual methods, which differ in length.
#[inline(always)]
fn are_capitals(word: &[u8; 8], length: usize) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let word = u64::from_le_bytes(*word);
    let ascii = word & !HIGH;
    let from_a = ascii + ONES * u64::from(0x80 - b'A');
    let above_z = ascii + ONES * u64::from(0x80 - b'Z' - 1);
    let others = !(from_a & !above_z & !word) & HIGH;
    others << (64 - 8 * length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn capitals_are_methods(
            bytes in proptest::collection::vec(prop_oneof![30 => b'A'..=b'Z', 2 => b'@'..=b'`', 1 => any::<u8>()], 8),
            length in 1_usize..8,
        ) {
            let word = <[u8; 8]>::try_from(bytes.as_slice()).unwrap();
            prop_assert_eq!(are_capitals(&word, length), bytes[..length].iter().all(u8::is_ascii_uppercase));
            prop_assert!(!are_capitals(&word, length) || is_method(&bytes[..length]));
        }
    }

    fn parts(request: &str) -> Option<(&str, &str, &str)> {
        let line = split_request(request.as_bytes(), request.as_bytes())?;
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        Some((text(line.method), text(line.target), text(line.protocol)))
    }

    #[test]
    fn well_formed() {
        assert_eq!(parts("GET /a?b=c HTTP/1.1"), Some(("GET", "/a?b=c", "HTTP/1.1")));
        assert_eq!(parts("GET /ret"), Some(("GET", "/ret", "")));
        assert_eq!(parts("PRI * HTTP/2.0"), Some(("PRI", "*", "HTTP/2.0")));
        assert_eq!(parts("CONNECT a:443 HTTP/1.0"), Some(("CONNECT", "a:443", "HTTP/1.0")));
        assert_eq!(parts("M-SEARCH * HTTP/1.1"), Some(("M-SEARCH", "*", "HTTP/1.1")));
        assert_eq!(parts("GET /a HTTP/2"), Some(("GET", "/a", "HTTP/2")));
    }

    /// nginx before 1.21.1 serves them.
    #[test]
    fn a_target_runs_from_the_first_space_to_the_last() {
        assert_eq!(parts("GET /index.php?x=a b HTTP/1.1"), Some(("GET", "/index.php?x=a b", "HTTP/1.1")));
        assert_eq!(parts("GET /a  HTTP/1.1"), Some(("GET", "/a ", "HTTP/1.1")));
        assert_eq!(parts("GET /a HTTP/1.0 HTTP/2"), Some(("GET", "/a HTTP/1.0", "HTTP/2")));
        assert_eq!(parts("GET http://h/a b HTTP/1.1"), Some(("GET", "http://h/a b", "HTTP/1.1")));
    }

    proptest! {
        /// With much of the line behind it as with nothing.
        #[test]
        fn what_follows_does_not_matter(target in "/[a-z ]{0,70}|/[a-z]{50,70}|[a-z ]{0,9}", version in "( HTTP/1.1)?", more in "[ a-z]{0,80}") {
            let request = format!("GET {target}{version}");
            let line = format!("{request}{more}");
            prop_assert_eq!(split_request(request.as_bytes(), request.as_bytes()), split_request(&line.as_bytes()[..request.len()], line.as_bytes()));
        }
    }

    #[test]
    fn malformed() {
        for bad in [
            "",
            "-",
            "hello",
            "GET ",
            " /a",
            "GET  HTTP/1.1",
            "GET /a b",
            "GET a b HTTP/1.1",
            "GET  /a HTTP/1.1",
            "get /a HTTP/1.1",
            "\\x16\\x03\\x01\\x00 \\x01",
            "GET /a HTTP/1.1 x",
            "GET /a HTTP/11",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
