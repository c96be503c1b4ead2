//! What in one segment of a path strangers may vary without end, and the words in braces that stand for it.
//!
//! A whole segment:
//! - a UUID: `{uuid}`; over [`SEGMENT_MAX`] bytes: `{long}`;
//! - `name@host.tld`, also with `%40`: `{email}` (but not `logo@2x.png`, `@scope` or `pkg@1.2.3`).
//!
//! Inside a segment (and for a whole one alike), where anything but a letter or a digit parts the pieces:
//! - hex of 8 characters or more with both a digit and a letter: `{hash}`, so `app.0123abcdef12.js` is
//!   `app.{hash}.js`; words such as `feedface` stay;
//! - five digits or more: `{id}`, so `inter-100.woff2`, `v2` and `release-notes-2024` stay;
//! - a UUID: `{uuid}`;
//! - `{token}`: base64url of 20 characters or more with both cases, two digits or more, and four changes of kind (lower,
//!   upper, digit) in nine characters, where random ones have 5.7 and camel-cased words under four; or, in one case,
//!   20 letters and digits with four digits and four changes (ULID, cuid).
//!
//! Percent-escapes and nginx's `\xHH` are not decoded and never part of a piece. Slugs stay: the cap bounds them.
//! A segment of digits only is `{id}` before it comes here (see [`template`](super::template)).

use super::byte_class::{DIGIT, HEX, LOWER, ODD, UPPER, class_of};
use super::graphite_name::{NODE_MAX, encode_segment, is_escaped, push_escape, read_escape};
use super::path_scan::is_uuid;

/// The longest segment kept, in bytes.
pub const SEGMENT_MAX: usize = 100;

/// A node of so many bytes fits into [`NODE_MAX`], whatever they are: the longest encoding is three to one.
pub(super) const SURE_NODE: usize = NODE_MAX / 3;

/// A segment with a digit, with an odd byte, or longer than usual.
#[inline(never)]
pub(super) fn fold_segment(segment: &[u8], classes: u8, out: &mut Vec<u8>) {
    if segment.len() > SEGMENT_MAX {
        out.extend_from_slice(b"{long}");
        return;
    }
    if is_uuid(segment) {
        out.extend_from_slice(b"{uuid}");
        return;
    }
    if classes & ODD != 0 && is_email(segment) {
        out.extend_from_slice(b"{email}");
        return;
    }
    let start = out.len();
    fold_pieces(segment, out);
    if segment.len() > SURE_NODE && encode_segment(out.get(start..).unwrap_or_default()).len() > NODE_MAX {
        out.truncate(start);
        out.extend_from_slice(b"{long}");
    }
}

/// Folds inside a segment: words of letters and digits are looked at, escapes are copied, what must be escaped is.
fn fold_pieces(segment: &[u8], out: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some((&first, after)) = rest.split_first() {
        let (stretch, next) =
            split_while(rest, |byte| class_of(byte) & !(HEX | LOWER | UPPER) == 0 || is_base64url(byte));
        if !stretch.is_empty() {
            fold_word(stretch, out);
            rest = next;
        } else if let Some((byte, next)) = read_escape(rest) {
            push_escape(byte, out);
            rest = next;
        } else if let [b'%', high, low, next @ ..] = rest
            && (high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
        {
            out.extend_from_slice(&[b'%', *high, *low]);
            rest = next;
        } else {
            if is_escaped(first) {
                push_escape(first, out);
            } else {
                out.push(first);
            }
            rest = after;
        }
    }
}

/// A stretch of letters, digits, `-` and `_`: one token, or pieces of letters and digits.
fn fold_word(stretch: &[u8], out: &mut Vec<u8>) {
    if stretch.len() >= 20 && is_token(stretch) {
        out.extend_from_slice(b"{token}");
        return;
    }
    let mut rest = stretch;
    while let Some((&first, after)) = rest.split_first() {
        if is_base64url(first) {
            out.push(first);
            rest = after;
            continue;
        }
        if let Some((candidate, next)) = rest.split_first_chunk::<36>()
            && is_uuid(candidate)
            && next.first().is_none_or(|byte| !byte.is_ascii_alphanumeric())
        {
            out.extend_from_slice(b"{uuid}");
            rest = next;
            continue;
        }
        let (piece, next) = split_while(rest, |byte| !is_base64url(byte));
        let classes = piece.iter().fold(0, |classes, &byte| classes | class_of(byte));
        if classes == DIGIT && piece.len() >= 5 {
            out.extend_from_slice(b"{id}");
        } else if classes & !HEX == 0 && classes & DIGIT != 0 && classes != DIGIT && piece.len() >= 8 {
            out.extend_from_slice(b"{hash}");
        } else {
            out.extend_from_slice(piece);
        }
        rest = next;
    }
}

/// The longest front of `bytes` that `holds` for, and the rest.
fn split_while(bytes: &[u8], holds: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| !holds(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// What base64url has besides letters and digits.
const fn is_base64url(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

/// Whether a segment is `name@host.tld`, also with `%40`.
fn is_email(segment: &[u8]) -> bool {
    let (local, domain) = match memchr::memchr(b'@', segment) {
        Some(at) => (segment.get(..at), segment.get(at + 1..)),
        None => match memchr::memmem::find(segment, b"%40") {
            Some(at) => (segment.get(..at), segment.get(at + 3..)),
            None => return false,
        },
    };
    let (Some(local), Some(domain)) = (local, domain) else { return false };
    let Some(dot) = memchr::memrchr(b'.', domain) else { return false };
    let (Some(host), Some(top)) = (domain.get(..dot), domain.get(dot + 1..)) else { return false };
    // `logo@2x.png` is an image for a dense screen.
    let is_scale = matches!(host, [b'1'..=b'9', b'x']);
    !local.is_empty()
        && !host.is_empty()
        && !is_scale
        && top.len() >= 2
        && top.iter().all(u8::is_ascii_alphabetic)
        && host.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// Whether a stretch of 20 bytes or more looks random.
fn is_token(stretch: &[u8]) -> bool {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 1_u8,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 4,
        _ => 0,
    };
    let (mut kinds, mut digits, mut changes, mut before) = (0, 0, 0, 0);
    for &byte in stretch {
        let kind = kind(byte);
        digits += usize::from(kind == 1);
        changes += usize::from(kind != before && kind != 0 && before != 0);
        kinds |= kind;
        before = kind;
    }
    let parted = stretch.iter().any(|&byte| is_base64url(byte));
    let is_hex = stretch.iter().all(|&byte| class_of(byte) & HEX != 0);
    match kinds {
        7 => digits >= 2 && changes * 9 >= stretch.len() * 4 && !is_hex,
        3 | 5 => digits >= 4 && changes >= 4 && !parted && !is_hex,
        _ => false,
    }
}
