//! Carbon's pickle protocol: a 4-byte big-endian length, then `[(path, (seconds, value)), ..]` in Python's pickle
//! format, version 2 (PEP 307; opcodes from CPython's `pickletools.py`). Carbon closes the connection silently on a
//! frame over 1 MiB.

use crate::carbon::points::Point;

/// Length (still 0), PROTO 2, EMPTY_LIST, MARK.
pub(super) fn open_frame(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\0\0\0\0\x80\x02](");
}

/// One `(path, (seconds, value))`.
pub(super) fn append_tuple(point: Point<'_>, out: &mut Vec<u8>) {
    // BINUNICODE, little-endian length. A path has at most 4000 bytes.
    let length = u32::try_from(point.path.len()).unwrap_or(u32::MAX);
    out.push(b'X');
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(point.path.as_bytes());
    match i32::try_from(point.at) {
        // BININT is signed; after January 2038 it takes LONG1 with a fifth byte for the sign.
        Ok(at) => {
            out.push(b'J');
            out.extend_from_slice(&at.to_le_bytes());
        }
        Err(_) => {
            out.extend_from_slice(b"\x8a\x05");
            out.extend_from_slice(&point.at.to_le_bytes());
            out.push(0);
        }
    }
    // BINFLOAT is big-endian; then TUPLE2 twice.
    out.push(b'G');
    out.extend_from_slice(&point.value.to_be_bytes());
    out.extend_from_slice(b"\x86\x86");
}

/// How many bytes [`close_frame`] adds.
pub(super) const CLOSE: usize = 2;

/// APPENDS, STOP, and the length filled in.
pub(super) fn close_frame(out: &mut Vec<u8>) {
    out.extend_from_slice(b"e.");
    let length = u32::try_from(out.len().saturating_sub(4)).unwrap_or(u32::MAX);
    if let Some(header) = out.first_chunk_mut::<4>() {
        *header = length.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_python_reads() {
        let mut out = Vec::new();
        open_frame(&mut out);
        append_tuple(Point { path: "a.b", value: 1.5, at: 0x4ed6_35cc }, &mut out);
        append_tuple(Point { path: "c", value: -2.0, at: 0x8000_0001 }, &mut out);
        close_frame(&mut out);
        let expected: &[u8] = b"\0\0\0\x36\x80\x02](\
            X\x03\0\0\0a.bJ\xcc\x35\xd6\x4eG\x3f\xf8\0\0\0\0\0\0\x86\x86\
            X\x01\0\0\0c\x8a\x05\x01\0\0\x80\0G\xc0\0\0\0\0\0\0\0\x86\x86e.";
        assert_eq!(out, expected);
        assert_eq!(out.len(), 4 + 0x36);
    }
}
