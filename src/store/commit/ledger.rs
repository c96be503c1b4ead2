//! What became of every byte and line of one log, so that an answer can say what is missing.
//!
//! All counts add up, so commits may come in any order and be merged at will; a loss is a place in its log, and the
//! same one told twice is one.

use crate::grammar::{RejectReason, RejectedKinds};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// How many rejected lines are remembered with their place.
pub const FIRST_REJECTS: usize = 5;

/// How bytes of a log came to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LossCause {
    /// A truncation took them before they were read.
    Truncated = 1,
    /// They were there and could not be read any more.
    Unread = 2,
    /// The log was gone when it was to be read further; how much was in it is not known.
    Gone = 3,
    /// The log was truncated after a copy of it was made; what was written in between, if anything, is in neither.
    Copied = 4,
    /// It was read, but the store's record of it was damaged and could not be restored, or not whole.
    Damaged = 5,
    /// No loss: the log was found again and ends here, so that what was given up of it from here on was nothing.
    Found = 6,
}

impl LossCause {
    /// All of them, in the order of their codes.
    pub const ALL: [LossCause; 6] = [
        LossCause::Truncated,
        LossCause::Unread,
        LossCause::Gone,
        LossCause::Copied,
        LossCause::Damaged,
        LossCause::Found,
    ];

    /// The number it is stored as.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the log's file was truncated or deleted.
    pub fn is_cut(self) -> bool {
        matches!(self, LossCause::Truncated | LossCause::Gone | LossCause::Copied)
    }
}

/// A stretch of a log that was not read, or is lost to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// Its uncompressed offset.
    pub offset: u64,
    /// Its known bytes; perhaps none.
    pub bytes: u64,
    /// How it was lost.
    pub cause: LossCause,
    /// Its requests ended after this, about: the latest end that was read before it. `i64::MIN` if nothing was read.
    pub after: Timestamp,
    /// And before this, by the wall clock: when the loss was noticed.
    pub before: Timestamp,
}

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
    /// What was not read, ascending.
    pub losses: Vec<Loss>,
    /// Its format says times to the second only.
    pub whole_seconds: bool,
    /// Its times name no zone: that of the machine was taken.
    pub zoneless: bool,
}

impl Ledger {
    /// The rejected lines by what they may have been.
    pub fn rejected_kinds(&self) -> RejectedKinds {
        let mut kinds = RejectedKinds { requests: self.too_long, ..RejectedKinds::default() };
        for (code, lines) in &self.rejected {
            kinds.add(RejectReason::from_code(*code), *lines);
        }
        kinds
    }

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
        self.losses.extend_from_slice(&delta.losses);
        self.losses.sort_unstable();
        self.losses.dedup();
        self.whole_seconds |= delta.whole_seconds;
        self.zoneless |= delta.zoneless;
    }

    /// What of it still lacks, once the log was read up to `read`. A log that was read beyond a loss, or found to end there, was found
    /// again. What was read and then damaged in the store stays lost.
    pub fn missed_at(&self, read: u64) -> impl Iterator<Item = &Loss> {
        let ends_at = self.losses.iter().filter(|loss| loss.cause == LossCause::Found).map(|found| found.offset).max();
        self.losses.iter().filter(move |loss| match loss.cause {
            LossCause::Damaged => true,
            LossCause::Found => false,
            _ if ends_at.is_some_and(|end| end >= loss.offset) => false,
            _ => read <= loss.offset || read < loss.offset.saturating_add(loss.bytes),
        })
    }

    /// Note in this difference that the bytes it counts were given up before, by `held`: they are unread or lost no more.
    /// The difference is then negative there (modulo 2^64).
    pub fn find_again(&mut self, held: &Ledger) {
        let unread = held.unread.min(self.bytes);
        let lost = held.lost_to_truncation.min(self.bytes - unread);
        self.unread = self.unread.wrapping_sub(unread);
        self.lost_to_truncation = self.lost_to_truncation.wrapping_sub(lost);
    }

    /// The counts that simply add up, in the order in which they are stored.
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
        out.count(self.losses.len());
        for loss in &self.losses {
            out.varint(loss.offset);
            out.varint(loss.bytes);
            out.u8(loss.cause.code());
            loss.after.encode(out);
            loss.before.encode(out);
        }
        out.u8(u8::from(self.whole_seconds) | u8::from(self.zoneless) << 1);
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
        for _ in 0..from.count()? {
            let (offset, bytes, code) = (from.varint()?, from.varint()?, from.u8()?);
            let cause = LossCause::ALL.into_iter().find(|cause| cause.code() == code).ok_or(Malformed)?;
            let (after, before) = (Timestamp::decode(from)?, Timestamp::decode(from)?);
            ledger.losses.push(Loss { offset, bytes, cause, after, before });
        }
        let clock = from.u8()?;
        (ledger.whole_seconds, ledger.zoneless) = (clock & 1 != 0, clock & 2 != 0);
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
