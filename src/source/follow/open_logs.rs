//! The generations that are open, and whose turn it is to be read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::open_log::{OpenLog, ReadStep};
use crate::source::blocks::event::LogEvent;
use crate::source::file::leads_to;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::time::Timestamp;

/// Buffers that wait to be filled again, at most.
const SPARE_BUFFERS: usize = 8;

/// So many compressed files are read at a time.
const COMPRESSED_AT_ONCE: usize = 256;

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

/// The logs that a new file at a watched path may be a copy of, as of one look.
#[derive(Debug, Default)]
pub(crate) struct ReplaceableLogs {
    by_origin: HashMap<PathBuf, Vec<GenerationId>>,
    /// Those of an earlier run, which a link may have led to by another name.
    resumed: Vec<GenerationId>,
}

/// The open generations; each is read a block at a time, one after the other. What is asked of one of them costs the same however many
/// there are.
#[derive(Debug)]
pub(crate) struct OpenLogs {
    logs: BTreeMap<GenerationId, OpenLog>,
    /// Which of them are read in a file.
    by_inode: HashMap<DeviceInode, Vec<GenerationId>>,
    /// In which file each of them is read, as `by_inode` has it.
    inodes: HashMap<GenerationId, DeviceInode>,
    /// Those that hold a descriptor.
    holding: HashSet<GenerationId>,
    /// So many may.
    limit: usize,
    /// Those whose files are compressed, which are read to their ends at a stretch.
    compressed: HashSet<GenerationId>,
    /// Which of them was read last.
    turn: Option<GenerationId>,
    spare: Vec<Vec<u8>>,
}

impl OpenLogs {
    /// With at most so many descriptors, but for those of compressed files.
    pub(crate) fn new(limit: usize) -> OpenLogs {
        OpenLogs {
            logs: BTreeMap::new(),
            by_inode: HashMap::new(),
            inodes: HashMap::new(),
            holding: HashSet::new(),
            limit: limit.max(1),
            compressed: HashSet::new(),
            turn: None,
            spare: Vec::new(),
        }
    }

    /// Whether no more rotated files are to be opened before some are read to their ends.
    pub(crate) fn is_full(&self) -> bool {
        self.compressed.len() >= COMPRESSED_AT_ONCE.min(self.limit)
    }

    /// Gives the descriptor of a log back if there are too many; it may have been opened, or be another one.
    pub(crate) fn spare_descriptor(&mut self, id: GenerationId) {
        let Some(log) = self.logs.get_mut(&id) else { return };
        if log.is_file_closed() {
            self.holding.remove(&id);
            return;
        }
        self.holding.insert(id);
        if self.holding.len() > self.limit && log.is_plain() {
            log.close_file();
            self.holding.remove(&id);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(crate) fn push(&mut self, log: OpenLog) {
        let id = log.generation.id;
        self.logs.insert(id, log);
        self.note_file(id);
    }

    /// A log may be read in another file from now on.
    pub(crate) fn note_file(&mut self, id: GenerationId) {
        let Some(log) = self.logs.get(&id) else { return };
        let inode = log.status.device_inode;
        if log.is_plain() {
            self.compressed.remove(&id);
        } else {
            self.compressed.insert(id);
        }
        if self.inodes.get(&id) != Some(&inode) {
            self.forget_file(id);
            self.inodes.insert(id, inode);
            self.by_inode.entry(inode).or_default().push(id);
        }
        self.spare_descriptor(id);
    }

    fn forget_file(&mut self, id: GenerationId) {
        let Some(inode) = self.inodes.remove(&id) else { return };
        if let Entry::Occupied(mut ids) = self.by_inode.entry(inode) {
            ids.get_mut().retain(|other| *other != id);
            if ids.get().is_empty() {
                ids.remove();
            }
        }
    }

    pub(crate) fn get(&self, id: GenerationId) -> Option<&OpenLog> {
        self.logs.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: GenerationId) -> Option<&mut OpenLog> {
        self.logs.get_mut(&id)
    }

    /// Takes a log out.
    pub(crate) fn remove(&mut self, id: GenerationId) -> Option<OpenLog> {
        self.forget_file(id);
        self.holding.remove(&id);
        self.compressed.remove(&id);
        self.logs.remove(&id)
    }

    /// The numbers of all that are open.
    pub(crate) fn ids(&self) -> Vec<GenerationId> {
        self.logs.keys().copied().collect()
    }

    /// As they would be committed now.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.logs.values().map(|log| &log.generation)
    }

    /// Whether this file is being read.
    pub(crate) fn is_open(&self, device_inode: DeviceInode) -> bool {
        self.by_inode(device_inode).is_some()
    }

    /// The log that reads this file.
    pub(crate) fn by_inode(&self, device_inode: DeviceInode) -> Option<&OpenLog> {
        self.in_file(device_inode).next()
    }

    fn in_file(&self, device_inode: DeviceInode) -> impl Iterator<Item = &OpenLog> {
        let ids = self.by_inode.get(&device_inode).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.get(*id))
    }

