//! Coarser cells made of finer ones: sums of the same counts, so that merging them is exact. They are made once, while
//! segments are merged, of what these segments hold; so a cell that is in several segments is in several roll-ups too,
//! which add up to the whole as the cells do.

use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder};
use crate::store::encoding::cell_codec::encode_cell;
use crate::store::encoding::cell_sums::{CellRoom, add_cell};
use crate::store::resolution::{RESOLUTIONS, Resolution, floor_to};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// One resolution while its present slot fills.
struct FillingSlot {
    resolution: Resolution,
    millis: i64,
    slot: Timestamp,
    cells: BTreeMap<RouteId, Cell>,
}

/// Cells of all coarser resolutions, from cells of the store's interval by slot and route.
///
/// Cells come by slot, so only one slot of each resolution is filling at a time: memory is a cell for each route and
/// resolution. A slot that ends is handed out and added to the next coarser one, so each cell is added once a
/// resolution.
pub(crate) struct Rollup {
    /// Finest first.
    resolutions: Vec<FillingSlot>,
    room: Buckets,
    cell_room: CellRoom,
}

impl Rollup {
    /// Nothing seen yet.
    pub(crate) fn new(interval: Duration) -> Rollup {
        let kept = RESOLUTIONS
            .into_iter()
            .filter(|resolution| *resolution != Resolution::Fine && resolution.is_kept(interval));
        let filling = |resolution: Resolution| FillingSlot {
            resolution,
            millis: resolution.slot_millis(interval),
            slot: Timestamp(i64::MIN),
            cells: BTreeMap::new(),
        };
        Rollup { resolutions: kept.map(filling).collect(), room: Buckets::default(), cell_room: CellRoom::default() }
    }

    /// Add a cell; `each` hears of the coarser cells that are complete by this.
    pub(crate) fn add_cell<E>(
        &mut self,
        slot: Timestamp,
        route: RouteId,
        cell: &[u8],
        each: &mut impl FnMut(Resolution, Timestamp, RouteId, &[u8]) -> Result<(), E>,
    ) -> Decoded<Result<(), E>> {
        let Some(finest) = self.resolutions.first() else { return Ok(Ok(())) };
        if floor_to(slot, finest.millis) != finest.slot
            && let Err(error) = self.pass_on(Some(slot), each)
        {
            return Ok(Err(error));
        }
        if let Some(finest) = self.resolutions.first_mut() {
            add_cell(&mut Decoder::new(cell), &mut self.cell_room, finest.cells.entry(route).or_default())?;
        }
        Ok(Ok(()))
    }

    /// What is still filling.
    pub(crate) fn finish<E>(
        mut self,
        each: &mut impl FnMut(Resolution, Timestamp, RouteId, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.pass_on(None, each)
    }

    /// Go on to the slots of `next`, or to the end: what is complete is handed out, and added to the next coarser resolution.
    fn pass_on<E>(
        &mut self,
        next: Option<Timestamp>,
        each: &mut impl FnMut(Resolution, Timestamp, RouteId, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut complete: Vec<(RouteId, Cell)> = Vec::new();
        for filling in &mut self.resolutions {
            for (route, cell) in complete.drain(..) {
                filling.cells.entry(route).or_default().merge(&cell);
            }
            let coming = next.map(|next| floor_to(next, filling.millis));
            if coming == Some(filling.slot) {
                return Ok(());
            }
            for (route, cell) in std::mem::take(&mut filling.cells) {
                let mut out = Encoder::default();
                encode_cell(&cell, &mut self.room, &mut out);
                each(filling.resolution, filling.slot, route, &out.bytes)?;
                complete.push((route, cell));
            }
            filling.slot = coming.unwrap_or(filling.slot);
        }
        Ok(())
    }
}
