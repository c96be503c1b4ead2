//! All generations that a rotated file may hold, by what their logs are called and by what they begin with: so that a file is compared with
//! those alone that it may hold, however many there are.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::facts::LogFacts;
use super::resume::AwaitedGenerations;
use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::source::identity::compare::{first_bytes, head_length};
use crate::source::identity::siblings::base_of;

/// Generations whose logs are called alike, in the order in which a file is compared with them.
#[derive(Debug, Default)]
struct LogsOfName<'l> {
    generations: Vec<&'l Generation>,
    by_fingerprint: HashMap<Fingerprint, Vec<usize>>,
    by_inode: HashMap<DeviceInode, Vec<usize>>,
    /// Of how many first bytes there is a fingerprint.
    lengths: BTreeSet<u64>,
    /// For each of `lengths` the first that has it.
    first_of_length: HashMap<u64, usize>,
    /// Those of which more is remembered than their fingerprints.
    remembered: Vec<usize>,
}

/// The generations that a file may hold, as far as its first bytes tell.
#[derive(Debug, Default)]
pub(crate) struct KnownCandidates<'l> {
    /// All whose fingerprints its first bytes have. Of those of which more is known than the file has bytes, the first alone, and those of
    /// which more is remembered.
    pub(crate) generations: Vec<&'l Generation>,
    /// It has fewer bytes than a fingerprint may take.
    pub(crate) is_short: bool,
    /// How many first bytes were looked at.
    pub(crate) length: u64,
}

/// What is known, gathered when it is first asked for.
pub(crate) struct KnownLogs<'l> {
    facts: &'l LogFacts,
    awaited: &'l AwaitedGenerations,
    by_name: OnceCell<HashMap<OsString, LogsOfName<'l>>>,
    keys: OnceCell<HashSet<&'l str>>,
}

impl<'l> KnownLogs<'l> {
    pub(crate) fn new(facts: &'l LogFacts, awaited: &'l AwaitedGenerations) -> KnownLogs<'l> {
        KnownLogs { facts, awaited, by_name: OnceCell::new(), keys: OnceCell::new() }
    }

    /// The generations whose logs are called `name` and that the file at `path` may hold.
    ///
    /// # Errors
    /// When it cannot be opened, or is no file.
    pub(crate) fn candidates(&self, name: &OsStr, path: &Path) -> io::Result<KnownCandidates<'l>> {
        let head = first_bytes(path)?;
        let (is_short, length) = (head.len() < head_length(), head.len() as u64);
        let Some(logs) = self.of_name(name) else {
            return Ok(KnownCandidates { generations: Vec::new(), is_short, length });
        };
        let mut found = logs.beginning_like(&head);
        found.extend(logs.first_longer_than(length));
        found.extend(logs.remembered.iter().copied());
        found.sort_unstable();
        found.dedup();
        let generations = found.into_iter().filter_map(|at| logs.generations.get(at).copied()).collect();
        Ok(KnownCandidates { generations, is_short, length })
    }

    /// All generations whose logs are called `name` and of which more bytes are known than this.
    pub(crate) fn longer_than(&self, name: &OsStr, length: u64) -> impl Iterator<Item = &'l Generation> {
        let generations = self.of_name(name).map(|logs| logs.generations.as_slice()).unwrap_or_default();
        generations.iter().copied().filter(move |generation| generation.fingerprint.length > length)
    }

    /// Whether a log with this key was read before, or is being read.
    pub(crate) fn is_any_of_key(&self, key: &str) -> bool {
        let gather = || {
            let all = self.facts.closed.iter().chain(self.facts.open.generations()).chain(self.awaited.generations());
            all.map(|generation| generation.log.as_str()).collect()
        };
        self.keys.get_or_init(gather).contains(key)
    }

    /// Whether there is a generation whose log is called `name`.
    pub(crate) fn is_any(&self, name: &OsStr) -> bool {
        self.of_name(name).is_some()
    }

    /// The generations whose logs are called `name` and that were read in the file with this inode.
    pub(crate) fn in_file(&self, name: &OsStr, device_inode: DeviceInode) -> impl Iterator<Item = &'l Generation> {
        let logs = self.of_name(name);
        let places = logs.and_then(|logs| logs.by_inode.get(&device_inode));
        places.into_iter().flatten().filter_map(move |at| logs?.generations.get(*at).copied())
    }

    fn of_name(&self, name: &OsStr) -> Option<&LogsOfName<'l>> {
        self.by_name.get_or_init(|| self.gather()).get(name)
    }

    fn gather(&self) -> HashMap<OsString, LogsOfName<'l>> {
        let remembered: HashSet<GenerationId> = self.facts.closed.truncated().chain(self.facts.open.copied()).collect();
        // One of which nothing was read is any file that begins like it.
        let was_read = |generation: &&Generation| generation.position > 0;
        let known = self.facts.closed.read_ones().chain(self.awaited.generations().filter(was_read));
        let mut by_name: HashMap<OsString, LogsOfName<'l>> = HashMap::new();
        for generation in known.chain(self.facts.open.generations()) {
            let name = base_of(&generation.path).file_name().map(OsString::from).unwrap_or_default();
            by_name.entry(name).or_default().add(generation, remembered.contains(&generation.id));
        }
        by_name
    }
}

impl<'l> LogsOfName<'l> {
    fn add(&mut self, generation: &'l Generation, is_remembered: bool) {
        let (at, fingerprint) = (self.generations.len(), generation.fingerprint);
        self.generations.push(generation);
        self.by_inode.entry(generation.device_inode).or_default().push(at);
        // One of which nothing is known is in no file.
        if fingerprint.length == 0 {
            return;
        }
        self.by_fingerprint.entry(fingerprint).or_default().push(at);
        self.lengths.insert(fingerprint.length);
        self.first_of_length.entry(fingerprint.length).or_insert(at);
        if is_remembered {
            self.remembered.push(at);
        }
    }

    /// Those whose fingerprints a file has that begins with `head`.
    fn beginning_like(&self, head: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        for length in self.lengths.range(..=head.len() as u64) {
            let Some(first) = usize::try_from(*length).ok().and_then(|length| head.get(..length)) else { break };
            found.extend(self.by_fingerprint.get(&Fingerprint::of_head(first)).into_iter().flatten());
        }
        found
    }

    /// The first of which more bytes are known than this.
    fn first_longer_than(&self, length: u64) -> Option<usize> {
        let longer = self.lengths.range(length.saturating_add(1)..);
        longer.filter_map(|length| self.first_of_length.get(length).copied()).min()
    }
}
