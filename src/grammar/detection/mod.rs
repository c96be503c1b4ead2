//! Which format some lines are in: `library` has the formats that people published, `detect` compares them on lines, and
//! `recognise` adds wrappers and keyed formats. Called by `cli` alone; knows all other floors.

mod attempts;
mod bare_address;
mod columns;
mod detect;
mod error_log;
mod facts;
mod foreign;
pub mod library;
mod mirrors;
mod named_tail;
mod oddities;
mod recognise;
mod unread;

pub use bare_address::BARE_ADDRESS;
pub use columns::assumes_request_time;
pub use detect::{Detection, DetectionOutcome, MixedPart, detect};
pub use foreign::{ForeignFormat, ForeignLines, foreign_lines};
pub use library::{Grammar, library};
pub use mirrors::Doubt;
pub use named_tail::{AND_NAMED, named_keys};
pub use recognise::{Recognised, Unrecognised, recognise, recognise_in, recognise_texts, texts, wrapper_of};
pub use unread::{AND_MORE, unread_tails};
