//! What happens when a log turns into another: rotated away, truncated, replaced, gone.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::discovery::MissedRotation;
use super::open_log::{OpenLog, StatusChange};
use super::patterns::SeenPath;
use super::resume::{AwaitedGeneration, real_path};
use super::{Emit, Follower};
use crate::error::Error;
use crate::source::blocks::cutter::LogPiece;
use crate::source::blocks::event::{FinishReason, LogBlock, LogEvent};
use crate::source::compressed::reader::LogReader;
use crate::source::file::FileStatus;
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::compare::{Comparison, OpenedGeneration, compare, compare_open};
use crate::source::identity::siblings::{base_of, siblings};
use crate::time::Timestamp;

/// How many files are remembered as read to their end. Forgetting one costs another look into it.
const SETTLED_LIMIT: usize = 4096;

/// The watched paths that lead to each file.
type NamesByInode<'a> = HashMap<(u64, u64), Vec<&'a Path>>;

impl Follower {
    /// Looks at the status of every open file.
    pub(crate) fn refresh_streams(&mut self, now: Timestamp, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let ids: Vec<_> = self.streams.iter().map(|stream| stream.generation.id).collect();
        for id in ids {
            let Some(stream) = self.streams.iter_mut().find(|stream| stream.generation.id == id) else { continue };
            match stream.look(now) {
                Ok(StatusChange::Unchanged | StatusChange::Changed(None)) => {}
                Ok(StatusChange::Changed(Some(fingerprint))) => {
                    emit(LogEvent::Fingerprint { generation: id, fingerprint })?
                }
                Ok(StatusChange::Truncated) => self.truncated(id, now, emit)?,
                Err(error) => self.stream_fault(id, now, &error, emit)?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Reading an open file failed. A compressed one is set aside until it changes; a plain one is tried again.
    pub(crate) fn stream_fault(
        &mut self,
        id: GenerationId,
        now: Timestamp,
        error: &io::Error,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        let Some(index) = self.streams.iter().position(|stream| stream.generation.id == id) else {
            return ControlFlow::Continue(());
        };
        let Some(stream) = self.streams.get(index) else { return ControlFlow::Continue(()) };
        if !stream.is_plain() {
            let generation = self.streams.remove(index).generation;
            self.wait_for(generation, now);
            return ControlFlow::Continue(());
        }
        let path = stream.generation.path.clone();
        if error.raw_os_error() == Some(rustix::io::Errno::STALE.raw_os_error()) {
            let unread = stream.seen_size() - stream.generation.position;
            return self.finished(index, unread, FinishReason::Vanished, emit);
        }
        self.problem(&path, Error::io("read it", &path, error), emit)
    }

    /// A file was truncated: its generation ends. What was not read yet is looked for in a copy beside it, the
    /// file itself holds a new generation from now on.
    pub(crate) fn truncated(&mut self, id: GenerationId, now: Timestamp, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let Some(index) = self.streams.iter().position(|stream| stream.generation.id == id) else {
            return ControlFlow::Continue(());
        };
        let Some(stream) = self.streams.get(index) else { return ControlFlow::Continue(()) };
        // Whatever status the file has from now on, its new content was not read.
        self.settled.remove(&stream.status.device_inode);
        let as_read = stream.as_read();
        let copy = self.find_copy(&as_read).or_else(|| self.find_copy(&as_read));
        let (base, key) = (base_of(&stream.generation.path), stream.generation.log.clone());
        let missed = MissedRotation { base, key, since: self.missed_since(stream.status), noticed: now };
        let lost = stream.seen_size() - stream.generation.position;
        self.may_have_missed(missed);
        let Some((path, copy)) = copy else {
            return self.finished(index, lost, FinishReason::Truncated { lost }, emit);
        };
        let Some(stream) = self.streams.get_mut(index) else { return ControlFlow::Continue(()) };
        stream.switch_to(path.clone(), copy, now);
        let device_inode = stream.generation.device_inode;
        emit(LogEvent::Moved { generation: id, path, device_inode })
    }

    /// A sibling that holds what was read, in another inode.
    fn find_copy(&self, as_read: &Generation) -> Option<(PathBuf, OpenedGeneration)> {
        let mut found = siblings(&as_read.path).unwrap_or_default();
        found.sort_by_key(|sibling| sibling.compressed);
        found
            .into_iter()
            .filter(|sibling| {
                let inode = sibling.status.device_inode;
                inode != as_read.device_inode && self.streams.iter().all(|stream| stream.status.device_inode != inode)
            })
            .find_map(|sibling| match compare(as_read, &sibling.path) {
                Ok(Comparison::Same(opened)) => Some((sibling.path, *opened)),
                _ => None,
            })
    }

    /// Looks at the watched paths: which file each leads to now, and which of these are new.
    pub(crate) fn look(&mut self, now: Timestamp, around: bool, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let (seen, problems) = self.watch.look(around);
        for (path, error) in problems {
            self.problem(&path, error, emit)?;
        }
        let mut names: NamesByInode<'_> = HashMap::new();
        self.compare_with_last_look(&seen, now, around);
        for seen in &seen {
            if let Ok(status) = &seen.status {
                names.entry(status.device_inode).or_default().push(&seen.path);
            }
        }
        for index in 0..self.streams.len() {
            self.attach(index, &names, now, around, emit)?;
        }
        let mut new = Vec::new();
        for SeenPath { path, key, status } in seen {
            if status.is_ok() && !self.missing.is_empty() {
                self.missing.remove(&path);
            }
            match status {
                Ok(status) if !status.regular => {
                    let error = Error::failed("is not a regular file, so it cannot be followed")
                        .at(&path)
                        .remedy("name a file as access_log in nginx.conf");
                    self.problem(&path, error, emit)?;
                }
                Ok(status) if status.size == 0 || self.is_open(status.device_inode) => self.no_problem(&path),
                Ok(status) => new.push((path, status, key)),
                Err(error) if error.kind() == ErrorKind::NotFound => self.missing(&path, now, emit)?,
                Err(error) => self.problem(&path, Error::io("look at it", &path, &error), emit)?,
            }
        }
        let live = new.len();
        if around || std::mem::take(&mut self.missed_now) {
            new.extend(self.unknown_siblings(now, emit)?);
        }
        if !new.is_empty() {
            let mut new: Vec<_> = new.into_iter().enumerate().map(|(index, new)| (index < live, new)).collect();
            new.sort_by(|(_, a), (_, b)| (a.1.modified, &a.0).cmp(&(b.1.modified, &b.0)));
            let lives = new.iter().filter(|(is_live, _)| *is_live).map(|(_, new)| (new.0.clone(), new.1.device_inode));
            let lives: Vec<(PathBuf, (u64, u64))> = lives.collect();
            for (is_live, (path, status, key)) in new {
                // Another name of one of them.
                if !is_live && lives.iter().any(|(_, inode)| *inode == status.device_inode) {
                    continue;
                }
                // Nothing was read yet that could tell a copy from a log of its own.
                if !is_live && lives.iter().any(|(live, _)| begin_alike(&path, live).unwrap_or(false)) {
                    self.settled.insert(status.device_inode, status);
                    continue;
                }
                self.take_in(&path, &key, is_live, now, emit)?;
            }
        }
        self.at_end = false;
        ControlFlow::Continue(())
    }

    pub(crate) fn is_open(&self, device_inode: (u64, u64)) -> bool {
        self.streams.iter().any(|stream| stream.status.device_inode == device_inode)
    }

    /// A watched path leads nowhere: worth saying when that lasts longer than a rotation takes.
    fn missing(&mut self, path: &Path, now: Timestamp, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let since = *self.missing.entry(path.to_owned()).or_insert(now);
        if now < since.plus(self.settings.rotate_grace) {
            return ControlFlow::Continue(());
        }
        let error = Error::failed("there is no such file").at(path);
        self.problem(
            path,
            error.remedy("correct the path in spikeline's configuration, or wait for nginx to create it"),
            emit,
        )
    }

    /// Notes which watched path leads to an open file, if any, or what it is called since its rotation.
    fn attach(
        &mut self,
        index: usize,
        names: &NamesByInode<'_>,
        now: Timestamp,
        around: bool,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        let Some(stream) = self.streams.get_mut(index) else { return ControlFlow::Continue(()) };
        let inode = stream.status.device_inode;
        let names = names.get(&inode).map(Vec::as_slice).unwrap_or_default();
        let before = stream.live.take();
        stream.live =
            before.as_deref().filter(|path| names.contains(path)).or(names.first().copied()).map(Path::to_owned);
        if stream.live.is_some() && stream.live == before {
            return ControlFlow::Continue(());
        }
        let (mut new_path, mut missed) = (None, None);
        // Also if another name leads to it still.
        if before.is_some() {
            missed = Some((base_of(&stream.generation.path), stream.generation.log.clone(), stream.status));
        }
        if let Some(live) = &stream.live {
            stream.origin.clone_from(live);
            // The link may have been turned since the look at it.
            let is_here = |path: &PathBuf| FileStatus::of_path(path).is_ok_and(|it| it.device_inode == inode);
            new_path = std::fs::canonicalize(live).ok().filter(is_here);
        } else {
            if before.is_some() {
                stream.detached = now;
            }
            if before.is_some() || around {
                new_path = new_name(stream);
            }
        }
        let moved = new_path.filter(|path| *path != stream.generation.path).map(|path| {
            stream.generation.path.clone_from(&path);
            let Generation { id, device_inode, .. } = stream.generation;
            LogEvent::Moved { generation: id, path, device_inode }
        });
        if let Some((base, key, status)) = missed {
            self.may_have_missed(MissedRotation { base, key, since: self.missed_since(status), noticed: now });
        }
        moved.map_or(ControlFlow::Continue(()), emit)
    }

    /// Opens a file that is not open yet and begins a generation with it, unless it was read already.
    fn take_in(
        &mut self,
        path: &Path,
        key: &str,
        is_live: bool,
        now: Timestamp,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        match self.begin(path, key, is_live, now) {
            Ok(Some(mut stream)) => {
                self.no_problem(path);
                if self.settled.len() >= SETTLED_LIMIT {
                    self.settled.clear();
                }
                self.settled.insert(stream.status.device_inode, stream.status);
                if is_live && !stream.is_plain() {
                    let error = Error::failed("is compressed, so it cannot be followed while it is written").at(path);
                    let remedy = "drop `gzip=` from access_log, or take it in later with `spikeline index`";
                    return self.problem(path, error.remedy(remedy), emit);
                }
                if is_live {
                    stream.live = Some(path.to_owned());
                    stream.origin = path.to_owned();
                } else {
                    stream.origin = base_of(path);
                }
                self.discover(stream, emit)
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) if error.kind() == ErrorKind::NotFound => ControlFlow::Continue(()),
            Err(error) => self.problem(path, Error::io("read it", path, &error), emit),
        }
    }

    fn begin(&mut self, path: &Path, key: &str, is_live: bool, now: Timestamp) -> io::Result<Option<OpenLog>> {
        // One look at the links, so that the file and its name belong together; and one file from here on.
        let path = &real_path(path);
        let mut file = File::open(path)?;
        let status = FileStatus::of(&file)?;
        let inode = status.device_inode;
        let is_awaited = |it: &AwaitedGeneration| it.unreadable.is_some() && it.generation.device_inode == inode;
        if status.size == 0 || self.is_open(inode) || self.waiting.iter().any(is_awaited) {
            return Ok(None);
        }
        if self.settled.get(&inode) == Some(&status) {
            return Ok(None);
        }
        let mut position = 0;
        if is_live {
            for generation in self.known.iter().filter(|generation| generation.device_inode == inode) {
                if generation.position <= position {
                    continue;
                }
                if matches!(compare_open(generation, &file, LogReader::of_file)?, Comparison::Same(_)) {
                    position = generation.position;
                }
                file.rewind()?;
            }
            if position > 0 && position == status.size {
                self.settled.insert(inode, status);
                return Ok(None);
            }
            if self.at_end {
                position = status.size;
            }
        }
        let stream = OpenLog::begin(file, path, key, position, now, &self.settings)?;
        if stream.generation.fingerprint.length == 0 {
            // Compressed, and empty inside.
            self.settled.insert(inode, status);
            return Ok(None);
        }
        Ok(Some(stream))
    }

    /// Finishes the rotated generations that have been quiet for long enough.
    pub(crate) fn finish_quiet(&mut self, now: Timestamp, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let mut index = 0;
        while let Some(stream) = self.streams.get_mut(index) {
            if stream.live.is_some() || !stream.is_read() || !is_over(stream, now, self.settings.rotate_grace) {
                index += 1;
                continue;
            }
            let id = stream.generation.id;
            let mut bytes = Vec::new();
            let cut = stream.finish(&mut bytes);
            let tail_hash = stream.generation.tail_hash;
            match cut {
                Some(LogPiece::Lines { offset }) => {
                    emit(LogEvent::Block(LogBlock { generation: id, offset, bytes, tail_hash }))?
                }
                Some(LogPiece::TooLong { offset, length }) => {
                    emit(LogEvent::TooLong { generation: id, offset, length, tail_hash })?;
                }
                None => {}
            }
            let Some(stream) = self.streams.get(index) else { break };
            let reason = match stream.truncated_at {
                Some(size) => FinishReason::Truncated { lost: size.saturating_sub(stream.generation.position) },
                None => FinishReason::Rotated,
            };
            self.finished(index, 0, reason, emit)?;
        }
        ControlFlow::Continue(())
    }
}

/// Whether a file that no watched path leads to, and that is read to its end, will grow no more. A compressed
/// file and a copy do not grow. Another file must have been quiet for `grace`, and its writer must be seen to have
/// gone on elsewhere: while the successor is empty, nginx may not have got its USR1 yet.
fn is_over(stream: &OpenLog, now: Timestamp, grace: Duration) -> bool {
    if !stream.is_plain() || stream.truncated_at.is_some() {
        return true;
    }
    if now < stream.changed.max(stream.detached).plus(grace) {
        return false;
    }
    match FileStatus::of_path(&stream.origin) {
        Ok(successor) => {
            stream.status.deleted || successor.device_inode == stream.status.device_inode || successor.size > 0
        }
        // It has been gone since the file was rotated away, at least at every look.
        Err(_) => true,
    }
}

/// Whether two logs are the same to the end of the shorter one.
pub(crate) fn begin_alike(one: &Path, other: &Path) -> io::Result<bool> {
    const STEP: usize = 64 * 1024;
    let (mut one, mut other) = (LogReader::open(one)?, LogReader::open(other)?);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        let goes_on = [one.read(&mut first, STEP)? > 0, other.read(&mut second, STEP)? > 0];
        let common = first.len().min(second.len());
        if first.get(..common) != second.get(..common) {
            return Ok(false);
        }
        first.drain(..common);
        second.drain(..common);
        let [one_goes_on, other_goes_on] = goes_on;
        if (!one_goes_on && first.is_empty()) || (!other_goes_on && second.is_empty()) {
            return Ok(true);
        }
    }
}

/// What a rotated file is called now, if not what it was called last.
fn new_name(stream: &OpenLog) -> Option<PathBuf> {
    let inode = stream.status.device_inode;
    let path = &stream.generation.path;
    if FileStatus::of_path(path).is_ok_and(|status| status.device_inode == inode) {
        return None;
    }
    let found = siblings(path).unwrap_or_default();
    found.into_iter().find(|sibling| sibling.status.device_inode == inode).map(|sibling| sibling.path)
}
