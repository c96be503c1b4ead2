//! The thread that reads the logs.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::received_losses::ReceivedLosses;
use crate::error::Error;
use crate::source::{Follower, LogEvent};
use crate::time::{Clock, Timestamp};

/// While nothing is written to the logs, that they were read is said this often.
const SAY_AGAIN: Duration = Duration::from_secs(5);

/// What the reading thread tells.
pub(super) enum ReaderMessage {
    /// Something about a log, or a block of its lines.
    Source(LogEvent),
    /// Whether all logs were read to their ends at the last look, and when that began; said when it changes, after lines,
    /// and now and then.
    CaughtUp {
        at: Option<Timestamp>,
        /// There is a file of which it is not known yet whether it was read.
        undecided: bool,
    },
    /// Looking at the logs failed as a whole; it will be tried again.
    Failed(Error),
}

/// The state of the reading thread.
pub(super) struct LogReader {
    follower: Follower,
    losses: Arc<ReceivedLosses>,
    /// When it was said last that all logs are read; nothing if the last word was another.
    said: Option<Timestamp>,
    /// When the last look began, if it found no more to read; whether there was a file that nobody knows.
    last: Option<(Timestamp, bool)>,
}

impl LogReader {
    pub(super) fn new(follower: Follower, losses: Arc<ReceivedLosses>) -> LogReader {
        LogReader { follower, losses, said: None, last: None }
    }

    /// A buffer that a block came in is to be used again.
    pub(super) fn recycle(&mut self, empty: Vec<u8>) {
        self.follower.recycle(empty);
    }

    /// Poll the logs until `halted` is disconnected. A full channel makes this wait: reading never runs ahead of counting.
    pub(super) fn run(
        mut self,
        clock: &dyn Clock,
        poll: Duration,
        out: &Sender<ReaderMessage>,
        empties: &Receiver<Vec<u8>>,
        halted: &Receiver<()>,
    ) {
        loop {
            for empty in empties.try_iter() {
                self.recycle(empty);
            }
            let ControlFlow::Continue(caught_up) =
                self.look(clock.now(), &mut |message| send_unless_halted(out, halted, message))
            else {
                return;
            };
            let wait = if caught_up { poll } else { Duration::ZERO };
            if halted.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                if let Some(message) = self.last_words() {
                    // Whoever counts goes on until this end of the channel is gone.
                    drop(out.send(message));
                }
                return;
            }
        }
    }

    /// At a stop: that all was read at the last look, if that was not said.
    pub(super) fn last_words(&self) -> Option<ReaderMessage> {
        let (at, undecided) = self.last.filter(|(at, _)| self.said.is_some_and(|said| said != *at))?;
        Some(ReaderMessage::CaughtUp { at: Some(at), undecided })
    }

    /// Look at the logs once; whether there is no more to read for now. `out` says `Break` when it takes no more.
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        out: &mut dyn FnMut(ReaderMessage) -> ControlFlow<()>,
    ) -> ControlFlow<(), bool> {
        for lost in self.losses.take() {
            self.follower.note_lost(lost);
        }
        let mut gone = ControlFlow::Continue(());
        let progress = self.follower.poll(now, &mut |event| {
            gone = out(ReaderMessage::Source(event));
            gone
        });
        gone?;
        let (caught_up, news, undecided) = match &progress {
            Ok(progress) => (progress.caught_up, progress.read_bytes > 0, progress.undecided),
            Err(_) => (true, false, false),
        };
        self.last = (caught_up && progress.is_ok()).then_some((now, undecided));
        let due = self.said.is_none_or(|at| now < at || now >= at.plus(SAY_AGAIN));
        if let Err(error) = progress {
            out(ReaderMessage::Failed(error))?;
        } else if caught_up != self.said.is_some() || (caught_up && (news || due)) {
            self.said = caught_up.then_some(now);
            out(ReaderMessage::CaughtUp { at: self.said, undecided })?;
        }
        ControlFlow::Continue(caught_up)
    }
}

/// Send, unless told to halt while waiting for room.
fn send_unless_halted(out: &Sender<ReaderMessage>, halted: &Receiver<()>, message: ReaderMessage) -> ControlFlow<()> {
    crossbeam_channel::select_biased! {
        recv(halted) -> _ => ControlFlow::Break(()),
        send(out, message) -> sent => if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) },
    }
}
