//! The one writer: appends commits to the journal, and seals it into a segment when it has grown.
//!
//! What a failed call leaves behind is never built upon. A write that failed is cut off again; after a sync that
//! failed the journal is given up, and the next commit first seals what was committed (from memory) and starts
//! another journal. While it is unknown whether a new manifest would survive a crash, nothing is committed. And since
//! nobody knows what failed for the process before, its commits are copied into another journal when the store is opened.

mod opening;

use crate::error::{Error, Result};
use crate::source::generation::GenerationId;
use crate::store::commit::entry::Entry;
use crate::store::commit::{Commit, archived_lines};
use crate::store::disk::damage::operation_failed;
use crate::store::disk::layout;
use crate::store::disk::layout::{MANIFEST, MANIFEST_TEMPORARY};
use crate::store::disk::lock::StoreLock;
use crate::store::disk::medium::{Medium, WritableFile, write_all, write_file};
use crate::store::encoding::bytes::Encoder;
use crate::store::journal::memtable::Memtable;
use crate::store::journal::record;
use crate::store::journal::state::StoreState;
use crate::store::manifest::{Manifest, ManifestFailure};
use crate::store::query::rank;
use crate::store::query::view::View;
use crate::store::resolution::Resolution;
use crate::store::segment::builder::SegmentBuilder;
use crate::store::segment::info::{SegmentInfo, SegmentKind, TimeBounds};
use crate::store::segment::log_ranges;
use crate::store::segment::reader::Segment;
use crate::store::upkeep::maintenance::Maintenance;
use std::collections::HashSet;
use std::sync::Arc;

/// A journal of so many entries is due for sealing, whatever its bytes: they are kept in memory (72 bytes each).
const ENTRIES_LIMIT: usize = 1 << 19;

/// While there is a backlog, a journal may grow by this power of two longer.
const BUSY: u32 = 3;

