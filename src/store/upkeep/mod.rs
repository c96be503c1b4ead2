//! What the writer does for a store that grows old or was damaged: fewer and larger segments, roll-ups, retention, repair.

pub(crate) mod compaction;
pub(crate) mod maintenance;
pub(crate) mod repair;
pub(crate) mod retention;
pub(crate) mod rollup;
