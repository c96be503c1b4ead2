//! The thread that counts, commits and decides what is sent when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};

use super::follow::Message;
use super::outlet::Outlet;
use super::own::{Gauges, Own};
use super::push::Outcome;
use super::{Say, Settings, render};
use crate::pipeline::{Interpreter, SlotSettings, Slots};
use crate::route::Routes;
use crate::source::generation::{Generation, GenerationId};
use crate::source::{Event, FinishReason};
use crate::store::{Commit, Writer};
use crate::time::{Clock, Timestamp};

/// A commit is due this long after the first uncommitted line ..
const COMMIT_AFTER: Duration = Duration::from_secs(1);

/// .. or when this many bytes of log are uncommitted.
const COMMIT_BYTES: u64 = 16 << 20;

/// While the store cannot be written, reading goes on for this many bytes of log; then it waits, so that memory stays
/// bounded. The lines are still in the logs.
const UNSAVED_BYTES: u64 = 512 << 20;

/// A slot is sent when it has been over for this long, so that lines written just at its end are in.
const GRACE_MS: i64 = 1000;

/// On a clean stop, this long is given to what is under way to carbon.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// Where the thread's work comes from.
pub(super) struct Channels<'c> {
    pub(super) events: Receiver<Message>,
    pub(super) empties: Sender<Vec<u8>>,
    pub(super) outcomes: Receiver<Outcome>,
    pub(super) stop: &'c Receiver<()>,
}

/// The state of the aggregating thread.
pub(super) struct Aggregate<'s> {
    settings: &'s Settings,
    clock: &'s dyn Clock,
    say: &'s Say,
    writer: Writer,
    routes: Arc<Routes>,
    routes_committed: u32,
    interpreters: HashMap<String, Interpreter>,
    generations: BTreeMap<GenerationId, Generation>,
    changed: BTreeSet<GenerationId>,
    slots: Slots,
    /// What a failed commit left, to go with the next.
    unsaved: Commit,
    unsaved_bytes: u64,
    dirty_since: Option<Instant>,
    commit_failing: bool,
    /// Most lines were rejected in the last slot that had any.
    rejecting: bool,
    outlets: Vec<Outlet>,
    deliveries_changed: bool,
    caught_up: bool,
    /// All slots before this were given to the destinations at least once.
    emitted_until: Timestamp,
    own: Own,
}

