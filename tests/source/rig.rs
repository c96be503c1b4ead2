//! A directory of logs, a follower that is polled over it, and the store that its events are committed to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use spikeline::source::{
    FinishReason, FollowSettings, Follower, Generation, GenerationId, LogEvent, PollProgress, UnreadSpan, WatchedLog,
};
use spikeline::time::{Clock, SystemClock, Timestamp, Window};
use tempfile::TempDir;

/// What a daemon would have committed, and the lines that it would have counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) generations: BTreeMap<GenerationId, Generation>,
    pub(crate) lines: Vec<String>,
    pub(crate) too_long: Vec<u64>,
    pub(crate) finished: Vec<(GenerationId, u64, FinishReason)>,
    /// Logs that were not read, also those that were after all.
    pub(crate) spans: BTreeMap<u32, UnreadSpan>,
    /// What was gone, and was not found again.
    pub(crate) given_up: HashSet<GenerationId>,
    /// Between when logs were truncated or deleted that were.
    pub(crate) cut: HashMap<GenerationId, Window>,
}

impl Store {
    /// Takes an event in, and checks that it fits: ids rise, positions are contiguous, nothing after the end.
    pub(crate) fn apply(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Discovered(generation) => {
                assert!(self.generations.keys().all(|id| *id < generation.id), "ids rise");
                assert!(generation.fingerprint.length > 0, "an empty file has no identity");
                self.generations.insert(generation.id, generation.clone());
            }
            LogEvent::Block(block) => {
                let generation = self.open(block.generation);
                assert_eq!(block.offset, generation.position, "positions are contiguous");
                generation.position = block.end();
                generation.tail_hash = block.tail_hash;
                let text = String::from_utf8_lossy(&block.bytes).into_owned();
                self.lines.extend(text.lines().map(str::to_owned));
            }
            LogEvent::TooLong { generation, offset, length, tail_hash } => {
                let generation = self.open(*generation);
                assert_eq!(*offset, generation.position, "positions are contiguous");
                generation.position += length;
                generation.tail_hash = *tail_hash;
                self.too_long.push(*length);
            }
            LogEvent::Moved { generation, path, device_inode } => {
                let generation = self.open(*generation);
                generation.path.clone_from(path);
                generation.device_inode = *device_inode;
            }
            LogEvent::Fingerprint { generation, fingerprint } => {
                self.open(*generation).fingerprint = *fingerprint;
            }
            LogEvent::Finished { generation, unread, reason } => {
                self.open(*generation).finished = true;
                self.finished.push((*generation, *unread, *reason));
                if *reason == FinishReason::Vanished {
                    self.given_up.insert(*generation);
                }
            }
            LogEvent::FoundAgain { generation } => {
                assert!(self.given_up.remove(generation), "what was not given up is not found again");
            }
            LogEvent::Problem { .. } | LogEvent::GoesOn { .. } => {}
            LogEvent::Unread(span) => drop(self.spans.insert(span.number, span.clone())),
        }
    }

    fn open(&mut self, id: GenerationId) -> &mut Generation {
        let generation = self.generations.get_mut(&id).expect("a generation is discovered first");
        assert!(!generation.finished, "nothing comes after Finished");
        generation
    }
}

pub(crate) struct Rig {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
    pub(crate) events: Vec<LogEvent>,
    pub(crate) follower: Follower,
    pub(crate) now: Timestamp,
    pub(crate) watched: Vec<WatchedLog>,
    pub(crate) settings: FollowSettings,
    pub(crate) last_commit: Option<Timestamp>,
}

impl Rig {
    /// Watches `access.log`.
    pub(crate) fn new() -> Rig {
        Rig::watching(&["access.log"])
    }

    pub(crate) fn watching(patterns: &[&str]) -> Rig {
        Rig::with(patterns, FollowSettings::default())
    }

