//! The thread that writes to one carbon.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use crate::carbon::{Link, LinkState, Points};
use crate::time::Timestamp;

/// Rendered slots on their way to a destination.
pub(super) struct RenderedSlots {
    /// The slots inside, whole.
    pub(super) slots: Vec<Timestamp>,
    /// Their points.
    pub(super) points: Points,
}

/// What became of a batch.
pub(super) struct SendOutcome {
    /// Which destination.
    pub(super) outlet: usize,
    /// The batch's slots.
    pub(super) slots: Vec<Timestamp>,
    /// The batch's buffer, to be used again.
    pub(super) points: Points,
    /// The connection was made anew before this batch: what was written to the old one may never have arrived.
    pub(super) reconnected: bool,
    /// What failed, and when to try again.
    pub(super) failed: Option<(String, Instant)>,
}

/// Send batches until the channel closes. Waiting (connecting, writing) is bounded by the destination's time-outs.
pub(super) fn push(outlet: usize, mut link: Link, batches: &Receiver<RenderedSlots>, outcomes: &Sender<SendOutcome>) {
    for RenderedSlots { slots, points } in batches {
        let sent = link.send(&points, Instant::now());
        let reconnected = link.reconnected();
        let failed = sent.err().map(|error| (error.to_string(), next_try(&link)));
        if outcomes.send(SendOutcome { outlet, slots, points, reconnected, failed }).is_err() {
            return;
        }
    }
}

fn next_try(link: &Link) -> Instant {
    match link.state() {
        LinkState::Down { next_try, .. } => next_try,
        LinkState::Connected | LinkState::Untried => Instant::now(),
    }
}
