//! Where the generations of an earlier run are now, and those that were being read from a compressed file that is not complete.
//!
//! Each is looked for as [`find`](crate::source::identity::find) says, once a second until it is found, or is surely nowhere.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::facts::LogFacts;
use super::poll::{Poll, Unreadable};
use crate::error::Error;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::FileStatus;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::compare::{Comparison, compare, compare_open};
use crate::source::identity::find::{
    FileCandidates, FoundFile, Hindrance, SearchResult, SearchScope, incomplete_error, list_candidates, search,
};
use crate::source::identity::siblings::{Sibling, base_of};
use crate::source::unread_span::UnreadCause;
use crate::time::Timestamp;
use crate::wildcards::is_pattern;

/// A generation whose file is not found, or cannot be read yet: it is compressed and not complete, or out of reach.
#[derive(Debug)]
struct AwaitedGeneration {
    generation: Generation,
    since: Timestamp,
    /// There was a look for it.
    is_looked_for: bool,
    /// Its log was not there when it was looked for.
    is_away: bool,
    /// What hinders the system from reading a file that may hold it. Until that is gone, the file with its inode must not be
    /// taken for a new log.
    unreadable: Option<Error>,
    /// The files that cannot be opened and may hold it.
    hindered_by: Vec<DeviceInode>,
    /// The candidates at the last try; there is no use in another before they change.
    tried: Vec<(PathBuf, FileStatus)>,
    /// It was being read in this run until its file ended too early.
    is_set_aside: bool,
    /// The file that is compressed and not complete.
    torn: Option<FileStatus>,
}

/// What became of a generation that was awaited.
#[derive(Debug)]
pub(crate) enum ResumeOutcome {
    /// A file holds it.
    Found {
        generation: Generation,
        file: Box<FoundFile>,
        /// That file is a copy, and the one that was copied holds something else now.
        is_copy: bool,
    },
    /// No file holds it: it was truncated, replaced or deleted, and what it held beyond its position is in no one's knowledge.
    Gone(Generation),
}

/// The generations that wait to be found.
#[derive(Debug, Default)]
pub(crate) struct AwaitedGenerations {
    awaited: VecDeque<AwaitedGeneration>,
}

impl AwaitedGenerations {
    /// Waits for the unfinished generations of an earlier run; none was looked for yet.
    pub(crate) fn await_all(&mut self, unfinished: Vec<Generation>, now: Timestamp) {
        for generation in unfinished {
            self.awaited.push_back(AwaitedGeneration {
                generation,
                since: now,
                is_looked_for: false,
                is_away: false,
                unreadable: None,
                hindered_by: Vec::new(),
                tried: Vec::new(),
                is_set_aside: false,
                torn: None,
            });
        }
    }

    /// Waits for a compressed file to change that ended too early or is corrupt, and holds this generation.
    pub(crate) fn await_change(&mut self, generation: Generation, facts: &LogFacts, poll: &mut Poll<'_>) {
        let tried = statuses(
            &list_candidates(
                &generation,
                SearchScope::Rotation,
                poll.settings.elsewhere_of(&generation.log),
                &mut poll.listings,
            )
            .files,
        );
        let torn = FileStatus::of_path(&generation.path).ok();
        let since = poll.now;
        let awaited = AwaitedGeneration {
            generation,
            since,
            is_looked_for: true,
            is_away: false,
            unreadable: None,
            hindered_by: Vec::new(),
            tried,
            is_set_aside: true,
            torn,
        };
        poll.unread.push(awaited.unfinished(facts, poll.now));
        self.awaited.push_back(awaited);
    }

