//! What the store holds, as of one commit: shared by the writer and any number of readers.
//!
//! A view is opened in two reads, manifest and journal, between which the writer may seal. Then the journal is gone,
//! or a segment, and opening starts again: whoever has both files open has a state that was committed as a whole.
//! Segment files that are open stay readable when the writer removes them.

use crate::error::{Error, Result};
use crate::histogram::Cell;
use crate::route::{RouteId, marked_name};
use crate::source::generation::{Generation, GenerationId};
use crate::source::{RestartPoints, UnreadSpan};
use crate::store::commit::NEVER_READ_WHOLE;
use crate::store::commit::archived_lines;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::destination::DestinationProgress;
use crate::store::commit::entry::{Entry, Locator};
use crate::store::commit::ledger::Ledger;
use crate::store::commit::log_reading::{LogReading, ReadStretch};
use crate::store::disk::damage::{file_damaged, newer_version, older_version, operation_failed};
use crate::store::disk::disk_medium::DiskMedium;
use crate::store::disk::layout::MANIFEST;
use crate::store::disk::medium::Medium;
use crate::store::disk::{layout, lock};
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::journal::memtable::Memtable;
use crate::store::journal::record;
use crate::store::journal::record::{JournalReplay, UnusableJournal};
use crate::store::journal::state::StoreState;
use crate::store::manifest::{Expired, Manifest};
use crate::store::query::cells::StoredCells;
use crate::store::query::completeness::Completeness;
use crate::store::query::damaged::DamagedSegment;
use crate::store::query::restart_points;
use crate::store::query::sealed::SealedSegments;
use crate::store::query::slow_entries::SlowEntries;
use crate::store::settings::StoreSettings;
use crate::time::{Timestamp, Window};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often a reader starts again because the writer replaced the files meanwhile.
const TRIES: usize = 100;

/// The store as of one commit. It does not change while others write; open another to see more.
pub struct View {
    medium: Arc<dyn Medium>,
    pub(crate) settings: StoreSettings,
    /// What is known without looking into cells and entries.
    pub(crate) state: StoreState,
    /// What no segment holds yet.
    pub(crate) memtable: Memtable,
    /// The segments that the manifest names.
    pub(crate) sealed: SealedSegments,
    expired: Expired,
    torn: u64,
    /// Globs of where the rotated files of a log are moved to, by its key.
    rotated: HashMap<String, Vec<String>>,
    expected: Option<Vec<String>>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("root", &self.medium.root())
            .field("last_commit", &self.state.last_commit)
            .field("segments", &self.sealed.len())
            .finish_non_exhaustive()
    }
}

