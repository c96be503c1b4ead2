//! The store: one folder that leads from any window and route back to the raw lines.
//!
//! One [`Writer`] appends atomic [`Commit`]s to a journal, and seals full journals into immutable segments. Any
//! number of readers open a [`View`] beside it; they never lock and never write. FORMAT.md says every byte.

mod commit;
mod disk;
mod encoding;
mod entry_query;
mod journal;
mod manifest;
mod query;
mod resolution;
mod segment;
mod settings;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

pub use commit::Commit;
pub use commit::archived_lines::{ARCHIVED_MAX, ArchivedLine};
pub use commit::block_summary::{BLOCK_BYTES, BlockSummary, Rejects, coarse};
pub use commit::destination::Delivery;
pub use commit::entry::{Entry, Kept, Locator};
pub use commit::ledger::{FIRST_REJECTS, How, Ledger, Loss};
pub use disk::medium::{Disk, Medium, Sink, Source};
pub use entry_query::{By, Query};
pub use manifest::Expired;
pub use query::completeness::{Account, Unread};
pub use query::view::View;
pub use segment::log_ranges::LogRange;
pub use settings::{Retention, SEAL_BYTES, Settings};
pub use upkeep::maintenance::Tended;
pub use upkeep::repair::Damaged;
pub use writer::Writer;
