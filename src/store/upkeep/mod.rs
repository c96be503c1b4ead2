//! What is done for a store that grows old or was damaged: fewer and larger segments, roll-ups, retention, repair.
//!
//! The writer calls [`maintenance`] (which says when, and calls [`compaction`] and [`retention`]) and [`repair`]. They work on
//! the manifest in force and on a view's segments, and know no writer. Each step is one new manifest, so that a crash leaves
//! all of it or nothing.

pub(crate) mod compaction;
mod compaction_output;
pub(crate) mod kept_bytes;
pub(crate) mod maintenance;
pub(crate) mod repair;
pub(crate) mod retention;
pub(crate) mod rollup;
