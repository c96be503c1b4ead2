//! Which rotated files no run has seen.

use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::resume::incomplete;
use super::rotation::begin_alike;
use super::{Emit, Follower};
use crate::error::Error;
use crate::source::compressed::reader::LogReader;
use crate::source::file::FileStatus;
use crate::source::generation::Generation;
use crate::source::identity::compare::{Comparison, compare};
use crate::source::identity::siblings::{Sibling, base_of, is_packed, siblings};
use crate::source::tail_hash::TailBytes;
use crate::time::Timestamp;

/// The times of files may be this much behind the clock that says when all was read.
pub(crate) const TIME_LAG: Duration = Duration::from_secs(5);

/// gzip and zstd give the copy the time of the source, perhaps in whole seconds.
pub(crate) const COPIED_TIME_LAG: Duration = Duration::from_millis(999);

/// A log of which rotated files may have been missed.
#[derive(Debug)]
pub(crate) struct MissedRotation {
    /// The log's path before rotation.
    pub(crate) base: PathBuf,
    pub(crate) key: String,
    /// What was not written to since then is older.
    pub(crate) since: Timestamp,
    /// When this was noticed.
    pub(crate) noticed: Timestamp,
}

/// For how long an empty rotated file is watched for a writer that did not notice its rotation.
const EMPTY_WATCHED: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SiblingVerdict {
    /// It holds a known generation.
    Known,
    New,
    Unclear,
}

impl Follower {
    /// Has rotated files looked for, at once and for as long as an empty one is watched from now on.
    pub(crate) fn may_have_missed(&mut self, missed: MissedRotation) {
        self.missed_now = true;
        match self.missed.iter_mut().find(|known| known.base == missed.base) {
            Some(known) => (known.since, known.noticed) = (known.since.min(missed.since), missed.noticed),
            None => self.missed.push(missed),
        }
    }

    /// What was not written to since then was not missed when a file of this status turned into another: it was written last
    /// before that, or when all was known. By the files' own times, since their clock may not be this machine's.
    pub(crate) fn missed_since(&self, status: FileStatus) -> Timestamp {
        self.after_earlier_runs(self.decided.map_or(status.modified(), |at| at.max(status.modified())))
    }

    /// What was written before an earlier run had read all is read or was left on purpose, and only that run could tell every
    /// copy from a log of its own.
    pub(crate) fn after_earlier_runs(&self, since: Timestamp) -> Timestamp {
        self.read_until.map_or(since, |read_until| since.max(read_until.minus(TIME_LAG)))
    }

