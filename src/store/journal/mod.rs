//! What is committed and not sealed yet: the journal's file, and what it says, in memory.
//!
//! [`record`] writes and replays the file; a replay gives a [`state`] (what is known of the whole store) and a [`memtable`]
//! (what no segment holds yet). Views read both, the writer appends. It calls `commit`, `segment` (ranges of lines) and the
//! floors above them.

pub(crate) mod appender;
pub(crate) mod lost_records;
pub(crate) mod memtable;
pub(crate) mod record;
pub(crate) mod state;
