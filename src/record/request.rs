//! The request line: method, target, protocol.

use crate::grammar::{contains, find_byte};

/// The three parts of a well-formed `$request`; the protocol is empty in HTTP/0.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestLine<'l> {
    pub(crate) method: &'l [u8],
    pub(crate) target: &'l [u8],
    pub(crate) protocol: &'l [u8],
}

/// Splits `METHOD SP target [SP HTTP/x.y]`. None for anything else: empty, `-`, TLS bytes, further words, a method of
/// other bytes than nginx takes (`A`-`Z`, `_`, `-`; `ngx_http_parse_request_line`).
#[inline]
pub(crate) fn split(request: &[u8]) -> Option<RequestLine<'_>> {
    let space = find_byte(b' ', request)?;
    let (method, rest) = request.split_at_checked(space)?;
    let rest = rest.get(1..)?;
    if method.is_empty() || !method.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'_' | b'-')) {
        return None;
    }
    let (target, protocol) = match rest.split_last_chunk::<9>() {
        Some((target, tail @ [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]))
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            (target, tail.get(1..).unwrap_or_default())
        }
        _ => (rest, &b""[..]),
    };
    if target.is_empty() || contains(b' ', target) {
        return None;
    }
    Some(RequestLine { method, target, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(request: &str) -> Option<(&str, &str, &str)> {
        let line = split(request.as_bytes())?;
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
            "GET /a b HTTP/1.1",
            "GET /a  HTTP/1.1",
            "get /a HTTP/1.1",
            "\\x16\\x03\\x01\\x00 \\x01",
            "GET /a HTTP/1.1 x",
            "GET /a HTTP/11",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
