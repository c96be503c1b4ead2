//! Slow entries in blocks of columns, grouped so that a window and a route touch few blocks.
//!
//! Entries are split by duration class, ordered by end and cut into chunks of [`CHUNK`]; within a chunk they are ordered
//! by route, then end, and cut into blocks of [`BLOCK`]. So a block holds few routes and a short time, and neighbours
//! in it are alike.
//!
//! The nine columns of a block, in this order, and what each number is taken as the difference from:
//!
//! | column | difference from |
//! |---|---|
//! | route | the entry before; the first from the block's first route |
//! | end | the entry before of the same route; the first of each route from the block's earliest end |
//! | duration | nothing |
//! | upstream time | the duration, zigzag and plus one; 0 without an upstream |
//! | status, reasons | nothing: few distinct values, which become ranks |
//! | generation | nothing |
//! | offset | where a log that grows at the block's mean rate would be at that end |
//! | length | nothing |
//!
//! Splitting by duration first is what makes a search for slow requests cheap: those over a second are few, stand in
//! blocks of their own, and a block's longest duration lets all others be passed over.

use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::commit::entry::{Entry, KeepReasons, Locator};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed, low_byte, unzigzag, zigzag};
use crate::store::encoding::column;
use crate::store::entry_query::EntryQuery;
use crate::store::segment::directory::EntryBlock;
use crate::time::Timestamp;
use std::vec::IntoIter;

/// Entries in a block, at most: fewer take more bytes each, more take longer to look through for one route.
const BLOCK: usize = 512;

/// The most entries in a block that is read: more than are written, so that larger blocks can come without a new version,
/// and few enough that a false count costs little memory.
const MOST: usize = 1024;

/// Entries in a chunk, at most.
const CHUNK: usize = 32 * BLOCK;

/// Exclusive upper bounds of the duration classes in milliseconds; the last class has none.
const CLASS_BOUNDS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Which duration class an entry belongs to.
fn duration_class(duration_ms: u64) -> usize {
    CLASS_BOUNDS.iter().take_while(|&&bound| duration_ms >= bound).count()
}

/// All blocks of a segment: bounds, and bytes not yet placed.
pub(crate) fn encode(entries: &[Entry]) -> Vec<(EntryBlock, Vec<u8>)> {
    // Entries are large and many, so places in the list are sorted, and only a chunk at a time is copied.
    let mut classes: [Vec<u32>; CLASS_BOUNDS.len() + 1] = Default::default();
    for (entry, place) in entries.iter().zip(0u32..) {
        if let Some(class) = classes.get_mut(duration_class(entry.duration_ms)) {
            class.push(place);
        }
    }
    let mut blocks = Vec::new();
    let mut routes: Vec<(RouteId, u32, u32)> = Vec::new();
    let mut ordered: Vec<Entry> = Vec::with_capacity(CHUNK);
    for mut class in classes {
        // A stable sort, since it takes less time for what is in order already: lines mostly come by end and offset.
        class.sort_by_key(|place| end_and_locator(entries, *place));
        for chunk in class.chunks(CHUNK) {
            routes.clear();
            for (place, rank) in chunk.iter().zip(0..) {
                if let Some(entry) = entries.get(*place as usize) {
                    routes.push((entry.route, rank, *place));
                }
            }
            routes.sort_unstable();
            ordered.clear();
            for (.., place) in &routes {
                ordered.extend(entries.get(*place as usize));
            }
            for block in ordered.chunks(BLOCK) {
                blocks.push((bounds_of_entries(block), encode_block(block)));
            }
        }
    }
    blocks
}

/// What an entry is ordered by within its class, by its place in the list.
fn end_and_locator(entries: &[Entry], place: u32) -> Option<(Timestamp, Locator)> {
    let entry = entries.get(place as usize)?;
    Some((entry.end, entry.locator))
}

