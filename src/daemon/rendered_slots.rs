//! What goes through a destination's queue and what comes back, and the thread at its far end.

use crossbeam_channel::{Receiver, Sender};

use super::outlet::{CarriedBatch, SlotBatch, SlotCarrier};
use crate::time::Timestamp;

/// Rendered slots on their way to a destination.
pub(super) struct RenderedSlots {
    /// The slots inside, whole.
    pub(super) slots: Vec<Timestamp>,
    /// What is sent of them.
    pub(super) batch: SlotBatch,
}

/// What became of a batch.
pub(super) struct SendOutcome {
    /// The number of the destination.
    pub(super) destination: usize,
    /// The batch's slots.
    pub(super) slots: Vec<Timestamp>,
    /// The batch's buffer, to be used again.
    pub(super) batch: SlotBatch,
    pub(super) carried: CarriedBatch,
}

/// Send batches until the channel closes.
pub(super) fn send_batches(
    destination: usize,
    mut carrier: SlotCarrier,
    batches: &Receiver<RenderedSlots>,
    outcomes: &Sender<SendOutcome>,
) {
    for RenderedSlots { slots, batch } in batches {
        let carried = carrier.carry(&batch);
        if outcomes.send(SendOutcome { destination, slots, batch, carried }).is_err() {
            return;
        }
    }
}
