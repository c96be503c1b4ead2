//! A request's URI as nginx compares it with locations (`ngx_http_parse_complex_uri` in ngx_http_parse.c).
//!
//! ```text
//! as sent            as compared
//! /a/./b             /a/b
//! /a/../b            /b              /.. is a 400
//! /a//b              /a/b            unless merge_slashes is off
//! /%61%2fb?x#y       /a/b            %2f is a slash like any other; ? and # end the path
//! /a%3Fb             /a?b            what is quoted ends nothing
//! /a%zz, /a%00       a 400
//! ```
//!
//! A log line has what was sent, so this is done again here; nothing is allocated but in the caller's buffer.

use crate::route::query::ends_path;

/// Where the state machine is: what the path read so far ends with. `Slash` also begins a segment, so that only there a dot
/// can be the first of `.` or `..`; `.x` and `...` are names like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UriState {
    Usual,
    Slash,
    Dot,
    DotDot,
}

/// Puts the normalised path of `target` (a path, perhaps with a query and a fragment, as the client sent it) into `uri`:
/// `%HH` decoded, `.` and `..` resolved, `//` merged if `merge_slashes`. False if nginx answers it with 400.
pub(super) fn normalise_uri(target: &[u8], merge_slashes: bool, uri: &mut Vec<u8>) -> bool {
    uri.clear();
    let mut state = UriState::Usual;
    let mut rest = target.iter().copied();
    while let Some(mut byte) = rest.next() {
        let quoted = byte == b'%';
        if quoted {
            match (rest.next().and_then(hex_value), rest.next().and_then(hex_value)) {
                (Some(high), Some(low)) => byte = high << 4 | low,
                _ => return false,
            }
            match byte {
                0 => return false,
                // These are never what they would be unquoted.
                b'%' | b'#' | b'?' => {
                    state = UriState::Usual;
                    uri.push(byte);
                    continue;
                }
                _ => {}
            }
        }
        if ends_path(byte) {
            break;
        }
        state = match (state, byte) {
            (UriState::Usual, b'/') => {
                uri.push(byte);
                UriState::Slash
            }
            (UriState::Slash, b'/') => {
                if !merge_slashes {
                    uri.push(byte);
                }
                UriState::Slash
            }
            (UriState::Slash, b'.') => {
                uri.push(byte);
                UriState::Dot
            }
            (UriState::Dot, b'/') => {
                uri.pop();
                UriState::Slash
            }
            (UriState::Dot, b'.') => {
                uri.push(byte);
                UriState::DotDot
            }
            (UriState::DotDot, b'/') => {
                if !leave_segment(uri) {
                    return false;
                }
                UriState::Slash
            }
            (_, _) => {
                uri.push(byte);
                UriState::Usual
            }
        };
    }
    match state {
        UriState::Usual | UriState::Slash => true,
        UriState::Dot => {
            uri.pop();
            true
        }
        UriState::DotDot => leave_segment(uri),
    }
}

/// Resolves a `/..` at the end of `uri`: what is left ends with the slash before. False if there is nothing above.
fn leave_segment(uri: &mut Vec<u8>) -> bool {
    let Some(above) = uri.len().checked_sub(4) else { return false };
    match uri.get(..=above).and_then(|head| memchr::memrchr(b'/', head)) {
        Some(slash) => {
            uri.truncate(slash + 1);
            true
        }
        None => false,
    }
}

/// The value of a hex digit of either case, as nginx takes both after `%`.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::normalise_uri;

    fn uri(target: &str) -> Option<String> {
        let mut out = Vec::new();
        normalise_uri(target.as_bytes(), true, &mut out).then(|| String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn as_nginx_does() {
        for (target, expected) in [
            ("/", "/"),
            ("/a/b?c=/d", "/a/b"),
            ("/a#b?c", "/a"),
            ("//a///b//", "/a/b/"),
            ("/a/./b/.", "/a/b/"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/..?x", "/a/"),
            ("/a/..b/.c/...", "/a/..b/.c/..."),
            ("/%61%2Fb%2f%2E%2e/c", "/a/c"),
            ("/a%2F/b", "/a/b"),
            ("/a%3Fb%23c%25d", "/a?b#c%d"),
            ("/.%3f", "/.?"),
            ("/a+b", "/a+b"),
            ("/a/.%2e/b", "/b"),
        ] {
            assert_eq!(uri(target).as_deref(), Some(expected), "{target}");
        }
        for bad in ["/..", "/../a", "/a/../..", "/%", "/%4", "/%zz", "/%00", "/a/../../b", "/./.."] {
            assert_eq!(uri(bad), None, "{bad}");
        }
        let mut out = Vec::new();
        assert!(normalise_uri(b"//a//b", false, &mut out));
        assert_eq!(out, b"//a//b");
    }
}