/// The store's one writer.
pub struct Writer {
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) manifest: Manifest,
    pub(crate) view: View,
    /// How far the logs were read when the journal began.
    began: Vec<(GenerationId, u64)>,
    /// `None` if it must not be written to any more.
    journal: Option<Box<dyn WritableFile>>,
    /// Bytes of the journal's checkpoint and of its good records.
    head: u64,
    good: u64,
    sequence: u64,
    /// The manifest in memory may not be the one that a crash leaves.
    pub(crate) unsettled: bool,
    /// Files to remove once the manifest is settled.
    pub(crate) obsolete: Vec<String>,
    cut: u64,
    pub(crate) maintenance: Maintenance,
    _lock: Option<StoreLock>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("view", &self.view).field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Writer {
    /// How many bytes of a torn tail were cut from the journal on opening.
    pub fn cut_bytes(&self) -> u64 {
        self.cut
    }

    /// The store as of the last successful commit.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Make `commit` durable, and then visible in [`Writer::view`]; it is left empty.
    ///
    /// # Errors
    /// If it could not be made durable; then it and the view are unchanged, and it (or one that [absorbed](
    /// Commit::absorb) more) may be tried again. After a crash that follows a failure, the failed commit may be there whole, or not at all.
    pub fn commit(&mut self, commit: &mut Commit) -> Result<()> {
        self.notice_removal()?;
        self.settle()?;
        if self.journal.is_none() {
            self.seal()?;
        }
        let Some((record, packed)) = record::commit_record(self.sequence.wrapping_add(1), commit) else {
            return Err(Error::failed("a commit of more than 1 GiB")
                .at(self.medium.root())
                .remedy("commit more often"));
        };
        if let Err(error) = self.append(&record) {
            let name = layout::journal_file(self.manifest.journal);
            return Err(operation_failed(self.medium.as_ref(), "commit to the journal", &name, &error));
        }
        self.good += u64::try_from(record.len()).unwrap_or(0);
        self.sequence = self.sequence.wrapping_add(1);
        self.view.state.apply(commit, &packed.cells);
        self.view.memtable.apply(std::mem::take(commit), packed);
        Ok(())
    }

    /// A journal that somebody removed must not be written to: nobody would find it. One that is removed alone is sealed from
    /// memory, into another.
    fn notice_removal(&mut self) -> Result<()> {
        let is_gone = |name: &str| self.medium.open(name).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
        if self.journal.is_some() && is_gone(&layout::journal_file(self.manifest.journal)) {
            self.journal = None;
        }
        if self.journal.is_none() && is_gone(MANIFEST) {
            return Err(Error::failed("cannot write to the store: it was removed while it was in use")
                .at(self.medium.root())
                .remedy("restart spikeline, which begins anew with the present logs; `spikeline index` takes in rotated ones"));
        }
        Ok(())
    }

    /// Write a record behind the good ones, and sync it. What a failure leaves is cut off, or the journal is given up.
    fn append(&mut self, record: &[u8]) -> std::io::Result<()> {
        let Some(mut journal) = self.journal.take() else { return Err(std::io::ErrorKind::NotConnected.into()) };
        let written = write_all(journal.as_mut(), record);
        let synced = if written.is_ok() { journal.sync() } else { Ok(()) };
        let failed = written.is_err() || synced.is_err();
        // After a failed sync cutting only spares readers what will not count; the file is given up all the same.
        let cut = !failed || journal.truncate(self.good).is_ok();
        self.journal = Some(journal).filter(|_| cut && synced.is_ok());
        written.and(synced)
    }

    /// [`Writer::seal`] if the journal has grown past [`StoreSettings::seal_bytes`], or holds so many entries that they are too much
    /// memory; while the caller is `busy` with a backlog only at eight times those bytes, since sealing can wait until there is time.
    ///
    /// # Errors
    /// As [`Writer::seal`].
    pub fn seal_if_due(&mut self, busy: bool) -> Result<()> {
        let grown = self.journal_bytes() >> if busy { BUSY } else { 0 };
        let entries = self.view.memtable.entries.len();
        if grown >= self.manifest.settings.seal_bytes || entries >= ENTRIES_LIMIT {
            return self.seal();
        }
        Ok(())
    }

    /// Bytes of the commits in the journal.
    pub(crate) fn journal_bytes(&self) -> u64 {
        self.good.saturating_sub(self.head)
    }

    /// Turn the journal into a segment and start another journal. The view's answers do not change.
    ///
    /// # Errors
    /// If a file could not be written; then all is as before, and it may be tried again.
    pub fn seal(&mut self) -> Result<()> {
        self.settle()?;
        let open = self.view.memtable.open_blocks(&self.view.state);
        let number = self.manifest.next;
        let (segment, journal) = (number, number + 1);
        // A number is not used twice, even if this fails: what the failed attempt left must not be mistaken.
        self.manifest.next += 2;
        let mut leftovers = vec![
            layout::journal_file(journal),
            layout::segment_file(segment),
            layout::ranges_file(segment),
            MANIFEST_TEMPORARY.to_owned(),
        ];
        let mut next = self.manifest.clone();
        next.journal = journal;
        let outcome = self.write_sealed(segment, journal, &mut next);
        let (sink, head, info) = match outcome {
            Ok(sealed) => sealed,
            Err(error) => {
                self.obsolete.append(&mut leftovers);
                self.remove_obsolete();
                return Err(error);
            }
        };
        let obsolete = vec![layout::journal_file(self.manifest.journal)];
        let stored = self.put_in_force(next, obsolete, leftovers)?;
        self.view.memtable = Memtable::default();
        self.began = self.view.state.positions();
        open.into_iter().for_each(|block| self.view.memtable.add_block(block));
        self.view.segments.extend(info.map(Segment::new));
        self.maintenance.sealed();
        (self.journal, self.head, self.good) = (Some(sink), head, head);
        self.settled(stored)
    }

    /// Put `next` in force. What it no longer names is `obsolete`; if it cannot be, that is the error, and what was written
    /// for it is `leftovers`. If it is not known whether it is, it counts as in force, and the error comes back as a value.
    pub(crate) fn put_in_force(
        &mut self,
        next: Manifest,
        mut obsolete: Vec<String>,
        mut leftovers: Vec<String>,
    ) -> Result<Option<Error>> {
        let stored = next.store(self.medium.as_ref());
        if let Err(ManifestFailure::Before(error)) = stored {
            self.obsolete.append(&mut leftovers);
            self.remove_obsolete();
            return Err(error);
        }
        self.obsolete.append(&mut obsolete);
        self.manifest = next;
        Ok(match stored {
            Err(ManifestFailure::Unknown(error)) => Some(error),
            _ => None,
        })
    }

    /// What follows once memory is as the manifest says.
    pub(crate) fn settled(&mut self, stored: Option<Error>) -> Result<()> {
        match stored {
            Some(error) => {
                self.unsettled = true;
                Err(error)
            }
            None => {
                self.remove_obsolete();
                Ok(())
            }
        }
    }

    /// Write and sync the new segment (unless it would be empty) and the new journal.
    fn write_sealed(
        &self,
        segment: u64,
        journal: u64,
        next: &mut Manifest,
    ) -> Result<(Box<dyn WritableFile>, u64, Option<SegmentInfo>)> {
        let medium = self.medium.as_ref();
        let head = head(medium, journal, self.sequence, &self.view.state, &self.view.memtable)?;
        let name = layout::journal_file(journal);
        let sink = write_file(medium, &name, &head)
            .and_then(|sink| medium.sync_folder("").map(|()| sink))
            .map_err(|error| operation_failed(medium, "start a journal", &name, &error))?;
        let info = self.write_segment(segment)?;
        next.segments.extend(info.clone());
        Ok((sink, u64::try_from(head.len()).unwrap_or(0), info))
    }

    fn write_segment(&self, number: u64) -> Result<Option<SegmentInfo>> {
        let medium = self.medium.as_ref();
        let memtable = &self.view.memtable;
        let open = memtable.open_blocks(&self.view.state);
        let mut merged = Encoder::default();
        let cells = memtable.cells.merged(&mut merged);
        let cells = cells.map_err(|_| malformed(medium))?;
        let entries: Vec<Entry> = rank::prune(&memtable.entries, &self.manifest.settings);
        let blocks: Vec<_> =
            memtable.blocks.values().filter(|block| open.iter().all(|o| o.key() != block.key())).cloned().collect();
        if cells.is_empty() && entries.is_empty() && blocks.is_empty() {
            return Ok(None);
        }
        let name = layout::segment_file(number);
        let ranges = self.view.state.read_since(&self.began);
        log_ranges::write_ranges(medium, number, &ranges)?;
        let failing = |error: std::io::Error| operation_failed(medium, "write the segment", &name, &error);
        let sealed = self.view.state.last_commit.unwrap_or_default();
        let mut builder = SegmentBuilder::create(medium, number, SegmentKind::Sealed, sealed).map_err(failing)?;
        for (slot, route, cell) in cells {
            builder.cover(&TimeBounds::of(slot));
            builder.cell(Resolution::Fine, slot, route, cell).map_err(failing)?;
        }
        builder.entries(&entries).and_then(|()| builder.summaries(&blocks)).map_err(failing)?;
        let kept = if memtable.lines.is_empty() { HashSet::new() } else { archived_lines::keys(&entries) };
        archived_lines::each_sorted(&memtable.lines, &kept, |key, line| builder.line(key, line).map_err(failing))
            .unwrap_or_else(|_| Err(malformed(medium)))?;
        builder.finish(medium).map(Some).map_err(failing)
    }

    /// Put the manifest in force again if it is unknown whether it is.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.unsettled {
            self.manifest.store(self.medium.as_ref()).map_err(ManifestFailure::into_error)?;
            self.unsettled = false;
            self.remove_obsolete();
        }
        Ok(())
    }

    /// A file that cannot be removed is no harm: the next writer that opens the store removes it.
    pub(crate) fn remove_obsolete(&mut self) {
        for name in std::mem::take(&mut self.obsolete) {
            let _left_behind = self.medium.remove(&name);
        }
    }

    /// Remove what a crash left between writing a file and naming it in the manifest.
    fn remove_leftovers(&self) {
        let journal = layout::journal_file(self.manifest.journal);
        for name in self.medium.list("").unwrap_or_default() {
            if (layout::journal_number(&name).is_some() && name != journal) || name == MANIFEST_TEMPORARY {
                let _left_behind = self.medium.remove(&name);
            }
        }
        for name in self.medium.list(layout::SEGMENTS).unwrap_or_default() {
            let number = layout::segment_number(&name);
            if number.is_some_and(|number| self.manifest.segments.iter().all(|info| info.number != number)) {
                let _left_behind = self.medium.remove(&format!("{}/{name}", layout::SEGMENTS));
            }
        }
        for name in self.medium.list(layout::POINTS).unwrap_or_default() {
            let known = |id| self.view.generations().iter().any(|held| held.id == id);
            if name.ends_with(".tmp") || layout::points_generation(&name).is_some_and(|id| !known(id)) {
                let _left_behind = self.medium.remove(&format!("{}/{name}", layout::POINTS));
            }
        }
    }
}

impl ManifestFailure {
    fn into_error(self) -> Error {
        match self {
            ManifestFailure::Before(error) | ManifestFailure::Unknown(error) => error,
        }
    }
}

fn malformed(medium: &dyn Medium) -> Error {
    Error::failed("malformed cells or lines in memory").at(medium.root())
}

/// The head of a journal that goes on from `state` and `memtable`.
fn head(medium: &dyn Medium, number: u64, sequence: u64, state: &StoreState, memtable: &Memtable) -> Result<Vec<u8>> {
    let open = memtable.open_blocks(state);
    record::head(number, sequence, state, &open)
        .ok_or_else(|| Error::failed("a checkpoint of more than 1 GiB").at(medium.root()))
}
