//! The lines of a class that are kept while it is counted: its slowest, and one for each order of magnitude, from which the typical
//! one is chosen when it is known what is typical.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::store::Locator;
use crate::time::Timestamp;

/// A longer line is never the typical one: it would take the place of many.
const LONGEST_TYPICAL: usize = 8 << 10;

/// A request whose line may be shown.
#[derive(Debug, Clone)]
pub(super) struct HeldLine {
    pub(super) took_ms: u64,
    pub(super) end: Timestamp,
    /// Where it stands; over files the generation is the number of the file.
    pub(super) locator: Locator,
    /// The raw line; nothing if it is still to be fetched.
    pub(super) line: Option<Vec<u8>>,
}

impl HeldLine {
    /// Slowest first; of those that took as long the one that ended first, so that the answer is the same with any number of threads.
    fn rank(&self) -> (Reverse<u64>, Timestamp, Locator) {
        (Reverse(self.took_ms), self.end, self.locator)
    }
}

/// A request that is offered, with its line if it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfferedLine<'l> {
    pub(super) took_ms: u64,
    pub(super) end: Timestamp,
    pub(super) locator: Locator,
    pub(super) line: Option<&'l [u8]>,
}

impl OfferedLine<'_> {
    fn rank(&self) -> (Reverse<u64>, Timestamp, Locator) {
        (Reverse(self.took_ms), self.end, self.locator)
    }

    fn held(&self) -> HeldLine {
        let OfferedLine { took_ms, end, locator, line } = *self;
        HeldLine { took_ms, end, locator, line: line.map(<[u8]>::to_vec) }
    }
}

/// The slowest requests of a class, slowest first.
#[derive(Debug, Default)]
pub(super) struct SlowestLines(pub(super) Vec<HeldLine>);

impl SlowestLines {
    /// Keeps a request if it is one of the `limit` slowest; its line is copied only then.
    pub(super) fn offer(&mut self, limit: usize, offered: &OfferedLine<'_>) {
        let rank = offered.rank();
        let at = self.0.partition_point(|held| held.rank() < rank);
        if at < limit {
            self.0.insert(at, offered.held());
            self.0.truncate(limit);
        }
    }

    pub(super) fn merge(&mut self, limit: usize, other: SlowestLines) {
        self.0.extend(other.0);
        self.0.sort_by_key(HeldLine::rank);
        self.0.truncate(limit);
    }
}

/// For each eighth of a doubling the request that ended first.
#[derive(Debug, Default)]
pub(super) struct LinesBySize(BTreeMap<u32, HeldLine>);

impl LinesBySize {
    /// Keeps a request if none of its size ended before it, and there is room left, in bytes.
    pub(super) fn offer(&mut self, room: &mut usize, offered: &OfferedLine<'_>) {
        let Some(line) = offered.line.filter(|line| line.len() <= LONGEST_TYPICAL) else { return };
        let size = size_of_time(offered.took_ms);
        if let Some(held) = self.0.get_mut(&size) {
            if (offered.end, offered.locator) < (held.end, held.locator) {
                *held = offered.held();
            }
        } else if let Some(left) = room.checked_sub(line.len() + size_of::<HeldLine>()) {
            *room = left;
            self.0.insert(size, offered.held());
        }
    }

    pub(super) fn merge(&mut self, other: LinesBySize) {
        for (size, line) in other.0 {
            match self.0.get_mut(&size) {
                Some(held) if (held.end, held.locator) <= (line.end, line.locator) => {}
                _ => drop(self.0.insert(size, line)),
            }
        }
    }

    /// The one whose time is nearest to this; of two the longer.
    pub(super) fn nearest(self, took_ms: u64) -> Option<HeldLine> {
        self.0.into_values().rev().min_by_key(|held| held.took_ms.abs_diff(took_ms))
    }
}

/// The number of the eighth of a doubling that a time lies in.
fn size_of_time(millis: u64) -> u32 {
    if millis < 16 {
        return u32::try_from(millis).unwrap_or(0);
    }
    let octave = 63 - millis.leading_zeros();
    let eighth = u32::try_from(millis >> (octave - 3) & 7).unwrap_or(0);
    octave * 8 + eighth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::GenerationId;

    #[test]
    fn sizes_rise_with_times_by_an_eighth_at_most() {
        let mut last = 0;
        for millis in 0..100_000 {
            let size = size_of_time(millis);
            assert!(size >= last, "{millis}");
            last = size;
        }
        assert_ne!(size_of_time(1000), size_of_time(1130));
        assert_ne!(size_of_time(15), size_of_time(16));
    }

    #[test]
    fn the_line_nearest_to_a_time_is_chosen() {
        let (mut lines, mut room) = (LinesBySize::default(), 10_000);
        for took_ms in [5, 90, 2000, 700, 710, 60_000] {
            let locator = Locator { generation: GenerationId(0), offset: took_ms, length: 1 };
            let end = Timestamp(i64::try_from(took_ms).unwrap());
            lines.offer(&mut room, &OfferedLine { took_ms, end, locator, line: Some(b"x") });
        }
        assert_eq!(lines.nearest(1200).unwrap().took_ms, 710);
    }
}
