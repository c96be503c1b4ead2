//! From blocks of lines to counts: the same path for a report over files and for the daemon.
//!
//! `source` gives blocks, [`Interpreter`] turns each line into a record and a route, and a tally counts it:
//! [`RowCollector`] and [`CollectedRows`] per route and interval for the daemon, or whatever a command wants through [`batch`].

pub mod batch;
mod commit_builder;
mod filter;
mod interpreter;
mod lines;
mod raw_candidates;
mod rebuild;
mod recount;
pub mod retrieve;
mod row_collector;

pub use commit_builder::{CollectedRows, CommitBuilder, Row};
pub use filter::{Filter, RouteFilter};
pub use interpreter::{Interpreter, Interpreting, RoutedRecord};
pub use lines::Lines;
pub use rebuild::{Recounted, recount_damaged};
pub use recount::{Recount, UnreadRange};
pub use row_collector::{RowCollector, SlotSettings, count};