impl<'s> Aggregate<'s> {
    pub(super) fn new(
        settings: &'s Settings,
        slots: SlotSettings,
        writer: Writer,
        routes: Arc<Routes>,
        interpreters: HashMap<String, Interpreter>,
        mut outlets: Vec<Outlet>,
        clock: &'s dyn Clock,
        say: &'s Say,
    ) -> Aggregate<'s> {
        let view = writer.view();
        let generations: BTreeMap<_, _> = view.generations().iter().map(|held| (held.id, held.clone())).collect();
        let routes_committed = u32::try_from(view.routes().len()).unwrap_or(u32::MAX);
        let now_slot = clock.now().slot(settings.interval);
        let emitted_until =
            outlets.iter_mut().map(|outlet| outlet.resume(now_slot, settings)).min().unwrap_or(now_slot);
        Aggregate {
            settings,
            clock,
            say,
            writer,
            routes,
            routes_committed,
            interpreters,
            generations,
            changed: BTreeSet::new(),
            slots: Slots::new(slots),
            unsaved: Commit::default(),
            unsaved_bytes: 0,
            dirty_since: None,
            commit_failing: false,
            rejecting: false,
            outlets,
            deliveries_changed: true,
            caught_up: false,
            emitted_until,
            own: Own::default(),
        }
    }

    /// Work until told to stop; then drop `halt`, which ends the reading thread, take what it had sent, and commit.
    pub(super) fn run(mut self, channels: &Channels<'_>, halt: Sender<()>) {
        loop {
            let wait = self.next_deadline().saturating_duration_since(Instant::now());
            let overloaded = self.unsaved_bytes > UNSAVED_BYTES;
            let idle = crossbeam_channel::never();
            let events = if overloaded { &idle } else { &channels.events };
            select! {
                recv(channels.stop) -> _ => break,
                recv(events) -> message => match message {
                    Ok(message) => self.take(message, channels),
                    Err(_) => break,
                },
                recv(channels.outcomes) -> outcome => if let Ok(outcome) = outcome { self.settle(outcome) },
                default(wait) => {}
            }
            self.commit_if_due();
            self.emit(channels.events.len());
        }
        drop(halt);
        for message in &channels.events {
            self.take(message, channels);
        }
        self.commit();
        self.emit(0);
        self.last_words(channels);
        self.deliveries_changed = true;
        self.commit();
    }

    /// The next moment at which something is to be done even if nothing arrives.
    fn next_deadline(&self) -> Instant {
        let now = Instant::now();
        let slot_over = self.emitted_until.plus_millis(millis(self.settings.interval) + GRACE_MS);
        let until_slot = slot_over.millis().saturating_sub(self.clock.now().millis()).clamp(10, 60_000);
        let slot_at = now + Duration::from_millis(until_slot.cast_unsigned());
        let commit_at = self.dirty_since.map(|since| since + COMMIT_AFTER);
        let retry_at = self.outlets.iter().filter_map(Outlet::wake_at).min();
        [Some(slot_at), commit_at, retry_at].into_iter().flatten().min().unwrap_or(slot_at)
    }

    fn take(&mut self, message: Message, channels: &Channels<'_>) {
        match message {
            Message::Source(event) => self.event(event, channels),
            Message::CaughtUp(caught_up) => self.caught_up = caught_up,
            Message::Failed(error) => (self.say)(&error.to_string()),
        }
    }

    fn event(&mut self, event: Event, channels: &Channels<'_>) {
        match event {
            Event::Problem { path, error } => {
                (self.say)(&format!("log {}: {error}", path.display()));
                return;
            }
            Event::Discovered(generation) => {
                (self.say)(&format!("following {}", generation.path.display()));
                self.changed.insert(generation.id);
                self.generations.insert(generation.id, generation);
            }
            Event::Block(block) => {
                if let Some(generation) = self.generations.get_mut(&block.generation) {
                    if let Some(interpreter) = self.interpreters.get_mut(&generation.log) {
                        let late_before = self.emitted_until;
                        self.slots.block(interpreter, block.generation, block.offset, &block.bytes, late_before);
                    }
                    generation.position = block.offset + block.bytes.len() as u64;
                    generation.tail_hash = block.tail_hash;
                    self.changed.insert(block.generation);
                }
                // The reader may be gone or have enough buffers: then this one is simply freed.
                drop(channels.empties.try_send(block.bytes));
            }
            Event::TooLong { generation, offset, length, tail_hash } => {
                self.slots.too_long(generation, length);
                self.change(generation, |held| {
                    held.position = offset + length;
                    held.tail_hash = tail_hash;
                });
            }
            Event::Moved { generation, path, device_inode } => self.change(generation, |held| {
                held.path = path;
                held.device_inode = device_inode;
            }),
            Event::Fingerprint { generation, fingerprint } => {
                self.change(generation, |held| held.fingerprint = fingerprint);
            }
            Event::Finished { generation, unread, reason } => {
                let ledger = self.slots.ledger(generation);
                ledger.unread += unread;
                if let FinishReason::Truncated { lost } = reason {
                    ledger.lost_to_truncation += lost;
                }
                self.own.counters.dropped_bytes += unread;
                self.change(generation, |held| held.finished = true);
            }
        }
        self.dirty_since.get_or_insert_with(Instant::now);
    }

    fn change(&mut self, generation: GenerationId, change: impl FnOnce(&mut Generation)) {
        if let Some(held) = self.generations.get_mut(&generation) {
            change(held);
            self.changed.insert(generation);
        }
    }

    fn commit_if_due(&mut self) {
        let waited = self.dirty_since.is_some_and(|since| since.elapsed() >= COMMIT_AFTER);
        if waited || (self.slots.bytes() >= COMMIT_BYTES && !self.commit_failing) {
            self.commit();
        }
    }

    /// Write everything counted since the last commit as one record; on failure keep it for the next attempt.
    fn commit(&mut self) {
        let bytes = self.slots.bytes();
        for slot in self.slots.touched() {
            if slot < self.emitted_until {
                self.owe(slot);
            }
        }
        if self.slots.is_empty() && self.changed.is_empty() && !self.deliveries_changed && self.unsaved_bytes == 0 {
            self.dirty_since = None;
            return;
        }
        let mut commit = self.slots.take(self.clock.now());
        self.note(&commit);
        commit.routes =
            self.routes.since(self.routes_committed).into_iter().map(|(id, name)| (id, name.to_string())).collect();
        commit.generations = self.changed.iter().filter_map(|id| self.generations.get(id)).cloned().collect();
        commit.deliveries = self.outlets.iter().map(Outlet::delivery).collect();
        let (routes, changed) = (commit.routes.len(), std::mem::take(&mut self.changed));
        self.deliveries_changed = false;
        let mut whole = std::mem::take(&mut self.unsaved);
        whole.absorb(commit);
        match self.writer.commit(&mut whole) {
            Ok(()) => {
                self.routes_committed += u32::try_from(routes).unwrap_or(0);
                self.unsaved_bytes = 0;
                self.dirty_since = None;
                if std::mem::take(&mut self.commit_failing) {
                    (self.say)("store: written again; nothing was lost");
                }
                if let Err(error) = self.writer.seal_if_due() {
                    (self.say)(&format!("store: {error}; it is tried again with the next commit"));
                }
            }
            Err(error) => {
                // Routes are asked for again with the next commit.
                whole.routes.clear();
                self.changed = changed;
                self.unsaved = whole;
                self.unsaved_bytes += bytes.max(1);
                self.own.counters.commits_failed += 1;
                self.dirty_since = Some(Instant::now());
                if !std::mem::replace(&mut self.commit_failing, true) {
                    (self.say)(&format!("store: {error}; reading and carbon go on, the commit is tried every second"));
                }
            }
        }
    }

    fn note(&mut self, commit: &Commit) {
        let counters = &mut self.own.counters;
        for (_, ledger) in &commit.ledgers {
            counters.read += ledger.lines;
            counters.parsed += ledger.parsed;
            counters.rejected += ledger.rejected.values().sum::<u64>() + ledger.too_long;
            counters.late += ledger.late;
            counters.bytes += ledger.bytes;
        }
    }

    fn owe(&mut self, slot: Timestamp) {
        let now = self.clock.now();
        for outlet in &mut self.outlets {
            outlet.owe(slot, now);
        }
        self.deliveries_changed = true;
    }

    /// Give the destinations the slots that are over, and hand out what they are owed.
    fn emit(&mut self, queued: usize) {
        let now = self.clock.now();
        let settled = self.slots.latest().plus_millis(-millis(self.settings.lateness)).slot(self.settings.interval);
        let over = now.plus_millis(-GRACE_MS).slot(self.settings.interval);
        let mark = if self.caught_up { over } else { over.min(settled) };
        if mark > self.emitted_until {
            self.commit();
            self.close_slots(mark, queued, now);
        }
        let before = if self.caught_up { Timestamp(i64::MAX) } else { settled };
        let source = render::Source {
            view: self.writer.view(),
            uncommitted: &self.unsaved.cells,
            own: &self.own,
            interval: self.settings.interval,
        };
        let mut failed = None;
        let instant = Instant::now();
        for outlet in &mut self.outlets {
            outlet.feed(instant, before, |naming, slot, points| {
                if let Err(error) = source.slot(naming, slot, points) {
                    failed = Some(error);
                }
            });
        }
        if let Some(error) = failed {
            (self.say)(&format!("store: {error}; that slot's points are incomplete"));
        }
    }

    fn close_slots(&mut self, mark: Timestamp, queued: usize, now: Timestamp) {
        let interval = millis(self.settings.interval);
        let mut slot = self.emitted_until;
        while slot < mark {
            self.owe(slot);
            slot = slot.plus_millis(interval);
        }
        self.emitted_until = mark;
        for outlet in &mut self.outlets {
            outlet.owed.set_emitted_until(mark);
        }
        self.warn_of_rejects();
        let behind = now.millis().saturating_sub(self.slots.latest().millis());
        #[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
        let gauges = Gauges {
            lag_seconds: if self.caught_up { 0.0 } else { behind as f64 / 1000.0 },
            queue: queued as f64,
            routes: self.routes.len() as f64,
            slots_owed: self.outlets.iter().map(|outlet| outlet.owed.len()).sum::<usize>() as f64,
            slots_dropped: self.outlets.iter().map(|outlet| outlet.owed.dropped()).sum::<u64>() as f64,
            points_sent: self.outlets.iter().map(|outlet| outlet.points_sent).sum::<u64>() as f64,
            send_failures: self.outlets.iter().map(|outlet| outlet.failures).sum::<u64>() as f64,
        };
        self.own.close(mark.plus_millis(-interval), &gauges);
    }

    /// Say so when most lines do not fit their format: then the configuration is wrong, or nginx's has changed.
    fn warn_of_rejects(&mut self) {
        let (read, rejected) = (self.own.counters.read, self.own.counters.rejected);
        let alarming = read > 0 && rejected * 2 > read;
        if alarming && !self.rejecting {
            (self.say)(&format!(
                "{rejected} of the last {read} lines do not fit their log's format; `spikeline check` shows where and why"
            ));
        }
        if read > 0 {
            self.rejecting = alarming;
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        if let Some(outlet) = self.outlets.get_mut(outcome.outlet) {
            if let Some(message) = outlet.settle(outcome, Instant::now()) {
                (self.say)(&message);
            }
            self.deliveries_changed = true;
        }
    }

    /// Wait a little for what is under way, then let the pushing threads go.
    fn last_words(&mut self, channels: &Channels<'_>) {
        let deadline = Instant::now() + LAST_WORDS;
        while self.outlets.iter().any(Outlet::busy) {
            let Ok(outcome) = channels.outcomes.recv_deadline(deadline) else { break };
            self.settle(outcome);
            self.emit(0);
        }
        for outlet in &mut self.outlets {
            outlet.close();
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
