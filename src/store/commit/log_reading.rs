//! How the lines of a log were read when they were counted: their format, and which requests were kept as slow.
//!
//! A configuration changes, the lines of a log do not. So each log has, in the store, the bytes from which on it was read in which
//! way; whoever reads its lines again reads each by its own. The store looks into none of it: it keeps what it is told.

use crate::source::generation::GenerationId;
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use std::collections::BTreeMap;

/// One way to read lines.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogReading {
    /// The format, in one line of text.
    pub format: String,
    /// A hash of all that names routes and says when a request is slow. Lines that were read under another may have other routes.
    pub rules: u64,
    /// A hash of the series beside the routes; 0 if there were none.
    pub series: u64,
    /// Every request at least this long was kept, but for the routes of `thresholds`.
    pub kept_ms: u64,
    /// Routes of which only longer ones were kept, with how long.
    pub thresholds: Vec<(String, u64)>,
    /// Every 5xx was kept.
    pub server_errors: bool,
    /// Not all lines: those that were rejected before.
    pub again: Option<LinesAgain>,
}

/// Which lines of a log were read again, since nothing had come of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinesAgain {
    /// The log that they are in; what was read again is counted as a log of its own.
    pub of: GenerationId,
    /// The formats that none of them fits.
    pub rejected_by: Vec<String>,
}

/// Bits of the byte behind the thresholds.
const SERVER_ERRORS: u8 = 1;
const HAS_SERIES: u8 = 2;

impl LogReading {
    /// From how many milliseconds on every request was kept, whatever its route: what members of series have is kept with their routes.
    pub fn kept_from_any_ms(&self) -> u64 {
        self.thresholds.iter().map(|(_, threshold)| *threshold).fold(self.kept_ms, u64::max)
    }

    /// From how many milliseconds on every request of that route was kept.
    pub fn kept_from_ms(&self, route: &str) -> u64 {
        let mut kept = self.kept_ms;
        for (name, threshold) in &self.thresholds {
            if name == route {
                kept = kept.max(*threshold);
            }
        }
        kept
    }
}

/// From this byte of a log on its lines were read so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingChange {
    /// The log.
    pub generation: GenerationId,
    /// The start of a line.
    pub from: u64,
    /// How.
    pub reading: LogReading,
}

/// A stretch of a log that was read in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadStretch<'v> {
    /// The way, and its number in the store; nothing if the store does not hold it.
    pub reading: Option<(u32, &'v LogReading)>,
    /// Where the stretch ends.
    pub until: u64,
}

/// All ways in which the logs of a store were read, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogReadings {
    /// By number.
    pub(crate) held: Vec<LogReading>,
    /// By log: from which byte on which of them, ascending.
    starts: BTreeMap<GenerationId, Vec<(u64, u32)>>,
}

impl LogReadings {
    /// Note a change; the last word on a byte counts.
    pub(crate) fn apply_change(&mut self, change: &ReadingChange) {
        let number = match self.held.iter().position(|held| *held == change.reading) {
            Some(number) => number,
            None => {
                self.held.push(change.reading.clone());
                self.held.len() - 1
            }
        };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let starts = self.starts.entry(change.generation).or_default();
        match starts.binary_search_by_key(&change.from, |(from, _)| *from) {
            Ok(at) => {
                if let Some((_, held)) = starts.get_mut(at) {
                    *held = number;
                }
            }
            Err(at) => starts.insert(at, (change.from, number)),
        }
    }

    /// How the line at `offset` of a log was read, and until where that holds.
    pub(crate) fn stretch_at(&self, generation: GenerationId, offset: u64) -> ReadStretch<'_> {
        let starts = self.starts.get(&generation).map_or(&[][..], Vec::as_slice);
        let behind = starts.partition_point(|(from, _)| *from <= offset);
        let until = starts.get(behind).map_or(u64::MAX, |(from, _)| *from);
        let number = behind.checked_sub(1).and_then(|at| starts.get(at)).map(|(_, number)| *number);
        let reading = number.and_then(|number| Some((number, self.held.get(number as usize)?)));
        ReadStretch { reading, until }
    }

    /// The log whose rejected lines were read again as this one.
    pub(crate) fn again_of(&self, generation: GenerationId) -> Option<GenerationId> {
        Some(self.last_of(generation)?.again.as_ref()?.of)
    }

    /// The logs as which rejected lines of this one were read again.
    pub(crate) fn read_again(&self, generation: GenerationId) -> Vec<GenerationId> {
        if self.held.iter().all(|reading| reading.again.is_none()) {
            return Vec::new();
        }
        let mut again = Vec::new();
        for id in self.starts.keys() {
            if self.again_of(*id) == Some(generation) {
                again.push(*id);
            }
        }
        again
    }

    /// How a log is read at its end.
    pub(crate) fn last_of(&self, generation: GenerationId) -> Option<&LogReading> {
        let (_, number) = self.starts.get(&generation)?.last()?;
        self.held.get(*number as usize)
    }
}