    pub(crate) fn with(patterns: &[&str], settings: FollowSettings) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let watched: Vec<_> = patterns
            .iter()
            .map(|pattern| WatchedLog {
                key: "web".to_owned(),
                pattern: directory.path().join(pattern).to_str().unwrap().to_owned(),
            })
            .collect();
        let follower = Follower::new(watched.clone(), Vec::new(), None, settings.clone());
        Rig {
            directory,
            store: Store::default(),
            events: Vec::new(),
            follower,
            now: SystemClock.now(),
            watched,
            settings,
            last_commit: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: impl AsRef<[u8]>) -> File {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
        file
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// What `copytruncate` does.
    pub(crate) fn copytruncate(&self, name: &str, copy: &str) {
        std::fs::copy(self.path(name), self.path(copy)).unwrap();
        self.truncate(name);
    }

    pub(crate) fn truncate(&self, name: &str) {
        OpenOptions::new().write(true).open(self.path(name)).unwrap().set_len(0).unwrap();
    }

    /// What `compress` does: the copy has the time of its source, which is then deleted.
    pub(crate) fn gzip(&self, name: &str) {
        let modified = std::fs::metadata(self.path(name)).unwrap().modified().unwrap();
        let packed = gzip(&std::fs::read(self.path(name)).unwrap());
        let mut file = File::create(self.path(&format!("{name}.gz"))).unwrap();
        file.write_all(&packed).unwrap();
        file.set_modified(modified).unwrap();
        self.remove(name);
    }

    /// One poll, everything committed.
    pub(crate) fn poll_once(&mut self) -> PollProgress {
        let mut events = Vec::new();
        let progress = self
            .follower
            .poll(self.now, &mut |event| {
                events.push(event);
                ControlFlow::Continue(())
            })
            .unwrap();
        for event in &events {
            self.store.apply(event);
        }
        self.events.extend(events);
        if !progress.undecided {
            self.last_commit = Some(SystemClock.now());
        }
        progress
    }

    /// A poll that is given up once it has named `count` logs: only these names are committed, nothing was read.
    pub(crate) fn discover(&mut self, count: usize) {
        let mut named = Vec::new();
        let poll = self.follower.poll(self.now.plus_millis(250), &mut |event| {
            named.extend(matches!(event, LogEvent::Discovered(_)).then_some(event));
            if named.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        poll.unwrap();
        named.iter().for_each(|event| self.store.apply(event));
    }

    /// Polls until all is read, 250 ms apart from the poll before.
    pub(crate) fn poll(&mut self) {
        self.now = self.now.plus_millis(250);
        for _ in 0..10_000 {
            if self.poll_once().caught_up {
                return;
            }
        }
        panic!("never caught up");
    }

    /// Polls after `secs` seconds, some times so that what waits for a look around is done too.
    pub(crate) fn pass(&mut self, secs: i64) {
        self.now = self.now.plus_millis(secs * 1000);
        self.poll();
        for _ in 0..3 {
            self.now = self.now.plus_millis(1000);
            self.poll();
        }
    }

    /// Starts for the first time once more, with the settings as they are now.
    pub(crate) fn restart_anew(&mut self) {
        self.follower = Follower::new(self.watched.clone(), Vec::new(), None, self.settings.clone());
    }

    /// Starts again from what was committed.
    pub(crate) fn restart(&mut self) {
        let known = self.store.generations.values().cloned().collect();
        let spans = self.store.spans.values().filter(|span| !span.is_withdrawn).cloned().collect();
        let follower =
            Follower::new(self.watched.clone(), known, self.last_commit, self.settings.clone()).with_unread(spans);
        self.follower = follower.with_given_up(self.store.given_up.clone()).with_cut(self.store.cut.clone());
        self.now = self.now.plus_millis(1000);
    }

    /// The lines delivered since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.store.lines)
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        let said = self.events.iter().filter_map(|event| match event {
            LogEvent::Problem { error, .. } => Some(error.to_string()),
            _ => None,
        });
        said.collect()
    }

    pub(crate) fn reasons(&self) -> Vec<FinishReason> {
        self.store.finished.iter().map(|(_, _, reason)| *reason).collect()
    }

    pub(crate) fn unfinished(&self) -> usize {
        self.store.generations.values().filter(|generation| !generation.finished).count()
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `count` lines that carry numbers from `from` on.
pub(crate) fn numbered(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("{}\n", line(number))).collect()
}

pub(crate) fn line(number: usize) -> String {
    format!("{number:08} GET /p/{} HTTP/1.1", number % 7)
}

pub(crate) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

pub(crate) fn expect(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(line).collect()
}

pub(crate) fn set_modified(path: &Path, ago: Duration) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - ago).unwrap();
}
