//! Damaged segments: what can still be read of one, which lines it was made of, and putting another in its place.

use crate::error::{Error, Result};
use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::commit::{Commit, archived_lines};
use crate::store::disk::damage::operation_failed;
use crate::store::disk::layout;
use crate::store::disk::medium::Medium;
use crate::store::encoding::bytes::Encoder;
use crate::store::encoding::cell_codec::encode_cell;
use crate::store::entry_query::WindowMatch;
use crate::store::manifest::{Manifest, ManifestFailure};
use crate::store::query::rank;
use crate::store::query::view::View;
use crate::store::resolution::{RESOLUTIONS, Resolution, floor};
use crate::store::segment::builder::SegmentBuilder;
use crate::store::segment::info::{SegmentInfo, SegmentKind};
use crate::store::segment::log_ranges;
use crate::store::segment::log_ranges::LogRange;
use crate::store::segment::reader::Segment;
use crate::store::segment::salvage::Salvage;
use crate::store::writer::Writer;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

/// A segment with damaged places.
#[derive(Debug)]
pub struct DamagedSegment {
    info: SegmentInfo,
    interval: Duration,
    /// Its file.
    pub path: PathBuf,
    /// Each damaged place.
    pub places: Vec<Error>,
    /// When the requests ended of which something is lost; whole slots. None if nothing but archived lines is.
    pub window: Option<Window>,
    /// The lines it was made of; `None` if that record is lost too.
    pub ranges: Option<Vec<LogRange>>,
    salvage: Salvage,
}

impl DamagedSegment {
    /// Whether it has roll-ups only: cells of ten minutes and hours, no entries, summaries or lines.
    pub fn is_rolled_up(&self) -> bool {
        self.info.kind == SegmentKind::Rolled
    }

    /// The slot of its finest cells that a slot of the store's interval is counted in.
    pub fn slot_of(&self, slot: Timestamp) -> Timestamp {
        floor(slot, self.finest().millis(self.interval))
    }

    /// The finest resolution it has; its coarser cells are sums of these.
    fn finest(&self) -> Resolution {
        let kept = |resolution: &Resolution| *resolution >= Resolution::TenMinutes && resolution.is_kept(self.interval);
        RESOLUTIONS.into_iter().find(kept).filter(|_| self.is_rolled_up()).unwrap_or(Resolution::Fine)
    }

    /// Its coarser resolutions.
    fn coarser(&self) -> Vec<Resolution> {
        let finest = self.finest();
        let own = |resolution: &Resolution| match self.info.kind {
            SegmentKind::Sealed => false,
            SegmentKind::Detail => *resolution == Resolution::Minute,
            SegmentKind::Rolled => *resolution > finest,
        };
        RESOLUTIONS.into_iter().filter(|resolution| own(resolution) && resolution.is_kept(self.interval)).collect()
    }

    fn lost(&self, resolution: Resolution, slot: Timestamp) -> bool {
        self.salvage.lost_cells.iter().any(|(own, first, last)| *own == resolution && *first <= slot && slot <= *last)
    }
}

impl View {
    /// The segments that do not match their checksums.
    ///
    /// # Errors
    /// If this process cannot read one, which may be all right.
    pub fn damaged_segments(&self) -> Result<Vec<DamagedSegment>> {
        let medium = self.medium.as_ref();
        let mut damaged = Vec::new();
        for segment in &self.segments {
            let errors = segment.verify(medium);
            if let Some(error) = errors.iter().find(|error| error.is_of_access()) {
                return Err(error.clone());
            }
            if !errors.is_empty() {
                damaged.push(self.look_into(segment)?);
            }
        }
        Ok(damaged)
    }

