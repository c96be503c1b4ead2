//! The daemon: follow, count, commit, push. The only place besides `pipeline::batch` where threads meet.
//!
//! Four kinds of thread, joined by bounded channels; in brackets what `top -H` calls them:
//!
//! ```text
//! log_reader --events, blocks--> line_counter --counted lines--> committer --rendered slots--> destination_queue
//!  (follow)                         (count)                  (the caller's)                 (push, one a destination)
//!      ^-------empty buffers-------/   ^---------spare rows-------/   ^------------outcomes--------/
//! ```
//!
//! `log_reader` polls the logs and reads blocks of lines. `line_counter` makes rows of the lines, and hands on what it has about
//! once a second. `committer` commits that to the store and decides which slots each destination is owed. The other end of a
//! `destination_queue` writes them to carbon and says whether that worked. Only `committer` touches the store, and nothing that
//! carbon does can hold it up. A `syslog_receiver` for each log that is received writes it, so that it is followed as the others are.
//! `backfill` is the same for logs of the past, `stepwise` the same without threads.

pub mod backfill;
mod committer;
mod destination_queue;
mod destinations;
mod event_watch;
mod generation_book;
mod late_lines;
mod line_counter;
mod log_formats;
mod log_reader;
mod notice;
mod notice_kind;
mod opened;
#[cfg(feature = "otlp")]
mod otlp_notice;
#[cfg(feature = "otlp")]
mod otlp_refusals;
mod outlet;
mod own_totals;
mod pending_commit;
mod pulse;
mod reading_book;
mod received_log;
mod received_losses;
mod rejecting_logs;
mod rendered_slots;
mod self_metrics;
mod settings;
mod slot_renderer;
mod spool_overflow;
mod stepwise;
mod stopped;
mod syslog_receiver;
mod threads;
mod unread_book;

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

pub use event_watch::{EventSettings, EventWatch};
pub use log_formats::{FormatNews, FormatWatch};
pub use notice::{Notice, Say};
pub use notice_kind::Severity;
#[cfg(feature = "otlp")]
pub use otlp_notice::OtlpNotice;
pub use own_totals::OwnTotals;
pub use pulse::{Beat, DaemonPulse};
pub use received_losses::ReceivedLosses;
#[cfg(feature = "otlp")]
pub use settings::OtlpSettings;
pub use settings::{DaemonSettings, DestinationSettings, ListenAt, Log, ReceivedLogSettings, Receiving};
pub use stepwise::Stepwise;
pub use syslog_receiver::SyslogReceivers;

use crate::error::Result;
use crate::source::BLOCK_LIMIT;
use crate::store::View;
use crate::time::Clock;
use committer::{Committer, CommitterChannels};
use destination_queue::DestinationQueue;
use destinations::Destinations;
use line_counter::CountedLines;
use opened::OpenedDaemon;
use outlet::{Outlet, has_account, outlets};
use rendered_slots::{SendOutcome, send_batches};
pub use stopped::Stopped;
use threads::{BLOCKS_WAITING, COUNTED_WAITING, spawn_detached};

/// How many outcomes may wait for the committing thread; when full, sending waits.
const OUTCOMES_WAITING: usize = 64;

/// A daemon whose threads run, but for the one that commits: it reads, counts, and waits for [`RunningDaemon::run`].
pub struct RunningDaemon {
    committer: Committer,
    counted: Receiver<CountedLines>,
    outcomes: Receiver<SendOutcome>,
    halt: Sender<()>,
}

/// [`RunningDaemon::open`] and [`RunningDaemon::run`], unheard.
///
/// # Errors
/// As these.
pub fn run(settings: DaemonSettings, clock: Arc<dyn Clock>, say: &Say, stop: &Receiver<()>) -> Result<Stopped> {
    RunningDaemon::open(settings, clock, say)?.run(stop, &(Arc::new(|_: &DaemonPulse| {}) as Beat))
}

impl RunningDaemon {
    /// Opens the store, goes on where it ends, and starts the threads.
    ///
    /// # Errors
    /// The store cannot be opened or is held by another daemon, or a format cannot be followed.
    pub fn open(settings: DaemonSettings, clock: Arc<dyn Clock>, say: &Say) -> Result<RunningDaemon> {
        let settings = Arc::new(settings);
        let (message_sender, messages) = bounded(BLOCKS_WAITING);
        let (empty_sender, empties) = bounded(BLOCKS_WAITING + 2);
        let (counted_sender, counted) = bounded(COUNTED_WAITING);
        let (outcome_sender, outcomes) = bounded(OUTCOMES_WAITING);
        let (halt, halted) = bounded::<()>(0);
        let OpenedDaemon { reader, counter, writer, pending, emitted_until } =
            OpenedDaemon::open(&settings, &clock, say, BLOCK_LIMIT)?;
        let reader_clock = Arc::clone(&clock);
        let poll = settings.poll;
        spawn_detached("follow", move || reader.run(&*reader_clock, poll, &message_sender, &empties, &halted))?;
        spawn_detached("count", move || counter.run(&messages, &empty_sender, &counted_sender))?;
        let mut queues = Vec::new();
        for (number, Outlet { account, carrier }) in outlets(&settings).into_iter().enumerate() {
            let queue = DestinationQueue::new(account, &settings, writer.view());
            let (batches, outcomes) = (queue.unbegun(), outcome_sender.clone());
            spawn_detached("push", move || send_batches(number, carrier, &batches, &outcomes))?;
            queues.push(queue);
        }
        drop(outcome_sender);
        say_left_behind(writer.view(), &settings, say);
        let destinations = Destinations::resume(queues, &settings, clock.now(), emitted_until);
        let committer = Committer::new(settings, writer, pending, destinations, clock, Arc::clone(say));
        Ok(RunningDaemon { committer, counted, outcomes, halt })
    }

    /// Runs until `stop` is disconnected or says something; then commits and returns, within two seconds whatever is under way: what is
    /// not done by then is left, and its threads with it. The store is free then. `beat` hears every few seconds how it goes.
    ///
    /// # Errors
    /// The last commit failed, or the store was lost.
    pub fn run(self, stop: &Receiver<()>, beat: &Beat) -> Result<Stopped> {
        let RunningDaemon { committer, counted, outcomes, halt } = self;
        committer.run(&CommitterChannels { counted, outcomes, stop, beat }, halt)
    }
}

/// A carbon that moved is another one to the store: what the old one is owed would be sent to nobody, without a word.
fn say_left_behind(view: &View, settings: &DaemonSettings, say: &Say) {
    for delivery in view.destinations() {
        let owed = &delivery.pending;
        let (Some(first), Some(last)) = (owed.iter().min(), owed.iter().max()) else { continue };
        if has_account(settings, &delivery.destination) {
            continue;
        }
        let notice = Notice::CarbonLeftBehind {
            destination: delivery.destination.clone(),
            slots: owed.len(),
            from: *first,
            until: last.plus(settings.interval),
        };
        // Only a collector's account is an address with a scheme.
        #[cfg(feature = "otlp")]
        if delivery.destination.contains("://") {
            say(&outlet::of_collector(notice));
            continue;
        }
        say(&notice);
    }
}