    pub(crate) fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.awaited.iter().map(|awaited| &awaited.generation)
    }

    /// The numbers of all that are waited for.
    pub(crate) fn ids(&self) -> HashSet<GenerationId> {
        self.generations().map(|generation| generation.id).collect()
    }

    /// Whether the file with this inode may hold one that cannot be read now, which is said to be missing.
    pub(crate) fn may_be_in(&self, device_inode: DeviceInode) -> bool {
        self.awaited.iter().any(|AwaitedGeneration { generation, unreadable, hindered_by, .. }| {
            // Where not even that could be looked at, it is in its own file; what was read of it tells, if anything was ([`Self::is_any_in`]).
            let is_own = hindered_by.is_empty() && generation.position == 0 && generation.device_inode == device_inode;
            unreadable.is_some() && (is_own || hindered_by.contains(&device_inode))
        })
    }

    /// Whether a file holds what was read of one of this log. Leaves it at its beginning.
    pub(crate) fn is_any_in(&self, file: &mut File, path: &Path, key: &str) -> io::Result<bool> {
        let name = base_of(path).file_name().map(OsString::from);
        for generation in self.generations().filter(|generation| generation.log == key && generation.position > 0) {
            // A link leads to logs of any names.
            if is_pattern(key) && base_of(&generation.path).file_name() != name.as_deref() {
                continue;
            }
            let comparison = compare_open(generation, file, UncompressedReader::of_file)?;
            file.rewind()?;
            if matches!(comparison, Comparison::Same(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether this log was away at the last look for one of it: what is at its path now may be that one, come back.
    pub(crate) fn is_any_away(&self, key: &str) -> bool {
        self.awaited.iter().any(|AwaitedGeneration { generation, is_away, .. }| *is_away && generation.log == key)
    }

    /// Looks for the generations from number `from` on, until it is known what became of one; that one is awaited no more.
    /// Sets `from` to where the next call has to go on. `None` when none is left.
    pub(crate) fn next_outcome(
        &mut self,
        from: &mut usize,
        facts: &LogFacts,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<(), Option<ResumeOutcome>> {
        let mut searched_twice = None;
        while let Some(awaited) = self.awaited.get_mut(*from) {
            if !poll.around && awaited.is_looked_for {
                *from += 1;
                continue;
            }
            let elsewhere = poll.settings.elsewhere_of(&awaited.generation.log);
            let candidates = list_candidates(&awaited.generation, SearchScope::Rotation, elsewhere, &mut poll.listings);
            let tried = statuses(&candidates.files);
            // Nothing has changed since one of them was found to be torn.
            if tried == awaited.tried && awaited.torn.is_some() && awaited.unreadable.is_none() {
                *from += 1;
                let path = awaited.generation.path.clone();
                poll.unread.push(awaited.unfinished(facts, poll.now));
                if poll.now >= awaited.since.plus(poll.settings.rotate_grace) {
                    poll.tell_problem(&path, incomplete_error(&path))?;
                }
                continue;
            }
            awaited.tried = tried;
            awaited.is_looked_for = true;
            awaited.is_away = facts.patterns.is_away(&awaited.generation.log);
            (awaited.unreadable, awaited.torn) = (None, None);
            let (generation, is_away) = (awaited.generation.clone(), awaited.is_away);
            let is_closed = |file: &&Sibling| !facts.open.is_open(file.status.device_inode);
            let closed = candidates.files.iter().filter(is_closed);
            let is_its_own = |file: &Sibling| !self.holds_another(&generation, file, facts);
            let SearchResult { found, hindrances } =
                search(&generation, closed, UncompressedReader::of_file, is_its_own);
            if let Some(file) = found {
                self.awaited.remove(*from);
                poll.no_problem(&generation.path);
                let is_copy = is_copy(&generation, &file, &candidates.files, facts, poll.now);
                return ControlFlow::Continue(Some(ResumeOutcome::Found { generation, file: Box::new(file), is_copy }));
            }
            if let Some(awaited) = self.awaited.get_mut(*from) {
                awaited.hindered_by = unreadable_files(&hindrances, &candidates.files);
            }
            let until = written_until(&hindrances, facts);
            // What the system hinders may be allowed without a change of any file.
            let is_unreadable = |(_, hindrance): &(PathBuf, Hindrance)| matches!(hindrance, Hindrance::Unreadable(_));
            let worst = hindrances.iter().rposition(is_unreadable).or(hindrances.len().checked_sub(1));
            match worst.and_then(|at| hindrances.into_iter().nth(at)) {
                Some((path, Hindrance::Incomplete)) => {
                    if let Some(awaited) = self.awaited.get_mut(*from) {
                        awaited.torn = FileStatus::of_path(&path).ok();
                        poll.unread.push(awaited.unfinished(facts, poll.now));
                    }
                    *from += 1;
                }
                Some((path, Hindrance::Unreadable(error))) => {
                    self.set_unreadable(from, until, Error::io("read it", &path, &error), facts, poll)?;
                }
                // Its log is said to be missing meanwhile. It may be on a disk that is not there yet.
                None if is_away => {
                    *from += 1;
                    poll.unread.push(absent(&generation));
                }
                None => match unreachable(&generation.path, candidates) {
                    Some(error) => self.set_unreadable(from, None, error, facts, poll)?,
                    // It may have been renamed since its directory was listed.
                    None if searched_twice != Some(generation.id)
                        && poll.listings.is_renewed(&generation.path, poll.settings.elsewhere_of(&generation.log)) =>
                    {
                        searched_twice = Some(generation.id);
                        if let Some(awaited) = self.awaited.get_mut(*from) {
                            awaited.tried.clear();
                            awaited.is_looked_for = false;
                        }
                    }
                    None => {
                        self.awaited.remove(*from);
                        return ControlFlow::Continue(Some(ResumeOutcome::Gone(generation)));
                    }
                },
            }
        }
        ControlFlow::Continue(None)
    }

    /// Notes that files which may hold the generation number `from` cannot be read, written last at `until`, and goes on to the next.
    fn set_unreadable(
        &mut self,
        from: &mut usize,
        until: Option<Timestamp>,
        error: Error,
        facts: &LogFacts,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        let Some(awaited) = self.awaited.get_mut(*from) else { return ControlFlow::Continue(()) };
        *from += 1;
        awaited.unreadable = Some(error.clone());
        let mut report = Unreadable::of_generation(&awaited.generation, UnreadCause::Denied, &error);
        report.from = facts.horizon.read_until();
        report.until = until;
        poll.cannot_read(report, error)
    }

    /// Whether a file that begins as a generation of which nothing was read is another log. Any file with the same first bytes
    /// would do, so these are not taken:
    ///
    /// - one that was there already when all had been read: the generation was not, but in the file with its own inode;
    /// - one that a watched path names: a log stands there, not a copy;
    /// - one that holds a generation of which something was read, or whose own inode it has.
    fn holds_another(&self, generation: &Generation, file: &Sibling, facts: &LogFacts) -> bool {
        if generation.position > 0 {
            return false;
        }
        let inode = file.status.device_inode;
        let is_own = inode == generation.device_inode;
        if !is_own && (facts.horizon.was_there_when_all_was_read(file) || facts.patterns.names(&file.path)) {
            return true;
        }
        let may_hold = |other: &&Generation| other.position > 0 || (!is_own && other.device_inode == inode);
        let mut others = facts.closed.read_ones().chain(self.generations().filter(may_hold));
        others.any(|other| matches!(compare(other, &file.path), Ok(Comparison::Same(_))))
    }
}

impl AwaitedGeneration {
    /// What is said of it while its file is compressed and not complete: the rest of it is missing.
    fn unfinished(&self, facts: &LogFacts, now: Timestamp) -> Unreadable {
        let error = incomplete_error(&self.generation.path);
        // What was read of it in this run tells when the rest began.
        let from = if self.is_set_aside { Some(Timestamp(i64::MIN)) } else { facts.horizon.read_until() };
        Unreadable {
            from,
            until: Some(self.torn.map_or(now, |torn| torn.written_until())),
            device_inode: None,
            ..Unreadable::of_generation(&self.generation, UnreadCause::Unfinished, &error)
        }
    }
}

/// When the last of these files was written last; nothing if one is written still. One that was rotated away is written no more, or not for
/// long.
fn written_until(hindrances: &[(PathBuf, Hindrance)], facts: &LogFacts) -> Option<Timestamp> {
    let mut latest = None;
    for (path, _) in hindrances {
        if facts.patterns.names(path) {
            return None;
        }
        latest = latest.max(Some(FileStatus::of_path(path).ok()?.written_until()));
    }
    latest
}

/// Those of these files that could not be opened.
fn unreadable_files(hindrances: &[(PathBuf, Hindrance)], candidates: &[Sibling]) -> Vec<DeviceInode> {
    let unreadable = hindrances.iter().filter(|(_, hindrance)| matches!(hindrance, Hindrance::Unreadable(_)));
    let inode_of = |path: &Path| candidates.iter().find(|file| file.path == path).map(|file| file.status.device_inode);
    unreadable.filter_map(|(path, _)| inode_of(path)).collect()
}

/// What is said of a generation while its log is not there: what was written behind what was read of it is missing.
fn absent(generation: &Generation) -> Unreadable {
    let report = Unreadable::of_generation(generation, UnreadCause::Absent, &Error::failed("there is no such file"));
    Unreadable { from: Some(Timestamp(i64::MIN)), ..report }
}

/// What a look at files gives that changes when there is use in looking into them again.
fn statuses(files: &[Sibling]) -> Vec<(PathBuf, FileStatus)> {
    files.iter().map(|file| (file.path.clone(), file.status)).collect()
}

/// Why the candidates of a generation are perhaps not all; `None` if they are.
fn unreachable(path: &Path, candidates: FileCandidates) -> Option<Error> {
    if let Some(error) = candidates.path_error {
        return Some(Error::io("look at it", path, &error));
    }
    candidates.directory_error.map(|error| Error::io("look for rotated logs beside it", path, &error))
}

/// Whether the file that was found is a copy of another one, which has the generation's inode still and was truncated. If that
/// other one is younger than the last run, it is a new log that got the inode which compressing the old one had freed.
fn is_copy(
    generation: &Generation,
    found: &FoundFile,
    candidates: &[Sibling],
    facts: &LogFacts,
    now: Timestamp,
) -> bool {
    let inode = generation.device_inode;
    if found.opened.status.device_inode == inode {
        return false;
    }
    let is_original = |file: &&Sibling| file.status.device_inode == inode && file.path != found.path;
    let original = candidates.iter().find(is_original);
    original.is_some_and(|original| !facts.horizon.is_younger(&original.path, now))
}
