//! Damaged segments: what can still be read of one, which lines it was made of, and putting another in its place.

use super::block::BlockSummary;
use super::cell::encode_cell;
use super::commit::Commit;
use super::damage::failed;
use super::encode::Encoder;
use super::entry::Entry;
use super::manifest::{Manifest, Unstored};
use super::medium::write_file;
use super::query::By;
use super::ranges::{self, LogRange};
use super::segment::{self, Info, Salvage, Segment};
use super::view::View;
use super::writer::Writer;
use super::{medium::Medium, rank};
use crate::error::{Error, Result};
use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// A segment with damaged places.
#[derive(Debug)]
pub struct Damaged {
    number: u64,
    /// Its file.
    pub path: PathBuf,
    /// Each damaged place.
    pub places: Vec<Error>,
    /// When the requests ended of which something is lost; whole slots.
    pub window: Window,
    /// The lines it was made of; `None` if that record is lost too.
    pub ranges: Option<Vec<LogRange>>,
    salvage: Salvage,
}

impl View {
    /// The segments that do not match their checksums.
    pub fn damaged(&self) -> Vec<Damaged> {
        let medium = self.medium.as_ref();
        let damaged = self.segments.iter().filter(|segment| !segment.verify(medium).is_empty());
        damaged.map(|segment| self.look_into(segment)).collect()
    }

    fn look_into(&self, segment: &Segment) -> Damaged {
        let (medium, info) = (self.medium.as_ref(), &segment.info);
        let salvage = segment.salvage(medium);
        let lost = salvage.lost_cells.iter();
        let mut lost = lost.map(|(first, last)| (*first.max(&info.cells.min_end), *last.min(&info.cells.max_end)));
        let (mut first, mut last) = lost.next().unwrap_or((Timestamp(i64::MAX), Timestamp(i64::MIN)));
        lost.for_each(|(one, other)| (first, last) = (first.min(one), last.max(other)));
        if salvage.lost_entries {
            (first, last) = (first.min(info.entries.min_end), last.max(info.entries.max_end));
        }
        if salvage.lost_blocks {
            (first, last) = (first.min(info.blocks.min_end), last.max(info.blocks.max_end));
        }
        let interval = self.settings.interval;
        let until = last.slot(interval).plus_millis(i64::try_from(interval.as_millis()).unwrap_or(i64::MAX));
        let ranges = medium.read(&ranges::name(info.number)).ok();
        Damaged {
            number: info.number,
            path: medium.root().join(segment::name(info.number)),
            places: salvage.errors.clone(),
            window: Window { from: first.slot(interval), until: until.max(first.slot(interval)) },
            ranges: ranges.and_then(|bytes| ranges::decode(info.number, &bytes).ok()),
            salvage,
        }
    }
}

impl Writer {
    /// Put a segment in the place of a damaged one: what can still be read of it, and of `counted` (its ranges, counted
    /// again) what was lost. The damaged file is kept as `*.damaged`; its new name is given back.
    ///
    /// # Errors
    /// If a file could not be written; then all is as before, and it may be tried again.
    pub fn mend(&mut self, damaged: &Damaged, counted: Commit) -> Result<PathBuf> {
        self.settle()?;
        let number = self.manifest.next;
        self.manifest.next += 1;
        let mut next = self.manifest.clone();
        let built = self.build_mended(number, damaged, counted, &mut next)?;
        match next.store(self.medium.as_ref()) {
            Err(Unstored::Before(error)) => {
                let _left_behind = self.medium.remove(&segment::name(number));
                return Err(error);
            }
            Err(Unstored::Unknown(error)) => {
                self.unsettled = true;
                return Err(error);
            }
            Ok(()) => {}
        }
        self.manifest = next;
        self.view.segments.retain(|held| held.info.number != damaged.number);
        self.view.segments.extend(built.map(Segment::new));
        let (old, aside) = (segment::name(damaged.number), format!("{}.damaged", segment::name(damaged.number)));
        let moved = self.medium.rename(&old, &aside).and_then(|()| self.medium.sync_folder(segment::FOLDER));
        moved.map_err(|error| failed(self.medium.as_ref(), "set the damaged segment aside", &old, &error))?;
        let _left_behind = self.medium.remove(&ranges::name(damaged.number));
        Ok(self.medium.root().join(aside))
    }

