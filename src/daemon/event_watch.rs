//! The thread that tells a Graphite when a route leaves its usual range.
//!
//! It reads the store as any other process would, a minute at a time and some seconds behind, so that nothing it does can hold up the
//! daemon. Of an episode that was to be told of before the start (by whoever ran before, or by nobody, since nobody ran or Graphite was
//! away) Graphite is asked whether it has it. What cannot be posted is tried again, a bounded number of events.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::notice::{Notice, Say};
use super::threads::spawn_detached;
use crate::error::Result;
use crate::events::plain_http::Address;
use crate::events::{EpisodeScan, EventPosting, EventWords, GraphiteEvent, WARM_UP, post_once};
use crate::store::View;
use crate::time::{Clock, SystemClock, Timestamp};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A minute is looked at so long after its end: what was written by then is in the store.
const SETTLED: Duration = Duration::from_secs(20);

/// Episodes of so long before the start are told of, unless Graphite has them.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3600);

/// So many events wait for a Graphite that does not answer; more are dropped, the oldest first.
const WAITING: usize = 100;

/// What the thread works by.
#[derive(Debug, Clone)]
pub struct EventSettings {
    /// The store.
    pub store: PathBuf,
    /// The graphite-web that is told.
    pub graphite: Address,
    /// What events say.
    pub words: EventWords,
}

/// The thread, which ends when this is dropped.
#[derive(Debug)]
pub struct EventWatch {
    _stop: Sender<()>,
}

impl EventWatch {
    /// Start it.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(settings: EventSettings, say: &Say) -> Result<EventWatch> {
        let (stop, stopped) = bounded(0);
        let say = Arc::clone(say);
        spawn_detached("events", move || EventPoster::new(settings, say, SystemClock.now()).run(&stopped))?;
        Ok(EventWatch { _stop: stop })
    }
}

/// Its state.
struct EventPoster {
    settings: EventSettings,
    say: Say,
    scan: EpisodeScan,
    /// When this began.
    since: Timestamp,
    waiting: VecDeque<WaitingEvent>,
    /// The last post failed; that is said once.
    has_failed: bool,
}

/// An event that is to be posted.
struct WaitingEvent {
    event: GraphiteEvent,
    /// It came to be known in this run, and was not tried before: nobody has posted it.
    is_new: bool,
}

impl EventPoster {
    fn new(settings: EventSettings, say: Say, now: Timestamp) -> EventPoster {
        let scan = EpisodeScan::beginning(now.minus(LOOK_BACK).minus(WARM_UP));
        EventPoster { settings, say, scan, since: now, waiting: VecDeque::new(), has_failed: false }
    }

    fn run(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            // What fails now is looked at again in a moment; the store may only just be made.
            let _again = self.look(SystemClock.now());
            self.post();
        }
    }

    /// The minutes that are over.
    fn look(&mut self, now: Timestamp) -> Result<()> {
        let mut view = View::open(&self.settings.store)?;
        view.skip_damaged(true);
        if view.is_first_reading() {
            return Ok(());
        }
        let read = view.read_until().unwrap_or(now).min(now);
        for found in self.scan.advance(&view, read.minus(SETTLED), false)? {
            if found.episode.told >= self.since.minus(LOOK_BACK) {
                let is_new = found.episode.told >= self.since;
                self.waiting.push_back(WaitingEvent { event: self.settings.words.event(&found), is_new });
            }
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Post what waits, until one fails.
    fn post(&mut self) {
        while let Some(waiting) = self.waiting.front_mut() {
            let posted = post_once(&self.settings.graphite, &waiting.event, waiting.is_new);
            match posted {
                Err(error) => {
                    // It may have come, all the same.
                    waiting.is_new = false;
                    if !self.has_failed {
                        (self.say)(&Notice::EventFailed(error));
                    }
                    self.has_failed = true;
                    return;
                }
                Ok(EventPosting::Posted) => (self.say)(&Notice::EventPosted { what: waiting.event.what.clone() }),
                Ok(EventPosting::WasThere) => {}
            }
            self.has_failed = false;
            self.waiting.pop_front();
        }
    }
}
