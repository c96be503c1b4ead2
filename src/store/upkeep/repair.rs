//! Putting another segment in the place of a damaged one.
//!
//! What is restored is the union of what can be read and what was counted again, each thing once: a cell or summary
//! that can be read wins over the one that was counted, since the counted ones may be of a part of the lines only.

use crate::error::Result;
use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::{BlockKey, BlockSummary};
use crate::store::commit::entry::Entry;
use crate::store::commit::{Commit, archived_lines};
use crate::store::disk::damage::FileOperation;
use crate::store::disk::layout::{self, DAMAGED};
use crate::store::disk::medium::{Medium, write_file};
use crate::store::encoding::bytes::Encoder;
use crate::store::encoding::cell_codec::encode_cell;
use crate::store::entry_query::WindowMatch;
use crate::store::manifest::in_force::ManifestInForce;
use crate::store::query::damaged::DamagedSegment;
use crate::store::query::rank;
use crate::store::query::view::View;
use crate::store::resolution::{Resolution, floor_to};
use crate::store::segment::builder::SegmentBuilder;
use crate::store::segment::info::SegmentInfo;
use crate::store::segment::log_ranges;
use crate::store::segment::salvage::Salvage;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

/// Put a segment in the place of a damaged one, see `Writer::repair`.
///
/// # Errors
/// If a file could not be written; then all is as before, and it may be tried again.
pub(crate) fn replace_damaged(
    manifest: &mut ManifestInForce,
    view: &mut View,
    damaged: &DamagedSegment,
    counted: Commit,
) -> Result<PathBuf> {
    manifest.settle()?;
    let number = manifest.new_number();
    let whole = RestoredSegment::new(view, damaged, counted)?;
    let info = whole.write(manifest.medium(), number, damaged)?;
    let old = damaged.info.number;
    let is_kept = keep_copy(manifest.medium(), old)?;
    let mut next = manifest.manifest().clone();
    next.segments.retain(|info| info.number != old);
    next.segments.extend(info.clone());
    manifest.replace_or_keep(next, layout::segment_files(&[number]))?;
    view.sealed.replace(old, info);
    set_aside(manifest.medium(), old, is_kept)
}

/// What a failed call was to do.
const SETTING_ASIDE: &str = "set the damaged segment aside";

/// Where a damaged segment is kept.
fn aside_of(number: u64) -> String {
    format!("{}{DAMAGED}", layout::segment_file(number))
}

/// Copy a damaged segment aside before a manifest does without it: what no manifest names is removed after a crash. Whether there
/// is a copy: a disk may not give the bytes any more.
fn keep_copy(medium: &dyn Medium, number: u64) -> Result<bool> {
    let Ok(bytes) = medium.read(&layout::segment_file(number)) else { return Ok(false) };
    let aside = aside_of(number);
    write_file(medium, &aside, &bytes).or_failed(medium, SETTING_ASIDE, &aside)?;
    medium.sync_folder(layout::SEGMENTS).or_failed(medium, SETTING_ASIDE, &aside)?;
    Ok(true)
}

/// The file of a damaged segment goes, of which there is a copy, or gets the copy's name, which is given back.
fn set_aside(medium: &dyn Medium, number: u64, is_kept: bool) -> Result<PathBuf> {
    let (file, aside) = (layout::segment_file(number), aside_of(number));
    if is_kept {
        let _left_behind = medium.remove(&file);
    } else {
        medium.rename(&file, &aside).or_failed(medium, SETTING_ASIDE, &file)?;
        medium.sync_folder(layout::SEGMENTS).or_failed(medium, SETTING_ASIDE, &file)?;
    }
    let _left_behind = medium.remove(&layout::ranges_file(number));
    Ok(medium.root().join(aside))
}

/// What names a cell of a segment.
type CellKey = (Resolution, Timestamp, RouteId);

/// Cells of all resolutions of a segment.
type SegmentCells = BTreeMap<CellKey, Cell>;

/// The cells that can be read; for the rest, those of the finest resolution from what was counted again, and sums of these.
fn restored_cells(damaged: &DamagedSegment, counted: Vec<(Timestamp, RouteId, Cell)>) -> SegmentCells {
    let mut whole = SegmentCells::new();
    for (resolution, slot, route, cell) in &damaged.salvage.cells {
        whole.insert((*resolution, *slot, *route), cell.clone());
    }
    let held: BTreeSet<CellKey> = whole.keys().copied().collect();
    let finest = damaged.finest();
    for (slot, route, cell) in counted {
        let key = (finest, damaged.slot_of(slot), route);
        if is_to_restore(damaged, &held, key) {
            whole.entry(key).or_default().merge(&cell);
        }
    }
    for resolution in damaged.coarser() {
        let millis = resolution.slot_millis(damaged.interval);
        let mut sums = SegmentCells::new();
        for ((_, slot, route), cell) in whole.range(first_key(finest)..).take_while(|(key, _)| key.0 == finest) {
            let key = (resolution, floor_to(*slot, millis), *route);
            if is_to_restore(damaged, &held, key) {
                sums.entry(key).or_default().merge(cell);
            }
        }
        whole.append(&mut sums);
    }
    whole
}