    /// Whether this file is being read by this very name, so that it is noticed when the name comes to lead elsewhere.
    pub(crate) fn is_followed_at(&self, path: &Path, device_inode: DeviceInode) -> bool {
        self.in_file(device_inode).any(|log| log.live.as_deref() == Some(path))
    }

    /// Whether copies of this generation's file took its place in this run, and the last of them is where it was seen.
    pub(crate) fn is_copied(&self, id: GenerationId) -> bool {
        let log = self.get(id).filter(|log| log.is_copied);
        log.is_some_and(|log| leads_to(&log.generation.path, log.status.device_inode))
    }

    /// Those whose files were replaced by copies in this run.
    pub(crate) fn copied(&self) -> impl Iterator<Item = GenerationId> {
        self.logs.iter().filter(|(_, log)| log.is_copied).map(|(id, _)| *id)
    }

    /// Whether the file that this watched path led to is still there by another name, and read.
    pub(crate) fn is_read_elsewhere(&self, path: &Path) -> bool {
        let led_to = self.logs.values().filter(|log| log.origin == path);
        led_to.max_by_key(|log| log.generation.id).is_some_and(|log| !log.status.deleted)
    }

    /// The logs that no watched path leads to now, by the one that led to them.
    pub(crate) fn replaceable(&self) -> ReplaceableLogs {
        let mut found = ReplaceableLogs::default();
        for (id, log) in self.logs.iter().filter(|(_, log)| log.live.is_none()) {
            found.by_origin.entry(log.origin.clone()).or_default().push(*id);
            if log.is_resumed {
                found.resumed.push(*id);
            }
        }
        found
    }

    /// Those of `replaceable` that this watched path led to, and does not any more: plain files that were not truncated, the last first. A
    /// link may have led to any that was resumed.
    pub(crate) fn replaced_at(
        &self,
        path: &Path,
        key: &str,
        is_link: bool,
        replaceable: &ReplaceableLogs,
    ) -> Vec<GenerationId> {
        let mut ids = replaceable.by_origin.get(path).cloned().unwrap_or_default();
        if is_link {
            ids.extend(&replaceable.resumed);
        }
        let led_to = |log: &OpenLog| log.origin == path || (is_link && log.generation.log == key);
        let is_it = |log: &OpenLog| log.live.is_none() && led_to(log) && log.is_plain() && log.truncated_at.is_none();
        ids.retain(|id| self.get(*id).is_some_and(is_it));
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.dedup();
        ids
    }

    /// When one of them was written last.
    pub(crate) fn last_written(&self) -> Option<Timestamp> {
        self.logs.values().map(|log| log.status.modified()).max()
    }

    /// Takes a block's buffer back, so that the next block touches no fresh memory.
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && bytes.capacity() > 0 {
            self.spare.push(bytes);
        }
    }

    /// Reads a block of the next log; `None` if none is open.
    pub(crate) fn read_next(&mut self) -> Option<LogTurn> {
        let after = self.turn.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.logs.range((after, Bound::Unbounded)).next().or_else(|| self.logs.iter().next());
        self.turn = Some(*next?.0);
        let id = self.turn?;
        let log = self.logs.get_mut(&id)?;
        let is_to_open = log.is_file_closed() && !log.is_read();
        if is_to_open && let Err(error) = log.open_file() {
            return Some(LogTurn::Fault(id, error));
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        let turn = match log.read_step(&mut bytes) {
            ReadStep::Piece(piece) => LogTurn::Read(LogEvent::from_piece(piece, &log.generation, &mut bytes)),
            ReadStep::Held => LogTurn::Held,
            ReadStep::Idle => LogTurn::Idle,
            ReadStep::Truncated => LogTurn::Truncated(log.generation.id),
            ReadStep::Fault(error) => LogTurn::Fault(log.generation.id, error),
        };
        if is_to_open {
            self.spare_descriptor(id);
        }
        self.recycle(bytes);
        Some(turn)
    }
}
