//! Writes a segment, front to back, in little memory: each kind of content in its own order, kinds in any order.
//!
//! The directory and the footer are written last, so a segment that a crash cut short has no footer, and no manifest
//! names it: it is removed as a leftover. Blocks are written as soon as they are full; of what is in the file, only
//! places and bounds stay in memory.

use crate::route::RouteId;
use crate::store::commit::archived_lines::{LineKey, encode_keys};
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::disk::layout;
use crate::store::disk::layout::SEGMENTS;
use crate::store::disk::medium::{Medium, WritableFile, write_all};
use crate::store::encoding::bytes::{Encode, Encoder, checksum};
use crate::store::encoding::cell_codec::copy_cells;
use crate::store::resolution::{RESOLUTIONS, Resolution};
use crate::store::segment::directory::{
    BlockPlace, CellBlock, Directory, FOOTER_MAGIC, LineBlock, SEGMENT_MAGIC, SummaryBlock,
};
use crate::store::segment::entry_blocks;
use crate::store::segment::info::{SEGMENT_VERSION, SegmentInfo, SegmentKind, TimeBounds};
use crate::time::Timestamp;
use std::io;

/// Cells in a block.
const CELLS: usize = 256;

/// A block of cells is also full when it has so many bytes: those of hours are large.
const CELL_BYTES: usize = 64 * 1024;

/// Summaries in a block.
const SUMMARIES: usize = 64;

/// A block of lines is full when it has so many bytes.
const LINE_BYTES: usize = 256 * 1024;

/// How hard cells and summaries are compressed.
const PACKING: i32 = 3;

/// How hard lines are.
const LINE_PACKING: i32 = 9;

/// So many bytes are gathered for one write.
const BUFFER: usize = 1 << 20;

/// Cells that wait for their block to be full.
#[derive(Default)]
struct PendingCells {
    bytes: Vec<u8>,
    cells: Vec<(Timestamp, RouteId, std::ops::Range<usize>)>,
}

/// A segment being written.
pub(crate) struct SegmentBuilder {
    sink: Box<dyn WritableFile>,
    buffer: Vec<u8>,
    at: u64,
    info: SegmentInfo,
    directory: Directory,
    waiting: [PendingCells; 4],
    lines: Vec<(LineKey, Vec<u8>)>,
    line_bytes: usize,
    packer: zstd::bulk::Compressor<'static>,
    line_packer: Option<zstd::bulk::Compressor<'static>>,
}

impl SegmentBuilder {
    /// Begin the segment of this number; its file is replaced if there is one.
    pub(crate) fn create(
        medium: &dyn Medium,
        number: u64,
        kind: SegmentKind,
        sealed: Timestamp,
    ) -> io::Result<SegmentBuilder> {
        let mut header = Encoder::default();
        header.bytes.extend_from_slice(SEGMENT_MAGIC);
        header.u32(SEGMENT_VERSION);
        header.u64(number);
        Ok(SegmentBuilder {
            sink: medium.create(&layout::segment_file(number))?,
            at: length(&header.bytes),
            buffer: header.bytes,
            info: SegmentInfo::empty(number, kind, sealed),
            directory: Directory::default(),
            waiting: Default::default(),
            lines: Vec::new(),
            line_bytes: 0,
            packer: zstd::bulk::Compressor::new(PACKING)?,
            line_packer: None,
        })
    }

    /// The next cell of a resolution, by slot and route, encoded. The bounds are those of [`SegmentBuilder::cover_slots`].
    pub(crate) fn add_cell(
        &mut self,
        resolution: Resolution,
        slot: Timestamp,
        route: RouteId,
        cell: &[u8],
    ) -> io::Result<()> {
        let [cells, ..] = &mut self.info.counts;
        *cells += 1;
        let waiting = self.waiting_mut(resolution);
        let start = waiting.bytes.len();
        waiting.bytes.extend_from_slice(cell);
        waiting.cells.push((slot, route, start..waiting.bytes.len()));
        if waiting.cells.len() >= CELLS || waiting.bytes.len() >= CELL_BYTES {
            self.write_cells(resolution)
        } else {
            Ok(())
        }
    }

    /// The cells are made of slots of the store's interval that start within these bounds.
    pub(crate) fn cover_slots(&mut self, slots: &TimeBounds) {
        self.info.cells.add(slots);
    }

    fn waiting_mut(&mut self, resolution: Resolution) -> &mut PendingCells {
        let [fine, minute, ten_minutes, hour] = &mut self.waiting;
        match resolution {
            Resolution::Fine => fine,
            Resolution::Minute => minute,
            Resolution::TenMinutes => ten_minutes,
            Resolution::Hour => hour,
        }
    }

    /// Write the cells of a resolution that wait, as a block.
    fn write_cells(&mut self, resolution: Resolution) -> io::Result<()> {
        let waiting = std::mem::take(self.waiting_mut(resolution));
        let (Some(first), Some(last)) = (waiting.cells.first(), waiting.cells.last()) else { return Ok(()) };
        let (first, last) = (first.0, last.0);
        let cells: Vec<(Timestamp, RouteId, &[u8])> = waiting
            .cells
            .iter()
            .map(|(slot, route, range)| (*slot, *route, waiting.bytes.get(range.clone()).unwrap_or_default()))
            .collect();
        let mut body = Encoder::default();
        copy_cells(&cells, &mut body);
        let packed = self.packer.compress(&body.bytes)?;
        let block = CellBlock { place: self.write_block(&packed)?, unpacked: length(&body.bytes), first, last };
        self.directory.cells_mut(resolution).push(block);
        Ok(())
    }

