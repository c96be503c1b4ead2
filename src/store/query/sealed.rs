//! The segments of a store as one, and what is to become of damage: an error, or something to leave out and remember.

use crate::error::{Error, Result};
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::{BlockKey, BlockSummary};
use crate::store::commit::entry::Entry;
use crate::store::disk::medium::Medium;
use crate::store::encoding::cell_sums::CellSums;
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::manifest::Manifest;
use crate::store::resolution::Resolution;
use crate::store::segment::info::SegmentInfo;
use crate::store::segment::log_ranges;
use crate::store::segment::reader::{GroupsAround, Segment};
use crate::time::Window;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many of the oldest and of the newest segments a reader opens at once. Others are opened when they are needed.
const HELD_OLDEST: usize = 128;
const HELD_NEWEST: usize = 384;

/// The segments that a manifest names, in its order.
///
/// Queries go through all of them and skip by the bounds in the manifest. What they find is handed on one by one and
/// merged by the caller, since a cell, entry or summary may be in several segments until they are merged.
pub(crate) struct SealedSegments {
    medium: Arc<dyn Medium>,
    segments: Vec<Segment>,
    skip_damaged: bool,
    damage: Mutex<Vec<Error>>,
}

impl SealedSegments {
    /// Those of `infos`; nothing is read yet.
    pub(crate) fn new(medium: Arc<dyn Medium>, infos: &[SegmentInfo]) -> SealedSegments {
        let segments = infos.iter().cloned().map(Segment::new).collect();
        SealedSegments { medium, segments, skip_damaged: false, damage: Mutex::new(Vec::new()) }
    }

