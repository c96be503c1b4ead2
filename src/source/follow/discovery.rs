//! What came and went unseen: rotated files that no run has read.
//!
//! A log may be made, written and rotated away between two looks, or while nothing runs. Wherever that may have happened, the files
//! that its rotation may have made are looked at: which of them are known, which are new, and which may still become copies of
//! something known.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::LogFacts;
use super::horizon::is_created_after;
use super::known_logs::{KnownCandidates, KnownLogs};
use super::last_look::{LastLooks, SuspectPath};
use super::missed_rotation::MissedRotation;
use super::new_files::{NewFile, SettledFiles};
use super::patterns::{SeenPath, WatchedPath};
use super::poll::{FileProblem, Poll};
use super::put_off::PutOffFiles;
use super::resume::AwaitedGenerations;
use super::settings::FollowSettings;
use super::short_copy::{is_short_copy, may_be_short_copy, may_have_short_copy};
use super::sought_spans::SoughtSpans;
use super::undecided::{Patience, UndecidedFiles};
use crate::error::Error;
use crate::source::file::{FileStatus, real_path};
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::compare::{Comparison, OpenedGeneration, compare};
use crate::source::identity::content::{begin_alike, is_beginning_of};
use crate::source::identity::find::incomplete_error;
use crate::source::identity::listing::FolderListings;
use crate::source::identity::siblings::{Sibling, base_of, is_compressed_form};
use crate::source::unread_span::{UnreadCause, UnreadSpan};
use crate::time::Timestamp;

/// For how long an empty rotated file is watched for a writer that did not notice its rotation.
const EMPTY_WATCHED: Duration = Duration::from_secs(3600);

/// What a rotated file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileVerdict {
    /// It holds a known generation.
    Known,
    /// No run has seen what is in it.
    New,
    /// It is a copy of what was read of this open generation, and holds more; the generation's own file was deleted.
    Longer(GenerationId),
    /// Time will tell.
    Unclear,
    /// The next look will tell.
    NextLook,
}

/// Where rotated files are looked for that no run has seen, and what is known of those that were found.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Files that were read to the state in which they are.
    pub(crate) settled: SettledFiles,
    /// Those that were found, and wait for their turn to be read.
    pub(crate) put_off: PutOffFiles,
    last_looks: LastLooks,
    /// By the log's path before rotation.
    rotations: BTreeMap<PathBuf, MissedRotation>,
    /// Whether there is something new in `rotations`, so that it is looked for at once.
    is_urgent: bool,
    /// Whether the next look will tell what a file is.
    is_pending: bool,
    /// The folder of one of these logs is not there: what it was rotated to is looked for when it is.
    is_any_away: bool,
    /// Rotated files that were there before the first start: never read.
    foreign: HashSet<DeviceInode>,
    /// When that start was, and when they are looked for now.
    began: Timestamp,
    now: Timestamp,
    undecided: UndecidedFiles,
    /// What is missing of files that could not be read: looked for however old they are.
    sought: SoughtSpans,
}

impl Discovery {
    /// Never reads the rotated files that stand beside these logs now.
    pub(crate) fn disregard_rotated(&mut self, logs: &[WatchedPath], poll: &mut Poll<'_>) {
        let Poll { settings, listings, .. } = poll;
        self.began = poll.now;
        for log in logs {
            for sibling in listings.all_siblings(&log.path, settings.elsewhere_of(&log.key)).unwrap_or_default() {
                self.foreign.insert(sibling.status.device_inode);
            }
        }
    }

    /// Suspects every log that is known and watched, and those that are `named` now: while nothing ran, it may have been rotated.
    pub(crate) fn suspect_since_last_run(&mut self, named: Vec<WatchedPath>, facts: &LogFacts, now: Timestamp) {
        let Some(since) = facts.horizon.missed_since_last_run() else { return };
        for Generation { path, log: key, .. } in facts.closed.iter() {
            if facts.patterns.has_key(key) {
                let (base, key) = (base_of(path), key.clone());
                self.may_have_missed(MissedRotation { base, key, since, noticed: now });
            }
        }
        for WatchedPath { path, key } in named {
            self.may_have_missed(MissedRotation { base: path, key, since, noticed: now });
        }
    }

