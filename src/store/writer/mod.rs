//! The one writer: appends commits to the journal, and seals it into a segment when it has grown.
//!
//! What a failed call leaves behind is never built upon. A write that failed is cut off again; after a sync that
//! failed the journal is given up, and the next commit first seals what was committed (from memory) and starts
//! another journal. While it is unknown whether a new manifest would survive a crash, nothing is committed. And since
//! nobody knows what failed for the process before, its commits are copied into another journal when the store is opened.

mod damaged_journal;
mod leftovers;
mod opening;
mod sealing;

use self::sealing::Sealing;
use crate::error::{Error, Result};
use crate::store::commit::Commit;
use crate::store::disk::damage::operation_failed;
use crate::store::disk::layout;
use crate::store::disk::layout::{MANIFEST, MANIFEST_TEMPORARY};
use crate::store::journal::appender::JournalAppender;
use crate::store::journal::memtable::Memtable;
use crate::store::journal::record;
use crate::store::manifest::in_force::ManifestInForce;
use crate::store::query::damaged::DamagedSegment;
use crate::store::query::view::View;
use crate::store::upkeep::maintenance::{Maintenance, MaintenanceOutcome};
use crate::store::upkeep::{maintenance, repair};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::path::PathBuf;

/// A journal of so many entries is due for sealing, whatever its bytes: they are kept in memory (72 bytes each).
const ENTRIES_LIMIT: usize = 1 << 19;

/// While there is a backlog, a journal may grow by this power of two longer.
const BUSY: u32 = 3;

/// The store's one writer: a manifest, a journal to append to, all that both hold in memory, and what is due.
pub struct Writer {
    /// Which files are the store.
    pub(crate) manifest: ManifestInForce,
    /// What they hold, as of the last commit.
    pub(crate) view: View,
    /// Where the next commit goes.
    pub(crate) journal: JournalAppender,
    /// When what is due.
    pub(crate) maintenance: Maintenance,
    cut: u64,
    warnings: Vec<Error>,
    /// Whether nothing was committed since the writer began, or since it [concluded](Writer::conclude).
    is_concluded: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("view", &self.view)
            .field("sequence", &self.journal.sequence())
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// How many bytes of a torn tail were cut from the journal on opening.
    pub fn cut_bytes(&self) -> u64 {
        self.cut
    }

    /// What its owner should know of the store's folder: who could tamper with it, or could read it until now.
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// The store as of the last successful commit.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// As [`View::set_rotated`], for the writer's own.
    pub fn set_rotated(&mut self, rotated: HashMap<String, Vec<String>>) {
        self.view.set_rotated(rotated);
    }

    /// Make `commit` durable, and then visible in [`Writer::view`]; it is left empty.
    ///
    /// # Errors
    /// If it could not be made durable; then it and the view are unchanged, and it (or one that [absorbed](
    /// Commit::absorb) more) may be tried again. After a crash that follows a failure, the failed commit may be there whole, or not at all.
    pub fn commit(&mut self, commit: &mut Commit) -> Result<()> {
        self.notice_removal()?;
        self.manifest.settle()?;
        if !self.journal.is_usable() {
            self.seal()?;
        }
        let Some((record, payload)) = record::commit_record(self.journal.sequence().wrapping_add(1), commit) else {
            return Err(Error::failed("a commit of more than 1 GiB")
                .at(self.manifest.medium().root())
                .remedy("commit more often"));
        };
        if let Err(error) = self.journal.append(&record) {
            let name = layout::journal_file(self.manifest.manifest().journal);
            return Err(operation_failed(self.manifest.medium(), "commit to the journal", &name, &error));
        }
        self.view.state.apply_commit(commit, &payload.cells);
        self.view.memtable.apply_commit(std::mem::take(commit), payload);
        self.is_concluded = false;
        Ok(())
    }

    /// End what was committed so far with a record that names all logs. It proves that those before it were committed, so that
    /// one which cannot be read later is known to be damaged and not torn by a crash, and says which logs are to be read again.
    ///
    /// # Errors
    /// As [`Writer::commit`]; nothing is lost by that.
    pub fn conclude(&mut self) -> Result<()> {
        if self.is_concluded || self.view.generations().is_empty() {
            return Ok(());
        }
        let (at, generations) = (self.view.last_commit().unwrap_or_default(), self.view.generations().to_vec());
        self.commit(&mut Commit { at, generations, ..Commit::default() })?;
        self.is_concluded = true;
        Ok(())
    }

