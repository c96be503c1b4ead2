//! Cells added up as they are decoded: sums over a year go through hundreds of thousands of small cells, and one that is decoded only
//! to be added to another costs five times what adding its bytes does.

use super::bytes::{Decoded, Decoder, Malformed};
use super::cell_codec::{decode_buckets, skip_cell};
use crate::histogram::{Cell, TIMES};
use crate::route::RouteId;
use crate::time::{Timestamp, Window};

/// What cells are added to.
pub(crate) trait CellSums {
    /// The sum that a cell of this slot and route belongs to; none if it is not wanted.
    fn sum_of(&mut self, slot: Timestamp, route: RouteId) -> Option<&mut Cell>;
}

/// Room for one cell's numbers, kept from cell to cell to spare allocations.
#[derive(Debug, Default)]
pub(crate) struct CellRoom {
    /// The buckets of its four histograms, one after the other.
    buckets: Vec<(u64, u64)>,
}

/// One histogram of a cell: where its buckets end, and what is kept exactly.
#[derive(Debug, Clone, Copy, Default)]
struct TimeTotals {
    end: usize,
    sum: u64,
    max: u64,
}

/// Add all cells of a block that are in `window`, as [`encode_cells`](super::cell_codec::encode_cells) wrote them.
///
/// # Errors
/// The block is malformed; what was added before the malformed cell stays.
pub(crate) fn add_cells(
    from: &mut Decoder<'_>,
    window: Window,
    room: &mut CellRoom,
    sums: &mut impl CellSums,
) -> Decoded<()> {
    let count = from.count()?;
    let (mut slot, mut route) = (0i64, 0i64);
    for _ in 0..count {
        slot = slot.wrapping_add(from.signed()?);
        route = route.wrapping_add(from.signed()?);
        let (start, id) = (Timestamp(slot), RouteId(u32::try_from(route).or(Err(Malformed))?));
        if start >= window.until {
            // They are in the order of slots.
            return Ok(());
        }
        match window.contains(start).then(|| sums.sum_of(start, id)).flatten() {
            Some(sum) => add_cell(from, room, sum)?,
            None => skip_cell(from)?,
        }
    }
    Ok(())
}

/// Add one cell; of a malformed one nothing is added.
pub(crate) fn add_cell(from: &mut Decoder<'_>, room: &mut CellRoom, sum: &mut Cell) -> Decoded<()> {
    let mut counts = [0u64; 9];
    for count in &mut counts {
        *count = from.varint()?;
    }
    room.buckets.clear();
    let mut times = [TimeTotals::default(); TIMES.len()];
    for totals in &mut times {
        let (sum, max) = decode_buckets(from, |value, count| room.buckets.push((value, count)))?;
        *totals = TimeTotals { end: room.buckets.len(), sum, max };
    }
    let [requests, slow, status_499, bytes_sent, status @ ..] = counts;
    sum.requests = sum.requests.saturating_add(requests);
    sum.slow = sum.slow.saturating_add(slow);
    sum.status_499 = sum.status_499.saturating_add(status_499);
    sum.bytes_sent = sum.bytes_sent.saturating_add(bytes_sent);
    for (own, count) in sum.status.iter_mut().zip(status) {
        *own = own.saturating_add(count);
    }
    let mut start = 0;
    for (time, totals) in TIMES.into_iter().zip(times) {
        if let Some(buckets) = room.buckets.get(start..totals.end).filter(|buckets| !buckets.is_empty()) {
            sum.time_mut(time).add_buckets(buckets, totals.sum, totals.max);
        }
        start = totals.end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{Buckets, Time};
    use crate::store::encoding::bytes::Encoder;
    use crate::store::encoding::cell_codec::{decode_cells, encode_cell, encode_cells};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// By route, of those below 3.
    #[derive(Default)]
    struct ByRoute(BTreeMap<RouteId, Cell>);

    impl CellSums for ByRoute {
        fn sum_of(&mut self, _: Timestamp, route: RouteId) -> Option<&mut Cell> {
            (route.0 < 3).then(|| self.0.entry(route).or_default())
        }
    }

    fn encoded(cell: &Cell) -> Vec<u8> {
        let mut out = Encoder::default();
        encode_cell(cell, &mut Buckets::default(), &mut out);
        out.bytes
    }

    fn cell(values: &[u64]) -> Cell {
        let mut cell = Cell::default();
        for &value in values {
            cell.requests += 1;
            cell.slow += u64::from(value > 1000);
            cell.count_status(u16::try_from(value % 600).unwrap());
            cell.bytes_sent += value;
            cell.time_mut(Time::Request).record(value);
            if value % 3 == 0 {
                cell.time_mut(Time::UpstreamResponse).record(value / 3);
            }
        }
        cell
    }

    proptest! {
        /// Adding bytes is decoding and merging, to the last bit.
        #[test]
        fn adding_bytes_is_merging_cells(
            cells in proptest::collection::btree_map((0i64..20, 0u32..5), proptest::collection::vec(prop_oneof![0u64..3000, 0u64..=u64::from(u32::MAX)], 0..400), 0..12),
            from in 0i64..20,
            length in 0i64..20,
        ) {
            let window = Window { from: Timestamp(from * 1000), until: Timestamp((from + length) * 1000) };
            let cells: Vec<_> = cells.iter().map(|((slot, route), values)| (Timestamp(slot * 1000), RouteId(*route), cell(values))).collect();
            let mut out = Encoder::default();
            encode_cells(&cells, &mut out, |_, _, _| {});
            let mut sums = ByRoute::default();
            add_cells(&mut Decoder::new(&out.bytes), window, &mut CellRoom::default(), &mut sums).unwrap();
            let mut expected = ByRoute::default();
            for (slot, route, cell) in decode_cells(&mut Decoder::new(&out.bytes)).unwrap() {
                if window.contains(slot) && let Some(sum) = expected.sum_of(slot, route) {
                    sum.merge(&cell);
                }
            }
            let bytes = |sums: ByRoute| sums.0.into_iter().map(|(route, cell)| (route, encoded(&cell))).collect::<Vec<_>>();
            prop_assert_eq!(bytes(sums), bytes(expected));
        }
    }

    #[test]
    fn of_a_malformed_cell_nothing_is_added() {
        let whole = encoded(&cell(&[5, 7, 900]));
        for cut in 0..whole.len() {
            let mut sum = Cell::default();
            let cut_off = whole.get(..cut).unwrap();
            assert_eq!(add_cell(&mut Decoder::new(cut_off), &mut CellRoom::default(), &mut sum), Err(Malformed));
            assert_eq!(encoded(&sum), encoded(&Cell::default()), "{cut}");
        }
    }
}