/// What the directory says of a block of these entries.
fn bounds_of_entries(entries: &[Entry]) -> EntryBlock {
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
struct OffsetExpectation {
    /// Bytes per millisecond, times 256.
    rate: u64,
    /// Generation, end and offset of the last entry of each; a block rarely has more than one or two.
    last: Vec<(GenerationId, i64, u64)>,
}

impl OffsetExpectation {
    /// The rate at which the log of the first entry grew while these were written.
    fn from_entries(entries: &[Entry]) -> OffsetExpectation {
        let Some(first) = entries.iter().min_by_key(|entry| entry.end) else { return OffsetExpectation::default() };
        let mut last = first;
        for entry in entries {
            if entry.locator.generation == first.locator.generation && entry.end >= last.end {
                last = entry;
            }
        }
        let millis = last.end.0.abs_diff(first.end.0).max(1);
        let bytes = last.locator.offset.saturating_sub(first.locator.offset);
        OffsetExpectation { rate: bytes.saturating_mul(256) / millis, last: Vec::new() }
    }

    /// The guess for an entry, and where to remember its own end and offset.
    fn guess_next(&mut self, generation: GenerationId, end: i64) -> OffsetGuess<'_> {
        let known = self.last.iter().position(|&(known, _, _)| known == generation);
        if known.is_none() {
            self.last.push((generation, 0, 0));
        }
        let index = known.unwrap_or(self.last.len() - 1);
        let guess = match self.last.get(index) {
            Some(&(_, last_end, last_offset)) if known.is_some() => {
                let grown = i128::from(end.wrapping_sub(last_end)) * i128::from(self.rate) / 256;
                // Both sides compute the same, so any value does; a far-off one only costs bits.
                last_offset.wrapping_add(i64::try_from(grown).unwrap_or(0).cast_unsigned())
            }
            _ => 0,
        };
        OffsetGuess { guess, end, seen: self.last.get_mut(index) }
    }
}

/// An offset that was guessed.
struct OffsetGuess<'a> {
    guess: u64,
    end: i64,
    seen: Option<&'a mut (GenerationId, i64, u64)>,
}

impl OffsetGuess<'_> {
    /// How far `offset` is from the guess.
    fn residue_of(self, offset: u64) -> u64 {
        let guess = self.guess;
        self.remember(offset);
        zigzag(offset.wrapping_sub(guess).cast_signed())
    }

    /// The offset that is `residue` from the guess.
    fn offset_at(self, residue: u64) -> u64 {
        let offset = self.guess.wrapping_add(unzigzag(residue).cast_unsigned());
        self.remember(offset);
        offset
    }

    /// What the next guess for this log starts from.
    fn remember(self, offset: u64) {
        if let Some((_, last_end, last_offset)) = self.seen {
            *last_end = self.end;
            *last_offset = offset;
        }
    }
}

/// The bytes of a block: base time, first route and rate, then nine columns.
fn encode_block(entries: &[Entry]) -> Vec<u8> {
    let mut expected = OffsetExpectation::from_entries(entries);
    let base = entries.iter().map(|entry| entry.end.0).min().unwrap_or(0);
    let mut columns: [Vec<u64>; 9] = std::array::from_fn(|_| Vec::with_capacity(entries.len()));
    let RouteId(mut route) = entries.first().map_or(RouteId(0), Entry::route);
    let (mut out, mut end) = (Encoder::default(), base);
    out.signed(base);
    out.varint(u64::from(route));
    out.varint(expected.rate);
    for entry in entries {
        if entry.route.0 != route {
            end = base;
        }
        let locator = entry.locator;
        let residue = expected.guess_next(locator.generation, entry.end.0).residue_of(locator.offset);
        let row = [
            u64::from(entry.route.0.wrapping_sub(route)),
            entry.end.0.wrapping_sub(end).cast_unsigned(),
            entry.duration_ms,
            upstream_column(entry),
            u64::from(entry.status),
            // A difference of i64::MIN would wrap to "none"; such an upstream time is marked here.
            u64::from(entry.kept.0) | (u64::from(entry.upstream_ms.is_some()) << 8),
            u64::from(locator.generation.0),
            residue,
            u64::from(locator.length),
        ];
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
        route = entry.route.0;
        end = entry.end.0;
    }
    for column in &columns {
        column::encode(column, &mut out);
    }
    out.bytes
}

/// The time that upstreams took, as how much less it is than the whole; 0 without an upstream.
fn upstream_column(entry: &Entry) -> u64 {
    match entry.upstream_ms {
        Some(upstream_ms) => zigzag(entry.duration_ms.wrapping_sub(upstream_ms).cast_signed()).wrapping_add(1),
        None => 0,
    }
}

