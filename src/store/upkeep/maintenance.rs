//! What the writer does for a store that grows old: merge small segments, roll up their cells, throw away what is older or
//! more than [`Retention`](super::Retention) allows. Each step is one new manifest, so a crash leaves all of it or nothing.

use crate::error::Result;
use crate::store::disk::layout;
use crate::store::disk::layout::MANIFEST_TEMPORARY;
use crate::store::disk::medium::Medium;
use crate::store::manifest::in_force::ManifestInForce;
use crate::store::query::view::View;
use crate::store::segment::info::SegmentKind;
use crate::store::segment::reader::Segment;
use crate::store::upkeep::compaction::CompactionLimits;
use crate::store::upkeep::kept_bytes::{damaged_bytes, trim_points, with_ranges};
use crate::store::upkeep::{compaction, retention};
use crate::time::Timestamp;
use std::collections::HashSet;
use std::time::Duration;

/// How often a store at rest is looked after.
const EVERY: Duration = Duration::from_secs(3600);

/// A journal whose oldest cell is older is sealed, however small: what it holds must be able to grow old and go.
const JOURNAL_FOR: Duration = Duration::from_secs(24 * 3600);

/// When it was looked after the store, and what is known to be due.
///
/// Nothing of it is stored: after a restart the first round looks at everything once.
#[derive(Debug, Default)]
pub(crate) struct Maintenance {
    /// Tests make them small.
    pub(crate) limits: CompactionLimits,
    looked: Option<Timestamp>,
    restless: bool,
    /// Damaged segments, which stay as they are.
    refused: HashSet<u64>,
}

/// One time of looking after the store.
pub(crate) struct MaintenanceRound {
    now: Timestamp,
    busy: bool,
    hourly: bool,
}

impl MaintenanceRound {
    /// Whether the journal is to be sealed first, whose oldest cell is of the slot `oldest`.
    pub(crate) fn asks_to_seal(&self, oldest: Option<Timestamp>) -> bool {
        self.hourly && is_of_the_past(oldest, self.now)
    }
}

/// Whether a journal whose oldest cell is of this slot is to be sealed.
pub(crate) fn is_of_the_past(oldest: Option<Timestamp>, now: Timestamp) -> bool {
    oldest.is_some_and(|slot| slot < now.minus(JOURNAL_FOR))
}

/// What one call of `Writer::maintain` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaintenanceOutcome {
    /// How many segments were merged.
    pub merged: usize,
    /// How many segments were thrown away for being old, or for the size of the store.
    pub dropped: usize,
    /// Their bytes.
    pub dropped_bytes: u64,
    /// Whether there is more to merge.
    pub more: bool,
}

impl Maintenance {
    /// There is a new segment.
    pub(crate) fn note_new_segment(&mut self) {
        self.restless = true;
    }

    /// Whether there may be something to do: `None` if not.
    pub(crate) fn begin_round(&mut self, now: Timestamp, busy: bool) -> Option<MaintenanceRound> {
        let hourly = self.looked.is_none_or(|at| now < at || now >= at.plus(EVERY));
        if !hourly && (busy || !self.restless) {
            return None;
        }
        self.looked = Some(now);
        self.restless = false;
        Some(MaintenanceRound { now, busy, hourly })
    }

    /// Throw away and merge what is due, in a store whose journal has `journal_bytes`.
    ///
    /// # Errors
    /// If a file could not be written, or a segment is damaged.
    pub(crate) fn run(
        &mut self,
        round: &MaintenanceRound,
        manifest: &mut ManifestInForce,
        view: &mut View,
        journal_bytes: u64,
    ) -> Result<MaintenanceOutcome> {
        let mut outcome = drop_expired(manifest, view, journal_bytes, round.now)?;
        if round.busy {
            self.restless = true;
            return Ok(outcome);
        }
        outcome.merged = self.merge_due(manifest, view, round.now)?;
        outcome.more = outcome.merged > 0;
        self.restless = outcome.more;
        Ok(outcome)
    }

