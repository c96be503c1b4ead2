//! Logs of the past: taken in as the daemon would have, and their points sent on request.
//!
//! Two threads read and count, by the daemon's own code; the caller's keeps, one commit for about 16 MiB of log. Each
//! commit has the positions reached, so what a kill -9 takes is read again, with the same result. The slots that a
//! destination is to get are in the same commits, in an account of its own beside the daemon's, and are sent afterwards.

mod account;
mod sending;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::line_counter::{CountedLines, LineCounter};
use super::log_reader::ReaderMessage;
use super::{BLOCKS_WAITING, Say, named};
use crate::error::{Error, Result};
use crate::pipeline::{CommitBuilder, Interpreter, Row, RowCollector, SlotSettings};
use crate::route::Routes;
use crate::source::generation::GenerationId;
use crate::source::{BackfillFile, BackfillOutcome, BackfillReader, BackfillStep};
use crate::store::{Commit, Ledger, Writer};
use crate::time::{Clock, Timestamp};

pub use account::{BackfillAccount, slots_of};
pub use sending::{Pushed, push};

/// How many commits may wait to be kept (each of up to 16 MiB of log): enough to count on while a segment is sealed.
const COUNTED_WAITING: usize = 4;

/// How often the progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What to take in, and how it is counted.
pub struct BackfillSettings {
    /// The files, those of one log in the order of time.
    pub files: Vec<BackfillFile>,
    /// For each log's key, what reads its lines.
    pub interpreters: HashMap<String, Interpreter>,
    /// The routes, those of the store first.
    pub routes: Arc<Routes>,
    /// How slots are counted.
    pub slots: SlotSettings,
    /// Longest line, in bytes.
    pub max_line: usize,
}

/// What was taken in.
#[derive(Debug, Default)]
pub struct BackfillSummary {
    /// What became of each file, in the order in which they were given.
    pub files: Vec<BackfillOutcome>,
    /// What was counted of each log.
    pub ledgers: BTreeMap<GenerationId, Ledger>,
    /// The slots that got lines.
    pub slots: BTreeSet<Timestamp>,
    /// Routes that were not known before.
    pub routes: usize,
}

/// Read what of the files is not known yet into the store. `accounts` are owed the slots that get lines; `progress` hears of
/// the bytes on disk that were passed.
///
/// # Errors
/// A commit failed; what was committed before stays, and the same call goes on from there.
pub fn take_in(
    settings: BackfillSettings,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
    clock: &Arc<dyn Clock>,
    say: &Say,
    progress: &dyn Fn(u64),
) -> Result<BackfillSummary> {
    let BackfillSettings { files, interpreters, routes, slots, max_line } = settings;
    let readable = interpreters.iter().map(|(key, reads)| (key.clone(), reads.wrapper())).collect();
    let past = BackfillReader::new(files, writer.view().generations().to_vec(), readable, max_line);
    let past = past.again(&writer.view().unfit());
    let (event_sender, events) = bounded(BLOCKS_WAITING);
    let (empty_sender, empties) = bounded(BLOCKS_WAITING + 2);
    let (counted_sender, counted) = bounded(COUNTED_WAITING);
    let (spare_sender, spare) = bounded(COUNTED_WAITING);
    let (done_sender, done) = crossbeam_channel::unbounded();
    // No slot of the past is late.
    let emitted_until = Arc::new(AtomicI64::new(i64::MIN));
    let consumed = AtomicU64::new(0);
    let count = LineCounter {
        clock: Arc::clone(clock),
        say: Arc::clone(say),
        routes_known: u32::try_from(routes.len()).unwrap_or(u32::MAX),
        routes,
        interpreters,
        generations: writer.view().generations().iter().map(|held| (held.id, held.clone())).collect(),
        slots: RowCollector::resume(slots, &writer.view().open_blocks()),
        read_until: None,
        spare,
        emitted_until,
        changed: BTreeSet::new(),
        unread: BTreeSet::new(),
        since: None,
        caught_up: false,
        done_with_backlog: false,
    };
    let keep = BackfillCommitter {
        writer,
        accounts,
        clock: &**clock,
        slowest: CommitBuilder::new(slots),
        spare: spare_sender,
        taken: BackfillSummary::default(),
    };
    std::thread::scope(|scope| {
        let consumed = &consumed;
        spawn(scope, past, event_sender, empties, done_sender, consumed)?;
        named(scope, "count", move || count.run(&events, &empty_sender, &counted_sender))?;
        let mut taken = keep.run(counted, &|| progress(consumed.load(Ordering::Relaxed)))?;
        taken.files = done.try_iter().collect();
        Ok(taken)
    })
}