impl View {
    /// Open the store in `dir` for reading: without a lock, without writing, also while a writer runs.
    ///
    /// # Errors
    /// If there is no store, it is of a newer version, or its manifest or journal's head is damaged.
    pub fn open(dir: &Path) -> Result<View> {
        View::open_on(Arc::new(DiskMedium::new(dir)))
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
                    let replay = replay_named(medium.as_ref(), &bytes, manifest.journal)?;
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    let torn = length.saturating_sub(replay.good);
                    let view = View { torn, ..View::new(Arc::clone(&medium), &manifest, replay) };
                    match view.sealed.hold() {
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

    /// The files that `manifest` names, and what `replay` found in its journal.
    pub(crate) fn new(medium: Arc<dyn Medium>, manifest: &Manifest, replay: JournalReplay) -> View {
        View {
            sealed: SealedSegments::new(Arc::clone(&medium), &manifest.segments),
            medium,
            settings: manifest.settings.clone(),
            state: replay.state,
            memtable: replay.memtable,
            expired: manifest.expired,
            torn: 0,
            rotated: HashMap::new(),
            expected: None,
        }
    }

    /// Looks for the rotated files of logs also where these globs name them, by the key of the log.
    pub fn set_rotated(&mut self, rotated: HashMap<String, Vec<String>>) {
        self.rotated = rotated;
    }

    /// Of the logs that it knows, and of these, all files are to be in it, even if nobody follows them. Else what was taken in is all that is meant.
    pub fn expect_logs(&mut self, logs: Vec<String>) {
        self.expected = Some(logs);
    }

    /// The logs that are to be in it beside those that it knows, if not only what was taken in is meant.
    pub fn expected_logs(&self) -> Option<&[String]> {
        self.expected.as_deref()
    }

    /// Globs of where the rotated files of a log are moved to, if not beside it.
    pub fn rotated_of(&self, log: &str) -> &[String] {
        self.rotated.get(log).map_or(&[], Vec::as_slice)
    }

    /// Go on with the segments of another manifest of this store.
    pub(crate) fn follow(&mut self, manifest: &Manifest) {
        self.sealed.follow(&manifest.segments);
        self.expired = manifest.expired;
    }

    /// From now on, answer without damaged blocks of segments, and remember them in [`View::damage`]. Otherwise a
    /// damaged block that a query needs is its error.
    pub fn skip_damaged(&mut self, skip: bool) {
        self.sealed.skip_damaged(skip);
    }

    /// The damage that queries had to leave out so far.
    pub fn damage(&self) -> Vec<Error> {
        self.sealed.damage()
    }

    /// Compare every checksum of every segment; one error for each damaged place.
    pub fn verify(&self) -> Vec<Error> {
        self.sealed.verify()
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

    /// The process that writes to it now, as it says itself; None if nobody does, or that cannot be told.
    pub fn writer_pid(&self) -> Option<u32> {
        lock::holder(self.medium.root()).filter(|_| self.has_writer() == Some(true))
    }

    /// What the store was made with.
    pub fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    /// All names as they are kept, by number: routes, and members of series with their mark. There is a name for each number below their
    /// count.
    pub fn kept_names(&self) -> Vec<(RouteId, String)> {
        let mut names: Vec<(RouteId, String)> = Vec::new();
        for (route, name) in &self.state.routes {
            names.push((*route, name.clone()));
        }
        for (member, name) in &self.state.members {
            names.push((*member, marked_name(name)));
        }
        names.sort_unstable_by_key(|(id, _)| *id);
        names
    }

    /// All members of series, by number. Without naming one of these, nothing of them is in any answer: a request is in its route, and in
    /// any number of these besides.
    pub fn members(&self) -> Vec<(RouteId, &str)> {
        self.state.members.iter().map(|(&member, name)| (member, name.as_str())).collect()
    }

    /// Cells of the slots that start in `window`, merged, by slot and number: of routes and of members of series.
    ///
    /// # Errors
    /// As [`View::cells`].
    pub fn cells_with_members(&self, window: Window) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        self.stored_cells().by_slot_with_members(window)
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

    /// All ways in which the lines of logs were read, by number.
    pub fn readings(&self) -> &[LogReading] {
        &self.state.readings.held
    }

    /// How the line at `offset` of a log was read when it was counted, and until where that holds.
    pub fn reading_at(&self, generation: GenerationId, offset: u64) -> ReadStretch<'_> {
        self.state.readings.stretch_at(generation, offset)
    }

    /// How a log was read last.
    pub fn last_reading(&self, generation: GenerationId) -> Option<&LogReading> {
        self.state.readings.last_of(generation)
    }

    /// The log whose rejected lines were read again as this one, if it is such: its bytes are in that log's file.
    pub fn again_of(&self, generation: GenerationId) -> Option<GenerationId> {
        self.state.readings.again_of(generation)
    }

    /// Summaries of all blocks of one log, merged, by number.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn blocks_of(&self, generation: GenerationId) -> Result<Vec<BlockSummary>> {
        let mut merged = Memtable::default();
        self.sealed.each_summary(Window::ALL, WindowMatch::End, |block| merged.add_block(block))?;
        for block in self.memtable.blocks.values() {
            merged.add_block(block.clone());
        }
        let mut blocks: Vec<BlockSummary> = merged.blocks.into_values().collect();
        blocks.retain(|block| block.generation == generation);
        Ok(blocks)
    }

    /// A generation's ledger.
    pub fn ledger(&self, generation: GenerationId) -> Option<&Ledger> {
        self.state.ledgers.get(&generation)
    }

    /// When which logs were not read, and are not read to this day.
    pub fn unread_spans(&self) -> impl Iterator<Item = &UnreadSpan> {
        self.state.spans_unread.values()
    }

    /// What every destination was sent and is owed, by name.
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
        self.stored_cells().by_slot(window, routes)
    }

