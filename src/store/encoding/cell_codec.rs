//! A cell's bytes on disk: counts as varints, each histogram as its non-empty buckets.
//!
//! Of a histogram stand the buckets' positions and counts, its exact sum and its exact maximum: percentiles are then
//! within a bucket's width (HdrHistogram's layout, three significant digits: [`EXACT`] exact buckets, then [`HALF`]
//! for each power of two), averages and maxima are exact, and merging two encoded cells loses nothing that either
//! had.

use crate::histogram::{Buckets, Cell, Latency, TIMES};
use crate::route::RouteId;
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed};
use crate::store::encoding::range_coder::{NumberCoder, RangeDecoder, RangeEncoder};
use crate::time::Timestamp;
use std::ops::Range;

/// Values below this have a bucket each; above, every power of two has [`HALF`] buckets.
const EXACT: u64 = 2048;
const HALF: u64 = 1024;

/// From so many buckets on they are packed; fewer are left to the compression of the block that they are in.
const MANY: usize = 40;

/// There are no more buckets than this.
const MOST: usize = 64 * 1024;

/// Cells in the order given, slots and routes as differences from the one before. `each` hears where a cell alone stands.
pub(crate) fn encode_cells(
    cells: &[(Timestamp, RouteId, Cell)],
    out: &mut Encoder,
    mut each: impl FnMut(Timestamp, RouteId, Range<usize>),
) {
    out.count(cells.len());
    let (mut before, mut room) = ((Timestamp(0), RouteId(0)), Buckets::default());
    for (slot, route, cell) in cells {
        encode_key((*slot, *route), &mut before, out);
        let start = out.bytes.len();
        encode_cell(cell, &mut room, out);
        each(*slot, *route, start..out.bytes.len());
    }
}

/// [`encode_cells`] of cells that are encoded already.
pub(crate) fn copy_cells(cells: &[(Timestamp, RouteId, &[u8])], out: &mut Encoder) {
    out.count(cells.len());
    let mut before = (Timestamp(0), RouteId(0));
    for (slot, route, cell) in cells {
        encode_key((*slot, *route), &mut before, out);
        out.bytes.extend_from_slice(cell);
    }
}

/// Slot and route as differences from those of the cell before, which then are these.
fn encode_key(key: (Timestamp, RouteId), before: &mut (Timestamp, RouteId), out: &mut Encoder) {
    out.signed(key.0.0.wrapping_sub(before.0.0));
    out.signed(i64::from(key.1.0) - i64::from(before.1.0));
    *before = key;
}

/// The inverse of [`encode_cells`].
pub(crate) fn decode_cells(from: &mut Decoder<'_>) -> Decoded<Vec<(Timestamp, RouteId, Cell)>> {
    let count = from.count()?;
    let mut cells = Vec::new();
    let mut slot = 0i64;
    let mut route = 0i64;
    for _ in 0..count {
        slot = slot.wrapping_add(from.signed()?);
        route = route.wrapping_add(from.signed()?);
        let id = RouteId(u32::try_from(route)?);
        cells.push((Timestamp(slot), id, decode_cell(from)?));
    }
    Ok(cells)
}

/// One cell: nine counts, then its four histograms. `room` is kept from cell to cell only to spare allocations.
pub(crate) fn encode_cell(cell: &Cell, room: &mut Buckets, out: &mut Encoder) {
    for count in [cell.requests, cell.slow, cell.status_499, cell.bytes_sent].into_iter().chain(cell.status) {
        out.varint(count);
    }
    for time in TIMES {
        encode_latency(cell.time(time), room, out);
    }
}

/// The inverse of [`encode_cell`].
pub(crate) fn decode_cell(from: &mut Decoder<'_>) -> Decoded<Cell> {
    let mut cell = Cell::default();
    for count in [&mut cell.requests, &mut cell.slow, &mut cell.status_499, &mut cell.bytes_sent] {
        *count = from.varint()?;
    }
    for count in &mut cell.status {
        *count = from.varint()?;
    }
    for time in TIMES {
        *cell.time_mut(time) = decode_latency(from)?;
    }
    Ok(cell)
}

/// The number of buckets and whether they are packed; sum and maximum; then the buckets.
fn encode_latency(latency: &Latency, room: &mut Buckets, out: &mut Encoder) {
    let buckets = latency.buckets_in(room);
    let packed = buckets.len() >= MANY;
    out.count(buckets.len() * 2 + usize::from(packed));
    if buckets.is_empty() {
        return;
    }
    out.varint(latency.sum_ms());
    out.varint(latency.max_ms());
    if packed {
        return out.bytes(&pack_buckets(buckets));
    }
    let mut last = 0;
    for &(value, count) in buckets {
        // Most buckets hold one sample: its count then takes no byte of its own.
        let index = bucket_index(value);
        out.varint((index.wrapping_sub(last) << 1) | u64::from(count != 1));
        if count != 1 {
            out.varint(count);
        }
        last = index;
    }
}

fn decode_latency(from: &mut Decoder<'_>) -> Decoded<Latency> {
    let mut buckets = Vec::new();
    let (sum, max) = decode_buckets(from, |value, count| buckets.push((value, count)))?;
    Ok(Latency::from_buckets(&buckets, sum, max))
}

/// Each bucket's lowest value and count; gives back the sum and the largest.
pub(super) fn decode_buckets(from: &mut Decoder<'_>, mut each: impl FnMut(u64, u64)) -> Decoded<(u64, u64)> {
    let head = from.varint()?;
    let count = usize::try_from(head >> 1)?;
    if count == 0 {
        return if head == 0 { Ok((0, 0)) } else { Err(Malformed) };
    }
    let totals = (from.varint()?, from.varint()?);
    if head & 1 != 0 {
        unpack_buckets(from.bytes()?, count, each)?;
        return Ok(totals);
    }
    let mut index = 0u64;
    for _ in 0..count {
        let delta = from.varint()?;
        index = index.checked_add(delta >> 1).ok_or(Malformed)?;
        let count = if delta & 1 == 0 { 1 } else { from.varint()? };
        each(bucket_value(index)?, count);
    }
    Ok(totals)
}