    /// All entries, in any order.
    pub(crate) fn add_entries(&mut self, entries: &[Entry]) -> io::Result<()> {
        let [_, count, _] = &mut self.info.counts;
        *count += u64::try_from(entries.len()).unwrap_or(u64::MAX);
        for (mut block, bytes) in entry_blocks::encode(entries) {
            block.place = self.write_block(&bytes)?;
            self.info.entries.add(&block.bounds());
            self.directory.entries.push(block);
        }
        Ok(())
    }

    /// All block summaries, by generation and number, each once.
    pub(crate) fn add_summaries(&mut self, blocks: &[BlockSummary]) -> io::Result<()> {
        let [.., count] = &mut self.info.counts;
        *count += u64::try_from(blocks.len()).unwrap_or(u64::MAX);
        for chunk in blocks.chunks(SUMMARIES) {
            let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { continue };
            let mut body = Encoder::default();
            body.list(chunk);
            let packed = self.packer.compress(&body.bytes)?;
            let mut bounds = TimeBounds::EMPTY;
            for (at, block) in chunk.iter().enumerate() {
                bounds.add(&TimeBounds { min_start: block.min_start, min_end: block.min_end, max_end: block.max_end });
                if block.lines == 0 {
                    bounds.add(&between_neighbours(chunk, at, block));
                }
            }
            let (place, unpacked) = (self.write_block(&packed)?, length(&body.bytes));
            self.directory.summaries.push(SummaryBlock {
                place,
                unpacked,
                bounds,
                first: first.key(),
                last: last.key(),
            });
            self.info.blocks.add(&bounds);
        }
        Ok(())
    }

    /// The next archived line, by generation and offset.
    pub(crate) fn add_line(&mut self, key: LineKey, line: &[u8]) -> io::Result<()> {
        self.info.lines += 1;
        self.line_bytes += line.len();
        self.lines.push((key, line.to_vec()));
        if self.line_bytes >= LINE_BYTES { self.write_lines() } else { Ok(()) }
    }

    /// Write the lines that wait, as a block.
    fn write_lines(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.line_bytes = 0;
        let (Some(&(first, _)), Some(&(last, _))) = (lines.first(), lines.last()) else { return Ok(()) };
        let mut body = Encoder::default();
        encode_keys(lines.iter().map(|(key, line)| (*key, line.as_slice())), &mut body);
        lines.iter().for_each(|(_, line)| body.bytes.extend_from_slice(line));
        let packer = match &mut self.line_packer {
            Some(packer) => packer,
            None => self.line_packer.insert(zstd::bulk::Compressor::new(LINE_PACKING)?),
        };
        let packed = packer.compress(&body.bytes)?;
        let block = LineBlock { place: self.write_block(&packed)?, unpacked: length(&body.bytes), first, last };
        self.directory.lines.push(block);
        Ok(())
    }

    /// Write what waits, the directory and the footer; make the file and its name durable.
    pub(crate) fn finish(mut self, medium: &dyn Medium) -> io::Result<SegmentInfo> {
        for resolution in RESOLUTIONS {
            self.write_cells(resolution)?;
        }
        self.write_lines()?;
        let mut body = Encoder::default();
        self.directory.encode(&mut body);
        let place = self.write_block(&body.bytes)?;
        let mut footer = Encoder::default();
        footer.u64(place.offset);
        footer.u64(place.length);
        footer.u64(place.checksum);
        footer.u64(checksum(&footer.bytes));
        footer.bytes.extend_from_slice(FOOTER_MAGIC);
        self.write_bytes(&footer.bytes)?;
        self.flush()?;
        self.sink.sync()?;
        medium.sync_folder(SEGMENTS)?;
        self.info.length = self.at;
        Ok(self.info)
    }

    /// Write a block; where it came to stand.
    fn write_block(&mut self, bytes: &[u8]) -> io::Result<BlockPlace> {
        let place = BlockPlace { offset: self.at, length: length(bytes), checksum: checksum(bytes) };
        self.write_bytes(bytes)?;
        Ok(place)
    }

    /// Write by way of the buffer.
    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += length(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        write_all(self.sink.as_mut(), &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// When a block without lines was written: nothing in it says so, its neighbours do.
fn between_neighbours(chunk: &[BlockSummary], at: usize, block: &BlockSummary) -> TimeBounds {
    let near = |other: &&BlockSummary| other.generation == block.generation && other.lines > 0;
    let before = chunk.get(..at).and_then(|before| before.iter().rfind(near)).map(|near| near.max_end);
    let after = chunk.get(at..).and_then(|after| after.iter().find(near)).map(|near| near.min_end);
    let min_end = before.unwrap_or(Timestamp(i64::MIN));
    TimeBounds { min_start: min_end, min_end, max_end: after.unwrap_or(Timestamp(i64::MAX)) }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
