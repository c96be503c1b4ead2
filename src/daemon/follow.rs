//! The thread that reads the logs.

use std::ops::ControlFlow;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::error::Error;
use crate::source::{Event, Follower};
use crate::time::{Clock, Timestamp};

/// While nothing is written to the logs, that they were read is said this often. In milliseconds.
const SAY_AGAIN: i64 = 5_000;

/// What the reading thread tells.
pub(super) enum Message {
    /// Something about a log, or a block of its lines.
    Source(Event),
    /// Whether all logs were read to their ends at the last look, and when that began; said when it changes, after lines,
    /// and now and then.
    CaughtUp(Option<Timestamp>),
    /// Looking at the logs failed as a whole; it will be tried again.
    Failed(Error),
}

/// Poll the logs until `halted` is disconnected. A full channel makes this wait: reading never runs ahead of counting.
pub(super) fn follow(
    mut follower: Follower,
    clock: &dyn Clock,
    poll: Duration,
    out: &Sender<Message>,
    empties: &Receiver<Vec<u8>>,
    halted: &Receiver<()>,
) {
    let mut said: Option<Timestamp> = None;
    loop {
        for empty in empties.try_iter() {
            follower.recycle(empty);
        }
        let mut gone = false;
        let now = clock.now();
        let progress = follower.poll(now, &mut |event| {
            gone = send(out, halted, Message::Source(event)).is_break();
            if gone { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let (caught_up, news) = match &progress {
            Ok(progress) => (progress.caught_up, progress.read_bytes > 0),
            Err(_) => (true, false),
        };
        let due = said.is_none_or(|at| now < at || now >= at.plus_millis(SAY_AGAIN));
        if let Err(error) = progress {
            gone |= send(out, halted, Message::Failed(error)).is_break();
        } else if caught_up != said.is_some() || (caught_up && (news || due)) {
            said = caught_up.then_some(now);
            gone |= send(out, halted, Message::CaughtUp(said)).is_break();
        }
        let wait = if caught_up { poll } else { Duration::ZERO };
        if gone || halted.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Send, unless told to halt while waiting for room.
fn send(out: &Sender<Message>, halted: &Receiver<()>, message: Message) -> ControlFlow<()> {
    crossbeam_channel::select_biased! {
        recv(halted) -> _ => ControlFlow::Break(()),
        send(out, message) -> sent => if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) },
    }
}
