//! What the counting thread knows of the logs it is given lines of, and what of that the next commit is to say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::source::home_of;

/// The generations, by their numbers.
pub(super) struct GenerationBook {
    by_id: BTreeMap<GenerationId, Generation>,
    /// By where their logs are written.
    by_home: HashMap<PathBuf, BTreeSet<GenerationId>>,
    /// Not handed on yet as they are now.
    changed: BTreeSet<GenerationId>,
    /// Named since all was read last, and nothing of them counted yet. Such a one is known by its first bytes alone, and others may
    /// begin alike; so it is not handed on before there is more to know it by, or all there is was read.
    unread: BTreeSet<GenerationId>,
}

impl GenerationBook {
    /// Goes on with those that a store knows.
    pub(super) fn new(known: &[Generation]) -> GenerationBook {
        let by_id = known.iter().map(|generation| (generation.id, generation.clone())).collect();
        let mut by_home: HashMap<PathBuf, BTreeSet<GenerationId>> = HashMap::new();
        for generation in known {
            by_home.entry(home_of(&generation.path, &generation.log)).or_default().insert(generation.id);
        }
        GenerationBook { by_id, by_home, changed: BTreeSet::new(), unread: BTreeSet::new() }
    }

    pub(super) fn get(&self, id: GenerationId) -> Option<&Generation> {
        self.by_id.get(&id)
    }

    /// Whether it is not handed on before more is known of it, or was not even named yet.
    pub(super) fn is_held_back(&self, id: GenerationId) -> bool {
        self.unread.contains(&id) || !self.by_id.contains_key(&id)
    }

    /// Those of a log, by its key, that is written here.
    pub(super) fn of_log(&self, log: &str, home: &Path) -> impl Iterator<Item = &Generation> {
        let ids = self.by_home.get(home).into_iter().flatten();
        ids.filter_map(|id| self.get(*id)).filter(move |generation| generation.log == log)
    }

    /// How far it was read; 0 if nothing is known of it.
    pub(super) fn position(&self, id: GenerationId) -> u64 {
        self.get(id).map_or(0, |generation| generation.position)
    }

    /// A log is read from now on.
    pub(super) fn discover(&mut self, generation: Generation) {
        self.changed.insert(generation.id);
        if generation.position == 0 {
            self.unread.insert(generation.id);
        }
        self.by_home.entry(home_of(&generation.path, &generation.log)).or_default().insert(generation.id);
        self.by_id.insert(generation.id, generation);
    }

    /// It was read up to `position`; `tail_hash` is that of the bytes before it.
    pub(super) fn advance_position(&mut self, id: GenerationId, position: u64, tail_hash: u64) {
        if let Some(generation) = self.begin_change(id) {
            generation.position = position;
            generation.tail_hash = tail_hash;
            self.unread.remove(&id);
        }
    }

    /// Its file has another name, or what is read is another file that holds the same.
    pub(super) fn relocate(&mut self, id: GenerationId, path: PathBuf, device_inode: DeviceInode) {
        if let Some(generation) = self.begin_change(id) {
            let (before, home) = (home_of(&generation.path, &generation.log), home_of(&path, &generation.log));
            generation.path = path;
            generation.device_inode = device_inode;
            if before != home {
                if let Some(ids) = self.by_home.get_mut(&before) {
                    ids.remove(&id);
                }
                self.by_home.entry(home).or_default().insert(id);
            }
        }
    }

    /// More of its first bytes is known.
    pub(super) fn set_fingerprint(&mut self, id: GenerationId, fingerprint: Fingerprint) {
        if let Some(generation) = self.begin_change(id) {
            generation.fingerprint = fingerprint;
        }
    }

    /// Nothing more will be read of it.
    pub(super) fn finish(&mut self, id: GenerationId) {
        if let Some(generation) = self.begin_change(id) {
            generation.finished = true;
            self.unread.remove(&id);
        }
    }

