//! What the store holds, as of one commit: shared by the writer and any number of readers.

use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::source::generation::{Generation, GenerationId};
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::destination::DestinationProgress;
use crate::store::commit::entry::{Entry, KeepReasons};
use crate::store::commit::ledger::Ledger;
use crate::store::disk::damage::{file_damaged, newer_version, older_version, operation_failed};
use crate::store::disk::layout::MANIFEST;
use crate::store::disk::medium::{Disk, Medium};
use crate::store::disk::{layout, lock};
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::journal::memtable::Memtable;
use crate::store::journal::record;
use crate::store::journal::record::{JournalReplay, UnusableJournal};
use crate::store::journal::state::StoreState;
use crate::store::manifest::{Expired, Manifest};
use crate::store::query::rank;
use crate::store::query::rank::RouteSlot;
use crate::store::resolution::Resolution;
use crate::store::segment::reader::{Segment, Wanted};
use crate::store::settings::StoreSettings;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How often a reader starts again because the writer replaced the files meanwhile.
const TRIES: usize = 100;

/// So many of the oldest and of the newest segments a reader opens at once. Others are opened when they are needed.
const HELD_OLDEST: usize = 128;
const HELD_NEWEST: usize = 384;

/// Slots at most this many slots apart are searched for rivals together.
const NEAR: u32 = 30;

/// The store as of one commit. It does not change while others write; open another to see more.
pub struct View {
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) settings: StoreSettings,
    pub(crate) state: StoreState,
    pub(crate) memtable: Memtable,
    pub(crate) segments: Vec<Segment>,
    pub(crate) expired: Expired,
    skip_damaged: bool,
    damage: Mutex<Vec<Error>>,
    torn: u64,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("root", &self.medium.root())
            .field("last_commit", &self.state.last_commit)
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}

impl View {
    /// Open the store in `dir` for reading: without a lock, without writing, also while a writer runs.
    ///
    /// # Errors
    /// If there is no store, it is of a newer version, or its manifest or journal's head is damaged.
    pub fn open(dir: &Path) -> Result<View> {
        View::open_on(Arc::new(Disk::new(dir)))
    }

