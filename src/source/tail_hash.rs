//! The last bytes before a position: what tells an appended file from one that was truncated and grew again.

use xxhash_rust::xxh3::xxh3_64;

use super::generation::TAIL_LIMIT;

const LIMIT: usize = TAIL_LIMIT as usize;

/// Up to [`TAIL_LIMIT`] bytes just before some position of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TailBytes {
    bytes: Vec<u8>,
}

impl TailBytes {
    /// The tail after `more` was read.
    pub(crate) fn push(&mut self, more: &[u8]) {
        if let Some(from) = more.len().checked_sub(LIMIT) {
            self.bytes.clear();
            self.bytes.extend_from_slice(more.get(from..).unwrap_or(more));
        } else {
            let surplus = (self.bytes.len() + more.len()).saturating_sub(LIMIT);
            self.bytes.drain(..surplus.min(self.bytes.len()));
            self.bytes.extend_from_slice(more);
        }
    }

    /// Its xxh3-64; 0 when there is nothing before the position.
    pub(crate) fn hash(&self) -> u64 {
        if self.bytes.is_empty() { 0 } else { xxh3_64(&self.bytes) }
    }

    /// The bytes themselves.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_bytes_whatever_the_steps() {
        let all: Vec<u8> = (0..2000_u32).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
        for step in [1, 7, 100, 255, 256, 257, 1000] {
            let mut tail = TailBytes::default();
            for part in all.chunks(step) {
                tail.push(part);
            }
            assert_eq!(tail.bytes(), &all[all.len() - 256..], "step {step}");
        }
        assert_eq!(TailBytes::default().hash(), 0);
    }
}