    /// Looks for what these lack.
    pub(crate) fn seek(&mut self, sought: Vec<UnreadSpan>, seen: Timestamp, now: Timestamp) {
        self.sought = SoughtSpans::new(sought, seen, now);
    }

    /// Watches the path of a log of which only rotated files are left, and which no glob names therefore.
    pub(crate) fn watch_while_gone(&mut self, path: &Path, key: &str, now: Timestamp) {
        self.last_looks.watch_while_gone(path, key, now);
    }

    /// Has rotated files looked for, at once, and for as long as an empty one is watched from now on.
    pub(crate) fn may_have_missed(&mut self, missed: MissedRotation) {
        self.is_urgent = true;
        match self.rotations.get_mut(&missed.base) {
            Some(known) => {
                known.since = known.since.min(missed.since);
                known.noticed = missed.noticed;
            }
            None => drop(self.rotations.insert(missed.base.clone(), missed)),
        }
    }

    /// Compares the watched paths, `seen` as they are now, with what they were at the last look.
    pub(crate) fn compare_with_last_look(&mut self, seen: &[SeenPath], facts: &LogFacts, poll: &Poll<'_>) {
        for SuspectPath { path, key, since } in self.last_looks.compare(seen, facts, poll) {
            self.may_have_missed(MissedRotation { base: base_of(&real_path(&path)), key, since, noticed: poll.now });
        }
    }

    /// Whether some file may be a copy in the making, so that it is not known yet whether it was read; after `grace` the next look
    /// decides. The last one was at `looked`.
    pub(crate) fn is_undecided(&self, looked: Option<Timestamp>, grace: Duration) -> bool {
        let is_waiting = self.is_pending || self.is_any_away || !self.put_off.is_empty();
        is_waiting || self.undecided.is_any_undecided(looked, grace)
    }

