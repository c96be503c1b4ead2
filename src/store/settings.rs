//! What a store is made with.

use crate::store::disk::access::StoreAccess;
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};

use std::time::Duration;

/// A journal of this many bytes is due for sealing. All of it is read when the store is opened, some 10 ms and 4 MiB of memory for
/// each MiB; small segments are merged.
pub const SEAL_BYTES: u64 = 4 * 1024 * 1024;

/// How much of the past a store keeps. Nothing given is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The age up to which slow entries, block summaries, archived lines and cells of the store's interval and of minutes are kept.
    pub keep: Option<Duration>,
    /// The same of cells rolled up to ten minutes and hours; never less than `keep`.
    pub keep_histograms: Option<Duration>,
    /// The most bytes of segments and journal.
    pub keep_bytes: Option<u64>,
}

/// What a store is made with. `interval` cannot change in the life of a store; the others may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The length of a slot, in whole milliseconds.
    pub interval: Duration,
    /// How many of the slowest requests of each route and slot are kept.
    pub slowest: u32,
    /// At which size a journal is sealed; not stored.
    pub seal_bytes: u64,
    /// How much of the past is kept; not stored.
    pub retention: Retention,
    /// Who may read it; not stored.
    pub access: StoreAccess,
}

impl Default for StoreSettings {
    fn default() -> StoreSettings {
        StoreSettings {
            interval: Duration::from_secs(10),
            slowest: 5,
            seal_bytes: SEAL_BYTES,
            retention: Retention::default(),
            access: StoreAccess::default(),
        }
    }
}

impl Encode for StoreSettings {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX));
        out.varint(u64::from(self.slowest));
    }
}

impl Decode for StoreSettings {
    fn decode(from: &mut Decoder<'_>) -> Decoded<StoreSettings> {
        let interval = Duration::from_millis(from.varint()?);
        Ok(StoreSettings {
            interval,
            slowest: from.varint_as()?,
            seal_bytes: SEAL_BYTES,
            retention: Retention::default(),
            access: StoreAccess::default(),
        })
    }
}
