//! The lines of a class that are kept while it is counted: its slowest, and one for each order of magnitude, from which the typical
//! one is chosen when it is known what is typical.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::shared_bounds::ByteRoom;
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
    /// The raw line; nothing if it is still to be fetched, or there was no room to hold it.
    pub(super) line: Option<Vec<u8>>,
    /// It was read: without it there was no room.
    pub(super) was_read: bool,
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
        HeldLine { took_ms, end, locator, line: line.map(<[u8]>::to_vec), was_read: line.is_some() }
    }
}

/// The slowest requests of a class, slowest first.
#[derive(Debug, Default)]
pub(super) struct SlowestLines(pub(super) Vec<HeldLine>);

impl SlowestLines {
    /// Keeps a request if it is one of the `limit` slowest; its line is copied only then, if there is room left.
    pub(super) fn offer(&mut self, limit: usize, room: &ByteRoom, offered: &OfferedLine<'_>) {
        let rank = offered.rank();
        let at = self.0.partition_point(|held| held.rank() < rank);
        if at >= limit {
            return;
        }
        if self.0.len() >= limit {
            self.shorten(limit - 1, room);
        }
        let line = offered.line.filter(|line| room.take(line.len())).map(<[u8]>::to_vec);
        let OfferedLine { took_ms, end, locator, line: read } = *offered;
        self.0.insert(at, HeldLine { took_ms, end, locator, line, was_read: read.is_some() });
    }

    pub(super) fn merge(&mut self, limit: usize, room: &ByteRoom, other: SlowestLines) {
        self.0.extend(other.0);
        self.0.sort_by_key(HeldLine::rank);
        self.shorten(limit, room);
    }

    /// Lets the quickest go, and gives back their room.
    fn shorten(&mut self, length: usize, room: &ByteRoom) {
        for gone in self.0.drain(length.min(self.0.len())..) {
            room.give(gone.line.map_or(0, |line| line.len()));
        }
    }
}

/// For each eighth of a doubling the request that ended first.
#[derive(Debug, Default)]
pub(super) struct LinesBySize(BTreeMap<u32, HeldLine>);

impl LinesBySize {
    /// Keeps a request if none of its size ended before it, and there is room left, in bytes.
    pub(super) fn offer(&mut self, room: &ByteRoom, offered: &OfferedLine<'_>) {
        let Some(line) = offered.line.filter(|line| line.len() <= LONGEST_TYPICAL) else { return };
        let size = size_of_time(offered.took_ms);
        if let Some(held) = self.0.get_mut(&size) {
            if (offered.end, offered.locator) < (held.end, held.locator) && room.take(line.len()) {
                room.give(held.line.as_ref().map_or(0, Vec::len));
                *held = offered.held();
            }
        } else if room.take(line.len() + size_of::<HeldLine>()) {
            self.0.insert(size, offered.held());
        }
    }

    pub(super) fn merge(&mut self, room: &ByteRoom, other: LinesBySize) {
        for (size, line) in other.0 {
            let gone = match self.0.get_mut(&size) {
                Some(held) if (held.end, held.locator) <= (line.end, line.locator) => Some(line),
                _ => self.0.insert(size, line),
            };
            if let Some(gone) = gone {
                room.give(gone.line.map_or(0, |line| line.len()) + size_of::<HeldLine>());
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
    fn lines_of_the_slowest_are_held_as_long_as_there_is_room() {
        let (mut slowest, room) = (SlowestLines::default(), ByteRoom::new(25));
        let offer = |slowest: &mut SlowestLines, took_ms: u64| {
            let locator = Locator { generation: GenerationId(0), offset: took_ms, length: 10 };
            let offered = OfferedLine { took_ms, end: Timestamp(0), locator, line: Some(b"0123456789") };
            slowest.offer(3, &room, &offered);
        };
        for took_ms in [1, 2, 3] {
            offer(&mut slowest, took_ms);
        }
        let told = |slowest: &SlowestLines| {
            slowest.0.iter().map(|held| (held.took_ms, held.line.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(told(&slowest), [(3, false), (2, true), (1, true)]);
        // The quickest gives its room to the next.
        offer(&mut slowest, 4);
        assert_eq!(told(&slowest), [(4, true), (3, false), (2, true)]);
        offer(&mut slowest, 1);
        assert_eq!(told(&slowest), [(4, true), (3, false), (2, true)]);
    }

    #[test]
    fn the_line_nearest_to_a_time_is_chosen() {
        let (mut lines, room) = (LinesBySize::default(), ByteRoom::new(10_000));
        for took_ms in [5, 90, 2000, 700, 710, 60_000] {
            let locator = Locator { generation: GenerationId(0), offset: took_ms, length: 1 };
            let end = Timestamp(i64::try_from(took_ms).unwrap());
            lines.offer(&room, &OfferedLine { took_ms, end, locator, line: Some(b"x") });
        }
        assert_eq!(lines.nearest(1200).unwrap().took_ms, 710);
    }
}
