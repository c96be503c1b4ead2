//! From what the journal holds to the bytes of a segment.

use super::directory::{Bounds, CellBlock, Directory, Info, Place, SummaryBlock};
use super::{FOOTER_MAGIC, MAGIC, VERSION, entries};
use crate::route::RouteId;
use crate::store::block::BlockSummary;
use crate::store::cell::copy_cells;
use crate::store::encode::{Encode, Encoder, checksum};
use crate::store::entry::Entry;
use crate::time::Timestamp;

/// Cells in a block.
const CELLS: usize = 256;

/// Summaries in a block.
const SUMMARIES: usize = 64;

/// What compresses all of a segment's blocks; making one costs as much as a block.
type Packer = zstd::bulk::Compressor<'static>;

/// A segment's bytes. `cells` are encoded and sorted by slot and route, `blocks` by generation and number.
pub(crate) fn build(
    number: u64,
    cells: &[(Timestamp, RouteId, &[u8])],
    entries: &[Entry],
    blocks: &[BlockSummary],
) -> std::io::Result<(Vec<u8>, Info)> {
    let mut out = Encoder::default();
    out.bytes.extend_from_slice(MAGIC);
    out.u32(VERSION);
    out.u64(number);
    let counts = [cells.len(), entries.len(), blocks.len()].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    let mut info =
        Info { number, length: 0, cells: Bounds::EMPTY, entries: Bounds::EMPTY, blocks: Bounds::EMPTY, counts };
    let mut directory = Directory::default();
    let mut packer = zstd::bulk::Compressor::new(3)?;
    for chunk in cells.chunks(CELLS) {
        let block = cell_block(chunk, &mut packer, &mut out)?;
        info.cells.add(&Bounds { min_start: block.first, min_end: block.first, max_end: block.last });
        directory.cells.push(block);
    }
    for (mut block, bytes) in entries::encode(entries) {
        block.place = place(&bytes, &mut out);
        info.entries.add(&block.bounds());
        directory.entries.push(block);
    }
    for chunk in blocks.chunks(SUMMARIES) {
        let Some(block) = summary_block(chunk, &mut packer, &mut out)? else { continue };
        info.blocks.add(&block.bounds);
        directory.summaries.push(block);
    }
    let mut body = Encoder::default();
    directory.encode(&mut body);
    let place = place(&body.bytes, &mut out);
    let mut footer = Encoder::default();
    footer.u64(place.offset);
    footer.u64(place.length);
    footer.u64(place.checksum);
    footer.u64(checksum(&footer.bytes));
    out.bytes.extend_from_slice(&footer.bytes);
    out.bytes.extend_from_slice(FOOTER_MAGIC);
    info.length = length(&out.bytes);
    Ok((out.bytes, info))
}

fn cell_block(
    cells: &[(Timestamp, RouteId, &[u8])],
    packer: &mut Packer,
    out: &mut Encoder,
) -> std::io::Result<CellBlock> {
    let mut body = Encoder::default();
    copy_cells(cells, &mut body);
    let packed = packer.compress(&body.bytes)?;
    let slot = |cell: Option<&(Timestamp, RouteId, &[u8])>| cell.map(|(slot, _, _)| *slot).unwrap_or_default();
    Ok(CellBlock {
        place: place(&packed, out),
        unpacked: length(&body.bytes),
        first: slot(cells.first()),
        last: slot(cells.last()),
    })
}

fn summary_block(
    blocks: &[BlockSummary],
    packer: &mut Packer,
    out: &mut Encoder,
) -> std::io::Result<Option<SummaryBlock>> {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(None) };
    let mut body = Encoder::default();
    body.list(blocks);
    let packed = packer.compress(&body.bytes)?;
    let mut bounds = Bounds::EMPTY;
    for (at, block) in blocks.iter().enumerate() {
        bounds.add(&Bounds { min_start: block.min_start, min_end: block.min_end, max_end: block.max_end });
        if block.lines == 0 {
            // Nothing in it says when it was written; its neighbours do.
            let near = |other: &&BlockSummary| other.generation == block.generation && other.lines > 0;
            let before = blocks.get(..at).and_then(|before| before.iter().rfind(near)).map(|near| near.max_end);
            let after = blocks.get(at..).and_then(|after| after.iter().find(near)).map(|near| near.min_end);
            let min_end = before.unwrap_or(Timestamp(i64::MIN));
            bounds.add(&Bounds { min_start: min_end, min_end, max_end: after.unwrap_or(Timestamp(i64::MAX)) });
        }
    }
    let unpacked = length(&body.bytes);
    Ok(Some(SummaryBlock { place: place(&packed, out), unpacked, bounds, first: first.key(), last: last.key() }))
}

fn place(bytes: &[u8], out: &mut Encoder) -> Place {
    let place = Place { offset: length(&out.bytes), length: length(bytes), checksum: checksum(bytes) };
    out.bytes.extend_from_slice(bytes);
    place
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
