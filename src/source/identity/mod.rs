//! Which generation a file holds, whatever it is called and however it is compressed.
//!
//! Who may call whom: `blocks`, `follow` and `backfill` below ask these; these ask [`compressed`](super::compressed) for bytes.
//! The files import each other in this order only: [`siblings`] (names and directories), [`compare`] (one file, one
//! generation), [`recent_bytes`], and [`find`] on top of them.

pub(crate) mod compare;
pub(crate) mod find;
pub(crate) mod recent_bytes;
pub(crate) mod siblings;
