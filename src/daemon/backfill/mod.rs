//! Logs of the past: taken in as the daemon would have, and their points sent on request.
//!
//! Two threads read and count, by the daemon's own code; the caller's commits, one commit for about 16 MiB of log. Each
//! commit has the positions reached, so what a kill -9 takes is read again, with the same result. The slots that a
//! destination is to get are in the same commits, in an account of its own beside the daemon's, and are sent afterwards.

mod account;
mod creating;
mod sending;
mod sent_from;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::line_counter::{CountedLines, Counting, LineCounter};
use super::log_reader::ReaderMessage;
use super::notice::Say;
use super::pending_commit::PendingCommit;
use super::threads::{BLOCKS_WAITING, spawn_named};
use crate::error::{Error, Result};
use crate::pipeline::{Interpreter, SlotSettings};
use crate::route::Routes;
use crate::source::generation::GenerationId;
use crate::source::{BackfillFile, BackfillOutcome, BackfillReader, BackfillStep};
use crate::store::{Commit, Ledger, Writer};
use crate::time::{Clock, Timestamp};

pub use account::{BackfillAccount, OF_THE_PAST, slots_in};
pub use creating::create_series;
pub use sending::{Pushed, Sending, send_owed};
pub use sent_from::SentFrom;

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
pub fn read_past_logs(
    settings: BackfillSettings,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
    clock: &Arc<dyn Clock>,
    say: &Say,
    progress: &dyn Fn(u64),
) -> Result<BackfillSummary> {
    let BackfillSettings { files, interpreters, routes, slots, max_line } = settings;
    let readable = interpreters.iter().map(|(key, reads)| (key.clone(), reads.wrapper())).collect();
    let reader = BackfillReader::new(files, writer.view().generations().to_vec(), readable, max_line);
    let view = writer.view();
    let spans = view.unread_spans().cloned().collect();
    let mut reader = reader.again(&view.completeness().unfit()).missing(spans, view.completeness().given_up());
    // Whatever ends this, before the first commit too: what was not read is missing.
    let announced = reader.announce();
    if !announced.is_empty() {
        writer.commit(&mut Commit { at: clock.now(), spans: announced, ..Commit::default() })?;
    }
    let (message_sender, messages) = bounded(BLOCKS_WAITING);
    let (empty_sender, empties) = bounded(BLOCKS_WAITING + 2);
    let (counted_sender, counted) = bounded(COUNTED_WAITING);
    let (spare_rows, returned_rows) = bounded(COUNTED_WAITING);
    let (done_sender, done) = crossbeam_channel::unbounded();
    // No slot of the past is late.
    let emitted_until = Arc::new(AtomicI64::new(i64::MIN));
    let consumed = AtomicU64::new(0);
    let (view, own_clock, own_say) = (writer.view(), Arc::clone(clock), Arc::clone(say));
    let counting = Counting { interpreters, watch: None, routes, slots };
    let counter = LineCounter::resume(view, counting, returned_rows, emitted_until, own_clock, own_say);
    let committer = BackfillCommitter {
        writer,
        accounts,
        clock: &**clock,
        pending: PendingCommit::new(slots, spare_rows),
        summary: BackfillSummary::default(),
    };
    std::thread::scope(|scope| {
        let consumed = &consumed;
        let out = ReaderEnds { messages: message_sender, empties, done: done_sender, consumed };
        spawn_reader(scope, reader, out)?;
        spawn_named(scope, "count", move || counter.run(&messages, &empty_sender, &counted_sender))?;
        let mut summary = committer.run(counted, &|| progress(consumed.load(Ordering::Relaxed)))?;
        summary.files = done.try_iter().collect();
        Ok(summary)
    })
}

/// Make this commit, and owe the destinations the slots that it touched.
///
/// # Errors
/// The commit failed; then nothing of it is in the store.
pub fn commit_owing(
    writer: &mut Writer,
    mut commit: Commit,
    touched: &[Timestamp],
    accounts: &mut [BackfillAccount],
    clock: &dyn Clock,
) -> Result<()> {
    let now = clock.now();
    for account in &mut *accounts {
        for &slot in touched {
            account.owe(slot, now);
        }
        commit.destinations.push(account.delivery());
    }
    commit.at = now;
    writer.commit(&mut commit)?;
    writer.seal_if_due(false)
}

/// Where the reading thread's work goes, and where the buffers come from that it comes in.
struct ReaderEnds<'p> {
    messages: Sender<ReaderMessage>,
    empties: Receiver<Vec<u8>>,
    done: Sender<BackfillOutcome>,
    /// Bytes on disk that were passed.
    consumed: &'p AtomicU64,
}

/// The thread that reads. Its channels close when it is done, or when nobody counts any more.
fn spawn_reader<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut reader: BackfillReader,
    ends: ReaderEnds<'scope>,
) -> Result<()> {
    spawn_named(scope, "read", move || {
        let mut buffer = Vec::new();
        while let Some(step) = reader.next(&mut buffer) {
            ends.consumed.store(reader.consumed(), Ordering::Relaxed);
            let sent = match step {
                BackfillStep::Event(event) => ends.messages.send(ReaderMessage::Source(event)).is_ok(),
                BackfillStep::Done(outcome) => ends.done.send(outcome).is_ok(),
            };
            if !sent {
                return;
            }
            if buffer.capacity() == 0 {
                buffer = ends.empties.try_recv().unwrap_or_default();
            }
        }
    })
}

/// The state of the committing thread: that of the daemon, but that a commit that fails ends it, and that a destination is owed
/// what is in its account.
struct BackfillCommitter<'k> {
    writer: &'k mut Writer,
    accounts: &'k mut [BackfillAccount],
    clock: &'k dyn Clock,
    pending: PendingCommit,
    summary: BackfillSummary,
}

impl BackfillCommitter<'_> {
    /// The channel is dropped when this ends, early or not, so that the counting thread never waits in vain.
    #[expect(clippy::needless_pass_by_value, reason = "see above")]
    fn run(mut self, counted: Receiver<CountedLines>, progress: &dyn Fn()) -> Result<BackfillSummary> {
        loop {
            match counted.recv_timeout(PROGRESS_EVERY) {
                Ok(counted) => self.on_counted(counted)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            progress();
        }
        self.writer.seal_if_due(false)?;
        Ok(self.summary)
    }

    fn on_counted(&mut self, mut counted: CountedLines) -> Result<()> {
        for (generation, delta) in &mut counted.rows.ledgers {
            self.summary.ledgers.entry(*generation).or_default().merge(delta);
            if let Some(held) = self.writer.view().ledger(*generation) {
                delta.find_again(held);
            }
        }
        let now = self.clock.now();
        for account in &mut *self.accounts {
            for &slot in &counted.touched {
                account.owe(slot, now);
            }
        }
        self.summary.slots.extend(&counted.touched);
        self.summary.routes += counted.commit.routes.len();
        self.pending.add(counted);
        let deliveries = self.accounts.iter().map(BackfillAccount::delivery).collect();
        self.pending.write(self.writer, now, deliveries).map_err(to_resumable)?;
        self.writer.seal_if_due(true).map_err(to_resumable)
    }
}

/// The error of a commit, as whoever gave the command is to read it.
fn to_resumable(error: Error) -> Error {
    match error.place().cloned() {
        Some(place) => Error::failed(format!("{}; what was committed before stays", error.what()))
            .at(place.path)
            .remedy("mend that and give the same command again: it goes on where it was"),
        None => error,
    }
}