    /// All logs were read to their ends: what is still unread has nothing in it.
    pub(super) fn note_all_read(&mut self) {
        self.unread.clear();
    }

    /// Those that changed since the last time, as they are now, but for the unread.
    pub(super) fn take_changed(&mut self) -> Vec<Generation> {
        let changed = std::mem::take(&mut self.changed);
        let mut taken = Vec::new();
        for id in changed {
            if self.unread.contains(&id) {
                self.changed.insert(id);
            } else {
                taken.extend(self.get(id).cloned());
            }
        }
        taken
    }

    fn begin_change(&mut self, id: GenerationId) -> Option<&mut Generation> {
        let generation = self.by_id.get_mut(&id)?;
        self.changed.insert(id);
        Some(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(id: u32, position: u64) -> Generation {
        Generation {
            id: GenerationId(id),
            log: "a.log".to_owned(),
            path: "a.log".into(),
            device_inode: DeviceInode { device: 1, inode: u64::from(id) },
            fingerprint: Fingerprint { length: 10, hash: 7 },
            position,
            tail_hash: 0,
            finished: false,
        }
    }

    fn ids(taken: &[Generation]) -> Vec<u32> {
        taken.iter().map(|generation| generation.id.0).collect()
    }

    #[test]
    fn a_log_of_which_nothing_was_counted_waits_until_there_is_more_to_know_it_by() {
        let mut book = GenerationBook::new(&[]);
        for (id, position) in [(0, 0), (1, 0), (2, 0), (3, 50)] {
            book.discover(generation(id, position));
        }
        assert_eq!(ids(&book.take_changed()), [3], "the position tells it from others that begin alike");
        book.advance_position(GenerationId(1), 20, 9);
        book.finish(GenerationId(2));
        let taken = book.take_changed();
        assert_eq!(ids(&taken), [1, 2]);
        assert_eq!((taken[0].position, taken[0].tail_hash, taken[1].finished), (20, 9, true));
        book.set_fingerprint(GenerationId(0), Fingerprint { length: 11, hash: 8 });
        assert!(book.take_changed().is_empty(), "first bytes alone are not enough, however many");
        book.note_all_read();
        assert_eq!(ids(&book.take_changed()), [0], "all there is was read: it is empty but for these bytes");
        assert!(book.take_changed().is_empty());
    }

    #[test]
    fn a_log_that_was_rotated_to_another_folder_is_of_the_path_at_which_it_is_written() {
        let mut book = GenerationBook::new(&[]);
        for (id, path) in [(0, "l/old/a.log.2.gz"), (1, "l/a.log"), (2, "l/b.log")] {
            book.discover(Generation { log: "l/*.log".to_owned(), path: path.into(), ..generation(id, 1) });
        }
        book.relocate(GenerationId(1), "l/old/a.log.1".into(), DeviceInode { device: 1, inode: 1 });
        let of_log = |path: &str| -> Vec<u32> { book.of_log("l/*.log", Path::new(path)).map(|log| log.id.0).collect() };
        assert_eq!((of_log("l/a.log"), of_log("l/b.log"), of_log("l/old/a.log")), (vec![0, 1], vec![2], vec![]));
    }

    #[test]
    fn what_is_said_of_an_unknown_log_changes_nothing() {
        let mut book = GenerationBook::new(&[generation(0, 50)]);
        book.advance_position(GenerationId(9), 20, 9);
        book.relocate(GenerationId(9), "b.log".into(), DeviceInode { device: 1, inode: 2 });
        book.finish(GenerationId(9));
        assert_eq!((ids(&book.take_changed()), book.position(GenerationId(9))), (vec![], 0));
        book.relocate(GenerationId(0), "b.log".into(), DeviceInode { device: 1, inode: 2 });
        let taken = book.take_changed();
        assert_eq!((ids(&taken), taken[0].path.to_str(), taken[0].position), (vec![0], Some("b.log"), 50));
    }
}