    /// Merge all that is due when nothing more is to come, one set of segments after the other, and throw nothing away; `each` hears
    /// how many were merged. Each set is one new manifest, so this may end at any point.
    ///
    /// # Errors
    /// If a file could not be written; or a segment is damaged: then it stays as it is, and all others are merged first.
    pub(crate) fn merge_all(
        &mut self,
        manifest: &mut ManifestInForce,
        view: &mut View,
        each: &mut dyn FnMut(usize),
    ) -> Result<()> {
        let sealed = manifest.manifest().segments.iter().filter(|info| info.kind == SegmentKind::Sealed);
        if sealed.map(|info| info.length).fold(0, u64::saturating_add) < self.limits.worth {
            return Ok(());
        }
        let mut damaged = None;
        loop {
            let refused = self.refused.len();
            match self.merge_due(manifest, view, Timestamp(i64::MAX)) {
                Ok(0) => return damaged.map_or(Ok(()), Err),
                Ok(merged) => each(merged),
                Err(error) if self.refused.len() > refused => damaged = Some(error),
                Err(error) => return Err(error),
            }
        }
    }

    /// Merge the segments that are due; how many.
    fn merge_due(&mut self, manifest: &mut ManifestInForce, view: &mut View, now: Timestamp) -> Result<usize> {
        let refused = &self.refused;
        let candidates = manifest.manifest().segments.iter().filter(|info| !refused.contains(&info.number));
        let limits = self.limits.within(manifest.manifest().settings.retention.keep_bytes);
        let Some(due) = compaction::choose_due(candidates, &limits, now) else { return Ok(0) };
        let (detail, rolled) = (manifest.new_number(), manifest.new_number());
        let sources: Vec<&Segment> = view.sealed.iter().filter(|segment| due.contains(&segment.info.number)).collect();
        let merged =
            compaction::merge_segments(manifest.medium(), &sources, &manifest.manifest().settings, detail, rolled);
        let leftovers = [layout::segment_files(&[detail, rolled]), vec![MANIFEST_TEMPORARY.to_owned()]].concat();
        let merged = match merged {
            Ok(merged) => merged,
            Err(error) => {
                let damaged = numbers_of_damaged(manifest.medium(), &sources);
                manifest.give_up(leftovers);
                // Without these, the others may be merged at once.
                self.restless = !damaged.is_empty();
                self.refused.extend(damaged);
                return Err(error);
            }
        };
        let mut next = manifest.manifest().clone();
        next.segments.retain(|info| !due.contains(&info.number));
        next.segments.extend(merged);
        let stored = manifest.replace(next, layout::segment_files(&due), leftovers)?;
        view.follow(manifest.manifest());
        manifest.finish(stored).map(|()| due.len())
    }
}

/// Throw away what is too old or too much: off the manifest first, then the files.
fn drop_expired(
    manifest: &mut ManifestInForce,
    view: &mut View,
    journal_bytes: u64,
    now: Timestamp,
) -> Result<MaintenanceOutcome> {
    let held = manifest.manifest();
    let gone = match held.settings.retention.keep_bytes {
        None => retention::choose_expired(&held.segments, journal_bytes, &held.settings.retention, now),
        Some(most) => {
            let medium = manifest.medium();
            let segments = with_ranges(medium, &held.segments);
            let beside = damaged_bytes(medium, most).saturating_add(journal_bytes);
            let gone = retention::choose_expired(&segments, beside, &held.settings.retention, now);
            let kept = segments.iter().filter(|info| !gone.contains(&info.number)).map(|info| info.length);
            trim_points(medium, most.saturating_sub(kept.fold(beside, u64::saturating_add)));
            gone
        }
    };
    if gone.is_empty() {
        return Ok(MaintenanceOutcome::default());
    }
    let mut next = held.clone();
    let mut outcome = MaintenanceOutcome::default();
    next.segments.clear();
    for info in &held.segments {
        if gone.contains(&info.number) {
            next.expired.note_dropped(info);
            outcome.dropped += 1;
            outcome.dropped_bytes += info.length;
        } else {
            next.segments.push(info.clone());
        }
    }
    let stored = manifest.replace(next, layout::segment_files(&gone), vec![MANIFEST_TEMPORARY.to_owned()])?;
    view.follow(manifest.manifest());
    manifest.finish(stored).map(|()| outcome)
}

/// The segments that do not match their checksums; not those that only this process cannot read.
fn numbers_of_damaged(medium: &dyn Medium, segments: &[&Segment]) -> Vec<u64> {
    let is_damaged = |segment: &&&Segment| segment.verify(medium).iter().any(|error| !error.is_of_access());
    segments.iter().filter(is_damaged).map(|segment| segment.info.number).collect()
}
