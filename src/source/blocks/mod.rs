//! Blocks of whole lines, and the events that reading gives.
//!
//! Who may call whom: `follow` and `backfill` cut what they read with [`cutter`] and tell it as [`event`]s; a file that is read once
//! is an [`input`]; what was read before is read again through [`line_reader`] and [`range_reader`]. These ask the floors above
//! for bytes and for where a generation is.

pub(crate) mod cutter;
pub(crate) mod event;
pub(crate) mod input;
pub(crate) mod line_reader;
pub(crate) mod range_reader;
