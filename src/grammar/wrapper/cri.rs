//! `2020-05-10T12:00:00.000000000Z stdout F LINE`.

use super::WrappedPart;
use crate::grammar::line::{find_byte, time_iso_end};

#[inline]
pub(super) fn read_part(line: &[u8]) -> Option<WrappedPart> {
    let end = time_iso_end(line, 0)?;
    let (stream, rest) = match line.get(end..)?.split_first_chunk::<8>()? {
        (b" stdout ", rest) => (0, rest),
        (b" stderr ", rest) => (1, rest),
        _ => return None,
    };
    // Tags are a list, `P` or `F` first: `F:more`.
    let tags = find_byte(b' ', rest).unwrap_or(rest.len());
    let partial = match rest.get(..tags)? {
        b"F" | [b'F', b':', ..] => false,
        b"P" | [b'P', b':', ..] => true,
        _ => return None,
    };
    let from = (end + 8 + tags + 1).min(line.len());
    Some(WrappedPart { stream, partial, text: (from as u32, line.len() as u32), escaped: false, time: (0, end as u32) })
}
