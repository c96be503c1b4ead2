//! The daemon without its threads: one look, one message, one commit at a time, as its owner says. It is what the threads
//! are made of, so that a test can stop it, or let it crash, between any two of its steps.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::committer::Committer;
use super::destinations::Destinations;
use super::line_counter::{CountedLines, LineCounter};
use super::log_reader::{LogReader, ReaderMessage};
use super::notice::Say;
use super::opened::OpenedDaemon;
use super::settings::DaemonSettings;
use super::threads::BLOCKS_WAITING;
use crate::error::Result;
use crate::source::LogEvent;
use crate::store::View;
use crate::time::Clock;

/// A daemon that does nothing by itself, and has no destinations. Dropping it is a crash: what was not committed is gone.
pub struct Stepwise {
    clock: Arc<dyn Clock>,
    reader: LogReader,
    counter: LineCounter,
    committer: Committer,
    empty_sender: Sender<Vec<u8>>,
    empties: Receiver<Vec<u8>>,
    /// Read, and not counted yet.
    messages: VecDeque<ReaderMessage>,
    /// Counted, and not kept yet.
    counted: VecDeque<CountedLines>,
}

impl Stepwise {
    /// Opens the store as [`run`](super::run) does. `block_limit`: about how many bytes of a log are read at a time.
    ///
    /// # Errors
    /// As [`run`](super::run).
    pub fn open(settings: DaemonSettings, clock: Arc<dyn Clock>, say: &Say, block_limit: usize) -> Result<Stepwise> {
        let OpenedDaemon { reader, counter, writer, pending, emitted_until } =
            OpenedDaemon::open(&settings, &clock, say, block_limit)?;
        let destinations = Destinations::resume(Vec::new(), &settings, clock.now(), emitted_until);
        let own_clock = Arc::clone(&clock);
        let committer = Committer::new(Arc::new(settings), writer, pending, destinations, own_clock, Arc::clone(say));
        let (empty_sender, empties) = bounded(BLOCKS_WAITING + 2);
        let (messages, counted) = (VecDeque::new(), VecDeque::new());
        Ok(Stepwise { clock, reader, counter, committer, empty_sender, empties, messages, counted })
    }

    /// Looks at the logs once; whether there is no more to read for now. `each` is shown what was found.
    pub fn look(&mut self, mut each: impl FnMut(&LogEvent)) -> bool {
        for empty in self.empties.try_iter() {
            self.reader.recycle(empty);
        }
        let messages = &mut self.messages;
        let looked = self.reader.look(self.clock.now(), &mut |message| {
            if let ReaderMessage::Source(event) = &message {
                each(event);
            }
            messages.push_back(message);
            ControlFlow::Continue(())
        });
        looked == ControlFlow::Continue(true)
    }

    /// How much was found and is not counted yet.
    pub fn uncounted(&self) -> usize {
        self.messages.len()
    }

    /// Counts at most so much of what was found.
    pub fn count(&mut self, most: usize) {
        for message in self.messages.drain(..most.min(self.messages.len())) {
            self.counter.on_message(message, &self.empty_sender);
        }
    }

    /// Hands on what was counted since the last time, if anything was.
    pub fn hand_on(&mut self) {
        if self.counter.has_news() {
            let counted = self.counter.hand_on();
            self.counted.push_back(counted);
        }
    }

    /// Commits at most so many of what was handed on, each by itself.
    pub fn keep(&mut self, most: usize) {
        for counted in self.counted.drain(..most.min(self.counted.len())) {
            self.committer.on_counted(counted);
        }
    }

    /// Closes slots that are over, merges and throws away what is due in the store.
    pub fn attend(&mut self) {
        self.committer.tick(self.counted.len());
    }

    /// Seals the journal, however small.
    ///
    /// # Errors
    /// As [`Writer::seal`](crate::store::Writer::seal).
    pub fn seal(&mut self) -> Result<()> {
        self.committer.seal()
    }

    /// The store as of the last commit.
    pub fn view(&self) -> &View {
        self.committer.view()
    }

    /// A clean stop: everything that was found is committed.
    ///
    /// # Errors
    /// The last commit failed.
    pub fn stop(mut self) -> Result<()> {
        self.messages.extend(self.reader.last_words());
        self.count(usize::MAX);
        self.hand_on();
        let counted = std::mem::take(&mut self.counted);
        self.committer.finish(counted.into_iter(), &crossbeam_channel::never())
    }
}
