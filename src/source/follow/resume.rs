//! Where the generations of an earlier run are now.

use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::discovery::{COPIED_TIME_LAG, MissedRotation, TIME_LAG};
use super::open_log::OpenLog;
use super::{Emit, Follower, millis};
use crate::error::Error;
use crate::source::blocks::event::{FinishReason, LogEvent};
use crate::source::file::FileStatus;
use crate::source::generation::Generation;
use crate::source::identity::compare::{Comparison, OpenedGeneration, compare};
use crate::source::identity::siblings::{Sibling, base_of, is_compressed, siblings};
use crate::time::Timestamp;

/// A generation whose file cannot be read yet: it is compressed and not complete, or out of reach.
#[derive(Debug)]
pub(crate) struct AwaitedGeneration {
    pub(crate) generation: Generation,
    since: Timestamp,
    /// What hinders the system from reading it; until that is mended, its file must not be taken for a new one.
    pub(crate) unreadable: Option<Error>,
    /// The candidates at the last try; there is no use in another before they change.
    tried: Vec<(PathBuf, FileStatus)>,
}

/// What a search for a generation gave.
enum SearchResult {
    Found(PathBuf, Box<OpenedGeneration>),
    /// A compressed file may hold it, but is not complete.
    Incomplete,
    /// A file that may hold it cannot be read.
    Unreadable(Error),
    Nowhere,
}

impl Follower {
    /// The first look: finds every unfinished generation of the earlier run, and remembers where rotated files
    /// may have been missed.
    pub(crate) fn resume(&mut self, now: Timestamp, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let (seen, _) = self.watch.look(true);
        let rotated_away = self.watch.rotated_away();
        rotated_away.iter().for_each(|(path, key)| self.watch_while_gone(path, key, now));
        let named = seen.iter().map(|seen| (real_path(&seen.path), &seen.key));
        let named = named.chain(rotated_away.iter().map(|(path, key)| (real_path(path), key)));
        if self.known.is_empty() && self.read_until.is_none() {
            for (path, _) in named.clone() {
                let found = siblings(&path).unwrap_or_default();
                self.foreign.extend(found.iter().map(|sibling| sibling.status.device_inode));
            }
            self.at_end = !self.settings.from_start;
        }
        if let Some(read_until) = self.read_until {
            let known = self.known.iter().filter(|generation| self.watch.has_key(&generation.log));
            let known = known.map(|generation| (base_of(&generation.path), &generation.log));
            let since = read_until.minus(TIME_LAG);
            let all =
                known.chain(named).map(|(base, key)| MissedRotation { base, key: key.clone(), since, noticed: now });
            all.collect::<Vec<_>>().into_iter().for_each(|missed| self.may_have_missed(missed));
        }
        let watch = &self.watch;
        let (mut unfinished, known): (Vec<_>, Vec<_>) = std::mem::take(&mut self.known)
            .into_iter()
            .partition(|generation| !generation.finished && watch.has_key(&generation.log));
        self.known = known;
        unfinished.sort_by_key(|generation| generation.id);
        // All of them first into `waiting`, so that none is forgotten if the owner stops in mid-way.
        self.waiting = unfinished
            .into_iter()
            .map(|generation| AwaitedGeneration { generation, since: now, unreadable: None, tried: Vec::new() })
            .collect();
        self.retry_waiting(now, true, emit)
    }

