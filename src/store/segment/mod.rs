//! What is sealed: immutable, sorted, checksummed files, and beside each the ranges of lines that it was made of.
//!
//! [`builder`] writes one, [`reader`] answers from one; [`streams`] goes through one in order, for compaction, and
//! [`salvage`] reads what damage left of one, for repair. It calls `commit`, `disk` and `encoding`; the manifest, views, the
//! writer and upkeep call it.

pub(crate) mod builder;
pub(crate) mod directory;
pub(crate) mod entry_blocks;
pub(crate) mod info;
pub(crate) mod log_ranges;
pub(crate) mod reader;
pub(crate) mod salvage;
pub(crate) mod streams;
