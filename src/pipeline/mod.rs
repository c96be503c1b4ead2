//! From blocks of lines to counts: the same path for a report over files and for the daemon.
//!
//! ```text
//! Interpreter     a block of lines -> for each line its fields and its route
//!   batch         files read once by some threads -> whatever a command counts
//!   retrieve      locators and blocks of the index -> the raw lines again
//!   RowCollector  the daemon: a row a line, the ledger, the summaries of blocks         (the counting thread)
//!   CommitBuilder rows -> cells, the slowest, archived lines: a commit's lines          (the committing thread)
//!   Recount       ranges of logs that were read before -> the same commits again       (verify, index --rebuild)
//! ```

pub mod batch;
mod block_summaries;
mod cell_numbers;
mod collected_rows;
mod commit_builder;
mod filter;
mod interpreter;
mod lines;
mod raw_candidates;
mod rebuild;
mod recount;
pub mod retrieve;
mod row;
mod row_collector;
mod slot_settings;
mod slowest;

pub use collected_rows::CollectedRows;
pub use commit_builder::CommitBuilder;
pub use filter::{Filter, RouteFilter};
pub use interpreter::{Interpreter, Interpreting, RoutedRecord};
pub use lines::Lines;
pub use rebuild::{Recounted, recount_damaged};
pub use recount::{Recount, UnreadRange};
pub use row::Row;
pub use row_collector::RowCollector;
pub use slot_settings::SlotSettings;