    /// All cells of the slots that start in `window`, merged by route: what [`View::cells`] adds up to, read from roll-ups where
    /// there are some, so that months cost little.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn totals(&self, window: Window, routes: Option<&[RouteId]>) -> Result<Vec<(RouteId, Cell)>> {
        self.stored_cells().by_route(window, routes)
    }

    /// The same by step: cells of slots of `step`, counted from the epoch, by start of the step (of which the window may hold only
    /// a part) and route. A step that is not a multiple of the store's interval puts each of the store's slots where it starts.
    ///
    /// # Errors
    /// As [`View::totals`].
    pub fn steps(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, RouteId, Cell)>> {
        self.stored_cells().by_step(window, step, routes)
    }

    /// What [`View::steps`] adds up to of all routes together: as many cells as steps, however many routes there are.
    ///
    /// # Errors
    /// As [`View::totals`].
    pub fn step_sums(
        &self,
        window: Window,
        step: Duration,
        routes: Option<&[RouteId]>,
    ) -> Result<Vec<(Timestamp, Cell)>> {
        self.stored_cells().by_step_alone(window, step, routes)
    }

    fn stored_cells(&self) -> StoredCells<'_> {
        let (sealed, memtable) = (&self.sealed, &self.memtable);
        StoredCells { sealed, memtable, interval: self.settings.interval, members: &self.state.members }
    }

    /// Slow entries, by end and locator. Of the entries that are kept only for being among the slowest, those that
    /// are so among all that was seen of their route and slot.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn entries(&self, query: &EntryQuery) -> Result<Vec<Entry>> {
        let (sealed, memtable, settings) = (&self.sealed, &self.memtable, &self.settings);
        SlowEntries { sealed, memtable, settings, members: &self.state.members }.find_entries(query)
    }

    /// The raw lines of entries, as far as they were archived, in the order of `locators`.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn archived_lines(&self, locators: &[Locator]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = vec![None; locators.len()];
        let wanted: HashMap<LineKey, usize> =
            locators.iter().zip(0..).map(|(locator, at)| (archived_lines::line_key(locator), at)).collect();
        let mut keys: Vec<LineKey> = wanted.keys().copied().collect();
        keys.sort_unstable();
        self.sealed.find_lines(&keys, &wanted, &mut found)?;
        for lines in &self.memtable.lines {
            let looked_through = lines.find(&wanted, &mut found);
            looked_through.map_err(|_| Error::failed("malformed lines in memory").at(self.sealed.medium().root()))?;
        }
        // A line that is not as long as the entry says is another's.
        for (line, locator) in found.iter_mut().zip(locators) {
            if line.as_ref().is_some_and(|line| u32::try_from(line.len()) != Ok(locator.length)) {
                *line = None;
            }
        }
        Ok(found)
    }

    /// Summaries of the blocks of log that may hold lines of `window` and `routes`, merged, by generation
    /// and number.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see [`View::skip_damaged`].
    pub fn blocks(&self, window: Window, by: WindowMatch, routes: Option<&[RouteId]>) -> Result<Vec<BlockSummary>> {
        let mut merged = Memtable::default();
        self.sealed.each_summary(window, by, |block| merged.add_block(block))?;
        for block in self.memtable.blocks.values() {
            merged.add_block(block.clone());
        }
        let may_hold = |block: &BlockSummary| match by {
            WindowMatch::End => block.may_end_in(window) && block.may_hold(routes),
            WindowMatch::Overlap => block.may_overlap(window, routes),
        };
        Ok(merged.blocks.into_values().filter(may_hold).collect())
    }

    /// What the store knows to be lacking.
    pub fn completeness(&self) -> Completeness<'_> {
        Completeness::new(&self.sealed, &self.memtable, &self.state)
    }

    /// Everything written to the logs before this was read, by the wall clock of the daemon; `None` if none followed them.
    pub fn read_until(&self) -> Option<Timestamp> {
        self.state.read_until.filter(|until| *until != NEVER_READ_WHOLE)
    }

    /// Whether a daemon follows the logs, or did, that has not read them to their ends yet.
    pub fn is_first_reading(&self) -> bool {
        self.state.read_until == Some(NEVER_READ_WHOLE)
    }

    /// The blocks that may still grow: the last of each log that is not finished.
    pub fn open_blocks(&self) -> Vec<BlockSummary> {
        self.memtable.open_blocks(&self.state)
    }

    /// What was thrown away by now for being old, or for the size of the store.
    pub fn expired(&self) -> Expired {
        self.expired
    }

    /// If slow entries, block summaries or cells of the store's interval that lay in `window` may have been thrown away: the time
    /// before which they were.
    pub fn expired_before(&self, window: Window) -> Option<Timestamp> {
        self.expired.detail.filter(|before| window.from < *before)
    }

    /// The same for [`View::totals`] of `window`: from roll-ups it is whole for longer, if it begins and ends with a slot of them.
    pub fn totals_expired_before(&self, window: Window) -> Option<Timestamp> {
        self.expired.totals_before(window, self.settings.interval)
    }

    /// The segments that do not match their checksums.
    ///
    /// # Errors
    /// If this process cannot read one, which may be all right.
    pub fn damaged_segments(&self) -> Result<Vec<DamagedSegment>> {
        DamagedSegment::find(self.medium.as_ref(), self.sealed.as_slice(), self.settings.interval)
    }

    /// The records of the lines of segments that do not match their checksums. No answer needs them, but their segments could
    /// be restored only as far as they can be read.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn damaged_ranges(&self) -> Result<Vec<Error>> {
        self.sealed.damaged_ranges()
    }

    /// The restart points kept for a generation; `None` if there are none, or they are damaged.
    pub fn restart_points(&self, id: GenerationId) -> Option<RestartPoints> {
        restart_points::read_points(self.medium.as_ref(), id)
    }

    /// Keep a generation's restart points. Any process may do that: the file is replaced whole, and whoever writes last
    /// wrote what is true as well.
    ///
    /// # Errors
    /// If this process may not write there; then they are gathered again the next time.
    pub fn keep_restart_points(&self, id: GenerationId, points: &RestartPoints) -> std::io::Result<()> {
        restart_points::write_points(self.medium.as_ref(), id, points)
    }
}

/// Read a journal's bytes, with errors that name it.
pub(crate) fn replay_named(medium: &dyn Medium, bytes: &[u8], number: u64) -> Result<JournalReplay> {
    let name = layout::journal_file(number);
    record::replay_journal(bytes, number).map_err(|unusable| match unusable {
        UnusableJournal::Newer(version) => newer_version(medium, &name, version, record::VERSION, None),
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
