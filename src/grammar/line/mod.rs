//! What every format needs of a line: where values stand in it, how bytes are looked for, the shapes of times, and why a
//! line does not fit. Called by all other floors, knows none.

mod reject;
mod rejected_stretch;
mod search;
mod span;
mod time_shape;

pub use reject::{Reject, RejectReason};
pub use rejected_stretch::{FEW_REJECTS, RejectedKinds, RejectedStretch};
pub use span::MAX_LINE;

pub(crate) use search::{are_address_bytes, contains_byte, find_byte, number_length};
pub(crate) use span::{CutFailure, ValueSpan, chomp};
pub(crate) use time_shape::{time_iso_end, time_local_at, time_local_end};
