//! One path looks like one endless stream of blocks of lines: generations, rotation, compression.

pub mod generation;
