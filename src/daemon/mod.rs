//! The daemon: follow, count, commit, push. The only place besides `pipeline::batch` where threads meet.
//!
//! Four kinds of thread, joined by bounded channels:
//!
//! ```text
//! follow --events, blocks--> count --commits--> keep --rendered slots--> push (one a destination)
//!    ^-----empty buffers------/                  ^--------outcomes---------/
//! ```
//!
//! *follow* polls the logs and reads blocks of lines. *count* parses and counts them, and hands on what it counted about
//! once a second. *keep* commits that to the store and decides which slots each destination is owed. *push* writes them
//! to carbon and says whether that worked. Only *keep* touches the store, and nothing that carbon does can hold it up.

pub mod backfill;
mod carbon_sender;
mod committer;
mod destination_queue;
mod line_counter;
mod log_reader;
mod self_metrics;
mod slot_renderer;
mod stepwise;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::carbon::{Destination, Link, Naming};
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::pipeline::{Interpreter, Interpreting, Row, RowCollector, SlotSettings};
use committer::{Channels, Committer};
use line_counter::LineCounter;
use log_reader::LogReader;
pub use stepwise::Stepwise;

use crate::record::Needs;
use crate::route::{Router, Routes};
use crate::source::{BLOCK_LIMIT, FollowSettings, Follower, WatchedLog};
use crate::store::{self, DestinationProgress, Retention, View, Writer};
use crate::time::Clock;

/// How many blocks may wait for the counting thread (about 4 MiB); when full, reading waits: the logs are on disk,
/// so nothing is lost.
const BLOCKS_WAITING: usize = 8;

/// How many commits may wait for the keeping thread (each of up to 16 MiB of log, some 5 MB): enough to count on while it
/// seals a segment. When full, counting waits.
const COUNTED_WAITING: usize = 10;

/// One log to follow.
#[derive(Debug, Clone)]
pub struct Log {
    /// The path or glob.
    pub pattern: String,
    /// Its format.
    pub format: Format,
}

/// One carbon to push to.
#[derive(Debug, Clone)]
pub struct DestinationSettings {
    /// Where and how.
    pub destination: Destination,
    /// How metrics are named there.
    pub naming: Naming,
    /// How much of the past is kept for it while it is away.
    pub spool: Duration,
}

/// All that the daemon works by; validated.
pub struct DaemonSettings {
    /// The store's folder.
    pub store: PathBuf,
    /// Length of a slot.
    pub interval: Duration,
    /// After this a slot is final unless a late line changes it.
    pub lateness: Duration,
    /// How often the logs are looked at.
    pub poll: Duration,
    /// Longest line, in bytes.
    pub max_line: u64,
    /// The cap on routes.
    pub routes_max: usize,
    /// Default threshold of a slow request, in milliseconds.
    pub threshold_ms: u64,
    /// Slowest requests kept per route and slot.
    pub slowest: u32,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
    /// The logs.
    pub logs: Vec<Log>,
    /// The patterns of those whose slow lines are kept in the store.
    pub archived: Vec<String>,
    /// How much of the past the store keeps.
    pub retention: Retention,
    /// The rules.
    pub router: Arc<Router>,
    /// The destinations.
    pub outlets: Vec<DestinationSettings>,
}

/// Where the daemon's messages go: one line each, without newline.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// Run until `stop` is disconnected or says something; then commit and return.
///
/// # Errors
/// The store cannot be opened or is held by another daemon, or a format cannot be followed.
pub fn run(settings: DaemonSettings, clock: Arc<dyn Clock>, say: &Say, stop: &Receiver<()>) -> Result<()> {
    let settings = Arc::new(settings);
    let (event_sender, events) = bounded(BLOCKS_WAITING);
    let (empty_sender, empties) = bounded(BLOCKS_WAITING + 2);
    let (counted_sender, counted) = bounded(COUNTED_WAITING);
    let (outcome_sender, outcomes) = bounded(64);
    let (halt, halted) = bounded::<()>(0);
    let OpenedDaemon { follow, count, writer, spare, slots, emitted } =
        OpenedDaemon::new(&settings, &clock, say, BLOCK_LIMIT)?;
    std::thread::scope(|scope| {
        let (poll, follow_clock) = (settings.poll, &*clock);
        named(scope, "follow", move || follow.run(follow_clock, poll, &event_sender, &empties, &halted))?;
        named(scope, "count", move || count.run(&events, &empty_sender, &counted_sender))?;
        let mut outlets = Vec::new();
        for (number, outlet) in settings.outlets.iter().enumerate() {
            let (batch_sender, batches) = bounded(destination_queue::IN_FLIGHT);
            let (outcomes, link) = (outcome_sender.clone(), Link::new(outlet.destination.clone(), number as u64));
            named(scope, "push", move || carbon_sender::push(number, link, &batches, &outcomes))?;
            outlets.push(destination_queue::DestinationQueue::new(outlet, batch_sender, &settings, writer.view()));
        }
        drop(outcome_sender);
        say_left_behind(writer.view(), &settings, say);
        let (settings, clock) = (Arc::clone(&settings), Arc::clone(&clock));
        let keep = Committer::new(settings, writer, (slots, spare), outlets, emitted, clock, Arc::clone(say));
        keep.run(&Channels { counted, outcomes, stop }, halt)
    })
}

