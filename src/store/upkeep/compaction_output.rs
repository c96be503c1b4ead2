//! The segments that merging writes: what they take over from their sources as a whole, and errors that name them.

use crate::error::Result;
use crate::route::RouteId;
use crate::store::disk::damage::FileOperation;
use crate::store::disk::layout;
use crate::store::disk::medium::Medium;
use crate::store::resolution::Resolution;
use crate::store::segment::builder::SegmentBuilder;
use crate::store::segment::info::{SegmentInfo, SegmentKind, TimeBounds};
use crate::store::segment::log_ranges;
use crate::store::segment::log_ranges::LogRange;
use crate::store::segment::reader::Segment;
use crate::time::Timestamp;
use std::io;

/// What merged segments take over from their sources as a whole.
pub(super) struct Inherited {
    /// The latest commit that went into any of them.
    sealed: Timestamp,
    /// The slots of their cells.
    slots: TimeBounds,
    /// The lines they were made of, if that is known of each.
    ranges: Option<Vec<LogRange>>,
}

impl Inherited {
    /// The latest of their times, all of their slots, and their ranges joined.
    pub(super) fn from_sources(medium: &dyn Medium, sources: &[&Segment]) -> Result<Inherited> {
        let (mut sealed, mut slots, mut numbers) = (None, TimeBounds::EMPTY, Vec::new());
        for segment in sources {
            sealed = sealed.max(Some(segment.info.sealed));
            slots.add(&segment.info.cells);
            numbers.push(segment.info.number);
        }
        let ranges = log_ranges::read_all_ranges(medium, numbers)?;
        Ok(Inherited { sealed: sealed.unwrap_or_default(), slots, ranges })
    }
}

/// What a failed call was to do.
const WRITING: &str = "write the segment";

/// A segment being written, with errors that name it.
pub(super) struct CompactionOutput<'m> {
    medium: &'m dyn Medium,
    name: String,
    /// What was written goes through [`CompactionOutput::name_failure`].
    pub(super) builder: SegmentBuilder,
}

impl<'m> CompactionOutput<'m> {
    /// Begin a segment: the record of its lines first, since no segment may be named before that is there.
    pub(super) fn create(
        medium: &'m dyn Medium,
        number: u64,
        kind: SegmentKind,
        inherited: &Inherited,
    ) -> Result<CompactionOutput<'m>> {
        if let Some(ranges) = &inherited.ranges {
            log_ranges::write_ranges(medium, number, ranges)?;
        }
        let name = layout::segment_file(number);
        let builder = SegmentBuilder::create(medium, number, kind, inherited.sealed);
        let mut builder = builder.or_failed(medium, WRITING, &name)?;
        builder.cover_slots(&inherited.slots);
        Ok(CompactionOutput { medium, name, builder })
    }

    /// What became of a call of the builder, with an error that names the file.
    pub(super) fn name_failure(&self, written: io::Result<()>) -> Result<()> {
        written.or_failed(self.medium, WRITING, &self.name)
    }

    /// The next cell of a resolution, by slot and route, encoded.
    pub(super) fn add_cell(
        &mut self,
        resolution: Resolution,
        slot: Timestamp,
        route: RouteId,
        cell: &[u8],
    ) -> Result<()> {
        let added = self.builder.add_cell(resolution, slot, route, cell);
        self.name_failure(added)
    }

    /// Write the rest and sync it; what the manifest is to say of it.
    pub(super) fn finish(self) -> Result<SegmentInfo> {
        let CompactionOutput { medium, name, builder } = self;
        builder.finish(medium).or_failed(medium, WRITING, &name)
    }
}