/// Many buckets in about as few bytes as they hold information: gaps and counts in a range coder, each with contexts by how
/// large the one before was.
fn pack_buckets(buckets: &[(u64, u64)]) -> Vec<u8> {
    let (mut gaps, mut counts) = (BucketContexts::default(), BucketContexts::default());
    let (mut out, mut next) = (RangeEncoder::new(), 0u64);
    let (mut gap, mut count) = (1, 1);
    for &(value, own) in buckets {
        let index = bucket_index(value);
        let own_gap = index.wrapping_sub(next).wrapping_add(1);
        gaps.context_for(gap, count).write_number(&mut out, own_gap);
        counts.context_for(count, own_gap).write_number(&mut out, own);
        (next, gap, count) = (index.wrapping_add(1), own_gap, own);
    }
    out.finish()
}

/// The inverse of [`pack_buckets`].
fn unpack_buckets(bytes: &[u8], buckets: usize, mut each: impl FnMut(u64, u64)) -> Decoded<()> {
    if buckets > MOST {
        return Err(Malformed);
    }
    let (mut gaps, mut counts) = (BucketContexts::default(), BucketContexts::default());
    let (mut from, mut next) = (RangeDecoder::new(bytes), 0u64);
    let (mut gap, mut count) = (1, 1);
    for _ in 0..buckets {
        gap = gaps.context_for(gap, count).read_number(&mut from);
        count = counts.context_for(count, gap).read_number(&mut from);
        let index = next.checked_add(gap - 1).ok_or(Malformed)?;
        each(bucket_value(index)?, count);
        next = index.checked_add(1).ok_or(Malformed)?;
    }
    Ok(())
}

/// Contexts by the size of two numbers: four sizes of the first, two of the second.
#[derive(Default)]
struct BucketContexts([NumberCoder; 8]);

impl BucketContexts {
    /// The context of the number that follows these two.
    fn context_for(&mut self, first: u64, second: u64) -> &mut NumberCoder {
        let size = match first {
            0 | 1 => 0,
            2..=3 => 1,
            4..=11 => 2,
            _ => 3,
        };
        let [a, b, c, d, e, f, g, h] = &mut self.0;
        match (size, second > 1) {
            (0, false) => a,
            (1, false) => b,
            (2, false) => c,
            (_, false) => d,
            (0, true) => e,
            (1, true) => f,
            (2, true) => g,
            (_, true) => h,
        }
    }
}

/// Go past a cell. What is packed is not looked into: any bytes are bits of something, and a bucket that there is none of is
/// found when the cell is asked for.
pub(crate) fn skip_cell(from: &mut Decoder<'_>) -> Decoded<()> {
    for _ in 0..9 {
        from.varint()?;
    }
    for _ in TIMES {
        let mut ahead = *from;
        if ahead.varint()? & 1 == 0 {
            decode_buckets(from, |_, _| {})?;
            continue;
        }
        let [_sum, _max] = [ahead.varint()?, ahead.varint()?];
        ahead.bytes()?;
        *from = ahead;
    }
    Ok(())
}

/// The position of a bucket, counted from 0, by its lowest value.
fn bucket_index(value: u64) -> u64 {
    if value < EXACT {
        return value;
    }
    let shift = u64::from(53 - value.leading_zeros());
    EXACT + (shift - 1) * HALF + ((value >> shift) - HALF)
}

/// The lowest value of a bucket.
fn bucket_value(index: u64) -> Decoded<u64> {
    if index < EXACT {
        return Ok(index);
    }
    let above = index - EXACT;
    let shift = above / HALF + 1;
    if shift > 53 { Err(Malformed) } else { Ok((above % HALF + HALF) << shift) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Time;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cell_round_trips(values in proptest::collection::vec(0u64..=u64::from(u32::MAX), 0..600), small in proptest::collection::vec(0u64..3000, 0..600)) {
            let mut cell = Cell::default();
            for &value in values.iter().chain(&small) {
                cell.requests += 1;
                cell.count_status(u16::try_from(value % 600).unwrap());
                cell.bytes_sent += value;
                cell.time_mut(Time::Request).record(value);
                cell.time_mut(Time::UpstreamHeader).record(value / 3);
            }
            let mut out = Encoder::default();
            let mut alone = 0..0;
            encode_cells(&[(Timestamp(-10_000), RouteId(7), cell.clone())], &mut out, |_, _, range| alone = range);
            let mut skipped = Decoder::new(&out.bytes[alone]);
            prop_assert_eq!((skip_cell(&mut skipped), skipped.is_empty()), (Ok(()), true));
            let cells = decode_cells(&mut Decoder::new(&out.bytes)).unwrap();
            let (slot, route, back) = &cells[0];
            prop_assert_eq!((*slot, *route, back.requests, back.status, back.bytes_sent), (Timestamp(-10_000), RouteId(7), cell.requests, cell.status, cell.bytes_sent));
            for time in TIMES {
                prop_assert_eq!(back.time(time).buckets(), cell.time(time).buckets());
                prop_assert_eq!(back.time(time).sum_ms(), cell.time(time).sum_ms());
                prop_assert_eq!(back.time(time).max_ms(), cell.time(time).max_ms());
                prop_assert_eq!(back.time(time).count(), cell.time(time).count());
            }
        }
    }
}
