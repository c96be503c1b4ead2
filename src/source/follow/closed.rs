//! The generations that are not open: finished ones, and those of logs that are watched no more.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::horizon::is_made_about;
use super::open_log::OpenLog;
use super::patterns::Patterns;
use crate::source::blocks::event::FinishReason;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::recent_bytes::RecentBytes;
use crate::time::{Timestamp, Window};

/// So many truncated logs are remembered by what was read of them last. It matters for as long as a copy may be found.
const TRUNCATED_LIMIT: usize = 64;

/// What is known of generations that are not read any more; and which number the next one gets.
#[derive(Debug)]
pub(crate) struct ClosedGenerations {
    generations: Vec<Generation>,
    /// Where in `generations` those are that were in a file.
    by_inode: HashMap<DeviceInode, Vec<usize>>,
    /// And those that were at a path.
    by_path: HashMap<PathBuf, Vec<usize>>,
    /// Of those that were truncated in this run, the newest.
    truncated: VecDeque<(GenerationId, RecentBytes)>,
    /// Those of which no file was left, so that nobody knew what else they held.
    given_up: HashSet<GenerationId>,
    /// Between when those were truncated or deleted that were: a copy made then may end before what was read of them.
    cut: HashMap<GenerationId, Window>,
    next_id: u32,
}

impl ClosedGenerations {
    /// All that the store knows.
    pub(crate) fn new(known: Vec<Generation>) -> ClosedGenerations {
        let ids = known.iter().map(|generation| generation.id.0.saturating_add(1));
        let next_id = ids.max().unwrap_or(0);
        let (generations, truncated, given_up) = (Vec::new(), VecDeque::new(), HashSet::new());
        let (by_inode, by_path, cut) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut closed = ClosedGenerations { generations, by_inode, by_path, truncated, given_up, cut, next_id };
        for generation in known {
            closed.push(generation);
        }
        closed
    }

    fn push(&mut self, generation: Generation) {
        let at = self.generations.len();
        self.by_inode.entry(generation.device_inode).or_default().push(at);
        self.by_path.entry(generation.path.clone()).or_default().push(at);
        self.generations.push(generation);
    }

    /// Some of these generations had been given up by earlier runs.
    pub(crate) fn give_up(&mut self, given_up: HashSet<GenerationId>) {
        self.given_up.extend(given_up);
    }

    /// Between these times these generations were truncated or deleted.
    pub(crate) fn note_cut(&mut self, cut: impl IntoIterator<Item = (GenerationId, Window)>) {
        self.cut.extend(cut);
    }

    /// Whether a generation was truncated or deleted, so that its file holds another log, if it is there.
    pub(crate) fn was_cut(&self, id: GenerationId) -> bool {
        self.cut.contains_key(&id)
    }

    /// Whether a generation was truncated or deleted about then.
    pub(crate) fn was_cut_about(&self, id: GenerationId, time: Timestamp) -> bool {
        self.cut.get(&id).is_some_and(|cut| is_made_about(time, *cut))
    }

    /// The file of a generation was found. Whether it had been given up; then it is no more.
    pub(crate) fn find_again(&mut self, id: GenerationId) -> bool {
        self.given_up.remove(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Generation> {
        self.generations.iter()
    }

    /// Those of which something was read. One of which nothing was is any file that begins like it.
    pub(crate) fn read_ones(&self) -> impl Iterator<Item = &Generation> {
        self.iter().filter(|generation| generation.position > 0)
    }

    /// The last of which something was read that was at this path when it was closed.
    pub(crate) fn last_at(&self, path: &Path) -> Option<&Generation> {
        let there = self.by_path.get(path)?.iter().filter_map(|&at| self.generations.get(at));
        there.filter(|generation| generation.position > 0).max_by_key(|generation| generation.id)
    }

    /// Those that were in this file, or at this path.
    pub(crate) fn in_or_at(&self, device_inode: DeviceInode, path: &Path) -> impl Iterator<Item = &Generation> {
        let in_file = self.by_inode.get(&device_inode).map(Vec::as_slice).unwrap_or_default();
        let at_path = self.by_path.get(path).map(Vec::as_slice).unwrap_or_default();
        in_file.iter().chain(at_path).filter_map(|&at| self.generations.get(at))
    }

    /// The number of a new generation.
    pub(crate) fn next_id(&mut self) -> GenerationId {
        let id = GenerationId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        id
    }

    /// Takes out those that are to be read on, by number: not finished, and of a log that is watched.
    pub(crate) fn take_unfinished(&mut self, patterns: &Patterns) -> Vec<Generation> {
        let is_unfinished = |generation: &Generation| !generation.finished && patterns.has_key(&generation.log);
        let (mut unfinished, closed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.generations).into_iter().partition(is_unfinished);
        (self.by_inode, self.by_path) = (HashMap::new(), HashMap::new());
        for generation in closed {
            self.push(generation);
        }
        unfinished.sort_by_key(|generation| generation.id);
        unfinished
    }

    /// Nothing more will be read from a generation.
    pub(crate) fn finish(&mut self, generation: Generation, reason: FinishReason) {
        if reason == FinishReason::Vanished {
            self.given_up.insert(generation.id);
        }
        self.push(Generation { finished: true, ..generation });
    }

    /// Nothing more will be read from a generation that was open.
    pub(crate) fn finish_log(&mut self, log: OpenLog, reason: FinishReason) {
        let generation = match reason {
            FinishReason::Truncated { .. } => self.remember(log),
            _ => log.generation,
        };
        self.finish(generation, reason);
    }

    /// Remembers what was read last of a log that was truncated.
    pub(crate) fn remember(&mut self, log: OpenLog) -> Generation {
        let OpenLog { generation, recent, .. } = log;
        self.truncated.push_back((generation.id, recent));
        self.truncated.drain(..self.truncated.len().saturating_sub(TRUNCATED_LIMIT));
        generation
    }

    /// The generations whose last bytes are remembered, since they were truncated in this run.
    pub(crate) fn truncated(&self) -> impl Iterator<Item = GenerationId> {
        self.truncated.iter().map(|(id, _)| *id)
    }

    /// What was read last of a generation that was truncated in this run.
    pub(crate) fn recent_bytes(&self, id: GenerationId) -> Option<&RecentBytes> {
        self.truncated.iter().find(|(truncated, _)| *truncated == id).map(|(_, recent)| recent)
    }
}
