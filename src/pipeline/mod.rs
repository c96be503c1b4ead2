//! From blocks of lines to counts: the same path for a report over files and for the daemon.
//!
//! `source` gives blocks, [`Interpreter`] turns each line into a record and a route, and a tally counts it:
//! [`Slots`] and [`Tally`] per route and interval for the daemon, or whatever a command wants through [`batch`].

pub mod batch;
mod filter;
mod interpreter;
mod lines;
mod rebuild;
mod recount;
pub mod retrieve;
mod slots;
mod tally;

pub use filter::{Filter, RouteFilter};
pub use interpreter::{Interpreter, Interpreting, Seen};
pub use lines::Lines;
pub use rebuild::{Recounted, recount_damaged};
pub use recount::{Recount, Unread};
pub use slots::{SlotSettings, Slots, count};
pub use tally::{Row, Slowest, Tally};
