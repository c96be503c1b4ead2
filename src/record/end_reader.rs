//! When the request of a line ended: by the time of the line before if that is the same, by the wrapper's if the line has none.

use crate::grammar::{Reject, RejectReason, TimeNotation};
use crate::time::Timestamp;

use super::{end_time, number};

/// Reads the ends of one log's requests, line by line.
#[derive(Debug, Clone)]
pub(super) struct EndReader {
    step: usize,
    clock: TimeNotation,
    /// Whether the format is a keyed one, of which each line may have another notation.
    keyed: bool,
    /// The end of some request is known to the whole second only.
    whole_seconds: bool,
    last: LastTime,
    /// When the wrapper of the line that is read says that it was written.
    outer_end: OuterEnd,
    /// A time without a zone was read.
    assumes_zone: bool,
}

/// The time of a wrapper, as far as a line needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OuterEnd {
    time: Option<Timestamp>,
    whole_seconds: bool,
}

/// The bytes of the last time and what they mean: neighbouring lines mostly have the same.
#[derive(Debug, Clone)]
struct LastTime {
    bytes: [u8; 26],
    length: usize,
    time: Timestamp,
}

impl EndReader {
    /// For a format by position, of which that step has the time.
    pub(super) fn new(step: usize, clock: TimeNotation) -> EndReader {
        EndReader {
            step,
            clock,
            keyed: false,
            whole_seconds: matches!(clock, TimeNotation::Iso8601 | TimeNotation::Local),
            last: LastTime { bytes: [0; 26], length: 0, time: Timestamp(0) },
            outer_end: OuterEnd::default(),
            assumes_zone: false,
        }
    }

    /// For a keyed format: each line says what its time looks like.
    pub(super) fn of_keys(step: usize) -> EndReader {
        EndReader { keyed: true, ..EndReader::new(step, TimeNotation::Any) }
    }

    /// The step that cuts the time.
    #[inline(always)]
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// How exactly the ends read so far are known, in milliseconds.
    pub(super) fn precision_ms(&self) -> u32 {
        if self.whole_seconds { 1000 } else { 1 }
    }

    /// Whether one of the times read so far named no zone, so that the machine's was taken.
    pub(super) fn assumes_zone(&self) -> bool {
        self.assumes_zone
    }

    /// What the wrapper of the next line says of when it was written.
    pub(super) fn set_outer_time(&mut self, time: &[u8]) {
        let read = end_time::parse_any_time(time);
        self.outer_end =
            OuterEnd { time: read.filter(|read| read.zoned).map(|read| read.time), whole_seconds: !has_fraction(time) };
    }

    /// When the request ended, by its time `value`, which stands at byte `from` of the line. A log is in the order of its ends, so most lines have the time of the line before to the byte.
    #[inline(always)]
    pub(super) fn read(&mut self, value: &[u8], from: usize) -> Result<Timestamp, Reject> {
        // `$time_local` always has these 26 bytes, so that the comparison is a few words.
        if let Ok(bytes) = <&[u8; 26]>::try_from(value)
            && *bytes == self.last.bytes
        {
            return Ok(self.last.time);
        }
        self.read_new(value).ok_or_else(|| {
            let reason = match self.clock {
                TimeNotation::Msec if number::thousandths(value).is_some() => RejectReason::AbsurdNumber,
                TimeNotation::Msec => RejectReason::BadNumber,
                _ => RejectReason::BadTime,
            };
            Reject::at(from, reason)
        })
    }

    /// [`EndReader::read`] for a time that is not the last line's. `$msec` is not remembered: it differs from line to line.
    fn read_new(&mut self, value: &[u8]) -> Option<Timestamp> {
        // `$time_iso8601` has 25 bytes; it is kept with a zero behind it, which no time holds.
        if matches!(self.clock, TimeNotation::Iso8601 | TimeNotation::Any)
            && value.len() == self.last.length
            && !value.is_empty()
            && self.last.bytes.get(..value.len()) == Some(value)
        {
            return Some(self.last.time);
        }
        let time = match self.clock {
            TimeNotation::Msec => return end_time::parse_msec(value),
            TimeNotation::Iso8601 => end_time::parse_time_iso8601(value)?,
            TimeNotation::Local if value.len() > 26 => {
                let read = end_time::parse_any_time(value).filter(|read| read.zoned)?;
                self.whole_seconds = false;
                return Some(read.time);
            }
            TimeNotation::Local => end_time::parse_time_local(value)?,
            TimeNotation::Wrapper => return self.read_outer(),
            TimeNotation::Any if value.is_empty() && self.keyed => return self.read_outer(),
            TimeNotation::Any => {
                let read = end_time::parse_any_time(value)?;
                // Between the parts of a `log_format`, a time is perhaps only the front of one.
                if !read.zoned && !self.keyed {
                    return None;
                }
                self.assumes_zone |= !read.zoned;
                self.whole_seconds |= !has_fraction(value);
                read.time
            }
        };
        let mut bytes = [0; 26];
        if let Some(kept) = bytes.get_mut(..value.len()) {
            kept.copy_from_slice(value);
            self.last = LastTime { bytes, length: value.len(), time };
        }
        Some(time)
    }

    /// The wrapper's time.
    fn read_outer(&mut self) -> Option<Timestamp> {
        self.whole_seconds |= self.outer_end.whole_seconds;
        self.outer_end.time
    }
}

/// Whether a time says more than the second.
fn has_fraction(time: &[u8]) -> bool {
    let epoch = time.len() > 10 && time.iter().all(u8::is_ascii_digit);
    epoch || time.iter().any(|byte| matches!(byte, b'.' | b','))
}
