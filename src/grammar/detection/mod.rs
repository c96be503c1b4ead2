//! Which format some lines are in: `library` has the formats that people published, `detect` compares them on lines, and
//! `recognise` adds wrappers and keyed formats. Called by `cli` alone; knows all other floors.

mod detect;
pub mod library;
mod recognise;

pub use detect::{Detection, DetectionOutcome, detect};
pub use library::{Grammar, library};
pub use recognise::{Recognised, Unrecognised, recognise, recognise_in, recognise_texts, texts, wrapper_of};
