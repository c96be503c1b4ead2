//! The daemon on its machine: its store, its clock, and what it says that it reads, checked against the files as it says it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use spikeline::daemon::{DaemonSettings, Log, Notice, Say, Stepwise};
use spikeline::grammar::{Escape, Format};
use spikeline::route::{Router, Rule};
use spikeline::source::{FinishReason, GenerationId, LogEvent};
use spikeline::store::{LossCause, Retention, StoreAccess, View};
use spikeline::time::{Clock, Timestamp};

use crate::disk::Disk;
use crate::document::{FORMAT, MAX_LINE, ROUTES};

/// The slowest of a route and slot that are kept.
pub(crate) const SLOWEST: u32 = 3;

/// A clock that is moved by hand.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn at(now: i64) -> Hand {
        Hand(AtomicI64::new(now))
    }

    pub(crate) fn millis(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.millis())
    }
}

/// What is known of a generation that the daemon has named.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The document that its file held when it was named.
    pub(crate) document: usize,
    /// Where it was said to be last.
    path: PathBuf,
    /// Where reading began.
    pub(crate) start: u64,
    /// How far it was given out.
    pub(crate) position: u64,
    pub(crate) finished: bool,
    /// This daemon has it open, or had.
    is_open: bool,
    /// How large the document was when this daemon looked at it last, if it has it open.
    seen: u64,
    /// How much of its document was left in copies when it was named, if it had been truncated before.
    pub(crate) left: Option<usize>,
    /// What was said to be lost at its end: where, how many bytes, how.
    pub(crate) loss: Option<(u64, u64, LossCause)>,
}

pub(crate) struct Machine {
    pub(crate) store: PathBuf,
    pub(crate) pattern: String,
    /// Where rotated logs are, if not beside it.
    pub(crate) elsewhere: Option<String>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) block_limit: usize,
    pub(crate) archive: bool,
    pub(crate) router: Arc<Router>,
    pub(crate) format: Format,
    pub(crate) running: Option<Stepwise>,
    pub(crate) held: BTreeMap<GenerationId, Held>,
    /// What it said.
    pub(crate) told: Vec<String>,
}

pub(crate) fn router() -> Arc<Router> {
    let rules = ROUTES.iter().map(|(segment, name, threshold)| Rule {
        name: (*name).to_owned(),
        path: Some(format!("/{segment}/*")),
        threshold_ms: (*threshold != 1000).then_some(*threshold),
        ..Rule::default()
    });
    Arc::new(Router::new(rules.collect()).unwrap())
}

pub(crate) fn format() -> Format {
    Format::compile("given", FORMAT, Escape::Default).unwrap()
}

impl Machine {
    fn settings(&self) -> DaemonSettings {
        DaemonSettings {
            formats: None,
            own_totals: Arc::default(),
            store: self.store.clone(),
            interval: Duration::from_secs(10),
            lateness: Duration::from_secs(60),
            poll: Duration::from_millis(250),
            max_line: MAX_LINE as u64,
            routes_max: 100,
            threshold_ms: 1000,
            slowest: SLOWEST,
            server_errors: true,
            logs: vec![Log { pattern: self.pattern.clone(), format: self.format.clone() }],
            receiving: spikeline::daemon::Receiving::default(),
            archived: if self.archive { vec![self.pattern.clone()] } else { Vec::new() },
            rotated: self.rotated(),
            retention: Retention::default(),
            access: StoreAccess::default(),
            router: Arc::clone(&self.router),
            destinations: Vec::new(),
            #[cfg(feature = "otlp")]
            otlp: Vec::new(),
        }
    }

    fn rotated(&self) -> HashMap<String, Vec<String>> {
        self.elsewhere.iter().map(|glob| (self.pattern.clone(), vec![glob.clone()])).collect()
    }

    /// The store as whoever asks it opens it, with the configuration.
    pub(crate) fn view_at_rest(&self) -> View {
        let mut view = View::open(&self.store).unwrap();
        view.set_rotated(self.rotated());
        view
    }

    /// Starts the daemon from what its store holds.
    pub(crate) fn start(&mut self) {
        let say: Say = Arc::new(|_: &Notice| ());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let daemon = Stepwise::open(self.settings(), clock, &say, self.block_limit).unwrap();
        self.forget_uncommitted(daemon.view());
        self.running = Some(daemon);
    }

    /// What was never committed has not happened.
    fn forget_uncommitted(&mut self, view: &View) {
        let known: BTreeMap<_, _> = view.generations().iter().map(|held| (held.id, held)).collect();
        self.held.retain(|id, _| known.contains_key(id));
        for (id, held) in &mut self.held {
            held.position = known[id].position;
            held.path.clone_from(&known[id].path);
            held.finished = known[id].finished;
            held.seen = 0;
            held.is_open = false;
            if !held.finished {
                held.loss = None;
            }
        }
        assert_eq!(self.held.len(), known.len(), "the store knows generations that were never named");
    }

    /// One look at the logs; whether there is no more to read for now.
    pub(crate) fn look(&mut self, disk: &mut Disk) -> bool {
        disk.note_look();
        let mut daemon = self.running.take().unwrap();
        let caught_up = daemon.look(|event| self.hear(event, disk));
        self.running = Some(daemon);
        // One that it has not found again since it was started, it does not see.
        for held in self.held.values_mut().filter(|held| !held.finished && held.is_open) {
            held.seen = held.seen.max(disk.known_length(held.document));
        }
        caught_up
    }

