//! A path folded to its template, in one pass: what strangers may vary without end becomes a word in braces.
//!
//! A whole segment:
//! - digits only: `{id}`; a UUID: `{uuid}`; over [`SEGMENT_MAX`] bytes: `{long}`;
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
//! Percent-escapes and nginx's `\xHH` are not decoded and never part of a piece. Query and fragment are left away.
//! After [`SEGMENTS_MAX`] segments, or when the name would grow too long, the rest is `{rest}`. Slugs stay: the cap
//! bounds them.

use super::glance::{Glance, glance, is_uuid};
use super::name::{NAME_MAX, NODE_MAX, encode_segment, is_escaped, push_escape, read_escape};

/// Segments kept; what comes after is `{rest}`.
pub const SEGMENTS_MAX: usize = 12;
/// The longest segment kept, in bytes.
pub const SEGMENT_MAX: usize = 100;

/// A node of so many bytes fits into [`NODE_MAX`], whatever they are: the longest encoding is three to one.
const SURE_NODE: usize = NODE_MAX / 3;
/// A template of so many bytes fits into [`NAME_MAX`], whatever they are, with room for 12 empty nodes and a marker.
const SURE_NAME: usize = 250;
/// What `.__rest` and `.__101` take.
const MARKERS: usize = 16;

/// What a byte may be part of; a segment's class is the union of its bytes'.
const DIGIT: u8 = 1;
const HEX_LOWER: u8 = 2;
const HEX_UPPER: u8 = 4;
const LOWER: u8 = 8;
const UPPER: u8 = 16;
/// Any byte that parts pieces and needs no thought.
const PLAIN: u8 = 32;
/// A byte that the canonical template escapes, and `@` or `%`, of which an e-mail address may be made.
const ODD: u8 = 64;
/// The end of a segment.
const END: u8 = 128;

const HEX: u8 = DIGIT | HEX_LOWER | HEX_UPPER;

static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "computed at compile time, where a wrong index does not compile")]
const fn classes() -> [u8; 256] {
    let mut classes = [PLAIN; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "at is below 256")]
        let byte = at as u8;
        classes[at] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => HEX_LOWER,
            b'A'..=b'F' => HEX_UPPER,
            b'g'..=b'z' => LOWER,
            b'G'..=b'Z' => UPPER,
            b'/' | b'?' | b'#' => END,
            b'@' | b'%' => ODD,
            _ if is_escaped(byte) => ODD,
            _ => PLAIN,
        };
        at += 1;
    }
    classes
}

#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is always inside a table of 256")]
fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// Appends the canonical template of `path` to `out`. The path begins with `/` and may be followed by a query.
/// Whether all of it went in; otherwise it was cut with `{rest}`.
#[inline]
pub fn fold(path: &[u8], out: &mut Vec<u8>) -> bool {
    fold_glanced(path, glance(path), out)
}

/// The canonical template of `path`: its own front if folding leaves that as it is, else what it puts into `out`, which
/// is empty.
#[inline(always)]
pub(super) fn folded<'k>(path: &'k [u8], out: &'k mut Vec<u8>) -> &'k [u8] {
    let seen = glance(path);
    if let Some(seen) = seen
        && seen.digits == 0
        && seen.ended
        && seen.slashes & 1 == 1
        && seen.slashes.count_ones() as usize <= SEGMENTS_MAX
    {
        return path.get(..seen.length).unwrap_or_default();
    }
    fold_glanced(path, seen, out);
    out
}

/// [`fold`], when the front of `path` was seen: as many bytes at a glance as go, while they are of the usual kind and
/// the segments not too many. Then its nodes and its name fit, and only segments with a digit are folded.
#[inline(always)]
fn fold_glanced(path: &[u8], seen: Option<Glance>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let (mut rest, mut seen, mut segments) = (path, seen, 0);
    while let Some(Glance { ended, slashes, .. }) = seen {
        segments += slashes.count_ones() as usize - usize::from(!ended);
        if slashes & 1 == 0 || segments > SEGMENTS_MAX {
            break;
        }
        let front = if ended { seen } else { seen.and_then(Glance::whole_segments) };
        let Some(front) = front else { break };
        fold_quick(rest, front, out);
        if out.len() - start > SURE_NAME {
            break;
        }
        if ended {
            return true;
        }
        rest = rest.get(front.length..).unwrap_or_default();
        seen = glance(rest);
    }
    out.truncate(start);
    fold_any(path, out)
}