    /// Rotated files that no run has seen and that may hold what was missed, as (path, status, log's key).
    pub(crate) fn unknown_siblings(
        &mut self,
        now: Timestamp,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<(), Vec<(PathBuf, FileStatus, String)>> {
        let (mut new, mut problems) = (Vec::new(), Vec::new());
        for MissedRotation { base, key, since, noticed } in std::mem::take(&mut self.missed) {
            let found = self.left_behind(&base, since);
            let mut again = found.as_ref().is_err_and(|error| error.kind() != ErrorKind::NotFound);
            for sibling in found.unwrap_or_default() {
                // However old it is, nginx may not have got its USR1 yet.
                if sibling.status.size == 0 {
                    again |= now < noticed.plus(EMPTY_WATCHED);
                    continue;
                }
                if self.is_taken(&sibling, since) {
                    continue;
                }
                match self.judge(&base, &sibling, now, &mut problems) {
                    SiblingVerdict::Known => drop(self.settled.insert(sibling.status.device_inode, sibling.status)),
                    SiblingVerdict::New => {
                        new.push((sibling.path, sibling.status, key.clone()));
                        // Looked at once more: it may be that it cannot be opened now.
                        again = true;
                    }
                    SiblingVerdict::Unclear => again = true,
                }
            }
            if again {
                self.missed.push(MissedRotation { base, key, since, noticed });
            }
        }
        if self.missed.is_empty() {
            self.unclear.clear();
        }
        for (path, error) in problems {
            self.problem(&path, error, emit)?;
        }
        ControlFlow::Continue(new)
    }

    /// The files beside a log that its rotation may have made; and the log itself, if a link led to it that leads elsewhere now.
    fn left_behind(&self, base: &Path, since: Timestamp) -> io::Result<Vec<Sibling>> {
        let mut found = siblings(base)?;
        let itself = FileStatus::of_path(base).ok().filter(|status| status.regular && status.size > 0);
        let itself = itself.map(|status| Sibling { path: base.to_owned(), status, compressed: false });
        if let Some(itself) = itself.filter(|itself| !self.is_taken(itself, since)) {
            // What is packed under its name is a copy of it, perhaps in the making.
            found.retain(|sibling| !is_packed(base, &sibling.path));
            found.push(itself);
        }
        Ok(found)
    }

    /// Whether a file that ends before the position is known, by what was read, to be the beginning of a truncated log.
    fn is_short_copy(&self, generation: &Generation, path: &Path) -> io::Result<bool> {
        let Some((_, trail)) = self.trails.iter().find(|(id, _)| *id == generation.id) else { return Ok(false) };
        let mut reader = LogReader::open(path)?;
        let length = match reader.plain_file() {
            Some(file) => file.metadata()?.len(),
            None => {
                reader.skip_to(generation.position, &mut TailBytes::default())?;
                reader.offset()
            }
        };
        let Some(known) = trail.until(length) else { return Ok(false) };
        for (from, known) in known {
            if !holds(path, from, known)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether some file may be a copy in the making, so that it is not known yet whether it was read: after the grace the next
    /// look around decides.
    pub(crate) fn is_undecided(&self) -> bool {
        let grace = self.settings.rotate_grace;
        let decided = |since: &Timestamp| self.looked_around.is_some_and(|at| at >= since.plus(grace));
        self.unclear.values().any(|(_, since)| !decided(since))
    }

    fn is_taken(&self, sibling: &Sibling, since: Timestamp) -> bool {
        let lag = if sibling.compressed { COPIED_TIME_LAG } else { Duration::ZERO };
        let inode = sibling.status.device_inode;
        sibling.status.modified().plus(lag) < since
            || self.foreign.contains(&inode)
            || self.settled.get(&inode) == Some(&sibling.status)
            || self.watch.names(&sibling.path)
            || self.streams.iter().any(|stream| stream.status.device_inode == inode)
    }

    fn judge(
        &mut self,
        base: &Path,
        sibling: &Sibling,
        now: Timestamp,
        problems: &mut Vec<(PathBuf, Error)>,
    ) -> SiblingVerdict {
        let entry = self.unclear.get(&sibling.path).filter(|(status, _)| *status == sibling.status);
        let quiet = entry.map(|(_, since)| now >= since.plus(self.settings.rotate_grace));
        if quiet == Some(false) {
            return SiblingVerdict::Unclear;
        }
        let name = base.file_name();
        let known = self.known.iter().chain(self.waiting.iter().map(|waiting| &waiting.generation));
        // One of which nothing was read is any file that begins like it.
        let known = known.filter(|generation| generation.position > 0);
        let known = known.chain(self.streams.iter().map(|stream| &stream.generation));
        let mut result = SiblingVerdict::New;
        let mut problem = None;
        for generation in known.filter(|generation| base_of(&generation.path).file_name() == name) {
            match compare(generation, &sibling.path) {
                // Only its beginning is the same so far.
                Ok(Comparison::Same(_)) if generation.position == 0 => {
                    if begin_alike(&sibling.path, &generation.path).unwrap_or(false) {
                        return SiblingVerdict::Known;
                    }
                }
                Ok(Comparison::Same(_)) => return SiblingVerdict::Known,
                Ok(Comparison::Different) => {}
                // A copy that was made before the last lines were written and read.
                Ok(Comparison::Short) if self.is_short_copy(generation, &sibling.path).unwrap_or(false) => {
                    return SiblingVerdict::Known;
                }
                // A copy in the making, or another log that begins alike: time will tell.
                Ok(Comparison::Short) if quiet == Some(true) => {}
                Ok(Comparison::Short) => result = SiblingVerdict::Unclear,
                Ok(Comparison::Incomplete) => {
                    result = SiblingVerdict::Unclear;
                    problem = Some(incomplete(&sibling.path)).filter(|_| quiet == Some(true));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => return SiblingVerdict::Unclear,
                Err(error) => {
                    result = SiblingVerdict::Unclear;
                    problem = Some(Error::io("look into it", &sibling.path, &error));
                }
            }
        }
        if result == SiblingVerdict::Unclear && quiet != Some(true) {
            self.unclear.insert(sibling.path.clone(), (sibling.status, now));
        }
        if let Some(error) = problem {
            self.unclear.insert(sibling.path.clone(), (sibling.status, now));
            problems.push((sibling.path.clone(), error));
        }
        result
    }
}

/// Whether these bytes stand in a file, which may be packed, at this offset.
fn holds(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let mut reader = LogReader::open(path)?;
    reader.skip_to(offset, &mut TailBytes::default())?;
    let mut found = Vec::new();
    while found.len() < bytes.len() {
        let wanted = bytes.len() - found.len();
        if reader.read(&mut found, wanted)? == 0 {
            break;
        }
    }
    Ok(found.get(..bytes.len()) == Some(bytes))
}