impl Encode for LogReading {
    fn encode(&self, out: &mut Encoder) {
        out.bytes(self.format.as_bytes());
        out.u64(self.rules);
        out.varint(self.kept_ms);
        out.count(self.thresholds.len());
        for (route, threshold) in &self.thresholds {
            out.bytes(route.as_bytes());
            out.varint(*threshold);
        }
        let server_errors = if self.server_errors { SERVER_ERRORS } else { 0 };
        out.u8(server_errors | if self.series == 0 { 0 } else { HAS_SERIES });
        if self.series != 0 {
            out.u64(self.series);
        }
        out.u8(u8::from(self.again.is_some()));
        if let Some(LinesAgain { of, rejected_by }) = &self.again {
            out.varint(u64::from(of.0));
            out.count(rejected_by.len());
            for format in rejected_by {
                out.bytes(format.as_bytes());
            }
        }
    }
}

impl Decode for LogReading {
    fn decode(from: &mut Decoder<'_>) -> Decoded<LogReading> {
        let (format, rules, kept_ms) = (from.text()?, from.u64()?, from.varint()?);
        let mut thresholds = Vec::new();
        for _ in 0..from.count()? {
            thresholds.push((from.text()?, from.varint()?));
        }
        let flags = from.u8()?;
        let server_errors = flags & SERVER_ERRORS != 0;
        let series = if flags & HAS_SERIES == 0 { 0 } else { from.u64()? };
        let is_again = from.u8()? != 0;
        let mut again = None;
        if is_again {
            let of = GenerationId(from.varint_as()?);
            let mut rejected_by = Vec::new();
            for _ in 0..from.count()? {
                rejected_by.push(from.text()?);
            }
            again = Some(LinesAgain { of, rejected_by });
        }
        Ok(LogReading { format, rules, series, kept_ms, thresholds, server_errors, again })
    }
}

impl Encode for ReadingChange {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::from(self.generation.0));
        out.varint(self.from);
        self.reading.encode(out);
    }
}

impl Decode for ReadingChange {
    fn decode(from: &mut Decoder<'_>) -> Decoded<ReadingChange> {
        let generation = GenerationId(from.varint_as()?);
        Ok(ReadingChange { generation, from: from.varint()?, reading: LogReading::decode(from)? })
    }
}

impl Encode for LogReadings {
    fn encode(&self, out: &mut Encoder) {
        out.list(&self.held);
        out.count(self.starts.len());
        for (generation, starts) in &self.starts {
            out.varint(u64::from(generation.0));
            out.count(starts.len());
            for (from, number) in starts {
                out.varint(*from);
                out.varint(u64::from(*number));
            }
        }
    }
}

impl Decode for LogReadings {
    fn decode(from: &mut Decoder<'_>) -> Decoded<LogReadings> {
        let mut readings = LogReadings { held: from.list()?, starts: BTreeMap::new() };
        for _ in 0..from.count()? {
            let generation = GenerationId(from.varint_as()?);
            let mut starts = Vec::new();
            for _ in 0..from.count()? {
                let (start, number): (u64, u32) = (from.varint()?, from.varint_as()?);
                if number as usize >= readings.held.len() {
                    return Err(Malformed);
                }
                starts.push((start, number));
            }
            readings.starts.insert(generation, starts);
        }
        Ok(readings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(generation: u32, from: u64, format: &str) -> ReadingChange {
        let reading = LogReading {
            format: format.to_owned(),
            rules: 7,
            series: if format == "b" { 9 } else { 0 },
            kept_ms: 1000,
            thresholds: vec![("ws".to_owned(), 36_000_000), ("quick".to_owned(), 100)],
            server_errors: true,
            again: (format == "b")
                .then(|| LinesAgain { of: GenerationId(9), rejected_by: vec!["a".to_owned(), "c".to_owned()] }),
        };
        ReadingChange { generation: GenerationId(generation), from, reading }
    }

    #[test]
    fn each_byte_of_a_log_has_the_format_it_was_read_in() {
        let mut readings = LogReadings::default();
        for told in [change(1, 100, "a"), change(2, 0, "a"), change(1, 500, "b"), change(1, 500, "b")] {
            readings.apply_change(&told);
        }
        let mut out = Encoder::default();
        readings.encode(&mut out);
        let back = LogReadings::decode(&mut Decoder::new(&out.bytes)).unwrap();
        assert_eq!(back, readings);
        let at = |generation: u32, offset: u64| {
            let ReadStretch { reading, until } = back.stretch_at(GenerationId(generation), offset);
            (reading.map(|(_, reading)| reading.format.as_str()), until)
        };
        assert_eq!((at(1, 0), at(1, 99)), ((None, 100), (None, 100)));
        assert_eq!((at(1, 100), at(1, 499), at(1, 500)), ((Some("a"), 500), (Some("a"), 500), (Some("b"), u64::MAX)));
        assert_eq!((at(2, 7), at(3, 7)), ((Some("a"), u64::MAX), (None, u64::MAX)));
        assert_eq!(back.held.len(), 2, "each way is held once");
        assert_eq!(back.last_of(GenerationId(1)).unwrap().format, "b");
    }

    #[test]
    fn what_is_kept_of_a_route_is_what_all_of_its_rules_keep() {
        let reading = change(1, 0, "a").reading;
        assert_eq!(
            [reading.kept_from_ms("ws"), reading.kept_from_ms("quick"), reading.kept_from_ms("x")],
            [36_000_000, 1000, 1000]
        );
    }
}
