//! The daemon before its threads start: the store is open, and what reads, counts and commits goes on where it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crossbeam_channel::bounded;
use rustix::process::{Resource, Rlimit};

use super::line_counter::{Counting, LineCounter};
use super::log_reader::LogReader;
use super::notice::{Notice, Say};
use super::pending_commit::PendingCommit;
use super::settings::{DaemonSettings, Log};
use super::threads::COUNTED_WAITING;
use crate::error::{Error, Result};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::route::Routes;
use crate::source::{FollowSettings, Follower, WatchedLog};
use crate::store::{self, View, Writer};
use crate::time::Clock;

/// What the threads work with, but for the destinations.
pub(super) struct OpenedDaemon {
    pub(super) reader: LogReader,
    pub(super) counter: LineCounter,
    pub(super) writer: Writer,
    pub(super) pending: PendingCommit,
    /// Where the committing thread tells the counting thread that all slots before this were sent.
    pub(super) emitted_until: Arc<AtomicI64>,
}

impl OpenedDaemon {
    /// Open the store, and make ready to go on from there. `block_limit`: about how many bytes of a log are a block.
    ///
    /// # Errors
    /// The store cannot be opened or is held by another process, or a format cannot be followed.
    pub(super) fn open(
        settings: &DaemonSettings,
        clock: &Arc<dyn Clock>,
        say: &Say,
        block_limit: usize,
    ) -> Result<OpenedDaemon> {
        let mut writer = open_store(settings)?;
        writer.set_rotated(settings.rotated.clone());
        // What was read again since by `index` is missing no more; if that cannot be noted now, it is the next time.
        let _missing_still = writer.withdraw_restored();
        if writer.cut_bytes() > 0 {
            say(&Notice::JournalCut { bytes: writer.cut_bytes() });
        }
        for warning in writer.warnings() {
            say(&Notice::StoreExposed(warning.clone()));
        }
        let view = writer.view();
        let known = view.kept_names();
        let spans = known.iter().filter_map(|(id, _)| Some((view.route_span(*id)?.1, *id))).collect::<Vec<_>>();
        let routes = Routes::restore(settings.routes_max, known);
        routes.note_seen(spans);
        let interpreting = Interpreting {
            router: Arc::clone(&settings.router),
            routes: Arc::new(routes),
            threshold_ms: settings.threshold_ms,
            conditions: Arc::default(),
        };
        let mut interpreters = compile_interpreters(&settings.logs, &interpreting)?;
        for log in &settings.archived {
            if let Some(interpreter) = interpreters.get_mut(log) {
                interpreter.archive_lines(settings.slowest as usize);
            }
        }
        let emitted_until = Arc::new(AtomicI64::new(i64::MIN));
        let (spare_rows, returned_rows) = bounded(COUNTED_WAITING);
        let (watch, slots) = (settings.formats.clone(), settings.slots());
        let counting = Counting { interpreters, watch, routes: interpreting.routes, slots };
        let (mark, clock, own_say) = (Arc::clone(&emitted_until), Arc::clone(clock), Arc::clone(say));
        Ok(OpenedDaemon {
            reader: LogReader::new(build_follower(settings, view, block_limit), Arc::clone(&settings.receiving.losses)),
            counter: LineCounter::resume(view, counting, returned_rows, mark, clock, own_say).begin_to_follow(view),
            pending: PendingCommit::new(settings.slots(), spare_rows),
            emitted_until,
            writer,
        })
    }
}

fn open_store(settings: &DaemonSettings) -> Result<Writer> {
    let store_settings = store::StoreSettings {
        interval: settings.interval,
        slowest: settings.slowest,
        retention: settings.retention,
        access: settings.access,
        ..store::StoreSettings::default()
    };
    Writer::open(&settings.store, store_settings)
}

/// What reads the lines of each log, by its pattern.
fn compile_interpreters(logs: &[Log], with: &Interpreting) -> Result<HashMap<String, Interpreter>> {
    let mut interpreters = HashMap::new();
    for Log { pattern, format } in logs {
        let interpreter = Interpreter::new(format, Needs::latency(), &with.for_log(pattern));
        let interpreter =
            interpreter.map_err(|error| Error::usage(format!("log {pattern}: format `{}`: {error}", format.name())))?;
        interpreters.insert(pattern.clone(), interpreter);
    }
    Ok(interpreters)
}

/// How many descriptors logs may take: half of what the system gives this process, which is as much as it can be given.
fn files_for_logs() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match rustix::process::setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |most| usize::try_from(most / 2).unwrap_or(usize::MAX))
}

fn build_follower(settings: &DaemonSettings, view: &View, block_limit: usize) -> Follower {
    let watched =
        settings.logs.iter().map(|log| WatchedLog { key: log.pattern.clone(), pattern: log.pattern.clone() }).collect();
    let known = view.generations().to_vec();
    let follow = FollowSettings {
        max_line: usize::try_from(settings.max_line).unwrap_or(usize::MAX),
        wrappers: settings.logs.iter().filter_map(|log| Some((log.pattern.clone(), log.format.wrapper()?))).collect(),
        block_limit,
        elsewhere: settings.rotated.clone(),
        open_files: files_for_logs(),
        ..FollowSettings::default()
    };
    // What was committed last may have been read long before, and what stands beside it not at all.
    let (read_until, last_commit) = (view.read_until(), view.last_commit());
    let read_until = read_until.map_or(last_commit, |read| last_commit.map(|commit| commit.min(read)));
    let spans = view.unread_spans().cloned().collect();
    let mut follower = Follower::new(watched, known, read_until, follow)
        .with_unread(spans)
        .with_given_up(view.completeness().given_up())
        .with_cut(view.completeness().cut());
    for received in &settings.receiving.logs {
        // What was sent while nobody listened is nowhere.
        let is_known = view.generations().iter().any(|known| known.log == received.log);
        if let (Some(since), Some(until), true) = (read_until, settings.receiving.losses.since(&received.log), is_known)
            && since < until
        {
            follower.note_lost(received.lost(
                since,
                until,
                "nobody received: `spikeline run` was not running".to_owned(),
            ));
        }
    }
    follower
}