    /// The rotated files that no run has seen and that may hold what was missed. Looked for when directories are, and at once when
    /// there is a reason to.
    pub(crate) fn find_unseen(
        &mut self,
        facts: &LogFacts,
        awaited: &AwaitedGenerations,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<(), Vec<NewFile>> {
        let (mut new, mut problems) = (Vec::new(), Vec::new());
        if !poll.around && !std::mem::take(&mut self.is_urgent) {
            return ControlFlow::Continue(new);
        }
        (self.is_pending, self.is_any_away, self.now) = (false, false, poll.now);
        let known = KnownLogs::new(facts, awaited);
        for (base, missed) in std::mem::take(&mut self.rotations) {
            if self.find_unseen_of(&missed, facts, &known, poll, &mut new, &mut problems) {
                self.rotations.insert(base, missed);
            }
        }
        self.is_urgent |= self.is_pending;
        if self.rotations.is_empty() {
            self.undecided.clear();
        }
        for problem in problems {
            problem.tell(poll)?;
        }
        ControlFlow::Continue(new)
    }

    /// The same for one log. Returns whether to look again.
    fn find_unseen_of(
        &mut self,
        missed: &MissedRotation,
        facts: &LogFacts,
        known: &KnownLogs<'_>,
        poll: &mut Poll<'_>,
        new: &mut Vec<NewFile>,
        problems: &mut Vec<FileProblem>,
    ) -> bool {
        let MissedRotation { key, noticed, .. } = missed;
        let found = match self.left_behind(missed, facts, &poll.settings, &mut poll.listings) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let is_away = facts.patterns.is_away(key);
                // What no run has read may be a mistyped path.
                self.is_any_away |= is_away && known.is_any_of_key(key);
                return is_away;
            }
            Err(_) => return true,
        };
        // Its turn comes when what it is a copy of is gone.
        let mut again = self.sought.is_any_there(missed);
        for file in found {
            // However old it is, nginx may not have got its USR1 yet.
            if file.status.size == 0 {
                again |= poll.now < noticed.plus(EMPTY_WATCHED);
                continue;
            }
            // What waits may be another file when its turn comes.
            again |= self.put_off.holds(file.status.device_inode);
            if self.is_out_of_question(&file, missed, facts) {
                continue;
            }
            match self.judge(missed, &file, facts, known, poll, problems) {
                FileVerdict::Known => self.settled.settle(file.status),
                verdict @ (FileVerdict::New | FileVerdict::Longer(_)) => {
                    let continues = if let FileVerdict::Longer(id) = verdict { Some(id) } else { None };
                    let Sibling { path, status, .. } = file;
                    let since = Some(missed.since);
                    new.push(NewFile { path, status, key: key.clone(), is_live: false, since, continues });
                    // Looked at once more: it may be that it cannot be opened now.
                    again = true;
                }
                FileVerdict::Unclear => again = true,
                FileVerdict::NextLook => {
                    again = true;
                    self.is_pending = true;
                }
            }
        }
        again
    }

    /// The files beside a log that its rotation may have made; and the log itself, if a link led to it that leads elsewhere now.
    fn left_behind(
        &self,
        missed: &MissedRotation,
        facts: &LogFacts,
        settings: &FollowSettings,
        listings: &mut FolderListings,
    ) -> io::Result<Vec<Sibling>> {
        let MissedRotation { base, key, .. } = missed;
        let mut found = listings.all_siblings(base, settings.elsewhere_of(key))?;
        let Ok(status) = FileStatus::of_path(base) else { return Ok(found) };
        let itself = Sibling { path: base.to_owned(), status, compressed: false };
        if status.regular && status.size > 0 && !facts.patterns.names(base) {
            // What is compressed under its name is a copy of it, perhaps in the making.
            found.retain(|sibling| !is_compressed_form(base, &sibling.path));
            found.extend(Some(itself).filter(|itself| !self.is_out_of_question(itself, missed, facts)));
        }
        Ok(found)
    }

    /// Whether a file is surely none that was missed: too old, settled, left on purpose, named by a pattern, or being read.
    fn is_out_of_question(&self, file: &Sibling, missed: &MissedRotation, facts: &LogFacts) -> bool {
        let inode = file.status.device_inode;
        self.is_foreign(file)
            || self.settled.is_settled(file.status)
            || facts.patterns.names(&file.path)
            || facts.open.is_open(inode)
            || self.put_off.holds(inode)
            || (missed.is_older(file) && !self.sought.may_be_in(file, &missed.key))
    }

    /// Whether a file was there before the first start. A new one may get the inode of one that was deleted since.
    fn is_foreign(&self, file: &Sibling) -> bool {
        self.foreign.contains(&file.status.device_inode) && !is_created_after(&file.path, self.began, self.now)
    }

    /// What a file is, compared with every generation whose log has the same name. Adds what hinders the comparison to `problems`.
    fn judge(
        &mut self,
        missed: &MissedRotation,
        file: &Sibling,
        facts: &LogFacts,
        known: &KnownLogs<'_>,
        poll: &mut Poll<'_>,
        problems: &mut Vec<FileProblem>,
    ) -> FileVerdict {
        let patience = self.undecided.patience(file, poll);
        if patience == Patience::Waiting {
            return FileVerdict::Unclear;
        }
        let name = missed.base.file_name().unwrap_or_default();
        let mut candidates = match known.candidates(name, &file.path) {
            Ok(candidates) => candidates,
            Err(error) if error.kind() == ErrorKind::NotFound => return FileVerdict::Unclear,
            // It was read under this inode, to this very size.
            Err(_) if known.in_file(name, file.status.device_inode).any(|known| is_of_size(known, file, facts)) => {
                return FileVerdict::Known;
            }
            Err(error) if known.is_any(name) => {
                let error = Error::io("look into it", &file.path, &error);
                problems.push(missed.problem_of(file, UnreadCause::Denied, error, facts));
                return FileVerdict::Unclear;
            }
            Err(_) => KnownCandidates::default(),
        };
        // It was there when all had been read: only those who read it could tell what ends too early from a log of its own.
        let is_past = missed.is_older(file) && !self.sought.has_own(file);
        if is_past && candidates.is_short {
            let longer = known.longer_than(name, candidates.length);
            candidates.generations.extend(longer.filter(|longer| may_have_short_copy(longer, file, facts)));
        }
        let (mut verdict, mut problem) = (FileVerdict::New, None);
        for generation in candidates.generations {
            match compare(generation, &file.path) {
                Ok(Comparison::Same(opened)) => {
                    if let Some(verdict) = verdict_of_copy(generation, *opened, facts) {
                        return verdict;
                    }
                    // Of one of which nothing was read yet, only the beginning is the same so far.
                    if generation.position > 0 || begin_alike(&file.path, &generation.path).unwrap_or(false) {
                        return FileVerdict::Known;
                    }
                }
                Ok(Comparison::Different) => {}
                Ok(Comparison::Short) => {
                    let is_copy = is_short_copy(generation, &file.path, facts).unwrap_or(None);
                    if is_copy == Some(true)
                        || facts.open.is_copied(generation.id)
                            && is_beginning_of(&file.path, &generation.path) == Some(true)
                    {
                        return FileVerdict::Known;
                    }
                    if is_past {
                        if is_copy.is_none()
                            && may_be_short_copy(generation, file, facts, poll.settings.elsewhere_of(&missed.key))
                        {
                            return FileVerdict::Known;
                        }
                        continue;
                    }
                    // A copy in the making, or another log that begins alike.
                    if patience != Patience::Over {
                        verdict = FileVerdict::Unclear;
                    }
                }
                Ok(Comparison::Incomplete) => {
                    verdict = FileVerdict::Unclear;
                    problem = (patience == Patience::Over).then(|| incomplete_error(&file.path));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => return FileVerdict::Unclear,
                // It was read under this inode, to this very size.
                Err(_) if is_of_size(generation, file, facts) => return FileVerdict::Known,
                Err(error) => {
                    let error = Error::io("look into it", &file.path, &error);
                    problems.push(missed.problem_of(file, UnreadCause::Denied, error, facts));
                    return FileVerdict::Unclear;
                }
            }
        }
        // Only of a file that stays as it is all that may hold it are known.
        if verdict == FileVerdict::New && candidates.is_short && !is_still(file) {
            return FileVerdict::Unclear;
        }
        if problem.is_some() || (verdict == FileVerdict::Unclear && patience == Patience::NotYet) {
            self.undecided.wait_for(file, poll.now);
        }
        // Its writer may not have gone on elsewhere yet: what is missing of it ends with it.
        if verdict == FileVerdict::Unclear && problem.is_none() && self.sought.has_own(file) {
            let error = Error::failed("it could not be read before its rotation, and may be a copy of what was read");
            poll.unread.extend(missed.problem_of(file, UnreadCause::Denied, error, facts).unread);
        }
        if let Some(error) = problem {
            problems.push(missed.problem_of(file, UnreadCause::Unfinished, error, facts));
        }
        verdict
    }
}

