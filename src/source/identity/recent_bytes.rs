//! The last bytes that were read of a log: what tells a copy that ends before the position from another log.
//!
//! `copytruncate` copies first. What is written and read before it truncates is not in the copy, which then ends before the
//! position, so that the bytes just before the position cannot be compared.

use crate::source::generation::TAIL_LIMIT;

/// The last bytes that were read. After a restart they are taken from the file, while it is not truncated.
#[derive(Debug, Default, Clone)]
pub(crate) struct RecentBytes {
    bytes: Vec<u8>,
    end: u64,
    /// The same, up to each of the last lines that were passed over.
    earlier: Vec<(Vec<u8>, u64)>,
}

/// So many lines that are too long may stand near the end.
const EARLIER: usize = 4;

impl RecentBytes {
    /// So many are remembered: a copy ends near the position, since it was truncated just after.
    pub(crate) const BYTES: usize = 64 * 1024;

    /// Begins at a position, with the bytes before it.
    pub(crate) fn begin(&mut self, position: u64, before: &[u8]) {
        *self = RecentBytes { bytes: before.to_vec(), end: position, earlier: Vec::new() };
    }

    /// A line was passed over: goes on at the position after it, with the bytes before that.
    pub(crate) fn pass_over(&mut self, position: u64, before: &[u8]) {
        let bytes = std::mem::replace(&mut self.bytes, before.to_vec());
        self.earlier.push((bytes, std::mem::replace(&mut self.end, position)));
        self.earlier.drain(..self.earlier.len().saturating_sub(EARLIER));
    }

    /// Notes a block that was read.
    pub(crate) fn pass(&mut self, offset: u64, bytes: &[u8]) {
        if offset != self.end {
            self.bytes.clear();
        }
        let new = bytes.get(bytes.len().saturating_sub(Self::BYTES)..).unwrap_or(bytes);
        let surplus = (self.bytes.len() + new.len()).saturating_sub(Self::BYTES);
        self.bytes.drain(..surplus.min(self.bytes.len()));
        self.bytes.extend_from_slice(new);
        self.end = offset + bytes.len() as u64;
    }

    /// What was read last of the first `length` bytes, in pieces: each one's offset, and its bytes. Nothing if that is too little to
    /// tell a copy of them from another log: a few bytes are alike in every second line.
    pub(crate) fn until(&self, length: u64) -> Option<Vec<(u64, &[u8])>> {
        if length > self.end {
            return None;
        }
        let pieces = self.earlier.iter().map(|(bytes, end)| (bytes, *end)).chain([(&self.bytes, self.end)]);
        let pieces = pieces.filter_map(|(bytes, end)| {
            let from = end.saturating_sub(bytes.len() as u64);
            let known = usize::try_from(length.checked_sub(from)?).ok()?.min(bytes.len());
            Some((from, bytes.get(..known)?))
        });
        let pieces: Vec<_> = pieces.collect();
        let known: usize = pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        (length > 0 && known as u64 >= length.min(TAIL_LIMIT)).then_some(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept_whatever_the_blocks() {
        let all: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        for step in [100, 65_536, 70_000, 200_000] {
            let mut trail = RecentBytes::default();
            for (number, block) in all.chunks(step).enumerate() {
                trail.pass((number * step) as u64, block);
            }
            let from = all.len() - RecentBytes::BYTES;
            assert_eq!(trail.until(199_000), Some(vec![(from as u64, &all[from..199_000])]), "step {step}");
            assert_eq!(trail.until(from as u64), None);
            assert_eq!(trail.until(200_001), None);
        }
    }

    #[test]
    fn a_few_bytes_tell_no_copy_unless_they_are_all() {
        let mut trail = RecentBytes::default();
        trail.begin(1000, &[b'a'; 256]);
        assert_eq!((trail.until(999), trail.until(1000)), (None, Some(vec![(744, &[b'a'; 256][..])])));
        trail.begin(0, &[]);
        assert_eq!(trail.until(0), None);
        trail.pass(0, b"one\n");
        assert_eq!(trail.until(3), Some(vec![(0, &b"one"[..])]));
        // Within the line that was passed over, just behind it, and on.
        trail.pass_over(5000, &[b'x'; 256]);
        trail.pass(5000, b"two\n");
        assert_eq!(trail.until(4000), None);
        assert_eq!(trail.until(5000), Some(vec![(0, &b"one\n"[..]), (4744, &[b'x'; 256])]));
        assert_eq!(trail.until(5001).unwrap().last().unwrap().1.len(), 257);
    }
}