    /// The records of the lines of segments that do not match their checksums. No answer needs them, but their segments could
    /// be restored only as far as they can be read.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn damaged_ranges(&self) -> Result<Vec<Error>> {
        let damaged =
            |segment: &Segment| log_ranges::find_damage(self.medium.as_ref(), segment.info.number).transpose();
        self.segments.iter().filter_map(damaged).collect()
    }

    fn look_into(&self, segment: &Segment) -> Result<DamagedSegment> {
        let (medium, info) = (self.medium.as_ref(), &segment.info);
        let salvage = segment.salvage(medium);
        if let Some(error) = salvage.errors.iter().find(|error| error.is_of_access()) {
            return Err(error.clone());
        }
        let interval = self.settings.interval;
        let fine = Resolution::Fine.millis(interval);
        let mut lost = salvage.lost_cells.iter().map(|(resolution, first, last)| {
            let end = Timestamp(last.0.saturating_add(resolution.millis(interval) - fine));
            (*first.max(&info.cells.min_end), end.min(info.cells.max_end))
        });
        let (mut first, mut last) = lost.next().unwrap_or((Timestamp(i64::MAX), Timestamp(i64::MIN)));
        lost.for_each(|(one, other)| (first, last) = (first.min(one), last.max(other)));
        if salvage.lost_entries {
            (first, last) = (first.min(info.entries.min_end), last.max(info.entries.max_end));
        }
        if salvage.lost_blocks {
            (first, last) = (first.min(info.blocks.min_end), last.max(info.blocks.max_end));
        }
        let until = last.slot(interval).plus(interval);
        let window = Window { from: first.slot(interval), until: until.max(first.slot(interval)) };
        Ok(DamagedSegment {
            info: info.clone(),
            interval,
            path: medium.root().join(layout::segment_file(info.number)),
            places: salvage.errors.clone(),
            window: Some(window).filter(|_| first <= last),
            ranges: log_ranges::read_ranges(medium, info.number)?,
            salvage,
        })
    }
}

impl Writer {
    /// Put a segment in the place of a damaged one: what can still be read of it, and of `counted` (its ranges, counted
    /// again) what was lost. The damaged file is kept as `*.damaged`; its new name is given back.
    ///
    /// # Errors
    /// If a file could not be written; then all is as before, and it may be tried again.
    pub fn repair(&mut self, damaged: &DamagedSegment, counted: Commit) -> Result<PathBuf> {
        self.settle()?;
        let number = self.manifest.next;
        self.manifest.next += 1;
        let mut next = self.manifest.clone();
        let built = self.build_mended(number, damaged, counted, &mut next)?;
        match next.store(self.medium.as_ref()) {
            Err(ManifestFailure::Before(error)) => {
                let _left_behind = self.medium.remove(&layout::segment_file(number));
                let _left_behind = self.medium.remove(&layout::ranges_file(number));
                return Err(error);
            }
            Err(ManifestFailure::Unknown(error)) => {
                self.unsettled = true;
                return Err(error);
            }
            Ok(()) => {}
        }
        self.manifest = next;
        self.view.segments.retain(|held| held.info.number != damaged.info.number);
        self.view.segments.extend(built.map(Segment::new));
        let (old, aside) = (
            layout::segment_file(damaged.info.number),
            format!("{}.damaged", layout::segment_file(damaged.info.number)),
        );
        let moved = self.medium.rename(&old, &aside).and_then(|()| self.medium.sync_folder(layout::SEGMENTS));
        moved.map_err(|error| operation_failed(self.medium.as_ref(), "set the damaged segment aside", &old, &error))?;
        let _left_behind = self.medium.remove(&layout::ranges_file(damaged.info.number));
        Ok(self.medium.root().join(aside))
    }

    /// Write the new segment, if anything is in it, and name it in `next` instead of the damaged one.
    fn build_mended(
        &self,
        number: u64,
        damaged: &DamagedSegment,
        counted: Commit,
        next: &mut Manifest,
    ) -> Result<Option<SegmentInfo>> {
        let medium = self.medium.as_ref();
        let whole = self.whole(damaged, counted)?;
        next.segments.retain(|info| info.number != damaged.info.number);
        if whole.is_empty() {
            return Ok(None);
        }
        if let Some(ranges) = &damaged.ranges {
            log_ranges::write_ranges(medium, number, ranges)?;
        }
        let info = whole
            .write(medium, number, &damaged.info)
            .map_err(|error| operation_failed(medium, "write the segment", &layout::segment_file(number), &error))?;
        next.segments.push(info.clone());
        Ok(Some(info))
    }

