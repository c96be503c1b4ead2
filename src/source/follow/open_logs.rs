//! The generations that are open, and whose turn it is to be read.

use std::io;
use std::path::Path;

use super::open_log::{OpenLog, ReadStep};
use crate::source::blocks::event::LogEvent;
use crate::source::file::leads_to;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::time::Timestamp;

/// Buffers that wait to be filled again, at most.
const SPARE_BUFFERS: usize = 8;

/// What one log's turn gave.
#[derive(Debug)]
pub(crate) enum LogTurn {
    /// Lines, or one that was too long.
    Read(LogEvent),
    /// Bytes were read, but no whole line.
    Held,
    /// There was nothing to read.
    Idle,
    /// It was truncated.
    Truncated(GenerationId),
    /// It could not be read.
    Fault(GenerationId, io::Error),
}

/// The open generations; each is read a block at a time, one after the other.
#[derive(Debug, Default)]
pub(crate) struct OpenLogs {
    logs: Vec<OpenLog>,
    /// Which of them was read last.
    turn: usize,
    spare: Vec<Vec<u8>>,
}

impl OpenLogs {
    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(crate) fn push(&mut self, log: OpenLog) {
        self.logs.push(log);
    }

    pub(crate) fn get(&self, index: usize) -> Option<&OpenLog> {
        self.logs.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut OpenLog> {
        self.logs.get_mut(index)
    }

    /// Takes a log out. `index` is one for which there is a log.
    pub(crate) fn remove(&mut self, index: usize) -> OpenLog {
        self.logs.remove(index)
    }

    /// Where the log is that reads this generation.
    pub(crate) fn index_of(&self, id: GenerationId) -> Option<usize> {
        self.logs.iter().position(|log| log.generation.id == id)
    }

    /// The numbers of all that are open.
    pub(crate) fn ids(&self) -> Vec<GenerationId> {
        self.generations().map(|generation| generation.id).collect()
    }

    /// As they would be committed now.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.logs.iter().map(|log| &log.generation)
    }

    /// Whether this file is being read.
    pub(crate) fn is_open(&self, device_inode: DeviceInode) -> bool {
        self.by_inode(device_inode).is_some()
    }

    /// The log that reads this file.
    pub(crate) fn by_inode(&self, device_inode: DeviceInode) -> Option<&OpenLog> {
        self.logs.iter().find(|log| log.status.device_inode == device_inode)
    }

    /// Whether this file is being read by this very name, so that it is noticed when the name comes to lead elsewhere.
    pub(crate) fn is_followed_at(&self, path: &Path, device_inode: DeviceInode) -> bool {
        let is_it = |log: &OpenLog| log.status.device_inode == device_inode && log.live.as_deref() == Some(path);
        self.logs.iter().any(is_it)
    }

    /// Whether copies of this generation's file took its place in this run, and the last of them is where it was seen.
    pub(crate) fn is_copied(&self, id: GenerationId) -> bool {
        let log = self.index_of(id).and_then(|index| self.get(index)).filter(|log| log.is_copied);
        log.is_some_and(|log| leads_to(&log.generation.path, log.status.device_inode))
    }

    /// Whether the file that this watched path led to is still there by another name, and read.
    pub(crate) fn is_read_elsewhere(&self, path: &Path) -> bool {
        let led_to = self.logs.iter().filter(|log| log.origin == path);
        led_to.max_by_key(|log| log.generation.id).is_some_and(|log| !log.status.deleted)
    }

    /// Where the logs are that this watched path led to, and does not any more: plain files that were not truncated, the last first. A
    /// link may have led to any that was resumed.
    pub(crate) fn replaced_at(&self, path: &Path, key: &str, is_link: bool) -> Vec<usize> {
        let led_to = |log: &OpenLog| log.origin == path || (is_link && log.is_resumed && log.generation.log == key);
        let is_it = |log: &OpenLog| log.live.is_none() && led_to(log) && log.is_plain() && log.truncated_at.is_none();
        self.logs.iter().enumerate().rev().filter(|(_, log)| is_it(log)).map(|(index, _)| index).collect()
    }

    /// When one of them was written last.
    pub(crate) fn last_written(&self) -> Option<Timestamp> {
        self.logs.iter().map(|log| log.status.modified()).max()
    }

    /// Takes a block's buffer back, so that the next block touches no fresh memory.
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && bytes.capacity() > 0 {
            self.spare.push(bytes);
        }
    }

    /// Reads a block of the next log; `None` if none is open.
    pub(crate) fn read_next(&mut self) -> Option<LogTurn> {
        self.turn = (self.turn + 1) % self.logs.len().max(1);
        let log = self.logs.get_mut(self.turn)?;
        let mut bytes = self.spare.pop().unwrap_or_default();
        let turn = match log.read_step(&mut bytes) {
            ReadStep::Piece(piece) => LogTurn::Read(LogEvent::from_piece(piece, &log.generation, &mut bytes)),
            ReadStep::Held => LogTurn::Held,
            ReadStep::Idle => LogTurn::Idle,
            ReadStep::Truncated => LogTurn::Truncated(log.generation.id),
            ReadStep::Fault(error) => LogTurn::Fault(log.generation.id, error),
        };
        self.recycle(bytes);
        Some(turn)
    }
}
