//! What became of every byte and line of one log, so that an answer can say what is missing.

use super::encode::{Decode, Decoded, Decoder, Encode, Encoder};
use std::collections::BTreeMap;

/// How many rejected lines are remembered with their place.
pub const FIRST_REJECTS: usize = 5;

/// Counts per generation. Commits carry differences; the store adds them up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Uncompressed bytes read.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that became requests.
    pub parsed: u64,
    /// Lines over the length bound.
    pub too_long: u64,
    /// Lines that came after their slot's lateness.
    pub late: u64,
    /// Bytes still unread when the log was rotated out of reach.
    pub unread: u64,
    /// Bytes that a truncation took before they were read.
    pub lost_to_truncation: u64,
    /// Lines rejected, by reason.
    pub rejected: BTreeMap<u8, u64>,
    /// The first few rejected lines: offset, column (from 1), reason; by offset.
    pub first_rejects: Vec<(u64, u32, u8)>,
}

impl Ledger {
    /// Add what a later commit counted. The order of commits does not matter.
    pub fn merge(&mut self, delta: &Ledger) {
        for (own, theirs) in self.counts_mut().into_iter().zip(delta.counts()) {
            // Not saturating: a difference may be negative, see `find_again`.
            *own = own.wrapping_add(theirs);
        }
        for (&reason, &lines) in &delta.rejected {
            let own = self.rejected.entry(reason).or_default();
            *own = own.saturating_add(lines);
        }
        self.first_rejects.extend_from_slice(&delta.first_rejects);
        self.first_rejects.sort_unstable();
        self.first_rejects.truncate(FIRST_REJECTS);
    }

    /// Note in this difference that the bytes it counts were given up before, by `held`: they are unread or lost no more.
    /// The difference is then negative there (modulo 2^64).
    pub fn find_again(&mut self, held: &Ledger) {
        let unread = held.unread.min(self.bytes);
        let lost = held.lost_to_truncation.min(self.bytes - unread);
        self.unread = self.unread.wrapping_sub(unread);
        self.lost_to_truncation = self.lost_to_truncation.wrapping_sub(lost);
    }

    fn counts(&self) -> [u64; 7] {
        [self.bytes, self.lines, self.parsed, self.too_long, self.late, self.unread, self.lost_to_truncation]
    }

    fn counts_mut(&mut self) -> [&mut u64; 7] {
        [
            &mut self.bytes,
            &mut self.lines,
            &mut self.parsed,
            &mut self.too_long,
            &mut self.late,
            &mut self.unread,
            &mut self.lost_to_truncation,
        ]
    }
}

impl Encode for Ledger {
    fn encode(&self, out: &mut Encoder) {
        for count in self.counts() {
            out.varint(count);
        }
        out.count(self.rejected.len());
        for (&reason, &lines) in &self.rejected {
            out.u8(reason);
            out.varint(lines);
        }
        out.count(self.first_rejects.len());
        for &(offset, column, reason) in &self.first_rejects {
            out.varint(offset);
            out.varint(u64::from(column));
            out.u8(reason);
        }
    }
}

impl Decode for Ledger {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Ledger> {
        let mut ledger = Ledger::default();
        for count in ledger.counts_mut() {
            *count = from.varint()?;
        }
        for _ in 0..from.count()? {
            ledger.rejected.insert(from.u8()?, from.varint()?);
        }
        for _ in 0..from.count()? {
            ledger.first_rejects.push((from.varint()?, from.varint_as()?, from.u8()?));
        }
        Ok(ledger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_and_is_read_after_all_is_lost_no_more() {
        let mut held = Ledger { unread: 100, lost_to_truncation: 30, ..Ledger::default() };
        for (bytes, unread, lost) in [(70, 30, 30), (50, 0, 10), (500, 0, 0)] {
            let mut delta = Ledger { bytes, ..Ledger::default() };
            delta.find_again(&held);
            let mut out = Encoder::default();
            delta.encode(&mut out);
            held.merge(&Ledger::decode(&mut Decoder::new(&out.bytes)).unwrap());
            assert_eq!((held.unread, held.lost_to_truncation), (unread, lost));
        }
        assert_eq!(held.bytes, 620);
    }
}
