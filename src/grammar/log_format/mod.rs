//! Lines cut by position: the text of a log_format taken apart (`text`), compiled to a plan (`plan`: how values are told
//! apart is written down there; its steps are `cut_rule`'s), by which `cut` takes a line apart and says why one does not
//! fit. For whole blocks of lines `fast_cut` goes the same way by the places of quotes that `quote_index` found.
//! Where texts stand side by side (`doubt`), a line is looked at for a second way to read it (`doubtful_cut`).
//!
//! Called by [`Format`](super::Format), and by `record` and `pipeline` for the hot loop; knows `line` and `variables`.

mod cut;
mod cut_rule;
mod doubt;
mod doubtful_cut;
mod fast_cut;
mod last_value;
mod literal;
mod plan;
mod quote_index;
mod seen_places;
mod target_place;
mod text;

pub(crate) use fast_cut::FastCut;
pub(crate) use plan::{Plan, compile};
pub(crate) use quote_index::QuoteIndex;
pub(crate) use target_place::targets_by_place;
pub(crate) use text::split_pieces;
