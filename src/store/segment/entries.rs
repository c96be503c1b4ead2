//! Slow entries in blocks of columns, grouped so that a window and a route touch few blocks.
//!
//! Entries are split by duration class, ordered by end and cut into chunks of [`CHUNK`]; within a chunk they are ordered
//! by route, then end, and cut into blocks of [`BLOCK`]. So a block holds few routes and a short time, and neighbours
//! in it are alike.

use super::column;
use super::directory::EntryBlock;
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::encode::{Decoded, Decoder, Encoder, Malformed, unzigzag, zigzag};
use crate::store::entry::{Entry, Kept, Locator};
use crate::time::Timestamp;
use std::collections::HashMap;

/// Entries in a block, at most.
pub(super) const BLOCK: usize = 1024;

/// Entries in a chunk, at most.
const CHUNK: usize = 16 * BLOCK;

/// Exclusive upper bounds of the duration classes in milliseconds; the last class has none.
const CLASS_BOUNDS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Which duration class an entry belongs to.
fn duration_class(duration_ms: u64) -> usize {
    CLASS_BOUNDS.iter().take_while(|&&bound| duration_ms >= bound).count()
}

/// All blocks of a segment: bounds, and bytes not yet placed.
pub(super) fn encode(mut entries: Vec<Entry>) -> Vec<(EntryBlock, Vec<u8>)> {
    entries.sort_unstable_by_key(|entry| (duration_class(entry.duration_ms), entry.end, entry.locator));
    let mut blocks = Vec::new();
    for class in entries.chunk_by_mut(|a, b| duration_class(a.duration_ms) == duration_class(b.duration_ms)) {
        for chunk in class.chunks_mut(CHUNK) {
            chunk.sort_unstable_by_key(|entry| (entry.route, entry.end, entry.locator));
            blocks.extend(chunk.chunks(BLOCK).map(|block| (bounds(block), encode_block(block))));
        }
    }
    blocks
}

fn bounds(entries: &[Entry]) -> EntryBlock {
    let mut bounds = EntryBlock::empty();
    for entry in entries {
        bounds.count += 1;
        bounds.min_start = bounds.min_start.min(entry.start());
        bounds.min_end = bounds.min_end.min(entry.end);
        bounds.max_end = bounds.max_end.max(entry.end);
        bounds.max_duration_ms = bounds.max_duration_ms.max(entry.duration_ms);
        bounds.min_route = bounds.min_route.min(entry.route);
        bounds.max_route = bounds.max_route.max(entry.route);
    }
    bounds
}

/// Where the next line of a log is expected: its bytes grow with time, at the block's mean rate.
#[derive(Debug, Default)]
struct Expectation {
    /// Bytes per millisecond, times 256.
    rate: u64,
    /// End and offset of the last entry by generation.
    last: HashMap<GenerationId, (i64, u64)>,
}

impl Expectation {
    fn of(entries: &[Entry]) -> Expectation {
        let first = entries.iter().min_by_key(|entry| entry.end);
        let rate = first.zip(
            entries
                .iter()
                .filter(|entry| Some(entry.locator.generation) == first.map(|f| f.locator.generation))
                .max_by_key(|entry| entry.end),
        );
        let rate = rate.map_or(0, |(first, last)| {
            let millis = last.end.0.abs_diff(first.end.0).max(1);
            let bytes = last.locator.offset.saturating_sub(first.locator.offset);
            bytes.saturating_mul(256) / millis
        });
        Expectation { rate, last: HashMap::new() }
    }

    fn next(&self, generation: GenerationId, end: i64) -> u64 {
        let Some(&(last_end, last_offset)) = self.last.get(&generation) else { return 0 };
        let grown = i128::from(end.wrapping_sub(last_end)) * i128::from(self.rate) / 256;
        // Both sides compute the same, so any value does; a wrapped one only costs bits.
        let grown = i64::try_from(grown).unwrap_or(0);
        last_offset.wrapping_add(grown.cast_unsigned())
    }

    fn seen(&mut self, generation: GenerationId, end: i64, offset: u64) {
        self.last.insert(generation, (end, offset));
    }
}

fn encode_block(entries: &[Entry]) -> Vec<u8> {
    let mut expected = Expectation::of(entries);
    let base = entries.iter().map(|entry| entry.end.0).min().unwrap_or(0);
    let mut columns: [Vec<u64>; 9] = std::array::from_fn(|_| Vec::with_capacity(entries.len()));
    let mut route = entries.first().map_or(0, |entry| entry.route.0);
    let (mut out, mut end) = (Encoder::default(), base);
    out.signed(base);
    out.varint(u64::from(route));
    out.varint(expected.rate);
    for entry in entries {
        if entry.route.0 != route {
            end = base;
        }
        let locator = entry.locator;
        let guess = expected.next(locator.generation, entry.end.0);
        let row = [
            u64::from(entry.route.0.wrapping_sub(route)),
            entry.end.0.wrapping_sub(end).cast_unsigned(),
            entry.duration_ms,
            entry.upstream_ms.map_or(0, |ms| zigzag(entry.duration_ms.wrapping_sub(ms).cast_signed()).wrapping_add(1)),
            u64::from(entry.status),
            // A difference of i64::MIN would wrap to "none"; such an upstream time is marked here.
            u64::from(entry.kept.0) | (u64::from(entry.upstream_ms.is_some()) << 8),
            u64::from(locator.generation.0),
            zigzag(locator.offset.wrapping_sub(guess).cast_signed()),
            u64::from(locator.length),
        ];
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
        expected.seen(locator.generation, entry.end.0, locator.offset);
        route = entry.route.0;
        end = entry.end.0;
    }
    for column in &columns {
        column::encode(column, &mut out);
    }
    out.bytes
}

/// Read a block of `count` entries.
pub(super) fn decode_block(bytes: &[u8], count: usize) -> Decoded<Vec<Entry>> {
    let mut from = Decoder::new(bytes);
    let base = from.signed()?;
    let mut route: u32 = from.varint_as()?;
    let mut expected = Expectation { rate: from.varint()?, last: HashMap::new() };
    let mut columns: [std::vec::IntoIter<u64>; 9] = std::array::from_fn(|_| Vec::new().into_iter());
    for column in &mut columns {
        *column = column::decode(&mut from, count)?.into_iter();
    }
    let mut end = base;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let mut row = [0u64; 9];
        for (value, column) in row.iter_mut().zip(&mut columns) {
            *value = column.next().ok_or(Malformed)?;
        }
        let [route_delta, end_delta, duration_ms, upstream, status, kept, generation, offset, length] = row;
        if route_delta != 0 {
            end = base;
        }
        route = route.wrapping_add(u32::try_from(route_delta).map_err(|_| Malformed)?);
        end = end.wrapping_add(end_delta.cast_signed());
        let generation = GenerationId(u32::try_from(generation).map_err(|_| Malformed)?);
        let offset = expected.next(generation, end).wrapping_add(unzigzag(offset).cast_unsigned());
        expected.seen(generation, end, offset);
        let upstream = duration_ms.wrapping_sub(unzigzag(upstream.wrapping_sub(1)).cast_unsigned());
        entries.push(Entry {
            end: Timestamp(end),
            duration_ms,
            route: RouteId(route),
            status: u16::try_from(status).map_err(|_| Malformed)?,
            upstream_ms: (kept >> 8 != 0).then_some(upstream),
            kept: Kept(crate::store::encode::low_byte(kept)),
            locator: Locator { generation, offset, length: u32::try_from(length).map_err(|_| Malformed)? },
        });
    }
    Ok(entries)
}