    /// Tries again to find the generations whose file could not be read yet.
    pub(crate) fn retry_waiting(&mut self, now: Timestamp, around: bool, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let mut index = 0;
        while let Some(waiting) = self.waiting.get_mut(index) {
            if !around && !waiting.tried.is_empty() {
                index += 1;
                continue;
            }
            let (candidates, hindered) = candidates(&waiting.generation);
            let tried: Vec<_> = candidates.iter().map(|found| (found.path.clone(), found.status)).collect();
            if tried == waiting.tried && !tried.is_empty() && waiting.unreadable.is_none() {
                let late = now >= waiting.since.plus(self.settings.rotate_grace);
                let path = waiting.generation.path.clone();
                index += 1;
                if late {
                    self.problem(&path, incomplete(&path), emit)?;
                }
                continue;
            }
            waiting.tried = tried;
            waiting.unreadable = None;
            let generation = waiting.generation.clone();
            let result = match (self.search(&generation, &candidates), hindered) {
                (SearchResult::Nowhere, Some(error)) => SearchResult::Unreadable(error),
                (result, _) => result,
            };
            match result {
                SearchResult::Incomplete => index += 1,
                SearchResult::Unreadable(error) => {
                    if let Some(waiting) = self.waiting.get_mut(index) {
                        waiting.unreadable = Some(error.clone());
                    }
                    index += 1;
                    self.problem(&generation.path, error, emit)?;
                }
                SearchResult::Found(path, opened) => {
                    self.waiting.remove(index);
                    self.no_problem(&generation.path);
                    let inode = generation.device_inode;
                    // What has its inode now was not made from it if it is younger: a new log often gets what packing freed.
                    let is_old = |found: &&Sibling| found.status.device_inode == inode && found.path != path;
                    let old = candidates.iter().find(is_old).filter(|old| !self.is_younger(&old.path, now));
                    let truncated = opened.status.device_inode != inode && old.is_some();
                    self.go_on(generation, path, *opened, truncated, now, emit)?;
                }
                SearchResult::Nowhere => {
                    self.waiting.remove(index);
                    let reason = self.why_gone(&generation, now);
                    let id = generation.id;
                    self.known.push(Generation { finished: true, ..generation });
                    emit(LogEvent::Finished { generation: id, unread: 0, reason })?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// A compressed file ended too early or is corrupt: what is known of its generation waits for it to change.
    pub(crate) fn wait_for(&mut self, generation: Generation, now: Timestamp) {
        let (found, _) = candidates(&generation);
        let tried = found.into_iter().map(|found| (found.path, found.status)).collect();
        self.waiting.push(AwaitedGeneration { generation, since: now, unreadable: None, tried });
    }

    /// Goes on in the file that was found. `truncated`: it is a copy, and the file that was copied holds something else now.
    fn go_on(
        &mut self,
        generation: Generation,
        path: PathBuf,
        opened: OpenedGeneration,
        truncated: bool,
        now: Timestamp,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        let before = (generation.path.clone(), generation.device_inode, generation.fingerprint);
        let origin = base_of(&path);
        let mut stream = OpenLog::resume(generation, opened, origin, now, &self.settings);
        stream.recall_trail();
        if stream.is_plain() && !truncated {
            stream.generation.device_inode = stream.status.device_inode;
        }
        stream.generation.path = path;
        if truncated {
            // What was written after it was copied is in neither.
            stream.truncated_at = Some(0);
        }
        let now_at = stream.generation.clone();
        self.streams.push(stream);
        if (&now_at.path, now_at.device_inode) != (&before.0, before.1) {
            emit(LogEvent::Moved { generation: now_at.id, path: now_at.path, device_inode: now_at.device_inode })?;
        }
        if now_at.fingerprint != before.2 {
            emit(LogEvent::Fingerprint { generation: now_at.id, fingerprint: now_at.fingerprint })?;
        }
        ControlFlow::Continue(())
    }

    fn search(&self, generation: &Generation, candidates: &[Sibling]) -> SearchResult {
        let mut result = SearchResult::Nowhere;
        for candidate in candidates {
            if self.streams.iter().any(|stream| stream.status.device_inode == candidate.status.device_inode) {
                continue;
            }
            match compare(generation, &candidate.path) {
                Ok(Comparison::Same(_)) if self.holds_another(generation, candidate) => {}
                Ok(Comparison::Same(opened)) => return SearchResult::Found(candidate.path.clone(), opened),
                Ok(Comparison::Incomplete) => result = SearchResult::Incomplete,
                // Not readable now, perhaps later: better to wait than to call it gone.
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    result = SearchResult::Unreadable(Error::io("read it", &candidate.path, &error));
                }
                Ok(Comparison::Different | Comparison::Short) | Err(_) => {}
            }
        }
        result
    }

    /// Whether a file that begins as a generation of which nothing was read holds another, of which something was, or whose
    /// inode it has. So does any file that was there when all was known, since then it was not, but for its own; and a log that is
    /// written to now, since no copy stands in its place.
    fn holds_another(&self, generation: &Generation, candidate: &Sibling) -> bool {
        if generation.position > 0 {
            return false;
        }
        let is_older = |at: Timestamp| candidate.status.modified().plus(TIME_LAG + COPIED_TIME_LAG) < at;
        let is_own = candidate.status.device_inode == generation.device_inode;
        if !is_own && (self.read_until.is_some_and(is_older) || self.watch.names(&candidate.path)) {
            return true;
        }
        let has_its_inode = |other: &Generation| !is_own && other.device_inode == candidate.status.device_inode;
        let waiting = self.waiting.iter().map(|waiting| &waiting.generation);
        let waiting = waiting.filter(|other| other.position > 0 || has_its_inode(other));
        let mut others = self.known.iter().filter(|other| other.position > 0).chain(waiting);
        others.any(|other| matches!(compare(other, &candidate.path), Ok(Comparison::Same(_))))
    }

    /// Why a generation is nowhere to be found. If its inode is still where it was, it was truncated, unless that file was
    /// created after all was read: then the inode was used again.
    fn why_gone(&self, generation: &Generation, now: Timestamp) -> FinishReason {
        let path = &generation.path;
        let is_there = FileStatus::of_path(path).is_ok_and(|status| status.device_inode == generation.device_inode);
        match is_there && !self.is_younger(path, now) {
            true => FinishReason::Truncated { lost: 0 },
            false => FinishReason::Vanished,
        }
    }

    /// Whether the file was created after all was read. Not every file system says it, and its clock may be another.
    fn is_younger(&self, path: &Path, now: Timestamp) -> bool {
        let created = std::fs::metadata(path).ok().and_then(|status| status.created().ok());
        let created = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let created = created.map(|time| Timestamp(millis(time)));
        created.zip(self.read_until).is_some_and(|(created, read)| created > read && created <= now.plus(TIME_LAG))
    }
}

/// The files that may hold a generation: those with its inode first, then plain ones, then compressed ones. And
/// what hindered the search, if anything did.
fn candidates(generation: &Generation) -> (Vec<Sibling>, Option<Error>) {
    let path = &generation.path;
    let mut hindered = None;
    let mut note = |doing: &str, error: io::Error| {
        if error.kind() != ErrorKind::NotFound {
            hindered = Some(Error::io(doing, path, &error));
        }
    };
    let mut found = siblings(path).unwrap_or_else(|error| {
        note("look for rotated logs beside it", error);
        Vec::new()
    });
    found.extend(same_inode(generation, &found));
    match FileStatus::of_path(path) {
        Ok(status) => found.push(Sibling { path: path.clone(), status, compressed: is_compressed(path) }),
        Err(error) => note("look at it", error),
    }
    found.sort_by_key(|sibling| (sibling.status.device_inode != generation.device_inode, sibling.compressed));
    (found, hindered)
}

/// The file of a generation under a name that no rotation gives: renamed by hand, or known by a second name before.
fn same_inode(generation: &Generation, found: &[Sibling]) -> Option<Sibling> {
    let inode = generation.device_inode;
    let is_it = |status: FileStatus| status.device_inode == inode;
    if found.iter().any(|sibling| is_it(sibling.status)) || FileStatus::of_path(&generation.path).is_ok_and(is_it) {
        return None;
    }
    let entries = std::fs::read_dir(generation.path.parent()?).ok()?;
    entries.flatten().find_map(|entry| {
        let path = entry.path();
        let status = FileStatus::of_path(&path).ok().filter(|status| status.regular && is_it(*status))?;
        Some(Sibling { compressed: is_compressed(&path), path, status })
    })
}

/// Where a watched path leads, as far as it exists.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(crate) fn incomplete(path: &Path) -> Error {
    Error::failed("a compressed log here is torn, corrupt or still being written; its lines are missing so far")
        .at(path)
        .remedy("`gzip -t` tells; it is read as soon as it is complete")
}
