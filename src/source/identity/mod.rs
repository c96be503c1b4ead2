//! Which generation a file holds, whatever it is called and however it is compressed.
//!
//! Who may call whom: `blocks`, `follow` and `backfill` below ask these; these ask [`compressed`](super::compressed) for bytes.
//! The files import each other in this order only: [`siblings`] (names and directories), [`homes`], [`listing`], [`compare`] (one file, one
//! generation), [`content`] (two files), [`recent_bytes`], [`find`] (from a generation to its file) and [`identify`] (from a file to
//! its generation).

pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod find;
pub(crate) mod homes;
pub(crate) mod identify;
pub(crate) mod listing;
pub(crate) mod recent_bytes;
pub(crate) mod siblings;
pub(crate) mod tail_search;