/// Whether a file is in the state in which it was listed.
fn is_still(file: &Sibling) -> bool {
    FileStatus::of_path(&file.path).is_ok_and(|status| status == file.status)
}

/// What a file is that holds what was read of a generation, if that is open and its own file was deleted, or is a copy that grows no
/// more: a longer copy took its place and was rotated before anyone looked.
fn verdict_of_copy(generation: &Generation, opened: OpenedGeneration, facts: &LogFacts) -> Option<FileVerdict> {
    let log = facts.open.get(generation.id)?;
    let is_left = log.is_deleted().unwrap_or(false) || log.live.is_none() && (log.is_resumed || !log.is_plain());
    if generation.position == 0 || log.truncated_at.is_some() || !is_left {
        return None;
    }
    let OpenedGeneration { mut reader, .. } = opened;
    let is_longer = reader.read(&mut Vec::new(), 1).is_ok_and(|read| read > 0);
    match is_longer {
        false => None,
        // What is left in its own file comes first.
        true if !log.is_read() => Some(FileVerdict::NextLook),
        true => Some(FileVerdict::Longer(generation.id)),
    }
}

/// Whether a file that cannot be opened is the one in which a generation was read, and no longer than that. What a truncated one holds is
/// another log, be it as long.
fn is_of_size(generation: &Generation, file: &Sibling, facts: &LogFacts) -> bool {
    let is_its_file = generation.device_inode == file.status.device_inode && !facts.closed.was_cut(generation.id);
    is_its_file && generation.position == file.status.size
}