    /// What was in the segment: what can be read of it, and for the rest what was counted again.
    fn whole(&self, damaged: &DamagedSegment, counted: Commit) -> Result<RestoredSegment> {
        let Salvage { entries, blocks, lines, lost_entries, lost_blocks, lost_lines, .. } = &damaged.salvage;
        let mut whole = RestoredSegment {
            cells: cells(damaged, counted.cells),
            entries: entries.clone(),
            ..RestoredSegment::default()
        };
        if *lost_entries {
            let held: HashSet<_> = entries.iter().map(|entry| entry.locator).collect();
            whole.entries.extend(counted.entries.into_iter().filter(|entry| !held.contains(&entry.locator)));
            whole.entries = rank::prune(&whole.entries, &self.manifest.settings);
        }
        whole.lines.extend(lines.iter().cloned());
        if *lost_lines {
            let again = counted.lines.into_iter().map(|line| (archived_lines::key(&line.locator), line.line));
            whole.lines.extend(again);
        }
        let kept = archived_lines::keys(&whole.entries);
        whole.lines.retain(|key, _| kept.contains(key));
        let mut summaries: BTreeMap<(GenerationId, u32), BlockSummary> =
            blocks.iter().map(|block| (block.key(), block.clone())).collect();
        if *lost_blocks {
            let elsewhere = self.blocks_elsewhere(damaged)?;
            for block in counted.blocks {
                if elsewhere.contains(&block.key()) || blocks.iter().any(|held| held.key() == block.key()) {
                    continue;
                }
                match summaries.get_mut(&block.key()) {
                    Some(held) => held.merge(&block),
                    None => drop(summaries.insert(block.key(), block)),
                }
            }
        }
        whole.blocks = summaries.into_values().collect();
        Ok(whole)
    }

    /// The blocks that are summarised in other segments or in the journal.
    fn blocks_elsewhere(&self, damaged: &DamagedSegment) -> Result<HashSet<(GenerationId, u32)>> {
        let mut keys: HashSet<_> = self.view.memtable.blocks.keys().copied().collect();
        for other in self.view.segments.iter().filter(|segment| segment.info.number != damaged.info.number) {
            let medium: &dyn Medium = self.medium.as_ref();
            // Another damaged one is mended in its turn.
            other.summaries(medium, Window::ALL, WindowMatch::End, |block| keys.extend([block.key()]), |_| Ok(()))?;
        }
        Ok(keys)
    }
}

/// Cells of all resolutions of a segment.
type SegmentCells = BTreeMap<(Resolution, Timestamp, RouteId), Cell>;

/// The cells that can be read; for the rest, those of the finest resolution from what was counted again, and sums of these.
fn cells(damaged: &DamagedSegment, counted: Vec<(Timestamp, RouteId, Cell)>) -> SegmentCells {
    let held = damaged.salvage.cells.iter().map(|(resolution, slot, route, cell)| ((*resolution, *slot, *route), cell));
    let held: BTreeMap<_, _> = held.collect();
    let mut whole: SegmentCells = held.iter().map(|(key, cell)| (*key, (*cell).clone())).collect();
    let add = |whole: &mut SegmentCells, key: (Resolution, Timestamp, RouteId), cell: &Cell| {
        if damaged.lost(key.0, key.1) && !held.contains_key(&key) {
            whole.entry(key).or_default().merge(cell);
        }
    };
    let finest = damaged.finest();
    for (slot, route, cell) in counted {
        add(&mut whole, (finest, damaged.slot_of(slot), route), &cell);
    }
    let coarser = damaged.coarser();
    let sums: Vec<_> = whole
        .iter()
        .filter(|((resolution, ..), _)| *resolution == finest && !coarser.is_empty())
        .map(|((_, slot, route), cell)| (*slot, *route, cell.clone()))
        .collect();
    for resolution in coarser {
        for (slot, route, cell) in &sums {
            add(&mut whole, (resolution, floor(*slot, resolution.millis(damaged.interval)), *route), cell);
        }
    }
    whole
}

/// All of a segment.
#[derive(Default)]
struct RestoredSegment {
    cells: SegmentCells,
    entries: Vec<Entry>,
    blocks: Vec<BlockSummary>,
    lines: BTreeMap<LineKey, Vec<u8>>,
}

impl RestoredSegment {
    fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.entries.is_empty() && self.blocks.is_empty()
    }

    /// Write and sync it, of the kind and age of the one it stands for.
    fn write(&self, medium: &dyn Medium, number: u64, old: &SegmentInfo) -> std::io::Result<SegmentInfo> {
        let mut builder = SegmentBuilder::create(medium, number, old.kind, old.sealed)?;
        builder.cover(&old.cells);
        let mut room = Buckets::default();
        for ((resolution, slot, route), cell) in &self.cells {
            let mut out = Encoder::default();
            encode_cell(cell, &mut room, &mut out);
            builder.cell(*resolution, *slot, *route, &out.bytes)?;
        }
        builder.entries(&self.entries)?;
        builder.summaries(&self.blocks)?;
        for (key, line) in &self.lines {
            builder.line(*key, line)?;
        }
        builder.finish(medium)
    }
}