    fn hear(&mut self, event: &LogEvent, disk: &Disk) {
        match event {
            LogEvent::Discovered(generation) => {
                let found = disk.held_at(&generation.path);
                let (document, _) = found.unwrap_or_else(|| panic!("no file at {}", generation.path.display()));
                let start = generation.position;
                let read = self.held.values().filter(|held| held.document == document).map(|held| held.position).max();
                assert_eq!(start, read.unwrap_or(0), "{:?} (document {document}) begins elsewhere", generation.id);
                let known = generation.fingerprint.length;
                let path = generation.path.display();
                self.told.push(format!("{:?} is document {document}, {path}, known by {known}", generation.id));
                let path = generation.path.clone();
                let left = Some(disk.available(document)).filter(|left| *left < disk.documents[document].bytes.len());
                let (finished, is_open, seen, loss) = (false, true, 0, None);
                let new = Held { document, path, left, start, position: start, finished, is_open, seen, loss };
                assert!(self.held.insert(generation.id, new).is_none(), "a number is not given twice");
            }
            LogEvent::Block(block) => {
                let held = self.open(block.generation);
                assert_eq!(block.offset, held.position, "positions are contiguous");
                if held.position == 0 {
                    // Nothing of it was read: it is any file that begins as it did.
                    held.document = disk.held_at(&held.path).unwrap().0;
                }
                let document = &disk.documents[held.document].bytes;
                let range = usize::try_from(block.offset).unwrap()..usize::try_from(block.end()).unwrap();
                let same = document.get(range).is_some_and(|written| written == block.bytes);
                assert!(same, "{:?} was given other bytes than document {} holds", block.generation, held.document);
                held.position = block.end();
            }
            LogEvent::TooLong { generation, offset, length, .. } => {
                let held = self.open(*generation);
                assert_eq!(*offset, held.position, "positions are contiguous");
                held.position = offset + length;
            }
            LogEvent::Moved { generation, path, .. } => {
                let held = self.open(*generation);
                let (document, _) = disk.held_at(path).unwrap_or_else(|| panic!("no file at {}", path.display()));
                if held.position == 0 {
                    held.document = document;
                }
                held.path.clone_from(path);
                assert_eq!(document, held.document, "{generation:?} is not at {}", path.display());
                self.told.push(format!("{generation:?} is at {}", path.display()));
            }
            LogEvent::Fingerprint { generation, fingerprint } => {
                self.open(*generation);
                self.told.push(format!("{generation:?} has {} first bytes", fingerprint.length));
            }
            LogEvent::Finished { generation, unread, reason } => self.finished(*generation, *unread, *reason, disk),
            LogEvent::Unread(span) => self.told.push(format!("{span:?}")),
            LogEvent::GoesOn { generation, .. } => self.open(*generation).is_open = true,
            LogEvent::FoundAgain { .. } => {}
            LogEvent::Problem { path, error } => self.told.push(format!("{}: {error}", path.display())),
        }
    }

    fn open(&mut self, generation: GenerationId) -> &mut Held {
        let held = self.held.get_mut(&generation).expect("a generation is named first");
        assert!(!held.finished, "{generation:?} ended before");
        held
    }

    /// A generation may end when nothing more of it can be read, and its loss is what was seen of it and not given out.
    fn finished(&mut self, generation: GenerationId, unread: u64, reason: FinishReason, disk: &Disk) {
        self.told.push(format!("{generation:?} ended: {reason:?}, unread {unread}"));
        let held = self.open(generation);
        let (document, position) = (held.document, held.position);
        let available = disk.available(document) as u64;
        let lost = held.seen.saturating_sub(position);
        match reason {
            FinishReason::Rotated => {
                assert_eq!(unread, 0, "no file here is out of reach");
                let length = disk.known_length(document);
                assert!(position >= length, "{generation:?} was ended at {position} of {length}");
                // Its file was truncated while no one looked; as long as that is there, it tells.
                let cut = held.left.is_none() && disk.documents[document].bytes.len() as u64 > position;
                let is_known = disk.is_there(document) && !disk.documents[document].is_copied;
                assert!(!cut || !is_known, "{generation:?} is a copy of what was truncated");
                if cut {
                    held.left = Some(usize::try_from(position).unwrap());
                }
            }
            FinishReason::Truncated { lost: said } => {
                assert!(available <= position, "{generation:?} was given up at {position} of {available}");
                assert_eq!(said, lost, "{generation:?} lost {lost} bytes that were seen");
                held.loss = Some((position, lost, if lost == 0 { LossCause::Copied } else { LossCause::Truncated }));
            }
            FinishReason::Vanished => {
                assert!(available == 0 || available < position, "{generation:?} is still there");
                held.loss = Some((position, 0, LossCause::Gone));
            }
        }
        held.finished = true;
    }

    /// Counts and commits all that was found.
    pub(crate) fn commit(&mut self) {
        let daemon = self.running.as_mut().unwrap();
        daemon.count(usize::MAX);
        daemon.hand_on();
        daemon.keep(usize::MAX);
        daemon.attend();
    }

    pub(crate) fn stop(&mut self) {
        if let Some(daemon) = self.running.take() {
            daemon.stop().unwrap();
        }
    }

    pub(crate) fn crash(&mut self) {
        self.running = None;
    }
}