/// A carbon that moved is another one to the store: what the old one is owed would be sent to nobody, without a word.
fn say_left_behind(view: &View, settings: &DaemonSettings, say: &Say) {
    for DestinationProgress { destination, pending, .. } in view.destinations() {
        let is_named = settings.outlets.iter().any(|outlet| outlet.destination.address == *destination);
        if let (false, Some(first), Some(last)) = (is_named, pending.iter().min(), pending.iter().max()) {
            let end = last.plus(settings.interval);
            say(&format!(
                "carbon {destination} is owed {} slots and is not in the configuration any more; `spikeline index --push --from {first} \
                 --until {end}`, with the daemon stopped, sends these slots to those that are",
                pending.len()
            ));
        }
    }
}

/// What the threads work with, but for the destinations.
struct OpenedDaemon {
    follow: LogReader,
    count: LineCounter,
    writer: Writer,
    /// The way back for the rows that were kept.
    spare: Sender<Vec<Row>>,
    slots: SlotSettings,
    emitted: Arc<AtomicI64>,
}

impl OpenedDaemon {
    /// Open the store, and make ready to go on from there. `block_limit`: about how many bytes of a log are a block.
    fn new(settings: &DaemonSettings, clock: &Arc<dyn Clock>, say: &Say, block_limit: usize) -> Result<OpenedDaemon> {
        let store_settings = store::StoreSettings {
            interval: settings.interval,
            slowest: settings.slowest,
            retention: settings.retention,
            ..store::StoreSettings::default()
        };
        let writer = Writer::open(&settings.store, store_settings)?;
        if writer.cut_bytes() > 0 {
            say(&format!(
                "store: the last {} bytes of its journal were torn or damaged and do not count; their lines are read again",
                writer.cut_bytes()
            ));
        }
        let known: Vec<(crate::route::RouteId, String)> =
            writer.view().routes().into_iter().map(|(id, name)| (id, name.to_owned())).collect();
        let routes = Arc::new(Routes::restore(settings.routes_max, known));
        let interpreting = Interpreting {
            router: Arc::clone(&settings.router),
            routes: Arc::clone(&routes),
            threshold_ms: settings.threshold_ms,
        };
        let mut interpreters = interpreters(&settings.logs, &interpreting)?;
        for log in &settings.archived {
            if let Some(interpreter) = interpreters.get_mut(log) {
                interpreter.archive_lines(settings.slowest as usize);
            }
        }
        let follow = LogReader::new(follower(settings, &writer, block_limit));
        let emitted = Arc::new(AtomicI64::new(i64::MIN));
        let (spare_sender, spare) = bounded(COUNTED_WAITING);
        let slots = SlotSettings {
            interval: settings.interval,
            slowest: settings.slowest as usize,
            server_errors: settings.server_errors,
        };
        let count = LineCounter {
            clock: Arc::clone(clock),
            say: Arc::clone(say),
            routes_known: u32::try_from(writer.view().routes().len()).unwrap_or(u32::MAX),
            routes,
            interpreters,
            generations: writer.view().generations().iter().map(|held| (held.id, held.clone())).collect(),
            slots: RowCollector::resume(slots, &writer.view().open_blocks()),
            spare,
            emitted_until: Arc::clone(&emitted),
            changed: BTreeSet::new(),
            unread: BTreeSet::new(),
            since: None,
            caught_up: false,
            done_with_backlog: false,
            read_until: None,
        };
        Ok(OpenedDaemon { follow, count, writer, spare: spare_sender, slots, emitted })
    }
}

/// Start a thread that `top -H` shows by its name.
fn named<'scope>(scope: &'scope Scope<'scope, '_>, name: &str, run: impl FnOnce() + Send + 'scope) -> Result<()> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run);
    started.map(drop).map_err(|error| Error::failed(format!("cannot start the thread `{name}`: {error}")))
}

fn interpreters(logs: &[Log], with: &Interpreting) -> Result<HashMap<String, Interpreter>> {
    logs.iter()
        .map(|log| {
            let with = with.for_log(&log.pattern);
            let interpreter = Interpreter::new(&log.format, Needs::latency(), &with).map_err(|error| {
                Error::usage(format!("log {}: format `{}`: {error}", log.pattern, log.format.name()))
            })?;
            Ok((log.pattern.clone(), interpreter))
        })
        .collect()
}

fn follower(settings: &DaemonSettings, writer: &Writer, block_limit: usize) -> Follower {
    let watched =
        settings.logs.iter().map(|log| WatchedLog { key: log.pattern.clone(), pattern: log.pattern.clone() }).collect();
    let known = writer.view().generations().to_vec();
    let follow = FollowSettings {
        max_line: usize::try_from(settings.max_line).unwrap_or(usize::MAX),
        wrappers: settings.logs.iter().filter_map(|log| Some((log.pattern.clone(), log.format.wrapper()?))).collect(),
        block_limit,
        ..FollowSettings::default()
    };
    // What was committed last may have been read long before, and what stands beside it not at all.
    let (read_until, last_commit) = (writer.view().read_until(), writer.view().last_commit());
    let read_until = read_until.map_or(last_commit, |read| last_commit.map(|commit| commit.min(read)));
    Follower::new(watched, known, read_until, follow)
}
