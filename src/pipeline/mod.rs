//! From blocks of lines to counts: the same path for a report over files and for the daemon.
//!
//! ```text
//! Interpreter     a block of lines -> for each line its fields and its route
//!   batch         files read once by some threads -> whatever a command counts
//!   retrieve      locators and blocks of the index -> the raw lines again; scan_in_parallel on several threads
//!   kept          what the index proves without them
//!   lacking       what an answer of the store lacks, in words
//!   RowCollector  the daemon: a row a line, the ledger, the summaries of blocks         (the counting thread)
//!   CommitBuilder rows -> cells, the slowest, archived lines: a commit's lines          (the committing thread)
//!   read_rejected lines that were rejected, in another format              (index --again)
//!   Recount       ranges of logs that were read before -> the same commits again       (verify, index --rebuild)
//! ```
//!
//! - A line becomes the same record, route and slot whoever reads it: `report`, the daemon and `verify` share
//!   [`Interpreter`], so that their numbers can be compared to the last request.
//! - What a line adds depends on the line alone, not on when it was read or where a block or a commit was cut. So work done
//!   twice after a crash comes to the same, and a damaged segment can be counted again ([`Recount`]).
//! - One line costs a [`Row`] of fixed size and no allocation. Histograms are filled cell by cell on the committing thread,
//!   where a cell's rows are brought together first; a histogram a line touches other memory each time.
//! - Memory is bounded by what lies between two commits, and by [`RouteId`](crate::route::RouteId)s, of which there are at
//!   most `routes_max`.
//!
//! `interpreter` and `lines` know nothing of the rest. `row_collector` and `commit_builder` meet only in `collected_rows`,
//! which goes from the one thread to the other.

mod asked_where;
pub mod batch;
mod block_summaries;
mod cell_numbers;
mod collected_rows;
mod commit_builder;
mod filter;
mod interpreter;
mod interpreting;
mod kept;
mod lacking;
mod line_readers;
mod lines;
mod lines_again;
mod parallel_scan;
mod raw_candidates;
mod rebuild;
mod recount;
pub mod retrieve;
mod routed_record;
mod row;
mod row_collector;
mod rules_in_force;
mod series_members;
mod slot_settings;
mod slowest;
mod span_words;
mod stored_names;
mod untaken_files;
mod where_fields;

pub use collected_rows::CollectedRows;
pub use commit_builder::CommitBuilder;
pub use filter::{Filter, RouteFilter};
pub use interpreter::{ChangeEvidence, Interpreter, SeenLine};
pub use interpreting::Interpreting;
pub use kept::{AskedRules, CountedBy, all_kept, common_threshold, counted_by};
pub use lacking::{WindowLacks, damaged_journals, store_lacks, torn_words, window_lacks, zone_words};
pub use line_readers::{LineReaders, NeedsOfFormat, StretchReader, holds_format};
pub use lines::Lines;
pub use lines_again::{AgainSettings, TakenAgain, read_rejected};
pub use parallel_scan::{LineTally, ScanWorker, scan_in_parallel};
pub use rebuild::{Recounted, recount_damaged};
pub use recount::{Recount, UnreadRange};
pub use routed_record::RoutedRecord;
pub use row::Row;
pub use row_collector::RowCollector;
pub use rules_in_force::{newest_rules, other_rules_until, other_rules_words};
pub use slot_settings::SlotSettings;
pub use stored_names::{askable_names, asks_beside_routes, asks_for_members, file_names, route_names, wanted_routes};
pub use where_fields::{
    check_where, check_where_of_routes, check_where_of_store, routes_of_conditions, stored_formats,
};
