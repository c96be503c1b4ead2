//! What `top` shows on a terminal: a state that keys change, and its drawing on cells.
//!
//! ```text
//! top_state    which routes in which order, what is chosen, what is open; a key changes it, or asks for something to be read
//! top_columns  the columns of the list, as many as a terminal is wide
//! blocks       numbers as blocks of eight heights
//! top_drawing  the state as cells: a head, a list or what is open, the keys
//! ```
//!
//! Nothing here reads a store, a key or the clock: what is shown is handed in, so that a test can draw it. All text goes through
//! `safe`, which shows what a terminal would obey.

mod blocks;
mod top_columns;
mod top_drawing;
mod top_state;

#[cfg(test)]
mod tests;

pub use blocks::BlockStyle;
pub use top_drawing::{TopLook, draw_top};
pub use top_state::{LiveOrder, OpenRoute, OpenText, SlowLineShown, TopKey, TopOrder, TopState};
