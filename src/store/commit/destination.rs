//! What one destination of points (a carbon) has been sent and is still owed.

use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};
use crate::time::Timestamp;

/// One destination's account. In a commit it replaces the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationProgress {
    /// The destination's stable name.
    pub destination: String,
    /// Every slot that starts before this was sent, except those in `pending`.
    pub emitted_until: Timestamp,
    /// Starts of slots still owed, ascending.
    pub pending: Vec<Timestamp>,
    /// Points given up because the spool was full.
    pub dropped: u64,
}

impl Encode for DestinationProgress {
    fn encode(&self, out: &mut Encoder) {
        out.bytes(self.destination.as_bytes());
        out.signed(self.emitted_until.0);
        out.varint(self.dropped);
        out.count(self.pending.len());
        let mut last = 0;
        for slot in &self.pending {
            out.signed(slot.0.wrapping_sub(last));
            last = slot.0;
        }
    }
}

impl Decode for DestinationProgress {
    fn decode(from: &mut Decoder<'_>) -> Decoded<DestinationProgress> {
        let destination = from.text()?;
        let emitted_until = Timestamp(from.signed()?);
        let dropped = from.varint()?;
        let mut pending = Vec::new();
        let mut last = 0i64;
        for _ in 0..from.count()? {
            last = last.wrapping_add(from.signed()?);
            pending.push(Timestamp(last));
        }
        Ok(DestinationProgress { destination, emitted_until, pending, dropped })
    }
}