/// Read a block of `count` entries as far as the last one whose route and time `wanted` asks for, all if nothing is asked
/// for. Most blocks that a search touches have a stretch of wanted entries, and often that is empty: only wanted routes are
/// looked for at first, and nothing is read beyond the last of them.
pub(crate) fn decode_block(bytes: &[u8], count: u64, wanted: Option<&EntryQuery>) -> Decoded<Vec<Entry>> {
    let count = usize::try_from(count)?;
    if count > MOST {
        return Err(Malformed);
    }
    let mut from = Decoder::new(bytes);
    let base = from.signed()?;
    let first_route: u32 = from.varint_as()?;
    let mut expected = OffsetExpectation { rate: from.varint()?, last: Vec::new() };
    let mut columns: [Decoder<'_>; 9] = [Decoder::new(&[]); 9];
    for column in &mut columns {
        *column = Decoder::new(from.bytes()?);
    }
    let [routes, ends, durations, upstreams, statuses, reasons, generations, offsets, lengths] = columns;
    let mut routes = column::decode(routes, count)?;
    if let Some(query) = wanted {
        routes.truncate(wanted_routes(&routes, first_route, query)?);
    }
    if routes.is_empty() {
        return Ok(Vec::new());
    }
    let keys = decode_keys(base, first_route, routes, ends, durations)?;
    let until = match wanted {
        Some(query) => wanted_keys(&keys, query),
        None => keys.len(),
    };
    if until == 0 {
        return Ok(Vec::new());
    }
    let mut rest: [IntoIter<u64>; 6] = Default::default();
    for (values, column) in rest.iter_mut().zip([upstreams, statuses, reasons, generations, offsets, lengths]) {
        *values = column::decode(column, until)?.into_iter();
    }
    let mut entries = Vec::with_capacity(until);
    for (route, end, duration_ms) in keys.into_iter().take(until) {
        let mut row = [0u64; 6];
        for (value, column) in row.iter_mut().zip(&mut rest) {
            *value = column.next().ok_or(Malformed)?;
        }
        let [upstream, status, kept, generation, residue, length] = row;
        let generation = GenerationId(u32::try_from(generation)?);
        let offset = expected.guess_next(generation, end.0).offset_at(residue);
        let upstream = duration_ms.wrapping_sub(unzigzag(upstream.wrapping_sub(1)).cast_unsigned());
        entries.push(Entry {
            end,
            duration_ms,
            route,
            status: u16::try_from(status)?,
            upstream_ms: (kept >> 8 != 0).then_some(upstream),
            kept: KeepReasons(low_byte(kept)),
            locator: Locator { generation, offset, length: u32::try_from(length)? },
        });
    }
    Ok(entries)
}

/// How many entries there are up to the last one of a route that is wanted.
fn wanted_routes(differences: &[u64], mut route: u32, query: &EntryQuery) -> Decoded<usize> {
    let (mut reach, mut is_wanted) = (0, query.asks_for(RouteId(route)));
    for (&difference, past) in differences.iter().zip(1..) {
        if difference != 0 {
            route = route.wrapping_add(u32::try_from(difference)?);
            is_wanted = query.asks_for(RouteId(route));
        }
        if is_wanted {
            reach = past;
        }
    }
    Ok(reach)
}

/// How many entries there are up to the last one whose route and time are wanted.
fn wanted_keys(keys: &[EntryKey], query: &EntryQuery) -> usize {
    for (before, &(route, end, duration_ms)) in keys.iter().enumerate().rev() {
        let start = Timestamp(end.0.saturating_sub(i64::try_from(duration_ms).unwrap_or(i64::MAX)));
        if query.holds(route, start, end) {
            return before + 1;
        }
    }
    0
}

/// What decides whether an entry is wanted: route, end, duration in milliseconds.
type EntryKey = (RouteId, Timestamp, u64);

/// The keys of as many entries as `routes` has.
fn decode_keys(
    base: i64,
    mut route: u32,
    routes: Vec<u64>,
    ends: Decoder<'_>,
    durations: Decoder<'_>,
) -> Decoded<Vec<EntryKey>> {
    let count = routes.len();
    let (ends, durations) = (column::decode(ends, count)?, column::decode(durations, count)?);
    let mut end = base;
    let mut keys = Vec::with_capacity(count);
    for ((route_delta, end_delta), duration_ms) in routes.into_iter().zip(ends).zip(durations) {
        if route_delta != 0 {
            end = base;
        }
        route = route.wrapping_add(u32::try_from(route_delta)?);
        end = end.wrapping_add(end_delta.cast_signed());
        keys.push((RouteId(route), Timestamp(end), duration_ms));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::entry_query::WindowMatch;
    use crate::time::Window;
    use proptest::prelude::*;

    /// Entries as logs have them, and now and then one of the wildest numbers.
    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let usual = (0i64..2_000_000, 0u64..200_000, 0u32..5, prop_oneof![Just(200u16), Just(502)], 0u64..1 << 30);
        let wild = (any::<i64>(), any::<u64>(), any::<u32>(), any::<u16>(), any::<u64>());
        let upstream = prop_oneof![Just(None), (0u64..90_000).prop_map(Some), any::<u64>().prop_map(Some)];
        let rest = (upstream, any::<u8>(), 0u32..3, any::<u32>());
        let entry = (prop_oneof![9 => usual.boxed(), 1 => wild.boxed()], rest).prop_map(
            |((end, duration_ms, route, status, offset), (upstream_ms, kept, generation, length))| Entry {
                end: Timestamp(end),
                duration_ms,
                route: RouteId(route),
                status,
                upstream_ms,
                kept: KeepReasons(kept),
                locator: Locator { generation: GenerationId(generation), offset, length },
            },
        );
        proptest::collection::vec(entry, 0..700)
    }

    fn ordered(mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.sort_by_key(|e| (e.locator, e.end, e.duration_ms, e.route, e.status, e.upstream_ms, e.kept.0));
        entries
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_hold_every_entry_within_their_bounds(entries in entries()) {
            let mut held = Vec::new();
            for (block, bytes) in encode(&entries) {
                let own = decode_block(&bytes, block.count, None).unwrap();
                prop_assert_eq!(own.len() as u64, block.count);
                for entry in &own {
                    prop_assert!(block.min_end <= entry.end && entry.end <= block.max_end);
                    prop_assert!(block.min_start <= entry.start() && entry.duration_ms <= block.max_duration_ms);
                    prop_assert!(block.may_hold(Some(&[entry.route])));
                }
                held.extend(own);
            }
            prop_assert_eq!(ordered(held), ordered(entries));
        }

        /// A search may be given entries that it did not ask for, but none that it asked for is left out.
        #[test]
        fn a_search_finds_what_looking_at_every_entry_finds(
            entries in entries(), from in -100_000i64..2_000_000, length in 0i64..400_000, route in 0u32..6, by_end: bool,
        ) {
            let window = Window { from: Timestamp(from), until: Timestamp(from + length) };
            let mut query = EntryQuery::new(window, if by_end { WindowMatch::End } else { WindowMatch::Overlap });
            query.routes = (route < 5).then(|| vec![RouteId(route)]);
            let mut found = Vec::new();
            for (block, bytes) in encode(&entries) {
                let own = decode_block(&bytes, block.count, Some(&query)).unwrap();
                // Nothing behind the last wanted one is decoded.
                prop_assert!(own.last().is_none_or(|last| query.reaches(last)));
                found.extend(own.into_iter().filter(|entry| query.reaches(entry)));
            }
            let expected: Vec<Entry> = entries.into_iter().filter(|entry| query.reaches(entry)).collect();
            prop_assert_eq!(ordered(found), ordered(expected));
        }

        #[test]
        fn any_bytes_are_entries_or_malformed(bytes in proptest::collection::vec(any::<u8>(), 0..300), count in 0u64..2000) {
            let _either = decode_block(&bytes, count, None);
        }
    }

    #[test]
    fn a_count_that_no_block_has_is_malformed() {
        assert_eq!(decode_block(&[0; 64], MOST as u64 + 1, None), Err(Malformed));
        assert_eq!(decode_block(&[0; 64], u64::MAX, None), Err(Malformed));
    }
}
