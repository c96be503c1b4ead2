//! A file at a followed path that goes on with a log that was there before: a copy of it (rsync, an editor, a link that was turned),
//! or the file itself, of which the beginning was cut off.
//!
//! A file whose first bytes are the log's, as far as that was read, is that log. If they are not, but the bytes that were read last
//! stand in it, what is behind them was not read.

use std::io;
use std::ops::ControlFlow;

use super::facts::LogFacts;
use super::new_files::{NewFile, SettledFiles};
use super::open_log::OpenLog;
use super::open_logs::{OpenLogs, ReplaceableLogs};
use super::poll::Poll;
use crate::source::blocks::event::LogEvent;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::file::{FileStatus, leads_to, open_regular, real_path};
use crate::source::generation::{Generation, GenerationId};
use crate::source::identity::compare::{Comparison, OpenedGeneration, compare, compare_open};
use crate::source::identity::content::begin_alike;
use crate::source::identity::tail_search::{TailPlace, find_tail};

/// What a new file at a followed path is to the log that was read there.
#[derive(Debug)]
enum Replacement {
    /// Another log.
    None,
    /// The log of this number, under another inode.
    Copy(GenerationId, Box<OpenedGeneration>),
    /// What was read of it last ends here.
    Behind(TailPlace),
}

/// Where reading a new file begins.
#[derive(Debug, Default)]
pub(crate) struct NewBeginning {
    /// It is read already, by an open log that goes on in it.
    pub(crate) is_taken: bool,
    /// Behind what was read last of an open log.
    pub(crate) place: Option<TailPlace>,
}

/// What `new` is to the open logs that its path led to.
///
/// # Errors
/// When it cannot be opened or read.
fn replacement_of_open(new: &NewFile, replaceable: &ReplaceableLogs, facts: &LogFacts) -> io::Result<Replacement> {
    let is_link = std::fs::symlink_metadata(&new.path).is_ok_and(|status| status.is_symlink());
    for id in facts.open.replaced_at(&new.path, &new.key, is_link, replaceable) {
        match replacement_of(id, new, facts)? {
            Replacement::None => {}
            found => return Ok(found),
        }
    }
    Ok(Replacement::None)
}

/// What `new` is to one of them.
fn replacement_of(id: GenerationId, new: &NewFile, facts: &LogFacts) -> io::Result<Replacement> {
    let Some(log) = facts.open.get(id) else { return Ok(Replacement::None) };
    let path = real_path(&new.path);
    let file = open_regular(&path)?;
    let status = FileStatus::of_file(&file)?;
    let as_read = log.as_read();
    if status.size == 0 || facts.open.is_open(status.device_inode) || as_read.position == 0 {
        return Ok(Replacement::None);
    }
    // One that stands elsewhere still was rotated, or a link led to it: then only all of it can tell a copy.
    let is_deleted = log.is_deleted()?;
    let is_likely = is_deleted || is_findable(log) && begin_alike(&path, &log.generation.path).unwrap_or(false);
    if !is_likely {
        return Ok(Replacement::None);
    }
    match compare_open(&as_read, &file, UncompressedReader::of_file)? {
        Comparison::Same(opened) if opened.reader.plain_file().is_some() => Ok(Replacement::Copy(id, opened)),
        _ if is_deleted => Ok(find_tail(&file, &log.generation)?.map_or(Replacement::None, Replacement::Behind)),
        _ => Ok(Replacement::None),
    }
}

fn is_findable(log: &OpenLog) -> bool {
    leads_to(&log.generation.path, log.status.device_inode)
}

/// Whether what was read last of a generation stands in the file where it was, so that nothing behind it is lost.
pub(crate) fn goes_on_where_it_was(generation: &Generation) -> bool {
    let found = open_regular(&generation.path).and_then(|file| find_tail(&file, generation));
    found.is_ok_and(|found| found.is_some())
}

/// An open log whose file was deleted goes on in a longer copy of it, which was rotated already.
pub(crate) fn go_on_in_copy(copy: &NewFile, open: &mut OpenLogs, poll: &mut Poll<'_>) -> ControlFlow<()> {
    let Some(id) = copy.continues else { return ControlFlow::Continue(()) };
    let Some(log) = open.get_mut(id) else { return ControlFlow::Continue(()) };
    // Of several copies the longest is the last.
    if log.is_copied && log.is_plain() && log.status.size >= copy.status.size {
        return ControlFlow::Continue(());
    }
    // What hinders it hinders the next look too, which says so.
    let Ok(Comparison::Same(opened)) = compare(&log.as_read(), &copy.path) else {
        return ControlFlow::Continue(());
    };
    let known = log.generation.fingerprint;
    log.go_on_rotated(*opened, real_path(&copy.path), poll.now);
    let Generation { id, path, device_inode, fingerprint, .. } = log.generation.clone();
    open.note_file(id);
    poll.tell(LogEvent::Moved { generation: id, path, device_inode })?;
    match fingerprint == known {
        true => ControlFlow::Continue(()),
        false => poll.tell(LogEvent::Fingerprint { generation: id, fingerprint }),
    }
}

/// If a new file at a watched path is the log that was read there, under another inode, that log goes on in it.
pub(crate) fn go_on_in_replacement(
    new: &NewFile,
    replaceable: &ReplaceableLogs,
    facts: &mut LogFacts,
    settled: &mut SettledFiles,
    poll: &mut Poll<'_>,
) -> ControlFlow<(), NewBeginning> {
    match replacement_of_open(new, replaceable, facts) {
        Ok(Replacement::Copy(id, opened)) => {
            let Some(log) = facts.open.get_mut(id) else {
                return ControlFlow::Continue(NewBeginning::default());
            };
            let known = log.generation.fingerprint;
            log.go_on_in(*opened, real_path(&new.path), new.path.clone(), poll.now);
            settled.unsettle(log.status.device_inode);
            let Generation { id, path, device_inode, fingerprint, .. } = log.generation.clone();
            facts.open.note_file(id);
            poll.no_problem(&new.path);
            poll.tell(LogEvent::Moved { generation: id, path, device_inode })?;
            if fingerprint != known {
                poll.tell(LogEvent::Fingerprint { generation: id, fingerprint })?;
            }
            ControlFlow::Continue(NewBeginning { is_taken: true, place: None })
        }
        Ok(Replacement::Behind(place)) => ControlFlow::Continue(NewBeginning { is_taken: false, place: Some(place) }),
        // Opening it for reading will say what is wrong.
        Ok(Replacement::None) | Err(_) => ControlFlow::Continue(NewBeginning::default()),
    }
}
