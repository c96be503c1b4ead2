//! The store: one folder that leads from any window and route back to the raw lines.
//!
//! One [`Writer`] appends atomic [`Commit`]s to a journal, and seals full journals into immutable segments. Any
//! number of readers open a [`View`] beside it; they never lock and never write. FORMAT.md says every byte.

mod account;
mod archive;
mod block;
mod cell;
mod coder;
mod commit;
mod damage;
mod delivery;
mod encode;
mod entry;
mod generation;
mod journal;
mod ledger;
mod level;
mod lock;
mod manifest;
mod medium;
mod mend;
mod merge;
mod packed;
mod points;
mod query;
mod ranges;
mod rank;
mod recent;
mod retention;
mod rollup;
mod segment;
mod settings;
mod state;
mod tend;
mod totals;
mod view;
mod writer;

#[cfg(test)]
mod tests;

pub use account::{Account, Unread};
pub use archive::{ARCHIVED_MAX, ArchivedLine};
pub use block::{BLOCK_BYTES, BlockSummary, Rejects, coarse};
pub use commit::Commit;
pub use delivery::Delivery;
pub use entry::{Entry, Kept, Locator};
pub use ledger::{FIRST_REJECTS, How, Ledger, Loss};
pub use medium::{Disk, Medium, Sink, Source};
pub use mend::Damaged;
pub use query::{By, Query};
pub use ranges::LogRange;
pub use retention::{Expired, Retention};
pub use settings::{SEAL_BYTES, Settings};
pub use tend::Tended;
pub use view::View;
pub use writer::Writer;