    /// [`View::open`] on another medium.
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn open_on(medium: Arc<dyn Medium>) -> Result<View> {
        let mut last = None;
        for _ in 0..TRIES {
            let Some(manifest) = Manifest::load(medium.as_ref())? else {
                return Err(Error::failed("there is no store here")
                    .at(medium.root())
                    .remedy("start `spikeline run`, which makes it, or name another folder with --store"));
            };
            let name = layout::journal_file(manifest.journal);
            match medium.read(&name) {
                Ok(bytes) => {
                    let replay = replayed(medium.as_ref(), &bytes, manifest.journal)?;
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    let torn = length.saturating_sub(replay.good);
                    let view = View { torn, ..View::new(Arc::clone(&medium), &manifest, replay) };
                    match view.hold() {
                        Ok(()) => return Ok(view),
                        Err(error) => last = Some(error),
                    }
                }
                // Sealed between the two reads: the manifest now names another journal.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    last = Some(operation_failed(medium.as_ref(), "read the journal", &name, &error));
                }
                Err(error) => return Err(operation_failed(medium.as_ref(), "read the journal", &name, &error)),
            }
        }
        Err(last.unwrap_or_else(|| Error::failed("the store keeps changing").at(medium.root())))
    }

    /// Open the segments that the writer may merge or throw away while this view is used: the oldest and the newest.
    fn hold(&self) -> Result<()> {
        let middle = HELD_OLDEST..self.segments.len().saturating_sub(HELD_NEWEST);
        for (number, segment) in self.segments.iter().enumerate() {
            if middle.contains(&number) {
                continue;
            }
            match segment.open(self.medium.as_ref()) {
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

    fn is_current(&self, segment: &Segment) -> bool {
        let now = Manifest::load(self.medium.as_ref()).ok().flatten();
        now.is_some_and(|now| now.segments.iter().any(|info| info.number == segment.info.number))
    }

    pub(crate) fn new(medium: Arc<dyn Medium>, manifest: &Manifest, replay: JournalReplay) -> View {
        View {
            medium,
            settings: manifest.settings.clone(),
            state: replay.state,
            memtable: replay.memtable,
            segments: manifest.segments.iter().cloned().map(Segment::new).collect(),
            expired: manifest.expired,
            skip_damaged: false,
            damage: Mutex::new(Vec::new()),
            torn: 0,
        }
    }

    /// From now on, answer without damaged blocks of segments, and remember them in [`View::damage`]. Otherwise a
    /// damaged block that a query needs is its error.
    pub fn skip_damaged(&mut self, skip: bool) {
        self.skip_damaged = skip;
    }

    /// The damage that queries had to leave out so far.
    pub fn damage(&self) -> Vec<Error> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compare every checksum of every segment; one error for each damaged place.
    pub fn verify(&self) -> Vec<Error> {
        self.segments.iter().flat_map(|segment| segment.verify(self.medium.as_ref())).collect()
    }

    /// Bytes of the journal behind its last good record: being written, torn by a crash, or damaged. They do not count; the
    /// next writer cuts them off, and their lines are read again.
    pub fn torn_bytes(&self) -> u64 {
        self.torn
    }

    /// Whether someone is writing to it now; None if that cannot be told.
    pub fn has_writer(&self) -> Option<bool> {
        lock::is_held(self.medium.root())
    }

    /// What the store was made with.
    pub fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    /// All routes, by number.
    pub fn routes(&self) -> Vec<(RouteId, &str)> {
        self.state.routes.iter().map(|(&route, name)| (route, name.as_str())).collect()
    }

    /// A route's number.
    pub fn route(&self, name: &str) -> Option<RouteId> {
        self.state.route(name)
    }

    /// The starts of the first and the last slot in which a route has a cell.
    pub fn route_span(&self, route: RouteId) -> Option<(Timestamp, Timestamp)> {
        self.state.spans.get(&route).copied()
    }

    /// All generations, by number.
    pub fn generations(&self) -> &[Generation] {
        &self.state.generations
    }

    /// A generation's ledger.
    pub fn ledger(&self, generation: GenerationId) -> Option<&Ledger> {
        self.state.ledgers.get(&generation)
    }

    /// The accounts of all destinations, by name.
    pub fn destinations(&self) -> &[DestinationProgress] {
        &self.state.destinations
    }

    /// Wall clock of the last commit; `None` before the first.
    pub fn last_commit(&self) -> Option<Timestamp> {
        self.state.last_commit
    }

    /// Cells of the slots that start in `window`, merged, by slot and route.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn cells(&self, window: Window, routes: Option<&[RouteId]>) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        let wanted = |route: RouteId| routes.is_none_or(|routes| routes.contains(&route));
        let mut merged: BTreeMap<(Timestamp, RouteId), Cell> = BTreeMap::new();
        let mut add = |slot, route, cell: &Cell| {
            if wanted(route) {
                merged.entry((slot, route)).or_default().merge(cell);
            }
        };
        for segment in &self.segments {
            if segment.info.cells.may_reach(window, WindowMatch::End)
                && segment.info.resolution_for(Resolution::Fine).is_some()
            {
                let (medium, fine) = (self.medium.as_ref(), Resolution::Fine);
                segment.cells(
                    medium,
                    fine,
                    window,
                    |slot, route, cell| add(slot, route, &cell),
                    |e| self.tolerate(e),
                )?;
            }
        }
        if window.from < window.until {
            let looked_through = self.memtable.cells.each(window.from, window.until, wanted, add);
            looked_through.map_err(|_| Error::failed("a malformed cell in memory").at(self.medium.root()))?;
        }
        Ok(merged.into_iter().map(|((slot, route), cell)| (slot, route, cell)).collect())
    }

    /// Slow entries, by end and locator. Of the entries that are kept only for being among the slowest, those that
    /// are so among all that was seen of their route and slot.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn entries(&self, query: &EntryQuery) -> Result<Vec<Entry>> {
        let wanted = Wanted {
            window: query.window,
            by: query.by,
            routes: query.routes.as_deref(),
            min_duration_ms: query.min_duration_ms,
        };
        let mut found = Vec::new();
        let mut add = |entry: Entry| {
            if query.reaches(&entry) && query.accepts(&entry) {
                found.push(entry);
            }
        };
        self.each_sealed(&wanted, &mut add)?;
        self.memtable.entries.iter().copied().for_each(add);
        let mut found = self.judge(found)?;
        found.sort_unstable_by_key(|entry| (entry.end, entry.locator));
        Ok(found)
    }

    /// Summaries of the blocks of log that may hold lines of `window` and `routes`, merged, by generation
    /// and number.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn blocks(&self, window: Window, by: WindowMatch, routes: Option<&[RouteId]>) -> Result<Vec<BlockSummary>> {
        let mut merged = Memtable::default();
        for segment in &self.segments {
            if segment.info.blocks.may_reach(window, by) {
                let medium = self.medium.as_ref();
                segment.summaries(medium, window, by, |block| merged.add_block(block), |e| self.tolerate(e))?;
            }
        }
        for block in self.memtable.blocks.values() {
            merged.add_block(block.clone());
        }
        let may_hold = |block: &BlockSummary| match by {
            WindowMatch::End => block.may_end_in(window) && block.may_hold(routes),
            WindowMatch::Overlap => block.may_overlap(window, routes),
        };
        Ok(merged.blocks.into_values().filter(may_hold).collect())
    }

    /// The windows that cover the slots of `groups`. A long request may have ended hours after the others, so they are
    /// not one window; but slots near each other are likely in the same blocks.
    fn runs(&self, groups: &HashSet<RouteSlot>) -> Vec<Window> {
        let interval = self.settings.interval;
        let mut runs: Vec<Window> = Vec::new();
        for from in groups.iter().map(|(_, slot)| *slot).collect::<BTreeSet<_>>() {
            let until = from.plus(interval);
            match runs.last_mut() {
                Some(run) if from <= run.until.plus(interval.saturating_mul(NEAR)) => run.until = until,
                _ => runs.push(Window { from, until }),
            }
        }
        runs
    }

    fn each_sealed(&self, wanted: &Wanted<'_>, mut each: impl FnMut(Entry)) -> Result<()> {
        for segment in &self.segments {
            if segment.info.entries.may_reach(wanted.window, wanted.by) {
                segment.entries(self.medium.as_ref(), wanted, &mut each, |error| self.tolerate(error))?;
            }
        }
        Ok(())
    }

    /// Take [`KeepReasons::SLOWEST`] off the entries that are not among the K slowest of all that is stored of their route
    /// and slot, and drop those that nothing else keeps.
    fn judge(&self, found: Vec<Entry>) -> Result<Vec<Entry>> {
        let mut doubtful: HashSet<RouteSlot> = found
            .iter()
            .filter(|entry| entry.kept.contains(KeepReasons::SLOWEST))
            .map(|entry| rank::group(entry, &self.settings))
            .collect();
        doubtful.retain(|&group| self.is_doubtful(group));
        if doubtful.is_empty() {
            return Ok(found);
        }
        let routes: Vec<RouteId> =
            doubtful.iter().map(|(route, _)| *route).collect::<BTreeSet<_>>().into_iter().collect();
        let mut rivals = Vec::new();
        let is_rival = |entry: &Entry| doubtful.contains(&rank::group(entry, &self.settings));
        for window in self.runs(&doubtful) {
            let wanted = Wanted { window, by: WindowMatch::End, routes: Some(&routes), min_duration_ms: 0 };
            self.each_sealed(&wanted, |entry| {
                // A block gives others too, which another window gives again: one that came twice would outrank for two.
                if window.contains(entry.end) && is_rival(&entry) {
                    rivals.push(entry);
                }
            })?;
        }
        rivals.extend(self.memtable.entries.iter().copied().filter(is_rival));
        let slowest = rank::slowest(&rivals, &self.settings);
        Ok(found
            .into_iter()
            .filter_map(|entry| {
                let settled = !doubtful.contains(&rank::group(&entry, &self.settings));
                rank::judged(entry, settled || slowest.contains(&entry.locator))
            })
            .collect())
    }

    /// Whether entries of a slot may be in several places. A slot in one segment alone was judged when it was sealed
    /// (with the K of then, so one that shrank since leaves the old choice).
    fn is_doubtful(&self, (_, slot): RouteSlot) -> bool {
        let interval = self.settings.interval;
        let window = Window { from: slot, until: slot.plus(interval) };
        let sealed = self.segments.iter().filter(|s| s.info.entries.may_reach(window, WindowMatch::End)).count();
        sealed != 1 || self.memtable.may_end_in(window)
    }

    pub(crate) fn tolerate(&self, error: Error) -> Result<()> {
        if !self.skip_damaged {
            return Err(error);
        }
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ok(())
    }
}

/// Read a journal's bytes, with errors that name it.
pub(crate) fn replayed(medium: &dyn Medium, bytes: &[u8], number: u64) -> Result<JournalReplay> {
    let name = layout::journal_file(number);
    record::replay(bytes, number).map_err(|unusable| match unusable {
        UnusableJournal::Newer(version) => newer_version(medium, &name, version, record::VERSION),
        UnusableJournal::Older(version) => older_version(medium, &name, version),
        UnusableJournal::Damaged(offset) => {
            file_damaged(medium, &name, offset, "the journal's head does not match its checksum")
        }
    })
}

/// Why a store without a manifest is not simply made anew.
pub(crate) fn lost_manifest(medium: &dyn Medium) -> Error {
    Error::refused("the manifest is missing, but there are segments")
        .at(medium.root().join(MANIFEST))
        .remedy("restore it from a copy, or move the whole folder away to start anew from the logs")
}
