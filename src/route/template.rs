//! A path folded to its template, in one pass: what strangers may vary without end becomes a word in braces.
//!
//! A segment of digits only is `{id}`; what else in a segment is folded says [`segment`](super::segment). After
//! [`SEGMENTS_MAX`] segments, or when the name would grow too long, the rest is `{rest}`.
//!
//! **Query and fragment are left away** (`route/query.rs` says where they begin).
//!
//! ```text
//! /api/v1/users/42?tab=1            /api/v1/users/{id}
//! /static/app.0123abcdef12.js       /static/app.{hash}.js
//! /u/jo@example.com/                /u/{email}/
//! ```
//!
//! A path of the usual kind is looked at sixteen bytes at a time (`path_scan`) and only its segments
//! with a digit are thought about; any other is read byte by byte. Both give the same template (`tests/template.rs`).

use super::byte_class::{DIGIT, END, ODD, class_of};
use super::graphite_name::{NAME_MAX, encode_segment};
use super::path_scan::{PathScan, is_uuid, scan_path};
use super::segment::{SURE_NODE, fold_segment};

/// Segments kept; what comes after is `{rest}`.
pub const SEGMENTS_MAX: usize = 12;
/// A template of so many bytes fits into [`NAME_MAX`], whatever they are, with room for 12 empty nodes and a marker.
const SURE_NAME: usize = 250;
/// What `.__rest` and `.__101` take.
const MARKERS: usize = 16;

/// Appends the canonical template of `path` to `out`. The path begins with `/` and may be followed by a query.
/// Whether all of it went in; otherwise it was cut with `{rest}`.
#[inline]
pub fn fold_path(path: &[u8], out: &mut Vec<u8>) -> bool {
    fold_scanned(path, scan_path(path), out)
}

/// The canonical template of `path`: its own front if folding leaves that as it is, else what it puts into `out`, which
/// is empty.
#[inline(always)]
pub(super) fn template_of<'k>(path: &'k [u8], out: &'k mut Vec<u8>) -> &'k [u8] {
    let seen = scan_path(path);
    if let Some(seen) = seen
        && seen.digits == 0
        && seen.ended
        && seen.slashes & 1 == 1
        && seen.slashes.count_ones() as usize <= SEGMENTS_MAX
    {
        return path.get(..seen.length).unwrap_or_default();
    }
    fold_scanned(path, seen, out);
    out
}

/// [`fold_path`], when the front of `path` was seen: as many bytes at once as go, while they are of the usual kind and
/// the segments not too many. Then its nodes and its name fit, and only segments with a digit are folded.
#[inline(always)]
fn fold_scanned(path: &[u8], seen: Option<PathScan>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let (mut rest, mut seen, mut segments) = (path, seen, 0);
    while let Some(PathScan { ended, slashes, .. }) = seen {
        segments += slashes.count_ones() as usize - usize::from(!ended);
        if slashes & 1 == 0 || segments > SEGMENTS_MAX {
            break;
        }
        let front = if ended { seen } else { seen.and_then(PathScan::whole_segments) };
        let Some(front) = front else { break };
        fold_front(rest, front, out);
        if out.len() - start > SURE_NAME {
            break;
        }
        if ended {
            return true;
        }
        rest = rest.get(front.length..).unwrap_or_default();
        seen = scan_path(rest);
    }
    out.truncate(start);
    fold_bytewise(path, out)
}

/// Appends a front that was scanned, with those of its segments folded that hold a digit. A segment is known by the slash
/// before it: digits are taken off the mask segment by segment, so a path without any is copied at once.
#[inline(always)]
fn fold_front(path: &[u8], seen: PathScan, out: &mut Vec<u8>) {
    let PathScan { length, slashes, mut digits, .. } = seen;
    let mut kept = 0;
    while digits != 0 {
        let digit = digits.trailing_zeros();
        // The path begins with a slash, so there is one before the digit.
        let from = 64 - (slashes & ((1 << digit) - 1)).leading_zeros() as usize;
        let end = ((slashes >> digit).trailing_zeros() as usize).saturating_add(digit as usize).min(length);
        let segment = path.get(from..end).unwrap_or_default();
        // Neither shift is over 63: a scan is shorter than 64 bytes, and a segment does not begin at 0.
        let within = (1 << end) - (1 << from);
        let only = digits & within == within;
        if only || segment.len() >= 5 {
            out.extend_from_slice(path.get(kept..from).unwrap_or_default());
            if only {
                out.extend_from_slice(b"{id}");
            } else if is_uuid(segment) {
                out.extend_from_slice(b"{uuid}");
            } else {
                let classes = segment.iter().fold(0, |classes, &byte| classes | class_of(byte));
                fold_segment(segment, classes, out);
            }
            kept = end;
        }
        digits &= !((1 << end) - 1);
    }
    out.extend_from_slice(path.get(kept..length).unwrap_or_default());
}

/// [`fold_path`], byte by byte.
#[inline(never)]
pub(super) fn fold_bytewise(path: &[u8], out: &mut Vec<u8>) -> bool {
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
        let (classes, length) = scan_segment(rest);
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
    if out.len() - start > SURE_NAME { cut_to_fit(start, out) && whole } else { whole }
}

/// The class of the segment at the front of `rest`, and its length.
#[inline]
fn scan_segment(rest: &[u8]) -> (u8, usize) {
    let mut classes = 0;
    for (at, &byte) in rest.iter().enumerate() {
        let class = class_of(byte);
        if class == END {
            return (classes, at);
        }
        classes |= class;
    }
    (classes, rest.len())
}

/// Whether folding leaves this segment (of a rule's template) as it is, so that it can be told from the fold alone.
pub(super) fn survives_folding(segment: &[u8]) -> bool {
    let mut out = Vec::with_capacity(segment.len() + 1);
    let mut path = Vec::with_capacity(segment.len() + 1);
    path.push(b'/');
    path.extend_from_slice(segment);
    fold_path(&path, &mut out);
    out == path && !segment.contains(&b'\\')
}

/// Cuts a long template so that its name fits, with room for a marker. Whether nothing had to go.
fn cut_to_fit(start: usize, out: &mut Vec<u8>) -> bool {
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