/// The thread that reads. Its channels close when it is done, or when nobody counts any more.
fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut past: BackfillReader,
    out: Sender<ReaderMessage>,
    empties: Receiver<Vec<u8>>,
    done: Sender<BackfillOutcome>,
    consumed: &'scope AtomicU64,
) -> Result<()> {
    named(scope, "read", move || {
        let mut buffer = Vec::new();
        while let Some(step) = past.next(&mut buffer) {
            consumed.store(past.consumed(), Ordering::Relaxed);
            let sent = match step {
                BackfillStep::Event(event) => out.send(ReaderMessage::Source(event)).is_ok(),
                BackfillStep::Done(outcome) => done.send(outcome).is_ok(),
            };
            if !sent {
                return;
            }
            if buffer.capacity() == 0 {
                buffer = empties.try_recv().unwrap_or_default();
            }
        }
    })
}

/// What the keeping thread has at hand.
struct BackfillCommitter<'k> {
    writer: &'k mut Writer,
    accounts: &'k mut [BackfillAccount],
    clock: &'k dyn Clock,
    slowest: CommitBuilder,
    spare: Sender<Vec<Row>>,
    taken: BackfillSummary,
}

impl BackfillCommitter<'_> {
    /// The channel is dropped when this ends, early or not, so that the counting thread never waits in vain.
    #[expect(clippy::needless_pass_by_value, reason = "see above")]
    fn run(mut self, counted: Receiver<CountedLines>, progress: &dyn Fn()) -> Result<BackfillSummary> {
        loop {
            match counted.recv_timeout(PROGRESS_EVERY) {
                Ok(counted) => self.keep(counted)?,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
            }
            progress();
        }
        self.writer.seal_if_due(false)?;
        Ok(self.taken)
    }

    fn keep(&mut self, counted: CountedLines) -> Result<()> {
        let CountedLines { commit: Commit { routes, generations, .. }, mut tally, touched, .. } = counted;
        for (generation, delta) in &mut tally.ledgers {
            self.taken.ledgers.entry(*generation).or_default().merge(delta);
            if let Some(held) = self.writer.view().ledger(*generation) {
                delta.find_again(held);
            }
        }
        let now = self.clock.now();
        for account in &mut *self.accounts {
            touched.iter().for_each(|slot| account.owe(*slot, now));
        }
        self.taken.slots.extend(touched);
        self.taken.routes += routes.len();
        let (lines, rows) = self.slowest.build(tally);
        // The counting thread may be gone or have enough: then they are simply freed.
        drop(self.spare.try_send(rows));
        let destinations = self.accounts.iter().map(|account| account.delivery()).collect();
        let mut commit = Commit { at: now, routes, generations, destinations, ..lines };
        self.writer.commit(&mut commit).map_err(resumable)?;
        self.writer.seal_if_due(true).map_err(resumable)
    }
}

fn resumable(error: Error) -> Error {
    match error.place().cloned() {
        Some(place) => Error::failed(format!("{}; what was committed before stays", error.what()))
            .at(place.path)
            .remedy("mend that and give the same command again: it goes on where it was"),
        None => error,
    }
}