#[inline(always)]
fn fold_quick(path: &[u8], seen: Glance, out: &mut Vec<u8>) {
    let Glance { length, slashes, mut digits, .. } = seen;
    let mut kept = 0;
    while digits != 0 {
        let digit = digits.trailing_zeros();
        // The path begins with a slash, so there is one before the digit.
        let from = 64 - (slashes & ((1 << digit) - 1)).leading_zeros() as usize;
        let end = ((slashes >> digit).trailing_zeros() as usize).saturating_add(digit as usize).min(length);
        let segment = path.get(from..end).unwrap_or_default();
        // Neither shift is over 63: a glance is shorter than 64 bytes, and a segment does not begin at 0.
        let within = (1 << end) - (1 << from);
        let only = digits & within == within;
        if only || segment.len() >= 5 {
            out.extend_from_slice(path.get(kept..from).unwrap_or_default());
            if only {
                out.extend_from_slice(b"{id}");
            } else if is_uuid(segment) {
                out.extend_from_slice(b"{uuid}");
            } else {
                let classes = segment.iter().fold(0, |classes, &byte| classes | class(byte));
                fold_segment(segment, classes, out);
            }
            kept = end;
        }
        digits &= !((1 << end) - 1);
    }
    out.extend_from_slice(path.get(kept..length).unwrap_or_default());
}

/// [`fold`], byte by byte.
#[inline(never)]
pub(super) fn fold_any(path: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    // Segments that stay are copied in runs, from `kept` on, when one comes that does not, or at the end.
    let (mut kept, mut at, mut segments) = (0, 0, 0);
    let mut whole = true;
    loop {
        // `at` is the slash before a segment.
        if segments == SEGMENTS_MAX {
            out.extend_from_slice(path.get(kept..at).unwrap_or_default());
            out.extend_from_slice(b"/{rest}");
            whole = false;
            break;
        }
        let rest = path.get(at + 1..).unwrap_or_default();
        let (classes, length) = scan(rest);
        let end = at + 1 + length;
        if length > SURE_NODE || classes & (DIGIT | ODD) != 0 {
            let segment = rest.get(..length).unwrap_or_default();
            // Too short for any fold but an id: `v1`, `2x`.
            if classes == DIGIT || length >= 5 || classes & ODD != 0 {
                out.extend_from_slice(path.get(kept..=at).unwrap_or_default());
                if classes == DIGIT {
                    out.extend_from_slice(b"{id}");
                } else {
                    fold_segment(segment, classes, out);
                }
                kept = end;
            }
        }
        segments += 1;
        if path.get(end) != Some(&b'/') {
            out.extend_from_slice(path.get(kept..end).unwrap_or_default());
            break;
        }
        at = end;
    }
    if out.len() - start > SURE_NAME { fit(start, out) && whole } else { whole }
}

/// The class of the segment at the front of `rest`, and its length.
#[inline]
fn scan(rest: &[u8]) -> (u8, usize) {
    let mut classes = 0;
    for (at, &byte) in rest.iter().enumerate() {
        let class = class(byte);
        if class == END {
            return (classes, at);
        }
        classes |= class;
    }
    (classes, rest.len())
}

/// Whether folding leaves this segment (of a rule's template) as it is, so that it can be told from the fold alone.
pub(super) fn is_stable(segment: &[u8]) -> bool {
    let mut out = Vec::with_capacity(segment.len() + 1);
    let mut path = Vec::with_capacity(segment.len() + 1);
    path.push(b'/');
    path.extend_from_slice(segment);
    fold(&path, &mut out);
    out == path && !segment.contains(&b'\\')
}

/// A segment with a digit, with an odd byte, or longer than usual.
#[inline(never)]
fn fold_segment(segment: &[u8], classes: u8, out: &mut Vec<u8>) {
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

fn fold_pieces(segment: &[u8], out: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some((&first, after)) = rest.split_first() {
        let (stretch, next) = split(rest, |byte| class(byte) & !(HEX | LOWER | UPPER) == 0 || is_base64url(byte));
        if !stretch.is_empty() {
            fold_stretch(stretch, out);
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
fn fold_stretch(stretch: &[u8], out: &mut Vec<u8>) {
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
        let (piece, next) = split(rest, |byte| !is_base64url(byte));
        let classes = piece.iter().fold(0, |classes, &byte| classes | class(byte));
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
fn split(bytes: &[u8], holds: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| !holds(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// What base64url has besides letters and digits.
const fn is_base64url(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

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
    let is_hex = stretch.iter().all(|&byte| class(byte) & HEX != 0);
    match kinds {
        7 => digits >= 2 && changes * 9 >= stretch.len() * 4 && !is_hex,
        3 | 5 => digits >= 4 && changes >= 4 && !parted && !is_hex,
        _ => false,
    }
}

/// Cuts a long template so that its name fits, with room for a marker. Whether nothing had to go.
fn fit(start: usize, out: &mut Vec<u8>) -> bool {
    let mut name = 0;
    let mut end = start;
    let template = out.get(start + 1..).unwrap_or_default();
    for segment in template.split(|&byte| byte == b'/') {
        name += 1 + encode_segment(segment).len().max("__empty".len());
        if name + MARKERS > NAME_MAX {
            out.truncate(end);
            out.extend_from_slice(b"/{rest}");
            return false;
        }
        end += 1 + segment.len();
    }
    true
}
