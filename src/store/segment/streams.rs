//! A segment's cells and lines in their order, a block at a time: for merging segments in little memory.
//!
//! A stream holds one decompressed block, about 64 KiB of cells or 256 KiB of lines, so merging n segments takes
//! memory for n blocks, however large the segments are.

use crate::error::Result;
use crate::route::RouteId;
use crate::store::commit::archived_lines::LineKey;
use crate::store::disk::medium::Medium;
use crate::store::encoding::encoded_cells::CellBatch;
use crate::store::resolution::Resolution;
use crate::store::segment::reader::Segment;
use crate::time::Timestamp;
use std::vec::IntoIter;

/// The cells of one resolution of one segment, by slot and route, encoded.
pub(crate) struct CellStream<'s> {
    segment: &'s Segment,
    medium: &'s dyn Medium,
    resolution: Resolution,
    block: usize,
    batch: CellBatch,
    at: usize,
}

impl<'s> CellStream<'s> {
    /// A stream that stands at the first cell.
    pub(crate) fn new(segment: &'s Segment, medium: &'s dyn Medium, resolution: Resolution) -> Result<CellStream<'s>> {
        let mut stream = CellStream { segment, medium, resolution, block: 0, batch: CellBatch::default(), at: 0 };
        stream.fill()?;
        Ok(stream)
    }

    /// The cell at hand; `None` at the end.
    pub(crate) fn get(&self) -> Option<(Timestamp, RouteId, &[u8])> {
        self.batch.cell_at(self.at)
    }

    /// Slot and route of the cell at hand: the order of the stream, and what cells of several segments are merged by.
    pub(crate) fn key(&self) -> Option<(Timestamp, RouteId)> {
        let (slot, route, _) = self.batch.cells.get(self.at)?;
        Some((*slot, *route))
    }

    /// Go on to the next cell.
    pub(crate) fn step(&mut self) -> Result<()> {
        self.at += 1;
        self.fill()
    }

    /// Read on until there is a cell at hand, or the end is reached.
    fn fill(&mut self) -> Result<()> {
        while self.at >= self.batch.cells.len() {
            let Some(block) = self.segment.directory(self.medium)?.cells(self.resolution).get(self.block) else {
                return Ok(());
            };
            self.batch = self.segment.unpack_block(self.medium, block.place, block.unpacked, CellBatch::decode)?;
            (self.at, self.block) = (0, self.block + 1);
        }
        Ok(())
    }
}

/// The archived lines of one segment, by generation and offset.
pub(crate) struct LineStream<'s> {
    segment: &'s Segment,
    medium: &'s dyn Medium,
    block: usize,
    lines: IntoIter<(LineKey, Vec<u8>)>,
    now: Option<(LineKey, Vec<u8>)>,
}

impl<'s> LineStream<'s> {
    /// A stream that stands at the first line.
    pub(crate) fn new(segment: &'s Segment, medium: &'s dyn Medium) -> Result<LineStream<'s>> {
        let mut stream = LineStream { segment, medium, block: 0, lines: Vec::new().into_iter(), now: None };
        stream.step()?;
        Ok(stream)
    }

    /// The line at hand; `None` at the end.
    pub(crate) fn get(&self) -> Option<&(LineKey, Vec<u8>)> {
        self.now.as_ref()
    }

    /// What names the line at hand.
    pub(crate) fn key(&self) -> Option<LineKey> {
        let (key, _) = self.now.as_ref()?;
        Some(*key)
    }

    /// Go on to the next line.
    pub(crate) fn step(&mut self) -> Result<()> {
        self.now = self.lines.next();
        while self.now.is_none() {
            let Some(block) = self.segment.directory(self.medium)?.lines.get(self.block) else { return Ok(()) };
            self.lines = self.segment.read_lines(self.medium, block)?.into_iter();
            self.block += 1;
            self.now = self.lines.next();
        }
        Ok(())
    }
}