/// Whether a cell was in a block that is lost, and in none that can be read: blocks overlap in their slots.
fn is_to_restore(damaged: &DamagedSegment, held: &BTreeSet<CellKey>, key: CellKey) -> bool {
    let (resolution, slot, _) = key;
    damaged.is_lost(resolution, slot) && !held.contains(&key)
}

/// What stands before every cell of a resolution.
fn first_key(resolution: Resolution) -> CellKey {
    (resolution, Timestamp(i64::MIN), RouteId(0))
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
    /// What was in the segment: what can be read of it, and for the rest what was counted again.
    fn new(view: &View, damaged: &DamagedSegment, counted: Commit) -> Result<RestoredSegment> {
        let Salvage { entries, lines, lost_entries, lost_lines, .. } = &damaged.salvage;
        let mut whole = RestoredSegment { entries: entries.clone(), ..RestoredSegment::default() };
        if *lost_entries {
            let held: HashSet<_> = entries.iter().map(|entry| entry.locator).collect();
            for entry in counted.entries {
                if !held.contains(&entry.locator) {
                    whole.entries.push(entry);
                }
            }
            whole.entries = rank::prune_entries(&whole.entries, &view.settings);
        }
        whole.lines.extend(lines.iter().cloned());
        if *lost_lines {
            for line in counted.lines {
                whole.lines.insert(archived_lines::line_key(&line.locator), line.line);
            }
        }
        let kept = archived_lines::line_keys(&whole.entries);
        whole.lines.retain(|key, _| kept.contains(key));
        whole.blocks = restored_blocks(view, damaged, counted.blocks)?;
        whole.cells = restored_cells(damaged, counted.cells);
        Ok(whole)
    }

    /// Whether nothing is left of it: then no segment takes its place.
    fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.entries.is_empty() && self.blocks.is_empty()
    }

    /// Write and sync it, of the kind and age of the one it stands for, if anything is in it.
    fn write(&self, medium: &dyn Medium, number: u64, damaged: &DamagedSegment) -> Result<Option<SegmentInfo>> {
        if self.is_empty() {
            return Ok(None);
        }
        if let Some(ranges) = &damaged.ranges {
            log_ranges::write_ranges(medium, number, ranges)?;
        }
        let written = self.build(medium, number, &damaged.info);
        written.map(Some).or_failed(medium, "write the segment", &layout::segment_file(number))
    }

    /// Write and sync the file.
    fn build(&self, medium: &dyn Medium, number: u64, old: &SegmentInfo) -> std::io::Result<SegmentInfo> {
        let mut builder = SegmentBuilder::create(medium, number, old.kind, old.sealed)?;
        builder.cover_slots(&old.cells);
        let mut room = Buckets::default();
        for ((resolution, slot, route), cell) in &self.cells {
            let mut out = Encoder::default();
            encode_cell(cell, &mut room, &mut out);
            builder.add_cell(*resolution, *slot, *route, &out.bytes)?;
        }
        builder.add_entries(&self.entries)?;
        builder.add_summaries(&self.blocks)?;
        for (key, line) in &self.lines {
            builder.add_line(*key, line)?;
        }
        builder.finish(medium)
    }
}

/// The summaries that can be read; for the rest, those of what was counted again.
fn restored_blocks(view: &View, damaged: &DamagedSegment, counted: Vec<BlockSummary>) -> Result<Vec<BlockSummary>> {
    let held = &damaged.salvage.blocks;
    let mut whole = BTreeMap::new();
    for block in held {
        whole.insert(block.key(), block.clone());
    }
    if damaged.salvage.lost_blocks {
        let mut elsewhere = blocks_elsewhere(view, damaged)?;
        elsewhere.extend(held.iter().map(BlockSummary::key));
        for block in counted {
            if elsewhere.contains(&block.key()) {
                continue;
            }
            match whole.get_mut(&block.key()) {
                Some(known) => known.merge(&block),
                None => drop(whole.insert(block.key(), block)),
            }
        }
    }
    Ok(whole.into_values().collect())
}

/// The blocks that are summarised in other segments or in the journal.
fn blocks_elsewhere(view: &View, damaged: &DamagedSegment) -> Result<HashSet<BlockKey>> {
    let mut keys: HashSet<BlockKey> = view.memtable.blocks.keys().copied().collect();
    for other in view.sealed.iter() {
        if other.info.number == damaged.info.number {
            continue;
        }
        let medium = view.sealed.medium();
        let add = |block: BlockSummary| keys.extend([block.key()]);
        // Another damaged one is repaired in its turn.
        other.each_summary(medium, Window::ALL, WindowMatch::End, add, |_| Ok(()))?;
    }
    Ok(keys)
}