    /// Where their files are.
    pub(crate) fn medium(&self) -> &dyn Medium {
        self.medium.as_ref()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Segment> {
        self.segments.iter()
    }

    /// All of them, to look into.
    pub(crate) fn as_slice(&self) -> &[Segment] {
        &self.segments
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Add what was sealed.
    pub(crate) fn extend(&mut self, infos: impl IntoIterator<Item = SegmentInfo>) {
        self.segments.extend(infos.into_iter().map(Segment::new));
    }

    /// Put a segment in the place of number `old`; none, if nothing is left of it.
    pub(crate) fn replace(&mut self, old: u64, info: Option<SegmentInfo>) {
        self.segments.retain(|segment| segment.info.number != old);
        self.extend(info);
    }

    /// Make them those that a manifest names.
    pub(crate) fn follow(&mut self, named: &[SegmentInfo]) {
        self.segments.retain(|segment| named.iter().any(|info| info.number == segment.info.number));
        for info in named {
            if self.segments.iter().all(|segment| segment.info.number != info.number) {
                self.segments.push(Segment::new(info.clone()));
            }
        }
    }

    /// Open the segments that the writer may merge or throw away while they are read from: the oldest and the newest.
    ///
    /// # Errors
    /// If the writer replaced one meanwhile: then the manifest has changed, and is to be read again.
    pub(crate) fn hold(&self) -> Result<()> {
        let middle = HELD_OLDEST..self.segments.len().saturating_sub(HELD_NEWEST);
        for (number, segment) in self.segments.iter().enumerate() {
            if middle.contains(&number) {
                continue;
            }
            match segment.open(self.medium()) {
                // Removed since the manifest was read, which therefore has changed; if it has not, the segment is lost,
                // and a query that needs it will say so.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.is_current(segment) => {
                    return Err(Error::failed("the store keeps changing").at(self.medium.root()));
                }
                // Any other failure is that of the query that needs it.
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the manifest on disk still names it.
    fn is_current(&self, segment: &Segment) -> bool {
        let now = Manifest::load(self.medium()).ok().flatten();
        matches!(now, Some(now) if now.names(segment.info.number))
    }

    /// Whether to leave damaged blocks out of answers, and remember them.
    pub(crate) fn skip_damaged(&mut self, skip: bool) {
        self.skip_damaged = skip;
    }

    /// The damage that was left out so far.
    pub(crate) fn damage(&self) -> Vec<Error> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What damage comes to: an error, or a note of it.
    fn tolerate(&self, error: Error) -> Result<()> {
        if !self.skip_damaged {
            return Err(error);
        }
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ok(())
    }

    /// Compare every checksum; one error for each damaged place.
    pub(crate) fn verify(&self) -> Vec<Error> {
        let mut found = Vec::new();
        for segment in &self.segments {
            found.extend(segment.verify(self.medium()));
        }
        found
    }

    /// The damage of the records that say which lines they were made of.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(crate) fn damaged_ranges(&self) -> Result<Vec<Error>> {
        let mut found = Vec::new();
        for segment in &self.segments {
            found.extend(log_ranges::find_damage(self.medium(), segment.info.number)?);
        }
        Ok(found)
    }

    /// How many of them may hold entries of `window`, by their ends.
    pub(crate) fn count_with_entries(&self, window: Window) -> usize {
        self.segments.iter().filter(|segment| segment.info.entries.may_reach(window, WindowMatch::End)).count()
    }

    /// Add the cells of each stretch of `tiles` that a segment answers from the resolution that the tile asks for, or from one that
    /// stands for it.
    pub(crate) fn add_cells(&self, tiles: &[(Resolution, Window)], sums: &mut impl CellSums) -> Result<()> {
        for segment in &self.segments {
            for (resolution, stretch) in tiles {
                let Some(resolution) = segment.info.resolution_for(*resolution) else { continue };
                if segment.info.cells.may_reach(*stretch, WindowMatch::End) {
                    segment.add_cells(self.medium(), resolution, *stretch, sums, |error| self.tolerate(error))?;
                }
            }
        }
        Ok(())
    }

    /// Entries that `query` asks for, and others.
    pub(crate) fn each_entry(&self, query: &EntryQuery, mut each: impl FnMut(Entry)) -> Result<()> {
        for segment in &self.segments {
            if segment.info.entries.may_reach(query.window, query.by) {
                segment.each_entry(self.medium(), query, &mut each, |error| self.tolerate(error))?;
            }
        }
        Ok(())
    }

    /// Block summaries that may meet `window`, and others.
    pub(crate) fn each_summary(
        &self,
        window: Window,
        by: WindowMatch,
        mut each: impl FnMut(BlockSummary),
    ) -> Result<()> {
        for segment in &self.segments {
            if segment.info.blocks.may_reach(window, by) {
                segment.each_summary(self.medium(), window, by, &mut each, |error| self.tolerate(error))?;
            }
        }
        Ok(())
    }

    /// The blocks at the edges of the groups that lie before `window`, and behind it.
    pub(crate) fn groups_around(&self, window: Window) -> Result<GroupsAround> {
        let mut all = GroupsAround::default();
        for segment in &self.segments {
            match segment.groups_around(self.medium(), window) {
                Ok(mut around) => {
                    all.before.append(&mut around.before);
                    all.behind.append(&mut around.behind);
                }
                Err(error) => self.tolerate(error)?,
            }
        }
        Ok(all)
    }

    /// The block summaries that are read together with that of the block `key`, and it.
    pub(crate) fn each_summary_with(&self, key: BlockKey, mut each: impl FnMut(BlockSummary)) -> Result<()> {
        for segment in &self.segments {
            segment.each_summary_with(self.medium(), key, &mut each, |error| self.tolerate(error))?;
        }
        Ok(())
    }

    /// Block summaries that stand beside the block `key`, on either side.
    pub(crate) fn each_summary_beside(&self, key: BlockKey, mut each: impl FnMut(BlockSummary)) -> Result<()> {
        for segment in &self.segments {
            segment.each_summary_beside(self.medium(), key, &mut each, |error| self.tolerate(error))?;
        }
        Ok(())
    }

    /// The archived lines of which `wanted` says where in `found` they belong; `keys` are the same, ascending.
    pub(crate) fn find_lines(
        &self,
        keys: &[LineKey],
        wanted: &HashMap<LineKey, usize>,
        found: &mut [Option<Vec<u8>>],
    ) -> Result<()> {
        for segment in &self.segments {
            if segment.info.lines > 0
                && let Err(error) = segment.find_lines(self.medium(), keys, wanted, found)
            {
                self.tolerate(error)?;
            }
        }
        Ok(())
    }
}
