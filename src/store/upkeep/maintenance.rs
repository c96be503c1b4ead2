//! What the writer does for a store that grows old: merge small segments, roll up their cells, throw away what is older or
//! more than [`Retention`](super::Retention) allows. Each step is one new manifest, so a crash leaves all of it or nothing.

use crate::error::{Error, Result};
use crate::store::disk::layout;
use crate::store::disk::layout::MANIFEST_TEMPORARY;
use crate::store::segment::reader::Segment;
use crate::store::upkeep::compaction::CompactionLimits;
use crate::store::upkeep::{compaction, retention};
use crate::store::writer::Writer;
use crate::time::Timestamp;
use std::collections::HashSet;
use std::time::Duration;

/// How often a store at rest is looked after.
const EVERY: Duration = Duration::from_secs(3600);

/// A journal whose oldest cell is older is sealed, however small: what it holds must be able to grow old and go.
const JOURNAL_FOR: Duration = Duration::from_secs(24 * 3600);

/// When it was looked after the store, and what is known to be due.
#[derive(Debug, Default)]
pub(crate) struct Maintenance {
    pub(crate) limits: CompactionLimits,
    looked: Option<Timestamp>,
    restless: bool,
    /// Damaged segments, which stay as they are.
    refused: HashSet<u64>,
}

impl Maintenance {
    /// There is a new segment.
    pub(crate) fn sealed(&mut self) {
        self.restless = true;
    }
}

/// What [`Writer::tend`] did.
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

impl Writer {
    /// Look after the store: after sealing and once an hour of `now` (wall clock); other calls do nothing. One call merges one set
    /// of segments (a second or less), and none while the caller is `busy`; call it again while there is [more](Tended::more).
    ///
    /// # Errors
    /// If a file could not be written or is damaged; then nothing is lost, and it is tried again in an hour. Damaged segments
    /// are left alone from then on.
    pub fn maintain(&mut self, now: Timestamp, busy: bool) -> Result<MaintenanceOutcome> {
        let looked = self.maintenance.looked;
        let hourly = looked.is_none_or(|at| now < at || now >= at.plus(EVERY));
        if !hourly && (busy || !self.maintenance.restless) {
            return Ok(MaintenanceOutcome::default());
        }
        self.maintenance.looked = Some(now);
        self.maintenance.restless = false;
        self.settle()?;
        let oldest = self.view.memtable.cells.first();
        if hourly && oldest.is_some_and(|slot| slot < now.minus(JOURNAL_FOR)) {
            self.seal()?;
        }
        let mut tended = self.retain(now)?;
        if busy {
            self.maintenance.restless = true;
            return Ok(tended);
        }
        tended.merged = self.merge(now)?;
        tended.more = tended.merged > 0;
        self.maintenance.restless = tended.more;
        Ok(tended)
    }

    /// Throw away what is too old or too much: off the manifest first, then the files.
    fn retain(&mut self, now: Timestamp) -> Result<MaintenanceOutcome> {
        let retention = self.manifest.settings.retention;
        let gone = retention::expired(&self.manifest.segments, self.journal_bytes(), &retention, now);
        if gone.is_empty() {
            return Ok(MaintenanceOutcome::default());
        }
        let mut next = self.manifest.clone();
        let mut tended = MaintenanceOutcome::default();
        next.segments.retain(|info| {
            let stays = !gone.contains(&info.number);
            if !stays {
                next.expired.note(info);
                tended.dropped += 1;
                tended.dropped_bytes += info.length;
            }
            stays
        });
        let stored = self.put_in_force(next, layout::segment_files(&gone), vec![MANIFEST_TEMPORARY.to_owned()])?;
        self.follow_manifest();
        self.settled(stored).map(|()| tended)
    }

    /// Merge the segments that are due; how many.
    fn merge(&mut self, now: Timestamp) -> Result<usize> {
        let limits = self.maintenance.limits;
        let refused = &self.maintenance.refused;
        let candidates = self.manifest.segments.iter().filter(|info| !refused.contains(&info.number));
        let Some(due) = compaction::due(candidates, &limits, now) else { return Ok(0) };
        let numbers = (self.manifest.next, self.manifest.next + 1);
        // A number is not used twice, even if this fails.
        self.manifest.next += 2;
        let sources: Vec<&Segment> =
            self.view.segments.iter().filter(|segment| due.contains(&segment.info.number)).collect();
        let medium = self.medium.as_ref();
        let merged = compaction::merge(medium, &sources, &self.manifest.settings, numbers);
        let leftovers = [layout::segment_files(&[numbers.0, numbers.1]), vec![MANIFEST_TEMPORARY.to_owned()]].concat();
        let merged = match merged {
            Ok(merged) => merged,
            Err(error) => {
                let is_damaged = |segment: &Segment| segment.verify(medium).iter().any(|error| !error.is_of_access());
                let damaged = sources.iter().filter(|segment| is_damaged(segment));
                let damaged: Vec<u64> = damaged.map(|segment| segment.info.number).collect();
                return Err(self.abandon(error, damaged, leftovers));
            }
        };
        let mut next = self.manifest.clone();
        next.segments.retain(|info| !due.contains(&info.number));
        next.segments.extend(merged);
        let stored = self.put_in_force(next, layout::segment_files(&due), leftovers)?;
        self.follow_manifest();
        self.settled(stored).map(|()| due.len())
    }

    fn abandon(&mut self, error: Error, damaged: Vec<u64>, mut leftovers: Vec<String>) -> Error {
        self.obsolete.append(&mut leftovers);
        self.remove_obsolete();
        // Without these, the others may be merged at once.
        self.maintenance.restless = !damaged.is_empty();
        self.maintenance.refused.extend(damaged);
        error
    }

    /// Make the view's segments those of the manifest.
    fn follow_manifest(&mut self) {
        let named = &self.manifest.segments;
        self.view.segments.retain(|segment| named.iter().any(|info| info.number == segment.info.number));
        for info in named {
            if self.view.segments.iter().all(|segment| segment.info.number != info.number) {
                self.view.segments.push(Segment::new(info.clone()));
            }
        }
        self.view.expired = self.manifest.expired;
    }
}