    /// A journal that somebody removed must not be written to: nobody would find it. One that is removed alone is sealed from
    /// memory, into another.
    fn notice_removal(&mut self) -> Result<()> {
        let medium = self.manifest.medium();
        let is_gone = |name: &str| medium.open(name).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
        if self.journal.is_usable() && is_gone(&layout::journal_file(self.manifest.manifest().journal)) {
            self.journal.abandon();
        }
        if !self.journal.is_usable() && is_gone(MANIFEST) {
            return Err(Error::lost("cannot write to the store: it was removed while it was in use")
                .at(medium.root())
                .remedy("restart spikeline, which begins anew with the present logs; `spikeline index` takes in rotated ones"));
        }
        Ok(())
    }

    /// [`Writer::seal`] if the journal has grown past [`StoreSettings::seal_bytes`], or holds so many entries that they are too much
    /// memory; while the caller is `busy` with a backlog only at eight times those bytes, since sealing can wait until there is time.
    ///
    /// # Errors
    /// As [`Writer::seal`].
    pub fn seal_if_due(&mut self, busy: bool) -> Result<()> {
        let grown = self.journal.committed_bytes() >> if busy { BUSY } else { 0 };
        let entries = self.view.memtable.entries.len();
        if grown >= self.manifest.manifest().settings.seal_bytes || entries >= ENTRIES_LIMIT {
            return self.seal();
        }
        Ok(())
    }

    /// Turn the journal into a segment and start another journal. The view's answers do not change.
    ///
    /// # Errors
    /// If a file could not be written; then all is as before, and it may be tried again.
    pub fn seal(&mut self) -> Result<()> {
        self.manifest.settle()?;
        let (segment, journal) = (self.manifest.new_number(), self.manifest.new_number());
        let leftovers = vec![
            layout::journal_file(journal),
            layout::segment_file(segment),
            layout::ranges_file(segment),
            MANIFEST_TEMPORARY.to_owned(),
        ];
        let sealing = Sealing::new(self.manifest.medium(), &self.view, &self.journal);
        let sealed = match sealing.write(segment, journal) {
            Ok(sealed) => sealed,
            Err(error) => {
                self.manifest.give_up(leftovers);
                return Err(error);
            }
        };
        let mut next = self.manifest.manifest().clone();
        next.journal = journal;
        next.segments.extend(sealed.info.clone());
        let obsolete = vec![layout::journal_file(self.manifest.manifest().journal)];
        let stored = self.manifest.replace(next, obsolete, leftovers)?;
        self.view.memtable = Memtable::with_blocks(sealed.open_blocks);
        self.view.sealed.extend(sealed.info);
        self.maintenance.note_new_segment();
        self.journal.continue_in(sealed.journal, sealed.head, self.view.state.log_positions());
        self.manifest.finish(stored)
    }

    /// Look after the store: after sealing and once an hour of `now` (wall clock); other calls do nothing. One call merges one
    /// set of segments (a second or less), and none while the caller is `busy`; call it again while there is
    /// [more](MaintenanceOutcome::more).
    ///
    /// # Errors
    /// If a file could not be written or is damaged; then nothing is lost, and it is tried again in an hour. Damaged segments
    /// are left alone from then on.
    pub fn maintain(&mut self, now: Timestamp, busy: bool) -> Result<MaintenanceOutcome> {
        let Some(round) = self.maintenance.begin_round(now, busy) else { return Ok(MaintenanceOutcome::default()) };
        self.manifest.settle()?;
        if round.asks_to_seal(self.view.memtable.cells.first_slot()) {
            self.seal()?;
        }
        let journal_bytes = self.journal.committed_bytes();
        self.maintenance.run(&round, &mut self.manifest, &mut self.view, journal_bytes)
    }

    /// Seal what is of the past, and merge all segments that would be merged one day, so that who asks next reads few and large
    /// ones with their roll-ups: for the end of taking in logs, when no daemon may come to do it. What is small stays as it is, and nothing is thrown away. It may be killed
    /// at any point; the next one goes on. `each` hears how many segments were merged, a second's work or less at a time.
    ///
    /// # Errors
    /// If a file could not be written or is damaged; then nothing is lost, and all answers are as they were.
    pub fn compact(&mut self, now: Timestamp, each: &mut dyn FnMut(usize)) -> Result<()> {
        self.manifest.settle()?;
        let is_worth_it = self.journal.committed_bytes() >= self.maintenance.limits.worth;
        if is_worth_it && maintenance::is_of_the_past(self.view.memtable.cells.first_slot(), now) {
            self.seal()?;
        }
        self.maintenance.merge_all(&mut self.manifest, &mut self.view, each)
    }

    /// Put a segment in the place of a damaged one: what can still be read of it, and of `counted` (its ranges, counted
    /// again) what was lost. The damaged file is kept as `*.damaged`; its new name is given back.
    ///
    /// # Errors
    /// If a file could not be written; then all is as before, and it may be tried again.
    pub fn repair(&mut self, damaged: &DamagedSegment, counted: Commit) -> Result<PathBuf> {
        repair::replace_damaged(&mut self.manifest, &mut self.view, damaged, counted)
    }
}