    /// Write the new segment, if anything is in it, and name it in `next` instead of the damaged one.
    fn build_mended(
        &self,
        number: u64,
        damaged: &Damaged,
        counted: Commit,
        next: &mut Manifest,
    ) -> Result<Option<Info>> {
        let medium = self.medium.as_ref();
        let Whole { cells, entries, blocks } = self.whole(damaged, counted)?;
        next.segments.retain(|info| info.number != damaged.number);
        if cells.is_empty() && entries.is_empty() && blocks.is_empty() {
            return Ok(None);
        }
        let (mut bytes, mut room, mut places) = (Encoder::default(), Buckets::default(), Vec::new());
        for ((slot, route), cell) in &cells {
            let start = bytes.bytes.len();
            encode_cell(cell, &mut room, &mut bytes);
            places.push((*slot, *route, start..bytes.bytes.len()));
        }
        let cells: Vec<(Timestamp, RouteId, &[u8])> = places
            .into_iter()
            .map(|(slot, route, place)| (slot, route, bytes.bytes.get(place).unwrap_or_default()))
            .collect();
        let entries = rank::prune(&entries, &self.manifest.settings);
        let info = segment::build(number, &cells, &entries, &blocks)
            .and_then(|(bytes, info)| write_file(medium, &segment::name(number), &bytes).map(|_| info))
            .and_then(|info| {
                let ranges = ranges::encode(number, damaged.ranges.as_deref().unwrap_or_default());
                write_file(medium, &ranges::name(number), &ranges)?;
                medium.sync_folder(segment::FOLDER).map(|()| info)
            })
            .map_err(|error| failed(medium, "write the segment", &segment::name(number), &error))?;
        next.segments.push(info.clone());
        Ok(Some(info))
    }

    /// What was in the segment: what can be read of it, and for the rest what was counted again.
    fn whole(&self, damaged: &Damaged, counted: Commit) -> Result<Whole> {
        let Salvage { cells, entries, blocks, lost_cells, lost_entries, lost_blocks, .. } = &damaged.salvage;
        let mut whole = Whole {
            cells: cells.iter().map(|(slot, route, cell)| ((*slot, *route), cell.clone())).collect(),
            entries: entries.clone(),
            blocks: Vec::new(),
        };
        for (slot, route, cell) in counted.cells {
            let lost = lost_cells.iter().any(|(first, last)| *first <= slot && slot <= *last);
            if lost && !cells.iter().any(|(at, of, _)| (*at, *of) == (slot, route)) {
                whole.cells.entry((slot, route)).or_default().merge(&cell);
            }
        }
        if *lost_entries {
            let held: HashSet<_> = entries.iter().map(|entry| entry.locator).collect();
            whole.entries.extend(counted.entries.into_iter().filter(|entry| !held.contains(&entry.locator)));
            whole.entries.sort_unstable_by_key(|entry| (entry.end, entry.locator));
        }
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
    fn blocks_elsewhere(&self, damaged: &Damaged) -> Result<HashSet<(GenerationId, u32)>> {
        let mut keys: HashSet<_> = self.view.recent.blocks.keys().copied().collect();
        for other in self.view.segments.iter().filter(|segment| segment.info.number != damaged.number) {
            let medium: &dyn Medium = self.medium.as_ref();
            // Another damaged one is mended in its turn.
            other.summaries(medium, Window::ALL, By::End, |block| keys.extend([block.key()]), |_| Ok(()))?;
        }
        Ok(keys)
    }
}

/// All of a segment.
struct Whole {
    cells: BTreeMap<(Timestamp, RouteId), Cell>,
    entries: Vec<Entry>,
    blocks: Vec<BlockSummary>,
}
