//! Which lines a segment was made of: a small file beside it, so that what a disk damages can be counted again from the
//! logs. FORMAT.md says its bytes.
//!
//! The file is apart from the segment so that damage of the one is not damage of the other: the segment is answered
//! from without it, and it alone says which lines to count again when the segment is lost.

use crate::error::{Error, Result};
use crate::source::generation::GenerationId;
use crate::store::disk::damage::{FileOperation, operation_failed};
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, write_file};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed, checksum};

const MAGIC: &[u8; 8] = b"SPKLRANG";
const VERSION: u32 = 1;

/// What to do when the disk does not give the file back.
const UNREADABLE: &str = "check the disk; if it cannot be read at all, remove it: then its segment can only be restored as far as \
    it can be read";

/// Lines of one log, from the start of one to the end of another, in uncompressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogRange {
    /// The physical log.
    pub generation: GenerationId,
    /// Where the first line starts.
    pub from: u64,
    /// Just past the last one.
    pub until: u64,
}

/// The file's bytes.
pub(crate) fn encode_ranges(number: u64, ranges: &[LogRange]) -> Vec<u8> {
    let mut out = Encoder::default();
    out.bytes.extend_from_slice(MAGIC);
    out.u32(VERSION);
    out.u64(number);
    out.count(ranges.len());
    for range in ranges {
        out.varint(u64::from(range.generation.0));
        out.varint(range.from);
        out.varint(range.until.wrapping_sub(range.from));
    }
    out.u64(checksum(&out.bytes));
    out.bytes
}

/// Write and sync the file beside segment `number`. Its name is durable once the folder is synced, which writing the segment
/// ends with.
pub(crate) fn write_ranges(medium: &dyn Medium, number: u64, ranges: &[LogRange]) -> Result<()> {
    let name = layout::ranges_file(number);
    let written = write_file(medium, &name, &encode_ranges(number, ranges));
    written.map(drop).or_failed(medium, "write the ranges of a segment", &name)
}

/// The lines that a segment was made of; `None` if the record of that is lost or damaged.
///
/// # Errors
/// If it is there and could not be read.
pub(crate) fn read_ranges(medium: &dyn Medium, number: u64) -> Result<Option<Vec<LogRange>>> {
    match read_file(medium, number)? {
        Some(bytes) => Ok(decode_ranges(number, &bytes).ok()),
        None => Ok(None),
    }
}

/// The damage of the file beside segment `number`; none if there is no such file.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn find_damage(medium: &dyn Medium, number: u64) -> Result<Option<Error>> {
    let Some(bytes) = read_file(medium, number)? else { return Ok(None) };
    if decode_ranges(number, &bytes).is_ok() {
        return Ok(None);
    }
    let damaged = Error::failed("damaged: it says which lines its segment was made of")
        .at(medium.root().join(layout::ranges_file(number)))
        .remedy("check the disk, and remove this file: no answer needs it, only a rebuild of its segment would");
    Ok(Some(damaged))
}

/// The file's bytes; `None` if there is no such file.
fn read_file(medium: &dyn Medium, number: u64) -> Result<Option<Vec<u8>>> {
    let name = layout::ranges_file(number);
    match medium.read(&name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let failed = operation_failed(medium, "read the ranges of a segment", &name, &error);
            Err(if failed.is_of_access() { failed } else { failed.remedy(UNREADABLE) })
        }
    }
}

/// The lines that several segments together were made of, by log and place; `None` if it is not known of each, since
/// a segment restored from a part of its lines would look whole.
///
/// # Errors
/// As [`read_ranges`]: what could not be read just now must not be forgotten for good.
pub(crate) fn read_all_ranges(
    medium: &dyn Medium,
    numbers: impl IntoIterator<Item = u64>,
) -> Result<Option<Vec<LogRange>>> {
    let mut all = Vec::new();
    for number in numbers {
        let Some(ranges) = read_ranges(medium, number)? else { return Ok(None) };
        all.extend(ranges);
    }
    all.sort_unstable();
    let mut joined: Vec<LogRange> = Vec::new();
    for range in all {
        match joined.last_mut() {
            Some(last) if last.generation == range.generation && last.until == range.from => last.until = range.until,
            _ => joined.push(range),
        }
    }
    Ok(Some(joined))
}

/// The inverse of [`encode_ranges`].
pub(crate) fn decode_ranges(number: u64, bytes: &[u8]) -> Decoded<Vec<LogRange>> {
    let (covered, sum) = bytes.split_at_checked(bytes.len().saturating_sub(8)).ok_or(Malformed)?;
    if Decoder::new(sum).u64()? != checksum(covered) {
        return Err(Malformed);
    }
    let mut from = Decoder::new(covered);
    if from.take_bytes(MAGIC.len())? != MAGIC || from.u32()? != VERSION || from.u64()? != number {
        return Err(Malformed);
    }
    let mut ranges = Vec::new();
    for _ in 0..from.count()? {
        let generation = GenerationId(from.varint_as()?);
        let first = from.varint()?;
        ranges.push(LogRange { generation, from: first, until: first.wrapping_add(from.varint()?) });
    }
    if from.is_empty() { Ok(ranges) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_round_trip_and_any_flipped_bit_is_found(
            held in proptest::collection::vec((0u32..9, 0u64..1 << 40, 0u64..1 << 40), 0..9), bit in 0usize..2000,
        ) {
            let ranges: Vec<LogRange> = held
                .into_iter()
                .map(|(id, from, length)| LogRange { generation: GenerationId(id), from, until: from + length })
                .collect();
            let mut bytes = encode_ranges(7, &ranges);
            prop_assert_eq!(decode_ranges(7, &bytes), Ok(ranges));
            prop_assert_eq!(decode_ranges(8, &bytes), Err(Malformed));
            let at = bit / 8 % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            prop_assert_eq!(decode_ranges(7, &bytes), Err(Malformed));
        }
    }
}
